"""What is counted by length, on spots that are counted by hand."""

# ruff: noqa: E402 - what follows needs the extra
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

for module in ("torch", "albumentations", "onnx", "timm", "scipy", "sklearn", "altair"):
    pytest.importorskip(module, reason="needs the extra train")

from pestcheck.vision import decide
from tests.training.test_calibrate import LABELS, part
from training import calibrate, evaluate, heldout, report

LIMITS = decide.Thresholds("v", suspect=0.6, unsure=0.4, propose=0.05, place_offset=0.0, label=0.5, group=0.5, candidate=0.1, unknown=9)
SEEN = {"ant": [9.0, 0.0, 0.0, 0.0], "soil": [0.0, 9.0, 0.0, 0.0], "container": [0.0, 0.0, 9.0, 0.0]}


def judged(things: list[tuple[int, int, str, str]], *, real: bool = False) -> calibrate.Judged:
    """A fold of which everything is clean but for things: (photograph, length, label, what the closer look says)."""
    fold = part(60, 1, photographs=4)
    clean = replace(fold.clean, real=np.zeros(len(fold.clean.real), bool), found=np.full(len(fold.clean.found), -9.0))
    spots = heldout.Spots(
        found=np.full(len(things), 4.0), looks=np.array([SEEN[said] for *_, said in things]), whole=np.zeros((len(things), 4)),
        photograph=np.array([photograph for photograph, *_ in things]), real=np.full(len(things), real),
        truth=np.array([LABELS.index(label) for _, _, label, _ in things]), length=np.array([length for _, length, *_ in things]),
    )  # fmt: skip
    return calibrate.judge(replace(fold, clean=clean, things=spots), calibrate.Calibration(1.0, LIMITS), LABELS)


def test_things_are_counted_by_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "RESAMPLES", 50)
    first = judged([(0, 12, "ant", "ant"), (0, 23, "ant", "container"), (1, 24, "ant", "soil"), (1, 30, "ant", "ant")])
    second = judged([(0, 20, "soil", "soil"), (1, 300, "ant", "ant")])
    counted = report.sizes([first, second], LABELS)["made_up"]
    small, middle = counted["by_length"]["12-24"], counted["by_length"]["24-48"]
    assert (small["things"], small["photographs"], middle["things"], middle["photographs"]) == (3, 2, 2, 1)
    assert [small[name]["value"] for name in ("found", "named", "group_named")] == [0.6667, 0.6667, 0.6667]
    assert [middle[name]["value"] for name in ("found", "named", "group_named")] == [1.0, 0.5, 0.5]
    assert middle["found"]["interval"] == [1.0, 1.0]
    assert counted["clean"]["photographs"] == 8
    assert counted["clean"]["flagged"] == 0


def test_without_photographs_of_yards_nothing_is_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "RESAMPLES", 50)
    counted = report.sizes([judged([(0, 30, "ant", "ant")]), judged([(0, 30, "ant", "ant")])], LABELS)
    nothing = {"value": None, "interval": [None, None]}
    assert counted["yard"]["clean"] == {"photographs": 0, "flagged": None, "flagged_as_a_whole": None}
    for entry in (*counted["yard"]["by_length"].values(), counted["made_up"]["by_length"]["96-192"]):
        assert entry == {
            "things": 0, "photographs": 0, "photographs_flagged_as_a_whole": None, "found": nothing, "named": nothing, "group_named": nothing,
        }  # fmt: skip
