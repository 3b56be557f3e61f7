"""What augmentation may do to a picture."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("albumentations", reason="needs the extra train")

from training import augment as augmentation

PICTURE = np.random.default_rng(0).integers(0, 256, (90, 140, 3), dtype=np.uint8)


@pytest.mark.parametrize("shape", [(90, 140, 3), (16, 16, 3), (300, 40, 3)])
@pytest.mark.parametrize("least_area", [0.06, 1.0])
def test_shape_and_type(shape: tuple[int, int, int], least_area: float) -> None:
    picture = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    run = augmentation.Augment(64, least_area=least_area)
    for _ in range(20):
        result = run(picture)
        assert result.shape == (64, 64, 3)
        assert result.dtype == np.uint8


def test_the_picture_itself_is_not_changed() -> None:
    before = PICTURE.copy()
    augmentation.Augment(64, least_area=0.2)(PICTURE)
    assert (before == PICTURE).all()


def test_all_chance_comes_from_the_seed() -> None:
    first, second = (augmentation.Augment(64, least_area=0.2) for _ in range(2))
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
