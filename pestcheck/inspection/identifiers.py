"""Numbers written on conveyances."""

from __future__ import annotations

import re
from dataclasses import dataclass

LETTER_VALUES = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", (v for v in range(10, 39) if v % 11), strict=True))
"""ISO 6346: A is 10, B is 12 ... Z is 38; multiples of 11 are left out."""
SHAPE = re.compile(r"[A-Z]{3}[UJZ][0-9]{7}")


@dataclass(frozen=True, slots=True)
class ContainerNumber:
    """A container number as typed and as read. ``problem``: what is wrong with it in words, or None."""

    text: str
    problem: str | None


def check_digit(number: str) -> int:
    """Check digit of the first ten characters (owner, category, serial) of a container number (ISO 6346, annex A).

    Raises:
        ValueError: not four letters and six digits.
    """
    if not re.fullmatch(r"[A-Z]{4}[0-9]{6}", number[:10]):
        raise ValueError(f"{number[:10]!r} is not four letters and six digits")
    values = [LETTER_VALUES.get(c) or int(c) for c in number[:10]]
    return sum(value << position for position, value in enumerate(values)) % 11 % 10


def container_number(typed: str) -> ContainerNumber:
    """Read a container number as a person types it: any case, spaces and hyphens anywhere."""
    text = re.sub(r"[\s\-–./]", "", typed).upper()
    if not text:
        return ContainerNumber("", "no container number given")
    if not SHAPE.fullmatch(text):
        return ContainerNumber(text, "not of the form ISO 6346 asks for: 3 letters, then U, J or Z, then 7 digits, as CSQU 305438 3")
    expected = check_digit(text)
    if int(text[-1]) != expected:
        return ContainerNumber(
            text, f"the check digit of {text[:4]} {text[4:10]} should be {expected}, not {text[-1]}; read the number again"
        )
    return ContainerNumber(text, None)
