"""Use cases of looking through many inspections: which match a filter, and their rows for a register, page by page.

Memory does not grow with their number: a page of inspections is read, handed on and forgotten. All pages show one state of the database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, case, cast, false, func, or_, tuple_
from sqlmodel import Session, col, select

from pestcheck.inspection.journey import name_key
from pestcheck.records.common import UseCases, at_their_sites, get
from pestcheck.records.filter import Filter
from pestcheck.store.journey_tables import Leg, Party
from pestcheck.store.tables import (
    KEPT,
    Action,
    Amendment,
    Answer,
    Certificate,
    Contamination,
    Finding,
    Inspection,
    Photograph,
    SealCheck,
    SealLine,
    Signature,
    View,
    WoodPackaging,
)

PAGE = 500
"""Inspections a page: some thousand findings, a few megabytes."""

Row = Sequence[Any]
Query = Select[Any]


@dataclass(frozen=True, slots=True)
class Part:
    """One table of a register. ``columns``: what stands in each, by its name, in order; ``rows``: the query of its rows, given which
    inspections; ``whole``: the query of rows that are of no inspection, or None."""

    name: str
    columns: dict[str, Any]
    rows: Callable[[Query, Any], Query]
    whole: Callable[[Query, Filter], Query] | None = None

    def of(self, which: Any) -> Query:
        """The rows of some inspections."""
        return self.rows(select(*self.columns.values()), which)


def _count(table: Any, *where: Any) -> ColumnElement[Any]:
    return select(func.count()).select_from(table).where(table.inspection_id == Inspection.id, *where).scalar_subquery()


def _points(*where: Any) -> ColumnElement[Any]:
    return _count(Answer, *where)


_kept = (
    select(func.coalesce(func.sum(Contamination.n), 0)).where(Contamination.inspection_id == Inspection.id, Contamination.label != "")
    .scalar_subquery()
)  # fmt: skip
# Not in the condition: a database without statistics would go through all that are suggested, once an inspection.
_suggested = (
    select(func.count(case((col(Finding.state) == "suggested", 1)))).select_from(Finding).join(View)
    .where(col(View.inspection_id) == Inspection.id).scalar_subquery()
)  # fmt: skip
_worst = (
    select(func.max(Finding.severity)).select_from(Finding).join(View)
    .where(col(View.inspection_id) == Inspection.id, col(Finding.state).in_(KEPT), col(Finding.cargo).is_(None)).scalar_subquery()
)  # fmt: skip
_cleaned = (
    select(func.count()).select_from(Action).where(Action.finding_id == Finding.id, col(Action.clean).is_(True))
    .correlate(Finding).scalar_subquery()
)  # fmt: skip
_HERE: dict[str, Any] = {
    "inspection": col(Inspection.id),
    "container_number": col(Inspection.container_number),
    "site": col(Inspection.site),
}


def _all(row: Any, *names: str) -> dict[str, Any]:
    return {name: col(getattr(row, name)) for name in names}


def _seen(table: Any, *order: Any) -> Callable[[Query, Any], Query]:
    """Rows of a table that hang on an inspection."""
    return lambda query, which: (
        query.select_from(table).join(Inspection, Inspection.id == table.inspection_id).where(which)
        .order_by(Inspection.opened_at, Inspection.id, *order)
    )  # fmt: skip


PARTS = {
    part.name: part
    for part in (
        Part(
            "inspections",
            {"inspection": col(Inspection.id)} | _all(
                Inspection, "container_number", "number_problem", "override_reason", "size_type", "template", "template_version", "stage",
                "selection", "site", "procedure", "inspector", "trained", "supervisor", "carrier_scac", "shipment", "origin", "destination",
                "opened_at", "device_time", "time_zone", "closed_at", "closed_by", "disposition", "hold",
            ) | {
                "points_no_contamination": _points(Answer.result == "no_contamination"),
                "points_contamination": _points(Answer.result == "contamination"),
                "points_not_inspected": _points(Answer.state == "not_inspected"),
                "points_not_applicable": _points(Answer.state == "not_applicable"),
                "photographs": _count(View), "findings": _kept, "findings_to_decide": _suggested, "worst_severity": _worst,
                "wood_packaging": _count(WoodPackaging), "seals": _count(SealLine), "seal_checks": _count(SealCheck),
                "signatures": _count(Signature), "amendments": _count(Amendment),
            },
            lambda query, which: query.select_from(Inspection).where(which).order_by(col(Inspection.opened_at), col(Inspection.id)),
        ),
        Part(
            "findings",
            _HERE | {
                "area": col(View.area), "photograph": col(View.name), "photograph_sha256": col(View.sha256),
                "taken_at": col(Photograph.taken_at), "verdict": col(View.verdict), "score": col(View.score), "model": col(View.model),
                "thresholds": col(View.thresholds), "finding": col(Finding.id), "suggested": col(Finding.label),
                "suggested_group": col(Finding.group), "probability": col(Finding.probability), "box": cast(Finding.box, Text),
                "reason": col(Finding.reason), "decision": col(Finding.state),
            } | _all(
                Finding, "decided_label", "decided_by", "decided_at", "condition", "life_stage", "count", "extent", "severity", "rules", "cargo",
                "cargo_reason", "note", "disposition",
            ) | {"found_clean": case((_cleaned > 0, True))},
            lambda query, which: query.select_from(Finding).join(View, col(View.id) == Finding.view_id)
            .join(Photograph, col(Photograph.sha256) == View.sha256).join(Inspection, col(Inspection.id) == View.inspection_id).where(which)
            .order_by(col(Inspection.opened_at), col(Inspection.id), col(View.added_at), col(View.id), col(Finding.position)),
        ),
        Part(
            "seals",
            _HERE | {"line": col(SealLine.id)} | _all(
                SealLine, "act", "number", "happened_at", "seal_class", "type", "maker", "container", "document_number", "reason",
                "recorded_by", "recorded_at",
            ),
            _seen(SealLine, col(SealLine.happened_at), col(SealLine.id)),
            lambda query, _: query.select_from(SealLine).outerjoin(Inspection, col(Inspection.id) == SealLine.inspection_id)
            .where(col(SealLine.inspection_id).is_(None)).order_by(col(SealLine.happened_at), col(SealLine.id)),
        ),
        Part(
            "seal_checks",
            _HERE | {"check": col(SealCheck.id)} | _all(SealCheck, "number", "document_number") | {
                "looks": cast(SealCheck.looks, Text), "problems": cast(SealCheck.problems, Text), "photograph": col(SealCheck.view_id),
            } | _all(SealCheck, "checked_by", "checked_at"),
            _seen(SealCheck, col(SealCheck.checked_at), col(SealCheck.id)),
        ),
        Part(
            "wood_packaging",
            _HERE | {"line": col(WoodPackaging.id)} | _all(
                WoodPackaging, "area", "kind", "pieces", "wood", "mark", "country", "producer", "treatment",
            ) | {"seen": cast(WoodPackaging.seen, Text)} | _all(
                WoodPackaging, "bark_width_cm", "bark_area_cm2", "bark", "holes", "mark_needed",
            ) | {"warnings": cast(WoodPackaging.warnings, Text)} | _all(WoodPackaging, "recorded_by", "recorded_at"),
            _seen(WoodPackaging, col(WoodPackaging.recorded_at), col(WoodPackaging.id)),
        ),
        Part(
            "actions",
            _HERE | {
                "area": col(View.area), "finding": col(Finding.id), "found": func.coalesce(Finding.decided_label, Finding.label),
                "action": col(Action.id),
            } | _all(
                Action, "method", "done_by", "done_at", "note", "recorded_by", "recorded_at", "clean", "reinspected_by", "reinspected_at",
            ),
            lambda query, which: query.select_from(Action).join(Finding, col(Finding.id) == Action.finding_id)
            .join(View, col(View.id) == Finding.view_id).join(Inspection, col(Inspection.id) == View.inspection_id).where(which)
            .order_by(col(Inspection.opened_at), col(Inspection.id), col(Action.recorded_at), col(Action.id)),
        ),
        Part(
            "training",
            {"certificate": col(Certificate.id)} | _all(
                Certificate, "person", "topic", "given_on", "expires_on", "reference", "recorded_by", "recorded_at", "withdrawn_at",
                "withdrawn_reason",
            ),
            lambda query, _: query.where(false()),
            lambda query, filter: query.where(*([col(Certificate.key) == name_key(filter.inspector)] if filter.inspector else []))
            .order_by(col(Certificate.given_on), col(Certificate.id)),
        ),
    )
}  # fmt: skip
"""The tables of a register, by their names."""


class Register:
    """The rows of the inspections that a filter names, as of one moment."""

    def __init__(self, session: Session, filter: Filter) -> None:
        self.session, self.filter = session, filter
        self._which = [at_their_sites(session, Inspection.id), *filter.conditions()]

    @property
    def size(self) -> int:
        """How many inspections match."""
        return int(self.session.exec(select(func.count()).select_from(Inspection).where(*self._which)).one())

    def pages(self, size: int | None = None) -> Iterator[list[str]]:
        """The ids of the inspections, the oldest first. ``size``: at most so many a page; None: ``PAGE``."""
        size = size or PAGE
        last: tuple[str, str] | None = None
        while True:
            query = select(Inspection.opened_at, Inspection.id).where(*self._which)
            if last:
                query = query.where(tuple_(Inspection.opened_at, Inspection.id) > tuple_(*last))
            page = self.session.exec(query.order_by(col(Inspection.opened_at), col(Inspection.id)).limit(size)).all()
            if page:
                yield [key for _, key in page]
            if len(page) < size:
                return
            last = page[-1]

    def count(self, part: Part) -> int:
        """How many rows a table will have."""
        if part.name == "inspections":
            return self.size
        queries = [part.of(col(Inspection.id).in_(select(Inspection.id).where(*self._which))), self._others(part)]
        counts = [
            self.session.connection().execute(query.order_by(None).with_only_columns(func.count(), maintain_column_froms=True)).scalar_one()
            for query in queries
            if query is not None
        ]
        return sum(counts)

    def rows(self, part: Part, page: list[str]) -> Iterator[Row]:
        """The rows of a table that hang on these inspections, in the order of its columns."""
        yield from self.session.connection().execute(part.of(col(Inspection.id).in_(page))).yield_per(2000)

    def others(self, part: Part) -> Iterator[Row]:
        """Rows of a table that hang on no inspection: of certificates all, of the seal register only where no filter is set."""
        if (query := self._others(part)) is not None:
            yield from self.session.connection().execute(query.execution_options(yield_per=2000))

    def _others(self, part: Part) -> Query | None:
        if part.whole and (part.name == "training" or not self.filter.given):
            return part.whole(select(*part.columns.values()), self.filter)
        return None


class Registers(UseCases):
    """See the module."""

    @contextmanager
    def register(self, filter: Filter) -> Iterator[Register]:
        """What matches, as of now; only what is at the sites that they see."""
        with self.database.reading() as session:
            yield Register(session, filter)

    def matching(self, filter: Filter) -> int:
        """How many inspections match."""
        with self.register(filter) as found:
            return found.size

    def matches(self, filter: Filter, limit: int = 50, *, after: str | None = None) -> list[tuple[Inspection, int]]:
        """The newest inspections that match first, each with the number of its findings that a person says are contamination.

        Args:
            after: the id of the last one of the page before.

        Raises:
            NotFound: there is no inspection ``after``.
        """
        with self.database.reading() as session:
            query = select(Inspection, _kept).where(at_their_sites(session, Inspection.id), *filter.conditions())
            if after is not None:
                last = get(session, Inspection, after)
                query = query.where(tuple_(Inspection.opened_at, Inspection.id) < tuple_(last.opened_at, last.id))
            query = query.order_by(col(Inspection.opened_at).desc(), col(Inspection.id).desc()).limit(limit)
            return [(inspection, int(count)) for inspection, count in session.exec(query)]

    def names(self) -> dict[str, list[str]]:
        """What there is to choose from in a filter, sorted: sites, inspectors, lanes, partners."""
        with self.database.reading() as session:
            theirs = at_their_sites(session, Inspection.id)

            def of(column: Any) -> list[str]:
                return sorted(session.exec(select(column).where(theirs, column.is_not(None), column != "").distinct()))

            ways = session.exec(
                select(Inspection.origin, Inspection.destination)
                .where(theirs, or_(col(Inspection.origin).is_not(None), col(Inspection.destination).is_not(None))).distinct()
            )  # fmt: skip
            lanes = sorted(f"{origin or ''} > {destination or ''}".strip() for origin, destination in ways)
            return {
                "site": of(col(Inspection.site)), "inspector": of(col(Inspection.inspector)), "lane": lanes,
                "partner": sorted({*self._partners(session), *of(col(Inspection.carrier_scac))}),
            }  # fmt: skip

    @staticmethod
    def _partners(session: Session) -> list[str]:
        hands = select(Leg.tendered_by).where(at_their_sites(session, Leg.inspection_id))
        others = select(Leg.received_by).where(at_their_sites(session, Leg.inspection_id))
        return list(session.exec(select(Party.name).where(or_(col(Party.id).in_(hands), col(Party.id).in_(others)))))
