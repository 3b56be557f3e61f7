"""``python -m tests.bench_batch``: how busy ``pestcheck batch`` keeps the cores, and how much memory it takes, against a real archive."""

from __future__ import annotations

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


def main() -> None:
    """Print one line a number, with the limit that it must keep."""
    cores = len(os.sched_getaffinity(0))
    pictures = [scenes.floor(1632, 1224, seed=seed) for seed in range(6)]
    for number, picture in enumerate(pictures):
        scenes.lay(picture, scenes.ANIMALS[number], length=200)
    photographs = [scenes.jpeg(picture) for picture in pictures]
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "archive"
        archive.mkdir()
        for number in range(PHOTOGRAPHS):
            (archive / f"{number:03}.jpg").write_bytes(other(photographs[number % len(photographs)], number))
        command = [sys.executable, "-m", "pestcheck", "batch", str(archive), "--out", f"{folder}/out.jsonl"]
        idle, started, most = psutil.cpu_times().idle, time.perf_counter(), 0
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None:
            most = max(most, memory(process.pid))
            time.sleep(0.5)
        seconds = time.perf_counter() - started
        idle = psutil.cpu_times().idle - idle
        assert process.returncode == 0
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    ours = used.ru_utime + used.ru_stime
    print(f"{cores} cores, {platform.machine()}, Python {platform.python_version()}")
    print(f"photographs of 2 megapixels, from start to end        {PHOTOGRAPHS / seconds:7.2f} /s")
    print(f"cores busy with it                                    {ours / seconds / cores:7.0%}    (limit 90%)")
    print(f"the same, of what others on the machine left          {ours / (ours + idle):7.0%}    (limit 90%)")
    print(f"memory at most, all processes together                {most / 1e6:7.0f} MB")


if __name__ == "__main__":
    main()
