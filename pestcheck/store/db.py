"""The database, SQLite or PostgreSQL: opened, brought to the newest schema, and asked in transactions."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoFreeConnection
from sqlmodel import Session

log = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
WAIT_SECONDS = 30
"""How long a writer waits for another one."""
WRITERS = 0x70657374
"""PostgreSQL's number of the lock that writers wait for each other at."""

WORK = 0x776F726B
"""PostgreSQL's number of the locks by which servers share out work."""


class Unavailable(OSError):
    """The database cannot be opened or read now; the message says why."""


class NotSaved(OSError):
    """The database could not be written; nothing of the transaction is in it.

    Only if a PostgreSQL server went away at the very moment of the commit it may be there all the same: ask for the same again, which
    changes nothing when it is.
    """


class _Writes:
    """A count that all copies of a database share."""

    def __init__(self) -> None:
        self.count, self._lock = 0, threading.Lock()

    def add(self) -> None:
        with self._lock:
            self.count += 1


class Database:
    """A database that is ready to use. ``url`` is SQLAlchemy's: ``sqlite:////data/pestcheck.sqlite3``, ``postgresql://user@host/name``.

    Raises:
        Unavailable: it is no such URL, a package is missing, or the database cannot be reached.
    """

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        postgresql = self.engine.dialect.name == "postgresql"
        # SQLite's readers see one state anyway; PostgreSQL's must ask for it.
        one_state: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True} if postgresql else {}
        self._reading = self.engine.execution_options(**one_state)
        self._writing = self.engine.execution_options(pestcheck_writes=True)
        self._info: dict[str, Any] = {}
        self._writes = _Writes()
        self._claimed: set[str | None] = set()
        self._claiming = threading.Lock()
        with _told(Unavailable, "the database cannot be opened"):
            migrate(self.engine)

    def within(self, sites: frozenset[str] | None) -> Database:
        """The same database for somebody who sees only these sites; None: all. Its sessions say so in ``info["sites"]``."""
        other = copy(self)
        other._info = {"sites": sites}
        return other

    @property
    def writes(self) -> int:
        """How often this process has written: what was read is still so for it while the number is the same."""
        return self._writes.count

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one state of the database.

        Raises:
            Unavailable: the database is gone, or too busy.
        """
        with _told(Unavailable, "the database cannot be read"), Session(self._reading, info=self._info) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session that is committed whole at its end, or not at all. Writers wait for each other.

        Raises:
            NotSaved: the disk is full, the database is gone, or another writer holds it for too long.
        """
        try:
            with _told(NotSaved, "the database cannot be written"), Session(self._writing, info=self._info) as session, session.begin():
                yield session
        finally:
            self._writes.add()

    @contextmanager
    def claimed(self, keys: Iterable[str]) -> Iterator[str | None]:
        """The first of these that nobody else has in hand, no other thread and no other server on this database; None if there is none. It is
        ours while the block runs; a server that ends, however it ends, holds nothing. SQLite is of one server, whose threads share them out.

        Raises:
            Unavailable: the database is gone, or too busy.
        """
        if self.engine.dialect.name != "postgresql":
            with self._claiming:
                key = next((key for key in keys if key not in self._claimed), None)
                self._claimed.add(key)
            try:
                yield key
            finally:
                self._claimed.discard(key)
            return
        ours = text("SELECT pg_try_advisory_xact_lock(:work, hashtext(:key))")
        with _told(Unavailable, "the database cannot be read"), self.engine.connect() as connection:
            yield next((key for key in keys if connection.execute(ours, {"work": WORK, "key": key}).scalar()), None)

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()


def migrate(engine: Engine, revision: str = "head") -> None:
    """Bring the schema to a version, newer or older; the steps are in ``migrations/versions``. All of it is done, or nothing.

    On the way up to the newest, what follows from the events is made anew from them, so that it is what this program makes of them.

    Raises:
        Unavailable: a newer pestcheck has been here.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    from pestcheck.store.replay import rebuild

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    newest_first = [script.revision for script in scripts.walk_revisions()]
    with engine.execution_options(pestcheck_writes=True).connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.detach()  # of no further use: without foreign keys, so that a step can replace a table that others refer to
            connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
        with connection.begin():
            now = MigrationContext.configure(connection).get_current_revision()
            if now is not None and now not in newest_first:
                raise Unavailable(
                    f"the database was written by a newer pestcheck (its schema is {now}): install that version or a later one"
                )
            config.attributes["connection"] = connection
            target = newest_first[0] if revision == "head" else revision
            order = [*newest_first, "base"]
            if order.index(target) > order.index(now or "base"):
                command.downgrade(config, target)
            elif now != target:
                command.upgrade(config, target)
                if now is not None and target == newest_first[0]:
                    with Session(connection) as session:
                        rebuild(session)
                    log.info("the database was brought from schema %s to %s", now, target)


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise Unavailable("PESTCHECK_DATABASE is no database address: write postgresql://user:password@host/name") from error
    match parsed.get_backend_name():
        case "sqlite":
            engine = create_engine(parsed)
            _set_up_sqlite(engine)
            return engine
        case "postgresql":
            # A server that vanished without a word is noticed: connecting takes at most 10 s, and unanswered data 30 s.
            limits = {"connect_timeout": 10, "tcp_user_timeout": 30_000}
            limits = {key: value for key, value in limits.items() if key not in parsed.query}
            try:
                engine = create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True, connect_args=limits)
            except ModuleNotFoundError as error:
                raise Unavailable(f"PostgreSQL needs one more package ({error.name}): pip install 'pestcheck[postgres]'") from error
            event.listen(engine, "begin", _take_turns)
            return engine
        case other:
            raise Unavailable(f"PESTCHECK_DATABASE is a database of kind {other!r}; pestcheck knows postgresql and sqlite")


def _set_up_sqlite(engine: Engine) -> None:
    """Write-ahead log, foreign keys, and transactions that begin when we say so (SQLAlchemy's pysqlite notes)."""

    @event.listens_for(engine, "connect")
    def connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (f"busy_timeout={WAIT_SECONDS * 1000}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A writer takes the lock at once: upgrading a read lock later could fail after the work is done.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("pestcheck_writes") else "BEGIN")


def _take_turns(connection: Connection) -> None:
    """PostgreSQL's ``BEGIN IMMEDIATE``: one writer at a time, so that what it read still holds when it appends to the log."""
    if connection.get_execution_options().get("pestcheck_writes"):
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{WAIT_SECONDS}s'; SELECT pg_advisory_xact_lock({WRITERS})")


@contextmanager
def _told(kind: type[OSError], says: str) -> Iterator[None]:
    """Turn what a database says when it is gone, full or busy into ``kind``; mistakes in statements stay what they are."""
    try:
        yield
    except NoFreeConnection as error:
        raise kind(f"{says}: all connections are in use") from error
    except DBAPIError as error:
        if not isinstance(error, OperationalError | InterfaceError) and not error.connection_invalidated:
            raise
        raise kind(f"{says}: {' '.join(str(error.orig).split())}") from error
