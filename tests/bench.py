"""``make bench``: the speeds and sizes that the README quotes, measured on this machine."""

from __future__ import annotations

import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pestcheck.export.pdf import inspection_pdf
from pestcheck.ids import uuid7
from pestcheck.photo import open_photo
from pestcheck.records import Records
from pestcheck.store import events, open_folder
from pestcheck.store.backup import open_backup, restore
from pestcheck.store.verify import verify
from pestcheck.vision import bundle
from pestcheck.vision.scan import Scanner
from tests.export.full import full
from tests.pictures import scenes
from tests.store import large

ROOT = Path(__file__).parents[1]
PHOTOS = ROOT.parent / "shared" / "data" / "photos"
RUNS = 5
EVENTS = 1000
LARGE = 100_000


def seconds(*command: str) -> float:
    """Wall-clock time of a command, the median of five."""
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "pestcheck", *command], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def fsync_milliseconds(folder: Path) -> float:
    """What the disk takes for one write that must last: no transaction can be faster."""
    with (folder / "fsync").open("wb", buffering=0) as file:
        times = []
        for _ in range(100):
            file.write(bytes(8192))
            started = time.perf_counter()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


def events_a_second(folder: Path, url: str) -> float:
    """One client, one transaction an event, each on the disk before the next."""
    database, photo_store = open_folder(folder, url)
    key = uuid7()
    Records(database, photo_store).open(key, number="CSQU3054383", inspector="Ana")

    def answer(note: str) -> None:
        with database.writing() as session:
            row = {"inspection_id": key, "area": "floor", "state": "inspected", "result": "no_contamination", "note": note}
            events.append(session, "point_answered", row | {"answered_by": "Ana", "answered_at": events.now()}, "Ana")

    for number in range(50):
        answer(f"first {number}")
    started = time.perf_counter()
    for number in range(EVENTS):
        answer(str(number))
    seconds_taken = time.perf_counter() - started
    database.close()
    return EVENTS / seconds_taken


def store(folder: Path) -> None:
    """The store: how fast it takes events, shows an inspection, and verifies."""
    fsync = fsync_milliseconds(folder)
    print(
        f"one fsync of this disk                            {fsync:7.2f} ms  (no limit: at most {1000 / fsync:.0f} transactions a second)"
    )
    rate = events_a_second(folder / "a", f"sqlite:///{folder / 'a' / 'a.sqlite3'}")
    print(f"events on SQLite, one client                      {rate:7.0f} /s  (limit 500)")
    memory = Path("/dev/shm")
    if memory.is_dir():
        with tempfile.TemporaryDirectory(dir=memory) as quick:
            rate = events_a_second(Path(quick) / "a", f"sqlite:///{Path(quick) / 'a' / 'a.sqlite3'}")
        print(f"the same where fsync takes no time                {rate:7.0f} /s  (limit 500)")
    try:
        from tests.servers import PostgreSQL, postgresql_programs
    except ModuleNotFoundError as error:
        print(f"events on PostgreSQL                              not measured: needs {error.name}")
    else:
        if postgresql_programs() is None:
            print("events on PostgreSQL                              not measured: needs the Debian package postgresql")
        for place, name in [(None, "events on PostgreSQL, one client"), (memory, "the same where fsync takes no time")]:
            if postgresql_programs() is None or not (place is None or place.is_dir()):
                continue
            home = Path(tempfile.mkdtemp(dir=place))
            server = PostgreSQL(home)
            try:
                print(f"{name:<50}{events_a_second(folder / 'b', server.new_database()):7.0f} /s  (limit 300)")
            finally:
                server.stop()
                shutil.rmtree(home)
    first = large.backup_of(folder / "large.zip", LARGE, photographs=200)
    database, photo_store = open_folder(folder / "c", f"sqlite:///{folder / 'c' / 'a.sqlite3'}")
    restore(open_backup(folder / "large.zip"), database, photo_store)
    records = Records(database, photo_store)
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        assert len(records.inspection(first).photographs) == 200
        times.append(time.perf_counter() - started)
    print(f"an inspection with 200 photographs                {statistics.median(times):7.2f} s   (limit 0.3)")
    started = time.perf_counter()
    result = verify(database, photo_store)
    assert not result.problems
    print(f"verify of {result.events:,} events                         {time.perf_counter() - started:7.2f} s   (limit 10)")
    database.close()


def printed(folder: Path) -> None:
    """The PDF of an inspection with six photographs of 12 megapixels."""
    database, photo_store = open_folder(folder / "e", f"sqlite:///{folder / 'e' / 'a.sqlite3'}")
    records = Records(database, photo_store)
    scanner = Scanner()
    key = full(records, lambda data: scanner.scan(data)[0], template="container_7_point@1", photographs=6, findings=6, size=(4000, 3000))
    times, cores = [], []
    for _ in range(RUNS):
        started, used = time.perf_counter(), time.process_time()
        inspection_pdf(records.inspection(key), photo_store.get)
        times.append(time.perf_counter() - started)
        cores.append(time.process_time() - used)
    says = "PDF, 6 photographs of 12 megapixels, 12 findings"
    print(f"{says:<50}{statistics.median(times):7.2f} s   (limit 1); {statistics.median(cores):.2f} s of one core")
    database.close()


def main() -> None:
    """Print one line a number, with the limit that it must keep."""
    print(f"{os.cpu_count()} cores, {platform.processor() or platform.machine()}, Python {platform.python_version()}")
    print(f"pestcheck --help                                  {seconds('--help'):7.2f} s   (limit 0.3)")
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "2mp.jpg"
        photo.write_bytes(scenes.jpeg(scenes.wall(1632, 1224)))
        print(f"pestcheck check, 2 megapixels, with start-up      {seconds('check', str(photo)):7.2f} s   (limit 3)")
    big = [path.read_bytes() for path in sorted(PHOTOS.glob("*.jpg"))] if PHOTOS.is_dir() else []
    big = [data for data in big if open_photo(data, 640)[0].width * open_photo(data, 640)[0].height > 7e6] or [
        scenes.jpeg(scenes.wall(3264, 2448))
    ]
    scanner = Scanner()
    scanner.scan(big[0])
    times = []
    for data in big * RUNS:
        started = time.perf_counter()
        scanner.scan(data)
        times.append(time.perf_counter() - started)
    print(f"scan of 8 megapixels, after start, median         {statistics.median(times):7.2f} s   (limit 1.5)")
    print(f"scan of 8 megapixels, after start, slowest        {max(times):7.2f} s   (limit 1.5)")
    print(
        f"memory at most                                    {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:7.0f} MB  (limit 700)"
    )
    size = sum((bundle.shipped() / name).stat().st_size for name in (bundle.CLASSIFIER, bundle.FINDER))
    print(f"networks                                          {size / 1e6:7.1f} MB  (limit 20)")
    with tempfile.TemporaryDirectory() as folder:
        store(Path(folder))
        printed(Path(folder))


if __name__ == "__main__":
    main()
