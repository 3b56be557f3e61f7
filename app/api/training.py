"""Quizzes and trainings held (CTPAT 12.1, 12.2, 12.7). An attempt belongs to the account that began it; nobody answers for somebody else."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from app.api.common import AN_ID, ID, Body, Date, Here, Id, Text, allowed, an_id, choice, made, need, one, status
from app.downloads import Downloads
from pestcheck.inspection.guidance import Action, Stage
from pestcheck.inspection.knowledge import Question, knowledge
from pestcheck.inspection.quiz import shuffled
from pestcheck.people import Deed, Person
from pestcheck.records import CONTAMINANTS, NotFound, Records, Refused
from pestcheck.records.quizzes import LEAST, MOST, MOST_MONTHS, MOST_THINGS, Item
from pestcheck.records.training import MOST_ATTENDEES, TOPICS
from pestcheck.store.training_tables import Course, PictureQuestion, Quiz, QuizAnswer, QuizAttempt

router = APIRouter(tags=["training"])
Pixel = Annotated[int, Field(ge=0, le=2**24)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="SHA-256 of a photograph in the store")]
Topics = Annotated[list[Annotated[str, choice(TOPICS, "topic")]], Field(min_length=1, max_length=len(TOPICS))]
Reference = Annotated[str, Field(pattern=f"^([a-z0-9_]+@[0-9]+/[a-z0-9_]+|{ID[1:-1]})$", max_length=120, examples=["us@1/bark", AN_ID])]
# Outside of ``Answered``, in which ``choice`` is a field.
What = Annotated[str, choice(CONTAMINANTS, "label or its group")]
Todo = Annotated[str, choice(Action, "what to do first")]
Viewer = Annotated[Person, allowed(Deed.see)]
Trainer = Annotated[Person, allowed(Deed.review)]


class OnIt(Body):
    """One thing on a photograph."""

    label: Annotated[str, choice(CONTAMINANTS, "what it is")]
    box: Annotated[list[Pixel], Field(min_length=4, max_length=4)] | None = Field(
        default=None, description="x0, y0, x1, y1; null: its place is not known"
    )


class PictureMade(Body):
    """A photograph to be judged in quizzes: either by hand, with ``sha256`` and the answer, or from a review, with ``view_id`` alone."""

    view_id: Id | None = Field(default=None, description="a photograph at a point on whose review trainers are agreed; then nothing else")
    sha256: Sha256 | None = None
    things: Annotated[list[OnIt], Field(max_length=MOST_THINGS)] = Field(default=[], description="what is on it; none: it is clean")
    stage: Annotated[str, choice(Stage, "for which the question is what to do first")] = Stage.EMPTY_AT_ORIGIN.value
    because: Text = Field(default="", description="shown after the answer")


class Reason(Body):
    """Why it is withdrawn."""

    reason: Text


class QuizMade(Body):
    """Questions that lead to certificates."""

    title: Text
    topics: Topics = Field(description="who passes gets a certificate in each")
    questions: Annotated[list[Reference], Field(min_length=LEAST, max_length=MOST)] = Field(
        description="ids of picture questions, and references of questions of knowledge"
    )
    pass_mark: float = Field(default=0.8, ge=0.5, le=1)
    months: int = Field(default=12, ge=1, le=MOST_MONTHS, description="how long a certificate is valid")
    asked: int | None = Field(default=None, ge=LEAST, le=MOST, description="how many one attempt draws; null: all")


class Starting(Body):
    """Which quiz is taken."""

    quiz_id: Id


class Answered(Body):
    """What is answered: ``choice`` of a question of knowledge; of a photograph the rest."""

    choice: Text | None = None
    contaminated: bool | None = None
    where: Annotated[list[Pixel], Field(min_length=2, max_length=2)] | None = Field(
        default=None, description="x, y; null: could not be marked"
    )
    what: What | None = None
    todo: Todo | None = None


class CourseHeld(Body):
    """A training held for several people: each gets a certificate in each topic."""

    title: Text
    held_on: Date = Field(description="valid from this day")
    expires_on: Date = Field(description="valid to the end of this day")
    given_by: Text
    topics: Topics
    attendees: Annotated[list[Text], Field(min_length=1, max_length=MOST_ATTENDEES)]
    reference: Text = ""


class Asked(BaseModel):
    """A question of an attempt. What is right is said once it is answered."""

    question: str
    ask: str | None = Field(description="of a question of knowledge; null: a photograph")
    options: list[str]
    picture: str | None = Field(description="address of the photograph; null: none, or it was erased")
    width: int | None
    height: int | None
    stage: str | None
    answer: QuizAnswer | None
    right: Any = Field(description="once it is answered: the right choice, or what is on the photograph")


class Attempt(BaseModel):
    """An attempt with its questions in order."""

    attempt: QuizAttempt
    questions: list[Asked]


class Knows(BaseModel):
    """Questions of knowledge at their newest version."""

    id: str
    version: int
    source: str
    sections: dict[str, str]
    questions: dict[str, Question] = Field(description="by reference")


class PictureQuestions(BaseModel):
    """The newest first."""

    questions: list[PictureQuestion]


class Quizzes(BaseModel):
    """The newest first."""

    quizzes: list[Quiz]


class Attempts(BaseModel):
    """The newest first."""

    attempts: list[QuizAttempt]


class Courses(BaseModel):
    """The newest first."""

    courses: list[Course]


def _asked(item: Item, attempt: str) -> Asked:
    asked, right = item.question, None
    picture = asked if isinstance(asked, PictureQuestion) else None
    fact = asked if isinstance(asked, Question) else None
    if item.answer:
        right = fact.right if fact else picture.things if picture else None
    return Asked(
        question=item.reference, ask=fact.ask if fact else None, options=shuffled(fact.options, f"{attempt}{item.reference}") if fact else [],
        picture=f"/training/picture/{picture.id}.jpg" if picture else None, width=picture.width if picture else None,
        height=picture.height if picture else None, stage=picture.stage if picture else None, answer=item.answer, right=right,
    )  # fmt: skip


def _attempt(records: Records, who: Person, attempt_id: str) -> Attempt:
    view = records.attempt(attempt_id)
    if view.attempt.account != who.account and not (who.may(Deed.review) or who.may(Deed.export)):
        raise NotFound(f"There is no attempt {attempt_id!r} of yours.")
    return Attempt(attempt=view.attempt, questions=[_asked(item, attempt_id) for item in view.items])


@router.get("/quizzes/knowledge", summary="Questions that need no photograph")
def questions_of_knowledge(who: Trainer) -> Knows:
    known = knowledge()
    by_reference = {known.reference(question): question for question in known.questions}
    return Knows(id=known.id, version=known.version, source=known.source, sections=known.sections, questions=by_reference)


@router.get("/quizzes/pictures", summary="Photographs that can be asked")
def pictures(records: Here, who: Trainer) -> PictureQuestions:
    return PictureQuestions(questions=records.picture_questions())


@router.put("/quizzes/pictures/{question_id}", summary="Make a photograph a question", responses=made(PictureQuestion, "question"))
def make_picture(
    question_id: Annotated[str, an_id("question")], body: PictureMade, response: Response, records: Here, who: Trainer
) -> PictureQuestion:
    """Everybody who takes a quiz with it sees the picture, and nothing else of its inspection."""
    known = any(row.id == question_id for row in records.picture_questions(withdrawn=True))
    if body.view_id is not None:
        records.question_from_review(body.view_id, actor=who.name, question_id=question_id)
    else:
        if body.sha256 is None:
            raise Refused("Say which photograph: give its sha256, or the view_id of a reviewed one.")
        things = [(thing.label, (thing.box[0], thing.box[1], thing.box[2], thing.box[3]) if thing.box else None) for thing in body.things]
        records.picture_question(
            body.sha256, things, stage=body.stage, because=body.because, actor=who.name, question_id=question_id
        )  # fmt: skip
    status(response, new=not known)
    found: PictureQuestion = one(records.picture_questions(withdrawn=True), question_id, "question")
    return found


@router.put("/quizzes/pictures/{question_id}/withdrawal", summary="Ask a photograph no more")
def withdraw_picture(
    question_id: Annotated[str, Path(pattern=ID, description="id of the question", examples=[AN_ID])],
    body: Reason,
    records: Here,
    who: Trainer,
) -> PictureQuestion:
    records.withdraw_question(question_id, reason=body.reason, actor=who.name)
    found: PictureQuestion = one(records.picture_questions(withdrawn=True), question_id, "question")
    return found


@router.get("/quizzes", summary="List quizzes")
def quizzes(records: Here, who: Viewer, withdrawn: Annotated[bool, Query(description="these, too")] = False) -> Quizzes:
    return Quizzes(quizzes=records.quizzes(withdrawn=withdrawn))


@router.put("/quizzes/{quiz_id}", summary="Make a quiz", responses=made(Quiz, "quiz"))
def make_quiz(quiz_id: Annotated[str, an_id("quiz")], body: QuizMade, response: Response, records: Here, who: Trainer) -> Quiz:
    known = any(row.id == quiz_id for row in records.quizzes(withdrawn=True))
    records.make_quiz(**body.model_dump(), actor=who.name, quiz_id=quiz_id)
    status(response, new=not known)
    found: Quiz = one(records.quizzes(withdrawn=True), quiz_id, "quiz")
    return found


@router.put("/quizzes/{quiz_id}/withdrawal", summary="Offer a quiz no more")
def withdraw_quiz(
    quiz_id: Annotated[str, Path(pattern=ID, description="id of the quiz", examples=[AN_ID])], body: Reason, records: Here, who: Trainer
) -> Quiz:
    records.withdraw_quiz(quiz_id, reason=body.reason, actor=who.name)
    found: Quiz = one(records.quizzes(withdrawn=True), quiz_id, "quiz")
    return found


@router.get("/attempts", summary="List attempts")
def attempts(records: Here, who: Viewer, quiz_id: Annotated[str | None, Query(pattern=ID, description="of one quiz")] = None) -> Attempts:
    """One's own; who reviews or exports sees all."""
    everybody = who.may(Deed.review) or who.may(Deed.export)
    found = records.attempts(quiz_id=quiz_id) if everybody else records.attempts(account=who.account or "", quiz_id=quiz_id)
    return Attempts(attempts=[attempt for attempt, _ in found])


@router.put("/attempts/{attempt_id}", summary="Begin a quiz", responses=made(Attempt, "attempt"))
def start(attempt_id: Annotated[str, an_id("attempt")], body: Starting, response: Response, records: Here, who: Viewer) -> Attempt:
    """For oneself, with an account. While another attempt of one's own at this quiz is open, that one is answered instead."""
    known = {attempt.id for attempt, _ in records.attempts(account=who.account or "")}
    key = records.start_quiz(body.quiz_id, actor=who.name, account=who.account, attempt_id=attempt_id)
    status(response, new=key not in known)
    return _attempt(records, who, key)


@router.get("/attempts/{attempt_id}", summary="Read an attempt")
def read_attempt(
    attempt_id: Annotated[str, Path(pattern=ID, description="id of the attempt", examples=[AN_ID])], records: Here, who: Viewer
) -> Attempt:
    return _attempt(records, who, attempt_id)


@router.put("/attempts/{attempt_id}/answers/{question:path}", summary="Answer a question")
def answer(
    attempt_id: Annotated[str, Path(pattern=ID, description="id of the attempt", examples=[AN_ID])],
    question: Annotated[str, Path(max_length=120, description="as the attempt names it", examples=["us@1/bark"])],
    body: Answered,
    records: Here,
    who: Viewer,
) -> Attempt:
    """Once; the last answer finishes the attempt, and who passes has the certificates."""
    records.answer_quiz(attempt_id, question, body.model_dump(), actor=who.name, account=who.account)
    return _attempt(records, who, attempt_id)


@router.get("/courses", summary="List trainings held")
def courses(records: Here, who: Viewer) -> Courses:
    return Courses(courses=records.courses())


@router.put("/courses/{course_id}", summary="Record a training held", responses=made(Course, "training"))
def hold_course(course_id: Annotated[str, an_id("training")], body: CourseHeld, response: Response, records: Here, who: Trainer) -> Course:
    known = any(row.id == course_id for row in records.courses())
    records.hold_course(**body.model_dump(), actor=who.name, course_id=course_id)
    status(response, new=not known)
    found: Course = one(records.courses(), course_id, "training")
    return found


@router.get(
    "/exports/roster.csv",
    summary="The roster of trainings as CSV",
    response_class=Response,
    responses={200: {"description": "CSV in UTF-8", "content": {"text/csv": {"schema": {"type": "string"}}}}},
    tags=["exports"],
)
def roster(records: Here, who: Viewer, request: Request) -> Response:
    """One row a certificate, and one a topic in which somebody who inspects has none. That it is taken out is on record."""
    if not who.may(Deed.review):
        need(who, Deed.export)
    downloads: Downloads = request.app.state.downloads
    return downloads.roster(records, who)
