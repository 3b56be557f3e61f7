"""A closed inspection is amended: the reason once, then the same pages; and what was amended, by whom, why, with what was there before."""

from __future__ import annotations

from html import escape
from typing import Any

from app.inspector.ask import Ask, question
from app.inspector.place import Desk, Outcome, Place, Told
from app.inspector.points import title
from app.pages.html import link, page
from pestcheck.inspection.guidance import rules
from pestcheck.people import Deed as May
from pestcheck.records import CONTAMINANTS, DECISIONS, DISPOSITIONS, RESULTS, STATES, InspectionView, Refused
from pestcheck.records.findings import CONDITIONS, LIFE_STAGES, METHODS
from pestcheck.records.inspections import SELECTIONS
from pestcheck.store.tables import Amendment

LONGEST = 300
"""Characters of a reason: it stands in the address of every page while one amends."""
KINDS = {
    "details_changed": "Details", "photograph_added": "Photograph", "finding_decided": "Decision on a finding", "finding_missed": "Seen by a person",
    "finding_disposed": "What becomes of a finding", "finding_treated": "Cleaning", "place_reinspected": "Second inspection", "point_answered": "Answer to a point",
    "check_answered": "Answer to a question", "wood_packaging_recorded": "Wood packaging", "seal_checked": "View, Verify, Tug, Twist",
}  # fmt: skip
FIELDS = {
    "state": "State", "result": "Result", "note": "Note", "answer": "Answer", "decided_label": "What it is", "condition": "Alive or dead",
    "life_stage": "Life stage", "count": "Count", "extent": "Extent", "cargo": "Manifested cargo", "cargo_reason": "Why it is the cargo",
    "disposition": "What becomes of it", "method": "How it was cleaned", "done_by": "By whom", "done_at": "When", "clean": "Found clean",
    "stage": "Stage", "selection": "Selection", "size_type": "Size and type code", "site": "Site", "carrier_scac": "Carrier (SCAC)", "shipment": "Shipment",
    "origin": "Origin", "destination": "Destination", "procedure": "Written procedure", "supervisor": "Supervisor", "severity": "Severity", "kind": "Kind",
    "pieces": "Pieces", "mark": "Mark", "bark": "Bark", "holes": "Holes or fresh sawdust", "number": "Number", "document_number": "Number in the documents",
}  # fmt: skip
"""What is shown of a row; the rest are ids, times and versions."""
DECIDED = {"suggested": "To decide", "missed": "Seen by a person"}
VALUES: dict[str, dict[str, Any]] = {
    "state": {**DECIDED, **DECISIONS, **STATES}, "result": RESULTS, "decided_label": CONTAMINANTS, "condition": CONDITIONS, "life_stage": LIFE_STAGES,
    "disposition": DISPOSITIONS, "method": METHODS, "selection": SELECTIONS, "stage": {key.value: rule.title for key, rule in rules().stages.items()},
    "answer": {"yes": "Yes", "no": "No", "does_not_apply": "Does not apply"},
}  # fmt: skip


def why(desk: Desk, place: Place) -> str:
    """Ask for the reason, once."""
    t = desk.t
    hint = t("Everything you change then is kept beside what was there before, with this reason and your name.")
    asked = Ask("reason", t("Why do you amend it?"), kind="lines", hint=hint, value=place.amends)
    view = desk.view(place)
    return page(
        t("Amend"), question(desk, asked, deed="amend"), name="amend", quiet=escape(view.inspection.container_number), back=(t("Back"), place.to("done"))
    )  # fmt: skip


def begin(desk: Desk, place: Place, given: dict[str, str]) -> Outcome:
    """Go to the points with the reason; nothing is written until something is changed."""
    reason = " ".join(given.get("value", "").split())
    if not desk.person.may(May.amend):
        raise Refused(desk.t("You may not amend a closed inspection."))
    if not reason:
        raise Refused(desk.t("Say why; without a reason a closed inspection is not changed."))
    if len(reason) > LONGEST:
        raise Refused(desk.t("The reason is too long: {n} characters; the limit is {limit}.", n=len(reason), limit=LONGEST))
    return place.to("points", amends=reason), Told()


def banner(desk: Desk, place: Place) -> str:
    """Above every page while one amends."""
    end = link(desk.t("Finish"), place.to("done", amends=""), kind="b")
    return f'<div class="amending" role="status"><p>{escape(desk.t("You amend a closed inspection: {reason}", reason=place.amends))}</p>{end}</div>'


def shown(desk: Desk, place: Place) -> str:
    """What was amended, the newest first."""
    view = desk.view(place)
    t = desk.t
    lines = "".join(_line(desk, view, one) for one in reversed(view.amendments))
    return page(
        t("Amendments"), f'<ul class="lines">{lines}</ul>' if lines else f'<p class="quiet">{escape(t("Nothing was amended."))}</p>', name="amendments",
        quiet=escape(view.inspection.container_number), back=(t("Back"), place.to("done")),
    )  # fmt: skip


def _line(desk: Desk, view: InspectionView, one: Amendment) -> str:
    t = desk.t
    after = one.after.get("view", one.after)
    rows = "".join(
        f"<tr><th>{escape(t(FIELDS[name]))}</th><td><s>{escape(_value(desk, name, (one.before or {}).get(name)))}</s></td><td>{escape(_value(desk, name, value))}</td></tr>"
        for name, value in after.items()
        if name in FIELDS and _value(desk, name, value) != _value(desk, name, (one.before or {}).get(name))
    )
    table = f'<table><thead><tr><td></td><th>{escape(t("Before"))}</th><th>{escape(t("Now"))}</th></tr></thead><tbody>{rows}</tbody></table>' if rows else ""  # fmt: skip
    what = [t(KINDS.get(one.kind, one.kind))]
    if area := _area(view, one):
        what.append(title(desk, view, area))
    if one.kind == "check_answered" and (
        check := next((check for check in view.template.all_checks() if check.id == one.after["check_id"]), None)
    ):
        what.append(t(check.ask))
    if one.kind == "photograph_added":
        what.append(str(after.get("name", "")))
    return (
        f"<li><b>{escape(' · '.join(what))}</b>{table}<p>{escape(t('Why: {reason}', reason=one.reason))}</p>"
        f"<small>{escape(one.amended_by)}, {escape(desk.when(one.amended_at))}</small></li>"
    )


def _area(view: InspectionView, one: Amendment) -> str:
    """The point that an amendment is about; "" where it is about none."""
    after = one.after.get("view", one.after)
    if "area" in after:
        return str(after["area"])
    finding = after.get("finding_id") or after.get("id")
    for item in view.photographs:
        if item.view.id == after.get("view_id") or any(found.id == finding for found in item.findings):
            return item.view.area
    return ""


def _value(desk: Desk, name: str, value: Any) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return desk.t("Yes") if value else desk.t("No")
    words = VALUES.get(name, {}).get(value) if isinstance(value, str) else None
    if name.endswith("_at"):
        return desk.when(str(value))
    return desk.t(words) if words else str(value)
