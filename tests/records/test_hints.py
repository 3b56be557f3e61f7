"""Hints stand beside findings as events of their own, and go where the findings go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlmodel import select

from app.api.inspections import whole
from pestcheck.addons.species import Hint, Rank
from pestcheck.priority import PARTS
from pestcheck.records import Records
from pestcheck.store.tables import Event
from pestcheck.store.tables import Hint as Row
from pestcheck.store.verify import verify
from pestcheck.vision.scan import Report
from tests.records.conftest import ANA, opened, photographed, suggested
from tests.records.test_retention import old

Scan = Callable[[bytes], Report]
HINT = Hint(
    "inat-insect@1.1", "inat-insect-1", "Vespa crabro", Rank.species, 0.93,
    (("Vespa crabro", "European Hornet", 0.93), ("Vespula germanica", "", 0.02)), None, True,
)  # fmt: skip


@pytest.fixture
def hinted(scan: Scan) -> Scan:
    """A scan whose first finding has a hint."""

    def look(data: bytes) -> Report:
        report = scan(data)
        return replace(report, hints=(HINT, *[None] * (len(report.findings) - 1))) if report.findings else report

    return look


def test_a_hint_is_an_event_and_stands_beside_the_finding(records: Records, hinted: Scan) -> None:
    key = opened(records)
    photographed(records, key, hinted)
    first = suggested(records, key)[0]
    (row,) = records.inspection(key).hints.values()
    assert row.finding_id == first.id
    assert (row.taxon, row.rank, row.probability, row.listed, row.agrees) == ("Vespa crabro", "species", 0.93, None, True)
    assert row.species == [["Vespa crabro", "European Hornet", 0.93], ["Vespula germanica", "", 0.02]]
    assert (row.addon, row.thresholds) == ("inat-insect@1.1", "inat-insect-1")
    assert first.label != "Vespa crabro"
    with records.database.reading() as session:
        kinds = session.exec(select(Event.kind).where(Event.inspection_id == key).order_by(Event.seq)).all()
    assert kinds[-2:] == ["photograph_scored", "finding_hinted"]
    assert verify(records.database, records.photo_store).problems == ()


def test_without_an_addon_there_is_none_and_old_findings_get_none_later(records: Records, scan: Scan, hinted: Scan) -> None:
    key = opened(records)
    photographed(records, key, scan)
    assert records.inspection(key).hints == {}
    photographed(records, key, hinted, area="left_side")
    view = records.inspection(key)
    assert {item.view.area for item in view.photographs for finding in item.findings if finding.id in view.hints} == {"left_side"}


def test_the_record_that_is_signed_has_the_hints(records: Records, scan: Scan, hinted: Scan) -> None:
    key = opened(records)
    photographed(records, key, hinted)
    view = records.inspection(key)
    assert replace(view, hints={}).content != view.content


def test_the_json_export_has_them(records: Records, hinted: Scan) -> None:
    key = opened(records)
    photographed(records, key, hinted)
    said = whole(records.inspection(key)).model_dump()["hints"]
    assert [one["taxon"] for one in said] == ["Vespa crabro"]


def test_a_purge_erases_them(records: Records, hinted: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    key = old(records, hinted, monkeypatch)
    assert records.inspection(key).hints
    photographed(records, opened(records), hinted)  # else the clock would seem to be wrong
    records.purge(key, reason="retention is over", actor=ANA)
    with records.database.reading() as session:
        assert len(session.exec(select(Row)).all()) == 1
    assert verify(records.database, records.photo_store).problems == ()


def test_disagreement_and_the_watch_list_bring_a_photograph_to_the_trainers(records: Records, scan: Scan) -> None:
    other = replace(HINT, taxon="Halyomorpha halys", listed="brown_marmorated_stink_bug", agrees=False)
    key = opened(records)
    photographed(records, key, lambda data: replace(scan(data), hints=(other,)))
    plain = opened(records)
    photographed(records, plain, scan)
    while records.refresh_queue(facts=True):
        pass
    queue = {row.inspection_id: row for row, _ in records.queue("Tom")}
    assert {"models", "listed"} <= set(queue[key].reasons)
    assert not {"models", "listed"} & set(queue[plain].reasons)
    more = 1000 * (PARTS["models"].weight + PARTS["listed"].weight)
    assert queue[key].priority - queue[plain].priority == pytest.approx(more, abs=1)
