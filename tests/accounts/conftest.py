"""Accounts on both kinds of database, and a clock that can be set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pestcheck.accounts import Accounts, book, common, sessions
from pestcheck.records import Records

WORDS = "seven hornets on a pallet"
HERE = "192.0.2.7"


class Clock:
    """The server's clock, for the tests to set."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def pass_(self, **time: float) -> None:
        """Let time pass; negative: set the clock back."""
        self.ahead += timedelta(**time)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of all that has to do with accounts."""
    clock = Clock()
    for module in (book, common, sessions):
        monkeypatch.setattr(module, "clock", clock)
    return clock


@pytest.fixture
def accounts(records: Records) -> Accounts:
    """An admin with a password."""
    accounts = Accounts(records.database)
    accounts.set_password(accounts.open("Ana Pérez", "admin", actor="Ana Pérez"), WORDS, actor="Ana Pérez")
    return accounts
