"""Pixels to scores, through ONNX Runtime."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from PIL import Image

from pestcheck.vision.tiles import CELL, Box, Level

BATCH_PIXELS = 4 * 224 * 224
"""Pixels a call: a tile, or four closer looks. More are slower on a CPU, whose cache they leave, and cost memory."""

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
Logits = np.ndarray[Any, np.dtype[np.float32]]


def to_input(image: Image.Image, side: int) -> Pixels:
    """One RGB image as the network takes it: uint8 of shape (side, side, 3), squeezed to a square."""
    return np.asarray(image.resize((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0))


def parts(image: Image.Image, boxes: Sequence[Box], shrunk: float, side: int) -> Pixels:
    """Squares of a photograph as the network takes them: uint8 of shape (n, side, side, 3).

    Args:
        image: the photograph, reduced by the factor ``shrunk``. boxes: in pixels of the photograph itself.
    """
    edges = [
        (box.x0 * shrunk, box.y0 * shrunk, min(box.x1 * shrunk, image.width), min(box.y1 * shrunk, image.height)) for box in boxes
    ]  # a reduced photograph may be a fraction of a pixel smaller
    return np.stack([np.asarray(image.resize((side, side), Image.Resampling.BILINEAR, box=edge, reducing_gap=2.0)) for edge in edges])


def session(path: Path, threads: int | None) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or min(4, os.cpu_count() or 1)
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # spinning starves the web server
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


class Classifier:
    """The network that says what a picture shows, ready to score. May be called from several threads."""

    def __init__(self, path: Path, threads: int | None = None) -> None:
        self.session = session(path, threads)
        self.metadata: dict[str, str] = self.session.get_modelmeta().custom_metadata_map

    def __call__(self, pixels: Pixels) -> Logits:
        """Logits of shape (n, labels) for uint8 RGB of shape (n, side, side, 3)."""
        return self.judge(pixels)[0]

    def judge(self, pixels: Pixels) -> tuple[Logits, Logits]:
        """The logits, and how unlike all that was trained each picture is, shape (n,).

        Networks up to 0.2.0 do not say how unlike; for them it is the energy of the logits (Liu et al. 2020).
        """
        n = max(1, BATCH_PIXELS // (pixels.shape[1] * pixels.shape[2]))
        runs = [self.session.run(None, {"pixels": pixels[i : i + n]}) for i in range(0, len(pixels), n)]
        logits = np.concatenate([run[0] for run in runs])
        unlike = np.concatenate([run[1] for run in runs]) if len(runs[0]) > 1 else -np.logaddexp.reduce(logits, axis=-1)
        return logits, unlike


class Finder:
    """The network that says where something lies, ready to score. May be called from several threads."""

    def __init__(self, path: Path, threads: int | None = None) -> None:
        self.session = session(path, threads)

    def __call__(self, image: Image.Image, level: Level) -> Logits:
        """Logit of contamination of each cell of a level of the photograph, less the level's offset, shape (height / 16, width / 16).

        Where tiles overlap, the mean of theirs.
        """
        pixels = np.asarray(image.resize((level.width, level.height), Image.Resampling.BILINEAR, reducing_gap=2.0))
        width, height = level.tile
        total, count = np.zeros((2, level.height // CELL, level.width // CELL), np.float32)
        batch = max(1, BATCH_PIXELS // (width * height))
        for i in range(0, len(level.corners), batch):
            corners = level.corners[i : i + batch]
            tiles = np.stack([pixels[y : y + height, x : x + width] for x, y in corners])
            for (x, y), part in zip(corners, self.session.run(None, {"pixels": tiles})[0], strict=True):
                there = np.s_[y // CELL : (y + height) // CELL, x // CELL : (x + width) // CELL]
                total[there] += part
                count[there] += 1
        mean: Logits = total / count - np.float32(level.offset)
        return mean
