"""Wood packaging at a point: its mark, its bark, and holes."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field, create_model

from app.api.common import Amends, Area, Body, Changing, Here, Text, Who, an_id, choice, made, one, status
from pestcheck.inspection.wpm_mark import Appearance, Wood
from pestcheck.records.wood import KINDS
from pestcheck.store.tables import WoodPackaging

router = APIRouter(tags=["wood, seals, journeys"])
Looks = create_model("Looks", __base__=Body, **{field.name: (bool | None, None) for field in fields(Appearance)})  # type: ignore[call-overload]


class WoodSeen(Amends):
    """Wood packaging as a person saw it. A good mark clears nothing."""

    kind: Annotated[str, choice(KINDS, "what it is")] = "pallet"
    pieces: int = Field(default=1, ge=1, le=100_000)
    wood: Annotated[str, choice(Wood, "what it is made of")] = "solid"
    mark: Text = Field(default="", description='the ISPM 15 mark as read; "" for none', examples=["US-1234 HT"])
    seen: Looks = Field(default=None, description="what was answered of the mark's looks; null: not answered")  # type: ignore[valid-type]
    condition: bool | None = Field(default=None, description="whether the condition holds under which this wood needs no mark")
    thickness_mm: float | None = Field(default=None, ge=0, le=10_000, allow_inf_nan=False, description="of the wood, in millimetres")
    solid_parts: bool = Field(default=False, description="whether processed wood has parts of solid wood")
    us_canada: bool = Field(default=False, description="whether it moves between the United States and Canada only")
    bark_width_cm: float | None = Field(
        default=None, ge=0, le=1000, allow_inf_nan=False, description="of the largest piece of bark, in centimetres"
    )
    bark_area_cm2: float | None = Field(
        default=None, ge=0, le=1e6, allow_inf_nan=False, description="of the largest piece, in square centimetres"
    )
    holes: bool | None = Field(default=None, description="whether there are holes or frass; null: not looked at")


@router.put(
    "/inspections/{inspection_id}/points/{area}/wood/{wood_id}",
    summary="Record wood packaging",
    responses=made(WoodPackaging, "record"),
)
def wood(
    view: Changing, area: Area, wood_id: Annotated[str, an_id("record")], body: WoodSeen, response: Response, records: Here, who: Who
) -> WoodPackaging:
    """``warnings`` of the answer say what is wrong with the wood and its mark."""
    said = body.model_dump(exclude={"seen"}) | {"seen": body.model_dump(include={"seen"}, exclude_none=True).get("seen")}
    records.wood_packaging(view.inspection.id, area, actor=who.name, wood_id=wood_id, **said)
    status(response, new=all(known.id != wood_id for known in view.wood))
    row: WoodPackaging = one(records.inspection(view.inspection.id).wood, wood_id, "wood packaging")
    return row
