"""Who may sign in, and who is signed in. Changes of accounts are events of the log; what is secret is not."""

from __future__ import annotations

from pestcheck.accounts.book import Book
from pestcheck.accounts.sessions import MAX_HOURS, Sessions, Visit

__all__ = ["MAX_HOURS", "Accounts", "Visit"]


class Accounts(Book, Sessions):
    """The accounts of one database, and their sessions. May be called from several threads."""
