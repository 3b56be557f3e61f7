"""What each kind of event does to the tables: the only place that writes them, for new events and for a replay alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from sqlmodel import Session, SQLModel

from pestcheck.store.tables import Answer, Finding, Inspection, Photograph, View

Payload = dict[str, Any]
Row = TypeVar("Row", bound=SQLModel)


def apply(session: Session, kind: str, payload: Payload) -> None:
    """Write what an event says.

    Raises:
        ValueError: an event of an unknown kind, or about something that is not there.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind of event: {kind}")
    KINDS[kind](session, payload)
    session.flush()


def _opened(session: Session, payload: Payload) -> None:
    session.add(Inspection(**payload))


def _photographed(session: Session, payload: Payload) -> None:
    session.merge(Photograph(**payload["photograph"]))
    session.flush()
    session.add(View(**payload["view"], state="waiting"))


def _scored(session: Session, payload: Payload) -> None:
    view = _get(session, View, payload["view_id"])
    view.sqlmodel_update({**payload["report"], "state": "scored"})
    for position, finding in enumerate(payload["findings"]):
        session.add(Finding(**finding, view_id=view.id, position=position, state="suggested"))


def _not_scored(session: Session, payload: Payload) -> None:
    view = _get(session, View, payload["view_id"])
    view.state, view.error = "failed", payload["error"]


def _decided(session: Session, payload: Payload) -> None:
    finding = _get(session, Finding, payload["finding_id"])
    finding.sqlmodel_update({key: payload[key] for key in ("state", "decided_label", "decided_by", "decided_at")})


def _answered(session: Session, payload: Payload) -> None:
    session.merge(Answer(**payload))


def _closed(session: Session, payload: Payload) -> None:
    inspection = _get(session, Inspection, payload["inspection_id"])
    inspection.closed_at, inspection.closed_by = payload["closed_at"], payload["closed_by"]


def _get(session: Session, table: type[Row], key: str) -> Row:
    row = session.get(table, key)
    if row is None:
        raise ValueError(f"no {table.__name__.lower()} {key}")
    return row


KINDS: dict[str, Callable[[Session, Payload], None]] = {
    "inspection_opened": _opened,
    "photograph_added": _photographed,
    "photograph_scored": _scored,
    "photograph_not_scored": _not_scored,
    "finding_decided": _decided,
    "point_answered": _answered,
    "inspection_closed": _closed,
}
