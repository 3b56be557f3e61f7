"""What all addresses share: who asks, of which inspection, and the forms of ids, texts and times."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any

from fastapi import Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.problems import Forbidden
from app.identity import person
from pestcheck.people import Deed, Person
from pestcheck.records import InspectionView, NotFound, Records
from pestcheck.records.common import MAX_TEXT

ID = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
AN_ID = "01935a2e-7d3c-7c1e-9f00-6a1b2c3d4e5f"
NAME = "^[a-z][a-z0-9_]*$"


def choice(names: Iterable[str], says: str) -> Any:
    """A field that is one of few."""
    few: list[Any] = [str(name) for name in names]
    return Field(description=says, pattern=f"^({'|'.join(map(re.escape, few))})$", json_schema_extra={"enum": few})


def an_id(what: str) -> Any:
    """An id in the path that the client makes, or made."""
    return Path(description=f"UUID (version 7) of the {what}, made by the client", pattern=ID, examples=[AN_ID])


Text = Annotated[str, Field(max_length=MAX_TEXT)]
Id = Annotated[str, Field(pattern=ID)]
InspectionId = Annotated[str, an_id("inspection")]
Area = Annotated[
    str, Path(description="the point, by the name of its area in the template", pattern=NAME, max_length=60, examples=["floor"])
]
Time = Annotated[
    str,
    Field(
        max_length=40,
        description="ISO 8601 with time zone",
        examples=["2026-11-24T08:30:00-06:00"],
        json_schema_extra={"format": "date-time"},
    ),
]
Date = Annotated[str, Field(max_length=10, examples=["2026-11-24"], json_schema_extra={"format": "date"})]


class Body(BaseModel):
    """What a client sends: nothing unknown in it, and numbers are numbers."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Amends(Body):
    """What a closed inspection takes only with a reason."""

    amends: Text = Field(default="", description="why a closed inspection is amended; needed then, else without effect")


class Change(Amends):
    """What others may have changed meanwhile."""

    seen: int | None = Field(
        default=None, ge=0, le=2**31, description="the version that the person looked at, 0 if there was none; a later one there gives 409. "
        "null: the last word counts"
    )  # fmt: skip


def records(request: Request) -> Records:
    """The use cases, of what the person may see."""
    found: Records = request.app.state.records
    return found.within(person(request).sites)


Here = Annotated[Records, Depends(records)]
Who = Annotated[Person, Depends(person)]


def need(who: Person, *deeds: Deed) -> None:
    """
    Raises:
        Forbidden: the person may not do one of these.
    """
    for deed in deeds:
        if not who.may(deed):
            raise Forbidden(f"As {who.role.value} you may not do this ({deed.value}). Ask whoever keeps the accounts.")


def need_site(who: Person, site: str | None) -> None:
    """
    Raises:
        Forbidden: the person may not put records at this site.
    """
    if not who.at(site):
        raise Forbidden(f"You have no access to the site {site!r}; name one of yours." if site else "Name one of your sites.")


def allowed(*deeds: Deed) -> Any:
    """Who asks, and may do all of this."""

    def check(who: Who) -> Person:
        need(who, *deeds)
        return who

    return Depends(check)


def mine(records: Records, who: Person, inspection_id: str) -> InspectionView:
    """An inspection, if the person may know of it.

    Raises:
        NotFound: there is none, or it is at another site.
    """
    view = records.inspection(inspection_id)
    if not who.at(view.inspection.site):
        raise NotFound(f"There is no inspection {inspection_id!r}.")
    return view


def visible(inspection_id: InspectionId, records: Here, who: Annotated[Person, allowed(Deed.see)]) -> InspectionView:
    """The inspection of the path, to look at."""
    return mine(records, who, inspection_id)


def going_on(view: Annotated[InspectionView, Depends(visible)], who: Who) -> InspectionView:
    """The inspection of the path, to add what may be added also after its close."""
    need(who, Deed.inspect)
    return view


def changing(view: Annotated[InspectionView, Depends(going_on)], who: Who) -> InspectionView:
    """The inspection of the path, to change what is seen and done."""
    if view.inspection.closed_at:
        need(who, Deed.amend)
    return view


Visible = Annotated[InspectionView, Depends(visible)]
GoingOn = Annotated[InspectionView, Depends(going_on)]
Changing = Annotated[InspectionView, Depends(changing)]


def made(model: Any, what: str) -> dict[int | str, dict[str, Any]]:
    """What an address answers besides 200, where the client makes the id."""
    return {201: {"model": model, "description": f"The {what} is new"}}


def status(response: Response, *, new: bool) -> None:
    """201 for what is new; the same again gets 200."""
    response.status_code = 201 if new else 200


def one(rows: Iterable[Any], key: str, what: str, by: Callable[[Any], str] = lambda row: str(row.id)) -> Any:
    """The row with an id among those of an inspection.

    Raises:
        NotFound: it is not there.
    """
    for row in rows:
        if by(row) == key:
            return row
    raise NotFound(f"There is no {what} {key[:60]!r} in this inspection.")
