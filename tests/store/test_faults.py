"""What goes wrong in the field: each fault is survived, or named by ``verify``. The full disk is in ``tests/test_full_disk.py``, tampering
in ``test_verify.py``, half a photograph and a writer of photographs that is killed in ``test_photos.py``."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlmodel import select

from pestcheck import ids
from pestcheck.ids import uuid7
from pestcheck.records import Records
from pestcheck.store import events, open_folder, photos
from pestcheck.store.db import NotSaved, Unavailable
from pestcheck.store.tables import Event, Inspection, View
from pestcheck.store.verify import verify
from pestcheck.vision.scan import Scanner
from tests.pictures import scenes
from tests.servers import BUCKET, PostgreSQL, S3Service, postgresql_server

ROOT = Path(__file__).parents[2]
GONE_SECONDS = 10
KILLS = {"sqlite": 200, "postgresql": 60}  # a client's death is no danger to a server
CHECKS = 4
PHOTOGRAPH = scenes.jpeg(scenes.wall(800, 600))


@pytest.mark.skipif(os.name != "posix", reason="needs kill -9")
def test_killed_at_200_moments_nothing_acknowledged_is_missing(tmp_path: Path, database_url: str) -> None:
    data, acknowledged, kills = tmp_path / "data", tmp_path / "acknowledged", KILLS[database_url.partition(":")[0]]
    for _ in range(CHECKS):
        command = [sys.executable, "-m", "tests.store.writer", str(data), database_url, str(acknowledged), str(kills // CHECKS)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        database, photo_store = open_folder(data, database_url)
        assert verify(database, photo_store).problems == ()
        with database.reading() as session:
            inspections, views = set(session.exec(select(Inspection.id))), set(session.exec(select(View.id)))
            answers = {
                (body["payload"]["inspection_id"], body["payload"]["note"])
                for body in map(events.json.loads, session.exec(select(Event.body).where(Event.kind == "point_answered")))
            }
        database.close()
    lines = [line.split() for line in acknowledged.read_text().splitlines()]
    assert {key for kind, key, *_ in lines if kind == "inspection"} <= inspections
    assert {key for kind, key, *_ in lines if kind == "view"} <= views
    assert {(key, more[0]) for kind, key, *more in lines if kind == "answer"} <= answers
    assert len({kind for kind, *_ in lines}) == 3
    assert len(lines) >= kills


def opened(records: Records) -> str:
    key = uuid7()
    records.open(key, number="CSQU3054383", inspector="Ana")
    return key


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    """A server that may be stopped. One that many tests have filled takes over a minute to recover: it syncs each of its files."""
    with postgresql_server() as server:
        yield server


@pytest.fixture
def on_postgresql(server: PostgreSQL, tmp_path: Path) -> Iterator[Records]:
    database, photo_store = open_folder(tmp_path / "data", server.new_database())
    yield Records(database, photo_store)
    database.close()


def test_postgresql_gone_for_ten_seconds(on_postgresql: Records, server: PostgreSQL, tmp_path: Path) -> None:
    """Clients are told, the scoring thread lives on, and when the server is back all goes on without a new start."""
    from app.main import Scoring
    from app.serving import Serving

    records = on_postgresql
    key = opened(records)
    scoring = Scoring(records, Serving(records, tmp_path, None))
    kept: list[str] = []
    refused: list[Exception] = []
    failed: list[Exception] = []
    stop = threading.Event()

    def client(name: str) -> None:
        number = 0
        while not stop.is_set():
            note = f"{name} {number}"
            try:
                records.answer(key, "floor", state="inspected", result="no_contamination", note=note, actor="Ana")
                kept.append(note)
            except OSError as error:
                refused.append(error)
                time.sleep(0.05)
            except Exception as error:
                failed.append(error)
                return
            number += 1

    clients = [threading.Thread(target=client, args=(name,)) for name in "abc"]
    for thread in [*clients, *scoring.threads]:
        thread.start()
    try:
        time.sleep(1)
        records.photograph(key, "doors", PHOTOGRAPH, name="a.jpg", actor="Ana")
        server.stop()
        try:
            before = len(kept)
            assert before > 0
            time.sleep(GONE_SECONDS)
            assert len(kept) <= before + len(clients)
            with pytest.raises(NotSaved, match="cannot be written: connection failed"):
                opened(records)
            with pytest.raises(Unavailable, match="cannot be read: connection failed"):
                records.inspections()
            assert scoring.alive
        finally:
            server.start()
        assert records.inspection(key).inspection.id == key  # at once: no connection from before is used
        assert opened(records)
        deadline = time.monotonic() + 60
        while records.inspection(key).at("doors")[0].view.state == "waiting" and time.monotonic() < deadline:
            time.sleep(0.2)
        assert records.inspection(key).at("doors")[0].view.state == "scored"
    finally:
        stop.set()
        scoring.stop()
        for thread in clients:
            thread.join(60)
    assert failed == []
    assert {type(error) for error in refused} == {NotSaved}
    assert len(kept) > before
    with records.database.reading() as session:
        bodies = session.exec(select(Event.body).where(Event.kind == "point_answered")).all()
    assert set(kept) <= {events.json.loads(body)["payload"]["note"] for body in bodies}
    assert verify(records.database, records.photo_store).problems == ()


def test_a_connection_from_before_is_not_used_after(on_postgresql: Records, server: PostgreSQL) -> None:
    """Nobody asked anything while the server was away; the first who does must not meet a dead connection."""
    key = opened(on_postgresql)
    server.stop()
    server.start()
    assert on_postgresql.inspection(key).inspection.id == key
    server.stop()
    server.start()
    assert opened(on_postgresql)


def test_s3_gone_for_ten_seconds(tmp_path: Path, s3: S3Service, scanner: Scanner, monkeypatch: pytest.MonkeyPatch) -> None:
    """A photograph is refused and not recorded; one that waits is left waiting; then all goes on without a new start."""
    database, photo_store = open_folder(tmp_path / "data", f"sqlite:///{tmp_path / 'data' / 'a.sqlite3'}", f"s3://{BUCKET}/{uuid7()}")
    records = Records(database, photo_store)
    key = opened(records)
    records.photograph(key, "floor", PHOTOGRAPH, name="a.jpg", actor="Ana")
    other = scenes.jpeg(scenes.floor(800, 600))
    monkeypatch.setattr(photos, "WAIT_SECONDS", 3)  # not before: on a busy machine the service itself may need as long
    s3.pause()
    try:
        gone = time.monotonic()
        with pytest.raises(OSError, match="did not answer"):
            records.photograph(key, "doors", other, name="b.jpg", actor="Ana")
        with pytest.raises(OSError, match="did not answer"):
            records.score_next(lambda data: scanner.scan(data)[0])
        with pytest.raises(OSError, match="did not answer"):
            verify(database, photo_store)
        assert opened(records)  # what needs no photograph goes on
        time.sleep(max(0.0, GONE_SECONDS - (time.monotonic() - gone)))
    finally:
        s3.resume()
    monkeypatch.undo()
    view = records.inspection(key)
    assert [(item.view.area, item.view.state) for item in view.photographs] == [("floor", "waiting")]
    records.photograph(key, "doors", other, name="b.jpg", actor="Ana")
    while records.score_next(lambda data: scanner.scan(data)[0]):
        pass
    assert [item.view.state for item in records.inspection(key).photographs] == ["scored", "scored"]
    assert verify(database, photo_store).problems == ()
    database.close()


def test_a_clock_set_back(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order of the log is the order of writing; ids stay unique; nothing asks the clock whether the log is whole."""
    key = opened(records)
    monkeypatch.setattr(events, "now", lambda: "2001-01-01T00:00:00.000Z")
    monkeypatch.setattr(ids, "time", SimpleNamespace(time_ns=lambda: 978_307_200_000_000_000))
    for number in range(20):
        records.answer(key, "floor", state="inspected", result="no_contamination", note=f"{number}", actor="Ana")
    records.photograph(key, "floor", PHOTOGRAPH, name="a.jpg", actor="Ana")
    earlier = opened(records)
    monkeypatch.undo()
    records.answer(key, "floor", state="inspected", result="no_contamination", note="last", actor="Ana")
    with records.database.reading() as session:
        log = session.exec(select(Event).order_by(Event.seq)).all()
    assert [event.seq for event in log] == list(range(24))
    assert len({event.id for event in log}) == 24
    assert {event.id[14] for event in log} == {"7"}
    assert log[1].at < log[0].at < log[-1].at
    assert records.inspection(key).answers["floor"].note == "last"
    assert earlier < key
    assert verify(records.database, records.photo_store).problems == ()


def test_half_a_photograph_is_named_and_mended_by_sending_it_again(records: Records) -> None:
    """As after a power cut on a disk that lied about what it had written."""
    key = opened(records)
    view = records.photograph(key, "floor", PHOTOGRAPH, name="a.jpg", actor="Ana")
    (file,) = (path for path in records.photo_store.folder.rglob("*") if path.is_file())  # type: ignore[attr-defined]
    os.truncate(file, len(PHOTOGRAPH) // 2)
    (problem,) = verify(records.database, records.photo_store).problems
    assert (problem.what, problem.where) == ("photograph", file.name)
    assert records.photograph(key, "floor", PHOTOGRAPH, name="a.jpg", actor="Ana") == view
    assert verify(records.database, records.photo_store).problems == ()


def test_two_processes_write_at_once_and_lose_nothing(records: Records, database_url: str, tmp_path: Path) -> None:
    """Each opens the store by itself, at the same moment as the other."""
    script = (
        "import sys; from pathlib import Path; from pestcheck.store import open_folder; from pestcheck.records import Records\n"
        "from pestcheck.ids import uuid7\n"
        "records = Records(*open_folder(Path(sys.argv[1]), sys.argv[2]))\n"
        "for _ in range(50): records.open(uuid7(), number='CSQU3054383', inspector='Ana')\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "data"), database_url]
    writers = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for writer in writers:
        _, says = writer.communicate(timeout=120)
        assert writer.returncode == 0, says
    assert len(records.inspections()) == 100
    result = verify(records.database, records.photo_store)
    assert (result.problems, result.events) == ((), 100)
