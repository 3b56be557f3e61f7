"""How far the data carry: the frozen features' regression, trained on more and more sources, and on the tested sources themselves.

Fitted anew in seconds, it shows what a network cannot show in the time there is: whether more sources help, and how much of what is
missing is the sources' being strange, rather than the pictures' being hard.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pestcheck.vision import decide
from training import baseline, data, evaluate

SHARES = (0.25, 0.5, 0.75, 1.0)
"""Of the sources of the other folds that are trained on."""


def measure(features: np.ndarray, pictures: Sequence[data.Picture], labels: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Top-1 and recall at 5 % false flags of the pictures of all folds, by what the regression was trained on.

    Args:
        features: of the frozen network, one row a picture. pictures: all that may be trained on.

    Returns:
        By a name in words: ``top1`` and ``recall_at_5pct``, each with its value and intervals (see ``evaluate``), and ``pictures``: how
        many were tested. A picture whose label was not trained counts as named wrong.
    """
    return {name: _judged(features, pictures, labels, rounds) for name, rounds in _plans(pictures).items()}


Rounds = list[tuple[np.ndarray, np.ndarray]]
"""Rows that are trained on, and rows that are tested."""


def _plans(pictures: Sequence[data.Picture]) -> dict[str, Rounds]:
    fold_of = {source: fold for fold, sources in data.folds().items() if fold != "never" for source in sources}
    fold = np.array([fold_of.get(p.source, "") for p in pictures])
    source, group = np.array([p.source for p in pictures]), np.array([p.group for p in pictures])
    tested = np.flatnonzero(fold != "")

    def rounds(part: np.ndarray, kept: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Each value of ``part`` held out in turn, and with it every group that it shares; of the others, those kept are trained on."""
        for value in np.unique(part[tested]):
            test = tested[part[tested] == value]
            train = np.flatnonzero((part != value) & kept & ~np.isin(group, np.unique(group[test])))
            yield train, test

    place = {s: int(hashlib.sha256(s.encode()).hexdigest(), 16) % 1000 / 1000 for s in np.unique(source)}
    where, halves = np.array([place[s] for s in source]), np.array([hashlib.sha256(g.encode()).digest()[0] % 2 for g in group])
    plans = {
        f"{share:.0%} of the sources outside the fold": list(rounds(fold, (fold == "") | (where <= share))) for share in SHARES
    }  # sources in no fold carry the labels that no other has
    plans["every source but the tested one"] = list(rounds(source, np.ones(len(pictures), bool)))
    plans["every source, the tested one too (half of its groups)"] = list(rounds(halves, np.ones(len(pictures), bool)))
    return plans


def _judged(features: np.ndarray, pictures: Sequence[data.Picture], labels: Sequence[str], rounds: Rounds) -> dict[str, Any]:
    index = {label: i for i, label in enumerate(labels)}
    chances, tested = [], []
    for train, test in rounds:
        members = [pictures[k] for k in train]
        truth = np.array([index[p.label] for p in members])
        found = baseline.logits(features[train], truth, data.sampling_weights(members), features[test], len(labels))
        chances.append(decide.probabilities(found, 1.0))
        tested += [pictures[k] for k in test]
    outcome = evaluate.Outcome.of(np.concatenate(chances), labels, tested, np.zeros(len(tested), bool))
    every = np.arange(len(tested))
    by_group, by_source = evaluate.resamples([p.group for p in tested]), evaluate.resamples([p.source for p in tested])
    result: dict[str, Any] = {"pictures": len(tested)}
    for name in ("top1", "recall_at_5pct"):
        statistic = getattr(outcome, name)
        result[name] = {
            "value": round(statistic(every), 4),
            "interval": evaluate.interval(statistic, by_group),
            "interval_sources": evaluate.interval(statistic, by_source),
        }
    return result
