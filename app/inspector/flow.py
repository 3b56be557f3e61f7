"""The steps of the flow by name: what each shows, and what may be done there."""

from __future__ import annotations

from dataclasses import replace

from app.inspector import amend, cleaning, findings, journey, notices, photographs, points, questions, seals, start, summary, wood
from app.inspector.place import Deed, Desk, Outcome, Place, Show, Told
from pestcheck.people import Deed as May
from pestcheck.people import Role
from pestcheck.records import NotFound, Refused

ROLES = {Role.inspector: "inspector", Role.trainer: "trainer", Role.auditor: "auditor", Role.admin: "admin"}

STEPS: dict[str, Show] = {
    "": start.home,
    "new": start.new,
    "points": points.show,
    "point": photographs.show,
    "finding": findings.show,
    "correct": findings.correct,
    "missed": findings.missed,
    "question": questions.show,
    "result": questions.result,
    "cleaning": cleaning.show,
    "treat": cleaning.treat,
    "seals": seals.show,
    "seal": seals.seal,
    "looks": seals.looks,
    "wood": wood.show,
    "wood_new": wood.new,
    "notices": notices.show,
    "notice": notices.new,
    "journey": journey.show,
    "leg": journey.leg,
    "leg_time": journey.leg_time,
    "amend": amend.why,
    "amendments": amend.shown,
    "summary": summary.show,
    "signing": summary.signing,
    "done": summary.done,
}
ASKED: dict[str, Deed] = {
    "new": start.ask,
    "treat": cleaning.ask,
    "seal": seals.seal_ask,
    "looks": seals.looks_ask,
    "wood_new": wood.ask,
    "notice": notices.ask,
    "leg": journey.leg_ask,
    "leg_time": journey.leg_time_ask,
}
"""Forms of several questions, by step: what takes an answer."""
DEEDS: dict[str, Deed] = {
    "ask": lambda desk, place, given: ASKED[place.step](desk, place, given),
    "check": questions.check,
    "answer": questions.answer,
    "decide": findings.decide,
    "detail": findings.detail,
    "cargo": findings.cargo,
    "withdraw": findings.withdraw,
    "mark": findings.mark,
    "name": findings.name,
    "dispose": cleaning.dispose,
    "reinspect": cleaning.reinspect,
    "amend": amend.begin,
    "becomes": summary.becomes,
    "supervisor": summary.supervisor,
    "sign": summary.sign,
    "close": summary.close,
    "look": lambda desk, place, given: (place, Told()),
}


def show(desk: Desk, place: Place) -> tuple[Place, str]:
    """A page, and the place it is: an inspection without a step goes on where it stands.

    Raises:
        Refused: it shows something that is not there.
    """
    if place.step not in STEPS:
        place = Place(inspection=place.inspection)
    if place.inspection and not place.step:
        view = desk.view(place)
        place = place.to("done" if view.inspection.closed_at else "points")
    if not place.inspection and place.step != "new":
        place = Place()
    if place.amends and not desk.view(place).inspection.closed_at:
        place = replace(place, amends="")
    return place, (amend.banner(desk, place) if place.amends else "") + STEPS[place.step](desk, place)


def act(desk: Desk, place: Place, deed: str, given: dict[str, str]) -> Outcome:
    """Do what a touch asks for.

    Raises:
        Refused: it cannot be met; nothing was changed.
    """
    if deed not in DEEDS or (deed == "ask" and place.step not in ASKED):
        raise Refused(desk.t("This page is not up to date. Load it again."))
    if deed != "look" and not desk.person.may(May.inspect):
        raise Refused(desk.t("As {role} you may look, and not inspect.", role=desk.t(ROLES[desk.person.role])))
    if place.amends and deed != "look" and not desk.person.may(May.amend):
        raise Refused(desk.t("You may not amend a closed inspection."))
    if deed == "look" and place.inspection:
        try:
            desk.view(place)
        except NotFound as error:
            return Place(), Told(desk.said(str(error)), "warn")
    return DEEDS[deed](desk, place, given)
