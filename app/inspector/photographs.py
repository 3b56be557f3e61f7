"""At a point: what to look at, the camera, the photographs with what was found on them, and what comes next."""

from __future__ import annotations

import json
from html import escape

from app.inspector.place import Desk, Place
from app.inspector.points import title
from app.pages import drawing, words
from app.pages.html import bullets, link, more, page, press
from app.pages.picture import picture, verdict
from pestcheck.inspection.template import Check
from pestcheck.records import DECISIONS, InspectionView, PhotographView

STATES = {**DECISIONS, "suggested": "To decide", "missed": "Seen by you"}


def show(desk: Desk, place: Place) -> str:
    """A point."""
    view = desk.view(place)
    t, area = desk.t, place.area
    point = view.template.point(area)
    if point is None:
        return page(t("There is no such point."), name="point", back=(t("Points"), place.to("points", area="")))
    here = view.at(area)
    item = next((one for one in here if one.view.id == place.photograph), here[-1] if here else None)
    open_ = desk.open(place, view)
    states = words.states(view)
    spots = bullets(t(spot) for spot in point.hot_spots)
    about = (
        f'<div class="about">{drawing.container(states, lambda one: title(desk, view, one), current=area)}'
        f"<p>{escape(t(point.look))}</p></div>" + (more(t("Where pests sit"), spots) if point.hot_spots else "") + wanted(desk, view, area)
    )
    photographs = (cameras(desk) if open_ else "") + _photographs(desk, place, here, item)
    return page(
        title(desk, view, area),
        about + (_findings(desk, place, here) if here else ""),
        photographs,
        name=f"point-{area}",
        quiet=escape(view.inspection.container_number),
        back=(t("Points"), place.to("points", area="", photograph="", finding="")),
        bar=_next(desk, place, view, here) if open_ else "",
    )


def cameras(desk: Desk, after: str = "") -> str:
    """The ways to take a photograph. The browser opens the camera, keeps what is taken, and sends it (``static/outbox.js``).

    Args:
        after: the id of the action whose result it shows.
    """
    t = desk.t
    words_ = {"take": t("Take photograph"), "close": t("Close"), "cannot": t("The camera cannot be opened. Use the other buttons.")}
    live = press(t("Camera in this page"), "live", kind="plain wide", data_words=json.dumps(words_, ensure_ascii=False))
    return (
        f'<div class="cameras">{press(t("Take photograph"), "take", kind="primary")}{press(t("Choose photographs"), "choose")}{live}</div>'
        f'<ul class="sending" aria-live="polite" data-after="{escape(after)}"></ul>'
    )


def wanted(desk: Desk, view: InspectionView, area: str) -> str:
    """Which photographs the questions that are open here ask for."""
    shows = [shown for check in view.progress(area).open for shown in check.photographs]
    if not shows:
        return ""
    have = len(view.at(area))
    mark = "good" if have >= len(shows) else "quiet"
    says = desk.t("Photographs: {n} of {count}", n=min(have, len(shows)), count=len(shows))
    return f'<p class="{mark}">{escape(says)}</p>' + bullets(desk.t(shown) for shown in shows)


def _photographs(desk: Desk, place: Place, here: tuple[PhotographView, ...], item: PhotographView | None) -> str:
    if item is None:
        return f'<div class="photo empty">{escape(desk.t("No photograph at this point yet."))}</div>'
    strip = ""
    if len(here) > 1:
        strip = (
            '<nav class="strip">' + "".join(_thumb(desk, place, number, one, one is item) for number, one in enumerate(here, 1)) + "</nav>"
        )
    waiting = "<i data-waiting hidden></i>" if any(one.view.state == "waiting" for one in here) else ""
    missed = ""
    if item.view.state != "waiting" and desk.open(place, desk.view(place)):
        to = place.to("missed", photograph=item.view.id, finding="")
        missed = link(desk.t("I see something that is not marked"), to, kind="b wide")
    return strip + picture(desk, place, item) + verdict(desk, item) + waiting + missed


def _thumb(desk: Desk, place: Place, number: int, one: PhotographView, current: bool) -> str:
    open_ = sum(finding.state == "suggested" for finding in one.findings)
    mark = "…" if one.view.state == "waiting" else "!" if open_ or one.view.problems else "✓"
    to = place.to("point", photograph=one.view.id, finding="")
    says = desk.t("Photograph {name}", name=f"{number} {mark}")
    return (
        f'<a class="thumb{" current" if current else ""}" href="{escape(to.address)}" aria-label="{escape(says)}"'
        f'{" aria-current=page" if current else ""}><img src="photograph/{escape(one.view.sha256)}.jpg" alt=""><b>{mark}</b></a>'
    )


def _findings(desk: Desk, place: Place, here: tuple[PhotographView, ...]) -> str:
    cards = []
    for item in here:
        for number, one in enumerate(item.findings, 1):
            to = place.to("finding", photograph=item.view.id, finding=one.id)
            note = desk.t(STATES[one.state])
            cards.append(
                f'<li><a class="card finding {one.state}" href="{escape(to.address)}"><span class="mark" aria-hidden="true">{number}</span>'
                f"<span>{escape(words.finding(desk, one))}<small>{escape(note)}</small></span></a></li>"
            )
    return f'<h2>{escape(desk.t("Findings"))}</h2><ul class="cards">{"".join(cards)}</ul>' if cards else ""


def undecided(view: InspectionView, area: str) -> tuple[str, str] | None:
    """The first finding of a point that waits for a decision: its photograph's view and its id."""
    return next(((item.view.id, one.id) for item in view.at(area) for one in item.findings if one.state == "suggested"), None)


def first_open(view: InspectionView, area: str) -> Check | None:
    """The first question of a point without an answer that must have one."""
    given = view.checks.get(area, {})
    return next(
        (check for check in view.progress(area).open if not (check.id in given and given[check.id].answer) and check.required), None
    )


def proposed(desk: Desk, place: Place, view: InspectionView) -> tuple[str, Place]:
    """What to do next at a point, in words, and where."""
    t, area = desk.t, place.area
    if waiting := undecided(view, area):
        return t("Decide on the findings"), place.to("finding", photograph=waiting[0], finding=waiting[1])
    if question := first_open(view, area):
        left = sum(not ((given := view.checks.get(area, {}).get(check.id)) and given.answer) for check in view.progress(area).open)
        return t("Questions: {n} open", n=left), place.to("question", check=question.id)
    if area not in view.answers:
        return t("Finish this point"), place.to("result")
    if len(view.answers) < len(view.template.points):
        return t("Next: {point}", point=title(desk, view, view.next_area)), place.to(
            "point", area=view.next_area, photograph="", finding=""
        )
    return t("Summary and signature"), place.to("summary", area="")


def _next(desk: Desk, place: Place, view: InspectionView, here: tuple[PhotographView, ...]) -> str:
    says, to = proposed(desk, place, view)
    other = link(desk.t("Answer"), place.to("result"), kind="b") if to.step not in ("result",) and not undecided(view, place.area) else ""
    return other + link(says, to, kind="b primary")
