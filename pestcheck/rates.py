"""Shares with their intervals, and how far two distributions lie apart: pure functions, formulas in docs/insight.md."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Z = 1.959963984540054
"""Of a 95 % interval on both sides."""
RISK = 0.05
ENOUGH = 200
"""Photographs below which a PSI says more of chance than of the camera (docs/insight.md)."""

DRIFT = "drift"
LIMITS = {
    "flagged": 0.6, "unsure": 0.3, "unusable": 0.1, "corrected": 0.2, "rejected": 0.5, "missed": 0.1, "agreement": 0.8, DRIFT: 0.25,
}  # fmt: skip
"""Where the alarms of watching are unless the settings say otherwise: of ``agreement`` below it, of all others above it."""


@dataclass(frozen=True, slots=True)
class Rate:
    """``found`` of ``of``, with a 95 % interval."""

    found: int
    of: int

    @property
    def share(self) -> float | None:
        """From 0 to 1; None of nothing."""
        return self.found / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's (1927): holds up for few and for rare, and never leaves 0 to 1. Of nothing, nothing is known: 0 to 1."""
        return wilson(self.found, self.of)

    @property
    def at_most(self) -> float | None:
        """Where nothing was found: the rate that it stays below, 95 % sure; about 3 / n (the rule of three). None where something was."""
        return at_most(self.of) if not self.found and self.of else None

    def __add__(self, other: Rate) -> Rate:
        return Rate(self.found + other.found, self.of + other.of)


def wilson(found: int, of: int, z: float = Z) -> tuple[float, float]:
    """The score interval of a share (Wilson 1927, JASA 22:209).

    Raises:
        ValueError: more found than there were, or fewer than none.
    """
    if not 0 <= found <= of:
        raise ValueError(f"{found} of {of} is no share")
    if not of:
        return 0.0, 1.0
    share, weight = found / of, z * z / of
    middle = (share + weight / 2) / (1 + weight)
    half = z / (1 + weight) * math.sqrt(share * (1 - share) / of + weight / (4 * of))
    # At the ends the formula is 0 and 1 up to rounding.
    return 0.0 if found == 0 else max(0.0, middle - half), 1.0 if found == of else min(1.0, middle + half)


def at_most(of: int, risk: float = RISK) -> float:
    """The highest rate at which none in ``of`` random draws is still as likely as ``risk``: ``1 - risk ** (1 / of)``, which 3 / n is near
    from about 30 on (Hanley & Lippman-Hand 1983, JAMA 249:1743)."""
    return 1.0 if of < 1 else 1.0 - float(risk ** (1.0 / of))


def psi(expected: Sequence[int], actual: Sequence[int]) -> float | None:
    """Population stability index of two histograms over the same bins: the sum of ``(a - e) * ln(a / e)`` over their shares.

    Half a count is added to each bin, so that an empty one does not make it infinite. Below 0.1 is called stable, above 0.25 shifted.

    Returns:
        None where one has fewer than ENOUGH: chance alone makes about (bins - 1) * (1 / n + 1 / m).

    Raises:
        ValueError: different bins.
    """
    if len(expected) != len(actual):
        raise ValueError("the histograms have different bins")
    if min(sum(expected), sum(actual)) < ENOUGH:
        return None
    bins = len(expected)
    shares = [[(count + 0.5) / (sum(counts) + bins / 2) for count in counts] for counts in (expected, actual)]
    return float(sum((a - e) * math.log(a / e) for e, a in zip(*shares, strict=True)))


def quantile(counts: Sequence[tuple[float, int]], share: float) -> float | None:
    """The value below which a share lies, of values with how often each is there, in their order; None of nothing."""
    left = share * sum(count for _, count in counts)
    for value, count in counts:
        left -= count
        if left <= 0 and count:
            return value
    return counts[-1][0] if counts else None
