"""Questions of a point: a whole inspection with the template that asks them."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import select

from pestcheck.records import Records, Refused
from pestcheck.store.tables import Event
from pestcheck.store.verify import verify
from tests.pictures import scenes
from tests.records.conftest import ANA, opened, photographed, suggested


def ask(records: Records, key: str, area: str) -> None:
    """Answer all open questions of a point well, until none is left."""
    while True:
        view = records.inspection(key)
        given = view.checks.get(area, {})
        questions = [one for one in view.progress(area).open if one.id not in given]
        if not questions:
            return
        for one in questions:
            records.check(key, area, one.id, one.answers[0] if one.answers else "12" if one.answer == "number" else "as seen", actor=ANA)


def pictures(records: Records, key: str, area: str, scan: Any, count: int, seed: int) -> None:
    for k in range(count):
        photographed(records, key, scan, scenes.jpeg(scenes.wall(640 + 8 * seed, 480 + 8 * k)), area)


def test_a_whole_inspection_with_questions(records: Records, scan: Any) -> None:
    key = opened(records, template="container_7_point", stage="empty_at_origin", selection="routine")
    assert records.inspection(key).inspection.template_version == 2
    for seed, point in enumerate(records.inspection(key).template.points):
        ask(records, key, point.area)
        pictures(records, key, point.area, scan, sum(len(one.photographs) for one in point.checks), seed)
        records.answer(key, point.area, state="inspected", result="no_contamination", note="", actor=ANA)
    for finding in suggested(records, key):
        records.decide(finding.id, "rejected", actor=ANA)
    assert records.inspection(key).missing() == []
    records.close(key, actor=ANA)
    assert records.inspection(key).inspection.disposition == "accept"
    assert verify(records.database, records.photo_store).problems == ()


def test_a_no_opens_questions_and_must_fit_the_answer(records: Records) -> None:
    key = opened(records, template="container_7_point")
    before = {one.id for one in records.inspection(key).progress("floor").open}
    records.check(key, "floor", "clean", "no", actor=ANA)
    view = records.inspection(key)
    assert {one.id for one in view.progress("floor").open} > before
    assert view.progress("floor").contamination
    with pytest.raises(Refused, match="a question says that there is contamination"):
        records.answer(key, "floor", state="inspected", result="no_contamination", note="", actor=ANA)
    records.answer(key, "floor", state="inspected", result="contamination", note="", actor=ANA)
    assert any("no answer to" in line for line in records.inspection(key).missing())


@pytest.mark.parametrize(
    ("area", "question", "answer", "says"),
    [
        ("cellar", "clean", "yes", "no point 'cellar'"),
        ("floor", "colour", "yes", "no question 'colour'"),
        ("floor", "clean", "perhaps", "one of: yes, no"),
        ("front_wall", "depth", "long", "a number"),
        ("floor", "clean", "x" * 3000, "too long"),
    ],
)
def test_an_answer_must_answer_a_question_there_is(records: Records, area: str, question: str, answer: str, says: str) -> None:
    key = opened(records, template="container_7_point")
    with pytest.raises(Refused, match=says):
        records.check(key, area, question, answer, actor=ANA)
    assert records.inspection(key).checks == {}


def test_each_answer_is_kept_as_given_and_may_be_taken_back(records: Records) -> None:
    key = opened(records, template="container_7_point")
    for answer in ("no", "no", "yes", ""):
        records.check(key, "floor", "clean", answer, actor=ANA)
    (kept,) = records.inspection(key).checks["floor"].values()
    assert (kept.answer, kept.version) == ("", 3)
    with records.database.reading() as session:
        assert list(session.exec(select(Event.kind))).count("check_answered") == 3


def test_details_are_checked_and_read(records: Records) -> None:
    key = opened(
        records, stage="before_border", selection="random", carrier_scac="scnn", size_type="45r1", site=" Yard 3 ", shipment="BOL 77",
        procedure="AG-4 v2", device_time="2026-11-24T08:00:00-06:00", time_zone="America/Mexico_City",
    )  # fmt: skip
    row = records.inspection(key).inspection
    assert (row.stage, row.selection, row.carrier_scac, row.size_type, row.site) == ("before_border", "random", "SCNN", "45R1", "Yard 3")
    assert (row.device_time, row.time_zone) == ("2026-11-24T14:00:00.000Z", "America/Mexico_City")
    records.set_details(key, selection="targeted", site="", actor=ANA)
    after = records.inspection(key).inspection
    assert (after.selection, after.site, after.stage, after.version) == ("targeted", None, "before_border", 1)
    records.set_details(key, selection="targeted", actor=ANA)
    assert records.inspection(key).inspection.version == 1
    with pytest.raises(Refused, match="no detail 'id'"):
        records.set_details(key, id="other", actor=ANA)


def test_a_site_or_truck_needs_no_container_number(records: Records) -> None:
    key = opened(records, template="staging_area", number="Bay 4, north")
    row = records.inspection(key).inspection
    assert (row.container_number, row.number_problem) == ("Bay 4, north", None)


def test_a_supervisor_signs_only_where_one_supervises(records: Records) -> None:
    key = opened(records, supervisor="Cleo Diaz")
    for point in records.inspection(key).template.points:
        records.answer(key, point.area, state="inspected", result="no_contamination", note="", actor=ANA)
    with pytest.raises(Refused, match="Cleo Diaz supervises, but has not signed"):
        records.close(key, actor=ANA)
    records.sign(key, printed_name="Cleo Diaz", meaning="supervised", actor="Cleo Diaz")
    records.answer(key, "floor", state="inspected", result="no_contamination", note="looked again", actor=ANA)
    with pytest.raises(Refused, match="has not signed the record as it is now"):
        records.close(key, actor=ANA)
    records.sign(key, printed_name="Cleo Diaz", meaning="supervised", actor="Cleo Diaz")
    records.close(key, actor=ANA)
    view = records.inspection(key)
    assert len(view.signatures) == 3
    assert view.valid_signatures[-1].printed_name == ANA


def test_a_signature_has_a_name_and_a_meaning(records: Records) -> None:
    key = opened(records)
    for name, meaning, says in ((" ", "inspected", "Print the name"), ("Ana", "liked", "meaning of the signature")):
        with pytest.raises(Refused, match=says):
            records.sign(key, printed_name=name, meaning=meaning, actor=ANA)
