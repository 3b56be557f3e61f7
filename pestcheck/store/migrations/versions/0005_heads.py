"""Signed tree heads, the keys that sign them, what is kept apart of events, and what a copy of a photograph is known by."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def _text(name: str, *, key: bool = False, empty: bool = False) -> sa.Column:
    return sa.Column(name, sa.String, primary_key=key, nullable=empty)


def upgrade() -> None:
    with op.batch_alter_table("event") as event:
        event.add_column(_text("apart", empty=True))
        event.drop_index("ix_event_inspection_id")
        event.create_index("ix_event_inspection_id_seq", ["inspection_id", "seq"])
    op.add_column("photograph", _text("picture", empty=True))
    op.add_column("export", sa.Column("inspections", sa.JSON))
    op.create_table(
        "signingkey", _text("id", key=True), _text("public_key"), _text("previous", empty=True), _text("endorsement", empty=True),
        _text("made_at"), _text("made_by"),
    )  # fmt: skip
    op.create_table(
        "signedhead", _text("id", key=True), sa.Column("size", sa.Integer, nullable=False, index=True), _text("root"), _text("at"),
        _text("key_id"), _text("note"), _text("stamp", empty=True),
    )  # fmt: skip


def downgrade() -> None:
    """What was kept apart (where photographs were taken) is forgotten, and heads that were signed."""
    op.drop_table("signedhead")
    op.drop_table("signingkey")
    for table, column in (("export", "inspections"), ("photograph", "picture")):
        with op.batch_alter_table(table) as changed:
            changed.drop_column(column)
    with op.batch_alter_table("event") as event:
        event.drop_index("ix_event_inspection_id_seq")
        event.create_index("ix_event_inspection_id", ["inspection_id"])
        event.drop_column("apart")
