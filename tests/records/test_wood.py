"""Wood packaging on record: a good mark clears nothing."""

from __future__ import annotations

from typing import Any

import pytest

from pestcheck.ids import uuid7
from pestcheck.records import Records, Refused
from tests.records.conftest import ANA, opened


def wood(records: Records, **more: Any) -> Any:
    key = opened(records, template="wood_packaging", number="Pallets of shipment 77")
    area = records.inspection(key).template.points[0].area
    records.wood_packaging(key, area, actor=ANA, **more)
    return records.inspection(key).wood[0]


def test_a_mark_is_read_into_its_parts(records: Records) -> None:
    row = wood(records, mark="US-12345 HT", pieces=3, seen={"symbol": True, "border": True, "legible": True})
    assert (row.country, row.producer, row.treatment, row.pieces, row.mark_needed) == ("US", "12345", "HT", 3, True)
    assert any("look for holes" in line for line in row.warnings)
    assert row.seen == {"symbol": True, "border": True, "legible": True}


def test_a_good_mark_does_not_hide_holes_or_bark(records: Records) -> None:
    row = wood(records, mark="US-12345 HT", holes=True, bark_width_cm=5, bark_area_cm2=80)
    assert row.warnings[0].startswith("holes or frass")
    assert row.bark == "over_tolerance"


def test_a_missing_mark_is_a_fault_only_where_one_is_needed(records: Records) -> None:
    assert any("no mark" in line for line in wood(records, mark="").warnings)
    plywood = wood(records, mark="", wood="processed", condition=True)
    assert plywood.mark_needed is False
    assert not any("no mark: where" in line for line in plywood.warnings)


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"kind": "boat"}, "kind"),
        ({"wood": "stone"}, "wood"),
        ({"pieces": 0}, "0 pieces"),
        ({"bark_width_cm": -1}, "Width of the bark"),
        ({"thickness_mm": float("nan")}, "[Tt]hickness"),
        ({"seen": {"smell": True}}, "nobody asks smell"),
    ],
)
def test_what_makes_no_sense_is_refused(records: Records, said: dict[str, Any], says: str) -> None:
    with pytest.raises(Refused, match=says):
        wood(records, **said)


def test_a_record_is_corrected_under_its_id(records: Records) -> None:
    key, mine = opened(records, template="wood_packaging", number="Load 1"), uuid7()
    area = records.inspection(key).template.points[0].area
    for mark in ("US-1 HT", "US-12 HT", "US-12 HT"):
        assert records.wood_packaging(key, area, mark=mark, actor=ANA, wood_id=mine) == mine
    assert [row.producer for row in records.inspection(key).wood] == ["12"]
    with pytest.raises(Refused, match="already there"):
        records.wood_packaging(opened(records), "floor", actor=ANA, wood_id=mine)
