"""Certificates, and whether the inspector had one when the inspection was opened."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from pestcheck.ids import uuid7
from pestcheck.records import Records, Refused
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
