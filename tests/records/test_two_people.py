"""Two people at once on one inspection: no answer is lost, and who comes second is told."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from pestcheck.records import Conflict, Records
from tests.records.conftest import ANA, opened, photographed, suggested


def test_who_did_not_see_the_last_answer_is_told_and_nothing_is_overwritten(records: Records) -> None:
    key = opened(records)
    records.answer(key, "floor", state="inspected", result="contamination", note="seeds", actor=ANA, seen=0)
    with pytest.raises(Conflict, match=f"changed by {ANA} at 20.*after you looked"):
        records.answer(key, "floor", state="inspected", result="no_contamination", note="", actor="Bo", seen=0)
    kept = records.inspection(key).answers["floor"]
    assert (kept.note, kept.version) == ("seeds", 1)
    records.answer(key, "floor", state="inspected", result="no_contamination", note="", actor="Bo", seen=1)
    assert records.inspection(key).answers["floor"].answered_by == "Bo"


def test_the_same_answer_twice_is_no_conflict(records: Records) -> None:
    key = opened(records)
    for _ in range(2):
        records.answer(key, "floor", state="inspected", result="no_contamination", note="", actor=ANA, seen=0)
    assert records.inspection(key).answers["floor"].version == 1


def test_questions_decisions_and_details_likewise(records: Records, scan: Any) -> None:
    key = opened(records, template="container_7_point")
    photographed(records, key, scan)
    finding = suggested(records, key)[0]
    records.check(key, "floor", "clean", "no", actor=ANA, seen=0)
    records.decide(finding.id, "confirmed", actor=ANA, seen=0)
    records.set_details(key, site="Yard 1", actor=ANA, seen=0)
    for change in (
        lambda: records.check(key, "floor", "clean", "yes", actor="Bo", seen=0),
        lambda: records.decide(finding.id, "rejected", actor="Bo", seen=0),
        lambda: records.set_details(key, site="Yard 2", actor="Bo", seen=0),
    ):
        with pytest.raises(Conflict, match="after you looked"):
            change()
    records.check(key, "floor", "repairs", "yes", actor="Bo", seen=0)
    view = records.inspection(key)
    assert view.checks["floor"]["clean"].answer == "no"
    assert view.inspection.site == "Yard 1"
    assert suggested(records, key)[0].state == "confirmed"


def test_of_many_at_one_point_one_comes_first_and_all_others_are_told(records: Records) -> None:
    key = opened(records)
    told: list[str] = []
    start = threading.Barrier(8)

    def say(who: str) -> None:
        start.wait()
        try:
            records.answer(key, "floor", state="inspected", result="contamination", note=who, actor=who, seen=0)
        except Conflict:
            told.append(who)

    people = [threading.Thread(target=say, args=(f"person {k}",)) for k in range(8)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    kept = records.inspection(key).answers["floor"]
    assert len(told) == 7
    assert kept.note not in told
    assert kept.version == 1
