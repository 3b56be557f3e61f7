"""A finding: confirm, correct or reject it, say more of it, and what the model missed."""

from __future__ import annotations

from html import escape
from typing import Any

from app.inspector.ask import Ask, question
from app.inspector.photographs import proposed, undecided
from app.inspector.place import Desk, Outcome, Place, Told
from app.inspector.points import title
from app.pages import words
from app.pages.hint import hint
from app.pages.html import button, field, form, link, more, page, press
from app.pages.picture import decision, hints, picture, suggestion, trainers, verdict
from pestcheck.inspection.guidance import Guidance
from pestcheck.records import CONTAMINANTS, InspectionView, PhotographView, Refused
from pestcheck.records.findings import CONDITIONS, LIFE_STAGES
from pestcheck.store.tables import KEPT, Finding
from pestcheck.taxonomy import LABELS

LIVING = {"insect", "spider", "snail_slug", "other_invertebrate", "egg_mass"}
DETAILS = ("condition", "life_stage", "count")


def find(view: InspectionView, finding: str) -> tuple[PhotographView, Finding]:
    """A finding with its photograph.

    Raises:
        Refused: there is none.
    """
    for item in view.photographs:
        for one in item.findings:
            if one.id == finding:
                return item, one
    raise Refused("There is no such finding.")


def show(desk: Desk, place: Place) -> str:
    """A finding on its photograph, and what to decide."""
    view = desk.view(place)
    item, one = find(view, place.finding)
    place = place.to("finding", area=item.view.area, photograph=item.view.id, check=place.check)
    t, open_ = desk.t, desk.open(place, view)
    name = words.finding(desk, one)
    chance = f" {one.probability:.0%}" if one.probability is not None and one.state == "suggested" else ""
    back = (title(desk, view, item.view.area), place.to("point", finding=""))
    kept = one.state in KEPT
    if open_ and kept and place.check in DETAILS:
        return page(
            name,
            picture(desk, place, item, one),
            _detail(desk, place, one),
            name=f"finding-{place.check}",
            back=(t("Back"), place.to("finding")),
        )
    said = "" if one.state == "suggested" else decision(desk, one)
    resembles = hint(desk, one, view.hints.get(one.id))
    model = suggestion(desk, item, one)
    about = (verdict(desk, item) if item.view.problems else "") + said
    about += (model if one.state == "suggested" else more(t("What the model said"), model) if one.label else model) + resembles
    about += hints(desk, one.decided_label or one.label)
    after = ""
    about += trainers(desk, item, one)
    if open_:
        about += _decide(desk, place, one)
        says, to = proposed(desk, place, view)
        after = (
            "" if to.finding == one.id and to.step == "finding" else link(says, to, kind="b primary" if one.state != "suggested" else "b")
        )
    if kept:
        about += guidance(desk, desk.records.guidance(one.id, dict(desk.contacts))) + _after(desk, place, view, one)
    return page(
        f"{name}{chance}", picture(desk, place, item, one), about, name=f"finding-{one.id}", quiet=escape(view.inspection.container_number), back=back, bar=after
    )  # fmt: skip


def _decide(desk: Desk, place: Place, one: Finding) -> str:
    t, seen = desk.t, one.version
    correct = link(t("Correct: it is something else"), place.to("correct"), kind="b")
    if one.label is None:
        if one.state == "rejected":
            return ""
        return f'<div class="decide">{correct}{button(t("Not a contaminant"), "withdraw", seen=seen)}</div>'
    confirm = button(t("Confirm"), "decide", kind="yes", state="confirmed", seen=seen)
    reject = button(t("Not a contaminant"), "decide", kind="no", state="rejected", seen=seen)
    shown = f'<div class="decide">{confirm}{correct}{reject}</div>'
    return shown if one.state == "suggested" else more(t("Decide again"), shown)


def _after(desk: Desk, place: Place, view: InspectionView, one: Finding) -> str:
    t = desk.t
    done = view.actions.get(one.id, ())
    note = (
        t("Nothing done yet") if not done else t("Found clean") if any(action.clean for action in done) else t("{n} on record", n=len(done))
    )
    details = [link(t("Say more: alive, stage, count"), place.to("finding", check="condition"), kind="b")] if desk.open(place, view) else []
    cargo = more(t("It is the manifested cargo"), form(
        field(t("Cargo as the manifest names it"), "cargo", one.cargo or "", maxlength=300),
        field(t("Why it is no contamination"), "cargo_reason", one.cargo_reason or "", maxlength=500),
        button(t("Save"), "cargo", seen=one.version), deed="cargo",
    )) if desk.open(place, view) else ""  # fmt: skip
    told = [row.who for row in view.notifications if row.finding_id == one.id]
    notice = link(t("Who was told"), place.to("notices"), kind="card", note=", ".join(told) or t("Nobody yet"))
    return link(t("Cleaning and second inspection"), place.to("cleaning"), kind="card", note=note) + notice + "".join(details) + cargo


def _detail(desk: Desk, place: Place, one: Finding) -> str:
    t = desk.t
    match place.check:
        case "condition":
            ask = Ask(
                "condition",
                t("Is it alive or dead?"),
                tuple((key, t(text)) for key, text in CONDITIONS.items()),
                hint=t("Of plants, droppings and soil: fresh or dry."),
            )
            chosen = one.condition or ""
        case "life_stage":
            ask = Ask("life_stage", t("Which life stage?"), tuple((key, t(text)) for key, text in LIFE_STAGES.items()), needed=False)
            chosen = one.life_stage or ""
        case _:
            ask = Ask(
                "count",
                t("How many are there?"),
                kind="number",
                needed=False,
                hint=t("A number; an estimate will do."),
                value=str(one.count or ""),
            )
            chosen = ""
    return question(desk, ask, deed="detail", chosen=chosen, seen=one.version)


def _said(one: Finding) -> dict[str, Any]:
    """What a person has said of a finding so far."""
    return {
        "condition": one.condition or "unknown", "life_stage": one.life_stage, "count": one.count, "extent": one.extent or "",
        "note": one.note or "", "cargo": one.cargo or "", "cargo_reason": one.cargo_reason or "",
    }  # fmt: skip


def _write(
    desk: Desk, place: Place, item: PhotographView, one: Finding, state: str, label: str | None, seen: int | None, **said: Any
) -> None:
    """Record what a person says of a finding: a decision on a suggestion, or what the model missed."""
    details = _said(one) | said
    if one.label is None:
        if seen is not None and seen != one.version:
            desk.records.decide(one.id, "confirmed", actor="", seen=seen)  # says who changed it
        desk.records.missed(
            item.view.id, label or one.decided_label or "", actor=desk.actor(place), finding_id=one.id, withdrawn=state == "rejected",
            box=_corners(one.box), amends=place.amends, **details,
        )  # fmt: skip
    else:
        desk.records.decide(one.id, state, actor=desk.actor(place), label=label, seen=seen, amends=place.amends, **details)


def _corners(box: list[int] | None) -> tuple[int, int, int, int] | None:
    return (box[0], box[1], box[2], box[3]) if box else None


def _seen(given: dict[str, str]) -> int | None:
    return int(given["seen"]) if given.get("seen", "").isdigit() else None


def decide(desk: Desk, place: Place, given: dict[str, str]) -> Outcome:
    """Decide on a suggestion; the undo decides as before."""
    item, one = find(desk.view(place), place.finding)
    state, label = given.get("state", ""), given.get("label") or None
    details = _said(one) if state in KEPT else {}
    desk.records.decide(one.id, state, actor=desk.actor(place), label=label, seen=_seen(given), amends=place.amends, **details)
    view = desk.view(place)
    _, now = find(view, one.id)
    here = place.to("finding", area=item.view.area)
    if given.get("undo"):
        return here, Told(desk.t("Taken back"))
    before = {"state": one.state, "label": one.decided_label if one.state == "corrected" else None, "seen": now.version, "undo": 1}
    told = Told(desk.t("Saved"), undo=("decide", here, before))
    if state in KEPT:
        name = now.decided_label or ""
        group = LABELS[name].group if name in LABELS else name
        return _ask(here, "condition" if group in LIVING else ""), told
    if waiting := undecided(view, item.view.area):
        return place.to("finding", area=item.view.area, photograph=waiting[0], finding=waiting[1]), told
    return place.to("point", area=item.view.area, finding=""), told


def _ask(place: Place, check: str) -> Place:
    """The same page, with another detail asked."""
    return place.to(place.step, check=check)


def detail(desk: Desk, place: Place, given: dict[str, str]) -> Outcome:
    """Say more of a finding that a person confirmed, one thing after the other."""
    item, one = find(desk.view(place), place.finding)
    key, value = given.get("key", ""), given.get("value", "").strip()
    if key not in DETAILS:
        raise Refused(desk.t("This question is not asked any more. Look at the page again."))
    said: Any = value or None
    if key == "count" and value:
        if not value.isdigit():
            raise Refused(desk.t("Give a whole number."))
        said = int(value)
    if key == "condition":
        said = value or "unknown"
    state = one.state if one.state in ("confirmed", "corrected") else ""
    _write(desk, place, item, one, state, one.decided_label, _seen(given), **{key: said})
    if given.get("undo"):
        return _ask(place.to("finding"), key), Told(desk.t("Taken back"))
    _, now = find(desk.view(place), one.id)
    before = {"key": key, "value": getattr(one, key) or "", "seen": now.version, "undo": 1}
    following = {"condition": "life_stage", "life_stage": "count", "count": ""}[key]
    return _ask(place.to("finding"), following), Told(desk.t("Saved"), undo=("detail", place, before))


def cargo(desk: Desk, place: Place, given: dict[str, str]) -> Outcome:
    """Say that a finding is the manifested cargo, or that it is not."""
    item, one = find(desk.view(place), place.finding)
    said = {"cargo": given.get("cargo", ""), "cargo_reason": given.get("cargo_reason", "")}
    _write(desk, place, item, one, one.state if one.label else "", one.decided_label, _seen(given), **said)
    return place.to("finding"), Told(desk.t("Saved"))


def withdraw(desk: Desk, place: Place, given: dict[str, str]) -> Outcome:
    """Take back what a person named; the record keeps it as rejected."""
    item, one = find(desk.view(place), place.finding)
    _write(desk, place, item, one, "rejected", one.decided_label, _seen(given))
    return place.to("point", finding=""), Told(
        desk.t("Taken back"), undo=("name", place, {"label": one.decided_label or "", "undo": 1, "finding": one.id})
    )


def correct(desk: Desk, place: Place) -> str:
    """What it is instead."""
    view = desk.view(place)
    item, one = find(view, place.finding)
    deed = "decide" if one.label is not None else "name"
    return page(
        desk.t("What is it?"),
        picture(desk, place, item, one),
        labels(desk, deed, state="corrected", seen=one.version, finding=one.id if one.label is None else None),
        name="correct",
        back=(desk.t("Back"), place.to("finding")),
    )


def labels(desk: Desk, deed: str, **form_: Any) -> str:
    """What a person may call it, with a search, groups first."""
    t = desk.t
    groups = "".join(
        f'<section class="group"><h3>{escape(name)}</h3><div class="chips">'
        + "".join(f'<span data-text="{escape((words_ + " " + name).casefold())}">{button(words_, deed, kind="chip", label=key, **form_)}</span>' for key, words_ in members)
        + "</div></section>"
        for name, members in words.groups(desk)
    )  # fmt: skip
    return (
        f'<div class="field"><label for="which">{escape(t("Find"))}</label><input id="which" type="search" data-search="#labels" autocomplete="off" '
        f'placeholder="{escape(t("Name or group"))}"></div><div id="labels">{groups}</div>'
    )


def missed(desk: Desk, place: Place) -> str:
    """Mark and name what the model did not find: first where, then what."""
    view = desk.view(place)
    t = desk.t
    item = next((one for one in view.photographs if one.view.id == place.photograph), None)
    if item is None:
        return page(t("There is no such photograph."), name="missed", back=(t("Back"), place.to("point")))
    back = (t("Back"), place.to("point"))
    if "box" not in place.draft:
        where = form(
            f"<h2>{escape(t('Where is it?'))}</h2><p>{escape(t('Tap the middle of it, or draw a box around it with your finger.'))}</p>",
            '<input type="hidden" name="box" data-box>',
            button(t("Next"), "mark", kind="primary"),
            press(t("Clear"), "clear-box", kind="plain"),
            button(t("I cannot mark it"), "mark", kind="plain", skip=1),
            deed="mark",
        )
        body = f'<section class="question">{where}</section>'
        return page(t("I see something"), picture(desk, place, item, drawing=True), body, name="missed-where", back=back)
    return page(
        t("What is it?"), picture(desk, place, item), labels(desk, "name"), name="missed-what", back=(t("Back"), place.to("missed"))
    )


def mark(desk: Desk, place: Place, given: dict[str, str]) -> Outcome:
    """Keep where it is until it has a name."""
    if not given.get("box") and not given.get("skip"):
        raise Refused(desk.t("Tap the photograph first, where you see it."))
    return place.to("missed", draft={"box": given.get("box", "")}), Told()


def name(desk: Desk, place: Place, given: dict[str, str]) -> Outcome:
    """Record what a person sees and the model did not find, or name it anew."""
    view = desk.view(place)
    if known := given.get("finding"):
        item, one = find(view, known)
        _write(desk, place, item, one, "missed", given.get("label"), _seen(given))
        return place.to("finding", photograph=item.view.id, finding=known), Told(desk.t("Saved"))
    numbers = [int(part) for part in place.draft.get("box", "").split(",") if part.strip().isdigit()]
    box = (numbers[0], numbers[1], numbers[2], numbers[3]) if len(numbers) == 4 else None
    label = given.get("label", "")
    if label not in CONTAMINANTS:
        raise Refused(desk.t("Choose what it is."))
    key = desk.records.missed(place.photograph, label, actor=desk.actor(place), box=box, finding_id=desk.key, amends=place.amends)
    to = place.to("finding", finding=key, check="condition")
    return to, Told(desk.t("Saved: seen by you, missed by the model"), undo=("withdraw", to, {}))


def guidance(desk: Desk, what: Guidance | None) -> str:
    """What to do about a finding that a person confirmed; always with whom to confirm it."""
    if what is None:
        return ""
    t = desk.t
    steps = "".join(f"<li>{escape(t(step.do))}</li>" for step in what.steps)
    calls = "".join(f"<li>{escape(t(call.title))}: <b>{escape(call.contact or t('no number set'))}</b></li>" for call in what.call)
    told = f"<h3>{escape(t('Call'))}</h3><ul>{calls}</ul>" if calls else ""
    severity = f'<p class="quiet">{escape(t("Severity"))}: {escape(desk.said(what.severity_in_words))}</p>' if what.severity else ""
    return (
        f'<div class="guide"><h2>{escape(t(what.headline))}</h2><p class="warn">{escape(t(what.notice))}</p>'
        + more(
            t("What to do, step by step"),
            f"<ol>{steps}</ol>{told}{severity}",
            f'<p class="quiet">{escape(t(what.stage))} · {escape(what.rules)}</p>',
        )
        + "</div>"
    )
