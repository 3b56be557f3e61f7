"""Which conveyances deserve a second look: a share drawn at random, and of the others those whose history says so (CTPAT 5.8).

The random share comes first and looks at nothing, so every conveyance has the same chance: what is found in it says how much
contamination there is (ISPM 31, AQIM), whatever the rest learns or fears. Pure functions; the person decides. Formulas: docs/insight.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pestcheck.rates import Rate

WEIGHT = 20.0
"""Inspections at the usual rate that each history is mixed with: three of three contaminated say less than thirty of thirty."""
TELLS = 1.25
"""Odds ratio from which a history is named as a reason."""
LEAST = 30
"""Inspections without which nobody knows the usual rate: until then only the random share is drawn."""


class History(StrEnum):
    """What past inspections have in common with the conveyance at hand."""

    LANE = "lane"
    CARRIER = "carrier"
    SITE = "site"
    SEASON = "season"
    CONVEYANCE = "conveyance"


class Selected(StrEnum):
    """The kinds of selection, as records name them (``records.inspections.SELECTIONS``)."""

    ROUTINE = "routine"
    TARGETED = "targeted"
    RANDOM = "random"


@dataclass(frozen=True, slots=True)
class Plan:
    """``share``: drawn at random, above 0, so that rates stay estimable. ``factor``: how many times the usual odds call for a second look."""

    share: float = 0.1
    factor: float = 2.0

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError("the random share must be above 0 and at most 1: without it nobody can tell how much contamination there is")
        if not self.factor > 1:
            raise ValueError("the factor must be above 1: it says how many times the usual risk calls for a second look")


@dataclass(frozen=True, slots=True)
class Past:
    """What was found in inspections like this one. ``name``: the lane, the carrier, the month."""

    history: History
    name: str
    rate: Rate


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is proposed, and why. ``risk``: the odds of contamination, times the usual ones; ``reasons``: what raises it, the strongest first."""

    selected: Selected
    value: float
    risk: float
    reasons: tuple[Past, ...]


def drawn(root: str, key: str, day: str) -> float:
    """A number from 0 to below 1, each as likely as any other: it follows from the head of the log before the draw (``root``), the
    conveyance and the day, so that nobody can choose it and everybody can compute it again."""
    digest = hashlib.sha256(f"{root}|{key}|{day}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48  # exact in a double


def risk(usual: Rate, pasts: Sequence[Past]) -> tuple[float, tuple[Past, ...]]:
    """The odds of contamination, times the usual ones, and what raises them.

    Each history's rate is mixed with WEIGHT inspections at the usual rate (a beta prior), and the odds ratios are multiplied, as if the
    histories said different things (naive Bayes). They overlap, so it ranks conveyances, and is no probability.
    """
    if usual.of < LEAST:
        return 1.0, ()
    base = (usual.found + 0.5) / (usual.of + 1)
    ratios = [(_odds((past.rate.found + WEIGHT * base) / (past.rate.of + WEIGHT)) / _odds(base), past) for past in pasts]
    product = 1.0
    for ratio, _ in ratios:
        product *= ratio
    told = sorted(((ratio, past) for ratio, past in ratios if ratio >= TELLS), key=lambda pair: -pair[0])
    return product, tuple(past for _, past in told)


def propose(value: float, plan: Plan, usual: Rate, pasts: Sequence[Past]) -> Proposal:
    """The random share first; of the others, those whose risk calls for it.

    Args:
        value: of ``drawn``. usual, pasts: of routine and random inspections only: where one looks harder one finds more, and what was
            found in targeted ones would make the same lanes ever more suspect.
    """
    times, reasons = risk(usual, pasts)
    if value < plan.share:
        return Proposal(Selected.RANDOM, value, times, reasons)
    return Proposal(Selected.TARGETED if times >= plan.factor else Selected.ROUTINE, value, times, reasons)


def _odds(share: float) -> float:
    return share / (1 - share)
