"""A disk that is really full: a small file system of our own, filled up."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlmodel import select

from pestcheck.ids import uuid7
from pestcheck.records import Records
from pestcheck.store import open_folder
from pestcheck.store.db import NotSaved
from pestcheck.store.tables import Event
from pestcheck.store.verify import verify
from tests.pictures import scenes
from tests.servers import PostgreSQL


@pytest.fixture
def small_disk(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder on a file system of 4 MB, or of what the test says."""
    megabytes = getattr(request, "param", 4)
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip("needs root, to mount a small file system")
    with TemporaryDirectory() as folder:  # not pytest's, which a database server's own user may not enter
        if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder], capture_output=True).returncode:
            pytest.skip("this machine does not let us mount a small file system")
        yield Path(folder)
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill_up(folder: Path) -> Path:
    """Leave no room on a file system; returns the file to delete."""
    filler = folder / "filler"
    with filler.open("wb") as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(bytes(65536))
            file.flush()
    return filler


def test_a_full_disk_refuses_the_photograph_and_loses_nothing(small_disk: Path) -> None:
    database, photo_store = open_folder(small_disk, f"sqlite:///{small_disk / 'pestcheck.sqlite3'}")
    records = Records(database, photo_store)
    key = uuid7()
    records.open(key, number="CSQU3054383", inspector="Ana")
    photograph = scenes.jpeg(scenes.wall(), quality=95)
    filler = fill_up(small_disk)
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


@pytest.mark.parametrize("small_disk", [200], indirect=True)
def test_a_full_disk_of_a_postgresql_server_refuses_what_it_cannot_keep(small_disk: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The disk of the server alone is full; the photographs have another."""
    server = PostgreSQL(small_disk)
    database, photo_store = open_folder(tmp_path_factory.mktemp("data"), server.new_database())
    records = Records(database, photo_store)
    key, kept = uuid7(), 0
    records.open(key, number="CSQU3054383", inspector="Ana")
    filler = fill_up(small_disk)
    os.truncate(filler, filler.stat().st_size - 2**20)  # room for a few
    with pytest.raises(NotSaved, match="cannot be written"):
        for number in range(5000):
            records.answer(key, "floor", state="inspected", result="no_contamination", note=f"{number} " * 200, actor="Ana")
            kept = number + 1
    filler.unlink()
    if not server.runs():  # where it could not write its log it stopped
        server.start()
    with database.reading() as session:
        log = session.exec(select(Event.body).where(Event.kind == "point_answered").order_by(Event.seq)).all()
    assert len(log) == kept > 0
    assert records.inspection(key).answers["floor"].note == (f"{kept - 1} " * 200).strip()
    assert verify(database, photo_store).problems == ()
    records.answer(key, "floor", state="inspected", result="no_contamination", note="goes on", actor="Ana")
    assert records.inspection(key).answers["floor"].note == "goes on"
    assert verify(database, photo_store).problems == ()
    database.close()
    server.stop()
