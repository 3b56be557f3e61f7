"""Places that a finder proposes on clean photographs: what the classifier must say no to.

They are made of the training part alone, like the photographs that are measured with (``photographs.made``), and looked at as in use.
Learning from what an earlier stage lets through is what cascades do (Viola and Jones 2001).
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from pestcheck.vision import decide
from pestcheck.vision.score import Finder
from training import composite, heldout, photographs

Look = tuple[Path, str]
"""A closer look, as a PNG at its own size, and the label of the surface that it shows."""


def write(finder: Path, materials: composite.Materials, kept: Path, seed: int, count: int) -> list[Look]:
    """The closer looks, written to a folder in ``kept`` once: at the ``decide.MOST_PLACES`` most suspect places of each photograph.

    Args:
        finder: ONNX file. count: of photographs.
    """
    out = kept / f"{hashlib.sha256(finder.read_bytes()).hexdigest()[:16]}-{seed}-{count}"
    if not out.is_dir():
        kept.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=kept) as temporary:
            _write(finder, materials, part := Path(temporary) / out.name, seed, count)
            try:
                os.replace(part, out)
            except OSError:
                if not out.is_dir():  # else another process was sooner
                    raise
    return [(path, path.name.split("-")[0]) for path in sorted(out.glob("*.png"))]


def _write(finder: Path, materials: composite.Materials, out: Path, seed: int, count: int) -> None:
    out.mkdir()
    find, plan = Finder(finder, threads=1), heldout.Plan()
    for k, photo in enumerate(photographs.made(materials, seed, count, None)):
        image = Image.fromarray(photo.pixels)
        maps = [decide.CellMap(decide.sigmoid(find(image, level).astype(float)), *image.size) for level in plan.levels(*image.size)]
        for n, place in enumerate(decide.places(maps, propose=0.0)):
            image.crop(place.look).save(out / f"{photo.surface}-{k}-{n}.png", compress_level=1)
        if k % 20 == 0:
            print(f"places that the finder proposes: {k} of {count} photographs", flush=True)
