"""A disk that is really full: a small file system of our own, filled up."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pestcheck.ids import uuid7
from pestcheck.records import Records
from pestcheck.store import open_folder
from pestcheck.store.db import NotSaved
from pestcheck.store.verify import verify
from tests.pictures import scenes


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of 4 MB."""
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip("needs root, to mount a small file system")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", tmp_path], capture_output=True).returncode:
        pytest.skip("this machine does not let us mount a small file system")
    yield tmp_path
    subprocess.run(["umount", "--lazy", tmp_path], check=True)


def test_a_full_disk_refuses_the_photograph_and_loses_nothing(small_disk: Path) -> None:
    database, photo_store = open_folder(small_disk, f"sqlite:///{small_disk / 'pestcheck.sqlite3'}")
    records = Records(database, photo_store)
    key = uuid7()
    records.open(key, number="CSQU3054383", inspector="Ana")
    photograph = scenes.jpeg(scenes.wall(), quality=95)
    filler = small_disk / "filler"
    with filler.open("wb") as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(bytes(65536))
            file.flush()
    with pytest.raises(OSError, match="No space left"):
        records.photograph(key, "floor", photograph, name="a.jpg", actor="Ana")
    with pytest.raises(NotSaved, match="full"):
        for note in range(1000):
            records.answer(key, "floor", state="inspected", result="no_contamination", note=f"{note}" * 200, actor="Ana")
    assert records.inspection(key).photographs == ()
    assert not list(photo_store.folder.rglob("*.part"))
    filler.unlink()
    assert verify(database, photo_store).problems == ()
    records.photograph(key, "floor", photograph, name="a.jpg", actor="Ana")
    assert verify(database, photo_store).problems == ()
    assert len(records.inspection(key).photographs) == 1
    database.close()
