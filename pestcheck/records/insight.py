"""Use case of insight: how often there was contamination, where, what, on which way; what cleaning did; how long inspections take.

Everything is counted by the database. The kinds of selection are never added up: a rate of conveyances that were chosen for their risk is
no rate of all (domain: AQIM keeps random and targeted inspections apart). Formulas: docs/insight.md.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import CTE, Integer, Select, case, distinct, exists, func, literal, select, union_all
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlmodel import Session, col

from pestcheck.inspection.checklist import Catalogue, NoTemplate
from pestcheck.rates import Rate, quantile
from pestcheck.records.common import UseCases, at_their_sites, text
from pestcheck.records.inspections import SELECTIONS
from pestcheck.records.period import Period
from pestcheck.store.journey_tables import Leg, Party
from pestcheck.store.tables import Action, Answer, Contamination, Draw, Finding, Inspection, View

KINDS = (*SELECTIONS, "")
"""Kinds of selection; "": nobody said why the conveyance was inspected."""
BY = {
    "week": "Week", "lane": "Lane", "partner": "Partner", "carrier": "Carrier (SCAC)", "site": "Site", "area": "Area", "label": "Label",
}  # fmt: skip
"""What the rates are given by. "partner": each party that handed the conveyance over on a leg of its journey."""
QUARTERS = (0.25, 0.5, 0.75, 0.9)


@dataclass(frozen=True, slots=True)
class Line:
    """One row: what it is of, and the rate of each kind of selection. ``findings``: how many a person says were there, where they are counted."""

    key: tuple[str, ...]
    rates: Mapping[str, Rate]
    findings: int = 0

    @property
    def of(self) -> int:
        """How many inspections stand behind it."""
        return sum(rate.of for rate in self.rates.values())


@dataclass(frozen=True, slots=True)
class Cleaning:
    """How one method did: ``passed`` of those inspected again; ``waiting``: not inspected again."""

    method: str
    passed: Rate
    waiting: int


@dataclass(frozen=True, slots=True)
class Time:
    """Minutes from the opening of an inspection to its close: ``QUARTERS`` of the template's inspections."""

    template: str
    of: int
    minutes: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """How often a kind of selection was proposed, and how often the person chose it."""

    proposal: str
    followed: Rate
    open: int


@dataclass(frozen=True, slots=True)
class Insights:
    """All of it. ``lines`` by ``BY``; ``total``: of all closed inspections; ``open``: not closed yet, and not
    counted; ``sites``: that one may choose from."""

    period: Period
    site: str | None
    total: Line
    open: int
    lines: Mapping[str, tuple[Line, ...]]
    cleaning: tuple[Cleaning, ...] = ()
    times: tuple[Time, ...] = ()
    drawn: tuple[Drawn, ...] = ()
    sites: tuple[str, ...] = ()


class minutes(FunctionElement[int]):
    """Whole minutes between two times of the records."""

    type = Integer()
    inherit_cache = True


@compiles(minutes, "sqlite")
def _sqlite(element: Any, compiler: Any, **more: Any) -> str:
    first, last = (compiler.process(clause, **more) for clause in element.clauses)
    return f"CAST(ROUND((julianday({last}) - julianday({first})) * 1440) AS INTEGER)"


@compiles(minutes, "postgresql")
def _postgresql(element: Any, compiler: Any, **more: Any) -> str:
    first, last = (compiler.process(clause, **more) for clause in element.clauses)
    return f"CAST(ROUND(EXTRACT(EPOCH FROM CAST({last} AS timestamptz) - CAST({first} AS timestamptz)) / 60) AS INTEGER)"


class Insight(UseCases):
    """See the module."""

    def known_sites(self) -> tuple[str, ...]:
        """The sites of the inspections that they see."""
        with self.database.reading() as session:
            return _sites(session)

    def insight(self, period: Period | None = None, site: str | None = None) -> Insights:
        """What the closed inspections of a period show, of those that were opened in it, at the sites that they see.

        Args:
            period: None: the last year. site: only of this one, "": those without.
        """
        span = period or Period.read()
        where = None if site is None else text(site, "site")
        with self.database.reading() as session:
            closed = _closed(session, span, where)
            counted, took = _counted(session, span, where), _took(session, closed)
            totals = Counter[str]()
            for _, _, kind, of, *_ in counted["week"]:
                totals[kind] += of
            counted["label"] = [(label, "", kind, totals[kind], *found) for label, _, kind, _, *found in counted["label"]]
            counted["area"] = _areas(session, self.catalogue, closed, took, counted["area"])
            lines = {by: _lines(counted[by], newest=by == "week") for by in BY}
            total = next(iter(_lines(("", "", *rest) for _, _, *rest in counted["week"])), Line((), {}))
            return Insights(
                span, where, total, _open(session, span, where), lines, _cleaning(session, closed), _times(took),
                _drawn(session, span, where), _sites(session),
            )  # fmt: skip


Row = tuple[Any, ...]
"""Two parts of a key, kind of selection, inspections, those with contamination, findings."""


def _sites(session: Session) -> tuple[str, ...]:
    query = select(Inspection.site).where(col(Inspection.site).is_not(None), at_their_sites(session, Inspection.id)).distinct()  # type: ignore[call-overload]
    return tuple(sorted(site for (site,) in session.connection().execute(query)))


def looked_at(session: Session, period: Period, site: str | None = None, *, kinds: Iterable[str] | None = None) -> CTE:
    """The closed inspections of a period as a table: what they are counted by, and whether a person found contamination.

    Args:
        kinds: only of these kinds of selection.
    """
    query = select(
        func.coalesce(Inspection.selection, "").label("selection"), func.substr(Inspection.opened_at, 1, 10).label("day"),
        col(Inspection.id).label("id"), func.coalesce(Inspection.origin, "").label("origin"),
        func.coalesce(Inspection.destination, "").label("destination"), func.coalesce(Inspection.carrier_scac, "").label("carrier"),
        func.coalesce(Inspection.site, "").label("site"), col(Inspection.container_number).label("number"),
        case((exists().where(col(Contamination.inspection_id) == Inspection.id, col(Contamination.n) > 0), 1), else_=0).label("found"),
    ).where(*_closed(session, period, site))  # fmt: skip
    if kinds is not None:
        query = query.where(func.coalesce(Inspection.selection, "").in_([*kinds]))
    return query.cte("looked_at")


def within(session: Session, period: Period, site: str | None) -> tuple[Any, ...]:
    """Conditions: inspections opened in a period, at a site, which they see."""
    first, last = period.texts
    here = () if site is None else (func.coalesce(Inspection.site, "") == site,)
    return (col(Inspection.opened_at) >= first, col(Inspection.opened_at) < last, at_their_sites(session, Inspection.id), *here)


def _counted(session: Session, period: Period, site: str | None) -> dict[str, list[Row]]:
    """Rows by what they are counted by; one statement, so that the database makes the tables of inspections and of what was found once.

    Those of a label or an area count only inspections with contamination.
    """
    none, nothing = literal(""), literal(0)
    of = looked_at(session, period, site)

    def by(name: str, one: Any, two: Any = none) -> Select[Any]:
        return select(literal(name), one, two, of.c.selection, func.count(), func.sum(of.c.found), nothing).group_by(
            one, two, of.c.selection
        )

    hands = select(Leg.inspection_id, Party.name).join(Party, col(Party.id) == Leg.tendered_by).distinct().subquery()  # type: ignore[call-overload]
    partner = (
        select(literal("partner"), hands.c.name, none, of.c.selection, func.count(), func.sum(of.c.found), nothing)
        .join_from(of, hands, hands.c.inspection_id == of.c.id).group_by(hands.c.name, of.c.selection)
    )  # fmt: skip
    found = (
        select(
            col(Contamination.inspection_id).label("id"), col(Contamination.area).label("area"), col(Contamination.label).label("label"),
            col(Contamination.n).label("n"), func.coalesce(Inspection.selection, "").label("selection"),
        )
        .join(Inspection, col(Inspection.id) == Contamination.inspection_id)
        .where(col(Contamination.n) > 0, *_closed(session, period, site)).cte("found")
    )  # fmt: skip

    at = (  # an inspection once, without a set of those that were counted, which takes as long again
        select(found.c.area, found.c.selection, func.sum(case((found.c.label != "", found.c.n), else_=0)).label("n"))
        .group_by(found.c.id, found.c.area, found.c.selection).subquery()
    )  # fmt: skip

    parts = (
        by("week", of.c.day), by("lane", of.c.origin, of.c.destination), by("carrier", of.c.carrier, of.c.site), partner,
        select(literal("label"), found.c.label, none, found.c.selection, nothing, func.count(distinct(found.c.id)), func.sum(found.c.n))
        .where(found.c.label != "").group_by(found.c.label, found.c.selection),
        select(literal("area"), at.c.area, none, at.c.selection, nothing, func.count(), func.sum(at.c.n)).group_by(at.c.area, at.c.selection),
    )  # fmt: skip
    rows: dict[str, list[Row]] = defaultdict(list)
    for name, one, two, kind, n, bad, several in session.connection().execute(union_all(*parts)):
        rows[name].append((one, two, kind, int(n), int(bad), int(several)))
    rows["week"] = [(monday(one), *rest) for one, *rest in rows["week"]]
    # Counted by both at once: that is one pass less.
    rows["site"] = [(where, "", *rest) for _, where, *rest in rows["carrier"]]
    rows["carrier"] = [(carrier, "", *rest) for carrier, _, *rest in rows["carrier"]]
    return rows


def _closed(session: Session, period: Period, site: str | None) -> tuple[Any, ...]:
    return (*within(session, period, site), col(Inspection.closed_at).is_not(None))


def _took(session: Session, where: tuple[Any, ...]) -> list[tuple[str, int, str, int, int]]:
    """How many inspections, by template and version, kind of selection, and the minutes that they took."""
    took = minutes(Inspection.opened_at, Inspection.closed_at)
    columns: tuple[Any, ...] = (Inspection.template, Inspection.template_version, func.coalesce(Inspection.selection, ""), took)
    return [tuple(row) for row in session.connection().execute(select(*columns, func.count()).where(*where).group_by(*columns))]


def _areas(
    session: Session, catalogue: Catalogue, where: tuple[Any, ...], took: Iterable[tuple[str, int, str, int, int]], bad: Iterable[Row]
) -> list[Row]:  # fmt: skip
    """Inspections with contamination at a point, of those in which it was inspected, and how often something was found there.

    A closed inspection has an answer at each point of its template, so those inspected are all but those answered otherwise: counting
    seven answers an inspection one by one would take most of the time.
    """
    selection = func.coalesce(Inspection.selection, "")
    # First, in one pass: else SQLite looks for them in each inspection.
    few = select(Answer.inspection_id, Answer.area).where(Answer.state != "inspected").cte("few").prefix_with("MATERIALIZED")  # type: ignore[call-overload]
    otherwise = (
        select(few.c.area, selection, func.count()).join_from(few, Inspection, col(Inspection.id) == few.c.inspection_id)
        .where(*where).group_by(few.c.area, selection)
    )  # fmt: skip
    made, of = Counter[tuple[str, int, str]](), Counter[tuple[str, str]]()
    for template, version, kind, _, n in took:
        made[template, version, kind] += n
    for (template, version, kind), n in made.items():
        with suppress(NoTemplate):  # its file is gone, and nobody knows its points
            for point in catalogue.template(template, version).points:
                of[point.area, kind] += n
    for area, kind, n in session.connection().execute(otherwise):
        of[area, kind] -= n
    rows = {(area, kind): (found, n) for area, _, kind, _, found, n in bad}
    # With a finding where the answer is "not inspected" (an amendment), it was looked at all the same.
    return [
        (area, "", kind, max(of[area, kind], rows.get((area, kind), (0, 0))[0]), *rows.get((area, kind), (0, 0)))
        for area, kind in {**of, **rows}
    ]


def monday(on: str) -> str:
    """The Monday of a day's week (ISO 8601)."""
    read = date.fromisoformat(on)
    return (read - timedelta(days=read.weekday())).isoformat()


def _lines(rows: Iterable[tuple[Any, ...]], *, newest: bool = False) -> tuple[Line, ...]:
    """Rows put together by their key: weeks in their order, all else with most inspections first."""
    rates: dict[tuple[str, ...], dict[str, Rate]] = defaultdict(dict)
    findings: dict[tuple[str, ...], int] = defaultdict(int)
    for one, two, kind, of, found, several in rows:
        key = (one or "", two or "") if two else (one or "",)
        known = kind if kind in KINDS else ""
        rates[key][known] = rates[key].get(known, Rate(0, 0)) + Rate(int(found), int(of))
        findings[key] += int(several or 0)
    lines = [Line(key, {kind: of[kind] for kind in KINDS if kind in of}, findings[key]) for key, of in rates.items()]
    return tuple(
        sorted(lines, key=lambda line: line.key if newest else (-sum(rate.found for rate in line.rates.values()), -line.of, line.key))
    )


def _open(session: Session, period: Period, site: str | None) -> int:
    query = select(func.count()).select_from(Inspection).where(*within(session, period, site), col(Inspection.closed_at).is_(None))
    return int(session.connection().execute(query).scalar_one())


def _cleaning(session: Session, where: tuple[Any, ...]) -> tuple[Cleaning, ...]:
    of = (
        exists().where(col(Finding.id) == Action.finding_id, col(View.id) == Finding.view_id, col(Inspection.id) == View.inspection_id, *where)
        .correlate(Action.__table__)  # type: ignore[attr-defined]
    )  # fmt: skip
    query = select(Action.method, Action.clean, func.count()).where(of).group_by(Action.method, Action.clean)  # type: ignore[call-overload]
    counts: dict[str, dict[bool | None, int]] = defaultdict(lambda: defaultdict(int))
    for method, clean, count in session.connection().execute(query):
        counts[method][None if clean is None else bool(clean)] += count
    found = [Cleaning(method, Rate(of[True], of[True] + of[False]), of[None]) for method, of in counts.items()]
    return tuple(sorted(found, key=lambda one: (-one.passed.of - one.waiting, one.method)))


def _times(took: Iterable[tuple[str, int, str, int, int]]) -> tuple[Time, ...]:
    counts: dict[str, Counter[float]] = defaultdict(Counter)
    for template, _, _, value, n in took:
        counts[template][max(0, value)] += n
    found = []
    for template, values in counts.items():
        ordered = sorted(values.items())
        found.append(Time(template, values.total(), tuple(quantile(ordered, share) or 0 for share in QUARTERS)))
    return tuple(sorted(found, key=lambda one: (-one.of, one.template)))


def _drawn(session: Session, period: Period, site: str | None) -> tuple[Drawn, ...]:
    """Of the draws for a second look."""
    first, last = period.texts
    sites: frozenset[str] | None = session.info.get("sites")
    query = select(Draw.proposal, Draw.chosen, func.count()).where(col(Draw.drawn_at) >= first, col(Draw.drawn_at) < last)  # type: ignore[call-overload]
    if site is not None:
        query = query.where(col(Draw.site) == site)
    if sites is not None:
        query = query.where(col(Draw.site).in_(sites))
    counts: dict[str, dict[str | None, int]] = defaultdict(lambda: defaultdict(int))
    for proposal, chosen, count in session.connection().execute(query.group_by(Draw.proposal, Draw.chosen)):
        counts[proposal][chosen] += count
    return tuple(Drawn(kind, Rate(of[kind], sum(of.values()) - of[None]), of[None]) for kind in SELECTIONS if (of := counts.get(kind)))
