"""Findings drawn on the photograph, for the eye."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont

from pestcheck.vision.scan import Report

LINE = (255, 64, 0)


def draw(report: Report, image: Image.Image) -> Image.Image:
    """A copy of the upright ``image`` with each finding's box, label and probability."""
    result = image.copy()
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
