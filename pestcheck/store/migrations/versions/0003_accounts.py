"""Accounts, tokens of machines, and what is secret of them: hashes, sessions, wrong passwords."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def _text(name: str, *more: sa.ForeignKey, key: bool = False, empty: bool = False, index: bool = False, unique: bool = False) -> sa.Column:
    return sa.Column(name, sa.String, *more, primary_key=key, nullable=empty, index=index, unique=unique)


def upgrade() -> None:
    op.create_table(
        "account", _text("id", key=True), _text("name"), _text("key", unique=True), _text("role"), sa.Column("sites", sa.JSON),
        _text("subject", empty=True, unique=True), _text("opened_at"), _text("opened_by"),
        *(_text(name, empty=True) for name in ("password_set_at", "pin_set_at", "disabled_at")),
        sa.Column("version", sa.Integer, nullable=False),
    )  # fmt: skip
    op.create_table(
        "token", _text("id", key=True), _text("account_id", sa.ForeignKey("account.id"), index=True), _text("label"), _text("given_at"),
        _text("given_by"), _text("expires_at"), _text("withdrawn_at", empty=True),
    )  # fmt: skip
    # No references to the tables above: those are made anew from the log, and these are not in it.
    op.create_table("secret", _text("account_id", key=True), _text("password", empty=True), _text("pin", empty=True))
    op.create_table("tokenhash", _text("hash", key=True), _text("token_id"))
    op.create_table(
        "login", _text("hash", key=True), _text("account_id", index=True), _text("started_at"), _text("seen_at"),
        sa.Column("locked", sa.Boolean, nullable=False), sa.Column("wrong_pins", sa.Integer, nullable=False),
    )  # fmt: skip
    op.create_table("attempt", _text("key", key=True), sa.Column("count", sa.Integer, nullable=False), _text("last_at"))


def downgrade() -> None:
    """Who had accounts stays in the log; passwords are forgotten."""
    for table in ("attempt", "login", "tokenhash", "secret", "token", "account"):
        op.drop_table(table)
