"""Time stamps of an outside authority (RFC 3161) over signed tree heads: that a head was there at a time, whoever has the key."""

from __future__ import annotations

import urllib.error
import urllib.request
from datetime import datetime
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZipFile

from pestcheck.export.verify_pack import HEAD, STAMP

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse


class NotAStamp(OSError):
    """An answer that is no time stamp."""


WAIT_SECONDS = 10
MOST_BYTES = 1 << 20


def ask(url: str, data: bytes) -> bytes:
    """A time stamp over the SHA-256 of ``data``: the authority's response, DER.

    Raises:
        OSError: a package is missing, or the authority does not answer, refuses, or answers something else.
    """
    try:
        from rfc3161_client import HashAlgorithm, TimestampRequestBuilder
    except ModuleNotFoundError as error:
        raise OSError(f"time stamps need one more package ({error.name}): pip install 'pestcheck[stamps]'") from error
    if not url.startswith(("http://", "https://")):
        raise OSError(f"{url!r} is no address of a time-stamping authority: it begins with http:// or https://")
    asked = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256).build()
    try:
        request = urllib.request.Request(url, asked.as_bytes(), {"Content-Type": "application/timestamp-query"})
        with urllib.request.urlopen(request, timeout=WAIT_SECONDS) as response:
            answer: bytes = response.read(MOST_BYTES)
    except (urllib.error.URLError, HTTPException, TimeoutError, ValueError) as error:
        raise OSError(f"the time-stamping authority {url} does not answer: {error}") from error
    given = _read(answer)
    if given.status not in (0, 1):
        raise OSError(f"the time-stamping authority {url} refuses: status {given.status}")
    if given.tst_info.nonce != asked.nonce:
        raise OSError(f"the time-stamping authority {url} answered something else")
    return answer


def check(stamp: bytes, data: bytes, roots: Path) -> datetime:
    """The time that a stamp over ``data`` says, with its authority's signature and certificates checked.

    Args:
        roots: PEM file of the root certificates that are trusted.

    Raises:
        ValueError: the stamp is not good; the message says why. OSError: a package or the file is missing.
    """
    from cryptography.x509 import load_pem_x509_certificates

    try:
        given = _read(stamp)
    except NotAStamp as error:
        raise ValueError(f"the time stamp is not good: {error}") from error
    from rfc3161_client import VerificationError, VerifierBuilder

    builder = VerifierBuilder()
    for root in load_pem_x509_certificates(roots.read_bytes()):
        builder = builder.add_root_certificate(root)
    try:
        builder.build().verify_message(given, data)
    except VerificationError as error:
        raise ValueError(f"the time stamp is not good: {error}") from error
    at: datetime = given.tst_info.gen_time
    return at


def check_pack(pack: Path, roots: Path) -> str:
    """Check the time stamp of an evidence pack in full; returns what it says.

    Raises:
        ValueError, OSError: see ``check``.
    """
    with ZipFile(pack) as archive:
        if STAMP not in archive.namelist():
            return "none"
        at = check(archive.read(STAMP), archive.read(HEAD), roots)
    return f"{at.isoformat()}; the authority's signature and its certificates, up to {roots.name}, are good"


def _read(stamp: bytes) -> TimeStampResponse:
    try:
        from rfc3161_client import decode_timestamp_response
    except ModuleNotFoundError as error:
        raise OSError(f"time stamps need one more package ({error.name}): pip install 'pestcheck[stamps]'") from error
    try:
        return decode_timestamp_response(stamp)
    except ValueError as error:
        raise NotAStamp("this is no time stamp") from error
