"""What a template is: points to inspect, and at each its questions, with what a "no" or a finding asks further."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Discriminator, Field, Tag, model_validator

from pestcheck.inspection.yamlfile import TAG, Frozen, Id, Text, Version


class Kind(StrEnum):
    """CTPAT wants security and pests in one inspection (criterion 5.2).

    A "no" to a pest question says that there is contamination; a "no" to one of prevention, that something invites it.
    """

    SECURITY = "security"
    PEST = "pest"
    PREVENTION = "prevention"


class AnswerForm(StrEnum):
    """How a question is answered. Yes is the good answer, so that a "no" always wants looking after."""

    YES_NO = "yes_no"
    CHOICE = "choice"
    NUMBER = "number"
    TEXT = "text"


class Inspects(StrEnum):
    """What a template is for."""

    CONTAINER = "container"
    TRACTOR_TRAILER = "tractor_trailer"
    WOOD_PACKAGING = "wood_packaging"
    SITE = "site"


DOES_NOT_APPLY = "na"


class Check(Frozen):
    """One question at a point.

    ``photographs`` says what each photograph needed must show; ``evidences`` names criteria (``criteria.yaml``) whose keeping
    an answer shows; ``if_no`` and ``if_yes`` are asked only then.
    """

    id: Id
    kind: Kind
    ask: Text
    answer: AnswerForm = AnswerForm.YES_NO
    choices: tuple[Text, ...] = ()
    unit: str = ""
    required: bool = True
    may_not_apply: bool = False
    photographs: tuple[Text, ...] = ()
    evidences: tuple[Id, ...] = ()
    source: Text
    if_no: tuple[Check, ...] = ()
    if_yes: tuple[Check, ...] = ()

    @model_validator(mode="after")
    def _fits_its_form(self) -> Self:
        if (self.answer is AnswerForm.CHOICE) != (len(self.choices) > 1):
            raise ValueError(f"{self.id!r} needs two or more choices just when its answer is a choice; give 'answer: choice' and 'choices'")
        if (self.if_no or self.if_yes) and self.answer is not AnswerForm.YES_NO:
            raise ValueError(f"{self.id!r} cannot be answered yes or no; remove if_no and if_yes, or make its answer yes_no")
        return self

    @property
    def answers(self) -> tuple[str, ...]:
        """The answers to choose from; empty for a number or text."""
        known = {AnswerForm.YES_NO: ("yes", "no"), AnswerForm.CHOICE: self.choices}.get(self.answer, ())
        return (*known, DOES_NOT_APPLY) if self.may_not_apply and known else known

    def accepts(self, given: str) -> bool:
        """Whether a text is an answer to this question."""
        if self.may_not_apply and given == DOES_NOT_APPLY:
            return True
        if self.answer is AnswerForm.NUMBER:
            return re.fullmatch(r"[0-9]{1,9}([.,][0-9]{1,6})?", given) is not None
        return given in self.answers if self.answers else bool(given.strip())

    def all(self) -> Iterator[Check]:
        """This question and all that it may open."""
        yield self
        for check in (*self.if_no, *self.if_yes):
            yield from check.all()


class Point(Frozen):
    """One place of a conveyance. Records name it by ``area``, never by its number: lists number differently.

    ``look``: what to look at; ``hot_spots``: where pests sit there; ``if_contamination``: asked once there is any here.
    """

    area: Id
    title: Text
    look: Text
    hot_spots: tuple[Text, ...] = ()
    checks: tuple[Check, ...] = ()
    if_contamination: tuple[Check, ...] = ()

    def all_checks(self) -> Iterator[Check]:
        """Every question that may come up here, except those shared by the whole template."""
        for check in (*self.checks, *self.if_contamination):
            yield from check.all()

    @model_validator(mode="after")
    def _no_question_twice(self) -> Self:
        if twice := _twice(check.id for check in self.all_checks()):
            raise ValueError(f"the point {self.area!r} has two questions {twice!r}; give each its own id")
        return self


class PointOf(Frozen):
    """A point taken over from another template, at a version that cannot change any more: ``same_as: container_7_point@2``."""

    area: Id
    same_as: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*@[1-9][0-9]*$")]


class _Head(Frozen):
    id: Id
    version: Version
    title: Text
    source: Text
    inspects: Inspects = Inspects.CONTAINER
    size_types: Annotated[
        tuple[Annotated[str, Field(pattern="^[A-Z]$")], ...], Field(description="Type letters (ISO 6346) it is made for; none: any.")
    ] = ()
    criteria: Annotated[int, Field(ge=1, description="Version of the list of criteria that its questions name.")] = 1
    if_not_in_order: Annotated[
        tuple[Check, ...], Field(description="Asked at a point where a question of security or prevention is answered no.")
    ] = ()
    if_contamination: Annotated[
        tuple[Check, ...], Field(description="Asked at a point where a pest question is answered no, or a finding is confirmed.")
    ] = ()


def _which(value: Any) -> str:
    taken_over = "same_as" in value if isinstance(value, dict) else isinstance(value, PointOf)
    return f"{TAG}same" if taken_over else f"{TAG}own"


class TemplateFile(_Head):
    """A template as its file has it; its JSON schema is that of the files."""

    points: Annotated[
        tuple[Annotated[Annotated[Point, Tag(f"{TAG}own")] | Annotated[PointOf, Tag(f"{TAG}same")], Discriminator(_which)], ...],
        Field(min_length=1),
    ]

    @property
    def takes_over(self) -> set[str]:
        """The templates, as id@version, that points are taken over from."""
        return {point.same_as for point in self.points if isinstance(point, PointOf)}


class Template(_Head):
    """A checklist. A change of content is a new version: a new file; the old one stays for the inspections made with it."""

    points: Annotated[tuple[Point, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _nothing_twice(self) -> Self:
        if twice := _twice(point.area for point in self.points):
            raise ValueError(f"the area {twice!r} is there twice; a record could not tell the two apart: give each its own")
        shared = [check.id for first in (*self.if_not_in_order, *self.if_contamination) for check in first.all()]
        for point in self.points:
            if twice := _twice([*(check.id for check in point.all_checks()), *shared]):
                raise ValueError(f"the point {point.area!r} has two questions {twice!r}, one of them shared; give each its own id")
        return self

    def point(self, area: str) -> Point | None:
        """The point of an area, or None."""
        return next((point for point in self.points if point.area == area), None)

    @property
    def name(self) -> str:
        """``id@version``, as its file is called."""
        return f"{self.id}@{self.version}"

    @property
    def sha256(self) -> str:
        """Digest of the content: shows that a version was changed after it was used. Fields left out do not count."""
        return hashlib.sha256(self.model_dump_json(exclude_defaults=True).encode()).hexdigest()

    def all_checks(self) -> Iterator[Check]:
        """Every question of the template."""
        for point in self.points:
            yield from point.all_checks()
        for check in (*self.if_not_in_order, *self.if_contamination):
            yield from check.all()


def _twice(names: Iterable[str]) -> str | None:
    return next((name for name, count in Counter(names).items() if count > 1), None)
