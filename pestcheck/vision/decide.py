"""From probabilities to findings and a verdict: pure functions, every threshold named, a reason with every answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice
from typing import Any

import numpy as np

from pestcheck.photo import Quality
from pestcheck.taxonomy import LABELS, Group
from pestcheck.vision.tiles import Box

Array = np.ndarray[Any, np.dtype[np.float64]]
UNSURE = "unsure"
MOST_PLACES = 12
"""Places of one photograph that are looked at closely; who is shown twelve looks at all of it."""
SAME = 0.5
"""Two closer looks show the same if they share more than this of what both cover."""
REACH, CLEAN = 2, 0.1
"""Cells no more than REACH rows and columns apart are one place, if their logits are at least half way from a clean cell's up to that of the most
suspect: a place is as wide as the peak is at half its height. A clean cell's is the quantile CLEAN of the level."""
MOST_CLUSTERS = 50
"""Places of one level that are told apart."""
LOOK_MARGIN = 1.6
"""Side of the square that is looked at closely, over the longer side of the place."""


class Verdict(StrEnum):
    """The answer for a photograph. None of them clears a container."""

    SUSPECT = "suspect"
    UNSURE = "unsure"
    NOTHING_FOUND = "nothing_found"
    UNUSABLE = "unusable"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where suggestions begin. All are probabilities but ``place_offset`` and ``unknown``.

    ``suspect``, ``unsure``: of any contamination, for the whole photograph.
    ``propose``: of contamination by the finder, to look at a cell closely.
    ``place_offset``: subtracted from the logit of a place's probability. A photograph has thousands of places and only one whole,
    so a place needs more evidence for the same rate of false flags.
    ``label``: of a single label, to name it; ``group``: of a group, to name that instead.
    ``candidate``: of a label, to be in the candidate set (split conformal prediction, see ``candidate_set``).
    ``unknown``: of a view's unlikeness to all that the model was trained on (see ``score.Classifier.judge``), above which it is unknown.
    ``finder``: weight of the finder's word on a place, between 0 and 1; the rest is that of the closer look (see ``together``).
    """

    version: str
    suspect: float
    unsure: float
    propose: float
    place_offset: float
    label: float
    group: float
    candidate: float
    unknown: float
    finder: float = 0.5


@dataclass(frozen=True, slots=True)
class Finding:
    """One suspect place. ``label`` is a label id, a group id, or "unsure"; ``probability`` is that of ``label``
    ("unsure": that of any contamination); ``evidence`` is on the scale of the photograph's score."""

    label: str
    group: str
    probability: float
    candidates: tuple[tuple[str, float], ...]
    box: Box
    reason: str
    evidence: float


@dataclass(frozen=True, slots=True)
class CellMap:
    """One level of a photograph of ``width`` by ``height`` pixels: probability of contamination of its cells, shape (rows, columns)."""

    chance: Array
    width: int
    height: int

    def box(self, row: int, column: int, last_row: int, last_column: int) -> Box:
        """What the cells from the first to the last cover, both inclusive."""
        rows, columns = self.chance.shape
        fx, fy = self.width / columns, self.height / rows
        x0, y0 = min(round(column * fx), self.width - 1), min(round(row * fy), self.height - 1)
        return Box(x0, y0, max(x0 + 1, round((last_column + 1) * fx)), max(y0 + 1, round((last_row + 1) * fy)))


@dataclass(frozen=True, slots=True)
class Place:
    """Neighbouring suspect cells. ``look``: the square round them that is looked at closely. ``chance``: probability of contamination by
    the finder, in the most suspect of them."""

    box: Box
    look: Box
    chance: float


def probabilities(logits: np.ndarray[Any, np.dtype[np.float32]], temperature: float) -> Array:
    """Softmax of logits over temperature, along the last axis (Guo et al. 2017, temperature scaling)."""
    scaled = logits.astype(np.float64) / temperature
    exp = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    result: Array = exp / exp.sum(axis=-1, keepdims=True)
    return result


def contamination(chances: Array, labels: Sequence[str]) -> Array:
    """Probability of any contamination, shape (...,), from label probabilities, shape (..., labels)."""
    mask = np.array([LABELS[label].contaminant for label in labels])
    total: Array = np.clip(chances[..., mask].sum(axis=-1), 0.0, 1.0)
    return total


def logit(chance: Array | float) -> Array:
    """Logarithm of the odds of a probability, shape (...,); finite for 0 and 1."""
    inside = np.clip(chance, 1e-7, 1 - 1e-7)
    result: Array = np.log(inside / (1 - inside))
    return result


def sigmoid(value: Array) -> Array:
    """The probability with this logit, shape (...,)."""
    result: Array = 1 / (1 + np.exp(-value))
    return result


def evidence(chance: Array | float, place_offset: float) -> Array:
    """Bring the probability of places on the scale of whole pictures: its logit is lowered by ``place_offset``."""
    return sigmoid(logit(chance) - place_offset)


def together(chance: Array, looks: Array, labels: Sequence[str], finder: float = 0.5) -> Array:
    """What the finder and the closer look say of places together: label probabilities, shape (n, labels).

    The probability of contamination is the mean, on the logit scale, of the two; how it is shared among labels is for the look to say.

    Args:
        chance: probability of contamination by the finder, shape (n,). looks: label probabilities of the closer look, (n, labels).
        finder: weight of the finder in that mean; the look's is the rest of 1.
    """
    harmful = np.array([LABELS[label].contaminant for label in labels])
    both = sigmoid(finder * logit(chance) + (1 - finder) * logit(contamination(looks, labels)))
    result: Array = np.maximum(looks, np.finfo(float).tiny)  # a softmax may have underflowed
    for part, share in ((harmful, both), (~harmful, 1 - both)):
        result[:, part] *= share[:, None] / result[:, part].sum(-1, keepdims=True)
    return result


def places(maps: Sequence[CellMap], propose: float) -> tuple[Place, ...]:
    """Where to look closely: cells with a probability of contamination of at least ``propose``, neighbours together.

    A place is left out if the closer look at a more suspect one shows the same.

    Returns:
        The most suspect places, at most ``MOST_PLACES``, the most suspect first.
    """
    found = []
    for level in maps:
        for cells in islice(_clusters(level.chance, propose), MOST_CLUSTERS):
            rows, columns = np.array(cells).T
            box = level.box(rows.min(), columns.min(), rows.max(), columns.max())
            found.append(Place(box, closer(box, level.width, level.height), float(level.chance[rows, columns].max())))
    found.sort(key=lambda place: (-place.chance, place.box))
    kept: list[Place] = []
    for place in found:
        if not any(_same(place.look, other.look) for other in kept):
            kept.append(place)
    return tuple(kept[:MOST_PLACES])


def _same(one: Box, other: Box) -> bool:
    shared = one.overlap(other)
    return shared > SAME * (one.area + other.area - shared)


def _clusters(chance: Array, propose: float) -> Iterator[list[tuple[int, int]]]:
    """Places of one level, the most suspect first: cells from ``propose`` on, each with those round it (see ``REACH``)."""
    value = logit(chance)
    order, clean = np.argsort(-value, axis=None, kind="stable")[: int((chance >= propose).sum())], float(np.quantile(value, CLEAN))
    taken = np.zeros(chance.shape, bool)
    for peak in zip(*np.unravel_index(order, chance.shape), strict=True):
        if taken[peak]:
            continue
        wide = (value >= (value[peak] + clean) / 2) & ~taken
        taken[peak] = True
        cluster, edge = [], [(int(peak[0]), int(peak[1]))]
        while edge:
            row, column = edge.pop()
            cluster.append((row, column))
            top, left = max(0, row - REACH), max(0, column - REACH)
            near = np.s_[top : row + REACH + 1, left : column + REACH + 1]
            for r, c in np.argwhere(wide[near] & ~taken[near]):
                taken[top + r, left + c] = True
                edge.append((top + int(r), left + int(c)))
        yield cluster


def closer(box: Box, width: int, height: int) -> Box:
    """The square round a place that is looked at closely, moved inside a photograph of ``width`` by ``height`` pixels."""
    side = min(width, height, round(max(box.x1 - box.x0, box.y1 - box.y0) * LOOK_MARGIN))
    x = min(max(0, (box.x0 + box.x1 - side) // 2), width - side)
    y = min(max(0, (box.y0 + box.y1 - side) // 2), height - side)
    return Box(x, y, x + side, y + side)


def name(chances: Array, labels: Sequence[str], thresholds: Thresholds) -> tuple[str, Group | None, float, str]:
    """Name one view: the label if sure, else its group, else "unsure".

    Returns:
        (label or group or "unsure", group or None, its probability, the reason in words)
    """
    harmful = [(label, float(p)) for label, p in zip(labels, chances, strict=True) if LABELS[label].contaminant]
    harmful.sort(key=lambda pair: -pair[1])
    best, chance = harmful[0]
    if chance >= thresholds.label:
        return best, LABELS[best].group, chance, f"{LABELS[best].name}: {chance:.0%}, sure enough to name (from {thresholds.label:.0%})"
    groups: dict[Group, float] = {}
    for label, p in harmful:
        groups[LABELS[label].group] = groups.get(LABELS[label].group, 0.0) + p
    group, mass = max(groups.items(), key=lambda pair: pair[1])
    rivals = " or ".join(LABELS[label].name.lower() for label, _ in harmful[:2])
    if mass >= thresholds.group:
        return group.value, group, mass, f"{group.value.replace('_', ' ')}: {mass:.0%}, label unsure: {rivals}"
    total = sum(p for _, p in harmful)
    return UNSURE, None, total, f"contamination: {total:.0%}, but not what: {rivals}"


def candidate_set(chances: Array, limit: float) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Indices of the labels that a view may show, the most probable first: those with a probability of at least ``limit``.

    With the limit from split conformal prediction (LAC: Sadinle et al. 2019) the right label is among them as often as was asked
    for, on pictures like the calibration pictures. Never empty: the most probable label is always in it.

    Args:
        chances: calibrated label probabilities of one view, shape (labels,).
    """
    order = np.argsort(-chances, kind="stable")
    return order[: max(1, int((chances >= limit).sum()))]


def decide(
    *,
    whole: Array,
    unlike: float,
    places: Sequence[Place],
    looks: Array,
    size: Box,
    labels: Sequence[str],
    quality: Quality,
    thresholds: Thresholds,
) -> tuple[Verdict, float, tuple[Finding, ...]]:
    """Decide on a photograph.

    Args:
        whole: calibrated label probabilities of the photograph as a whole, shape (labels,). ``unlike``: how unlike all that was trained it is.
        places: see ``places``. looks: calibrated label probabilities of the closer look at each, shape (places, labels).
        size: of the photograph.

    Returns:
        The verdict; the score (probability of any contamination, on the scale of ``thresholds.suspect``); the findings, the most
        probable first. Where only the whole photograph is flagged the one finding's box is that of the most suspect place, if it
        would be suspect without an offset, else all of it; all of it, too, where the photograph is like nothing that the model knows.
    """
    findings, likeliest = [], size
    if places:
        said = together(np.array([place.chance for place in places]), looks, labels, thresholds.finder)
        seen = contamination(said, labels)
        weights = evidence(seen, thresholds.place_offset)
        if seen.max() >= thresholds.suspect:
            likeliest = places[int(seen.argmax())].box
        findings = _apart([
            (_finding(chances, place.box, float(weight), labels, thresholds), place.look)
            for place, chances, weight in zip(places, said, weights, strict=True) if weight >= thresholds.unsure
        ])  # fmt: skip
    chance = float(contamination(whole, labels))
    if not findings and chance >= thresholds.unsure:
        findings.append(_finding(whole, likeliest, chance, labels, thresholds))
    score = max([chance, *(finding.evidence for finding in findings)])
    if score < thresholds.unsure and unlike > thresholds.unknown:
        reason = "like nothing that the model knows, neither a surface nor a contaminant: look for yourself"
        candidates = tuple((labels[k], round(float(whole[k]), 4)) for k in candidate_set(whole, thresholds.candidate))
        findings.append(Finding(UNSURE, UNSURE, round(chance, 4), candidates, size, reason, chance))
    findings.sort(key=lambda f: (-f.probability, f.box))
    if score >= thresholds.suspect:
        verdict = Verdict.SUSPECT
    elif quality.problems:
        verdict = Verdict.UNUSABLE
    elif findings:
        verdict = Verdict.UNSURE
    else:
        verdict = Verdict.NOTHING_FOUND
    return verdict, round(score, 4), tuple(findings)


def _apart(found: Sequence[tuple[Finding, Box]]) -> list[Finding]:
    """One finding a place: of findings with the closer look at each, in the finder's order, a later one that an earlier look touches only
    lends its evidence to that."""
    kept: list[tuple[Finding, Box]] = []
    for finding, look in found:
        first = next((k for k, (_, seen) in enumerate(kept) if finding.box.overlap(seen)), None)
        if first is None:
            kept.append((finding, look))
        elif finding.evidence > kept[first][0].evidence:
            kept[first] = (replace(kept[first][0], evidence=finding.evidence), kept[first][1])
    return [finding for finding, _ in kept]


def _finding(chances: Array, box: Box, weight: float, labels: Sequence[str], thresholds: Thresholds) -> Finding:
    label, group, probability, reason = name(chances, labels, thresholds)
    candidates = tuple((labels[k], round(float(chances[k]), 4)) for k in candidate_set(chances, thresholds.candidate))
    return Finding(label, group.value if group else UNSURE, round(probability, 4), candidates, box, reason, weight)
