"""A form asked one question a view: what is answered so far is the draft of the place, and the last answer finishes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

from app.inspector.place import Desk, Outcome, Place, Told
from app.pages.html import button, field, form, page, press
from pestcheck.records import Refused

SKIP = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """One question.

    ``choices``: answers with their words; none: something is typed. ``kind``: of the field. ``needed``: it cannot be skipped.
    ``when``: whether it is asked, given the answers before. ``value``: what stands in the field at first, or the answer proposed. ``read``: what a photograph may
    be read for.
    """

    key: str
    text: str
    choices: tuple[tuple[str, str], ...] = ()
    hint: str = ""
    kind: str = "text"
    needed: bool = True
    when: Callable[[Mapping[str, str]], bool] = lambda draft: True
    value: str = ""
    read: str = ""
    keep: bool = False


def open_(asks: Sequence[Ask], draft: Mapping[str, str]) -> list[Ask]:
    """The questions that are asked, given the answers so far."""
    return [ask for ask in asks if ask.when(draft)]


def show(desk: Desk, place: Place, asks: Sequence[Ask], *, title: str, back: tuple[str, Place], above: str = "") -> str:
    """The first question without an answer."""
    asked = open_(asks, place.draft)
    ask = next((one for one in asked if one.key not in place.draft), asked[-1])
    position = asked.index(ask)
    if position:
        shorter = {key: value for key, value in place.draft.items() if key in {one.key for one in asked[: position - 1]}}
        back = (desk.t("Back"), replace(place, draft=shorter))
    return page(
        title,
        above + question(desk, ask, deed="ask", progress=desk.t("{n} of {count}", n=position + 1, count=len(asked))),
        name=f"{place.step}-{ask.key}",
        back=back,
    )


def question(desk: Desk, ask: Ask, *, deed: str, progress: str = "", chosen: str = "", **more: Any) -> str:
    """A question and its large answers."""
    head = f'<p class="quiet">{progress}</p>' if progress else ""
    skip = "" if ask.needed else button(desk.t("Skip"), deed, kind="plain", key=ask.key, value=SKIP, **more)
    hint = f'<p class="quiet">{escape(ask.hint)}</p>' if ask.hint and ask.choices else ""
    if ask.choices:
        kinds = {"yes": "yes", "no": "no"}
        answers = "".join(
            button(
                words,
                deed,
                kind=f"answer {kinds.get(value, '')}{' chosen' if value == chosen else ' proposed' if value == ask.value else ''}",
                key=ask.key,
                value=value,
                **more,
            )
            for value, words in ask.choices
        )
        few = "few" if len(ask.choices) <= 3 else "many"
        return (
            f'<section class="question">{head}<h2>{escape(ask.text)}</h2>{hint}<div class="answers {few}">{answers}</div>{skip}</section>'
        )
    lines = 3 if ask.kind == "lines" else 1
    mode = {"number": "decimal"}.get(ask.kind)
    kind = "text" if ask.kind in ("lines", "number") else ask.kind
    box = field(ask.text, "value", ask.value, kind=kind, hint=ask.hint, lines=lines, inputmode=mode, autocomplete="off", maxlength=2000, keep=ask.key if ask.keep else "")  # fmt: skip
    camera = press(desk.t("Read it from a photograph"), "read", kind="wide") if ask.read and desk.reads else ""
    return (
        f'<section class="question">{head}'
        + form(box, camera, button(desk.t("Next"), deed, kind="primary", key=ask.key, **more), skip, deed=deed)
        + "</section>"
    )


def answered(
    desk: Desk, place: Place, asks: Sequence[Ask], given: dict[str, str], finish: Callable[[Mapping[str, str]], Outcome]
) -> Outcome:
    """Take an answer; after the last one, finish.

    Raises:
        Refused: there is no such question, nothing was answered that must be, or it is none of the answers.
    """
    asked = open_(asks, place.draft)
    ask = next((one for one in asked if one.key == given.get("key")), None)
    if ask is None:
        raise Refused(desk.t("This question is not asked any more. Look at the page again."))
    value = given.get("value", "").strip()
    if ask.needed and not value:
        raise Refused(desk.t("This needs an answer."))
    if value and ask.choices and value not in dict(ask.choices):
        raise Refused(desk.t("Choose one of the answers."))
    draft = {**place.draft, ask.key: value}
    if all(one.key in draft for one in open_(asks, draft)):
        return finish(draft)
    return replace(place, draft=draft), Told()
