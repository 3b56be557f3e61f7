"""Temperature and thresholds, on logits whose right answer is known."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("scipy", reason="needs the extra train")

from pestcheck.vision import decide
from training import calibrate

LABELS = ["ant", "soil", "container", "rust"]


def drawn(n: int, temperature: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits of shape (n, labels), and labels drawn with the probabilities that they have at this temperature."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 3, (n, len(LABELS)))
    chances = decide.probabilities(logits, temperature)
    return logits, (rng.random((n, 1)) > chances.cumsum(1)).sum(1)


def part(n: int, seed: int, temperature: float = 1.0, tiles: int = 0) -> calibrate.Unseen:
    logits, truth = drawn(n, temperature, seed)
    return calibrate.Unseen(logits, truth, drawn(tiles, temperature, seed + 100)[0])


@pytest.mark.parametrize("known", [0.5, 1.0, 2.5])
def test_a_known_temperature_is_recovered(known: float) -> None:
    assert calibrate.temperature(*drawn(20_000, known, seed=1)) == pytest.approx(known, rel=0.06)


def test_thresholds_flag_the_stated_share() -> None:
    rng = np.random.default_rng(2)
    clean, tiles = rng.beta(1, 5, 20_000), rng.beta(1, 4, 100_000)
    limits = calibrate.thresholds(clean, tiles, "v")
    assert (clean >= limits.suspect).mean() == pytest.approx(calibrate.SUSPECT_FALSE_FLAGS, abs=0.001)
    assert (clean >= limits.unsure).mean() == pytest.approx(calibrate.UNSURE_FALSE_FLAGS, abs=0.001)
    evidence = decide.evidence(tiles, np.ones(len(tiles), bool), limits.tile_offset)
    assert (evidence >= limits.suspect).mean() == pytest.approx(calibrate.TILE_FALSE_FLAGS, abs=0.0003)
    assert limits.unsure < limits.suspect
    assert limits.tile_offset > 0
    assert limits.version == "v"


def test_tiles_never_need_less_evidence_than_the_whole() -> None:
    clean = np.linspace(0, 1, 1000)
    assert calibrate.thresholds(clean, clean * 0.1, "v").tile_offset == 0
    assert calibrate.thresholds(clean, np.empty(0), "v").tile_offset == 0


def test_no_fold_judges_itself() -> None:
    """Each fold is judged by what the other one says; a change of the fold itself changes nothing."""
    a, b = part(3000, 1, temperature=0.5), part(3000, 2, temperature=2.0)
    first, second = calibrate.cross_fitted([a, b], LABELS)
    assert first.temperature == pytest.approx(2.0, rel=0.1)
    assert second.temperature == pytest.approx(0.5, rel=0.1)
    other = calibrate.cross_fitted([part(500, 3), b], LABELS)[0]
    assert (other.temperature, other.thresholds) == (first.temperature, first.thresholds)


def test_cross_fitted_rates_hold_on_the_other_fold() -> None:
    folds = [part(20_000, 1, tiles=20_000), part(20_000, 2, tiles=20_000)]
    for fold, result in zip(folds, calibrate.cross_fitted(folds, LABELS), strict=True):
        clean = fold.truth >= 2
        assert result.flagged[clean].mean() == pytest.approx(calibrate.SUSPECT_FALSE_FLAGS, abs=0.01)
        assert result.tiles_flagged.mean() == pytest.approx(calibrate.TILE_FALSE_FLAGS, abs=0.002)
        assert result.chances.shape == (20_000, 4)


def test_shipped_thresholds_come_from_all_parts() -> None:
    a, b = part(3000, 1, tiles=50), part(3000, 2, tiles=50)
    both = calibrate.Unseen(*(np.concatenate([getattr(x, key) for x in (a, b)]) for key in ("logits", "truth", "tiles")))
    assert calibrate.choose([a, b], LABELS, "v") == calibrate.choose([both], LABELS, "v")


def test_one_fold_is_too_few() -> None:
    with pytest.raises(SystemExit, match="two folds or more"):
        calibrate.cross_fitted([part(100, 1)], LABELS)


def test_no_clean_picture_is_refused() -> None:
    dirty = calibrate.Unseen(np.zeros((5, 4)), np.zeros(5, int), np.zeros((0, 4)))
    with pytest.raises(SystemExit, match="no clean picture"):
        calibrate.choose([dirty], LABELS, "v")
