"""How long records stay, and that the log survives what is erased."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from pestcheck.records import NotFound, Records, Refused, retention
from pestcheck.store import events
from pestcheck.store.tables import Event, Photograph
from pestcheck.store.verify import verify
from tests.records.conftest import ANA, CLEAN, HORNET, closed, opened, photographed, suggested


@contextmanager
def years_ago(monkeypatch: pytest.MonkeyPatch, years: float) -> Iterator[None]:
    """The server's clock, set back."""
    with monkeypatch.context() as patch:
        patch.setattr(events, "now", lambda: events.written(datetime.now(UTC) - timedelta(days=365.25 * years)))
        yield


def old(records: Records, scan: Any, monkeypatch: pytest.MonkeyPatch, years: float = 6) -> str:
    """A closed inspection of so long ago with two photographs, one of which another inspection has, too."""
    with years_ago(monkeypatch, years):
        key = opened(records)
        photographed(records, key, scan)
        photographed(records, key, scan, CLEAN, "doors")
        first = suggested(records, key)[0]
        records.decide(first.id, "confirmed", actor=ANA)
        action = records.treat(first.id, method="swept", done_by="Bo", actor=ANA)
        records.reinspect(action, clean=True, actor=ANA)
        records.notify(key, who="Dispatch", channel="email", finding_id=first.id, actor=ANA)
        records.seal("affixed", "A1", inspection_id=key, actor=ANA)
        closed(records, key)
        records.answer(key, "doors", state="not_applicable", result=None, note="open top", actor=ANA, amends="typed wrongly")
    return key


def test_a_purge_erases_the_record_and_the_log_still_verifies(records: Records, scan: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    key = old(records, scan, monkeypatch)
    young = opened(records)
    photographed(records, young, scan, CLEAN, "doors")
    assert [one.id for one in records.due()] == [key]
    before = verify(records.database, records.photo_store)
    records.purge(key, reason="retention is over", actor="Cleo")
    records.purge(key, reason="retention is over", actor="Cleo")
    with pytest.raises(NotFound):
        records.inspection(key)
    assert records.due() == []
    after = verify(records.database, records.photo_store)
    assert after.problems == ()
    assert after.events == before.events + 1
    with records.database.reading() as session:
        bodies = "".join(session.exec(select(Event.body)))
        kept = list(session.exec(select(Photograph.sha256)))
    assert "Dispatch" not in bodies
    assert "open top" not in bodies
    assert "retention is over" in bodies
    assert len(kept) == 1
    stored = [path.read_bytes() for path in records.photo_store.folder.rglob("*") if path.is_file()]
    assert stored == [CLEAN]
    assert HORNET not in stored
    assert records.inspection(young).photographs[0].photograph.sha256 == kept[0]


def test_what_is_young_open_or_on_hold_stays(records: Records, scan: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with years_ago(monkeypatch, 7):
        still_open, held = opened(records), opened(records)
        closed(records, held)
    with years_ago(monkeypatch, 4):
        young = opened(records)
        closed(records, young)
    opened(records)
    records.hold(held, reason="claim 12", actor="Cleo")
    assert records.due() == []
    for key in (still_open, held, young):
        with pytest.raises(Refused, match="open, on hold, or not old enough"):
            records.purge(key, reason="space", actor="Cleo")
    assert [one.id for one in records.due(years=3)] == [young]
    records.hold(held, reason="", actor="Cleo")
    assert [one.id for one in records.due()] == [held]
    with pytest.raises(Refused, match="Say why"):
        records.purge(held, reason=" ", actor="Cleo")
    with pytest.raises(NotFound):
        records.purge("nothing", reason="space", actor="Cleo")
    with pytest.raises(NotFound):
        records.hold("nothing", reason="x", actor="Cleo")


@pytest.mark.parametrize("years", [0.99, 0, -1, float("nan")])
def test_nothing_is_kept_for_less_than_a_year(records: Records, years: float) -> None:
    with pytest.raises(Refused, match="at least 1 year"):
        records.due(years)


def test_a_clock_far_ahead_erases_nothing(records: Records, scan: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with years_ago(monkeypatch, 6):
        closed(records, opened(records))
    with pytest.raises(Refused, match="until the clock is right"):
        records.due()


def test_an_erased_text_that_no_purge_names_is_found(records: Records, scan: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    key = old(records, scan, monkeypatch)
    opened(records)
    records.purge(key, reason="over", actor="Cleo")
    with records.database.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE event SET body = '' WHERE seq = (SELECT max(seq) FROM event WHERE body <> '' AND kind = 'inspection_opened')"
        )
    assert any("no purge says so" in problem.says for problem in verify(records.database, records.photo_store).problems)


def test_our_default_is_five_years() -> None:
    assert (retention.DEFAULT_YEARS, retention.LEAST_YEARS) == (5, 1)
