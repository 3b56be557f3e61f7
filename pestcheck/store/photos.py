"""Original photographs, each under the SHA-256 of its bytes: in a folder, or in a bucket of an S3 service."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

S3 = "s3://"
WAIT_SECONDS = 60
"""How long an S3 service may take to keep or give a photograph."""


class PhotoStore(ABC):
    """Photographs are whole or not there; putting the same bytes again changes nothing, and mends them if they were damaged."""

    @abstractmethod
    def put(self, data: bytes) -> str:
        """Keep the bytes and return their SHA-256; on return they are safe.

        Raises:
            OSError: the disk is full, or the store cannot be written; nothing is left behind.
        """

    @abstractmethod
    def get(self, sha256: str) -> bytes:
        """The bytes with this hash.

        Raises:
            FileNotFoundError: they are not there.
            OSError: the store cannot be read now.
            ValueError: not 64 hexadecimal digits.
        """

    @abstractmethod
    def delete(self, sha256: str) -> None:
        """Erase the bytes with this hash; nothing happens if they are not there.

        Raises:
            OSError: the store cannot be written now.
            ValueError: not 64 hexadecimal digits.
        """

    def intact(self, sha256: str) -> bool | None:
        """Whether the bytes are what they were; None if they are gone.

        Raises:
            OSError: the store cannot be read now.
            ValueError: not 64 hexadecimal digits.
        """
        try:
            return hashlib.sha256(self.get(sha256)).hexdigest() == sha256
        except FileNotFoundError:
            return None


class PhotoFolder(PhotoStore):
    """Photographs in a folder, which is made if it is not there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, sha256: str) -> Path:
        """Where the bytes with this hash lie, or would lie.

        Raises:
            ValueError: not 64 hexadecimal digits.
        """
        return self.folder / _place(sha256)

    def put(self, data: bytes) -> str:
        sha256 = hashlib.sha256(data).hexdigest()
        if self.intact(sha256):
            return sha256
        path = self.path(sha256)
        path.parent.mkdir(exist_ok=True)
        with whole_file(path) as file:
            file.write(data)
        sync(self.folder)
        return sha256

    def get(self, sha256: str) -> bytes:
        return self.path(sha256).read_bytes()

    def delete(self, sha256: str) -> None:
        self.path(sha256).unlink(missing_ok=True)


class PhotoBucket(PhotoStore):
    """Photographs in a bucket: ``s3://bucket/prefix``. Keys, region and ``AWS_ENDPOINT_URL`` come from the usual AWS settings.

    Raises:
        OSError: a package is missing, there is no such bucket, or it cannot be reached.
    """

    def __init__(self, url: str) -> None:
        try:
            import s3fs
        except ModuleNotFoundError as error:
            raise OSError(f"photographs in S3 need one more package ({error.name}): pip install 'pestcheck[s3]'") from error
        # Few and short attempts: the person at the container waits for the answer, and may send the photograph again.
        limits = {"connect_timeout": 5, "retries": {"mode": "standard", "total_max_attempts": 2}}
        self._files: Any = s3fs.S3FileSystem(config_kwargs=limits, use_listings_cache=False, skip_instance_cache=True)
        self._files.retries = 1  # the attempts above are enough
        self._root = url.removeprefix(S3).strip("/")
        bucket = self._root.partition("/")[0]
        try:
            with _reached():
                # Also sees whether we may list: without that right, S3 does not tell a missing photograph from a forbidden one.
                self._files.call_s3("list_objects_v2", Bucket=bucket, MaxKeys=1, timeout=WAIT_SECONDS)
        except OSError as error:
            raise OSError(f"the photographs' bucket {bucket!r} cannot be used: {error}") from error

    def put(self, data: bytes) -> str:
        digest = hashlib.sha256(data)
        # Written even when it is there: asking whether it is intact would cost as much. The service checks the hash and takes all or nothing.
        with _reached():
            checksum = base64.b64encode(digest.digest()).decode()
            self._files.pipe_file(self._key(digest.hexdigest()), data, ChecksumSHA256=checksum, timeout=WAIT_SECONDS)
        return digest.hexdigest()

    def get(self, sha256: str) -> bytes:
        key = self._key(sha256)
        with _reached():
            return bytes(self._files.cat_file(key, timeout=WAIT_SECONDS))

    def delete(self, sha256: str) -> None:
        bucket, _, key = self._key(sha256).partition("/")
        with _reached():
            self._files.call_s3("delete_object", Bucket=bucket, Key=key, timeout=WAIT_SECONDS)

    def _key(self, sha256: str) -> str:
        return f"{self._root}/{_place(sha256)}"


def open_photographs(where: str | Path) -> PhotoStore:
    """The photographs in a folder, or in ``s3://bucket/prefix``.

    Raises:
        OSError: the folder cannot be made, or the bucket cannot be used.
    """
    return PhotoBucket(where) if isinstance(where, str) and where.startswith(S3) else PhotoFolder(Path(where))


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write that appears under its name, and on the disk, when it is whole; if writing it fails, nothing is left behind."""
    handle, part = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        sync(path.parent)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise


def sync(folder: Path) -> None:
    """Bring the names in a folder to the disk, as ``fsync`` does with a file's bytes. Windows has no such call."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _place(sha256: str) -> str:
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise ValueError(f"{sha256!r} is not a SHA-256")
    return f"{sha256[:2]}/{sha256}"


@contextmanager
def _reached() -> Iterator[None]:
    """Make an ``OSError`` of whatever the S3 client says when the service is gone or refuses."""
    from aiohttp import ClientError as Connection
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except TimeoutError as error:
        raise OSError(f"the S3 service did not answer for {WAIT_SECONDS} s") from error
    except (BotoCoreError, ClientError, Connection) as error:
        raise OSError(str(error)) from error
