"""Container numbers and ISPM 15 marks painted on steel and wood, as a camera may find them: turned, worn, blurred, from the side.

All of it follows from one seed, so that a rate can be measured again. How hard the pictures are was fixed before the reader was built:
whoever looks at them can read them, most of them easily. Letters and digits are drawn at random, so no list of owners helps.
"""

from __future__ import annotations

import csv
import io
import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from pestcheck.inspection.identifiers import check_digit
from tests.pictures import scenes

FONTS = (
    "opentype/allerta/allerta_stencil.otf",
    "opentype/allerta/allerta_medium.otf",
    "truetype/liberation/LiberationSans-Bold.ttf",
    "truetype/liberation/LiberationSansNarrow-Bold.ttf",
    "truetype/dejavu/DejaVuSans-Bold.ttf",
    "truetype/dejavu/DejaVuSansMono-Bold.ttf",
)
"""Of the Debian packages fonts-allerta, fonts-liberation and fonts-dejavu-core."""
FOLDER = Path("/usr/share/fonts")
STEEL = (
    ("bulged/51ef7efc44c3.webp", (0.25, 0.25, 1, 0.85)),
    ("bulged/56d29f1f1a86.webp", (0.1, 0.45, 0.75, 0.75)),
    ("cut/047a330173b3.webp", (0.3, 0.2, 1, 0.95)),
    ("cut/1ea9015d29b0.webp", (0, 0.05, 0.9, 0.5)),
    ("cut/2dde1b922199.webp", (0, 0.05, 1, 0.55)),
    ("cut/045f4a20f8a3.webp", (0.05, 0.5, 0.95, 0.98)),
    ("dented/1f62136cc6b0.webp", (0.05, 0.1, 0.9, 0.85)),
    ("dented/290c77494459.webp", (0.2, 0.3, 0.65, 0.8)),
    ("dented/5bbeead2ca01.webp", (0, 0.1, 0.7, 0.7)),
    ("dented/7b54f4e58de8.webp", (0, 0.1, 0.6, 0.9)),
    ("dented/7ba168b54766.webp", (0.05, 0.3, 0.6, 0.8)),
    ("cut/434313060ef5.webp", (0.15, 0.35, 0.95, 0.75)),
    ("cut/552677913eae.webp", (0, 0.3, 0.75, 0.75)),
    ("bulged/3cef99fecbee.webp", (0.1, 0.4, 0.6, 0.75)),
    ("dented/1cf72206bae9.webp", (0.5, 0.05, 1, 0.6)),
    ("dented/420974aa86ff.webp", (0.1, 0.2, 0.85, 0.6)),
    ("dented/85ba5af18baa.webp", (0.1, 0.15, 0.6, 0.9)),
    ("dented/7dd157471a85.webp", (0.3, 0.3, 1, 0.9)),
    ("cut/70a4252c5b4a.webp", (0.1, 0.1, 0.9, 0.9)),
)
"""Pictures of container walls in the shared data, and the part of each (left, top, right, bottom in shares) that has no writing."""
STEEL_FOLDER = "images/ContainerDamageDetector__detector-models"
COUNTRIES = ("US", "CN", "DE", "PL", "VN", "IN", "BR", "IT", "TR", "MX", "TH", "ID", "LV", "ZA", "CA", "FR")
LAYOUTS = {"one line": 45, "two lines": 25, "stacked": 20, "turned": 10}
"""How container numbers stand, and how many of a hundred: side by side, the owner's letters above, one letter below the other,
and the whole line along the edge of the box."""


@dataclass(frozen=True, slots=True)
class Stencil:
    """A picture and what is written on it. ``layout``: a key of ``LAYOUTS``, or "mark"."""

    image: Image.Image
    text: str
    layout: str

    def jpeg(self) -> bytes:
        """As a file; the quality, 55 to 90, follows from the text."""
        out = io.BytesIO()
        self.image.save(out, "JPEG", quality=random.Random(self.text).randint(55, 90))
        return out.getvalue()


def missing_fonts() -> list[str]:
    """Fonts that are not installed."""
    return [name for name in FONTS if not (FOLDER / name).is_file()]


def number(rng: random.Random) -> str:
    """A container number with the right check digit."""
    first = "".join(rng.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=3)) + rng.choices("UJZ", (90, 5, 5))[0] + f"{rng.randrange(10**6):06}"
    return first + str(check_digit(first))


def container(seed: int, data: Path | None = None) -> Stencil:
    """A container number on steel; on real steel if ``data``, the folder of the shared pictures, is given."""
    rng = random.Random(f"container {seed}")
    text, layout = number(rng), rng.choices(list(LAYOUTS), LAYOUTS.values())[0]
    size = rng.randint(26, 64)
    writing = _number(text, layout, rng, _font(rng, size), rng.random() < 0.7)
    return Stencil(_photograph(writing, _steel(rng, data), rng, size, dark_only=False), text, layout)


def mark(seed: int, data: Path | None = None) -> Stencil:
    """An ISPM 15 mark on wood; on real wood if ``data`` is given. ``text``: country-producer treatment."""
    rng = random.Random(f"mark {seed}")
    country, treatment = rng.choice(COUNTRIES), rng.choices(("HT", "MB", "DH"), (80, 15, 5))[0]
    producer = f"{rng.randrange(10 ** rng.randint(3, 6)):03}"
    if rng.random() < 0.25:
        producer = f"{''.join(rng.choices('ABCDEFGHIKLMNPRSTVWXYZ', k=2))}-{producer}"
    size = rng.randint(26, 56)
    writing = _mark(country, producer, treatment, rng, _font(rng, size))
    return Stencil(_photograph(writing, _wood(rng, data), rng, size, dark_only=True), f"{country}-{producer} {treatment}", "mark")


def _font(rng: random.Random, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FOLDER / rng.choice(FONTS)), size)


def _number(text: str, layout: str, rng: random.Random, font: ImageFont.FreeTypeFont, boxed: bool) -> Image.Image:
    """What is painted, 255 where there is paint."""
    height = font.size
    gap = rng.uniform(0.3, 0.9) * height  # between owner, serial and check digit
    spread = rng.uniform(0.02, 0.12) * height  # between characters
    canvas = Image.new("L", (int(height * 16), int(height * 16)))
    pen = ImageDraw.Draw(canvas)
    x = y = float(height)
    left = x
    for place, character in enumerate(text):
        if place == 4 and layout == "two lines":
            x, y = left, y + height * 1.25
        elif place in (4, 10):
            x, y = (x, y + gap) if layout == "stacked" else (x + gap, y)
        x0, y0, x1, y1 = pen.textbbox((x, y), character, font=font)
        if layout == "stacked":  # each below the last, in the middle of the column
            pen.text((x - (x1 - x0) / 2, y), character, font=font, fill=255)
            box = (x - (x1 - x0) / 2 + x0 - x, y0, x + (x1 - x0) / 2 + x0 - x, y1)
            y += height * 0.95 + spread
        else:
            pen.text((x, y), character, font=font, fill=255)
            box = (x0, y0, x1, y1)
            x += pen.textlength(character, font=font) + spread
        if place == 10 and boxed:
            margin = height * 0.12
            pen.rectangle((box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin), outline=255, width=max(2, int(height / 18)))
    writing = canvas.crop(canvas.getbbox())
    return writing.transpose(rng.choice((Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270))) if layout == "turned" else writing


def _mark(country: str, producer: str, treatment: str, rng: random.Random, font: ImageFont.FreeTypeFont) -> Image.Image:
    """Border, a symbol with an ear of wheat left of a line, the codes right of it."""
    height = font.size
    lines = rng.choice(([f"{country}-{producer}", treatment], [f"{country}-{producer} {treatment}"], [country + "-", producer, treatment]))
    if len(lines) == 3:
        lines = [f"{country} - {producer}", treatment]
    width = max(font.getlength(line) for line in lines)
    inner = height * 1.35 * max(2, len(lines))
    symbol = inner * 0.8
    canvas = Image.new("L", (int(symbol + width + height * 3), int(inner + height)))
    pen, stroke = ImageDraw.Draw(canvas), max(2, height // 14)
    pen.rectangle((stroke, stroke, canvas.width - stroke - 1, canvas.height - stroke - 1), outline=255, width=stroke)
    bar = symbol + height * 0.8
    pen.line((bar, stroke, bar, canvas.height - stroke), fill=255, width=stroke)
    middle, top, bottom = bar / 2, height * 0.5, canvas.height - height * 0.5
    pen.line((middle, top, middle, bottom), fill=255, width=stroke)
    for step in np.linspace(top, (top + bottom) / 2, 5):  # grains of the ear
        for side in (-1, 1):
            pen.ellipse(
                (middle + side * symbol * 0.16 - symbol * 0.08, step, middle + side * symbol * 0.16 + symbol * 0.08, step + symbol * 0.09),
                fill=255,
            )
    y = (canvas.height - height * 1.35 * len(lines)) / 2
    for line in lines:
        pen.text((bar + height * 0.6 + (width - font.getlength(line)) / 2, y), line, font=font, fill=255)
        y += height * 1.35
    return canvas


def _photograph(writing: Image.Image, surface: Image.Image, rng: random.Random, size: int, *, dark_only: bool) -> Image.Image:
    """Paint the writing on the surface, let it wear, and take a picture of it."""
    noise = np.random.default_rng(rng.getrandbits(32))
    margin = rng.uniform(0.6, 2.5) * size
    width, height = int(writing.width + 2 * margin), int(writing.height + 2 * margin)
    width, height = max(width, int(size * 8)), max(height, int(size * 6))
    scale = max(width / surface.width, height / surface.height)
    back = surface.resize((int(surface.width * scale) + 1, int(surface.height * scale) + 1), Image.Resampling.BICUBIC).crop(
        (0, 0, width, height)
    )
    ink = Image.new("L", (width, height))
    ink.paste(
        writing,
        (rng.randint(int(size * 0.4), max(int(size * 0.4), width - writing.width - int(size * 0.4))), (height - writing.height) // 2),
    )
    ink = _worn(ink, rng, noise, size)
    pixels = np.asarray(back, np.float32)
    bright = pixels[np.asarray(ink) > 128].mean() if np.asarray(ink).max() > 128 else pixels.mean()
    light = bright < 75 if dark_only else bright < 110 or (bright < 150 and rng.random() < 0.5)
    paint = np.array(
        rng.choice(((238, 238, 232), (226, 222, 205), (244, 214, 90))) if light else rng.choice(((24, 24, 26), (40, 32, 28), (20, 26, 52))),
        np.float32,
    )
    cover = np.asarray(ink, np.float32)[..., None] / 255 * rng.uniform(0.75, 0.95)
    grain = pixels / max(pixels.mean(), 1)  # what is painted keeps some of the relief below
    image = Image.fromarray(np.clip(pixels * (1 - cover) + paint * (0.7 + 0.3 * grain) * cover, 0, 255).astype(np.uint8))
    image = _from_the_side(image, rng)
    image = image.rotate(rng.uniform(-10, 10), Image.Resampling.BICUBIC, expand=True, fillcolor=tuple(int(c) for c in pixels.mean((0, 1))))
    if rng.random() < 0.25:  # the camera held on its side or upside down
        image = image.transpose(rng.choice((Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)))
    if rng.random() < 0.3:
        image = _shaken(image, rng, size)
    image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0, 1.8) * size / 40))
    lit = np.asarray(image, np.float32) * rng.uniform(0.55, 1.15) * np.linspace(rng.uniform(0.75, 1.1), 1, image.width)[None, :, None]
    return Image.fromarray(np.clip(lit + noise.normal(0, rng.uniform(2, 8), lit.shape), 0, 255).astype(np.uint8))


def _worn(ink: Image.Image, rng: random.Random, noise: np.random.Generator, size: int) -> Image.Image:
    """Patches of up to a tenth of the paint gone, and scratches through it."""
    rough = noise.normal(0, 1, (ink.height // max(2, size // 6) + 2, ink.width // max(2, size // 6) + 2)).astype(np.float32)
    field = np.asarray(Image.fromarray(rough, "F").resize(ink.size, Image.Resampling.BICUBIC))
    gone = field > np.quantile(field, 1 - rng.uniform(0, 0.1))
    kept = Image.fromarray(np.where(gone, 0, np.asarray(ink)).astype(np.uint8))
    pen = ImageDraw.Draw(kept)
    for _ in range(rng.randint(0, 4)):
        start = (rng.uniform(0, ink.width), rng.uniform(0, ink.height))
        pen.line(
            (*start, start[0] + rng.uniform(-6, 6) * size, start[1] + rng.uniform(-3, 3) * size),
            fill=0,
            width=max(1, size // rng.randint(12, 30)),
        )
    return kept.filter(ImageFilter.GaussianBlur(size / 90))


def _from_the_side(image: Image.Image, rng: random.Random) -> Image.Image:
    """Corners moved inwards by up to 6 % of the sides."""
    width, height = image.size
    moved = [(rng.uniform(0, 0.06), rng.uniform(0, 0.06)) for _ in range(4)]
    corners = [
        (0 - moved[0][0], 0 - moved[0][1]),
        (1 + moved[1][0], 0 - moved[1][1]),
        (1 + moved[2][0], 1 + moved[2][1]),
        (0 - moved[3][0], 1 + moved[3][1]),
    ]
    rows, values = [], []
    for (u, v), (x, y) in zip([(0, 0), (1, 0), (1, 1), (0, 1)], corners, strict=True):
        u, v, x, y = u * width, v * height, x * width, y * height
        rows += [[u, v, 1, 0, 0, 0, -x * u, -x * v], [0, 0, 0, u, v, 1, -y * u, -y * v]]
        values += [x, y]
    fill = tuple(int(c) for c in np.asarray(image).mean((0, 1)))
    return image.transform(
        image.size, Image.Transform.PERSPECTIVE, tuple(np.linalg.solve(rows, values)), Image.Resampling.BICUBIC, fillcolor=fill
    )


def _shaken(image: Image.Image, rng: random.Random, size: int) -> Image.Image:
    """Blurred along a line of up to a tenth of the height of a letter."""
    length, slope = rng.uniform(0, 0.1) * size, rng.uniform(-1, 1)
    steps = np.linspace(-length / 2, length / 2, 7)
    moved = [
        np.asarray(image.transform(image.size, Image.Transform.AFFINE, (1, 0, s, 0, 1, s * slope), Image.Resampling.BILINEAR), np.float32)
        for s in steps
    ]
    return Image.fromarray(np.mean(moved, axis=0).astype(np.uint8))


def _steel(rng: random.Random, data: Path | None) -> Image.Image:
    if data is None:
        return scenes.wall(paint=rng.choice(list(scenes.PAINT)), seed=rng.randrange(1000)).crop((0, 200, 900, 1100))
    path, (x0, y0, x1, y1) = rng.choice(STEEL)
    return _mirrored(Image.open(data / STEEL_FOLDER / path), (x0, y0, x1, y1), rng)


def _wood(rng: random.Random, data: Path | None) -> Image.Image:
    if data is None:
        return scenes.floor(seed=rng.randrange(1000)).crop((0, 0, 1200, 900))
    return _mirrored(Image.open(data / rng.choice(_wood_pictures(data))), (0, 0, 1, 1), rng)


@cache
def _wood_pictures(data: Path) -> list[str]:
    with (data / "manifest.csv").open(encoding="utf-8") as file:
        return sorted(row["path"] for row in csv.DictReader(file) if row["label"] == "clean_wood" and row["source_class"] == "wood")


def _mirrored(image: Image.Image, box: tuple[float, float, float, float], rng: random.Random) -> Image.Image:
    x0, y0, x1, y1 = box
    part = image.convert("RGB").crop((int(image.width * x0), int(image.height * y0), int(image.width * x1), int(image.height * y1)))
    return part.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else part
