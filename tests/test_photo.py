"""Files become upright photographs or a PhotoError, and nothing else."""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
import zlib

import numpy as np
import pillow_heif
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageFilter

from pestcheck import photo
from pestcheck.photo import PhotoError, open_photo, quality

pillow_heif.register_heif_opener()
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL", "ignore::PIL.Image.DecompressionBombWarning")
SOME = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

RED, GREEN, BLUE, WHITE = (200, 30, 30), (30, 180, 30), (30, 30, 200), (240, 240, 240)


def quarters(width=64, height=40):
    """An upright picture with another colour in each corner: red, green / blue, white."""
    pixels = np.empty((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2], pixels[: height // 2, width // 2 :] = RED, GREEN
    pixels[height // 2 :, : width // 2], pixels[height // 2 :, width // 2 :] = BLUE, WHITE
    return pixels


def corners(image):
    w, h = image.width - 4, image.height - 4
    return [image.getpixel(at) for at in ((3, 3), (w, 3), (3, h), (w, h))]


def alike(found, expected, within):
    return np.abs(np.array(found, int) - np.array(expected, int)).max() <= within


def encoded(picture, form, **how):
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    file = io.BytesIO()
    image.save(file, form, **how)
    return file.getvalue()


def exif(orientation=None, time=None, original=None, offset=None, original_offset=None, gps=None):
    block = Image.Exif()
    fields = {ExifTags.Base.Orientation: orientation, ExifTags.Base.DateTime: time}
    block.update({tag: value for tag, value in fields.items() if value is not None})
    inner = {
        ExifTags.Base.DateTimeOriginal: original, ExifTags.Base.OffsetTime: offset, ExifTags.Base.OffsetTimeOriginal: original_offset,
    }  # fmt: skip
    block.get_ifd(ExifTags.IFD.Exif).update({tag: value for tag, value in inner.items() if value is not None})
    if gps:
        tags = (ExifTags.GPS.GPSLatitudeRef, ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLongitudeRef, ExifTags.GPS.GPSLongitude)
        block.get_ifd(ExifTags.IFD.GPSInfo).update({tag: value for tag, value in zip(tags, gps, strict=True) if value is not None})
    return block.tobytes()


STORED = {
    1: lambda up: up,
    2: lambda up: up[:, ::-1],
    3: lambda up: up[::-1, ::-1],
    4: lambda up: up[::-1],
    5: lambda up: up.swapaxes(0, 1),
    6: lambda up: up.swapaxes(0, 1)[::-1],
    7: lambda up: up.swapaxes(0, 1)[::-1, ::-1],
    8: lambda up: up.swapaxes(0, 1)[:, ::-1],
}
"""EXIF 2.3, tag 0x0112: how a camera held so stores an upright picture (6: its row 0 is the right side, its column 0 the top)."""
FORMS = {
    "jpeg": ("JPEG", {"quality": 95, "subsampling": 0}, "image/jpeg"),
    "png": ("PNG", {}, "image/png"),
    "webp": ("WEBP", {"lossless": True}, "image/webp"),
    "heic": ("HEIF", {"quality": 95}, "image/heic"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("orientation", STORED)
def test_every_orientation_becomes_upright(form, orientation):
    kind, how, media_type = FORMS[form]
    data = encoded(np.ascontiguousarray(STORED[orientation](quarters())), kind, exif=exif(orientation), **how)
    found, image = open_photo(data)
    assert (found.width, found.height, found.media_type, image.mode, image.size) == (64, 40, media_type, "RGB", (64, 40))
    assert alike(corners(image), [RED, GREEN, BLUE, WHITE], 8)


@pytest.mark.parametrize("orientation", STORED)
def test_every_orientation_becomes_upright_when_reduced(orientation):
    data = encoded(np.ascontiguousarray(STORED[orientation](quarters(640, 400))), "JPEG", exif=exif(orientation), quality=95)
    found, image = open_photo(data, 100)
    assert (found.width, found.height, image.size) == (640, 400, (160, 100))
    assert alike(corners(image), [RED, GREEN, BLUE, WHITE], 8)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_ignored(form, orientation):
    kind, how, _ = FORMS[form]
    found, image = open_photo(encoded(quarters(), kind, exif=exif(orientation), **how))
    assert (found.width, found.height) == (64, 40)
    assert alike(corners(image), [RED, GREEN, BLUE, WHITE], 8)


def test_a_nearly_square_photograph_is_turned_though_reducing_makes_it_square():
    found, image = open_photo(encoded(quarters(1000, 999), "JPEG", exif=exif(6)), 100)
    assert (found.width, found.height, image.size) == (999, 1000, (125, 125))


def test_an_upright_photograph_is_not_turned_again_by_who_opens_its_copy():
    for form in ("PNG", "WEBP"):
        _, image = open_photo(encoded(np.ascontiguousarray(STORED[6](quarters())), form, exif=exif(6)))
        again, _ = open_photo(encoded(image, form))
        assert (again.width, again.height) == (64, 40)
        assert ExifTags.Base.Orientation not in image.copy().getexif()


def grey(rgb):
    return (round(0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]),) * 3


def cut_out_corner():
    """Red, green, blue; the white corner transparent."""
    alpha = np.full((40, 64), 255, np.uint8)
    alpha[20:, 32:] = 0
    return Image.fromarray(np.dstack([quarters(), alpha]))


def deep(key=None):
    """Grey of 16 bits; ``key``: the value that counts as transparent."""
    values = np.repeat(np.repeat(np.array([[2000, 30000], [45000, 65535]], np.uint16), 20, axis=0), 32, axis=1)
    return encoded(values, "PNG", exif=exif(6), **({} if key is None else {"transparency": key}))


RGB_IMAGE = Image.fromarray(quarters())
GREYS = [grey(colour) for colour in (RED, GREEN, BLUE, WHITE)]
MODES = {
    "jpeg grey": (lambda: encoded(RGB_IMAGE.convert("L"), "JPEG"), GREYS, 4),
    "jpeg cmyk": (lambda: encoded(RGB_IMAGE.convert("CMYK"), "JPEG", quality=95), [RED, GREEN, BLUE, WHITE], 8),
    "jpeg progressive": (lambda: encoded(RGB_IMAGE, "JPEG", progressive=True, quality=95), [RED, GREEN, BLUE, WHITE], 8),
    "png grey": (lambda: encoded(RGB_IMAGE.convert("L"), "PNG"), GREYS, 1),
    "png palette": (lambda: encoded(RGB_IMAGE.quantize(8), "PNG"), [RED, GREEN, BLUE, WHITE], 2),
    "png palette, one colour transparent": (
        lambda: encoded(RGB_IMAGE.quantize(4), "PNG", transparency=RGB_IMAGE.quantize(4).getpixel((60, 35))), [RED, GREEN, BLUE, (128,) * 3], 2,
    ),
    "png rgba": (lambda: encoded(cut_out_corner(), "PNG"), [RED, GREEN, BLUE, (128,) * 3], 1),
    "png grey and alpha": (lambda: encoded(cut_out_corner().convert("LA"), "PNG"), [*GREYS[:3], (128,) * 3], 1),
    "png black and white": (lambda: encoded(RGB_IMAGE.convert("L").point(lambda v: 255 * (v > 100), "1"), "PNG"),
                            [(0,) * 3, (255,) * 3, (0,) * 3, (255,) * 3], 0),
    "webp rgba": (lambda: encoded(cut_out_corner(), "WEBP", lossless=True), [RED, GREEN, BLUE, (128,) * 3], 1),
    "heic rgba": (lambda: encoded(cut_out_corner(), "HEIF", quality=100), [RED, GREEN, BLUE, (128,) * 3], 8),
    "heic grey": (lambda: encoded(RGB_IMAGE.convert("L"), "HEIF", quality=100), GREYS, 4),
    "png animated": (lambda: encoded(RGB_IMAGE, "PNG", save_all=True, append_images=[RGB_IMAGE.rotate(180)]), [RED, GREEN, BLUE, WHITE], 1),
    "webp animated": (lambda: encoded(RGB_IMAGE, "WEBP", lossless=True, save_all=True, append_images=[RGB_IMAGE.rotate(180)]),
                      [RED, GREEN, BLUE, WHITE], 1),
}  # fmt: skip


@pytest.mark.parametrize("case", MODES)
def test_every_kind_of_pixel_becomes_rgb(case):
    make, expected, within = MODES[case]
    found, image = open_photo(make())
    assert (image.mode, image.size, (found.width, found.height)) == ("RGB", (64, 40), (64, 40))
    assert alike(corners(image), expected, within)


@pytest.mark.parametrize("key", [None, 2000], ids=["plain", "one value transparent"])
def test_sixteen_bits_keep_their_brightness_and_orientation(key):
    """Stored lying on its side: 2000 of 65535 is at the upper left there, at the upper right when upright."""
    found, image = open_photo(deep(key))
    assert (found.width, found.height, image.size) == (40, 64, (40, 64))
    assert [pixel[0] for pixel in corners(image)] == [45000 >> 8, 2000 >> 8, 255, 30000 >> 8]


@pytest.mark.parametrize("mode", ["L", "RGBA", "LA", "P", "1"])
def test_pixels_that_are_converted_are_turned_too(mode):
    found, image = open_photo(encoded(RGB_IMAGE.convert(mode), "PNG", exif=exif(8)))
    assert (found.width, found.height, image.size) == (40, 64, (40, 64))


def test_a_picture_of_several_is_its_first_jpeg():
    """MPO, as telephones write it for depth or a second view, is a JPEG to everyone else."""
    data = encoded(np.ascontiguousarray(STORED[6](quarters(640, 400))), "MPO", save_all=True, append_images=[RGB_IMAGE], exif=exif(6))
    for least_side, size in ((None, (640, 400)), (100, (160, 100))):
        found, image = open_photo(data, least_side)
        assert (found.media_type, found.width, found.height, image.size) == ("image/jpeg", 640, 400, size)
        assert alike(corners(image), [RED, GREEN, BLUE, WHITE], 12)


@pytest.mark.parametrize("form", FORMS)
def test_hash_and_size_are_those_of_the_file_as_sent(form):
    kind, how, _ = FORMS[form]
    data = encoded(quarters(), kind, exif=exif(6, time="2024:05:06 07:08:09"), **how)
    before = bytes(bytearray(data))
    found, _ = open_photo(data, 16)
    assert (found.sha256, found.size, data) == (hashlib.sha256(before).hexdigest(), len(before), before)


def test_twelve_megapixels_are_reduced_to_what_is_needed():
    """4032 by 3024 at a quarter is 1008 by 756."""
    data = encoded(Image.linear_gradient("L").resize((4032, 3024)).convert("RGB"), "JPEG", quality=60)
    found, image = open_photo(data, 1000)
    assert (found.width, found.height, image.size) == (4032, 3024, (1008, 756))


ODD = encoded(quarters(801, 533), "JPEG")
UPRIGHT_ODD = encoded(quarters(533, 801), "JPEG")


@settings(SOME, max_examples=60)
@given(st.integers(1, 3000), st.booleans())
def test_reduced_pictures_have_at_least_the_side_asked_for(least_side, upright):
    found, image = open_photo(UPRIGHT_ODD if upright else ODD, least_side)
    assert (found.width, found.height) == ((533, 801) if upright else (801, 533))
    assert max(image.size) >= min(least_side, 801)
    if least_side <= 801 // 2:
        assert max(image.size) < 801


TIMES = {
    "with offset": ({"original": "2024:05:06 07:08:09", "original_offset": "+02:00"}, "2024-05-06T07:08:09+02:00"),
    "west of Greenwich": ({"original": "2024:05:06 07:08:09", "original_offset": "-05:30"}, "2024-05-06T07:08:09-05:30"),
    "without offset": ({"original": "2024:05:06 07:08:09"}, "2024-05-06T07:08:09"),
    "broken offset": ({"original": "2024:05:06 07:08:09", "original_offset": "summer"}, "2024-05-06T07:08:09"),
    "blank offset": ({"original": "2024:05:06 07:08:09", "original_offset": "   :  "}, "2024-05-06T07:08:09"),
    "time of change only": ({"time": "2023:01:02 03:04:05"}, "2023-01-02T03:04:05"),
    "time of change with its offset": ({"time": "2023:01:02 03:04:05", "offset": "+09:00"}, "2023-01-02T03:04:05+09:00"),
    "time of change, offset of another": ({"time": "2023:01:02 03:04:05", "original_offset": "+09:00"}, "2023-01-02T03:04:05"),
    "taken before changed": (
        {"time": "2023:01:02 03:04:05", "offset": "+09:00", "original": "2022:01:01 00:00:00", "original_offset": "+01:00"},
        "2022-01-01T00:00:00+01:00",
    ),
    "clock never set": ({"original": "0000:00:00 00:00:00"}, None),
    "blank": ({"original": "    :  :     :  :  "}, None),
    "month 13": ({"original": "2024:13:06 07:08:09"}, None),
    "nonsense": ({"original": "yesterday"}, None),
    "nothing": ({}, None),
}


@pytest.mark.parametrize("case", TIMES)
def test_the_cameras_clock(case):
    fields, expected = TIMES[case]
    assert open_photo(encoded(quarters(), "JPEG", exif=exif(**fields)))[0].taken_at == expected


PLACES = {
    "north east": (("N", (51.0, 57.0, 18.0), "E", (4.0, 8.0, 24.0)), (51.955, 4.14)),
    "Valparaiso, south west": (("S", (33.0, 2.0, 6.0), "W", (71.0, 37.0, 12.0)), (-33.035, -71.62)),
    "minutes with a fraction": (("S", (33.0, 2.1, 0.0), "E", (18.0, 25.44, 0.0)), (-33.035, 18.424)),
    "equator and Greenwich": (("N", (0.0, 0.0, 0.0), "E", (0.0, 0.0, 0.0)), (0.0, 0.0)),
    "no reference": ((None, (51.0, 57.0, 18.0), "E", (4.0, 8.0, 24.0)), (None, None)),
    "no longitude": (("N", (51.0, 57.0, 18.0), "E", None), (None, None)),
    "degrees only": (("N", (51.0,), "E", (4.0, 8.0, 24.0)), (None, None)),
    "beyond the pole": (("N", (91.0, 0.0, 0.0), "E", (4.0, 8.0, 24.0)), (None, None)),
    "beyond the date line": (("N", (51.0, 0.0, 0.0), "E", (181.0, 0.0, 0.0)), (None, None)),
}


@pytest.mark.parametrize("case", PLACES)
def test_the_place(case):
    gps, expected = PLACES[case]
    found, _ = open_photo(encoded(quarters(), "JPEG", exif=exif(gps=gps)))
    assert (found.latitude, found.longitude) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("part", range(6))
@pytest.mark.parametrize("numerator", [0, 7], ids=["0/0", "7/0"])
def test_a_place_with_a_zero_denominator_is_no_place(part, numerator):
    """Telephones without a fix write 0/0. The six numbers are found in the block by their values."""
    values = [51.0, 57.0, 18.0, 101.0, 43.0, 29.0]
    block = exif(time="2023:01:02 03:04:05", gps=("N", tuple(values[:3]), "E", tuple(values[3:])))
    whole = struct.pack(">II", int(values[part]), 1)
    assert block.count(whole) == 1
    broken = block.replace(whole, struct.pack(">II", numerator, 0))
    found, _ = open_photo(encoded(quarters(), "JPEG", exif=broken))
    assert (found.latitude, found.longitude, found.taken_at) == (None, None, "2023-01-02T03:04:05")


BROKEN_EXIF = {
    "no TIFF": b"Exif\0\0garbage",
    "empty": b"Exif\0\0",
    "points behind the end": b"Exif\0\0II*\0\xff\xff\xff\xff",
    "ends in the count": b"Exif\0\0MM\0*\0\0\0\x08\0",
    "promises five fields": b"Exif\0\0MM\0*\0\0\0\x08\0\x05",
    "cut in the first field": exif(6)[:20],
    "points at itself": b"Exif\0\0MM\0*\0\0\0\x08\0\1\x87\x69\0\4\0\0\0\1\0\0\0\x08\0\0\0\x08",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
@pytest.mark.parametrize("case", BROKEN_EXIF)
def test_a_broken_exif_block_is_no_reason_to_refuse(form, mode, case):
    if (form, mode) == ("jpeg", "RGBA"):
        mode = "CMYK"
    data = encoded(RGB_IMAGE.convert(mode), FORMS[form][0], exif=BROKEN_EXIF[case])
    found, image = open_photo(data)
    assert (found.width, found.height, image.size, found.taken_at, found.latitude) == (64, 40, (64, 40), None, None)


def png_claiming(width, height, depth=8, colour=2):
    """A PNG whose header names a size that its pixels do not fill."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")


def noise(width, height, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


JPEG = encoded(noise(96, 64), "JPEG", exif=exif(6, "2024:05:06 07:08:09", gps=("S", (33.0, 2.0, 6.0), "W", (71.0, 37.0, 12.0))))
REFUSED = {
    "empty": (b"", "empty"),
    "one byte": (b"\xff", "not a JPEG"),
    "text": ("Bitte anschauen: Schnecke am Container 🐌".encode(), "not a JPEG"),
    "html": (b"<!doctype html><title>404</title>", "not a JPEG"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>', "not a JPEG"),
    "gif": (encoded(RGB_IMAGE, "GIF"), "not a JPEG"),
    "bmp": (encoded(RGB_IMAGE, "BMP"), "not a JPEG"),
    "tiff": (encoded(RGB_IMAGE, "TIFF"), "not a JPEG"),
    "pdf": (encoded(RGB_IMAGE, "PDF"), "not a JPEG"),
    "zeros": (bytes(5000), "not a JPEG"),
    "jpeg cut in its head": (JPEG[:40], "not a JPEG"),
    "jpeg cut at half": (JPEG[: len(JPEG) // 2], "damaged or cut short"),
    "jpeg cut at the end": (JPEG[:-60], "damaged or cut short"),
    "png cut at half": (encoded(noise(64, 40), "PNG")[:4000], "damaged or cut short"),
    "webp cut at half": (encoded(noise(64, 40), "WEBP")[:700], "damaged"),
    "heic cut near the end": (encoded(noise(64, 40), "HEIF")[:-200], "damaged or cut short"),
    "png with too few pixels": (png_claiming(64, 40), "damaged or cut short"),
    "png without pixels": (png_claiming(0, 40), "not a JPEG"),
    "just over the limit of pixels": (png_claiming(20_000, 5_001), "megapixels; the limit is 100"),
    "over Pillow's limit": (png_claiming(20_000, 20_000), "too large; the limit is 100 megapixels"),
    "far over every limit": (png_claiming(2**31 - 1, 2**31 - 1), "too large; the limit is 100 megapixels"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("least_side", [None, 20], ids=["full", "reduced"])
def test_what_is_no_photograph_is_refused_in_words(case, least_side):
    data, says = REFUSED[case]
    with pytest.raises(PhotoError, match=says):
        open_photo(data, least_side)


def test_a_file_over_the_limit_is_refused_before_it_is_looked_at():
    with pytest.raises(PhotoError, match="the file has 100 MB; the limit is 100 MB"):
        open_photo(bytes(photo.MAX_BYTES + 1))


def is_photo_or_photo_error(data, least_side):
    with warnings.catch_warnings(action="ignore"):
        try:
            found, image = open_photo(data, least_side)
        except PhotoError:
            return
    assert image.mode == "RGB"
    assert least_side or image.size == (found.width, found.height)
    assert found.latitude is None or abs(found.latitude) <= 90


JPEG_START, PNG_START = b"\xff\xd8\xff\xe1\0\x20Exif\0\0", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
MAGIC = [b"", b"\xff\xd8\xff\xe0", JPEG_START, PNG_START, b"RIFF\x10\0\0\0WEBPVP8 ", b"\0\0\0\x18ftypheic"]


@SOME
@given(st.sampled_from(MAGIC), st.binary(max_size=300))
def test_random_bytes_raise_nothing_else(start, rest):
    is_photo_or_photo_error(start + rest, None)


VALID = {
    "jpeg": JPEG,
    "png": encoded(noise(24, 16), "PNG", exif=exif(6)),
    "webp": encoded(noise(24, 16), "WEBP", exif=exif(6)),
    "heic": encoded(noise(24, 16), "HEIF", exif=exif(6)),
}


@SOME
@given(st.data(), st.sampled_from([*VALID, "jpeg", "jpeg"]), st.sampled_from([None, 20]))
def test_flipped_bytes_raise_nothing_else(draw, form, least_side):
    """Half of the flips hit the first 300 bytes: the header, and in the JPEG its EXIF block."""
    data = bytearray(VALID[form])
    places = st.one_of(st.integers(0, min(300, len(data)) - 1), st.integers(0, len(data) - 1))
    for place, value in draw.draw(st.lists(st.tuples(places, st.integers(1, 255)), min_size=1, max_size=6)):
        data[place] ^= value
    is_photo_or_photo_error(bytes(data), least_side)


@pytest.mark.parametrize("value", [0, 1, 128])
def test_a_heic_with_any_one_byte_changed_raises_nothing_else(value):
    """libheif reports some as EOFError (lengths) and some as RuntimeError (sizes beyond its limit)."""
    for place in range(len(VALID["heic"])):
        data = bytearray(VALID["heic"])
        data[place] = value
        is_photo_or_photo_error(bytes(data), None)


def blurred(radius):
    return Image.fromarray(noise(320, 240)).filter(ImageFilter.GaussianBlur(radius))


JUDGED = {
    "sharp": (lambda: Image.fromarray(noise(320, 240)), []),
    "sharp and large": (lambda: Image.fromarray(noise(320, 240)).resize((1920, 1440), Image.Resampling.NEAREST), []),
    "sharp and upright": (lambda: Image.fromarray(noise(240, 900)), []),
    "dim but readable": (lambda: Image.fromarray((noise(320, 240) * 0.3).astype(np.uint8)), []),
    "black": (lambda: Image.new("RGB", (320, 240)), ["too dark"]),
    "noise in the dark": (lambda: Image.fromarray(noise(320, 240) // 10), ["too dark"]),
    "flat grey": (lambda: Image.new("RGB", (320, 240), (128, 128, 128)), ["blurred, or nothing to see"]),
    "white": (lambda: Image.new("RGB", (320, 240), (255, 255, 255)), ["blurred, or nothing to see"]),
    "gradient": (lambda: Image.linear_gradient("L").resize((320, 240)).convert("RGB"), ["blurred, or nothing to see"]),
    "out of focus": (lambda: blurred(8), ["blurred, or nothing to see"]),
    "small": (lambda: Image.fromarray(noise(10, 10)), ["too small: 10 by 10 pixels"]),
    "narrow": (lambda: Image.fromarray(noise(31, 500)), ["too small: 31 by 500 pixels"]),
    "just large enough": (lambda: Image.fromarray(noise(32, 32)), []),
    "one pixel": (lambda: Image.new("RGB", (1, 1), (200, 200, 200)), ["too small: 1 by 1 pixels", "blurred, or nothing to see"]),
    "a line": (lambda: Image.fromarray(noise(500, 2)), ["too small: 500 by 2 pixels", "blurred, or nothing to see"]),
    "small and black": (lambda: Image.new("RGB", (8, 8)), ["too small: 8 by 8 pixels", "too dark"]),
}


@pytest.mark.parametrize("case", JUDGED)
def test_quality(case):
    make, problems = JUDGED[case]
    assert list(quality(make()).problems) == problems


def test_quality_names_what_it_measured():
    """A board of single black and white pixels: the Laplacian is +-4 times 255 everywhere."""
    board = np.indices((64, 64)).sum(axis=0) % 2 * 255
    found = quality(Image.fromarray(np.dstack([board] * 3).astype(np.uint8)))
    assert (found.brightness, found.sharpness) == (127.5, (4 * 255) ** 2)


@pytest.mark.parametrize(
    ("maker", "model", "camera"),
    [
        ("Google", "Pixel 8", "Google Pixel 8"), ("Canon", "Canon EOS R5", "Canon EOS R5"), (None, "iPhone 15", "iPhone 15"), ("Acme", None, "Acme"),
        (None, None, None), (" \0 ", "", None), ("A\nB\x07", "C  D", "A B C D"), ("M" * 500, "x", "M" * 80), ("samsung", "SAMSUNG SM-1", "SAMSUNG SM-1"),
    ],
)  # fmt: skip
def test_the_camera_is_what_it_calls_itself(maker, model, camera):
    block = Image.Exif()
    for tag, value in ((ExifTags.Base.Make, maker), (ExifTags.Base.Model, model)):
        if value is not None:
            block[tag] = value
    assert open_photo(encoded(quarters(), "JPEG", exif=block))[0].camera == camera


def test_no_serial_number_and_no_owner_is_taken_from_a_photograph():
    block = Image.Exif()
    block[ExifTags.Base.Model] = "Pixel 8"
    block.get_ifd(ExifTags.IFD.Exif).update({ExifTags.Base.BodySerialNumber: "SN12345", ExifTags.Base.CameraOwnerName: "Ana Pérez"})
    found, _ = open_photo(encoded(quarters(), "JPEG", exif=block))
    assert found.camera == "Pixel 8"
    assert "SN12345" not in str(found)
    assert "Ana" not in str(found)
