"""Composites: contamination laid on clean surfaces at sizes as in a yard, since no public picture shows it there.

What is pasted are cutouts of animals and seeds (``cutouts/cutouts.json`` beside the manifest), pieces of close-ups, and patches of soil,
droppings, plant matter and web; and, in the same way, harmless things, so that neither the seam nor the shadow tells what is harmful.
Everything is drawn from one random generator: the same seed gives the same composite.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, TypeVar

import cv2
import numpy as np
from PIL import Image

from pestcheck.taxonomy import LABELS, Group
from pestcheck.vision.tiles import Box
from training import data, harmless

T = TypeVar("T")

STRIDE = 16
"""Pixels of a cell: the network answers for each square of this side."""
IGNORED = -1
"""Target of a cell of which nothing is known, or that an edge runs through."""
LENGTHS = (12, 96)
"""Shortest and longest side of a pasted thing in pixels of the composite."""
HARMLESS, HARMFUL, DENSITY_SIDE = 1.6, 0.7, 192
"""Harmless things, and harmful ones after the first, in a composite of this side, on average."""
NONE_SHARE = 0.35
"""Share of composites without contamination."""
ACROSS = (1, 1, 2, 4)
"""Clean pictures side by side under the things of what the finder is trained on: it looks at photographs at several magnifications, and
at a small one a whole scene lies in few cells."""
SEGMENTED_SHARE = 0.5
"""Share of harmful things that are segmented cutouts, where there are any."""
MATTER = frozenset({"plant_matter", "bark", "soil", "spider_web"})
"""Contaminants that fill a picture, rather than lie in its middle."""
SCENES = frozenset({"vehicle", "warehouse"})
"""Surfaces whose pictures show trees, ground and people, too: no piece of them is sure to be harmless."""
ANYTHING = "clean_other"
"""The surface that is none of those that have a name; its pictures show streets and people, too."""
COVERED = 0.2
"""Share of a cell that a thing must cover to be the cell's target."""
CUTOUTS = "cutouts.json"
VISIBLE = 0.02
"""Share of a cell that a thing covers at least where anything of it can be seen."""


@dataclass(frozen=True)
class Cutout:
    """A single animal or seed with its opacity. ``label`` is a model label; ``group`` the split group of its picture."""

    path: Path
    label: str
    source: str
    group: str


class Pasted(NamedTuple):
    """What was pasted where; ``label`` is None for a harmless thing. The box holds what is visible of it."""

    label: str | None
    box: Box

    @property
    def length(self) -> int:
        """The longer side, in pixels."""
        return max(self.box.x1 - self.box.x0, self.box.y1 - self.box.y0)


@dataclass(frozen=True)
class Composite:
    """A made-up photograph: uint8 RGB of shape (height, width, 3), its surface, what was pasted, and the label index of each cell,
    int64 of shape (height / 16, width / 16), ``IGNORED`` where it has none."""

    pixels: np.ndarray
    surface: str
    pasted: tuple[Pasted, ...]
    cells: np.ndarray

    @property
    def contaminated(self) -> bool:
        """Whether anything harmful was pasted."""
        return any(thing.label for thing in self.pasted)


def read_cutouts(folder: Path, pictures: Sequence[data.Picture], cutouts: Path | None = None) -> list[Cutout]:
    """The cutouts that were made from the given pictures, so that a cutout is in the same split as its picture. None is no error.

    Args:
        folder: of the manifest. cutouts: where they and ``cutouts.json`` are; None: in ``folder/cutouts``.

    Raises:
        data.ManifestError: ``cutouts.json`` names a file that is not there.
    """
    index = (cutouts or folder / "cutouts") / CUTOUTS
    if not index.is_file():
        return []
    by_path = {picture.path.relative_to(folder).as_posix(): picture for picture in pictures}
    result = []
    for entry in json.loads(index.read_text("utf-8")):
        if (picture := by_path.get(entry["from_path"])) is None:
            continue
        path = index.parent / entry["path"]
        if not path.is_file():
            raise data.ManifestError(f"{index}: the cutout {entry['path']!r} is not there")
        result.append(Cutout(path, picture.label, picture.source, picture.group))
    return result


class Materials:
    """All that composites of one part of a split are made of."""

    def __init__(
        self, pictures: Sequence[data.Picture], cutouts: Sequence[Cutout], labels: Sequence[str], segmented: Sequence[Cutout] = ()
    ) -> None:
        """
        Args:
            pictures, cutouts: of this part only. segmented: more cutouts of it, of lower quality (see ``segment``).
            labels: of the network; what carries another label is left out.

        Raises:
            data.ManifestError: there is no clean surface, or nothing to paste.
        """
        known = set(labels)
        self.index = {label: i for i, label in enumerate(labels)}
        self.backdrops = _by(lambda p: p.label, [p for p in pictures if p.label in known and not LABELS[p.label].contaminant])
        self.cutouts, self.segmented = (_by(lambda c: c.label, [c for c in some if c.label in known]) for some in (cutouts, segmented))
        closeups = [p for p in pictures if p.label in known and LABELS[p.label].contaminant and p.box is None]
        self.closeups = _by(lambda p: p.label, closeups)
        self.matter = {label: some for label, some in self.closeups.items() if label in MATTER}
        alone = _by(lambda p: p.label, [p for some in self.backdrops.values() for p in some if data.SCENE not in p.flags])
        self.plain = {label: some for label, some in alone.items() if label not in SCENES} or self.backdrops
        self.named = {label: some for label, some in self.plain.items() if label != ANYTHING} or self.plain
        if not self.backdrops:
            raise data.ManifestError("no picture of a clean surface is left to make composites on")
        if not self.closeups and not self.cutouts:
            raise data.ManifestError("nothing is left to lay on the surfaces of composites")

    def backdrop(self, rng: np.random.Generator) -> data.Picture:
        """A clean picture: first a surface, then a picture of it, so that no surface is rare."""
        return _draw(rng, self.backdrops)

    def contaminant(self, rng: np.random.Generator, length: int) -> tuple[str, harmless.Patch]:
        """A label, and a patch of it about ``length`` pixels long: a cutout, or a piece of a close-up."""
        if self.segmented and rng.random() < SEGMENTED_SHARE:
            return self.cutout(rng, length, self.segmented)
        if self.cutouts and (not self.closeups or rng.random() < 0.5):
            return self.cutout(rng, length, self.cutouts)
        # Half of what a piece of an animal's close-up shows is what it sat on: only where there are no cutouts.
        picture = _draw(rng, self.matter if self.matter and self.cutouts else self.closeups)
        return picture.label, self._piece(rng, picture, length, centre=picture.label not in MATTER)

    def cutout(self, rng: np.random.Generator, length: int, cutouts: dict[str, list[Cutout]]) -> tuple[str, harmless.Patch]:
        """A label, and one of its cutouts, ``length`` pixels long."""
        cutout = _draw(rng, cutouts)
        return cutout.label, _resized(*_rgba(cutout.path), length)

    def piece_of_surface(self, rng: np.random.Generator, length: int) -> harmless.Patch:
        """A piece cut from a clean picture, at about the size at which it was photographed."""
        image = pixels_of(_draw(rng, self.plain))
        height, width = (min(side, max(8, round(length * rng.uniform(0.5, 1.5)))) for side in image.shape[:2])
        y, x = int(rng.integers(0, image.shape[0] - height + 1)), int(rng.integers(0, image.shape[1] - width + 1))
        small, _ = _resized(image[y : y + height, x : x + width], np.ones((height, width), np.float32), length)
        return small, harmless.blob(rng, *small.shape[:2])

    def _piece(self, rng: np.random.Generator, picture: data.Picture, length: int, *, centre: bool) -> harmless.Patch:
        """An uneven round piece of a picture: of its middle, or of anywhere."""
        image = pixels_of(picture)
        height, width = image.shape[:2]
        share = rng.uniform(0.6, 0.9) if centre else rng.uniform(0.3, 0.9)
        h, w = max(8, int(height * share)), max(8, int(width * share * (1 if centre else rng.uniform(0.4, 1))))
        y = (height - h) // 2 if centre else int(rng.integers(0, height - h + 1))
        x = (width - w) // 2 if centre else int(rng.integers(0, width - w + 1))
        small, _ = _resized(image[y : y + h, x : x + w], np.ones((h, w), np.float32), length)
        mask = harmless.blob(rng, *small.shape[:2])
        if rng.random() < 0.5:
            mask = cv2.GaussianBlur(mask, (0, 0), max(0.5, length * rng.uniform(0.01, 0.06)))
        return small, mask


def _by(key: Callable[[T], str], items: Sequence[T]) -> dict[str, list[T]]:
    result: dict[str, list[T]] = {}
    for item in items:
        result.setdefault(key(item), []).append(item)
    return result


def _draw(rng: np.random.Generator, items: dict[str, list[T]]) -> T:
    """One of a label drawn with the fourth root of its number: rare labels come often, but few pictures are not learnt by heart."""
    chosen = of_one_label(rng, items)
    return chosen[int(rng.integers(len(chosen)))]


def of_one_label(rng: np.random.Generator, items: dict[str, list[T]]) -> list[T]:
    """All that a label has, drawn like that."""
    names = sorted(items)
    weights = np.array([len(items[name]) ** 0.25 for name in names])
    return items[names[int(rng.choice(len(names), p=weights / weights.sum()))]]


@lru_cache(maxsize=4096)
def _rgba(path: Path) -> tuple[np.ndarray, np.ndarray]:
    pixels = np.asarray(Image.open(path).convert("RGBA"))
    return pixels[..., :3], pixels[..., 3].astype(np.float32) / 255


@lru_cache(maxsize=64)
def pixels_of(picture: data.Picture) -> np.ndarray:
    return data.load(picture)


def _resized(image: np.ndarray, mask: np.ndarray, length: int) -> harmless.Patch:
    """Bring a patch to ``length`` pixels along its longer side."""
    scale = length / max(image.shape[:2])
    size = (max(2, round(image.shape[1] * scale)), max(2, round(image.shape[0] * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(image, size, interpolation=how), cv2.resize(mask, size, interpolation=how)


def turned(rng: np.random.Generator, patch: harmless.Patch) -> harmless.Patch:
    """The patch turned by any angle, mirrored or not."""
    image, mask = patch
    if rng.random() < 0.5:
        image, mask = image[:, ::-1], mask[:, ::-1]
    h, w = mask.shape
    matrix = cv2.getRotationMatrix2D((w / 2, h / 2), rng.uniform(0, 360), 1.0)
    cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
    width, height = int(np.ceil(h * sin + w * cos)) + 1, int(np.ceil(h * cos + w * sin)) + 1
    matrix[:, 2] += (width / 2 - w / 2, height / 2 - h / 2)
    image = cv2.warpAffine(np.ascontiguousarray(image), matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    mask = cv2.warpAffine(np.ascontiguousarray(mask), matrix, (width, height))
    rows, columns = np.flatnonzero(mask.max(1) > 0.02), np.flatnonzero(mask.max(0) > 0.02)
    if not len(rows):
        return patch
    part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return image[part], mask[part]


def paste(
    rng: np.random.Generator, canvas: np.ndarray, patch: harmless.Patch, centre: tuple[float, float]
) -> tuple[Box, np.ndarray] | None:
    """Lay a patch on ``canvas`` (float32, changed in place), with a shadow and the light of the place.

    Returns:
        The box of what is visible, and its opacity within the box; None where nothing is.
    """
    image, mask = patch
    h, w = mask.shape
    height, width = canvas.shape[:2]
    x, y = round(centre[0] - w / 2), round(centre[1] - h / 2)
    x0, y0, x1, y1 = max(0, x), max(0, y), min(width, x + w), min(height, y + h)
    if x1 - x0 < 2 or y1 - y0 < 2:
        return None
    inside = np.s_[y0 - y : y1 - y, x0 - x : x1 - x]
    image, mask = image[inside].astype(np.float32), mask[inside]
    place = canvas[y0:y1, x0:x1]
    if mask.sum() < 2:
        return None

    own = float((image.mean(2) * mask).sum() / mask.sum()) + 1
    gain = ((float(place.mean()) + 1) / own) ** rng.uniform(0, 0.5) * rng.uniform(0.85, 1.15)
    image = np.clip(image * gain, 0, 255)
    if rng.random() < 0.5:  # few animals must stand for many: of other colours, too
        grey, strength = image.mean(2, keepdims=True), rng.uniform(0.4, 1.4)
        image = np.clip((grey + (image - grey) * strength) * rng.uniform(0.85, 1.15, 3), 0, 255)
    if rng.random() < 0.5:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 0.9))
    mask = cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.3, 0.8))

    if rng.random() < 0.8:
        size = max(h, w)
        reach = max(2, size // 3)
        shadow = cv2.copyMakeBorder(mask, reach, reach, reach, reach, cv2.BORDER_CONSTANT, value=0.0)
        shadow = cv2.GaussianBlur(shadow, (0, 0), max(0.7, size * rng.uniform(0.03, 0.12))) * rng.uniform(0.1, 0.55)
        sx, sy = (round(v) for v in rng.normal(0, size * 0.06, 2))
        left, top = x0 - reach + sx, y0 - reach + sy
        a0, b0 = max(0, left), max(0, top)
        a1, b1 = min(width, left + shadow.shape[1]), min(height, top + shadow.shape[0])
        if a1 > a0 and b1 > b0:
            canvas[b0:b1, a0:a1] *= 1 - shadow[b0 - top : b1 - top, a0 - left : a1 - left, None]
    place[:] = place * (1 - mask[..., None]) + image * mask[..., None]
    return Box(x0, y0, x1, y1), mask


def crop_surface(rng: np.random.Generator, image: np.ndarray, side: int) -> np.ndarray:
    """A square part of a clean picture, enlarged at most half again, turned and mirrored: float32 (side, side, 3)."""
    height, width = image.shape[:2]
    least = min(1.0, side / 1.5 / min(height, width))
    size = max(8, int(min(height, width) * rng.uniform(least, 1.0)))
    y, x = int(rng.integers(0, height - size + 1)), int(rng.integers(0, width - size + 1))
    part = np.rot90(image[y : y + size, x : x + size], int(rng.integers(4)))
    if rng.random() < 0.5:
        part = part[:, ::-1]
    how = cv2.INTER_AREA if size > side else cv2.INTER_LINEAR
    return cv2.resize(np.ascontiguousarray(part), (side, side), interpolation=how).astype(np.float32)


def compose(
    materials: Materials,
    rng: np.random.Generator,
    side: int,
    *,
    lengths: tuple[int, int] = LENGTHS,
    harmless: float = HARMLESS,
    across: Sequence[int] = (1,),
) -> Composite:
    """A composite of ``side`` by ``side`` pixels (a multiple of 16), and things on it, or none.

    Args:
        harmless: see ``HARMLESS``. across: how many clean pictures may lie side by side under the things, one number drawn for each
            composite. With one, it is one surface, or two that meet.
    """
    n = int(rng.choice(across))
    if n == 1:
        canvas, surface, first = _one_ground(materials, rng, side)
    else:
        pictures = [materials.backdrop(rng) for _ in range(n * n)]
        rows = [[crop_surface(rng, pixels_of(picture), side // n) for picture in pictures[k * n : k * n + n]] for k in range(n)]
        canvas, first = np.vstack([np.hstack(row) for row in rows]), pictures[0].label
        labels = np.array([materials.index[picture.label] for picture in pictures]).reshape(n, n)
        surface = labels.repeat(side // n, 0).repeat(side // n, 1)
    density = (side / DENSITY_SIDE) ** 2
    pasted = lay_harmless(materials, rng, canvas, int(rng.poisson(harmless * density)), lengths)
    cover: dict[str, np.ndarray] = {}
    for _ in range(1 + int(rng.poisson(HARMFUL * density)) if rng.random() >= NONE_SHARE else 0):
        size = length(rng, lengths)
        label, patch = materials.contaminant(rng, size)
        x, y = rng.uniform(4, side - 4, 2)
        # Seeds, ants and the like seldom lie alone.
        for _ in range(1 if size > 40 or rng.random() < 0.7 else int(rng.integers(2, 7))):
            if placed := paste(rng, canvas, turned(rng, patch), (x, y)):
                box, mask = placed
                layer = cover.setdefault(label, np.zeros((side, side), np.float32))
                part = layer[box.y0 : box.y1, box.x0 : box.x1]
                np.maximum(part, mask, out=part)
                pasted.append(Pasted(label, visible(box, mask)))
            x, y = x + rng.normal(0, size * 1.5), y + rng.normal(0, size * 1.5)
    cells = _targets(surface, {materials.index[label]: layer for label, layer in cover.items()}, [
        (thing.box, materials.index[thing.label]) for thing in pasted if thing.label
    ])  # fmt: skip
    return Composite(np.clip(canvas, 0, 255).astype(np.uint8), first, tuple(pasted), cells)


def _one_ground(materials: Materials, rng: np.random.Generator, side: int) -> tuple[np.ndarray, np.ndarray, str]:
    """One surface or two that meet: pixels, float32 (side, side, 3); the label index of each, (side, side); and the first one's label."""
    first = materials.backdrop(rng)
    canvas = crop_surface(rng, pixels_of(first), side)
    surface = np.full((side, side), materials.index[first.label], np.int64)
    if rng.random() < 0.25:
        other = materials.backdrop(rng)
        angle, offset = rng.uniform(0, 2 * np.pi), rng.uniform(-0.3, 0.3) * side
        y, x = np.mgrid[:side, :side] - side / 2
        there = (x * np.cos(angle) + y * np.sin(angle) > offset).astype(np.float32)
        edge = cv2.GaussianBlur(there, (0, 0), rng.uniform(0.4, 1.5))[..., None]
        canvas = canvas * (1 - edge) + crop_surface(rng, pixels_of(other), side) * edge
        surface[there > 0] = materials.index[other.label]
    return canvas, surface, first.label


def length(rng: np.random.Generator, lengths: tuple[int, int]) -> int:
    """A length in pixels, drawn evenly on a logarithmic scale."""
    return round(float(np.exp(rng.uniform(np.log(lengths[0]), np.log(lengths[1])))))


def lay_harmless(
    materials: Materials, rng: np.random.Generator, canvas: np.ndarray, count: int, lengths: tuple[int, int] = LENGTHS
) -> list[Pasted]:
    """Lay harmless things anywhere on a canvas (float32, changed in place)."""
    height, width = canvas.shape[:2]
    pasted = []
    for _ in range(count):
        kind, size = int(rng.integers(len(harmless.DRAWN) + 2)), length(rng, lengths)
        patch = harmless.DRAWN[kind](rng, size) if kind < len(harmless.DRAWN) else materials.piece_of_surface(rng, size)
        if placed := paste(rng, canvas, turned(rng, patch), (rng.uniform(0, width), rng.uniform(0, height))):
            pasted.append(Pasted(None, visible(*placed)))
    return pasted


def visible(box: Box, mask: np.ndarray) -> Box:
    """The part of a box in which something pasted can be seen, by its opacity."""
    rows, columns = np.flatnonzero(mask.max(1) > 0.3), np.flatnonzero(mask.max(0) > 0.3)
    if not len(rows) or not len(columns):
        return box
    return Box(int(box.x0 + columns[0]), int(box.y0 + rows[0]), int(box.x0 + columns[-1] + 1), int(box.y0 + rows[-1] + 1))


def _targets(surface: np.ndarray, cover: dict[int, np.ndarray], things: Sequence[tuple[Box, int]]) -> np.ndarray:
    """The label of each cell: the thing that covers enough of it or has its middle there; ``IGNORED`` where less of
    a thing shows, and beside it."""
    height, width = surface.shape[0] // STRIDE, surface.shape[1] // STRIDE
    cells = surface[STRIDE // 2 :: STRIDE, STRIDE // 2 :: STRIDE][:height, :width].copy()
    if not cover:
        return cells
    shares = np.stack([
        layer[: height * STRIDE, : width * STRIDE].reshape(height, STRIDE, width, STRIDE).mean((1, 3)) for layer in cover.values()
    ])  # fmt: skip
    most = np.array(list(cover))[shares.argmax(0)]
    share = shares.max(0)
    # Cells beside a thing see it, too; to call them clean would teach the finder to doubt the thing.
    cells[cv2.dilate((share > VISIBLE).astype(np.uint8), np.ones((3, 3))) > 0] = IGNORED
    cells[share >= COVERED] = most[share >= COVERED]
    for box, label in things:
        row, column = min(height - 1, (box.y0 + box.y1) // 2 // STRIDE), min(width - 1, (box.x0 + box.x1) // 2 // STRIDE)
        if share[row, column] > VISIBLE:
            cells[row, column] = label
    return cells


def mosaic(
    pictures: Sequence[data.Picture], index: dict[str, int], rng: np.random.Generator, side: int, across: int
) -> tuple[np.ndarray, np.ndarray]:
    """Small whole pictures side by side: animals in natural surroundings at small size.

    Args:
        pictures: ``across`` ** 2 of them. side: in pixels; side / across must be a multiple of 16.

    Returns:
        uint8 (side, side, 3), and the label of each cell: of an animal only in the middle of its picture.
    """
    part = side // across
    pixels = np.empty((side, side, 3), np.uint8)
    cells = np.empty((side // STRIDE, side // STRIDE), np.int64)
    n = part // STRIDE
    for k, picture in enumerate(pictures):
        image = crop_surface(rng, pixels_of(picture), part) if not LABELS[picture.label].contaminant else cv2.resize(
            np.rot90(pixels_of(picture), int(rng.integers(4))), (part, part), interpolation=cv2.INTER_AREA
        )  # fmt: skip
        y, x = divmod(k, across)
        pixels[y * part : (y + 1) * part, x * part : (x + 1) * part] = image
        target = np.full((n, n), IGNORED, np.int64)
        edge = 0 if fills(picture.label) else max(1, n // 4)
        target[edge : n - edge, edge : n - edge] = index[picture.label]
        cells[y * n : (y + 1) * n, x * n : (x + 1) * n] = target
    return pixels, cells


def fills(label: str) -> bool:
    """Whether pictures of a label show it all over, and not just in the middle."""
    return label in MATTER or LABELS[label].group is Group.SURFACE
