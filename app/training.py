"""Pages of training for everybody: how one stands, quizzes to take, one question a view; and the roster."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from app import i18n
from app.api import problems
from app.downloads import Downloads
from app.forms import NotTaken, form, go, page
from app.identity import person
from app.pages import words
from app.previews import KEEP, Previews
from app.signin import text
from pestcheck.inspection import knowledge, quiz
from pestcheck.inspection.guidance import Action, Stage, guidance, rules
from pestcheck.people import Deed
from pestcheck.records import CONTAMINANTS, NotFound, Records, Refused
from pestcheck.records.quizzes import AttemptView, Item
from pestcheck.records.training import SHORT, STATES, TOPICS
from pestcheck.store.training_tables import PictureQuestion
from pestcheck.taxonomy import LABELS

Form = Annotated[FormData, Depends(form)]
TODO = {action: words for action, words in rules().actions.items() if action is not Action.RECORD}
"""What may be done first; that something is the cargo is no answer to a photograph alone."""
PARTS = {"present": "Is there contamination?", "where": "Where is it?", "what": "What is it?", "todo": "What do you do first?"}


def routes(everything: Records, previews: Previews, downloads: Downloads) -> APIRouter:
    """For all who may see; the roster for who reviews or exports."""
    router = APIRouter(include_in_schema=False)

    def mine(request: Request) -> Records:
        return everything.within(person(request).sites)

    @router.get("/training")
    def home(request: Request) -> Response:
        return own_page(request)

    def own_page(request: Request, status: int = 200, wrong: str = "") -> Response:
        who, records = person(request), mine(request)
        certificates = records.certificates(who.name) if who.account else []
        tried = records.attempts(account=who.account) if who.account else []
        return page(
            request, "training/own.html", status, topics=TOPICS, states=STATES, certificates=certificates, attempts=tried, quizzes=records.quizzes(),
            standings={topic: records.stands(who.name, topic=topic) for topic in TOPICS} if who.account else {}, wrong=wrong,
            counts={one.id: one.asked or len(one.questions) for one in records.quizzes()}, open={attempt.quiz_id for attempt, _ in tried if not attempt.finished_at},
        )  # fmt: skip

    @router.post("/training/quiz/{key}")
    def start(request: Request, key: str, given: Form) -> Response:
        who = person(request)
        try:
            attempt = mine(request).start_quiz(key, actor=who.name, account=who.account)
        except Refused as error:
            return own_page(request, 404 if isinstance(error, NotFound) else 422, str(error))
        return go(f"/training/attempt/{attempt}")

    def seen(request: Request, key: str) -> AttemptView:
        """An attempt that is one's own, or that one may judge."""
        who = person(request)
        try:
            view = mine(request).attempt(key)
        except NotFound as error:
            raise NotTaken(str(error), 404) from error
        if view.attempt.account != who.account and not (who.may(Deed.review) or who.may(Deed.export)):
            raise NotTaken(f"There is no attempt {key[:60]!r} of yours.", 404)
        return view

    @router.get("/training/attempt/{key}")
    def attempt(
        request: Request, key: str, answered: str = "", question: str = "", where: str = "", what: str = "", yes: str = ""
    ) -> Response:
        view = seen(request, key)
        draft = {"yes": yes, "where": where, "what": what} if question else {}
        return attempt_page(request, view, answered=answered, question=question, draft=draft)

    def attempt_page(
        request: Request, view: AttemptView, status: int = 200, *, answered: str = "", question: str = "", draft: dict[str, str] | None = None,
        wrong: str = "",
    ) -> Response:  # fmt: skip
        own = view.attempt.account == person(request).account
        told = next((item for item in view.items if item.reference == answered and item.answer), None)
        item = view.next
        if told or not (own and item):
            language = i18n.chosen(request)
            shown = [told] if told else [one for one in view.items if one.answer]
            results = [explained(one, partial(i18n.t, language)) for one in shown]
            name = "training/told.html" if told else "training/result.html"
            return page(request, name, status, view=view, results=results, own=own, topics=TOPICS, parts=PARTS, wrong=wrong)
        part = step(item, draft if question == item.reference else None)
        speaker: Any = SimpleNamespace(t=partial(i18n.t, i18n.chosen(request)))
        done = sum(one.answer is not None for one in view.items)
        options = (
            quiz.shuffled(item.question.options, f"{view.attempt.id}{item.reference}")
            if isinstance(item.question, knowledge.Question)
            else []
        )
        return page(
            request, "training/question.html", status, view=view, item=item, part=part, draft=draft or {}, position=done + 1, groups=words.groups(speaker),
            count=sum(one.question is not None for one in view.items), todo=TODO, options=options, wrong=wrong, picture=isinstance(item.question, PictureQuestion),
            stage=rules().stages[Stage(item.question.stage)].title if isinstance(item.question, PictureQuestion) else "",
        )  # fmt: skip

    @router.post("/training/attempt/{key}")
    def answer(request: Request, key: str, given: Form) -> Response:
        who, view, question = person(request), seen(request, key), text(given, "question")
        draft = {name: text(given, name) for name in ("yes", "where", "what")}
        said: dict[str, Any] = {"choice": text(given, "choice")}
        if "/" not in question:
            said = {"contaminated": text(given, "yes") == "yes"}
            if said["contaminated"]:
                said |= {"where": middle(draft["where"]), "what": draft["what"], "todo": text(given, "todo")}
        try:
            mine(request).answer_quiz(key, question, said, actor=who.name, account=who.account)
        except Refused as error:
            return attempt_page(
                request, view, 404 if isinstance(error, NotFound) else 422, question=question, draft=draft, wrong=str(error)
            )
        return go(f"/training/attempt/{key}?answered={question}")

    @router.get("/training/picture/{key}.jpg")
    def picture(request: Request, key: str) -> Response:
        """The picture of a question alone, to who takes a quiz that has it, or makes them."""
        try:
            sha256 = mine(request).question_picture(key, maker=person(request).may(Deed.review))
            return Response(previews.jpeg(sha256), media_type="image/jpeg", headers=KEEP)
        except (NotFound, FileNotFoundError, ValueError) as error:
            raise NotTaken("There is no such photograph.", 404) from error

    def for_the_roster(request: Request, do: Callable[[], Response]) -> Response:
        who = person(request)
        if who.may(Deed.review) or who.may(Deed.export):
            return do()
        return problems.answer("forbidden", f"As {who.role.value} you may not do this ({Deed.review.value}).")

    @router.get("/training/roster")
    def roster(request: Request) -> Response:
        records = mine(request)

        def shown() -> Response:
            return page(request, "training/roster.html", roster=records.roster(), topics=TOPICS, short=SHORT, states=STATES, may=person(request).may(Deed.review), wrong="")  # fmt: skip

        return for_the_roster(request, shown)

    @router.get("/training/roster.csv")
    def roster_file(request: Request) -> Response:
        return for_the_roster(request, lambda: downloads.roster(mine(request), person(request)))

    return router


def step(item: Item, draft: dict[str, str] | None) -> str:
    """Which part of a question is asked next: "choice", or of PARTS."""
    if not isinstance(item.question, PictureQuestion):
        return "choice"
    if not draft or draft["yes"] != "yes":
        return "present"
    if not draft["where"]:
        return "where"
    return "todo" if draft["what"] in CONTAMINANTS else "what"


def middle(corners: str) -> tuple[int, int] | None:
    """The middle of what was tapped or drawn, in pixels; None: it could not be marked."""
    numbers = [int(one) for one in corners.split(",") if one.isascii() and one.isdigit() and len(one) < 9]
    return ((numbers[0] + numbers[2]) // 2, (numbers[1] + numbers[3]) // 2) if len(numbers) == 4 else None


def explained(item: Item, t: Callable[[str], str]) -> dict[str, Any]:
    """A question that was answered, for a template: what was said, what is right, and why."""
    assert item.answer is not None
    told: dict[str, Any] = {
        "item": item,
        "points": item.points,
        "given": item.answer.given,
        "parts": item.answer.parts,
        "picture": None,
        "boxes": [],
    }
    asked = item.question
    if isinstance(asked, knowledge.Question):
        section = knowledge.knowledge(int(item.reference.partition("@")[2].partition("/")[0])).sections[asked.section]
        return told | {"title": t(section), "ask": t(asked.ask), "said": t(item.answer.given["choice"]), "right": t(asked.right), "why": [t(asked.because)], "source": asked.source}  # fmt: skip
    if asked is None:
        return told | {"title": t("A photograph that was erased since"), "ask": "", "said": "", "right": "", "why": [], "source": ""}
    given = item.answer.given

    def name(key: str) -> str:
        return t(CONTAMINANTS.get(key, key))

    said = ", ".join([name(given["what"]), t(rules().actions[given["todo"]])]) if given["contaminated"] else t("No contamination")
    things = [one["label"] for one in asked.things]
    why = [asked.because] if asked.because else []
    right = t("No contamination")
    if things:
        todo = quiz.todo([quiz.Thing(label) for label in things], Stage(asked.stage))
        right = ", ".join([*dict.fromkeys(map(name, things)), t(rules().actions[todo])])
        for label in dict.fromkeys(things):
            if (known := LABELS.get(label)) and known.look_for:
                why += [f"{t('Look for')}: {t(known.look_for)}.", f"{t('Looks alike')}: {t(known.look_alikes)}."]
            why += [t(one.do) for one in guidance(label, Stage(asked.stage)).steps[:2]]
        why.append(t(rules().notice))
    boxes: list[tuple[list[int], str, str]] = [(one["box"], "missed", name(one["label"])) for one in asked.things if one["box"]]
    if given.get("where"):
        (x, y), around = given["where"], max(asked.width, asked.height) // 50
        boxes.append(([x - around, y - around, x + around, y + around], "mine", t("You")))
    return told | {
        "boxes": boxes, "title": name(things[0]) if things else t("A clean photograph"), "ask": t(rules().stages[Stage(asked.stage)].title), "said": said, "right": right,
        "why": [*dict.fromkeys(why)], "picture": asked, "source": "",
    }  # fmt: skip
