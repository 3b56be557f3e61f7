"""Faces and writing are found where they are plain to see, and cannot be read after blurring."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from pestcheck.vision import privacy
from pestcheck.vision.tiles import Box


def portrait() -> Image.Image:
    """Eileen Collins, by NASA: in the public domain, and part of scikit-image."""
    data = pytest.importorskip("skimage.data", reason="needs the extra privacy")
    return Image.fromarray(data.astronaut())


FACE = Box(180, 75, 265, 175)
"""Of the portrait: forehead to chin."""


def covered(box: Box, by: list[Box]) -> bool:
    return any(one.x0 <= box.x0 and one.y0 <= box.y0 and one.x1 >= box.x1 and one.y1 >= box.y1 for one in by)


def test_a_face_that_looks_at_the_camera_is_found() -> None:
    assert covered(FACE, privacy.faces(portrait()))


def test_a_small_one_is_missed_as_the_documents_say() -> None:
    """If this fails, faces are found better than docs/trainers.md says: mend it there."""
    picture = Image.new("RGB", (1600, 1200), (120, 120, 120))
    picture.paste(portrait().resize((128, 128)), (700, 500))
    assert privacy.faces(picture) == []


def test_a_picture_smaller_than_any_face_has_none() -> None:
    assert privacy.faces(portrait().resize((20, 10))) == []


def test_writing_is_found_and_cannot_be_read_after_blurring() -> None:
    pytest.importorskip("rapidocr", reason="needs the extra ocr")
    from pestcheck.reading import read

    picture = Image.new("RGB", (900, 400), (40, 60, 120))
    ImageDraw.Draw(picture).text((120, 150), "CSQU 305438 3", fill="white", font=ImageFont.load_default(70))

    def texts(image: Image.Image) -> list[str]:
        import io

        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        return [found.to_json()["text"] for found in read(buffer.getvalue())]

    assert "CSQU3054383" in texts(picture)
    boxes = privacy.writing(picture)
    assert boxes
    assert texts(privacy.blurred(picture, boxes)) == []


def test_blurring_leaves_the_rest_as_it_is() -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 300, 3), dtype=np.uint8))
    done = privacy.blurred(noise, [Box(50, 60, 150, 160), Box(299, 199, 300, 200)])
    before, after = np.asarray(noise).astype(int), np.asarray(done).astype(int)
    inside = np.zeros((200, 300), bool)
    inside[60:160, 50:150] = inside[199:, 299:] = True
    assert (before[~inside] == after[~inside]).all()
    assert after[60:160, 50:150].std() < before[60:160, 50:150].std() / 3
    assert (np.asarray(noise) == before).all()
