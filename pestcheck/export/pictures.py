"""The photographs of an inspection as a printed record shows them: small, upright, without what their files say of place and device."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from PIL import Image

from pestcheck.photo import PhotoError, open_photo
from pestcheck.records import PhotographView
from pestcheck.store.tables import Finding

log = logging.getLogger(__name__)

SIDE, SHARP, THUMB = 800, 1800, 200
"""Pixels: the longer side of a photograph in the annex (235 dpi as printed), of one that small findings are cut out of, and of what is cut out."""
AROUND = 0.4
"""Of the longer side of a box, what is shown around it."""
QUALITY = 80


@dataclass(frozen=True, slots=True)
class Shown:
    """A photograph as JPEG, and cut out of it each finding by its id; "" says why it cannot be shown."""

    item: PhotographView
    jpeg: bytes = b""
    thumbs: dict[str, bytes] = field(default_factory=dict)
    gone: str = ""


def shown(items: tuple[PhotographView, ...], photograph: Callable[[str], bytes], wanted: Callable[[Finding], bool]) -> Iterator[Shown]:
    """One after the other; only one is in memory whole.

    Args:
        photograph: bytes by the SHA-256 of the original. wanted: whether a finding is to be cut out.
    """
    for item in items:
        cut = [one for one in item.findings if wanted(one)]
        try:
            _, image = open_photo(photograph(item.view.sha256), _needed(item, cut))
        except PhotoError as error:
            log.warning("photograph %s: %s", item.view.sha256, error)
            yield Shown(item, gone="damaged")
            continue
        except (OSError, ValueError) as error:
            log.warning("photograph %s: %s", item.view.sha256, error)
            yield Shown(item, gone="missing")
            continue
        scale = image.width / item.photograph.width
        thumbs = {one.id: _jpeg(image.crop(_around(one.box, image.size, scale)), THUMB) for one in cut}
        yield Shown(item, _jpeg(image, SIDE), thumbs)


def _needed(item: PhotographView, cut: list[Finding]) -> int:
    """Longer side in pixels that the photograph is read at: a small one is read several times faster."""
    size = item.photograph.width, item.photograph.height
    squares = [_around(one.box, size) for one in cut]
    return min(SHARP, max([SIDE, *(THUMB * max(size) // max(1, x1 - x0) for x0, _, x1, _ in squares)]))


def _around(box: Sequence[float] | None, size: tuple[int, int], scale: float = 1.0) -> tuple[int, int, int, int]:
    """A square with a box in its middle, moved to lie within the picture; the middle of the picture where there is no box.

    Args:
        size: of the picture in pixels. scale: how much smaller than the box's own the picture is.
    """
    x0, y0, x1, y1 = (edge * scale for edge in box) if box else (0, 0, *size)
    side = min(max(x1 - x0, y1 - y0) * (1 + (AROUND if box else 0)) + (8 if box else 0), *size)
    left = min(max(0.0, (x0 + x1 - side) / 2), size[0] - side)
    top = min(max(0.0, (y0 + y1 - side) / 2), size[1] - side)
    return round(left), round(top), round(left + side), round(top + side)


def _jpeg(image: Image.Image, side: int) -> bytes:
    """At most a tenth longer than ``side``: taking the mean of squares is five times faster than to resize, which that often saves."""
    image = image.reduce(max(1, max(image.size) // side))
    if (longest := max(image.size)) > 1.1 * side:
        size = max(1, image.width * side // longest), max(1, image.height * side // longest)
        image = image.resize(size, Image.Resampling.BILINEAR)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()
