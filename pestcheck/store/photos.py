"""Original photographs in a folder, each under the SHA-256 of its bytes."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path


class PhotoStore:
    """A folder of photographs. A file is either whole or not there; writing the same bytes again changes nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, sha256: str) -> Path:
        """Where the bytes with this hash lie, or would lie.

        Raises:
            ValueError: not 64 hexadecimal digits.
        """
        if not re.fullmatch("[0-9a-f]{64}", sha256):
            raise ValueError(f"{sha256!r} is not a SHA-256")
        return self.folder / sha256[:2] / sha256

    def put(self, data: bytes) -> str:
        """Keep the bytes and return their SHA-256; on return they are on the disk.

        Raises:
            OSError: the disk is full or cannot be written; nothing is left behind.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        path = self.path(sha256)
        if self.intact(sha256):
            return sha256  # and if damaged, it is mended now
        path.parent.mkdir(exist_ok=True)
        handle, part = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
            _sync(path.parent)
            _sync(self.folder)
        except BaseException:
            Path(part).unlink(missing_ok=True)
            raise
        return sha256

    def get(self, sha256: str) -> bytes:
        """The bytes with this hash.

        Raises:
            FileNotFoundError: they are not there.
        """
        return self.path(sha256).read_bytes()

    def intact(self, sha256: str) -> bool | None:
        """Whether the bytes are what they were; None if they are gone."""
        try:
            with self.path(sha256).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == sha256
        except FileNotFoundError:
            return None


def _sync(folder: Path) -> None:
    """Bring the names in a folder to the disk, as ``fsync`` does with a file's bytes. Windows has no such call."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
