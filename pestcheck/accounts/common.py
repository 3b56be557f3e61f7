"""What the accounts and their sessions share: the database, the clock, and the form of what is compared."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from sqlmodel import Session, col, select

from pestcheck.accounts.passwords import normal
from pestcheck.inspection.journey import name_key
from pestcheck.people import Person, Role
from pestcheck.store import events
from pestcheck.store.account_tables import Account
from pestcheck.store.db import Database

SKEW = timedelta(minutes=1)
"""How much the clocks of several servers may differ."""


class OverDatabase:
    """Args:
    idle: after how long without a request a session is locked.
    """

    def __init__(self, database: Database, idle: timedelta = timedelta(minutes=10)) -> None:
        self.database, self.idle = database, idle
        self._any = False

    def any(self) -> bool:
        """Whether there are accounts. Once there are, there are for ever: they are never erased."""
        if not self._any:
            with self.database.reading() as session:
                self._any = session.exec(select(Account.id).limit(1)).first() is not None
        return self._any


def clock() -> datetime:
    """The server's clock."""
    return datetime.now(UTC)


def since(then: str) -> timedelta:
    """How long ago a time of the records was; below nothing if the clock was set back."""
    return clock() - datetime.fromisoformat(then)


def stamp() -> str:
    """The server's clock, as the records write it."""
    return events.written(clock())


def digest(text: str) -> str:
    """SHA-256: of what is random and long, so that it needs nothing slower."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def key_of(name: str) -> str:
    """A name in the form in which two are compared: case, blanks and the way of typing it do not count.

    Raises:
        Refused: characters that cannot be typed.
    """
    return name_key(normal(name))


def by_name(session: Session, name: str) -> Account | None:
    """The account of a name, or None."""
    return session.exec(select(Account).where(col(Account.key) == key_of(name))).first()


def person(account: Account) -> Person:
    """Who an account is to the records."""
    return Person(account.name, Role(account.role), None if account.sites is None else frozenset(account.sites), account.id)
