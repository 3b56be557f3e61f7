"""``pestcheck export``: formats by the file's name, filters, who took it, and no half file under the final name."""

from __future__ import annotations

import csv
import getpass
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pestcheck.records import Records
from pestcheck.store import open_folder
from tests import register
from tests.conftest import ROOT
from tests.records.conftest import closed, opened


@pytest.fixture
def store(tmp_path: Path) -> Records:
    return Records(*open_folder(tmp_path / "data", f"sqlite:///{tmp_path / 'data' / 'pestcheck.sqlite3'}"))


def command(folder: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "pestcheck", "export", *arguments, "--data", str(folder / "data")]


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command(folder, *arguments), capture_output=True, cwd=ROOT)


def test_the_name_of_the_file_says_the_format(store: Records, tmp_path: Path) -> None:
    key = opened(store, site="Yard 1")
    closed(store, key)
    opened(store, site="Yard 2")
    for name, starts in (
        ("a.csv", b"inspection,"),
        ("a.XLSX", b"PK"),
        ("a.json", b'{"format": "pestcheck-register-1"'),
        ("a.coco.json", b'{"info"'),
    ):
        done = run(tmp_path, str(tmp_path / name), "--by", "Cleo", "--site", "Yard 1")
        assert (done.returncode, done.stdout) == (0, b""), done.stderr
        assert (tmp_path / name).read_bytes().startswith(starts)
        assert f"{tmp_path / name}: 1 inspections".encode() in done.stderr
    assert run(tmp_path, str(tmp_path / "a.pdf"), "--inspection", key, "--language", "es").returncode == 0
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    assert run(tmp_path, str(tmp_path / "noname"), "--format", "json").returncode == 0
    assert len(json.loads((tmp_path / "noname").read_bytes())["inspections"]) == 2
    took = [(entry.format, entry.exported_by, entry.filter) for entry in store.exports()]
    assert took[:2] == [("json", getpass.getuser(), {}), ("pdf", getpass.getuser(), {"inspection": key})]
    assert {entry[1:] for entry in [(one[0], one[1], str(one[2])) for one in took[2:]]} == {("Cleo", "{'site': 'Yard 1'}")}


def test_without_a_file_it_goes_to_standard_output(store: Records, tmp_path: Path) -> None:
    key = opened(store)
    done = run(tmp_path, "--table", "log")
    assert done.stderr == b""
    assert {row["inspection"] for row in csv.DictReader(io.StringIO(done.stdout.decode()))} == {key}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("a.doc",), "say the format with --format"), (("a.csv", "--since", "soon"), "no time"), (("a.csv", "--table", "x"), "There is no table"),
        (("a.csv", "--format", "x"), "There is no format"), (("a.pdf",), "2 match"), (("a.csv", "--outcome", "clean"), "There is no outcome"),
        (("no/such/folder/a.csv",), "No such file"), (("a.pdf", "--inspection", "01a21fbc-0747-786d-9fdd-3b9f60ea7396"), "0 match"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_told_and_leaves_no_file(store: Records, tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    opened(store)
    opened(store)
    done = run(tmp_path, str(tmp_path / arguments[0]), *arguments[1:])
    assert (done.returncode, says in done.stderr.decode()) == (2, True), done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    assert store.exports() == []


def test_an_export_that_is_stopped_leaves_what_was_there(store: Records, tmp_path: Path) -> None:
    register.fill(store.database, 1500, 4)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.json").write_text("yesterday's")
    process = subprocess.Popen(
        command(tmp_path, str(tmp_path / "out" / "a.json")), cwd=ROOT, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # who starts tests in the background has it ignored
    )  # fmt: skip
    while not any(path.suffix == ".part" and path.stat().st_size > 100_000 for path in (tmp_path / "out").iterdir()):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    process.wait(60)
    assert {path.name: path.read_text() for path in (tmp_path / "out").iterdir()} == {"a.json": "yesterday's"}
    assert store.exports() == []


def test_on_a_full_disk_there_is_no_half_file(store: Records, tmp_path: Path) -> None:
    register.fill(store.database, 300, 4)
    limit = (
        f"ulimit -f 100; exec {' '.join(command(tmp_path, str(tmp_path / 'a.json')))}"  # blocks of 1024 bytes, as a disk with no more room
    )
    done = subprocess.run(["bash", "-c", limit], capture_output=True, cwd=ROOT, env=os.environ | {"PYTHONFAULTHANDLER": ""})
    assert (done.returncode, b"File too large" in done.stderr) == (2, True), done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    assert store.exports() == []
