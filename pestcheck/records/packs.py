"""Use case of an evidence pack: what goes into it, as of one moment that a signed tree head names."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy
from sqlmodel import Session, col, select

from pestcheck.records.common import Refused, UseCases, get, new_id
from pestcheck.records.filter import Filter
from pestcheck.records.log import AT_ONCE, places
from pestcheck.records.registers import Register
from pestcheck.records.view import InspectionView
from pestcheck.store import events, heads, merkle
from pestcheck.store.head_tables import SignedHead, SigningKey
from pestcheck.store.tables import Event, Export, Head, Inspection

CONTEXT = ("key_made", "party_recorded")
"""Kinds of events that a pack has beside those of its inspections: keys, and who is meant by the hands that a journey names."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """An event with what proves that it is in the log. ``inspection_id``: where its text does not say; ``apart``: see ``events.split``."""

    seq: int
    text: str
    proof: tuple[bytes, ...]
    inspection_id: str | None
    apart: str | None


@dataclass(frozen=True, slots=True)
class OldHead:
    """An earlier signed head, and what proves that the log grew from it."""

    note: str
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes into a pack. ``places``: of each inspection, those of its events in the log."""

    export: Export
    head: SignedHead
    keys: tuple[SigningKey, ...]
    places: dict[str, list[int]]
    view: Callable[[str], InspectionView]
    lines: Callable[[], Iterator[LogLine]]
    old_heads: Callable[[], Iterator[OldHead]]


class Packs(UseCases):
    """See the module."""

    @contextmanager
    def pack(
        self, filter: Filter, signer: heads.Heads, *, actor: str, location: bool = False, export_id: str | None = None
    ) -> Iterator[Contents]:
        """Record that a pack is taken out, sign the head of the log that says so, and show the records as they are at that moment.

        Args:
            location: whether places, and originals with all that they say, go with it.

        Raises:
            Refused: nothing matches, or the log is not what it was. OSError: the key is not here, or the store cannot be written.
        """
        key = new_id(export_id)
        with self.database.writing() as writing:
            if writing.get(Export, key):
                raise Refused("Another export is recorded under this id.")
            if writing.get(Head, 1) and heads.current_key(writing) is None:
                signer.key(writing, actor)  # in a transaction of its own: what is shown below is of before the next one
        with self.database.reading() as session:
            with self.database.writing() as writing:
                writing.connection()  # which waits for its turn: nobody else writes now, so the reader sees all but the export itself
                before = session.get(Head, 1)
                ids = [one for page in Register(session, filter).pages() for one in page] if before else []
                if before is None or not ids:
                    raise Refused("No inspection matches; nothing was exported.")
                where = places(session, ids)
                row: dict[str, Any] = {
                    "id": key, "what": "pack", "format": "zip", "part": None, "filter": filter.given, "rows": len(ids), "sha256": None,
                    "size": None, "location": location, "inspection_id": None, "exported_by": actor, "exported_at": events.now(),
                    "inspections": {one: [len(seqs), seqs[-1]] for one, seqs in where.items()},
                }  # fmt: skip
                events.append(writing, "exported", row, actor)
                head = signer.sign_in(writing, actor)
                last = writing.exec(select(Event).where(Event.seq == before.size)).one()
                writing.expunge(last)
            tree = _tree(session, last, head)
            yield Contents(
                export=Export(**row), head=signer.stamp(head), keys=tuple(heads.all_keys(session)), places=where,
                view=lambda one: self._view(session, get(session, Inspection, one)),  # type: ignore[attr-defined]
                lines=lambda: _lines(session, tree, where, last),
                old_heads=lambda: (
                    OldHead(old.note, tuple(tree.consistency_proof(old.size))) for old in heads.all_heads(session)
                ),
            )  # fmt: skip


def _tree(session: Session, last: Event, head: SignedHead) -> merkle.Tree:
    """
    Raises:
        Refused: the log does not give the head: it is not what it was.
    """
    leaves = session.connection().execute(sqlalchemy.select(events.EVENT.c.leaf).order_by(events.EVENT.c.seq))
    tree = merkle.Tree(bytes.fromhex(leaf) for leaf in [*leaves.scalars(), last.leaf])
    if (len(tree), tree.root.hex()) != (head.size, head.root):
        raise Refused("The log is not what it was, so it proves nothing; `pestcheck verify` says what is wrong.")
    return tree


def _lines(session: Session, tree: merkle.Tree, where: dict[str, list[int]], last: Event) -> Iterator[LogLine]:
    """The events of the inspections, those of ``CONTEXT`` and the export, in the log's order."""
    of = {seq: key for key, seqs in where.items() for seq in seqs}
    more = session.exec(select(Event.seq).where(col(Event.kind).in_(CONTEXT)))
    wanted = sorted({*of, *more})
    for start in range(0, len(wanted), AT_ONCE):
        rows = session.exec(select(Event).where(col(Event.seq).in_(wanted[start : start + AT_ONCE])).order_by(col(Event.seq)))
        yield from _proven(rows, tree, of)
        session.expire_all()
    yield from _proven([last], tree, of)


def _proven(rows: Iterable[Event], tree: merkle.Tree, of: dict[int, str]) -> Iterator[LogLine]:
    for event in rows:
        if merkle.leaf_hash(event.body.encode()).hex() != event.leaf:
            raise Refused(f"Event {event.seq} is not what it was, so it proves nothing; `pestcheck verify` says what is wrong.")
        told: dict[str, Any] = json.loads(event.body)
        key = None if told.get("inspection_id") else of.get(event.seq)
        yield LogLine(event.seq, event.body, tuple(tree.inclusion_proof(event.seq)), key, event.apart)
