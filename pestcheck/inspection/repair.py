"""Repairing a container number that was misread: the cheapest change with which its check digit is right. Pure.

Where only a letter can stand, a 0 was an O; where only a digit can stand, an S was a 5 (ISO 6346: three letters, then U, J or Z, then
six digits and the check digit). Which of several changes is right the check digit tells in ten of eleven cases: so more than one may
be offered, and a person compares with the container. Nothing is put in or changed that does not look like what was read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase, digits

from pestcheck.inspection.identifiers import CAPITALS, LETTER_VALUES, container_number

ALIKE = (
    "O0DQ", "DO0U", "QO0", "0ODQUC6", "I1LTJ", "1IJL7T", "LI1U", "T71IJ", "7T1Z", "Z27", "2Z7", "S58", "5S6", "B83", "8B3S06", "3B8", "G6C",
    "6G5B80", "A4", "4A", "C0GOU", "9GP0", "J1U3", "U0VJ", "VUY", "YV", "EFB", "FEP", "PFR9", "RPKA", "KXR", "XKY", "MNWH", "NMH", "HNM", "WM",
)  # fmt: skip
"""Each first character may have been read for one of those that follow, the likeliest first."""
CONFUSED: dict[str, str] = {group[0]: group[1:] for group in ALIKE}
KINDS = (ascii_uppercase,) * 3 + ("UJZ",) + (digits,) * 7
"""What can stand in each of the eleven places."""
OTHER_KIND, SAME_KIND = 0.7, 3.0
"""Cost of a change, as the negative logarithm of a probability: of a letter to a digit or back, which the place asks for; of any other."""
LATER = 0.5
"""More for each place that a character comes later in ``ALIKE``."""
EXTRA = 2.5
"""Cost of leaving out a character, as the edge of the box round the check digit, which is read as 1 or I."""
MOST = 16.0
"""Costlier repairs are not offered."""
OFFERED = 8

Reading = Sequence[Mapping[str, float]]
"""For each place what may stand there, with its probability."""


@dataclass(frozen=True, slots=True)
class Repair:
    """A container number whose check digit is right, and what had to be changed for it, in words: "O to 0 in place 5".

    ``cost``: negative logarithm of how likely the reading is, 0 or more; 0 where nothing was doubtful.
    """

    text: str
    changed: tuple[str, ...]
    cost: float


def repairs(read: str | Reading) -> tuple[Repair, ...]:
    """Container numbers that may have been what was read, the likeliest first, 8 at most; none where nothing fits.

    Args:
        read: as a text (small letters, and anything but letters and digits, do not count), or what may stand in each place.
            There may be more before and after the number, and one character too many in it.
    """
    places: list[Mapping[str, float]] = (
        [{character: 1.0} for character in _plain(read)] if isinstance(read, str) else [place for place in read if _sure(place).isalnum()]
    )
    best: dict[str, Repair] = {}
    for window, extra in _windows(places):
        for text, cost in _cheapest(window):
            changed = tuple(
                f"{_sure(place)} to {character} in place {number}"
                for number, (place, character) in enumerate(zip(window, text, strict=True), 1)
                if _sure(place) != character
            )
            repair = Repair(text, (*changed, *extra), cost + EXTRA * len(extra))
            if text not in best or best[text].cost > repair.cost:
                best[text] = repair
    ranked = sorted((repair for repair in best.values() if repair.cost <= MOST), key=lambda repair: (repair.cost, repair.text))
    return tuple(ranked[:OFFERED])


def _plain(text: str) -> str:
    return "".join(character for character in text.translate(CAPITALS) if character in LETTER_VALUES or character in digits)


def _sure(place: Mapping[str, float]) -> str:
    return max(place, key=lambda character: place[character])


def _windows(places: list[Mapping[str, float]]) -> Iterator[tuple[list[Mapping[str, float]], tuple[str, ...]]]:
    """Every eleven places in a row, and every eleven of twelve where the one left out was read as an upright stroke."""
    for start in range(len(places) - 10):
        yield places[start : start + 11], ()
        if start + 12 <= len(places):
            for out in range(start + 1, start + 11):
                if (character := _sure(places[out])) in "1IL":
                    yield places[start:out] + places[out + 1 : start + 12], (f"{character} left out after place {out - start}",)


def options(place: Mapping[str, float], allowed: str) -> dict[str, float]:
    """What can stand in a place, with its cost."""
    costs: dict[str, float] = {}
    for character, probability in place.items():
        here = -math.log(max(min(probability, 1.0), 1e-9))
        for rank, other in enumerate((character, *CONFUSED.get(character, ""))):
            if other in allowed:
                change = 0.0 if not rank else (OTHER_KIND if character.isdigit() != other.isdigit() else SAME_KIND) + LATER * (rank - 1)
                costs[other] = min(costs.get(other, math.inf), here + change)
    return costs


def _cheapest(window: Sequence[Mapping[str, float]]) -> list[tuple[str, float]]:
    """The cheapest numbers with the right check digit. For every remainder of the sum so far only the cheapest beginnings go on."""
    beginnings: dict[int, list[tuple[float, str]]] = {0: [(0.0, "")]}
    for position, (place, allowed) in enumerate(zip(window[:10], KINDS, strict=False)):
        longer: dict[int, list[tuple[float, str]]] = {}
        for character, cost in options(place, allowed).items():
            value = LETTER_VALUES.get(character) or int(character)
            for remainder, texts in beginnings.items():
                after = (remainder + (value << position)) % 11
                longer.setdefault(after, []).extend((so_far + cost, text + character) for so_far, text in texts if so_far + cost <= MOST)
        beginnings = {remainder: sorted(texts)[:OFFERED] for remainder, texts in longer.items()}
    last = options(window[10], digits)
    whole = [
        (text + str(remainder % 10), cost + last[str(remainder % 10)])
        for remainder, texts in beginnings.items()
        if str(remainder % 10) in last
        for cost, text in texts
    ]
    assert all(container_number(text).problem is None for text, _ in whole)
    return sorted(whole, key=lambda found: found[1])[:OFFERED]
