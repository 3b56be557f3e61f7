"""A backup of any store goes into an empty store of any kind, byte for byte; a broken one changes nothing."""

from __future__ import annotations

import gc
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from pestcheck.ids import uuid7
from pestcheck.records import Records
from pestcheck.store import events, open_folder
from pestcheck.store.backup import ABOUT, LOG, BackupError, backup, open_backup, restore
from pestcheck.store.tables import STATE, Event, Head
from pestcheck.store.verify import verify
from tests.pictures import scenes
from tests.servers import BUCKET, PostgreSQL
from tests.store import large

ROOT = Path(__file__).parents[2]


@dataclass
class Place:
    """A store that is not opened yet."""

    data: Path
    url: str
    photographs: str | None

    def open(self) -> Records:
        return Records(*open_folder(self.data, self.url, self.photographs))

    def command(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        settings = {"PESTCHECK_DATA": str(self.data), "PESTCHECK_DATABASE": self.url}
        settings |= {"PESTCHECK_PHOTOGRAPHS": self.photographs} if self.photographs else {}
        command = [sys.executable, "-m", "pestcheck", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=os.environ | settings)


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Place]:
    """Makes places: a laptop has SQLite and a folder, a server has PostgreSQL and S3."""

    def make(kind: str) -> Place:
        data = tmp_path / uuid7()
        if kind == "laptop":
            return Place(data, f"sqlite:///{data / 'pestcheck.sqlite3'}", None)
        postgresql: PostgreSQL = request.getfixturevalue("postgresql")
        request.getfixturevalue("s3")
        return Place(data, postgresql.new_database(), f"s3://{BUCKET}/{uuid7()}")

    return make


def fill(records: Records, photographs: int = 3) -> str:
    key = uuid7()
    records.open(key, number="CSQU3054383", inspector="Ana Pérez 🐌\u2028")
    for number in range(photographs):
        records.photograph(key, "floor", scenes.jpeg(scenes.wall(400, 300, seed=number)), name=f"{number}.jpg", actor="Ana")
    records.answer(key, "floor", state="inspected", result="no_contamination", note="two\nlines", actor="Ana")
    return key


def everything(records: Records) -> object:
    with records.database.reading() as session:
        rows = {table.__name__: [row.model_dump() for row in session.exec(select(table))] for table in (Event, Head, *STATE)}
    return {name: sorted(values, key=str) for name, values in rows.items()}


@pytest.mark.parametrize(("source", "target"), [("laptop", "server"), ("server", "laptop"), ("laptop", "laptop")])
def test_there_and_back_by_command(place: Callable[[str], Place], source: str, target: str, tmp_path: Path) -> None:
    ours, theirs, file = place(source), place(target), tmp_path / "backup.zip"
    records = ours.open()
    fill(records)
    made = ours.command("db", "backup", file)
    assert (made.returncode, made.stderr) == (0, "")
    root = verify(records.database, records.photo_store).root
    assert made.stdout == f"{file}: 5 events, 3 photographs; tree head {root}\n"
    done = theirs.command("db", "restore", file)
    assert (done.returncode, done.stderr) == (0, "")
    assert root in done.stdout
    restored = theirs.open()
    assert everything(restored) == everything(records)
    fill(restored)  # and the log grows on
    assert verify(restored.database, restored.photo_store).problems == ()
    again = theirs.command("db", "restore", file)
    assert again.returncode == 2
    assert again.stderr.startswith("pestcheck: the store has 10 events; a backup goes into an empty one")
    records.database.close()
    restored.database.close()


@pytest.fixture
def kept(place: Callable[[str], Place], tmp_path: Path) -> Iterator[Path]:
    """A backup of three photographs."""
    records = place("laptop").open()
    fill(records)
    yield backup(records.database, records.photo_store, tmp_path / "backup.zip").file
    records.database.close()


def rewritten(file: Path, change: Callable[[str, bytes], bytes | None]) -> None:
    """A whole zip file with other contents."""
    old = file.with_name("old.zip")
    file.rename(old)
    with zipfile.ZipFile(old) as source, zipfile.ZipFile(file, "w") as target:
        for name in source.namelist():
            if (data := change(name, source.read(name))) is not None:
                target.writestr(name, data)


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


BREAKS: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut short": (lambda file: os.truncate(file, file.stat().st_size // 2), "is no backup, or is cut short"),
    "one bit": (flip, "Bad CRC-32"),
    "empty": (lambda file: os.truncate(file, 0), "is no backup"),
    "another zip": (lambda file: rewritten(file, lambda name, data: data if name == LOG else None), "about.json"),
    "an event less": (lambda file: rewritten(file, lambda name, data: data[: data.rstrip().rindex(b"\n") + 1] if name == LOG else data), "tree head"),
    "an event between": (lambda file: rewritten(file, lambda name, data: data[data.index(b"\n") + 1 :] if name == LOG else data), "event 0 is missing"),
    "another text": (lambda file: rewritten(file, lambda name, data: data.replace(b"Ana", b"Eve") if name == LOG else data), "tree head"),
    "no text": (lambda file: rewritten(file, lambda name, data: b"[]\n" if name == LOG else data), "is damaged"),
    "a photograph less": (lambda file: rewritten(file, lambda name, data: None if name.startswith("photographs/0") or name == sorted(zipfile.ZipFile(file.with_name("old.zip")).namelist())[-1] else data), "not those of its events"),
    "another photograph": (lambda file: rewritten(file, lambda name, data: data + b"x" if name.startswith("photographs/") else data), "was changed"),
    "a newer format": (lambda file: rewritten(file, lambda name, data: data.replace(b'"format": 2', b'"format": 3') if name == ABOUT else data), "newer pestcheck"),
}  # fmt: skip


@pytest.mark.parametrize("case", BREAKS)
def test_a_broken_backup_is_named_and_changes_nothing(kept: Path, place: Callable[[str], Place], case: str) -> None:
    breaking, says = BREAKS[case]
    breaking(kept)
    with pytest.raises(BackupError) as refused:
        open_backup(kept)
    assert says in str(refused.value)
    if case == "one bit":
        target = place("laptop")
        done = target.command("db", "restore", kept)
        assert done.returncode == 2
        assert says in done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert not target.data.exists()


def test_a_backup_never_replaces_a_file(kept: Path, place: Callable[[str], Place]) -> None:
    before = kept.read_bytes()
    records = place("laptop").open()
    with pytest.raises(BackupError, match="is there already"):
        backup(records.database, records.photo_store, kept)
    assert kept.read_bytes() == before
    records.database.close()


def test_an_empty_store_has_a_backup_too(records: Records, place: Callable[[str], Place], tmp_path: Path) -> None:
    backup(records.database, records.photo_store, tmp_path / "empty.zip")
    target = place("laptop").open()
    assert restore(open_backup(tmp_path / "empty.zip"), target.database, target.photo_store).problems == ()
    assert fill(target)
    target.database.close()


def test_what_is_wrong_with_the_store_is_said(records: Records, place: Callable[[str], Place], tmp_path: Path) -> None:
    """A photograph that is gone is named, then and after the restore; a log that was changed is no backup."""
    fill(records)
    gone, changed = sorted(path for path in records.photo_store.folder.rglob("*") if path.is_file())[:2]  # type: ignore[attr-defined]
    gone.unlink()
    changed.write_bytes(b"half of it")
    made = backup(records.database, records.photo_store, tmp_path / "a.zip")
    assert (len(made.photographs), set(made.missing)) == (1, {gone.name, changed.name})
    target = place("laptop").open()
    result = restore(made, target.database, target.photo_store)
    assert {(problem.where, problem.says) for problem in result.problems} == {
        (gone.name, "the file is gone"),
        (changed.name, "the file is gone"),
    }
    target.database.close()
    with records.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE event SET body = replace(body, 'Ana', 'Eve') WHERE seq = 2")
    with pytest.raises(BackupError, match="pestcheck verify"):
        backup(records.database, records.photo_store, tmp_path / "b.zip")
    assert [path.name for path in tmp_path.glob("*.zip*")] == ["a.zip"]
    assert not list(tmp_path.glob("*.part"))


def test_a_backup_while_others_write_is_of_one_moment(records: Records, place: Callable[[str], Place], tmp_path: Path) -> None:
    fill(records)
    stop, failures = threading.Event(), []

    def work() -> None:
        try:
            while not stop.is_set():
                fill(records, 1)
        except Exception as error:
            failures.append(error)

    writer = threading.Thread(target=work)
    writer.start()
    made, until = [], time.monotonic() + 60
    try:
        # At least five, and until the writer has written between two of them.
        while len(made) < 5 or (made[0].events == made[-1].events and time.monotonic() < until):
            made.append(backup(records.database, records.photo_store, tmp_path / f"{len(made)}.zip"))
    finally:
        stop.set()
        writer.join()
    assert failures == []
    sizes = [one.events for one in made]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]
    for one in (made[0], made[len(made) // 2], made[-1]):
        target = place("laptop").open()
        assert restore(one, target.database, target.photo_store).problems == ()
        target.database.close()


def test_memory_does_not_grow_with_the_photographs(place: Callable[[str], Place], tmp_path: Path) -> None:
    """80 photographs of 2 MB are backed up and restored by a process that may use little more than one that does nothing."""
    ours, theirs, file = place("laptop"), place("laptop"), tmp_path / "backup.zip"
    records = ours.open()
    key = uuid7()
    records.open(key, number="CSQU3054383", inspector="Ana")
    small = scenes.jpeg(scenes.wall(400, 300))
    for _ in range(80):
        records.photograph(key, "floor", small + os.urandom(2_000_000), name="a.jpg", actor="Ana")
    records.database.close()
    script = (
        "import resource, sys; from pestcheck.cli import app\n"
        "try: app()\n"
        "except SystemExit as e: assert e.code == 0, e.code\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )

    def peak(place: Place, *arguments: object) -> int:
        settings = os.environ | {"PESTCHECK_DATA": str(place.data)}
        done = subprocess.run([sys.executable, "-c", script, *map(str, arguments)], capture_output=True, text=True, cwd=ROOT, env=settings)
        assert done.returncode == 0, done.stderr
        return int(done.stdout.split()[-1])

    empty = peak(place("laptop"), "db", "restore", _empty(place, tmp_path))
    assert peak(ours, "db", "backup", file) < empty + 60_000  # kB; the photographs are 160,000
    assert peak(theirs, "db", "restore", file) < empty + 60_000


def _empty(place: Callable[[str], Place], folder: Path) -> Path:
    records = place("laptop").open()
    made = backup(records.database, records.photo_store, folder / "nothing.zip")
    records.database.close()
    return made.file


def test_a_full_disk_leaves_no_half_backup(records: Records, tmp_path: Path) -> None:
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("needs to be root on Linux, to mount a small tmpfs")
    fill(records)
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("this machine does not let us mount a small file system")
    try:
        with pytest.raises(OSError, match="No space left"):
            backup(records.database, records.photo_store, disk / "backup.zip")
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_long_log_is_verified_and_a_large_inspection_opened_in_time(place: Callable[[str], Place], tmp_path: Path) -> None:
    """Beside reading the text of the log and hashing it, in the same run: the bounds are twice what they take on an idle machine, and more."""
    first = large.backup_of(tmp_path / "large.zip", 5000, photographs=200)
    records = place("laptop").open()
    assert restore(open_backup(tmp_path / "large.zip"), records.database, records.photo_store).problems == ()
    with zipfile.ZipFile(tmp_path / "large.zip") as archive:
        lines = archive.read(LOG).splitlines()

    def read() -> None:
        for line in lines:
            hashlib.sha256(json.dumps(json.loads(line)).encode()).hexdigest()

    def check() -> None:
        assert verify(records.database, records.photo_store).events >= 5000

    def open_first() -> None:
        assert len(records.inspection(first).photographs) == 200

    gc.collect()
    gc.freeze()  # what else this process holds does not count
    try:
        times = [[_seconds(work) for work in (read, check, open_first)] for _ in range(3)]
    finally:
        gc.unfreeze()
    reading, verifying, opening = (min(one) for one in zip(*times, strict=True))
    assert verifying < 20 * reading  # idle: 8 to 9
    assert opening < 2 * reading  # idle: 0.2 to 0.3
    records.database.close()


def _seconds(work: Callable[[], None]) -> float:
    """Of the processor."""
    started = time.process_time()
    work()
    return time.process_time() - started


@pytest.mark.parametrize(("source", "target"), [("laptop", "server"), ("server", "laptop")])
def test_a_purge_survives_backup_and_restore(
    place: Callable[[str], Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, target: str
) -> None:
    """What was erased is not in the backup, and the restored log has the same tree head."""
    ours = place(source).open()
    with monkeypatch.context() as patch:
        patch.setattr(events, "now", lambda: events.written(datetime.now(UTC) - timedelta(days=2200)))
        old = uuid7()
        ours.open(old, number="CSQU3054383", inspector="Ana", template="container_7_point@1")
        for point in ours.inspection(old).template.points:
            ours.answer(old, point.area, state="inspected", result="no_contamination", note="words to erase", actor="Ana")
        ours.close(old, actor="Ana")
    ours.open(uuid7(), number="CSQU3054383", inspector="Ben")
    ours.purge(old, reason="over", actor="Ana")
    made = backup(ours.database, ours.photo_store, tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        assert b"words to erase" not in archive.read("events.jsonl")
    again = place(target).open()
    result = restore(open_backup(tmp_path / "b.zip"), again.database, again.photo_store)
    assert (result.problems, result.root) == ((), made.root)
    with again.database.writing() as session:
        session.connection().exec_driver_sql("DELETE FROM event WHERE body = ''")
    assert verify(again.database, again.photo_store).problems
    ours.database.close()
    again.database.close()
