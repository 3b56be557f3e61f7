"""Where things were is kept beside the log: its texts have only a hash, so that they can be shown; what is there is still checked."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from pestcheck.records import Records
from pestcheck.store import backup, events, merkle, open_folder
from pestcheck.store.db import migrate
from pestcheck.store.replay import rebuild
from pestcheck.store.tables import Event
from pestcheck.store.verify import verify
from tests.export.packs import photograph
from tests.records.conftest import closed, opened
from tests.records.test_journeys import CSV, journey


@pytest.fixture
def placed(records: Records) -> Records:
    """A photograph with a place, one taken in an amendment, one without; a journey with GPS points."""
    key = opened(records)
    records.photograph(key, "floor", photograph(1), name="a.jpg", actor="Ana")
    records.photograph(key, "doors", photograph(2, gps=False), name="b.jpg", actor="Ana")
    while records.score_next(lambda _: (_ for _ in ()).throw(ValueError("no model here"))):
        pass
    closed(records, key)
    records.photograph(key, "doors", photograph(3), name="c.jpg", actor="Ana", amends="forgotten")
    records.import_times(journey(records), CSV, actor="Dispatch")
    return records


def parts(records: Records) -> list[tuple[int, str, str | None]]:
    with records.database.reading() as session:
        return list(session.exec(select(Event.seq, Event.body, Event.apart).order_by(Event.seq)))


def places(records: Records) -> list[float | None]:
    views = [records.inspection(row.id) for row, _ in records.inspections()]
    return sorted(item.photograph.latitude or 0 for view in views for item in view.photographs)


def test_texts_of_events_do_not_say_where(placed: Records) -> None:
    rows = parts(placed)
    assert not [body for _, body, _ in rows if "25.68" in body or "-100.3" in body]
    apart = [json.loads(text) for _, _, text in rows if text]
    assert len(apart) == 5  # three photographs with a camera, two of them with a place; two points
    assert len({one["random"] for one in apart}) == 5
    assert places(placed) == [0, pytest.approx(25.6866, abs=1e-4), pytest.approx(25.6866, abs=1e-4)]
    assert verify(placed.database, placed.photo_store).problems == ()


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE event SET apart = replace(apart, '25.', '26.') WHERE seq = {seq}", "kept apart was changed"),
        ("UPDATE event SET apart = NULL WHERE seq = {seq}", "kept apart is gone"),
        ("UPDATE event SET apart = '{{}}' WHERE seq = 0", "kept apart was changed"),
    ],
)
def test_what_is_kept_apart_is_checked(placed: Records, statement: str, says: str) -> None:
    seq = next(seq for seq, _, apart in parts(placed) if apart)
    with placed.database.engine.begin() as connection:
        assert connection.exec_driver_sql(statement.format(seq=seq)).rowcount == 1
    assert any(says in one.says for one in verify(placed.database, placed.photo_store).problems)


def test_a_backup_has_it(placed: Records, tmp_path: Path) -> None:
    backup.backup(placed.database, placed.photo_store, tmp_path / "b.zip")
    database, photo_store = open_folder(tmp_path / "new", f"sqlite:///{tmp_path / 'new' / 'a.sqlite3'}")
    assert backup.restore(backup.open_backup(tmp_path / "b.zip"), database, photo_store).problems == ()
    assert places(Records(database, photo_store)) == places(placed)
    assert parts(Records(database, photo_store)) == parts(placed)


def test_a_purge_erases_it(placed: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(events, "now", lambda: events.written(datetime.now(UTC) - timedelta(days=2500)))
        old = opened(placed)
        placed.photograph(old, "floor", photograph(9), name="a.jpg", actor="Ana")
        while placed.score_next(lambda _: (_ for _ in ()).throw(ValueError("no model here"))):
            pass
        closed(placed, old)
    opened(placed)
    before = sum(bool(apart) for _, _, apart in parts(placed))
    placed.purge(old, reason="over", actor="Cleo")
    assert sum(bool(apart) for _, _, apart in parts(placed)) == before - 1
    assert verify(placed.database, placed.photo_store).problems == ()


def test_an_upgrade_makes_the_tables_with_it(placed: Records) -> None:
    before = places(placed)
    with placed.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE photograph SET latitude = NULL")
    with placed.database.writing() as session:
        rebuild(session)
    assert places(placed) == before
    migrate(placed.database.engine)


def test_events_of_an_inspection_are_numbered(placed: Records) -> None:
    numbers: dict[str, list[int]] = {}
    for _, body, _ in parts(placed):
        told = json.loads(body)
        if told["inspection_id"]:
            numbers.setdefault(told["inspection_id"], []).append(told["number"])
    assert all(found == [*range(1, len(found) + 1)] for found in numbers.values())
    assert len(numbers) == 2


def test_a_gap_in_the_numbers_is_named(placed: Records) -> None:
    """A log that somebody made anew without an event, with a tree that fits."""
    with placed.database.writing() as session:
        rows = [row._asdict() for row in events.read(session)]
        session.execute(events.EVENT.delete())
        left, leaves = [row for row in rows if row["seq"] != 3], []
        for seq, row in enumerate(left):
            body = json.loads(row["body"]) | {"seq": seq}
            new = events.from_text(events.canonical(body), row["apart"])
            session.execute(events.EVENT.insert(), new)
            leaves.append(bytes.fromhex(new["leaf"]))
        events.set_head(session, len(leaves), merkle.frontier(leaves), new=False)
    assert any(
        "event 4 of inspection" in one.says and "was left out: this is 5" in one.says
        for one in verify(placed.database, placed.photo_store).problems
    )
