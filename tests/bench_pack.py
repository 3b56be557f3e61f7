"""``python -m tests.bench_pack``: an evidence pack of 100 inspections with 1,000 photographs, written and checked, on this machine.

With a number, of so many inspections, with ten photographs of 8 megapixels each. Times of the CPU beside those of the clock: others may be at work.
"""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pestcheck.export import verify_pack
from pestcheck.export.pack import export
from pestcheck.ids import uuid7
from pestcheck.inspection.checklist import templates
from pestcheck.photo import open_photo
from pestcheck.store import events
from tests.export.packs import Store, photograph

INSPECTIONS, PHOTOGRAPHS, OTHERS = int(sys.argv[1]) if len(sys.argv) > 1 else 100, 10, 100
"""``OTHERS``: events of others before each inspection."""
POINTS = [point.area for point in templates()["container_7_point"].points]


def filled(folder: Path, megapixels: float = 8) -> Store:
    """A year's log, in which 100 inspections are at "Yard 1", each with ten photographs of their own (scored, a finding decided each)."""
    store = Store(folder)
    side = int((megapixels * 1e6 / 12) ** 0.5)
    pictures = [photograph(number, size=(side * 4, side * 3)) for number in range(5)]
    found = asdict(open_photo(pictures[0], 640)[0]) | {"latitude": 25.7, "longitude": -100.3}
    with store.database.writing() as session:
        for number in range(INSPECTIONS):
            for other in range(OTHERS):
                events.append(session, *opened(uuid7(), f"Yard {2 + other % 5}"))
            key = uuid7()
            kind, row, actor, _ = opened(key, "Yard 1")
            events.append(session, kind, row, actor, key)
            for place in range(PHOTOGRAPHS):
                view, finding, area = uuid7(), uuid7(), POINTS[place % len(POINTS)]
                own = f"{number} {place}".encode()
                data = pictures[place % 5]
                data = data[:2] + b"\xff\xfe" + (len(own) + 2).to_bytes(2, "big") + own + data[2:]
                sha256 = store.photo_store.put(data)
                events.append(session, "photograph_added", {
                    "photograph": found | {"sha256": sha256, "size": len(data), "picture": verify_pack.picture_hash(data)},
                    "view": {"id": view, "inspection_id": key, "area": area, "sha256": sha256, "name": f"{place}.jpg",
                             "added_at": events.now(), "added_by": "Ana", "action_id": None},
                }, "Ana", key)  # fmt: skip
                events.append(session, "photograph_scored", {"view_id": view, "report": {
                    "verdict": "suspect", "score": 0.9, "problems": [], "model": "pest@1", "thresholds": "v1", "seconds": 0.5,
                }, "findings": [{"id": finding, "label": "hornet", "group": "insect", "probability": 0.9, "candidates": [["hornet", 0.9]],
                                 "box": [10, 20, 300, 400], "reason": "Hornet: 90%"}]}, "pestcheck", key)  # fmt: skip
                decided = {
                    "finding_id": finding,
                    "state": "confirmed",
                    "decided_label": "hornet",
                    "decided_by": "Ana",
                    "decided_at": events.now(),
                }
                events.append(session, "finding_decided", decided, "Ana", key)
            for area in POINTS:
                row = {"inspection_id": key, "area": area, "state": "inspected", "result": "contamination", "note": "", "version": 1}
                events.append(session, "point_answered", row | {"answered_by": "Ana", "answered_at": events.now()}, "Ana", key)
            events.append(session, "inspection_closed", {"inspection_id": key, "closed_at": events.now(), "closed_by": "Ana"}, "Ana", key)
    for _ in range(3):
        store.heads.sign()
    return store


def cpu_seconds() -> float:
    """Of this process and those it has ended."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def opened(key: str, site: str) -> tuple[str, dict[str, Any], str, str]:
    row = {
        "id": key, "container_number": "CSQU3054383", "template": "container_7_point", "template_version": 1, "inspector": "Ana",
        "opened_at": events.now(), "site": site,
    }  # fmt: skip
    return "inspection_opened", row, "Ana", key


def main() -> None:
    """Print one line a number, with the limit that it must keep."""
    from pestcheck.records import Filter

    print(f"{os.cpu_count()} cores, {platform.processor() or platform.machine()}, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as folder:
        store = filled(Path(folder) / "data")
        path = Path(folder) / "pack.zip"
        for location, what in (
            (False, f"pack of {INSPECTIONS} inspections, {INSPECTIONS * PHOTOGRAPHS} photographs".ljust(46)),
            (True, "the same with originals                       "),
        ):
            started, cpu = time.perf_counter(), cpu_seconds()
            with path.open("w+b") as file:
                made = export(store.records, store.heads, file, actor="Ana", filter=Filter(site="Yard 1"), location=location)
            print(
                f"{what}    {time.perf_counter() - started:7.1f} s   (limit 30; {cpu_seconds() - cpu:.1f} s of CPU; {made.size / 1e9:.2f} GB)"
            )
            started, cpu = time.perf_counter(), cpu_seconds()
            done = subprocess.run([sys.executable, "-I", "-S", verify_pack.__file__, path], capture_output=True, text=True)
            print(
                f"verify.py of it                                   {time.perf_counter() - started:7.1f} s   (limit 15; {cpu_seconds() - cpu:.1f} s of CPU)"
            )
            assert done.returncode == 0, done.stdout[-2000:] + done.stderr
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"memory at most                                    {peak:7.0f} MB  (with making the photographs)")


if __name__ == "__main__":
    main()
