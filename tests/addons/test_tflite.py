"""The converter says what the original says, operator by operator, and refuses by name what it does not know."""

from __future__ import annotations

import contextlib
import itertools
from pathlib import Path

import numpy as np
import pytest

from pestcheck.addons import tflite
from tests.addons import parity, small

pytest.importorskip("ai_edge_litert")
RELU6 = 3


def pictures(data: bytes, count: int = 8) -> np.ndarray:
    """Random pictures as a file takes them."""
    given = tflite.read(data).inputs[0]
    info = np.iinfo(given.type)
    return np.random.default_rng(5).integers(info.min, info.max + 1, (count, *given.shape[1:])).astype(given.type)


@pytest.mark.parametrize(("kind", "depthwise"), [*itertools.product((small.UINT8, small.INT8), (False, True))])
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"stride": 2},
        {"stride": 2, "size": 8},
        {"same": False},
        {"same": False, "stride": 2},
        {"dilation": 2},
        {"kernel": 1},
        {"kernel": 5, "stride": 3},
    ],
    ids=str,
)
def test_a_convolution_is_within_a_step_of_the_original(kind: int, depthwise: bool, how: dict[str, int]) -> None:
    for activation in (0, RELU6):
        data = small.convolution(kind=kind, depthwise=depthwise, activation=activation, **how)  # type: ignore[arg-type]
        found = parity.measure(data, pictures(data))
        (layer,) = found.layers
        assert layer.alone[0] <= 1
        assert layer.alone[1] < 0.01


def test_a_small_network_of_all_known_operators_says_what_its_original_says() -> None:
    data = small.classifier()
    assert {op.name for op in tflite.read(data).operators} == set(tflite.KNOWN)
    found = parity.measure(data, pictures(data, 30))
    assert max(layer.alone[0] for layer in found.layers) <= 1
    assert found.same >= 29
    assert found.probability < 0.02


def test_any_number_of_pictures_at_once() -> None:
    data = small.classifier()
    session, given = parity.session(tflite.read(data)), pictures(data, 5)
    name = session.get_inputs()[0].name
    one_by_one = np.concatenate([session.run(None, {name: given[k : k + 1]})[0] for k in range(5)])
    np.testing.assert_allclose(session.run(None, {name: given})[0], one_by_one, atol=1e-6)


def test_an_unknown_operator_is_named() -> None:
    with pytest.raises(tflite.NotConvertible, match="operator RELU is not known here; known are ADD, AVERAGE_POOL_2D"):
        tflite.read(small.classifier(operator=small.RELU))


@pytest.mark.parametrize("data", [b"", b"TFL3", b"\x1c\0\0\0TFL3", b"PK\3\4 a zip", bytes(200), b"\x1c\0\0\0TFL3" + bytes(100)])
def test_what_is_no_such_file_is_said(data: bytes) -> None:
    with pytest.raises(tflite.NotConvertible):
        tflite.to_onnx(tflite.read(data))


def test_a_file_damaged_anywhere_is_refused_or_converted_but_never_crashes() -> None:
    whole, random = small.classifier(), np.random.default_rng(0)
    for _ in range(150):
        data = bytearray(whole)
        for place in random.integers(0, len(data), 3):
            data[place] = random.integers(256)
        with contextlib.suppress(tflite.NotConvertible):
            tflite.to_onnx(tflite.read(bytes(data)[: random.integers(len(data) // 2, len(data) + 1)]))


def test_every_layer_of_the_insect_model_is_within_a_step_of_the_original(insect_files: Path, shared_data: Path) -> None:
    """On 50 pictures of the shared set, as ``python -m tests.addons.parity`` prints it."""
    data = next(insect_files.glob("*.tflite")).read_bytes()
    found = parity.measure(data, parity.pictures(shared_data))
    assert len(found.layers) == 65
    assert max(layer.alone[0] for layer in found.layers) <= 1
    assert max(layer.alone[1] for layer in found.layers) < 0.1
    assert max(layer.whole[1] for layer in found.layers) < 2
    assert found.same >= 40
