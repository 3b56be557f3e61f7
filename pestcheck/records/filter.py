"""Which inspections are meant: one filter for the command line, the API and the page."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_
from sqlmodel import col, select

from pestcheck.ids import is_id
from pestcheck.inspection.identifiers import scac
from pestcheck.inspection.journey import name_key
from pestcheck.records.common import Refused, moment, text
from pestcheck.records.view import CONTAMINANTS, DISPOSITIONS, RESULTS
from pestcheck.store import events
from pestcheck.store.journey_tables import Leg, Party
from pestcheck.store.tables import Contamination, Inspection
from pestcheck.taxonomy import LABELS

OUTCOMES = {**RESULTS, "open": "Open", "closed": "Closed", **DISPOSITIONS}
"""What an inspection came to: what was seen, whether it is closed, what became of the conveyance."""
LANE = ">"


@dataclass(frozen=True, slots=True)
class Filter:
    """Inspections that meet all that is set; "" is no condition.

    Attributes:
        since, until: opened then, both included: dates (UTC), or ISO 8601 times with zone.
        site: of this name. partner: a party that the conveyance went through, by name, or the carrier's SCAC.
        lane: ``origin > destination``; either may be left out.
        container: part of the number. label: of CONTAMINANTS, found there by a person; a group stands for all its labels.
        outcome: of OUTCOMES. inspector: who inspected, in full. inspection: the id of just one.

    Raises:
        Refused: a date, label, outcome or id that is none.
    """

    since: str = ""
    until: str = ""
    site: str = ""
    partner: str = ""
    lane: str = ""
    container: str = ""
    label: str = ""
    outcome: str = ""
    inspector: str = ""
    inspection: str = ""

    def __post_init__(self) -> None:
        for name in NAMES:
            object.__setattr__(self, name, text(getattr(self, name), name))
        first, last = _moment(self.since, "since"), _moment(self.until, "until", end=True)
        if first and last and first >= last:
            raise Refused(f"Nothing can be both since {self.since} and until {self.until}: turn the dates round.")
        for name, known in (("label", CONTAMINANTS), ("outcome", OUTCOMES)):
            value = getattr(self, name)
            if value and value not in known:
                raise Refused(f"There is no {name} {value[:60]!r}; there are: {', '.join(known)}.")
        if self.inspection and not is_id(self.inspection):
            raise Refused(f"{self.inspection[:60]!r} is not the id of an inspection.")

    @property
    def given(self) -> dict[str, str]:
        """What is set."""
        return {name: value for name in NAMES if (value := getattr(self, name))}

    def conditions(self) -> list[ColumnElement[bool]]:
        """For queries of ``Inspection``."""
        made: list[ColumnElement[bool]] = []
        if first := _moment(self.since, "since"):
            made.append(col(Inspection.opened_at) >= first)
        if last := _moment(self.until, "until", end=True):
            made.append(col(Inspection.opened_at) < last)
        for name in ("site", "inspector"):
            if value := getattr(self, name):
                made.append(getattr(Inspection, name) == value)
        if self.inspection:
            made.append(col(Inspection.id) == self.inspection)
        if self.lane:
            origin, _, destination = (part.strip() for part in self.lane.partition(LANE))
            made += [
                column == value for column, value in ((col(Inspection.origin), origin), (col(Inspection.destination), destination)) if value
            ]
        if self.container:
            key = "".join(self.container.upper().split())
            made.append(func.replace(func.upper(col(Inspection.container_number)), " ", "").contains(key, autoescape=True))
        if self.partner:
            hands = select(Leg.inspection_id).join(Party, or_(col(Party.id) == col(Leg.tendered_by), col(Party.id) == col(Leg.received_by)))
            met = col(Inspection.id).in_(hands.where(col(Party.key) == name_key(self.partner)))
            made.append(or_(met, col(Inspection.carrier_scac) == (scac(self.partner).text or self.partner)))
        if self.label:
            made.append(col(Inspection.id).in_(_found(self.label)))
        if self.outcome:
            made.append(_came_to(self.outcome))
        return made


NAMES = tuple(field.name for field in fields(Filter))


def _found(label: str = "") -> Any:
    """Ids of the inspections where a person found contamination, or just this."""
    query = select(Contamination.inspection_id).where(Contamination.n > 0)
    if not label:
        return query
    named = {label} | {one.id for one in LABELS.values() if one.group == label}
    return query.where(col(Contamination.label).in_(sorted(named)))


def _came_to(outcome: str) -> ColumnElement[bool]:
    contaminated = col(Inspection.id).in_(_found())
    match outcome:
        case "contamination":
            return contaminated
        case "no_contamination":  # nothing of an open one is said yet
            return ~contaminated & col(Inspection.closed_at).is_not(None)
        case "open":
            return col(Inspection.closed_at).is_(None)
        case "closed":
            return col(Inspection.closed_at).is_not(None)
        case _:
            return col(Inspection.disposition) == outcome


def _moment(value: str, what: str, *, end: bool = False) -> str | None:
    """The time that is meant, as the records write it; of a date its start, or with ``end`` the start of the next.

    Raises:
        Refused: it is neither date nor time with zone.
    """
    if not value:
        return None
    try:
        day = date.fromisoformat(value)
        start = datetime.combine(day, time(), UTC)
        return events.written(start + timedelta(days=1) if end else start)
    except (ValueError, OverflowError):
        at = moment(value, what)
        # "until" is included, to the millisecond that the records have
        return events.written(datetime.fromisoformat(at) + timedelta(milliseconds=1)) if at and end else at
