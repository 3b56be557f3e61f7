"""Where to look: the whole photograph, then all of it in tiles at growing magnification."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

GRID = 32
"""Pixels between possible corners of tiles: the coarsest stride of the network."""
CELL = 16
"""Side of a cell, for which the network gives one answer, in pixels of its level."""
MAX_ENLARGEMENT = 1.5
"""A level that would enlarge the photograph by more shows nothing new and is left out."""


class Box(NamedTuple):
    """A rectangle in pixels of the upright photograph, right and lower edge exclusive."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def area(self) -> int:
        """Square pixels; 0 where the edges are the wrong way round."""
        return max(0, self.x1 - self.x0) * max(0, self.y1 - self.y0)

    def overlap(self, other: Box) -> int:
        """Square pixels that both cover."""
        return Box(max(self.x0, other.x0), max(self.y0, other.y0), min(self.x1, other.x1), min(self.y1, other.y1)).area

    def union(self, other: Box) -> Box:
        """The smallest box round both."""
        return Box(min(self.x0, other.x0), min(self.y0, other.y0), max(self.x1, other.x1), max(self.y1, other.y1))


@dataclass(frozen=True, slots=True)
class Level:
    """The photograph at one magnification: its size there, and the upper left corners of the tiles, all of ``tile`` (width, height).
    ``offset``: what is subtracted from the logits of its cells, see ``bundle.Bundle``.

    Sizes and corners are multiples of what the network needs (32 pixels), so that the cells of all tiles lie in one grid.
    """

    width: int
    height: int
    tile: tuple[int, int]
    corners: tuple[tuple[int, int], ...]
    offset: float = 0.0


def plan(
    width: int, height: int, *, long_sides: Sequence[int], tile: int, overlap: int, offsets: Sequence[float] = ()
) -> tuple[Level, ...]:
    """Lay tiles over a photograph of ``width`` by ``height`` pixels, at several magnifications.

    Args:
        long_sides: the longer side of the photograph at each level, in pixels; a level that would enlarge it too much is left out.
        offsets: of the levels; none: 0 for all.
        tile: the side of a tile, and ``overlap``: what neighbours have in common at least, both in pixels, multiples of ``GRID``.
    """
    levels = []
    for long_side, offset in zip(long_sides, offsets or [0.0] * len(long_sides), strict=True):
        scale = long_side / max(width, height)
        if scale > MAX_ENLARGEMENT:
            continue
        size = tuple(max(GRID, round(length * scale / GRID) * GRID) for length in (width, height))
        part = (min(tile, size[0]), min(tile, size[1]))
        xs, ys = (_starts(length, side, overlap) for length, side in zip(size, part, strict=True))
        levels.append(Level(size[0], size[1], part, tuple((x, y) for y in ys for x in xs), offset))
    return tuple(levels)


def _starts(length: int, side: int, overlap: int) -> list[int]:
    """Starts of tiles that cover ``length``, evenly spread on the grid, neighbours sharing at least ``overlap``."""
    if length <= side:
        return [0]
    count = math.ceil((length - side) / (side - overlap)) + 1
    steps = (length - side) // GRID
    return [i * steps // (count - 1) * GRID for i in range(count)]
