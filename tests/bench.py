"""``make bench``: the speeds and sizes that the README quotes, measured on this machine."""

from __future__ import annotations

import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pestcheck.photo import open_photo
from pestcheck.vision import bundle
from pestcheck.vision.scan import Scanner
from tests.pictures import scenes

ROOT = Path(__file__).parents[1]
PHOTOS = ROOT.parent / "shared" / "data" / "photos"
RUNS = 5


def seconds(*command: str) -> float:
    """Wall-clock time of a command, the median of five."""
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "pestcheck", *command], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


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


if __name__ == "__main__":
    main()
