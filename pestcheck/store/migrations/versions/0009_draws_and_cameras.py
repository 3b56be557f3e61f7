"""Draws for a second look, the camera of a photograph, and indexes for what is counted over many inspections."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

INDEXES = {
    "ix_finding_counted": ("finding", ["state", "view_id", "decided_label", "cargo"]),
    "ix_answer_counted": ("answer", ["state", "area", "inspection_id", "result"]),
}


def upgrade() -> None:
    with op.batch_alter_table("photograph", recreate="never") as batch:
        batch.add_column(sa.Column("camera", sa.String))
    texts = ("number", "key", "day", "site", "proposal", "root", "drawn_by", "drawn_at")
    op.create_table(
        "draw",
        sa.Column("id", sa.String, primary_key=True),
        *(sa.Column(name, sa.String, nullable=False) for name in texts),
        *(sa.Column(name, sa.Float, nullable=False) for name in ("value", "share", "factor", "risk")),
        *(sa.Column(name, sa.JSON, nullable=False) for name in ("base", "reasons")),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("inspection_id", sa.String),
        sa.Column("chosen", sa.String),
        sa.UniqueConstraint("key", "day", "site"),
    )
    op.create_index("ix_draw_drawn_at", "draw", ["drawn_at"])
    op.create_index("ix_draw_inspection_id", "draw", ["inspection_id"])
    for name, (table, columns) in INDEXES.items():
        op.create_index(name, table, columns)


def downgrade() -> None:
    for name, (table, _) in INDEXES.items():
        op.drop_index(name, table)
    op.drop_table("draw")
    with op.batch_alter_table("photograph", recreate="never") as batch:
        batch.drop_column("camera")
