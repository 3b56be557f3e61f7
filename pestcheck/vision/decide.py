"""From probabilities to findings and a verdict: pure functions, every threshold named, a reason with every answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from pestcheck.photo import Quality
from pestcheck.taxonomy import LABELS, Group
from pestcheck.vision.tiles import Box

Array = np.ndarray[Any, np.dtype[np.float64]]
UNSURE = "unsure"
CANDIDATES = 5


class Verdict(StrEnum):
    """The answer for a photograph. None of them clears a container."""

    SUSPECT = "suspect"
    UNSURE = "unsure"
    NOTHING_FOUND = "nothing_found"
    UNUSABLE = "unusable"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where suggestions begin. All are probabilities but ``tile_offset``.

    ``suspect``, ``unsure``: of any contamination, for the whole photograph.
    ``tile_offset``: subtracted from the logit of a tile's probability. A photograph has many tiles and only one whole,
    so a tile needs more evidence for the same rate of false flags.
    ``label``: of a single label, to name it; ``group``: of a group, to name that instead.
    """

    version: str
    suspect: float
    unsure: float
    tile_offset: float
    label: float
    group: float


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


def probabilities(logits: np.ndarray[Any, np.dtype[np.float32]], temperature: float) -> Array:
    """Softmax of logits over temperature, shape (n, labels) (Guo et al. 2017, temperature scaling)."""
    scaled = logits.astype(np.float64) / temperature
    exp = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    result: Array = exp / exp.sum(axis=1, keepdims=True)
    return result


def contamination(chances: Array, labels: Sequence[str]) -> Array:
    """Probability of any contamination, shape (n,), from label probabilities, shape (n, labels)."""
    mask = np.array([LABELS[label].contaminant for label in labels])
    total: Array = np.clip(chances[:, mask].sum(axis=1), 0.0, 1.0)
    return total


def evidence(chance: Array, tile: np.ndarray[Any, np.dtype[np.bool_]], tile_offset: float) -> Array:
    """Bring whole pictures and tiles on one scale: a tile's logit is lowered by ``tile_offset``. Shape (n,)."""
    inside = np.clip(chance, 1e-7, 1 - 1e-7)
    logit = np.log(inside / (1 - inside)) - tile_offset * tile
    result: Array = 1 / (1 + np.exp(-logit))
    return result


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


def decide(
    *, chances: Array, labels: Sequence[str], boxes: Sequence[Box], whole: Box, quality: Quality, thresholds: Thresholds
) -> tuple[Verdict, float, tuple[Finding, ...]]:
    """Decide on a photograph.

    Args:
        chances: calibrated label probabilities, shape (1 + tiles, labels); the whole photograph first.
        boxes: of the tiles, in the same order. ``whole``: of the photograph.

    Returns:
        The verdict; the score (probability of any contamination, on the scale of ``thresholds.suspect``); the findings,
        the most probable first. Neighbouring tiles of one group are one finding. A tile that holds a flagged finer tile
        is left out: the finer one shows the place better. Where only the whole photograph is flagged, the finding's box is
        that of the most suspect tile, if it would be suspect by itself, else the whole.
    """
    tile = np.arange(len(chances)) > 0
    chance = contamination(chances, labels)
    weight = evidence(chance, tile, thresholds.tile_offset)
    named = {i: name(chances[i], labels, thresholds) for i in map(int, np.flatnonzero(weight >= thresholds.unsure))}
    flagged = [i for i in named if i > 0]
    places = {i: boxes[i - 1] for i in flagged}
    explained = {
        i for i in flagged for j in flagged
        if places[j].area * 2 < places[i].area and places[i].overlap(places[j]) * 2 > places[j].area
    }  # fmt: skip
    clusters: list[list[int]] = []
    for i in (i for i in flagged if i not in explained):
        touching = [c for c in clusters if any(named[i][1] == named[j][1] and places[i].overlap(places[j]) for j in c)]
        clusters = [c for c in clusters if c not in touching] + [[i, *(j for c in touching for j in c)]]
    if 0 in named and not clusters:
        # The whole is evidence enough; a tile need only show where, so it carries no offset.
        place = int(np.argmax(np.where(tile, chance, -1.0)))
        if chance[place] >= thresholds.suspect and place:
            named[place] = name(chances[place], labels, thresholds)
        else:
            place = 0
        clusters, places[place], weight[place] = [[place]], boxes[place - 1] if place else whole, weight[0]
    findings = []
    for members in clusters:
        best = max(members, key=lambda i: weight[i])
        label, group, probability, reason = named[best]
        box = places[members[0]]
        for i in members[1:]:
            box = box.union(places[i])
        order = np.argsort(-chances[best])[:CANDIDATES]
        candidates = tuple((labels[k], round(float(chances[best][k]), 4)) for k in order)
        findings.append(
            Finding(label, group.value if group else UNSURE, round(probability, 4), candidates, box, reason, float(weight[best]))
        )
    findings.sort(key=lambda f: (-f.probability, f.box))
    score = float(weight.max())
    if score >= thresholds.suspect:
        verdict = Verdict.SUSPECT
    elif quality.problems:
        verdict = Verdict.UNUSABLE
    elif findings:
        verdict = Verdict.UNSURE
    else:
        verdict = Verdict.NOTHING_FOUND
    return verdict, round(score, 4), tuple(findings)
