"""Who was told of an inspection or of a finding: when, how, under which number (CTPAT 5.29; the same for pests)."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from app.inspector.ask import Ask, answered
from app.inspector.ask import show as ask_page
from app.inspector.findings import find
from app.inspector.place import Desk, Outcome, Place, Told
from app.pages import words
from app.pages.html import link, page
from pestcheck.inspection.guidance import Role, rules
from pestcheck.people import Deed
from pestcheck.records import InspectionView
from pestcheck.records.findings import CHANNELS
from pestcheck.store.tables import Notification

OTHER = "other"


def lines(desk: Desk, view: InspectionView, told: list[Notification]) -> str:
    """Who was told, a line each."""
    findings = {one.id: one for item in view.photographs for one in item.findings}
    return "".join(
        f"<li><b>{escape(one.who)}</b> · {escape(desk.t(CHANNELS[one.channel]))} · {escape(desk.when(one.notified_at))}"
        f"{' · ' + escape(one.reference) if one.reference else ''}"
        f"{' · ' + escape(words.finding(desk, findings[one.finding_id])) if one.finding_id in findings else ''}"
        f"<small>{escape(desk.t('recorded by {name}, {when}', name=one.recorded_by, when=desk.when(one.recorded_at)))}</small></li>"
        for one in told
    )


def of(view: InspectionView, finding: str) -> list[Notification]:
    """Of one finding, or of all of the inspection where none is named."""
    return [one for one in view.notifications if not finding or one.finding_id == finding]


def show(desk: Desk, place: Place) -> str:
    """Who was told so far, and the way to say more."""
    view = desk.view(place)
    t, told = desk.t, of(view, place.finding)
    new = link(t("Somebody was told"), place.to("notice"), kind="b primary huge") if desk.person.may(Deed.inspect) else ""
    back = (
        (t("Back"), place.to("finding"))
        if place.finding
        else (t("Back"), place.to("done" if view.inspection.closed_at else "points", area=""))
    )
    name = words.finding(desk, find(view, place.finding)[1]) if place.finding else view.inspection.container_number
    listed = lines(desk, view, told)
    return page(
        t("Who was told"), f'<div class="acts">{new}</div>' + _contacts(desk),
        f'<ul class="lines">{listed}</ul>' if listed else f'<p class="quiet">{escape(t("Nobody yet"))}</p>', name="notices", quiet=escape(name), back=back,
    )  # fmt: skip


def _contacts(desk: Desk) -> str:
    known = "".join(f"<li>{escape(desk.t(rules().roles[role]))}: <b>{escape(contact)}</b></li>" for role, contact in desk.contacts.items())
    return f"<h2>{escape(desk.t('Whom to call'))}</h2><ul>{known}</ul>" if known else ""


def _asks(desk: Desk, draft: Mapping[str, str]) -> list[Ask]:
    t = desk.t
    roles = (*((role.value, t(says)) for role, says in rules().roles.items()), (OTHER, t("Somebody else")))
    role = draft.get("role", OTHER)
    contact = desk.contacts.get(Role(role), "") if role in [*Role] else ""
    return [
        Ask("role", t("Who was told?"), roles),
        Ask("name", t("What is their name?"), hint=t("The person you spoke or wrote to."), value=contact, needed=role == OTHER),
        Ask("channel", t("How?"), tuple((key, t(says)) for key, says in CHANNELS.items())),
        Ask("when", t("When?"), (("now", t("Just now")), ("earlier", t("Earlier")))),
        Ask("at", t("Date and time"), kind="datetime-local", when=lambda given: given.get("when") == "earlier"),
        Ask("reference", t("Reference"), needed=False, hint=t("Number of the call, case or letter, if there is one.")),
    ]


def new(desk: Desk, place: Place) -> str:
    """One question a view."""
    return ask_page(desk, place, _asks(desk, place.draft), title=desk.t("Who was told"), back=(desk.t("Back"), place.to("notices")))


def ask(desk: Desk, place: Place, given: dict[str, str]) -> Outcome:
    """Take an answer; after the last one, record it."""

    def finish(draft: Mapping[str, str]) -> Outcome:
        at, role = draft.get("at"), draft["role"]
        who = ": ".join(part for part in (rules().roles[Role(role)] if role != OTHER else "", draft.get("name", "")) if part)
        desk.records.notify(
            place.inspection, who=who, channel=draft["channel"], actor=desk.actor(place), reference=draft.get("reference", ""),
            finding_id=place.finding or None, notified_at=f"{at}{given.get('zone', '') or 'Z'}" if at else None, notification_id=desk.key,
        )  # fmt: skip
        return place.to("notices"), Told(desk.t("Saved"))

    draft = {**place.draft, given.get("key", ""): given.get("value", "")}
    return answered(desk, place, _asks(desk, draft), given, finish)
