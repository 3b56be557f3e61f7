"""Use case of the second look: whether a conveyance is proposed for one, drawn once a day, on record with its reasons (CTPAT 5.8)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import CTE, ColumnElement, func, or_, select
from sqlmodel import Session, col
from sqlmodel import select as rows

from pestcheck.inspection.identifiers import container_number
from pestcheck.inspection.journey import name_key
from pestcheck.inspection.selection import History, Past, Plan, Proposal, Selected, drawn, propose
from pestcheck.rates import Rate
from pestcheck.records.common import NotFound, Refused, UseCases, new_id, sees, text
from pestcheck.records.insight import looked_at
from pestcheck.records.period import Period
from pestcheck.store import events
from pestcheck.store.tables import Draw, Head

BACK = timedelta(days=730)
"""How far back history counts."""
SEASON = 1
"""Months before and after this one that are its season, of any year."""


class Draws(UseCases):
    """See the module."""

    def draw(
        self, number: str, *, plan: Plan, actor: str, site: str = "", origin: str = "", destination: str = "", carrier_scac: str = "",
        draw_id: str | None = None,
    ) -> Draw:  # fmt: skip
        """Draw whether a conveyance is proposed for a second look. Asked again on the same day it says the same: nobody draws until it suits.

        The person decides: the inspection that is opened for it is tied to the draw, with the kind of selection that was chosen.

        Raises:
            Refused: no number, or a site that is not theirs.
        """
        key = new_id(draw_id)
        shown = text(number, "number", needed="Give the container number.")
        compared = conveyance_key(shown)
        today = datetime.now(UTC).date()
        place = {"site": text(site, "site"), "origin": text(origin, "origin"), "destination": text(destination, "destination")}
        place["carrier"] = "".join(text(carrier_scac, "SCAC").upper().split())
        with self.database.writing() as session:
            place["site"] = place["site"] or _only_site(session)
            if not sees(session, place["site"] or None):
                raise Refused(f"Choose the site, one of yours: {', '.join(sorted(session.info['sites']))}.")
            same = list(
                session.exec(rows(Draw).where(col(Draw.key) == compared, col(Draw.day) == today.isoformat()).order_by(col(Draw.size)))
            )
            if here := next((one for one in same if one.site == place["site"]), None):
                return Draw(**here.model_dump())  # the row itself ends with the session
            if session.get(Draw, key):
                raise Refused("A draw with this id is already there.")
            usual, pasts = _history(session, today, compared, place)
            head = session.get(Head, 1)
            root, size = (head.root, head.size) if head else ("", 0)
            value = same[0].value if same else drawn(root, compared, today.isoformat())
            found = propose(value, plan, usual, pasts)
            row = _row(found, plan, usual) | {
                "id": key, "number": shown, "key": compared, "day": today.isoformat(), "site": place["site"],
                "root": same[0].root if same else root, "size": size, "drawn_by": actor, "drawn_at": events.now(),
            }  # fmt: skip
            events.append(session, "conveyance_drawn", row, actor)
            return Draw(**row)

    def draw_of(self, draw_id: str) -> Draw:
        """
        Raises:
            NotFound: there is no draw with this id, or it is at a site that they do not see.
        """
        with self.database.reading() as session:
            found = session.get(Draw, draw_id)
            if found is None or not sees(session, found.site or None):
                raise NotFound(f"There is no draw {draw_id[:60]!r}.")
            return found


def conveyance_key(number: str) -> str:
    """A conveyance's number in the form that is compared."""
    return container_number(number).text or name_key(number)


def used(session: Session, inspection_id: str, number: str, site: str | None, chosen: str | None, actor: str, opened_at: str) -> None:
    """Tie today's draw of a conveyance to the inspection that was opened for it, within the caller's transaction."""
    days = (opened_at[:10], (date.fromisoformat(opened_at[:10]) - timedelta(days=1)).isoformat())  # midnight may lie between the two
    query = rows(Draw).where(col(Draw.key) == conveyance_key(number), col(Draw.day).in_(days), col(Draw.inspection_id).is_(None))
    found = session.exec(query.where(or_(col(Draw.site) == (site or ""), col(Draw.site) == "")).order_by(col(Draw.size).desc())).first()
    if found:
        payload = {"draw_id": found.id, "inspection_id": inspection_id, "chosen": chosen}
        events.append(session, "draw_used", payload, actor, inspection_id)


def _only_site(session: Session) -> str:
    sites: frozenset[str] | None = session.info.get("sites")
    return next(iter(sites)) if sites is not None and len(sites) == 1 else ""


def _row(found: Proposal, plan: Plan, usual: Rate) -> dict[str, Any]:
    reasons = [[past.history.value, past.name, past.rate.found, past.rate.of] for past in found.reasons]
    return {
        "proposal": found.selected.value, "value": found.value, "share": plan.share, "factor": plan.factor, "risk": round(found.risk, 4),
        "base": [usual.found, usual.of], "reasons": reasons,
    }  # fmt: skip


def _history(session: Session, today: date, key: str, place: dict[str, str]) -> tuple[Rate, list[Past]]:
    """What routine and random inspections found, of all and of those that have something in common with this one; one pass over them."""
    period = Period(today - BACK, today)
    of = looked_at(session, period, kinds=(Selected.ROUTINE, Selected.RANDOM))
    months = [f"{(today.month - 1 + step) % 12 + 1:02}" for step in range(-SEASON, SEASON + 1)]
    like: list[tuple[History, str, ColumnElement[bool]]] = [
        (History.SEASON, f"{today:%m}", func.substr(of.c.day, 6, 2).in_(months)), (History.CONVEYANCE, key, of.c.number == key),
    ]  # fmt: skip
    if place["origin"] and place["destination"]:
        lane = (of.c.origin == place["origin"]) & (of.c.destination == place["destination"])
        like.append((History.LANE, f"{place['origin']} → {place['destination']}", lane))
    if place["carrier"]:
        like.append((History.CARRIER, place["carrier"], of.c.carrier == place["carrier"]))
    if place["site"]:
        like.append((History.SITE, place["site"], of.c.site == place["site"]))
    counts = session.connection().execute(select(*_count(of, [what for _, _, what in like]))).one()
    rates = [Rate(int(counts[n + 1] or 0), int(counts[n] or 0)) for n in range(0, len(counts), 2)]
    return rates[0], [Past(history, name, rate) for (history, name, _), rate in zip(like, rates[1:], strict=True)]


def _count(of: CTE, wheres: list[ColumnElement[bool]]) -> list[Any]:
    columns: list[Any] = [func.count(), func.sum(of.c.found)]
    for where in wheres:
        columns += [func.count().filter(where), func.sum(of.c.found).filter(where)]
    return columns
