"""A conveyance on its way: hands, times and places, and where they leave a gap (CTPAT 5.14 to 5.16, 5.24). Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from math import asin, cos, radians, sin, sqrt

GAP = timedelta(hours=4)
"""Our own default: longer than this without a known hand, time or place wants an explanation."""
STANDS = 0.5
"""Kilometres: positions no further apart are of a conveyance that stands."""
EARTH = 6371.0
"""Mean radius in kilometres."""


class GapKind(StrEnum):
    """What is not as it should be."""

    OTHER_HAND = "other_hand"
    DWELL = "dwell"
    LATE = "late"
    NO_TIME = "no_time"
    WRONG_ORDER = "wrong_order"
    NO_POSITION = "no_position"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Position:
    """Where it was at a time (with time zone); degrees north and east."""

    at: datetime
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Stretch:
    """One leg: who handed over and who took over, from where to where, planned and actual times (with time zone; None: not known)."""

    tendered_by: str
    received_by: str
    origin: str = ""
    destination: str = ""
    planned_departure: datetime | None = None
    planned_arrival: datetime | None = None
    departed: datetime | None = None
    arrived: datetime | None = None
    positions: tuple[Position, ...] = ()


@dataclass(frozen=True, slots=True)
class Gap:
    """Something to explain. ``leg``: number of the leg, from 0; ``hours``: how long, where it is a time."""

    kind: GapKind
    leg: int
    text: str
    hours: float | None = None


def gaps(stretches: Sequence[Stretch], longest: timedelta = GAP) -> tuple[Gap, ...]:
    """What is to be explained, leg by leg in their order.

    Args:
        longest: how long a conveyance may stand, be late, or be without a known place.
    """
    found = []
    for number, leg in enumerate(stretches):
        found += _within(number, leg, longest)
        if number + 1 < len(stretches):
            found += _between(number, leg, stretches[number + 1], longest)
    return tuple(found)


def _within(number: int, leg: Stretch, longest: timedelta) -> list[Gap]:
    n, found = number + 1, []
    if leg.departed and leg.arrived and leg.arrived < leg.departed:
        found.append(Gap(GapKind.WRONG_ORDER, number, f"leg {n} arrived before it departed; correct one of the times"))
    for word, planned, actual in (("depart", leg.planned_departure, leg.departed), ("arrive", leg.planned_arrival, leg.arrived)):
        if planned and actual and actual - planned > longest:
            late = actual - planned
            says = f"leg {n} was to {word} at {_time(planned)}; it did {_hours(late):.1f} hours later; find out why"
            found.append(_gap(GapKind.LATE, number, says, late))
        elif planned and not actual:
            says = f"leg {n} was to {word} at {_time(planned)}; nobody wrote down when it did"
            found.append(Gap(GapKind.NO_TIME, number, says))
    track = sorted(leg.positions, key=lambda position: position.at)
    for one, other in pairwise(track):
        if (away := other.at - one.at) > longest and not _near(one, other):
            says = f"leg {n}: no position from {_time(one.at)} on for {_hours(away):.1f} hours; find out why"
            found.append(_gap(GapKind.NO_POSITION, number, says, away))
    for first, last in _stops(track):
        if (stood := last.at - first.at) > longest:
            where = f"{first.latitude:.4f}, {first.longitude:.4f}"
            says = f"leg {n} stood at {where} from {_time(first.at)} on for {_hours(stood):.1f} hours; find out why"
            found.append(_gap(GapKind.STOP, number, says, stood))
    return found


def _between(number: int, leg: Stretch, following: Stretch, longest: timedelta) -> list[Gap]:
    found = []
    if name_key(leg.received_by) != name_key(following.tendered_by):
        found.append(Gap(
            GapKind.OTHER_HAND, number,
            f"{leg.received_by} took over on leg {number + 1}, but {following.tendered_by} handed over on leg {number + 2}; "
            "write down the change of custody between",
        ))  # fmt: skip
    if leg.arrived and following.departed:
        if following.departed < leg.arrived:
            found.append(
                Gap(GapKind.WRONG_ORDER, number, f"leg {number + 2} departed before leg {number + 1} arrived; correct one of the times")
            )
        elif (stood := following.departed - leg.arrived) > longest:
            place = leg.destination or "an unknown place"
            says = f"it stood between leg {number + 1} and {number + 2}, at {place}, for {_hours(stood):.1f} hours; find out why"
            found.append(_gap(GapKind.DWELL, number, says, stood))
    return found


def _stops(track: Sequence[Position]) -> list[tuple[Position, Position]]:
    """First and last position of each stop: those that stay near the first of them."""
    stops: list[tuple[Position, Position]] = []
    start = 0
    for k in range(1, len(track) + 1):
        if k == len(track) or not _near(track[start], track[k]):
            if k - 1 > start:
                stops.append((track[start], track[k - 1]))
            start = k
    return stops


def kilometres(one: Position, other: Position) -> float:
    """Distance along the surface (haversine)."""
    a, b = radians(one.latitude), radians(other.latitude)
    across = radians(other.longitude - one.longitude)
    return 2 * EARTH * asin(min(1.0, sqrt(sin((b - a) / 2) ** 2 + cos(a) * cos(b) * sin(across / 2) ** 2)))


def _near(one: Position, other: Position) -> bool:
    return kilometres(one, other) <= STANDS


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M %Z}"


def _hours(long: timedelta) -> float:
    return long.total_seconds() / 3600


def _gap(kind: GapKind, number: int, text: str, long: timedelta) -> Gap:
    return Gap(kind, number, text, round(_hours(long), 2))


def name_key(name: str) -> str:
    """The name of a person or company in the form in which two are compared: case and blanks do not count."""
    return " ".join(name.casefold().split())
