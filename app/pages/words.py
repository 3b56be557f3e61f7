"""Names of things in words, in the person's language; not escaped."""

from __future__ import annotations

from typing import Any, Protocol

from app.inspector.place import Desk
from pestcheck.inspection.guidance import rules
from pestcheck.records import CONTAMINANTS, InspectionView
from pestcheck.store.tables import Finding
from pestcheck.taxonomy import CTPAT_CLASS, LABELS


class Speaks(Protocol):
    """Whoever knows the language: a desk, or a page that the server draws."""

    def t(self, text: str, **values: Any) -> str:
        """A text of the page."""


def label(desk: Speaks, name: str | None) -> str:
    """A label, a group, what only people name, or "unsure"."""
    return desk.t(CONTAMINANTS.get(name or "unsure", (name or "").replace("_", " ").capitalize()))


def finding(desk: Desk, one: Finding) -> str:
    """What a finding is: what the person says, else what the model does."""
    return label(desk, one.decided_label or one.label)


def groups(desk: Speaks) -> list[tuple[str, list[tuple[str, str]]]]:
    """What a person may choose from, by group, each group's own name first: it is for who does not know the kind."""
    found: dict[str, list[tuple[str, str]]] = {str(group): [(str(group), label(desk, str(group)))] for group in CTPAT_CLASS}
    for key, one in LABELS.items():
        if one.contaminant and (key, label(desk, key)) not in found[one.group]:
            found[one.group].append((key, label(desk, key)))
    named = [(key, label(desk, key)) for key in rules().named_by_people]
    return [
        *((label(desk, group), members) for group, members in found.items()),
        (desk.t("Other"), [*named, ("unsure", label(desk, "unsure"))]),
    ]


def state_of(view: InspectionView, area: str) -> str:
    """How a point stands, of ``drawing.MARKS``."""
    answer = view.answers.get(area)
    if answer is None:
        return "todo"
    return "bad" if answer.result == "contamination" else "good" if answer.state == "inspected" else "skipped"


def states(view: InspectionView) -> dict[str, str]:
    """How each point stands."""
    return {point.area: state_of(view, point.area) for point in view.template.points}
