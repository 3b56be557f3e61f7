"""Use cases of keeping: how long records stay, legal hold, and the purge of what is older, which the log survives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from pestcheck.records.common import Refused, UseCases, at_their_sites, get, text
from pestcheck.records.log import places
from pestcheck.store import events
from pestcheck.store.tables import Draw, Event, Inspection, Photograph, Purge, View

DEFAULT_YEARS = 5
"""Our default: records that belong to a customs entry are kept five years (19 CFR 163)."""
LEAST_YEARS = 1
"""CTPAT 5.7: documents of inspections must be kept one year."""
YEAR = timedelta(days=365.25)
CLOCK_MAY_LEAD = timedelta(days=92)


class Retention(UseCases):
    """See the module."""

    def hold(self, inspection_id: str, *, reason: str, actor: str) -> None:
        """Keep an inspection whatever its age (legal hold), until it is released with ``reason`` "".

        Raises:
            NotFound: there is none with this id.
        """
        why = text(reason, "reason") or None
        with self.database.writing() as session:
            if get(session, Inspection, inspection_id).hold != why:
                events.append(session, "inspection_held", {"inspection_id": inspection_id, "hold": why}, actor, inspection_id)

    def held(self) -> list[Inspection]:
        """Inspections on legal hold, the newest first."""
        with self.database.reading() as session:
            query = select(Inspection).where(col(Inspection.hold).is_not(None), at_their_sites(session, Inspection.id))
            return list(session.exec(query.order_by(col(Inspection.opened_at).desc(), col(Inspection.id).desc())))

    def due(self, years: float = DEFAULT_YEARS) -> list[Inspection]:
        """Closed inspections older than so many years and not on hold, the oldest first: those that ``purge`` erases.

        Raises:
            Refused: fewer than LEAST_YEARS, or the clock is far ahead of the newest record.
        """
        if not years >= LEAST_YEARS:
            raise Refused(f"Records are kept at least {LEAST_YEARS} year (CTPAT 5.7), not {years:g}.")
        now = datetime.now(UTC)
        with self.database.reading() as session:
            newest = session.exec(select(Event.at).order_by(col(Event.seq).desc()).limit(1)).first()
            if newest and now - datetime.fromisoformat(newest) > CLOCK_MAY_LEAD:
                raise Refused(
                    f"The clock says {now:%Y-%m-%d}, but the newest record is of {newest[:10]}. Nothing is erased until the clock is right, "
                    "or there is a newer record."
                )
            before = events.written(now - years * YEAR)
            query = select(Inspection).where(
                col(Inspection.closed_at) < before, col(Inspection.hold).is_(None), at_their_sites(session, Inspection.id)
            )
            return list(session.exec(query.order_by(col(Inspection.closed_at), col(Inspection.id))))

    def purge(self, inspection_id: str, *, reason: str, actor: str, years: float = DEFAULT_YEARS) -> None:
        """Erase an inspection that is due: its rows, its photographs that no other uses, and its words in the log.

        The leaves of the log stay, so that ``verify`` still passes, and an event says who erased what and why.

        Raises:
            Refused: it is not due, or no reason is given.
            OSError: a photograph could not be erased; asking again erases the rest.
        """
        why = text(reason, "reason", needed="Say why it is erased.")
        with self.database.reading() as session:
            purged = session.get(Purge, inspection_id)
        if purged is None:
            if inspection_id not in {inspection.id for inspection in self.due(years)}:
                with self.database.reading() as session:
                    get(session, Inspection, inspection_id)
                raise Refused("This inspection is open, on hold, or not old enough to be erased.")
            with self.database.writing() as session:
                inspection = get(session, Inspection, inspection_id)
                if inspection.hold:
                    raise Refused(f"This inspection is on hold: {inspection.hold}.")
                payload = self._extent(session, inspection_id) | {"reason": why, "purged_by": actor, "purged_at": events.now()}
                events.append(session, "inspection_purged", payload, actor)
                purged = Purge(**payload)
        with self.database.reading() as session:
            used = set(session.exec(select(Photograph.sha256).where(col(Photograph.sha256).in_(purged.photographs))))
        for sha256 in purged.photographs:
            if sha256 not in used:
                self.photo_store.delete(sha256)

    @staticmethod
    def _extent(session: Session, inspection_id: str) -> dict[str, Any]:
        here = select(View.sha256).where(View.inspection_id == inspection_id)
        elsewhere = select(View.sha256).where(View.inspection_id != inspection_id)
        alone = select(Photograph.sha256).where(col(Photograph.sha256).in_(here), col(Photograph.sha256).not_in(elsewhere))
        drawn = session.exec(select(Draw.size).where(Draw.inspection_id == inspection_id))  # the place of the draw's own event
        return {
            "inspection_id": inspection_id,
            "events": sorted({*places(session, [inspection_id])[inspection_id], *drawn}),
            "photographs": sorted(session.exec(alone)),
        }
