"""Review by trainers: the queue, leases, opinions, and how well trainers agree."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.common import Body, Here, Id, Text, allowed, an_id, choice, made, status
from pestcheck.people import Deed, Person
from pestcheck.priority import PARTS, in_words
from pestcheck.records import CONTAMINANTS
from pestcheck.records.queue import MOST_TAKEN, TO_DO, Choice, Given, cursor
from pestcheck.records.reviews import MOST_MARKS, Mark
from pestcheck.review import Kappa, Outcome, Status, in_force
from pestcheck.store.review_tables import Queued, Review
from pestcheck.store.tables import Finding

router = APIRouter(tags=["review"], prefix="/review")
ViewId = Annotated[str, an_id("photograph at its point (``view``)")]
Trainer = Annotated[Person, allowed(Deed.review)]
DATE = r"^(\d{4}-\d\d-\d\d)?$"


class Filters(BaseModel):
    """What a trainer wants to see; "" is all."""

    model_config = ConfigDict(extra="forbid")
    site: str = Field(default="", max_length=200, description='"-": those without a site')
    label: str = Field(default="", max_length=60, description="the model or the inspector named it so", examples=["seed"])
    inspector: str = Field(default="", max_length=200, description="who inspected, in full")
    model: str = Field(default="", max_length=200, description="name@version")
    since: str = Field(default="", pattern=DATE, description="put on record on this day or later, UTC", examples=["2026-11-01"])
    until: str = Field(default="", pattern=DATE, description="put on record before this day, UTC")
    status: Annotated[str, Field(pattern=f"^(to_do|{'|'.join(Status)})$", description="to_do: those that want an opinion of yours")] = (
        "to_do"
    )

    @property
    def choice(self) -> Choice:
        """As the records take it."""
        statuses = TO_DO if self.status == "to_do" else (Status(self.status),)
        return Choice(**self.model_dump(exclude={"status", "limit", "after", "blind", "without"}), statuses=statuses)


class QueueQuery(Filters):
    """Filters and paging."""

    limit: int = Field(default=50, ge=1, le=200, description="photographs a page")
    after: str = Field(default="", max_length=60, description="``next`` of the page before")


class Wanted(Body, Filters):
    """What a trainer wants next."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [{"limit": 5, "blind": True}]})
    limit: int = Field(default=5, ge=0, le=MOST_TAKEN, description="photographs at once; 0 gives back all that you have")
    blind: bool = Field(default=False, description="without what the model and the inspector say, and only such that you were never shown")
    without: list[Id] = Field(default=[], max_length=500, description="photographs that you skip")


class Claiming(Body):
    """How a photograph is to be looked at."""

    blind: bool = Field(default=False, description="without what the model and the inspector say")


class MarkGiven(Body):
    """A place on the photograph and what is there."""

    box: Annotated[list[Annotated[int, Field(ge=0, le=2**24)]], Field(min_length=4, max_length=4)] = Field(
        description="x0, y0, x1, y1 in pixels of the upright photograph", examples=[[120, 80, 320, 240]]
    )
    label: Annotated[str, choice(CONTAMINANTS, "what it is")]
    finding_id: Id | None = Field(default=None, description="the record's finding that it is; null: none")


class OpinionGiven(Body):
    """What a trainer says of a whole photograph. Another one of the same trainer takes its place; the record keeps both."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"outcome": "no_contaminant"}]})
    outcome: Annotated[str, choice(Outcome, "contamination needs marks, needs_expert may have some")]
    marks: list[MarkGiven] = Field(default=[], max_length=MOST_MARKS)
    comment: Text = ""
    expert: bool = Field(default=False, description="said as the expert that others asked for: it settles the photograph")


class TakenBack(Body):
    """Why an opinion is taken back."""

    reason: Text = Field(default="", description="needed where it is another's, which takes an admin")


class ModelSays(BaseModel):
    """What the model says of the photograph."""

    verdict: str | None
    score: float | None
    model: str | None


class Work(BaseModel):
    """A photograph to review. Blind, it says nothing of what the model, the inspector and other trainers say."""

    view_id: str
    sha256: str
    width: int
    height: int
    area: str
    site: str | None
    added_at: str
    until: str = Field(description="kept for you until then; ask again to keep it longer")
    blind: bool
    status: str | None
    reasons: list[str] = Field(description="names of parts of its priority, the weightiest first")
    why: str = Field(description="the reasons in words")
    model: ModelSays | None
    findings: list[Finding]
    opinions: list[Review] = Field(description="your own, and those of all where an expert is needed")


class WorkList(BaseModel):
    """Those that teach most first."""

    photographs: list[Work]


class Line(BaseModel):
    """A photograph in the queue."""

    view_id: str
    priority: int = Field(description="in thousandths, see docs/review.md")
    reasons: list[str]
    why: str
    status: str
    site: str
    added_at: str
    held_by: str = Field(description='who has it now; "": nobody')


class Page(BaseModel):
    """Those that teach most first."""

    photographs: list[Line]
    next: str | None = Field(description="give it as ``after`` to get the next page; null: this is the last")


class Told(BaseModel):
    """An opinion as it stands, and how far trainers are with the photograph."""

    opinion: Review
    status: str


class Said(BaseModel):
    """All that trainers said of a photograph, and what counts now."""

    view_id: str
    sha256: str
    status: str
    counts: str | None = Field(description="id of the opinion that counts now; null: none yet")
    reviewers: list[str] = Field(description="who are of that opinion")
    opinions: list[Review] = Field(
        description="also withdrawn ones; those of others only after you gave yours, or where an expert is needed"
    )
    others: int = Field(description="how many of others there are in force")


class AgreementOf(BaseModel):
    """Agreement beyond chance (Cohen's kappa), with its interval of 95 %; null where it is not defined."""

    value: float | None
    low: float | None
    high: float | None
    observed: float = Field(description="share of equal answers")
    pairs: int


class Agreements(BaseModel):
    """How well trainers agree."""

    photographs: int
    overall: AgreementOf
    by_label: dict[str, AgreementOf] = Field(description="each label against all others")


class ToChoose(BaseModel):
    """What there is to choose by."""

    sites: list[str]
    inspectors: list[str]
    models: list[str]
    labels: dict[str, str] = Field(description="what a place may be named, and its name in English")
    reasons: dict[str, str] = Field(description="parts of the priority in words")
    statuses: dict[str, int] = Field(description="photographs by status")


class Released(BaseModel):
    """What was given back."""

    photographs: list[str]


class Release(Body):
    """What others may have."""

    photographs: list[Id] = Field(max_length=500)


def work(given: Given, person: str) -> Work:
    """A photograph as a trainer gets it."""
    item, row = given.item, given.row
    own = [one for one in item.opinions if one.reviewer == person]
    asked = item.current.status == Status.EXPERT_NEEDED
    told: dict[str, Any] = {"status": None, "reasons": [], "why": "", "model": None, "findings": []}
    if not given.blind:
        told = {
            "status": item.current.status.value, "reasons": row.reasons, "why": in_words(row.reasons), "findings": [*item.findings],
            "model": ModelSays(verdict=item.view.verdict, score=item.view.score, model=item.view.model),
        }  # fmt: skip
    return Work(
        view_id=item.view.id, sha256=item.view.sha256, width=item.photograph.width, height=item.photograph.height, area=item.view.area,
        site=item.inspection.site, added_at=item.view.added_at, until=given.until, blind=given.blind,
        opinions=[*item.opinions] if asked and not given.blind else own, **told,
    )  # fmt: skip


@router.get("/queue", summary="The queue, those that teach most first")
def queue(query: Annotated[QueueQuery, Query()], records: Here, who: Trainer) -> Page:
    rows = records.queue(who.name, query.choice, limit=query.limit + 1, after=query.after)
    shown = [_line(row, by) for row, by in rows[: query.limit]]
    return Page(photographs=shown, next=cursor(rows[query.limit - 1][0]) if len(rows) > query.limit else None)


def _line(row: Queued, by: str) -> Line:
    told = row.model_dump(include={"view_id", "priority", "reasons", "status", "site", "added_at"})
    return Line(**told, why=in_words(row.reasons), held_by=by)


@router.put("/work", summary="Get the next photographs to review")
def take(body: Wanted, records: Here, who: Trainer) -> WorkList:
    """They are kept from other trainers for ten minutes. Asked again, it gives the same ones."""
    given = records.take(who.name, body.choice, limit=body.limit, blind=body.blind, without=body.without)
    return WorkList(photographs=[work(one, who.name) for one in given])


@router.put("/release", summary="Let others have what you were given")
def release(body: Release, records: Here, who: Trainer) -> Released:
    records.release(who.name, body.photographs)
    return Released(photographs=body.photographs)


@router.put("/photographs/{view_id}/claim", summary="Get one photograph to review")
def claim(view_id: ViewId, body: Claiming, records: Here, who: Trainer) -> Work:
    """409 where another trainer has it now, with who and until when."""
    return work(records.claim(view_id, who.name, blind=body.blind), who.name)


@router.get("/photographs/{view_id}", summary="What trainers said of a photograph")
def said(view_id: ViewId, records: Here, who: Trainer) -> Said:
    item = records.reviewed_photograph(view_id)
    found, known = item.current, in_force(item.opinions)
    mine = any(one.reviewer == who.name for one in known)
    shown = [one for one in item.opinions if mine or found.status == Status.EXPERT_NEEDED or one.reviewer == who.name]
    return Said(
        view_id=view_id, sha256=item.view.sha256, status=found.status.value, opinions=shown,
        counts=found.opinion.id if found.opinion and found.opinion in shown else None,
        reviewers=[*found.reviewers] if len(shown) == len(item.opinions) else [],
        others=sum(one.reviewer != who.name for one in known),
    )  # fmt: skip


@router.put("/photographs/{view_id}/opinions/{opinion_id}", summary="Say what a photograph shows", responses=made(Told, "opinion"))
def review(
    view_id: ViewId, opinion_id: Annotated[str, an_id("opinion")], body: OpinionGiven, response: Response, records: Here, who: Trainer
) -> Told:
    """Also when somebody else has it, or the time is over: nothing is lost, it counts as one more opinion."""
    known = {one.id for one in records.reviewed_photograph(view_id).opinions}
    marks = [Mark((one.box[0], one.box[1], one.box[2], one.box[3]), one.label, one.finding_id) for one in body.marks]
    records.review(view_id, body.outcome, marks=marks, comment=body.comment, expert=body.expert, actor=who.name, review_id=opinion_id)
    status(response, new=opinion_id not in known)
    return _told(records, opinion_id)


def _told(records: Here, opinion_id: str) -> Told:
    opinion = records.opinion(opinion_id)
    return Told(opinion=opinion, status=records.reviewed_photograph(opinion.view_id).current.status.value)


@router.put("/opinions/{opinion_id}/withdrawal", summary="Take an opinion back")
def withdraw(opinion_id: Annotated[str, an_id("opinion")], body: TakenBack, records: Here, who: Trainer) -> Told:
    """The one before it of the same trainer counts again, if there was one. An admin may take back another's, with a reason."""
    records.withdraw_review(opinion_id, actor=who.name, reason=body.reason, of_others=who.may(Deed.manage))
    return _told(records, opinion_id)


class AgreementQuery(BaseModel):
    """Of which photographs."""

    model_config = ConfigDict(extra="forbid")
    site: str | None = Field(default=None, max_length=200, description='"": those without a site')
    since: str = Field(default="", pattern=DATE, description="put on record on this day or later, UTC")
    until: str = Field(default="", pattern=DATE, description="put on record before this day, UTC")


@router.get("/agreement", summary="How well trainers agree")
def agreement(query: Annotated[AgreementQuery, Query()], records: Here, who: Trainer) -> Agreements:
    found = records.agreement(site=query.site, since=query.since, until=query.until)
    return Agreements(
        photographs=found.photographs, overall=_kappa(found.overall), by_label={label: _kappa(one) for label, one in found.by_label.items()}
    )


def _kappa(found: Kappa) -> AgreementOf:
    return AgreementOf(value=found.value, low=found.low, high=found.high, observed=found.observed, pairs=found.pairs)


@router.get("/choices", summary="What there is to choose by")
def choices(records: Here, who: Trainer) -> ToChoose:
    found = records.queue_choices()
    return ToChoose(
        sites=found.sites, inspectors=found.inspectors, models=found.models, labels=CONTAMINANTS, statuses=found.statuses,
        reasons={name: part.says for name, part in PARTS.items()},
    )  # fmt: skip
