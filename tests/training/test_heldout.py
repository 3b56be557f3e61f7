"""What two real networks say of photographs: their answers are known, since they only measure how dark it is."""

# ruff: noqa: E402 - what follows needs the extra
from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="needs the extra train")
for module in ("albumentations", "onnx", "timm", "scipy", "sklearn"):
    pytest.importorskip(module, reason="needs the extra train")

from pestcheck.vision import decide, tiles
from tests.training.conftest import COLOURS
from training import composite, data, heldout, onnx_file, photographs

NAMES = list(COLOURS)
PLAN = heldout.Plan(side=64, long_sides=(448, 896), tile=448, overlap=64)


class Darkest(torch.nn.Module):
    """A finder: the logit of a cell is how dark its darkest pixel is, from 10 (black) to -10 (white)."""

    def forward(self, x: Any) -> Any:
        return torch.nn.functional.max_pool2d(-10 * x.mean(1, keepdim=True), 16)[:, 0]


class Dark(torch.nn.Module):
    """A classifier: the darker the middle of a picture, the more it is an ant; the lighter, the more a container."""

    def forward(self, x: Any) -> Any:
        dark = -x[:, :, 24:40, 24:40].mean((1, 2, 3))
        zero = dark * 0
        return torch.stack([5 * dark, zero, -5 * dark, zero, zero], 1)


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> heldout.Networks:
    folder = tmp_path_factory.mktemp("networks")
    for name, net in (("finder.onnx", Darkest()), ("model.onnx", Dark())):
        onnx_file.write_onnx(net, NAMES, folder / name)
    return heldout.Networks.read(folder / "finder.onnx", folder / "model.onnx", 1)


@pytest.fixture(scope="module")
def pictures(drawn: Path) -> list[data.Picture]:
    return data.split(data.read_manifest(drawn), "a").test


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Photographs are small, few, and without harmless things: whatever is dark is an ant."""
    monkeypatch.setattr(photographs, "PANELS", (4, 3))
    monkeypatch.setattr(photographs, "HARMLESS", 0)
    monkeypatch.setattr(heldout, "PHOTOGRAPHS", 4)
    monkeypatch.setattr(heldout, "CLEAN", 4)


@pytest.fixture
def held(networks: heldout.Networks, drawn: Path, pictures: list[data.Picture], small: None) -> heldout.HeldOut:
    return heldout.judge(networks, drawn, pictures, NAMES, PLAN, 3)


def test_every_picture_is_scored_in_its_place(held: heldout.HeldOut, networks: heldout.Networks, pictures: list[data.Picture]) -> None:
    assert held.pictures == pictures
    assert [NAMES[k] for k in held.truth] == [p.label for p in pictures]
    assert held.logits.shape == (len(pictures), len(NAMES))
    for k in (0, 7, len(pictures) - 1):
        np.testing.assert_allclose(held.logits[k], networks.classify(heldout.inputs([pictures[k]], PLAN.side))[0], atol=1e-4)


def test_clean_photographs_have_as_many_spots_as_are_looked_at(held: heldout.HeldOut) -> None:
    """Four made up, one of the yard; the most suspect spots first, and none of a thing."""
    spots = held.clean
    assert {len(getattr(spots, key)) for key in spots.__dataclass_fields__} == {5 * heldout.SPOTS}
    assert spots.photograph.tolist() == [k for k in range(5) for _ in range(heldout.SPOTS)]
    assert spots.real.tolist() == [False] * 4 * heldout.SPOTS + [True] * heldout.SPOTS
    assert set(spots.truth) == {-1}
    assert set(spots.length) == {0}
    found = spots.found.reshape(5, heldout.SPOTS)
    assert (np.diff(found, axis=1) <= 0).all()
    assert spots.looks.shape == spots.whole.shape == (5 * heldout.SPOTS, len(NAMES))
    assert (spots.whole.reshape(5, heldout.SPOTS, -1) == spots.whole[:: heldout.SPOTS, None]).all()


def test_things_are_judged_where_they_lie(held: heldout.HeldOut) -> None:
    """The finder is sure of every black ant, in photographs whose surface it doubts; the closer look has it in its middle."""
    things = held.things
    assert len(things.found) == 4 * (6 + 6)  # a photograph of each band, and the yard; six panels carry one
    assert {NAMES[k] for k in things.truth} == {"ant"}
    assert things.real.sum() == 24
    assert len(set(things.photograph)) == 8
    large = things.length > 30
    assert large.sum() > 15
    assert things.found[large].min() > 5 > held.clean.found[~held.clean.real].max()
    harmful = decide.contamination(decide.probabilities(things.looks, 0.3), NAMES)
    clean = decide.contamination(decide.probabilities(held.clean.looks, 0.3), NAMES)
    assert harmful[large].min() > np.quantile(clean, 0.9)


def test_bands_are_all_there(held: heldout.HeldOut) -> None:
    made = held.things.length[~held.things.real]
    for k, (low, high) in enumerate(photographs.BANDS):
        part = made[k * 6 : k * 6 + 6]
        assert ((part >= 0.75 * low - 1) & (part <= high + 2)).all()


def test_the_same_seed_gives_the_same_numbers(
    held: heldout.HeldOut, networks: heldout.Networks, drawn: Path, pictures: list[data.Picture]
) -> None:
    again, other = (heldout.judge(networks, drawn, pictures, NAMES, PLAN, seed) for seed in (3, 4))
    for one, two in ((held.clean, again.clean), (held.things, again.things)):
        for key in one.__dataclass_fields__:
            np.testing.assert_array_equal(getattr(one, key), getattr(two, key))
    assert held.digest == again.digest != other.digest
    assert (held.things.length != other.things.length).any()


def test_the_finder_is_asked_as_in_the_program(networks: heldout.Networks, drawn: Path, pictures: list[data.Picture], small: None) -> None:
    """The most suspect spot of a clean photograph is the most suspect cell of all levels of a scan."""
    materials = composite.Materials(pictures, composite.read_cutouts(drawn, pictures), NAMES)
    held = heldout.judge(networks, drawn, pictures, NAMES, PLAN, 5)
    for k, (pixels, _, _) in enumerate(photographs.made(materials, 5, 4, None)):
        image = Image.fromarray(pixels)
        levels = tiles.plan(*image.size, long_sides=PLAN.long_sides, tile=PLAN.tile, overlap=PLAN.overlap)
        assert len(levels) == 2
        most = max(float(networks.find(image, level).max()) for level in levels)
        assert held.clean.found[held.clean.photograph == k].max() == pytest.approx(most)


def test_harmful() -> None:
    assert heldout.harmful(NAMES).tolist() == [True, True, False, False, False]
