"""Models in use and data sets."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def _text(name: str, *, key: bool = False, empty: bool = False) -> sa.Column:
    return sa.Column(name, sa.String, primary_key=key, nullable=empty)


def _json(name: str) -> sa.Column:
    return sa.Column(name, sa.JSON, nullable=False)


def upgrade() -> None:
    op.create_table(
        "promotion", _text("id", key=True), sa.Column("position", sa.Integer, nullable=False, unique=True), _text("model"), _text("replaces"),
        _json("files"), _json("compared"), _text("reason"), _text("promoted_by"), _text("promoted_at"),
        *(_text(name, empty=True) for name in ("rolled_back_at", "rolled_back_by", "rolled_back_reason")),
    )  # fmt: skip
    op.create_table("modelfile", _text("sha256", key=True), _text("name"))
    op.create_table(
        "dataset", _text("name", key=True), _text("sha256"), _text("licence"), _text("consent"), _json("items"), _json("left_out"),
        _text("made_by"), _text("made_at"),
    )  # fmt: skip


def downgrade() -> None:
    """What was in use, and what a data set held, stays in the log."""
    for table in ("dataset", "modelfile", "promotion"):
        op.drop_table(table)
