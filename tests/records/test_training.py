"""Certificates, and whether the inspector had one when the inspection was opened."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from pestcheck.accounts import Accounts
from pestcheck.ids import uuid7
from pestcheck.records import Records, Refused
from pestcheck.records.training import standing
from pestcheck.store.verify import verify
from tests.records.conftest import ANA, opened

TODAY = datetime.now(UTC).date()


def days(n: int) -> str:
    return (TODAY + timedelta(days=n)).isoformat()


def trained(records: Records) -> bool | None:
    return records.inspection(opened(records)).inspection.trained


def test_training_is_on_record_as_it_was_when_the_inspection_was_opened(records: Records) -> None:
    first = opened(records)
    records.certify("Bo", "inspection", given_on=days(-400), expires_on=days(300), actor="Cleo")
    assert trained(records) is False
    records.certify(ANA, "pest_prevention", given_on=days(-10), expires_on=days(10), actor="Cleo")
    records.certify(ANA, "inspection", given_on=days(-400), expires_on=days(-1), actor="Cleo")
    records.certify(ANA, "inspection", given_on=days(2), expires_on=days(20), actor="Cleo")
    assert trained(records) is False
    valid = records.certify(" ana  PÉREZ ", "inspection", given_on=days(-1), expires_on=days(1), actor="Cleo")
    second = opened(records)
    assert records.inspection(second).inspection.trained is True
    records.withdraw_certificate(valid, reason="wrong person", actor="Cleo")
    assert trained(records) is False
    assert records.inspection(second).inspection.trained is True
    assert records.inspection(first).inspection.trained is None
    assert [one.withdrawn_reason for one in records.certificates(ANA) if one.id == valid] == ["wrong person"]
    assert len(records.certificates()) == 5


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"person": ""}, "who was trained"),
        ({"topic": "juggling"}, "topic"),
        ({"given_on": "24/11/2026"}, "is no date"),
        ({"expires_on": "2025-01-01"}, "before it is given"),
    ],
)
def test_a_certificate_must_make_sense(records: Records, said: dict[str, str], says: str) -> None:
    asked = {"person": ANA, "topic": "inspection", "given_on": "2026-01-01", "expires_on": "2027-01-01"} | said
    with pytest.raises(Refused, match=says):
        records.certify(asked.pop("person"), asked.pop("topic"), actor="Cleo", **asked)


def test_a_certificate_is_withdrawn_and_not_changed(records: Records) -> None:
    mine = uuid7()
    for _ in range(2):
        records.certify(ANA, "inspection", given_on="2026-01-01", expires_on="2027-01-01", actor="Cleo", certificate_id=mine)
    assert len(records.certificates()) == 1
    with pytest.raises(Refused, match="withdraw it"):
        records.certify(ANA, "inspection", given_on="2026-01-01", expires_on="2028-01-01", actor="Cleo", certificate_id=mine)
    with pytest.raises(Refused, match="Say why"):
        records.withdraw_certificate(mine, reason="", actor="Cleo")
    assert date.fromisoformat(records.certificates()[0].expires_on).year == 2027


def course(records: Records, **more: object) -> str:
    asked = {
        "title": "Pests at the yard", "held_on": days(-3), "expires_on": days(200), "given_by": "Cleo", "topics": ["inspection", "pest_prevention"],
        "attendees": ["Bo", ANA, "  bo ", ""], "actor": "Cleo", "reference": "room 2",
    }  # fmt: skip
    return records.hold_course(**(asked | more))  # type: ignore[arg-type]


def test_a_course_gives_everybody_who_was_there_a_certificate_in_each_topic(records: Records) -> None:
    key = course(records, course_id=(mine := uuid7()))
    assert key == course(records, course_id=mine)
    (held,) = records.courses()
    assert held.attendees == ["Bo", ANA]
    given = records.certificates()
    assert {one.id for one in given} == {*held.certificates}
    assert {(one.person, one.topic, one.reference) for one in given} == {
        (person, topic, "Pests at the yard: room 2") for person in ("Bo", ANA) for topic in ("inspection", "pest_prevention")
    }
    assert trained(records) is True
    with pytest.raises(Refused, match="withdraw its certificates"):
        course(records, course_id=mine, title="Other")
    assert verify(records.database, records.photo_store).problems == ()


NO_COURSES: list[tuple[dict[str, Any], str]] = [
    ({"title": ""}, "what the training was"),
    ({"attendees": [" "]}, "who took part"),
    ({"topics": []}, "topic"),
    ({"topics": ["x"]}, "topic"),
    ({"held_on": days(9)}, "still to come"),
    ({"held_on": "x"}, "no date"),
    ({"expires_on": days(-9)}, "before it is given"),
    ({"given_by": ""}, "who gave"),
    ({"attendees": [f"P{n}" for n in range(201)]}, "too many"),
]


def test_a_course_must_make_sense(records: Records) -> None:
    for said, says in NO_COURSES:
        with pytest.raises(Refused, match=says):
            course(records, **said)
    assert records.courses() == []
    assert records.certificates() == []


def test_the_roster_has_everybody_who_inspects_and_how_they_stand(records: Records) -> None:
    accounts = Accounts(records.database)
    accounts.open("Root", "admin", actor="Root")
    for name, role, sites in (
        ("Bo", "inspector", ["Yard 1"]),
        ("Cleo", "trainer", None),
        ("Dora", "inspector", ["Yard 2"]),
        ("Gone", "inspector", None),
    ):
        key = accounts.open(name, role, sites=sites, actor="Root")
        if name == "Gone":
            accounts.change(key, disabled=True, actor="Root")
    opened(records, site="Yard 1")  # by Ana, who has no account
    records.certify("Bo", "inspection", given_on=days(-100), expires_on=days(10), actor="Cleo")
    records.certify("Bo", "inspection", given_on=days(-300), expires_on=days(-10), actor="Cleo")
    records.certify("Dora", "inspection", given_on=days(-300), expires_on=days(-1), actor="Cleo")
    records.certify("Gone", "inspection", given_on=days(-300), expires_on=days(300), actor="Cleo")
    records.certify("Old Hand", "pest_prevention", given_on=days(-30), expires_on=days(300), actor="Cleo")
    wrong = records.certify(ANA, "inspection", given_on=days(-30), expires_on=days(300), actor="Cleo")
    records.withdraw_certificate(wrong, reason="not her", actor="Cleo")
    lines = {one.person: (one.topics["inspection"].state, one.topics["pest_prevention"].state) for one in records.roster()}
    assert lines == {
        ANA: ("missing", "missing"), "Bo": ("soon", "missing"), "Dora": ("expired", "missing"), "Gone": ("valid", "missing"), "Old Hand": ("missing", "valid"),
        "Root": ("missing", "missing"),
    }  # fmt: skip
    assert next(one for one in records.roster() if one.person == "Bo").topics["inspection"].days == 10
    assert [one.person for one in records.within(frozenset({"Yard 1"})).roster()] == [ANA, "Bo", "Gone", "Root"]
    assert [one.person for one in records.within(frozenset({"Yard 2"})).roster()] == ["Dora", "Gone", "Root"]


def test_how_one_stands_to_the_day(records: Records) -> None:
    assert records.stands(ANA).state == "missing"
    records.certify(ANA, "inspection", given_on=days(-100), expires_on=days(100), actor="Cleo")
    records.certify(ANA, "inspection", given_on=days(101), expires_on=days(400), actor="Cleo")  # has not begun
    for left, state in ((-1, "expired"), (0, "soon"), (30, "soon"), (31, "valid")):
        at = (
            records.stands(ANA, TODAY + timedelta(days=100 - left))
            if left >= 0
            else standing(records.certificates(ANA)[1:], "inspection", TODAY + timedelta(days=101))
        )
        assert (at.state, at.days) == (state, left)
