"""What people found, counted as it changes."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "contamination",
        sa.Column("inspection_id", sa.String(), sa.ForeignKey("inspection.id"), primary_key=True),
        sa.Column("area", sa.String(), primary_key=True),
        sa.Column("label", sa.String(), primary_key=True),
        sa.Column("n", sa.Integer(), nullable=False),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("contamination")
