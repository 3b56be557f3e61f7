"""A trained network as an ONNX file, and whether it says the same."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import nn

from pestcheck.vision.score import Classifier
from training.network import Classified, normalise

PARITY = 1e-3
"""Largest difference of an output between torch and ONNX Runtime."""


class FromPixels(nn.Module):
    """A network from uint8 pixels on, so that no caller can normalise them differently."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, pixels: torch.Tensor) -> Any:
        """uint8 (n, height, width, 3) to what the network puts out."""
        return self.net(normalise(pixels))


def write_onnx(net: nn.Module, labels: list[str], path: Path) -> None:
    """Export to ONNX, for any number of pictures with sides of a multiple of ``tiles.GRID``, with the labels in the file's metadata."""
    example = torch.zeros(2, 64, 64, 3, dtype=torch.uint8)
    outputs = ["out", "unlike"] if isinstance(net, Classified) else ["out"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # The newer exporter takes a quarter of an hour to prove that any size will do.
        torch.onnx.export(
            FromPixels(net).eval(), (example,), str(path), dynamo=False, opset_version=18, input_names=["pixels"], output_names=outputs,
            dynamic_axes={"pixels": {0: "n", 1: "height", 2: "width"}, **{name: {0: "n"} for name in outputs}},
        )  # fmt: skip
    model = onnx.load(path)
    for part in (*model.graph.node, *model.graph.initializer):
        part.doc_string = ""
    pad_inside(model)
    onnx.helper.set_model_props(model, {"labels": json.dumps(labels)})
    onnx.save_model(model, path)


def pad_inside(model: onnx.ModelProto) -> None:
    """Have every convolution of stride 2 pad its input itself. The network's own padding (TensorFlow's "same") asks each picture for its size
    and copies it, a third of the time; where sides are even at each stride it always adds the kernel less 2, the odd one at the end."""
    graph = model.graph
    makers = {name: node for node in graph.node for name in node.output}
    for node in graph.node:
        pad = makers.get(node.input[0]) if node.op_type == "Conv" else None
        if pad is None or pad.op_type != "Pad":
            continue
        of = {attribute.name: attribute for attribute in node.attribute}
        if list(of["strides"].ints) != [2, 2] or any(of["pads"].ints):
            raise ValueError(f"{node.name}: padded before a convolution of strides {list(of['strides'].ints)} that pads, too")
        more = [size - 2 for size in of["kernel_shape"].ints]
        of["pads"].ints[:] = [*(n // 2 for n in more), *(n - n // 2 for n in more)]
        node.input[0] = pad.input[0]
    wanted = {output.name for output in graph.output}
    for node in reversed([*graph.node]):  # what nothing reads any more
        if wanted.isdisjoint(node.output):
            graph.node.remove(node)
        else:
            wanted.update(node.input)


def parity(net: nn.Module, path: Path, pixels: np.ndarray) -> float:
    """Largest difference of an output between torch and ONNX Runtime for uint8 pixels (n, height, width, 3).

    Raises:
        SystemExit: it is above 1e-3.
    """
    with torch.inference_mode():
        expected = FromPixels(net).eval()(torch.from_numpy(pixels))
    outputs = expected if isinstance(expected, tuple) else (expected,)
    difference = float(max(np.abs(a.numpy() - b).max() for a, b in zip(outputs, Classifier(path).judge(pixels), strict=False)))
    if not difference <= PARITY:  # also where it is NaN
        raise SystemExit(f"torch and ONNX Runtime differ by {difference:.2g} in a logit; the limit is {PARITY}. Nothing was written.")
    return difference
