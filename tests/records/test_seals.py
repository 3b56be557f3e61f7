"""The seal register over all inspections, and View, Verify, Tug, Twist at one."""

from __future__ import annotations

from typing import Any

import pytest

from pestcheck.ids import uuid7
from pestcheck.records import Records, Refused
from pestcheck.store.verify import verify
from tests.records.conftest import ANA, closed, opened, photographed

GOOD = {"seal_class": "H", "type": "bolt", "maker": "Acme"}
ALL_YES = dict.fromkeys(("view", "verify", "tug", "twist"), ("yes", ""))


def test_a_seal_lives_from_issue_to_destruction_without_a_word(records: Records) -> None:
    key = opened(records)
    closed(records, key)  # it is sealed after loading
    assert records.seal("issued", "AB 1234", actor=ANA, happened_at="2026-11-01T08:00:00Z", **GOOD) == ()
    assert records.seal("affixed", "ab-1234", inspection_id=key, document_number="AB1234", actor=ANA, **GOOD) == ()
    assert records.seal("verified", "AB1234", inspection_id=key, actor=ANA) == ()
    assert records.seal("broken", "AB1234", inspection_id=key, reason="customs opened it", actor=ANA) == ()
    assert records.seal("destroyed", "AB1234", actor=ANA) == ()
    assert [line.act for line in records.seal_lines("AB-1234")] == ["issued", "affixed", "verified", "broken", "destroyed"]
    assert records.seal_problems() == ()
    assert [line.container for line in records.inspection(key).seals] == ["CSQU3054383"] * 3
    assert records.inspection(key).valid_signatures
    assert verify(records.database, records.photo_store).problems == ()


def test_the_same_seal_on_two_containers_and_one_never_issued_are_told(records: Records) -> None:
    one, other = opened(records), opened(records, number="MWCU6059784")
    never = records.seal("affixed", "Z9", inspection_id=one, actor=ANA, **GOOD)
    assert any("never issued" in line for line in never)
    twice = records.seal("affixed", "z-9", inspection_id=other, actor=ANA, **GOOD)
    assert any("two seals have one number" in line for line in twice)
    mismatch = records.seal("verified", "Z9", inspection_id=other, document_number="Z8", actor=ANA)
    assert any("documents give Z8" in line for line in mismatch)
    assert {problem.kind for problem in records.seal_problems()} == {"never_issued", "seen_twice", "document_mismatch"}


def test_a_seal_that_is_not_high_security_is_told(records: Records) -> None:
    records.seal("issued", "Q1", actor=ANA, **GOOD)
    assert any("not high security" in line for line in records.seal("affixed", "Q1", container="CSQU3054383", seal_class="S", actor=ANA))


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"act": "eaten"}, "act"),
        ({"number": " - "}, "Give the number"),
        ({"act": "broken"}, "who broke the seal"),
        ({"seal_class": "X"}, "class"),
        ({"type": "glue"}, "type of the seal"),
        ({"inspection_id": "nowhere"}, "no inspection"),
        ({"happened_at": "2026-11-24 08:00"}, "no time zone"),
    ],
)
def test_a_line_must_make_sense(records: Records, said: dict[str, Any], says: str) -> None:
    with pytest.raises(Refused, match=says):
        records.seal(**({"act": "issued", "number": "A1", "actor": ANA} | said))
    assert records.seal_lines() == []


def test_a_line_sent_twice_is_one_and_is_never_changed(records: Records) -> None:
    mine = uuid7()
    for _ in range(2):
        records.seal("issued", "A1", actor=ANA, line_id=mine, **GOOD)
    assert len(records.seal_lines()) == 1
    with pytest.raises(Refused, match="not changed: add another"):
        records.seal("issued", "A2", actor=ANA, line_id=mine, **GOOD)


def test_four_looks_at_a_seal(records: Records, scan: Any) -> None:
    key = opened(records)
    view = photographed(records, key, scan, area="doors")
    assert records.check_seal(key, ALL_YES, number="A1", document_number="a-1", view_id=view, actor=ANA) == ()
    said = records.check_seal(
        key, ALL_YES | {"twist": ("no", "turned"), "tug": ("not_possible", "ice")}, number="A1", document_number="A2", actor=ANA
    )
    assert [
        any(word in line for line in said) for word in ("Twist failed", "Tug was not possible (ice)", "A1 on the seal", "photograph")
    ] == [True] * 4
    first, second = records.inspection(key).seal_checks
    assert (first.problems, list(said)) == ([], second.problems)
    assert second.looks["twist"] == ["no", "turned"]


def test_all_four_looks_are_asked(records: Records, scan: Any) -> None:
    key = opened(records)
    with pytest.raises(Refused, match="Answer all four: view, verify, tug, twist"):
        records.check_seal(key, {"view": ("yes", "")}, actor=ANA)
    with pytest.raises(Refused, match="answer to 'tug'"):
        records.check_seal(key, ALL_YES | {"tug": ("maybe", "")}, actor=ANA)
    view = photographed(records, opened(records), scan)
    with pytest.raises(Refused, match="another inspection"):
        records.check_seal(key, ALL_YES, view_id=view, actor=ANA)


def test_a_check_after_the_close_is_new_and_changing_it_an_amendment(records: Records) -> None:
    key, mine = opened(records), uuid7()
    closed(records, key)
    records.check_seal(key, ALL_YES, number="A1", document_number="A1", actor=ANA, check_id=mine)
    changed = ALL_YES | {"tug": ("no", "")}
    with pytest.raises(Refused, match="give the reason"):
        records.check_seal(key, changed, number="A1", document_number="A1", actor=ANA, check_id=mine)
    records.check_seal(key, changed, number="A1", document_number="A1", actor=ANA, check_id=mine, amends="read again")
    (amendment,) = records.inspection(key).amendments
    assert amendment.before is not None
    assert amendment.before["looks"]["tug"] == ["yes", ""]
