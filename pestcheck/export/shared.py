"""Copies of photographs to hand on: without place, device and whatever else a file says beside its picture."""

from __future__ import annotations

import io
from dataclasses import dataclass

from pestcheck.photo import open_photo

QUALITY = 95


@dataclass(frozen=True, slots=True)
class SharedCopy:
    """What may be handed on. ``how``: "unchanged" (there was nothing to take out), "stripped" (the pixels' bytes are those of the original)
    or "encoded again" (the picture was written anew, as JPEG)."""

    data: bytes
    media_type: str
    how: str


def shared_copy(data: bytes) -> SharedCopy:
    """A photograph without EXIF, XMP, IPTC, maker notes, thumbnails and what was put behind the picture. The original is only read.

    Args:
        data: the file as it is. JPEG, PNG, WebP or HEIC.

    Raises:
        PhotoError: it cannot be read.
    """
    _, upright = open_photo(data)
    out = io.BytesIO()
    upright.save(out, "JPEG", quality=QUALITY)
    return SharedCopy(out.getvalue(), "image/jpeg", "encoded again")
