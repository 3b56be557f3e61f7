"""The journey of a conveyance: who handed over to whom, planned and actual times, and where it leaves a gap (CTPAT 5.14 to 5.16, 5.24)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape

from app.inspector.ask import Ask, answered
from app.inspector.ask import show as ask_page
from app.inspector.place import Desk, Outcome, Place, Told
from app.pages.html import link, page
from pestcheck.people import Deed
from pestcheck.records import InspectionView, Refused
from pestcheck.records.journeys import ROLES, TIMES, journey_gaps
from pestcheck.store import events
from pestcheck.store.journey_tables import Leg

NEW = "new"
WHEN = {"planned_departure": "Was to depart", "departed": "Departed", "planned_arrival": "Was to arrive", "arrived": "Arrived"}
HAPPENED = {"departed": "It departed", "arrived": "It arrived"}
HANDS = {"tendered_by": "Who handed it over?", "received_by": "Who took it over?"}


def show(desk: Desk, place: Place) -> str:
    """The legs in order, and what is to be explained."""
    view = desk.view(place)
    t, may = desk.t, desk.person.may(Deed.inspect)
    gaps = journey_gaps(view, desk.gap)
    legs = "".join(_leg(desk, view, place, number, leg, may) for number, leg in enumerate(view.legs))
    warn = "".join(f'<p class="warn">⚠ {escape(_capital(desk.said(gap.text)))}.</p>' for gap in gaps)
    clear = f'<p class="good">✓ {escape(t("No gap in what is on record."))}</p>' if view.legs and not gaps else ""
    new_ = link(t("Add a leg"), place.to("leg"), kind="b primary huge") if may else ""
    hint = f'<p class="quiet">{escape(t("A leg is one stretch of the journey in one hand. What is longer than {n} hours without a known hand, time or place is shown as a gap.", n=f"{desk.gap.total_seconds() / 3600:g}"))}</p>'
    return page(
        t("Journey"), f'<div class="acts">{new_}</div>' + hint + warn + clear,
        f'<ul class="lines">{legs}</ul>' if legs else f'<p class="quiet">{escape(t("Nothing yet"))}</p>', name="journey",
        quiet=escape(view.inspection.container_number), back=(t("Back"), place.to("done" if view.inspection.closed_at else "points", area="")),
    )  # fmt: skip


def _leg(desk: Desk, view: InspectionView, place: Place, number: int, leg: Leg, may: bool) -> str:
    t = desk.t
    ways = " → ".join(filter(None, (leg.origin, leg.destination)))
    rows = "".join(
        f"<tr><th>{escape(t(says))}</th><td>{escape(desk.when(getattr(leg, name)) or '–')}</td></tr>" for name, says in WHEN.items()
    )
    ask = "".join(
        link(t(says), place.to("leg_time", check=f"{leg.id} {name}"), kind="b") for name, says in HAPPENED.items() if may and not getattr(leg, name)
    )  # fmt: skip
    fixes = len(view.fixes.get(leg.id, ()))
    return (
        f"<li><b>{number + 1}. {escape(view.parties[leg.tendered_by].name)} → {escape(view.parties[leg.received_by].name)}</b>"
        f"{'<p>' + escape(ways) + '</p>' if ways else ''}<table><tbody>{rows}</tbody></table>"
        f"{'<small>' + escape(t('{n} positions', n=fixes)) + '</small>' if fixes else ''}"
        f'{f"""<div class="answers few">{ask}</div>""" if ask else ""}</li>'
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _asks(desk: Desk) -> list[Ask]:
    t = desk.t
    known = tuple((party.id, party.name) for party in desk.records.parties())
    asks = []
    for hand, says in HANDS.items():
        fresh = _is_new(hand) if known else lambda given: True
        if known:
            asks.append(Ask(hand, t(says), (*known, (NEW, t("Somebody new")))))
        asks += [
            Ask(f"{hand}_name", t(says), hint=t("Name of the company or site."), when=fresh),
            Ask(f"{hand}_role", t("What are they?"), tuple((key, t(role)) for key, role in ROLES.items()), when=fresh),
        ]
    asks += [Ask("origin", t("From where?"), needed=False), Ask("destination", t("Where to?"), needed=False)]
    asks += [
        Ask(name, t(WHEN[name]), kind="datetime-local", needed=False)
        for name in ("planned_departure", "departed", "planned_arrival", "arrived")
    ]
    return asks


def _is_new(hand: str) -> Callable[[Mapping[str, str]], bool]:
    return lambda given: given.get(hand) == NEW


def leg(desk: Desk, place: Place) -> str:
    """A new leg, one question a view."""
    return ask_page(desk, place, _asks(desk), title=desk.t("Leg"), back=(desk.t("Back"), place.to("journey")))


def leg_ask(desk: Desk, place: Place, given: dict[str, str]) -> Outcome:
    """Take an answer; after the last one, record the leg at the end of the journey."""

    def finish(draft: Mapping[str, str]) -> Outcome:
        legs, hands = desk.view(place).legs, {}
        for hand in HANDS:
            known = draft.get(hand, NEW)
            hands[hand] = (
                known if known != NEW else desk.records.party(draft[f"{hand}_name"], draft[f"{hand}_role"], actor=desk.actor(place))
            )
        zone = given.get("zone", "") or "Z"
        again = next((one.position for one in legs if one.id == desk.key), None)
        desk.records.leg(
            place.inspection, again if again is not None else max((one.position for one in legs), default=-1) + 1, actor=desk.actor(place), leg_id=desk.key,
            origin=draft.get("origin", ""), destination=draft.get("destination", ""), **hands,
            **{name: f"{draft[name]}{zone}" for name in TIMES if draft.get(name)},
        )  # fmt: skip
        return place.to("journey"), Told(desk.t("Saved"))

    return answered(desk, place, _asks(desk), given, finish)


def _time_asks(desk: Desk, place: Place) -> list[Ask]:
    t = desk.t
    name = place.check.partition(" ")[2]
    return [
        Ask("when", f"{t(WHEN.get(name, 'When?'))}: {t('When?')}", (("now", t("Just now")), ("earlier", t("Earlier")))),
        Ask("at", t("Date and time"), kind="datetime-local", when=lambda given: given.get("when") == "earlier"),
    ]


def leg_time(desk: Desk, place: Place) -> str:
    """When it departed or arrived."""
    return ask_page(desk, place, _time_asks(desk, place), title=desk.t("Leg"), back=(desk.t("Back"), place.to("journey")))


def leg_time_ask(desk: Desk, place: Place, given: dict[str, str]) -> Outcome:
    """Take an answer, and record the time; what was known of the leg stays."""

    def finish(draft: Mapping[str, str]) -> Outcome:
        key, _, name = place.check.partition(" ")
        row = next((one for one in desk.view(place).legs if one.id == key), None)
        if row is None or name not in ("departed", "arrived"):
            raise Refused(desk.t("There is no such leg."))
        if getattr(row, name):  # sent twice, or somebody else was quicker
            return place.to("journey"), Told(desk.t("Saved"))
        at = f"{draft['at']}{given.get('zone', '') or 'Z'}" if draft.get("at") else events.now()
        times = {one: getattr(row, one) for one in TIMES} | {name: at}
        desk.records.leg(
            place.inspection, row.position, tendered_by=row.tendered_by, received_by=row.received_by, actor=desk.actor(place), origin=row.origin,
            destination=row.destination, leg_id=row.id, **times,
        )  # fmt: skip
        return place.to("journey"), Told(desk.t("Saved"))

    return answered(desk, place, _time_asks(desk, place), given, finish)
