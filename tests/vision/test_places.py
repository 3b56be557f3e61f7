"""From the finder's maps to places, and to the squares that are looked at closely."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pestcheck.vision import decide as module
from pestcheck.vision.decide import CellMap, closer, places
from pestcheck.vision.tiles import Box, plan

SOME = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def level(*spots, rows=20, columns=30, width=960, height=640):
    """A level with the given (row, column, chance) set and 0.1 elsewhere."""
    chance = np.full((rows, columns), 0.1)
    for row, column, value in spots:
        chance[row, column] = value
    return CellMap(chance, width, height)


CLUSTERS = {
    "nothing": ([level()], []),
    "one cell": ([level((2, 3, 0.9))], [((96, 64, 128, 96), 0.9)]),
    "just proposed": ([level((2, 3, 0.3))], [((96, 64, 128, 96), 0.3)]),
    "just not": ([level((2, 3, 0.2999))], []),
    "neighbours": ([level((2, 3, 0.9), (3, 4, 0.75))], [((96, 64, 160, 128), 0.9)]),
    "a gap of one": ([level((2, 3, 0.9), (2, 5, 0.75))], [((96, 64, 192, 96), 0.9)]),
    "a fringe much less suspect: looked at, too": (
        [level((2, 3, 0.9), (2, 4, 0.5))], [((96, 64, 128, 96), 0.9), ((128, 64, 160, 96), 0.5)],
    ),
    "a gap of two": ([level((2, 3, 0.9), (2, 6, 0.5))], [((96, 64, 128, 96), 0.9), ((192, 64, 224, 96), 0.5)]),
    "a chain": ([level((2, 3, 0.75), (2, 5, 0.9), (4, 7, 0.75))], [((96, 64, 256, 160), 0.9)]),
    "corners": (
        [level((0, 0, 0.9), (19, 29, 0.8))], [((0, 0, 32, 32), 0.9), ((928, 608, 960, 640), 0.8)],
    ),
    "neighbours across a corner, two apart": ([level((2, 3, 0.9), (4, 5, 0.75))], [((96, 64, 192, 160), 0.9)]),
    "three apart in rows": ([level((2, 3, 0.9), (5, 3, 0.5))], [((96, 64, 128, 96), 0.9), ((96, 160, 128, 192), 0.5)]),
    "the edges do not meet round the back": ([level((2, 0, 0.9), (2, 29, 0.5))], [((0, 64, 32, 96), 0.9), ((928, 64, 960, 96), 0.5)]),
    "all of it": ([CellMap(np.full((20, 30), 0.5), 960, 640)], [((0, 0, 960, 640), 0.5)]),
    "cells that are no whole number of pixels": ([level((2, 3, 0.9), rows=3, columns=7, width=100, height=100)], [((43, 67, 57, 100), 0.9)]),
    "equally suspect: in the order of their places": (
        [level((12, 3, 0.9), (2, 20, 0.9), (2, 3, 0.9))], [((96, 64, 128, 96), 0.9), ((96, 384, 128, 416), 0.9), ((640, 64, 672, 96), 0.9)],
    ),
    "no level": ([], []),
    "two levels, one place, at two magnifications: both are looked at": (
        [level((2, 3, 0.6)), level((1, 1, 0.9), rows=10, columns=15)], [((64, 64, 128, 128), 0.9), ((96, 64, 128, 96), 0.6)],
    ),
    "two levels, one look": (
        [level((2, 2, 0.6), (3, 3, 0.6)), level((1, 1, 0.9), rows=10, columns=15)], [((64, 64, 128, 128), 0.9)],
    ),
    "two levels, two places": (
        [level((2, 3, 0.6)), level((8, 8, 0.9), rows=10, columns=15)], [((512, 512, 576, 576), 0.9), ((96, 64, 128, 96), 0.6)],
    ),
    "in the look at a less suspect place": (
        [level((2, 9, 0.9)), level((1, 1, 0.6), (3, 3, 0.6), rows=10, columns=15)], [((288, 64, 320, 96), 0.9), ((64, 64, 256, 256), 0.6)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CLUSTERS)
def test_places(case):
    maps, expected = CLUSTERS[case]
    assert [(tuple(place.box), place.chance) for place in places(maps, 0.3)] == expected


def test_no_more_places_than_are_looked_at():
    crowded = level(*((row, column, 0.5 + row / 100) for row in range(0, 20, 4) for column in range(0, 30, 4)))
    found = places([crowded], 0.3)
    assert len(found) == module.MOST_PLACES
    assert [place.chance for place in found] == sorted((place.chance for place in found), reverse=True)
    assert found[0].chance == pytest.approx(0.66)


@st.composite
def maps(draw):
    """A few levels of one photograph, with any number of suspect cells of any size."""
    width, height = draw(st.integers(32, 4000)), draw(st.integers(32, 4000))
    found = []
    for _ in range(draw(st.integers(1, 3))):
        rows, columns = draw(st.integers(2, 20)), draw(st.integers(2, 20))
        chance = np.full((rows, columns), 0.1)
        for _ in range(draw(st.integers(0, 12))):
            chance[draw(st.integers(0, rows - 1)), draw(st.integers(0, columns - 1))] = draw(st.sampled_from([0.3, 0.5, 0.7, 0.9, 1.0]))
        found.append(CellMap(chance, width, height))
    return found


@SOME
@given(maps())
def test_places_of_any_maps(levels):
    """Inside the photograph, the most suspect first; the most suspect cell is in the first; no two looks show the same."""
    found = places(levels, 0.3)
    size = Box(0, 0, levels[0].width, levels[0].height)
    assert len(found) <= module.MOST_PLACES
    assert [place.chance for place in found] == sorted((place.chance for place in found), reverse=True)
    most = max(float(level.chance.max()) for level in levels)
    assert bool(found) == (most >= 0.3)
    if found:
        assert found[0].chance == most
    for k, place in enumerate(found):
        assert place.box.area > 0
        assert place.box.overlap(size) == place.box.area
        assert place.look == closer(place.box, *size[2:])
        for before in found[:k]:
            both = place.look.overlap(before.look)
            assert both <= (place.look.area + before.look.area - both) * 0.5
        cells = [(level, row, column) for level in levels for row, column in np.argwhere(level.chance == place.chance)]
        assert any(place.box.overlap(cell) == cell.area for cell in (level.box(row, column, row, column) for level, row, column in cells))


@SOME
@given(st.integers(2, 12_000), st.integers(2, 12_000))
def test_cells_share_a_photograph_among_them(width, height):
    """Each is something, the next begins where it ends, and together they are all of it."""
    for level in plan(width, height, long_sides=(448, 896), tile=448, overlap=64):
        cells = CellMap(np.zeros((level.height // 16, level.width // 16)), width, height)
        rows, columns = cells.chance.shape
        xs = [(box.x0, box.x1) for box in (cells.box(0, column, 0, column) for column in range(columns))]
        ys = [(box.y0, box.y1) for box in (cells.box(row, 0, row, 0) for row in range(rows))]
        for edges, length in ((xs, width), (ys, height)):
            assert all(one < other for one, other in edges)
            assert [0, *(end for _, end in edges)] == [*(start for start, _ in edges), length]
        assert cells.box(0, 0, rows - 1, columns - 1) == Box(0, 0, width, height)


LOOKS = {
    "in the middle": ((400, 300, 500, 400), (1000, 800), (370, 270, 530, 430)),
    "a wide one": ((400, 300, 500, 320), (1000, 800), (370, 230, 530, 390)),
    "upper left": ((0, 0, 100, 100), (1000, 800), (0, 0, 160, 160)),
    "lower right": ((900, 700, 1000, 800), (1000, 800), (840, 640, 1000, 800)),
    "all of it": ((0, 0, 1000, 800), (1000, 800), (100, 0, 900, 800)),
    "all of it, upright": ((0, 0, 800, 1000), (800, 1000), (0, 100, 800, 900)),
    "across a strip": ((500, 0, 600, 30), (1000, 30), (535, 0, 565, 30)),
    "one pixel": ((0, 0, 1, 1), (1, 1), (0, 0, 1, 1)),
}


@pytest.mark.parametrize("case", LOOKS)
def test_closer_looks(case):
    box, size, expected = LOOKS[case]
    assert closer(Box(*box), *size) == expected


@SOME
@given(st.integers(1, 5000), st.integers(1, 5000), st.data())
def test_the_closer_look_is_square_and_inside(width, height, data):
    x0, y0 = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    box = Box(x0, y0, data.draw(st.integers(x0 + 1, width)), data.draw(st.integers(y0 + 1, height)))
    found = closer(box, width, height)
    assert found.x1 - found.x0 == found.y1 - found.y0 > 0
    assert 0 <= found.x0 < found.x1 <= width
    assert 0 <= found.y0 < found.y1 <= height
    if max(box.x1 - box.x0, box.y1 - box.y0) * module.LOOK_MARGIN <= min(width, height):
        assert found.overlap(box) == box.area
