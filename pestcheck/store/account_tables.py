"""The tables of accounts: who may sign in, what is secret of it, and who is signed in. Those that are secret are in no event."""

from __future__ import annotations

from sqlalchemy import JSON
from sqlmodel import Field, SQLModel


class Account(SQLModel, table=True):
    """One person, or one machine, that may sign in (CTPAT 4.8: nobody shares one). Never erased: the log names them.

    ``key``: the name in the form that is compared. ``sites``: the only ones of which they see anything; None: all. ``subject``: who
    they are to a sign-in service, its issuer and their id there. What is secret is in ``Secret``.
    """

    id: str = Field(primary_key=True)
    name: str
    key: str = Field(unique=True)
    role: str
    sites: list[str] | None = Field(default=None, sa_type=JSON)
    subject: str | None = Field(default=None, unique=True)
    opened_at: str
    opened_by: str
    password_set_at: str | None = None
    pin_set_at: str | None = None
    disabled_at: str | None = None
    version: int = 0


class Token(SQLModel, table=True):
    """What a machine was given to act as an account; only ``TokenHash`` knows it again."""

    id: str = Field(primary_key=True)
    account_id: str = Field(foreign_key="account.id", index=True)
    label: str
    given_at: str
    given_by: str
    expires_at: str
    withdrawn_at: str | None = None


class Secret(SQLModel, table=True):
    """Argon2id hashes of an account's password and PIN. Like all tables from here on, it is in no event and no backup."""

    account_id: str = Field(primary_key=True)
    password: str | None = None
    pin: str | None = None


class TokenHash(SQLModel, table=True):
    """SHA-256 of a token of a machine: it is 256 random bits, which nobody guesses."""

    hash: str = Field(primary_key=True)
    token_id: str


class Login(SQLModel, table=True):
    """One account signed in at one browser. ``hash``: SHA-256 of what its cookie holds; ``wrong_pins``: in a row."""

    hash: str = Field(primary_key=True)
    account_id: str = Field(index=True)
    started_at: str
    seen_at: str
    locked: bool = False
    wrong_pins: int = 0


class Attempt(SQLModel, table=True):
    """Wrong passwords for a name, or from an address. ``key``: a hash of it, since people type passwords where names belong."""

    key: str = Field(primary_key=True)
    count: int
    last_at: str
