"""A pack of whole inspections is checked without us: by its own verify.py, in a bare Python, from the file alone."""

from __future__ import annotations

import ast
import hashlib
import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pestcheck.export import pack, verify_pack
from pestcheck.ids import uuid7
from pestcheck.records import Filter, Records, Refused
from pestcheck.store.heads import Heads
from pestcheck.store.keys import KeyFolder
from pestcheck.store.tables import Export
from pestcheck.store.verify import verify
from tests.export.conftest import Packed
from tests.export.packs import Store, files, problems

VERIFIER = Path(verify_pack.__file__)


def test_verify_py_runs_in_a_bare_python(packed: Packed, tmp_path: Path) -> None:
    """Isolated, without site packages, in an empty folder, under its name in the pack."""
    (tmp_path / "pack.zip").write_bytes(packed.pack)
    (tmp_path / "verify.py").write_bytes(files(packed.pack)["verify.py"])
    done = subprocess.run([sys.executable, "-I", "-S", "verify.py", "pack.zip"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No problem found: complete, unchanged, signed." in done.stdout
    assert "compare its fingerprint" in done.stdout
    assert hashlib.sha256(VERIFIER.read_bytes()).hexdigest() in done.stdout
    assert "typed wrong" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pack.zip", "verify.py"]


def test_verify_py_is_one_file_of_the_standard_library_for_python_3_9() -> None:
    tree = ast.parse(VERIFIER.read_text("utf-8"), feature_version=(3, 9))
    names = {
        (node.module if isinstance(node, ast.ImportFrom) else alias.name) or ""
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Match)]


def test_what_is_in_a_pack(packed: Packed) -> None:
    of = files(packed.pack)
    manifest = json.loads(of["manifest.json"])
    assert of.keys() == manifest["files"].keys() | {"manifest.json", "manifest.sig"}
    for key in packed.inspections:
        assert json.loads(of[f"inspections/{key}.json"])["inspection"]["id"] == key
        assert of[f"inspections/{key}.pdf"].startswith(b"%PDF")
    assert sum(name.startswith("photographs/") for name in of) == 6
    assert b"GPS" not in b"".join(data for name, data in of.items() if name.startswith("photographs/"))
    assert b"Tablet" not in b"".join(data for name, data in of.items() if not name.endswith(".pdf"))
    assert b"25.68" not in of["events.jsonl"] + b"".join(of[f"inspections/{key}.json"] for key in packed.inspections)
    assert verify(packed.store.database, packed.store.photo_store).problems == ()


def test_the_export_is_an_event_that_counts_the_events(packed: Packed) -> None:
    with packed.store.database.reading() as session:
        export = session.get(Export, json.loads(files(packed.pack)["manifest.json"])["export"])
        assert export is not None
        assert (export.what, export.exported_by, export.rows, export.location) == ("pack", "Aldo", 3, False)
        assert export.inspections is not None
        assert export.inspections.keys() == set(packed.inspections)
    told = [json.loads(line) for line in files(packed.pack)["events.jsonl"].splitlines()]
    last = json.loads(told[-1]["text"])
    assert (last["kind"], last["payload"]["inspections"]) == ("exported", export.inspections)
    for key in packed.inspections:
        numbers = [body["number"] for one in told if (body := json.loads(one["text"])).get("inspection_id") == key]
        assert numbers == [*range(1, len(numbers) + 1)]
        assert export.inspections[key][0] == len(numbers)


def test_with_places_and_originals_when_asked(packed: Packed, tmp_path: Path) -> None:
    store = packed.store
    data = store.pack(location=True)
    of = files(data)
    assert problems(data, tmp_path) == []
    for name, photograph in of.items():
        if name.startswith("photographs/"):
            assert hashlib.sha256(photograph).hexdigest() == Path(name).stem
    apart = [json.loads(line)["apart"] for line in of["events.jsonl"].splitlines() if b'"apart":"' in line and b"photograph_added" in line]
    assert any("25.68" in one for one in apart)


def test_only_what_matches(packed: Packed, tmp_path: Path) -> None:
    data = packed.store.pack(Filter(site="Yard 2"))
    assert problems(data, tmp_path) == []
    assert {name for name in files(data) if name.endswith(".json") and name.startswith("inspections/")} == {
        f"inspections/{packed.inspections[2]}.json"
    }
    assert packed.inspections[0].encode() not in files(data)["events.jsonl"]
    with pytest.raises(Refused, match="No inspection matches"):
        packed.store.pack(Filter(site="Yard 9"))


@pytest.mark.parametrize("small", [False, True])
def test_processes_print_the_same(packed: Packed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: bool) -> None:
    """With the store's own photographs and with those of somebody else, one of which is gone."""
    monkeypatch.setattr(pack, "WORTH_IT", 1)
    gone = json.loads(files(packed.pack)[f"inspections/{packed.inspections[0]}.json"])["photographs"][0]["view"]["sha256"]

    def photograph(sha256: str) -> bytes:
        if sha256 == gone:
            raise FileNotFoundError(sha256)
        return packed.store.photo_store.get(sha256)

    data = b"".join(pack.stream(packed.store.records, packed.store.heads, actor="Aldo", photograph=photograph if small else None))
    assert problems(data, tmp_path) == []
    same = [files(data)[f"inspections/{key}.pdf"] == files(packed.pack)[f"inspections/{key}.pdf"] for key in packed.inspections]
    assert same == [not small, True, True]


def test_of_their_sites_only(packed: Packed, tmp_path: Path) -> None:
    theirs = packed.store.records.within(frozenset({"Yard 2"}))
    with theirs.pack(Filter(), packed.store.heads, actor="Aldo") as contents:
        assert [*contents.places] == [packed.inspections[2]]


def test_a_pack_of_either_database(records: Records, tmp_path: Path, database_url: str) -> None:
    """Also the first thing ever signed, and nothing yet to export."""
    store = Store(tmp_path / "data", database_url)
    with pytest.raises(Refused, match="No inspection matches"):
        store.pack()
    key = store.inspect(1)
    before = store.pack()
    assert problems(before, tmp_path) == []
    store.records.answer(key, "doors", state="not_applicable", result=None, note="no doors", actor="Cleo", amends="typed wrong")
    store.heads.rotate("Ana")
    after = store.pack()
    (tmp_path / "earlier.zip").write_bytes(before)
    assert problems(after, tmp_path, earlier=[tmp_path / "earlier.zip"]) == []
    assert verify(store.database, store.photo_store).problems == ()


def test_a_photograph_that_is_gone_is_named_and_the_rest_is_there(hornet: object, tmp_path: Path) -> None:
    store = Store(tmp_path / "data")
    key = store.inspect(1)
    first, second = (item.view.sha256 for item in store.records.inspection(key).photographs)
    store.photo_store.delete(first)
    path = store.photo_store.path(second)  # type: ignore[attr-defined]
    path.write_bytes(path.read_bytes()[:-9] + b"x" * 9)
    found = dict(problems(store.pack(), tmp_path))
    assert "gone from the store" in found[f"photograph {first}"]
    assert "in the store was changed" in found[f"photograph {second}"]


def test_a_log_that_was_tampered_with_gives_no_pack(tmp_path: Path) -> None:
    store = Store(tmp_path / "data")
    store.inspect(1)
    with store.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE event SET body = replace(body, 'accept', 'reject') WHERE kind = 'details_changed'")
    with pytest.raises(Refused, match="is not what it was"):
        store.pack()


def test_without_the_key_nothing_is_exported_or_recorded(tmp_path: Path) -> None:
    store = Store(tmp_path / "data")
    store.inspect(1)
    store.heads.sign()
    elsewhere = Heads(store.database, KeyFolder(tmp_path / "elsewhere"))
    before = verify(store.database, store.photo_store).events
    with pytest.raises(OSError, match="rotate --lost"), store.records.pack(Filter(), elsewhere, actor="Aldo"):
        pass
    assert verify(store.database, store.photo_store).events == before


def test_a_pack_while_others_write(records: Records, tmp_path: Path, database_url: str) -> None:
    """Whoever writes just before or after, the pack is of the log up to its own event."""
    store, done = Store(tmp_path / "data", database_url), threading.Event()
    store.inspect(1)

    def write() -> None:
        while not done.is_set():
            store.records.open(uuid7(), number="CSQU3054383", inspector="Ana", site="Yard 3")

    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            with store.records.pack(Filter(site="Yard 1"), store.heads, actor="Aldo") as contents:
                assert [line.seq for line in contents.lines()][-1] == contents.head.size - 1
    finally:
        done.set()
        for thread in threads:
            thread.join()


def test_others_may_go_on_while_a_pack_is_sent(tmp_path: Path) -> None:
    """What comes after the export is not in it."""
    store = Store(tmp_path / "data")
    key = store.inspect(1)
    with store.records.pack(Filter(), store.heads, actor="Aldo") as contents:
        parts = pack.write(contents, store.photo_store, store.heads)
        data = next(parts)
        store.records.answer(key, "doors", state="not_applicable", result=None, note="no doors", actor="Cleo", amends="typed wrong")
        store.inspect(2)
        data += b"".join(parts)
    assert problems(data, tmp_path) == []
    assert json.loads(files(data)[f"inspections/{key}.json"])["amendments"] == []
