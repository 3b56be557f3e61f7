"""One inspection as JSON: all that is on record of it, as ``register.schema.json`` describes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from importlib.resources import files
from typing import Any

from pestcheck.records import InspectionView

FORMAT, REGISTER = "pestcheck-inspection-1", "pestcheck-register-1"
LOCATION = frozenset({"latitude", "longitude"})
"""Where the device was. A copy that is handed on leaves it out unless asked for."""
DEVICE = frozenset({"camera"})
"""What device it was: empty in such a copy."""


def inspection_json(view: InspectionView, *, location: bool = False) -> dict[str, Any]:
    """Everything on record of an inspection, of plain JSON types.

    Args:
        location: whether to say where photographs were taken and where the conveyance's GPS receiver was.
    """
    valid = {one.id for one in view.valid_signatures}
    template = view.template
    told: dict[str, Any] = {
        "format": FORMAT,
        "content": view.content,
        "location": location,
        "inspection": view.inspection.model_dump(),
        "template": {"id": template.id, "version": template.version, "title": template.title, "source": template.source},
        "points": [
            {
                "area": point.area,
                "title": point.title,
                "answer": answer.model_dump() if (answer := view.answers.get(point.area)) else None,
                "checks": [check.model_dump() for check in view.checks.get(point.area, {}).values()],
            }
            for point in template.points
        ],
        "photographs": [
            {
                "view": item.view.model_dump(),
                "photograph": item.photograph.model_dump(),
                "findings": [finding.model_dump() for finding in item.findings],
                "reviews": [review.model_dump() for review in item.reviews],
            }
            for item in view.photographs
        ],
        "actions": [action.model_dump() for actions in view.actions.values() for action in actions],
        "notifications": [row.model_dump() for row in view.notifications],
        "wood": [row.model_dump() for row in view.wood],
        "seals": [row.model_dump() for row in view.seals],
        "seal_checks": [row.model_dump() for row in view.seal_checks],
        "parties": [row.model_dump() for row in view.parties.values()],
        "legs": [row.model_dump() for row in view.legs],
        "fixes": [fix.model_dump() for fixes in view.fixes.values() for fix in fixes] if location else [],
        "signatures": [row.model_dump() | {"valid": row.id in valid} for row in view.signatures],
        "amendments": [row.model_dump() for row in view.amendments],
        "contaminated": view.contaminated,
        "missing": view.missing(),
    }
    return told if location else _without(told)


def _without(value: Any) -> Any:
    """The same without places, however deep: amendments hold rows, too."""
    if isinstance(value, dict):
        return {key: None if key in DEVICE else _without(inner) for key, inner in value.items() if key not in LOCATION}
    return [_without(inner) for inner in value] if isinstance(value, list) else value


def register_json(views: Iterable[InspectionView], about: dict[str, Any], *, location: bool = False) -> Iterator[str]:
    """A register as ``register.schema.json`` describes it, an inspection at a time.

    Args:
        about: when, by which version and with which filter it was made.
    """
    yield json.dumps({"format": REGISTER, **about}, ensure_ascii=False)[:-1] + ', "inspections": ['
    between = "\n"
    for view in views:
        yield between + json.dumps(inspection_json(view, location=location), ensure_ascii=False, allow_nan=False)
        between = ",\n"
    yield "\n]}\n"


def schema() -> str:
    """The JSON schema (draft 2020-12) of a register; that of an inspection is in it, at ``$defs/inspection_on_record``."""
    return (files("pestcheck.export") / "register.schema.json").read_text("utf-8")
