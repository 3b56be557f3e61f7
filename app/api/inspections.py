"""Inspections: list, read, open, details, sign, close, hold."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.common import (
    AN_ID,
    ID,
    Body,
    Change,
    Changing,
    GoingOn,
    Here,
    InspectionId,
    Text,
    Time,
    Visible,
    Who,
    allowed,
    an_id,
    choice,
    made,
    mine,
    need_site,
    one,
    status,
)
from pestcheck.inspection.guidance import Stage
from pestcheck.people import Deed, Person
from pestcheck.records import DISPOSITIONS, InspectionView, NotFound, PhotographView
from pestcheck.records.inspections import DETAILS, MEANINGS, SELECTIONS
from pestcheck.store.journey_tables import Fix, Leg, Party
from pestcheck.store.review_tables import Review
from pestcheck.store.tables import (
    Action,
    Amendment,
    Answer,
    CheckAnswer,
    Finding,
    Hint,
    Inspection,
    Notification,
    Photograph,
    SealCheck,
    SealLine,
    Signature,
    View,
    WoodPackaging,
)

router = APIRouter(tags=["inspections"])
MOST_A_PAGE = 200


class Details(Body):
    """What is said of an inspection as a whole. null or "" takes a detail away."""

    stage: Annotated[str, choice(["", *Stage], "where the conveyance is on its way")] | None = None
    selection: Annotated[str, choice(["", *SELECTIONS], "why this one is inspected; rates mean nothing without it")] | None = None
    size_type: Text | None = Field(default=None, description="ISO 6346, as 22G1; one starting with R offers the reefer template")
    site: Text | None = Field(default=None, description="where it is inspected; people see only their sites")
    carrier_scac: Text | None = Field(default=None, description="Standard Carrier Alpha Code, 2 to 4 letters")
    shipment: Text | None = None
    origin: Text | None = None
    destination: Text | None = None
    procedure: Text | None = Field(default=None, description="the written procedure that was followed")
    supervisor: Text | None = Field(default=None, description="who supervises, and then has to sign; none where nobody does")

    def given(self) -> dict[str, str]:
        """Those that the request names."""
        return {name: value or "" for name, value in self.model_dump(exclude_unset=True, include={*DETAILS}).items()}


class Opening(Details):
    """A new inspection."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"number": "CSQU 305438 3", "template": "container_7_point", "stage": "empty_at_origin", "selection": "routine"}]
        }
    )
    number: Text = Field(
        description="container number (ISO 6346), or the number or name of another conveyance or site", examples=["CSQU3054383"]
    )
    override_reason: Text = Field(default="", description="why a number with a wrong check digit or of another form is taken all the same")
    template: Annotated[str, Field(max_length=80, description="its id, for the newest version, or id@version")] = "container_7_point"
    device_time: Time | None = Field(default=None, description="the tablet's clock when it was opened; kept beside the server's")
    time_zone: Annotated[str, Field(max_length=60, examples=["America/Mexico_City"])] = ""


class DetailsChange(Details, Change):
    """New details of an inspection; those that are not named stay."""

    disposition: Annotated[str, choice(["", *DISPOSITIONS], "what becomes of the conveyance")] | None = None


class Signing(Body):
    """A signature under the record as it is now."""

    printed_name: Text = Field(description="of who signs", examples=["Ana Pérez"])
    meaning: Annotated[str, choice(MEANINGS, "what the signature says (21 CFR 11.50 asks for name, time and meaning)")]


class Closing(Body):
    """To close is to sign."""

    disposition: Annotated[str, choice(DISPOSITIONS, "what becomes of the conveyance; null: accepted, where nothing was found")] | None = (
        None
    )
    printed_name: Text = Field(default="", description='of who signs; "": the inspector')


class Hold(Body):
    """Legal hold."""

    reason: Text = Field(description='why it is kept whatever its age; "" releases it')


class Line(BaseModel):
    """One line of the list."""

    inspection: Inspection
    findings: int = Field(description="how many findings a person says are there")


class Page(BaseModel):
    """Inspections, the newest first."""

    inspections: list[Line]
    next: str | None = Field(description="give it as ``after`` to get the next page; null: this is the last")


class Taken(BaseModel):
    """A photograph at a point, what the model said of it, its findings in the model's order, those that only a person saw last, and what
    trainers said of it."""

    sha256: str = Field(description="of the original bytes, as the server stored them")
    view: View
    photograph: Photograph
    findings: list[Finding]
    review_status: str = Field(description="how far trainers are: open, one_opinion, agreed, disputed, expert_needed")
    trainers_say: dict[str, str] = Field(
        description='by finding: a label, "no_contaminant" or "unusable"; those that nothing counts of are left out'
    )
    reviews: list[Review] = Field(description="what trainers said, also what was withdrawn, the first one first")


class PointState(BaseModel):
    """A point as it stands."""

    area: str
    title: str
    look: str = Field(description="what to look at")
    hot_spots: list[str] = Field(description="where pests sit there")
    answer: Answer | None
    checks: dict[str, CheckAnswer] = Field(description="answers to the questions, by the question's id")
    open: list[str] = Field(description="ids of the questions to show now, in their order; their words are in the template")
    missing: list[str] = Field(description="what an inspected point still wants")


class Whole(BaseModel):
    """All of one inspection."""

    inspection: Inspection
    points: list[PointState]
    photographs: list[Taken]
    hints: list[Hint] = Field(description="what an add-on model says that findings resemble, never their label")
    actions: list[Action]
    notifications: list[Notification]
    wood: list[WoodPackaging]
    seals: list[SealLine]
    seal_checks: list[SealCheck]
    parties: list[Party]
    legs: list[Leg]
    fixes: list[Fix]
    signatures: list[Signature]
    valid_signatures: list[str] = Field(description="ids of those under the record as it is now; the others are under an earlier one")
    amendments: list[Amendment]
    contaminated: bool
    next_area: str = Field(description="the first point without an answer; the last when all have one")
    missing: list[str] = Field(description="what stands between this inspection and its close")


class ListQuery(BaseModel):
    """Filters and paging."""

    model_config = ConfigDict(extra="forbid")
    limit: int = Field(default=50, ge=1, le=MOST_A_PAGE, description="inspections a page")
    after: str | None = Field(default=None, pattern=ID, description="``next`` of the page before", examples=[AN_ID])
    state: Annotated[str, Field(pattern="^(open|closed|any)$", description="open, closed or any")] = "any"
    number: str = Field(default="", max_length=100, description="part of the number")
    inspector: str = Field(default="", max_length=200, description="who inspected, in full")
    site: str | None = Field(default=None, max_length=200, description='"": those without a site')


def taken(item: PhotographView) -> Taken:
    """A photograph as clients get it."""
    trainers = {finding.id: said for finding in item.findings if (said := item.trainer_says(finding))}
    return Taken(
        sha256=item.view.sha256, view=item.view, photograph=item.photograph, findings=[*item.findings],
        review_status=item.reviewed.status.value, trainers_say=trainers, reviews=[*item.reviews],
    )  # fmt: skip


def whole(view: InspectionView) -> Whole:
    """An inspection as clients get it."""
    states = []
    for point in view.template.points:
        progress = view.progress(point.area)
        states.append(
            PointState(
                area=point.area, title=point.title, look=point.look, hot_spots=[*point.hot_spots], answer=view.answers.get(point.area),
                checks=view.checks.get(point.area, {}), open=[check.id for check in progress.open], missing=[*progress.missing],
            )
        )  # fmt: skip
    return Whole(
        inspection=view.inspection, points=states, photographs=[taken(item) for item in view.photographs],
        hints=[*view.hints.values()], actions=[action for actions in view.actions.values() for action in actions], notifications=[*view.notifications], wood=[*view.wood],
        seals=[*view.seals], seal_checks=[*view.seal_checks], parties=[*view.parties.values()], legs=[*view.legs],
        fixes=[fix for fixes in view.fixes.values() for fix in fixes], signatures=[*view.signatures],
        valid_signatures=[signature.id for signature in view.valid_signatures], amendments=[*view.amendments],
        contaminated=view.contaminated, next_area=view.next_area, missing=view.missing(),
    )  # fmt: skip


@router.get("/inspections", summary="List inspections, the newest first")
def list_inspections(query: Annotated[ListQuery, Query()], records: Here, who: Annotated[Person, allowed(Deed.see)]) -> Page:
    closed = {"any": None, "open": False, "closed": True}[query.state]
    if query.after is not None:
        mine(records, who, query.after)
    rows = records.inspections(
        query.limit + 1, after=query.after, closed=closed, number=query.number, inspector=query.inspector, site=query.site, sites=who.sites
    )
    shown = [Line(inspection=inspection, findings=count) for inspection, count in rows[: query.limit]]
    return Page(inspections=shown, next=shown[-1].inspection.id if len(rows) > len(shown) else None)


@router.put("/inspections/{inspection_id}", summary="Open an inspection", responses=made(Whole, "inspection"))
def open_inspection(
    inspection_id: InspectionId, body: Opening, response: Response, records: Here, who: Annotated[Person, allowed(Deed.see, Deed.inspect)]
) -> Whole:
    """The same again changes nothing; another one under this id is refused. The inspector is who asks."""
    try:
        mine(records, who, inspection_id)
        known = True
    except NotFound:
        known = False
    need_site(who, body.site)
    view = records.open(
        inspection_id, number=body.number, inspector=who.name, override_reason=body.override_reason, template=body.template,
        device_time=body.device_time, time_zone=body.time_zone, **body.given(),
    )  # fmt: skip
    status(response, new=not known)
    return whole(view)


@router.get("/inspections/{inspection_id}", summary="Read an inspection with all that hangs on it")
def read_inspection(view: Visible) -> Whole:
    return whole(view)


@router.patch("/inspections/{inspection_id}", summary="Change details")
def change_details(view: Changing, body: DetailsChange, records: Here, who: Who) -> Inspection:
    given = body.given()
    if "site" in given:
        need_site(who, given["site"])
    records.set_details(view.inspection.id, actor=who.name, seen=body.seen, amends=body.amends, **given)
    return records.inspection(view.inspection.id).inspection


@router.put(
    "/inspections/{inspection_id}/signatures/{signature_id}", summary="Sign the record as it is now", responses=made(Signature, "signature")
)
def sign(
    view: GoingOn, signature_id: Annotated[str, an_id("signature")], body: Signing, response: Response, records: Here, who: Who
) -> Signature:
    """Also a closed one: by its supervisor, or by who receives it."""
    records.sign(view.inspection.id, printed_name=body.printed_name, meaning=body.meaning, actor=who.name, signature_id=signature_id)
    status(response, new=all(one.id != signature_id for one in view.signatures))
    signature: Signature = one(records.inspection(view.inspection.id).signatures, signature_id, "signature")
    return signature


@router.put("/inspections/{inspection_id}/close", summary="Close an inspection")
def close(view: GoingOn, body: Closing, records: Here, who: Who) -> Inspection:
    """Refused while something is missing, with the list of it. Closing a closed one changes nothing."""
    records.close(view.inspection.id, actor=who.name, disposition=body.disposition, printed_name=body.printed_name)
    return records.inspection(view.inspection.id).inspection


@router.put("/inspections/{inspection_id}/hold", summary="Legal hold")
def hold(view: Visible, body: Hold, records: Here, who: Annotated[Person, allowed(Deed.retain)]) -> Inspection:
    records.hold(view.inspection.id, reason=body.reason, actor=who.name)
    return records.inspection(view.inspection.id).inspection
