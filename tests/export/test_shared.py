"""What may be handed on says nothing of place and device, and shows the same pixels."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, PngImagePlugin

from pestcheck.export.shared import shared_copy
from pestcheck.photo import PhotoError, open_photo
from tests.pictures import scenes

SECRETS = (b"Cam\xc3\xa9ra", b"ACME Phone", b"serial-4711", b"Ana was here", b"25.7", b"GPSLatitude", b"MAKERNOTE")
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF exif:GPSLatitude="25.7" tiff:Model="ACME Phone"/></x:xmpmeta>'


def exif(turn: int = 1, **more: object) -> Image.Exif:
    """What a telephone writes, with place, device and maker note."""
    made = Image.Exif()
    made[ExifTags.Base.Make], made[ExifTags.Base.Model], made[ExifTags.Base.Artist] = "ACME", "ACME Phone", "Ana was here"
    made[ExifTags.Base.Orientation] = turn
    inner = made.get_ifd(ExifTags.IFD.Exif)
    inner[ExifTags.Base.DateTimeOriginal], inner[ExifTags.Base.BodySerialNumber] = "2026:11-24 08:30:00", "serial-4711"
    inner[ExifTags.Base.MakerNote] = b"MAKERNOTE" * 20
    place = made.get_ifd(ExifTags.IFD.GPSInfo)
    place[ExifTags.GPS.GPSLatitudeRef], place[ExifTags.GPS.GPSLatitude] = "N", (25.0, 42.0, 0.0)
    place[ExifTags.GPS.GPSLongitudeRef], place[ExifTags.GPS.GPSLongitude] = "W", (100.0, 18.0, 0.0)
    return made


def written(kind: str, turn: int = 1) -> bytes:
    """A photograph of a kind with everything that should not be handed on."""
    picture = scenes.floor(320, 240)
    scenes.lay(picture, "hornet", length=90)
    out = io.BytesIO()
    match kind:
        case "JPEG":
            picture.save(
                out, "JPEG", quality=90, exif=exif(turn), xmp=XMP, comment=b"Ana was here", icc_profile=b"p" * 300, progressive=True
            )
            return out.getvalue() + b"\xff\xd8 a second picture behind it, of ACME Phone"
        case "PNG":
            words = PngImagePlugin.PngInfo()
            words.add_text("Author", "Ana was here")
            words.add_itxt("XML:com.adobe.xmp", XMP.decode())
            picture.save(out, "PNG", exif=exif(turn), pnginfo=words)
            return out.getvalue() + b"serial-4711"
        case "WEBP":
            picture.save(out, "WEBP", quality=90, exif=exif(turn), xmp=XMP)
        case _:
            import pillow_heif

            pillow_heif.register_heif_opener()
            picture.save(out, "HEIF", quality=90, exif=exif(turn), xmp=XMP)
    return out.getvalue()


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(open_photo(data)[1])


@pytest.mark.parametrize("turn", [1, 6])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_nothing_of_place_and_device_is_left_and_the_pixels_stay(kind: str, turn: int) -> None:
    data = written(kind, turn)
    assert open_photo(data)[0].latitude == pytest.approx(25.7)
    assert any(secret in data for secret in SECRETS)
    copy = shared_copy(data)
    assert copy.how == "stripped"
    told, _ = open_photo(copy.data)
    assert (told.latitude, told.longitude, told.taken_at) == (None, None, None)
    assert [secret for secret in SECRETS if secret in copy.data] == []
    assert np.array_equal(pixels(data), pixels(copy.data))
    assert copy.media_type == told.media_type
    again = shared_copy(copy.data)
    assert (again.how, again.data) == ("unchanged", copy.data)


def test_the_colour_profile_stays() -> None:
    assert Image.open(io.BytesIO(shared_copy(written("JPEG")).data)).info["icc_profile"] == b"p" * 300


def test_a_thumbnail_of_jfif_goes() -> None:
    data = scenes.jpeg(scenes.floor(64, 48))
    thumbnail = b"JFIF\0\x01\x01\0\0\x01\0\x01\x02\x01" + b"THU" * 2
    data = b"\xff\xd8\xff\xe0" + struct.pack(">H", len(thumbnail) + 2) + thumbnail + data[2 + 18 :]
    copy = shared_copy(data)
    assert (copy.how, b"THU" in copy.data) == ("stripped", False)


def test_private_chunks_of_a_png_go() -> None:
    out = io.BytesIO()
    scenes.floor(64, 48).save(out, "PNG")
    body = b"caBX" + b"serial-4711"
    secret = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    data = out.getvalue()[:33] + secret + out.getvalue()[33:]
    assert shared_copy(data).data == out.getvalue()


def test_a_picture_that_is_not_laid_out_as_it_should_be_is_encoded_again() -> None:
    """Decoders look for the next marker; whoever copies segments would not know what they copy."""
    data = written("JPEG", 6)
    odd = data[:2] + b"serial-4711" + data[2:]
    if _readable(odd):
        assert shared_copy(odd).how == "encoded again"
    heic = written("HEIF")
    box = struct.pack(">I4s", 8 + 11, b"uuid") + b"serial-4711"
    copy = shared_copy(heic + box)
    assert (copy.how, copy.media_type) == ("encoded again", "image/jpeg")
    assert not any(secret in copy.data for secret in SECRETS)
    assert open_photo(copy.data)[0].width == 320


def _readable(data: bytes) -> bool:
    try:
        open_photo(data)
    except PhotoError:
        return False
    return True


def test_what_is_no_photograph_is_refused() -> None:
    for data in (b"", b"MZ not a picture", written("JPEG")[:2000]):
        with pytest.raises(PhotoError):
            shared_copy(data)


def test_photographs_of_real_cameras(shared_data: Path) -> None:
    files = sorted((shared_data / "photos").glob("*.jpg"))
    with_exif = 0
    for file in files:
        data = file.read_bytes()
        copy = shared_copy(data)
        with_exif += len(Image.open(io.BytesIO(data)).getexif()) > 0
        assert copy.how in ("stripped", "unchanged"), file.name
        assert np.array_equal(pixels(data), pixels(copy.data))
        assert set(Image.open(io.BytesIO(copy.data)).getexif()) <= {ExifTags.Base.Orientation}
    assert with_exif > 0
