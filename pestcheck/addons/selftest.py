"""Pictures drawn by a formula, on which a converted add-on must say what its original says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
TOLERANCE = 0.06
"""Of a probability: the original rounds to 1/256, and two ways of rounding inside add up; a wrong conversion is off by far more."""


def _paper(side: int) -> tuple[Pixels, Callable[[float, float, float, float], Any], Any, Any]:
    """An empty picture; a function for an ellipse on it, by its middle and half axes in parts of 224; and the coordinates."""
    y, x = np.mgrid[0:side, 0:side] * (224 / side)
    return np.empty((side, side, 3), np.uint8), lambda cx, cy, a, b: np.hypot((x - cx) / a, (y - cy) / b) < 1, x, y


def butterfly(side: int) -> Pixels:
    """Orange wings with black veins and rims on green."""
    picture, ellipse, x, y = _paper(side)
    wings = [(66, 90, 48, 40, 7), (158, 90, 48, 40, 7), (78, 150, 34, 36, 6), (146, 150, 34, 36, 6)]
    inside = np.any([ellipse(cx, cy, a, b) for cx, cy, a, b, _ in wings], axis=0)
    picture[:] = (90, 140, 60)
    for cx, cy, a, b, _ in wings:
        picture[ellipse(cx, cy, a, b)] = (235, 120, 20) if b == 40 else (240, 130, 30)
    picture[ellipse(112, 120, 6, 50)] = (20, 15, 10)
    for angle in np.linspace(0, 3.0, 8):
        picture[(np.abs((x - 112) * np.sin(angle) - (y - 110) * np.cos(angle)) < 2) & inside] = (20, 10, 5)
    for cx, cy, a, b, rim in wings:
        picture[ellipse(cx, cy, a, b) & ~ellipse(cx, cy, a - rim, b - rim)] = (20, 10, 5)
    return picture


def disc(side: int) -> Pixels:
    """A dark disc on a pale ground."""
    picture, ellipse, _, _ = _paper(side)
    picture[:] = (200, 210, 180)
    picture[ellipse(112, 112, 60, 60)] = (30, 20, 10)
    return picture


PICTURES: dict[str, Callable[[int], Pixels]] = {"butterfly": butterfly, "disc": disc}
