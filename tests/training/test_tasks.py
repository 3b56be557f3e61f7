"""What the two networks are shown, and that they learn from it."""

# ruff: noqa: E402 - what follows needs the extra
from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra train")
for module in ("albumentations", "timm", "scipy"):
    pytest.importorskip(module, reason="needs the extra train")

from pestcheck.taxonomy import LABELS
from tests.training.conftest import COLOURS
from training import composite, data, tasks, train
from training.network import Finder, classifier, normalise

NAMES = list(COLOURS)
CONFIG = train.Config(epochs=1, pictures=16, batch=8, train_side=64, side=64, workers=0)


@pytest.fixture(scope="module")
def parts(drawn: Path) -> data.Split:
    return data.split(data.read_manifest(drawn), "a")


def make(name: str, drawn: Path, parts: data.Split, **settings: Any) -> Any:
    return tasks.make(name, drawn, parts, NAMES, replace(CONFIG, **settings))


class Brightness(torch.nn.Module):
    """Says of each cell how bright it is: a finder whose answers are known."""

    def forward(self, x: Any) -> Any:
        self.seen = tuple(x.shape)
        return 20 * torch.nn.functional.avg_pool2d(x, 16).mean(1)


def test_quarters_keep_pixels_and_targets_together(drawn: Path, parts: data.Split) -> None:
    """Every cell of four composites is white where its target is contamination and black where it is clean.

    One network says of white cells that they are harmful, and is right everywhere; a single cell out of place would cost.
    """
    rng = np.random.default_rng(0)
    target = rng.integers(0, 2, (4, 16, 16))
    pixels = (target * 255).astype(np.uint8).repeat(16, 1).repeat(16, 2)[..., None].repeat(3, 3)
    task, net = make("finder", drawn, parts), Brightness()
    assert float(task.loss(net, torch.from_numpy(pixels), torch.from_numpy(target))) < 1e-6
    assert net.seen == (16, 3, 128, 128)
    for row, column in ((0, 0), (7, 8), (8, 7), (15, 15)):
        wrong = target.copy()
        wrong[2, row, column] ^= 1
        assert float(task.loss(net, torch.from_numpy(pixels), torch.from_numpy(wrong))) > 0.01


def test_what_is_ignored_costs_nothing(drawn: Path, parts: data.Split) -> None:
    task, net = make("finder", drawn, parts), Brightness()
    pixels = torch.full((1, 256, 256, 3), 255, dtype=torch.uint8)
    target = np.full((1, 16, 16), composite.IGNORED)
    assert float(task.loss(net, pixels, torch.from_numpy(target))) == 0
    target[0, :, 8:] = 1
    assert float(task.loss(net, pixels, torch.from_numpy(target))) < 1e-6
    target[0, 3, 3] = 0
    assert float(task.loss(net, pixels, torch.from_numpy(target))) == pytest.approx(40, abs=0.1)  # among all, and among the hardest


def test_harm(drawn: Path, parts: data.Split) -> None:
    materials = make("finder", drawn, parts).materials
    cells = np.array([[composite.IGNORED, *range(len(NAMES))]])
    assert tasks.harm(cells, materials).tolist() == [[composite.IGNORED, *(int(LABELS[label].contaminant) for label in NAMES)]]


@pytest.mark.parametrize("mosaics", [0.0, 1.0])
def test_composites_have_a_target_for_each_cell(drawn: Path, parts: data.Split, mosaics: float) -> None:
    examples = make("finder", drawn, parts, mosaics=mosaics).examples()
    assert len(examples) == len(parts.train)
    targets = []
    for i in range(12):
        pixels, target = examples[i]
        assert (pixels.shape, pixels.dtype, target.shape) == ((256, 256, 3), np.uint8, (16, 16))
        targets.append(target)
    assert set(np.unique(np.stack(targets))) == {composite.IGNORED, 0, 1}


@pytest.mark.parametrize("name", train.TASKS)
def test_examples_follow_the_seed(drawn: Path, parts: data.Split, name: str) -> None:
    examples, streams = make(name, drawn, parts).examples(), []
    for seed in (1, 1, 2):
        examples.seed(seed)
        streams.append(b"".join(array.tobytes() for i in range(6) for array in examples[i]))
    assert streams[0] == streams[1] != streams[2]


def test_pictures_come_with_their_label(drawn: Path, parts: data.Split) -> None:
    examples = make("classifier", drawn, parts, looks=0.0).examples()
    for i, picture in enumerate(parts.train):
        pixels, label = examples[i]
        assert (pixels.shape, pixels.dtype) == ((64, 64, 3), np.uint8)
        assert NAMES[int(label)] == picture.label


@pytest.mark.parametrize("ground", [0.0, 1.0], ids=["at things", "anywhere"])
def test_looks_have_the_label_of_what_they_show(drawn: Path, parts: data.Split, monkeypatch: pytest.MonkeyPatch, ground: float) -> None:
    """Ants are black, soil is red, the surface is light: what a look has in it shows which label is right.

    Of a look anywhere a thing may be cut off; less than half of it does not count.
    """
    colours = {"ant": 10, "soil": (200, 20, 20), "container": 220}

    def paint(picture: data.Picture) -> np.ndarray:
        return np.full((64, 64, 3), colours[picture.label], np.uint8)

    pictures = [p for p in parts.train if p.label in colours]
    materials = composite.Materials(pictures, composite.read_cutouts(drawn, pictures), list(colours))
    monkeypatch.setattr(composite, "pixels_of", paint)
    monkeypatch.setattr(composite, "HARMFUL", 0)  # else a thing of another label may lie beside it
    monkeypatch.setattr(tasks, "GROUND_SHARE", ground)
    looks = tasks.Pictures(pictures, materials, replace(CONFIG, looks=1.0, harmless=0.0))
    looks.look = lambda pixels: pixels  # type: ignore[assignment]
    shown = []
    for i in range(150):
        pixels, label = looks[i]
        assert pixels.shape == (64, 64, 3)
        red, green, _ = np.moveaxis(pixels.astype(int), 2, 0)  # all of it: what is cut off at the border lies beside the middle
        seen = "soil" if (red - green).max() > 80 else "ant" if green.min() < 75 else "container"
        shown.append((list(colours)[int(label)], seen))
    assert all(shown.count((label, label)) > (5 if ground else 20) for label in colours)
    assert all(label == seen or (ground and label == "container") for label, seen in shown)
    assert sum(label == seen for label, seen in shown) > 0.8 * len(shown)


def test_looks_at_clean_surfaces_have_the_label_of_the_surface_there(
    drawn: Path, parts: data.Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where two surfaces meet, the one in the middle of the look counts."""
    colours = {"ant": 10, "container": 220, "clean_wood": 90}
    pictures = [p for p in parts.train if p.label in colours]
    materials = composite.Materials(pictures, composite.read_cutouts(drawn, pictures), list(colours))
    monkeypatch.setattr(composite, "pixels_of", lambda picture: np.full((64, 64, 3), colours[picture.label], np.uint8))
    monkeypatch.setattr(composite, "NONE_SHARE", 1)
    looks = tasks.Pictures(pictures, materials, replace(CONFIG, looks=1.0, harmless=0.0))
    looks.look = lambda pixels: pixels  # type: ignore[assignment]
    right = []
    for i in range(120):
        pixels, label = looks[i]
        seen = "container" if pixels[30:34, 30:34].mean() > 155 else "clean_wood"
        right.append(seen == list(colours)[int(label)])
    assert sum(right) >= 119  # where they meet in the very middle, either may be seen


def test_a_finder_learns_a_batch_by_heart(drawn: Path, parts: data.Split) -> None:
    task = make("finder", drawn, parts, mosaics=0.0)
    examples = task.examples()
    harmful = [one for one in (examples[i] for i in range(12)) if (one[1] == 1).any()][:2]
    pixels, target = (torch.from_numpy(np.stack(column)) for column in zip(*harmful, strict=True))
    torch.manual_seed(0)
    net = Finder(pretrained=False).to(memory_format=torch.channels_last).train()
    losses = descend(net, lambda: task.loss(net, pixels, target), 25)
    assert losses[0] > 1
    assert losses[-1] < losses[0] / 3


def test_a_classifier_learns_a_batch_by_heart(drawn: Path, parts: data.Split) -> None:
    task = make("classifier", drawn, parts, looks=0.0, label_smoothing=0.0)
    examples = task.examples()
    pixels, target = (torch.from_numpy(np.stack(column)) for column in zip(*(examples[i] for i in range(0, 40, 5)), strict=True))
    torch.manual_seed(0)
    net = classifier(len(NAMES), pretrained=False).to(memory_format=torch.channels_last).train()
    losses = descend(net, lambda: task.loss(net, pixels, target), 25)
    assert losses[0] > 1
    assert losses[-1] < losses[0] / 3


def descend(net: Any, loss: Any, steps: int) -> list[float]:
    """Losses of some steps of training."""
    optimiser, losses = torch.optim.AdamW(net.parameters(), lr=2e-3), []
    for _ in range(steps):
        value = loss()
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        losses.append(value.item())
    return losses


@pytest.mark.parametrize(
    ("name", "measures"),
    [
        ("finder", {"found_12_24", "found_24_48", "found_48_96", "score"}),
        ("classifier", {"top1", "recall_at_5pct", "looks_at_10pct", "score"}),
    ],
)
def test_held_out_gives_shares(drawn: Path, parts: data.Split, monkeypatch: pytest.MonkeyPatch, name: str, measures: set[str]) -> None:
    monkeypatch.setattr(tasks, "HELD_OUT_COMPOSITES", 24)
    torch.manual_seed(0)
    net = Finder(pretrained=False) if name == "finder" else classifier(len(NAMES), pretrained=False)
    result = make(name, drawn, parts).held_out(net, "cpu")
    assert set(result) == measures
    assert all(math.isfinite(value) and 0 <= value <= 1 for value in result.values())
    others = [value for key, value in result.items() if key != "score"]
    assert result["score"] == pytest.approx(np.mean(others), abs=1e-4)


def test_held_out_tells_a_good_finder_from_a_bad_one(drawn: Path, parts: data.Split, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ants are all darker than surfaces here: one network says so, the other says the opposite."""
    monkeypatch.setattr(tasks, "HELD_OUT_COMPOSITES", 24)
    ants = data.Split(parts.train, [p for p in parts.test if p.label != "soil"])
    monkeypatch.setattr(composite, "lay_harmless", lambda *_: [])  # those may be dark, too

    class Darkness(torch.nn.Module):
        def __init__(self, sign: int) -> None:
            super().__init__()
            self.sign = sign

        def forward(self, x: Any) -> Any:
            return -self.sign * torch.nn.functional.avg_pool2d(x, 16).mean(1)

    task = make("finder", drawn, ants)
    good, bad = (task.held_out(Darkness(sign), "cpu")["score"] for sign in (1, -1))
    assert good > 0.5 > 0.2 > bad


def test_an_epoch_is_judged_by_closer_looks_too(drawn: Path, parts: data.Split, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ants are darker than all surfaces: one classifier says so, the other the opposite; of whole pictures both say the same."""
    monkeypatch.setattr(tasks, "HELD_OUT_COMPOSITES", 24)
    ants = data.Split(parts.train, [p for p in parts.test if p.label != "soil"])

    class Dark(torch.nn.Module):
        def __init__(self, sign: int) -> None:
            super().__init__()
            self.sign = sign

        def forward(self, x: Any) -> Any:
            dark = -self.sign * x[:, :, 24:40, 24:40].mean((1, 2, 3))
            return torch.stack([10 * dark if name == "ant" else dark * 0 for name in NAMES], 1)

    good, bad = (make("classifier", drawn, ants, harmless=0.0).held_out(Dark(sign), "cpu") for sign in (1, -1))
    assert good["looks_at_10pct"] > 0.6 > 0.2 > bad["looks_at_10pct"]
    assert "looks_at_10pct" not in make("classifier", drawn, ants, looks=0.0).held_out(Dark(1), "cpu")


def test_a_finder_answers_for_each_cell(drawn: Path) -> None:
    net = Finder(pretrained=False).eval()
    with torch.inference_mode():
        for height, width in ((64, 64), (128, 256), (448, 352)):
            pixels = torch.zeros(1, height, width, 3, dtype=torch.uint8)
            assert net(normalise(pixels)).shape == (1, height // 16, width // 16)


def test_outputs_are_of_the_pictures_in_their_order(drawn: Path, parts: data.Split) -> None:
    net = classifier(len(NAMES), pretrained=False)
    some = parts.test[:5]
    every, backwards = (tasks.outputs(net, order, CONFIG) for order in (some, some[::-1]))
    assert every.shape == (5, len(NAMES))
    np.testing.assert_allclose(every, backwards[::-1], atol=1e-5)
    assert np.abs(every[0] - every[1]).max() > 1e-6
