"""The append-only event log. Each event is a leaf of a Merkle tree and is written in one transaction with what it changes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import sqlalchemy
from sqlmodel import Session

from pestcheck.ids import uuid7
from pestcheck.store import merkle, state
from pestcheck.store.tables import Event, Head

EVENT: sqlalchemy.Table = Event.__table__  # type: ignore[attr-defined]
HEAD: sqlalchemy.Table = Head.__table__  # type: ignore[attr-defined]
TOLD = ("seq", "id", "at", "actor", "kind")
"""The columns that repeat what the text of an event says."""


def now() -> str:
    """The server's clock, as ``written``."""
    return written(datetime.now(UTC))


def written(at: datetime) -> str:
    """A time with its zone as the records have it: ISO 8601 in UTC with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def canonical(value: Any) -> str:
    """One JSON text for one value: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def from_text(body: str) -> dict[str, Any]:
    """The entry of the log whose text this is, as columns of ``Event``: they repeat what the text says, and ``leaf`` is its hash.

    Raises:
        ValueError, KeyError, TypeError: it is no text of an event.
    """
    told = json.loads(body)
    of = told.get("inspection_id")  # texts from before version 0.4 do not say
    columns = {column: told[column] for column in TOLD}
    return columns | {"inspection_id": of, "body": body, "leaf": merkle.leaf_hash(body.encode()).hex()}


def append(session: Session, kind: str, payload: state.Payload, actor: str, inspection_id: str | None = None) -> None:
    """Add an event to the log and apply it, within the caller's writing transaction.

    Its place in the log is the order of the commits; the clock only says when.

    Args:
        inspection_id: of which inspection it is a part; it is erased with it.

    Raises:
        ValueError: the event is of an unknown kind or about something that is not there; nothing is written.
    """
    # Nobody else writes meanwhile: see Database.writing. Plain statements: this runs for every change there is.
    known = session.connection().execute(sqlalchemy.select(HEAD.c.size, HEAD.c.frontier)).one_or_none()
    size, frontier = known or (0, [])
    body = {"seq": size, "id": uuid7(), "at": now(), "actor": actor, "kind": kind, "inspection_id": inspection_id, "payload": payload}
    row = from_text(canonical(body))
    subtrees = [bytes.fromhex(subtree) if subtree else None for subtree in frontier]
    merkle.push(subtrees, bytes.fromhex(row["leaf"]))
    session.connection().execute(sqlalchemy.insert(EVENT), row)
    set_head(session, size + 1, subtrees, new=known is None)
    state.apply(session, kind, payload)


def set_head(session: Session, size: int, subtrees: list[bytes | None], *, new: bool) -> None:
    """Record the tree's size and its full subtrees."""
    statement = sqlalchemy.insert(HEAD) if new else sqlalchemy.update(HEAD)
    frontier = [subtree.hex() if subtree else None for subtree in subtrees]
    session.connection().execute(statement.values(id=1, size=size, root=merkle.root(subtrees).hex(), frontier=frontier))


def read(session: Session) -> Iterator[Any]:
    """All events in order, each a row of the columns of ``Event``, without holding them all in memory."""
    return iter(session.execute(sqlalchemy.select(EVENT).order_by(EVENT.c.seq).execution_options(yield_per=1000)))
