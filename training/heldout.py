"""What a network says of pictures and made-up photographs whose sources it never saw: all that calibration and evaluation start from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pestcheck.taxonomy import LABELS
from pestcheck.vision import decide, tiles
from pestcheck.vision.score import Classifier, Finder, parts, to_input
from training import composite, data, photographs

CLEAN, PHOTOGRAPHS = 96, 48
"""Made-up photographs of a fold: clean ones, whose most suspect tenth sets a threshold, and ones with things, a quarter of them of each
band of lengths."""
SPOTS = decide.MOST_PLACES
"""Suspect spots of a clean photograph that are kept: as many as are looked at closely at most."""
CHUNK = 128
"""Pictures held in memory at once."""


@dataclass(frozen=True)
class Plan:
    """How photographs are scanned; see ``tiles.plan`` for all but ``side``, the side of a picture as a whole.

    Chosen by ``plans``: overlap brings nothing. 2016 pixels are half of what most cameras give, which a JPEG can be read at. 448 cost
    finds among the small things that ``plans`` counts, but without them drawn animals of a ninth of the width were missed.

    Tiles of 448 overlap somewhat on 2016 by 1504 pixels without being asked to, and that helps, probably as the mean of two lowers what
    clean cells reach. Of 3,840 things on made-up photographs the finder finds 27.8 % so, where 10 % of 64 clean ones are flagged; 20.7 %
    with tiles of 416 by 384, which cover the level hardly more than once, in 0.8 of the time; 24.2 % with 672 by 512; 19.4 % in one pass.
    """

    side: int = 224
    long_sides: tuple[int, ...] = (448, 896, 2016)
    tile: int = 448
    overlap: int = 0
    offsets: tuple[float, ...] = ()

    def levels(self, width: int, height: int) -> tuple[tiles.Level, ...]:
        """The levels of a photograph of this size."""
        return tiles.plan(width, height, long_sides=self.long_sides, tile=self.tile, overlap=self.overlap, offsets=self.offsets)


@dataclass(frozen=True)
class Networks:
    """The two networks, ready to score."""

    find: Finder
    classify: Classifier

    @classmethod
    def read(cls, finder: Path, classifier: Path, threads: int | None = None) -> Networks:
        """From two ONNX files."""
        return cls(Finder(finder, threads), Classifier(classifier, threads))


@dataclass(frozen=True)
class Spots:
    """Suspect spots of photographs; arrays have one row a spot.

    ``found``: the finder's logit in the most suspect cell, shape (n,); ``looks``: logits of the closer look, shape (n, labels).
    ``whole``: logits of the photograph as a whole, shape (n, labels). ``photograph``: which one it is on; those with ``real`` are
    photographs from a yard, the others made up. ``truth``: index of the label of the thing there, and ``length``: its longer side in
    pixels; -1 and 0 in clean photographs.
    """

    found: np.ndarray
    looks: np.ndarray
    whole: np.ndarray
    photograph: np.ndarray
    real: np.ndarray
    truth: np.ndarray
    length: np.ndarray


@dataclass(frozen=True)
class HeldOut:
    """One fold. ``pictures``: of its sources; ``logits``: shape (n, labels); ``unlike``: how unlike the training pictures they are, and
    ``truth``: index of the right label, shapes (n,).

    ``clean``, ``things``: spots in clean photographs, and where something harmful lies. ``digest``: SHA-256 of the pixels of all
    photographs, which must not change unnoticed.
    """

    pictures: list[data.Picture]
    logits: np.ndarray
    unlike: np.ndarray
    truth: np.ndarray
    clean: Spots
    things: Spots
    digest: str


def inputs(pictures: Sequence[data.Picture], side: int) -> np.ndarray:
    """All pictures as the model takes them, uint8 (n, side, side, 3)."""
    return np.stack([to_input(Image.fromarray(data.load(picture)), side) for picture in pictures])


def classified(classify: Classifier, pictures: Sequence[data.Picture], side: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits of pictures, float32 (n, labels), and their unlikeness, (n,); a few pictures at a time."""
    parts = [classify.judge(inputs(pictures[i : i + CHUNK], side)) for i in range(0, len(pictures), CHUNK)]
    return np.concatenate([logits for logits, _ in parts]), np.concatenate([unlike for _, unlike in parts])


def judge(networks: Networks, folder: Path, pictures: list[data.Picture], labels: Sequence[str], plan: Plan, seed: int) -> HeldOut:
    """Score the pictures of a fold, and photographs made of them.

    Args:
        folder: of the manifest, for cutouts and yard photographs. pictures: of sources that the networks never saw.
    """
    index = {label: i for i, label in enumerate(labels)}
    materials = composite.Materials(pictures, composite.read_cutouts(folder, pictures), labels)
    digest = hashlib.sha256()
    clean = _spots(_clean(networks, folder, materials, plan, seed, digest))
    things = _spots(_things(networks, folder, materials, plan, seed + 1, digest))
    truth = np.array([index[picture.label] for picture in pictures])
    return HeldOut(pictures, *classified(networks.classify, pictures, plan.side), truth, clean, things, digest.hexdigest())


Row = tuple[float, np.ndarray, np.ndarray, int, bool, int, int]


def _spots(rows: Iterable[Row]) -> Spots:
    return Spots(*(np.array(column) for column in zip(*rows, strict=True)))


def _clean(networks: Networks, folder: Path, materials: composite.Materials, plan: Plan, seed: int, digest: Any) -> Iterator[Row]:
    photos = [
        *((False, photo.pixels) for photo in photographs.made(materials, seed, CLEAN, None)),
        *((True, photo.pixels) for photo in photographs.yard(folder, materials, seed, None)),
    ]
    for k, (real, pixels) in enumerate(photos):
        digest.update(pixels.tobytes())
        image, spots = Image.fromarray(pixels), []
        whole = networks.classify(to_input(image, plan.side)[None])[0]
        for level in _maps(networks.find, image, plan):
            found = level.chance.copy()
            for _ in range(SPOTS):
                row, column = (int(v) for v in np.unravel_index(int(found.argmax()), found.shape))
                spots.append((float(found[row, column]), level.box(row, column, row, column)))
                found[max(0, row - 2) : row + 3, max(0, column - 2) : column + 3] = -np.inf
        spots.sort(key=lambda spot: -spot[0])
        spots = spots[:SPOTS]
        looks = _looks(networks.classify, image, [box for _, box in spots], plan.side)
        for (found_there, _), look in zip(spots, looks, strict=True):
            yield found_there, look, whole, k, real, -1, 0


def _things(networks: Networks, folder: Path, materials: composite.Materials, plan: Plan, seed: int, digest: Any) -> Iterator[Row]:
    k = 0
    for b, band in enumerate(photographs.BANDS):
        photos = [
            *((False, photo) for photo in photographs.made(materials, seed + b, PHOTOGRAPHS // len(photographs.BANDS), band)),
            *((True, photo) for photo in photographs.yard(folder, materials, seed + b, band)),
        ]
        for real, (pixels, pasted, _) in photos:
            digest.update(pixels.tobytes())
            image, k = Image.fromarray(pixels), k + 1
            whole = networks.classify(to_input(image, plan.side)[None])[0]
            maps = list(_maps(networks.find, image, plan))
            things = [thing for thing in pasted if thing.label is not None]
            if not things:
                continue
            spots = [max((most_suspect(level, thing.box) for level in maps), key=lambda spot: spot[0]) for thing in things]
            looks = _looks(networks.classify, image, [box for _, box in spots], plan.side)
            for thing, (found, _), look in zip(things, spots, looks, strict=True):
                yield found, look, whole, k, real, materials.index[str(thing.label)], thing.length


def _maps(find: Finder, image: Image.Image, plan: Plan) -> Iterator[decide.CellMap]:
    """The finder's logits, level by level."""
    for level in plan.levels(*image.size):
        yield logit_map(find, image, level)


def logit_map(find: Finder, image: Image.Image, level: tiles.Level) -> decide.CellMap:
    """One level, with logits instead of probabilities."""
    return decide.CellMap(find(image, level), *image.size)


def most_suspect(level: decide.CellMap, box: tiles.Box) -> tuple[float, tiles.Box]:
    """The highest logit of the cells that a box touches, and all that box and that cell cover."""
    rows, columns = level.chance.shape
    fx, fy = level.width / columns, level.height / rows
    top, left = int(box.y0 / fy), int(box.x0 / fx)
    part = level.chance[top : int(np.ceil(box.y1 / fy)), left : int(np.ceil(box.x1 / fx))]
    row, column = (int(v) for v in np.unravel_index(int(part.argmax()), part.shape))
    cell = level.box(top + row, left + column, top + row, left + column)
    return float(part[row, column]), box.union(cell)


def _looks(classify: Classifier, image: Image.Image, boxes: Sequence[tiles.Box], side: int) -> np.ndarray:
    return classify(parts(image, [decide.closer(box, *image.size) for box in boxes], 1.0, side))


def harmful(labels: Sequence[str]) -> np.ndarray:
    """Whether each label is a contaminant, shape (labels,)."""
    return np.array([LABELS[label].contaminant for label in labels])
