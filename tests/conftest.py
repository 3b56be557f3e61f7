"""What many tests need: the shared pictures, a store, a scanner, a running server, a real browser."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from pathlib import Path

import psutil
import pytest

from pestcheck.cli import app as pestcheck
from pestcheck.records import Records
from pestcheck.store import open_folder
from pestcheck.store.db import Database
from pestcheck.vision.scan import Report, Scanner
from tests.servers import PostgreSQL, S3Service, free_port, postgresql_server

ROOT = Path(__file__).parents[1]
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The labelled pictures that lie beside the project on machines of its makers."""
    folder = ROOT.parent / "shared" / "data"
    if not (folder / "manifest.csv").is_file():
        pytest.skip("needs the shared pictures in ../shared/data, which are not part of the project (see data/README.md)")
    return folder


@pytest.fixture(scope="session")
def scanner() -> Scanner:
    """The shipped model."""
    return Scanner()


@pytest.fixture(scope="session")
def scan(scanner: Scanner) -> Callable[[bytes], Report]:
    """What the model says, each photograph looked at once."""
    known: dict[bytes, Report] = {}

    def look(data: bytes) -> Report:
        if data not in known:
            known[data] = scanner.scan(data)[0]
        return known[data]

    return look


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A PostgreSQL server, which many tests use and none stops."""
    with postgresql_server() as server:
        yield server


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Service]:
    """An S3 service with an empty bucket; the AWS settings of this process lead to it."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        service = S3Service(Path(folder))
        for name, value in service.environment.items():
            patch.setenv(name, value)
        yield service
        service.stop()


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the newest tables and nothing in them, to be copied."""
    path = tmp_path_factory.mktemp("empty") / "pestcheck.sqlite3"
    Database(f"sqlite:///{path}").close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, empty_sqlite: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a database with the newest tables and nothing in them, of each kind in turn."""
    if request.param == "sqlite":
        (tmp_path / "data").mkdir()
        yield f"sqlite:///{shutil.copy(empty_sqlite, tmp_path / 'data')}"
    else:
        server: PostgreSQL = request.getfixturevalue("postgresql")
        with server.lent_database() as url:
            yield url


@pytest.fixture
def records(tmp_path: Path, database_url: str) -> Iterator[Records]:
    """An empty store as the app opens it, on SQLite and on PostgreSQL."""
    database, photo_store = open_folder(tmp_path / "data", database_url)
    yield Records(database, photo_store)
    database.close()


FORKED = get_context("forkserver")
FORKED.set_forkserver_preload(["pestcheck.cli", "app.main"])


def serve(environment: dict[str, str], log: Path) -> None:
    """What the process of a server does: ``python -m pestcheck serve``, with imports that were made once; they are two thirds of a start."""
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environment)
    pestcheck(["serve"])


class Server:
    """A real server process on a data folder, which can be killed and started again. ``python``: of another environment, not of this one."""

    def __init__(self, data: Path, *, python: Path | None = None, extra_environment: dict[str, str] | None = None) -> None:
        self.data, self.python, self.extra = data, python, extra_environment or {}
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = data.parent / "server.log"
        self.process: psutil.Process | None = None

    def start(self) -> None:
        """Start and wait until it answers."""
        environment = {**os.environ, "PESTCHECK_DATA": str(self.data), "PESTCHECK_PORT": str(self.port), **self.extra}
        if self.python:
            with self.log.open("ab") as log:
                command = [self.python, "-m", "pestcheck", "serve"]
                self.process = psutil.Popen(command, cwd=self.data.parent, env=environment, stdout=log, stderr=log)
        else:
            forked = FORKED.Process(target=serve, args=(environment, self.log))
            forked.start()
            self.process = psutil.Process(forked.pid)
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(self.url + "/health", timeout=1).read()
                return
            except OSError:
                pass
            with suppress(psutil.TimeoutExpired):
                self.process.wait(0.1)
                break
        with suppress(psutil.NoSuchProcess):
            self.process.kill()
        raise AssertionError(f"the server did not start: {self.log.read_text()}")

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        assert self.process
        self.process.kill()
        self.process.wait()


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """Start a server and kill it at the end."""
    server.start()
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A running server on an empty data folder."""
    with running(Server(tmp_path / "data")) as started:
        yield started


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """A real Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=CHROMIUM)
        yield chromium
        chromium.close()
