"""``pestcheck dataset`` and ``pestcheck models``, as typed."""

from __future__ import annotations

import csv
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pestcheck.records import Records
from tests.conftest import ROOT
from tests.records.test_datasets import reviewed, shot
from tests.records.test_models import SHIPPED, other, promoted

Run = Callable[..., "subprocess.CompletedProcess[str]"]
TERMS = ("--licence", "own photographs", "--consent", "yard manager, letter of 1 October", "--by", "Tere")


@pytest.fixture
def run(records: Records, tmp_path: Path, database_url: str) -> Run:
    """Run a command on the records' store."""

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        asked = [sys.executable, "-m", "pestcheck", *arguments, "--data", str(tmp_path / "data")]
        return subprocess.run(asked, capture_output=True, text=True, cwd=ROOT, env=os.environ | {"PESTCHECK_DATABASE": database_url})

    return command


def test_a_data_set_is_made_listed_and_exported(records: Records, run: Run, tmp_path: Path) -> None:
    assert "none was reviewed" in run("dataset", "make", "autumn", *TERMS).stderr
    for k in range(3):
        reviewed(records, "contamination", shot(k), "ant")
    assert "none was reviewed" in run("dataset", "make", "autumn", *TERMS).stderr  # one opinion each
    made = run("dataset", "make", "autumn", "--one-opinion", *TERMS)
    assert made.returncode == 0, made.stderr
    digest = records.dataset("autumn").sha256
    assert f"autumn: SHA-256 {digest}" in made.stdout
    assert digest[:12] in run("dataset", "list").stdout
    done = run("dataset", "export", "autumn", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert "3 rows of 3 photographs" in done.stdout
    with (tmp_path / "out" / "manifest.csv").open(encoding="utf-8", newline="") as file:
        assert {row["label"] for row in csv.DictReader(file)} == {"ant"}
    records.photo_store.delete(records.dataset("autumn").items[0]["photograph"])
    short = run("dataset", "export", "autumn", str(tmp_path / "short"), "--format", "coco")
    assert short.returncode == 1
    assert "left out:" in short.stdout
    assert "its file is gone from the store" in short.stdout
    assert "There is no data set 'spring'" in run("dataset", "export", "spring", str(tmp_path / "x")).stderr


@pytest.mark.skipif(
    not (importlib.util.find_spec("skimage") and importlib.util.find_spec("rapidocr")), reason="needs the extras privacy and ocr"
)
def test_writing_is_blurred(records: Records, run: Run, tmp_path: Path) -> None:
    reviewed(records, "contamination", shot(1, (800, 600)), "ant")
    run("dataset", "make", "autumn", "--one-opinion", *TERMS)
    done = run("dataset", "export", "autumn", str(tmp_path / "out"), "--blur")
    assert done.returncode == 0, done.stderr
    assert "places blurred" in done.stdout


def test_models_are_listed_and_rolled_back(records: Records, run: Run, tmp_path: Path) -> None:
    assert f"{SHIPPED} (in use)" in run("models").stdout
    assert "was shipped; there is none before it" in run("models", "rollback", "--by", "Tere", "--reason", "x").stderr
    promoted(records, other(tmp_path, "9.0.1"))
    listed = run("models").stdout
    assert "pest-lite0@9.0.1 (in use): put in use 20" in listed
    assert f"{SHIPPED}:" in listed
    assert run("models", "rollback", "--by", "Tere", "--reason", "flags every label").stdout.startswith("pest-lite0@9.0.1 is out of use")
    listed = run("models").stdout
    assert f"{SHIPPED} (in use)" in listed
    assert "by Tere: flags every label" in listed
