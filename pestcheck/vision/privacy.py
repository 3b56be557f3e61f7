"""Faces and writing in a photograph, and a copy of it in which they are blurred beyond reading.

What is found is what two general detectors find: faces that look at the camera (a cascade of local binary patterns, as packed by scikit-image)
and writing of any kind, so also number plates and container numbers (the detector of the extra ``ocr``). Both miss some: docs/trainers.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from pestcheck.vision.text import TextError, TextReader
from pestcheck.vision.tiles import Box

FACE_SIDE = 1280
"""Larger photographs are searched for faces at this size."""
LEAST_FACE = 24
"""Side of the smallest face that the cascade knows, in pixels of the picture that is searched."""
GROWN = 0.35
"""How much larger a face is than what was found, on each side: hair, chin and ears tell who it is, too."""
TEXT_GROWN = 0.15
COARSE = 8
"""Squares across the shorter side of a blurred place: too few to read or to know anybody."""


class PrivacyError(RuntimeError):
    """A package is missing; the message says how to install it."""


def private(image: Image.Image) -> list[Box]:
    """Where faces and writing are in an upright RGB image, in its pixels.

    Raises:
        PrivacyError: a detector is not installed.
    """
    return faces(image) + writing(image)


def faces(image: Image.Image) -> list[Box]:
    """Faces that look at the camera, upright, from about 1/50 of the longer side on."""
    smaller = min(1.0, FACE_SIDE / max(image.size))
    seen = image if smaller == 1 else image.resize((max(1, round(image.width * smaller)), max(1, round(image.height * smaller))))
    if min(seen.size) < LEAST_FACE:
        return []
    found = _cascade().detect_multi_scale(
        img=np.asarray(seen), scale_factor=1.2, step_ratio=1.2, min_size=(LEAST_FACE, LEAST_FACE), max_size=seen.size[::-1]
    )
    return [
        _grown(at["c"] / smaller, at["r"] / smaller, (at["c"] + at["width"]) / smaller, (at["r"] + at["height"]) / smaller, GROWN, image)
        for at in found
    ]


def writing(image: Image.Image) -> list[Box]:
    """Writing, whatever it says."""
    corners = [(*points.min(axis=0).tolist(), *points.max(axis=0).tolist()) for points in _reader().places(image)]
    return [_grown(x0, y0, x1, y1, TEXT_GROWN, image) for x0, y0, x1, y1 in corners]


def blurred(image: Image.Image, boxes: Iterable[Box]) -> Image.Image:
    """A copy with these places made coarse."""
    result = image.copy()
    for box in boxes:
        part = result.crop(box)
        across = COARSE / max(1, min(part.size))
        few = part.resize((max(1, round(part.width * across)), max(1, round(part.height * across))), Image.Resampling.BOX)
        result.paste(few.resize(part.size, Image.Resampling.NEAREST).filter(ImageFilter.GaussianBlur(2)), box[:2])
    return result


def _grown(x0: float, y0: float, x1: float, y1: float, share: float, image: Image.Image) -> Box:
    dx, dy = (x1 - x0) * share, (y1 - y0) * share
    return Box(
        max(0, int(x0 - dx)), max(0, int(y0 - dy)), min(image.width, int(np.ceil(x1 + dx))), min(image.height, int(np.ceil(y1 + dy)))
    )


@lru_cache(maxsize=1)
def _cascade() -> Any:
    try:
        import skimage.data
        import skimage.feature
    except ModuleNotFoundError as error:
        raise PrivacyError(f"finding faces needs one more package ({error.name}): pip install 'pestcheck[privacy]'") from error
    found: Any = skimage.data
    return skimage.feature.Cascade(found.lbp_frontal_face_cascade_filename())


@lru_cache(maxsize=1)
def _reader() -> TextReader:
    try:
        return TextReader()
    except TextError as error:
        raise PrivacyError("finding writing needs more packages (rapidocr is missing): pip install 'pestcheck[ocr]'") from error
