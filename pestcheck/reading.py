"""Numbers and marks in a photograph, as suggestions: container number, size-type code, ISPM 15 mark, seal number.

A candidate is only what the writing may say. A person compares it with the object and accepts it or types another; nothing here
says that a container, a seal or a mark is right.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from functools import cache
from itertools import chain, permutations, product
from threading import Lock
from typing import Any

import numpy as np

from pestcheck.inspection.identifiers import container_number, size_type
from pestcheck.inspection.repair import repairs
from pestcheck.inspection.seals import seal_key
from pestcheck.marks import looked_again, mark
from pestcheck.photo import open_photo
from pestcheck.vision.agree import Steps
from pestcheck.vision.text import Line, TextReader

LONGEST = 3200
"""Longer side in pixels at which a photograph is decoded; more is not looked at."""
DOUBT = 0.3
"""Confidence below which a candidate is not worth a person's look."""
SURE, GOOD = 0.8, 0.75
"""Confidence, added up over the looks that agree, at which the other ways to turn the photograph are not tried, and at which, when all
were, no other size is."""
LEAD = 0.25
"""How much more the looks must speak for the best candidate than for the next one at its place, for no other look to be taken."""

ONE_AT_A_TIME = Lock()


class Kind(StrEnum):
    """What a candidate is."""

    container_number = "container_number"
    size_type = "size_type"
    wpm_mark = "wpm_mark"
    seal = "seal"


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the writing may say.

    ``text``: the number in its usual form (container number without spaces; mark as "US-1234 HT"). ``as_read``: what the reader saw.
    ``repaired``: what was changed, in words. ``confidence``: 0 to 1, how sure the reader is of its characters, not a probability that
    the number is right. ``box``: left, top, right, bottom in pixels of the upright photograph. ``problem``: what is wrong with it, or None.
    """

    kind: Kind
    text: str
    as_read: str
    repaired: tuple[str, ...]
    confidence: float
    box: tuple[int, int, int, int]
    problem: str | None = None

    def to_json(self) -> dict[str, Any]:
        """For ``pestcheck read --format jsonl``."""
        return {**asdict(self), "kind": str(self.kind), "repaired": list(self.repaired), "box": list(self.box)}


@cache
def _reader() -> TextReader:
    return TextReader()


def read(data: bytes, kinds: Collection[Kind] = tuple(Kind)) -> tuple[Candidate, ...]:
    """Read the numbers in a photograph.

    Args:
        data: the file as it is. JPEG, PNG, WebP or HEIC.
        kinds: what to look for.

    Returns:
        Candidates, for each kind in the order of ``Kind`` the best first: those without a problem, then those that most looks agree on.

    Raises:
        PhotoError: not a readable photograph.
        TextError: the extra ``ocr`` is not installed.
    """
    reader = _reader()
    photo, image = open_photo(data, least_side=LONGEST)
    # Wood is brown: bright and even in red, in which dark paint stands out. Paint that is red itself shows in the other looks.
    clearest = image.getchannel("R").convert("RGB") if set(kinds) == {Kind.wpm_mark} else image
    found: dict[tuple[Kind, str], Candidate] = {}
    pieces: dict[tuple[Kind, str], _Piece] = {}
    votes: dict[tuple[Kind, str], float] = {}
    scale = photo.width / image.width
    before: dict[int, list[Line]] = {}
    with ONE_AT_A_TIME:
        for turn, lines in enumerate(reader.frames(image, marks=Kind.wpm_mark in kinds, clear=clearest), 1):
            seen: dict[tuple[Kind, str], float] = {}
            now = [line for line in lines if line.text]
            earlier = before.setdefault(turn % 4, [])
            candidates = [*_candidates(now, earlier, set(kinds), image.size, scale)]
            for candidate, piece in candidates:
                key = _key(candidate)
                seen[key] = max(seen.get(key, 0.0), candidate.confidence)
                if key not in found or candidate.confidence > found[key].confidence:
                    found[key] = candidate
                # The narrowest piece shows its letters largest.
                if key not in pieces or piece.area < pieces[key].area:
                    pieces[key] = piece
            # A number that has its treatment code has spoken: the code as the next look sees it is no new word on the number.
            earlier += [line for line in now if not any(c.as_read.startswith(f"{line.text} ") for c, _ in candidates)]
            for key, confidence in seen.items():
                votes[key] = votes.get(key, 0.0) + confidence
            if _enough(found.values(), votes, SURE if turn % 4 else GOOD):
                break
        order = {kind: place for place, kind in enumerate(Kind)}
        ranked = sorted(_distinct(found.values()), key=lambda c: (order[c.kind], c.problem is not None, -votes[_key(c)], c.text))
        return tuple(_looked_again(ranked, pieces, lambda line: reader.again(clearest, line)))


def _looked_again(
    ranked: list[Candidate], pieces: Mapping[tuple[Kind, str], _Piece], again: Callable[[Line], list[tuple[Line, Steps]]]
) -> list[Candidate]:
    """The candidates, where the best mark at a place is what more looks at its lines agree on."""
    better: list[Candidate] = []
    for candidate in ranked:
        if candidate.kind is Kind.wpm_mark and not candidate.problem:
            if any(other.text == candidate.text for other in better):
                continue
            if not any(other.kind is candidate.kind and _overlap(other.box, candidate.box) for other in better):
                text, confidence = looked_again(candidate.text, pieces[_key(candidate)].lines, again)
                if text != candidate.text:
                    repaired = (*candidate.repaired, f"{candidate.text} to {text}")
                    better.append(
                        replace(candidate, text=text, repaired=repaired, confidence=round(min(candidate.confidence, confidence), 3))
                    )
                    continue
        better.append(candidate)
    return better


def _key(candidate: Candidate) -> tuple[Kind, str]:
    return candidate.kind, seal_key(candidate.text)


def _enough(found: Iterable[Candidate], votes: Mapping[tuple[Kind, str], float], sure: float) -> bool:
    """Whether looks agree on a number or a mark, and it is well before the next best that was seen at its place."""
    main = [c for c in found if not c.problem and c.kind in (Kind.container_number, Kind.wpm_mark)]
    best = max(main, key=lambda c: votes[_key(c)], default=None)
    if best is None or votes[_key(best)] < sure:
        return False
    others = (votes[_key(c)] for c in main if c is not best and c.kind is best.kind and _overlap(c.box, best.box))
    return votes[_key(best)] - max(others, default=0.0) >= LEAD


def _distinct(candidates: Iterable[Candidate]) -> Iterator[Candidate]:
    """Without what another candidate at the same place explains better."""
    found = list(candidates)
    for candidate in found:
        better = [other for other in found if _overlap(other.box, candidate.box) and not other.problem]
        same = [other for other in better if other.kind is candidate.kind and other is not candidate]
        if candidate.problem and same:
            continue
        if candidate.repaired and any(other.confidence >= SURE and not other.repaired for other in same):
            continue
        if candidate.kind is Kind.wpm_mark and any(other.text.endswith(f"-{candidate.text}") for other in same):
            continue  # the producer's code of the other begins with two letters that are those of a country, too
        if candidate.kind is Kind.seal and any(other.kind is not Kind.seal for other in better):
            continue
        yield candidate


def _overlap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


@dataclass(frozen=True, slots=True)
class _Piece:
    """Some lines taken as one."""

    characters: tuple[Mapping[str, float], ...]
    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        return " ".join(line.text for line in self.lines)

    @property
    def area(self) -> float:
        """Of the lines' boxes together, in square pixels."""
        return sum(abs(float(np.linalg.det(line.points[1:3] - line.points[0]))) for line in self.lines)


def _candidates(
    lines: list[Line], earlier: list[Line], kinds: set[Kind], size: tuple[int, int], scale: float
) -> Iterator[tuple[Candidate, _Piece]]:  # fmt: skip
    """Of the lines of a look, each with its own. ``earlier``: those of looks before at the photograph turned alike, which may have the other
    half of a mark."""

    def candidate(
        kind: Kind, text: str, piece: _Piece, repaired: tuple[str, ...], confidence: float, problem: str | None
    ) -> tuple[Candidate, _Piece]:
        return Candidate(kind, text, piece.text, repaired, round(confidence, 3), _box(piece.lines, size, scale), problem), piece

    pieces = [_Piece(line.characters, (line,)) for line in lines]
    if Kind.container_number in kinds:
        for piece in [*pieces, *_joined(lines)]:
            for text, repaired, confidence, problem in _container_numbers(piece):
                if confidence >= DOUBT:
                    yield candidate(Kind.container_number, text, piece, repaired, confidence, problem)
    if Kind.size_type in kinds:
        for piece in pieces:
            if re.fullmatch(r"[1-9A-P][0-9C-FL-P][GRUPTBHKNSV][0-9]", piece.text) and not size_type(piece.text).problem:
                yield candidate(Kind.size_type, piece.text, piece, (), piece.lines[0].confidence, None)
    if Kind.wpm_mark in kinds:
        for piece in [*pieces, *_below(lines, earlier)]:
            if (said := mark(piece.lines)) and said.confidence >= DOUBT:
                yield candidate(Kind.wpm_mark, said.text, piece, said.repaired, said.confidence, said.problem)
    if Kind.seal in kinds:
        for piece in pieces:
            confidence = piece.lines[0].confidence
            if confidence >= 0.8 and re.fullmatch(r"(?=(.*[0-9]){5})[A-Z]{0,4}-?[0-9]{5,10}", piece.text):
                yield candidate(Kind.seal, piece.text, piece, (), confidence, None)


def _container_numbers(piece: _Piece) -> Iterator[tuple[str, tuple[str, ...], float, str | None]]:
    """Text, what was repaired, confidence, problem."""
    found = [(repair, math.exp(-repair.cost / 4)) for repair in repairs(piece.characters)]
    for repair, confidence in found:
        yield repair.text, repair.changed, confidence, None
    text = re.sub(r"[^A-Z0-9]", "", piece.text)
    if re.fullmatch(r"[A-Z]{3}[UJZ][0-9]{6,7}", text) and all(confidence < DOUBT for _, confidence in found):
        yield text, (), min(line.confidence for line in piece.lines), container_number(text).problem


def _joined(lines: list[Line]) -> Iterator[_Piece]:
    """The owner's four letters with the digits right of or below them, and what was read of the check digit apart."""
    for one, two in permutations(lines, 2):
        if 3 <= len(one.characters) <= 5 and 6 <= len(two.characters) <= 9 and _follows(one, two):
            yield _Piece(one.characters + two.characters, (one, two))
            if len(two.characters) == 6:
                for three in lines:
                    if len(three.characters) in (1, 2) and three is not one and _follows(two, three):
                        yield _Piece(one.characters + two.characters + three.characters, (one, two, three))
        elif len(one.characters) in (10, 11) and len(two.characters) in (1, 2) and _follows(one, two):
            yield _Piece(one.characters[:10] + two.characters, (one, two))


def _below(lines: list[Line], earlier: list[Line]) -> Iterator[_Piece]:
    """A line, and a short one below or right of it: the treatment code of a mark. One of them at least is of this look."""
    pairs = chain(permutations(lines, 2), product(lines, earlier), product(earlier, lines))
    for one, two in pairs:
        if len(two.characters) <= 6 and not two.stacked and not one.stacked and _follows(one, two):
            yield _Piece(one.characters + two.characters, (one, two))


def _size(line: Line) -> float:
    """Height of its letters in pixels."""
    points = line.points
    edge = points[1] - points[0] if line.stacked else points[3] - points[0]
    return float(np.hypot(*edge))


def _follows(one: Line, two: Line) -> bool:
    """Whether the second is about as large, and goes on right of the first or below it."""
    size = max(_size(one), _size(two))
    if min(_size(one), _size(two)) < 0.5 * size or one is two:
        return False
    # Along and across the first one, which may run at a slant.
    edge = one.points[3] - one.points[0] if one.stacked else one.points[1] - one.points[0]
    x, y = edge / max(float(np.hypot(*edge)), 1e-6)
    axes = np.array([[y, x], [-x, y]] if one.stacked else [[x, -y], [y, x]])
    (l1, t1), (r1, b1) = (one.points @ axes).min(axis=0), (one.points @ axes).max(axis=0)
    (l2, t2), (r2, b2) = (two.points @ axes).min(axis=0), (two.points @ axes).max(axis=0)
    beside: bool = -0.5 * size < l2 - r1 < 5 * size and min(b1, b2) - max(t1, t2) > 0
    below: bool = -0.7 * size < t2 - b1 < 2 * size and min(r1, r2) - max(l1, l2) > 0
    return beside or below


def _box(lines: tuple[Line, ...], size: tuple[int, int], scale: float) -> tuple[int, int, int, int]:
    """In pixels of the upright photograph."""
    points = np.concatenate([line.points for line in lines])
    width, height = size if lines[0].quarters % 2 == 0 else size[::-1]
    for _ in range(-lines[0].quarters % 4):
        points = np.stack([points[:, 1], width - points[:, 0]], axis=1)
        width, height = height, width
    low, high = points.min(axis=0), points.max(axis=0)
    left, top, right, bottom = (
        round(float(min(max(value, 0), limit)) * scale)
        for value, limit in ((low[0], width), (low[1], height), (high[0], width), (high[1], height))
    )
    return left, top, right, bottom
