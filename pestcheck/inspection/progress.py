"""How far a point is: which questions are open now, and what is missing. Pure functions of a template and its answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pestcheck.inspection.checklist import NoTemplate
from pestcheck.inspection.template import Check, Kind, Template


@dataclass(frozen=True, slots=True)
class Progress:
    """A point as it stands.

    Attributes:
        open: questions to show, in their order, answered or not.
        missing: what is still wanted, a sentence each; empty when the point is complete.
        contamination: a pest question was answered no, or a finding is confirmed.
    """

    open: tuple[Check, ...]
    missing: tuple[str, ...]
    contamination: bool


def progress(template: Template, area: str, answers: Mapping[str, str], *, finding: bool = False, photographs: int = 0) -> Progress:
    """Say how far an inspected point is.

    Args:
        answers: answer by id of the question; those to questions that are not open (any more) are kept out of it.
        finding: whether a person confirmed a finding here that is contamination (not the manifested cargo).
        photographs: how many there are at this point.

    Raises:
        NoTemplate: the template has no such area.
    """
    point = template.point(area)
    if point is None:
        raise NoTemplate(f"{template.name} has no area {area!r}")
    own = [check for first in point.checks for check in _opened(first, answers)]
    doubtful = any(check.kind is not Kind.PEST and answers.get(check.id) == "no" for check in own)
    said = any(check.kind is Kind.PEST and answers.get(check.id) == "no" for check in own)
    further = [*(template.if_not_in_order * doubtful), *((point.if_contamination + template.if_contamination) * (said or finding))]
    now = (*own, *(check for first in further for check in _opened(first, answers)))
    missing = []
    for check in now:
        given = answers.get(check.id, "")
        if given and not check.accepts(given):
            missing.append(f"{point.title}: {given[:60]!r} is no answer to: {check.ask} {_wanted(check)}")
        elif not given and check.required:
            missing.append(f"{point.title}: no answer to: {check.ask}")
    if finding and not said and any(check.kind is Kind.PEST for check in point.checks):
        missing.append(f"{point.title}: a finding is confirmed, but no pest question is answered no")
    if photographs < len(needed := [shows for check in now for shows in check.photographs]):
        missing.append(f"{point.title}: {photographs} of {len(needed)} photographs; they must show: {'; '.join(needed)}")
    return Progress(now, tuple(missing), said or finding)


def _opened(check: Check, answers: Mapping[str, str]) -> Iterator[Check]:
    yield check
    for further in {"no": check.if_no, "yes": check.if_yes}.get(answers.get(check.id, ""), ()):
        yield from _opened(further, answers)


def _wanted(check: Check) -> str:
    return (
        f"(one of: {', '.join(check.answers)})" if check.answers else f"(a {check.answer.value}{' of ' if check.unit else ''}{check.unit})"
    )
