"""Findings and the finder's heat map drawn on the photograph, for the eye."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pestcheck.vision.scan import Report

LINE = (255, 64, 0)
HEAT = (255, 0, 160)
MOST_HEAT = 0.55
"""Opacity of the heat map where the finder is certain."""


def heat(report: Report, image: Image.Image) -> Image.Image:
    """A copy of the upright ``image``, the more purple the surer the finder is of contamination, at whichever magnification."""
    result = image.copy()
    if report.maps:
        layers = [
            np.asarray(Image.fromarray(level.chance.astype(np.float32)).resize(image.size, Image.Resampling.BILINEAR))
            for level in report.maps
        ]
        mask = Image.fromarray((np.maximum.reduce(layers) * MOST_HEAT * 255).clip(0, 255).astype(np.uint8))
        result.paste(HEAT, (0, 0), mask)
    return result


def draw(report: Report, image: Image.Image) -> Image.Image:
    """A copy of the upright ``image`` with the heat map, and each finding's box, label and probability."""
    result = heat(report, image)
    pen = ImageDraw.Draw(result)
    scale = image.width / report.photo.width
    width = max(2, round(max(image.size) / 300))
    font = ImageFont.load_default(max(11, round(max(image.size) / 55)))
    for finding in reversed(report.findings):
        x0, y0, x1, y1 = (round(edge * scale) for edge in finding.box)
        pen.rectangle((x0, y0, x1 - 1, y1 - 1), outline=LINE, width=width)
        text = f" {finding.label} {finding.probability:.0%} "
        left, _, right, bottom = pen.textbbox((0, 0), text, font=font)
        x, y = min(x0, max(0, result.width - int(right))), max(0, y0 - int(bottom) - width)
        pen.rectangle((x, y, x + int(right - left), y + int(bottom) + width), fill=LINE)
        pen.text((x, y), text, fill=(0, 0, 0), font=font)
    return result
