"""Which magnifications, and how much overlap of tiles, find most: what ``heldout.Plan`` was chosen by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pestcheck.vision import tiles
from pestcheck.vision.score import Finder
from training import calibrate, composite, data, evaluate, heldout, photographs

PLANS = ((448, 896, 1792), (448, 896, 2016), (896,), (1792,), (2016,), (896, 1792), (896, 2016), (896, 2688))
"""Longer sides of the levels of each plan."""
OVERLAPS = (0, 64)
"""Tried with the levels of ``heldout.Plan``; the plans are compared at its overlap."""
PHOTOGRAPHS = 16
"""Clean ones of a fold, and with things of each band of lengths."""


def measure(
    finders: Mapping[str, Path], folder: Path, pictures: Sequence[data.Picture], labels: Sequence[str], seed: int
) -> list[dict[str, Any]]:
    """Scan made-up photographs with every plan.

    Args:
        finders: by fold, the network that saw none of its sources. folder: of the manifest, whose ``pictures`` they are.

    Returns:
        For each plan: long_sides; overlap; found: share of the things above the finder's threshold that 10 % of the clean photographs
        reach (of all folds together, set on these very photographs), with its interval over photographs; megapixels: that the
        finder looks at in one photograph, overlaps counted twice.
    """
    usual = heldout.Plan()
    every = tuple(sorted({side for plan in PLANS for side in plan}))
    rows = []
    for overlap in OVERLAPS:
        sides = tuple(side for side in (every if overlap == usual.overlap else usual.long_sides) if _fits(side))
        scans = [_scan(fold, finder, folder, list(pictures), labels, sides, overlap, seed) for fold, finder in finders.items()]
        for plan in PLANS if overlap == usual.overlap else (usual.long_sides,):
            if set(plan) <= set(sides):
                rows.append(_row(scans, [sides.index(side) for side in plan], plan, overlap))
    return rows


Scan = tuple[np.ndarray, np.ndarray, list[str]]
"""Of a fold: the most suspect logit of clean photographs and of things, shapes (n, levels) and (m, levels), and each thing's photograph."""


def _fits(side: int) -> bool:
    """Whether made-up photographs are large enough for a level with this longer side."""
    return side <= tiles.MAX_ENLARGEMENT * photographs.PANEL * max(photographs.PANELS)


def _scan(
    fold: str,
    path: Path,
    folder: Path,
    pictures: list[data.Picture],
    labels: Sequence[str],
    long_sides: Sequence[int],
    overlap: int,
    seed: int,
) -> Scan:
    find, tested = Finder(path), data.split(pictures, fold).test
    materials = composite.Materials(tested, composite.read_cutouts(folder, tested), labels)
    clean, things, unit = [], [], []
    for b, band in enumerate([None, *photographs.BANDS]):
        for k, (pixels, pasted, _) in enumerate(photographs.made(materials, seed + b, PHOTOGRAPHS, band)):
            image = Image.fromarray(pixels)
            maps = [heldout.logit_map(find, image, level) for level in _levels(long_sides, overlap)]
            if band is None:
                clean.append([float(level.chance.max()) for level in maps])
            for thing in pasted if band else ():
                if thing.label:
                    things.append([heldout.most_suspect(level, thing.box)[0] for level in maps])
                    unit.append(f"{fold} {b} {k}")
    return np.array(clean), np.array(things), unit


def _levels(long_sides: Sequence[int], overlap: int) -> tuple[tiles.Level, ...]:
    across, down = (photographs.PANEL * n for n in photographs.PANELS)
    return heldout.Plan(long_sides=tuple(long_sides), overlap=overlap).levels(across, down)


def _row(scans: Sequence[Scan], levels: list[int], long_sides: Sequence[int], overlap: int) -> dict[str, Any]:
    clean = np.concatenate([scan[0][:, levels].max(1) for scan in scans])
    things = np.concatenate([scan[1][:, levels].max(1) for scan in scans])
    hit = things > np.quantile(clean, 1 - calibrate.PHOTOGRAPH_FALSE_FLAGS)
    draws = evaluate.resamples([name for scan in scans for name in scan[2]])
    pixels = sum(len(level.corners) * level.tile[0] * level.tile[1] for level in _levels(long_sides, overlap))
    return {
        "long_sides": list(long_sides), "overlap": overlap,
        "found": {"value": round(float(hit.mean()), 4), "interval": evaluate.interval(lambda rows: float(hit[rows].mean()), draws)},
        "megapixels": round(pixels / 1e6, 2),
    }  # fmt: skip
