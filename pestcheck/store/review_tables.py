"""The tables of review: what trainers say of photographs, and the order in which they get them.

``Review`` and ``ReviewState`` follow from the events, see ``tables.STATE``. The others are in no event, and so in no backup.
"""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import JSON, Index
from sqlmodel import Field, SQLModel


class Review(SQLModel, table=True):
    """One trainer's opinion of one photograph, whole (``pestcheck.review``): never changed; withdrawn, or followed by another of theirs.

    ``marks``: the places, each with ``box``, ``label`` and ``finding_id`` (None: no finding of the record). ``why``: what the queue gave it for.
    ``blind``: the trainer had not been shown what the model and the inspector say. ``expert``: as the expert that others asked for.
    """

    id: str = Field(primary_key=True)
    view_id: str = Field(foreign_key="view.id", index=True)
    position: int
    outcome: str
    marks: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    comment: str = ""
    why: list[str] = Field(default_factory=list, sa_type=JSON)
    blind: bool
    expert: bool = False
    reviewer: str = Field(index=True)
    reviewed_at: str = Field(index=True)
    withdrawn_at: str | None = None
    withdrawn_by: str | None = None
    withdrawn_reason: str | None = None


class ReviewState(SQLModel, table=True):
    """How far trainers are with a photograph, as its opinions say (``review.current``). ``reviews``: their ids, the first one first."""

    view_id: str = Field(primary_key=True, foreign_key="view.id")
    status: str = Field(index=True)
    opinions: int
    reviews: list[str] = Field(sa_type=JSON)


class Claim(SQLModel, table=True):
    """A photograph that a trainer was given to review, so that two do not do the same. ``until``: when it is free for others again.

    ``opened``: whether they were ever shown what the model and the inspector say; then their opinion is not blind.
    """

    view_id: str = Field(primary_key=True)
    person: str = Field(primary_key=True)
    until: str
    opened: bool


class Queued(SQLModel, table=True):
    """A photograph in the order that trainers get them, with what they may choose by: ``records.queue`` makes it from the tables above.

    ``labels``: between commas. ``reasons``: names of ``priority.PARTS``, the weightiest first. ``stale``: something changed since.
    """

    __table_args__: ClassVar[Any] = (Index("ix_queued_order", "priority", "view_id"),)
    view_id: str = Field(primary_key=True)
    inspection_id: str = Field(index=True)
    priority: int = 0
    reasons: list[str] = Field(default_factory=list, sa_type=JSON)
    status: str
    site: str
    inspector: str
    model: str
    labels: str
    added_at: str
    stale: bool = Field(index=True)


class QueueHead(SQLModel, table=True):
    """How far ``Queued`` is, one row. ``seq``: events of the log that it knows of. ``facts``: those of ``priority.Facts``, as of ``facts_at``."""

    id: int = Field(default=1, primary_key=True)
    seq: int
    version: int
    facts: dict[str, list[str]] = Field(default_factory=dict, sa_type=JSON)
    facts_at: str
