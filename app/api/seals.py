"""Seals: the register over the lives of all of them, and View, Verify, Tug, Twist at one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.common import Amends, Body, GoingOn, Here, Id, Text, Time, Who, allowed, an_id, choice, made, mine, need, one, status
from pestcheck.inspection.seals import QUESTIONS, Act, Answer, SealClass, SealType, seal_key
from pestcheck.people import Deed, Person
from pestcheck.records import Records
from pestcheck.store.tables import SealCheck, SealLine

router = APIRouter(tags=["wood, seals, journeys"])


class SealEvent(Body):
    """A line of the register: what happened to a seal. It is not changed later; another is added."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"act": "affixed", "number": "H1234567", "seal_class": "H", "type": "bolt"}]})
    act: Annotated[str, choice(Act, "what happened")]
    number: Text = Field(description="as on the seal")
    happened_at: Time | None = Field(default=None, description="null: now")
    inspection_id: Id | None = Field(
        default=None, description="of which inspection it is a part; the container is then that of the inspection"
    )
    container: Text = Field(default="", description="number of the container, where it is not part of an inspection")
    document_number: Text = Field(default="", description="the seal number that the documents give")
    seal_class: Annotated[str, choice(SealClass, "ISO 17712, as read from the seal")] | None = None
    type: Annotated[str, choice(SealType, "as read from the seal")] | None = None
    maker: Text = ""
    reason: Text = Field(default="", description="who broke it and why; needed where it was broken")


class Told(BaseModel):
    """A line, and what is wrong with this seal now. Nothing is refused for it: what is so must be written down."""

    line: SealLine
    problems: list[str]


class OneLook(Body):
    """One of the four."""

    answer: Annotated[str, choice(Answer, "yes is the good one")]
    note: Text = ""


class FourLooks(Amends):
    """View, Verify, Tug, Twist (CTPAT 6.7)."""

    view: OneLook = Field(description=QUESTIONS["view"])
    verify: OneLook = Field(description=QUESTIONS["verify"])
    tug: OneLook = Field(description=QUESTIONS["tug"])
    twist: OneLook = Field(description=QUESTIONS["twist"])
    number: Text = Field(default="", description="on the seal")
    document_number: Text = Field(default="", description="in the documents")
    view_id: Id | None = Field(default=None, description="the photograph that shows the number")


class Register(BaseModel):
    """Lines in the order of time."""

    lines: list[SealLine]


class RegisterProblem(BaseModel):
    """What cannot be true or must not happen."""

    kind: str
    text: str
    number: str


class RegisterProblems(BaseModel):
    """The oldest first."""

    problems: list[RegisterProblem]


@router.put("/seals/{line_id}", summary="Add a line to the seal register", responses=made(Told, "line"))
def add_line(
    line_id: Annotated[str, an_id("line")],
    body: SealEvent,
    response: Response,
    records: Here,
    who: Annotated[Person, allowed(Deed.see, Deed.inspect)],
) -> Told:
    """Also of an inspection that is closed: a seal's life goes on."""
    if body.inspection_id:
        mine(records, who, body.inspection_id)
    known = any(line.id == line_id for line in records.seal_lines(body.number))
    problems = records.seal(**body.model_dump(), actor=who.name, line_id=line_id)
    status(response, new=not known)
    return Told(line=one(records.seal_lines(body.number), line_id, "line"), problems=[*problems])


@router.get("/seals", summary="The seal register, or the life of one seal")
def register(
    records: Here,
    who: Annotated[Person, allowed(Deed.see)],
    number: Annotated[str | None, Query(max_length=100, description="of one seal; none: all")] = None,
) -> Register:
    return Register(lines=_lines(records, who, number))


@router.get("/seals/problems", summary="What is wrong in the seal register")
def problems(records: Here, who: Annotated[Person, allowed(Deed.see)]) -> RegisterProblems:
    """The same seal twice, a number never issued, another one than in the documents."""
    known = {line.key for line in _lines(records, who)} if who.sites is not None else None
    found = [
        RegisterProblem(kind=str(problem.kind), text=problem.text, number=problem.events[-1].number)
        for problem in records.seal_problems()
        if known is None or seal_key(problem.events[-1].number) in known
    ]
    return RegisterProblems(problems=found)


@router.put("/inspections/{inspection_id}/seal-checks/{check_id}", summary="View, Verify, Tug, Twist", responses=made(SealCheck, "check"))
def check_seal(
    view: GoingOn, check_id: Annotated[str, an_id("check")], body: FourLooks, response: Response, records: Here, who: Who
) -> SealCheck:
    """``problems`` of the answer say what failed or is open. Also after the close; changing one is then an amendment."""
    if view.inspection.closed_at and body.amends:
        need(who, Deed.amend)
    looks = {name: (look.answer, look.note) for name in QUESTIONS for look in [getattr(body, name)]}
    records.check_seal(
        view.inspection.id, looks, actor=who.name, number=body.number, document_number=body.document_number, view_id=body.view_id,
        check_id=check_id, amends=body.amends,
    )  # fmt: skip
    status(response, new=all(known.id != check_id for known in view.seal_checks))
    row: SealCheck = one(records.inspection(view.inspection.id).seal_checks, check_id, "check")
    return row


def _lines(records: Records, who: Person, number: str | None = None) -> list[SealLine]:
    """Those that the person may know of: lines outside of inspections have no site."""
    lines = records.seal_lines(number)
    if who.sites is None:
        return lines
    sites = records.sites()
    return [line for line in lines if line.inspection_id is None or who.at(sites.get(line.inspection_id))]
