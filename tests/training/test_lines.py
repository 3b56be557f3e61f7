"""Made-up lines of worn writing, and the network that learns to read them."""

# ruff: noqa: E402 - what follows needs the extra
from __future__ import annotations

import json
import random
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra train")
pytest.importorskip("onnx", reason="needs the extra train")

from PIL import Image, ImageDraw
from typer.testing import CliRunner

from pestcheck.vision.lines import ALPHABET, HEIGHT, NETWORK, STEP, LineReader
from tests.pictures import scenes
from tests.pictures import stencils as painted
from training import lines, stencils
from training.__main__ import app

pytestmark = pytest.mark.skipif(bool(painted.missing_fonts()), reason="needs the fonts that make test installs")


@pytest.fixture(scope="module")
def backs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    path = tmp_path_factory.mktemp("backs") / "floor.png"
    scenes.floor(seed=1).save(path)
    return [path]


@pytest.fixture(scope="module")
def fonts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fonts")
    for name in painted.FONTS:
        shutil.copy(painted.FOLDER / name, folder)
    (folder / "broken.ttf").write_bytes(b"no font")
    shutil.copy(painted.FOLDER / painted.FONTS[0], folder / "Some-Thin.otf")
    return folder


def test_a_line_follows_from_its_seed_and_its_steps_say_what_stands_in_it(backs: list[Path], fonts: Path) -> None:
    written = stencils.fonts(fonts)
    for seed in range(40):
        strip, steps = stencils.line(random.Random(seed), backs, written)
        again, _ = stencils.line(random.Random(seed), backs, written)
        assert np.array_equal(strip, again)
        assert strip.shape == (HEIGHT, STEP * len(steps))
        named = steps[steps != stencils.NONE]
        assert set(named[named > 0] - 1) <= set(range(len(ALPHABET)))
        assert all(one != two for one, two in pairwise(named) if one > 0)  # a letter twice has nothing between


def test_letters_stand_where_their_steps_say() -> None:
    font, found = stencils._font(painted.FOLDER / painted.FONTS[4], 40), 0
    for seed in range(40):
        ink, middles = stencils._painted("H-8", font, random.Random(seed), 40)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], (np.asarray(ink) > 128).any(axis=0).view(np.int8), [0]])))
        runs = [(left + right) / 2 for left, right in edges.reshape(-1, 2)]
        if len(runs) == 3:  # neither a border beside them, nor bridges, nor letters that touch
            assert np.allclose(runs, middles, atol=1.5)
            found += 1
    assert found >= 5


def test_only_fonts_that_can_write_it_are_used(fonts: Path, tmp_path: Path) -> None:
    assert [path.name for path in stencils.fonts(fonts)] == sorted(Path(name).name for name in painted.FONTS)
    with pytest.raises(FileNotFoundError, match="has no font"):
        stencils.fonts(tmp_path)


def test_what_is_right_costs_nothing_and_what_is_wrong_does() -> None:
    steps = torch.tensor([[0, 1, stencils.NONE, 0, 1, 2]])
    right = torch.full((1, 6, 1 + len(ALPHABET)), -20.0)
    for place, letter in enumerate([0, 1, 1, 0, 1, 2]):
        right[0, place, letter] = 20
    assert lines.written(steps) == lines.read(right) == ["AAB"]
    wrong = right.roll(1, dims=2)
    for whole in (False, True):
        assert lines.loss_of(right, steps, whole=whole) < 1e-3
        assert lines.loss_of(wrong, steps, whole=whole) > 1


def interrupted(*_: object) -> float:
    raise KeyboardInterrupt


def test_training_goes_on_where_it_was_and_what_is_written_can_be_read(
    backs: list[Path], fonts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "EVERY", 1)
    monkeypatch.setattr(lines, "TESTED", 64)
    monkeypatch.setattr(lines, "BATCH", 4)
    with monkeypatch.context() as cut, pytest.raises(KeyboardInterrupt):
        cut.setattr(lines, "share_right", interrupted)
        lines.train(backs, fonts, tmp_path / "run", 6, workers=0)
    with pytest.raises(SystemExit, match="go on with --steps 6"):
        lines.train(backs, fonts, tmp_path / "run", 7, workers=0)
    network = lines.train(backs, fonts, tmp_path / "run", 6, workers=0)
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text("utf-8").splitlines()]
    assert [entry["step"] for entry in log] == [1, 2, 3, 4, 6]  # the fifth was made, and not told of
    assert log[-1]["loss"] != log[-2]["loss"]
    assert 0 <= lines.share_right(network, backs, stencils.fonts(fonts), 32) <= 1
    assert lines.export(network, tmp_path / NETWORK) < lines.PARITY
    view = Image.new("RGB", (300, 40), "white")
    ImageDraw.Draw(view).text((5, 5), "US-1", fill="black")
    assert LineReader(tmp_path / NETWORK, 1).steps(view).shape[1] == 1 + len(ALPHABET)
    monkeypatch.setattr(lines, "PARITY", -1.0)
    with pytest.raises(SystemExit, match="Nothing was written"):
        lines.export(network, tmp_path / NETWORK)
    assert not (tmp_path / NETWORK).exists()


def test_a_folder_without_fonts_is_named(drawn: Path, tmp_path: Path) -> None:
    arguments = ["lines", "--data", str(drawn), "--fonts", str(tmp_path), "--out", str(tmp_path / "mark-lines-9.0.0")]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    assert f"{tmp_path} has no font" in result.output + str(result.exception)
