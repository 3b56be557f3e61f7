"""Evidence by criterion: what is counted, what is a gap, and that nothing is called met."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from pestcheck.inspection.criteria import NEWEST, Entity, criteria
from pestcheck.inspection.seals import QUESTIONS
from pestcheck.records import Records, Refused
from pestcheck.records.evidence import SHOWS, Shows, shows
from pestcheck.records.measures import MEASURES, Found
from pestcheck.records.period import Period
from pestcheck.store.tables import Inspection
from pestcheck.vision.scan import Report
from tests.export.test_pdf import texts
from tests.records.conftest import ANA, CLEAN, closed, opened, photographed, suggested
from tests.records.test_insight import inspected

TODAY = datetime.now(UTC).date()


def counted(records: Records, key: str, **more: object) -> dict[str, tuple[int, int]]:
    """Of a criterion, how many have each measure, and how many lack it."""
    (one,) = (one for one in records.evidence("importer", **more).criteria if one.criterion.key == key)  # type: ignore[arg-type]
    return {name: (found.have, found.gaps) for name, found in one.found.items()}


def test_the_list_of_criteria_names_only_what_is_counted() -> None:
    listed = criteria(NEWEST)
    assert {name for one in listed.criteria for name in one.evidence} == MEASURES.keys()
    assert {one.key for one in criteria(1).criteria} < {one.key for one in listed.criteria}
    ids = [one.ids[Entity.IMPORTER] for one in listed.criteria]
    wanted = "4.5 4.8 4.10 4.12 4.13 5.1 5.2 5.3 5.4 5.5 5.6 5.7 5.8 5.14 5.15 5.16 5.24 5.29 6.1 6.2 6.5 6.6 6.7 7.2 7.5 7.23 7.29 7.30 7.37 8.1 8.1 12.1 12.2 12.7"
    assert ids == wanted.split()
    assert all(name in MEASURES for one in listed.criteria for name in one.evidence)


def test_words_never_say_compliant() -> None:
    texts = [
        *SHOWS.values(),
        *(text for one in MEASURES.values() for text in (one.says, one.gap)),
        *(one.gist for one in criteria(NEWEST).criteria),
    ]
    assert not [text for text in texts if "complian" in text.lower() or "fulfil" in text.lower()]
    for measure in MEASURES.values():
        assert measure.says.count("{n}") == 1
        assert measure.gap.count("{n}") == bool(measure.gap)


def test_what_a_count_shows() -> None:
    none, some, gap = Found(0), Found(3), Found(0, 2)
    assert shows([]) is Shows.ELSEWHERE
    assert shows([none, none]) is Shows.NOTHING
    assert shows([none, some]) is Shows.EVIDENCE
    assert shows([some, gap]) is Shows.GAPS
    assert shows([none, gap]) is Shows.GAPS


def test_of_an_empty_record_nothing_is_shown(records: Records) -> None:
    found = records.evidence("highway_carrier")
    assert {one.shows for one in found.criteria} == {Shows.NOTHING, Shows.ELSEWHERE}
    assert sum(found.count(kind) for kind in Shows) == len(found.criteria)
    with pytest.raises(Refused, match="kind of member"):
        records.evidence("airline")


def test_inspections_and_their_gaps(records: Records) -> None:
    whole = inspected(records, stage="empty_at_origin", procedure="AG-7", site="Yard 1")
    bare = inspected(records)
    begun = opened(records)
    assert counted(records, "one_inspection")["procedure"] == (1, 1)
    assert counted(records, "inspected_before_loading")["before_loading"] == (1, 0)
    assert counted(records, "inspected_before_loading")["stage_said"] == (1, 1)
    assert counted(records, "inspected_before_loading")["all_points"] == (2, 0)
    assert counted(records, "inspection_record") == {"closed": (2, 1), "number_read": (2, 0), "signed": (2, 0), "supervised": (0, 0)}
    (procedure,) = (one for one in records.evidence("importer").criteria if one.id == "5.2")
    assert [sample.inspection for sample in procedure.found["procedure"].lacking] == [bare]
    assert [sample.inspection for sample in procedure.found["procedure"].samples] == [whole]
    (record,) = (one for one in records.evidence("importer").criteria if one.id == "5.5")
    assert [sample.inspection for sample in record.found["closed"].lacking] == [begun]
    assert (record.shows, record.gaps) == (Shows.GAPS, 1)
    assert counted(records, "one_inspection", site="Yard 1")["procedure"] == (1, 0)
    theirs = records.within(frozenset({"Yard 1"}))
    assert counted(theirs, "inspection_record")["closed"] == (1, 0)
    yesterday = (TODAY - timedelta(days=1)).isoformat()
    assert counted(records, "inspection_record", period=Period.read(yesterday, yesterday))["closed"] == (0, 0)


def test_a_seal_without_its_photograph_is_a_gap(records: Records, scan: Callable[[bytes], Report]) -> None:
    four = dict.fromkeys(QUESTIONS, ("yes", ""))
    for n in range(4):
        key = opened(records)
        records.seal(
            "affixed",
            f"H{n}",
            actor=ANA,
            inspection_id=key,
            seal_class="H" if n else "I",
            maker="Acme" if n > 1 else "",
            document_number="H" if n else "",
        )
        if n == 3:
            view = photographed(records, key, scan, CLEAN, "doors")
            records.check_seal(key, four, actor=ANA, number="H3", document_number="H3", view_id=view)
    assert counted(records, "seal_photograph") == {"seal_photographs": (1, 3)}
    assert MEASURES["seal_photographs"].gap.format(n=3) == "Inspections without a seal photograph: 3"
    assert counted(records, "high_security_seal") == {"high_security": (3, 1)}
    assert counted(records, "seal_proof") == {"makers": (2, 2)}
    assert counted(records, "vvtt") == {"vvtt": (1, 3), "vvtt_good": (1, 0)}
    assert counted(records, "seal_on_documents") == {"seal_documents": (3, 1), "shipments": (0, 4)}


def test_a_failed_seal_check_that_nobody_was_told_of(records: Records) -> None:
    for told in (False, True):
        key = opened(records)
        looks = {name: ("no" if name == "tug" else "yes", "loose") for name in QUESTIONS}
        records.check_seal(key, looks, actor=ANA, number="H1", document_number="H1")
        closed(records, key)
        if told:
            records.notify(key, who="Bo", channel="telephone", actor=ANA)
    assert counted(records, "alerts") == {"told": (1, 1)}
    assert counted(records, "vvtt")["vvtt_good"] == (0, 2)


def test_a_broken_seal_wants_a_new_one(records: Records) -> None:
    for again in (False, True):
        key = opened(records)
        records.seal("affixed", f"A{again}", actor=ANA, inspection_id=key, happened_at="2026-11-24T08:00:00Z")
        records.seal("broken", f"A{again}", actor=ANA, inspection_id=key, reason="customs", happened_at="2026-11-24T09:00:00Z")
        if again:
            records.seal("affixed", "B", actor=ANA, inspection_id=key, happened_at="2026-11-24T10:00:00Z")
    assert counted(records, "seal_control")["breaks_sealed"] == (1, 1)


def test_findings_cleanings_and_photographs_afterwards(records: Records, scan: Callable[[bytes], Report]) -> None:
    for cleaned in (False, True):
        key = opened(records)
        photographed(records, key, scan)
        (finding,) = suggested(records, key)
        records.decide(finding.id, "confirmed", actor=ANA)
        if cleaned:
            action = records.treat(finding.id, method="swept", done_by="Bo", actor=ANA)
            records.photograph(key, "floor", CLEAN, name="b.jpg", actor=ANA, after=action)
            while records.score_next(scan):
                pass
            records.reinspect(action, clean=True, actor=ANA)
        closed(records, key)
    assert counted(records, "contamination_removed") == {
        "acted": (1, 1),
        "found_clean": (1, 0),
        "after_photographs": (1, 0),
        "kept": (0, 0),
    }


def test_wood_training_accounts_and_the_log(records: Records) -> None:
    key = inspected(records)
    bare = opened(records, template="wood_packaging", number="pallet 1")
    area = records.inspection(bare).template.points[0].area
    records.wood_packaging(bare, area, actor=ANA, mark="", holes=True)
    assert counted(records, "wood_packaging")["wood_marked"] == (0, 1)
    assert counted(records, "wood_packaging")["wood_sound"] == (0, 1)
    day = TODAY.isoformat()
    records.certify(ANA, "inspection", given_on=day, expires_on=day, actor="Cleo")
    later = inspected(records)
    assert key != later
    assert counted(records, "inspectors_trained") == {"inspector_trained": (1, 1), "certificates_inspection": (1, 0)}
    assert counted(records, "pest_training") == {"certificates_pests": (0, 0)}
    assert counted(records, "own_accounts") == {"accounts": (0, 2)}
    (entries, gaps) = counted(records, "tampering_noticed")["log"]
    assert (entries > 10, gaps) == (True, 0)


def test_questions_that_name_a_criterion(records: Records) -> None:
    key = opened(records, template="container_7_point@2", number="CSQU3054383")
    silent = opened(records, template="container_7_point@2", number="CSQU3054383")
    template = records.inspection(key).template
    area, check = next((point.area, check) for point in template.points for check in point.checks if "locking_hardware" in check.evidences)
    records.check(key, area, check.id, "no", actor=ANA)
    with records.database.writing() as session:
        session.execute(update(Inspection).values(closed_at=Inspection.opened_at))
    assert counted(records, "locking_hardware") == {"questions": (1, 1), "not_in_order": (0, 1)}
    (one,) = (one for one in records.evidence("exporter").criteria if one.criterion.key == "locking_hardware")
    assert [sample.inspection for sample in one.found["questions"].lacking] == [silent]


def test_staging_areas_are_wanted_weekly(records: Records) -> None:
    assert counted(records, "staging_inspected")["staging_weekly"] == (0, 0)
    key = opened(records, template="staging_area", number="Dock 3")
    old = datetime.now(UTC) - timedelta(days=10)
    with records.database.writing() as session:
        session.execute(update(Inspection).where(Inspection.id == key).values(opened_at=old.isoformat(), closed_at=old.isoformat()))
    period = Period(TODAY - timedelta(days=20), TODAY)
    assert counted(records, "staging_inspected", period=period)["staging_weekly"] == (1, 2)


def test_as_pdf(records: Records) -> None:
    from pestcheck.export.assessment import assessment_pdf

    inspected(records)
    found = records.evidence("importer")
    made = {language: assessment_pdf(found, language=language, made_by="Aldo <b>") for language in ("en", "es")}
    assert made["en"][:5] == b"%PDF-"
    assert made["en"] == assessment_pdf(found, made_by="Aldo <b>")  # the same record, the same bytes
    assert made["en"] != made["es"]
    feet = {"en": "Page {n} of {of}", "es": "Página {n} de {of}"}
    for language, pdf in made.items():
        pages = texts(pdf)
        assert len(pages) > 1
        for number, page in enumerate(pages, 1):
            assert feet[language].format(n=number, of=len(pages)) in page
