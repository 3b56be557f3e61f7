"""What the insight page counts, on both kinds of database, against the records it was made from."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from pestcheck.ids import uuid7
from pestcheck.rates import Rate
from pestcheck.records import Records, Refused
from pestcheck.records.insight import monday
from pestcheck.records.period import Period
from pestcheck.vision.scan import Report
from tests.records.conftest import ANA, CLEAN, HORNET, closed, opened, photographed, suggested

TODAY = datetime.now(UTC).date()


def inspected(records: Records, dirty: str = "", **more: str) -> str:
    """A closed inspection, with contamination at one point or none."""
    key = opened(records, selection=more.pop("selection", "routine"), **more)
    for point in records.inspection(key).template.points:
        result = "contamination" if point.area == dirty else "no_contamination"
        records.answer(key, point.area, state="inspected", result=result, note="", actor=ANA)
    records.close(key, actor=ANA, disposition="hold" if dirty else None)
    return key


def rates(records: Records, by: str, **more: object) -> dict[tuple[str, ...], dict[str, tuple[int, int]]]:
    found = records.insight(**more).lines[by]  # type: ignore[arg-type]
    return {line.key: {kind: (rate.found, rate.of) for kind, rate in line.rates.items()} for line in found}


def test_nothing_is_no_error(records: Records) -> None:
    found = records.insight()
    assert (found.total.of, found.open, found.cleaning, found.times, found.drawn) == (0, 0, (), (), ())
    assert all(lines == () for lines in found.lines.values())


def test_rates_by_everything_with_the_selection_kept_apart(records: Records) -> None:
    lane = {"origin": "Veracruz", "destination": "Laredo"}
    inspected(records, "floor", site="Yard 1", **lane)
    inspected(records, site="Yard 1", selection="random", **lane)
    inspected(records, site="Yard 2", selection="random", carrier_scac="ABCD")
    inspected(records, "doors", site="Yard 2", selection="targeted")
    inspected(records, selection="")
    opened(records, selection="routine")  # open: not counted
    found = records.insight()
    assert found.open == 1
    assert found.total.rates == {"routine": Rate(1, 1), "targeted": Rate(1, 1), "random": Rate(0, 2), "": Rate(0, 1)}
    assert rates(records, "week") == {(monday(TODAY.isoformat()),): {"routine": (1, 1), "targeted": (1, 1), "random": (0, 2), "": (0, 1)}}
    assert rates(records, "lane")["Veracruz", "Laredo"] == {"routine": (1, 1), "random": (0, 1)}
    assert rates(records, "site") == {
        ("Yard 1",): {"routine": (1, 1), "random": (0, 1)}, ("Yard 2",): {"targeted": (1, 1), "random": (0, 1)}, ("",): {"": (0, 1)},
    }  # fmt: skip
    assert rates(records, "carrier")[("ABCD",)] == {"random": (0, 1)}
    areas = rates(records, "area")
    assert areas[("floor",)] == {"routine": (1, 1), "targeted": (0, 1), "random": (0, 2), "": (0, 1)}
    assert areas[("doors",)]["targeted"] == (1, 1)
    assert found.sites == ("Yard 1", "Yard 2")
    only = records.insight(site="Yard 2").total.rates
    assert only == {"targeted": Rate(1, 1), "random": Rate(0, 1)}
    assert records.insight(site="").total.rates == {"": Rate(0, 1)}
    assert records.insight(site="' OR 1=1 --").total.of == 0


def test_findings_count_where_a_person_says_that_they_are(records: Records, scan: Callable[[bytes], Report]) -> None:
    key = opened(records, selection="random")
    photographed(records, key, scan)
    (finding,) = suggested(records, key)
    view = records.inspection(key).photographs[0].view.id
    records.decide(finding.id, "corrected", label="beetle", actor=ANA)
    records.missed(view, "seed", actor=ANA)
    records.missed(view, "seed", actor=ANA)
    records.missed(view, "soil", actor=ANA, cargo="soil", cargo_reason="it is the load")
    closed(records, key)
    rejected = opened(records, selection="random")
    photographed(records, rejected, scan)
    closed(records, rejected)
    found = records.insight()
    assert found.total.rates == {"random": Rate(1, 2)}
    labels = {line.key[0]: (line.rates["random"], line.findings) for line in found.lines["label"]}
    assert labels == {"beetle": (Rate(1, 2), 1), "seed": (Rate(1, 2), 2)}
    floor = next(line for line in found.lines["area"] if line.key == ("floor",))
    assert (floor.rates["random"], floor.findings) == (Rate(1, 2), 3)


def test_what_an_amendment_adds_counts_too(records: Records, scan: Callable[[bytes], Report]) -> None:
    key = opened(records, selection="routine")
    view = photographed(records, key, scan, CLEAN)
    closed(records, key)
    assert records.insight().total.rates["routine"] == Rate(0, 1)
    records.missed(view, "seed", actor=ANA, amends="seen on the photograph afterwards")
    assert records.insight().total.rates["routine"] == Rate(1, 1)
    assert rates(records, "area")[("floor",)] == {"routine": (1, 1)}


def test_a_point_that_was_not_inspected_is_not_one_without_contamination(records: Records) -> None:
    key = opened(records, selection="routine")
    for point in records.inspection(key).template.points:
        said = {"state": "not_applicable", "note": "open top"} if point.area == "ceiling_roof" else {"state": "inspected", "note": ""}
        result = "no_contamination" if said["state"] == "inspected" else None
        records.answer(key, point.area, result=result, actor=ANA, **said)
    records.close(key, actor=ANA)
    inspected(records)
    areas = rates(records, "area")
    assert (areas[("ceiling_roof",)], areas[("floor",)]) == ({"routine": (0, 1)}, {"routine": (0, 2)})


def test_partners_are_those_that_handed_it_over(records: Records) -> None:
    north, south = records.party("Norte", "highway_carrier", actor=ANA), records.party("Sur", "terminal", actor=ANA)
    key = inspected(records, "floor")
    for position, tendered in enumerate((north, south, north)):
        records.leg(key, position=position, tendered_by=tendered, received_by=south, actor=ANA)
    inspected(records)
    assert rates(records, "partner") == {("Norte",): {"routine": (1, 1)}, ("Sur",): {"routine": (1, 1)}}


def test_cleaning_and_time(records: Records, scan: Callable[[bytes], Report]) -> None:
    key = opened(records, selection="routine")
    photographed(records, key, scan, HORNET)
    (finding,) = suggested(records, key)
    records.decide(finding.id, "confirmed", actor=ANA)
    for clean, method in ((False, "swept"), (True, "swept"), (True, "washed"), (None, "washed")):
        action = records.treat(finding.id, method=method, done_by="Bo", actor=ANA)
        if clean is not None:
            records.reinspect(action, clean=clean, actor=ANA)
    closed(records, key)
    found = records.insight()
    assert {one.method: (one.passed, one.waiting) for one in found.cleaning} == {"swept": (Rate(1, 2), 0), "washed": (Rate(1, 1), 1)}
    (time,) = found.times
    assert (time.template, time.of, time.minutes) == ("container_7_point", 1, (0, 0, 0, 0))


def test_minutes_are_those_between_opening_and_close(records: Records) -> None:
    from sqlalchemy import update

    from pestcheck.store.tables import Inspection

    for minutes in (10, 20, 30, 400):
        key = inspected(records)
        at = datetime.now(UTC) - timedelta(days=3)
        with records.database.writing() as session:  # the clock cannot be set, so the times are
            row = {
                "opened_at": at.isoformat(timespec="milliseconds"),
                "closed_at": (at + timedelta(minutes=minutes)).isoformat(timespec="milliseconds"),
            }
            session.execute(update(Inspection).where(Inspection.id == key).values(**row))
    assert records.insight().times[0].minutes == (10, 20, 30, 400)


def test_a_period_takes_both_its_days_and_nothing_else(records: Records) -> None:
    inspected(records)
    day = TODAY.isoformat()
    assert records.insight(Period.read(day, day)).total.of == 1
    before = (TODAY - timedelta(days=1)).isoformat()
    assert records.insight(Period.read(before, before)).total.of == 0
    after = (TODAY + timedelta(days=1)).isoformat()
    assert records.insight(Period.read(after, after)).total.of == 0
    for first, last, says in ((after, before, "is after the last"), ("gestern", "", "is no date"), ("", "0001-01-01", "too early")):
        with pytest.raises(Refused, match=says):
            Period.read(first, last)


def test_people_count_only_their_sites(records: Records) -> None:
    inspected(records, "floor", site="Yard 1")
    inspected(records, site="Yard 2")
    inspected(records)
    theirs = records.within(frozenset({"Yard 2"}))
    assert theirs.insight().total.rates == {"routine": Rate(0, 1)}
    assert theirs.insight().sites == ("Yard 2",)
    assert theirs.insight(site="Yard 1").total.of == 0
    assert records.within(frozenset()).insight().total.of == 0


def test_odd_names_are_only_names(records: Records) -> None:
    inspected(records, origin="=1+1", destination="<b>🐌</b>")
    assert ("=1+1", "<b>🐌</b>") in rates(records, "lane")
    assert uuid7() not in records.insight().sites
