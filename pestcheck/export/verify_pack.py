#!/usr/bin/env python3
"""Check an evidence pack of pestcheck: is it complete, unchanged and signed? Python 3.9 or later, nothing to install; nothing is written.

    python3 verify.py pack.zip [--key FINGERPRINT] [--earlier OLDER.zip] [--originals FOLDER]

This file lies in every pack. Whoever can change a pack can change the copy in it too: run one that you got elsewhere, from the project's
release or from an older pack, and compare its SHA-256, which the report prints. Exit code: 0 no problem, 1 problems, 2 no pack at all.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import stat
import sys
import zipfile
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple, Union  # noqa: UP035  (Python 3.9)

FORMAT = 1
MANIFEST, SIGNATURE, HEAD, STAMP, HEADS, EVENTS, KEYS = (
    "manifest.json", "manifest.sig", "head.txt", "head.tsr", "heads.jsonl", "events.jsonl", "keys.txt",
)  # fmt: skip
RECORDS, PHOTOGRAPHS = "inspections/", "photographs/"
MOST_LINE, MOST_TEXT, MOST_FILES, CHUNK = 64 << 20, 256 << 20, 1_000_000, 1 << 20
Json = Dict[str, Any]  # noqa: UP006


class Bad(ValueError):
    """What was read is not what it should be; the message says in which way."""


# Merkle tree: RFC 9162, section 2.1


def leaf_hash(leaf: bytes) -> bytes:
    """Hash of one leaf; the prefix keeps a leaf from passing for a node."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def includes(leaf: bytes, index: int, size: int, proof: Sequence[bytes], tree_head: bytes) -> bool:
    """Whether ``proof`` shows that leaf hash ``leaf`` is number ``index`` in the tree of ``size`` leaves (2.1.3.2)."""
    if not 0 <= index < size:
        return False
    number, last, value = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if number & 1 or number == last:
            value = node_hash(step, value)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            value = node_hash(value, step)
        number, last = number >> 1, last >> 1
    return last == 0 and value == tree_head


def consistent(old_size: int, size: int, old_head: bytes, new_head: bytes, proof: Sequence[bytes]) -> bool:
    """Whether ``proof`` shows that the tree of ``size`` leaves begins with the tree of ``old_size`` leaves (2.1.4.2)."""
    if not 1 <= old_size <= size:
        return False
    if old_size == size:
        return not proof and old_head == new_head
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_head)
    if not path:
        return False
    number, last = old_size - 1, size - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    old = new = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if number & 1 or number == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            new = node_hash(new, step)
        number, last = number >> 1, last >> 1
    return last == 0 and old == old_head and new == new_head


# Ed25519: RFC 8032, section 5.1. Points are (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z.

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)
Point = Tuple[int, int, int, int]  # noqa: UP006
NEUTRAL: Point = (0, 1, 1, 0)


def _add(p: Point, q: Point) -> Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _double(p: Point) -> Point:
    a, b = p[0] * p[0] % P, p[1] * p[1] % P
    h = a + b
    e, g = h - (p[0] + p[1]) ** 2 % P, a - b
    f = 2 * p[2] * p[2] % P + g
    return e * f % P, g * h % P, f * g % P, e * h % P


def _decoded(data: bytes) -> Point | None:
    y, sign = int.from_bytes(data, "little") & (1 << 255) - 1, data[31] >> 7
    if y >= P:
        return None
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * v**3 * pow(u * v**7, (P - 5) // 8, P) % P
    if v * x * x % P != u:
        x = x * ROOT_OF_MINUS_1 % P
    if v * x * x % P != u or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def _encoded(p: Point) -> bytes:
    z = pow(p[2], P - 2, P)
    x, y = p[0] * z % P, p[1] * z % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _multiples(p: Point) -> List[Point]:  # noqa: UP006
    found = [NEUTRAL]
    for _ in range(15):
        found.append(_add(found[-1], p))
    return found


_BASE_POINT = _decoded((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
assert _BASE_POINT is not None
_BASE = _multiples(_BASE_POINT)


def ed25519_verify(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether ``signature`` (64 bytes) is the key's (32 bytes) under ``message`` (5.1.7): R = S B - k A, bytes for bytes."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, s = _decoded(public), int.from_bytes(signature[32:], "little")
    if key is None or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    theirs, total = _multiples((P - key[0], key[1], 1, P - key[3])), NEUTRAL
    for shift in range(252, -1, -4):
        total = _double(_double(_double(_double(total))))
        total = _add(_add(total, _BASE[s >> shift & 15]), theirs[k >> shift & 15])
    return _encoded(total) == signature[:32]


# Signed notes and tree heads, in the form of C2SP signed-note and tlog-checkpoint


def fingerprint(public: bytes) -> str:
    """SHA-256 of a public key: what people compare."""
    return hashlib.sha256(public).hexdigest()


def note(text: str, name: str, public: bytes, signature: bytes) -> str:
    """A text with its signature. ``name``: of the log."""
    short = hashlib.sha256(name.encode() + b"\n\x01" + public).digest()[:4]
    return f"{text}\n— {name} {base64.b64encode(short + signature).decode()}\n"


def open_note(signed: str, name: str, keys: Sequence[bytes]) -> Tuple[str, bytes]:  # noqa: UP006
    """The text of a note and the one of ``keys`` that signed it; or ``Bad``."""
    text, _, lines = signed.rpartition("\n\n")
    given = lines.rstrip("\n").split(" ")
    if len(given) != 3 or given[:2] != ["—", name]:
        raise Bad("it has no signature of this log")
    signature = base64.b64decode(given[2])
    for public in keys:
        short = hashlib.sha256(name.encode() + b"\n\x01" + public).digest()[:4]
        if short == signature[:4]:
            if ed25519_verify(public, signature[4:], (text + "\n").encode()):
                return text + "\n", public
            raise Bad("its signature is forged, or it was changed")
    raise Bad("it is signed by a key that is none of this log's")


def head_text(name: str, size: int, root: bytes, at: str) -> str:
    """What is signed of a tree: the log's name, its size, its root, and when."""
    return f"{name}\n{size}\n{base64.b64encode(root).decode()}\n{at}\n"


def read_head(text: str) -> Tuple[str, int, bytes, str]:  # noqa: UP006
    """Name of the log, size, root and time; or ``Bad``."""
    lines = text.split("\n")
    if len(lines) != 5 or not lines[1].isascii() or not lines[1].isdigit():
        raise Bad("it is no tree head")
    return lines[0], int(lines[1]), base64.b64decode(lines[2]), lines[3]


def key_text(name: str, public: bytes, at: str) -> str:
    """What the old key signs when a new one takes its place."""
    return f"{name} key\n{base64.b64encode(public).decode()}\n{at}\n"


def pack_text(name: str, manifest: bytes, head: str) -> str:
    """What is signed of a pack: the SHA-256 of its manifest and of its tree head."""
    return f"{name} pack\n{hashlib.sha256(manifest).hexdigest()}\n{hashlib.sha256(head.encode()).hexdigest()}\n"


# Time stamps: RFC 3161


def _der(data: bytes) -> List[Tuple[int, bytes]]:  # noqa: UP006
    """The values in a DER text, each with its tag."""
    found, at = [], 0
    while at < len(data):
        tag, length, at = data[at], data[at + 1], at + 2
        if length & 0x80:
            wide = length & 0x7F
            length, at = int.from_bytes(data[at : at + wide], "big"), at + wide
        if at + length > len(data):
            raise Bad("it is cut short")
        found.append((tag, data[at : at + length]))
        at += length
    return found


def _inside(data: bytes, *path: int) -> bytes:
    for place in path:
        data = _der(data)[place][1]
    return data


def stamp_says(response: bytes) -> Tuple[bytes, str]:  # noqa: UP006
    """SHA-256 and time that a time-stamp response is about; or ``Bad``. The signature of the authority is not checked here."""
    try:
        # TimeStampResp > ContentInfo > [0] > SignedData > EncapsulatedContentInfo > [0] > OCTET STRING > TSTInfo
        info = _der(_inside(response, 0, 1, 1, 0, 2, 1, 0, 0))
        (_, algorithm), (_, digest) = _der(info[2][1])
        at = next(value for tag, value in info if tag == 0x18).decode("ascii")
    except (IndexError, ValueError, StopIteration) as error:
        raise Bad("it is no time stamp") from error
    if _inside(algorithm, 0) != bytes.fromhex("608648016503040201"):
        raise Bad("it is not over a SHA-256")
    return digest, f"{at[:4]}-{at[4:6]}-{at[6:8]}T{at[8:10]}:{at[10:12]}:{at[12:14]}Z"
