"""Shares, intervals and drift: against published numbers and against chance itself."""

from __future__ import annotations

import math
import random

import pytest

from pestcheck.rates import ENOUGH, Rate, at_most, psi, quantile, wilson


@pytest.mark.parametrize(
    ("found", "of", "low", "high"),
    [(0, 10, 0.0, 0.2775), (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_published_intervals(found: int, of: int, low: float, high: float) -> None:
    """Newcombe 1998, Statistics in Medicine 17:857, table I, method 3; 0 of 10 is z² / (10 + z²)."""
    assert wilson(found, of) == (pytest.approx(low, abs=6e-5), pytest.approx(high, abs=6e-5))


def test_wilson_at_the_ends_and_of_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(0, 7)[0] == 0.0
    assert wilson(7, 7)[1] == 1.0
    for found, of in ((-1, 3), (4, 3)):
        with pytest.raises(ValueError, match="no share"):
            wilson(found, of)
    for of in (1, 2, 5, 40, 10_000):
        for found in {0, 1, of // 2, of}:
            low, high = wilson(found, of)
            assert 0 <= low <= found / of <= high <= 1
            assert wilson(of - found, of) == (pytest.approx(1 - high), pytest.approx(1 - low))


def test_the_interval_holds_what_it_says() -> None:
    """Of many samples of a true rate, about 95 in 100 intervals hold it."""
    chance = random.Random(7)
    for true in (0.02, 0.2, 0.5):
        held = 0
        for _ in range(2000):
            low, high = wilson(sum(chance.random() < true for _ in range(80)), 80)
            held += low <= true <= high
        assert 0.92 <= held / 2000 <= 0.985, (true, held)


def test_the_rule_of_three() -> None:
    """How many finds of none claim a rate: 29 units for below 10 %, 59 for 5 %, 299 for 1 %."""
    for of, rate in ((29, 0.10), (59, 0.05), (299, 0.01)):
        assert at_most(of) < rate <= at_most(of - 1)
        assert at_most(of) == pytest.approx(3 / of, rel=0.07)
    assert Rate(0, 59).at_most == pytest.approx(1 - 0.05 ** (1 / 59))
    assert Rate(1, 59).at_most is None
    assert Rate(0, 0).at_most is None
    assert at_most(0) == 1.0


def test_rates_add_up() -> None:
    both = Rate(1, 10) + Rate(2, 30)
    assert (both.found, both.of, both.share) == (3, 40, 0.075)
    assert Rate(0, 0).share is None


def test_psi_is_what_its_formula_says() -> None:
    expected, actual = [1000, 1000], [1500, 500]
    shares = [(1000.5 / 2001, 1500.5 / 2001), (1000.5 / 2001, 500.5 / 2001)]
    assert psi(expected, actual) == pytest.approx(sum((a - e) * math.log(a / e) for e, a in shares))
    assert psi(expected, expected) == 0
    assert psi([1000, 0], [0, 1000]) > 5  # type: ignore[operator]
    assert psi([ENOUGH - 1, 0], [500, 500]) is None
    assert psi([500, 500], [0, 0]) is None
    with pytest.raises(ValueError, match="bins"):
        psi([1], [1, 2])


def test_chance_alone_is_no_drift() -> None:
    chance = random.Random(3)

    def histogram(n: int, shift: float = 0) -> list[int]:
        counts = [0] * 10
        for _ in range(n):
            counts[min(9, int(min(0.999, chance.betavariate(0.5, 1.5) + shift) * 10))] += 1
        return counts

    values = sorted(psi(histogram(2000), histogram(ENOUGH)) or 0 for _ in range(200))
    assert values[190] < 0.1 + 0.05  # (10 - 1) * (1 / 200 + 1 / 2000) is 0.05 on average
    assert sum(values) / len(values) == pytest.approx(0.05, abs=0.02)
    assert psi(histogram(2000), histogram(500, 0.2)) > 0.25  # type: ignore[operator]


def test_quantiles_of_counts() -> None:
    counts = [(1, 1), (2, 2), (10, 1)]
    assert [quantile(counts, share) for share in (0.25, 0.5, 0.75, 1)] == [1, 2, 2, 10]
    assert quantile([], 0.5) is None
