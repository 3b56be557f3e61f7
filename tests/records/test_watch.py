"""Watching the model: shares, drift and alarms, against records made for it."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from pestcheck.rates import LIMITS, Rate
from pestcheck.records import Records
from pestcheck.records.reviews import Mark
from pestcheck.records.watch import MEASURES, beyond, drift_of
from pestcheck.settings import Settings
from pestcheck.vision.scan import Report
from tests.records.conftest import ANA, CLEAN, HORNET, opened, photographed, suggested


def test_an_alarm_rings_only_where_the_whole_interval_is_beyond() -> None:
    assert not beyond("missed", Rate(5, 30), 0.1)  # 17 %, and chance could do that
    assert not beyond("missed", Rate(9, 9), 0.1)  # too few
    assert beyond("missed", Rate(30, 100), 0.1)
    assert not beyond("missed", Rate(0, 0), 0.0)
    assert beyond("agreement", Rate(50, 100), 0.8)
    assert not beyond("agreement", Rate(22, 30), 0.8)
    assert not beyond("agreement", Rate(95, 100), 0.8)


def test_drift_is_measured_model_by_model() -> None:
    chance = random.Random(1)

    def scores(n: int, shift: int = 0) -> list[int]:
        counts = [0] * 10
        for _ in range(n):
            counts[min(9, int(chance.random() * 5) + shift)] += 1
        return counts

    weeks = {
        "2026-01-05": {"a@1": scores(500)},
        "2026-01-12": {"a@1": scores(500)},
        "2026-01-19": {"a@1": scores(500, 4)},
        "2026-01-26": {"b@1": scores(500, 4)},
    }
    assert drift_of("week", "2026-01-05", weeks) is None  # nothing before it
    assert (drift_of("week", "2026-01-12", weeks) or 1) < 0.1
    assert (drift_of("week", "2026-01-19", weeks) or 0) > 1
    assert drift_of("week", "2026-01-26", weeks) is None  # a new model is no drift
    assert drift_of("model", "a@1", {"a@1": weeks["2026-01-05"]}) is None
    assert (drift_of("site", "x", {"x": {"a@1": scores(300, 4)}, "y": {"a@1": scores(900)}}) or 0) > 1
    assert drift_of("site", "x", {"x": {"a@1": scores(199, 4)}, "y": {"a@1": scores(900)}}) is None


def test_shares_of_what_the_model_said_and_people_made_of_it(records: Records, scan: Callable[[bytes], Report]) -> None:
    key = opened(records, site="Yard 1")
    view = photographed(records, key, scan, HORNET)
    photographed(records, key, scan, CLEAN)
    (finding,) = suggested(records, key)
    records.decide(finding.id, "corrected", label="beetle", actor=ANA)
    records.missed(view, "seed", actor=ANA)
    taken_back = records.missed(view, "soil", actor=ANA)
    records.missed(view, "soil", actor=ANA, finding_id=taken_back, withdrawn=True)
    found = records.watch()
    assert found.groups.keys() == {"week", "site", "camera", "model"}
    for by in found.groups:
        (one,) = found.groups[by]
        assert one.photographs == 2
        assert one.rates["flagged"] == Rate(1, 2)
        assert one.rates["corrected"] == Rate(1, 1)
        assert one.rates["rejected"] == Rate(0, 1)
        assert one.rates["missed"] == Rate(1, 2)
        assert "agreement" not in one.rates
        assert (one.drift, one.alarms) == (None, ())
    assert found.groups["site"][0].key == "Yard 1"
    assert found.groups["camera"][0].key == ""
    assert sum(sum(counts) for counts in found.scores.values()) == 2
    assert records.within(frozenset({"Yard 2"})).watch().groups["week"] == ()
    assert records.watch(site="Yard 2").groups["week"] == ()


def test_agreement_of_inspector_and_trainer(records: Records, scan: Callable[[bytes], Report]) -> None:
    for label in ("hornet", "wasp"):
        key = opened(records)
        view = photographed(records, key, scan, HORNET)
        (finding,) = suggested(records, key)
        records.decide(finding.id, "confirmed", actor=ANA)
        box = tuple(finding.box or ())
        records.review(view, "contamination", actor="Teo", marks=[Mark(box, label, finding.id)])  # type: ignore[arg-type]
    (week,) = records.watch().groups["week"]
    decided = {
        one.decided_label
        for inspection, _ in records.inspections()
        for item in records.inspection(inspection.id).photographs
        for one in item.findings
    }
    assert week.rates["agreement"] == Rate(len(decided & {"hornet", "wasp"}), 2)


def test_alarms_of_the_settings(records: Records, scan: Callable[[bytes], Report]) -> None:
    for _ in range(20):
        photographed(records, opened(records), scan, HORNET)
    (model,) = records.watch().groups["model"]
    assert model.rates["flagged"] == Rate(20, 20)
    assert model.alarms == ("flagged",)
    assert records.watch(limits={"flagged": 0.99}).groups["model"][0].alarms == ()
    assert {*LIMITS} == {*MEASURES, "drift"}
    assert Settings(alarms={"missed": 0.05}).alarms == {"missed": 0.05}
    with pytest.raises(ValueError, match="there are no alarms misssed"):
        Settings(alarms={"misssed": 0.05})
