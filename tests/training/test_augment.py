"""What augmentation may do to a picture."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("albumentations", reason="needs the extra train")

from training import augment as augmentation

PICTURE = np.random.default_rng(0).integers(0, 256, (90, 140, 3), dtype=np.uint8)
WAYS = [None, 0.2]


@pytest.mark.parametrize("shape", [(90, 140, 3), (16, 16, 3), (300, 40, 3)])
@pytest.mark.parametrize("least_area", [0.06, 1.0])
def test_a_part_has_the_side_asked_for(shape: tuple[int, int, int], least_area: float) -> None:
    picture = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    run = augmentation.Augment(64, least_area=least_area)
    for _ in range(20):
        result = run(picture)
        assert result.shape == (64, 64, 3)
        assert result.dtype == np.uint8


@pytest.mark.parametrize("side", [64, 256])
def test_without_a_part_the_size_stays(side: int) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (side, side, 3), dtype=np.uint8)
    run = augmentation.Augment(side)
    results = [run(picture) for _ in range(20)]
    assert {(result.shape, result.dtype) for result in results} == {((side, side, 3), np.dtype(np.uint8))}


@pytest.mark.parametrize(("y", "x"), [(14, 14), (14, 49), (49, 14), (49, 49), (31, 40)])
def test_without_a_part_nothing_moves(y: int, x: int) -> None:
    """A bright dot stays where it was; where a part is cut out and turned it does not."""
    picture = np.full((64, 64, 3), 60, np.uint8)
    picture[y - 2 : y + 3, x - 2 : x + 3] = 250
    moved = {None: 0, 0.5: 0}
    for least_area in moved:
        run = augmentation.Augment(64, least_area=least_area)
        run.seed(3)
        for _ in range(40):
            light = run(picture).astype(float).sum(2)
            # Flare and shadow add light elsewhere: what counts is how the dot stands out from what is round it.
            inside, ring = light[y - 1 : y + 2, x - 1 : x + 2].mean(), light[y - 8 : y + 9, x - 8 : x + 9]
            moved[least_area] += inside < np.median(ring) + 60
    assert moved[None] == 0
    assert moved[0.5] > 10


@pytest.mark.parametrize("least_area", WAYS)
def test_the_picture_itself_is_not_changed(least_area: float | None) -> None:
    before, run = PICTURE.copy(), augmentation.Augment(64, least_area=least_area)
    for _ in range(10):
        run(PICTURE)
    assert (before == PICTURE).all()


@pytest.mark.parametrize("least_area", WAYS)
def test_all_chance_comes_from_the_seed(least_area: float | None) -> None:
    first, second = (augmentation.Augment(64, least_area=least_area) for _ in range(2))
    streams = []
    for seed in (7, 7, 8):
        first.seed(seed)
        second.seed(seed)
        pictures = [first(PICTURE) for _ in range(10)]
        assert all((picture == second(PICTURE)).all() for picture in pictures)
        streams.append(b"".join(picture.tobytes() for picture in pictures))
    assert streams[0] == streams[1] != streams[2]


def test_without_a_seed_pictures_differ() -> None:
    run = augmentation.Augment(64, least_area=0.2)
    results = {run(PICTURE).tobytes() for _ in range(5)} | {augmentation.Augment(64, least_area=0.2)(PICTURE).tobytes()}
    assert len(results) == 6
