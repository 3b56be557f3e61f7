"""From the bytes of a file to an upright photograph, and whether it can be judged at all."""

from __future__ import annotations

import hashlib
import io
import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageFile

MEDIA_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "HEIF": "image/heic"}
MAX_BYTES = 100 * 2**20
MAX_PIXELS = 100_000_000
"""Beyond any phone or tablet camera in use; a larger picture would not fit the memory of a depot computer."""
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_90,
}  # fmt: skip
"""What turns a picture upright, by its EXIF orientation; from 5 on, width and height change places."""

DARK = 18.0
"""Mean brightness (0 to 255) below which a photograph is too dark: as 24 of our 12,414 labelled pictures are."""
BLURRED = 12.0
"""Sharpness below which a photograph shows next to no edges: as 6 of our 12,414 labelled pictures are."""
SMALL = 32
"""Shorter side in pixels below which nothing can be told."""
SHARPNESS_SIDE = 640
MAX_CAMERA = 80


class PhotoError(ValueError):
    """A file that is no readable photograph; the message says what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Quality:
    """Whether a photograph can be judged.

    ``brightness``: mean grey value, 0 to 255. ``sharpness``: variance of the Laplacian of the grey picture at no more
    than 640 pixels on its longer side. ``problems``: sentences for the person; empty when the photograph is usable.
    """

    brightness: float
    sharpness: float
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Photo:
    """What a file says of its photograph. Width and height in pixels, upright (EXIF orientation applied).

    ``taken_at`` is the camera's own clock in ISO 8601, with its offset where the camera recorded one;
    latitude and longitude in degrees (WGS 84). ``camera``: maker and model of the device, as it names itself.
    """

    sha256: str
    media_type: str
    size: int
    width: int
    height: int
    taken_at: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    camera: str | None = None


def announced(data: bytes) -> tuple[str, ImageFile.ImageFile]:
    """What a file says it is, before its pixels are decoded.

    Returns:
        Its media type, and the picture as it lies in the file, not yet loaded.

    Raises:
        PhotoError: empty, too large, or not an image of the kinds that ``open_photo`` takes.
    """
    if not data:
        raise PhotoError("the file is empty; send it again")
    if len(data) > MAX_BYTES:
        raise PhotoError(f"the file has {len(data) / 2**20:.0f} MB; the limit is {MAX_BYTES // 2**20} MB")
    _register_heic()
    try:
        image = Image.open(io.BytesIO(data), formats=tuple(MEDIA_TYPES))
    except Image.DecompressionBombError as error:
        raise PhotoError(f"the picture is too large; the limit is {MAX_PIXELS // 10**6} megapixels") from error
    except Exception as error:  # the decoders report a broken header as nearly anything, libheif as RuntimeError
        raise PhotoError("this is not a JPEG, PNG, WebP or HEIC photograph, or its beginning is damaged") from error
    if image.width * image.height > MAX_PIXELS:
        raise PhotoError(f"the picture has {image.width * image.height / 1e6:.0f} megapixels; the limit is {MAX_PIXELS // 10**6}")
    image.decodermaxblock = len(data)  # all at once: a JPEG's decoder that waits for more goes back a row each time
    kind = "JPEG" if image.format == "MPO" else image.format or ""  # MPO: a JPEG with a second one behind it, as some telephones write
    return MEDIA_TYPES[kind], image


def open_photo(data: bytes, least_side: int | None = None) -> tuple[Photo, Image.Image]:
    """Decode a photograph and turn it upright. The bytes are only read, never changed.

    Args:
        data: the file as it is. JPEG, PNG, WebP or HEIC.
        least_side: the longer side, in pixels, that the caller needs; a JPEG is then decoded at a half, quarter or eighth
            of its size where that still suffices, which is several times faster. None: full size.

    Returns:
        What the file says of the photograph, and its pixels as an upright RGB image of the full or a reduced size.

    Raises:
        PhotoError: empty, too large, not an image of these kinds, or broken.
    """
    media_type, image = announced(data)
    exif, full = _exif(image), image.size
    if least_side and media_type == "image/jpeg":
        # The shorter side rounded down, or a half that is just large enough would be refused.
        longest = max(full)
        width, height = (least_side if side == longest else max(1, side * least_side // longest) for side in full)
        image.draft("RGB", (width, height))
    try:
        upright = _rgb(image)
    except Exception as error:  # as above; a cut HEIC is an EOFError
        raise PhotoError("the picture is damaged or cut short; take or send it again") from error
    if media_type != "image/jpeg":
        full = upright.size  # a damaged HEIC may hold another size than it announces
    orientation = exif.get(ExifTags.Base.Orientation)
    if orientation in TURNS:
        upright = upright.transpose(TURNS[orientation])
    for key in ("exif", "Raw profile type exif", "xmp", "XML:com.adobe.xmp", "comment"):
        upright.info.pop(key, None)  # or who opens a copy turns it again, and reads what it says of place and device
    width, height = (full[1], full[0]) if orientation in (5, 6, 7, 8) else full
    sha256 = hashlib.sha256(data).hexdigest()
    return Photo(sha256, media_type, len(data), width, height, _taken_at(exif), *_position(exif), _camera(exif)), upright


def quality(image: Image.Image) -> Quality:
    """Judge an upright RGB image of any size."""
    grey_image = image.convert("L")
    grey_image.thumbnail((SHARPNESS_SIDE, SHARPNESS_SIDE), Image.Resampling.BOX)
    grey = np.asarray(grey_image, np.float32)
    brightness, sharpness = float(grey.mean()), 0.0
    if min(grey.shape) > 2:
        laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * grey[1:-1, 1:-1]
        sharpness = float(laplacian.var())
    problems = []
    if min(image.size) < SMALL:
        problems.append(f"too small: {image.width} by {image.height} pixels")
    if brightness < DARK:
        problems.append("too dark")
    elif sharpness < BLURRED:
        problems.append("blurred, or nothing to see")
    return Quality(round(brightness, 1), round(sharpness, 1), tuple(problems))


def _register_heic() -> None:
    if "HEIF" not in Image.OPEN:
        import pillow_heif

        pillow_heif.register_heif_opener()


def _rgb(image: Image.Image) -> Image.Image:
    """RGB, with transparency laid on grey: neither a bright nor a dark rim round what was cut out."""
    if image.mode == "RGB":
        image.load()
        return image
    if image.mode.startswith("I;16") or image.mode == "I":
        image = Image.fromarray((np.asarray(image, np.uint32) >> 8).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        flat = Image.new("RGB", rgba.size, (128, 128, 128))
        flat.paste(rgba, mask=rgba.getchannel("A"))
        return flat
    return image.convert("RGB")


def _exif(image: Image.Image) -> Image.Exif:
    try:
        return image.getexif()
    except (OSError, ValueError, SyntaxError, KeyError, TypeError, OverflowError):
        return Image.Exif()  # broken EXIF is no reason to refuse a photograph


def _ifd(exif: Image.Exif, which: ExifTags.IFD) -> dict[int, Any]:
    try:
        return dict(exif.get_ifd(which))
    except (OSError, ValueError, SyntaxError, KeyError, TypeError, OverflowError):
        return {}


def _taken_at(exif: Image.Exif) -> str | None:
    fields = _ifd(exif, ExifTags.IFD.Exif)
    original = fields.get(ExifTags.Base.DateTimeOriginal)
    text = str(original or exif.get(ExifTags.Base.DateTime) or "").strip("\0 ")
    offset = str(fields.get(ExifTags.Base.OffsetTimeOriginal if original else ExifTags.Base.OffsetTime) or "").strip("\0 ")
    for pattern, value in (("%Y:%m:%d %H:%M:%S%z", text + offset), ("%Y:%m:%d %H:%M:%S", text)):
        try:
            return datetime.strptime(value, pattern).isoformat()
        except ValueError:
            continue
    return None


def _camera(exif: Image.Exif) -> str | None:
    """Maker and model, each word once: many models begin with the maker's name. No serial number and no owner: it is one kind of device."""
    maker, model = (_plain(exif.get(tag)) for tag in (ExifTags.Base.Make, ExifTags.Base.Model))
    both = model if model.casefold().startswith(maker.casefold()) else f"{maker} {model}"
    return both.strip()[:MAX_CAMERA].strip() or None


def _plain(value: Any) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
    return " ".join("".join(c if c.isprintable() and c != "\ufffd" else " " for c in text).split())


def _position(exif: Image.Exif) -> tuple[float | None, float | None]:
    gps = _ifd(exif, ExifTags.IFD.GPSInfo)
    try:
        latitude = _degrees(gps[ExifTags.GPS.GPSLatitude], gps[ExifTags.GPS.GPSLatitudeRef] in ("S", b"S"))
        longitude = _degrees(gps[ExifTags.GPS.GPSLongitude], gps[ExifTags.GPS.GPSLongitudeRef] in ("W", b"W"))
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None, None
    return (latitude, longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else (None, None)


def _degrees(parts: Any, negative: bool) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    value = degrees + minutes / 60 + seconds / 3600
    if not math.isfinite(value):
        raise ValueError("position is not a number")
    return round(-value if negative else value, 7)
