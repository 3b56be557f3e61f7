"""Opinions of trainers on record: appended, withdrawn, never overwritten; what counts now; who agrees with whom."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from pestcheck.ids import uuid7
from pestcheck.records import CONTAMINANTS, NotFound, Records, Refused, reviews
from pestcheck.records.reviews import Mark
from pestcheck.store import events
from pestcheck.store.backup import backup, open_backup, restore
from pestcheck.store.review_tables import Claim, Review, ReviewState
from pestcheck.store.tables import Event
from pestcheck.store.verify import verify
from tests.records.conftest import ANA, CLEAN, closed, opened, photographed, suggested

HERE = (10, 10, 200, 200)


@pytest.fixture
def view(records: Records, scan: Any) -> str:
    """A photograph on record with a suggestion."""
    return photographed(records, opened(records, site="Yard 1"), scan)


def hornet(records: Records, view: str, who: str, **more: Any) -> str:
    return records.review(view, "contamination", marks=[Mark(HERE, "hornet")], actor=who, **more)


def status(records: Records, view: str) -> str:
    """As derived from the opinions, and as kept for queries: they are one."""
    found = records.reviewed_photograph(view).current.status
    with records.database.reading() as session:
        kept = session.get(ReviewState, view)
    assert found == (kept.status if kept else "open")
    return found


def test_two_agree_or_it_goes_to_a_third(records: Records, view: str) -> None:
    assert status(records, view) == "open"
    hornet(records, view, "Teo")
    assert status(records, view) == "one_opinion"
    records.review(view, "no_contaminant", actor="Tim")
    assert status(records, view) == "disputed"
    hornet(records, view, "Tess")
    assert status(records, view) == "agreed"
    (item,) = records.reviewed()
    assert item.current.reviewers == ("Teo", "Tess")
    assert item.marks == (Mark(HERE, "hornet"),)
    assert verify(records.database, records.photo_store).problems == ()


def test_nothing_is_overwritten_and_taking_back_brings_the_former_again(records: Records, view: str) -> None:
    first = hornet(records, view, "Teo", comment="six legs, yellow face")
    second = records.review(view, "no_contaminant", actor="Teo")
    item = records.reviewed_photograph(view)
    assert (item.current.opinion.id, len(item.opinions)) == (second, 2)  # type: ignore[union-attr]
    for _ in range(2):
        records.withdraw_review(second, actor="Teo", reason="wrong picture")
    item = records.reviewed_photograph(view)
    assert item.current.opinion.id == first  # type: ignore[union-attr]
    assert [one.withdrawn_reason for one in item.opinions] == [None, "wrong picture"]
    records.withdraw_review(first, actor="Teo")
    assert status(records, view) == "open"
    with records.database.reading() as session:
        kinds = list(session.exec(select(Event.kind).where(Event.actor == "Teo").order_by(col(Event.seq))))
    assert kinds == ["photograph_reviewed"] * 2 + ["review_withdrawn"] * 2
    assert verify(records.database, records.photo_store).problems == ()


def test_the_same_again_changes_nothing(records: Records, view: str) -> None:
    mine = uuid7()
    for _ in range(2):
        assert hornet(records, view, "Teo", review_id=mine) == mine
    assert len(records.reviewed_photograph(view).opinions) == 1
    with pytest.raises(Refused, match="already there"):
        records.review(view, "no_contaminant", actor="Teo", review_id=mine)


def test_only_ones_own_is_taken_back(records: Records, view: str) -> None:
    key = hornet(records, view, "Teo")
    with pytest.raises(Refused, match="opinion of Teo"):
        records.withdraw_review(key, actor="Tim")
    with pytest.raises(Refused, match="Say why"):
        records.withdraw_review(key, actor="Ana", of_others=True)
    records.withdraw_review(key, actor="Ana", of_others=True, reason="Teo left, and had not been trained")
    assert status(records, view) == "open"
    with pytest.raises(NotFound):
        records.withdraw_review(uuid7(), actor="Teo")


def test_an_expert_settles_what_others_cannot(records: Records, view: str) -> None:
    with pytest.raises(Refused, match="No expert was asked"):
        hornet(records, view, "Eva", expert=True)
    records.review(view, "needs_expert", marks=[Mark(HERE, "unsure")], actor="Teo", comment="Which wasp?")
    assert status(records, view) == "expert_needed"
    assert list(records.reviewed()) == []
    hornet(records, view, "Eva", expert=True)
    assert status(records, view) == "agreed"
    records.review(view, "no_contaminant", actor="Tim")
    assert status(records, view) == "agreed"
    records.review(view, "no_contaminant", actor="Eva", expert=True)  # she looks again
    assert records.reviewed_photograph(view).current.reviewers == ("Tim", "Eva")


@pytest.mark.parametrize(
    ("outcome", "marks", "says"),
    [
        ("contamination", [], "Draw a box"),
        ("no_contaminant", [Mark(HERE, "ant")], "1 places marked"),
        ("clean", [], "Choose the outcome"),
        ("contamination", [Mark(HERE, "unicorn")], "'unicorn' is no label"),
        ("contamination", [Mark((10, 10, 10, 20), "ant")], "not inside"),
        ("contamination", [Mark((-1, 0, 10, 20), "ant")], "not inside"),
        ("contamination", [Mark((0, 0, 10, 99_999), "ant")], "not inside"),
        ("contamination", [Mark(HERE, "ant", "no such finding")], "no finding"),
        ("contamination", [Mark(HERE, "ant")] * (reviews.MOST_MARKS + 1), "the most is"),
    ],
)
def test_what_makes_no_sense_is_refused(records: Records, view: str, outcome: str, marks: list[Mark], says: str) -> None:
    with pytest.raises(Refused, match=says):
        records.review(view, outcome, marks=marks, actor="Teo")
    with pytest.raises(Refused, match="characters"):
        records.review(view, "unusable", actor="Teo", comment="\x00")
    with pytest.raises(NotFound):
        records.review(uuid7(), "unusable", actor="Teo")
    assert records.reviewed_photograph(view).opinions == ()


def test_the_record_shows_both_and_signatures_hold(records: Records, scan: Any) -> None:
    key = opened(records)
    view = photographed(records, key, scan)
    first = suggested(records, key)[0]
    records.decide(first.id, "confirmed", actor=ANA)
    closed(records, key)
    signed = records.inspection(key).valid_signatures
    assert len(signed) == 1
    assert first.box
    x0, y0, x1, y1 = first.box
    records.review(view, "contamination", marks=[Mark((x0, y0, x1, y1), "wasp", first.id)], actor="Teo")
    item = records.inspection(key).photographs[0]
    assert (item.findings[0].decided_label, item.trainer_says(item.findings[0])) == (first.label, "wasp")
    assert item.reviewed.status == "one_opinion"
    assert records.inspection(key).valid_signatures == signed
    assert records.inspection(key).amendments == ()


def test_a_label_that_no_model_has_any_more_stays_readable(records: Records, view: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hornet(records, view, "Teo")
    hornet(records, view, "Tim")
    with monkeypatch.context() as patch:
        patch.delitem(CONTAMINANTS, "hornet")
        with pytest.raises(Refused, match="no label"):
            hornet(records, view, "Tess")
        (item,) = records.reviewed()
        assert item.marks[0].label == "hornet"
        assert "hornet" in records.agreement().by_label
        assert verify(records.database, records.photo_store).problems == ()


def test_agreement(records: Records, scan: Callable[..., Any]) -> None:
    key = opened(records, site="Yard 1")
    one, other = photographed(records, key, scan), photographed(records, key, scan, CLEAN, "doors")
    hornet(records, one, "Teo")
    assert records.agreement().overall.value is None
    hornet(records, one, "Tim")
    records.review(other, "no_contaminant", actor="Teo")
    records.review(other, "no_contaminant", actor="Tim")
    found = records.agreement(site="Yard 1")
    assert (found.photographs, found.overall.value, found.overall.pairs) == (2, 1.0, 2)
    hornet(records, other, "Tess")
    found = records.agreement()
    assert found.overall.value is not None
    assert found.overall.value < 1
    assert found.by_label["hornet"].pairs == 4
    assert records.agreement(site="Yard 2").photographs == 0
    assert records.agreement(since="2999").photographs == 0


def test_people_see_reviews_of_their_sites_only(records: Records, view: str) -> None:
    key = hornet(records, view, "Teo")
    hornet(records, view, "Tim")
    elsewhere = records.within(frozenset({"Yard 2"}))
    for ask in (
        lambda: elsewhere.reviewed_photograph(view),
        lambda: hornet(elsewhere, view, "Tess"),
        lambda: elsewhere.withdraw_review(key, actor="Teo"),
    ):
        with pytest.raises(NotFound):
            ask()
    assert list(elsewhere.reviewed()) == []
    assert elsewhere.agreement().photographs == 0
    assert len(list(records.within(frozenset({"Yard 1"})).reviewed())) == 1


def test_a_purge_erases_reviews_with_their_inspection(records: Records, scan: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(events, "now", lambda: events.written(datetime.now(UTC) - timedelta(days=2500)))
        key = opened(records)
        view = photographed(records, key, scan)
        closed(records, key)
        hornet(records, view, "Teo", comment="a very large one")
        records.withdraw_review(hornet(records, view, "Tim"), actor="Tim", reason="not sure at all")
    opened(records)
    records.purge(key, reason="over", actor="Cleo")
    with records.database.reading() as session:
        assert [len(session.exec(select(table)).all()) for table in (Review, ReviewState, Claim)] == [0, 0, 0]
        bodies = "".join(session.exec(select(Event.body)))
    assert "very large" not in bodies
    assert "not sure at all" not in bodies
    assert verify(records.database, records.photo_store).problems == ()


def test_a_backup_has_the_reviews(records: Records, view: str, tmp_path: Any) -> None:
    from pestcheck.store import open_folder

    hornet(records, view, "Teo")
    records.withdraw_review(hornet(records, view, "Tim"), actor="Tim")
    backup(records.database, records.photo_store, tmp_path / "all.zip")
    database, photo_store = open_folder(tmp_path / "other", f"sqlite:///{tmp_path / 'other.sqlite3'}")
    restore(open_backup(tmp_path / "all.zip"), database, photo_store)
    item = Records(database, photo_store).reviewed_photograph(view)
    assert [(one.reviewer, one.withdrawn_by) for one in item.opinions] == [("Teo", None), ("Tim", "Tim")]
    assert verify(database, photo_store).problems == ()
    database.close()
