"""More cutouts: animals and seeds cut from close-ups, for composites to train on. Few cutouts come with a manifest, and few are learnt by heart.

GrabCut (Rother et al. 2004) parts the middle of a close-up from its surroundings; what does not look like one whole thing is left out.
By eye, about six in seven of what remains are whole animals or seeds. They are good enough to train on, and never tested on.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from pestcheck.taxonomy import LABELS
from training import composite, data

SIDE = 160
"""Longer side of a close-up when it is cut, in pixels."""
MARGIN = 0.06
"""Share of a close-up along each edge that is surroundings."""
TRIED = 120
"""Close-ups of one label and source that are tried."""


def cut(image: np.ndarray) -> np.ndarray | None:
    """The one thing in the middle of a close-up.

    Args:
        image: uint8 RGB, shape (height, width, 3).

    Returns:
        uint8 RGBA, cut to the thing, or None where none stands out.
    """
    scale = SIDE / max(image.shape[:2])
    size = [max(16, round(side * scale)) for side in image.shape[1::-1]]
    image = np.ascontiguousarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR))
    height, width = image.shape[:2]
    mx, my = max(2, round(width * MARGIN)), max(2, round(height * MARGIN))
    mask = np.zeros((height, width), np.uint8)
    cv2.setRNGSeed(0)
    try:
        cv2.grabCut(image, mask, (mx, my, width - 2 * mx, height - 2 * my), np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_RECT)
    except cv2.error:  # a picture of one colour
        return None
    inside = cv2.morphologyEx((mask & 1).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, parts, stats, _ = cv2.connectedComponentsWithStats(inside)
    if count < 2:
        return None
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    thing = (parts == largest).astype(np.uint8)
    x, y, w, h, area = (int(v) for v in stats[largest])
    outline = max(cv2.findContours(thing, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0], key=cv2.contourArea)
    around = cv2.dilate(thing, np.ones((7, 7), np.uint8)) == 0
    colour = cv2.cvtColor(image, cv2.COLOR_RGB2LAB).astype(np.float32)
    differs = float(np.linalg.norm(colour[thing > 0].mean(0) - colour[around].mean(0))) if around.any() else 0.0
    whole = (
        0.06 < area / (height * width) < 0.5
        and area > 0.75 * inside.sum()  # not one of several
        and (x <= mx) + (y <= my) + (x + w >= width - mx) + (y + h >= height - my) <= 1  # not cut off
        and cv2.contourArea(outline) > 0.45 * cv2.contourArea(cv2.convexHull(outline))
        and differs > 8 + 1.2 * float(colour[around].std(0).mean())
    )
    if not whole:
        return None
    return np.dstack([image, cv2.GaussianBlur(thing * 255, (0, 0), 0.7)])[y : y + h, x : x + w]


def write(folder: Path, pictures: Sequence[data.Picture], out: Path) -> None:
    """Cut out what can be, laid out like ``cutouts/`` of a manifest's folder, once: an ``out`` that is complete stays as it is.

    Args:
        folder: of the manifest. pictures: of all folds; which cutouts a fold may use is for ``composite.read_cutouts`` to say.
    """
    index = out / composite.CUTOUTS
    if index.exists():
        return
    out.mkdir(parents=True, exist_ok=True)
    tried: dict[tuple[str, str], list[data.Picture]] = {}
    for picture in pictures:
        if LABELS[picture.label].contaminant and picture.label not in composite.MATTER and picture.box is None:
            tried.setdefault((picture.label, picture.source), []).append(picture)
    entries = []
    for members in tried.values():
        members.sort(key=lambda picture: hashlib.sha256(picture.path.name.encode()).digest())
        for picture in members[:TRIED]:
            if (pixels := cut(data.load(picture))) is not None:
                Image.fromarray(pixels).save(out / f"{len(entries)}.png")
                entries.append({"path": f"{len(entries)}.png", "from_path": picture.path.relative_to(folder).as_posix()})
    part = index.with_suffix(".part")
    part.write_text(json.dumps(entries), "utf-8")
    os.replace(part, index)
