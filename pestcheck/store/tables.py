"""The tables. All but ``event`` and ``head`` follow from the events and are written by ``state.apply`` alone.

Times are ISO 8601 text in UTC. Enumerations are text. Ids are UUIDv7 made by the client.
"""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import JSON, UniqueConstraint
from sqlmodel import Field, SQLModel


class Event(SQLModel, table=True):
    """One entry of the append-only log. ``body`` is the leaf of the Merkle tree, byte for byte; ``leaf`` its hash."""

    seq: int = Field(primary_key=True)
    id: str = Field(unique=True)
    at: str = Field(index=True)
    actor: str
    kind: str = Field(index=True)
    body: str
    leaf: str


class Head(SQLModel, table=True):
    """The head of the tree, one row. ``frontier``: its full subtrees (``merkle.frontier``), from which it grows."""

    id: int = Field(default=1, primary_key=True)
    size: int = 0
    root: str = ""
    frontier: list[str | None] = Field(default_factory=list, sa_type=JSON)


class Inspection(SQLModel, table=True):
    """One inspection of one conveyance."""

    id: str = Field(primary_key=True)
    container_number: str = Field(index=True)
    number_problem: str | None = None
    override_reason: str | None = None
    template: str
    template_version: int
    inspector: str
    opened_at: str = Field(index=True)
    closed_at: str | None = None
    closed_by: str | None = None


class Photograph(SQLModel, table=True):
    """The original bytes of a photograph, once, however often it is taken up in inspections."""

    sha256: str = Field(primary_key=True)
    media_type: str
    size: int
    width: int
    height: int
    taken_at: str | None = None
    latitude: float | None = None
    longitude: float | None = None


class View(SQLModel, table=True):
    """A photograph at a point of an inspection, and what the model said of it."""

    __table_args__: ClassVar[Any] = (UniqueConstraint("inspection_id", "area", "sha256"),)
    id: str = Field(primary_key=True)
    inspection_id: str = Field(foreign_key="inspection.id", index=True)
    area: str
    sha256: str = Field(foreign_key="photograph.sha256", index=True)
    name: str
    added_at: str
    added_by: str
    state: str = Field(index=True)
    verdict: str | None = None
    score: float | None = None
    problems: list[str] = Field(default_factory=list, sa_type=JSON)
    model: str | None = None
    thresholds: str | None = None
    seconds: float | None = None
    error: str | None = None


class Finding(SQLModel, table=True):
    """A suggestion of the model, and beside it what the person decided. ``decided_label`` differs from ``label`` when corrected."""

    id: str = Field(primary_key=True)
    view_id: str = Field(foreign_key="view.id", index=True)
    position: int
    label: str
    group: str
    probability: float
    candidates: list[Any] = Field(sa_type=JSON)
    box: list[int] = Field(sa_type=JSON)
    reason: str
    state: str = Field(index=True)
    decided_label: str | None = None
    decided_by: str | None = None
    decided_at: str | None = None


class Answer(SQLModel, table=True):
    """The answer to one point of an inspection: the last one given; earlier ones are in the log."""

    inspection_id: str = Field(primary_key=True, foreign_key="inspection.id")
    area: str = Field(primary_key=True)
    state: str
    result: str | None = None
    note: str = ""
    answered_by: str
    answered_at: str


STATE: tuple[type[SQLModel], ...] = (Inspection, Photograph, View, Finding, Answer)
"""The tables that follow from the events, parents first."""
