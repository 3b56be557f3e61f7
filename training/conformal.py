"""Sets of candidate labels that hold the right one as often as they say: split conformal prediction.

The promise needs pictures that are like the calibration pictures. Those of another source are not, so ``measure`` sets on sources
that helped neither to train nor to calibrate, and say what came out.

Three ways to a set, to be compared:

- one least probability for all labels (LAC: Sadinle et al. 2019), ``quantile``: the smallest sets on average;
- a least probability for each label (Mondrian: Vovk et al. 2005), ``quantiles``: the promise holds for each label by itself;
- the most probable labels up to a share (APS: Romano et al. 2020; RAPS: Angelopoulos et al. 2021), ``adaptive``: larger sets
  where the picture is harder.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]
Sets = np.ndarray[Any, np.dtype[np.bool_]]
"""Whether each label is in the set of each picture, shape (n, labels)."""

ENOUGH = 20
"""Pictures that a label needs for its own coverage to be told."""
SLACK = 1e-9
"""So that 0.55 of 100, which is 55.00000000000001 in floating point, does not become 56."""


class TooFewError(ValueError):
    """Too few calibration pictures for the coverage; the message says how many it takes."""


def needed(coverage: float) -> int:
    """How many calibration pictures a coverage takes: with fewer, only the set of all labels would have it.

    Raises:
        ValueError: the coverage is not between 0 and 1.
    """
    if not 0 < coverage < 1:
        raise ValueError(f"the coverage must be between 0 and 1, not {coverage}")
    return max(1, math.ceil(coverage / (1 - coverage) - SLACK))


def quantile(chances: np.ndarray, truth: np.ndarray, coverage: float) -> float:
    """The least probability that a label needs to be in the set (LAC: Sadinle et al. 2019).

    It is the ceil((n + 1) coverage)-th greatest of the probabilities of the right labels: the + 1 stands for the picture to come.
    Rounded for storing, it must be rounded down.

    Args:
        chances: calibrated label probabilities, shape (n, labels). truth: index of the right label, shape (n,).

    Raises:
        TooFewError: the coverage takes more pictures.
    """
    return -_least(-chances[np.arange(len(truth)), truth], coverage)


def quantiles(chances: np.ndarray, truth: np.ndarray, coverage: float, rare: float | None = None) -> Array:
    """The same for each label by itself, from its own pictures (Mondrian: Vovk et al. 2005), shape (labels,).

    Args:
        chances, truth, coverage: see ``quantile``.
        rare: what a label with too few pictures gets. 0 keeps the promise: such a label is in every set. The common ``quantile``
            gives smaller sets, but promises nothing for that label.

    Raises:
        TooFewError: a label has too few pictures, and ``rare`` is not given.
    """
    count, least = np.bincount(truth, minlength=chances.shape[1]), needed(coverage)
    few = np.flatnonzero(count < least)
    if rare is None and len(few):
        having = ", ".join(f"{k} ({count[k]})" for k in few)
        raise TooFewError(f"a coverage of {coverage:g} needs {least} calibration pictures of each label; too few of labels {having}")
    limits = np.full(chances.shape[1], rare, np.float64)
    for k in np.flatnonzero(count >= least):
        limits[k] = quantile(chances[truth == k], truth[truth == k], coverage)
    return limits


def adaptive(chances: np.ndarray, *, penalty: float = 0.0, free: int = 0, noise: np.ndarray | None = None) -> Array:
    """How far down the list each label stands: the probabilities of the labels before it and its own, summed, shape (n, labels).

    Without a penalty this is APS (Romano et al. 2020), with one it is RAPS (Angelopoulos et al. 2021).

    Args:
        chances: calibrated label probabilities, shape (n, labels).
        penalty: added for each place below the first ``free`` ones, so that no set grows long for a few crumbs of probability.
        noise: share from 0 to 1 of a label's own probability that counts, shape (n,), drawn evenly, as in the papers: sets are smaller.
            None counts all of it: the same picture has the same set each time.
    """
    rows, order = np.arange(len(chances))[:, None], np.argsort(-chances, axis=1, kind="stable")
    own = chances[rows, order]
    place = np.arange(1, chances.shape[1] + 1)
    share = np.ones((len(chances), 1)) if noise is None else np.asarray(noise, np.float64)[:, None]
    scores = np.empty(chances.shape)
    scores[rows, order] = own.cumsum(axis=1) - (1 - share) * own + penalty * np.maximum(0, place - free)
    return scores


def adaptive_quantile(scores: np.ndarray, truth: np.ndarray, coverage: float) -> float:
    """The greatest score that a label may have to be in the set.

    Args:
        scores: of the calibration pictures, see ``adaptive``, shape (n, labels). truth: index of the right label, shape (n,).

    Raises:
        TooFewError: the coverage takes more pictures.
    """
    return _least(scores[np.arange(len(truth)), truth], coverage)


def sets(chances: np.ndarray, limit: float | Array) -> Sets:
    """Labels whose probability, shape (n, labels), is at least ``limit``: one for all, or one for each label, shape (labels,)."""
    result: Sets = chances >= limit
    return result


def adaptive_sets(scores: np.ndarray, limit: float) -> Sets:
    """Labels whose score, shape (n, labels), is at most ``limit``."""
    result: Sets = scores <= limit
    return result


def never_empty(given: Sets, chances: np.ndarray) -> Sets:
    """The sets with the most probable label, shape (n, labels) all three: what ``decide.candidate_set`` shows."""
    result = given.copy()
    if len(result):
        result[np.arange(len(result)), chances.argmax(axis=1)] = True
    return result


def measure(given: Sets, truth: np.ndarray) -> dict[str, Any]:
    """What sets, shape (n, labels), are worth on pictures whose labels, shape (n,), are known.

    Returns:
        pictures: their count. coverage: share of sets that hold the right label; worst_label_coverage: the same of the label with the
        least, among labels with 20 pictures or more, and worst_label: its index. mean_size: labels in a set. singletons, empties:
        shares of sets with one label, and with none. All but the count are None where no picture, or no such label, is there.
    """
    names = ("coverage", "worst_label_coverage", "worst_label", "mean_size", "singletons", "empties")
    if not len(truth):
        return {"pictures": 0, **dict.fromkeys(names)}
    held, size = given[np.arange(len(truth)), truth], given.sum(axis=1)
    count, right = np.bincount(truth), np.bincount(truth, weights=held)
    often = np.flatnonzero(count >= ENOUGH)
    share = right[often] / count[often]
    worst = int(share.argmin()) if len(often) else None
    return {
        "pictures": len(truth),
        "coverage": round(float(held.mean()), 4),
        "worst_label_coverage": None if worst is None else round(float(share[worst]), 4),
        "worst_label": None if worst is None else int(often[worst]),
        "mean_size": round(float(size.mean()), 4),
        "singletons": round(float((size == 1).mean()), 4),
        "empties": round(float((size == 0).mean()), 4),
    }


def _least(scores: np.ndarray, coverage: float) -> float:
    """The ceil((n + 1) coverage)-th smallest score, shape (n,)."""
    least = needed(coverage)
    if len(scores) < least:
        raise TooFewError(f"a coverage of {coverage:g} needs {least} calibration pictures, not {len(scores)}")
    return float(np.sort(scores)[max(1, math.ceil((len(scores) + 1) * coverage - SLACK)) - 1])
