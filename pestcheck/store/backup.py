"""The whole store in one file, and back into an empty store of any kind.

The file is a zip: ``events.jsonl``, the log's texts byte for byte, a line each (of a purged event, what is left of it); ``apart.jsonl``, what is
kept apart of some of them; ``heads.jsonl``, the signed heads; ``photographs/<sha256>``; and ``about.json``, which says how many there are and
what the tree head is. The files of models that were ever in use are among the photographs. The tables are not in it: they follow from the
events. Nor are the private keys.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from sqlalchemy import func, insert
from sqlmodel import Session, select

from pestcheck.store import events, heads, merkle
from pestcheck.store.db import Database
from pestcheck.store.head_tables import SignedHead
from pestcheck.store.photos import PhotoStore, whole_file
from pestcheck.store.replay import BATCH, Replay, write
from pestcheck.store.tables import Event, Head
from pestcheck.store.verify import FILES, Result, kept_files, verify

LOG, APART, HEADS, ABOUT, PHOTOGRAPHS = "events.jsonl", "apart.jsonl", "heads.jsonl", "about.json", "photographs/"
FORMAT = 2
"""1: without parts that are kept apart, and without signed heads."""
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
    heads: list[dict[str, Any]] = field(repr=False)


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
                signed = [events.canonical(head.model_dump()) for head in heads.all_heads(session)]
                archive.writestr(HEADS, "".join(f"{line}\n" for line in signed), ZIP_DEFLATED)
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
            while rows := [_event(line, apart) for line, apart in islice(lines, BATCH)]:
                session.execute(insert(events.EVENT), rows)
            if kept.events:
                events.set_head(session, kept.events, kept.frontier, new=True)
            session.add_all(SignedHead(**head) for head in kept.heads)
            write(session, kept.replay)
    return verify(database, photos)


def _write_log(session: Session, archive: ZipFile) -> tuple[int, str]:
    entry = ZipInfo(LOG)
    entry.compress_type = ZIP_DEFLATED
    subtrees: list[bytes | None] = []
    size = 0
    # A zip takes one file at a time, and the parts that are kept apart are short.
    with TemporaryFile() as parts:
        with archive.open(entry, "w", force_zip64=True) as file:
            for event in events.read(session):
                text = (event.body or events.canonical({name: getattr(event, name) for name in ERASED})).encode()
                merkle.push(subtrees, merkle.leaf_hash(text) if event.body else bytes.fromhex(event.leaf))
                file.write(text + b"\n")
                if event.apart:
                    parts.write(events.canonical([event.seq, event.apart]).encode() + b"\n")
                size += 1
        parts.seek(0)
        with archive.open(ZipInfo(APART), "w", force_zip64=True) as file:
            copyfileobj(parts, file)
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
        if about["format"] > FORMAT:
            raise BackupError(f"{file} was made by a newer pestcheck: install that version or a later one")
        replay, subtrees, erased, size = Replay(), list[bytes | None](), set[int](), 0
        signed = [json.loads(line) for line in archive.read(HEADS).splitlines()] if HEADS in archive.namelist() else []
        sizes, roots = {head["size"] for head in signed}, dict[int, str]()
        for line, apart in _lines(archive):
            event = _event(line, apart)
            if event["seq"] != size:
                raise ValueError(f"event {size} is missing")
            merkle.push(subtrees, bytes.fromhex(event["leaf"]))
            if event["body"]:
                replay.apply(event["kind"], events.whole(json.loads(line), apart))
            else:
                erased.add(size)
            size += 1
            if size in sizes:
                roots[size] = merkle.root(subtrees).hex()
        if erased != replay.purged():
            raise ValueError("texts of events are gone that no purge erased")
        if (size, merkle.root(subtrees).hex()) != (about["events"], about["root"]):
            raise ValueError("its events do not give its tree head")
        if any(roots.get(head["size"]) != head["root"] for head in signed):
            raise ValueError("its events do not give the tree heads that were signed")
        hashes = [name.removeprefix(PHOTOGRAPHS) for name in archive.namelist() if name.startswith(PHOTOGRAPHS)]
        for sha256 in hashes:
            if hashlib.sha256(archive.read(PHOTOGRAPHS + sha256)).hexdigest() != sha256:
                raise ValueError(f"photograph {sha256} was changed")
        if sorted([*hashes, *about["missing"]]) != sorted(key[0] for table in FILES for key, _ in replay.rows(table)):
            raise ValueError("its photographs are not those of its events")
        return Backup(file, size, about["root"], tuple(hashes), tuple(about["missing"]), replay, subtrees, signed)


def _lines(archive: ZipFile) -> Iterator[tuple[str, str | None]]:
    """The log's lines, each with what is kept apart of it."""
    with ExitStack() as stack:
        apart = map(json.loads, stack.enter_context(archive.open(APART)) if APART in archive.namelist() else ())
        of, part = next(apart, (None, None))
        for seq, line in enumerate(stack.enter_context(archive.open(LOG))):
            if of == seq:
                yield line.decode().removesuffix("\n"), part
                of, part = next(apart, (None, None))
            else:
                yield line.decode().removesuffix("\n"), None
        if of is not None:
            raise ValueError(f"there is a part of event {of}, which has none")


def _event(line: str, apart: str | None) -> dict[str, Any]:
    told = json.loads(line)
    if "payload" in told:
        return events.from_text(line, apart)
    return {name: told[name] for name in ERASED} | {"actor": "", "body": "", "apart": None}


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
