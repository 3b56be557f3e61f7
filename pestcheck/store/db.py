"""The database: opened, brought to the newest schema, and asked in transactions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

MIGRATIONS = Path(__file__).parent / "migrations"


class NotSaved(OSError):
    """The database could not be written; nothing of the transaction is in it."""


class Database:
    """A database that is ready to use. ``url`` is SQLAlchemy's, for example ``sqlite:////data/pestcheck.sqlite3``."""

    def __init__(self, url: str) -> None:
        self.engine = create_engine(url)
        if self.engine.dialect.name == "sqlite":
            _set_up_sqlite(self.engine)
        self._writing = self.engine.execution_options(pestcheck_writes=True)
        migrate(self.engine)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one state of the database."""
        with Session(self.engine) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session that is committed whole at its end, or not at all. Writers wait for each other.

        Raises:
            NotSaved: the disk is full, or another writer holds the database for too long.
        """
        try:
            with Session(self._writing) as session, session.begin():
                yield session
        except OperationalError as error:
            raise NotSaved(f"the database cannot be written: {error.orig}") from error

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()


def migrate(engine: Engine) -> None:
    """Bring the schema to the newest version; the steps are in ``migrations/versions``."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.execution_options(pestcheck_writes=True).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _set_up_sqlite(engine: Engine) -> None:
    """Write-ahead log, foreign keys, and transactions that begin when we say so (SQLAlchemy's pysqlite notes)."""

    @event.listens_for(engine, "connect")
    def connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        # A writer takes the lock at once: upgrading a read lock later could fail after the work is done.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("pestcheck_writes") else "BEGIN")
