"""Who scores: processes of this machine, or a Ray cluster. Each worker has the model once, on one thread; the answers are the same."""

from __future__ import annotations

import logging
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection, get_context, parent_process
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pestcheck.batch.archives import BatchError

if TYPE_CHECKING:
    from pestcheck.vision.bundle import BundleError
    from pestcheck.vision.scan import Scanner

Line = dict[str, Any]
Job = tuple[str, bytes]
"""SHA-256 and bytes of a photograph."""
Engine = Callable[[Iterable[Job]], Iterator[tuple[str, Line]]]
"""Takes photographs as it has room for them, and gives each one's result by its hash, in any order."""

AHEAD = 2
"""Photographs in hand for each worker: one that it looks at, and the next."""
ATTEMPTS = 3
DIED = {"error": f"whatever looks at it is ended by the system ({ATTEMPTS} attempts): it needs too much memory, or breaks the decoder"}


def judge(scanner: Scanner, data: bytes) -> Line:
    """What ``pestcheck check`` says of a photograph, without its name and without times: the same again for the same bytes."""
    from pestcheck.photo import PhotoError

    try:
        report, _ = scanner.scan(data)
    except PhotoError as error:
        return {"error": str(error)}
    except Exception as error:  # one photograph must not hold up the others
        return {"error": f"{type(error).__name__}: {error}"}
    said = report.to_json("")
    return {key: value for key, value in said.items() if key not in ("photo", "sha256", "seconds")} | {"thresholds": report.thresholds}


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def processes(model: Path, workers: int) -> Engine:
    """On this machine. A worker that the system ends takes nothing with it: what it had in hand is looked at again, by itself."""

    def pool(size: int) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(size, get_context("spawn"), _begin, (model,))

    def alone(data: bytes) -> Line:
        for _ in range(ATTEMPTS - 1):
            with pool(1) as one:
                try:
                    return one.submit(_score, data).result()
                except BrokenProcessPool:
                    continue
        return DIED

    def scored(jobs: Iterable[Job]) -> Iterator[tuple[str, Line]]:
        todo, flying = iter(jobs), dict[Future[Line], Job]()
        running = pool(workers)
        try:
            while True:
                while len(flying) < AHEAD * workers and (job := next(todo, None)):
                    flying[_submit(running, job[1])] = job
                if not flying:
                    return
                done, _ = wait(flying, return_when=FIRST_COMPLETED)
                if any(isinstance(future.exception(), BrokenProcessPool) for future in done):
                    done, _ = wait(flying)  # a pool breaks as a whole
                again = []
                for future in done:
                    sha256, data = flying.pop(future)
                    if isinstance(future.exception(), BrokenProcessPool):
                        again.append((sha256, data))
                    else:
                        yield sha256, future.result()
                if again:
                    running.shutdown()
                    for sha256, data in again:
                        yield sha256, alone(data)
                    running = pool(workers)
        finally:
            running.shutdown(cancel_futures=True)

    return scored


def _submit(pool: ProcessPoolExecutor, data: bytes) -> Future[Line]:
    try:
        return pool.submit(_score, data)
    except BrokenProcessPool as error:
        failed: Future[Line] = Future()
        failed.set_exception(error)
        return failed


_scanner: Scanner | BundleError
"""A worker's own; or why there is none."""


def _begin(model: Path) -> None:
    global _scanner
    from pestcheck.vision.bundle import BundleError
    from pestcheck.vision.scan import Scanner

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run decides when to stop
    parent = parent_process()
    assert parent is not None
    threading.Thread(
        target=lambda: (connection.wait([parent.sentinel]), os._exit(1)), daemon=True
    ).start()  # or it would outlive a killed run
    try:
        _scanner = Scanner(model, threads=1)
    except BundleError as error:
        _scanner = error


def _score(data: bytes) -> Line:
    if isinstance(_scanner, Exception):
        raise _scanner
    return judge(_scanner, data)


def ray(model: Path, workers: int | None = None) -> Engine:
    """On the Ray cluster of ``RAY_ADDRESS``; without one, on a Ray of its own on this machine, of as many cores as ``workers``. Its nodes need
    pestcheck of the same version; the model and the photographs are sent to them. A lost worker or node loses nothing.

    Args:
        workers: at most so many photographs at a time; None: as many as there are cores.

    Raises:
        BatchError: Ray is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would report to its makers
    try:
        import ray as cluster
    except ModuleNotFoundError as error:
        raise BatchError(f"the engine ray needs one more package ({error.name}): pip install 'pestcheck[ray]'") from error

    def scored(jobs: Iterable[Job]) -> Iterator[tuple[str, Line]]:
        ours: dict[str, Any] = {} if os.environ.get("RAY_ADDRESS") else {"num_cpus": workers or cores(), "include_dashboard": False}
        try:
            cluster.init(log_to_driver=False, logging_level=logging.ERROR, **ours)
        except ConnectionError as error:
            raise BatchError(f"the Ray cluster {os.environ.get('RAY_ADDRESS')} cannot be reached: {error}") from error
        try:
            files = cluster.put({path.name: path.read_bytes() for path in model.iterdir() if path.is_file()})
            task = cluster.remote(num_cpus=1, max_retries=ATTEMPTS - 1)(_score_on_ray)
            todo, flying = iter(jobs), dict[Any, str]()
            while True:
                there = cluster.cluster_resources()  # type: ignore[no-untyped-call]
                room = AHEAD * (workers or int(there.get("CPU", 1)))  # nodes come and go
                while len(flying) < room and (job := next(todo, None)):
                    # In a list, or Ray would unpack the model for each photograph.
                    flying[task.remote([files], files.hex(), job[1])] = job[0]
                if not flying:
                    return
                done, _ = cluster.wait([*flying], num_returns=1)
                try:
                    line = cluster.get(done[0])
                except (cluster.exceptions.WorkerCrashedError, cluster.exceptions.NodeDiedError, cluster.exceptions.OutOfMemoryError):
                    line = DIED
                except cluster.exceptions.RayTaskError as error:
                    raise BatchError(f"a worker of the cluster cannot score: {error.cause}") from error
                yield flying.pop(done[0]), line
        finally:
            cluster.shutdown()

    return scored


_scanners: dict[str, Scanner] = {}
"""Of a Ray worker process: the model of the run."""


def _score_on_ray(files: list[Any], model: str, data: bytes) -> Line:
    if model not in _scanners:
        import ray as cluster

        from pestcheck.vision.scan import Scanner

        with tempfile.TemporaryDirectory() as folder:
            for name, content in cluster.get(files[0]).items():
                (Path(folder) / name).write_bytes(content)
            _scanners.clear()
            _scanners[model] = Scanner(Path(folder), threads=1)
    return judge(_scanners[model], data)
