"""The queue on record: its order follows what happens; two trainers are not given the same; blind is blind."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlmodel import col, select

from pestcheck import priority
from pestcheck.ids import uuid7
from pestcheck.records import Conflict, NotFound, Records, Refused, queue
from pestcheck.records.queue import Choice, cursor
from pestcheck.records.reviews import Mark
from pestcheck.store import events
from pestcheck.store.review_tables import Claim, Queued, QueueHead
from pestcheck.store.tables import View
from pestcheck.store.verify import verify
from pestcheck.vision.scan import Report
from tests.pictures import scenes
from tests.records.conftest import ANA, CLEAN, opened, photographed, suggested


def clean(seed: int) -> bytes:
    return scenes.jpeg(scenes.wall(400, 300, seed=seed))


@pytest.fixture
def quiet(scan: Any) -> Any:
    """A model that finds nothing, without looking: the order does not depend on the pictures."""
    nothing = scan(CLEAN)

    def look(_: bytes) -> Report:
        return nothing  # type: ignore[no-any-return]

    return look


def several(records: Records, quiet: Any, number: int = 6, site: str = "Yard 1") -> list[str]:
    """Photographs of one inspection on which nothing was found."""
    key = opened(records, site=site)
    views = [records.photograph(key, "floor", clean(seed), name="a.jpg", actor=ANA) for seed in range(number)]
    while records.score_next(quiet):
        pass
    return views


def order(records: Records, who: str = "Teo", **choice: Any) -> list[str]:
    return [row.view_id for row, _ in records.queue(who, Choice(**choice))]


def row_of(records: Records, view: str) -> Queued:
    records.refresh_queue()
    with records.database.reading() as session:
        row = session.get(Queued, view)
    assert row is not None
    return row


def test_what_happens_moves_a_photograph_up(records: Records, scan: Any, quiet: Any) -> None:
    views = several(records, quiet)
    assert sorted(order(records)) == sorted(views)
    records.missed(views[3], "soil", actor=ANA)
    assert order(records)[0] == views[3]
    assert "missed" in row_of(records, views[3]).reasons
    key = opened(records, site="Yard 2")
    found = photographed(records, key, scan)
    before = row_of(records, found).priority
    first = suggested(records, key)[0]
    records.decide(first.id, "rejected", actor=ANA)
    assert row_of(records, found).priority >= before + 4000
    assert {*order(records)[:2]} == {found, views[3]}
    assert order(records, site="Yard 1")[0] == views[3]
    assert order(records, label=first.label) == [found]
    assert order(records, label="soil") == [views[3]]
    assert order(records, model="none@1") == order(records, inspector="Bo") == order(records, until="2020-01-01") == []
    assert len(order(records, since="2020-01-01", inspector=ANA)) == 7
    with pytest.raises(Refused, match="no time"):
        order(records, since="yesterday")
    records.set_details(key, site="Yard 3", actor=ANA)
    assert order(records, site="Yard 3") == [found]


def test_what_one_has_said_is_no_more_to_do_for_them(records: Records, quiet: Any) -> None:
    first, second, *_ = several(records, quiet, 3)
    records.review(first, "unusable", actor="Teo")
    assert first not in order(records)
    assert order(records, "Tim")[0] == first
    assert "second" in row_of(records, first).reasons
    records.review(first, "no_contaminant", actor="Tim")
    assert order(records, "Tess")[0] == first
    assert row_of(records, first).reasons[0] == "disputed"
    mine = records.review(first, "unusable", actor="Tess")
    assert first not in order(records, "Bo")
    assert order(records, "Bo", statuses=("agreed",)) == [first]
    records.withdraw_review(mine, actor="Tess")
    assert order(records, "Tess")[0] == first
    records.review(second, "needs_expert", actor="Teo")
    assert second not in order(records, "Tim")
    assert order(records, "Tim", statuses=("expert_needed",)) == [second]
    assert order(records, "Teo", statuses=("expert_needed",)) == [second]
    assert records.queue_choices().statuses["expert_needed"] == 1


def test_pages_follow_each_other(records: Records, quiet: Any) -> None:
    several(records, quiet, 7)
    seen: list[str] = []
    after = ""
    while rows := records.queue("Teo", limit=3, after=after):
        seen += [row.view_id for row, _ in rows]
        after = cursor(rows[-1][0])
    assert seen == order(records)
    assert len(set(seen)) == 7
    for wrong in ("x", "-1.x", "1e9.x", "9" * 30 + ".x"):
        with pytest.raises(Refused, match="no place"):
            records.queue("Teo", after=wrong)


def test_two_trainers_are_not_given_the_same(records: Records, quiet: Any) -> None:
    views = several(records, quiet, 6)
    teo = [one.item.view.id for one in records.take("Teo", limit=3)]
    tim = [one.item.view.id for one in records.take("Tim", limit=5)]
    assert len(teo) == len(tim) == 3
    assert sorted(teo + tim) == sorted(views)
    assert [one.item.view.id for one in records.take("Teo", limit=3)] == teo
    assert records.take("Tess", limit=3) == []
    assert {who for _, who in records.queue("Tess")} == {"Teo", "Tim"}
    with pytest.raises(Conflict, match="Teo is looking at this photograph") as told:
        records.claim(teo[0], "Tim")
    assert told.value.by == "Teo"
    records.review(teo[0], "no_contaminant", actor="Tim")  # he had it on his page: nothing is lost
    records.review(teo[0], "no_contaminant", actor="Teo")
    assert records.reviewed_photograph(teo[0]).current.status == "agreed"
    records.release("Teo")
    assert {one.item.view.id for one in records.take("Tess", limit=6)} == {*teo[1:]}
    assert records.claim(tim[0], "Tim").blind is False


def test_a_lease_ends(records: Records, quiet: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    views = several(records, quiet, 2)
    with monkeypatch.context() as patch:
        patch.setattr(queue, "LEASE", -queue.LEASE)
        records.take("Teo", limit=2)
    assert {one.item.view.id for one in records.take("Tim", limit=2)} == {*views}


def test_many_at_once_get_each_their_own(records: Records, quiet: Any) -> None:
    several(records, quiet, 12)
    got: dict[str, list[str]] = {}
    names = [f"T{number}" for number in range(6)]

    def take(who: str) -> None:
        got[who] = [one.item.view.id for one in records.take(who, limit=2)]

    threads = [threading.Thread(target=take, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == names
    assert len({view for views in got.values() for view in views}) == 12


def test_blind_is_only_what_one_was_never_shown(records: Records, quiet: Any) -> None:
    views = several(records, quiet, 3)
    shown = records.take("Teo", limit=1)[0].item.view.id
    blind = records.take("Teo", limit=3, blind=True)
    assert shown not in {one.item.view.id for one in blind}
    assert len(blind) == 2
    records.review(blind[0].item.view.id, "no_contaminant", actor="Teo")
    assert records.claim(blind[1].item.view.id, "Teo").blind is False  # looks at what the model says
    records.review(blind[1].item.view.id, "no_contaminant", actor="Teo")
    records.review(shown, "no_contaminant", actor="Teo")
    records.review(views[0], "no_contaminant", actor="Tim")  # from nowhere
    said = {(one.reviewer, one.view_id): one.blind for view in views for one in records.reviewed_photograph(view).opinions}
    assert [key for key, value in said.items() if value] == [("Teo", blind[0].item.view.id)]
    for choice in (Choice(label="ant"), Choice(inspector=ANA), Choice(model="pest@1")):
        with pytest.raises(Refused, match="site and date only"):
            records.take("Teo", choice, blind=True)


def test_skipped_ones_come_no_more_and_are_free_for_others(records: Records, quiet: Any) -> None:
    several(records, quiet, 3)
    first = records.take("Teo", limit=1)[0].item.view.id
    assert records.take("Teo", limit=1, without=[first])[0].item.view.id != first
    assert records.claim(first, "Tim").item.view.id == first


def test_people_are_given_photographs_of_their_sites_only(records: Records, quiet: Any) -> None:
    here, there = several(records, quiet, 2, "Yard 1"), several(records, quiet, 2, "Yard 2")
    mine = records.within(frozenset({"Yard 1"}))
    assert sorted(order(mine)) == sorted(here)
    assert {one.item.view.id for one in mine.take("Teo", limit=5)} == {*here}
    assert mine.queue_choices().sites == ["Yard 1"]
    assert mine.queue_choices().statuses["open"] == 2
    with pytest.raises(NotFound):
        mine.claim(there[0], "Teo")
    assert mine.take("Teo", Choice(site="Yard 2")) == []


def test_what_the_model_has_not_seen_yet_waits(records: Records, quiet: Any) -> None:
    key = opened(records)
    view = records.photograph(key, "floor", clean(1), name="a.jpg", actor=ANA)
    assert order(records) == []
    with pytest.raises(Refused, match="not looked"):
        records.claim(view, "Teo")
    with pytest.raises(NotFound):
        records.claim(uuid7(), "Teo")
    records.score_next(quiet)
    assert order(records) == [view]


def test_facts_change_what_is_rare_and_new(records: Records, quiet: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(priority, "RARE", 1)
    monkeypatch.setattr(priority, "NEW_SITE", 1)
    first, second = several(records, quiet, 2)
    for view in (first, second):
        records.missed(view, "soil", actor=ANA)
    assert {"rare", "new_site"} <= {*row_of(records, second).reasons}
    records.review(first, "contamination", marks=[Mark((1, 1, 50, 50), "soil")], actor="Teo")
    with records.database.writing() as session:
        head = session.get(QueueHead, 1)
        assert head
        head.facts_at = "2020"
    assert records.refresh_queue(facts=True) is False
    assert not {"rare", "new_site"} & {*row_of(records, second).reasons}


def test_the_order_is_made_anew_in_pieces_and_after_an_upgrade(records: Records, quiet: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    views = several(records, quiet, 5)
    assert records.refresh_queue(most=2)
    assert records.refresh_queue(most=2)
    while records.refresh_queue(most=2):
        pass
    with records.database.reading() as session:
        assert session.exec(select(Queued).where(col(Queued.stale))).first() is None
        before = {row.view_id: row.priority for row in session.exec(select(Queued))}
    assert set(before) == {*views}
    assert records.refresh_queue() is False
    monkeypatch.setattr(priority, "VERSION", priority.VERSION + 1)
    monkeypatch.setitem(priority.PARTS, "new_site", priority.Part(9, "new site"))
    assert records.refresh_queue() is False
    assert row_of(records, views[0]).priority == before[views[0]] + 8000
    assert verify(records.database, records.photo_store).problems == ()


def test_a_purged_photograph_leaves_the_queue(records: Records, quiet: Any) -> None:
    views = several(records, quiet, 2)
    records.take("Teo", limit=1)
    with records.database.reading() as session:
        inspection = session.get(View, views[0]).inspection_id  # type: ignore[union-attr]
    payload: dict[str, Any] = {
        "inspection_id": inspection,
        "events": [],
        "photographs": [],
        "reason": "x",
        "purged_by": "x",
        "purged_at": events.now(),
    }
    with records.database.writing() as session:
        events.append(session, "inspection_purged", payload, "x")
    assert order(records) == []
    with records.database.reading() as session:
        assert session.exec(select(Claim)).all() == []
