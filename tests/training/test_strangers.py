"""Strangers: where their pictures come from, and how well a network tells them."""

# ruff: noqa: E402 - what follows needs the extra
from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra train")
for module in ("albumentations", "onnx", "timm", "scipy", "sklearn"):
    pytest.importorskip(module, reason="needs the extra train")

from tests.training.conftest import COLOURS, SOURCES, draw_cutout
from training import data, export_onnx, heldout, onnx_file, report, strangers


def test_near_strangers_are_of_dropped_labels(drawn: Path) -> None:
    """The drawn aphids are dark noise, everything else is lighter."""
    pixels = strangers.near(drawn)
    assert (pixels.shape, pixels.dtype) == ((2 * len(SOURCES), 224, 224, 3), np.uint8)
    assert pixels.max() < 95


def test_no_strangers_are_no_error(drawn: Path, tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes((drawn / "0-ant-0.png").read_bytes())
    (tmp_path / "manifest.csv").write_text("path,label,source,split_group,boxes,licence,flags\n1.png,ant,s,g,,,\n", "utf-8")
    for none in (strangers.near(tmp_path), strangers.far(tmp_path / "nowhere")):
        assert none.shape == (0, 224, 224, 3)


def test_far_strangers_lie_on_plain_backgrounds(tmp_path: Path) -> None:
    for kind in ("town", "sports", "animals"):
        (tmp_path / kind / "deeper").mkdir(parents=True)
        draw_cutout("red").save(tmp_path / kind / "deeper" / "thing.png")
    first, again = strangers.far(tmp_path), strangers.far(tmp_path)
    assert first.shape == (2, 224, 224, 3)  # animals are not strangers
    assert (first == again).all()
    assert (first[0] != first[1]).any()
    for pixels in first:
        corner = pixels[0, 0]
        assert (np.abs(pixels.astype(int) - corner).sum(2) < 12).mean() > 0.3
        assert (np.abs(pixels.astype(int) - (255, 0, 0)).sum(2) < 60).mean() > 0.02


class Colours(torch.nn.Module):
    """A classifier on 48 features, each the mean of a mixture of colours, and a last layer, with the parts that timm's networks have."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.mix, self.last = torch.nn.Conv2d(3, 48, 1), torch.nn.Linear(48, len(COLOURS))
        torch.nn.init.constant_(self.last.bias, 3.0)

    def forward_features(self, x: Any) -> Any:
        return torch.relu(self.mix(3 * x))

    def forward_head(self, x: Any, pre_logits: bool) -> Any:
        assert pre_logits
        return x.mean((2, 3))

    def get_classifier(self) -> Any:
        return self.last


def test_strangers_are_told_by_their_features(drawn: Path, tmp_path: Path) -> None:
    """A stranger in a colour that no picture has is far from all of them; one of the pictures is not."""
    parts = data.split(data.read_manifest(drawn), "a")
    onnx_file.write_onnx(export_onnx.with_known(Colours(), parts.train), list(COLOURS), tmp_path / "model.onnx")
    loud = np.zeros((6, 224, 224, 3), np.uint8)
    loud[:, :, :, 1], loud[:, :112, :, 0] = 255, 255
    alike = heldout.inputs(parts.test[::3], 224)
    result = strangers.compare(tmp_path / "model.onnx", parts.test, parts.train, {"loud": loud, "alike": alike})
    assert {kind: set(scores) for kind, scores in result.items()} == {
        kind: {"softmax", "energy", "vim", "nearest neighbours"} for kind in ("loud", "alike")
    }
    for score in ("vim", "nearest neighbours"):
        assert result["loud"][score]["auroc"]["value"] > 0.99
        assert 0.2 < result["alike"][score]["auroc"]["value"] < 0.8
    for scores in result.values():
        for entry in scores.values():
            least, most = entry["auroc"]["interval"]
            assert 0 <= least <= entry["auroc"]["value"] <= most <= 1


def test_a_network_that_does_not_say_how_unlike_is_measured_without(drawn: Path, tmp_path: Path) -> None:
    class Plain(Colours):
        def forward(self, x: Any) -> Any:
            return self.last(self.forward_head(self.forward_features(x), pre_logits=True))

    onnx_file.write_onnx(Plain(), list(COLOURS), tmp_path / "model.onnx")
    parts = data.split(data.read_manifest(drawn), "a")
    result = strangers.compare(tmp_path / "model.onnx", parts.test, parts.train, {"alike": heldout.inputs(parts.test[::3], 224)})
    assert set(result["alike"]) == {"softmax", "energy", "vim"}


def test_a_report_says_which_strangers_were_not_at_hand(
    drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(report.strange, "far", partial(strangers.far, tmp_path))
    measured = report._unknown(drawn, tmp_path, [], {})
    assert "far" not in measured
    assert "no pictures of far strangers are at hand" in capsys.readouterr().out
