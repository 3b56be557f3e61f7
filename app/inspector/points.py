"""The points of an inspection with their state, the picture of the container, and what comes next."""

from __future__ import annotations

from html import escape

from app.inspector.place import Desk, Place
from app.pages import drawing, words
from app.pages.html import link, page
from pestcheck.records import DISPOSITIONS, InspectionView

MARKS = {"todo": "○", "good": "✓", "bad": "!", "skipped": "–"}
SAYS = {"todo": "Not answered yet", "good": "No contamination seen", "bad": "Contamination seen", "skipped": "Not inspected"}


def show(desk: Desk, place: Place) -> str:
    """All points."""
    view = desk.view(place)
    t = desk.t
    states = words.states(view)
    picture = drawing.container(states, lambda area: title(desk, view, area), place=place)
    closed = view.inspection.closed_at is not None
    foot = (
        link(t("Summary"), place.to("done"), kind="b primary")
        if closed
        else link(t("Summary and signature"), place.to("summary"), kind="b primary")
        if len(view.answers) == len(view.template.points)
        else link(t("Next: {point}", point=title(desk, view, view.next_area)), _at(place, view.next_area), kind="b primary")
    )
    cards = "".join(card(desk, view, place, number, point.area) for number, point in enumerate(view.template.points, 1))
    return page(
        view.inspection.container_number,
        head(desk, view) + picture + more_steps(desk, view, place),
        f'<ul class="cards points">{cards}</ul>',
        name="points",
        quiet=f"{escape(t(view.template.title))} · {escape(view.inspection.inspector)}",
        back=(t("All inspections"), Place()),
        bar=foot,
    )


def title(desk: Desk, view: InspectionView, area: str) -> str:
    """The name of a point."""
    point = view.template.point(area)
    return desk.t(point.title) if point else area


def _at(place: Place, area: str) -> Place:
    return place.to("point", area=area, photograph="", finding="")


def head(desk: Desk, view: InspectionView) -> str:
    """How far, and what is doubtful about the number."""
    t, row = desk.t, view.inspection
    done, count = len(view.answers), len(view.template.points)
    says = f'<p class="far" role="status">{escape(t("{n} of {count} points answered", n=done, count=count))}</p>'
    says += f'<progress max="{count}" value="{done}" aria-label="{escape(t("{n} of {count} points answered", n=done, count=count))}"></progress>'
    if row.number_problem:
        says += f'<p class="warn">⚠ {escape(desk.said(row.number_problem))}: {escape(row.override_reason or "")}</p>'
    if row.trained is not None:
        valid = t("The inspector's training was valid.") if row.trained else t("The inspector had no valid training on record.")
        says += f'<p class="quiet">✓ {escape(valid)}</p>' if row.trained else f'<p class="warn">⚠ {escape(valid)}</p>'
    if row.hold:
        says += f'<p class="warn">{escape(t("On legal hold: {reason}", reason=row.hold))}</p>'
    if row.closed_at:
        becomes = t(DISPOSITIONS[row.disposition]) if row.disposition else ""
        says += f'<p class="good">✓ {escape(t("Closed and signed by {name}", name=row.closed_by or ""))} · {escape(desk.when(row.closed_at))} · {escape(becomes)}</p>'
    return says


def card(desk: Desk, view: InspectionView, place: Place, number: int, area: str) -> str:
    """One point as a large card."""
    t, here, state = desk.t, view.at(area), words.state_of(view, area)
    says = [t(SAYS[state])]
    if state == "skipped" and view.answers[area].state == "not_applicable":
        says = [t("Not applicable")]
    if here:
        says.append(t("1 photograph") if len(here) == 1 else t("{n} photographs", n=len(here)))
    if waiting := sum(finding.state == "suggested" for item in here for finding in item.findings):
        says.append(t("1 finding to decide") if waiting == 1 else t("{n} findings to decide", n=waiting))
    busy = " waiting" if waiting else ""
    return (
        f'<li><a class="card point {state}{busy}" href="{escape(_at(place, area).address)}"><span class="mark" aria-hidden="true">{MARKS[state]}</span>'
        f"<span>{number}. {escape(title(desk, view, area))}<small>{escape(' · '.join(says))}</small></span></a></li>"
    )  # fmt: skip


def more_steps(desk: Desk, view: InspectionView, place: Place) -> str:
    """What is not at a point: seals, wood packaging, the summary."""
    t = desk.t
    seals, wood, missing = len(view.seals) + len(view.seal_checks), len(view.wood), len(view.missing())
    told, legs = len(view.notifications), len(view.legs)
    return (
        '<nav class="steps">'
        + link(t("Seal"), place.to("seals", area=""), kind="card", note=t("{n} on record", n=seals) if seals else t("Nothing yet"))
        + link(t("Wood packaging"), place.to("wood", area=""), kind="card", note=t("{n} on record", n=wood) if wood else t("Nothing yet"))
        + link(t("Who was told"), place.to("notices", area="", finding=""), kind="card", note=t("{n} on record", n=told) if told else t("Nobody yet"))
        + link(t("Journey"), place.to("journey", area=""), kind="card", note=t("{n} legs", n=legs) if legs else t("Nothing yet"))
        + link(t("Summary"), place.to("done" if view.inspection.closed_at else "summary", area=""), kind="card", note=t("{n} still open", n=missing) if missing else t("Nothing is missing"))
        + "</nav>"
    )  # fmt: skip
