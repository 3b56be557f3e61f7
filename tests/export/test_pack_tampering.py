"""Every kind of tampering with a pack is found, and named by the id of what it was done to.

Three kinds of people tamper: somebody who has the pack; somebody who also edits its manifest to fit; and the company itself, which has the
key and signs anew what it changed (``insider``).
"""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlmodel import select

from pestcheck.export import verify_pack
from pestcheck.records import packs
from pestcheck.store import events, merkle
from pestcheck.store.head_tables import SignedHead
from pestcheck.store.heads import all_keys
from pestcheck.store.replay import rebuild
from pestcheck.store.tables import Head
from pestcheck.store.verify import verify
from tests.export.conftest import Packed
from tests.export.packs import Files, Store, files, fitted, lines, name_of, problems, signed, zipped

Case = tuple[str, str]


class Bench:
    """A pack to tamper with, and what the check then says."""

    def __init__(self, packed: Packed, folder: Path) -> None:
        self.store, self.folder, self.of = packed.store, folder, files(packed.pack)
        self.key, self.other, self.third = packed.inspections
        self.photographs = sorted(name for name in self.of if name.startswith("photographs/"))

    def found(self, of: Files, **how: Any) -> list[Case]:
        return problems(zipped(of), self.folder, **how)

    def says(self, of: Files, where: str, what: str, **how: Any) -> None:
        """That the check names it."""
        found = self.found(of, **how)
        assert any(where in place and re.search(what, says) for place, says in found), found

    def insider(self, of: Files) -> Files:
        """Signed anew with the company's own key."""
        return fitted(of, self.store)

    def events_of(self, key: str, kind: str = "") -> list[int]:
        told = [json.loads(line) for line in self.of["events.jsonl"].splitlines()]
        return [i for i, one in enumerate(told) if f'"inspection_id":"{key}"' in one["text"] and f'"kind":"{kind}' in one["text"]]


@pytest.fixture
def bench(packed: Packed, tmp_path: Path) -> Bench:
    return Bench(packed, tmp_path)


def test_nothing_is_wrong_before(bench: Bench) -> None:
    assert bench.found(bench.of) == []
    assert bench.found(bench.insider(bench.of)) == []


def changed(data: bytes) -> bytes:
    return data.replace(b"no_contamination", b"contamination!!!", 1)


def test_a_changed_byte_in_a_record(bench: Bench) -> None:
    name = f"inspections/{bench.key}.json"
    of = bench.of | {name: changed(bench.of[name])}
    bench.says(of, f"record {bench.key}", "its SHA-256 is not the one in the manifest")
    bench.says(fitted(of), "manifest", "was edited")
    bench.says(bench.insider(of), f"record {bench.key}", 'result of \\w+ is "contamination!!!"; the log says "no_contamination"')


def test_a_changed_byte_anywhere_in_the_file(packed: Packed, tmp_path: Path) -> None:
    """One bit, at many places, whatever it hits: content, a name, a header, the directory."""
    for place in range(0, len(packed.pack), len(packed.pack) // 150):
        data = bytearray(packed.pack)
        data[place] ^= 0x10
        path = tmp_path / "pack.zip"
        path.write_bytes(data)
        try:
            report = verify_pack.check(path)
        except (verify_pack.Bad, zipfile.BadZipFile, OSError):
            continue
        same = zipfile.ZipFile(path)
        untouched = {name: same.read(name) for name in same.namelist()} == files(packed.pack) if not report.problems else False
        assert report.problems or untouched, place  # a time or an attribute of an entry says nothing


def test_a_removed_record(bench: Bench) -> None:
    of = {name: data for name, data in bench.of.items() if name != f"inspections/{bench.key}.json"}
    bench.says(of, f"record {bench.key}", "is missing")
    bench.says(bench.insider(of), f"record {bench.key}", "is missing")
    of = lines(of, lambda told: [one for one in told if bench.key not in one["text"] or '"exported"' in one["text"]])
    of = {name: data for name, data in of.items() if bench.key not in name}
    bench.says(bench.insider(of), f"inspection {bench.key}", "of its \\d+ events were left out")


def test_a_removed_pdf(bench: Bench) -> None:
    of = {name: data for name, data in bench.of.items() if name != f"inspections/{bench.key}.pdf"}
    bench.says(of, f"record {bench.key} (inspections/{bench.key}.pdf)", "is missing")


def test_an_added_record(bench: Bench) -> None:
    stranger = "01935a2e-7d3c-7c1e-9f00-6a1b2c3d4e5f"
    of = bench.of | {
        f"inspections/{stranger}.json": bench.of[f"inspections/{bench.key}.json"].replace(bench.key.encode(), stranger.encode())
    }
    bench.says(of, f"record {stranger}", "not in the manifest")
    bench.says(bench.insider(of), f"record {stranger}", "not among those that the log says were exported")


def test_something_added_to_and_taken_from_a_record(bench: Bench) -> None:
    name = f"inspections/{bench.key}.json"
    record = json.loads(bench.of[name])
    new = record["amendments"][0] | {"id": "01935a2e-7d3c-7c1e-9f00-6a1b2c3d4e5f"}
    of = bench.of | {name: json.dumps(record | {"amendments": [*record["amendments"], new]}).encode()}
    bench.says(bench.insider(of), f"record {bench.key}", "01935a2e-7d3c-7c1e-9f00-6a1b2c3d4e5f is in it, and in no event")
    of = bench.of | {name: json.dumps(record | {"amendments": []}).encode()}
    bench.says(bench.insider(of), f"record {bench.key}", "is missing in it, though the log has it")


@pytest.mark.parametrize(
    "part", ["actions", "notifications", "wood", "seals", "seal_checks", "legs", "signatures", "photographs", "points"]
)
def test_each_part_of_a_record_is_held_against_the_log(bench: Bench, part: str) -> None:
    name = f"inspections/{bench.key}.json"
    record = json.loads(bench.of[name])
    of = bench.of | {name: json.dumps(record | {part: record[part][:-1]}).encode()}
    bench.says(bench.insider(of), f"record {bench.key}", "is missing in it, though the log has it")


def test_a_changed_event(bench: Bench) -> None:
    (number,) = bench.events_of(bench.key, "inspection_closed")

    def change(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
        told[number]["text"] = told[number]["text"].replace('"closed_at":"2', '"closed_at":"1')
        return told

    bench.says(bench.insider(lines(bench.of, change)), f"(inspection_closed) of inspection {bench.key}", "is not in the log at this place")


def test_reordered_events(bench: Bench) -> None:
    first, second = bench.events_of(bench.key, "point_answered")[:2]

    def moved(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
        told[first], told[second] = told[second], told[first]
        return told

    def renumbered(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
        a, b = told[first], told[second]
        told[first], told[second] = (
            a | {"text": b["text"].replace(f'"seq":{b["seq"]}', f'"seq":{a["seq"]}')},
            b | {"text": a["text"].replace(f'"seq":{a["seq"]}', f'"seq":{b["seq"]}')},
        )
        return told

    bench.says(bench.insider(lines(bench.of, moved)), "(point_answered)", "out of order")
    bench.says(bench.insider(lines(bench.of, renumbered)), f"(point_answered) of inspection {bench.key}", "is not in the log at this place")


@pytest.mark.parametrize("which", [0, 5, -1])
def test_an_event_left_out(bench: Bench, which: int) -> None:
    """The first, one in the middle, the last: even by the company itself."""
    number = bench.events_of(bench.key)[which]
    of = bench.insider(lines(bench.of, lambda told: told[:number] + told[number + 1 :]))
    bench.says(of, f"inspection {bench.key}", "event \\d+ of its \\d+ was left out")


def test_an_added_event(bench: Bench) -> None:
    number = bench.events_of(bench.key)[3]
    of = bench.insider(lines(bench.of, lambda told: [*told[:number], told[number], *told[number:]]))
    bench.says(of, f"of inspection {bench.key}", "is there twice")


def test_a_swapped_photograph(bench: Bench) -> None:
    one, two, *_ = bench.photographs
    of = bench.of | {one: bench.of[two], two: bench.of[one]}
    sha256 = Path(one).stem
    bench.says(of, f"photograph {sha256}", "was changed")
    bench.says(fitted(of), "manifest", "was edited")


def test_a_photograph_swapped_by_the_company(packed: Packed, bench: Bench) -> None:
    of = files(packed.store.pack(location=True))
    one, two, *_ = bench.photographs
    of = of | {one: of[two]}
    bench.says(bench.insider(of), f"photograph {Path(one).stem}", "is missing: it was removed")
    bench.says(bench.insider(of), f"photograph {Path(two).stem}", "lies under another name")


def test_a_removed_photograph(bench: Bench) -> None:
    of = {name: data for name, data in bench.of.items() if name != bench.photographs[0]}
    bench.says(of, f"photograph {Path(bench.photographs[0]).stem}", "is missing")
    bench.says(bench.insider(of), f"photograph {Path(bench.photographs[0]).stem}", "is missing")


def test_an_added_photograph(bench: Bench) -> None:
    of = bench.of | {f"photographs/{'0' * 64}.jpg": b"\xff\xd8\xff\xd9"}
    bench.says(of, f"photograph {'0' * 64}", "it was added")
    bench.says(bench.insider(of), "photograph", "no event of these inspections has it")


def test_a_replaced_key(bench: Bench) -> None:
    stranger = Ed25519PrivateKey.generate()
    public, name = stranger.public_key().public_bytes_raw(), name_of(bench.of)

    def forged(text: str) -> bytes:
        return verify_pack.note(text, name, public, stranger.sign(text.encode())).encode()

    def replaced(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for one in told:
            body = json.loads(one["text"])
            if body["kind"] == "key_made":
                body["payload"] |= {"id": verify_pack.fingerprint(public), "public_key": base64.b64encode(public).decode()}
                one["text"] = events.canonical(body)
        return told

    head = forged(bench.of["head.txt"].decode().rpartition("\n\n")[0] + "\n")
    bench.says(bench.of | {"head.txt": head}, "tree head", "signed by a key that is none of this log's")
    of = fitted(lines(bench.of | {"head.txt": head}, replaced))
    of["manifest.sig"] = forged(verify_pack.pack_text(name, of["manifest.json"], of["head.txt"].decode()))
    bench.says(of, "(key_made)", "is not in the log at this place")


def test_a_log_made_up_from_nothing_with_another_key(bench: Bench, packed: Packed, tmp_path: Path) -> None:
    """In itself it is good. Whoever knows the key, or has an earlier pack, sees that it is another's."""
    made_up = Store(tmp_path / "made up")
    made_up.inspect(1)
    data = made_up.pack()
    assert problems(data, tmp_path) == []
    (tmp_path / "earlier.zip").write_bytes(packed.pack)
    with packed.store.database.reading() as session:
        (key,) = keys_of(session)
    assert [where for where, _ in problems(data, tmp_path, key=key)] == [f"key {key}"]
    assert next(says for _, says in problems(data, tmp_path, earlier=[tmp_path / "earlier.zip"])).startswith("is of another log")
    assert problems(packed.pack, tmp_path, key=key) == []
    assert problems(packed.pack, tmp_path, key=key[:16].upper()) == []
    assert problems(packed.pack, tmp_path, key=key[:8]) != []


def keys_of(session: Any) -> list[str]:
    return [key.id for key in all_keys(session)]


@pytest.mark.parametrize("name", ["head.txt", "manifest.sig"])
def test_a_forged_signature(bench: Bench, name: str) -> None:
    text, _, line = bench.of[name].decode().rpartition(" ")
    signature = bytearray(base64.b64decode(line))
    for place in (5, 40, 67):
        forged = bytearray(signature)
        forged[place] ^= 1
        of = bench.of | {name: f"{text} {base64.b64encode(bytes(forged)).decode()}\n".encode()}
        bench.says(of, "head" if name == "head.txt" else "manifest", "forged|none of this log's")


def test_a_head_that_says_something_else(bench: Bench) -> None:
    for old, new in ((b"\n2026-", b"\n2025-"), (b"\n%d\n" % len_of(bench.of), b"\n%d\n" % (len_of(bench.of) + 1))):
        of = bench.of | {"head.txt": bench.of["head.txt"].replace(old, new)}
        assert of["head.txt"] != bench.of["head.txt"]
        bench.says(of, "tree head", "its signature is forged, or it was changed")


def len_of(of: Files) -> int:
    return int(of["head.txt"].splitlines()[1])


def test_a_truncated_log(bench: Bench, packed: Packed, tmp_path: Path) -> None:
    """The company takes an older head for the newest: the export is not in that tree; an earlier pack shows it, too."""
    told = [json.loads(line) for line in bench.of["heads.jsonl"].splitlines()]
    of = fitted(bench.of | {"head.txt": told[0]["head"].encode()}, packed.store)
    bench.says(of, "export event", "the log was cut off")
    store = copied(packed.store, tmp_path / "cut")
    before = store.pack()
    (tmp_path / "earlier.zip").write_bytes(before)
    (tmp_path / "head.txt").write_bytes(files(before)["head.txt"])
    rewritten(store, lambda seq, text: text, keep=len_of(bench.of) - 1)
    after = store.pack()
    assert problems(after, tmp_path) == []
    for name in ("earlier.zip", "head.txt"):
        ((where, says),) = problems(after, tmp_path, earlier=[tmp_path / name])
        assert where == f"earlier {name}"
        assert "the log was truncated" in says


@pytest.mark.parametrize("heads", ["kept", "forgotten", "signed anew"])
def test_rewritten_history(packed: Packed, tmp_path: Path, heads: str) -> None:
    """A consistent new tree of the company's own, with the past changed."""
    store = copied(packed.store, tmp_path / "data")
    before = store.pack()
    (tmp_path / "earlier.zip").write_bytes(before)
    rewritten(store, lambda seq, text: text.replace("Ana Pérez", "Bo Pérez"), heads=heads)
    after = store.pack()
    alone = problems(after, tmp_path)
    if heads == "kept":
        assert any("history was rewritten" in says for _, says in alone)
        assert any("it was rewritten" in one.says for one in verify(store.database, store.photo_store).problems)
    else:
        assert alone == []  # in itself it is good
    found = problems(after, tmp_path, earlier=[tmp_path / "earlier.zip"])
    expected = "history was rewritten" if heads == "signed anew" else "nothing here shows that the log grew"
    assert any(where == "earlier earlier.zip" and expected in says for where, says in found), found


def test_an_earlier_pack_that_left_something_out(bench: Bench, packed: Packed, tmp_path: Path) -> None:
    """The company made a pack without an amendment, and said in the log that there was none: the next full pack shows it."""
    store = copied(packed.store, tmp_path / "data")
    (seq,) = [
        json.loads(json.loads(line)["text"])["seq"] for line in bench.of["events.jsonl"].splitlines() if b'\\"kind\\":\\"amended\\"' in line
    ]
    with pytest.MonkeyPatch.context() as patch:
        honest = packs.places
        patch.setattr(
            packs, "places", lambda *of: {key: [one for one in seqs if key != bench.key or one < seq] for key, seqs in honest(*of).items()}
        )
        (tmp_path / "earlier.zip").write_bytes(store.pack())
    found = problems(store.pack(), tmp_path, earlier=[tmp_path / "earlier.zip"])
    assert (f"inspection {bench.key}", f"event {seq} was in the log, and was left out of earlier.zip") in found
    (problem,) = verify(store.database, store.photo_store).problems
    assert f"the export said that inspection {bench.key} had " in problem.says


def copied(store: Store, folder: Path) -> Store:
    shutil.copytree(store.folder, folder)
    return Store(folder)


def rewritten(store: Store, change: Callable[[int, str], str], *, keep: int | None = None, heads: str = "forgotten") -> None:
    """Make the log anew as somebody would who has the database and the key."""
    with store.database.writing() as session:
        rows = [row._asdict() for row in events.read(session)][:keep]
        session.execute(events.EVENT.delete())
        subtrees: list[bytes | None] = []
        roots = {}
        for row in rows:
            session.execute(events.EVENT.insert(), events.from_text(change(row["seq"], row["body"]), row["apart"]))
            merkle.push(subtrees, merkle.leaf_hash(change(row["seq"], row["body"]).encode()))
            roots[row["seq"] + 1] = merkle.root(subtrees).hex()
        events.set_head(session, len(rows), subtrees, new=session.get(Head, 1) is None)
        for head in session.exec(select(SignedHead)).all():
            if heads == "signed anew" and head.size in roots:
                head.root = roots[head.size]
                name = head.note.partition("\n")[0]
                head.note = signed(verify_pack.head_text(name, head.size, bytes.fromhex(head.root), head.at), store, name)
            elif heads != "kept":
                session.delete(head)
        session.flush()
        session.expunge_all()
        rebuild(session)


def test_a_name_that_leads_out_of_the_folder(bench: Bench) -> None:
    for name in ("../evil.json", "/etc/evil", "inspections/../../evil", "C:evil", "a//b", "inspections\\..\\evil", "./verify.py"):
        bench.says(bench.of | {name: b"x"}, "evil" if "evil" in name else "", "unpacked outside its folder")


def test_entries_that_are_there_twice(packed: Packed, bench: Bench) -> None:
    out = io.BytesIO(packed.pack)
    with zipfile.ZipFile(out, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(f"inspections/{bench.key}.json", b"{}")
    found = problems(out.getvalue(), bench.folder)
    assert any(bench.key in where and "twice" in says for where, says in found)


def test_links_are_not_followed(bench: Bench) -> None:
    out = io.BytesIO(zipped(bench.of))
    with zipfile.ZipFile(out, "a") as archive:
        info = zipfile.ZipInfo("link.json")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    assert any("is a link" in says for _, says in problems(out.getvalue(), bench.folder))


def test_a_zip_bomb(bench: Bench) -> None:
    """A photograph, the log or the manifest of a gigabyte of zeros is not unpacked."""
    for name in (bench.photographs[0], "events.jsonl", "manifest.json"):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for other, data in bench.of.items():
                if other != name:
                    archive.writestr(other, data)
            with archive.open(name, "w") as file:
                for _ in range(64):
                    file.write(bytes(1 << 20))
        path = bench.folder / "bomb.zip"
        path.write_bytes(out.getvalue())
        limited = f"import resource; resource.setrlimit(resource.RLIMIT_AS, (512 << 20, 512 << 20)); import runpy, sys; sys.argv[1:] = [{str(path)!r}]; runpy.run_path({verify_pack.__file__!r}, run_name='__main__')"
        done = subprocess.run([sys.executable, "-I", "-S", "-c", limited], capture_output=True, text=True, timeout=60)
        assert done.returncode == 1, done.stderr
        assert "a zip bomb; it was not read" in done.stdout


def test_entries_that_overlap(packed: Packed, bench: Bench) -> None:
    """Many names of the directory that lead to the same bytes."""
    data = bytearray(packed.pack)
    end = data.rindex(b"PK\x05\x06")
    start = struct.unpack_from("<I", data, end + 16)[0]
    entry = data.index(b"PK\x01\x02photographs"[:4], start)
    while data[entry + 46 : entry + 58] != b"photographs/":
        entry = data.index(b"PK\x01\x02", entry + 4)
    length = 46 + sum(struct.unpack_from("<HHH", data, entry + 28))
    more = b""
    for number in range(500):
        one = bytearray(data[entry : entry + length])
        one[58:62] = b"%04d" % number
        more += one
    size, count = struct.unpack_from("<I", data, end + 12)[0], struct.unpack_from("<H", data, end + 8)[0]
    struct.pack_into("<HHI", data, end + 8, count + 500, count + 500, size + len(more))
    forged = bytes(data[:end]) + more + bytes(data[end:])
    assert any("overlap" in says for _, says in problems(forged, bench.folder))


def test_an_edited_verify_py(bench: Bench) -> None:
    """The one in the pack would say what it likes; another copy sees that it was edited."""
    of = bench.of | {"verify.py": b"print('No problem found: complete, unchanged, signed.')\n"}
    bench.says(of, "verify.py", "was changed")


def test_what_is_no_pack(tmp_path: Path, packed: Packed) -> None:
    path = tmp_path / "a.zip"
    for data in (b"", b"no zip", packed.pack[: len(packed.pack) // 2]):
        path.write_bytes(data)
        assert verify_pack.main([str(path)]) == 2
    assert verify_pack.main([str(tmp_path / "nothing.zip")]) == 2
    path.write_bytes(zipped({"a.txt": b"x"}))
    assert verify_pack.main([str(path)]) == 1


DAMAGE = [
    b"",
    b"null",
    b"[]",
    b"{}",
    b"[1]",
    b'{"format": 1}',
    b'{"format": 1, "files": []}',
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"seq": "x"}\n',
    b"{}\n{}\n",
]


@pytest.mark.parametrize("name", ["manifest.json", "events.jsonl", "heads.jsonl", "head.txt", "manifest.sig", "record"])
@pytest.mark.parametrize("data", DAMAGE, ids=range(len(DAMAGE)))
def test_whatever_is_damaged_is_a_problem_and_no_crash(bench: Bench, name: str, data: bytes) -> None:
    name = f"inspections/{bench.key}.json" if name == "record" else name
    of = bench.of | {name: data}
    assert bench.found(of)
    if name == "events.jsonl" or name == f"inspections/{bench.key}.json":
        assert bench.found(bench.insider(of))
