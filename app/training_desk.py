"""The trainer's pages: photographs as questions, quizzes and their results, trainings held, certificates withdrawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from types import SimpleNamespace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from app import i18n
from app.forms import NotTaken, form, go, page
from app.identity import person
from app.pages import words
from app.signin import text
from pestcheck.ids import uuid7
from pestcheck.inspection import knowledge
from pestcheck.inspection.guidance import rules
from pestcheck.records import CONTAMINANTS, NotFound, Records, Refused
from pestcheck.records.training import SHORT, STATES, TOPICS, months_later
from pestcheck.records.view import PhotographView
from pestcheck.store.tables import KEPT

Form = Annotated[FormData, Depends(form)]
PAGE = 24
"""Photographs shown at once."""
INSPECTIONS = 60
"""The newest inspections whose photographs are offered."""


def routes(everything: Records, months: int) -> APIRouter:
    """All of them need ``Deed.review``, see ``identity.NEEDS``. ``months``: how long a certificate is valid, where nobody says otherwise."""
    router = APIRouter(include_in_schema=False, prefix="/training/desk")

    def mine(request: Request) -> Records:
        return everything.within(person(request).sites)

    def taken(do: Callable[[], Any], again: Callable[[str, int], Response], to: str) -> Response:
        """Do what a form asks for and lead on; or show its page again and say why not."""
        try:
            do()
        except Refused as error:
            return again(str(error), 404 if isinstance(error, NotFound) else 422)
        return go(to)

    @router.get("")
    def desk(request: Request) -> Response:
        return desk_page(request)

    def desk_page(request: Request, wrong: str = "", status: int = 200) -> Response:
        records = mine(request)
        tried: dict[str, Counter[str]] = {}
        for attempt, quiz in records.attempts():
            result = "open" if not attempt.finished_at else "passed" if attempt.passed else "failed"
            tried.setdefault(quiz.id, Counter())[result] += 1
        return page(
            request, "training/desk.html", status, quizzes=records.quizzes(withdrawn=True), tried=tried, topics=TOPICS,
            pictures=len(records.picture_questions()), facts=len(knowledge.knowledge().questions), wrong=wrong, nothing=Counter(),
        )  # fmt: skip

    @router.get("/quiz/{key}")
    def quiz(request: Request, key: str) -> Response:
        return quiz_page(request, key)

    def quiz_page(request: Request, key: str, wrong: str = "", status: int = 200) -> Response:
        records = mine(request)
        found = next((one for one in records.quizzes(withdrawn=True) if one.id == key), None)
        if found is None:
            raise NotTaken("There is no such quiz.", 404)
        pictures = {one.id: one for one in records.picture_questions(withdrawn=True)}
        asked = [(pictures.get(one), knowledge.question(one)) for one in found.questions]
        tried = [attempt for attempt, _ in records.attempts(quiz_id=key)]
        return page(
            request, "training/quiz.html", status, quiz=found, attempts=tried, asked=asked, topics=TOPICS, wrong=wrong, contaminants=CONTAMINANTS
        )  # fmt: skip

    @router.post("/quiz/{key}/withdraw")
    def withdraw_quiz(request: Request, key: str, given: Form) -> Response:
        do = partial(mine(request).withdraw_quiz, key, reason=text(given, "reason"), actor=person(request).name)
        return taken(do, partial(quiz_page, request, key), f"/training/desk/quiz/{key}")

    @router.get("/new")
    def new(request: Request) -> Response:
        return new_page(request, None)

    def new_page(request: Request, given: FormData | None, wrong: str = "", status: int = 200) -> Response:
        records, known = mine(request), knowledge.knowledge()
        facts = {section: [one for one in known.questions if one.section == section] for section in known.sections}
        kept = {name: text(given, name) if given else "" for name in ("title", "pass_mark", "months", "asked")}
        chosen = {*given.getlist("question")} if given else {known.reference(one) for one in known.questions}
        return page(
            request, "training/new.html", status, known=known, facts=facts, pictures=records.picture_questions(), topics=TOPICS, wrong=wrong,
            key=given.get("id") if given else uuid7(), kept=kept, chosen=chosen, subjects=given.getlist("topic") if given else [*TOPICS], months=months, contaminants=CONTAMINANTS,
        )  # fmt: skip

    @router.post("/new")
    def make(request: Request, given: Form) -> Response:
        def do() -> None:
            mark, until, asked = (text(given, name) for name in ("pass_mark", "months", "asked"))
            mine(request).make_quiz(
                text(given, "title"), topics=map(str, given.getlist("topic")), questions=map(str, given.getlist("question")), actor=person(request).name,
                pass_mark=number(mark) / 100, months=number(until), asked=number(asked) if asked else None, quiz_id=text(given, "id") or None,
            )  # fmt: skip

        return taken(do, partial(new_page, request, given), "/training/desk")

    @router.get("/questions")
    def questions(request: Request, after: int = 0, number: str = "") -> Response:
        return questions_page(request, after=after, number=number)

    def questions_page(request: Request, wrong: str = "", status: int = 200, *, after: int = 0, number: str = "") -> Response:
        records = mine(request)
        made = records.picture_questions()
        asked = {one.sha256 for one in made}
        reviewed = records.reviewed_for_quizzes(PAGE)
        after = max(0, after)
        offered = photographs(records, number, asked | {one.photograph.sha256 for one in reviewed})
        return page(
            request, "training/questions.html", status, made=made, reviewed=reviewed, offered=offered[after : after + PAGE], after=after, size=PAGE,
            more=len(offered) > after + PAGE, contaminants=CONTAMINANTS, number_=number[:40], wrong=wrong,
        )  # fmt: skip

    @router.post("/questions/reviewed/{view}")
    def from_review(request: Request, view: str, given: Form) -> Response:
        do = partial(mine(request).question_from_review, view, actor=person(request).name)
        return taken(do, partial(questions_page, request), "/training/desk/questions#reviewed")

    @router.post("/questions/{key}/withdraw")
    def withdraw_question(request: Request, key: str, given: Form) -> Response:
        do = partial(mine(request).withdraw_question, key, reason=text(given, "reason"), actor=person(request).name)
        return taken(do, partial(questions_page, request), "/training/desk/questions")

    @router.get("/photograph/{view}")
    def photograph(request: Request, view: str) -> Response:
        return photograph_page(request, view)

    def photograph_page(request: Request, view: str, wrong: str = "", status: int = 200) -> Response:
        try:
            item = mine(request).reviewed_photograph(view)
        except NotFound as error:
            raise NotTaken(str(error), 404) from error
        speaker: Any = SimpleNamespace(t=partial(i18n.t, i18n.chosen(request)))
        return page(
            request, "training/photograph.html", status, item=item, found=[one for one in item.findings if one.state in KEPT and not one.cargo],
            stage=item.inspection.stage or "empty_at_origin", stages={key.value: rule.title for key, rule in rules().stages.items()}, groups=words.groups(speaker),
            contaminants=CONTAMINANTS, wrong=wrong,
        )  # fmt: skip

    @router.post("/photograph/{view}")
    def ask(request: Request, view: str, given: Form) -> Response:
        def do() -> None:
            records = mine(request)
            item = records.reviewed_photograph(view)
            things: list[tuple[str, tuple[int, int, int, int] | None]] = []
            if text(given, "contaminated") == "yes":
                kept = {*given.getlist("finding")}
                things += [(one.decided_label or "", corners(one.box)) for one in item.findings if one.id in kept]
                if label := text(given, "label"):
                    things.append((label, corners(text(given, "box").split(","))))
                if not things:
                    raise Refused("Say what is on it: choose a finding, or mark and name it.")
            records.picture_question(
                item.photograph.sha256, things, stage=text(given, "stage"), because=text(given, "because"), actor=person(request).name
            )

        return taken(do, partial(photograph_page, request, view), "/training/desk/questions")

    @router.get("/courses")
    def courses(request: Request) -> Response:
        return courses_page(request, None)

    def courses_page(request: Request, given: FormData | None, wrong: str = "", status: int = 200) -> Response:
        records, today = mine(request), datetime.now(UTC).date()
        names = ("title", "held_on", "expires_on", "given_by", "attendees", "reference")
        kept = {name: str(given.get(name, "")) if given else "" for name in names}
        first = {"held_on": today.isoformat(), "expires_on": months_later(today, months).isoformat(), "given_by": person(request).name}
        return page(
            request, "training/courses.html", status, key=given.get("id") if given else uuid7(), courses=records.courses(), topics=TOPICS, kept={name: kept[name] or first.get(name, "") for name in names},
            subjects=given.getlist("topic") if given else [], people=[one.person for one in records.roster()], wrong=wrong,
        )  # fmt: skip

    @router.post("/courses")
    def hold(request: Request, given: Form) -> Response:
        do = partial(
            mine(request).hold_course, title=text(given, "title"), held_on=text(given, "held_on"), expires_on=text(given, "expires_on"),
            given_by=text(given, "given_by"), topics=map(str, given.getlist("topic")), attendees=str(given.get("attendees", "")).splitlines(),
            reference=text(given, "reference"), actor=person(request).name, course_id=text(given, "id") or None,
        )  # fmt: skip
        return taken(do, partial(courses_page, request, given), "/training/desk/courses")

    @router.post("/certificates/{key}")
    def withdraw_certificate(request: Request, key: str, given: Form) -> Response:
        def again(wrong: str, status: int) -> Response:
            records = mine(request)
            return page(
                request,
                "training/roster.html",
                status,
                roster=records.roster(),
                topics=TOPICS,
                short=SHORT,
                states=STATES,
                may=True,
                wrong=wrong,
            )

        do = partial(mine(request).withdraw_certificate, key, reason=text(given, "reason"), actor=person(request).name)
        return taken(do, again, "/training/roster")

    return router


def number(typed: str) -> int:
    """A whole number that was typed.

    Raises:
        Refused: it is none.
    """
    if not (typed.isascii() and typed.isdigit() and len(typed) < 6):
        raise Refused(f"{typed[:20]!r} is no whole number.")
    return int(typed)


def corners(values: Any) -> tuple[int, int, int, int] | None:
    """A box from four numbers; None of anything else."""
    numbers = [int(one) for one in values or () if isinstance(one, int) or (one.isascii() and one.isdigit() and len(one) < 9)]
    return (numbers[0], numbers[1], numbers[2], numbers[3]) if len(numbers) == 4 else None


def photographs(records: Records, number: str, asked: set[str]) -> list[PhotographView]:
    """Photographs of the newest inspections that no question asks of yet, those with findings that a person decided on first."""
    found: dict[str, PhotographView] = {}
    for inspection, _ in records.inspections(INSPECTIONS, number=number):
        for item in records.inspection(inspection.id).photographs:
            if item.view.sha256 not in asked:
                found.setdefault(item.view.sha256, item)
    return sorted(found.values(), key=lambda item: not any(one.state in KEPT for one in item.findings))
