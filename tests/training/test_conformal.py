"""Candidate sets, against their published implementation and against what they promise."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

pytest.importorskip("scipy", reason="needs the extra train")

from scipy import stats

from pestcheck.vision import decide
from training import conformal

LABELS = 5
COVERAGES = (0.5, 0.7, 0.8, 0.9, 0.95)


def drawn(n: int, seed: int, sharpness: float = 1.5) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of shape (n, labels), and labels that are drawn with other ones: the model is overconfident."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, sharpness, (n, LABELS))
    chances = decide.probabilities(logits, 1.0)
    return decide.probabilities(logits, 0.6), (rng.random((n, 1)) > chances.cumsum(1)[:, :-1]).sum(1)


@pytest.fixture(scope="module")
def published() -> Any:
    return pytest.importorskip("crepes", reason="needs the extra test")


def published_sets(published: Any, scores: np.ndarray, truth: np.ndarray, new: np.ndarray, coverage: float) -> np.ndarray:
    """Sets of the published classifier, bool, shape (m, labels), from scores of shapes (n, labels) and (m, labels).

    It keeps a label whose p-value is just 1 - coverage, the definition leaves it out: hence a hair less.
    """
    classifier = published.ConformalClassifier().fit(scores[np.arange(len(truth)), truth])
    return classifier.predict_set(new, confidence=coverage - 1e-9, smoothing=False).astype(bool)


@pytest.mark.parametrize("coverage", COVERAGES)
@pytest.mark.parametrize("n", [19, 99, 100, 257])
def test_the_same_sets_as_published(published: Any, n: int, coverage: float) -> None:
    (chances, truth), (new, _) = drawn(n, seed=n), drawn(200, seed=n + 1)
    sets = conformal.sets(new, conformal.quantile(chances, truth, coverage))
    np.testing.assert_array_equal(sets, published_sets(published, 1 - chances, truth, 1 - new, coverage))


@pytest.mark.parametrize("coverage", COVERAGES)
@pytest.mark.parametrize(("penalty", "free", "random"), [(0.0, 0, False), (0.0, 0, True), (0.1, 2, False), (0.1, 2, True)])
def test_the_same_adaptive_sets_as_published(published: Any, coverage: float, penalty: float, free: int, random: bool) -> None:
    (chances, truth), (new, _), rng = drawn(150, seed=3), drawn(200, seed=4), np.random.default_rng(5)
    before, after = (
        conformal.adaptive(c, penalty=penalty, free=free, noise=rng.random(len(c)) if random else None) for c in (chances, new)
    )
    sets = conformal.adaptive_sets(after, conformal.adaptive_quantile(before, truth, coverage))
    np.testing.assert_array_equal(sets, published_sets(published, before, truth, after, coverage))


@pytest.mark.parametrize("coverage", COVERAGES)
def test_the_same_sets_by_label_as_published(published: Any, coverage: float) -> None:
    (chances, truth), (new, _) = drawn(600, seed=6), drawn(200, seed=7)
    sets = conformal.sets(new, conformal.quantiles(chances, truth, coverage))
    classifier = published.ConformalClassifier().fit(1 - chances[np.arange(600), truth], bins=truth)
    for k in range(LABELS):
        expected = classifier.predict_set(1 - new[:, [k]], bins=np.full(200, k), confidence=coverage - 1e-9, smoothing=False)
        np.testing.assert_array_equal(sets[:, k], expected[:, 0].astype(bool))


@pytest.mark.parametrize(
    ("n", "coverage", "place"),
    [(9, 0.9, 9), (10, 0.9, 10), (18, 0.9, 18), (19, 0.9, 18), (99, 0.9, 90), (100, 0.9, 91), (9, 0.7, 7), (99, 0.55, 55), (1, 0.5, 1)],
)
def test_the_place_of_the_quantile(n: int, coverage: float, place: int) -> None:
    """The limit is the ceil((n + 1) coverage)-th greatest probability of a right label."""
    chances = np.linspace(1, 0.5, n)[:, None]
    limit = conformal.quantile(chances, np.zeros(n, int), coverage)
    assert limit == chances[place - 1, 0]
    assert conformal.sets(chances, limit).sum() == place  # the limit itself is enough


@pytest.mark.parametrize(("coverage", "least"), [(0.5, 1), (0.8, 4), (0.9, 9), (0.95, 19), (0.99, 99), (0.999, 999), (0.01, 1)])
def test_too_few_pictures_are_refused(coverage: float, least: int) -> None:
    chances = np.full((least, 1), 0.5)
    assert conformal.needed(coverage) == least
    assert conformal.quantile(chances, np.zeros(least, int), coverage) == 0.5
    with pytest.raises(conformal.TooFewError, match=f"needs {least} calibration pictures, not {least - 1}"):
        conformal.quantile(chances[1:], np.zeros(least - 1, int), coverage)
    with pytest.raises(conformal.TooFewError, match=f"needs {least} calibration pictures, not 0"):
        conformal.adaptive_quantile(chances[:0], np.zeros(0, int), coverage)


@pytest.mark.parametrize("coverage", [0.0, 1.0, -0.1, 90.0, math.nan])
def test_a_coverage_is_a_share(coverage: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        conformal.needed(coverage)


def test_labels_with_too_few_pictures() -> None:
    chances = decide.probabilities(np.random.default_rng(8).normal(0, 1, (40, 3)), 1.0)
    truth = np.repeat([0, 1], [35, 5])
    with pytest.raises(conformal.TooFewError, match=r"needs 9 calibration pictures of each label; too few of labels 1 \(5\), 2 \(0\)"):
        conformal.quantiles(chances, truth, 0.9)
    limits = conformal.quantiles(chances, truth, 0.9, rare=0.0)
    assert limits.tolist() == [conformal.quantile(chances[:35], truth[:35], 0.9), 0.0, 0.0]
    assert conformal.sets(chances, limits)[:, 1:].all()


@pytest.mark.parametrize("way", ["lac", "aps", "raps", "random"])
@pytest.mark.parametrize(("coverage", "n"), [(0.9, 30), (0.7, 19)])
def test_the_right_label_is_there_as_often_as_promised(way: str, coverage: float, n: int) -> None:
    """Each time with new calibration pictures and one more: the count is binomial, with just ceil((n + 1) coverage) / (n + 1)."""
    times = 2000
    chances, truth = drawn(times * (n + 1), seed=9)
    noise = np.random.default_rng(10).random(len(truth)) if way == "random" else None
    scores = conformal.adaptive(chances, penalty=0.05 if way == "raps" else 0.0, free=2, noise=noise)
    hits = 0
    for start in range(0, len(truth), n + 1):
        before, new = slice(start, start + n), slice(start + n, start + n + 1)
        if way == "lac":
            sets = conformal.sets(chances[new], conformal.quantile(chances[before], truth[before], coverage))
        else:
            sets = conformal.adaptive_sets(scores[new], conformal.adaptive_quantile(scores[before], truth[before], coverage))
        hits += sets[0, truth[start + n]]
    low, high = stats.binom.interval(0.999, times, math.ceil(round((n + 1) * coverage, 6)) / (n + 1))
    assert low <= hits <= high


def test_each_label_is_covered_with_quantiles_of_its_own() -> None:
    """With one limit for all, the label that the model likes least is covered less."""
    rng, bias = np.random.default_rng(10), np.array([2.0, 1.0, 0.0, -1.0, -2.0])

    def pictures(n: int) -> tuple[np.ndarray, np.ndarray]:
        truth = rng.integers(0, LABELS, n)
        return decide.probabilities(2 * np.eye(LABELS)[truth] + bias + rng.normal(0, 1, (n, LABELS)), 1.0), truth

    (chances, truth), (new, right) = pictures(20_000), pictures(20_000)
    common = conformal.measure(conformal.sets(new, conformal.quantile(chances, truth, 0.9)), right)
    own = conformal.measure(conformal.sets(new, conformal.quantiles(chances, truth, 0.9)), right)
    assert common["coverage"] == pytest.approx(0.9, abs=0.01)
    assert own["coverage"] == pytest.approx(0.9, abs=0.01)
    assert (common["worst_label"], common["worst_label_coverage"] < 0.75) == (4, True)
    assert own["worst_label_coverage"] == pytest.approx(0.9, abs=0.02)


def test_one_limit_gives_the_smallest_sets_and_noise_smaller_ones_than_none() -> None:
    (chances, truth), (new, right), rng = drawn(5000, seed=11), drawn(5000, seed=12), np.random.default_rng(13)
    size = {"lac": conformal.measure(conformal.sets(new, conformal.quantile(chances, truth, 0.9)), right)["mean_size"]}
    for key, before, after in (("aps", None, None), ("random", rng.random(5000), rng.random(5000))):
        limit = conformal.adaptive_quantile(conformal.adaptive(chances, noise=before), truth, 0.9)
        size[key] = conformal.measure(conformal.adaptive_sets(conformal.adaptive(new, noise=after), limit), right)["mean_size"]
    assert size["lac"] < size["random"] < size["aps"]


@pytest.mark.parametrize(
    ("options", "scores"),
    [
        ({}, [0.9, 0.6, 1.0]),
        ({"noise": np.array([0.5])}, [0.75, 0.3, 0.95]),
        ({"noise": np.array([0.0])}, [0.6, 0.0, 0.9]),
        ({"penalty": 0.5, "free": 1}, [1.4, 0.6, 2.0]),
        ({"penalty": 0.5, "free": 3}, [0.9, 0.6, 1.0]),
    ],
)
def test_adaptive_scores_by_hand(options: dict[str, Any], scores: list[float]) -> None:
    assert conformal.adaptive(np.array([[0.3, 0.6, 0.1]]), **options)[0] == pytest.approx(scores)


def test_measure_by_hand() -> None:
    """Twenty pictures of label 0, of which fifteen have it, four an empty set and one a wrong one; one of label 1; none of label 2."""
    given = np.zeros((21, 3), bool)
    given[:15, 0] = given[:5, 1] = given[19, 2] = True
    truth = np.array([0] * 20 + [1])
    assert conformal.measure(given, truth) == {
        "pictures": 21,
        "coverage": round(15 / 21, 4),
        "worst_label_coverage": 0.75,
        "worst_label": 0,
        "mean_size": 1.0,
        "singletons": round(11 / 21, 4),
        "empties": round(5 / 21, 4),
    }
    assert conformal.measure(given[1:], truth[1:])["worst_label_coverage"] is None


def test_nothing_to_measure() -> None:
    result = conformal.measure(np.zeros((0, 3), bool), np.zeros(0, int))
    assert result.pop("pictures") == 0
    assert set(result.values()) == {None}
    assert conformal.adaptive(np.zeros((0, 3))).shape == (0, 3)
    assert conformal.never_empty(np.zeros((0, 3), bool), np.zeros((0, 3))).shape == (0, 3)


@pytest.mark.parametrize(
    ("chances", "limit", "expected"),
    [
        ([0.1, 0.6, 0.3], 0.2, [1, 2]),
        ([0.1, 0.6, 0.3], 0.3, [1, 2]),
        ([0.1, 0.6, 0.3], 0.0, [1, 2, 0]),
        ([0.1, 0.6, 0.3], 0.7, [1]),
        ([0.1, 0.6, 0.3], 1.1, [1]),
        ([0.25, 0.25, 0.25, 0.25], 0.25, [0, 1, 2, 3]),
        ([0.25, 0.25, 0.25, 0.25], 0.3, [0]),
        ([1.0], 0.5, [0]),
    ],
)
def test_candidates_of_a_view(chances: list[float], limit: float, expected: list[int]) -> None:
    assert decide.candidate_set(np.array(chances), limit).tolist() == expected


def test_the_app_shows_the_sets_that_were_measured() -> None:
    chances, truth = drawn(300, seed=14)
    limit = conformal.quantile(chances, truth, 0.5)
    plain = conformal.sets(chances, limit)
    given = conformal.never_empty(plain, chances)
    assert not plain.any(axis=1).all()
    for row, members in zip(chances, given, strict=True):
        shown = decide.candidate_set(row, limit)
        assert set(shown) == set(np.flatnonzero(members))
        assert (np.diff(row[shown]) <= 0).all()
