"""Where many photographs lie: a folder, a bucket, or the store of the records."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from pestcheck.records import Records

SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".heic", ".heif", ".hif", ""})
"""Of files that may be photographs; a camera card and an archive by hashes have names without one."""


class BatchError(ValueError):
    """A run that cannot begin or go on; the message says why and what to do. What was scored is kept."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A name in an archive. ``stamp``: what changes when the bytes under it do. ``size``: in bytes, if known before they are read.
    ``sha256``: where the archive knows it. ``error``: why there is nothing to read."""

    name: str
    stamp: str
    size: int | None = None
    sha256: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a model said of a photograph before."""

    sha256: str
    model: str
    verdict: str


class Archive(Protocol):
    """``where``: for people. ``left_out``: names that are no photograph's, counted by ``entries``."""

    where: str
    left_out: int

    def entries(self) -> Iterator[Entry]:
        """All names, in any order.

        Raises:
            BatchError: there is no such place.
        """

    def read(self, entry: Entry) -> bytes:
        """
        Raises:
            Exception: the bytes cannot be read; the message says why.
        """

    def earlier(self) -> Iterator[Earlier]:
        """What stands on record about its photographs."""


class Files:
    """A folder and all below it, or what any other file system of ``fsspec`` holds, such as ``s3://bucket/prefix``. Names are relative to it,
    with ``/`` between folders, so that one archive has the same names wherever it lies."""

    def __init__(self, where: str) -> None:
        import fsspec
        from fsspec.implementations.local import LocalFileSystem

        self.where, self.left_out = where, 0
        self.local = "://" not in where
        try:
            if self.local:
                self.files: Any = LocalFileSystem()
                self.root = self.files._strip_protocol(os.path.abspath(where))
            else:
                self.files, self.root = fsspec.core.url_to_fs(where, use_listings_cache=False)
        except (ImportError, ValueError) as error:
            raise BatchError(f"{where}: {error}; photographs in S3 need: pip install 'pestcheck[s3]'") from error
        self.root = self.root.rstrip("/") or "/"

    def entries(self) -> Iterator[Entry]:
        """Folder by folder: only one folder's names are in memory at a time. Links to folders are not followed: they may lead in circles."""
        if self.local and not Path(self.where).is_dir():
            raise BatchError(f"{self.where} is no folder")
        folders = [self.root]
        while folders:
            folder = folders.pop()
            try:
                listing = self.files.ls(folder, detail=True)
            except Exception as error:  # each file system has its own
                if folder == self.root:
                    raise BatchError(f"{self.where} cannot be read: {says(error)}") from error
                yield Entry(self._name(folder) + "/", "", error=f"the folder cannot be read: {says(error)}")
                continue
            for found in listing:
                path = found["name"].rstrip("/")
                name = PurePosixPath(path).name
                if path == folder or name.startswith("."):
                    continue
                if found["type"] == "directory":
                    folders.append(path)
                elif PurePosixPath(name).suffix.lower() in SUFFIXES and (found["type"] == "file" or os.path.isfile(path)):
                    changed = found.get("mtime") or found.get("ETag") or found.get("LastModified") or ""
                    yield Entry(self._name(path), f"{found['size']} {changed}", found["size"])
                else:
                    self.left_out += 1

    def _name(self, path: str) -> str:
        return path.removeprefix(self.root).lstrip("/")

    def read(self, entry: Entry) -> bytes:
        return bytes(self.files.cat_file(f"{self.root}/{entry.name}"))

    def earlier(self) -> Iterator[Earlier]:
        return iter(())


class Stored:
    """The photographs of the records; only read. A name is the inspection, the point, and the photograph's id there."""

    def __init__(self, records: Records, where: str) -> None:
        self.records, self.where, self.left_out = records, where, 0

    def entries(self) -> Iterator[Entry]:
        for view in self.records.every_photograph():
            yield Entry(f"{view.inspection_id}/{view.area}/{view.id}", view.sha256, sha256=view.sha256)

    def read(self, entry: Entry) -> bytes:
        try:
            data = self.records.photo_store.get(entry.sha256 or "")
        except FileNotFoundError as error:
            raise OSError("its file is gone from the store; see pestcheck verify") from error
        if hashlib.sha256(data).hexdigest() != entry.sha256:
            raise OSError("its file in the store is not what was recorded (SHA-256 differs); see pestcheck verify")
        return data

    def earlier(self) -> Iterator[Earlier]:
        for view in self.records.every_photograph():
            if view.model is not None and view.verdict is not None:
                yield Earlier(view.sha256, view.model, view.verdict)


def says(error: Exception) -> str:
    """Why something could not be read, without the path, which stands beside it."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
