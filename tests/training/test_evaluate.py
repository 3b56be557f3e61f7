"""Measures and intervals, on cases that can be worked out by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from training import evaluate
from training.data import Picture

LABELS = ["ant", "bee", "container", "rust"]


def picture(label: str, source: str = "s", group: str | None = None, number: int = 0) -> Picture:
    return Picture(Path(f"{number}.png"), label, label, source, group or f"g{number}", None, frozenset(), "")


def sure(guesses: list[str], confidence: float = 0.7) -> np.ndarray:
    """Probabilities of shape (n, labels) with the same confidence in each guess."""
    chances = np.full((len(guesses), len(LABELS)), (1 - confidence) / (len(LABELS) - 1))
    chances[np.arange(len(guesses)), [LABELS.index(guess) for guess in guesses]] = confidence
    return chances


@pytest.fixture
def small() -> dict[str, object]:
    """Six pictures: two ants (one taken for a bee), a bee, a container (flagged as an ant), two pictures of rust."""
    truth, guesses = ["ant", "ant", "bee", "container", "rust", "rust"], ["ant", "bee", "bee", "ant", "rust", "container"]
    pictures = [picture(label, source="one" if i < 3 else "two", number=i) for i, label in enumerate(truth)]
    flagged = np.array([True, False, True, True, False, False])
    return evaluate.measure(sure(guesses), LABELS, pictures, flagged)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("top1", 3 / 6),
        ("group_top1", 5 / 6),
        ("mean_recall", (1 / 2 + 1 + 0 + 1 / 2) / 4),
        ("recall", 2 / 3),
        ("false_flags", 1 / 3),
        ("ece", abs(0.7 - 0.5)),
    ],
)
def test_values(small: dict[str, dict[str, float]], name: str, value: float) -> None:
    assert small[name]["value"] == pytest.approx(value, abs=1e-4)


def test_counts(small: dict[str, object]) -> None:
    assert (small["pictures"], small["contaminated"], small["sources"]) == (6, 3, 2)
    assert small["per_label"] == {
        "ant": {"recall": 0.5, "precision": 0.5, "flagged": 0.5, "pictures": 2, "sources": 1},
        "bee": {"recall": 1.0, "precision": 0.5, "flagged": 1.0, "pictures": 1, "sources": 1},
        "container": {"recall": 0.0, "precision": 0.0, "flagged": 1.0, "pictures": 1, "sources": 1},
        "rust": {"recall": 0.5, "precision": 1.0, "flagged": 0.0, "pictures": 2, "sources": 1},
    }
    assert small["per_source"] == {
        "one": {"pictures": 3, "top1": 0.6667, "recall": 0.6667, "false_flags": None},
        "two": {"pictures": 3, "top1": 0.3333, "recall": None, "false_flags": 0.3333},
    }


def test_recall_at_a_fixed_rate_of_false_flags() -> None:
    """100 clean pictures at 0.00 to 0.99: 5 % are above 0.9405, and so is one of four ants."""
    chance = [*(i / 100 for i in range(100)), 0.5, 0.9, 0.94, 0.95]
    pictures = [picture("rust" if i < 100 else "ant", number=i) for i in range(len(chance))]
    chances = np.array([[p, 0, 0, 1 - p] for p in chance])
    outcome = evaluate.Outcome.of(chances, LABELS, pictures, np.zeros(len(chance), bool))
    assert outcome.recall_at_5pct(np.arange(104)) == 0.25
    assert math.isnan(outcome.recall_at_5pct(np.arange(100, 104)))
    assert math.isnan(outcome.recall_at_5pct(np.arange(100)))


def test_ece_weighs_the_bins_by_their_pictures() -> None:
    chances = np.concatenate([sure(["ant"] * 3, 0.95), sure(["bee"], 0.5)])
    outcome = evaluate.Outcome.of(chances, LABELS, [picture("ant", number=i) for i in range(4)], np.zeros(4, bool))
    assert outcome.ece(np.arange(4)) == pytest.approx(0.75 * 0.05 + 0.25 * 0.5)


def random_answers(n: int = 300) -> tuple[np.ndarray, np.ndarray, list[Picture]]:
    """Probabilities of two models, one better than the other, and the pictures they are for: three a group, ten sources."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, len(LABELS), n)
    models = []
    for skill in (2.0, 0.5):
        scores = rng.normal(0, 1, (n, len(LABELS)))
        scores[np.arange(n), truth] += skill
        models.append(np.exp(scores) / np.exp(scores).sum(1, keepdims=True))
    return models[0], models[1], [picture(LABELS[t], f"s{i % 10}", f"g{i // 3}", i) for i, t in enumerate(truth)]


def test_intervals_contain_the_value() -> None:
    chances, _, pictures = random_answers()
    result = evaluate.measure(chances, LABELS, pictures, chances[:, :2].sum(1) > 0.5)
    for name in set(evaluate.STATISTICS) - {"ece"}:  # the calibration error of a resample is larger: noise adds to it
        for key in ("interval", "interval_sources"):
            low, high = result[name][key]
            assert low <= result[name]["value"] <= high
            assert 0 < high - low < 0.5


def test_groups_are_drawn_whole() -> None:
    draws = evaluate.resamples(["a", "b", "a", "b", "c"])
    assert len(draws) == evaluate.RESAMPLES
    for rows in draws:
        count = np.bincount(rows, minlength=5)
        assert count[0] == count[2]
        assert count[1] == count[3]
        assert count[0] + count[1] + count[4] == 3


def test_dependent_pictures_widen_the_interval() -> None:
    right = np.arange(200) % 20 < 10  # all pictures of a group are right, or none is

    def share(rows: np.ndarray) -> float:
        return float(right[rows].mean())

    single = evaluate.interval(share, evaluate.resamples([f"{i}" for i in range(200)]))
    grouped = evaluate.interval(share, evaluate.resamples([f"{i // 10}" for i in range(200)]))
    assert grouped[1] - grouped[0] > 2 * (single[1] - single[0])


def test_a_model_gains_nothing_over_itself() -> None:
    chances, _, pictures = random_answers()
    for entry in evaluate.gain(chances, chances, LABELS, pictures).values():
        assert entry == {"value": 0, "interval": [0, 0], "interval_sources": [0, 0]}


def test_a_gain_is_the_difference_and_surer_than_its_parts() -> None:
    better, worse, pictures = random_answers()
    none = np.zeros(len(pictures), bool)
    gain = evaluate.gain(better, worse, LABELS, pictures)
    first, second = (evaluate.measure(chances, LABELS, pictures, none) for chances in (better, worse))
    for name, entry in gain.items():
        assert entry["value"] == pytest.approx(first[name]["value"] - second[name]["value"], abs=2e-4)
        assert entry["interval"][0] > 0
        assert entry["interval"][0] >= first[name]["interval"][0] - second[name]["interval"][1]


def test_predictive_values_by_hand() -> None:
    rare, some, many = evaluate.predictive_values(recall=0.9, false_flags=0.1)
    assert rare == {"prevalence": 0.002, "ppv": round(0.0018 / (0.0018 + 0.0998), 4), "npv": round(0.8982 / (0.8982 + 0.0002), 5)}
    assert some["ppv"] == pytest.approx(0.045 / (0.045 + 0.095), abs=1e-4)
    assert many == {"prevalence": 0.2, "ppv": round(0.18 / 0.26, 4), "npv": round(0.72 / 0.74, 5)}


def test_predictive_values_of_a_model_that_says_nothing() -> None:
    assert [row["ppv"] for row in evaluate.predictive_values(0.0, 0.0)] == [None] * 3
    assert [row["npv"] for row in evaluate.predictive_values(1.0, 1.0)] == [None] * 3
    assert {row["ppv"] for row in evaluate.predictive_values(None, 0.1)} == {None}


def test_reliability_by_hand() -> None:
    """Three of four sure guesses are right, one of two unsure ones; a certain guess is in the last bin."""
    chances = np.concatenate([sure(["ant"] * 4, 0.91), sure(["bee"] * 2, 0.5), sure(["rust"], 1.0)])
    truth = np.array([0, 0, 0, 1, 1, 2, 3])
    assert evaluate.reliability(chances, truth) == [
        {"said": 0.5, "right": 0.5, "pictures": 2},
        {"said": 0.91, "right": 0.75, "pictures": 4},
        {"said": 1.0, "right": 1.0, "pictures": 1},
    ]


def test_reliability_agrees_with_the_calibration_error() -> None:
    chances, _, pictures = random_answers()
    truth = np.array([LABELS.index(p.label) for p in pictures])
    bins = evaluate.reliability(chances, truth)
    assert sum(entry["pictures"] for entry in bins) == len(pictures)
    assert [entry["said"] for entry in bins] == sorted(entry["said"] for entry in bins)
    error = sum(entry["pictures"] * abs(entry["said"] - entry["right"]) for entry in bins) / len(pictures)
    outcome = evaluate.Outcome.of(chances, LABELS, pictures, np.zeros(len(pictures), bool))
    assert error == pytest.approx(outcome.ece(np.arange(len(pictures))), abs=2e-4)


@pytest.mark.parametrize(("values", "share"), [([], None), ([False], 0.0), ([True, False, False], 0.3333), ([True, True], 1.0)])
def test_share(values: list[bool], share: float | None) -> None:
    assert evaluate.share(np.array(values, bool)) == share


def test_nothing_has_no_interval() -> None:
    assert evaluate.resamples([]) == []
    assert evaluate.interval(lambda rows: float(rows.mean()), evaluate.resamples([])) == [None, None]
