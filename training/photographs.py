"""Made-up photographs to measure with: full size, with one animal or seed of known length in every other panel, or clean.

The panels are clean pictures of one surface side by side, at the size at which the network sees them: containers, wood, concrete, metal
and the like, not scenes, whose trees are what the finder should find. Harmless things lie on all of them. Made from a split's test part alone, nothing in them was trained on. The same seed gives the same photographs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from training import composite
from training.composite import Materials, Pasted

PANEL = 224
PANELS = (8, 6)
"""Across and down; 1792 by 1344 pixels."""
HARMLESS = 8
"""Harmless things in a photograph."""
BANDS = ((12, 24), (24, 48), (48, 96), (96, 192))
"""Lengths of animals in pixels, measured apart: 0.7 to 1.3 % of the longer side of a photograph, and so on, doubling."""


class Photograph(NamedTuple):
    """Pixels, uint8 (height, width, 3); what was pasted; and the label of the surface."""

    pixels: np.ndarray
    pasted: tuple[Pasted, ...]
    surface: str


def made(materials: Materials, seed: int, count: int, band: tuple[int, int] | None) -> Iterator[Photograph]:
    """Photographs of 1792 by 1344 pixels. ``band``: lengths of the animals; None: none are there."""
    for k in range(count):
        rng = np.random.default_rng((seed, k))
        same = composite.of_one_label(rng, materials.named)
        rows = [
            np.hstack(
                [composite.crop_surface(rng, composite.pixels_of(same[int(rng.integers(len(same)))]), PANEL) for _ in range(PANELS[0])]
            )
            for _ in range(PANELS[1])
        ]
        yield _with(materials, rng, np.vstack(rows), band, same[0].label)


def yard(folder: Path, materials: Materials, seed: int, band: tuple[int, int] | None) -> Iterator[Photograph]:
    """The same on the real photographs of containers in ``folder/photos``, none of which is in the manifest."""
    for k, path in enumerate(sorted((folder / "photos").glob("*.jpg"))):
        image = ImageOps.exif_transpose(Image.open(path).convert("RGB"))
        longest = PANEL * PANELS[0]
        image = image.resize([round(side * longest / max(image.size)) for side in image.size], Image.Resampling.LANCZOS)
        yield _with(materials, np.random.default_rng((seed, k)), np.asarray(image, np.float32).copy(), band, "container")


def _with(materials: Materials, rng: np.random.Generator, canvas: np.ndarray, band: tuple[int, int] | None, surface: str) -> Photograph:
    pasted = composite.lay_harmless(materials, rng, canvas, HARMLESS)
    if band:
        for row in range(canvas.shape[0] // PANEL):
            for column in range(row % 2, canvas.shape[1] // PANEL, 2):
                size = composite.length(rng, band)
                label, patch = materials.cutout(rng, size, materials.cutouts) if materials.cutouts else materials.contaminant(rng, size)
                x, y = (PANEL * k + rng.uniform(size / 2, PANEL - size / 2) for k in (column, row))
                if placed := composite.paste(rng, canvas, composite.turned(rng, patch), (x, y)):
                    pasted.append(Pasted(label, composite.visible(*placed)))
    return Photograph(np.clip(canvas, 0, 255).astype(np.uint8), tuple(pasted), surface)
