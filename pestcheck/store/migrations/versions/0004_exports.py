"""What was taken out of the records."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "export", sa.Column("id", sa.String, primary_key=True), sa.Column("what", sa.String, nullable=False),
        sa.Column("format", sa.String, nullable=False), sa.Column("part", sa.String), sa.Column("filter", sa.JSON, nullable=False),
        sa.Column("rows", sa.Integer), sa.Column("sha256", sa.String), sa.Column("size", sa.Integer),
        sa.Column("location", sa.Boolean, nullable=False),
        sa.Column("inspection_id", sa.String, sa.ForeignKey("inspection.id"), index=True),
        sa.Column("exported_by", sa.String, nullable=False), sa.Column("exported_at", sa.String, nullable=False, index=True),
    )  # fmt: skip


def downgrade() -> None:
    """Who took what out stays in the log."""
    op.drop_table("export")
