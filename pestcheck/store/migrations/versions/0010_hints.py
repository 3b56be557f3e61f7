"""What add-on models say findings resemble."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "hint", sa.Column("finding_id", sa.String, sa.ForeignKey("finding.id"), primary_key=True),
        *(sa.Column(name, sa.String, nullable=False) for name in ("addon", "thresholds", "taxon", "rank")),
        sa.Column("probability", sa.Float, nullable=False), sa.Column("species", sa.JSON, nullable=False), sa.Column("listed", sa.String),
        sa.Column("agrees", sa.Boolean), sa.Column("hinted_at", sa.String, nullable=False),
    )  # fmt: skip


def downgrade() -> None:
    """The hints stay in the log."""
    op.drop_table("hint")
