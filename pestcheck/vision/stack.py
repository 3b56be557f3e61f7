"""Letters painted one below the other, laid side by side."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def laid_out(column: Image.Image) -> Image.Image:
    """The letters of an RGB picture as wide as they, side by side, 36 pixels a letter; where none is found, an empty strip."""
    width = 32
    column = column.resize((width, max(8, round(column.height * width / column.width))), Image.Resampling.BICUBIC)
    letters = [column.crop((0, top, width, bottom)) for top, bottom in _letters(np.asarray(column, np.float32))]
    gap = 4
    height = max((letter.height for letter in letters), default=48)
    strip = Image.new(
        "RGB", (len(letters) * (width + gap) + gap, height + 4), tuple(np.median(np.asarray(column), axis=(0, 1)).astype(int))
    )
    for place, letter in enumerate(letters):
        strip.paste(letter, (gap + place * (width + gap), 2 + (height - letter.height) // 2))
    return strip


def _letters(column: NDArray[np.float32]) -> list[tuple[int, int]]:
    """Top and bottom of each letter in a column of them (height, width, 3): where rows differ from the ground."""
    height, width = column.shape[:2]
    ground = np.median(column, axis=1, keepdims=True)
    wide = min(height, 2 * width) | 1
    padded = np.pad(ground[:, 0], ((wide // 2, wide // 2), (0, 0)), mode="edge")
    ground = np.median(np.lib.stride_tricks.sliding_window_view(padded, wide, axis=0), axis=-1)[:, None]
    ink = np.abs(column - ground).mean(axis=2)
    inner = ink[:, width // 6 : -(width // 6)]
    rows = np.convolve(np.sort(inner, axis=1)[:, -max(2, width // 6) :].mean(axis=1), np.ones(3) / 3, mode="same")
    low, high = np.quantile(rows, 0.08), np.quantile(rows, 0.8)
    dark = rows > low + 0.4 * (high - low)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], dark.view(np.int8), [0]])))
    runs = [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= width // 4]
    if not runs:
        return []
    usual = float(np.median([b - a for a, b in runs]))
    parted: list[tuple[int, int]] = []
    for a, b in runs:
        pieces = max(1, round((b - a) / max(usual * 1.05, width * 0.9)))
        cuts = np.linspace(a, b, pieces + 1)
        parted += [(int(x), int(y)) for x, y in pairwise(cuts)]
    return [(max(0, a - 2), min(height, b + 2)) for a, b in parted]
