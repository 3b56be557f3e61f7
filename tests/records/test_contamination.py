"""What people found, counted as it changes, is what a count of the findings and answers gives."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import pytest
from sqlmodel import select

from pestcheck.records import Records, Refused
from pestcheck.store.tables import KEPT, Answer, Contamination, Finding, View
from pestcheck.store.verify import verify
from pestcheck.vision.scan import Report
from tests.records.conftest import ANA, closed, opened, photographed, suggested

Count = dict[tuple[str, str, str], int]


def counted(records: Records) -> Count:
    with records.database.reading() as session:
        return {(row.inspection_id, row.area, row.label): row.n for row in session.exec(select(Contamination)) if row.n}


def recounted(records: Records) -> Count:
    found = Counter[tuple[str, str, str]]()
    with records.database.reading() as session:
        for finding, view in session.exec(select(Finding, View).join(View)):
            if finding.state in KEPT and finding.cargo is None:
                found[view.inspection_id, view.area, finding.decided_label or ""] += 1
        for answer in session.exec(select(Answer)):
            if (answer.state, answer.result) == ("inspected", "contamination"):
                found[answer.inspection_id, answer.area, ""] += 1
    return dict(found)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_people_say_and_take_back(records: Records, scan: Callable[[bytes], Report], seed: int) -> None:
    chance = random.Random(seed)
    keys = [opened(records), opened(records)]
    views = [photographed(records, key, scan, area=area) for key in keys for area in ("floor", "doors")]
    findings = [finding.id for key in keys for finding in suggested(records, key)]
    missed: list[tuple[str, str, str]] = []
    for _ in range(60):
        with suppress(Refused):  # what does not fit to what was said
            match chance.randrange(4):
                case 0 | 1:
                    state = chance.choice(("confirmed", "corrected", "rejected", "suggested"))
                    cargo = "grain" if chance.random() < 0.2 else ""
                    label = chance.choice(("beetle", "seed"))
                    records.decide(chance.choice(findings), state, label=label, cargo=cargo, cargo_reason=cargo and "the load", actor=ANA)
                case 2 if missed and chance.random() < 0.5:
                    view, label, key = chance.choice(missed)
                    records.missed(view, label, finding_id=key, withdrawn=chance.random() < 0.5, actor=ANA)
                case 2:
                    view, label = chance.choice(views), chance.choice(("seed", "soil"))
                    missed.append((view, label, records.missed(view, label, actor=ANA)))
                case _:
                    result = chance.choice(("contamination", "no_contamination", None))
                    state = "inspected" if result else "not_applicable"
                    point = chance.choice(keys), chance.choice(("floor", "doors", "left_side", "right_side"))
                    records.answer(*point, actor=ANA, state=state, result=result, note="" if result else "sealed")
        assert counted(records) == recounted(records)
    assert counted(records)
    assert not verify(records.database, records.photo_store).problems


def test_an_amendment_counts(records: Records, scan: Callable[[bytes], Report]) -> None:
    key = opened(records)
    view = photographed(records, key, scan)
    closed(records, key)
    records.missed(view, "seed", actor=ANA, amends="seen on the photograph afterwards")
    assert counted(records) == recounted(records) == {(key, "floor", "seed"): 1}
