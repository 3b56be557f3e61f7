"""The tables of quizzes and of trainings held; ``tables.STATE`` lists them with the others."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON
from sqlmodel import Field, SQLModel


class PictureQuestion(SQLModel, table=True):
    """A photograph to be judged in quizzes, with the right answer. Not changed, only withdrawn: attempts refer to it.

    ``things``: what is on it, each a ``label`` and a ``box`` or None; none: it is clean. ``stage``: for which the question is what to do.
    ``source``: the review that it follows from; "": a person gave the answer by hand. It does not keep the photograph, which goes with the last
    inspection that has it.
    """

    id: str = Field(primary_key=True)
    sha256: str = Field(index=True)
    width: int
    height: int
    things: list[dict[str, Any]] = Field(sa_type=JSON)
    stage: str
    because: str = ""
    source: str = ""
    made_by: str
    made_at: str
    withdrawn_at: str | None = None
    withdrawn_reason: str | None = None


class Quiz(SQLModel, table=True):
    """Questions that lead to a certificate. Not changed, only withdrawn: attempts refer to it.

    ``questions``: ids of picture questions, and references of ``inspection.knowledge``. ``asked``: how many of them in one attempt; None: all.
    ``pass_mark``: 0 to 1. ``months``: how long a certificate is valid. ``sites``: for whom it is, as the maker's own; None: for all.
    """

    id: str = Field(primary_key=True)
    title: str
    topics: list[str] = Field(sa_type=JSON)
    questions: list[str] = Field(sa_type=JSON)
    asked: int | None = None
    pass_mark: float
    months: int
    sites: list[str] | None = Field(default=None, sa_type=JSON)
    made_by: str
    made_at: str
    withdrawn_at: str | None = None
    withdrawn_reason: str | None = None


class QuizAttempt(SQLModel, table=True):
    """One person at one quiz. ``questions``: those asked, in order. ``certificates``: ids of those that it gave. ``account``: whose it is."""

    id: str = Field(primary_key=True)
    quiz_id: str = Field(foreign_key="quiz.id", index=True)
    account: str = Field(index=True)
    person: str
    questions: list[str] = Field(sa_type=JSON)
    started_at: str
    finished_at: str | None = None
    score: float | None = None
    found: float | None = None
    passed: bool | None = None
    certificates: list[str] = Field(default_factory=list, sa_type=JSON)


class QuizAnswer(SQLModel, table=True):
    """What was answered to one question of an attempt. ``parts``: how right, by part, 0 to 1 each (``inspection.quiz.judge``)."""

    attempt_id: str = Field(primary_key=True, foreign_key="quizattempt.id")
    question: str = Field(primary_key=True)
    given: dict[str, Any] = Field(sa_type=JSON)
    parts: dict[str, float] = Field(sa_type=JSON)
    answered_at: str


class Course(SQLModel, table=True):
    """A training held for several people at once (CTPAT 12.1: date, attendees, topics). ``certificates``: ids of those that it gave."""

    id: str = Field(primary_key=True)
    title: str
    held_on: str = Field(index=True)
    expires_on: str
    given_by: str
    topics: list[str] = Field(sa_type=JSON)
    attendees: list[str] = Field(sa_type=JSON)
    reference: str = ""
    certificates: list[str] = Field(sa_type=JSON)
    recorded_by: str
    recorded_at: str
