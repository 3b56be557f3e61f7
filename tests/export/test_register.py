"""Registers: which inspections they hold, that every format holds them whole, and that each is on the log."""

from __future__ import annotations

import csv as reader
import io
import json
import re
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import openpyxl
import pytest
from openpyxl.utils.escape import unescape
from sqlmodel import select

from pestcheck.export import csv, xlsx
from pestcheck.export.json import inspection_json, schema
from pestcheck.export.register import TABLES, Written, export
from pestcheck.ids import uuid7
from pestcheck.records import Filter, Records, Refused
from pestcheck.records.registers import PARTS
from pestcheck.store.tables import Event, Export, Inspection
from pestcheck.store.verify import verify
from tests.export.full import full
from tests.records.conftest import ANA, closed, opened, photographed, suggested


def made(records: Records, format: str, **how: Any) -> tuple[bytes, Written]:
    with tempfile.TemporaryFile() as file:
        written = export(records, format, file, actor="Cleo", **how)
        return file.read(), written


def table(records: Records, part: str, **how: Any) -> list[dict[str, str]]:
    return list(reader.DictReader(io.StringIO(made(records, "csv", part=part, **how)[0].decode())))


@pytest.fixture
def yard(records: Records, scan: Callable[..., Any]) -> dict[str, str]:
    """Three inspections: a full and closed one, a clean and closed one, an open one."""
    clean = opened(records, site="Yard 2", origin="Tijuana", destination="San Diego", selection="routine")
    closed(records, clean)
    return {
        "full": full(records, scan, template="container_7_point@1", photographs=2, findings=5, site="=HYPERLINK(1)"),
        "clean": clean,
        "open": opened(records, number="MSKU 907032 3", site="Yard 2"),
    }


LATITUDE = re.compile(rb"(?<![\d:])25\.7")
"""And not the seconds of a time."""

FINDS: tuple[tuple[dict[str, str], set[str]], ...] = (
    ({}, {"full", "clean", "open"}), ({"site": "Yard 2"}, {"clean", "open"}), ({"outcome": "contamination"}, {"full"}),
    ({"outcome": "no_contamination"}, {"clean"}), ({"outcome": "open"}, {"open"}), ({"outcome": "hold"}, {"full"}),
    ({"label": "soil"}, {"full"}), ({"label": "insect"}, {"full"}), ({"label": "slug"}, set()), ({"container": "msku9070"}, {"open"}),
    ({"partner": "TRANSPORTES  ávila"}, {"full"}), ({"partner": "scnn"}, {"full"}), ({"partner": "Nobody"}, set()),
    ({"lane": "Monterrey > Laredo"}, {"full"}), ({"lane": ">San Diego"}, {"clean"}), ({"lane": "Tijuana"}, {"clean"}),
    ({"inspector": ANA, "site": "=HYPERLINK(1)"}, {"full"}), ({"inspector": "Bo"}, set()), ({"since": "2020-01-01"}, {"full", "clean", "open"}),
    ({"until": "2020-01-01"}, set()), ({"since": "2999-01-01"}, set()), ({"since": "2020-01-01T00:00:00-06:00", "outcome": "open"}, {"open"}),
)  # fmt: skip


def test_a_filter_finds_what_meets_all_of_it(records: Records, yard: dict[str, str]) -> None:
    for given, finds in FINDS:
        found = {row["inspection"] for row in table(records, "inspections", filter=Filter(**given))}
        assert found == {yard[name] for name in finds}, given
        assert records.matching(Filter(**given)) == len(finds)
        assert {row.id for row, _ in records.matches(Filter(**given))} == found
        assert {view["inspection"]["id"] for view in json.loads(made(records, "json", filter=Filter(**given))[0])["inspections"]} == found


def test_one_day_is_that_day(records: Records, yard: dict[str, str]) -> None:
    day = records.inspection(yard["open"]).inspection.opened_at[:10]
    assert records.matching(Filter(since=day, until=day)) == 3
    at = records.inspection(yard["open"]).inspection.opened_at
    assert records.matching(Filter(since=at, until=at)) == 1


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"since": "yesterday"}, "no time"), ({"since": "2026-11-24T08:00:00"}, "time zone"), ({"label": "rust"}, "no label"),
        ({"outcome": "clean"}, "no outcome"), ({"since": "2026-02-01", "until": "2026-01-01"}, "turn the dates round"), ({"inspection": "x"}, "not the id"),
        ({"until": "9999-12-31"}, "no time"), ({"site": "a\x00b"}, "characters"), ({"site": "x" * 3000}, "too long"),
    ],
)  # fmt: skip
def test_a_filter_that_makes_no_sense_is_told(given: dict[str, str], says: str) -> None:
    with pytest.raises(Refused, match=says):
        Filter(**given)


def test_matches_come_page_by_page(records: Records) -> None:
    keys = [opened(records) for _ in range(7)][::-1]
    seen: list[str] = []
    while page := records.matches(Filter(), 3, after=seen[-1] if seen else None):
        seen += [row.id for row, _ in page]
    assert seen == keys
    with records.register(Filter()) as register:
        assert [*register.pages(2)] == [keys[:4:-1], keys[4:2:-1], keys[2:0:-1], keys[0:1]]


def test_what_is_read_together_is_what_is_read_alone(records: Records, yard: dict[str, str]) -> None:
    with records.register(Filter()) as register:
        views = {view.inspection.id: view for view in records.views(register)}
    assert views.keys() == set(yard.values())
    for key, view in views.items():
        alone = records.inspection(key)
        assert (view, view.content) == (alone, alone.content)


def test_tables_hold_every_row(records: Records, yard: dict[str, str]) -> None:
    records.seal("issued", "H1234567", actor=ANA)
    records.certify("Bo", "inspection", given_on="2026-01-01", expires_on="2027-01-01", actor="Cleo")
    view = records.inspection(yard["full"])
    (row,) = (row for row in table(records, "inspections") if row["inspection"] == yard["full"])
    assert (row["site"], row["disposition"], row["findings"]) == ("'=HYPERLINK(1)", "hold", str(len(view.kept())))
    assert (row["photographs"], row["wood_packaging"], row["seals"], row["seal_checks"], row["signatures"]) == ("2", "1", "1", "1", "3")
    assert row["opened_at"].endswith("Z")
    findings = table(records, "findings")
    assert [one["finding"] for one in findings] == [one.id for item in view.photographs for one in item.findings]
    assert {one["found_clean"] for one in findings} == {"true", ""}
    assert len(table(records, "actions")) == sum(len(actions) for actions in view.actions.values())
    assert [one["act"] for one in table(records, "seals")] == ["affixed", "issued"]
    assert [one["act"] for one in table(records, "seals", filter=Filter(site="Yard 2"))] == []
    assert [one["person"] for one in table(records, "training")] == ["Bo"]
    assert [one["person"] for one in table(records, "training", filter=Filter(inspector="bo"))] == ["Bo"]
    assert table(records, "training", filter=Filter(inspector="Ana")) == []
    assert json.loads(table(records, "seal_checks")[0]["looks"])["verify"] == ["no", "the papers say H1234576"]
    assert len(table(records, "wood_packaging")) == 1


def test_a_workbook_holds_what_the_tables_do(records: Records, yard: dict[str, str]) -> None:
    records.open(uuid7(), number="CSQU3054383", inspector="<&>_x0041_ \U0001f41b 王", site=" -1+1", override_reason="x" * 2000)
    data, written = made(records, "xlsx")
    book = openpyxl.load_workbook(io.BytesIO(data))
    assert book.sheetnames == ["about", *PARTS]
    for part in PARTS:
        sheet = [*book[part].iter_rows(values_only=True)]
        rows = table(records, part)
        assert sheet[0] == tuple(PARTS[part].columns)
        assert len(sheet) == len(rows) + 1
        for cells, row in zip(sheet[1:], rows, strict=True):
            for cell, text in zip(cells, row.values(), strict=True):
                plain = "" if cell is None else str(cell).lower() if isinstance(cell, bool) else unescape(str(cell))
                assert plain == text.removeprefix("'") or float(plain) == float(text), (part, plain, text)
    assert written.rows == 4
    cell = next(cell for cell in book["inspections"]["J"] if cell.value == "=HYPERLINK(1)")
    assert (cell.data_type, cell.quotePrefix) == ("s", True)
    assert book["inspections"].auto_filter.ref == book["inspections"].dimensions


def test_a_sheet_that_is_full_goes_on_in_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "MOST_ROWS", 3)
    file = io.BytesIO()
    assert xlsx.write(
        file, {"a": "=b"}, [("t", ["n"], 7), ("u", ["m"], 0)], lambda name: ([n] for n in range(7 if name == "t" else 0))
    ) == {
        "t": 7,
        "u": 0,
    }
    book = openpyxl.load_workbook(file)
    assert book.sheetnames == ["about", "t", "t 2", "t 3", "u"]
    assert [[cell.value for (cell,) in book[name].iter_rows(min_row=2)] for name in book.sheetnames[1:]] == [[0, 1, 2], [3, 4, 5], [6], []]


@pytest.mark.parametrize("text", ["a\x00b\x1f", "\ufffe", "_x000D_", "line\nbreak\ttab", " space ", "x" * 40_000, "]]>", "😀" * 20_000])
def test_a_cell_takes_any_text(text: str) -> None:
    file = io.BytesIO()
    xlsx.write(file, {}, [("t", ["n"], 1)], lambda _: [[text]])
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
    value = unescape(openpyxl.load_workbook(file)["t"]["A2"].value)
    assert value == text or (len(text) > 32_767 / 2 and value.endswith("…"))


def test_the_json_is_as_its_schema_says(records: Records, yard: dict[str, str]) -> None:
    checker = jsonschema.Draft202012Validator(json.loads(schema()), format_checker=jsonschema.FormatChecker())
    checker.check_schema(checker.schema)
    for location in (False, True):
        told = json.loads(made(records, "json", location=location)[0])
        assert [error.message for error in checker.iter_errors(told)] == []
        assert len(told["inspections"]) == 3
        assert told["inspections"][0]["location"] is location
    one = next(one for one in told["inspections"] if one["inspection"]["id"] == yard["full"])
    assert one["content"] == records.inspection(yard["full"]).content
    assert not checker.is_valid(told | {"more": 1})


def test_places_are_told_only_when_asked(records: Records, yard: dict[str, str]) -> None:
    from tests.export.test_shared import exif
    from tests.pictures import scenes

    out = io.BytesIO()
    scenes.floor(320, 240).save(out, "JPEG", exif=exif())
    records.photograph(yard["open"], "floor", out.getvalue(), name="a.jpg", actor=ANA)
    key = Filter(inspection=yard["open"])
    for format in ("json", "coco", "csv"):
        for part in TABLES:
            assert not LATITUDE.search(made(records, format, filter=key, part=part)[0])
            assert b"latitude" not in made(records, format, filter=key, part=part)[0]
    assert LATITUDE.search(made(records, "json", filter=key, location=True)[0])
    assert "latitude" not in json.dumps(inspection_json(records.inspection(yard["open"])))


def test_a_data_set_for_other_programs(records: Records, yard: dict[str, str], scan: Callable[..., Any]) -> None:
    photographed(records, yard["open"], scan)
    records.decide(suggested(records, yard["open"])[0].id, "rejected", actor=ANA)
    told = json.loads(made(records, "coco")[0])
    view = records.inspection(yard["full"])
    names = {one["id"]: one["name"] for one in told["categories"]}
    assert {(one["finding"], names[one["category_id"]], *one["bbox"]) for one in told["annotations"]} == {
        (one.id, one.decided_label, one.box[0], one.box[1], one.box[2] - one.box[0], one.box[3] - one.box[1])
        for one in view.kept()
        if one.box
    }
    images = {image["id"]: image for image in told["images"]}
    assert all(images[one["image_id"]]["inspection"] == yard["full"] for one in told["annotations"])
    assert [image["without_box"] for image in images.values() if image["without_box"]] == [
        [one.decided_label] for one in view.kept() if not one.box
    ]
    assert [len(image["rejected"]) for image in images.values() if image["inspection"] == yard["open"]] == [1]


def test_who_took_what_is_on_the_log(records: Records, yard: dict[str, str]) -> None:
    data, written = made(records, "csv", part="findings", filter=Filter(site="Yard 2"))
    import hashlib

    assert written == Written(0, hashlib.sha256(data).hexdigest(), len(data))
    (entry,) = records.exports()
    assert (entry.what, entry.format, entry.part, entry.filter, entry.rows) == ("register", "csv", "findings", {"site": "Yard 2"}, 0)
    assert (entry.exported_by, entry.sha256, entry.size, entry.location) == ("Cleo", written.sha256, len(data), False)
    made(records, "pdf", filter=Filter(inspection=yard["full"]))
    assert records.exports()[0].inspection_id == yard["full"]
    assert records.exports(actor="Bo") == []
    with records.database.reading() as session:
        assert [event.kind for event in session.exec(select(Event).order_by(Event.seq)) if event.kind == "exported"] == ["exported"] * 2
    again = records.exported("pack", "zip", actor="Cleo", export_id=entry.id.replace("0", "1"))
    assert records.exported("pack", "zip", actor="Cleo", export_id=again) == again
    with pytest.raises(Refused, match="Another export"):
        records.exported("pack", "zip", actor="Bo", export_id=again)
    assert len(records.exports()) == 3
    assert verify(records.database, records.photo_store).problems == ()


def test_an_inspection_is_purged_with_who_took_it(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import UTC, datetime, timedelta

    from pestcheck.store import events

    with monkeypatch.context() as patch:
        patch.setattr(events, "now", lambda: events.written(datetime.now(UTC) - timedelta(days=800)))
        key = opened(records)
        closed(records, key)
    opened(records)
    made(records, "json", filter=Filter(inspection=key))
    made(records, "csv")
    records.purge(key, reason="over", actor="Cleo", years=2)
    with records.database.reading() as session:
        assert [entry.what for entry in session.exec(select(Export))] == ["register"]
    assert [*verify(records.database, records.photo_store).problems] == []


def test_people_take_out_what_is_at_their_sites(records: Records, yard: dict[str, str]) -> None:
    mine = records.within(frozenset({"Yard 2"}))
    for part in TABLES:
        assert yard["full"] not in made(mine, "csv", part=part)[0].decode()
    assert mine.matching(Filter()) == 2
    assert mine.names()["site"] == ["Yard 2"]
    assert mine.names()["partner"] == []
    assert records.names()["partner"] == ["Maquila del Norte", "SCNN", "Transportes Ávila"]
    with pytest.raises(Refused, match="0 match"):
        made(mine, "pdf", filter=Filter(inspection=yard["full"]))


def test_what_cannot_be_written_is_told_and_not_logged(records: Records) -> None:
    opened(records)
    opened(records)
    for how, says in (
        ({"format": "doc"}, "no format"), ({"format": "csv", "part": "x"}, "no table"), ({"format": "pdf"}, "2 match"),
        ({"format": "pdf", "language": "xx"}, "no language"),
    ):  # fmt: skip
        with pytest.raises(Refused, match=says):
            made(records, **how)  # type: ignore[arg-type]
    assert records.exports() == []


def test_progress_is_told(records: Records, yard: dict[str, str]) -> None:
    for format in ("csv", "xlsx", "json", "coco"):
        told: list[tuple[int, int]] = []
        made(records, format, progress=lambda done, size, told=told: told.append((done, size)))
        assert [*told] == sorted(told)
        assert told[-1][0] == told[-1][1] > 0


def test_an_export_sees_one_state_of_the_records(records: Records, yard: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody opens an inspection between two of its pages."""
    monkeypatch.setattr("pestcheck.records.registers.PAGE", 1)
    monkeypatch.setattr("pestcheck.records.inspections.VIEWS", 1)
    for format in ("xlsx", "json"):
        before = records.matching(Filter())
        later: list[str] = []

        def meanwhile(done: int, size: int, later: list[str] = later) -> None:
            if not later:
                later.append(opened(records))

        data, written = made(records, format, progress=meanwhile)
        assert later
        assert written.rows == before
        if format == "json":
            assert len(json.loads(data)["inspections"]) == before
        else:
            assert openpyxl.load_workbook(io.BytesIO(data))["inspections"].max_row == before + 1


def test_memory_does_not_grow_with_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tracemalloc

    from pestcheck.store import open_folder
    from tests import register

    monkeypatch.setattr("pestcheck.records.registers.PAGE", 25)
    monkeypatch.setattr("pestcheck.records.inspections.VIEWS", 25)
    peaks = []
    for size in (100, 600):
        database, photographs = open_folder(tmp_path / str(size), f"sqlite:///{tmp_path / str(size)}/a.sqlite3")
        register.fill(database, size, 4)
        tracemalloc.start()
        for format in ("xlsx", "csv", "json"):
            made(Records(database, photographs), format)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        database.close()
    assert peaks[1] < 1.5 * peaks[0]


def test_the_names_of_columns_are_those_of_the_docs() -> None:
    text = (Path(__file__).parents[2] / "docs" / "exports.md").read_text("utf-8")
    assert [column for part in PARTS.values() for column in part.columns if f"`{column}`" not in text] == []
    assert [column for column in csv.COLUMNS if f"`{column}`" not in text] == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("part", sorted({*PARTS} - {"training"}))
def test_rows_of_an_inspection_are_looked_up_by_it(records: Records, yard: dict[str, str], part: str) -> None:
    """Also without statistics, which PostgreSQL gathers by itself: SQLite then guesses that few rows have a state."""
    with records.register(Filter()) as register:
        connection = register.session.connection()
        query = PARTS[part].of(Inspection.id.in_([yard["full"]])).compile(connection, compile_kwargs={"literal_binds": True})  # type: ignore[attr-defined]
        plan = [row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}")]
    assert not [line for line in plan if line.startswith("SCAN") or "(state" in line]
