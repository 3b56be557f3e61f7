"""Copies of photographs to hand on: without place, device and whatever else a file says beside its picture.

Only what draws the picture is copied: its own bytes, colour profile and how it lies. What is not known is left out, so that a camera's own
inventions cannot slip through. HEIC keeps its places; what is taken out there is overwritten.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from PIL import ExifTags, Image

from pestcheck.export.heic import blank_metadata
from pestcheck.photo import TURNS, PhotoError, announced, open_photo

QUALITY = 95
PNG = b"\x89PNG\r\n\x1a\n"
DRAWS_PNG = frozenset(
    (b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"cICP", b"mDCV", b"cLLI", b"bKGD", b"hIST",
     b"pHYs", b"acTL", b"fcTL", b"fdAT")
)  # fmt: skip
"""Chunks that a picture is drawn by."""
DRAWS_WEBP = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"))
EXIF_AND_XMP = 0b1100
"""Bits of VP8X that say that there are such chunks."""
ALONE = frozenset((0x01, *range(0xD0, 0xD8)))
"""Markers of JPEG without a length, beside those of start and end."""


class NotPlain(Exception):
    """A file that is not laid out as its format says, or as we know it."""


@dataclass(frozen=True, slots=True)
class SharedCopy:
    """What may be handed on. ``how``: "unchanged" (there was nothing to take out), "stripped" (the pixels' bytes are those of the original)
    or "encoded again" (the picture was written anew, as JPEG)."""

    data: bytes
    media_type: str
    how: str


def shared_copy(data: bytes) -> SharedCopy:
    """A photograph without EXIF, XMP, IPTC, maker notes, thumbnails, comments and what was put behind the picture. The original is only read.

    How the picture lies (EXIF orientation) and its colour profile stay.

    Args:
        data: the file as it is. JPEG, PNG, WebP or HEIC.

    Raises:
        PhotoError: it cannot be read. Of a JPEG that is laid out as it should be, the picture itself is not looked at.
    """
    media_type, image = announced(data)
    try:
        plain = STRIP[media_type](data, _turn(image))
        if media_type != "image/jpeg":  # whose coded picture is taken over byte for byte
            open_photo(plain, 64)  # that it can be read
        again = announced(plain)[1]
        if again.size == image.size and _says_nothing(again):
            return SharedCopy(plain, media_type, "unchanged" if plain == data else "stripped")
    except (NotPlain, PhotoError, struct.error, IndexError, zlib.error):
        pass  # a file that decoders take all the same
    _, upright = open_photo(data)
    out = io.BytesIO()
    upright.save(out, "JPEG", quality=QUALITY, icc_profile=upright.info.get("icc_profile"))
    return SharedCopy(out.getvalue(), "image/jpeg", "encoded again")


def _turn(image: Image.Image) -> int:
    """How the picture lies, by EXIF; 1: upright."""
    try:
        turn = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # broken EXIF says nothing
        return 1
    return turn if turn in TURNS else 1


def _says_nothing(image: Image.Image) -> bool:
    """Whether no word about place or device can be read any more."""
    exif = image.getexif()
    return (
        set(exif) <= {ExifTags.Base.Orientation}
        and not exif.get_ifd(ExifTags.IFD.GPSInfo)
        and not (image.info.get("xmp") or b"").strip(b" ")
    )


def _exif(turn: int) -> bytes:
    """EXIF that says nothing but how a picture lies: a TIFF header, and one entry."""
    return b"MM\0*\0\0\0\x08" + struct.pack(">HHHIHHI", 1, ExifTags.Base.Orientation, 3, 1, turn, 0, 0)


def _jpeg(data: bytes, turn: int) -> bytes:
    """ITU-T T.81, annex B. Of the application segments stay JFIF without its thumbnail, the colour profile, and Adobe's word on colours."""
    if data[:2] != b"\xff\xd8":
        raise NotPlain
    head, rest = [], []
    for marker, segment in _segments(data):
        body = segment[4:]
        if marker == 0xE0 and body[:5] == b"JFIF\0":
            head.append(b"\xff\xe0\x00\x10" + body[:12] + b"\0\0")
        elif (
            (marker == 0xE2 and body[:12] == b"ICC_PROFILE\0")
            or (marker == 0xEE and body[:5] == b"Adobe")
            or not (0xE0 <= marker <= 0xEF or marker == 0xFE)
        ):
            rest.append(segment)
    if turn != 1:
        exif = b"Exif\0\0" + _exif(turn)
        head.append(b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif)
    return b"\xff\xd8" + b"".join(head + rest)


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and bytes of each segment up to the end of the picture; that of a scan has its coded data with it."""
    at = 2
    while True:
        if data[at] != 0xFF:
            raise NotPlain
        while data[at + 1] == 0xFF:  # filling
            at += 1
        marker = data[at + 1]
        if marker == 0xD9:
            yield marker, b"\xff\xd9"
            return
        if marker in ALONE:
            yield marker, data[at : at + 2]
            at += 2
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xDA:
            while True:
                end = data.find(b"\xff", end)
                if end < 0:
                    raise NotPlain
                if data[end + 1] != 0 and data[end + 1] not in ALONE:
                    break
                end += 2
        if end > len(data) or end < at + 4:
            raise NotPlain
        yield marker, data[at:end]
        at = end


def _png(data: bytes, turn: int) -> bytes:
    """ISO/IEC 15948. Text, time, EXIF and private chunks go."""
    if data[:8] != PNG:
        raise NotPlain
    kept, at, kind = [PNG], 8, b""
    while kind != b"IEND":
        size, kind = struct.unpack_from(">I4s", data, at)
        chunk = data[at : at + size + 12]
        if len(chunk) != size + 12:
            raise NotPlain
        if kind in DRAWS_PNG:
            kept.append(chunk)
        if kind == b"IHDR" and turn != 1:
            said = b"eXIf" + _exif(turn)
            kept.append(struct.pack(">I", len(said) - 4) + said + struct.pack(">I", zlib.crc32(said)))
        at += size + 12
    return b"".join(kept)


def _webp(data: bytes, turn: int) -> bytes:
    """RFC 9649. EXIF, XMP and unknown chunks go."""
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        raise NotPlain
    kept, at, end = [], 12, min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    while at < end:
        kind, size = struct.unpack_from("<4sI", data, at)
        chunk = data[at : at + 8 + size]
        if len(chunk) != 8 + size:
            raise NotPlain
        if kind == b"VP8X":
            flags = chunk[8] & ~EXIF_AND_XMP | (0b1000 if turn != 1 else 0)
            chunk = chunk[:8] + bytes([flags]) + chunk[9:]
        if kind in DRAWS_WEBP:
            kept.append(chunk + b"\0" * (size % 2))
        at += 8 + size + size % 2
    if turn != 1:
        if not kept or kept[0][:4] != b"VP8X":
            raise NotPlain  # EXIF is only read with it
        exif = _exif(turn)
        kept.append(b"EXIF" + struct.pack("<I", len(exif)) + exif + b"\0" * (len(exif) % 2))
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _heic(data: bytes, _turn: int) -> bytes:
    """How a HEIC lies is not said by its EXIF (ISO/IEC 23008-12, 6.5.10)."""
    try:
        return blank_metadata(data)
    except (ValueError, KeyError) as error:
        raise NotPlain from error


STRIP: dict[str, Callable[[bytes, int], bytes]] = {"image/jpeg": _jpeg, "image/png": _png, "image/webp": _webp, "image/heic": _heic}
