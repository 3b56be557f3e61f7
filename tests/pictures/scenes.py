"""Drawn photographs: container walls, floors and doors, clean or with one of the animals in this folder laid on them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

HERE = Path(__file__).parent
ANIMALS = sorted(path.stem for path in HERE.glob("*.png"))
PAINT = {"blue": (44, 82, 130), "red": (122, 46, 38), "green": (38, 92, 74), "grey": (128, 132, 134)}


def _weathered(pixels: np.ndarray, rng: np.random.Generator) -> Image.Image:
    """Grain, and light that falls off to one side, so that the drawing is no flat colour."""
    height, width = pixels.shape[:2]
    blotches = rng.normal(0, 9, (height // 40 + 2, width // 40 + 2)).astype(np.float32)
    soft = np.asarray(Image.fromarray(blotches, "F").resize((width, height), Image.Resampling.BICUBIC))
    light = np.linspace(1.08, 0.86, width)[None, :, None]
    noisy = pixels * light + soft[..., None] + rng.normal(0, 3.5, (height, width, 1))
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def wall(width: int = 1632, height: int = 1224, paint: str = "blue", seed: int = 1) -> Image.Image:
    """The corrugated side of a container, with its number."""
    rng = np.random.default_rng(seed)
    x = np.arange(width) / width * 22
    shade = 1 + 0.22 * np.clip(np.sin(2 * np.pi * x) * 3, -1, 1)
    pixels = np.broadcast_to(np.array(PAINT[paint], np.float32), (height, width, 3)) * shade[None, :, None]
    image = _weathered(np.array(pixels), rng)
    pen = ImageDraw.Draw(image)
    pen.text((width * 0.62, height * 0.08), "CSQU 305438 3\n22G1", fill=(235, 235, 230), font=ImageFont.load_default(height / 18))
    pen.rectangle((0, height * 0.94, width, height), fill=tuple(int(c * 0.6) for c in PAINT[paint]))
    return image.filter(ImageFilter.GaussianBlur(0.8))


def floor(width: int = 1632, height: int = 1224, seed: int = 2) -> Image.Image:
    """Plywood boards with seams and grain."""
    rng = np.random.default_rng(seed)
    grain = rng.normal(0, 12, (height, 1, 1)) * np.ones((1, width, 1))
    pixels = np.array((150, 112, 72), np.float32) + grain
    for seam in np.linspace(0, height, 6)[1:-1]:
        pixels[int(seam) - 3 : int(seam) + 3] *= 0.4
    return _weathered(pixels, rng).filter(ImageFilter.GaussianBlur(0.8))


def lay(image: Image.Image, animal: str, *, x: float = 0.3, y: float = 0.5, length: int = 180, turn: int = 0) -> tuple[int, int, int, int]:
    """Lay an animal, ``length`` pixels long, with its centre at (x, y) in shares of the picture; returns its box in pixels."""
    stamp = Image.open(HERE / f"{animal}.png").convert("RGBA").rotate(turn, expand=True)
    stamp = stamp.crop(stamp.getbbox())
    scale = length / max(stamp.size)
    stamp = stamp.resize((max(1, round(stamp.width * scale)), max(1, round(stamp.height * scale))), Image.Resampling.LANCZOS)
    left, top = round(image.width * x - stamp.width / 2), round(image.height * y - stamp.height / 2)
    shadow = Image.new("L", image.size)
    shadow.paste(stamp.getchannel("A").point(lambda a: a // 2), (left + length // 30, top + length // 25))
    image.paste((20, 18, 16), mask=shadow.filter(ImageFilter.GaussianBlur(length / 40)))
    image.paste(stamp, (left, top), stamp)
    return left, top, left + stamp.width, top + stamp.height


def jpeg(image: Image.Image, *, orientation: int | None = None, quality: int = 90) -> bytes:
    """The picture as a camera would write it; ``orientation`` is the EXIF value, the pixels are written as they are."""
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, exif=exif)
    return out.getvalue()
