"""The append-only event log. Each event is a leaf of a Merkle tree and is written in one transaction with what it changes.

The events of an inspection are numbered from 1: a gap shows where one was left out.
"""

from __future__ import annotations

import hashlib
import json
import secrets
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
WHERE = ("latitude", "longitude", "camera")
"""Where and with what it was taken: kept apart, with random bytes so that its hash does not give it away."""


def now() -> str:
    """The server's clock, as ``written``."""
    return written(datetime.now(UTC))


def written(at: datetime) -> str:
    """A time with its zone as the records have it: ISO 8601 in UTC with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def canonical(value: Any) -> str:
    """One JSON text for one value: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def split(kind: str, payload: state.Payload) -> tuple[state.Payload, state.Payload]:
    """A payload in two: without where things were, and only that, of the same shape; {} where there is nothing of it."""
    if kind == "amended":
        shown, apart = split(payload["kind"], payload["payload"])
        return (payload | {"payload": shown}, {"payload": apart}) if apart else (payload, {})
    if kind == "photograph_added":
        shown, apart = split("fix_recorded", payload["photograph"])
        return (payload | {"photograph": shown}, {"photograph": apart}) if apart else (payload, {})
    apart = {name: payload[name] for name in WHERE if payload.get(name) is not None} if kind == "fix_recorded" else {}
    return {name: value for name, value in payload.items() if name not in apart}, apart


def whole(body: dict[str, Any], apart: str | None) -> state.Payload:
    """The payload of an event with the part that is kept apart.

    Raises:
        ValueError: that part is not the one whose hash the body has.
    """
    if body.get("apart") != (hashlib.sha256(apart.encode()).hexdigest() if apart else None):
        raise ValueError("the part that is kept apart was changed" if apart else "the part that is kept apart is gone")
    payload: state.Payload = body["payload"]
    return _joined(payload, json.loads(apart)["payload"]) if apart else payload


def _joined(shown: dict[str, Any], apart: dict[str, Any]) -> dict[str, Any]:
    return shown | {name: _joined(shown[name], value) if isinstance(value, dict) else value for name, value in apart.items()}


def from_text(body: str, apart: str | None = None) -> dict[str, Any]:
    """The entry of the log whose text this is, as columns of ``Event``: they repeat what the text says, and ``leaf`` is its hash.

    Raises:
        ValueError, KeyError, TypeError: it is no text of an event.
    """
    told = json.loads(body)
    of = told.get("inspection_id")  # texts from before version 0.4 do not say
    columns = {column: told[column] for column in TOLD}
    return columns | {"inspection_id": of, "body": body, "leaf": merkle.leaf_hash(body.encode()).hex(), "apart": apart}


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
    shown, private = split(kind, payload)
    apart = canonical({"random": secrets.token_hex(16), "payload": private}) if private else None
    body = {"seq": size, "id": uuid7(), "at": now(), "actor": actor, "kind": kind, "inspection_id": inspection_id, "payload": shown}
    if number := _number(session, kind, inspection_id):
        body["number"] = number
    if apart:
        body["apart"] = hashlib.sha256(apart.encode()).hexdigest()
    row = from_text(canonical(body), apart)
    subtrees = [bytes.fromhex(subtree) if subtree else None for subtree in frontier]
    merkle.push(subtrees, bytes.fromhex(row["leaf"]))
    session.connection().execute(sqlalchemy.insert(EVENT), row)
    set_head(session, size + 1, subtrees, new=known is None)
    state.apply(session, kind, payload)


def _number(session: Session, kind: str, inspection_id: str | None) -> int | None:
    """Which event of its inspection the next one is, from 1; None of an inspection that was opened before they were numbered."""
    if inspection_id is None or kind == "inspection_opened":
        return None if inspection_id is None else 1
    last = sqlalchemy.select(EVENT.c.body).where(EVENT.c.inspection_id == inspection_id).order_by(EVENT.c.seq.desc()).limit(1)
    number = json.loads(session.connection().execute(last).scalar() or "{}").get("number")
    return number + 1 if number else None


def set_head(session: Session, size: int, subtrees: list[bytes | None], *, new: bool) -> None:
    """Record the tree's size and its full subtrees."""
    statement = sqlalchemy.insert(HEAD) if new else sqlalchemy.update(HEAD)
    frontier = [subtree.hex() if subtree else None for subtree in subtrees]
    session.connection().execute(statement.values(id=1, size=size, root=merkle.root(subtrees).hex(), frontier=frontier))


def read(session: Session) -> Iterator[Any]:
    """All events in order, each a row of the columns of ``Event``, without holding them all in memory."""
    return iter(session.execute(sqlalchemy.select(EVENT).order_by(EVENT.c.seq).execution_options(yield_per=1000)))
