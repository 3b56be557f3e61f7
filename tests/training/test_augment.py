"""What augmentation may do to a picture."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

pytest.importorskip("albumentations", reason="needs the extra train")

from training import augment as augmentation

PICTURE = np.random.default_rng(0).integers(0, 256, (90, 140, 3), dtype=np.uint8)


@pytest.mark.parametrize("shape", [(90, 140, 3), (16, 16, 3), (300, 40, 3)])
@pytest.mark.parametrize("least_area", [0.06, 1.0])
def test_shape_and_type(shape: tuple[int, int, int], least_area: float) -> None:
    picture = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    run = augmentation.augment(64, least_area=least_area)
    for _ in range(20):
        result = run(picture)
        assert result.shape == (64, 64, 3)
        assert result.dtype == np.uint8


def test_the_picture_itself_is_not_changed() -> None:
    before = PICTURE.copy()
    augmentation.augment(64, least_area=0.2)(PICTURE)
    assert (before == PICTURE).all()


def test_all_chance_comes_from_the_seed_of_the_pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augmentation.A, "Compose", partial(augmentation.A.Compose, seed=7))
    first, second = (augmentation.augment(64, least_area=0.2) for _ in range(2))
    for _ in range(10):
        assert (first(PICTURE) == second(PICTURE)).all()


def test_without_a_seed_pictures_differ() -> None:
    run = augmentation.augment(64, least_area=0.2)
    results = {run(PICTURE).tobytes() for _ in range(5)} | {augmentation.augment(64, least_area=0.2)(PICTURE).tobytes()}
    assert len(results) == 6
