"""``python -m tests.bench_tablets``: eight tablets at once, each sending photographs of 12 megapixels, against a real server."""

from __future__ import annotations

import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx

from pestcheck.ids import uuid7
from tests.pictures import scenes
from tests.servers import free_port

ROOT = Path(__file__).parents[1]
TABLETS, EACH = 8, 20
WAIT_SECONDS = 20


def other(photograph: bytes, number: int) -> bytes:
    """The same photograph as another file: with a comment in it."""
    comment = str(number).encode()
    return photograph[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2) + comment + photograph[2:]


def tablet(url: str, photographs: list[bytes], kept: list[float], found: list[float]) -> None:
    """One inspection: send a photograph, wait for what the model says of it, send the next. Adds the seconds that each took."""
    inspection = f"/api/v1/inspections/{uuid7()}"
    with httpx.Client(base_url=url, timeout=60) as client:
        client.put(inspection, json={"number": "CSQU 305438 3"}).raise_for_status()
        for photograph in photographs:
            view, started = uuid7(), time.perf_counter()
            client.put(f"{inspection}/points/floor/photographs/{view}", content=photograph).raise_for_status()
            kept.append(time.perf_counter() - started)
            told = {"view": {"state": "waiting"}}
            while told["view"]["state"] == "waiting":
                told = client.get(f"{inspection}/photographs/{view}", params={"wait": WAIT_SECONDS}).raise_for_status().json()
            found.append(time.perf_counter() - started)
        assert len(client.get(inspection).raise_for_status().json()["photographs"]) == len(photographs)


def most_memory(process: int) -> float:
    """Megabytes that a process had at most."""
    text = Path(f"/proc/{process}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", text)[1]) / 1024  # type: ignore[index]


def late(values: list[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(values, n=20)[-1]


def main() -> None:
    """Print one line a number, with the limit that it must keep."""
    photograph = scenes.jpeg(scenes.wall(4032, 3024))
    kept: list[float] = []
    found: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        url = f"http://127.0.0.1:{(port := free_port())}"
        command = [sys.executable, "-m", "pestcheck", "serve", "--port", str(port), "--data", folder]
        server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        try:
            _wait(url)
            work = [
                threading.Thread(target=tablet, args=(url, [other(photograph, n * EACH + k) for k in range(EACH)], kept, found))
                for n in range(TABLETS)
            ]
            for one in work:
                one.start()
            for one in work:
                one.join()
            memory = most_memory(server.pid)
        finally:
            server.terminate()
            server.wait()
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}; tablets and server on the same machine")
    print(f"photographs of 12 megapixels sent and found           {len(found):7d}     (of {TABLETS * EACH})")
    print(f"a photograph is kept, 95th percentile                 {late(kept):7.2f} s")
    print(f"findings, from sending on, median                     {statistics.median(found):7.2f} s")
    print(f"findings, from sending on, 95th percentile            {late(found):7.2f} s   (limit 6)")
    print(f"memory of the server at most                          {memory:7.0f} MB  (limit 1500)")


def _wait(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            httpx.get(f"{url}/health", timeout=5).raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise SystemExit("the server did not start")


if __name__ == "__main__":
    main()
