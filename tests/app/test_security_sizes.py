"""Requests that are too large, and photographs that are more than they seem, sent to the real server."""

from __future__ import annotations

import contextlib
import io
import socket
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from app.security import FEW_BYTES, GRADIO_USED, MANY_BYTES, limit
from pestcheck.photo import PhotoError, open_photo
from tests.app.test_security import HTTP, RUN, floor, shared
from tests.conftest import Server

__all__ = ["shared"]

# Sizes


def test_limits_by_path() -> None:
    assert limit("/gradio_api/queue/join") == limit("/anything") == FEW_BYTES
    assert limit("/gradio_api/upload") == limit("/api/v1/x") == MANY_BYTES  # of each photograph, and of the API, others see to it
    assert GRADIO_USED.fullmatch("/gradio_api/upload")


def test_a_body_that_says_that_it_is_too_large_is_refused_before_it_is_read(shared: Server) -> None:
    for path, size in (("/gradio_api/queue/join", FEW_BYTES + 1), ("/gradio_api/upload", MANY_BYTES + 1), ("/api/v1/x", MANY_BYTES + 1)):
        with socket.create_connection(("127.0.0.1", shared.port), timeout=120) as raw:
            raw.sendall(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n\r\n".encode())
            assert raw.recv(100).startswith(b"HTTP/1.1 413")


def test_a_body_that_does_not_say_how_large_it_is_is_cut_off(shared: Server) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(FEW_BYTES // 2**16 + 20):
            yield b" " * 2**16

    answer = HTTP.post(shared.url + "/gradio_api/queue/join", content=endless(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert "4 MB are the limit here" in answer.text
    assert HTTP.get(shared.url + "/health").status_code == 200


# Photographs that are more than they seem


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("evil.html", RUN)
    return file.getvalue()


@pytest.mark.parametrize(
    "tail",
    [RUN.encode(), zipped(), b"%PDF-1.7\n", b"<?php system('id') ?>", b"\x7fELF" + bytes(400)],
    ids=["html", "zip", "pdf", "php", "elf"],
)
def test_a_photograph_with_something_behind_it_is_only_a_photograph(tail: bytes) -> None:
    data = floor() + tail
    photo, image = open_photo(data)
    assert photo.media_type == "image/jpeg"
    out = io.BytesIO()
    image.save(out, "JPEG")
    assert tail[:40] not in out.getvalue()
    with pytest.raises(PhotoError):
        open_photo(tail + floor())


def test_a_text_in_a_picture_is_not_unpacked_without_end() -> None:
    """A compressed text in a PNG of a few pixels: 200 MB in 200 kB."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    small = io.BytesIO()
    Image.new("RGB", (64, 40)).save(small, "PNG")
    squeezer = zlib.compressobj(9)
    squeezed = b"".join(squeezer.compress(bytes(2**20)) for _ in range(200)) + squeezer.flush()
    data = small.getvalue()
    for kind, body in ((b"zTXt", b"a\0\0" + squeezed), (b"iCCP", b"a\0\0" + squeezed), (b"iTXt", b"a\0\1\0\0\0" + squeezed)):
        bomb = data[:33] + chunk(kind, body) + data[33:]
        assert len(bomb) < 2**18
        tracemalloc.start()
        with contextlib.suppress(PhotoError):
            open_photo(bomb)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most < 20 * 2**20, kind


def test_of_a_film_only_the_first_picture_is_unpacked(tmp_path: Path) -> None:
    first, rest = Image.new("RGB", (640, 400), (90, 20, 20)), [Image.new("RGB", (640, 400), (n % 256, 0, 9)) for n in range(200)]
    for form in ("PNG", "WEBP"):
        file = io.BytesIO()
        first.save(file, form, save_all=True, append_images=rest)
        start = time.monotonic()
        photo, image = open_photo(file.getvalue())
        assert time.monotonic() - start < 5
        assert (photo.width, photo.height) == image.size == (640, 400)
        assert image.getpixel((5, 5))[0] > 60
