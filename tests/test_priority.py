"""What a photograph teaches, part by part."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from pestcheck.inspection.guidance import rules
from pestcheck.priority import HIGH_RISK, PARTS, Facts, doubt, in_words, parts, priority, reasons
from pestcheck.records import CONTAMINANTS


@dataclass
class Found:
    """A finding."""

    label: str | None = "ant"
    probability: float | None = 0.99
    candidates: list[Any] = field(default_factory=lambda: [["ant", 0.99]])
    state: str = "suggested"
    decided_label: str | None = None


DRIFTING = Facts(drifting=frozenset({"Yard 1"}))
KNOWN = Facts(common=frozenset({"ant", "wasp", "snail", "soil"}), known_sites=frozenset({"Yard 1"}))


def of(*findings: Found, verdict: str = "suspect", score: float = 0.99, **more: Any) -> dict[str, float]:
    told: dict[str, Any] = {"site": "Yard 1", "facts": KNOWN} | more
    return parts(verdict=verdict, score=score, findings=findings, **told)


CANDIDATES = [["ant", 0.3], ["wasp", 0.3], ["bee", 0.2], ["fly", 0.1], ["moth", 0.1]]


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("missed", of(Found(label=None, probability=None, candidates=[], state="missed", decided_label="soil"))),
        ("corrected", of(Found(state="corrected", decided_label="wasp"))),
        ("corrected", of(Found(state="rejected"))),
        ("disputed", of(Found(), status="disputed")),
        ("second", of(Found(), status="one_opinion")),
        ("high_risk", of(Found(label="snail", candidates=[["snail", 0.4], ["slug", 0.4]]))),
        ("high_risk", of(Found(state="corrected", decided_label="khapra_like_skin"))),
        ("unsure", of(Found(label="insect", candidates=[["ant", 0.3], ["moth", 0.3]]))),
        ("unsure", of(Found(probability=0.5, candidates=[]))),
        ("unsure", of(verdict="nothing_found", score=0.5)),
        ("models", of(Found(), models=True)),
        ("listed", of(Found(), listed=True)),
        ("large_set", of(Found(candidates=CANDIDATES))),
        ("rare", of(Found(label="seed"))),
        ("new_site", of(Found(), site="Yard 2")),
        ("drift", of(Found(), site="Yard 1", recent=True, facts=DRIFTING)),
    ],
)
def test_each_part_counts_and_is_named(name: str, given: dict[str, float]) -> None:
    assert given[name] == 1.0
    assert name in reasons(given)
    assert priority(given) >= 1000 * PARTS[name].weight
    assert PARTS[name].says in in_words(reasons(given))


def test_what_all_agree_on_teaches_least() -> None:
    dull = of(Found(state="confirmed", decided_label="ant"))
    assert reasons(dull) == []
    assert priority(dull) < 300
    assert of(Found(state="rejected", label=None, decided_label=None))["corrected"] == 0.0  # a person's own mistake, not the model's
    assert of(Found(), site="Yard 1", recent=False, facts=DRIFTING)["drift"] == 0.0


def test_the_reasons_are_in_the_order_of_their_weight() -> None:
    given = of(Found(state="corrected", decided_label="wasp", candidates=CANDIDATES), status="one_opinion")
    assert reasons(given) == ["corrected", "unsure", "large_set", "second"]
    assert (
        in_words(reasons(given))
        == "the inspector corrected the model; the model is unsure; large candidate set; a second opinion is wanted"
    )
    assert priority(given) == 1000 * (4 + 3 + 2 + 1)


def test_a_label_of_high_risk_that_the_model_is_sure_of_teaches_little() -> None:
    sure = of(Found(label="snail", candidates=[["snail", 0.98], ["slug", 0.01]]))
    assert sure["high_risk"] == pytest.approx(0.03)
    assert of(Found(label="snail", state="corrected", decided_label="hornet"))["high_risk"] == 1.0  # a person says so


def test_parts_are_shares_and_doubt_is_largest_at_one_half() -> None:
    assert set(of()) == set(PARTS)
    for chance in (0.0, 0.2, 0.5, 0.8, 1.0):
        assert all(0 <= value <= 1 for value in of(Found(probability=chance, candidates=CANDIDATES * 3), score=chance).values())
    assert [doubt(chance) for chance in (0.0, 0.5, 1.0, None)] == [0, 1, 0, 0]
    assert parts(verdict=None, score=None, findings=[])["unsure"] == 0.0  # the model could not look


def test_high_risk_are_names_that_people_may_give() -> None:
    assert {*CONTAMINANTS} >= HIGH_RISK
    assert all(label in rules().matters or label in CONTAMINANTS for label in HIGH_RISK)
