"""The log as CSV: what stands in it, and what a spreadsheet must not run."""

from __future__ import annotations

import csv as reader
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pestcheck.export import csv
from pestcheck.ids import uuid7
from pestcheck.records import Filter, Records
from pestcheck.vision.scan import Scanner
from tests.pictures import scenes


def log(records: Records) -> str:
    with records.register(Filter()) as register:
        return "".join(csv.lines(csv.COLUMNS, csv.log_rows(records.views(register))))


def rows(records: Records) -> list[dict[str, str]]:
    return list(reader.DictReader(io.StringIO(log(records))))


def test_one_row_a_finding_and_one_a_point_without(records: Records, scanner: Scanner) -> None:
    picture = scenes.wall()
    scenes.lay(picture, "Brown_slug", length=260)
    key = uuid7()
    records.open(key, number="CSQU3054384", inspector="Ana", override_reason='says "so", twice')
    records.photograph(key, "floor", scenes.jpeg(picture), name="a, b.jpg", actor="Ana")
    records.score_next(lambda data: scanner.scan(data)[0])
    finding = records.inspection(key).at("floor")[0].findings[0]
    records.decide(finding.id, "corrected", label="slug", actor="Ana")
    table = rows(records)
    assert [row["area"] for row in table if not row["suggested"]] == [
        a for a in records.inspection(key).template.points for a in [a.area] if a != "floor"
    ]
    row = next(row for row in table if row["area"] == "floor")
    assert (row["decision"], row["decided_label"], row["suggested"]) == ("corrected", "slug", finding.label)
    assert row["override_reason"] == 'says "so", twice'
    assert row["photograph"] == "a, b.jpg"
    assert row["model"] == scanner.bundle.id
    assert float(row["probability"]) == finding.probability


def test_cells_that_a_spreadsheet_would_run_are_neutralised(records: Records) -> None:
    for name in ("=1+1", "+1", "-1", "@SUM(A1)", "＝1+1", "a=1"):
        records.open(uuid7(), number="CSQU3054383", inspector=name)
    assert {row["inspector"] for row in rows(records)} == {"'=1+1", "'+1", "'-1", "'@SUM(A1)", "'＝1+1", "a=1"}


@pytest.mark.parametrize("start", sorted(csv.FORMULA))
def test_a_cell_is_neutralised_and_stays_one_cell(start: str) -> None:
    """Whatever its first character: of some, such as a tab, the records already make a space."""
    text = "".join(csv.lines(["a", "b"], [[f"{start}cmd|' /C calc'!A0", "next"]]))
    _, row = reader.reader(io.StringIO(text, newline=""))
    assert row == [f"'{start}cmd|' /C calc'!A0", "next"]


def test_an_empty_log_has_its_header(records: Records) -> None:
    assert log(records).strip().split(",") == list(csv.COLUMNS)


@given(
    st.lists(
        st.tuples(st.text(), st.none() | st.text(alphabet="a,\"\r\n; '=", max_size=5), st.booleans(), st.integers(), st.floats()),
        max_size=40,
    )
)
def test_what_is_written_is_read_back(rows: list[tuple[object, ...]]) -> None:
    """By the csv module, whatever stands in a cell; only an apostrophe before a formula is more."""
    said = reader.reader(io.StringIO("".join(csv.lines("abcde", rows)), newline=""), strict=True)
    assert next(said) == [*"abcde"]
    for row, read in zip(rows, said, strict=True):
        for cell, text in zip(row, read, strict=True):
            plain = "" if cell is None else str(cell).lower() if isinstance(cell, bool) else str(cell)
            assert text == (f"'{cell}" if isinstance(cell, str) and cell[:1] in csv.FORMULA and cell else plain)
