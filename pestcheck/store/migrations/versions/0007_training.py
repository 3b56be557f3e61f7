"""Quizzes, what people answered in them, and trainings held for several at once."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def _text(name: str, *more: sa.ForeignKey, key: bool = False, empty: bool = False, index: bool = False) -> sa.Column:
    return sa.Column(name, sa.String, *more, primary_key=key, nullable=empty, index=index)


def _json(name: str, *, empty: bool = False) -> sa.Column:
    return sa.Column(name, sa.JSON, nullable=empty)


def upgrade() -> None:
    op.create_table(
        "picturequestion", _text("id", key=True), _text("sha256", index=True), sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False), _json("things"), *(_text(name) for name in ("stage", "because", "source")),
        _text("made_by"), _text("made_at"), _text("withdrawn_at", empty=True), _text("withdrawn_reason", empty=True),
    )  # fmt: skip
    op.create_table(
        "quiz", _text("id", key=True), _text("title"), _json("topics"), _json("questions"), sa.Column("asked", sa.Integer),
        sa.Column("pass_mark", sa.Float, nullable=False), sa.Column("months", sa.Integer, nullable=False), _json("sites", empty=True),
        _text("made_by"), _text("made_at"), _text("withdrawn_at", empty=True), _text("withdrawn_reason", empty=True),
    )  # fmt: skip
    op.create_table(
        "quizattempt", _text("id", key=True), _text("quiz_id", sa.ForeignKey("quiz.id"), index=True), _text("account", index=True), _text("person"),
        _json("questions"), _text("started_at"), _text("finished_at", empty=True), sa.Column("score", sa.Float), sa.Column("found", sa.Float),
        sa.Column("passed", sa.Boolean), _json("certificates"),
    )  # fmt: skip
    op.create_table(
        "quizanswer", _text("attempt_id", sa.ForeignKey("quizattempt.id"), key=True), _text("question", key=True), _json("given"), _json("parts"),
        _text("answered_at"),
    )  # fmt: skip
    op.create_table(
        "course", _text("id", key=True), _text("title"), _text("held_on", index=True), _text("expires_on"), _text("given_by"), _json("topics"),
        _json("attendees"), _text("reference"), _json("certificates"), _text("recorded_by"), _text("recorded_at"),
    )  # fmt: skip


def downgrade() -> None:
    """They follow from the log, which stays."""
    for table in ("course", "quizanswer", "quizattempt", "quiz", "picturequestion"):
        op.drop_table(table)
