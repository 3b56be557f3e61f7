"""``python -m tests.bench_register``: registers of very many inspections, by time and memory. It fills its store first, which takes a minute."""

from __future__ import annotations

import os
import platform
import resource
import tempfile
import time
from pathlib import Path

from pestcheck.export.register import export
from pestcheck.records import Records
from pestcheck.store import open_folder
from tests import register

INSPECTIONS, FINDINGS = 100_000, 10
"""Inspections, and findings of each."""


def main() -> None:
    """Print one line a number, with the limit that it must keep."""
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database, photo_store = open_folder(folder / "d", f"sqlite:///{folder / 'd' / 'a.sqlite3'}")
        register.fill(database, INSPECTIONS, FINDINGS)
        records = Records(database, photo_store)
        for format, part, limit in (("csv", "inspections", 30), ("csv", "findings", 30), ("xlsx", "inspections", 90)):
            with (folder / f"{part}.{format}").open("w+b") as file:
                started, used = time.perf_counter(), time.process_time()
                written = export(records, format, file, actor="bench", part=part)
            says = f"register of {INSPECTIONS:,} as {format}, {part if format == 'csv' else 'all tables'}"
            took, used = time.perf_counter() - started, time.process_time() - used
            print(f"{says:<50}{took:7.1f} s   (limit {limit}); {used:.1f} s of one core, {written.size / 1e6:.0f} MB", flush=True)
        database.close()
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"memory at most                                    {most:7.0f} MB  (limit 400)")


if __name__ == "__main__":
    main()
