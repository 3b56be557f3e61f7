"""The append-only event log. Each event is a leaf of a Merkle tree and is written in one transaction with what it changes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session, select

from pestcheck.ids import uuid7
from pestcheck.store import merkle, state
from pestcheck.store.tables import Event, Head


def now() -> str:
    """The server's clock, ISO 8601 in UTC with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def canonical(value: Any) -> str:
    """One JSON text for one value: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def append(session: Session, kind: str, payload: state.Payload, actor: str) -> Event:
    """Add an event to the log and apply it, within the caller's transaction.

    Raises:
        ValueError: the event is of an unknown kind or about something that is not there; nothing is written.
    """
    head = session.get(Head, 1, with_for_update=True) or Head()
    at, key = now(), uuid7()
    body = canonical({"seq": head.size, "id": key, "at": at, "actor": actor, "kind": kind, "payload": payload})
    leaf = merkle.leaf_hash(body.encode())
    event = Event(seq=head.size, id=key, at=at, actor=actor, kind=kind, body=body, leaf=leaf.hex())
    subtrees = [bytes.fromhex(subtree) if subtree else None for subtree in head.frontier]
    merkle.push(subtrees, leaf)
    head.size, head.root = head.size + 1, merkle.root(subtrees).hex()
    head.frontier = [subtree.hex() if subtree else None for subtree in subtrees]
    session.add(event)
    session.add(head)
    state.apply(session, kind, payload)
    return event


def read(session: Session) -> Iterator[Event]:
    """All events in order, without holding them all in memory."""
    return iter(session.exec(select(Event).order_by(Event.seq).execution_options(yield_per=1000)))  # type: ignore[arg-type]
