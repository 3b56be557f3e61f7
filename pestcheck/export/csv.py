"""Tables as CSV: UTF-8, a header, ISO 8601 times in UTC; the log has one row a finding, and one a point without findings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from pestcheck.records import InspectionView, PhotographView
from pestcheck.store.tables import Action

COLUMNS = (
    "inspection", "container_number", "number_problem", "override_reason", "size_type", "template", "template_version", "stage", "selection",
    "site", "procedure", "inspector", "trained", "supervisor", "carrier_scac", "shipment", "origin", "destination", "opened_at", "closed_at",
    "closed_by", "disposition", "amendments", "area", "state", "result", "note", "answered_by", "answered_at", "photograph",
    "photograph_sha256", "taken_at", "verdict", "score", "model", "thresholds", "suggested", "probability", "box", "reason", "decision",
    "decided_label", "decided_by", "decided_at", "condition", "life_stage", "count", "extent", "severity", "manifested_cargo", "actions",
    "finding_disposition", "review_status", "trainers_say",
)  # fmt: skip
"""Of the log."""
FORMULA = frozenset(("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠"))
"""What makes a spreadsheet run a cell, the wide forms in Japanese ones."""
QUOTED = re.compile('[,"\r\n]')
TOGETHER = 1000


def lines(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """A table as text (RFC 4180), many lines at a time, the header first. A column holds values of one type, or None.

    A cell that a spreadsheet would take for a formula is preceded by an apostrophe (OWASP, CSV injection).
    """
    yield _line(map(_cell, columns))
    source = iter(rows)
    while some := [*islice(source, TOGETHER)]:
        # Most values of a column come again and again: each is written once, five times as fast as cell by cell with the csv module.
        yield "".join(map(_line, zip(*map(_written, zip(*some, strict=True)), strict=True)))


def log_rows(inspections: Iterable[InspectionView]) -> Iterator[list[object]]:
    """The rows of the log, in the order of ``COLUMNS``. Boxes are pixels of the upright photograph."""
    for inspection in inspections:
        for row in _rows(inspection):
            yield [row.get(column) for column in COLUMNS]


def _rows(view: InspectionView) -> Iterator[dict[str, object]]:
    inspection = view.inspection.model_dump()
    for point in view.template.points:
        answer = view.answers.get(point.area)
        base = {
            **inspection, "inspection": inspection["id"], "amendments": len(view.amendments) or None, "area": point.area,
            **(answer.model_dump() if answer else {"state": "open"}),
        }  # fmt: skip
        here = [item for item in view.photographs if item.view.area == point.area]
        if not here:
            yield base
        for item in here:
            picture = {
                "photograph": item.view.name, "photograph_sha256": item.view.sha256, "taken_at": item.photograph.taken_at,
                "verdict": item.view.verdict or item.view.state, "score": item.view.score, "model": item.view.model,
                "thresholds": item.view.thresholds, "review_status": item.reviewed.status.value, "trainers_say": _trainers(item),
            }  # fmt: skip
            if not item.findings:
                yield base | picture
            for finding in item.findings:
                yield base | picture | {
                    "suggested": finding.label, "probability": finding.probability, "box": " ".join(map(str, finding.box or ())),
                    "reason": finding.reason, "decision": finding.state, "decided_label": finding.decided_label,
                    "decided_by": finding.decided_by, "decided_at": finding.decided_at, "condition": finding.condition,
                    "life_stage": finding.life_stage, "count": finding.count, "extent": finding.extent, "severity": finding.severity,
                    "manifested_cargo": f"{finding.cargo}: {finding.cargo_reason}" if finding.cargo else None,
                    "actions": "; ".join(map(_action, view.actions.get(finding.id, ()))) or None, "finding_disposition": finding.disposition,
                    "trainers_say": item.trainer_says(finding),
                }  # fmt: skip


def _trainers(item: PhotographView) -> str | None:
    """What trainers say of a photograph without findings."""
    opinion = item.reviewed.opinion
    return "; ".join(sorted({str(mark["label"]) for mark in opinion.marks})) or opinion.outcome if opinion else None


def _action(action: Action) -> str:
    found = {
        None: "not inspected again",
        True: f"found clean by {action.reinspected_by}",
        False: f"found not clean by {action.reinspected_by}",
    }
    return f"{action.method} by {action.done_by} at {action.done_at}, {found[action.clean]}"


def _written(column: Iterable[object]) -> Iterator[str]:
    text = {value: _cell(value) for value in {*column}}
    return map(text.__getitem__, column)


def _cell(value: object) -> str:
    if type(value) is not str:
        return "" if value is None else ("true" if value else "false") if type(value) is bool else str(value)
    text = f"'{value}" if value[:1] in FORMULA else value
    return '"' + text.replace('"', '""') + '"' if QUOTED.search(text) else text


def _line(cells: Iterable[str]) -> str:
    return ",".join(cells) + "\r\n"
