"""What trainers say of a photograph together, and how well two of them agree: pure functions.

A trainer's word on a photograph is an opinion of its whole: every place with its label, or that there is nothing, that it is unusable, that it
needs an expert. Nothing is overwritten: an opinion may be withdrawn, or followed by another of the same trainer. What counts now is derived.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from typing import Any, Protocol, TypeVar

SHARED = 0.5
"""Two boxes are of one place if they share at least this of the smaller: one trainer draws round each ant, the other round the trail."""
ENOUGH = 2
"""Opinions that agree settle a photograph."""
NOTHING, UNUSABLE = "no_contaminant", "unusable"


class Outcome(StrEnum):
    """What a photograph is, as one trainer says."""

    CONTAMINATION = "contamination"
    NO_CONTAMINANT = NOTHING
    UNUSABLE = UNUSABLE
    NEEDS_EXPERT = "needs_expert"


class Status(StrEnum):
    """How far trainers are with a photograph."""

    OPEN = "open"
    ONE_OPINION = "one_opinion"
    AGREED = "agreed"
    DISPUTED = "disputed"
    EXPERT_NEEDED = "expert_needed"


class Opinion(Protocol):
    """One trainer's word on one photograph: ``tables.Review``. ``marks``: each a dictionary with ``box`` (x0, y0, x1, y1 in pixels), ``label`` and
    ``finding_id`` (or None). ``expert``: said as the expert that others asked for."""

    id: str
    position: int
    outcome: str
    marks: list[Any]
    expert: bool
    reviewer: str
    withdrawn_at: str | None


One = TypeVar("One", bound=Opinion)


@dataclass(frozen=True, slots=True)
class Current:
    """What counts now. ``opinion``: the one that says it, or None; ``reviewers``: who are of that opinion."""

    status: Status
    opinion: Any | None
    reviewers: tuple[str, ...]


def in_force(opinions: Iterable[One]) -> list[One]:
    """The last opinion of each trainer that is not withdrawn, in the order given: a withdrawn one leaves the one before it in force."""
    last: dict[str, One] = {}
    for one in sorted(opinions, key=lambda one: one.position):
        if one.withdrawn_at is None:
            last[one.reviewer] = one
    return sorted(last.values(), key=lambda one: one.position)


def share(one: Sequence[float], other: Sequence[float]) -> float:
    """How much of the smaller of two boxes both cover, 0 to 1."""
    width, height = min(one[2], other[2]) - max(one[0], other[0]), min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / min((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))


def same(one: Opinion, other: Opinion) -> bool:
    """Whether two opinions say the same: each place of either lies on a place of the other with the same label."""

    def covered(marks: list[Any], by: list[Any]) -> bool:
        return all(any(mark["label"] == at["label"] and share(mark["box"], at["box"]) >= SHARED for at in by) for mark in marks)

    return one.outcome == other.outcome and covered(one.marks, other.marks) and covered(other.marks, one.marks)


def current(opinions: Iterable[One]) -> Current:
    """What all opinions on one photograph come to.

    Two that say the same settle it, and two that do not go to a third; after three that all differ, or when somebody asked for an expert and
    no two others agree, it waits for one. The word of the expert who was asked stands above all.
    """
    known = in_force(opinions)
    if experts := [one for one in known if one.expert and one.outcome != Outcome.NEEDS_EXPERT]:
        last = experts[-1]
        return Current(Status.AGREED, last, tuple(one.reviewer for one in known if one.outcome != Outcome.NEEDS_EXPERT and same(one, last)))
    votes = [one for one in known if one.outcome != Outcome.NEEDS_EXPERT]
    for first, second in combinations(votes, ENOUGH):
        if same(first, second):
            return Current(Status.AGREED, first, tuple(one.reviewer for one in votes if same(one, first)))
    if len(votes) < len(known) or len(votes) > ENOUGH:
        return Current(Status.EXPERT_NEEDED, None, ())
    match votes:
        case []:
            return Current(Status.OPEN, None, ())
        case [only]:
            return Current(Status.ONE_OPINION, only, (only.reviewer,))
    return Current(Status.DISPUTED, None, ())


def of_finding(opinion: Opinion, finding: Any) -> str | None:
    """What an opinion on a photograph says of one finding there: a label, "no_contaminant", "unusable", or None where it leaves that open.

    Args:
        finding: with ``id``, ``box`` (None: not drawn) and its labels.
    """
    if opinion.outcome != Outcome.CONTAMINATION:
        return {Outcome.NEEDS_EXPERT: None}.get(Outcome(opinion.outcome), opinion.outcome)
    for mark in opinion.marks:
        if mark.get("finding_id") == finding.id:
            return str(mark["label"])
    if finding.box:
        reach, label = max((share(mark["box"], finding.box), str(mark["label"])) for mark in opinion.marks)
        return label if reach >= SHARED else NOTHING
    labels = [str(mark["label"]) for mark in opinion.marks]
    ours = finding.decided_label or finding.label
    return ours if ours in labels else Counter(labels).most_common(1)[0][0]


def pairs(one: Opinion, other: Opinion) -> list[tuple[str, str]]:
    """What two opinions say of the same places: of each place that either marked, or of the photograph where neither marked any."""
    if Outcome.NEEDS_EXPERT in (one.outcome, other.outcome):
        return []
    if not one.marks and not other.marks:
        return [(one.outcome, other.outcome)]
    rest = {id(mark) for mark in other.marks}
    found = []
    for mark in one.marks:
        near = [at for at in other.marks if share(mark["box"], at["box"]) >= SHARED]
        rest -= {id(at) for at in near}
        best = max(near, key=lambda at: (at["label"] == mark["label"], share(mark["box"], at["box"])), default=None)
        found.append((str(mark["label"]), str(best["label"]) if best else _else(other)))
    return found + [(_else(one), str(at["label"])) for at in other.marks if id(at) in rest]


def _else(opinion: Opinion) -> str:
    """What an opinion says of a place that it did not mark."""
    return UNUSABLE if opinion.outcome == Outcome.UNUSABLE else NOTHING


@dataclass(frozen=True, slots=True)
class Kappa:
    """Agreement of two raters beyond chance (Cohen 1960), with its interval of 95 %.

    ``value``, ``low``, ``high``: -1 to 1; None where it is not defined: no pairs, or all answers are one and the same. ``observed``: share of
    equal answers. ``pairs``: how many were compared.
    """

    value: float | None
    low: float | None
    high: float | None
    observed: float
    pairs: int


def kappa(answers: Sequence[tuple[str, str]]) -> Kappa:
    """Cohen's kappa of pairs of answers, with the large-sample interval of Fleiss, Cohen and Everitt (1969)."""
    n = len(answers)
    if not n:
        return Kappa(None, None, None, 0.0, 0)
    cells = {cell: count / n for cell, count in Counter(answers).items()}
    rows, columns = _totals(cells, 0), _totals(cells, 1)
    observed = sum(p for (a, b), p in cells.items() if a == b)
    chance = sum(rows.get(label, 0.0) * p for label, p in columns.items())
    if math.isclose(chance, 1.0):
        return Kappa(None, None, None, observed, n)
    value = (observed - chance) / (1 - chance)
    agreed = sum(p * (1 - (rows[a] + columns[a]) * (1 - value)) ** 2 for (a, b), p in cells.items() if a == b)
    differ = (1 - value) ** 2 * sum(p * (columns.get(a, 0.0) + rows.get(b, 0.0)) ** 2 for (a, b), p in cells.items() if a != b)
    variance = max(0.0, agreed + differ - (value - chance * (1 - value)) ** 2) / (n * (1 - chance) ** 2)
    wide = 1.959964 * math.sqrt(variance)
    return Kappa(value, max(-1.0, value - wide), min(1.0, value + wide), observed, n)


def _totals(cells: Mapping[tuple[str, str], float], side: int) -> dict[str, float]:
    found: dict[str, float] = {}
    for cell, p in cells.items():
        found[cell[side]] = found.get(cell[side], 0.0) + p
    return found


def by_label(answers: Sequence[tuple[str, str]]) -> dict[str, Kappa]:
    """Kappa of each label against all others, by label."""
    labels = sorted({label for pair in answers for label in pair})
    return {label: kappa([(str(a == label), str(b == label)) for a, b in answers]) for label in labels}
