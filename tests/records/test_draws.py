"""Draws for a second look on record: once a day, with reasons, tied to the inspection, computed again from the log alone."""

from __future__ import annotations

import json

import pytest
from sqlmodel import select

from pestcheck.ids import uuid7
from pestcheck.inspection.selection import Plan, drawn
from pestcheck.records import NotFound, Records, Refused
from pestcheck.store import events, merkle
from pestcheck.store.tables import Draw, Event, Inspection
from pestcheck.store.verify import verify
from tests.records.conftest import ANA, opened
from tests.records.test_insight import inspected

NUMBER = "CSQU 305438 3"
ALL, HARDLY = Plan(1.0, 2.0), Plan(1e-12, 2.0)


def log(records: Records) -> list[str]:
    with records.database.reading() as session:
        return [event.kind for event in events.read(session)]


def test_asked_again_it_says_the_same(records: Records) -> None:
    first = records.draw(NUMBER, plan=ALL, actor=ANA)
    assert (first.proposal, first.share, first.key, first.number) == ("random", 1.0, "CSQU3054383", NUMBER)
    for number in (NUMBER, "csqu3054383", "CSQU-305438-3"):
        again = records.draw(number, plan=HARDLY, actor="Bo", draw_id=uuid7())
        assert (again.id, again.proposal, again.drawn_by) == (first.id, "random", ANA)
    assert log(records) == ["conveyance_drawn"]
    other = records.draw(NUMBER, plan=HARDLY, actor=ANA, site="Yard 2")
    assert (other.id != first.id, other.value, other.proposal) == (True, first.value, "routine")  # another site is no second chance


def test_anybody_computes_it_again_from_the_log(records: Records) -> None:
    opened(records)
    for number in ("MSCU6639870", "Truck 7", NUMBER):
        draw = records.draw(number, plan=Plan(0.5), actor=ANA)
        with records.database.reading() as session:
            leaves = [bytes.fromhex(event.leaf) for event in events.read(session)][: draw.size]
        subtrees: list[bytes | None] = []
        for leaf in leaves:
            merkle.push(subtrees, leaf)
        assert merkle.root(subtrees).hex() == draw.root
        assert drawn(draw.root, draw.key, draw.day) == draw.value
        assert (draw.proposal == "random") == (draw.value < 0.5)


def test_the_inspection_that_follows_is_tied_to_it_with_what_the_person_chose(records: Records) -> None:
    draw = records.draw(NUMBER, plan=ALL, actor=ANA)
    key = opened(records, selection="routine")
    other = opened(records, number="MSCU6639870", selection="random")
    found = records.draw_of(draw.id)
    assert (found.inspection_id, found.chosen) == (key, "routine")
    assert other != key
    (line,) = records.insight().drawn
    assert (line.proposal, line.followed.found, line.followed.of, line.open) == ("random", 0, 1, 0)
    assert verify(records.database, records.photo_store).problems == ()


def test_a_lane_with_contamination_is_proposed_with_its_reason(records: Records) -> None:
    bad = {"origin": "Durban", "destination": "Laredo"}
    for n in range(32):
        inspected(records, number=f"truck {n}", override_reason="a truck")
    for n in range(8):
        inspected(records, "floor", number=f"lorry {n}", override_reason="a truck", **bad)
        inspected(
            records, "floor", number=f"lorry {n}", override_reason="a truck", selection="targeted", origin="Genova", destination="Laredo"
        )
    draw = records.draw("Truck 99", plan=HARDLY, actor=ANA, **bad)
    assert draw.proposal == "targeted"
    assert draw.base == [8, 40]  # routine and random only
    assert ["lane", "Durban → Laredo", 8, 8] in draw.reasons
    assert draw.risk >= 2
    assert records.draw("Truck 98", plan=HARDLY, actor=ANA, origin="Genova", destination="Laredo").proposal == "routine"
    before = [records.draw(number, plan=HARDLY, actor=ANA).risk for number in ("lorry 1", "truck 1", "truck 97")]
    assert before[0] > before[2] > before[1]


def test_people_draw_at_their_sites_and_learn_only_from_them(records: Records) -> None:
    for _ in range(40):
        inspected(records, "floor", site="Yard 1")
    theirs = records.within(frozenset({"Yard 2"}))
    draw = theirs.draw(NUMBER, plan=HARDLY, actor=ANA)
    assert (draw.site, draw.base, draw.reasons) == ("Yard 2", [0, 0], [])
    with pytest.raises(Refused, match="one of yours"):
        theirs.draw(NUMBER, plan=ALL, actor=ANA, site="Yard 1")
    elsewhere = records.draw("MSCU6639870", plan=ALL, actor=ANA, site="Yard 1")
    with pytest.raises(NotFound):
        theirs.draw_of(elsewhere.id)


def test_bad_input_changes_nothing(records: Records) -> None:
    for number, more in (("", {}), ("x" * 3000, {}), ("A", {"draw_id": "no id"}), ("A\x00", {})):
        with pytest.raises(Refused):
            records.draw(number, plan=ALL, actor=ANA, **more)  # type: ignore[arg-type]
    taken = records.draw("A", plan=ALL, actor=ANA)
    with pytest.raises(Refused, match="already there"):
        records.draw("B", plan=ALL, actor=ANA, draw_id=taken.id)
    assert log(records) == ["conveyance_drawn"]


def test_a_purge_erases_the_draw_with_its_inspection(records: Records) -> None:
    from sqlalchemy import update

    draw = records.draw(NUMBER, plan=ALL, actor=ANA)
    key = inspected(records)
    with records.database.writing() as session:
        old = "2019-01-01T00:00:00.000Z"
        events.append(session, "inspection_closed", {"inspection_id": key, "closed_at": old, "closed_by": ANA}, ANA, key)
        session.execute(update(Inspection).where(Inspection.id == key).values(closed_at=old))
    records.purge(key, reason="old", actor="Cleo")
    with pytest.raises(NotFound):
        records.draw_of(draw.id)
    with records.database.reading() as session:
        assert session.get(Draw, draw.id) is None
        bodies = list(session.exec(select(Event.body)))
    assert not any("CSQU3054383" in body for body in bodies)
    assert [json.loads(body)["kind"] for body in bodies if body] == ["inspection_purged"]
    assert verify(records.database, records.photo_store).problems == ()
