"""The whole store in one file, and back into an empty store of any kind.

The file is a zip: ``events.jsonl``, the log's texts byte for byte, a line each (of a purged event, what is left of it); ``photographs/<sha256>``; and ``about.json``, which says how
many there are and what the tree head is. The files of models that were ever in use are among the photographs. The tables are not in it: they follow from the events.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from sqlalchemy import func, insert
from sqlmodel import Session, select

from pestcheck.store import events, merkle
from pestcheck.store.db import Database
from pestcheck.store.photos import PhotoStore, whole_file
from pestcheck.store.replay import BATCH, Replay, write
from pestcheck.store.tables import Event, Head
from pestcheck.store.verify import FILES, Result, kept_files, verify

LOG, ABOUT, PHOTOGRAPHS = "events.jsonl", "about.json", "photographs/"
FORMAT = 1
ERASED = ("seq", "id", "at", "kind", "inspection_id", "leaf")
"""What is left of an event that was purged; its line in the log has these instead of its text."""


class BackupError(ValueError):
    """A backup that cannot be made or put back; the message says why. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was read through and found whole. ``missing``: photographs that were gone or damaged when it was made."""

    file: Path
    events: int
    root: str
    photographs: tuple[str, ...]
    missing: tuple[str, ...]
    replay: Replay = field(repr=False)
    frontier: list[bytes | None] = field(repr=False)


def backup(database: Database, photos: PhotoStore, file: Path) -> Backup:
    """Write everything, as of one moment, to a new file, which appears when it is whole and was read back.

    Others may write meanwhile. Memory holds one photograph at a time.

    Raises:
        BackupError: there is such a file already, or the log is not what it was.
        OSError: the store cannot be read, or the file cannot be written; no part of it is left.
    """
    if file.exists():
        raise BackupError(f"{file} is there already; give another name")
    with whole_file(file) as out:
        with ZipFile(out, "w", ZIP_STORED) as archive:
            with database.reading() as session:
                size, root = _write_log(session, archive)
                hashes = kept_files(session)
            # Photographs never change, and those of the events above are all there: no need to hold up the database.
            missing = [sha256 for sha256 in hashes if not _write_photograph(photos, sha256, archive)]
            kept = len(hashes) - len(missing)
            about = {"format": FORMAT, "events": size, "root": root, "photographs": kept, "missing": missing}
            archive.writestr(ABOUT, json.dumps(about, indent=1))
        return _read_through(out, file)


def open_backup(file: Path) -> Backup:
    """Read a backup through: every event, every photograph, the tree head.

    Raises:
        BackupError: it is no backup, or is damaged.
        OSError: it cannot be read.
    """
    with file.open("rb") as stream:
        return _read_through(stream, file)


def restore(kept: Backup, database: Database, photos: PhotoStore) -> Result:
    """Put a backup into an empty store, and verify it.

    The photographs go first; then the log and what follows from it, in one transaction. A restore that was cut short can be repeated.

    Raises:
        BackupError: the store is not empty.
        OSError: the store cannot be written; it has no events, though it may have photographs.
    """
    with database.reading() as session:
        _must_be_empty(session)
    with ZipFile(kept.file) as archive:
        for sha256 in kept.photographs:
            photos.put(archive.read(PHOTOGRAPHS + sha256))
        with database.writing() as session:
            _must_be_empty(session)
            lines = _lines(archive)
            while rows := [_event(line) for line in islice(lines, BATCH)]:
                session.execute(insert(events.EVENT), rows)
            if kept.events:
                events.set_head(session, kept.events, kept.frontier, new=True)
            write(session, kept.replay)
    return verify(database, photos)


def _write_log(session: Session, archive: ZipFile) -> tuple[int, str]:
    entry = ZipInfo(LOG)
    entry.compress_type = ZIP_DEFLATED
    subtrees: list[bytes | None] = []
    size = 0
    with archive.open(entry, "w", force_zip64=True) as file:
        for event in events.read(session):
            text = (event.body or events.canonical({name: getattr(event, name) for name in ERASED})).encode()
            merkle.push(subtrees, merkle.leaf_hash(text) if event.body else bytes.fromhex(event.leaf))
            file.write(text + b"\n")
            size += 1
    head = session.get(Head, 1) or Head(root=merkle.EMPTY.hex())
    root = merkle.root(subtrees).hex()
    if (head.size, head.root) != (size, root):
        raise BackupError("the log is not what it was, so a copy of it is no backup; `pestcheck verify` says what is wrong")
    return size, root


def _write_photograph(photos: PhotoStore, sha256: str, archive: ZipFile) -> bool:
    try:
        data = photos.get(sha256)
    except FileNotFoundError:
        return False
    if hashlib.sha256(data).hexdigest() != sha256:
        return False
    archive.writestr(PHOTOGRAPHS + sha256, data)
    return True


def _read_through(stream: IO[bytes], file: Path) -> Backup:
    with _damaged(file), ZipFile(stream) as archive:
        about: dict[str, Any] = json.loads(archive.read(ABOUT))
        if about["format"] != FORMAT:
            raise BackupError(f"{file} was made by a newer pestcheck: install that version or a later one")
        replay, subtrees, erased, size = Replay(), list[bytes | None](), set[int](), 0
        for line in _lines(archive):
            event = _event(line)
            if event["seq"] != size:
                raise ValueError(f"event {size} is missing")
            merkle.push(subtrees, bytes.fromhex(event["leaf"]))
            if event["body"]:
                replay.apply(event["kind"], json.loads(line)["payload"])
            else:
                erased.add(size)
            size += 1
        if erased != replay.purged():
            raise ValueError("texts of events are gone that no purge erased")
        if (size, merkle.root(subtrees).hex()) != (about["events"], about["root"]):
            raise ValueError("its events do not give its tree head")
        hashes = [name.removeprefix(PHOTOGRAPHS) for name in archive.namelist() if name.startswith(PHOTOGRAPHS)]
        for sha256 in hashes:
            if hashlib.sha256(archive.read(PHOTOGRAPHS + sha256)).hexdigest() != sha256:
                raise ValueError(f"photograph {sha256} was changed")
        if sorted([*hashes, *about["missing"]]) != sorted(key[0] for table in FILES for key, _ in replay.rows(table)):
            raise ValueError("its photographs are not those of its events")
        return Backup(file, size, about["root"], tuple(hashes), tuple(about["missing"]), replay, subtrees)


def _lines(archive: ZipFile) -> Iterator[str]:
    with archive.open(LOG) as lines:
        for line in lines:
            yield line.decode().removesuffix("\n")


def _event(line: str) -> dict[str, Any]:
    told = json.loads(line)
    return events.from_text(line) if "payload" in told else {name: told[name] for name in ERASED} | {"actor": "", "body": ""}


def _must_be_empty(session: Session) -> None:
    if count := session.exec(select(func.count()).select_from(Event)).one():
        raise BackupError(f"the store has {count} events; a backup goes into an empty one: set another PESTCHECK_DATABASE, or --data")


@contextmanager
def _damaged(file: Path) -> Iterator[None]:
    """Whatever a damaged file breaks is said in one line."""
    try:
        yield
    except (BackupError, OSError):
        raise
    except BadZipFile as error:
        raise BackupError(f"{file} is no backup, or is cut short: {error}") from error
    except Exception as error:
        says = f"{error} is not in it" if isinstance(error, KeyError) else str(error)
        raise BackupError(f"{file} is damaged: {says}") from error
