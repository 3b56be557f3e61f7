"""Levels cover the photograph, tiles lie on the grid, overlap as asked, and stay inside."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from pestcheck.vision.tiles import CELL, GRID, MAX_ENLARGEMENT, Box, plan

SOME = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
LENGTH = st.integers(1, 900) | st.integers(1, 12_000)


@st.composite
def plans(draw):
    """A photograph of any shape (at most 60:1) and a plan for it."""
    width, height = draw(LENGTH), draw(LENGTH)
    assume(max(width, height) <= 60 * min(width, height))
    tile = GRID * draw(st.integers(1, 14))
    overlap = GRID * draw(st.integers(0, tile // GRID - 1))
    long_sides = tuple(GRID * n for n in draw(st.lists(st.integers(1, 60), min_size=1, max_size=3)))
    return width, height, long_sides, tile, overlap, plan(width, height, long_sides=long_sides, tile=tile, overlap=overlap)


@SOME
@given(plans())
def test_all_lies_on_the_grid_and_inside(case):
    *_, tile, _, levels = case
    for level in levels:
        width, height = level.tile
        assert all(length % GRID == 0 for length in (level.width, level.height, width, height))
        assert width <= tile
        assert height <= tile
        for x, y in level.corners:
            assert (x % GRID, y % GRID) == (0, 0)
            assert 0 <= x <= level.width - width
            assert 0 <= y <= level.height - height
    assert GRID % CELL == 0


@SOME
@given(plans())
def test_tiles_cover_the_level_and_overlap_as_asked(case):
    *_, overlap, levels = case
    for level in levels:
        for axis, length in ((0, level.width), (1, level.height)):
            starts = sorted({corner[axis] for corner in level.corners})
            assert starts[0] == 0
            assert starts[-1] + level.tile[axis] == length
            for one, other in pairwise(starts):
                assert one < other <= one + level.tile[axis] - overlap
        xs, ys = ({corner[axis] for corner in level.corners} for axis in (0, 1))
        assert sorted(level.corners) == sorted((x, y) for x in xs for y in ys)


@SOME
@given(plans())
def test_levels_keep_shape_and_do_not_enlarge_too_much(case):
    width, height, long_sides, *_, levels = case
    kept = [side for side in long_sides if side <= MAX_ENLARGEMENT * max(width, height)]
    assert len(levels) == len(kept)
    for level, side in zip(levels, kept, strict=True):
        assert max(level.width, level.height) == side
        for length, original in ((level.width, width), (level.height, height)):
            assert abs(length - original * side / max(width, height)) <= GRID


@SOME
@given(plans())
def test_no_tile_more_than_needed_and_they_are_evenly_spread(case):
    *_, overlap, levels = case
    for level in levels:
        for axis, length in ((0, level.width), (1, level.height)):
            starts = sorted({corner[axis] for corner in level.corners})
            assert len(starts) == math.ceil(max(0, length - level.tile[axis]) / (level.tile[axis] - overlap or GRID)) + 1
            steps = [other - one for one, other in pairwise(starts)]
            assert max(steps, default=0) - min(steps, default=0) <= GRID


SHAPES = {
    "a phone photograph": ((4032, 3024), [(448, 320), (896, 672), (1792, 1344)]),
    "the same, upright": ((3024, 4032), [(320, 448), (672, 896), (1344, 1792)]),
    "a web camera": ((640, 480), [(448, 320), (896, 672)]),
    "108 megapixels": ((12000, 9000), [(448, 320), (896, 672), (1792, 1344)]),
    "enlarged by half at most": ((1195, 1195), [(448, 448), (896, 896), (1792, 1792)]),
    "enlarged by a hair more": ((1194, 1194), [(448, 448), (896, 896)]),
    "the smallest with a level": ((299, 200), [(448, 288)]),
    "too small for any level": ((298, 200), []),
    "one pixel": ((1, 1), []),
    "a strip": ((6000, 100), [(448, 32), (896, 32), (1792, 32)]),
    "a strip, upright": ((100, 6000), [(32, 448), (32, 896), (32, 1792)]),
    "a line": ((12000, 1), [(448, 32), (896, 32), (1792, 32)]),
}


@pytest.mark.parametrize("case", SHAPES)
def test_shapes(case):
    (width, height), sizes = SHAPES[case]
    levels = plan(width, height, long_sides=(448, 896, 1792), tile=448, overlap=64)
    assert [(level.width, level.height) for level in levels] == sizes


@pytest.mark.parametrize("case", SHAPES)
def test_every_pixel_of_every_level_lies_in_a_tile(case):
    (width, height), _ = SHAPES[case]
    for tile, overlap in ((448, 64), (224, 192), (32, 0)):
        for level in plan(width, height, long_sides=(448, 896, 1792), tile=tile, overlap=overlap):
            covered = np.zeros((level.height, level.width), bool)
            for x, y in level.corners:
                covered[y : y + level.tile[1], x : x + level.tile[0]] = True
            assert covered.all()


def test_tiles_row_by_row():
    (level,) = plan(1792, 1344, long_sides=(896,), tile=448, overlap=64)
    assert level.tile == (448, 448)
    assert level.corners == ((0, 0), (224, 0), (448, 0), (0, 224), (224, 224), (448, 224))


def test_a_level_narrower_than_a_tile_has_narrower_tiles():
    (level,) = plan(1792, 448, long_sides=(896,), tile=448, overlap=0)
    assert level.tile == (448, 224)
    assert level.corners == ((0, 0), (448, 0))


def test_fifty_megapixels_cost_no_more_than_twelve():
    one, other = (plan(*size, long_sides=(448, 896, 1792), tile=448, overlap=64) for size in ((4032, 3024), (8192, 6144)))
    assert one == other


@pytest.mark.parametrize(
    ("one", "other", "overlap", "union"),
    [
        pytest.param((0, 0, 10, 10), (5, 5, 15, 20), 25, (0, 0, 15, 20), id="corner"),
        pytest.param((0, 0, 10, 10), (10, 0, 20, 10), 0, (0, 0, 20, 10), id="side by side"),
        pytest.param((0, 0, 10, 10), (2, 3, 4, 6), 6, (0, 0, 10, 10), id="inside"),
        pytest.param((0, 0, 1, 1), (50, 60, 51, 61), 0, (0, 0, 51, 61), id="far apart on both axes"),
        pytest.param((3, 4, 9, 8), (3, 4, 9, 8), 24, (3, 4, 9, 8), id="the same"),
    ],
)
def test_boxes(one, other, overlap, union):
    assert Box(*one).overlap(Box(*other)) == Box(*other).overlap(Box(*one)) == overlap
    assert Box(*one).union(Box(*other)) == Box(*other).union(Box(*one)) == union


@pytest.mark.parametrize(("box", "area"), [((0, 0, 4, 5), 20), ((2, 2, 2, 9), 0), ((9, 0, 3, 5), 0), ((9, 9, 3, 3), 0)])
def test_area(box, area):
    assert Box(*box).area == area
