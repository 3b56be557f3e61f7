"""Tiles cover the photograph, overlap as asked, and stay inside it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from pestcheck.vision.tiles import MAX_ENLARGEMENT, Box, plan

SOME = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
LENGTH = st.integers(1, 900) | st.integers(1, 12_000)


@st.composite
def plans(draw):
    """A photograph of any shape (at most 60:1, or there would be thousands of tiles) and a plan for it."""
    width, height = draw(LENGTH), draw(LENGTH)
    assume(max(width, height) <= 60 * min(width, height))
    side = draw(st.sampled_from([32, 96, 224, 225]))
    columns = tuple(draw(st.lists(st.integers(1, 9), min_size=1, max_size=3)))
    overlap = draw(st.sampled_from([0.0, 0.1, 0.25, 1 / 3, 0.5]))
    return width, height, side, columns, overlap, plan(width, height, side=side, columns=columns, overlap=overlap)


def by_level(found):
    boxes = iter(found.boxes)
    return [(level, [next(boxes) for _ in level.corners]) for level in found.levels]


@SOME
@given(plans())
def test_boxes_and_corners_belong_together(case):
    width, height, side, _, _, found = case
    assert len(found.boxes) == sum(len(level.corners) for level in found.levels)
    for level, boxes in by_level(found):
        for (x, y), box in zip(level.corners, boxes, strict=True):
            assert 0 <= x <= level.width - side
            assert 0 <= y <= level.height - side
            assert 0 <= box.x0 < box.x1 <= width
            assert 0 <= box.y0 < box.y1 <= height
            assert abs(box.x0 - x * width / level.width) <= 0.5 + 1e-6
            assert abs(box.y1 - (y + side) * height / level.height) <= 0.5 + 1e-6


@SOME
@given(plans())
def test_every_level_covers_every_pixel(case):
    """On the grid of all box edges, in which a rectangle between neighbouring edges is either covered whole or not at all."""
    width, height, _, _, _, found = case
    for _, boxes in by_level(found):
        xs, ys = (sorted({0, end, *(edge for box in boxes for edge in box[axis::2])}) for axis, end in ((0, width), (1, height)))
        assert (xs[0], xs[-1], ys[0], ys[-1]) == (0, width, 0, height)
        covered = np.zeros((len(ys) - 1, len(xs) - 1), bool)
        for box in boxes:
            covered[ys.index(box.y0) : ys.index(box.y1), xs.index(box.x0) : xs.index(box.x1)] = True
        assert covered.all()


@SOME
@given(plans())
def test_neighbours_share_what_was_asked(case):
    """Within one pixel of the level, to which the starts are rounded."""
    _, _, side, _, overlap, found = case
    for level in found.levels:
        for axis, length in ((0, level.width), (1, level.height)):
            starts = sorted({corner[axis] for corner in level.corners})
            assert (starts[0], starts[-1] + side) == (0, length)
            for left, right in pairwise(starts):
                assert left + side - right >= side * overlap - 1


@SOME
@given(plans())
def test_a_level_keeps_the_shape_and_is_left_out_only_where_it_enlarges_too_much(case):
    """A level's longer side holds ``columns`` tiles, unless its shorter side would then be less than one tile."""
    width, height, side, columns, overlap, found = case
    wanted = []
    for n in columns:
        scale = max((side + (n - 1) * side * (1 - overlap)) / max(width, height), side / min(width, height))
        if scale <= MAX_ENLARGEMENT:
            wanted.append((width * scale, height * scale))
    assert len(wanted) == len(found.levels)
    for level, size in zip(found.levels, wanted, strict=True):
        assert (level.width, level.height) == pytest.approx(size, abs=0.51)
        assert min(level.width, level.height) >= side


CASES = {
    "twelve megapixels, three columns": ((4032, 3024), (3,), 0.25, [(560, 420, 3, 3)]),
    "upright": ((3024, 4032), (3,), 0.25, [(420, 560, 3, 3)]),
    "two levels": ((4032, 3024), (1, 3), 0.25, [(299, 224, 2, 1), (560, 420, 3, 3)]),
    "no overlap": ((4032, 3024), (3,), 0.0, [(672, 504, 3, 3)]),
    "square, one tile": ((1000, 1000), (1,), 0.25, [(224, 224, 1, 1)]),
    "panorama: the shorter side is one tile": ((8000, 800), (3,), 0.25, [(2240, 224, 13, 1)]),
    "upright panorama": ((800, 8000), (3,), 0.25, [(224, 2240, 1, 13)]),
    "a whole number of steps in spite of floating point": ((4032, 4032), (6,), 0.3, [(1008, 1008, 6, 6)]),
    "already the size of a tile": ((224, 224), (1,), 0.25, [(224, 224, 1, 1)]),
    "enlarged by just 1.5": ((448, 336), (4,), 0.3333333333333333, [(672, 504, 4, 3)]),
    "enlarged by more": ((447, 336), (4,), 0.3333333333333333, []),
    "the fine level enlarges too much, the coarse one stays": ((400, 300), (2, 9), 0.25, [(392, 294, 2, 2)]),
    "tiny": ((100, 80), (1, 3), 0.25, []),
    "one pixel": ((1, 1), (1, 3), 0.25, []),
    "a line": ((10_000, 1), (1, 3), 0.25, []),
    "no levels": ((4032, 3024), (), 0.25, []),
}


@pytest.mark.parametrize("case", CASES)
def test_plans(case):
    """Expected: width, height, tiles across, tiles down of each level, for tiles of 224."""
    (width, height), columns, overlap, expected = CASES[case]
    found = plan(width, height, side=224, columns=columns, overlap=overlap)
    got = [(level.width, level.height, len({x for x, _ in level.corners}), len({y for _, y in level.corners})) for level in found.levels]
    assert got == expected


def test_boxes_are_in_pixels_of_the_photograph_row_by_row():
    found = plan(448, 896, side=224, columns=(2,), overlap=0.0)
    assert found.levels[0].corners == ((0, 0), (0, 224))
    assert found.boxes == (Box(0, 0, 448, 448), Box(0, 448, 448, 896))
    assert plan(896, 896, side=224, columns=(2,), overlap=0.0).boxes == (
        Box(0, 0, 448, 448), Box(448, 0, 896, 448), Box(0, 448, 448, 896), Box(448, 448, 896, 896),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other", "overlap", "union"),
    [
        pytest.param((0, 0, 10, 10), (5, 5, 15, 20), 25, (0, 0, 15, 20), id="corner"),
        pytest.param((0, 0, 10, 10), (10, 0, 20, 10), 0, (0, 0, 20, 10), id="side by side"),
        pytest.param((0, 0, 10, 10), (2, 3, 4, 5), 4, (0, 0, 10, 10), id="inside"),
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
