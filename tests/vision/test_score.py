"""The pixels that the networks are shown are those of the places they are asked about."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from pestcheck.photo import open_photo
from pestcheck.vision.decide import closer
from pestcheck.vision.score import parts, to_input
from pestcheck.vision.tiles import Box


def slope(width, height):
    """Red grows from left to right, green from top to bottom: a pixel's colour says where it is, in 255ths of the picture."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0], pixels[..., 1] = np.linspace(0, 255, width)[None], np.linspace(0, 255, height)[:, None]
    return Image.fromarray(pixels)


def jpeg(image):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=98, subsampling=0)
    return file.getvalue()


def where(pixels):
    """Of one input: left, upper, right and lower edge of what it shows, as shares of the picture."""
    return np.array([pixels[:, 0, 0].mean(), pixels[0, :, 1].mean(), pixels[:, -1, 0].mean(), pixels[-1, :, 1].mean()]) / 255


BOXES = {
    "middle": (300, 200, 500, 400),
    "upper left": (0, 0, 100, 100),
    "lower right": (700, 500, 800, 600),
    "right edge": (600, 200, 800, 400),
    "all of the height": (100, 0, 700, 600),
}


@pytest.mark.parametrize("case", BOXES)
@pytest.mark.parametrize("shrunk", [1.0, 0.5, 0.25])
def test_parts_show_their_boxes(case, shrunk):
    box = Box(*BOXES[case])
    image = slope(round(800 * shrunk), round(600 * shrunk))
    (pixels,) = parts(image, [box], shrunk, 64)
    assert (pixels.shape, pixels.dtype) == ((64, 64, 3), np.uint8)
    assert where(pixels) == pytest.approx(np.array([box.x0 / 800, box.y0 / 600, box.x1 / 800, box.y1 / 600]), abs=0.02)


def test_parts_come_in_the_order_of_their_boxes():
    image = slope(800, 600)
    boxes = [Box(*box) for box in BOXES.values()]
    together = parts(image, boxes, 1.0, 32)
    assert together.shape == (len(boxes), 32, 32, 3)
    for pixels, box in zip(together, boxes, strict=True):
        np.testing.assert_array_equal(pixels, parts(image, [box], 1.0, 32)[0])


def test_a_part_is_what_cutting_it_out_gives():
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (600, 800, 3), dtype=np.uint8))
    (pixels,) = parts(image, [Box(300, 200, 364, 264)], 1.0, 64)
    np.testing.assert_array_equal(pixels, np.asarray(image.crop((300, 200, 364, 264))))


# A JPEG is decoded at a half, a quarter or an eighth, rounded up on each side by itself: the two need not shrink by the same factor.
SIZES = [(447, 335), (1008, 756), (1009, 756), (756, 1009), (1008, 755), (2046, 1536), (2001, 1501), (4001, 3000), (1499, 60), (60, 1499)]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]} by {size[1]}")
def test_all_corners_of_a_photograph_of_any_size_can_be_looked_at(size):
    width, height = size
    photo, image = open_photo(jpeg(slope(*size)), 448)
    assert (photo.width, photo.height) == size
    side = min(60, *size)
    boxes = [closer(Box(x, y, x + side, y + side), *size) for x in (0, width - side) for y in (0, height - side)]
    for pixels, box in zip(parts(image, boxes, image.width / width, 32), boxes, strict=True):
        assert where(pixels) == pytest.approx([box.x0 / width, box.y0 / height, box.x1 / width, box.y1 / height], abs=0.03)


@pytest.mark.parametrize("size", [(800, 600), (600, 800), (64, 64), (40, 3), (5000, 50)])
def test_a_whole_picture_is_squeezed_to_a_square(size):
    pixels = to_input(slope(*size), 64)
    assert (pixels.shape, pixels.dtype) == ((64, 64, 3), np.uint8)
    assert where(pixels) == pytest.approx(np.array([0, 0, 1, 1]), abs=0.02)


def test_a_picture_of_one_pixel_is_that_pixel_everywhere():
    pixels = to_input(Image.new("RGB", (1, 1), (7, 8, 9)), 32)
    assert (pixels == (7, 8, 9)).all()
