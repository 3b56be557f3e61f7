"""An archive as people keep one, and what a run of ``pestcheck batch`` over it says when nothing goes wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.conftest import ROOT
from tests.pictures import scenes

PHOTOGRAPHS = 13
"""Different ones that can be scored."""


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "pestcheck", "batch", *map(str, arguments)]


def batch(*arguments: object, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(command(*arguments), capture_output=True, text=True, cwd=ROOT, timeout=600, **more)


def workers(process: subprocess.Popen[Any], word: str = "spawn_main") -> list[psutil.Process]:
    """The running workers of a run."""
    found = []
    for child in psutil.Process(process.pid).children(recursive=True):
        try:
            line = " ".join(child.cmdline())
        except psutil.Error:
            continue
        if word in line and "resource_tracker" not in line:
            found.append(child)
    return found


def fill(folder: Path) -> None:
    """13 photographs, two of them under two names, two broken files, and files that are none."""
    (folder / "yard 1" / "märz").mkdir(parents=True)
    for number, animal in enumerate(scenes.ANIMALS):
        picture = scenes.floor(1200, 900, seed=number)
        scenes.lay(picture, animal, length=190)
        (folder / "yard 1" / f"{animal}.JPG").write_bytes(scenes.jpeg(picture))
    for number in range(PHOTOGRAPHS - len(scenes.ANIMALS)):
        (folder / f"wall {number}.jpg").write_bytes(scenes.jpeg(scenes.wall(1200, 900, seed=number)))
    (folder / "a copy.jpeg").write_bytes((folder / "wall 1.jpg").read_bytes())
    (folder / "yard 1" / "märz" / "IMG_1").write_bytes((folder / "yard 1" / "bee.JPG").read_bytes())
    (folder / "broken.jpg").write_bytes(b"not a photograph")
    (folder / "cut.png").write_bytes((folder / "wall 1.jpg").read_bytes()[:20_000])
    (folder / "notes.txt").write_text("none")


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Must not be changed by tests."""
    folder = tmp_path_factory.mktemp("archive")
    fill(folder)
    return folder


@pytest.fixture(scope="session")
def whole(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What a run that nobody disturbs writes."""
    out = tmp_path_factory.mktemp("whole") / "out.jsonl"
    done = batch(archive, "--out", out, "--workers", 1)
    assert done.returncode == 1, done.stderr
    assert "15 photographs under 17 names, 15 scored now" in done.stdout
    assert "1 files of other kinds were left out" in done.stdout
    assert not out.with_name("out.jsonl.part").exists()
    return out.read_bytes()
