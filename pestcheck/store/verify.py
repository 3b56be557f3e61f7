"""Is the record what it was? Checks the tree, its signed heads, the photographs, and that the tables equal the replay of the events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from sqlalchemy import select as sa_select
from sqlmodel import Session, SQLModel, select

from pestcheck.export.verify_pack import Bad, open_note, read_head
from pestcheck.store import events, heads, keys, merkle
from pestcheck.store.db import Database
from pestcheck.store.head_tables import SignedHead
from pestcheck.store.model_tables import ModelFile
from pestcheck.store.photos import PhotoStore
from pestcheck.store.replay import Key, Replay, Values, columns
from pestcheck.store.replay import keys as key_columns
from pestcheck.store.tables import STATE, Head, Photograph

FILES: tuple[type[Photograph] | type[ModelFile], ...] = (Photograph, ModelFile)
"""The tables whose rows name, by its SHA-256, what is kept in the store of photographs."""


def kept_files(session: Session) -> list[str]:
    """The SHA-256 of all that is kept in the store of photographs, in order."""
    return sorted({sha256 for table in FILES for sha256 in session.exec(select(table.sha256))})


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not as it was. ``what``: log, photograph, file of a model, or table; ``where``: which; ``says``: what is wrong."""

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
    """Check everything; see the module's first line. Reads only.

    Raises:
        OSError: the database or the photographs cannot be read now.
    """
    problems: list[Problem] = []
    replay = Replay()
    with database.reading() as session:
        size, root = _check_log(session, replay, problems)
        hashes, photographs = kept_files(session), set(session.exec(select(Photograph.sha256)))
        rows = sum(_compare(session, replay, table, problems) for table in STATE)
    for sha256 in hashes:
        if not (intact := photos.intact(sha256)):
            says = "the file is gone" if intact is None else "the file was changed: its SHA-256 differs"
            problems.append(Problem("photograph" if sha256 in photographs else "file of a model", sha256, says))
    return Result(size, len(photographs), rows, root, tuple(problems))


def _check_log(session: Session, replay: Replay, problems: list[Problem]) -> tuple[int, str]:
    subtrees: list[bytes | None] = []
    erased: set[int] = set()
    numbers: dict[str, list[int]] = {}
    signed, roots = heads.all_heads(session), dict[int, str]()
    sizes = {head.size for head in signed}
    size, told = 0, itemgetter(*events.TOLD)
    for seq, id_, at, actor, kind, of, text, recorded, apart in events.read(session):
        if size in sizes:
            roots[size] = merkle.root(subtrees).hex()
        where = f"event {seq}"
        if seq != size:
            problems.append(Problem("log", where, f"events {size} to {seq - 1} are missing" if seq > size else "out of order"))
        size = seq + 1
        if not text:
            erased.add(seq)
            merkle.push(subtrees, bytes.fromhex(recorded))
            continue
        leaf = merkle.leaf_hash(text.encode())
        if leaf.hex() != recorded:
            problems.append(Problem("log", where, "the text was changed: its hash differs from the one recorded"))
        merkle.push(subtrees, leaf)
        try:
            body: dict[str, Any] = json.loads(text)
            if (*told(body), body.get("inspection_id")) != (seq, id_, at, actor, kind, of):
                problems.append(Problem("log", where, "a column differs from the text"))
            problems += _check_numbers(where, seq, of, body, numbers)
            replay.apply(body["kind"], events.whole(body, apart))
        except Exception as error:  # whatever a tampered event breaks is a finding, not a crash
            problems.append(Problem("log", where, f"cannot be replayed: {error}"))
    purged = replay.purged()
    problems += (Problem("log", f"event {seq}", "its text was erased, but no purge says so") for seq in sorted(erased - purged))
    problems += (Problem("log", f"event {seq}", "was purged, but its text is there again") for seq in sorted(purged - erased))
    head = session.get(Head, 1) or Head(root=merkle.EMPTY.hex())
    root = merkle.root(subtrees).hex()
    if head.size != size:
        problems.append(Problem("log", "tree head", f"the tree had {head.size} events, the log has {size}"))
    elif head.root != root:
        problems.append(Problem("log", "tree head", "the events do not give the recorded tree head: the log was rewritten"))
    _check_heads(session, signed, roots | {size: root}, problems)
    return size, root


def _check_numbers(where: str, seq: int, of: str | None, body: dict[str, Any], numbers: dict[str, list[int]]) -> Iterator[Problem]:
    """Whether the events of an inspection are numbered without a gap, and exports said how many there were.

    Args:
        numbers: of each inspection the number of its last event, and the place of that; brought up to date.
    """
    if of and (number := body.get("number")):
        before = numbers.get(of, [0, -1])[0]
        if number != before + 1:
            yield Problem("log", where, f"event {before + 1} of inspection {of} was left out: this is {number}")
        numbers[of] = [number, seq]
    if body["kind"] == "exported":
        for key, stated in (body["payload"].get("inspections") or {}).items():
            if key in numbers and numbers[key] != stated:
                says = (
                    f"the export said that inspection {key} had {stated[0]} events, and it had {numbers[key][0]}: a pack left something out"
                )
                yield Problem("log", where, says)


def _check_heads(session: Session, signed: list[SignedHead], roots: dict[int, str], problems: list[Problem]) -> None:
    """Whether each head that was signed is one that this log had, and by the key that it names.

    Args:
        roots: of the log as it is, by size.
    """
    chain = {key.id: keys.public_bytes(key.public_key) for key in heads.all_keys(session)}
    name = heads.log_name(session)
    for head in signed:
        where = f"signed head of {head.size} events"
        try:
            text, _ = open_note(head.note, name, [chain[head.key_id]])
            if read_head(text) != (name, head.size, bytes.fromhex(head.root), head.at):
                raise Bad("its row differs from what was signed")
        except (KeyError, ValueError) as error:
            says = "it is signed by a key that is none of this log's" if isinstance(error, KeyError) else str(error)
            problems.append(Problem("log", where, says))
        if head.size not in roots:
            problems.append(Problem("log", where, "the log has fewer events now: its end was cut off"))
        elif head.root != roots[head.size]:
            problems.append(Problem("log", where, "the log had another tree head then: it was rewritten"))


def _compare(session: Session, replay: Replay, table: type[SQLModel], problems: list[Problem]) -> int:
    """Walk a table and its replay side by side, in the order of their keys; returns how many rows both have."""
    count, names = 0, columns(table)
    found, expected = _rows(session, table), iter(replay.rows(table))
    ours, theirs = next(found, None), next(expected, None)
    while ours or theirs:
        if ours and (not theirs or ours[0] < theirs[0]):
            problems.append(Problem("table", _where(table, ours[0]), "no event made this row"))
            ours = next(found, None)
        elif theirs and (not ours or theirs[0] < ours[0]):
            problems.append(Problem("table", _where(table, theirs[0]), "the row is missing"))
            theirs = next(expected, None)
        elif ours and theirs:
            count += 1
            if ours[1] != theirs[1]:
                changed = [name for name, is_, was in zip(names, ours[1], theirs[1], strict=True) if is_ != was]
                problems.append(Problem("table", _where(table, ours[0]), f"not what the events say: {', '.join(changed)}"))
            ours, theirs = next(found, None), next(expected, None)
    return count


def _rows(session: Session, table: type[SQLModel]) -> Iterator[tuple[Key, Values]]:
    """The rows as they are in the database, in the order of their keys: the databases sort text by its bytes, as Python does."""
    places = [columns(table).index(name) for name in key_columns(table)]
    wanted = [getattr(table, name) for name in columns(table)]
    query = sa_select(*wanted).order_by(*(wanted[place] for place in places)).execution_options(yield_per=1000)
    for row in session.execute(query):
        values = tuple(row)
        yield tuple(values[place] for place in places), values


def _where(table: type[SQLModel], key: Key) -> str:
    return f"{table.__name__.lower()} {' '.join(map(str, key))}"
