"""The life of a finding: what people say of it, what they do, and what becomes of it."""

from __future__ import annotations

from typing import Any

import pytest

from pestcheck.ids import uuid7
from pestcheck.inspection.guidance import Role
from pestcheck.records import Records, Refused
from pestcheck.store.verify import verify
from tests.records.conftest import ANA, CLEAN, HORNET, closed, opened, photographed, suggested


def confirmed(records: Records, scan: Any, **more: str) -> tuple[str, str]:
    """An inspection, and its one finding that a person confirmed."""
    key = opened(records, **more)
    photographed(records, key, scan)
    first, *others = suggested(records, key)
    records.decide(first.id, "confirmed", actor=ANA, condition="alive")
    for other in others:
        records.decide(other.id, "rejected", actor=ANA)
    return key, first.id


def test_what_a_person_says_stands_beside_what_the_model_said(records: Records, scan: Any) -> None:
    key = opened(records, stage="empty_at_origin")
    photographed(records, key, scan)
    model = suggested(records, key)[0]
    records.decide(
        model.id, "corrected", label="wasp", actor=ANA, condition="dead", life_stage="adult", count=3, extent="in one seam", note="dry"
    )
    after = suggested(records, key)[0]
    for name in ("label", "group", "probability", "candidates", "box", "reason"):
        assert getattr(after, name) == getattr(model, name)
    assert (after.state, after.decided_label, after.condition, after.life_stage, after.count) == ("corrected", "wasp", "dead", "adult", 3)
    assert (after.extent, after.note, after.decided_by) == ("in one seam", "dry", ANA)
    assert (after.severity, after.rules) == (1, "us@1")
    view = records.inspection(key).photographs[0].view
    assert view.model
    assert view.thresholds


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"condition": "sleepy"}, "alive, dead, unknown"),
        ({"life_stage": "teenager"}, "life stage"),
        ({"count": 0}, "count is 0"),
        ({"count": 10**7}, "count is"),
        ({"extent": "x" * 3000}, "too long"),
        ({"cargo": "maize"}, "Say why"),
    ],
)
def test_what_makes_no_sense_is_refused(records: Records, scan: Any, said: dict[str, Any], says: str) -> None:
    key = opened(records)
    photographed(records, key, scan)
    finding = suggested(records, key)[0]
    with pytest.raises(Refused, match=says):
        records.decide(finding.id, "confirmed", actor=ANA, **said)
    assert suggested(records, key)[0].state == "suggested"


def test_the_manifested_cargo_is_no_contamination(records: Records, scan: Any) -> None:
    key = opened(records, stage="empty_at_origin")
    photographed(records, key, scan)
    for finding in suggested(records, key):
        records.decide(finding.id, "corrected", label="seed", cargo="maize", cargo_reason="a load of maize", actor=ANA)
    view = records.inspection(key)
    assert (view.kept(), view.contaminated) == ([], False)
    first = suggested(records, key)[0]
    assert first.severity is None
    guidance = records.guidance(first.id)
    assert guidance is not None
    assert guidance.action == "record"
    records.answer(key, "floor", state="inspected", result="no_contamination", note="", actor=ANA)


def test_a_person_may_see_what_the_model_misses(records: Records, scan: Any) -> None:
    key = opened(records)
    view = photographed(records, key, scan, CLEAN)
    assert suggested(records, key) == []
    finding = records.missed(view, "lanternfly_egg_mass", box=(10, 20, 40, 60), actor=ANA, count=1, finding_id=(mine := uuid7()))
    assert finding == mine
    assert records.missed(view, "lanternfly_egg_mass", box=(10, 20, 40, 60), actor=ANA, count=1, finding_id=mine) == mine
    records.missed(view, "fungus_mould", actor=ANA)
    drawn, named = suggested(records, key)
    assert (drawn.state, drawn.label, drawn.decided_label, drawn.box, drawn.version) == (
        "missed",
        None,
        "lanternfly_egg_mass",
        [10, 20, 40, 60],
        1,
    )
    assert (named.decided_label, named.box, named.position) == ("fungus_mould", None, 1)
    assert drawn.severity == 3
    with pytest.raises(Refused, match="confirmed, but the answer"):
        records.answer(key, "floor", state="inspected", result="no_contamination", note="", actor=ANA)
    for one, label in ((drawn, "lanternfly_egg_mass"), (named, "fungus_mould")):
        records.missed(view, label, actor=ANA, finding_id=one.id, withdrawn=True)
    assert [one.state for one in suggested(records, key)] == ["rejected", "rejected"]
    assert records.inspections()[0][1] == 0


@pytest.mark.parametrize("box", [(0, 0, 801, 10), (5, 5, 5, 9), (-1, 0, 5, 5), (0, 0, 10, 601)])
def test_a_box_lies_inside_the_photograph(records: Records, scan: Any, box: tuple[int, int, int, int]) -> None:
    key = opened(records)
    view = photographed(records, key, scan, CLEAN)
    with pytest.raises(Refused, match="not inside the photograph of 800 by 600"):
        records.missed(view, "soil", box=box, actor=ANA)
    with pytest.raises(Refused, match="what it is"):
        records.missed(view, "dragon", actor=ANA)


def test_only_what_the_model_suggested_can_be_confirmed(records: Records, scan: Any) -> None:
    key = opened(records)
    view = photographed(records, key, scan)
    mine = records.missed(view, "soil", actor=ANA)
    with pytest.raises(Refused, match="did not suggest"):
        records.decide(mine, "confirmed", actor=ANA)
    with pytest.raises(Refused, match="already there"):
        records.missed(view, "soil", actor=ANA, finding_id=suggested(records, key)[0].id)


def test_guidance_depends_on_the_stage_and_waits_for_it(records: Records, scan: Any) -> None:
    key, finding = confirmed(records, scan)
    assert records.guidance(finding) is None
    records.set_details(key, stage="empty_at_origin", actor=ANA)
    here = records.guidance(finding)
    records.set_details(key, stage="arrived_in_us", actor=ANA)
    there = records.guidance(finding, contacts={Role.CBP_AGRICULTURE: "Port desk, +1 555 0100"})
    assert here is not None
    assert there is not None
    assert here.action != there.action
    assert any("555 0100" in line for line in there.lines())
    assert "confirm" in there.notice.lower()


def test_cleaning_is_proved_by_a_second_inspection(records: Records, scan: Any) -> None:
    key, finding = confirmed(records, scan)
    records.answer(key, "floor", state="inspected", result="contamination", note="", actor=ANA)
    records.dispose(finding, "clean_and_recheck", actor=ANA)
    assert records.inspection(key).least_disposition == "clean_and_recheck"
    action = records.treat(finding, method="washed", done_by="Bo", done_at="2026-11-24T09:00:00-06:00", actor=ANA, action_id=uuid7())
    assert records.treat(finding, method="washed", done_by="Bo", actor=ANA, action_id=action) == action
    after = records.photograph(key, "floor", CLEAN, name="after.jpg", actor=ANA, after=action)
    while records.score_next(scan):
        pass
    records.reinspect(action, clean=False, actor=ANA)
    assert records.inspection(key).least_disposition == "clean_and_recheck"
    second = records.treat(finding, method="vacuumed", done_by="Bo", actor=ANA)
    records.reinspect(second, clean=True, actor="Cleo")
    view = records.inspection(key)
    assert view.least_disposition == "accept"
    first = view.actions[finding][0]
    assert (first.method, first.clean, first.done_at) == ("washed", False, "2026-11-24T15:00:00.000Z")
    assert [item.view.id for item in view.after(action)] == [after]
    assert after not in [item.view.id for item in view.at("floor")]
    for point in view.template.points:
        if point.area != "floor":
            records.answer(key, point.area, state="inspected", result="no_contamination", note="", actor=ANA)
    records.close(key, actor=ANA, disposition="accept")
    assert verify(records.database, records.photo_store).problems == ()


def test_what_is_done_must_be_sayable(records: Records, scan: Any) -> None:
    key = opened(records)
    photographed(records, key, scan)
    finding = suggested(records, key)[0].id
    for call, says in (
        (lambda: records.treat(finding, method="washed", done_by="Bo", actor=ANA), "Confirm the finding first"),
        (lambda: records.treat(finding, method="prayed over", done_by="Bo", actor=ANA), "method"),
        (lambda: records.treat(finding, method="washed", done_by=" ", actor=ANA), "who did it"),
        (lambda: records.dispose(finding, "hold", actor=ANA), "Confirm the finding first"),
        (lambda: records.dispose(finding, "eat", actor=ANA), "disposition"),
        (lambda: records.reinspect("nothing", clean=True, actor=ANA), "no action"),
        (lambda: records.photograph(key, "floor", CLEAN, name="a", actor=ANA, after="x"), "no action"),
    ):
        with pytest.raises(Refused, match=says):
            call()


def test_an_after_photograph_is_of_the_place_that_was_cleaned(records: Records, scan: Any) -> None:
    key, finding = confirmed(records, scan)
    action = records.treat(finding, method="swept", done_by="Bo", actor=ANA)
    with pytest.raises(Refused, match="another point"):
        records.photograph(key, "doors", CLEAN, name="a", actor=ANA, after=action)
    with pytest.raises(Refused, match="another point"):
        records.photograph(opened(records), "floor", CLEAN, name="a", actor=ANA, after=action)


def test_the_conveyance_comes_off_no_more_lightly_than_its_findings(records: Records, scan: Any) -> None:
    key, finding = confirmed(records, scan)
    records.dispose(finding, "clean_and_recheck", actor=ANA)
    for point in records.inspection(key).template.points:
        result = "contamination" if point.area == "floor" else "no_contamination"
        records.answer(key, point.area, state="inspected", result=result, note="", actor=ANA)
    for said, milder in (("clean_and_recheck", "accept"), ("reject", "hold")):
        records.dispose(finding, said, actor=ANA)
        with pytest.raises(
            Refused,
            match=f"cannot be set to '{milder}' while a finding is at '{said.replace('_and_', ' and ').replace('recheck', 're-check')}'",
        ):
            records.close(key, actor=ANA, disposition=milder)
    records.close(key, actor=ANA, disposition="reject")


def test_who_was_told_is_kept_also_after_the_close(records: Records, scan: Any) -> None:
    key, finding = confirmed(records, scan)
    closed(records, key)
    told = records.notify(key, who="Port desk", channel="telephone", reference="44", finding_id=finding, actor=ANA, notification_id=uuid7())
    assert (
        records.notify(key, who="Port desk", channel="telephone", reference="44", finding_id=finding, actor=ANA, notification_id=told)
        == told
    )
    (line,) = records.inspection(key).notifications
    assert (line.who, line.channel, line.reference, line.finding_id) == ("Port desk", "telephone", "44", finding)
    assert records.inspection(key).valid_signatures
    for call, says in (
        (lambda: records.notify(key, who="", channel="telephone", actor=ANA), "who was told"),
        (lambda: records.notify(key, who="Bo", channel="smoke", actor=ANA), "channel"),
        (lambda: records.notify(opened(records), who="Bo", channel="email", finding_id=finding, actor=ANA), "another inspection"),
        (lambda: records.notify(key, who="Else", channel="telephone", actor=ANA, notification_id=told), "already there"),
    ):
        with pytest.raises(Refused, match=says):
            call()


def test_the_same_photograph_before_and_after_is_one(records: Records, scan: Any) -> None:
    key, finding = confirmed(records, scan)
    action = records.treat(finding, method="swept", done_by="Bo", actor=ANA)
    before = records.inspection(key).photographs[0].view.id
    assert records.photograph(key, "floor", HORNET, name="again.jpg", actor=ANA, after=action) == before


def test_a_decision_taken_back_leaves_the_suggestion_as_it_was(records: Records, scan: Any) -> None:
    key, finding = confirmed(records, scan)
    records.decide(finding, "suggested", actor=ANA)
    after = next(one for one in suggested(records, key) if one.id == finding)
    assert (after.state, after.decided_label, after.condition, after.severity) == ("suggested", None, None, None)
    assert any("1 finding to decide" in line for line in records.inspection(key).missing())
    assert verify(records.database, records.photo_store).problems == ()
