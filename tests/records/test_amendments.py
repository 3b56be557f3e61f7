"""A closed inspection is amended with a reason, and what was there before stays readable."""

from __future__ import annotations

from typing import Any

import pytest

from pestcheck.records import Records, Refused
from pestcheck.store.verify import verify
from tests.records.conftest import ANA, CLEAN, closed, opened, photographed, suggested

WHY = "typed in the wrong line"


def test_every_change_after_the_close_needs_a_reason_and_is_kept_beside_the_old(records: Records, scan: Any) -> None:
    key = opened(records, template="container_7_point@1", stage="empty_at_origin")
    view = photographed(records, key, scan)
    first, *_ = suggested(records, key)
    records.decide(first.id, "confirmed", actor=ANA)
    action = records.treat(first.id, method="swept", done_by="Bo", actor=ANA)
    closed(records, key)
    changes = {
        "point_answered": lambda **why: records.answer(key, "doors", state="not_applicable", result=None, note="no", actor="Cleo", **why),
        "details_changed": lambda **why: records.set_details(key, site="Yard 9", actor="Cleo", **why),
        "finding_decided": lambda **why: records.decide(first.id, "corrected", label="bee", actor="Cleo", **why),
        "finding_missed": lambda **why: records.missed(view, "soil", actor="Cleo", **why),
        "finding_disposed": lambda **why: records.dispose(first.id, "reject", actor="Cleo", **why),
        "finding_treated": lambda **why: records.treat(first.id, method="washed", done_by="Bo", actor="Cleo", **why),
        "place_reinspected": lambda **why: records.reinspect(action, clean=True, actor="Cleo", **why),
        "photograph_added": lambda **why: records.photograph(key, "floor", CLEAN, name="b.jpg", actor="Cleo", **why),
        "wood_packaging_recorded": lambda **why: records.wood_packaging(key, "floor", mark="US-12345 HT", actor="Cleo", **why),
    }
    for change in changes.values():
        with pytest.raises(Refused, match="to amend it, give the reason"):
            change()
        with pytest.raises(Refused, match="to amend it, give the reason"):
            change(amends="  ")
    assert records.inspection(key).valid_signatures
    for change in changes.values():
        change(amends=WHY)
    after = records.inspection(key)
    assert [one.kind for one in after.amendments] == [*changes]
    assert {(one.reason, one.amended_by) for one in after.amendments} == {(WHY, "Cleo")}
    by_kind = {one.kind: one for one in after.amendments}
    assert by_kind["point_answered"].before is not None
    assert by_kind["point_answered"].before["state"] == "inspected"
    assert by_kind["finding_decided"].before is not None
    assert by_kind["finding_decided"].before["state"] == "confirmed"
    assert by_kind["finding_treated"].before is None
    assert after.answers["doors"].state == "not_applicable"
    assert after.valid_signatures == ()
    assert len(after.signatures) == 1
    assert verify(records.database, records.photo_store).problems == ()


def test_saying_again_what_stands_is_no_amendment(records: Records) -> None:
    key = opened(records)
    closed(records, key)
    records.answer(key, "floor", state="inspected", result="no_contamination", note="", actor=ANA)
    assert records.inspection(key).amendments == ()
