"""Evidence packs and signed heads on the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.export.packs import Store, files

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("store") / "data"
    store = Store(data, f"sqlite:///{data / 'pestcheck.sqlite3'}")
    store.inspect(1)
    store.inspect(2, site="Yard 2")
    return store.folder


@pytest.fixture
def run(folder: Path, tmp_path: Path) -> Run:
    def command(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        asked = [sys.executable, "-m", "pestcheck", *map(str, arguments)]
        environment = os.environ | {"PESTCHECK_DATA": str(folder), "PYTHONPATH": str(ROOT)} | environment
        return subprocess.run(asked, capture_output=True, text=True, cwd=tmp_path, env=environment)

    return command


def test_a_pack_is_exported_verified_and_held_against_the_next(run: Run, tmp_path: Path) -> None:
    made = run("export", "first.zip", "--by", "Aldo")
    assert made.returncode == 0, made.stderr
    assert "first.zip: 2 inspections" in made.stderr
    good = run("verify", "first.zip")
    assert (good.returncode, "No problem found" in good.stdout) == (0, True), good.stdout + good.stderr
    rotated = run("heads", "rotate", "--by", "Ana")
    fingerprint = rotated.stdout.strip()
    assert (rotated.returncode, len(fingerprint)) == (0, 64)
    assert run("export", "second.zip", "--site", "Yard 2", "--by", "Aldo", "--language", "es").returncode == 0
    second = run("verify", "second.zip", "--earlier", "first.zip", "--key", fingerprint)
    assert second.returncode == 0, second.stdout
    assert "whose key it is" not in second.stdout.lower()
    assert "is the beginning of this one" in second.stdout
    assert run("verify", "first.zip", "--key", fingerprint).returncode == 1
    assert len([name for name in files((tmp_path / "second.zip").read_bytes()) if name.endswith(".pdf")]) == 1


def test_with_the_originals_beside(run: Run, tmp_path: Path, folder: Path) -> None:
    assert run("export", "pack.zip", "--by", "Aldo").returncode == 0
    good = run("verify", "pack.zip", "--originals", folder / "photographs")
    assert (good.returncode, "4 same picture" in good.stdout) == (0, True), good.stdout
    (tmp_path / "empty").mkdir()
    missing = run("verify", "pack.zip", "--originals", "empty")
    assert (missing.returncode, missing.stdout.count("its original is not in the folder")) == (1, 4)


def test_heads_are_signed_and_listed(run: Run) -> None:
    signed = run("heads", "sign")
    assert signed.returncode == 0, signed.stderr
    assert signed.stdout.startswith("pestcheck/")
    assert "\n\n— pestcheck/" in signed.stdout
    listed = run("heads", "list")
    assert "key " in listed.stdout
    assert " events  root " in listed.stdout
    assert run("verify").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("verify", "nothing.zip"), "cannot be checked"),
        (("export", "pack.zip", "--site", "nowhere", "--by", "A"), "No inspection matches"),
        (("export", "pack.zip", "--language", "tlh", "--by", "A"), "no language"),
        (("export", "pack.zap", "--by", "A"), "end the name in"),
        (("heads", "sign", "--data", "nowhere"), "is not there"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(run: Run, tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    done = run(*arguments)
    assert (done.returncode, says in done.stderr) == (2, True), done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_without_the_key(run: Run, tmp_path: Path) -> None:
    assert run("heads", "sign").returncode == 0
    for command in (("export", "pack.zip", "--by", "Aldo"), ("heads", "rotate", "--by", "Ana")):
        done = run(*command, PESTCHECK_KEYS=str(tmp_path / "elsewhere"))
        assert (done.returncode, "rotate --lost" in done.stderr) == (2, True), done.stderr
    lost = run("heads", "rotate", "--lost", "--by", "Ana", PESTCHECK_KEYS=str(tmp_path / "elsewhere"))
    assert lost.returncode == 0, lost.stderr
    assert run("export", "pack.zip", "--by", "Aldo", PESTCHECK_KEYS=str(tmp_path / "elsewhere")).returncode == 0
    shown = run("verify", "pack.zip")
    assert (shown.returncode, "the key before was lost" in shown.stdout) == (0, True), shown.stdout
