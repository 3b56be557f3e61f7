"""Small TensorFlow Lite files, written here, so that the converter meets more than one model; and an add-on of one of them."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from pestcheck.addons.registry import Addon, Limits, Part, SelfTest

UINT8, INT8, INT32, FLOAT = 3, 9, 2, 0
TYPES = {UINT8: np.uint8, INT8: np.int8, INT32: np.int32, FLOAT: np.float32}
CONV, DEPTHWISE, POOL, FULL, ADD, SOFTMAX, RELU = 3, 4, 1, 9, 0, 25, 19
LABELS = (
    "Apis mellifera (Honey Bee)",
    "Halyomorpha halys (Brown Marmorated Stink Bug)",
    "Monochamus scutellatus (White-spotted Sawyer)",
    "background",
)


class File:
    """A file in the making."""

    def __init__(self) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self.s = schema
        self.model, self.graph = schema.ModelT(), schema.SubGraphT()
        self.model.version, self.model.subgraphs, self.model.operatorCodes, self.model.buffers = 3, [self.graph], [], [schema.BufferT()]
        self.graph.tensors, self.graph.operators, self.graph.inputs, self.graph.outputs = [], [], [], []

    def tensor(
        self, shape: tuple[int, ...], kind: int = UINT8, scale: Any = None, zero: Any = None, data: np.ndarray | None = None, axis: int = 0
    ) -> int:
        """A tensor; returns its number."""
        one = self.s.TensorT()
        one.name, one.shape, one.type, one.buffer = f"tensor{len(self.graph.tensors)}", list(shape), kind, 0
        if scale is not None:
            one.quantization = self.s.QuantizationParametersT()
            one.quantization.scale = np.atleast_1d(np.asarray(scale, np.float32))
            one.quantization.zeroPoint = np.broadcast_to(np.asarray(zero or 0, np.int64), one.quantization.scale.shape).copy()
            one.quantization.quantizedDimension = axis
        if data is not None:
            buffer = self.s.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data.astype(TYPES[kind])).tobytes(), np.uint8)
            self.model.buffers.append(buffer)
            one.buffer = len(self.model.buffers) - 1
        self.graph.tensors.append(one)
        return len(self.graph.tensors) - 1

    def operator(self, code: int, inputs: list[int], output: int, table: str = "", **options: Any) -> None:
        """An operator with the options of its table, if it has any."""
        made = self.s.OperatorCodeT()
        made.builtinCode, made.deprecatedBuiltinCode, made.version = code, code, 3 if code in (CONV, DEPTHWISE, FULL) else 1
        self.model.operatorCodes.append(made)
        one = self.s.OperatorT()
        one.opcodeIndex, one.inputs, one.outputs = len(self.model.operatorCodes) - 1, inputs, [output]
        if table:
            one.builtinOptionsType = getattr(self.s.BuiltinOptions, table)
            one.builtinOptions = getattr(self.s, f"{table}T")()
            for name, value in options.items():
                setattr(one.builtinOptions, name, value)
        self.graph.operators.append(one)

    def bytes(self, inputs: list[int], outputs: list[int]) -> bytes:
        """The finished file."""
        import flatbuffers

        self.graph.inputs, self.graph.outputs = inputs, outputs
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())


def convolution(
    *, size: int = 9, channels: int = 4, out: int = 6, kernel: int = 3, stride: int = 1, dilation: int = 1, same: bool = True,
    depthwise: bool = False, activation: int = 0, kind: int = UINT8, seed: int = 0,
) -> bytes:  # fmt: skip
    """One convolution, quantised: of uint8 by the tensor, of int8 by the channel."""
    made, random = File(), np.random.default_rng(seed)
    out = channels if depthwise else out
    signed = kind == INT8
    given = made.tensor((1, size, size, channels), kind, 0.05, 3 if signed else 117)
    shape = (1, kernel, kernel, channels) if depthwise else (out, kernel, kernel, channels)
    axis = 3 if depthwise else 0
    scale = random.uniform(0.01, 0.03, out) if signed else 0.02
    weights = random.integers(-127, 127, shape) if signed else random.integers(0, 256, shape)
    w = made.tensor(shape, kind, scale, 0 if signed else 120, weights, axis)
    bias = made.tensor(
        (out,), INT32, np.broadcast_to(np.asarray(scale) * 0.05, (out,)) if signed else 0.001, 0, random.integers(-900, 900, out)
    )
    side = -(-size // stride) if same else (size - (kernel - 1) * dilation - 1) // stride + 1
    result = made.tensor(
        (1, side, side, out),
        kind,
        0.0235294 if activation == 3 else 0.12,
        (-128 if signed else 0) if activation else (5 if signed else 128),
    )
    table = "DepthwiseConv2DOptions" if depthwise else "Conv2DOptions"
    more = {"depthMultiplier": 1} if depthwise else {}
    made.operator(
        DEPTHWISE if depthwise else CONV, [given, w, bias], result, table, padding=0 if same else 1, strideH=stride, strideW=stride,
        dilationHFactor=dilation, dilationWFactor=dilation, fusedActivationFunction=activation, **more,
    )  # fmt: skip
    return made.bytes([given], [result])


def classifier(side: int = 16, seed: int = 1, *, operator: int | None = None) -> bytes:
    """A network with every operator that is known: convolution, the same beside it added, mean, fully connected, softmax.

    Args:
        operator: the number of another one put in the place of the sum.
    """
    made, random = File(), np.random.default_rng(seed)
    given = made.tensor((1, side, side, 3), UINT8, 1 / 128, 128)
    first = made.tensor((1, side // 2, side // 2, 8), UINT8, 0.0235294, 0)
    w = made.tensor((8, 3, 3, 3), UINT8, 0.01, 128, random.integers(0, 256, (8, 3, 3, 3)))
    bias = made.tensor((8,), INT32, 0.01 / 128, 0, random.integers(-3000, 3000, 8))
    options = {"padding": 0, "dilationHFactor": 1, "dilationWFactor": 1, "fusedActivationFunction": 3}
    made.operator(CONV, [given, w, bias], first, "Conv2DOptions", strideH=2, strideW=2, **options)
    second = made.tensor((1, side // 2, side // 2, 8), UINT8, 0.03, 100)
    w = made.tensor((1, 3, 3, 8), UINT8, 0.004, 110, random.integers(0, 256, (1, 3, 3, 8)))
    bias = made.tensor((8,), INT32, 0.004 * 0.0235294, 0, random.integers(-2000, 2000, 8))
    options["fusedActivationFunction"] = 0
    made.operator(DEPTHWISE, [first, w, bias], second, "DepthwiseConv2DOptions", strideH=1, strideW=1, depthMultiplier=1, **options)
    total = made.tensor((1, side // 2, side // 2, 8), UINT8, 0.04, 90)
    if operator is None:
        made.operator(ADD, [first, second], total, "AddOptions", fusedActivationFunction=0)
    else:
        made.operator(operator, [first], total)
    mean = made.tensor((1, 1, 1, 8), UINT8, 0.04, 90)
    window = {"filterWidth": side // 2, "filterHeight": side // 2, "strideW": 1, "strideH": 1, "padding": 1, "fusedActivationFunction": 0}
    made.operator(POOL, [total], mean, "Pool2DOptions", **window)
    logits = made.tensor((1, 4), UINT8, 0.05, 120)
    w = made.tensor((4, 8), UINT8, 0.02, 128, random.integers(0, 256, (4, 8)))
    bias = made.tensor((4,), INT32, 0.02 * 0.04, 0, random.integers(-500, 500, 4))
    made.operator(FULL, [mean, w, bias], logits, "FullyConnectedOptions", fusedActivationFunction=0, weightsFormat=0, keepNumDims=False)
    chances = made.tensor((1, 4), UINT8, 1 / 256, 0)
    made.operator(SOFTMAX, [logits], chances, "SoftmaxOptions", beta=1.0)
    return made.bytes([given], [chances])


def addon(model: bytes, labels: bytes, probability: float, address: str = "https://models.example/small/", **more: Any) -> Addon:
    """An entry of the registry for a file of ``classifier`` with LABELS."""
    parts = {
        name: Part(file=file, sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))
        for name, file, data in (("model", "small.tflite", model), ("labels", "labels.txt", labels))
    }
    test = SelfTest(picture="butterfly", label="Apis mellifera", probability=probability)
    given = {
        "version": 1, "title": "Four classes", "purpose": "For tests.", "source": "made here", "licence": "Apache-2.0", "self_test": (test,),
        "thresholds": Limits(version="small-1", resembles=0.5, listed=0.4), "address": address,
    }  # fmt: skip
    return Addon(**(given | parts | more))
