"""What trainers say of photographs, and the order in which they get them."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def _text(name: str, *more: sa.ForeignKey, key: bool = False, empty: bool = False, index: bool = False) -> sa.Column:
    return sa.Column(name, sa.String, *more, primary_key=key, nullable=empty, index=index)


def _yes_no(name: str, *, index: bool = False) -> sa.Column:
    return sa.Column(name, sa.Boolean, nullable=False, index=index)


def _list(name: str) -> sa.Column:
    return sa.Column(name, sa.JSON, nullable=False)


def _number(name: str, *, key: bool = False) -> sa.Column:
    return sa.Column(name, sa.Integer, primary_key=key, nullable=False)


def upgrade() -> None:
    op.create_table(
        "review", _text("id", key=True), _text("view_id", sa.ForeignKey("view.id"), index=True), _number("position"), _text("outcome"),
        _list("marks"), _text("comment"), _list("why"), _yes_no("blind"), _yes_no("expert"), _text("reviewer", index=True),
        _text("reviewed_at", index=True), *(_text(f"withdrawn_{name}", empty=True) for name in ("at", "by", "reason")),
    )  # fmt: skip
    op.create_table(
        "reviewstate",
        _text("view_id", sa.ForeignKey("view.id"), key=True),
        _text("status", index=True),
        _number("opinions"),
        _list("reviews"),
    )
    # No references from here on: what follows from the events is made anew, and these are not in them.
    op.create_table("claim", _text("view_id", key=True), _text("person", key=True), _text("until"), _yes_no("opened"))
    op.create_table(
        "queued", _text("view_id", key=True), _text("inspection_id", index=True), _number("priority"), _list("reasons"),
        *(_text(name) for name in ("status", "site", "inspector", "model", "labels", "added_at")), _yes_no("stale", index=True),
    )  # fmt: skip
    op.create_index("ix_queued_order", "queued", ["priority", "view_id"])
    op.create_table("queuehead", _number("id", key=True), _number("seq"), _number("version"), _list("facts"), _text("facts_at"))


def downgrade() -> None:
    """What trainers said stays in the log."""
    for table in ("queuehead", "queued", "claim", "reviewstate", "review"):
        op.drop_table(table)
