"""Upright previews of photographs, small enough for a weak network."""

from __future__ import annotations

import io
from functools import lru_cache

from pestcheck import photo
from pestcheck.store.photos import PhotoStore

SIDE = 1600
KEEP = {"Cache-Control": "private, max-age=31536000, immutable", "Vary": "Cookie, Authorization"}
"""A browser keeps a preview, but only for who was signed in when it came: the next one may not be allowed to see it."""


class Previews:
    """The last ones are kept in memory."""

    def __init__(self, photo_store: PhotoStore) -> None:
        self.photo_store = photo_store
        self.jpeg = lru_cache(maxsize=64)(self._jpeg)

    def full(self, sha256: str) -> bytes:
        """All pixels of a photograph, as ``jpeg``; kept by nobody but the browser."""
        return self._jpeg(sha256, None)

    def _jpeg(self, sha256: str, side: int | None = SIDE) -> bytes:
        """The preview of the photograph with this hash.

        Raises:
            FileNotFoundError, ValueError: there is none. OSError: it cannot be read now.
        """
        _, image = photo.open_photo(self.photo_store.get(sha256), side)
        if side:
            image.thumbnail((side, side))
        out = io.BytesIO()
        image.save(out, "JPEG", quality=85)
        return out.getvalue()
