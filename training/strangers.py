"""How well the classifier tells what it was never trained on: animals of other kinds (near), and things of no kind at all (far)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from PIL import Image

from pestcheck.vision.score import to_input
from training import data, heldout, unknown

FAR = Path("/usr/share/tuxpaint/stamps")
"""Pictures of things with alpha channels: Debian's package tuxpaint-stamps-default, GPL-2."""
FAR_KINDS = ("clothes", "hobbies", "household", "medical", "military", "people", "space", "sports", "seasonal", "town")
NO_ANIMALS = frozenset({"log_end"})
NONE = np.empty((0, heldout.Plan.side, heldout.Plan.side, 3), np.uint8)
TRAINED = 2000
"""Training pictures from which the feature-space scores learn what is known."""
DIMENSIONS = 512
"""Of the features, in which training pictures spread; half of them, as ViM's authors advise for features of this size."""


def near(folder: Path) -> np.ndarray:
    """Animals whose label was dropped for want of pictures, as the network takes them: uint8 (n, side, side, 3)."""
    labels = data.LabelMap.read()
    # Read under a label that exists; only that they are strangers matters here.
    strange = labels.dropped - NO_ANIMALS
    shown = data.LabelMap({**labels.merged, **dict.fromkeys(strange, "other_invertebrate")}, NO_ANIMALS, labels.reasons)
    pictures = [p for p in data.read_manifest(folder, shown) if p.manifest_label in strange]
    return heldout.inputs(pictures, heldout.Plan.side) if pictures else NONE


def far(folder: Path = FAR) -> np.ndarray:
    """Things on plain backgrounds of all colours: uint8 (n, side, side, 3); none where the package is not installed."""
    rng, pixels = np.random.default_rng(3), []
    for path in sorted(path for kind in FAR_KINDS for path in (folder / kind).rglob("*.png")):
        thing = Image.open(path).convert("RGBA")
        side = round(max(thing.size) * rng.uniform(1.1, 2))
        canvas = Image.new("RGB", (side, side), tuple(int(v) for v in rng.integers(0, 256, 3)))
        canvas.paste(thing, tuple(int(rng.integers(0, side - edge + 1)) for edge in thing.size), thing)
        pixels.append(to_input(canvas, heldout.Plan.side))
    return np.stack(pixels) if pixels else NONE


def compare(
    network: Path, known: Sequence[data.Picture], trained: Sequence[data.Picture], strangers: dict[str, np.ndarray]
) -> dict[str, dict[str, Any]]:
    """AUROC of every score, with intervals, for telling strangers of each kind from pictures of held-out sources.

    Args:
        network: a classifier that saw no source of ``known``. trained: what it was trained on. strangers: by kind, uint8
            (n, side, side, 3).
    """
    some = list(trained)[:: max(1, len(trained) // TRAINED)]
    given, weight, bias = _last_layer(network)
    session = ort.InferenceSession(_with_output(network, given), providers=["CPUExecutionProvider"])

    told = "unlike" in [output.name for output in session.get_outputs()]  # networks up to 0.2.0 do not say

    def run(pixels: np.ndarray) -> tuple[np.ndarray, ...]:
        parts = [session.run(["out", given, *["unlike"] * told], {"pixels": pixels[i : i + 8]}) for i in range(0, len(pixels), 8)]
        return tuple(map(np.concatenate, zip(*parts, strict=True)))

    def of(pictures: Sequence[data.Picture]) -> tuple[np.ndarray, ...]:
        chunks = [run(heldout.inputs(pictures[i : i + heldout.CHUNK], heldout.Plan.side)) for i in range(0, len(pictures), heldout.CHUNK)]
        return tuple(map(np.concatenate, zip(*chunks, strict=True)))

    logits, features, *_ = of(some)
    vim = unknown.Vim.fit(features, logits, weight, bias, min(DIMENSIONS, len(some) // 2))
    known_logits, known_features, *known_unlike = of(known)
    result = {}
    for kind, pixels in strangers.items():
        logits, features, *unlike = run(pixels)
        logits, features = np.concatenate([known_logits, logits]), np.concatenate([known_features, features])
        scores = {
            "softmax": unknown.softmax_score(logits), "energy": unknown.energy_score(logits), "vim": vim.score(features, logits),
        }  # fmt: skip
        if told:
            scores["nearest neighbours"] = np.concatenate([*known_unlike, *unlike])
        units = [*(p.group for p in known), *(f"stranger {k}" for k in range(len(pixels)))]
        result[kind] = unknown.compare(scores, np.arange(len(logits)) >= len(known), units)
    return result


def _last_layer(network: Path) -> tuple[str, np.ndarray, np.ndarray]:
    """The name of what the last layer is given, its weight and its bias."""
    graph = onnx.load(network).graph
    tensors = {t.name: t for t in graph.initializer}
    given, *parameters = next(node.input for node in graph.node if "out" in node.output)
    weight, bias = (onnx.numpy_helper.to_array(tensors[name]) for name in parameters)
    return given, weight, bias


def _with_output(network: Path, name: str) -> bytes:
    """The network with one more output."""
    model = onnx.load(network)
    model.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    serialised: bytes = model.SerializeToString()
    return serialised
