"""Temperatures and thresholds, chosen on pictures and photographs of sources that the network which judged them never saw."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from pestcheck.vision import decide
from training import conformal
from training.heldout import HeldOut, Spots, harmful

SUSPECT_FALSE_FLAGS = 0.05
UNSURE_FALSE_FLAGS = 0.15
"""Shares of clean pictures, as a whole, at or above the thresholds for "suspect" and "unsure"."""
PHOTOGRAPH_FALSE_FLAGS = 0.10
"""Share of clean photographs with a suspect place."""
COVERAGE = 0.90
"""Share of pictures whose candidate set shall hold the right label."""
UNKNOWN_SHARE = 0.02
"""Share of the held-out pictures that are called unlike anything known; they all are of a known label."""
PROPOSED = 6
"""Places of a typical clean photograph that are looked at closely."""
FINDER_WEIGHTS = tuple(k / 20 for k in range(13))
"""Weights of the finder's word beside the closer look's that are tried."""
LABEL_FROM = 0.5
GROUP_FROM = 0.5


@dataclass(frozen=True)
class Calibration:
    """``temperature``: of the classifier's logits."""

    temperature: float
    thresholds: decide.Thresholds


@dataclass(frozen=True)
class Judged:
    """One fold judged by the calibration of the other folds: no picture judges a threshold that it helped to set.

    ``chances``: label probabilities of its pictures, shape (n, labels). ``flagged``: whether each is suspect, shape (n,). ``sets``: candidate sets, bool (n, labels). ``clean_flagged``: whether each clean photograph has a suspect
    place; ``clean_real``: whether it is from a yard. ``things_flagged``: whether each thing was found; ``things``: its label
    probabilities, shape (m, labels).
    """

    fold: HeldOut
    calibration: Calibration
    chances: np.ndarray
    flagged: np.ndarray
    sets: np.ndarray
    clean_flagged: np.ndarray
    clean_real: np.ndarray
    things_flagged: np.ndarray
    things: np.ndarray


def temperature(logits: np.ndarray, truth: np.ndarray) -> float:
    """The temperature with the least negative log likelihood (Guo et al. 2017).

    Args:
        logits: shape (n, labels). truth: index of the right label, shape (n,).
    """

    def loss(log_t: float) -> float:
        chances = decide.probabilities(logits, float(np.exp(log_t)))
        return float(-np.log(chances[np.arange(len(truth)), truth] + 1e-12).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-2, 2), method="bounded").x))


def choose(parts: Sequence[HeldOut], labels: Sequence[str], version: str, weights: Sequence[float] = FINDER_WEIGHTS) -> Calibration:
    """Temperatures and thresholds from all that the parts hold together.

    Args:
        weights: of the finder's word, of which the best is taken.

    Raises:
        SystemExit: no picture is clean, so no threshold can be set.
    """
    logits, truth = np.concatenate([p.logits for p in parts]), np.concatenate([p.truth for p in parts])
    clean = ~harmful(labels)[truth]
    if not clean.any():
        raise SystemExit(
            "the held-out sources have no clean picture, so no threshold can be set; add some to each fold (training/split.toml)"
        )
    t = temperature(logits, truth)
    chances = decide.probabilities(logits, t)
    whole = decide.contamination(chances, labels)[clean]
    suspect = float(np.quantile(whole, 1 - SUSPECT_FALSE_FLAGS))
    propose = float(np.median(np.concatenate([_last_proposed(p.clean) for p in parts])))
    weight, place = _weighed(parts, propose, t, labels, weights)
    limits = decide.Thresholds(
        version=version,
        suspect=_inside(suspect),
        unsure=_inside(float(np.quantile(whole, 1 - UNSURE_FALSE_FLAGS))),
        propose=float(f"{float(decide.sigmoid(np.array(propose))):.6g}"),  # it may be very small
        place_offset=round(max(0.0, float(decide.logit(place) - decide.logit(suspect))), 4),
        label=LABEL_FROM,
        group=GROUP_FROM,
        candidate=math.floor(conformal.quantile(chances, truth, COVERAGE) * 1e6) / 1e6,
        unknown=round(float(np.quantile(np.concatenate([p.unlike for p in parts]), 1 - UNKNOWN_SHARE)), 4),
        finder=weight,
    )
    return Calibration(round(t, 4), limits)


def _inside(probability: float) -> float:
    """To four digits, and neither 0 nor 1: where clean pictures are all alike, a limit may still not be a certainty."""
    return round(min(max(probability, 1e-4), 1 - 1e-4), 4)


def judge(fold: HeldOut, calibration: Calibration, labels: Sequence[str]) -> Judged:
    """What the program says of a fold with a given calibration."""
    limits = calibration.thresholds
    chances = decide.probabilities(fold.logits, calibration.temperature)
    sets = np.zeros(chances.shape, bool)
    for row, chance in zip(sets, chances, strict=True):
        row[decide.candidate_set(chance, limits.candidate)] = True
    propose = float(decide.logit(limits.propose))
    clean = _most_suspect(fold.clean, propose, calibration.temperature, labels, limits.finder)
    things = _said(fold.things, calibration.temperature, labels, limits.finder)
    found = decide.evidence(decide.contamination(things, labels), limits.place_offset) >= limits.suspect
    return Judged(
        fold=fold,
        calibration=calibration,
        chances=chances,
        flagged=decide.contamination(chances, labels) >= limits.suspect,
        sets=sets,
        clean_flagged=decide.evidence(clean, limits.place_offset) >= limits.suspect,
        clean_real=fold.clean.real[np.unique(fold.clean.photograph, return_index=True)[1]],
        things_flagged=found & (fold.things.found >= propose),
        things=things,
    )


def cross_fitted(folds: Sequence[HeldOut], labels: Sequence[str], weights: Sequence[float] = FINDER_WEIGHTS) -> list[Judged]:
    """Judge each fold by the calibration of the others.

    Raises:
        SystemExit: there are fewer than two folds, or the others of a fold have no clean picture.
    """
    if len(folds) < 2:
        raise SystemExit("cross-fitting needs two folds or more (training/split.toml)")
    return [
        judge(fold, choose([other for k, other in enumerate(folds) if k != i], labels, "cross-fitted", weights), labels)
        for i, fold in enumerate(folds)
    ]


def _weighed(parts: Sequence[HeldOut], propose: float, t: float, labels: Sequence[str], weights: Sequence[float]) -> tuple[float, float]:
    """The weight of the finder with which most things are found where few clean photographs are flagged, and the probability of
    contamination from which a place is suspect then."""
    tried = []
    for weight in weights:
        clean = np.concatenate([_most_suspect(p.clean, propose, t, labels, weight) for p in parts])
        limit = float(np.quantile(clean, 1 - PHOTOGRAPH_FALSE_FLAGS))
        found = [(decide.contamination(_said(p.things, t, labels, weight), labels) >= limit) & (p.things.found >= propose) for p in parts]
        tried.append((float(np.concatenate(found).mean()), weight, limit))
    _, weight, limit = max(tried)
    return weight, limit


def _said(spots: Spots, t: float, labels: Sequence[str], weight: float) -> np.ndarray:
    """What finder and closer look say of each spot together: label probabilities, shape (n, labels)."""
    return decide.together(decide.sigmoid(spots.found.astype(np.float64)), decide.probabilities(spots.looks, t), labels, weight)


def _most_suspect(clean: Spots, propose: float, t: float, labels: Sequence[str], weight: float) -> np.ndarray:
    """Probability of contamination of the most suspect place of each clean photograph, shape (photographs,); 0 where none is proposed."""
    chance = np.where(clean.found >= propose, decide.contamination(_said(clean, t, labels, weight), labels), 0.0)
    return np.array([chance[clean.photograph == k].max() for k in np.unique(clean.photograph)])


def _last_proposed(clean: Spots) -> np.ndarray:
    """The finder's logit at the last of the spots of each clean photograph that are to be looked at closely, shape (photographs,)."""
    return np.array([np.sort(clean.found[clean.photograph == k])[-PROPOSED] for k in np.unique(clean.photograph)])
