"""The template's questions at a point, one a view, and the answer to the point as a whole."""

from __future__ import annotations

from html import escape

from app.inspector.ask import Ask, question
from app.inspector.photographs import first_open, proposed, wanted
from app.inspector.place import Desk, Outcome, Place, Told
from app.inspector.points import title
from app.pages.html import button, field, form, link, page
from pestcheck.inspection.template import DOES_NOT_APPLY, AnswerForm, Check
from pestcheck.records import RESULTS, STATES, InspectionView, Refused

WORDS = {"yes": "Yes", "no": "No", DOES_NOT_APPLY: "Does not apply"}


def show(desk: Desk, place: Place) -> str:
    """One question of a point, and the ways to the others."""
    view = desk.view(place)
    t, asked = desk.t, view.progress(place.area).open
    check = next((one for one in asked if one.id == place.check), first_open(view, place.area) or (asked[0] if asked else None))
    here = place.to("point")
    if check is None:
        return page(
            title(desk, view, place.area), f"<p>{escape(t('There is nothing to ask here.'))}</p>", name="question", back=(t("Back"), here)
        )
    given = view.checks.get(place.area, {})
    at, row = asked.index(check), given.get(check.id)
    dots = "".join(
        link(
            str(number), place.to("question", check=one.id), current=one is check,
            kind=f"dot {_mark(given[one.id].answer) if one.id in given and given[one.id].answer else 'todo'}",
        )
        for number, one in enumerate(asked, 1)
    )  # fmt: skip
    following = asked[at + 1] if at + 1 < len(asked) else None
    version = row.version if row else 0
    body = question(
        desk,
        as_ask(desk, check, row.answer if row else ""),
        deed="check",
        progress=t("Question {n} of {count}", n=at + 1, count=len(asked)),
        chosen=row.answer if row else "",
        seen=version,
    )
    photographs = wanted_here(desk, check, place)
    return page(
        title(desk, view, place.area),
        body + photographs,
        name=f"question-{place.area}-{check.id}",
        quiet=escape(view.inspection.container_number),
        back=(t("Back"), place.to("question", check=asked[at - 1].id) if at else here),
        bar=f'<nav class="dots" aria-label="{escape(t("Questions"))}">{dots}</nav>'
        + (link(t("Next"), place.to("question", check=following.id), kind="b") if following else link(t("Point"), here, kind="b")),
    )


def wanted_here(desk: Desk, check: Check, place: Place) -> str:
    """The photographs that this question asks for, and the way to the camera."""
    if not check.photographs:
        return ""
    shows = "; ".join(desk.t(one) for one in check.photographs)
    return f'<p class="quiet">{escape(desk.t("Photograph needed: {what}", what=shows))}</p>' + link(
        desk.t("To the camera"), place.to("point")
    )


def _mark(answer: str) -> str:
    return {"no": "bad", DOES_NOT_APPLY: "skipped"}.get(answer, "good")


def as_ask(desk: Desk, check: Check, value: str) -> Ask:
    """A question of a template as one of a form."""
    t = desk.t
    unit = t("in {unit}", unit=check.unit) if check.unit else ""
    kinds = {AnswerForm.NUMBER: "number", AnswerForm.TEXT: "lines"}
    return Ask(
        check.id,
        t(check.ask),
        tuple((one, t(WORDS.get(one, one))) for one in check.answers),
        hint=unit,
        kind=kinds.get(check.answer, "text"),
        needed=check.required,
        value=value,
    )


def check(desk: Desk, place: Place, given: dict[str, str]) -> Outcome:
    """Answer a question and go to the next one that is open; the undo answers with what was there before."""
    key, value = given.get("key", ""), given.get("value", "").strip()
    view = desk.view(place)
    asked = view.progress(place.area).open
    before = view.checks.get(place.area, {}).get(key)
    one = next((one for one in asked if one.id == key), None)
    if one is None:
        raise Refused(desk.t("This question is not asked any more. Look at the page again."))
    if not value and one.required and not given.get("undo"):
        raise Refused(desk.t("This needs an answer."))
    seen = int(given["seen"]) if given.get("seen", "").isdigit() else None
    desk.records.check(place.inspection, place.area, key, value, actor=desk.actor(place), seen=seen, amends=place.amends)
    now = desk.view(place)
    row = now.checks[place.area].get(key) if place.area in now.checks else None
    undo = ("check", place, {"key": key, "value": before.answer if before else "", "seen": row.version if row else 0, "undo": 1})
    if given.get("undo"):
        return place.to("question", check=key), Told(desk.t("Taken back"))
    told = Told(desk.t("Saved"), undo=undo)
    asked = now.progress(place.area).open
    ids = [one.id for one in asked]
    after = [one for one in asked[ids.index(key) + 1 :] if not _answered(now, place.area, one)] if key in ids else []
    if after:
        return place.to("question", check=after[0].id), told
    if left := first_open(now, place.area):
        return place.to("question", check=left.id), told
    return place.to("result"), told


def _answered(view: InspectionView, area: str, check: Check) -> bool:
    row = view.checks.get(area, {}).get(check.id)
    return bool(row and row.answer)


def result(desk: Desk, place: Place) -> str:
    """The answer to a point as a whole."""
    view = desk.view(place)
    t, answer = desk.t, view.answers.get(place.area)
    if not view.template.point(place.area):
        return page(t("There is no such point."), name="result", back=(t("Points"), place.to("points", area="")))
    version = answer.version if answer else 0
    progress = view.progress(place.area)
    found = progress.contamination
    missing = "".join(f"<li>{escape(desk.said(line))}</li>" for line in progress.missing)
    still = (
        f'<section class="open"><h2>{escape(t("Still open here"))}</h2><ul>{missing}</ul>{wanted(desk, view, place.area)}</section>'
        if missing
        else ""
    )
    choices = [("no_contamination", "yes"), ("contamination", "no")]
    if found:
        choices.reverse()
    answers = "".join(
        button(t(RESULTS[key]), "answer", kind=f"answer {tone}{' chosen' if answer and answer.result == key else ''}", state="inspected", result=key, seen=version)
        for key, tone in choices
    )  # fmt: skip
    why = field(
        t("Note"),
        "note",
        answer.note if answer else "",
        hint=t("Needed where the point was not inspected or does not apply."),
        lines=2,
        maxlength=2000,
    )
    others = "".join(button(t(STATES[key]), "answer", kind="plain", state=key, seen=version) for key in ("not_inspected", "not_applicable"))
    hint = t("There is a finding or a no to a pest question here.") if found else t("You decide, not the model.")
    head = f'<h2>{escape(t("What did you see at this point?"))}</h2><p class="quiet">{escape(hint)}</p>'
    return page(
        title(desk, view, place.area),
        f'<section class="question">{head}{form(f"""<div class="answers few">{answers}</div>""", why, f"""<div class="answers few">{others}</div>""", deed="nothing")}</section>',
        *([still] if still else []),
        name=f"result-{place.area}",
        quiet=escape(view.inspection.container_number),
        back=(t("Back"), place.to("point")),
    )  # fmt: skip


def answer(desk: Desk, place: Place, given: dict[str, str]) -> Outcome:
    """Answer the point and go to the next; the undo answers with what was there before, or shows the point again."""
    before = desk.view(place).answers.get(place.area)
    seen = int(given["seen"]) if given.get("seen", "").isdigit() else None
    desk.records.answer(
        place.inspection, place.area, state=given.get("state", ""), result=given.get("result"), note=given.get("note", ""),
        actor=desk.actor(place), seen=seen, amends=place.amends,
    )  # fmt: skip
    now = desk.view(place)
    if given.get("undo"):
        return place.to("result"), Told(desk.t("Taken back"))
    undo = None
    if before:
        undo = (
            "answer",
            place,
            {"state": before.state, "result": before.result, "note": before.note, "seen": now.answers[place.area].version, "undo": 1},
        )
    if first_open(now, place.area) and now.answers[place.area].state == "inspected":
        return place.to("question"), Told(desk.t("Saved. Some questions here are still open."), undo=undo)
    _, to = proposed(desk, place, now)
    return to, Told(desk.t("Saved: {point}", point=title(desk, now, place.area)), undo=undo)
