"""Somebody bound to sites: what is at others is not there for them, whatever they ask."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pestcheck.ids import uuid7
from pestcheck.people import Person, Role
from pestcheck.records import Filter, NotFound, Records, Refused
from pestcheck.records.findings import METHODS
from pestcheck.store.verify import verify
from tests.pictures import scenes

MINE, OTHER = frozenset({"Yard 1"}), frozenset({"Yard 2"})
PICTURE = scenes.jpeg(scenes.wall(640, 480))


def opened(records: Records, site: str = "", seed: int = 0) -> str:
    key = uuid7()
    records.open(key, number="CSQU3054383", inspector="Ana", **({"site": site} if site else {}))
    records.photograph(key, "floor", scenes.jpeg(scenes.wall(640, 480, seed=seed)), name="a.jpg", actor="Ana")
    return key


def test_lists_and_exports_hold_their_sites_only(records: Records) -> None:
    one, two, none = opened(records, "Yard 1"), opened(records, "Yard 2"), opened(records)
    for sites, sees in ((MINE, [one]), (OTHER, [two]), (MINE | OTHER, [one, two]), (frozenset({"yard 1"}), []), (None, [one, two, none])):
        mine = records.within(sites)
        assert [row.id for row, _ in mine.inspections()] == sees[::-1]
        with mine.register(Filter()) as register:
            assert [view.inspection.id for view in mine.views(register)] == sees
    assert len(records.inspections()) == 3  # the others' own view is as it was


def test_what_is_elsewhere_is_not_there(records: Records) -> None:
    key = opened(records, "Yard 2")
    (item,) = records.inspection(key).photographs
    finding = records.missed(item.view.id, "hornet", actor="Ana")
    action = records.treat(finding, method=next(iter(METHODS)), done_by="Ana", actor="Ana")
    asked: list[Callable[[Records], object]] = [
        lambda r: r.inspection(key),
        lambda r: r.set_details(key, shipment="7", actor="Ben"),
        lambda r: r.answer(key, "floor", state="inspected", result="contamination", note="", actor="Ben"),
        lambda r: r.photograph(key, "floor", PICTURE, name="b.jpg", actor="Ben"),
        lambda r: r.photograph_of(item.view.sha256),
        lambda r: r.missed(item.view.id, "hornet", actor="Ben"),
        lambda r: r.decide(finding, "rejected", actor="Ben"),
        lambda r: r.guidance(finding, {}),
        lambda r: r.dispose(finding, "hold", actor="Ben"),
        lambda r: r.treat(finding, method=next(iter(METHODS)), done_by="Ben", actor="Ben"),
        lambda r: r.notify(key, who="CBP", channel="telephone", actor="Ben"),
        lambda r: r.reinspect(action, clean=True, actor="Ben"),
        lambda r: r.hold(key, reason="claim", actor="Ben"),
        lambda r: r.sign(key, printed_name="Ben", meaning="received", actor="Ben"),
        lambda r: r.close(key, actor="Ben"),
    ]
    for ask in asked:
        for sites in (MINE, frozenset[str]()):
            with pytest.raises(NotFound) as refused:
                ask(records.within(sites))
            assert str(refused.value).startswith("There is no ")
    assert records.within(OTHER).inspection(key).inspection.site == "Yard 2"
    assert records.within(OTHER).photograph_of(item.view.sha256).width == 640
    assert verify(records.database, records.photo_store).problems == ()


def test_the_message_is_that_of_what_is_nowhere(records: Records) -> None:
    key, nowhere = opened(records, "Yard 2"), uuid7()
    messages = []
    for asked in (key, nowhere):
        with pytest.raises(NotFound) as refused:
            records.within(MINE).inspection(asked)
        messages.append(str(refused.value).replace(asked, "ID"))
    assert messages[0] == messages[1]


def test_one_photograph_at_two_sites_is_at_both(records: Records) -> None:
    first = opened(records, "Yard 1", seed=1)
    opened(records, "Yard 2", seed=1)
    (item,) = records.inspection(first).photographs
    for sites in (MINE, OTHER):
        assert records.within(sites).photograph_of(item.view.sha256)
    with pytest.raises(NotFound):
        records.within(frozenset({"Yard 3"})).photograph_of(item.view.sha256)


def test_an_inspection_is_opened_and_stays_at_their_sites(records: Records) -> None:
    mine, both = records.within(MINE), records.within(MINE | OTHER)
    asked = {"number": "CSQU3054383", "inspector": "Ben"}
    key = uuid7()
    for _ in range(2):  # asking again changes nothing
        assert mine.open(key, **asked).inspection.site == "Yard 1"
    assert both.open(uuid7(), **asked, site="Yard 2").inspection.site == "Yard 2"
    for r, given in ((mine, {"site": "Yard 2"}), (both, {}), (both, {"site": "Yard 3"})):
        with pytest.raises(Refused, match=r"Choose the site, one of yours: Yard 1"):
            r.open(uuid7(), **asked, **given)
    with pytest.raises(Refused, match="Choose the site"):
        mine.set_details(key, site="Yard 2", actor="Ben")
    both.set_details(key, site="Yard 2", actor="Ben")
    with pytest.raises(NotFound):
        mine.inspection(key)


def test_the_seal_register_shows_their_lines_and_still_knows_all(records: Records) -> None:
    one, two = opened(records, "Yard 1"), opened(records, "Yard 2")
    records.seal("affixed", "A1", container="CSQU3054383", inspection_id=one, actor="Ana")
    records.seal("affixed", "A1", container="CSQU3054383", inspection_id=two, actor="Ana")
    records.seal("issued", "A2", actor="Ana")
    assert [line.number for line in records.within(MINE).seal_lines()] == ["A1", "A2"]
    assert len(records.seal_lines()) == 3
    assert records.within(MINE).seal_problems() == records.seal_problems()


def test_a_person_says_the_same(records: Records) -> None:
    bound, free = Person("Ben", Role.inspector, MINE), Person("Ana", Role.admin)
    assert [bound.at(site) for site in ("Yard 1", "Yard 2", "", None)] == [True, False, False, False]
    assert all(free.at(site) for site in ("Yard 1", "", None))
