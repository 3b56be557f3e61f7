"""How far the data carry: what is trained on and tested on in each row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs the extra train")
pytest.importorskip("torch", reason="needs the extra train")

from pestcheck import taxonomy
from training import curve, data


def pictures() -> list[data.Picture]:
    """Four sources a fold and two outside, each with 12 ants and 12 pieces of metal."""
    folds = data.folds()
    sources = [*sorted(folds["a"])[:4], *sorted(folds["b"])[:4], "drawn/one", "drawn/other"]
    return [
        data.Picture(Path(f"{source}-{label}-{k}"), label, label, source, f"{source}-{label}-{k // 2}", None, frozenset(), "CC0")
        for source in sources for label in ("ant", "clean_metal") for k in range(12)
    ]  # fmt: skip


def test_no_picture_is_tested_by_what_was_trained_on_it() -> None:
    members = pictures()
    plans = curve._plans(members)
    tested = {k for k, p in enumerate(members) if not p.source.startswith("drawn/")}
    for name, rounds in plans.items():
        assert sorted(k for _, test in rounds for k in test) == sorted(tested)
        for train, test in rounds:
            assert not {members[k].group for k in train} & {members[k].group for k in test}
            shared = {members[k].source for k in train} & {members[k].source for k in test}
            assert bool(shared) == ("the tested one too" in name)
    counts = [sum(len(train) for train, _ in rounds) for rounds in plans.values()]
    assert counts[:4] == sorted(counts[:4])
    assert counts[4] > counts[3]


def test_features_that_tell_the_source_alone_do_not_carry_to_another() -> None:
    """Features hold the label in a way of each source's own: right on a known source, a guess on another."""
    members, labels = pictures(), [label for label in taxonomy.LABELS if label in ("ant", "clean_metal")]
    sources = sorted({p.source for p in members})
    rng = np.random.default_rng(0)
    features = rng.normal(0, 0.1, (len(members), len(sources)))
    for row, p in zip(features, members, strict=True):
        row[sources.index(p.source)] += 4 if p.label == "ant" else -4
    found = curve.measure(np.repeat(features, 60, axis=1), members, labels)  # many, or the regularisation leaves nothing
    *_, others, itself = found.values()
    assert itself["top1"]["value"] > 0.95
    assert 0.2 < others["top1"]["value"] < 0.8
    for entry in found.values():
        low, high = entry["top1"]["interval"]
        assert low <= entry["top1"]["value"] <= high
        assert entry["pictures"] == 192
