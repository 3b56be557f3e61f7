"""Where to look: the whole photograph, then tiles of it at growing magnification."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

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
    """The photograph at one magnification: its size there, and the upper left corners of its square tiles."""

    width: int
    height: int
    corners: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """All tiles of one photograph. ``boxes``: those of every level in order, in pixels of the upright photograph."""

    levels: tuple[Level, ...]
    boxes: tuple[Box, ...]


def plan(width: int, height: int, *, side: int, columns: tuple[int, ...], overlap: float) -> Plan:
    """Lay square tiles over a photograph of ``width`` by ``height`` pixels.

    Args:
        side: of a tile, in pixels of its level: what the network takes.
        columns: for each level, how many tiles lie along the longer side.
        overlap: share of a tile's side that it has in common with its neighbour, in [0, 1).
    """
    levels, boxes = [], []
    for n in columns:
        long_side = side + (n - 1) * side * (1 - overlap)
        scale = max(long_side / max(width, height), side / min(width, height))
        if scale > MAX_ENLARGEMENT:
            continue
        level_width, level_height = max(side, round(width * scale)), max(side, round(height * scale))
        corners = tuple(
            (x, y) for y in _starts(level_height, side, overlap) for x in _starts(level_width, side, overlap)
        )  # fmt: skip
        levels.append(Level(level_width, level_height, corners))
        fx, fy = width / level_width, height / level_height
        boxes += [Box(round(x * fx), round(y * fy), round((x + side) * fx), round((y + side) * fy)) for x, y in corners]
    return Plan(tuple(levels), tuple(boxes))


def _starts(length: int, side: int, overlap: float) -> list[int]:
    """Evenly spread starts of tiles that cover ``length``, neighbours sharing at least ``overlap`` of a side."""
    count = math.ceil((length - side) / (side * (1 - overlap)) - 1e-9) + 1
    return [round(i * (length - side) / (count - 1)) for i in range(count)] if count > 1 else [0]
