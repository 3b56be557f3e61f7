"""The text of an ISPM 15 mark from what was read of its lines: country, producer, treatment."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from iso3166 import countries_by_alpha2

from pestcheck.inspection.repair import options
from pestcheck.inspection.wpm_mark import AS_LETTER, NOT_COUNTRIES, TREATMENTS, Level, read_mark
from pestcheck.vision.agree import Steps, agreement
from pestcheck.vision.lines import ALPHABET
from pestcheck.vision.text import Line

FIRST_ONLY = 4.0
"""Cost, in nats, of a treatment code of which only the first letter was read, and says which it is."""
COUNTRIES = countries_by_alpha2.keys() - NOT_COUNTRIES
AS_DIGIT = str.maketrans("OQDIZSGBT", "000125687")
FULLER = {"0": "8", "1": "4", "3": "8", "5": "69", "6": "8", "9": "8", "C": "068G", "F": "PE", "J": "I", "L": "E", "P": "R", "S": "89"}
"""What each may have been before wear took a stroke of it."""
WORN, SIX = 2.5, 2.0
"""How much less likely, in nats, the fuller character may look for it to be taken: wear takes paint away and adds none. Less where
that is an 8 for a 6, which whole ones look like most."""
AMONG_DIGITS = 4.0
"""Cost, in nats, of a letter among more digits."""
LEAST = 0.1
"""Confidence below which the looks show next to nothing, and what was read before stands."""
FORM = re.compile(
    # A stroke of the border, country, producer, treatment, more codes.
    r"^[^A-Z0-9]*((?:[TIL1](?=[A-Z]{2}-))?)([A-Z0-9]{2}(?=[ -]*-)|[A-Z]{2}(?=[0-9]))[ -]*([A-Z0-9][A-Z0-9 -]*?)[ -]*"
    r"([HI1][I1]T|[A-Z0-9]{2})((?:[ -]*(?:DB|KD))*)[ -]*$"
)


@dataclass(frozen=True, slots=True)
class Mark:
    """What lines may say: ``text`` as "US-1234 HT", what was ``repaired`` in words, ``confidence`` 0 to 1, what is wrong or None."""

    text: str
    repaired: tuple[str, ...]
    confidence: float
    problem: str | None


def mark(lines: Sequence[Line]) -> Mark | None:
    """The mark that the lines, one after the other, may be; None where they are none."""
    text = " ".join(line.text for line in lines)
    characters = [place for line in lines for place in line.characters]
    if not (match := FORM.search(text)):
        return None
    rim, country, producer, treatment, more = match.groups()
    places = [place for place in characters if max(place, key=lambda c: place[c]).isalnum()][len(rim) :]
    where = len(places) - len(re.sub(r"[^A-Z]", "", more)) - len(treatment)
    meant, first_cost = _meant(places[:2], COUNTRIES)
    code, last_cost = _meant(places[where : where + 2], TREATMENTS.keys(), by_first=FIRST_ONLY)
    if len(treatment) == 3:
        code, last_cost = "HT", FIRST_ONLY  # an H without its bar, read as two strokes
    if not meant or not code or not re.search(r"[0-9]", producer):
        return None
    if " " not in text and not re.match("[^A-Z0-9]*[A-Z0-9]{2,3}[ -]*-", text) and (meant, code) != (country, treatment):
        return None  # without a hyphen and in one piece it may as well be the number of a seal
    repaired = [f"{a} to {b}" for a, b in ((country, meant), (treatment, code)) if a != b]
    producer, changed = _producer(producer)
    said = f"{meant}-{producer} {code}"
    middle = [max(place.values()) for place in places[2:where]]
    confidence = math.exp(-(first_cost + last_cost - sum(map(math.log, middle))) / max(1, len(places)) * 2)
    faults = [warning.text for warning in read_mark(said).warnings if warning.level is Level.FAULT]
    return Mark(said, tuple(repaired + changed), confidence, faults[0] if faults else None)


def looked_again(text: str, lines: Sequence[Line], again: Callable[[Line], list[tuple[Line, Steps]]]) -> tuple[str, float]:
    """The mark that several looks together speak for most, of what was read, what a look reads, and what is near to these.

    A producer's code has no check digit; that all looks agree on it is the next best.

    Args:
        text: as read, a ``Mark.text``.
        lines: one with all of it, or the number and below it the treatment.
        again: ``TextReader.again`` of their photograph.

    Returns:
        Its text, and a confidence from 0 to 1.
    """
    apart = len(lines) > 1 and mark(lines[:1]) is None
    looks = [again(line) for line in lines[: 1 + apart]]
    seen = [[steps for _, steps in look] for look in looks]

    def fits(marks: Iterable[str]) -> dict[str, float]:
        """Mean logarithm of the probability that a look says a mark."""
        marks = sorted(marks)
        if apart:
            numbers, codes = (sorted({said.split(" ")[part] for said in marks}) for part in (0, 1))
            number = dict(zip(numbers, agreement(seen[0], numbers, ALPHABET), strict=True))
            code = dict(zip(codes, agreement(seen[1], codes, ALPHABET), strict=True))
            fit = [number[said.split(" ")[0]] + code[said.split(" ")[1]] for said in marks]
        else:
            fit = list(np.maximum(*(agreement(seen[0], [said.replace(" ", between) for said in marks], ALPHABET) for between in ("", "-"))))
        return {said: float(of) - AMONG_DIGITS * _letters_among_digits(said) for said, of in zip(marks, fit, strict=True)}

    begins = {text[:2]}
    marks = {text}
    for one in zip(*looks, strict=True):
        begins |= set(re.findall(r"^[A-Z]{2}(?=-)", one[0][0].text))
        if (found := mark([line for line, _ in one])) and not found.problem:
            marks.add(found.text)
    fit = fits(marks)
    best = max(fit, key=lambda said: fit[said])
    near = {country + best[2:] for country in COUNTRIES if any(country[0] == read[0] or country[1] == read[1] for read in begins)}
    fit |= fits(near | {f"{best.split(' ')[0]} {code}" for code in TREATMENTS})
    best = max(fit, key=lambda said: fit[said])
    while fuller := fits(_fuller(best)):
        likeliest, ahead = max(((said, of + _allowed(best, said)) for said, of in fuller.items()), key=lambda found: found[1])
        if ahead <= fit[best]:
            break
        fit |= fuller
        best = likeliest
    confidence = math.exp(2 * min(0.0, fit[best]) / len(best))
    return (best, confidence) if confidence >= LEAST else (text, LEAST)


def _fuller(text: str) -> Iterator[str]:
    """What a mark may have been with one more stroke in its producer code."""
    for place in range(3, text.index(" ")):
        for other in FULLER.get(text[place], ""):
            yield text[:place] + other + text[place + 1 :]


def _allowed(text: str, fuller: str) -> float:
    return SIX if any(one == "6" != other for one, other in zip(text, fuller, strict=True)) else WORN


def _letters_among_digits(text: str) -> int:
    """How many letters of a mark's producer code stand in a part that is mostly digits."""
    parts = re.findall(r"[A-Z0-9]+", text[3 : text.index(" ")])
    return sum(len(part) - _digits(part) for part in parts if 2 * _digits(part) > len(part))


def _digits(text: str) -> int:
    return sum(character.isdigit() for character in text)


def _meant(places: list[Mapping[str, float]], allowed: Collection[str], by_first: float = math.inf) -> tuple[str, float]:
    """The likeliest of the allowed pairs of letters, "" if none is near, and its cost.

    Args:
        by_first: cost of a second letter that was not seen at all, where only one of the allowed pairs begins as the first one says.
    """
    if len(places) != 2:
        return "", math.inf
    one, two = (options(place, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") for place in places)
    first = max(places[0], key=lambda character: places[0][character])
    alone = {pair for pair in allowed if [other for other in allowed if other[0] == first] == [pair]}
    costs = {
        pair: one[pair[0]] + min(two.get(pair[1], math.inf), by_first if pair in alone else math.inf)
        for pair in sorted(allowed)
        if pair[0] in one
    }
    best = min(costs, key=lambda pair: costs[pair], default="")
    return (best, costs[best]) if best and costs[best] < 6 else ("", math.inf)


def _producer(text: str) -> tuple[str, list[str]]:
    """The code with one kind of separator. Among more digits letters are taken for the digits that they look like, and a digit beside
    one letter for a letter; a letter on its own at the end is part of the border or of the code below."""
    parts, changed = re.findall(r"[A-Z0-9]+", text), []
    if len(parts) > 1 and len(parts[-1]) == 1 and parts[-1].isalpha():
        changed.append(f"{parts.pop()} left out at the end")
    for place, part in enumerate(parts):
        meant = part.translate(AS_DIGIT if 2 * _digits(part) > len(part) else AS_LETTER)
        if meant != part and (meant.isdigit() or len(part) == 2):
            changed.append(f"{part} to {meant}")
            parts[place] = meant
    return "-".join(parts), changed
