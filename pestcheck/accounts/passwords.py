"""Which passwords and PINs are good enough (NIST SP 800-63B, OWASP ASVS 2.1), and how they are kept: as Argon2id hashes."""

from __future__ import annotations

import threading
import unicodedata
from base64 import b64encode
from functools import cache
from itertools import pairwise
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from pestcheck.records.common import Refused

MIN_PASSWORD, MAX_PASSWORD = 12, 256
MIN_PIN, MAX_PIN = 4, 12
PRODUCT = "pestcheck"
_HASHER = PasswordHasher()
"""The second recommended option of RFC 9106: 64 MiB, three passes."""
_TURNS = threading.BoundedSemaphore(2)
"""How many are hashed at once: each takes 64 MiB."""
NOTHING = (
    f"$argon2id$v=19$m={_HASHER.memory_cost},t={_HASHER.time_cost},p={_HASHER.parallelism}"
    f"${b64encode(bytes(_HASHER.salt_len)).decode().rstrip('=')}${b64encode(bytes(_HASHER.hash_len)).decode().rstrip('=')}"
)  # fmt: skip
"""The hash of no password: to compare with it takes as long as with one, so that nobody learns by the clock who has an account."""


def check_password(password: str, name: str) -> str:
    """A password in the form that is hashed: NFKC, so that every keyboard's "é" is the same. Nothing is said of its kinds of characters.

    Raises:
        Refused: too short, too long, the person's name, one of the first that anybody would try, or with characters that cannot be typed again.
    """
    plain = normal(password)
    if len(plain) < MIN_PASSWORD:
        raise Refused(f"The password is too short: it needs {MIN_PASSWORD} characters. A few words with blanks between them will do.")
    if len(plain) > MAX_PASSWORD:
        raise Refused(f"The password is too long: {len(plain)} characters; the limit is {MAX_PASSWORD}.")
    said = _letters(plain)
    if said.strip("0123456789") in {_letters(normal(name)), PRODUCT} or said in _common() or _repeats(said) or _counts(said):
        raise Refused("Others would try this password first. Take one that is not a name, a row of keys or the same over and over.")
    return plain


def check_pin(pin: str) -> str:
    """
    Raises:
        Refused: not 4 to 12 digits, or the first that anybody would try.
    """
    plain = normal(pin).strip()
    if not (plain.isascii() and plain.isdigit() and MIN_PIN <= len(plain) <= MAX_PIN):
        raise Refused(f"A PIN has {MIN_PIN} to {MAX_PIN} digits.")
    if _repeats(plain) or _counts(plain):
        raise Refused("Others would try this PIN first. Take one that does not count or repeat.")
    return plain


def normal(text: str) -> str:
    """Unicode's NFKC form.

    Raises:
        Refused: control characters, or halves of characters.
    """
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in text):
        raise Refused("There are characters in it that cannot be typed again, such as a tab or the end of a line.")
    return unicodedata.normalize("NFKC", text)


def hashed(secret: str) -> str:
    """The Argon2id hash of what ``check_password`` or ``check_pin`` gave."""
    with _TURNS:
        return _HASHER.hash(secret)


def matches(kept: str | None, typed: str) -> bool:
    """Whether somebody typed what was hashed. ``kept``: None takes as long and is never right."""
    try:
        secret = normal(typed)
    except Refused:
        secret, kept = "", None
    with _TURNS:
        try:
            return _HASHER.verify(kept or NOTHING, secret[: 2 * MAX_PASSWORD]) and kept is not None
        except (VerificationError, InvalidHashError):
            return False


def outdated(kept: str) -> bool:
    """Whether a hash was made with other parameters than those of today."""
    return _HASHER.check_needs_rehash(kept)


def _letters(text: str) -> str:
    return "".join(text.casefold().split())


@cache
def _common() -> frozenset[str]:
    lines = (Path(__file__).parent / "common.txt").read_text("utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))


def _repeats(text: str) -> bool:
    """Whether it is one piece of up to four characters over and over."""
    return any(text == (text[:n] * len(text))[: len(text)] for n in range(1, min(4, len(text) // 2) + 1))


def _counts(text: str) -> bool:
    """Whether it counts up or down: 1234, 7890, dcba."""
    steps = {(ord(b) - ord(a)) % 10 if (a + b).isdigit() else ord(b) - ord(a) for a, b in pairwise(text)}
    return steps in ({1}, {-1}, {9})
