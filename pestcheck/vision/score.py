"""Pixels to scores, through ONNX Runtime."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from PIL import Image

from pestcheck.vision.tiles import Plan

BATCH = 8
"""Views a call. More bring no speed on a CPU and cost memory."""


def to_input(image: Image.Image, side: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """One RGB image as the network takes it: uint8 of shape (side, side, 3), squeezed to a square."""
    return np.asarray(image.resize((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0))


def views(image: Image.Image, plan: Plan, side: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The whole image, then every tile of the plan: uint8 of shape (1 + tiles, side, side, 3)."""
    result = np.empty((1 + len(plan.boxes), side, side, 3), np.uint8)
    result[0] = to_input(image, side)
    row = 1
    for level in plan.levels:
        pixels = np.asarray(image.resize((level.width, level.height), Image.Resampling.BILINEAR, reducing_gap=2.0))
        for x, y in level.corners:
            result[row] = pixels[y : y + side, x : x + side]
            row += 1
    return result


class Scorer:
    """A model file, ready to score. May be called from several threads."""

    def __init__(self, path: Path, threads: int | None = None) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads or min(4, os.cpu_count() or 1)
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # spinning starves the web server
        self.session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.metadata: dict[str, str] = self.session.get_modelmeta().custom_metadata_map
        self.input = self.session.get_inputs()[0].name

    def __call__(self, pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Logits of shape (n, labels) for uint8 RGB of shape (n, side, side, 3)."""
        parts = [self.session.run(None, {self.input: pixels[i : i + BATCH]})[0] for i in range(0, len(pixels), BATCH)]
        return np.concatenate(parts)
