"""Numbers with intervals: how good are label probabilities on pictures whose labels are known?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pestcheck.taxonomy import LABELS
from pestcheck.vision import decide
from training.data import Picture

RESAMPLES = 1000
FALSE_FLAGS = 0.05
BINS = 15


def interval(statistic: Callable[[np.ndarray], float], groups: np.ndarray, seed: int = 0) -> list[float]:
    """95 % percentile bootstrap of ``statistic(indices)``; whole groups are drawn, since their pictures are not independent."""
    rng = np.random.default_rng(seed)
    names, member = np.unique(groups, return_inverse=True)
    rows = [np.flatnonzero(member == g) for g in range(len(names))]
    values = [statistic(np.concatenate([rows[g] for g in rng.integers(0, len(rows), len(rows))])) for _ in range(RESAMPLES)]
    return [round(float(v), 4) for v in np.nanpercentile(values, (2.5, 97.5))]


def measure(chances: np.ndarray, labels: list[str], pictures: list[Picture], thresholds: decide.Thresholds | None = None) -> dict[str, Any]:
    """All numbers of one part.

    Args:
        chances: label probabilities, shape (n, labels). thresholds: of the model; None leaves out what needs them.

    Returns:
        top1: share of pictures whose most probable label is right. mean_recall: mean of the per-label recalls.
        group_top1: the same for groups. recall_at_5pct: share of contaminated pictures above the threshold that flags 5 %
        of this part's clean ones; recall, false_flags: at the model's own threshold. ece: expected calibration error of
        top-1 (15 bins). Each with a 95 % interval; per_label: recall, precision, pictures, sources.
    """
    truth = np.array([labels.index(p.label) for p in pictures])
    groups = np.array([p.group for p in pictures])
    guess, top = chances.argmax(1), chances.max(1)
    harmful = np.array([LABELS[label].contaminant for label in labels])
    group_of = np.array([list(LABELS.values()).index(next(v for v in LABELS.values() if v.group == LABELS[label].group)) for label in labels])
    dirty, chance = harmful[truth], decide.contamination(chances, labels)

    def recall_at(rows: np.ndarray) -> float:
        clean = chance[rows][~dirty[rows]]
        return float((chance[rows][dirty[rows]] > np.quantile(clean, 1 - FALSE_FLAGS)).mean())

    def mean_recall(rows: np.ndarray) -> float:
        return float(np.mean([(guess[rows] == k)[truth[rows] == k].mean() for k in np.unique(truth[rows])]))

    def ece(rows: np.ndarray) -> float:
        bins = np.minimum((top[rows] * BINS).astype(int), BINS - 1)
        right = guess[rows] == truth[rows]
        return float(sum(abs(right[bins == b].mean() - top[rows][bins == b].mean()) * (bins == b).mean() for b in np.unique(bins)))

    statistics: dict[str, Callable[[np.ndarray], float]] = {
        "top1": lambda rows: float((guess[rows] == truth[rows]).mean()),
        "group_top1": lambda rows: float((group_of[guess[rows]] == group_of[truth[rows]]).mean()),
        "mean_recall": mean_recall,
        "recall_at_5pct": recall_at,
        "ece": ece,
    }
    if thresholds:
        flagged = chance >= thresholds.suspect
        statistics["recall"] = lambda rows: float(flagged[rows][dirty[rows]].mean())
        statistics["false_flags"] = lambda rows: float(flagged[rows][~dirty[rows]].mean())
    every = np.arange(len(pictures))
    result: dict[str, Any] = {"pictures": len(pictures), "contaminated": int(dirty.sum()), "sources": len({p.source for p in pictures})}
    for key, statistic in statistics.items():
        result[key] = {"value": round(statistic(every), 4), "interval": interval(statistic, groups)}
    result["per_label"] = {
        labels[k]: {
            "recall": round(float((guess == k)[truth == k].mean()), 4),
            "precision": round(float((truth == k)[guess == k].mean()), 4) if (guess == k).any() else None,
            "pictures": int((truth == k).sum()),
            "sources": len({p.source for p, t in zip(pictures, truth, strict=True) if t == k}),
        }
        for k in np.unique(truth)
    }
    return result
