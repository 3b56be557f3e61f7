"""Which events of the log are of which inspections."""

from __future__ import annotations

import json
from typing import Any

from sqlmodel import Session, col, select

from pestcheck.store.tables import Event, Finding, View

BEFORE_0_4 = (
    "inspection_opened", "photograph_added", "photograph_scored", "photograph_not_scored", "finding_decided", "point_answered",
    "inspection_closed",
)  # fmt: skip
"""Kinds of events whose text may not say of which inspection they are a part."""
AT_ONCE = 500


def places(session: Session, inspections: list[str]) -> dict[str, list[int]]:
    """The places in the log of the events of each of these inspections, in order."""
    found: dict[str, set[int]] = {key: set() for key in inspections}
    parts = [inspections[start : start + AT_ONCE] for start in range(0, len(inspections), AT_ONCE)]
    for some in parts:
        for key, seq in session.exec(select(Event.inspection_id, Event.seq).where(col(Event.inspection_id).in_(some))):
            found[str(key)].add(seq)
    before = select(Event.seq, Event.body).where(col(Event.inspection_id).is_(None), col(Event.kind).in_(BEFORE_0_4))
    if session.exec(before.limit(1)).first():
        of: dict[Any, str] = {key: key for key in inspections}
        for some in parts:
            of.update(session.exec(select(View.id, View.inspection_id).where(col(View.inspection_id).in_(some))).all())
            of.update(session.exec(select(Finding.id, View.inspection_id).join(View).where(col(View.inspection_id).in_(some))).all())
        for seq, body in session.exec(before.execution_options(yield_per=1000)):
            for name in _names(json.loads(body)["payload"]) if body else ():
                if name in of:
                    found[of[name]].add(seq)
    return {key: sorted(seqs) for key, seqs in found.items()}


def _names(payload: dict[str, Any]) -> list[Any]:
    """The ids by which the event of an older version says what it is about."""
    return [payload.get(key) for key in ("id", "inspection_id", "view_id", "finding_id")] + [payload.get("view", {}).get("inspection_id")]
