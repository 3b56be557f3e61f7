"""Wood packaging material: the ISPM 15 mark, bark, and what needs no mark.

Nothing here clears anything. A mark tells that the wood was treated once; most infested wood packaging found at US ports carried one
(470 of 502 shipments with a confirmed pest, CBP, October 2006 to June 2007). So no result has a field that says all is well, every
result carries ``LOOK_FOR_PESTS``, and no function here takes or changes a finding.

Rules: ISPM 15 (IPPC, as adopted 2018: 2.1 exemptions, annex 1 treatments and bark, annex 2 the mark), 7 CFR 319.40-1 and 319.40-3(b).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn

from iso3166 import countries_by_alpha2

from pestcheck.inspection.identifiers import CAPITALS, FULL_WIDTH

DASHES = {ord(dash): "-" for dash in "‐‑‒–—―−_"}
TREATMENTS = {"HT": "heat", "MB": "methyl bromide", "DH": "dielectric heating", "SF": "sulphuryl fluoride"}
"""Treatment codes of ISPM 15, annex 1."""
CODES = {*TREATMENTS, "KD", "DB", "DUN", "DUNNAGE"}
AS_LETTER = str.maketrans("01578", "OISTB")
"""Digits that are read for letters where only letters can stand."""
NOT_COUNTRIES = {"XK"}
"""User-assigned: in the list of the library, not in ISO 3166-1."""


class Kind(StrEnum):
    """What a warning is about."""

    MISSING = "missing"
    ILLEGIBLE = "illegible"
    NO_SYMBOL = "no_symbol"
    NO_BORDER = "no_border"
    HAND_DRAWN = "hand_drawn"
    RED_OR_ORANGE = "red_or_orange"
    NOT_PERMANENT = "not_permanent"
    ONE_SIDE = "one_side"
    COUNTRY = "country"
    PRODUCER = "producer"
    TREATMENT = "treatment"
    NEEDS_APPROVAL = "needs_approval"
    DEBARKED = "debarked"
    KILN_DRIED = "kiln_dried"
    READING = "reading"
    NO_PROOF = "no_proof"


class Level(StrEnum):
    """How much a warning weighs. ``FAULT``: the rule is not met; ``REVIEW``: look or ask again; ``NOTE``: to know."""

    FAULT = "fault"
    REVIEW = "review"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class MarkWarning:
    """A warning about a mark in words, with what to do."""

    kind: Kind
    level: Level
    text: str


LOOK_FOR_PESTS = MarkWarning(
    Kind.NO_PROOF,
    Level.NOTE,
    "look for holes, frass, bark, insects and soil all the same: infested wood packaging mostly carries a good mark",
)
"""Part of every result of this module."""
AT_THE_BORDER = "the US may have the wood packaging exported at once, at the importer's cost (7 CFR 319.40-3(b))"


@dataclass(frozen=True, slots=True)
class Appearance:
    """What the person sees of a mark that its text does not tell. None: not answered, which raises no warning but for ``symbol``."""

    symbol: bool | None = None
    border: bool | None = None
    legible: bool | None = None
    hand_drawn: bool | None = None
    red_or_orange: bool | None = None
    tag_or_sticker: bool | None = None
    two_opposite_sides: bool | None = None


SEEN: tuple[tuple[str, bool, MarkWarning], ...] = (
    ("symbol", False, MarkWarning(Kind.NO_SYMBOL, Level.FAULT, f"without the IPPC symbol it is no ISPM 15 mark; {AT_THE_BORDER}")),
    (
        "border",
        False,
        MarkWarning(Kind.NO_BORDER, Level.FAULT, "the mark needs a border, with a line between symbol and codes (ISPM 15, annex 2)"),
    ),
    ("legible", False, MarkWarning(Kind.ILLEGIBLE, Level.FAULT, f"a mark that cannot be read counts as none; {AT_THE_BORDER}")),
    (
        "hand_drawn",
        True,
        MarkWarning(Kind.HAND_DRAWN, Level.FAULT, "the mark must not be drawn by hand (ISPM 15, annex 2); ask the supplier"),
    ),
    ("red_or_orange", True, MarkWarning(Kind.RED_OR_ORANGE, Level.REVIEW, "red and orange are for dangerous goods (ISPM 15, annex 2)")),
    (
        "tag_or_sticker",
        True,
        MarkWarning(
            Kind.NOT_PERMANENT, Level.FAULT, "the mark must be on the wood itself, durable and not transferable (ISPM 15, annex 2)"
        ),
    ),
    (
        "two_opposite_sides",
        False,
        MarkWarning(Kind.ONE_SIDE, Level.NOTE, "the mark should be on two opposite sides (7 CFR 319.40-3(b): preferably)"),
    ),
)
"""Field of ``Appearance``, the answer that raises the warning, the warning."""


@dataclass(frozen=True, slots=True)
class WpmMark:
    """A mark as read. ``text``: as given. ``country``: ISO 3166-1 alpha-2, ``producer``: code of the producer or treatment provider,
    ``treatment``: a key of ``TREATMENTS``; "" for what was not found. ``symbol``: None where nobody said.

    It has no field that says the wood is clean or may pass, on purpose, and its truth is an error; ``warnings`` are never empty.
    """

    text: str
    symbol: bool | None
    country: str
    country_name: str
    producer: str
    treatment: str
    debarked: bool
    kiln_dried: bool
    dunnage: bool
    warnings: tuple[MarkWarning, ...]

    def __bool__(self) -> NoReturn:
        raise TypeError("a mark is no yes or no, and clears nothing: look at its warnings, and at the wood")


NOT_ASKED = Appearance()


def read_mark(text: str, seen: Appearance = NOT_ASKED) -> WpmMark:
    """Read the text of a mark, typed or from a photograph (lines in any number), with what the person sees of it.

    Digits are taken for letters (0, 1, 5, 7, 8 for O, I, S, T, B) only in the country and treatment code, and that is said;
    the producer code is kept as it is, for its form differs from country to country.
    """
    warnings = [warning for field, bad, warning in SEEN if getattr(seen, field) is bad]
    plain = text.translate(FULL_WIDTH).translate(CAPITALS).translate(DASHES)
    symbol = True if seen.symbol is None and re.search(r"\bIPPC\b", plain) else seen.symbol
    plain = re.sub(r"\bIPPC\b|[|\[\](){}]", " ", plain)
    if not plain.strip():
        if seen.legible is not False:
            warnings.insert(0, MarkWarning(Kind.MISSING, Level.FAULT, f"no mark: where wood packaging needs one, {AT_THE_BORDER}"))
        return WpmMark(text, symbol, "", "", "", "", False, False, False, (*warnings, LOOK_FOR_PESTS))
    if symbol is None:
        warnings.append(MarkWarning(Kind.NO_SYMBOL, Level.REVIEW, "say whether the IPPC symbol, an ear of wheat, is left of the codes"))
    country, producer, codes = _parts(plain, warnings)
    warnings += _treatment(codes)
    return WpmMark(
        text=text,
        symbol=symbol,
        country=country,
        country_name=countries_by_alpha2[country].name if country else "",
        producer=producer,
        treatment=next((code for code in codes if code in TREATMENTS), ""),
        debarked="DB" in codes,
        kiln_dried="KD" in codes,
        dunnage=bool({"DUN", "DUNNAGE"} & set(codes)),
        warnings=(*warnings, LOOK_FOR_PESTS),
    )


def _parts(plain: str, warnings: list[MarkWarning]) -> tuple[str, str, list[str]]:
    """Country, producer code and the codes after it, "" and [] where there are none. What is doubtful goes to ``warnings``."""
    if strange := re.sub(r"[A-Z0-9\s\-/.,:;]", "", plain):
        warnings.append(_reading(f"a mark has no {_short(strange)!r}"))
    exact = not TREATMENTS.keys().isdisjoint(re.findall(r"[A-Z0-9]+", plain)[1:])
    if not exact and (parted := re.sub(r"(?<=[0-9])(HT|MB|DH|SF)(?![A-Z0-9])", r" \1", plain)) != plain:
        exact, plain = True, parted
        warnings.append(_reading("the treatment code was taken to begin after the last digit"))
    places = list(re.finditer(r"[A-Z0-9]+", plain))
    words = [place[0] for place in places]
    read = words if exact else [_code(word) for word in words]
    country, start = _country(plain, words, warnings)

    end = len(words)
    while end > start and read[end - 1] in CODES:
        end -= 1
    if end == len(words):  # none at the end: the first one, if any, and more after it
        end = next((place for place in range(start, len(words)) if read[place] in CODES), end)
    producer = re.sub(r"\s+", " ", plain[places[start].start() : places[end - 1].end()]) if end > start else ""
    if not producer:
        warnings.append(MarkWarning(Kind.PRODUCER, Level.FAULT, "no producer code after the country; read the mark again"))
    for word, code in dict.fromkeys(zip(words[end:], read[end:], strict=True)):
        if word != code:
            warnings.append(_reading(f"{word} was taken for {code}"))
    if more := " ".join(word for word in read[end:] if word not in CODES):
        warnings.append(_reading(f"{_short(more)!r} is more than a mark says; nothing else may be inside the border (ISPM 15, annex 2)"))
    return country, producer, [code for code in read[end:] if code in CODES]


def _country(plain: str, words: list[str], warnings: list[MarkWarning]) -> tuple[str, int]:
    """The country ("" if none) and the place of the word after it. HT is heat treatment, and Haiti where a producer code follows."""
    hyphen = bool(re.match(r"[^A-Z0-9]*[A-Z0-9]+\s*-", plain))
    producer_follows = len(words) > 1 and words[1] not in CODES
    if not words or len(words[0]) != 2 or (_code(words[0]) in CODES and not (hyphen and producer_follows)):
        text = "no country code at the beginning: two letters, then a hyphen; read the mark again"
        warnings.append(MarkWarning(Kind.COUNTRY, Level.FAULT, text))
        return "", 0
    country = words[0].translate(AS_LETTER)
    if country not in countries_by_alpha2 or country in NOT_COUNTRIES:
        warnings.append(MarkWarning(Kind.COUNTRY, Level.FAULT, f"{words[0]} is no country code of ISO 3166; read the mark again"))
        return "", 1
    if country != words[0]:
        warnings.append(_reading(f"{words[0]} was taken for {country}"))
    if not hyphen:
        warnings.append(_reading(f"no hyphen was read after {country}"))
    return country, 1


def _code(word: str) -> str:
    """The word, or the code that it was misread from: every code is letters only."""
    return repaired if (repaired := word.translate(AS_LETTER)) in CODES else word


def _treatment(found: list[str]) -> list[MarkWarning]:
    warnings = []
    treatments = list(dict.fromkeys(code for code in found if code in TREATMENTS))
    if not treatments:
        needs = f"no treatment code ({', '.join(TREATMENTS)}) was found; {AT_THE_BORDER}"
        warnings.append(MarkWarning(Kind.TREATMENT, Level.FAULT, needs))
    if len(treatments) > 1:
        warnings.append(
            MarkWarning(Kind.TREATMENT, Level.REVIEW, f"more than one treatment code ({', '.join(treatments)}); read the mark again")
        )
    for code in treatments:
        if code in ("DH", "SF"):
            text = f"{code} ({TREATMENTS[code]}): US text names HT and MB, others need approval of the USDA; ask APHIS"
            warnings.append(MarkWarning(Kind.NEEDS_APPROVAL, Level.REVIEW, text))
    if "KD" in found:
        text = "KD (kiln dried) is a lumber grade, not a treatment of ISPM 15; is this the mark, or a lumber stamp?"
        warnings.append(MarkWarning(Kind.KILN_DRIED, Level.REVIEW, text))
    if "DB" in found:
        warnings.append(
            MarkWarning(Kind.DEBARKED, Level.NOTE, "DB (debarked) is no longer part of the mark and proves nothing; look for bark")
        )
    return warnings


def _reading(what: str) -> MarkWarning:
    return MarkWarning(Kind.READING, Level.REVIEW, f"{what}; compare with the wood")


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"


class Bark(StrEnum):
    """A piece of bark against the tolerance. None of the three says that there is no pest under it."""

    WITHIN = "within_tolerance"
    OVER = "over_tolerance"
    MEASURE = "measure_required"


def bark(width_cm: float | None, area_cm2: float | None) -> Bark:
    """One separate piece of bark: allowed if under 3 cm wide, of any length, or else if under 50 cm² (ISPM 15, annex 1).

    Any number of such pieces is allowed, so judge each. ``MEASURE``: what was not measured (None) would decide.

    Raises:
        ValueError: not a positive number.
    """
    for name, value in (("width", width_cm), ("area", area_cm2)):
        if value is not None and not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} of the bark is {value}; give a number above 0, or nothing where it was not measured")
    if (width_cm is not None and width_cm < 3) or (area_cm2 is not None and area_cm2 < 50):
        return Bark.WITHIN
    return Bark.MEASURE if width_cm is None or area_cm2 is None else Bark.OVER


class Wood(StrEnum):
    """What the packaging is made of or is."""

    SOLID = "solid"
    PROCESSED = "processed"
    LOOSE = "loose"
    BARREL = "barrel"
    GIFT_BOX = "gift_box"
    FIXED = "fixed"


CONDITIONS: dict[Wood, str] = {
    Wood.PROCESSED: "Is it wholly plywood, particle board, oriented strand board or veneer, made with glue, heat or pressure?",
    Wood.LOOSE: "Is it only sawdust, shavings or wood wool?",
    Wood.BARREL: "Is it a wine or spirit barrel that was heated when it was made?",
    Wood.GIFT_BOX: "Was the box for wine, cigars or the like made in a way that leaves it free of pests?",
    Wood.FIXED: "Is the wood permanently fixed to a vehicle or container?",
}
"""Question on which the exemption depends (ISPM 15, 2.1)."""


@dataclass(frozen=True, slots=True)
class MarkDuty:
    """Whether a mark is needed (None: ``reason`` says what to find out first). Not needing one is no proof of being free of pests."""

    needed: bool | None
    reason: str
    warnings: tuple[MarkWarning, ...] = (LOOK_FOR_PESTS,)


def mark_duty(
    wood: Wood,
    *,
    condition: bool | None = None,
    thickness_mm: float | None = None,
    solid_parts: bool = False,
    us_canada: bool = False,
) -> MarkDuty:
    """Whether the packaging needs an ISPM 15 mark for the US.

    Args:
        condition: answer to ``CONDITIONS[wood]``; for ``Wood.SOLID`` not asked.
        thickness_mm: of the thickest solid piece; None: not measured.
        solid_parts: whether there is solid wood in it besides (a mixed unit).
        us_canada: whether it is of US or Canadian wood and goes only between the two.

    Raises:
        ValueError: a thickness that is not a positive number.
    """
    if thickness_mm is not None and not (math.isfinite(thickness_mm) and thickness_mm > 0):
        raise ValueError(f"thickness is {thickness_mm} mm; give a number above 0, or nothing where it was not measured")
    if us_canada:
        return MarkDuty(False, "packaging of their own wood between the US and Canada needs no mark; confirm it with your CBP contact")
    if wood is Wood.SOLID or solid_parts:
        if thickness_mm is None:
            return MarkDuty(True, "solid wood needs a mark, unless all of it is under 6 mm thick: measure the thickest piece")
        if thickness_mm < 6:
            if wood is Wood.SOLID:
                return MarkDuty(False, "wood under 6 mm thick needs no mark (7 CFR 319.40-1; ISPM 15, 2.1)")
        elif thickness_mm == 6:
            return MarkDuty(True, "at 6 mm ISPM 15 asks for no mark, but the US does: it exempts wood under 6 mm (7 CFR 319.40-1)")
        else:
            return MarkDuty(True, "solid wood over 6 mm thick needs a mark, also in a unit with processed wood (ISPM 15, 2.1)")
    if condition is None:
        return MarkDuty(None, f"find out: {CONDITIONS[wood]}")
    if condition:
        return MarkDuty(False, f"no mark is needed (ISPM 15, 2.1), for yes was the answer to: {CONDITIONS[wood]}")
    return MarkDuty(True, f"a mark is needed, for no was the answer to: {CONDITIONS[wood]}")
