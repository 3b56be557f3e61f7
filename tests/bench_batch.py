"""``python -m tests.bench_batch [PHOTOGRAPHS]``: how busy ``pestcheck batch`` keeps the cores, and how much memory it takes, against a real archive."""

from __future__ import annotations

import contextlib
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.bench_tablets import other
from tests.pictures import scenes

ROOT = Path(__file__).parents[1]
PHOTOGRAPHS = 120


def memory(process: int) -> int:
    """Bytes that a process and all below it have of their own, now."""
    found = 0
    try:
        for one in (psutil.Process(process), *psutil.Process(process).children(recursive=True)):
            found += one.memory_full_info().uss
    except psutil.Error:
        return 0  # it just ended
    return found


def wanted(process: int, seen: dict[tuple[int, str], int]) -> None:
    """Note how long each thread of the workers has run or stood in line for a core, in nanoseconds: it had something to do."""
    with contextlib.suppress(psutil.Error, OSError):
        for one in psutil.Process(process).children():
            if "spawn_main" in " ".join(one.cmdline()):
                for task in Path(f"/proc/{one.pid}/task").iterdir():
                    ran, waited, _ = (task / "schedstat").read_text().split()
                    seen[one.pid, task.name] = int(ran) + int(waited)


def main() -> None:
    """Print one line a number, with the limit that it must keep."""
    many = int(sys.argv[1]) if len(sys.argv) > 1 else PHOTOGRAPHS
    cores = len(os.sched_getaffinity(0))
    pictures = [scenes.floor(1632, 1224, seed=seed) for seed in range(6)]
    for number, picture in enumerate(pictures):
        scenes.lay(picture, scenes.ANIMALS[number], length=200)
    photographs = [scenes.jpeg(picture) for picture in pictures]
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "archive"
        archive.mkdir()
        for number in range(many):
            (archive / f"{number:03}.jpg").write_bytes(other(photographs[number % len(photographs)], number))
        command = [sys.executable, "-m", "pestcheck", "batch", str(archive), "--out", f"{folder}/out.jsonl"]
        started, most, seen = time.perf_counter(), 0, dict[tuple[int, str], int]()
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None:
            wanted(process.pid, seen)
            most = max(most, memory(process.pid))
            time.sleep(0.5)
        seconds = time.perf_counter() - started
        assert process.returncode == 0
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    ours = used.ru_utime + used.ru_stime
    print(f"{cores} cores, {platform.machine()}, Python {platform.python_version()}")
    print(f"photographs of 2 megapixels, from start to end        {many / seconds:7.2f} /s")
    print(f"cores busy with it                                    {ours / seconds / cores:7.0%}    (limit 90%)")
    print(f"workers had something to do                           {sum(seen.values()) / 1e9 / seconds / cores:7.0%}    (limit 90%)")
    print(f"memory at most, all processes together                {most / 1e6:7.0f} MB")


if __name__ == "__main__":
    main()
