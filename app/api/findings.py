"""Findings: decide, name what the model missed, what was done, what becomes of them, who was told."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.common import (
    AN_ID,
    ID,
    Amends,
    Body,
    Change,
    Changing,
    GoingOn,
    Here,
    Id,
    Text,
    Time,
    Visible,
    Who,
    an_id,
    choice,
    made,
    one,
    status,
)
from app.api.photographs import ViewId
from pestcheck.inspection.guidance import Condition
from pestcheck.records import CONTAMINANTS, DECISIONS, DISPOSITIONS, InspectionView, NotFound
from pestcheck.records.findings import CHANNELS, LIFE_STAGES, METHODS, MOST
from pestcheck.store.tables import Action, Finding, Hint, Notification

router = APIRouter(tags=["findings"])
FindingId = Annotated[str, Path(description="id of the finding", pattern=ID, examples=[AN_ID])]
Pixel = Annotated[int, Field(ge=0, le=2**24)]


class Seen(Body):
    """What a person sees of a finding."""

    condition: Annotated[str, choice(Condition, "alive, dead or unknown")] = "unknown"
    life_stage: Annotated[str, choice(LIFE_STAGES, "stage of its life")] | None = None
    count: int | None = Field(default=None, ge=1, le=MOST, description="of animals or seeds")
    extent: Text = Field(default="", description="how much, in words", examples=["a handful along the left wall"])
    note: Text = ""
    cargo: Text = Field(default="", description="the manifested cargo that it is, as grain in a load of grain: then it is no contamination")
    cargo_reason: Text = Field(default="", description="why it is the cargo; needed with ``cargo``")


class Decision(Seen, Change):
    """A person's decision, beside the model's suggestion."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"state": "corrected", "label": "hornet", "condition": "alive", "seen": 0}]})
    state: Annotated[str, choice(DECISIONS, "confirmed, corrected (then ``label`` is the right one) or rejected")]
    label: Annotated[str, choice(CONTAMINANTS, "what it is; needed when corrected")] | None = None


class Missed(Seen, Amends):
    """What a person sees and the model did not find."""

    label: Annotated[str, choice(CONTAMINANTS, "what it is")]
    box: Annotated[list[Pixel], Field(min_length=4, max_length=4)] | None = Field(
        default=None, description="x0, y0, x1, y1 in pixels of the upright photograph; null: not drawn", examples=[[120, 80, 320, 240]]
    )
    withdrawn: bool = Field(default=False, description="it was a mistake; the record keeps it as rejected")


class Treatment(Amends):
    """What was done about a finding."""

    method: Annotated[str, choice(METHODS, "how")]
    done_by: Text = Field(description="who did it")
    done_at: Time | None = Field(default=None, description="null: now")
    note: Text = ""


class Reinspection(Amends):
    """What a second inspection of the place saw."""

    clean: bool


class Disposition(Amends):
    """What becomes of a finding."""

    disposition: Annotated[str, choice(DISPOSITIONS, "what becomes of it")]


class Notice(Body):
    """Who was told (CTPAT 5.29; the same for pests)."""

    who: Text = Field(description="who was told")
    channel: Annotated[str, choice(CHANNELS, "how")]
    reference: Text = Field(default="", description="number of the call or letter")
    finding_id: Id | None = Field(default=None, description="if it was about one finding")
    notified_at: Time | None = Field(default=None, description="null: now")


class Call(BaseModel):
    """Whom to call."""

    role: str
    title: str
    contact: str | None


class WhatToDo(BaseModel):
    """What to do about a finding at the stage of its inspection; always to be confirmed with your CBP or APHIS contact."""

    found: str
    stage: str
    action: str
    headline: str
    steps: list[str]
    call: list[Call]
    severity: int | None = Field(description="1 to 3 on our own scale; null: it is the cargo")
    severity_in_words: str
    notice: str = Field(description="to be shown with every text of it")
    rules: str


def _findings(view: InspectionView) -> list[Finding]:
    return [finding for item in view.photographs for finding in item.findings]


def _said(body: Seen) -> dict[str, Any]:
    return {name: getattr(body, name) for name in Seen.model_fields}


@router.get("/inspections/{inspection_id}/findings/{finding_id}", summary="Read a finding")
def read_finding(view: Visible, finding_id: FindingId) -> Finding:
    finding: Finding = one(_findings(view), finding_id, "finding")
    return finding


@router.get("/inspections/{inspection_id}/findings/{finding_id}/hint", summary="What a finding resembles")
def hint(view: Visible, finding_id: FindingId) -> Hint:
    """By an add-on model; never its label. 404 where there is no hint."""
    one(_findings(view), finding_id, "finding")
    found = view.hints.get(finding_id)
    if found is None:
        raise NotFound("There is no hint for this finding: no add-on looked at it, or none was sure enough.")
    return found


@router.put("/inspections/{inspection_id}/findings/{finding_id}/decision", summary="Decide on a finding")
def decide(view: Changing, finding_id: FindingId, body: Decision, records: Here, who: Who) -> Finding:
    """A later decision replaces an earlier one; the log keeps both."""
    one(_findings(view), finding_id, "finding")
    records.decide(finding_id, body.state, actor=who.name, label=body.label, seen=body.seen, amends=body.amends, **_said(body))
    return read_finding(records.inspection(view.inspection.id), finding_id)


@router.put(
    "/inspections/{inspection_id}/photographs/{view_id}/findings/{finding_id}",
    summary="Name what the model missed",
    responses=made(Finding, "finding"),
)
def missed(
    view: Changing, view_id: ViewId, finding_id: Annotated[str, an_id("finding")], body: Missed, response: Response, records: Here, who: Who
) -> Finding:
    """Without it nobody knows how much the model misses."""
    one(view.photographs, view_id, "photograph", by=lambda item: item.view.id)
    box = (body.box[0], body.box[1], body.box[2], body.box[3]) if body.box else None
    records.missed(
        view_id, body.label, actor=who.name, box=box, finding_id=finding_id, withdrawn=body.withdrawn, amends=body.amends, **_said(body)
    )
    status(response, new=all(finding.id != finding_id for finding in _findings(view)))
    return read_finding(records.inspection(view.inspection.id), finding_id)


@router.get("/inspections/{inspection_id}/findings/{finding_id}/guidance", summary="What to do about a finding")
def guidance(view: Visible, finding_id: FindingId, request: Request, records: Here) -> WhatToDo:
    """404 as long as nobody confirmed it, or the stage is not known."""
    one(_findings(view), finding_id, "finding")
    found = records.guidance(finding_id, request.app.state.contacts)
    if found is None:
        raise NotFound("There is nothing to do yet: confirm the finding, and give the stage of the inspection.")
    calls = [Call(role=str(call.role), title=call.title, contact=call.contact or None) for call in found.call]
    return WhatToDo(**asdict(found) | {"steps": [step.do for step in found.steps], "call": calls})


@router.put(
    "/inspections/{inspection_id}/findings/{finding_id}/actions/{action_id}",
    summary="Record what was done about a finding",
    responses=made(Action, "action"),
)
def treat(
    view: Changing,
    finding_id: FindingId,
    action_id: Annotated[str, an_id("action")],
    body: Treatment,
    response: Response,
    records: Here,
    who: Who,
) -> Action:
    """Photographs of the place afterwards are put at the point with ``after`` this action."""
    one(_findings(view), finding_id, "finding")
    records.treat(
        finding_id, method=body.method, done_by=body.done_by, done_at=body.done_at, note=body.note, actor=who.name, action_id=action_id,
        amends=body.amends,
    )  # fmt: skip
    status(response, new=all(action.id != action_id for action in view.actions.get(finding_id, ())))
    return _action(records.inspection(view.inspection.id), finding_id, action_id)


@router.put("/inspections/{inspection_id}/findings/{finding_id}/actions/{action_id}/reinspection", summary="Inspect the place again")
def reinspect(
    view: Changing, finding_id: FindingId, action_id: Annotated[str, an_id("action")], body: Reinspection, records: Here, who: Who
) -> Action:
    _action(view, finding_id, action_id)
    records.reinspect(action_id, clean=body.clean, actor=who.name, amends=body.amends)
    return _action(records.inspection(view.inspection.id), finding_id, action_id)


def _action(view: InspectionView, finding_id: str, action_id: str) -> Action:
    action: Action = one(view.actions.get(finding_id, ()), action_id, "action")
    return action


@router.put("/inspections/{inspection_id}/findings/{finding_id}/disposition", summary="Say what becomes of a finding")
def dispose(view: Changing, finding_id: FindingId, body: Disposition, records: Here, who: Who) -> Finding:
    one(_findings(view), finding_id, "finding")
    records.dispose(finding_id, body.disposition, actor=who.name, amends=body.amends)
    return read_finding(records.inspection(view.inspection.id), finding_id)


@router.put(
    "/inspections/{inspection_id}/notifications/{notification_id}",
    summary="Record who was told",
    responses=made(Notification, "notification"),
)
def notify(
    view: GoingOn, notification_id: Annotated[str, an_id("notification")], body: Notice, response: Response, records: Here, who: Who
) -> Notification:
    """Also after the inspection was closed."""
    key = view.inspection.id
    records.notify(key, **body.model_dump(), actor=who.name, notification_id=notification_id)
    status(response, new=all(known.id != notification_id for known in view.notifications))
    notification: Notification = one(records.inspection(key).notifications, notification_id, "notification")
    return notification
