"""In which order trainers get photographs: what each teaches, part by part, and the weights, all here. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pestcheck.review import Status

VERSION = 3
"""To be raised when anything here changes: the queue is then made anew."""
FULL_SET = 5
"""A candidate set of so many labels counts in full; one label counts nothing."""
RARE = 30
"""A label is rare as long as fewer photographs with it were reviewed."""
NEW_SITE = 50
"""A site is new as long as fewer of its photographs were reviewed."""
DRIFT, RECENT_DAYS = 0.25, 30
"""A site drifts if the scores of its last days lie this far from those before (population stability index; above 0.25 is called shifted)."""
HIGH_RISK = frozenset({
    "khapra_like_skin", "borer_signs", "egg_mass", "lanternfly_egg_mass", "spotted_lanternfly", "snail", "snail_slug", "hornet",
})  # fmt: skip
"""Labels and groups that look like pests with a programme of their own: khapra beetle, wood borers, spongy moths, spotted lanternfly, giant African
snail, giant hornets (docs/review.md)."""


@dataclass(frozen=True, slots=True)
class Part:
    """One reason to look at a photograph. ``weight``: in priority at most; ``says``: the reason in words."""

    weight: float
    says: str


PARTS: dict[str, Part] = {
    "missed": Part(5, "the model missed something"),
    "corrected": Part(4, "the inspector corrected the model"),
    "disputed": Part(4, "two trainers disagree"),
    "unsure": Part(3, "the model is unsure"),
    "models": Part(3, "two models disagree"),
    "listed": Part(2, "resembles what is on the watch list"),
    "large_set": Part(2, "large candidate set"),
    "high_risk": Part(1, "high-risk label"),
    "rare": Part(1, "rare label"),
    "second": Part(1, "a second opinion is wanted"),
    "new_site": Part(1, "new site"),
    "drift": Part(1, "scores at this site drift"),
}
"""By name. The priority of a photograph is the sum of weight times part; each part is 0 to 1."""
NAMED = 0.5
"""A part that gives at least this is named as a reason."""


class Found(Protocol):
    """What is asked of a finding: ``tables.Finding``, or a row with the same."""

    label: str | None
    probability: float | None
    candidates: Any
    state: str
    decided_label: str | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What trainers know well by now, labels and sites, and which sites drift."""

    common: frozenset[str] = frozenset()
    known_sites: frozenset[str] = frozenset()
    drifting: frozenset[str] = frozenset()


def doubt(probability: float | None) -> float:
    """How unsure a probability is: 1 at one half, 0 at none and at certainty."""
    return 4 * probability * (1 - probability) if probability is not None else 0.0


def between(candidates: Sequence[Any]) -> float:
    """How unsure the first of a finding's candidates, (label, probability) each, is beside the second: 1 where they are equal (margin sampling)."""
    first, second = [*(float(candidate[1]) for candidate in candidates[:2]), 0.0, 0.0][:2]
    return 1 - (first - second)


def parts(
    *, verdict: str | None, score: float | None, findings: Iterable[Found], status: str = Status.OPEN, site: str = "", recent: bool = False,
    models: bool = False, listed: bool = False, facts: Facts = Facts(),
) -> dict[str, float]:  # fmt: skip
    """What a photograph teaches, each of PARTS 0 to 1.

    Args:
        verdict, score: the model's, of the photograph. findings: the model's, with what the inspector decided, and those that it missed.
        status: how far trainers are. recent: taken up in the last RECENT_DAYS.
        models: an add-on model names something that does not fit the label of a finding. listed: it resembles what is on the watch list.
    """
    known = [*findings]
    labels = {label for one in known for label in (one.label, one.decided_label) if label}
    suggested = [one for one in known if one.label is not None]
    decided = {one.decided_label for one in known if one.decided_label}
    # By the margin, and of high risk what a person says or the model is not sure of: measured with training.loop (docs/trainers.md), this order
    # teaches more than chance; "one label of high risk before all" taught less, one look-alike after another.
    unsure = max((between(one.candidates) if one.candidates else doubt(one.probability) for one in suggested), default=doubt(score))
    return {
        "missed": float(any(one.state == "missed" for one in known)),
        "corrected": float(any(one.state in ("corrected", "rejected") and one.label is not None for one in known)),
        "disputed": float(status == Status.DISPUTED),
        "high_risk": 1.0 if decided & HIGH_RISK else unsure if labels & HIGH_RISK else 0.0,
        "unsure": unsure,
        "models": float(models),
        "listed": float(listed),
        "large_set": max((min(1.0, (len(one.candidates) - 1) / (FULL_SET - 1)) for one in suggested if one.candidates), default=0.0),
        "rare": float(any(label in LABELS and label not in facts.common for label in labels)),
        "second": float(status == Status.ONE_OPINION),
        "new_site": float(site not in facts.known_sites),
        "drift": float(recent and site in facts.drifting),
    }


def priority(given: Mapping[str, float]) -> int:
    """The sum of weight times part, in thousandths: whole numbers compare alike in every database."""
    return round(1000 * sum(PARTS[name].weight * value for name, value in given.items()))


def reasons(given: Mapping[str, float]) -> list[str]:
    """The parts that matter, the weightiest first."""
    gives = {name: PARTS[name].weight * value for name, value in given.items()}
    return sorted((name for name, value in gives.items() if value >= NAMED), key=lambda name: (-gives[name], [*PARTS].index(name)))


def in_words(names: Sequence[str]) -> str:
    """Reasons as one line."""
    return "; ".join(PARTS[name].says for name in names if name in PARTS)
