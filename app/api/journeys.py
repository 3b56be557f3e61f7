"""The way of a conveyance: parties, legs, times from a file, gaps."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.common import Body, GoingOn, Here, Id, Text, Time, Visible, Who, allowed, an_id, choice, made, one, status
from app.api.photographs import sent
from pestcheck.people import Deed, Person
from pestcheck.records.journeys import COLUMNS, ROLES, journey_gaps
from pestcheck.store.journey_tables import Leg, Party

router = APIRouter(tags=["wood, seals, journeys"])


class PartySaid(Body):
    """A company or site that has conveyances in its hands."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Transportes Norte", "role": "highway_carrier", "carrier_scac": "TNOR"}]}
    )
    name: Text
    role: Annotated[str, choice(ROLES, "what it does")]
    carrier_scac: Text = Field(default="", description="Standard Carrier Alpha Code, 2 to 4 letters")


class LegSaid(Body):
    """One stretch in one hand."""

    position: int = Field(ge=0, lt=1000, description="its place in the journey, from 0")
    tendered_by: Id = Field(description="id of the party that handed over")
    received_by: Id = Field(description="id of the party that took over")
    origin: Text = ""
    destination: Text = ""
    planned_departure: Time | None = None
    planned_arrival: Time | None = None
    departed: Time | None = None
    arrived: Time | None = None


class Parties(BaseModel):
    """By name."""

    parties: list[Party]


class GapFound(BaseModel):
    """Something to explain."""

    kind: str
    leg: int = Field(description="number of the leg, from 0")
    text: str
    hours: float | None = Field(description="how long, where it is a time")


class Gaps(BaseModel):
    """Leg by leg."""

    gaps: list[GapFound]


class Imported(BaseModel):
    """What came of a file."""

    changed: int = Field(description="times and points that were new or changed; 0 for the same file again")


@router.get("/parties", summary="List parties")
def parties(records: Here, who: Annotated[Person, allowed(Deed.see)]) -> Parties:
    return Parties(parties=records.parties())


@router.put("/parties/{party_id}", summary="Add a party, or say its role anew", responses=made(Party, "party"))
def party(
    party_id: Annotated[str, an_id("party")],
    body: PartySaid,
    response: Response,
    records: Here,
    who: Annotated[Person, allowed(Deed.see, Deed.inspect)],
) -> Party:
    """Names are compared without case and blanks: a party that is there under another id keeps it, and that id is answered."""
    before = {party.id for party in records.parties()}
    key = records.party(body.name, body.role, actor=who.name, carrier_scac=body.carrier_scac, party_id=party_id)
    status(response, new=key not in before)
    found: Party = one(records.parties(), key, "party")
    return found


@router.put("/inspections/{inspection_id}/legs/{leg_id}", summary="Record a leg", responses=made(Leg, "leg"))
def leg(view: GoingOn, leg_id: Annotated[str, an_id("leg")], body: LegSaid, response: Response, records: Here, who: Who) -> Leg:
    """Also after the close: a journey goes on."""
    said = body.model_dump()
    records.leg(view.inspection.id, said.pop("position"), actor=who.name, leg_id=leg_id, **said)
    status(response, new=all(known.id != leg_id for known in view.legs))
    row: Leg = one(records.inspection(view.inspection.id).legs, leg_id, "leg")
    return row


@router.put(
    "/inspections/{inspection_id}/times.csv",
    summary="Times and GPS points of legs from a file",
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": f"CSV in UTF-8 with the columns {', '.join(COLUMNS)}",
            "content": {"text/csv": {"schema": {"type": "string"}}},
        }
    },
)
def import_times(view: GoingOn, data: Annotated[bytes, Depends(sent)], records: Here, who: Who) -> Imported:
    """All of it, or nothing."""
    return Imported(changed=records.import_times(view.inspection.id, data, actor=who.name))


@router.get("/inspections/{inspection_id}/gaps", summary="What of the journey is to be explained")
def gaps(view: Visible, request: Request) -> Gaps:
    return Gaps(gaps=[GapFound(**asdict(gap) | {"kind": str(gap.kind)}) for gap in journey_gaps(view, request.app.state.gap)])
