"""Inspection templates: data files that say which points are inspected."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Id = Annotated[str, Field(pattern="^[a-z0-9_]+$")]


class Point(BaseModel):
    """One place of a conveyance. Records name it by ``area``, never by its number: lists number differently."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    area: Id
    title: str
    look: str


class Template(BaseModel):
    """A checklist. A change of content is a new version."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: Id
    version: Annotated[int, Field(ge=1)]
    title: str
    source: str
    points: Annotated[tuple[Point, ...], Field(min_length=1)]

    def point(self, area: str) -> Point | None:
        """The point of an area, or None."""
        return next((point for point in self.points if point.area == area), None)


@cache
def templates() -> dict[str, Template]:
    """The templates that come with pestcheck, by id."""
    import yaml

    folder = files("pestcheck.inspection") / "templates"
    read = [Template.model_validate(yaml.safe_load(path.read_text("utf-8"))) for path in folder.iterdir() if path.name.endswith(".yaml")]
    return {template.id: template for template in sorted(read, key=lambda template: template.id)}
