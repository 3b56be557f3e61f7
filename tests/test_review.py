"""What opinions come to, and kappa against the library that the field uses."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from pestcheck.review import Outcome, Status, by_label, current, in_force, kappa, of_finding, pairs, same, share


@dataclass
class Said:
    """An opinion."""

    reviewer: str
    outcome: str
    marks: list[Any] = field(default_factory=list)
    position: int = 0
    expert: bool = False
    withdrawn_at: str | None = None
    id: str = "x"


@dataclass
class Found:
    """A finding."""

    id: str = "f"
    box: list[int] | None = None
    label: str | None = "ant"
    decided_label: str | None = None


def mark(label: str, *box: int, finding: str | None = None) -> dict[str, Any]:
    return {"box": list(box or (0, 0, 100, 100)), "label": label, "finding_id": finding}


def ants(who: str, *boxes: tuple[int, int, int, int], **more: Any) -> Said:
    return Said(who, "contamination", [mark("ant", *box) for box in boxes or [(0, 0, 100, 100)]], **more)


def nothing(who: str, **more: Any) -> Said:
    return Said(who, "no_contaminant", **more)


def numbered(*opinions: Said) -> list[Said]:
    for position, one in enumerate(opinions):
        one.position = position
    return list(opinions)


HORNET = Said("Cleo", "contamination", [mark("hornet")])


@pytest.mark.parametrize(
    ("opinions", "status", "by"),
    [
        ([], "open", ()),
        ([ants("Ana")], "one_opinion", ("Ana",)),
        ([ants("Ana"), ants("Ben")], "agreed", ("Ana", "Ben")),
        ([ants("Ana"), nothing("Ben")], "disputed", ()),
        ([ants("Ana"), nothing("Ben"), nothing("Cleo")], "agreed", ("Ben", "Cleo")),
        ([ants("Ana"), nothing("Ben"), HORNET], "expert_needed", ()),
        ([ants("Ana"), Said("Ben", "needs_expert")], "expert_needed", ()),
        ([ants("Ana"), Said("Ben", "needs_expert"), ants("Cleo")], "agreed", ("Ana", "Cleo")),
        ([ants("Ana"), nothing("Ben"), HORNET, nothing("Eva", expert=True)], "agreed", ("Ben", "Eva")),
        ([ants("Ana"), ants("Ben"), ants("Ben", withdrawn_at="now")], "agreed", ("Ana", "Ben")),
        ([ants("Ana"), ants("Ben", withdrawn_at="now")], "one_opinion", ("Ana",)),
        ([ants("Ana"), ants("Ana")], "one_opinion", ("Ana",)),
        ([ants("Ana"), nothing("Ana"), nothing("Ben")], "agreed", ("Ana", "Ben")),
        ([ants("Ana"), nothing("Ana", withdrawn_at="now"), ants("Ben")], "agreed", ("Ana", "Ben")),
        ([Said("Ana", "unusable"), Said("Ben", "unusable")], "agreed", ("Ana", "Ben")),
        ([ants("Ana", withdrawn_at="now")], "open", ()),
    ],
)
def test_what_opinions_come_to(opinions: list[Said], status: str, by: tuple[str, ...]) -> None:
    found = current(numbered(*opinions))
    assert (found.status, found.reviewers) == (status, by)
    assert (found.opinion is not None) == (status in ("agreed", "one_opinion"))


def test_a_second_that_agrees_does_not_undo_the_first() -> None:
    """And withdrawing the second's leaves the first's."""
    first, second = numbered(ants("Ana"), ants("Ben"))
    assert current([first, second]).opinion is first
    second.withdrawn_at = "now"
    assert (current([first, second]).status, current([first, second]).opinion) == (Status.ONE_OPINION, first)


def test_the_order_in_which_opinions_are_read_is_no_matter() -> None:
    known = numbered(ants("Ana"), nothing("Ben"), ants("Ben"), HORNET)
    for _ in range(20):
        random.shuffle(known)
        assert [one.position for one in in_force(known)] == [0, 2, 3]
        assert current(known).reviewers == ("Ana", "Ben")


def test_boxes_of_one_place() -> None:
    assert share((0, 0, 10, 10), (5, 0, 15, 10)) == 0.5
    assert share((0, 0, 100, 100), (10, 10, 12, 12)) == 1.0
    assert share((0, 0, 10, 10), (10, 0, 20, 10)) == 0.0
    trail = ants("Ana", (0, 0, 500, 100))
    each = ants("Ben", (10, 10, 30, 30), (200, 40, 230, 60), (460, 10, 490, 40))
    assert same(trail, each)
    assert not same(trail, ants("Ben", (10, 10, 30, 30), (800, 800, 820, 820)))
    assert not same(ants("Ana"), Said("Ben", "contamination", [mark("wasp")]))


def test_what_an_opinion_says_of_a_finding() -> None:
    seen = Said("Ana", "contamination", [mark("hornet", 10, 10, 60, 60), mark("soil", 400, 400, 500, 500, finding="g")])
    assert of_finding(seen, Found(box=[0, 0, 100, 100])) == "hornet"
    assert of_finding(seen, Found(box=[200, 200, 300, 300])) == "no_contaminant"
    assert of_finding(seen, Found(id="g", box=[0, 0, 100, 100])) == "soil"  # they said so, wherever the box is
    assert of_finding(seen, Found(label=None, decided_label="soil")) == "soil"
    assert of_finding(seen, Found(label=None, decided_label="ant")) in ("hornet", "soil")
    assert of_finding(nothing("Ana"), Found()) == "no_contaminant"
    assert of_finding(Said("Ana", "unusable"), Found()) == "unusable"
    assert of_finding(Said("Ana", "needs_expert"), Found()) is None


def test_pairs_are_of_places() -> None:
    one = Said("Ana", "contamination", [mark("ant", 0, 0, 10, 10), mark("seed", 50, 50, 60, 60)])
    other = Said("Ben", "contamination", [mark("ant", 2, 2, 12, 12), mark("soil", 80, 80, 90, 90)])
    assert sorted(pairs(one, other)) == [("ant", "ant"), ("no_contaminant", "soil"), ("seed", "no_contaminant")]
    assert pairs(one, Said("Ben", "unusable")) == [("ant", "unusable"), ("seed", "unusable")]
    assert pairs(nothing("Ana"), Said("Ben", "unusable")) == [("no_contaminant", "unusable")]
    assert pairs(one, Said("Ben", Outcome.NEEDS_EXPERT)) == []


def drawn(rng: random.Random, n: int, agree: float) -> list[tuple[str, str]]:
    labels = ["ant", "ant", "ant", "seed", "seed", "no_contaminant", "moth"]
    found = []
    for _ in range(n):
        first = rng.choice(labels)
        found.append((first, first if rng.random() < agree else rng.choice(labels)))
    return found


@pytest.mark.parametrize("seed", range(5))
def test_kappa_is_that_of_sklearn(seed: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics", reason="needs scikit-learn: pip install 'pestcheck[train]'")
    answers = drawn(random.Random(seed), 200, 0.2 * seed)
    first, second = zip(*answers, strict=True)
    assert kappa(answers).value == pytest.approx(metrics.cohen_kappa_score(first, second), abs=1e-12)
    for label, found in by_label(answers).items():
        against = metrics.cohen_kappa_score([a == label for a in first], [b == label for b in second])
        assert found.value == pytest.approx(against, abs=1e-12), label


def test_the_interval_covers_the_truth() -> None:
    """95 of 100, of many draws from a population whose kappa is known."""
    rng = random.Random(7)
    truth = kappa(drawn(rng, 200_000, 0.7)).value
    assert truth is not None
    inside = sum(found.low <= truth <= found.high for found in (kappa(drawn(rng, 150, 0.7)) for _ in range(600)))  # type: ignore[operator]
    assert 0.92 <= inside / 600 <= 0.98


@pytest.mark.parametrize(
    ("answers", "value", "observed"),
    [
        ([], None, 0.0),
        ([("ant", "ant")] * 9, None, 1.0),
        ([("ant", "ant"), ("seed", "seed")], 1.0, 1.0),
        ([("ant", "seed"), ("seed", "ant")], -1.0, 0.0),
        # Fleiss 1981, table 13.1: two raters, 100 subjects, kappa 0.676
        ([("p", "p")] * 75 + [("p", "n")] + [("p", "o")] * 4 + [("n", "p")] * 5 + [("n", "n")] * 4 + [("n", "o")] + [("o", "o")] * 10, 0.676, 0.89),
    ],
)  # fmt: skip
def test_kappa_of_known_tables(answers: Sequence[tuple[str, str]], value: float | None, observed: float) -> None:
    found = kappa(answers)
    assert found.pairs == len(answers)
    assert found.observed == pytest.approx(observed)
    assert found.value == (None if value is None else pytest.approx(value, abs=1e-3))
    if value is not None:
        assert found.low is not None
        assert found.high is not None
        assert -1 <= found.low <= value + 1e-3
        assert value - 1e-3 <= found.high <= 1
