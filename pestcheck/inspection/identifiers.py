"""Numbers and codes written on conveyances and in their documents: container number, size-type code, SCAC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from string import ascii_lowercase, ascii_uppercase

LETTER_VALUES = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", (v for v in range(10, 39) if v % 11), strict=True))
"""ISO 6346: A is 10, B is 12 ... Z is 38; multiples of 11 are left out."""
SHAPE = re.compile(r"[A-Z]{3}[UJZ][0-9]{7}")
CAPITALS = str.maketrans(ascii_lowercase, ascii_uppercase)
"""Not ``str.upper``: that makes ASCII out of other letters (ß, ı, ſ), and a code that nobody wrote."""
FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
"""Full-width forms, as East Asian keyboards give them, to ASCII; for what is compared or read, not for the codes here."""

LENGTHS: dict[str, str] = {
    "1": "10 ft", "2": "20 ft", "3": "30 ft", "4": "40 ft", "5": "45 ft", "A": "7.15 m", "B": "24 ft", "C": "24 ft 6 in", "D": "7.45 m",
    "E": "7.82 m", "F": "8.10 m", "G": "41 ft", "H": "43 ft", "K": "13.6 m", "L": "45 ft", "M": "48 ft", "N": "49 ft", "P": "53 ft",
}  # fmt: skip
"""ISO 6346 length codes as the Bureau International des Containers (BIC) publishes them: 45 ft is 5 in the present table,
L in that of 1995/Amd 3:2012; both are painted on boxes in use."""

_HIGH = {"2": "8 ft 6 in high", "4": "9 ft high", "5": "9 ft 6 in high (high cube)", "6": "over 9 ft 6 in high"}
HEIGHTS: dict[str, str] = {
    "0": "8 ft high", "8": "4 ft 3 in high (half height)", "9": "4 ft high or less", **_HIGH,
    **{code: f"{words}, wider than 8 ft (up to 2.5 m)" for code, words in zip("CDEF", _HIGH.values(), strict=True)},
    **{code: f"{words}, wider than 2.5 m" for code, words in zip("LMNP", _HIGH.values(), strict=True)},
}  # fmt: skip
"""ISO 6346 codes of height and width. A digit is 8 ft wide."""

TYPES: dict[str, str] = {
    "A": "air/surface container", "B": "dry bulk container", "G": "general purpose container", "H": "thermal container, no machinery built in",
    "K": "tank container", "N": "tank container", "P": "platform container", "R": "refrigerated container", "S": "container for a named cargo",
    "T": "tank container", "U": "open-top container", "V": "ventilated container",
}  # fmt: skip
"""ISO 6346 type letters; K and N are tanks since Amd 3:2012 (their details are not in ``DETAILS``), T is older."""

DETAILS: dict[str, str] = {
    "A0": "", "B0": "closed", "B1": "airtight", "B3": "horizontal discharge, tested at 150 kPa", "B4": "horizontal discharge, tested at 265 kPa",
    "B5": "tipping discharge, tested at 150 kPa", "B6": "tipping discharge, tested at 265 kPa",
    "G0": "doors at one or both ends", "G1": "small vents near the roof", "G2": "doors at the ends, sides open in full",
    "G3": "doors at the ends, sides open in part",
    "H0": "removable machinery outside", "H1": "removable machinery inside", "H2": "removable machinery outside, less insulation",
    "H5": "insulated", "H6": "insulated, less insulation",
    "P0": "plain platform", "P1": "fixed ends", "P2": "fixed posts", "P3": "folding ends", "P4": "folding posts", "P5": "skeleton with roof frame",
    "R0": "cools", "R1": "cools and heats", "R2": "cools, own power", "R3": "cools and heats, own power",
    "S0": "livestock", "S1": "cars", "S2": "live fish",
    "T0": "liquids, 45 kPa", "T1": "liquids, 150 kPa", "T2": "liquids, 265 kPa", "T3": "dangerous liquids, 150 kPa",
    "T4": "dangerous liquids, 265 kPa", "T5": "dangerous liquids, 400 kPa", "T6": "dangerous liquids, 600 kPa",
    "T7": "gases, 910 kPa", "T8": "gases, 2200 kPa", "T9": "gases",
    "U0": "doors at one or both ends", "U1": "doors at the ends, removable roof beam", "U2": "doors at the ends, open sides",
    "U3": "doors at the ends, open sides, removable roof beam", "U4": "one side open in full, one in part", "U5": "no doors",
    "V0": "vents below and above", "V2": "fan inside", "V4": "fan outside",
}  # fmt: skip
"""Second character of the type, ISO 6346:1995 annex E, in our words. Codes that are not here are not assigned there."""

GROUPS: dict[str, str] = {
    "AS": "", "BK": "pressurised", "BU": "not pressurised", "GP": "", "HI": "insulated", "HR": "removable machinery", "PC": "folding",
    "PF": "fixed ends or posts", "PL": "plain platform", "PS": "complete frame", "RE": "cools", "RS": "own power", "RT": "cools and heats", "SN": "",
    "TD": "dangerous liquids", "TG": "gases", "TN": "liquids", "UT": "", "VH": "",
}  # fmt: skip
"""Group codes, for where the details are not known (ISO 6346:1995 annex E)."""

EQUIPMENT = {"U": "freight containers", "X": "private railway cars", "Z": "chassis and trailers"}
"""What SCACs ending in these letters are kept for (National Motor Freight Traffic Association)."""


@dataclass(frozen=True, slots=True)
class ContainerNumber:
    """A container number as typed and as read. ``problem``: what is wrong with it in words, or None."""

    text: str
    problem: str | None


@dataclass(frozen=True, slots=True)
class SizeType:
    """A size-type code (ISO 6346) as read, and what it says in words ("" where it says nothing known).

    ``problem``: what is wrong with it, or None. ``warnings``: what to look at again though the code can stand.
    """

    text: str
    length: str = ""
    height: str = ""
    type: str = ""
    problem: str | None = None
    warnings: tuple[str, ...] = ()

    @property
    def reefer(self) -> bool:
        """Whether the type is R, which calls for the 8-point inspection (CTPAT 5.3: point 8 is the fan housing).

        True for every code of four characters with R third, also one with a ``problem`` elsewhere: one point too many does no harm.
        """
        return len(self.text) == 4 and self.text[2] == "R"


@dataclass(frozen=True, slots=True)
class Scac:
    """A Standard Carrier Alpha Code as read. ``problem``: what is wrong with it, or None; ``warnings``: what to look at again."""

    text: str
    problem: str | None = None
    warnings: tuple[str, ...] = ()


def check_digit(number: str) -> int:
    """Check digit of the first ten characters (owner, category, serial) of a container number (ISO 6346, annex A).

    Raises:
        ValueError: not four letters and six digits.
    """
    if not re.fullmatch(r"[A-Z]{4}[0-9]{6}", number[:10]):
        raise ValueError(f"{number[:10]!r} is not four letters and six digits")
    values = [LETTER_VALUES.get(c) or int(c) for c in number[:10]]
    return sum(value << position for position, value in enumerate(values)) % 11 % 10


def _plain(typed: str) -> str:
    """Without what people put between characters, ASCII letters in capitals; every other character stays."""
    return re.sub(r"[\s\-–./]", "", typed).translate(CAPITALS)


def container_number(typed: str) -> ContainerNumber:
    """Read a container number as a person types it: any case, spaces and hyphens anywhere."""
    text = _plain(typed)
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


def size_type(typed: str) -> SizeType:
    """Read a size-type code, as 45R1: length, height and width, type, detail (ISO 6346:1995 with Amd 3:2012, and the 2022 length 5)."""
    text = _plain(typed)
    if not text:
        return SizeType("", problem="no size-type code given")
    if not re.fullmatch(r"[A-Z0-9]{4}", text):
        return SizeType(
            text, problem="not of the form ISO 6346 asks for: 4 letters and digits for length, height, type and detail, as 45R1"
        )
    length, height, kind = LENGTHS.get(text[0], ""), HEIGHTS.get(text[1], ""), TYPES.get(text[2], "")
    if text.isdigit():
        return SizeType(
            text,
            problem=f"{text} is all digits, as before 1995, and not read here; look at the container: a reefer takes the 8-point inspection",
        )
    for place, known, character in (("length", length, text[0]), ("height", height, text[1]), ("type", kind, text[2])):
        if not known:
            return SizeType(text, length, height, kind, f"{character} in {text} is no {place} of ISO 6346; read the code again")
    detail = DETAILS.get(text[2:], GROUPS.get(text[2:]))
    warnings: tuple[str, ...] = ()
    if detail is None and text[3] in "IO":
        warnings = (f"{text} ends in the letter {text[3]}: is it not the digit {'1' if text[3] == 'I' else '0'}?",)
    elif detail is None and text[3].isalpha():
        warnings = (f"{text} ends in a letter: stacking or racking strength is reduced (ISO 6346:1995/Amd 3:2012)",)
    elif detail is None and text[2] not in "KN":
        warnings = (f"{text[2:]} is not assigned in ISO 6346:1995; the owner may use it for a detail of its own",)
    return SizeType(text, length, height, f"{kind}: {detail}" if detail else kind, None, warnings)


def scac(typed: str) -> Scac:
    """Read the SCAC of a carrier. Only its form is checked: there is no free list of the codes given out."""
    text = _plain(typed)
    if not text:
        return Scac("", "no SCAC given")
    if not re.fullmatch(r"[A-Z]{2,4}", text):
        return Scac(text, "a SCAC is 2 to 4 letters A to Z, without digits, as SCNN")
    warnings = []
    if len(text) < 4:
        warnings.append(f"{text} has {len(text)} letters; only railways and passenger carriers have fewer than 4")
    if text[-1] in EQUIPMENT:
        warnings.append(f"codes ending in {text[-1]} are for {EQUIPMENT[text[-1]]}; ask the carrier for the code it files with customs")
    return Scac(text, None, tuple(warnings))
