"""Whoever scores, and whatever is killed meanwhile: nothing is lost, nothing is done twice, the output is the same byte for byte."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from tests.batch.conftest import batch, command, workers
from tests.conftest import ROOT
from tests.pictures import scenes


def start(*arguments: object) -> subprocess.Popen[str]:
    """A run that Ctrl-C stops, also where the tests themselves were started in the background, which leaves it ignored."""
    return subprocess.Popen(
        command(*arguments), cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


def until(condition: Callable[[], object], seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def goes_on(part: Path, changes: int = 3) -> None:
    """Wait until a run has written down several things one after the other, a result among them; the file itself is the run's alone."""
    log = part.with_name(part.name + "-wal")
    until(log.exists)
    for _ in range(changes):
        before = log.stat().st_mtime_ns
        until(lambda before=before: log.stat().st_mtime_ns != before)
        time.sleep(0.05)  # the first names are read in one go


def results(part: Path) -> set[str]:
    with closing(sqlite3.connect(part)) as journal:  # or it would keep the next run out
        return {sha256 for (sha256,) in journal.execute("SELECT sha256 FROM result")}


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_a_killed_run_goes_on_where_it_was(archive: Path, whole: bytes, tmp_path: Path) -> None:
    """Once killed without warning, once stopped by Ctrl-C; its workers do not outlive it."""
    out, part = tmp_path / "out.jsonl", tmp_path / "out.jsonl.part"
    known: set[str] = set()
    for end in (signal.SIGKILL, signal.SIGINT):
        process = start(archive, "--out", out, "--workers", 2)
        until(lambda process=process: len(workers(process)) == 2)
        goes_on(part)
        theirs = workers(process)
        process.send_signal(end)
        process.wait(60)
        assert process.returncode == (130 if end == signal.SIGINT else -end)
        until(lambda theirs=theirs: not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in theirs), 60)
        assert not out.exists()
        now = results(part)
        assert known <= now
        known = now
    assert known
    done = batch(archive, "--out", out)
    assert done.returncode == 1, done.stderr
    assert int(re.findall(r"(\d+) scored now", done.stdout)[0]) == 15 - len(known)
    assert out.read_bytes() == whole
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_a_killed_worker_takes_nothing_with_it(archive: Path, whole: bytes, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    process = start(archive, "--out", out, "--workers", 2)
    until(lambda: len(workers(process)) == 2)
    goes_on(tmp_path / "out.jsonl.part")
    workers(process)[0].kill()
    assert process.wait(300) == 1
    assert out.read_bytes() == whole


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_a_photograph_that_ends_whoever_looks_at_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "bad.jpg").write_bytes(scenes.jpeg(scenes.wall(320, 240)))
    process = start(tmp_path / "archive", "--out", tmp_path / "out.jsonl", "--workers", 1)

    def hunt() -> None:
        while process.poll() is None:
            for one in workers(process):
                one.kill()
            time.sleep(0.05)

    hunter = threading.Thread(target=hunt)
    hunter.start()
    assert process.wait(300) == 1
    hunter.join()
    line = json.loads((tmp_path / "out.jsonl").read_text())
    assert line["photos"] == ["bad.jpg"]
    assert "ended by the system (3 attempts)" in line["error"]


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs ray: pip install 'pestcheck[ray]'")
def test_ray_with_one_of_two_workers_killed(archive: Path, whole: bytes, tmp_path: Path) -> None:
    """A local Ray of two workers; one is killed while it looks at a photograph."""
    out = tmp_path / "out.jsonl"
    process = start(archive, "--out", out, "--workers", 2, "--engine", "ray")

    def scoring() -> list[psutil.Process]:
        return [one for one in psutil.process_iter(["name"]) if _ours(one, process.pid)]

    until(lambda: len(scoring()) == 2)
    goes_on(tmp_path / "out.jsonl.part", 2)
    until(scoring)
    killed = scoring()[0]
    killed.kill()
    assert process.wait(300) == 1
    assert not killed.is_running() or killed.status() == psutil.STATUS_ZOMBIE
    assert out.read_bytes() == whole


def _ours(process: psutil.Process, run: int) -> bool:
    """Whether it is a worker of this run's own Ray that looks at a photograph."""
    try:
        return "ray::_score_on_ray" in " ".join(process.cmdline()) and any(one.pid == run for one in process.parents())
    except psutil.Error:
        return False
