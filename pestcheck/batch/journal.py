"""What a run has done so far: a SQLite file beside its output, so that a killed run goes on, and memory does not grow with the archive."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from pestcheck.batch.archives import BatchError, Earlier, Entry

SCHEMA = """
CREATE TABLE IF NOT EXISTS about (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS file (name BLOB PRIMARY KEY, stamp TEXT NOT NULL, size INTEGER, sha256 TEXT, error TEXT, listing INTEGER NOT NULL)
    WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS file_sha256 ON file (sha256);
CREATE TABLE IF NOT EXISTS result (sha256 TEXT PRIMARY KEY, verdict TEXT, line TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS earlier (sha256 TEXT NOT NULL, model TEXT NOT NULL, verdict TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS earlier_sha256 ON earlier (sha256);
"""
PAGE = 500


class Journal:
    """Names with their hashes, and results by hash. One run at a time.

    Raises:
        BatchError: another run has it open, it is no journal, or it is of another run (``about``).
    """

    def __init__(self, path: Path, about: dict[str, str]) -> None:
        self.path = path
        try:
            self._db = sqlite3.connect(path, timeout=0, isolation_level=None)
            # The write-ahead log keeps each result at once, through a kill; a power cut may take the last few, which are scored again.
            self._db.executescript("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + SCHEMA)
        except sqlite3.OperationalError as error:
            busy = "locked" in str(error)
            raise BatchError(f"{path}: {'another run is writing it' if busy else error}") from error
        except sqlite3.DatabaseError as error:
            raise BatchError(f"{path} is not the journal of a run ({error}); move it away") from error
        known = dict(self._db.execute("SELECT key, value FROM about"))
        if known and known != about:
            self._db.close()
            was = ", ".join(f"{key} {known.get(key)}" for key in about if known.get(key) != about[key])
            raise BatchError(f"{path} is of a run that was not finished, with other settings ({was}); finish that one, or remove the file")
        self._db.executemany("INSERT OR IGNORE INTO about VALUES (?, ?)", about.items())

    @contextmanager
    def _together(self) -> Iterator[None]:
        """One transaction: all of it or nothing."""
        self._db.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def list(self, entries: Iterable[Entry]) -> None:
        """Take down what is in the archive now. A name whose stamp changed is read again, and so is one that could not be read."""
        with self._together():
            (listing,) = self._db.execute("SELECT coalesce(max(listing), 0) + 1 FROM file").fetchone()
            self._db.executemany(
                "INSERT INTO file VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET stamp = excluded.stamp, size = excluded.size, "
                "error = excluded.error, listing = excluded.listing, sha256 = CASE WHEN stamp = excluded.stamp THEN sha256 ELSE excluded.sha256 END",
                ((_bytes(one.name), one.stamp, one.size, one.sha256, one.error, listing) for one in entries),
            )
            self._db.execute("DELETE FROM file WHERE listing != ?", (listing,))

    def compare_with(self, earlier: Iterable[Earlier]) -> None:
        """What was said before, in the place of what was to be compared so far."""
        with self._together():
            self._db.execute("DELETE FROM earlier")
            self._db.executemany("INSERT INTO earlier VALUES (?, ?, ?)", ((one.sha256, one.model, one.verdict) for one in earlier))

    def open(self) -> Iterator[Entry]:
        """Names that have no result and no error yet, in order; may go on while results come in."""
        last = b""
        while True:
            page = self._db.execute(
                "SELECT name, stamp, size, sha256 FROM file WHERE name > ? AND error IS NULL "
                "AND (sha256 IS NULL OR sha256 NOT IN (SELECT sha256 FROM result)) ORDER BY name LIMIT ?",
                (last, PAGE),
            ).fetchall()
            for name, stamp, size, sha256 in page:
                yield Entry(_text(name), stamp, size, sha256)
            if not page:
                return
            last = page[-1][0]

    def hashed(self, name: str, sha256: str) -> None:
        """Note what lies under a name."""
        self._db.execute("UPDATE file SET sha256 = ? WHERE name = ?", (sha256, _bytes(name)))

    def has(self, sha256: str) -> bool:
        """Whether there is a result."""
        return self._db.execute("SELECT 1 FROM result WHERE sha256 = ?", (sha256,)).fetchone() is not None

    def unreadable(self, name: str, error: str) -> None:
        """Note why a name could not be read."""
        self._db.execute("UPDATE file SET error = ?, sha256 = NULL WHERE name = ?", (error, _bytes(name)))

    def scored(self, sha256: str, line: dict[str, Any]) -> int:
        """Keep a result; returns how many names it is for, as far as they are read."""
        self._db.execute("INSERT OR IGNORE INTO result VALUES (?, ?, ?)", (sha256, line.get("verdict"), json.dumps(line)))
        (names,) = self._db.execute("SELECT count(*) FROM file WHERE sha256 = ?", (sha256,)).fetchone()
        return int(names)

    def counts(self) -> tuple[int, int]:
        """How many names there are, and how many of them are done."""
        query = "SELECT count(*), count(error) + (SELECT count(*) FROM file WHERE sha256 IN (SELECT sha256 FROM result)) FROM file"
        names, done = self._db.execute(query).fetchone()
        return int(names), int(done)

    def lines(self) -> Iterator[dict[str, Any]]:
        """The output: one object a photograph, in the order of its first name; names that could not be read likewise."""
        firsts = (
            "SELECT first.name, first.sha256, first.error, result.line FROM "
            "(SELECT min(name) AS name, sha256, error FROM file GROUP BY coalesce(sha256, name)) AS first "
            "LEFT JOIN result ON result.sha256 = first.sha256 ORDER BY first.name"
        )
        with closing(self._db.execute(firsts)) as rows:
            for name, sha256, error, line in rows:
                if error is not None:
                    yield {"photos": [_text(name)], "error": error}
                else:
                    names = self._db.execute("SELECT name FROM file WHERE sha256 = ? ORDER BY name", (sha256,))
                    yield {"photos": [_text(one) for (one,) in names], "sha256": sha256, **json.loads(line)}

    def verdicts(self) -> dict[str, int]:
        """How many photographs by verdict; under "error" those that could not be scored, and names that could not be read."""
        query = (
            "SELECT coalesce(verdict, 'error'), count(*) FROM result WHERE sha256 IN (SELECT sha256 FROM file) GROUP BY 1 "
            "UNION ALL SELECT 'error', count(*) FROM file WHERE error IS NOT NULL"
        )
        found: dict[str, int] = {}
        for verdict, count in self._db.execute(query):
            found[verdict] = found.get(verdict, 0) + count
        return found

    def changes(self) -> dict[tuple[str, str, str], int]:
        """How often (model before, its verdict, verdict now) occurs, where both models gave one."""
        query = (
            "SELECT model, earlier.verdict, result.verdict, count(*) FROM earlier JOIN result USING (sha256) "
            "WHERE result.verdict IS NOT NULL AND sha256 IN (SELECT sha256 FROM file) GROUP BY 1, 2, 3 ORDER BY 1"
        )
        return {(model, before, after): count for model, before, after, count in self._db.execute(query)}

    def close(self, *, finished: bool = False) -> None:
        """Let go of it. It stays for the next run, unless this one is finished or nothing was ever listed."""
        empty = not finished and self.counts() == (0, 0)
        self._db.close()
        if finished or empty:
            self.path.unlink(missing_ok=True)


def _bytes(name: str) -> bytes:
    """Also of a name that is no text, as Python has it from the file system."""
    return name.encode("utf-8", "surrogateescape")


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
