"""The use cases on a real store: what is kept, what is refused, what repeating does."""

from __future__ import annotations

import threading

import pytest
from sqlmodel import select

from pestcheck.ids import uuid7
from pestcheck.photo import PhotoError
from pestcheck.records import NotFound, Records, Refused
from pestcheck.store.tables import Event, Photograph, View
from pestcheck.vision.scan import Report, Scanner
from tests.pictures import scenes

GOOD, WRONG = "CSQU 305438 3", "CSQU3054384"
HORNET = scenes.floor()
scenes.lay(HORNET, "hornet")
HORNET_JPEG = scenes.jpeg(HORNET)
CLEAN_JPEG = scenes.jpeg(scenes.wall(800, 600))


def opened(records: Records, number: str = GOOD, **more: str) -> str:
    key = uuid7()
    records.open(key, number=number, inspector="Ana Pérez", template="container_7_point@1", **more)
    return key


def photographed(records: Records, key: str, data: bytes = HORNET_JPEG, area: str = "floor") -> str:
    return records.photograph(key, area, data, name="IMG 1.jpg", actor="Ana Pérez")


def events(records: Records) -> list[str]:
    with records.database.reading() as session:
        return list(session.exec(select(Event.kind).order_by(Event.seq)))


def test_open_keeps_the_number_as_iso_6346_writes_it(records: Records) -> None:
    inspection = records.inspection(opened(records, "csqu-305438 3")).inspection
    assert (inspection.container_number, inspection.number_problem, inspection.override_reason) == ("CSQU3054383", None, None)


def test_a_wrong_check_digit_is_refused_until_a_reason_is_given(records: Records) -> None:
    with pytest.raises(Refused, match="should be 3, not 4"):
        opened(records, WRONG)
    assert events(records) == []
    inspection = records.inspection(opened(records, WRONG, override_reason="painted so on both doors")).inspection
    assert inspection.override_reason == "painted so on both doors"
    assert "should be 3" in (inspection.number_problem or "")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"inspector": "  "}, "inspector's name"),
        ({"number": ""}, "container number"),
        ({"number": "x" * 3000}, "too long"),
        ({"inspector": "a\x00b"}, "cannot be written down"),
        ({"inspector": "\ud800"}, "cannot be written down"),
        ({"template": "no_such"}, "container_7_point"),
        ({"template": "container_7_point@99"}, "container_7_point"),
        ({"template": "container_7_point@x"}, "container_7_point"),
        ({"stage": "on_the_moon"}, "empty_at_origin"),
        ({"selection": "guess"}, "routine, targeted, random"),
        ({"carrier_scac": "A1"}, "is no SCAC"),
        ({"colour": "red"}, "no detail 'colour'"),
        ({"device_time": "2026-11-24T08:00:00"}, "no time zone"),
        ({"device_time": "yesterday"}, "is no time"),
        ({"inspection_id": "../../etc/passwd"}, "not a UUID"),
    ],
)
def test_open_says_what_is_wrong(records: Records, change: dict[str, str], says: str) -> None:
    asked = {"inspection_id": uuid7(), "number": GOOD, "inspector": "Ana"} | change
    with pytest.raises(Refused, match=says):
        records.open(asked.pop("inspection_id"), **asked)
    assert events(records) == []


def test_opening_again_changes_nothing_and_an_id_is_never_reused(records: Records) -> None:
    key = opened(records)
    records.open(key, number=GOOD, inspector="Ana Pérez", template="container_7_point@1")
    assert events(records) == ["inspection_opened"]
    for other in ({"number": "MWCU6059784"}, {"template": "container_7_point@2"}, {"inspector": "Bo"}):
        with pytest.raises(Refused, match="already open for something else"):
            records.open(key, **({"number": GOOD, "inspector": "Ana Pérez", "template": "container_7_point@1"} | other))


def test_a_photograph_is_stored_once_and_linked_at_each_place(records: Records) -> None:
    first, second = opened(records), opened(records)
    views = {
        photographed(records, first),
        photographed(records, first),
        photographed(records, first, area="doors"),
        photographed(records, second),
    }
    assert len(views) == 3
    with records.database.reading() as session:
        assert len(session.exec(select(Photograph)).all()) == 1
        assert len(session.exec(select(View)).all()) == 3
    stored = [path for path in records.photo_store.folder.rglob("*") if path.is_file()]
    assert [path.read_bytes() for path in stored] == [HORNET_JPEG]


def test_what_is_no_photograph_is_refused_and_leaves_nothing(records: Records) -> None:
    key = opened(records)
    for data, says in [(b"", "empty"), (b"%PDF-1.7", "not a JPEG"), (HORNET_JPEG[: len(HORNET_JPEG) // 2], "damaged or cut short")]:
        with pytest.raises(PhotoError, match=says):
            photographed(records, key, data)
    assert events(records) == ["inspection_opened"]
    assert not any(path.is_file() for path in records.photo_store.folder.rglob("*"))


def test_scoring_records_the_suggestion_beside_which_the_decision_stands(records: Records, scanner: Scanner) -> None:
    key = opened(records)
    photographed(records, key)
    assert "being checked" in " ".join(records.inspection(key).missing())
    assert records.score_next(lambda data: scanner.scan(data)[0])
    assert not records.score_next(lambda data: scanner.scan(data)[0])
    (item,) = records.inspection(key).at("floor")
    assert (item.view.state, item.view.verdict, item.view.model) == ("scored", "suspect", scanner.bundle.id)
    finding = item.findings[0]
    assert (finding.group, finding.state) == ("insect", "suggested")

    records.decide(finding.id, "corrected", label="wasp", actor="Ana Pérez")
    records.decide(finding.id, "corrected", label="wasp", actor="Ana Pérez")
    after = records.inspection(key).at("floor")[0].findings[0]
    assert (after.label, after.state, after.decided_label, after.decided_by) == (finding.label, "corrected", "wasp", "Ana Pérez")
    assert events(records).count("finding_decided") == 1
    records.decide(finding.id, "rejected", actor="Ana Pérez")
    assert records.inspection(key).at("floor")[0].findings[0].decided_label is None
    assert [kept for _, kept in records.inspections()] == [0]


@pytest.mark.parametrize(("state", "label"), [("maybe", None), ("corrected", None), ("corrected", "container"), ("corrected", "dragon")])
def test_a_decision_must_be_one(records: Records, scanner: Scanner, state: str, label: str | None) -> None:
    key = opened(records)
    photographed(records, key)
    records.score_next(lambda data: scanner.scan(data)[0])
    finding = records.inspection(key).at("floor")[0].findings[0]
    with pytest.raises(Refused):
        records.decide(finding.id, state, label=label, actor="Ana")
    assert records.inspection(key).at("floor")[0].findings[0].state == "suggested"


def test_a_photograph_whose_file_is_gone_is_recorded_as_not_scored(records: Records, scanner: Scanner) -> None:
    key = opened(records)
    photographed(records, key)
    next(path for path in records.photo_store.folder.rglob("*") if path.is_file()).unlink()
    assert records.score_next(lambda data: scanner.scan(data)[0])
    view = records.inspection(key).at("floor")[0].view
    assert view.state == "failed"
    assert view.error


def test_a_photograph_that_breaks_the_model_does_not_hold_up_the_others(records: Records, scanner: Scanner) -> None:
    key = opened(records)
    photographed(records, key)
    photographed(records, key, CLEAN_JPEG, area="doors")

    def scan(data: bytes) -> Report:
        if data == HORNET_JPEG:
            raise RuntimeError("node 17 of the network failed")
        return scanner.scan(data)[0]

    assert records.score_next(scan)
    assert records.score_next(scan)
    states = {item.view.area: (item.view.state, item.view.error) for item in records.inspection(key).photographs}
    assert states == {"floor": ("failed", "node 17 of the network failed"), "doors": ("scored", None)}
    assert not any("being checked" in line for line in records.inspection(key).missing())


def test_a_disk_that_cannot_be_read_leaves_the_photograph_waiting(records: Records, scanner: Scanner) -> None:
    key = opened(records)
    photographed(records, key)

    def scan(_: bytes) -> Report:
        raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output"):
        records.score_next(scan)
    assert records.inspection(key).at("floor")[0].view.state == "waiting"
    assert records.score_next(lambda data: scanner.scan(data)[0])
    assert records.inspection(key).at("floor")[0].view.state == "scored"


def test_a_photograph_with_a_client_id_is_added_once(records: Records) -> None:
    key, view = opened(records), uuid7()
    for _ in range(2):
        assert records.photograph(key, "floor", HORNET_JPEG, name="a.jpg", actor="Ana", view_id=view) == view
    with pytest.raises(Refused, match="already there"):
        records.photograph(key, "doors", HORNET_JPEG, name="a.jpg", actor="Ana", view_id=view)
    with pytest.raises(Refused, match="not a UUID"):
        records.photograph(key, "doors", HORNET_JPEG, name="a.jpg", actor="Ana", view_id="../x")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"state": "looked"}, "whether the point was inspected"),
        ({"state": "inspected", "result": None}, "what was seen"),
        ({"state": "inspected", "result": "fine"}, "what was seen"),
        ({"state": "not_inspected", "note": " "}, "why"),
        ({"state": "not_applicable"}, "why"),
        ({"area": "cellar"}, "no point"),
        ({"note": "x" * 2001}, "too long"),
    ],
)
def test_an_answer_must_be_complete(records: Records, answer: dict[str, str], says: str) -> None:
    key = opened(records)
    given = {"area": "floor", "state": "inspected", "result": "no_contamination", "note": ""} | answer
    with pytest.raises(Refused, match=says):
        records.answer(key, given.pop("area"), actor="Ana", **given)
    assert records.inspection(key).answers == {}


def test_an_answer_may_be_changed_and_the_log_keeps_both(records: Records) -> None:
    key = opened(records)
    for result in ("no_contamination", "no_contamination", "contamination"):
        records.answer(key, "floor", state="inspected", result=result, note="", actor="Ana")
    assert records.inspection(key).answers["floor"].result == "contamination"
    assert events(records).count("point_answered") == 2


def test_an_answer_must_not_contradict_a_confirmed_finding(records: Records, scanner: Scanner) -> None:
    key = opened(records)
    photographed(records, key)
    records.score_next(lambda data: scanner.scan(data)[0])
    for finding in records.inspection(key).at("floor")[0].findings:
        records.decide(finding.id, "confirmed", actor="Ana")
    with pytest.raises(Refused, match="confirmed"):
        records.answer(key, "floor", state="inspected", result="no_contamination", note="", actor="Ana")
    records.answer(key, "floor", state="inspected", result="contamination", note="swept", actor="Ana")


def test_closing_lists_what_is_open_and_then_ends_all_change(records: Records, scanner: Scanner) -> None:
    key = opened(records)
    view = records.inspection(key)
    photographed(records, key)
    with pytest.raises(Refused) as refusal:
        records.close(key, actor="Ana")
    assert all(point.title in str(refusal.value) for point in view.template.points)
    assert "being checked" in str(refusal.value)
    records.score_next(lambda data: scanner.scan(data)[0])
    for point in view.template.points:
        result = "contamination" if point.area == "floor" else "no_contamination"
        records.answer(key, point.area, state="inspected", result=result, note="", actor="Ana")
    with pytest.raises(Refused, match="to decide"):
        records.close(key, actor="Ana")
    findings = records.inspection(key).at("floor")[0].findings
    for finding in findings:
        records.decide(finding.id, "confirmed", actor="Ana")
    with pytest.raises(Refused, match="what becomes of the conveyance"):
        records.close(key, actor="Ana")
    with pytest.raises(Refused, match="Choose the disposition"):
        records.close(key, actor="Ana", disposition="burn")
    for _ in range(2):
        records.close(key, actor="Ana", disposition="hold")
    closed = records.inspection(key)
    assert events(records).count("inspection_closed") == 1
    assert (closed.inspection.disposition, closed.inspection.closed_by) == ("hold", "Ana")
    assert [(one.printed_name, one.meaning) for one in closed.valid_signatures] == [("Ana Pérez", "inspected")]
    for change in (
        lambda: photographed(records, key, CLEAN_JPEG),
        lambda: records.decide(findings[0].id, "rejected", actor="Ana"),
        lambda: records.answer(key, "floor", state="inspected", result="contamination", note="later", actor="Ana"),
    ):
        with pytest.raises(Refused, match="was closed"):
            change()


def test_what_is_not_there_is_named(records: Records) -> None:
    with pytest.raises(NotFound, match="no inspection"):
        records.inspection("x")
    with pytest.raises(NotFound, match="no finding"):
        records.decide("x", "confirmed", actor="Ana")


def test_two_people_at_once_lose_nothing(records: Records) -> None:
    """Each writer waits for the other; the log has every event once, in one order."""
    keys = [opened(records) for _ in range(2)]
    failures: list[Exception] = []

    def work(key: str) -> None:
        try:
            for i in range(20):
                records.answer(key, "floor", state="inspected", result="no_contamination", note=str(i), actor="Ana")
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(key,)) for key in keys for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with records.database.reading() as session:
        assert list(session.exec(select(Event.seq).order_by(Event.seq))) == list(range(len(events(records))))
    assert events(records).count("point_answered") >= 40
