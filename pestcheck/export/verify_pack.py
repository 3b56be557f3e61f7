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
import re
import stat
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

FORMAT = 1
MANIFEST, SIGNATURE, HEAD, STAMP, HEADS, EVENTS, KEYS = (
    "manifest.json", "manifest.sig", "head.txt", "head.tsr", "heads.jsonl", "events.jsonl", "keys.txt",
)  # fmt: skip
RECORDS, PHOTOGRAPHS = "inspections/", "photographs/"
MOST_LINE, MOST_BYTES, CHUNK = 16 << 20, 256 << 20, 1 << 20
Json = dict[str, Any]


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
Point = tuple[int, int, int, int]
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


def _multiples(p: Point) -> list[Point]:
    found = [NEUTRAL]
    for _ in range(15):
        found.append(_add(found[-1], p))
    return found


_BASE_POINT = _decoded((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
assert _BASE_POINT is not None
_BASE = _multiples(_BASE_POINT)


def ed25519_verify(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether ``signature`` (64 bytes) is the key's (32 bytes) under ``message`` (5.1.7): R = S B - k A, bytes for bytes.

    A key of small order, under which a signature says nothing, is none.
    """
    if len(public) != 32 or len(signature) != 64:
        return False
    key, s = _decoded(public), int.from_bytes(signature[32:], "little")
    if key is None or s >= L:
        return False
    if _encoded(_double(_double(_double(key)))) == _encoded(NEUTRAL):
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


def open_note(signed: str, name: str, keys: Sequence[bytes]) -> tuple[str, bytes]:
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


def read_head(text: str) -> tuple[str, int, bytes, str]:
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


def _der(data: bytes) -> list[tuple[int, bytes]]:
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


def stamp_says(response: bytes) -> tuple[bytes, str]:
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


# The picture of a JPEG without what the file says beside it, so that a copy without place and device can be held against the original's event

_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def picture_hash(data: bytes) -> str | None:
    """SHA-256 of a JPEG without its APPn and COM segments and what follows its end; None of any other file."""
    if data[:2] != b"\xff\xd8":
        return None
    digest, at, scan = hashlib.sha256(data[:2]), 2, False
    while True:
        found = _MARKER.search(data, at)
        if found is None:
            return None
        if scan:
            digest.update(data[at : found.start()].rstrip(b"\xff"))
        marker, at, scan = data[found.start() + 1], found.end(), False
        if marker == 0xD9:
            return digest.hexdigest()
        if marker != 0x01:
            end, scan = at + int.from_bytes(data[at : at + 2], "big"), marker == 0xDA
            if not 0xE0 <= marker <= 0xEF and marker != 0xFE:
                digest.update(b"\xff" + data[found.start() + 1 : end])
            at = max(end, at + 2)


# The pack


class Report:
    """What a pack shows, and what is wrong with it: each with what it is about."""

    def __init__(self) -> None:
        self.facts: list[tuple[str, str]] = []
        self.problems: list[tuple[str, str]] = []

    def fact(self, what: str, says: object) -> None:
        self.facts.append((what, str(says)))

    def problem(self, where: str, says: object) -> None:
        if (where, str(says)) not in self.problems[-50:]:
            self.problems.append((where, str(says)))


class Archive:
    """The files of a ZIP, read where they are; nothing is unpacked."""

    def __init__(self, path: Path, report: Report) -> None:
        self.report, self.zip = report, zipfile.ZipFile(path)
        self.entries: dict[str, zipfile.ZipInfo] = {}
        for info in self.zip.infolist():
            wrong = self._unsafe(info)
            if wrong:
                report.problem(repr(info.orig_filename), wrong)
            else:
                self.entries[info.filename] = info
        if sum(info.compress_size for info in self.zip.infolist()) > path.stat().st_size:
            report.problem(path.name, "its entries overlap: a zip bomb")

    def _unsafe(self, info: zipfile.ZipInfo) -> str:
        name = info.orig_filename
        if re.search(r'[\x00-\x1f\\:*?"<>|]', name) or {"", ".", ".."} & set(name.split("/")):
            return "would be unpacked outside its folder, or is no name of a file; it was not read"
        if name in self.entries:
            return "is in the archive twice; the first one was read"
        if stat.S_ISLNK(info.external_attr >> 16) or info.flag_bits & 1:
            return "is a link, or encrypted; it was not read"
        if info.file_size > max(MOST_LINE, 200 * info.compress_size):
            return f"{info.file_size:,} bytes packed into {info.compress_size:,}: a zip bomb; it was not read"
        return ""

    def chunks(self, name: str) -> Iterator[bytes]:
        """A file in parts; or ``Bad``."""
        if name not in self.entries:
            raise Bad("is missing")
        try:
            with self.zip.open(self.entries[name]) as file:
                yield from iter(lambda: file.read(CHUNK), b"")
        except Exception as error:  # zipfile, zlib and the system each have their own
            raise Bad(f"was changed or damaged: {error}") from error

    def read(self, name: str) -> bytes:
        """A whole file that is not too large; or nothing, and a problem."""
        try:
            if name in self.entries and self.entries[name].file_size > MOST_BYTES:
                raise Bad("is too large")
            return b"".join(self.chunks(name))
        except Bad as error:
            self.report.problem(name, error)
            return b""

    def lines(self, name: str) -> Iterator[Any]:
        """A file's lines of JSON, until one cannot be read, which is a problem."""
        number, rest = 1, b""
        try:
            for chunk in self.chunks(name):
                *lines, rest = (rest + chunk).split(b"\n")
                if len(rest) > MOST_LINE:
                    raise Bad("is too long")
                for line in lines:
                    yield json.loads(line)
                    number += 1
            if rest:
                raise Bad("is cut short")
        except (ValueError, RecursionError) as error:
            self.report.problem(name, f"{error}" if number == 1 and isinstance(error, Bad) else f"line {number}: {error}")


class Log(Archive):
    """The log's part of a pack: the events that it has, the keys, and the head of the tree that they are in."""

    def __init__(self, path: Path, report: Report) -> None:
        super().__init__(path, report)
        self.bodies: dict[int, Json] = {}
        self.of: dict[str, list[int]] = {}  # the places of the events of each inspection
        self.keys: list[bytes] = []
        self.since: list[int] = []  # the place of the event from which each key signs
        self.vouched = 0  # the first key from which on each is signed by the one before
        self.name, self.size, self.root, self.at = "", 0, b"", ""
        self.head = self.read(HEAD).decode("utf-8", "replace")
        self.name = self.head.partition("\n")[0]
        proofs = [found for told in self.lines(EVENTS) for found in self._event(told)]
        for seq, body in sorted(self.bodies.items()):
            if body["kind"] == "key_made":
                self._key(seq, body["payload"])
        try:
            self.size, self.root, self.at = self.opened(self.head)
        except ValueError as error:
            report.problem(f"tree head ({HEAD})", error)
        for seq, leaf, proof in proofs:
            if not includes(leaf, seq, self.size, proof, self.root):
                report.problem(self.event(seq), "is not in the log at this place: it was changed, added or moved, or the head is another")

    def event(self, seq: int) -> str:
        """An event in words."""
        body = self.bodies[seq]
        return f"event {seq} ({body.get('kind')})" + (f" of inspection {body['inspection_id']}" if body.get("inspection_id") else "")

    def _event(self, told: Any) -> list[tuple[int, bytes, list[bytes]]]:
        try:
            seq, body, proof = told["seq"], json.loads(told["text"]), [bytes.fromhex(step) for step in told["proof"]]
            body["inspection_id"] = of = body.get("inspection_id", told.get("inspection"))  # texts from before version 0.4 do not say
            apart = told.get("apart")  # where things were: the text has only its hash
            if apart and hashlib.sha256(apart.encode()).hexdigest() != body.get("apart"):
                self.report.problem(f"event {seq} ({body['kind']})", "where it says that things were was changed")
            if seq in self.bodies:
                self.report.problem(self.event(seq), "is there twice")
                return []
            if body["seq"] != seq or seq <= max(self.bodies, default=-1):
                self.report.problem(f"event {seq} ({body['kind']})", "the events are out of order")
            self.bodies[seq] = {"at": body["at"], "actor": body["actor"], "payload": dict(body["payload"]), **body}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            self.report.problem(EVENTS, f"an event cannot be read: {error!r}")
            return []
        if of:
            self.of.setdefault(of, []).append(seq)
        return [(seq, leaf_hash(told["text"].encode()), proof)]

    def _key(self, seq: int, made: Json) -> None:
        try:
            public, where = base64.b64decode(made["public_key"]), f"key {made['id'][:16]}"
            if fingerprint(public) != made["id"] or made["previous"] != (fingerprint(self.keys[-1]) if self.keys else None):
                self.report.problem(where, "does not follow the key before it")
            elif self.keys and made["endorsement"] is None:
                self.vouched = len(self.keys)
                self.report.fact(where, f"since {made['made_at']}; the key before was lost, so it did not sign this one: ask why")
            elif self.keys:
                text = key_text(self.name, public, made["made_at"]).encode()
                if not ed25519_verify(self.keys[-1], base64.b64decode(made["endorsement"]), text):
                    self.report.problem(where, "the key before did not sign it: it was replaced")
            self.keys.append(public)
            self.since.append(seq)
        except (ValueError, KeyError, TypeError) as error:
            self.report.problem(f"event {seq} (key_made)", f"cannot be read: {error!r}")

    def opened(self, signed: str) -> tuple[int, bytes, str]:
        """Size, root and time of a signed head of this log; or ``Bad``."""
        text, public = open_note(signed, self.name, self.keys)
        _, size, root, at = read_head(text)
        if self.keys.index(public) != sum(seq < size for seq in self.since) - 1:
            raise Bad("it is signed by a key that was not in use then")
        return size, root, at


UPDATES = {
    "details_changed": "inspection_id", "inspection_closed": "inspection_id", "inspection_held": "inspection_id",
    "finding_decided": "finding_id", "finding_disposed": "finding_id", "place_reinspected": "action_id",
}  # fmt: skip
"""Kinds of events that change a row of a record, and what names it."""
WRITES = frozenset({
    "inspection_opened", "finding_missed", "finding_treated", "notified", "point_answered", "check_answered", "wood_packaging_recorded",
    "seal_recorded", "seal_checked", "leg_recorded", "signed",
})  # fmt: skip
"""Kinds of events that write one."""


def replay(rows: dict[str, Json], kind: str, payload: Json) -> None:
    """What an event says, as rows by their ids; answers by their point and question, photographs by their hash."""
    if kind == "amended":
        rows[payload["id"]] = {("after" if name == "payload" else name): value for name, value in payload.items()}
        replay(rows, payload["kind"], payload["payload"])
    elif kind in UPDATES:
        name = UPDATES[kind]
        rows[payload[name]] = {**rows.get(payload[name], {}), **{key: value for key, value in payload.items() if key != name}}
    elif kind == "photograph_added":
        rows[payload["view"]["id"]], rows[payload["photograph"]["sha256"]] = payload["view"], payload["photograph"]
    elif kind in ("photograph_scored", "photograph_not_scored"):
        said = {**payload["report"], "state": "scored"} if "report" in payload else {"state": "failed", "error": payload["error"]}
        rows[payload["view_id"]] = {**rows.get(payload["view_id"], {}), **said}
        for place, finding in enumerate(payload.get("findings", ())):
            rows[finding["id"]] = {**finding, "view_id": payload["view_id"], "position": place, "state": "suggested"}
    elif kind in WRITES:
        rows[_key_of(payload)] = payload


APART = ("latitude", "longitude", "camera")
"""What is kept apart from the texts of events: where things were, and with what they were taken."""


def _key_of(told: Json) -> str:
    if "answered_by" in told:
        return f"{told.get('area')} {told.get('check_id', '')}".strip()
    return str(told.get("id") or (told.get("sha256") if "media_type" in told else None) or "")


def _without_places(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_places(inner) for name, inner in value.items() if name not in APART}
    return [_without_places(inner) for inner in value] if isinstance(value, list) else value


class Pack(Log):
    """A whole pack: what it holds, held against what the log says."""

    def __init__(self, path: Path, report: Report) -> None:
        super().__init__(path, report)
        self.files: dict[str, Json] = {}
        self.missing: dict[str, str] = {}
        self.stated: dict[str, tuple[int, int]] = {}  # of each inspection, how many events and the place of the last
        self.rows: dict[str, dict[str, Json]] = {}
        self._read_manifest()
        self._read_statement()
        for key in self.stated:
            self._complete(key)
            self._replay(key)

    def _read_manifest(self) -> None:
        data = self.read(MANIFEST)
        try:
            told = json.loads(data)
            if told["format"] > FORMAT:
                raise Bad("was made by a newer pestcheck: take its verify.py")
            self.files = {str(name): {"sha256": one["sha256"], **one} for name, one in told["files"].items()}
            self.missing = {str(name): str(why) for name, why in told["missing"].items()}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            self.report.problem(MANIFEST, error if isinstance(error, Bad) else f"cannot be read: {error!r}")
        try:
            text, public = open_note(self.read(SIGNATURE).decode(), self.name, self.keys)
            if text != pack_text(self.name, data, self.head):
                raise Bad("it was edited, or is of another pack: its SHA-256 is not the one that was signed")
            if public != self.keys[-1]:
                raise Bad("it is signed by a key that was not in use then")
        except ValueError as error:
            self.report.problem(f"manifest ({MANIFEST})", error)

    def _read_statement(self) -> None:
        body = self.bodies.get(self.size - 1, {})
        try:
            if body.get("kind") != "exported":
                raise Bad("the export is not the last event: the log was cut off, or the tree head is of another time")
            self.stated = {str(key): (int(count), int(last)) for key, (count, last) in body["payload"]["inspections"].items()}
            if body["payload"]["rows"] != len(self.stated):
                raise Bad("it does not say which inspections it exports")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self.report.problem("export event", error if isinstance(error, Bad) else f"cannot be read: {error!r}")
        records = {name[len(RECORDS) :].partition(".")[0] for name in self.files if name.startswith(RECORDS)}
        for key in sorted((self.of.keys() | records) - self.stated.keys()):
            self.report.problem(f"record {key}", "is not among those that the log says were exported: it was added")

    def _complete(self, key: str) -> None:
        count, last = self.stated[key]
        here = self.of.get(key, [])
        numbers = {self.bodies[seq]["number"] for seq in here if self.bodies[seq].get("number")}
        if numbers:
            for number in sorted(set(range(1, count + 1)) - numbers):
                self.report.problem(f"inspection {key}", f"event {number} of its {count} was left out")
        elif len(here) < count:
            self.report.problem(f"inspection {key}", f"{count - len(here)} of its {count} events were left out")
        if len(here) > count or (here and max(here) > last):
            self.report.problem(f"inspection {key}", f"it has {len(here)} events here; the log says {count} when this pack was made")

    def _replay(self, key: str) -> None:
        rows = self.rows[key] = {}
        for seq in sorted(self.of.get(key, [])):
            try:
                replay(rows, self.bodies[seq]["kind"], self.bodies[seq]["payload"])
            except (KeyError, TypeError, AttributeError) as error:
                self.report.problem(self.event(seq), f"cannot be read: {error!r}")
        self._record(key, rows)

    def _record(self, key: str, rows: dict[str, Json]) -> None:
        """Whether the record says what the events say."""
        where, seen, asked = f"record {key}", set(), [json_or_none(self.read(f"{RECORDS}{key}.json"))]
        if asked == [None]:
            self.report.problem(where, "is missing or cannot be read")
            return
        parties = {body["payload"].get("id"): body["payload"] for body in self.bodies.values() if body["kind"] == "party_recorded"}
        while asked:
            told = asked.pop()
            row = rows.get(_key_of(told), parties.get(_key_of(told))) if isinstance(told, dict) else None
            if row is None:
                asked += told.values() if isinstance(told, dict) else told if isinstance(told, list) else ()
                if isinstance(told, dict) and re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", _key_of(told)):
                    self.report.problem(where, f"{_key_of(told)} is in it, and in no event: it was added")
                continue
            seen.add(_key_of(told))
            bare = _without_places(told)
            for name, value in _without_places(row).items():
                if name not in bare or bare[name] != value:
                    says = json.dumps(bare.get(name), ensure_ascii=False)[:80], json.dumps(value, ensure_ascii=False)[:80]
                    self.report.problem(where, f"{name} of {_key_of(told)} is {says[0]}; the log says {says[1]}")
        for missing in sorted(rows.keys() - seen):
            self.report.problem(where, f"{missing} is missing in it, though the log has it")

    def check_files(self, originals: dict[str, Path] | None) -> None:
        """Whether each file is the one in the manifest, and the photographs are those of the events."""
        for name in sorted(self.entries.keys() - self.files.keys() - {MANIFEST, SIGNATURE}):
            self.report.problem(_what(name), "is not in the manifest: it was added")
        pictures: dict[str, str | None] = {}
        for name, told in self.files.items():
            digest, kept = hashlib.sha256(), [b""]
            try:
                if name in self.entries and self.entries[name].file_size != told.get("size"):
                    raise Bad("was changed: it has another size than in the manifest")
                for chunk in self.chunks(name):
                    digest.update(chunk)
                    if "original" in told:
                        kept.append(chunk)
                if digest.hexdigest() != told["sha256"]:
                    raise Bad("was changed: its SHA-256 is not the one in the manifest")
                if "original" in told:
                    pictures[told["original"]] = picture_hash(b"".join(kept))
            except Bad as error:
                self.report.problem(_what(name), error)
        self._check_photographs(pictures, originals)

    def _check_photographs(self, pictures: dict[str, str | None], originals: dict[str, Path] | None) -> None:
        shown = {str(told.get("original", told["sha256"])): name for name, told in self.files.items() if name.startswith(PHOTOGRAPHS)}
        named = {key: row for rows in self.rows.values() for key, row in rows.items() if "media_type" in row}
        counts = {"original": 0, "same picture": 0, "by the manifest only": 0}
        for sha256, row in named.items():
            where = f"photograph {sha256}"
            if sha256 not in shown:
                self.report.problem(where, f"is missing: {self.missing.get(sha256, 'it was removed')}")
                continue
            if not Path(shown[sha256]).name.startswith(sha256):
                self.report.problem(where, f"lies under another name, {shown[sha256]}")
            original = originals[sha256].read_bytes() if originals and sha256 in originals else None
            if originals is not None and original is None:
                self.report.problem(where, "its original is not in the folder of the originals")
            if sha256 not in pictures:
                counts["original"] += 1
                continue
            true = picture_hash(original) if original else row.get("picture")
            if true and pictures[sha256] and true != pictures[sha256] and self.files[shown[sha256]].get("how") != "encoded again":
                self.report.problem(where, "was swapped: the copy shows another picture than the original")
            counts["same picture" if true and true == pictures[sha256] else "by the manifest only"] += 1
        for unknown in sorted(shown.keys() - named.keys()):
            self.report.problem(f"photograph {unknown}", "no event of these inspections has it: it was added or swapped")
        self.report.fact("photographs", "; ".join(f"{count} {what}" for what, count in counts.items() if count) or "none")

    def check_heads(self) -> list[tuple[int, bytes, str]]:
        """The earlier heads of the pack, each shown to be a beginning of this log; returns size, root and time."""
        found = [(self.size, self.root, self.at)]
        for told in self.lines(HEADS) if HEADS in self.entries else ():
            try:
                size, root, at = self.opened(told["head"])
                if not consistent(size, self.size, root, self.root, [bytes.fromhex(step) for step in told["proof"]]):
                    raise Bad(f"the log of {size} events that was signed at {at} is not its beginning: history was rewritten")
                found.append((size, root, at))
            except (ValueError, KeyError, TypeError) as error:
                self.report.problem(f"earlier tree head ({HEADS})", error)
        return found

    def check_earlier(self, path: Path, heads: list[tuple[int, bytes, str]]) -> None:
        """Hold this pack against an older one, or against a tree head that somebody kept as text."""
        says, of, where = Report(), dict[str, list[int]](), f"earlier {path.name}"
        try:
            if zipfile.is_zipfile(path):
                old = Log(path, says)
                size, root, at, of = old.size, old.root, old.at, old.of
                if says.problems:
                    raise Bad(f"is itself not good: {': '.join(says.problems[0])}")
                if old.name != self.name:
                    raise Bad(f"is of another log, {old.name}")
                if old.keys[-1] not in self.keys or self.keys.index(old.keys[-1]) < self.vouched:
                    raise Bad("its key was replaced: the keys of this pack do not follow from it")
            else:
                size, root, at = self.opened(path.read_text("utf-8"))
            if size > self.size:
                raise Bad(f"the log was truncated: it had {size} events at {at}, and has {self.size} now")
            same = [one for one in heads if one[0] == size]
            if not same:
                raise Bad(f"nothing here shows that the log grew from its {size} events; ask for a pack with that tree head")
            if all(one[1] != root for one in same):
                raise Bad(f"history was rewritten: the log of {size} events was another at {at}")
        except (ValueError, OSError) as error:
            self.report.problem(where, error)
            return
        self.report.fact(where, f"the log of {size} events signed at {at} is the beginning of this one")
        for key in sorted(of.keys() & self.of.keys()):
            for seq in sorted({seq for seq in self.of[key] if seq < size} - set(of[key])):
                self.report.problem(f"inspection {key}", f"event {seq} was in the log, and was left out of {path.name}")

    def check_key(self, wanted: str) -> None:
        """Whether the pack is signed by the key that the auditor knows, or by one that follows from it."""
        known = [place for place, key in enumerate(self.keys) if fingerprint(key).startswith("".join(wanted.lower().split()))]
        if not known or len("".join(wanted.split())) < 16:
            self.report.problem(f"key {wanted}", "none of this pack's keys is that one: the key was replaced, or it is another log's")
        elif known[-1] < self.vouched:
            self.report.problem(f"key {wanted}", "a later key was not signed by the one before it")

    def check_stamp(self) -> None:
        """Whether the time stamp is over this head."""
        if STAMP not in self.entries:
            self.report.fact("time stamp", "none")
            return
        try:
            digest, at = stamp_says(self.read(STAMP))
            if digest != hashlib.sha256(self.head.encode()).digest():
                raise Bad("it is over something else than this tree head")
            self.report.fact("time stamp", f"over this tree head, {at}; the authority's own signature is not checked here, see README.txt")
        except Bad as error:
            self.report.problem(f"time stamp ({STAMP})", error)

    def tell(self, heads: list[tuple[int, bytes, str]]) -> None:
        """What the pack shows."""
        mine = [self.bodies[seq] for places in self.of.values() for seq in places]
        tell, last = self.report.fact, max((body["seq"] for body in mine), default=-1)
        tell("log", self.name)
        for place, key in enumerate(self.keys):
            tell("key" if place + 1 < len(self.keys) else "signed by key", f"{fingerprint(key)}, since event {self.since[place]}")
        tell("tree head", f"{self.size} events, root {self.root.hex()}, signed {self.at}")
        tell(
            "inspections", f"{len(self.stated)}; filter: {json.dumps(self.bodies.get(self.size - 1, {}).get('payload', {}).get('filter'))}"
        )
        if mine:
            tell("events", f"{len(mine)} of {len(self.of)} inspections, {min(b['at'] for b in mine)} to {max(b['at'] for b in mine)}")
            tell(
                "signed since",
                f"{min(at for size, _, at in heads if size > last)}: they have not changed since" if last < self.size else "",
            )
        for body in mine:
            if body["kind"] == "amended":
                what = body["payload"]
                tell("amendment", f"of {body['inspection_id']}, {body['at']} by {body['actor']}: {what.get('kind')}: {what.get('reason')}")


def json_or_none(data: bytes) -> Any:
    """What JSON says; None where it is none."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _what(name: str) -> str:
    """A file of the pack in words."""
    stem = name.rpartition("/")[2].partition(".")[0]
    return f"record {stem} ({name})" if name.startswith(RECORDS) else f"photograph {stem}" if name.startswith(PHOTOGRAPHS) else name


def check(path: Path, *, key: str = "", earlier: Sequence[Path] = (), originals: Path | None = None) -> Report:
    """Check a pack.

    Args:
        key: the fingerprint (or its first 16 digits or more) of the key that it should be signed with.
        earlier: packs, or tree heads as text, that somebody kept. originals: folder of the original photographs.

    Raises:
        OSError: it cannot be read. Bad: it is no pack.
    """
    report = Report()
    if not zipfile.is_zipfile(path):
        raise Bad(f"{path} is no ZIP file, or is cut short")
    pack = Pack(path, report)
    found = None
    if originals:
        files = (one for one in originals.rglob("*") if one.is_file())
        found = {hashlib.sha256(one.read_bytes()).hexdigest(): one for one in files}
    pack.check_files(found)
    heads = pack.check_heads()
    for one in earlier:
        pack.check_earlier(one, heads)
    if key:
        pack.check_key(key)
    pack.check_stamp()
    pack.tell(heads)
    return report


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Check an evidence pack of pestcheck: is it complete, unchanged and signed?")
    parser.add_argument("pack", type=Path)
    parser.add_argument("--key", default="", help="fingerprint of the key that it should be signed with, got in another way than the pack")
    parser.add_argument(
        "--earlier", type=Path, action="append", default=[], help="an older pack, or its head.txt; may be given more than once"
    )
    parser.add_argument("--originals", type=Path, help="folder of the original photographs, of which the pack has copies")
    given = parser.parse_args(arguments)
    try:
        report = check(given.pack, key=given.key, earlier=given.earlier, originals=given.originals)
    except (Bad, OSError) as error:
        print(f"cannot be checked: {error}", file=sys.stderr)
        return 2
    return show(report, pinned=bool(given.key or given.earlier))


def show(report: Report, *, pinned: bool) -> int:
    """Print a report; returns the exit code. ``pinned``: whether the key was held against one that the auditor has from elsewhere."""
    print(f"{'checked with':<16}{Path(__file__).name}, SHA-256 {hashlib.sha256(Path(__file__).read_bytes()).hexdigest()}")
    for what, says in report.facts:
        print(f"{what:<16}{says}")
    print()
    for where, says in report.problems:
        print(f"PROBLEM  {where}: {says}")
    if report.problems:
        print(f"{len(report.problems)} problems: do not rely on this pack.")
        return 1
    print("No problem found: complete, unchanged, signed.")
    if not pinned:
        print(
            "Whose key it is, no file can say: compare its fingerprint with the one that the company gave you in another way, or use --key."
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
