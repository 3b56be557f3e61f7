"""Read a shipped classifier back into torch: what continues from it, or is to be compared with it, needs no checkpoint of its training.

In ONNX the batch norms are part of the convolutions before them. They come back as convolutions with their whole weight, and as batch norms
that only add: the same function, where the statistics stay as they are (``eval``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from onnx import numpy_helper
from torch import nn

from training import continued
from training.network import Classified, classifier


def classifier_of(path: Path) -> Any:
    """The network of a ``model.onnx`` ready for inference, from normalised pictures on: ``Classified``, or up to version 0.2.0 without it.

    Raises:
        SystemExit: it has another backbone than ``network.BACKBONE``.
    """
    network = continued.Network(path)
    constants = {one.name: numpy_helper.to_array(one) for one in network.model.graph.initializer}
    # In the order in which they are computed, which is that of the modules.
    convolutions = [[constants[name] for name in node.input[1:]] for node in network.model.graph.node if node.op_type == "Conv"]
    net = classifier(len(network.labels), pretrained=False)
    parts = [part for part in net.modules() if isinstance(part, nn.Conv2d | nn.BatchNorm2d)]
    pairs = list(zip(parts[::2], parts[1::2], strict=False))
    if len(pairs) != len(convolutions) or any(_shape(pair[0]) != found[0].shape for pair, found in zip(pairs, convolutions, strict=True)):
        raise SystemExit(f"{path} has another backbone than the one that can be read back; continue from its checkpoint instead")
    with torch.no_grad():
        for (convolution, norm), (weight, bias) in zip(pairs, convolutions, strict=True):
            convolution.weight.copy_(_tensor(weight))
            norm.running_mean.zero_()
            norm.running_var.fill_(1 - norm.eps)
            norm.weight.fill_(1)
            norm.bias.copy_(_tensor(bias))
        last = net.get_classifier()
        last.weight.copy_(_tensor(network.head.weight))
        last.bias.copy_(_tensor(network.head.bias))
    return (Classified(net, _tensor(network.known)) if len(network.known) else net).eval()


def _shape(convolution: Any) -> tuple[int, ...]:
    return tuple(convolution.weight.shape)


def _tensor(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.array(values, np.float32))
