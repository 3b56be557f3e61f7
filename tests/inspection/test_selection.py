"""The draw for a second look: its chances, its reasons, and that anybody can compute it again."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pestcheck.inspection.selection import History, Past, Plan, Selected, drawn, propose, risk
from pestcheck.rates import Rate, wilson

USUAL = Rate(100, 2000)


def past(found: int, of: int, history: History = History.LANE) -> Past:
    return Past(history, "x", Rate(found, of))


def test_the_draw_is_what_was_written_down_of_it() -> None:
    """SHA-256 of root, conveyance and day, its first 48 bits as a share; computed by hand with sha256sum."""
    assert drawn("ab", "CSQU3054383", "2026-11-28") == int("221c78c0dc4d", 16) / 2**48
    assert drawn("ab", "CSQU3054383", "2026-11-28") == drawn("ab", "CSQU3054383", "2026-11-28")


def test_every_value_is_as_likely() -> None:
    values = [drawn(f"root {n // 100}", f"CSQU{n:07}", "2026-11-28") for n in range(20_000)]
    assert all(0 <= value < 1 for value in values)
    for start in range(10):
        low, high = wilson(sum(start / 10 <= value < (start + 1) / 10 for value in values), len(values), z=4)
        assert low < 0.1 < high, start


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5])
def test_the_random_share_is_the_same_whatever_the_risk(share: float) -> None:
    """So that what is found in it estimates the rate of all, and of each lane."""
    risky, clean = [past(60, 200)], [past(0, 400)]
    for pasts in (risky, clean, []):
        picked = [propose(drawn("root", f"{share}{len(pasts)}{n}", "d"), Plan(share), USUAL, pasts).selected for n in range(10_000)]
        low, high = wilson(picked.count(Selected.RANDOM), len(picked), z=4)
        assert low < share < high


def test_the_random_share_estimates_the_rate_and_the_targeted_one_does_not() -> None:
    """A yard of two lanes, one with contamination: over all conveyances 7 % have it."""
    chance, plan = random.Random(5), Plan(0.1, 2)
    found = {kind: [0, 0] for kind in Selected}
    for n in range(40_000):
        bad = chance.random() < 0.3
        dirty = chance.random() < (0.2 if bad else 0.0143)
        kind = propose(drawn("r", str(n), "d"), plan, USUAL, [past(40, 200) if bad else past(2, 400)]).selected
        found[kind][0] += dirty
        found[kind][1] += 1
    low, high = wilson(*found[Selected.RANDOM], z=3)
    assert low < 0.07 < high
    low, high = wilson(*found[Selected.TARGETED])
    assert low > 0.15
    assert wilson(*found[Selected.ROUTINE])[1] < 0.03


def test_risk_grows_with_evidence_and_shrinks_with_its_lack() -> None:
    def of(*pasts: Past) -> float:
        return risk(USUAL, pasts)[0]

    assert of() == 1
    assert of(past(0, 0)) == pytest.approx(1, rel=0.02)
    assert 1 < of(past(1, 1)) < of(past(3, 3)) < of(past(30, 30))
    assert of(past(0, 200)) < 1
    assert of(past(20, 100), past(20, 100, History.CARRIER)) == pytest.approx(of(past(20, 100)) ** 2, rel=1e-9)


def test_reasons_are_what_raises_the_risk_the_strongest_first() -> None:
    weak, strong, good = past(8, 100, History.SITE), past(40, 100, History.CARRIER), past(0, 500, History.SEASON)
    found = propose(0.9, Plan(0.1, 2), USUAL, [weak, strong, past(5, 100, History.SEASON)])
    assert found.selected is Selected.TARGETED
    assert [one.history for one in found.reasons] == [History.CARRIER, History.SITE]
    assert propose(0.05, Plan(0.1, 2), USUAL, [strong]).selected is Selected.RANDOM
    assert propose(0.9, Plan(0.1, 2), USUAL, [good]).selected is Selected.ROUTINE


def test_nobody_is_suspected_before_the_usual_rate_is_known() -> None:
    found = propose(0.9, Plan(), Rate(3, 20), [past(3, 3)])
    assert (found.selected, found.risk, found.reasons) == (Selected.ROUTINE, 1.0, ())
    assert propose(0.9, Plan(), Rate(0, 0), []).selected is Selected.ROUTINE


def test_a_plan_always_leaves_a_random_share() -> None:
    for share in (0, -0.1, 1.1):
        with pytest.raises(ValueError, match="random share"):
            Plan(share)
    with pytest.raises(ValueError, match="factor"):
        Plan(0.1, 1)


rates = st.integers(0, 5000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of)))


@given(usual=rates, pasts=st.lists(rates, max_size=5), value=st.floats(0, 1, exclude_max=True), share=st.floats(0.001, 1))
def test_whatever_the_history_the_proposal_is_defined_and_random_below_the_share(
    usual: tuple[int, int], pasts: list[tuple[int, int]], value: float, share: float
) -> None:
    found = propose(value, Plan(share), Rate(*usual), [past(*one) for one in pasts])
    assert (found.selected is Selected.RANDOM) == (value < share)
    assert found.risk > 0
