"""A TensorFlow Lite file to an ONNX graph, without TensorFlow. What it does not know it refuses by name.

Quantised tensors stay what they are: each operator stands between ``DequantizeLinear`` and ``QuantizeLinear`` with the scales of the file,
so the graph rounds where the original rounds, and ONNX Runtime runs it on integers (https://ai.google.dev/edge/litert/models/quantization_spec).
Pictures are (n, height, width, channels) there and (n, channels, height, width) here; at the ends of the graph they are as in the file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import tflite
from onnx import TensorProto, helper, numpy_helper

OPSET, IR = 18, 10
Array = np.ndarray[Any, np.dtype[Any]]


class NotConvertible(ValueError):
    """A file that is no TensorFlow Lite model, or has something in it that is not known here; the message names it."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of the file. ``scale``, ``zero``: of its quantisation, shape (1,) or (channels,) along ``axis``; None: it is not quantised.
    ``data``: its values if they are constant."""

    index: int
    shape: tuple[int, ...]
    type: np.dtype[Any]
    scale: Array | None
    zero: Array | None
    axis: int
    data: Array | None

    @property
    def name(self) -> str:
        """What it is called in the ONNX graph."""
        return f"t{self.index}"


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator of the file: its name there, inputs and outputs, and its options. An input that is left out is None."""

    name: str
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]
    options: Any


@dataclass(frozen=True, slots=True)
class Graph:
    """What a file holds."""

    operators: tuple[Operator, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


TYPES: dict[int, Any] = {
    tflite.TensorType.FLOAT32: np.float32, tflite.TensorType.UINT8: np.uint8, tflite.TensorType.INT8: np.int8, tflite.TensorType.INT32: np.int32,
}  # fmt: skip
ONNX_TYPES = {np.dtype(np.float32): TensorProto.FLOAT, np.dtype(np.uint8): TensorProto.UINT8, np.dtype(np.int8): TensorProto.INT8}


def read(data: bytes) -> Graph:
    """
    Raises:
        NotConvertible: it is no TensorFlow Lite model, or has more than one graph or a type that is not known here.
    """
    if data[4:8] != b"TFL3":
        raise NotConvertible("This is no TensorFlow Lite file: its mark TFL3 is missing.")
    try:
        return _read(tflite.Model.GetRootAsModel(data, 0))
    except NotConvertible:
        raise
    except Exception as error:  # the reader of the format trusts every offset in the file
        raise NotConvertible(f"The file is damaged: {error}") from error


def _read(model: Any) -> Graph:
    if model.SubgraphsLength() != 1:
        raise NotConvertible(f"It has {model.SubgraphsLength()} graphs; only files with one are known here.")
    graph = model.Subgraphs(0)
    tensors = [_tensor(model, graph.Tensors(i), i) for i in range(graph.TensorsLength())]
    operators = []
    for i in range(graph.OperatorsLength()):
        operator = graph.Operators(i)
        code = model.OperatorCodes(operator.OpcodeIndex())
        name = tflite.opcode2name(max(code.BuiltinCode(), code.DeprecatedBuiltinCode()))
        if name not in KNOWN:
            raise NotConvertible(f"Its operator {name} is not known here; known are {', '.join(KNOWN)}.")
        inputs = tuple(tensors[k] if k >= 0 else None for k in operator.InputsAsNumpy())
        operators.append(Operator(name, inputs, tuple(tensors[k] for k in operator.OutputsAsNumpy()), _options(operator, KNOWN[name][1])))
    ends = [tuple(tensors[k] for k in side) for side in (graph.InputsAsNumpy(), graph.OutputsAsNumpy())]
    return Graph(tuple(operators), ends[0], ends[1])


def _tensor(model: Any, tensor: Any, index: int) -> Tensor:
    shape = tuple(int(side) for side in tensor.ShapeAsNumpy()) if tensor.ShapeLength() else ()
    if tensor.Type() not in TYPES:
        raise NotConvertible(f"Its tensor {tensor.Name().decode()[:60]!r} has a type (number {tensor.Type()}) that is not known here.")
    type_ = np.dtype(TYPES[tensor.Type()])
    scale = zero = None
    quantised = tensor.Quantization()
    if quantised is not None and quantised.ScaleLength():
        scale = np.array(quantised.ScaleAsNumpy(), np.float32)
        zero = np.array(quantised.ZeroPointAsNumpy()).astype(type_)
    buffer = model.Buffers(tensor.Buffer())
    data = np.frombuffer(buffer.DataAsNumpy().tobytes(), type_).reshape(shape) if buffer.DataLength() else None
    return Tensor(index, shape, type_, scale, zero, quantised.QuantizedDimension() if quantised is not None else 0, data)


def _options(operator: Any, table: str | None) -> Any:
    if table is None:
        return None
    options = getattr(tflite, table)()
    found = operator.BuiltinOptions()
    options.Init(found.Bytes, found.Pos)
    return options


def to_onnx(graph: Graph, operators: Sequence[Operator] | None = None) -> onnx.ModelProto:
    """The graph, for any number of pictures; or, to compare it piece by piece, only some operators of it that follow each other.

    Inputs have the type that they have in the file. Outputs are float and not rounded to the steps of their quantisation any more.

    Raises:
        NotConvertible: an operator is used in a way that is not known here.
    """
    made = _Made([], [], {})
    chosen = list(operators or graph.operators)
    produced = {out.index for op in chosen for out in op.outputs}
    used = {one.index: one for op in chosen for one in op.inputs if one is not None and one.data is None and one.index not in produced}
    inputs = [_input(made, one) for one in used.values()]
    for op in chosen:
        try:
            KNOWN[op.name][0](made, op)
        except NotConvertible as error:
            raise NotConvertible(f"Operator {op.name} is used in a way that is not known here: {error}") from error
    wanted = graph.outputs if operators is None else chosen[-1].outputs
    outputs = []
    for one in wanted:
        if one.index not in made.floats:
            raise NotConvertible("An output of the graph is not made by any operator.")
        unrounded = made.unrounded.get(one.index, made.floats[one.index])
        made.node(
            "Transpose" if len(one.shape) == 4 else "Identity",
            [unrounded],
            f"{one.name}_out",
            perm=(0, 2, 3, 1) if len(one.shape) == 4 else None,
        )
        outputs.append(helper.make_tensor_value_info(f"{one.name}_out", TensorProto.FLOAT, ["n", *one.shape[1:]]))
    model = helper.make_model(
        helper.make_graph(made.nodes, "tflite", inputs, outputs, made.constants),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR,
    )
    onnx.checker.check_model(model)
    return model


@dataclass(slots=True)
class _Made:
    """What was made of a graph so far. ``floats``: by tensor, the name of its real values; ``unrounded``: likewise, before they were rounded to
    the steps of its quantisation."""

    nodes: list[Any]
    constants: list[Any]
    floats: dict[int, str]
    unrounded: dict[int, str]

    def __init__(self, nodes: list[Any], constants: list[Any], floats: dict[int, str]) -> None:
        self.nodes, self.constants, self.floats, self.unrounded = nodes, constants, floats, {}

    def node(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        given = {key: value for key, value in attributes.items() if value is not None}
        self.nodes.append(helper.make_node(kind, list(inputs), [output], name=f"{kind}_{output}", **given))
        return output

    def constant(self, name: str, value: Array | np.floating[Any]) -> str:
        if all(known.name != name for known in self.constants):
            self.constants.append(numpy_helper.from_array(np.array(value, order="C"), name))
        return name

    def real(self, tensor: Tensor | None, order: tuple[int, ...] | None = None) -> str:
        """The name of the real values of a tensor. ``order``: of the axes of a constant, if it is another than in the file."""
        if tensor is None:
            raise NotConvertible("an input is missing")
        if tensor.index not in self.floats:
            if tensor.data is None:
                raise NotConvertible("an input is made by no operator before it")
            data = tensor.data if order is None else tensor.data.transpose(order)
            axis = None if tensor.scale is None or tensor.scale.size == 1 else tensor.axis if order is None else order.index(tensor.axis)
            self.floats[tensor.index] = self.dequantised(tensor, self.constant(f"{tensor.name}_q", data), axis)
        return self.floats[tensor.index]

    def dequantised(self, tensor: Tensor, stored: str, axis: int | None = None) -> str:
        if tensor.scale is None or tensor.zero is None:
            if tensor.type != np.float32:
                raise NotConvertible(f"a tensor of {tensor.type} has no scale")
            return stored
        return self.node("DequantizeLinear", [stored, *self._steps(tensor)], f"{tensor.name}_real", axis=axis)

    def done(self, tensor: Tensor, value: str, activation: int = tflite.ActivationFunctionType.NONE) -> None:
        """Take ``value`` for the real values of what an operator puts out, after its activation, rounded to the steps of its quantisation."""
        if activation not in ACTIVATIONS:
            raise NotConvertible(f"its activation (number {activation})")
        low, high = ACTIVATIONS[activation]
        if tensor.scale is None or not _held(tensor, low, high):
            limits = ["" if end is None else self.constant(f"limit_{end}", np.float32(end)) for end in (low, high)]
            if any(limits):
                value = self.node("Clip", [value, *limits], f"{tensor.name}_clipped")
        self.unrounded[tensor.index] = self.floats[tensor.index] = value
        if tensor.scale is not None:
            stored = self.node("QuantizeLinear", [value, *self._steps(tensor)], tensor.name)
            self.floats[tensor.index] = self.dequantised(tensor, stored)

    def _steps(self, tensor: Tensor) -> tuple[str, str]:
        assert tensor.scale is not None
        assert tensor.zero is not None
        one = tensor.scale.size == 1
        scale, zero = (tensor.scale[0], tensor.zero[0]) if one else (tensor.scale, tensor.zero)
        return self.constant(f"{tensor.name}_scale", np.asarray(scale)), self.constant(f"{tensor.name}_zero", np.asarray(zero))


ACTIVATIONS: dict[int, tuple[float | None, float | None]] = {
    tflite.ActivationFunctionType.NONE: (None, None), tflite.ActivationFunctionType.RELU: (0.0, None),
    tflite.ActivationFunctionType.RELU6: (0.0, 6.0), tflite.ActivationFunctionType.RELU_N1_TO_1: (-1.0, 1.0),
}  # fmt: skip


def _held(tensor: Tensor, low: float | None, high: float | None) -> bool:
    """Whether a tensor's own range ends, to the nearest step, where its activation does."""
    assert tensor.scale is not None
    assert tensor.zero is not None
    info, scale, zero = np.iinfo(tensor.type), float(tensor.scale[0]), int(tensor.zero[0])
    return (low is None or round(low / scale) + zero <= info.min) and (high is None or round(high / scale) + zero >= info.max)


def _input(made: _Made, tensor: Tensor) -> Any:
    if tensor.type not in ONNX_TYPES:
        raise NotConvertible(f"An input of the type {tensor.type} is not known here.")
    name = f"{tensor.name}_in"
    stored = made.node("Transpose", [name], f"{tensor.name}_first", perm=(0, 3, 1, 2)) if len(tensor.shape) == 4 else name
    made.floats[tensor.index] = made.dequantised(tensor, stored)
    return helper.make_tensor_value_info(name, ONNX_TYPES[tensor.type], ["n", *tensor.shape[1:]])


def _window(options: Any, image: Tensor, size: tuple[int, int], dilation: tuple[int, int] = (1, 1)) -> dict[str, Any]:
    """Strides and padding of a window of ``size`` that moves over an image, as attributes."""
    strides = (options.StrideH(), options.StrideW())
    pads = [(0, 0), (0, 0)]
    if options.Padding() == tflite.Padding.SAME:
        for axis in range(2):
            side, step = image.shape[1 + axis], strides[axis]
            all_ = max(0, (-(-side // step) - 1) * step + (size[axis] - 1) * dilation[axis] + 1 - side)
            pads[axis] = (all_ // 2, all_ - all_ // 2)
    return {"kernel_shape": size, "strides": strides, "pads": [pads[0][0], pads[1][0], pads[0][1], pads[1][1]]}


def _convolution(made: _Made, op: Operator) -> None:
    image, weights, bias = (*op.inputs, None)[:3]
    assert image is not None
    assert weights is not None
    if weights.data is None:
        raise NotConvertible("its weights are no constant")
    depthwise = op.name == "DEPTHWISE_CONV_2D"
    size = (weights.shape[1], weights.shape[2])
    dilation = (op.options.DilationHFactor(), op.options.DilationWFactor())
    channels = image.shape[3]
    group = channels if depthwise else channels // weights.shape[3]
    names = [made.real(image), made.real(weights, (3, 0, 1, 2) if depthwise else (0, 3, 1, 2))]
    if bias is not None:
        names.append(made.real(bias))
    value = made.node(
        "Conv", names, f"{op.outputs[0].name}_conv", group=group, dilations=dilation, **_window(op.options, image, size, dilation)
    )
    made.done(op.outputs[0], value, op.options.FusedActivationFunction())


def _pool(made: _Made, op: Operator) -> None:
    image = op.inputs[0]
    assert image is not None
    window = _window(op.options, image, (op.options.FilterHeight(), op.options.FilterWidth()))
    value = made.node("AveragePool", [made.real(image)], f"{op.outputs[0].name}_mean", **window)
    made.done(op.outputs[0], value, op.options.FusedActivationFunction())


def _add(made: _Made, op: Operator) -> None:
    one, other = op.inputs
    assert one is not None
    assert other is not None
    if one.shape != other.shape:
        raise NotConvertible(f"its inputs have the shapes {one.shape} and {other.shape}")
    value = made.node("Add", [made.real(one), made.real(other)], f"{op.outputs[0].name}_sum")
    made.done(op.outputs[0], value, op.options.FusedActivationFunction())


def _fully_connected(made: _Made, op: Operator) -> None:
    given, weights, bias = (*op.inputs, None)[:3]
    assert given is not None
    assert weights is not None
    if op.options.KeepNumDims() or op.options.WeightsFormat():
        raise NotConvertible("it keeps its dimensions, or its weights are shuffled")
    name = made.real(given)
    if len(given.shape) != 2:
        if len(given.shape) == 4 and given.shape[1:3] != (1, 1):
            name = made.node("Transpose", [name], f"{op.outputs[0].name}_back", perm=(0, 2, 3, 1))
        shape = made.constant(f"{op.outputs[0].name}_shape", np.array([-1, weights.shape[1]], np.int64))
        name = made.node("Reshape", [name, shape], f"{op.outputs[0].name}_flat")
    names = [name, made.real(weights)] + ([made.real(bias)] if bias is not None else [])
    made.done(op.outputs[0], made.node("Gemm", names, f"{op.outputs[0].name}_gemm", transB=1), op.options.FusedActivationFunction())


def _softmax(made: _Made, op: Operator) -> None:
    given = op.inputs[0]
    assert given is not None
    if len(given.shape) == 4:
        raise NotConvertible("it is taken over a picture")
    name = made.real(given)
    if op.options.Beta() != 1:
        name = made.node(
            "Mul", [name, made.constant(f"{op.outputs[0].name}_beta", np.float32(op.options.Beta()))], f"{op.outputs[0].name}_sharp"
        )
    made.done(op.outputs[0], made.node("Softmax", [name], f"{op.outputs[0].name}_chance", axis=-1))


KNOWN: dict[str, tuple[Callable[[_Made, Operator], None], str | None]] = {
    "ADD": (_add, "AddOptions"),
    "AVERAGE_POOL_2D": (_pool, "Pool2DOptions"),
    "CONV_2D": (_convolution, "Conv2DOptions"),
    "DEPTHWISE_CONV_2D": (_convolution, "DepthwiseConv2DOptions"),
    "FULLY_CONNECTED": (_fully_connected, "FullyConnectedOptions"),
    "SOFTMAX": (_softmax, "SoftmaxOptions"),
}
"""By the operator's name: what writes it, and the table of its options."""
