"""How often a touch reads the inspection that it is about."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import event

from app.inspector import flow
from app.inspector.place import Desk, Place
from pestcheck.people import Person, Role
from pestcheck.records import Records
from tests.records.conftest import ANA, opened


@pytest.fixture
def reads(records: Records) -> Iterator[list[str]]:
    """The statements that read the seals of an inspection, as each reading of all of it does once."""
    seen: list[str] = []

    def sent(connection: object, cursor: object, statement: str, *more: object) -> None:
        if "FROM sealline" in statement:
            seen.append(statement)

    event.listen(records.database.engine, "before_cursor_execute", sent)
    yield seen
    event.remove(records.database.engine, "before_cursor_execute", sent)


def test_a_touch_reads_its_inspection_once(records: Records, reads: list[str]) -> None:
    place = Place(inspection=opened(records), step="point", area="floor")
    for _ in range(2):
        reads.clear()
        desk = Desk(records, {}, "en", Person(ANA, Role.inspector))
        went, _told = flow.act(desk, place, "look", {})
        assert "Floor" in flow.show(desk, went)[1]
        assert len(reads) == 1


def test_and_again_after_something_was_written(records: Records, reads: list[str]) -> None:
    """By whomever: also by one who sees other sites, whose records are another object on the same database."""
    place = Place(inspection=opened(records), step="points")
    desk = Desk(records, {}, "en", Person(ANA, Role.inspector))
    assert desk.view(place).answers == {}
    records.within(None).answer(place.inspection, "floor", state="inspected", result="no_contamination", note="", actor="Bo")
    reads.clear()
    assert desk.view(place).answers["floor"].answered_by == "Bo"
    assert desk.view(place).answers.keys() == {"floor"}
    assert len(reads) == 1
