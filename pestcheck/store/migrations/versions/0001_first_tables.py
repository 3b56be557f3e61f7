"""The first tables: the log and its head, inspections, photographs, findings, answers."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "event",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("id", sa.String, nullable=False, unique=True),
        sa.Column("at", sa.String, nullable=False, index=True),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False, index=True),
        sa.Column("body", sa.String, nullable=False),
        sa.Column("leaf", sa.String, nullable=False),
    )
    op.create_table(
        "head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("root", sa.String, nullable=False),
        sa.Column("frontier", sa.JSON, nullable=False),
    )
    op.create_table(
        "inspection",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("container_number", sa.String, nullable=False, index=True),
        sa.Column("number_problem", sa.String),
        sa.Column("override_reason", sa.String),
        sa.Column("template", sa.String, nullable=False),
        sa.Column("template_version", sa.Integer, nullable=False),
        sa.Column("inspector", sa.String, nullable=False),
        sa.Column("opened_at", sa.String, nullable=False, index=True),
        sa.Column("closed_at", sa.String),
        sa.Column("closed_by", sa.String),
    )
    op.create_table(
        "photograph",
        sa.Column("sha256", sa.String, primary_key=True),
        sa.Column("media_type", sa.String, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("taken_at", sa.String),
        sa.Column("latitude", sa.Float),
        sa.Column("longitude", sa.Float),
    )
    op.create_table(
        "view",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("inspection_id", sa.String, sa.ForeignKey("inspection.id"), nullable=False, index=True),
        sa.Column("area", sa.String, nullable=False),
        sa.Column("sha256", sa.String, sa.ForeignKey("photograph.sha256"), nullable=False, index=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("added_at", sa.String, nullable=False),
        sa.Column("added_by", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False, index=True),
        sa.Column("verdict", sa.String),
        sa.Column("score", sa.Float),
        sa.Column("problems", sa.JSON, nullable=False),
        sa.Column("model", sa.String),
        sa.Column("thresholds", sa.String),
        sa.Column("seconds", sa.Float),
        sa.Column("error", sa.String),
        sa.UniqueConstraint("inspection_id", "area", "sha256"),
    )
    op.create_table(
        "finding",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("view_id", sa.String, sa.ForeignKey("view.id"), nullable=False, index=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("label", sa.String, nullable=False),
        sa.Column("group", sa.String, nullable=False),
        sa.Column("probability", sa.Float, nullable=False),
        sa.Column("candidates", sa.JSON, nullable=False),
        sa.Column("box", sa.JSON, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False, index=True),
        sa.Column("decided_label", sa.String),
        sa.Column("decided_by", sa.String),
        sa.Column("decided_at", sa.String),
    )
    op.create_table(
        "answer",
        sa.Column("inspection_id", sa.String, sa.ForeignKey("inspection.id"), primary_key=True),
        sa.Column("area", sa.String, primary_key=True),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("result", sa.String),
        sa.Column("note", sa.String, nullable=False),
        sa.Column("answered_by", sa.String, nullable=False),
        sa.Column("answered_at", sa.String, nullable=False),
    )


def downgrade() -> None:
    for table in ("answer", "finding", "view", "photograph", "inspection", "head", "event"):
        op.drop_table(table)
