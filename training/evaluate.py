"""Numbers with intervals: how good are label probabilities on pictures whose labels are known?"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pestcheck.taxonomy import LABELS
from pestcheck.vision import decide
from training.data import Picture

RESAMPLES = 1000
FALSE_FLAGS = 0.05
BINS = 15
PREVALENCES = (0.002, 0.05, 0.2)

Statistic = Callable[[np.ndarray], float]
"""From row numbers, shape (m,), to one number; NaN where it is not defined."""


def resamples(units: Sequence[str], seed: int = 0) -> list[np.ndarray]:
    """Row numbers of bootstrap samples. Whole units (split groups, sources) are drawn, since their pictures are not independent.

    There are none of nothing.
    """
    if not len(units):
        return []
    rng = np.random.default_rng(seed)
    names, member = np.unique(np.asarray(units), return_inverse=True)
    rows = [np.flatnonzero(member == k) for k in range(len(names))]
    return [np.concatenate([rows[k] for k in rng.integers(0, len(rows), len(rows))]) for _ in range(RESAMPLES)]


def interval(statistic: Statistic, draws: list[np.ndarray]) -> list[float | None]:
    """95 % percentile bootstrap interval of a statistic."""
    values = np.array([statistic(rows) for rows in draws])
    if np.isnan(values).all():
        return [None, None]
    return [_rounded(v) for v in np.nanpercentile(values, (2.5, 97.5))]


@dataclass(frozen=True)
class Outcome:
    """What was said of each picture, beside the truth; every array has shape (n,).

    ``truth``, ``guess``: indices of labels; ``top``: probability of the guess. ``truth_group``, ``guess_group``: the groups.
    ``chance``: probability of any contamination; ``dirty``: whether there is any; ``flagged``: whether the picture is suspect.
    """

    truth: np.ndarray
    guess: np.ndarray
    top: np.ndarray
    truth_group: np.ndarray
    guess_group: np.ndarray
    chance: np.ndarray
    dirty: np.ndarray
    flagged: np.ndarray

    @classmethod
    def of(cls, chances: np.ndarray, labels: Sequence[str], pictures: Sequence[Picture], flagged: np.ndarray) -> Outcome:
        index = {label: i for i, label in enumerate(labels)}
        truth, guess = np.array([index[p.label] for p in pictures]), chances.argmax(1)
        groups = np.array([LABELS[label].group.value for label in labels])
        harmful = np.array([LABELS[label].contaminant for label in labels])
        chance = decide.contamination(chances, labels)
        return cls(truth, guess, chances.max(1), groups[truth], groups[guess], chance, harmful[truth], np.asarray(flagged, bool))

    def top1(self, rows: np.ndarray) -> float:
        """Share of pictures whose most probable label is right."""
        return _mean(self.guess[rows] == self.truth[rows])

    def group_top1(self, rows: np.ndarray) -> float:
        """Share of pictures whose most probable label is of the right group."""
        return _mean(self.guess_group[rows] == self.truth_group[rows])

    def mean_recall(self, rows: np.ndarray) -> float:
        """Mean over labels of the share of their pictures that are named right: every label counts the same."""
        truth = self.truth[rows]
        count, right = np.bincount(truth), np.bincount(truth, weights=self.guess[rows] == truth)
        return _mean(right[count > 0] / count[count > 0])

    def recall_at_5pct(self, rows: np.ndarray) -> float:
        """Share of contaminated pictures above the threshold that flags 5 % of the clean ones among these very rows."""
        chance, dirty = self.chance[rows], self.dirty[rows]
        if dirty.all():
            return math.nan
        return _mean(chance[dirty] > np.quantile(chance[~dirty], 1 - FALSE_FLAGS))

    def recall(self, rows: np.ndarray) -> float:
        """Share of contaminated pictures that are flagged."""
        return _mean(self.flagged[rows][self.dirty[rows]])

    def false_flags(self, rows: np.ndarray) -> float:
        """Share of clean pictures that are flagged."""
        return _mean(self.flagged[rows][~self.dirty[rows]])

    def ece(self, rows: np.ndarray) -> float:
        """Expected calibration error of the most probable label, 15 bins of equal width (Guo et al. 2017)."""
        top, right = self.top[rows], self.guess[rows] == self.truth[rows]
        bins = np.minimum((top * BINS).astype(int), BINS - 1)
        return float(np.abs(np.bincount(bins, weights=right - top, minlength=BINS)).sum() / len(rows)) if len(rows) else math.nan


STATISTICS = ("recall", "false_flags", "recall_at_5pct", "top1", "group_top1", "mean_recall", "ece")


def measure(chances: np.ndarray, labels: Sequence[str], pictures: Sequence[Picture], flagged: np.ndarray) -> dict[str, Any]:
    """All numbers of one part.

    Args:
        chances: label probabilities, shape (n, labels). flagged: whether each picture is suspect at its own threshold,
            bool, shape (n,): thresholds may differ between pictures.

    Returns:
        pictures, contaminated, sources: counts. Every one of STATISTICS (see the methods of Outcome): its value, a 95 % interval
        over split groups ("interval": how sure with these sources) and one over sources ("interval_sources": what other sources
        like them may bring). per_label and per_source: shares without intervals; precision is None for a label never given.
    """
    outcome, every = Outcome.of(chances, labels, pictures, flagged), np.arange(len(pictures))
    by_group, by_source = resamples([p.group for p in pictures]), resamples([p.source for p in pictures])
    sources = np.array([p.source for p in pictures])
    result: dict[str, Any] = {"pictures": len(pictures), "contaminated": int(outcome.dirty.sum()), "sources": len(set(sources))}
    for name in STATISTICS:
        statistic = getattr(outcome, name)
        result[name] = {
            "value": _rounded(statistic(every)),
            "interval": interval(statistic, by_group),
            "interval_sources": interval(statistic, by_source),
        }
    result["per_label"] = {
        labels[k]: {
            "recall": _rounded(_mean((outcome.guess == k)[outcome.truth == k])),
            "precision": _rounded(_mean((outcome.truth == k)[outcome.guess == k])),
            "flagged": _rounded(_mean(outcome.flagged[outcome.truth == k])),
            "pictures": int((outcome.truth == k).sum()),
            "sources": len(set(sources[outcome.truth == k])),
        }
        for k in np.unique(outcome.truth)
    }
    result["per_source"] = {
        str(source): {"pictures": len(rows), "top1": _rounded(outcome.top1(rows)), "recall": _rounded(outcome.recall(rows)),
                      "false_flags": _rounded(outcome.false_flags(rows))}
        for source in np.unique(sources) for rows in [np.flatnonzero(sources == source)]
    }  # fmt: skip
    return result


def gain(
    ours: np.ndarray,
    baseline: np.ndarray,
    labels: Sequence[str],
    pictures: Sequence[Picture],
    names: Sequence[str] = ("top1", "recall_at_5pct"),
) -> dict[str, Any]:
    """How much better one model is than another on the same pictures: paired differences with the same intervals as ``measure``.

    Args:
        ours, baseline: label probabilities, shape (n, labels). names: of the statistics that are compared.
    """
    none, every = np.zeros(len(pictures), bool), np.arange(len(pictures))
    first, second = (Outcome.of(chances, labels, pictures, none) for chances in (ours, baseline))
    by_group, by_source = resamples([p.group for p in pictures]), resamples([p.source for p in pictures])
    result = {}
    for name in names:
        a, b = getattr(first, name), getattr(second, name)

        def difference(rows: np.ndarray, a: Statistic = a, b: Statistic = b) -> float:
            return a(rows) - b(rows)

        result[name] = {
            "value": _rounded(difference(every)),
            "interval": interval(difference, by_group),
            "interval_sources": interval(difference, by_source),
        }
    return result


def predictive_values(recall: float | None, false_flags: float | None) -> list[dict[str, float | None]]:
    """What a flag, and no flag, is worth where a given share of photographs shows contamination.

    Returns:
        For each prevalence: ppv, the share of flagged photographs that are contaminated; npv, the share of those not flagged
        that are clean. None where no photograph would be flagged, or all, or where a rate is not known.
    """
    rows: list[dict[str, float | None]] = []
    for prevalence in PREVALENCES:
        if recall is None or false_flags is None:
            rows.append({"prevalence": prevalence, "ppv": None, "npv": None})
            continue
        hit, false = prevalence * recall, (1 - prevalence) * false_flags
        miss, passed = prevalence - hit, (1 - prevalence) - false
        rows.append({
            "prevalence": prevalence,
            "ppv": round(hit / (hit + false), 4) if hit + false else None,
            "npv": round(passed / (passed + miss), 5) if passed + miss else None,
        })  # fmt: skip
    return rows


def reliability(chances: np.ndarray, truth: np.ndarray) -> list[dict[str, float | int]]:
    """How often the most probable label is right, by how probable it is: one entry for each bin that is not empty.

    Args:
        chances: label probabilities, shape (n, labels). truth: index of the right label, shape (n,).

    Returns:
        For each of 15 bins of equal width: "said", the mean probability; "right", the share that is right; "pictures", how many.
    """
    top, right = chances.max(1), chances.argmax(1) == truth
    bins = np.minimum((top * BINS).astype(int), BINS - 1)
    return [
        {
            "said": round(float(top[bins == k].mean()), 4),
            "right": round(float(right[bins == k].mean()), 4),
            "pictures": int((bins == k).sum()),
        }
        for k in np.unique(bins)
    ]


def share(values: np.ndarray) -> float | None:
    """Share of true values, None of none."""
    return _rounded(_mean(values))


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else math.nan


def _rounded(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 4)
