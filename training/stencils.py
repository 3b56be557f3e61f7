"""Lines of worn stencilled writing, made up on the fly: what ``training.lines`` learns to read."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from pestcheck.vision.lines import ALPHABET, HEIGHT, STEP, STRETCH

LETTERS, DIGITS = ALPHABET[:26], ALPHABET[26:36]
WIDTHS = (160, 224, 320)
"""Strips of a batch are of one width, in pixels; a line that is longer is left out, a shorter one stands somewhere in it."""
UNLIKE = ("thin", "light", "hairline", "italic", "oblique", "outline", "symbol", "smallcaps", "d050000l", "[", "kaffeesatz-regular", "noto")
"""What the names of fonts say that no stencil looks like: faint, slanted, hollow or of other signs; "[": several in one file; Noto: hundreds
of one look, one for each script."""
NONE = -1
"""Of steps between the middle of a character and the gap after it: either is right there."""


@cache
def fonts(folder: Path) -> tuple[Path, ...]:
    """Fonts with all letters, in folders below one.

    Raises:
        FileNotFoundError: there is none.
    """
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".ttf", ".otf"))
    found = [path for path in found if not any(word in path.name.lower() for word in UNLIKE)]
    usable = [path for path in found if _writes(path)]
    if not usable:
        raise FileNotFoundError(f"{folder} has no font (.ttf, .otf) with letters and digits")
    return tuple(usable)


def _writes(path: Path) -> bool:
    try:
        font = ImageFont.truetype(str(path), 24)
    except OSError:
        return False
    return len({font.getmask(character).getbbox() and bytes(font.getmask(character)) for character in LETTERS + DIGITS}) == 36


class Lines(torch.utils.data.IterableDataset[tuple[torch.Tensor, torch.Tensor]]):
    """Batches without end: strips, float32 (n, 1, HEIGHT, width), 0 to 1, and what stands at each step, int64 (n, width / STEP): 0
    nothing, 1 and up a letter of ``ALPHABET``, ``NONE`` either."""

    def __init__(self, surfaces: list[Path], written: tuple[Path, ...], batch: int, seed: int) -> None:
        self.surfaces, self.written, self.batch, self.seed = surfaces, written, batch, seed

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        worker = torch.utils.data.get_worker_info()
        rng = random.Random(f"{self.seed} {worker.id if worker else 0}")
        waiting: dict[int, list[tuple[NDArray[np.uint8], NDArray[np.int64]]]] = {width: [] for width in WIDTHS}
        while True:
            strip, steps = line(rng, self.surfaces, self.written)
            width = next((width for width in WIDTHS if strip.shape[1] <= width), 0)
            if not width:
                continue
            waiting[width].append(_placed(strip, steps, width, rng))
            if len(waiting[width]) == self.batch:
                strips, targets = (np.stack(part) for part in zip(*waiting[width], strict=True))
                yield torch.from_numpy(strips[:, None].astype(np.float32) / 255), torch.from_numpy(targets)
                waiting[width] = []


def _placed(
    strip: NDArray[np.uint8], steps: NDArray[np.int64], width: int, rng: random.Random
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    before = STEP * rng.randint(0, (width - strip.shape[1]) // STEP)
    after = width - strip.shape[1] - before
    padded = np.pad(strip, ((0, 0), (before, after)), mode="reflect" if max(before, after) < strip.shape[1] else "edge")
    return padded, np.pad(steps, (before // STEP, after // STEP))


def words(rng: random.Random) -> str:
    """What a line may say: a producer's code, a treatment, both, or anything else, spaces as they are painted."""
    letters = "".join(rng.choices(LETTERS, k=2))
    number = "".join(rng.choices(DIGITS, k=rng.randint(3, 6)))
    producer = number if rng.random() < 0.6 else f"{''.join(rng.choices(LETTERS, k=rng.randint(1, 3)))}{rng.choice(('-', '', '-'))}{number}"
    treatment = rng.choice(("HT", "MB", "HT", "DH", "SF", "KD", "DB", "".join(rng.choices(LETTERS, k=2))))
    between = rng.choice(("-", " - ", "-", "- "))
    kind = rng.random()
    if kind < 0.5:
        return f"{letters}{between}{producer}"
    if kind < 0.7:
        return f"{letters}{between}{producer}{rng.choice((' ', '  ', '-', ' - '))}{treatment}"
    if kind < 0.85:
        return treatment if rng.random() < 0.7 else f"{treatment}{rng.choice((' ', '-', '/'))}{rng.choice(('KD', 'DB', 'HT'))}"
    return "".join(rng.choices(LETTERS + 3 * DIGITS, k=rng.randint(3, 8)))


def line(rng: random.Random, surfaces: list[Path], written: tuple[Path, ...]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """One line as the reader cuts it from a photograph.

    Returns:
        Grey strip, uint8 (HEIGHT, width), and its steps, int64 (width / STEP,), as of ``Lines``.
    """
    noise = np.random.default_rng(rng.getrandbits(32))
    size = rng.choice((22, 26, 30, 36, 42, 48))
    text = words(rng)
    ink, middles = _painted(text, _font(rng.choice(written), size), rng, size)
    ink = _worn(ink, rng, noise, size)
    image = _on(ink, _surface(rng.choice(surfaces), ink.size, rng), rng)
    turn = np.tan(np.radians(rng.gauss(0, 1.5)))
    slant = rng.gauss(0, 0.06)
    centre = (ink.width / 2, ink.height / 2)
    # x' = x + slant * (y - cy), y' = y + turn * (x - cx): the line no longer quite level, its letters no longer upright.
    image = image.transform(
        image.size, Image.Transform.AFFINE, (1, slant, -slant * centre[1], turn, 1, -turn * centre[0]), Image.Resampling.BICUBIC
    )
    if rng.random() < 0.3:
        image = _shaken(image, rng.uniform(0, 0.14) * size, rng.uniform(-1, 1))
    image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0, 2.0) * size / 40))
    # The box of a detector: letters fill from half of the strip to nearly all of it.
    tall = size * rng.uniform(0.78, 1.5)
    top = centre[1] + rng.gauss(0, 0.06) * size - tall / 2
    left, right = middles[0] - size * rng.uniform(0.4, 1.3), middles[-1] + size * rng.uniform(0.4, 1.3)
    if rng.random() < 0.1:  # of a longer line
        left -= size * rng.uniform(0, 2)
    scale = HEIGHT / tall
    width = max(STEP * 4, round((right - left) * scale * STRETCH * rng.uniform(0.85, 1.2) / STEP) * STEP)
    box = (max(0.0, left), max(0.0, top), min(float(image.width), right), min(float(image.height), top + tall))
    strip = image.resize((width, HEIGHT), Image.Resampling.BICUBIC, box)
    pixels = np.asarray(strip, np.float32) * rng.uniform(0.5, 1.15) * np.linspace(rng.uniform(0.75, 1.25), 1, width)
    pixels = np.clip(pixels + noise.normal(0, rng.uniform(1, 9), pixels.shape), 0, 255)
    at = [(x - box[0]) / (box[2] - box[0]) * width for x in middles]
    return pixels.astype(np.uint8), _steps(text.replace(" ", ""), at, width)


def _steps(text: str, at: list[float], width: int) -> NDArray[np.int64]:
    """Nothing before, after and half way between letters, the letter at its middle, and ``NONE`` elsewhere."""
    steps = np.full(width // STEP, NONE, np.int64)
    pitch = (at[-1] - at[0]) / max(1, len(at) - 1) if len(at) > 1 else STEP * 4
    steps[: max(0, int((at[0] - 0.8 * pitch) / STEP))] = 0
    steps[int((at[-1] + 0.8 * pitch) / STEP) + 1 :] = 0
    for one, two in pairwise(at):
        steps[min(len(steps) - 1, int((one + two) / 2 / STEP))] = 0
    for character, x in zip(text, at, strict=True):
        steps[min(len(steps) - 1, max(0, int(x / STEP)))] = 1 + ALPHABET.index(character)
    return steps


@cache
def _font(path: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(path), size)


def _painted(text: str, font: ImageFont.FreeTypeFont, rng: random.Random, size: int) -> tuple[Image.Image, list[float]]:
    """Paint, 255 where there is some, and the middle of each character that is no space."""
    spread = rng.choice((0, 0, rng.uniform(0, 0.15))) * size
    margin = 2 * size
    canvas = Image.new("L", (int(font.getlength(text) + (spread + 1) * len(text) + 2 * margin), 3 * size))
    pen, x, middles = ImageDraw.Draw(canvas), float(margin), []
    y0, y1 = font.getbbox("H0")[1::2]
    y = canvas.height / 2 - (y0 + y1) / 2
    for character in text:
        if character != " ":
            pen.text((x, y), character, font=font, fill=255)
            box = pen.textbbox((x, y), character, font=font)
            middles.append((box[0] + box[2]) / 2)
        x += font.getlength(character) + spread
    if rng.random() < 0.15:  # bridges of a stencil
        for middle in middles:
            if rng.random() < 0.7:
                wide, at = max(1, size // 18), middle + rng.uniform(-0.08, 0.08) * size
                pen.rectangle((at - wide / 2, 0, at + wide / 2, canvas.height), fill=0)
    thick = max(2, size // rng.randint(10, 18))
    for chance, where in ((0.3, canvas.height / 2 - size * rng.uniform(0.7, 1)), (0.3, canvas.height / 2 + size * rng.uniform(0.7, 1))):
        if rng.random() < chance:  # the border, or the next line
            pen.rectangle((0, where - thick / 2, canvas.width, where + thick / 2), fill=255)
    for beside in (middles[0] - size * rng.uniform(0.8, 1.3), middles[-1] + size * rng.uniform(0.8, 1.3)):
        if rng.random() < 0.3:
            pen.rectangle((beside - thick / 2, 0, beside + thick / 2, canvas.height), fill=255)
    return canvas, middles


def _worn(ink: Image.Image, rng: random.Random, noise: np.random.Generator, size: int) -> Image.Image:
    """Patches of the paint gone, scratches through it, its edge soft."""
    gone = rng.choice((0.0, rng.uniform(0, 0.12), rng.uniform(0, 0.12), rng.uniform(0, 0.2)))
    kept = np.asarray(ink)
    if gone:
        grain = max(2, int(size / rng.uniform(3, 9)))
        rough = noise.normal(0, 1, (ink.height // grain + 2, ink.width // grain + 2)).astype(np.float32)
        field = np.asarray(Image.fromarray(rough).resize(ink.size, Image.Resampling.BICUBIC))
        kept = np.where(field > np.quantile(field, 1 - gone), np.uint8(0), kept)
    worn = Image.fromarray(kept)
    pen = ImageDraw.Draw(worn)
    for _ in range(rng.choice((0, 0, 1, 2, 3))):
        x, y, slope = rng.uniform(0, ink.width), rng.uniform(size, 2 * size), rng.choice((rng.gauss(0, 0.3), rng.gauss(0, 3)))
        wide = max(1, size // rng.randint(10, 30))
        pen.line((x - 6 * size, y - 6 * size * slope, x + 6 * size, y + 6 * size * slope), fill=0, width=wide)
    return worn.filter(ImageFilter.GaussianBlur(size / rng.uniform(60, 130)))


@cache
def _opened(path: Path) -> Image.Image:
    image = Image.open(path).convert("RGB")
    image.thumbnail((512, 512))
    return image


def _surface(path: Path, size: tuple[int, int], rng: random.Random) -> Image.Image:
    """Part of a picture, in grey or its red, at the size asked for."""
    image = _opened(path).getchannel(0) if rng.random() < 0.5 else _opened(path).convert("L")
    high = rng.uniform(0.25, 1) * min(image.height, image.width * size[1] / size[0])
    wide = high * size[0] / size[1]
    x, y = rng.uniform(0, image.width - wide), rng.uniform(0, image.height - high)
    if rng.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return image.resize(size, Image.Resampling.BILINEAR, (x, y, x + wide, y + high))


def _on(ink: Image.Image, surface: Image.Image, rng: random.Random) -> Image.Image:
    pixels = np.asarray(surface, np.float32)
    mean, rough = float(pixels.mean()), float(pixels.std())
    # Not rougher than what can be read by eye, and as bright as wood is in shade or sun.
    pixels = (pixels - mean) * min(1.0, rng.uniform(8, 35) / max(1.0, rough))
    mean = max(1.0, mean if rng.random() < 0.5 else rng.uniform(60, 220))
    pixels = np.clip(pixels + mean, 0, 255)
    paint = rng.uniform(10, min(60.0, 0.6 * mean)) if mean > rng.uniform(60, 110) else rng.uniform(mean + 80, 245)
    cover = np.asarray(ink, np.float32) / 255 * rng.uniform(0.65, 0.97)
    painted = pixels * (1 - cover) + paint * (0.7 + 0.3 * pixels / mean) * cover
    return Image.fromarray(np.clip(painted, 0, 255).astype(np.uint8))


def _shaken(image: Image.Image, length: float, slope: float) -> Image.Image:
    moved = [
        np.asarray(image.transform(image.size, Image.Transform.AFFINE, (1, 0, s, 0, 1, s * slope), Image.Resampling.BILINEAR), np.float32)
        for s in np.linspace(-length / 2, length / 2, 5)
    ]
    return Image.fromarray(np.mean(moved, axis=0).astype(np.uint8))
