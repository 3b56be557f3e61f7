"""Scores that say how unlike the training data an input is, and what they are worth. Higher is more unknown.

A network gives a label to anything that it is shown. Such a score may send what it never learnt to a person instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pestcheck.vision import decide
from training import evaluate

Array = np.ndarray[Any, np.dtype[np.float64]]
Measure = Callable[[np.ndarray, np.ndarray], float]
"""From the scores of known and of unknown inputs to one number."""

KEPT = 0.95
"""Share of known inputs that ``fpr_at_95`` lets through."""
RIDGE = 1e-6
"""Share of the mean variance that Mahalanobis adds to every direction, so that the covariance has an inverse."""
NOISE = 1e-6
"""A residual below this share of the features is the rounding of float32, not a residual."""


def softmax_score(logits: np.ndarray) -> Array:
    """One less the greatest softmax probability (Hendrycks & Gimpel 2017), shape (n,), from logits of shape (n, labels).

    Summed from the other labels: so very sure inputs keep their order, where 1 - p would be 0 for all of them.
    """
    others: Array = np.sort(decide.probabilities(logits, 1.0), axis=1)[:, :-1].sum(axis=1)
    return others


def energy_score(logits: np.ndarray, temperature: float = 1.0) -> Array:
    """-T log sum exp(logits / T) (Liu et al. 2020), shape (n,), from logits of shape (n, labels).

    Raises:
        ValueError: the temperature is not above zero.
    """
    if not temperature > 0:
        raise ValueError(f"the temperature must be above zero, not {temperature}")
    scaled = np.asarray(logits, np.float64) / temperature
    top = scaled.max(axis=1)
    energy: Array = -temperature * (top + np.log(np.exp(scaled - top[:, None]).sum(axis=1)))
    return energy


@dataclass(frozen=True)
class Vim:
    """Virtual-logit matching (Wang et al. 2022): the part of the features that training pictures hardly have, less the evidence
    that the logits see.

    ``origin``: the features for which the last layer gives nothing but zeros, shape (d,). ``residual``: directions with the least
    spread in training, shape (d, d - dimensions). ``scale``: brings the length of the residual on the scale of the logits.
    """

    origin: Array
    residual: Array
    scale: float

    @classmethod
    def fit(cls, features: np.ndarray, logits: np.ndarray, weight: np.ndarray, bias: np.ndarray, dimensions: int) -> Vim:
        """Fit on training pictures.

        Args:
            features: what the last layer is given, shape (n, d). logits: what it makes of them, shape (n, labels).
            weight, bias: of the last layer, shapes (labels, d) and (labels,).
            dimensions: how many directions of the greatest spread are left out of the residual.

        Raises:
            ValueError: there is no picture; no direction would be left, or all; the pictures have no residual; or the scale would
                not be above zero, since the greatest logits are below zero on average.
        """
        _some(features)
        if not 0 < dimensions < features.shape[1]:
            raise ValueError(f"of {features.shape[1]} dimensions, at least one and not all must be left out, not {dimensions}")
        origin = -np.linalg.pinv(np.asarray(weight, np.float64)) @ np.asarray(bias, np.float64)
        centred = np.asarray(features, np.float64) - origin
        _, directions = np.linalg.eigh(centred.T @ centred / len(centred))  # ascending spread
        residual = directions[:, : features.shape[1] - dimensions]
        length = float(np.linalg.norm(centred @ residual, axis=1).mean())
        if length <= NOISE * float(np.linalg.norm(centred, axis=1).mean()):
            raise ValueError(f"the features have no spread beyond {dimensions} dimensions; leave out fewer")
        top = float(np.asarray(logits, np.float64).max(axis=1).mean())
        if top <= 0:
            raise ValueError(f"the greatest logits must be above zero on average, not {top:.3g}; are they log probabilities?")
        return cls(origin, residual, top / length)

    def score(self, features: np.ndarray, logits: np.ndarray) -> Array:
        """Scores, shape (n,), from features of shape (n, d) and logits of shape (n, labels)."""
        virtual = np.linalg.norm((np.asarray(features, np.float64) - self.origin) @ self.residual, axis=1) * self.scale
        result: Array = virtual + energy_score(logits)
        return result


@dataclass(frozen=True)
class Mahalanobis:
    """Squared distance to the nearest label's mean, in units of the spread that all labels share (Lee et al. 2018).

    ``whiten``: makes that spread one in every direction, shape (d, d). ``centres``: the means, whitened, shape (labels, d).
    """

    whiten: Array
    centres: Array

    @classmethod
    def fit(cls, features: np.ndarray, truth: np.ndarray) -> Mahalanobis:
        """Fit on training pictures: features of shape (n, d), indices of their labels of shape (n,).

        Raises:
            ValueError: there is no picture, or the pictures of each label are all alike.
        """
        _some(features)
        features = np.asarray(features, np.float64)
        present, member = np.unique(truth, return_inverse=True)
        centres = np.stack([features[member == k].mean(axis=0) for k in range(len(present))])
        centred = features - centres[member]
        covariance = centred.T @ centred / len(centred)
        ridge = RIDGE * float(np.trace(covariance)) / len(covariance)
        if ridge <= 0:
            raise ValueError("the pictures of each label have the same features; there is no spread to measure by")
        spread, directions = np.linalg.eigh(covariance)
        whiten = directions / np.sqrt(np.maximum(spread, 0.0) + ridge)
        return cls(whiten, centres @ whiten)

    def score(self, features: np.ndarray) -> Array:
        """Scores, shape (n,), from features of shape (n, d)."""
        white = np.asarray(features, np.float64) @ self.whiten
        nearest: Array = np.stack([((white - centre) ** 2).sum(axis=1) for centre in self.centres]).min(axis=0)
        return nearest


def auroc(known: np.ndarray, unknown: np.ndarray) -> float:
    """Area under the ROC curve: how often an unknown input scores above a known one; a tie counts half.

    Args:
        known, unknown: scores, shapes (n,) and (m,).

    Returns:
        From 0 to 1; 0.5 is chance. NaN where either is empty.

    Raises:
        ValueError: a score is NaN.
    """
    _numbers(known, unknown)
    if not len(known) or not len(unknown):
        return math.nan
    ordered = np.sort(known)
    ranks = np.searchsorted(ordered, unknown, "left") + np.searchsorted(ordered, unknown, "right")
    return float(ranks.mean()) / 2 / len(known)


def fpr_at_95(known: np.ndarray, unknown: np.ndarray) -> float:
    """Share of unknown inputs that pass for known, where at least 95 % of the known ones do (Liang et al. 2018).

    Args:
        known, unknown: scores, shapes (n,) and (m,).

    Returns:
        From 0 to 1; 0 is best, and chance is 0.95. NaN where either is empty.

    Raises:
        ValueError: a score is NaN.
    """
    _numbers(known, unknown)
    if not len(known) or not len(unknown):
        return math.nan
    limit = np.sort(known)[math.ceil(KEPT * len(known) - 1e-9) - 1]
    return float((np.asarray(unknown) <= limit).mean())


MEASURES: dict[str, Measure] = {"auroc": auroc, "fpr_at_95": fpr_at_95}


def compare(scores: Mapping[str, np.ndarray], unknown: np.ndarray, units: Sequence[str]) -> dict[str, Any]:
    """How well each of several scores tells the same unknown inputs from the same known ones.

    Args:
        scores: by the name of the score, each of shape (n,). unknown: whether each input is, bool, shape (n,).
        units: of each input, its split group or source; drawn whole, since inputs of one unit are not independent.

    Returns:
        By name: auroc and fpr_at_95, each with its value and a 95 % bootstrap interval. None where it is not defined.

    Raises:
        ValueError: a score is NaN, or the lengths differ.
    """
    unknown = np.asarray(unknown, bool)
    if wrong := [name for name, score in scores.items() if len(score) != len(unknown)]:
        raise ValueError(f"{', '.join(wrong)}: there must be one score for each of the {len(unknown)} inputs")
    if len(units) != len(unknown):
        raise ValueError(f"there must be one unit for each of the {len(unknown)} inputs, not {len(units)}")
    every, draws = np.arange(len(unknown)), evaluate.resamples(units) if len(unknown) else []
    result: dict[str, Any] = {}
    for name, score in scores.items():
        result[name] = {}
        for key, measure in MEASURES.items():

            def statistic(rows: np.ndarray, score: np.ndarray = score, measure: Measure = measure) -> float:
                return measure(score[rows][~unknown[rows]], score[rows][unknown[rows]])

            value = statistic(every)
            result[name][key] = {
                "value": None if math.isnan(value) else round(value, 4),
                "interval": evaluate.interval(statistic, draws),
            }
    return result


def _some(features: np.ndarray) -> None:
    if not len(features):
        raise ValueError("there is no picture to fit on")


def _numbers(*scores: np.ndarray) -> None:
    if any(np.isnan(score).any() for score in scores):
        raise ValueError("a score is not a number (NaN)")
