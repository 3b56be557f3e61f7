"""Backbones by one option: timm's, torchvision's, and what is neither."""

# ruff: noqa: E402 - what follows needs the extra
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra train")
for module in ("timm", "torchvision", "onnx"):
    pytest.importorskip(module, reason="needs the extra train")

import onnx

from training import network, onnx_file

BACKBONES = ["tf_efficientnet_lite0", "mobilenetv3_small_050", "torchvision:mobilenet_v3_small", "torchvision:resnet18"]


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_backbone_has_what_training_and_export_need(backbone: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = network.classifier(5, backbone, pretrained=False).eval()
    pixels = torch.randint(0, 256, (6, 64, 64, 3), dtype=torch.uint8)
    with torch.no_grad():
        logits, seen = net(network.normalise(pixels)), network.features(net, network.normalise(pixels))
        assert logits.shape == (6, 5)
        assert torch.allclose(net.get_classifier()(seen), logits, atol=1e-5)
    assert {id(p) for p in net.get_classifier().parameters()} <= {id(p) for p in net.parameters()}
    path = tmp_path / "model.onnx"
    known = network.Classified(net, seen)
    onnx_file.write_onnx(known, list("abcde"), path)
    assert onnx_file.parity(known, path, np.asarray(pixels)) < 1e-3
    assert "Pad" not in {node.op_type for node in onnx.load(path).graph.node}, "padding of its own takes a third of the time"


def test_stages_are_frozen_only_where_they_are_known() -> None:
    net = network.classifier(5, "torchvision:resnet18", pretrained=False)
    assert network.freeze(net, 0) == []
    with pytest.raises(SystemExit, match="frozen_stages=0"):
        network.freeze(net, 2)
    frozen = network.freeze(network.classifier(5, "mobilenetv3_small_050", pretrained=False), 2)
    assert frozen
    assert not any(p.requires_grad for part in frozen for p in part.parameters())


@pytest.mark.parametrize("backbone", ["nothing_such", "torchvision:nothing_such"])
@pytest.mark.parametrize("pretrained", [False, True])
def test_a_backbone_that_there_is_not_is_named(backbone: str, pretrained: bool) -> None:
    with pytest.raises(SystemExit, match=f"no backbone '{backbone}'"):
        network.classifier(5, backbone, pretrained=pretrained)


def test_weights_that_cannot_be_fetched_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No network in the tests, on any machine."""
    import urllib.error

    def unreachable(*_: object, **__: object) -> None:
        raise urllib.error.URLError("Name or service not known")

    monkeypatch.setattr("torch.hub.urlopen", unreachable)
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    with pytest.raises(SystemExit, match=r"cannot be fetched: .*not known"):
        network.classifier(5, "torchvision:resnet18", pretrained=True)
