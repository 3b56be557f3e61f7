"""Is the record what it was? Checks the tree, the photographs, and that the tables equal the replay of the events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import create_engine
from sqlmodel import Session, SQLModel, select

from pestcheck.store import events, merkle, state
from pestcheck.store.db import Database
from pestcheck.store.photos import PhotoStore
from pestcheck.store.tables import STATE, Head, Photograph


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not as it was. ``what``: log, photograph or table; ``where``: which; ``says``: what is wrong."""

    what: str
    where: str
    says: str


@dataclass(frozen=True, slots=True)
class Result:
    """What was checked, the tree head, and all problems found."""

    events: int
    photographs: int
    rows: int
    root: str
    problems: tuple[Problem, ...]


def verify(database: Database, photos: PhotoStore) -> Result:
    """Check everything; see the module's first line. Reads only."""
    problems: list[Problem] = []
    replayed = create_engine("sqlite://")
    SQLModel.metadata.create_all(replayed)
    with database.reading() as session, Session(replayed) as copy:
        size, root = _check_log(session, copy, problems)
        hashes = list(session.exec(select(Photograph.sha256).order_by(Photograph.sha256)))
        for sha256 in hashes:
            if not (intact := photos.intact(sha256)):
                says = "the file is gone" if intact is None else "the file was changed: its SHA-256 differs"
                problems.append(Problem("photograph", sha256, says))
        rows = _compare(session, copy, problems)
    replayed.dispose()
    return Result(size, len(hashes), rows, root, tuple(problems))


def _check_log(session: Session, copy: Session, problems: list[Problem]) -> tuple[int, str]:
    subtrees: list[bytes | None] = []
    size = 0
    for event in events.read(session):
        where = f"event {event.seq}"
        if event.seq != size:
            problems.append(Problem("log", where, f"events {size} to {event.seq - 1} are missing" if event.seq > size else "out of order"))
        leaf = merkle.leaf_hash(event.body.encode())
        if leaf.hex() != event.leaf:
            problems.append(Problem("log", where, "the text was changed: its hash differs from the one recorded"))
        merkle.push(subtrees, leaf)
        try:
            body: dict[str, Any] = json.loads(event.body)
            if any(body[column] != getattr(event, column) for column in ("seq", "id", "at", "actor", "kind")):
                problems.append(Problem("log", where, "a column differs from the text"))
            state.apply(copy, body["kind"], body["payload"])
        except Exception as error:  # whatever a tampered event breaks is a finding, not a crash
            copy.rollback()
            problems.append(Problem("log", where, f"cannot be replayed: {error}"))
        copy.commit()
        copy.expunge_all()
        size = event.seq + 1
    head = session.get(Head, 1) or Head(root=merkle.EMPTY.hex())
    root = merkle.root(subtrees).hex()
    if head.size != size:
        problems.append(Problem("log", "tree head", f"the tree had {head.size} events, the log has {size}"))
    elif head.root != root:
        problems.append(Problem("log", "tree head", "the events do not give the recorded tree head: the log was rewritten"))
    return size, root


def _compare(session: Session, copy: Session, problems: list[Problem]) -> int:
    """Walk each table and its replay side by side, in the order of their keys."""
    count = 0
    for table in STATE:
        found, expected = _rows(session, table), _rows(copy, table)
        ours, theirs = next(found, None), next(expected, None)
        while ours or theirs:
            if ours and (not theirs or ours[0] < theirs[0]):
                problems.append(Problem("table", _where(table, ours[0]), "no event made this row"))
                ours = next(found, None)
            elif theirs and (not ours or theirs[0] < ours[0]):
                problems.append(Problem("table", _where(table, theirs[0]), "the row is missing"))
                theirs = next(expected, None)
            else:
                assert ours is not None
                assert theirs is not None
                count += 1
                changed = [column for column, value in theirs[1].items() if ours[1][column] != value]
                if changed:
                    problems.append(Problem("table", _where(table, ours[0]), f"not what the events say: {', '.join(changed)}"))
                ours, theirs = next(found, None), next(expected, None)
    return count


def _rows(session: Session, table: type[SQLModel]) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    keys = [column.name for column in table.__table__.primary_key]  # type: ignore[attr-defined]
    rows = session.exec(select(table).execution_options(yield_per=1000))
    # Sorted here: databases collate text differently.
    return iter(sorted((tuple(getattr(row, key) for key in keys), row.model_dump()) for row in rows))


def _where(table: type[SQLModel], key: tuple[str, ...]) -> str:
    return f"{table.__name__.lower()} {' '.join(key)}"
