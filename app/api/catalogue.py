"""What a client needs to show an inspection: templates, and the names of what there is to choose."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field

from app.api.common import Here, allowed
from pestcheck.inspection.guidance import rules
from pestcheck.inspection.template import Template
from pestcheck.inspection.watchlist import Entry
from pestcheck.people import Deed, Person
from pestcheck.records import CONTAMINANTS, DECISIONS, DISPOSITIONS, RESULTS, STATES, NotFound
from pestcheck.records.findings import CHANNELS, LIFE_STAGES, METHODS
from pestcheck.records.inspections import MEANINGS, SELECTIONS
from pestcheck.taxonomy import CTPAT_CLASS, LABELS

router = APIRouter(tags=["catalogue"])


class TemplateLine(BaseModel):
    """A template in the list."""

    name: str = Field(description="id@version", examples=["container_7_point@2"])
    title: str
    inspects: str
    points: int


class Templates(BaseModel):
    """The newest version of each; those for the size-type first, if one was given."""

    templates: list[TemplateLine]


class LabelLine(BaseModel):
    """A label that a model may give."""

    id: str
    name: str
    group: str
    contaminant: bool
    look_for: str
    look_alikes: str


class WatchList(BaseModel):
    """By name. A text is one for all languages, or one for each."""

    entries: dict[str, Entry]


class Taxonomy(BaseModel):
    """Labels, groups, and the words for what is chosen: each id with its text in English."""

    labels: list[LabelLine]
    groups: dict[str, str] = Field(description="contaminant class by group (CTPAT)")
    contaminants: dict[str, str] = Field(description="what a person may name a finding")
    stages: dict[str, str]
    choices: dict[str, dict[str, str]]


@router.get("/templates", summary="List templates")
def templates(
    records: Here,
    who: Annotated[Person, allowed(Deed.see)],
    size_type: Annotated[str | None, Query(max_length=10, description="ISO 6346, as 45R1: only those for such a container")] = None,
) -> Templates:
    catalogue = records.catalogue
    found = catalogue.newest().values() if size_type is None else catalogue.offered(size_type)
    return Templates(
        templates=[TemplateLine(name=one.name, title=one.title, inspects=one.inspects.value, points=len(one.points)) for one in found]
    )


@router.get("/templates/{name}", summary="Read a template")
def template(
    name: Annotated[
        str, Path(description="id, for the newest version, or id@version", pattern="^[a-z][a-z0-9_]*(@[1-9][0-9]{0,5})?$", max_length=80)
    ],
    records: Here,
    who: Annotated[Person, allowed(Deed.see)],
) -> Template:
    match = re.fullmatch("([^@]+)@([0-9]+)", name)
    found = records.catalogue.versions.get((match[1], int(match[2]))) if match else records.catalogue.newest().get(name)
    if found is None:
        raise NotFound(f"There is no template {name!r}; there are: {', '.join(records.catalogue.newest())}.")
    return found


@router.get("/watchlist", summary="Species and things of concern")
def watch_list(request: Request, who: Annotated[Person, allowed(Deed.see)]) -> WatchList:
    """The field guide: pestcheck's list, with what this installation adds or replaces."""
    return WatchList(entries=request.app.state.watch_list.entries)


@router.get("/taxonomy", summary="Labels, and what there is to choose")
def taxonomy(who: Annotated[Person, allowed(Deed.see)]) -> Taxonomy:
    labels = [
        LabelLine(
            id=label.id, name=label.name, group=label.group.value, contaminant=label.contaminant, look_for=label.look_for,
            look_alikes=label.look_alikes,
        )
        for label in LABELS.values()
    ]  # fmt: skip
    return Taxonomy(
        labels=labels,
        groups={group.value: text for group, text in CTPAT_CLASS.items()},
        contaminants=CONTAMINANTS,
        stages={stage.value: rule.title for stage, rule in rules().stages.items()},
        choices={
            "selection": SELECTIONS, "state": STATES, "result": RESULTS, "decision": DECISIONS, "life_stage": LIFE_STAGES, "method": METHODS,
            "channel": CHANNELS, "disposition": DISPOSITIONS, "meaning": MEANINGS,
        },
    )  # fmt: skip
