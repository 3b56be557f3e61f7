"""The auditor's Ed25519 and hashes of pictures, against RFC 8032, ``cryptography`` and the copies that are handed on."""

from __future__ import annotations

import io
import time

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pestcheck.export.shared import shared_copy
from pestcheck.export.verify_pack import Bad, L, P, _decoded, ed25519_verify, note, open_note, picture_hash
from tests.export.packs import photograph
from tests.pictures import scenes

RFC_8032 = [
    ("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
    ("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
    ("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"),
    ("ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
     "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"),
]  # fmt: skip
"""Section 7.1: tests 1, 2, 3 and SHA(abc)."""
SOME = settings(max_examples=60, deadline=None)


def theirs(public: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@pytest.mark.parametrize(("public", "message", "signature"), RFC_8032)
def test_the_vectors_of_the_rfc(public: str, message: str, signature: str) -> None:
    key, text, signed = bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature)
    assert ed25519_verify(key, signed, text)
    for place in range(64):
        wrong = bytearray(signed)
        wrong[place] ^= 1 << place % 8
        assert not ed25519_verify(key, bytes(wrong), text)
    assert not ed25519_verify(key, signed, text + b"\0")


@SOME
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200), st.integers(0, 95), st.integers(0, 7))
def test_as_cryptography_does(seed: bytes, message: bytes, place: int, bit: int) -> None:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = private.public_key().public_bytes_raw(), private.sign(message)
    assert ed25519_verify(public, signature, message)
    changed = bytearray(public + signature)
    changed[place] ^= 1 << bit
    key, signed = bytes(changed[:32]), bytes(changed[32:])
    assert not ed25519_verify(key, signed, message)
    assert not theirs(key, signed, message)


@SOME
@given(st.binary(min_size=32, max_size=32), st.binary(min_size=64, max_size=64), st.binary(max_size=20))
def test_nonsense_is_no_signature(public: bytes, signature: bytes, message: bytes) -> None:
    assert not ed25519_verify(public, signature, message)


def test_what_a_lax_check_would_take() -> None:
    """S + L is S to a check that does not look (malleability); y + p is y; sizes."""
    private = Ed25519PrivateKey.generate()
    public, signature = private.public_key().public_bytes_raw(), private.sign(b"x")
    s = int.from_bytes(signature[32:], "little")
    assert not ed25519_verify(public, signature[:32] + (s + L).to_bytes(32, "little"), b"x")
    assert _decoded((P + 1).to_bytes(32, "little")) is None
    assert _decoded((1 | 1 << 255).to_bytes(32, "little")) is None  # x = 0 with a sign
    for key, signed in ((public[:31], signature), (public, signature[:63]), (public + b"\0", signature), (b"", b"")):
        assert not ed25519_verify(key, signed, b"x")


def test_it_is_fast_enough_for_a_head_a_day_for_five_years() -> None:
    private = Ed25519PrivateKey.generate()
    public, signature = private.public_key().public_bytes_raw(), private.sign(b"x")
    started = time.process_time()
    for _ in range(50):
        assert ed25519_verify(public, signature, b"x")
    assert (time.process_time() - started) / 50 * 5 * 365 < 15


def test_a_note_is_opened_only_as_it_was_signed() -> None:
    private, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    public = private.public_key().public_bytes_raw()
    text = "log\n5\nroot\n"
    good = note(text, "log", public, private.sign(text.encode()))
    assert open_note(good, "log", [other, public]) == (text, public)
    for wrong, name, keys in (
        (good, "log", [other]), (good, "other", [public]), (good.replace("5", "6"), "log", [public]), (good[:-3], "log", [public]),
        ("", "log", [public]), ("\n\n", "log", [public]), (text, "log", [public]), (good.replace("— log ", "— log  "), "log", [public]),
    ):  # fmt: skip
        with pytest.raises(ValueError):  # noqa: PT011  (Bad, or what base64 says)
            open_note(wrong, name, keys)
    assert issubclass(Bad, ValueError)


@pytest.mark.parametrize("how", [{}, {"progressive": True}, {"quality": 30, "comment": b"\xff\xd9 here"}, {"icc_profile": b"x" * 300}])
def test_a_stripped_copy_has_the_same_picture_hash(how: dict[str, object]) -> None:
    image = Image.open(io.BytesIO(photograph(3)))
    file = io.BytesIO()
    image.save(file, "JPEG", exif=image.getexif(), **how)
    data = file.getvalue() + b"what a telephone puts behind the picture \xff\xd9"
    copy = shared_copy(data)
    assert copy.how == "stripped"
    assert picture_hash(data) == picture_hash(copy.data) is not None
    other = scenes.jpeg(scenes.wall(640, 480, seed=4))
    assert picture_hash(other) != picture_hash(data)


@SOME
@given(st.binary(max_size=300), st.integers(0, 400))
def test_a_picture_hash_is_of_a_whole_jpeg_or_none(noise: bytes, place: int) -> None:
    """Any change of the picture's own bytes changes it; whatever is given, there is an end."""
    assert picture_hash(noise) is None or noise[:2] == b"\xff\xd8"
    picture_hash(b"\xff\xd8" + noise)
    data = bytearray(SMALL)
    at = len(data) - 3 - place % (len(data) // 2)
    data[at] ^= 0x01
    assert picture_hash(bytes(data)) != picture_hash(SMALL)


SMALL = scenes.jpeg(scenes.wall(64, 48))
