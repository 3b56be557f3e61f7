"""What was done about a finding, by whom, how the place looks afterwards, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from app.inspector.ask import Ask, answered
from app.inspector.ask import show as ask_page
from app.inspector.findings import find
from app.inspector.photographs import cameras
from app.inspector.place import Desk, Outcome, Place, Told
from app.pages import words
from app.pages.html import button, link, page
from app.pages.picture import picture, verdict
from pestcheck.records import DISPOSITIONS
from pestcheck.records.findings import METHODS


def show(desk: Desk, place: Place) -> str:
    """One thing after the other: what becomes of it, what was done, photographs afterwards, the second look."""
    view = desk.view(place)
    t = desk.t
    _, one = find(view, place.finding)
    done = view.actions.get(one.id, ())
    last = done[-1] if done else None
    back = (t("Back"), place.to("finding"))
    name = f"{t('Cleaning')}: {words.finding(desk, one)}"
    open_ = desk.open(place, view)
    chosen = one.disposition or ""
    choices = "".join(
        button(t(text), "dispose", kind=f"answer{' chosen' if key == chosen else ''}", disposition=key)
        for key, text in DISPOSITIONS.items()
    )
    becomes = f'<section class="question"><h2>{escape(t("What becomes of it?"))}</h2><div class="answers many">{choices}</div></section>'
    if open_ and not one.disposition and not done:
        return page(name, becomes, name="cleaning-becomes", back=back)
    lines = "".join(
        f"<li><b>{escape(t(METHODS[action.method]))}</b>, {escape(action.done_by)}, {escape(desk.when(action.done_at))}"
        f"{': ' + escape(action.note) if action.note else ''} · {escape(_second(desk, action.clean))}</li>"
        for action in done
    )
    told = f"<ul class='lines'>{lines}</ul>" if lines else f'<p class="quiet">{escape(t("Nothing done yet"))}</p>'
    on_record = f'<p class="good">{escape(t("What becomes of it?"))} {escape(t(DISPOSITIONS[chosen]))}</p>' if chosen else ""
    record = link(t("Record what was done"), place.to("treat"), kind="b primary" if not done else "b") if open_ else ""
    photographs = ""
    if last:
        after = view.after(last.id)
        shown = "".join(picture(desk, place, item) + verdict(desk, item) for item in after)
        waiting = "<i data-waiting hidden></i>" if any(item.view.state == "waiting" for item in after) else ""
        photographs = f"<h2>{escape(t('Photographs afterwards'))}</h2>{cameras(desk, last.id) if open_ else ''}{shown}{waiting}"
    second = ""
    if last and last.clean is None and open_:
        second = (
            f'<section class="question"><h2>{escape(t("Second inspection: is the place clean now?"))}</h2><div class="answers few">'
            + button(t("Yes, clean"), "reinspect", kind="answer yes", clean="yes", action=last.id)
            + button(t("No, not yet"), "reinspect", kind="answer no", clean="no", action=last.id)
            + "</div></section>"
        )
    again = f"<details><summary>{escape(t('Choose again what becomes of it'))}</summary>{becomes}</details>" if open_ and chosen else ""
    return page(
        name, on_record + told + second + record + again, *([photographs] if photographs else []), name="cleaning",
        back=back, bar=link(t("Point"), place.to("point", finding=""), kind="b primary" if last and last.clean is not None else "b"),
    )  # fmt: skip


def _second(desk: Desk, clean: bool | None) -> str:
    return desk.t("not looked at again yet") if clean is None else desk.t("found clean") if clean else desk.t("found not clean")


def dispose(desk: Desk, place: Place, given: dict[str, str]) -> Outcome:
    """Say what becomes of the finding."""
    _, before = find(desk.view(place), place.finding)
    disposition = given.get("disposition", "")
    desk.records.dispose(place.finding, disposition, actor=desk.actor(place), amends=place.amends)
    undo = ("dispose", place, {"disposition": before.disposition}) if before.disposition and before.disposition != disposition else None
    to = "treat" if disposition == "clean_and_recheck" and not desk.view(place).actions.get(place.finding) else "cleaning"
    return place.to(to), Told(desk.t("Saved"), undo=undo)


def _asks(desk: Desk, place: Place) -> list[Ask]:
    t = desk.t
    return [
        Ask("method", t("How was it cleaned?"), tuple((key, t(text)) for key, text in METHODS.items())),
        Ask("when", t("When?"), (("now", t("Just now")), ("earlier", t("Earlier")))),
        Ask("at", t("Date and time"), kind="datetime-local", when=lambda draft: draft.get("when") == "earlier"),
        Ask("who", t("Who did it?"), value=desk.actor(place)),
        Ask("note", t("Note"), kind="lines", needed=False, hint=t("What came off, and where it went.")),
    ]


def treat(desk: Desk, place: Place) -> str:
    """Method, time and name, one question a view."""
    return ask_page(desk, place, _asks(desk, place), title=desk.t("Cleaning"), back=(desk.t("Back"), place.to("cleaning")))


def ask(desk: Desk, place: Place, given: dict[str, str]) -> Outcome:
    """Take an answer; after the last one, record the action."""

    def finish(draft: Mapping[str, str]) -> Outcome:
        at = draft.get("at")
        desk.records.treat(
            place.finding, method=draft["method"], done_by=draft["who"], actor=desk.actor(place), note=draft.get("note", ""),
            done_at=f"{at}{given.get('zone', '') or 'Z'}" if at else None, action_id=desk.key, amends=place.amends,
        )  # fmt: skip
        return place.to("cleaning"), Told(desk.t("Saved. Now photograph the place, and look at it again."))

    return answered(desk, place, _asks(desk, place), given, finish)


def reinspect(desk: Desk, place: Place, given: dict[str, str]) -> Outcome:
    """The second look at the place."""
    clean = given.get("clean") == "yes"
    desk.records.reinspect(given.get("action", ""), clean=clean, actor=desk.actor(place), amends=place.amends)
    undo = ("reinspect", place, {"clean": "no" if clean else "yes", "action": given.get("action", "")})
    return place.to("cleaning"), Told(desk.t("Saved"), undo=undo)
