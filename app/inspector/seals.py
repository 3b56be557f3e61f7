"""The seal: what was put on, broken or read, and View, Verify, Tug, Twist, one question a view."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from html import escape

from app.inspector.ask import Ask, answered
from app.inspector.ask import show as ask_page
from app.inspector.photographs import cameras
from app.inspector.place import Desk, Outcome, Place, Told
from app.inspector.points import title
from app.pages.html import link, page
from pestcheck.inspection.seals import ACTS, ANSWERS, LOOKS, QUESTIONS, Act, Answer, SealClass, SealType
from pestcheck.records import InspectionView

CLASSES = {SealClass.HIGH_SECURITY: "H: high security", SealClass.SECURITY: "S: security", SealClass.INDICATIVE: "I: indicative"}
TYPES = {
    SealType.BOLT: "Bolt", SealType.CABLE: "Cable", SealType.BARRIER: "Barrier", SealType.PADLOCK: "Padlock", SealType.STRAP: "Strap",
    SealType.WIRE: "Wire", SealType.LABEL: "Label", SealType.OTHER: "Other",
}  # fmt: skip
MAKER_HINT = "The maker's mark on the seal. It leads to the proof that the seal meets ISO 17712."


def show(desk: Desk, place: Place) -> str:
    """What is on record of seals, and what to do next."""
    view = desk.view(place)
    t = desk.t
    lines = "".join(
        f"<li><b>{escape(line.number)}</b> {escape(t(ACTS[Act(line.act)]))}, {escape(desk.when(line.happened_at))}"
        f"{': ' + escape(line.reason) if line.reason else ''}</li>"
        for line in view.seals
    )
    register = "".join(
        f'<p class="warn">⚠ {escape(desk.said(problem.text))}</p>'
        for problem in desk.records.seal_problems()
        if any(event.inspection == view.inspection.id for event in problem.events)
    )
    checks = "".join(
        f"<li><b>{escape(check.number or '–')}</b> {escape(', '.join(f'{t(LOOKS[name])}: {t(ANSWERS[Answer(answer)])}' for name, (answer, _) in check.looks.items()))}"
        f"<small>{escape(check.checked_by)}, {escape(desk.when(check.checked_at))}</small>"
        + "".join(f'<p class="warn">⚠ {escape(desk.said(problem))}</p>' for problem in check.problems)
        + "</li>"
        for check in view.seal_checks
    )
    nothing = "" if lines or checks else f'<p class="quiet">{escape(t("Nothing yet"))}</p>'
    acts = (
        link(t("View, Verify, Tug, Twist"), place.to("looks", area=_doors(view)), kind="b primary huge")
        + link(t("A seal was put on"), place.to("seal", draft={"act": "affixed"}), kind="b wide")
        + link(t("A seal was broken"), place.to("seal", draft={"act": "broken"}), kind="b wide")
    )
    return page(
        t("Seal"),
        f'<div class="acts">{acts}</div>',
        nothing + f'<ul class="lines">{lines}{checks}</ul>' + register,
        name="seals",
        quiet=escape(view.inspection.container_number),
        back=(t("Points"), place.to("points")),
    )


def _asks(desk: Desk, draft: Mapping[str, str]) -> list[Ask]:
    t = desk.t
    put_on = lambda given: given.get("act") in ("affixed", "issued")  # noqa: E731
    return [
        Ask("act", t("What happened?"), tuple((act.value, t(text)) for act, text in ACTS.items())),
        Ask("number", t("Number on the seal"), read="seal"),
        Ask("class", t("Class (ISO 17712)"), tuple((one.value, t(text)) for one, text in CLASSES.items()), needed=False, when=put_on),
        Ask("type", t("Type of the seal"), tuple((one.value, t(text)) for one, text in TYPES.items()), needed=False, when=put_on),
        Ask("maker", t("Maker"), needed=False, hint=t(MAKER_HINT), when=put_on),
        Ask("document", t("Number in the documents"), needed=False),
        Ask("reason", t("Who broke it, and why?"), kind="lines", when=lambda given: given.get("act") == "broken"),
    ]


def seal(desk: Desk, place: Place) -> str:
    """A line of the register, one question a view."""
    return ask_page(desk, place, _asks(desk, place.draft), title=desk.t("Seal"), back=(desk.t("Back"), place.to("seals")))


def seal_ask(desk: Desk, place: Place, given: dict[str, str]) -> Outcome:
    """Take an answer; after the last one, add the line to the register."""

    def finish(draft: Mapping[str, str]) -> Outcome:
        told = desk.records.seal(
            draft["act"], draft["number"], actor=desk.actor(place), inspection_id=place.inspection, document_number=draft.get("document", ""),
            seal_class=draft.get("class") or None, type=draft.get("type") or None, maker=draft.get("maker", ""), reason=draft.get("reason", ""),
            line_id=desk.key,
        )  # fmt: skip
        says = " ".join(f"⚠ {desk.said(problem)}." for problem in told)
        return place.to("seals"), Told(says or desk.t("Saved"), kind="warn" if told else "good")

    return answered(desk, place, _asks(desk, place.draft), given, finish)


def _failed(name: str, given: Mapping[str, str]) -> bool:
    return given.get(name) in ("no", "not_possible")


def _looks(desk: Desk, view: InspectionView) -> list[Ask]:
    t = desk.t
    last = view.seals[-1] if view.seals else None
    asks = [
        Ask("number", t("Number on the seal"), hint=t("Read it from the seal itself, not from the papers."), read="seal"),
        Ask("document", t("Number in the documents"), value=last.document_number if last else "", needed=False),
    ]
    for name, text in QUESTIONS.items():
        asks.append(Ask(name, f"{t(LOOKS[name])}: {t(text)}", tuple((answer.value, t(says)) for answer, says in ANSWERS.items())))
        asks.append(
            Ask(
                f"{name}_note",
                t("What did you see?"),
                kind="lines",
                when=partial(_failed, name),
            )
        )
    if view.photographs:
        asks.append(Ask("photograph", t("Which photograph shows the number?"), _photographs(desk, view), needed=False))
    return asks


def _photographs(desk: Desk, view: InspectionView) -> tuple[tuple[str, str], ...]:
    newest = sorted(view.photographs, key=lambda item: item.view.added_at, reverse=True)[:6]
    return tuple((item.view.id, f"{item.view.name} · {desk.when(item.view.added_at)}") for item in newest)


def looks(desk: Desk, place: Place) -> str:
    """View, Verify, Tug, Twist, one question a view; the photograph of the number first."""
    view = desk.view(place)
    above = ""
    if not place.draft:
        above = f'<p class="quiet">{escape(desk.t("Photograph the number first. The photograph goes to: {point}.", point=title(desk, view, place.area)))}</p>'
        above += cameras(desk)
    return ask_page(
        desk, place, _looks(desk, view), title=desk.t("View, Verify, Tug, Twist"), back=(desk.t("Back"), place.to("seals")), above=above
    )


def _doors(view: InspectionView) -> str:
    """The point that a photograph of the seal goes to."""
    return "doors" if view.template.point("doors") else view.template.points[-1].area


def looks_ask(desk: Desk, place: Place, given: dict[str, str]) -> Outcome:
    """Take an answer; after the last one, record the check."""
    view = desk.view(place)

    def finish(draft: Mapping[str, str]) -> Outcome:
        told = desk.records.check_seal(
            place.inspection, {name: (draft[name], draft.get(f"{name}_note", "")) for name in QUESTIONS}, actor=desk.actor(place),
            number=draft["number"], document_number=draft.get("document", ""), view_id=draft.get("photograph") or None, check_id=desk.key,
        )  # fmt: skip
        says = " ".join(f"⚠ {desk.said(problem)}" for problem in told)
        return place.to("seals", area=""), Told(says or desk.t("Saved: the seal passed all four"), kind="warn" if told else "good")

    return answered(desk, place, _looks(desk, view), given, finish)
