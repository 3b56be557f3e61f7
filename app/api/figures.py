"""Figures over many inspections: insight, evidence by criterion, watching the model, and draws for a second look."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.common import Body, Here, Text, allowed, an_id, choice, made, status
from pestcheck.people import Deed, Person
from pestcheck.rates import Rate
from pestcheck.records import NotFound, Refused
from pestcheck.records.evidence import ENTITIES, SHOWS
from pestcheck.records.insight import Insights, Line
from pestcheck.records.measures import MEASURES
from pestcheck.records.period import Period
from pestcheck.store.tables import Draw

router = APIRouter(tags=["figures"])


class Share(BaseModel):
    """A share with its 95 % interval (Wilson)."""

    found: int
    of: int
    share: float | None = Field(description="from 0 to 1; null: of nothing")
    low: float
    high: float
    below: float | None = Field(description="where nothing was found: the rate that it stays below, 95 % sure (rule of three)")


class Row(BaseModel):
    """One row of a table."""

    key: list[str]
    rates: dict[str, Share] = Field(description='by kind of selection, never added up; "": nobody said why it was inspected')
    findings: int


class CleaningRow(BaseModel):
    """How one method of cleaning did."""

    method: str
    passed: Share
    waiting: int


class TimeRow(BaseModel):
    """Minutes within which a quarter, half, three quarters and nine tenths of the inspections by a template were done."""

    template: str
    of: int
    minutes: list[float]


class DrawnRow(BaseModel):
    """How often a kind was proposed, and chosen."""

    proposal: str
    followed: Share
    open: int


class InsightBody(BaseModel):
    """What closed inspections show."""

    first: date
    last: date
    site: str | None
    total: dict[str, Share]
    open: int
    lines: dict[str, list[Row]] = Field(description="by week, lane, partner, carrier, site, area, label")
    cleaning: list[CleaningRow]
    times: list[TimeRow]
    drawn: list[DrawnRow]


class SampleRow(BaseModel):
    """One record."""

    name: str
    at: str
    inspection: str = Field(description='its id; "": it is no inspection')


class Counted(BaseModel):
    """What was counted: how many have it, and how many lack it."""

    measure: str
    says: str
    have: int
    gap: str
    gaps: int
    samples: list[SampleRow]
    lacking: list[SampleRow]


class CriterionRow(BaseModel):
    """What the record shows of a criterion; whether it is met, people judge."""

    id: str
    key: str
    level: str
    gist: str
    shows: Annotated[str, choice(SHOWS, "what the record shows")]
    found: list[Counted]


class EvidenceBody(BaseModel):
    """All criteria of a kind of member."""

    entity: str
    first: date
    last: date
    site: str | None
    version: int = Field(description="of the list of criteria")
    note: str
    criteria: list[CriterionRow]


class WatchedRow(BaseModel):
    """One week, site, camera or model."""

    key: str
    photographs: int
    rates: dict[str, Share]
    drift: float | None = Field(description="population stability index of the scores; null: too few photographs")
    alarms: list[str]


class WatchBody(BaseModel):
    """What the model flags, and what people make of it."""

    first: date
    last: date
    site: str | None
    limits: dict[str, float]
    groups: dict[str, list[WatchedRow]] = Field(description="by week, site, camera, model")
    scores: dict[str, list[int]] = Field(description="by model: photographs by score, ten bins from 0 to 1")


class SpanQuery(BaseModel):
    """Which records."""

    model_config = ConfigDict(extra="forbid")
    first: str = Field(default="", max_length=10, description='first day (UTC); "": a year before the last, of watching twelve weeks', examples=["2026-01-01"])  # fmt: skip
    last: str = Field(default="", max_length=10, description='last day (UTC), within; "": today', examples=["2026-12-31"])
    site: str | None = Field(default=None, max_length=200, description='only of this one; "": those without')

    def period(self, days: int = 364) -> Period:
        """
        Raises:
            Refused: no date, or the first after the last.
        """
        return Period.read(self.first, self.last, days=days)


class EvidenceQuery(SpanQuery):
    """Which records, of which kind of member."""

    entity: Annotated[str, choice(ENTITIES, "kind of member")] = "importer"


class Drawing(Body):
    """The conveyance at hand."""

    number: Text = Field(description="container number, or that of another conveyance", examples=["CSQU3054383"])
    site: Text = ""
    origin: Text = ""
    destination: Text = ""
    carrier_scac: Text = ""


def share(rate: Rate) -> Share:
    """A rate as clients get it."""
    low, high = rate.interval
    return Share(found=rate.found, of=rate.of, share=rate.share, low=low, high=high, below=rate.at_most)


def _row(line: Line) -> Row:
    return Row(key=[*line.key], rates={kind: share(rate) for kind, rate in line.rates.items()}, findings=line.findings)


def insight_body(found: Insights) -> InsightBody:
    """Insights as clients get them."""
    return InsightBody(
        first=found.period.first, last=found.period.last, site=found.site, open=found.open,
        total={kind: share(rate) for kind, rate in found.total.rates.items()},
        lines={by: [_row(line) for line in lines] for by, lines in found.lines.items()},
        cleaning=[CleaningRow(method=one.method, passed=share(one.passed), waiting=one.waiting) for one in found.cleaning],
        times=[TimeRow(template=one.template, of=one.of, minutes=[*one.minutes]) for one in found.times],
        drawn=[DrawnRow(proposal=one.proposal, followed=share(one.followed), open=one.open) for one in found.drawn],
    )  # fmt: skip


@router.get("/insight", summary="Rates of contamination with their intervals")
def insight(query: Annotated[SpanQuery, Query()], records: Here, who: Annotated[Person, allowed(Deed.see)]) -> InsightBody:
    return insight_body(records.insight(query.period(), query.site))


@router.get("/evidence", summary="What the record shows of each criterion")
def evidence(query: Annotated[EvidenceQuery, Query()], records: Here, who: Annotated[Person, allowed(Deed.export)]) -> EvidenceBody:
    found = records.evidence(query.entity, query.period(), query.site)

    def counted(name: str, one: Any) -> Counted:
        rows = {"samples": one.samples, "lacking": one.lacking}
        some = {key: [SampleRow(name=row.name, at=row.at, inspection=row.inspection) for row in of] for key, of in rows.items()}
        return Counted(measure=name, says=MEASURES[name].says.format(n=one.have), have=one.have, gap=MEASURES[name].gap.format(n=one.gaps), gaps=one.gaps, **some)  # fmt: skip

    return EvidenceBody(
        entity=found.entity, first=found.period.first, last=found.period.last, site=found.site, version=found.version, note=found.note,
        criteria=[
            CriterionRow(
                id=one.id, key=one.criterion.key, level=one.criterion.level, gist=one.criterion.gist, shows=one.shows,
                found=[counted(name, of) for name, of in one.found.items()],
            )
            for one in found.criteria
        ],
    )  # fmt: skip


@router.get("/watch", summary="What the model flags, what people make of it, and whether its scores drift")
def watch(request: Request, query: Annotated[SpanQuery, Query()], records: Here, who: Annotated[Person, allowed(Deed.review)]) -> WatchBody:
    found = records.watch(query.period(83), query.site, request.app.state.alarms)
    groups = {
        by: [
            WatchedRow(
                key=one.key, photographs=one.photographs, rates={name: share(rate) for name, rate in one.rates.items()}, drift=one.drift,
                alarms=[*one.alarms],
            )
            for one in some
        ]
        for by, some in found.groups.items()
    }  # fmt: skip
    scores = {key: [*counts] for key, counts in found.scores.items()}
    return WatchBody(
        first=found.period.first, last=found.period.last, site=found.site, limits={**found.limits}, groups=groups, scores=scores
    )


@router.put("/draws/{draw_id}", summary="Draw whether a conveyance is proposed for a second look", responses=made(Draw, "draw"))
def draw(
    draw_id: Annotated[str, an_id("draw")], body: Drawing, request: Request, response: Response, records: Here,
    who: Annotated[Person, allowed(Deed.inspect)],
) -> Draw:  # fmt: skip
    """Once a day for a conveyance: asked again, also under another id, it is the draw that is there. The person decides. Refused where second
    looks are not turned on (PESTCHECK_SECOND_LOOKS)."""
    if request.app.state.plan is None:
        raise Refused("Second looks are not turned on here. Whoever looks after the server sets PESTCHECK_SECOND_LOOKS.")
    try:
        known = records.draw_of(draw_id)
        if known.number != " ".join(body.number.split()):
            raise Refused("A draw with this id is already there.")
        status(response, new=False)
        return known
    except NotFound:
        found = records.draw(**body.model_dump(), plan=request.app.state.plan, actor=who.name, draw_id=draw_id)
    status(response, new=found.id == draw_id)
    return found


@router.get("/draws/{draw_id}", summary="Read a draw")
def read_draw(draw_id: Annotated[str, an_id("draw")], records: Here, who: Annotated[Person, allowed(Deed.see)]) -> Draw:
    return records.draw_of(draw_id)
