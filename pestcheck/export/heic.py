"""Metadata of a HEIC file: where its items lie (ISO/IEC 14496-12, 8.11), and how to blank those that are not the picture."""

from __future__ import annotations

import struct
from collections.abc import Iterator

PICTURE = frozenset((b"hvc1", b"hev1", b"lhv1", b"av01", b"avc1", b"grid", b"iovl", b"iden", b"tmap", b"jpeg"))
"""Kinds of items that are pictures, or made of them; of a ``tmap`` the recipe is its data."""
WORDS = frozenset((b"Exif", b"mime", b"uri "))
"""Kinds of items that only say something: EXIF, XMP, and what makers put there."""
AROUND = frozenset((b"ftyp", b"meta", b"mdat", b"free", b"skip"))
NO_EXIF = b"\0\0\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"
"""EXIF without an entry, as an item holds it."""


def blank_metadata(data: bytes) -> bytes:
    """The same file with its EXIF, XMP and other items that are no picture overwritten; everything else stays where it is, byte for byte.

    Raises:
        ValueError: it is laid out in a way that is not known here, so that something could be overlooked.
    """
    top = list(_boxes(data, 0, len(data)))
    if {kind for kind, _, _ in top} - AROUND:
        raise ValueError("a box of another kind")
    (meta,) = [(start, end) for kind, start, end in top if kind == b"meta"]
    inner = {kind: (start, end) for kind, start, end in _boxes(data, meta[0] + 4, meta[1])}
    if set(inner) - {b"hdlr", b"pitm", b"iinf", b"iloc", b"iref", b"iprp", b"idat", b"dinf", b"grpl"}:
        raise ValueError("metadata of another kind")
    kinds = dict(_items(data, *inner[b"iinf"]))
    if set(kinds.values()) - PICTURE - WORDS:
        raise ValueError("an item of another kind")
    blank = bytearray(data)
    for key, extents in _extents(data, inner[b"iloc"], inner.get(b"idat")):
        if kinds.get(key) not in WORDS:
            continue
        first = True
        for start, size in extents:
            if start + size > len(data) or size < 0:
                raise ValueError("an item outside the file")
            fill = NO_EXIF if first and kinds[key] == b"Exif" and size >= len(NO_EXIF) else b""
            space = b" " if kinds[key] == b"mime" else b"\0"
            blank[start : start + size] = fill + space * (size - len(fill))
            first = False
    return bytes(blank)


def _boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, and where the contents of each box begin and end."""
    while start < end:
        size, kind = struct.unpack_from(">I4s", data, start)
        head = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, start + 8)
            head = 16
        elif size == 0:
            size = end - start
        if size < head or start + size > end:
            raise ValueError("a box that is longer than what it lies in")
        yield kind, start + head, start + size
        start += size


def _items(data: bytes, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Number and kind of each item (``iinf``)."""
    wide = data[start] > 0
    for kind, inside, _ in _boxes(data, start + (8 if wide else 6), end):
        version = data[inside]
        if kind != b"infe" or version not in (2, 3):
            raise ValueError("an item of another form")
        key = struct.unpack_from(">H" if version == 2 else ">I", data, inside + 4)[0]
        at = inside + (8 if version == 2 else 10)
        yield key, data[at : at + 4]


def _extents(data: bytes, iloc: tuple[int, int], idat: tuple[int, int] | None) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """Of each item its number, and where its bytes lie: starts and sizes (``iloc``)."""
    at = iloc[0]
    version = data[at]
    sizes, more = data[at + 4], data[at + 5]
    of_offset, of_length, of_base, of_index = sizes >> 4, sizes & 15, more >> 4, more & 15 if version else 0
    at += 6

    def number(size: int) -> int:
        nonlocal at
        if size not in (0, 2, 4, 8):
            raise ValueError("a number of another size")
        at += size
        return int.from_bytes(data[at - size : at], "big")

    for _ in range(number(2 if version < 2 else 4)):
        key = number(2 if version < 2 else 4)
        how = number(2) & 15 if version else 0
        number(2)  # which file: this one
        base = number(of_base)
        if how not in (0, 1) or (how == 1 and idat is None):
            raise ValueError("an item that is made of another one")
        base += idat[0] if how == 1 and idat else 0
        extents = []
        for _ in range(number(2)):
            number(of_index)
            start = number(of_offset)
            extents.append((base + start, number(of_length)))
        yield key, extents
