"""Use case of the counters that show whether a server keeps up."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func
from sqlmodel import select

from pestcheck.records.common import UseCases
from pestcheck.store.tables import Head, View


@dataclass(frozen=True, slots=True)
class Counters:
    """``photographs``: how many by state: waiting, scored, failed. ``scan_seconds``: of all those scored together. ``events``: in the log."""

    photographs: dict[str, int]
    scan_seconds: float
    events: int


class Figures(UseCases):
    """See the module."""

    def counters(self) -> Counters:
        """As they are now."""
        with self.database.reading() as session:
            states = session.exec(select(View.state, func.count(), func.sum(View.seconds)).group_by(View.state)).all()
            log = session.exec(select(Head.size)).first()
        by_state = dict.fromkeys(("waiting", "scored", "failed"), 0) | {state: int(count) for state, count, _ in states}
        return Counters(by_state, float(sum(seconds or 0 for _, _, seconds in states)), log or 0)
