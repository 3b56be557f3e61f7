"""The converted add-on against the original run by LiteRT, layer by layer, in steps of each layer's quantisation.

``python -m tests.addons.parity --data ../shared/data FILE.tflite``. *alone*: each operator is given what the original puts in; *whole*: the
converted graph runs from the picture on, so that differences add up.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from PIL import Image

from pestcheck.addons import tflite

PICTURES = 50


@dataclass(frozen=True, slots=True)
class Layer:
    """Differences of one operator's output over all pictures, in steps: the largest and the mean, alone and in the whole graph."""

    operator: str
    shape: tuple[int, ...]
    alone: tuple[float, float]
    whole: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Parity:
    """All layers; on how many of the pictures both name the same class; and the largest difference of a probability."""

    layers: tuple[Layer, ...]
    same: int
    pictures: int
    probability: float


def original(data: bytes) -> Any:
    """LiteRT's interpreter, with its plain kernels and all tensors kept."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    made = Interpreter(
        model_content=data, experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )  # fmt: skip
    made.allocate_tensors()
    return made


def session(graph: tflite.Graph, operators: list[tflite.Operator] | None = None, *, every: bool = False) -> ort.InferenceSession:
    """ONNX Runtime on the converted graph, or on a piece of it. ``every``: what each operator puts out is an output."""
    if every:
        graph = tflite.Graph(graph.operators, graph.inputs, tuple(op.outputs[0] for op in graph.operators))
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(tflite.to_onnx(graph, operators).SerializeToString(), options, providers=["CPUExecutionProvider"])


def in_steps(real: np.ndarray, tensor: tflite.Tensor) -> np.ndarray:
    """Real values, shape (n, ...), as the numbers that stand for them in the file."""
    if tensor.scale is None or tensor.zero is None:
        return real
    info = np.iinfo(tensor.type)
    return np.clip(np.rint(real.astype(np.float64) / tensor.scale[0]) + int(tensor.zero[0]), info.min, info.max)


def measure(data: bytes, pixels: np.ndarray) -> Parity:
    """
    Args:
        data: the TensorFlow Lite file. pixels: uint8 (n, height, width, 3).
    """
    graph, runs = tflite.read(data), original(data)
    (name,) = [f"{one.name}_in" for one in graph.inputs]
    whole = session(graph, every=True)
    alone = [session(graph, [op]) for op in graph.operators]
    totals = np.zeros((len(graph.operators), 2, 2))
    same, probability = 0, 0.0
    for picture in pixels:
        runs.set_tensor(graph.inputs[0].index, picture[None])
        runs.invoke()
        found = whole.run(None, {name: picture[None]})
        for k, op in enumerate(graph.operators):
            out = op.outputs[0]
            expected = runs.get_tensor(out.index).astype(np.float64)
            given = {f"{one.name}_in": runs.get_tensor(one.index) for one in op.inputs if one is not None and one.data is None}
            for way, values in enumerate((alone[k].run(None, given)[0], found[k])):
                difference = np.abs(in_steps(values, out) - expected)
                totals[k, way] = max(totals[k, way, 0], difference.max()), totals[k, way, 1] + difference.mean() / len(pixels)
        last = graph.operators[-1].outputs[0]
        chances = runs.get_tensor(last.index)[0] * (1.0 if last.scale is None else float(last.scale[0]))
        same += int(chances.argmax() == found[-1][0].argmax())
        probability = max(probability, float(np.abs(chances - found[-1][0]).max()))
    layers = tuple(
        Layer(op.name, op.outputs[0].shape, (totals[k, 0, 0], totals[k, 0, 1]), (totals[k, 1, 0], totals[k, 1, 1]))
        for k, op in enumerate(graph.operators)
    )
    return Parity(layers, same, len(pixels), probability)


def pictures(folder: Path, count: int = PICTURES, side: int = 224) -> np.ndarray:
    """Pictures of the shared set, evenly from all of it, uint8 (count, side, side, 3)."""
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    paths: Iterable[str] = (row["path"] for row in rows[:: len(rows) // count][:count])
    return np.stack(
        [np.asarray(Image.open(folder / path).convert("RGB").resize((side, side), Image.Resampling.BILINEAR)) for path in paths]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    given = parser.parse_args()
    found = measure(given.file.read_bytes(), pictures(given.data))
    print(f"{'':>4}{'operator':<20}{'shape':<22}{'alone: max':>11}{'mean':>9}{'whole: max':>12}{'mean':>9}")
    for number, layer in enumerate(found.layers):
        shape = " ".join(map(str, layer.shape))
        print(
            f"{number:>3} {layer.operator:<20}{shape:<22}{layer.alone[0]:>11.0f}{layer.alone[1]:>9.4f}{layer.whole[0]:>12.0f}{layer.whole[1]:>9.4f}"
        )
    print(f"same class: {found.same} of {found.pictures}; largest difference of a probability: {found.probability:.3f}")


if __name__ == "__main__":
    main()
