"""Temperature and thresholds, on logits whose right answer is known."""

# ruff: noqa: E402 - what follows needs the extra
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

for module in ("scipy", "cv2"):
    pytest.importorskip(module, reason="needs the extra train")

from pestcheck.photo import Quality
from pestcheck.vision import decide
from pestcheck.vision.tiles import Box
from training import calibrate
from training.heldout import SPOTS, HeldOut, Spots

LABELS = ["ant", "soil", "container", "rust"]


def drawn(n: int, temperature: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits of shape (n, labels), and labels drawn with the probabilities that they have at this temperature."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 3, (n, len(LABELS)))
    chances = decide.probabilities(logits, temperature)
    return logits, (rng.random((n, 1)) > chances.cumsum(1)).sum(1)


def spots(photographs: int, each: int, seed: int, found: float = -3.0, truth: int = -1) -> Spots:
    """Spots with finder logits round ``found``; every third photograph is of a yard."""
    rng = np.random.default_rng(seed)
    n = photographs * each
    photograph = np.repeat(np.arange(photographs), each)
    return Spots(
        found=rng.normal(found, 2, n), looks=rng.normal(0, 2, (n, len(LABELS))), whole=rng.normal(0, 2, (photographs, len(LABELS)))[photograph],
        photograph=photograph, real=photograph % 3 == 0, truth=np.full(n, truth), length=np.full(n, 30 if truth >= 0 else 0),
    )  # fmt: skip


def part(n: int, seed: int, temperature: float = 1.0, photographs: int = 40, found: float = -3.0) -> HeldOut:
    logits, truth = drawn(n, temperature, seed)
    clean, things = spots(photographs, SPOTS, seed + 100, found), spots(10, 4, seed + 200, 1.0, truth=0)
    return HeldOut([], logits, np.random.default_rng(seed).normal(size=len(truth)), truth, clean, things, "")


@pytest.mark.parametrize("known", [0.5, 1.0, 2.5])
def test_a_known_temperature_is_recovered(known: float) -> None:
    assert calibrate.temperature(*drawn(20_000, known, seed=1)) == pytest.approx(known, rel=0.06)


def test_thresholds_flag_the_stated_shares() -> None:
    fold = part(20_000, 2, photographs=2000)
    calibration = calibrate.choose([fold], LABELS, "v")
    limits, clean = calibration.thresholds, fold.truth >= 2
    assert limits.version == "v"
    assert limits.unsure < limits.suspect
    assert limits.place_offset > 0
    result = calibrate.judge(fold, calibration, LABELS)
    assert result.flagged[clean].mean() == pytest.approx(calibrate.SUSPECT_FALSE_FLAGS, abs=0.001)
    assert (decide.contamination(result.chances, LABELS)[clean] >= limits.unsure).mean() == pytest.approx(
        calibrate.UNSURE_FALSE_FLAGS, abs=0.001
    )
    assert result.clean_flagged.shape == (2000,)
    assert result.clean_flagged.mean() == pytest.approx(calibrate.PHOTOGRAPH_FALSE_FLAGS, abs=0.002)
    assert (result.fold.unlike > limits.unknown).mean() == pytest.approx(calibrate.UNKNOWN_SHARE, abs=0.001)


@pytest.mark.parametrize("found", [-12.0, -9.0, -3.0, 0.0])
def test_half_of_the_clean_photographs_have_six_places_to_look_at(found: float) -> None:
    fold = part(500, 3, photographs=1000, found=found)
    limit = float(decide.logit(calibrate.choose([fold], LABELS, "v").thresholds.propose))
    proposed = (fold.clean.found.reshape(1000, SPOTS) >= limit).sum(1)
    assert (proposed >= calibrate.PROPOSED).mean() == pytest.approx(0.5, abs=0.01)


def test_who_knows_more_has_more_weight() -> None:
    """Where one network sees the things and the other only noise, the calibration listens to the one."""
    fold = part(500, 3, photographs=200, found=3.0)
    n, m = len(fold.clean.found), len(fold.things.found)
    sure, none = np.tile([2.0, 0, 0, 0], (m, 1)), np.tile([0, 0, 2.0, 0], (n, 1))
    looks = replace(fold, clean=replace(fold.clean, looks=none), things=replace(fold.things, looks=sure, found=np.full(m, 4.0)))
    finder = replace(fold, things=replace(fold.things, found=np.full(m, 12.0)))
    weights = [calibrate.choose([one], LABELS, "v").thresholds.finder for one in (looks, finder)]
    assert weights[0] < 0.5 < weights[1]


def test_places_never_need_less_evidence_than_the_whole() -> None:
    """Clean photographs on which both networks see nothing at all would allow it."""
    fold = part(500, 4)
    sure = np.tile([-9.0, -9.0, 9.0, 9.0], (len(fold.clean.found), 1))
    quiet = replace(fold.clean, found=fold.clean.found - 9, looks=sure)
    assert calibrate.choose([replace(fold, clean=quiet)], LABELS, "v").thresholds.place_offset == 0
    assert calibrate.choose([fold], LABELS, "v").thresholds.place_offset > 0


def test_the_more_suspect_clean_photographs_are_the_more_evidence_a_place_needs() -> None:
    offsets = [calibrate.choose([part(2000, 5, photographs=500, found=found)], LABELS, "v").thresholds.place_offset for found in (-4, 0, 4)]
    assert offsets == sorted(offsets)
    assert offsets[2] > offsets[0] + 2


def test_candidates_hold_the_right_label_as_often_as_stated() -> None:
    calibration = calibrate.choose([part(20_000, 6, temperature=1.7)], LABELS, "v")
    fresh = part(20_000, 7, temperature=1.7)
    result = calibrate.judge(fresh, calibration, LABELS)
    held = result.sets[np.arange(20_000), fresh.truth]
    assert held.mean() == pytest.approx(calibrate.COVERAGE, abs=0.015)
    assert result.sets.any(1).all()
    assert 1 < result.sets.sum(1).mean() < len(LABELS)


def test_no_fold_judges_itself() -> None:
    """Each fold is judged by what the other one says; a change of the fold itself changes nothing."""
    a, b = part(3000, 1, temperature=0.5), part(3000, 2, temperature=2.0)
    first, second = calibrate.cross_fitted([a, b], LABELS)
    assert first.calibration.temperature == pytest.approx(2.0, rel=0.1)
    assert second.calibration.temperature == pytest.approx(0.5, rel=0.1)
    assert (first.fold, second.fold) == (a, b)
    other = calibrate.cross_fitted([part(500, 3, found=2.0), b], LABELS)[0]
    assert other.calibration == first.calibration


def test_of_three_folds_two_judge_the_third() -> None:
    folds = [part(500, seed) for seed in (1, 2, 3)]
    judged = calibrate.cross_fitted(folds, LABELS)
    assert judged[1].calibration == calibrate.choose([folds[0], folds[2]], LABELS, "cross-fitted")


def test_cross_fitted_rates_hold_on_the_other_fold() -> None:
    folds = [part(20_000, 1, photographs=2000), part(20_000, 2, photographs=2000)]
    for fold, result in zip(folds, calibrate.cross_fitted(folds, LABELS), strict=True):
        clean = fold.truth >= 2
        assert result.flagged[clean].mean() == pytest.approx(calibrate.SUSPECT_FALSE_FLAGS, abs=0.01)
        assert result.clean_flagged.mean() == pytest.approx(calibrate.PHOTOGRAPH_FALSE_FLAGS, abs=0.03)
        assert result.clean_real.mean() == pytest.approx(1 / 3, abs=0.001)
        assert result.chances.shape == (20_000, 4)


def test_shipped_thresholds_come_from_all_parts() -> None:
    a, b = part(3000, 1), part(3000, 2)
    clean, things = (
        Spots(*(np.concatenate([getattr(x, key) for x in (one, replace(other, photograph=other.photograph + 1000))]) for key in Spots.__dataclass_fields__))
        for one, other in ((a.clean, b.clean), (a.things, b.things))
    )  # fmt: skip
    both = HeldOut(
        [], *(np.concatenate([getattr(part, name) for part in (a, b)]) for name in ("logits", "unlike", "truth")), clean, things, ""
    )
    assert calibrate.choose([a, b], LABELS, "v") == calibrate.choose([both], LABELS, "v")


@pytest.mark.parametrize(
    ("found", "look", "flagged"),
    [
        (6.0, [9.0, 0.0, 0.0, 0.0], True),
        (-2.9, [9.0, 0.0, 0.0, 0.0], True),  # just proposed: at 0.052
        (-3.1, [9.0, 0.0, 0.0, 0.0], False),  # not proposed: not looked at, however it looks
        (6.0, [0.0, 0.0, 9.0, 9.0], False),  # the closer look sees a surface
        (12.0, [0.0, 0.0, 4.0, 0.0], True),  # the finder is the surer one
    ],
)
def test_a_thing_is_found_where_both_networks_agree(found: float, look: list[float], flagged: bool) -> None:
    limits = decide.Thresholds("v", suspect=0.6, unsure=0.4, propose=0.05, place_offset=1.0, label=0.5, group=0.5, candidate=0.1, unknown=9)
    fold = part(100, 8)
    one = Spots(
        np.array([found]), np.array([look]), np.zeros((1, 4)), np.zeros(1, int), np.zeros(1, bool), np.zeros(1, int), np.full(1, 20)
    )
    result = calibrate.judge(replace(fold, things=one), calibrate.Calibration(1.0, limits), LABELS)
    assert result.things_flagged.tolist() == [flagged]
    assert result.things.shape == (1, 4)
    assert result.things.sum() == pytest.approx(1)


def test_photographs_are_flagged_as_the_program_flags_them() -> None:
    """With the same thresholds the decision on the same places is the same."""
    fold = part(500, 9, photographs=60)
    calibration = calibrate.choose([fold], LABELS, "v")
    calibration = replace(calibration, thresholds=replace(calibration.thresholds, place_offset=calibration.thresholds.place_offset / 2))
    limits, clean = calibration.thresholds, fold.clean
    chance = decide.sigmoid(clean.found)
    flagged = []
    for k in range(60):
        rows = np.flatnonzero((clean.photograph == k) & (chance >= limits.propose))
        verdict, _, _ = decide.decide(
            whole=np.array([0, 0, 0.5, 0.5]), unlike=-99.0, places=[decide.Place(Box(0, 32 * k, 16, 32 * k + 16), Box(0, 32 * k, 16, 32 * k + 16), float(chance[row])) for k, row in enumerate(rows)],
            looks=decide.probabilities(clean.looks[rows], calibration.temperature), size=Box(0, 0, 999, 999), labels=LABELS,
            quality=Quality(1.0, 100.0, ()), thresholds=limits,
        )  # fmt: skip
        flagged.append(verdict is decide.Verdict.SUSPECT)
    assert calibrate.judge(fold, calibration, LABELS).clean_flagged.tolist() == flagged
    assert 5 < sum(flagged) < 55


def test_one_fold_is_too_few() -> None:
    with pytest.raises(SystemExit, match="two folds or more"):
        calibrate.cross_fitted([part(100, 1)], LABELS)


def test_no_clean_picture_is_refused() -> None:
    fold = part(100, 1)
    dirty = replace(fold, truth=fold.truth % 2)
    with pytest.raises(SystemExit, match="no clean picture"):
        calibrate.choose([dirty], LABELS, "v")
