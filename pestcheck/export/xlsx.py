"""A register as XLSX. XlsxWriter makes the workbook with its headers; the rows are put between its lines as they come from the database.

XlsxWriter's own way of writing rows (constant memory) takes about 5 µs a cell and the size of the sheet on the disk twice: a million findings
would take two minutes and three gigabytes.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import IO

from xlsxwriter import Workbook
from xlsxwriter.utility import xl_col_to_name, xl_range

from pestcheck.export.csv import FORMULA

MOST_ROWS = 2**20 - 1
"""Rows that a sheet takes beside its header; what is more goes on in another one."""
MOST_TEXT = 32_767
"""Characters that a cell takes (of UTF-16)."""
COMPRESS = 3
WIDE, NARROW = 40, 9
ROWS, EXTENT = b"</sheetData>", re.compile(rb'<dimension ref="[^"]*"/>')
TOGETHER = 500
ESCAPED = re.compile(r"_x[0-9A-Fa-f]{4}_|[\0-\x08\x0b-\x1f\ufffe\uffff]")
"""What XML cannot hold, and what would be read as such an escape (ECMA-376, ST_Xstring)."""
PLAIN = re.compile(rf"(?![{''.join(re.escape(sign) for sign in sorted(FORMULA))}\s])[^&<>\0-\x1f\ufffe\uffff]*(?<!\s)", re.DOTALL)

Sheet = tuple[str, Sequence[str], int]
"""Its name, its columns, and how many rows it will have."""


def write(
    file: IO[bytes], about: dict[str, str], sheets: Sequence[Sheet], rows: Callable[[str], Iterable[Sequence[object]]]
) -> dict[str, int]:
    """Write a workbook.

    Args:
        about: what its first sheet says, a line each. sheets: all of them. rows: those of a sheet, asked for one after the other.

    Returns:
        How many rows each sheet has.
    """
    parts = [
        (name if not start else f"{name} {start // MOST_ROWS + 1}", name, columns, min(size - start, MOST_ROWS))
        for name, columns, size in sheets
        for start in range(0, max(size, 1), MOST_ROWS)
    ]
    made = {name: 0 for name, *_ in sheets}
    with zipfile.ZipFile(io.BytesIO(_empty(about, parts))) as empty:
        quoted = _quoted(empty)
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESS) as archive:
            here = {f"xl/worksheets/sheet{number}.xml": one for number, one in enumerate(parts, 2)}
            for entry in empty.namelist():
                if entry not in here:
                    archive.writestr(entry, empty.read(entry))
            going: dict[str, Iterator[Sequence[object]]] = {}
            for entry, (_, name, columns, size) in here.items():
                before, _, after = empty.read(entry).partition(ROWS)
                source = going.setdefault(name, iter(rows(name)))
                with archive.open(entry, "w", force_zip64=True) as out:
                    out.write(EXTENT.sub(f'<dimension ref="{xl_range(0, 0, size, len(columns) - 1)}"/>'.encode(), before))
                    for text, count in _xml(islice(source, MOST_ROWS), columns, quoted):
                        out.write(text.encode())
                        made[name] += count
                    out.write(ROWS + after)
    return made


def _empty(about: dict[str, str], parts: Sequence[tuple[str, str, Sequence[str], int]]) -> bytes:
    """The workbook without its rows."""
    made = io.BytesIO()
    with Workbook(made, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        bold, quote = book.add_format({"bold": True, "bottom": 1}), book.add_format({"quote_prefix": True})
        first = book.add_worksheet("about")
        first.set_column(0, 0, 24)
        first.set_column(1, 1, 80)
        first.write_string(0, 0, "pestcheck", quote)
        for line, (key, value) in enumerate(about.items(), 1):
            first.write_string(line, 0, key)
            first.write_string(line, 1, value, quote if value[:1] in FORMULA else None)
        for title, _, columns, size in parts:
            sheet = book.add_worksheet(title)
            sheet.write_row(0, 0, columns, bold)
            sheet.freeze_panes(1, 0)
            sheet.autofilter(0, 0, size, len(columns) - 1)
            for place, column in enumerate(columns):
                sheet.set_column(place, place, max(NARROW, min(len(column) + 3, WIDE)))
    return made.getvalue()


def _quoted(empty: zipfile.ZipFile) -> str:
    """The number of the style that keeps a cell from being run: that of the first cell of the first sheet."""
    found = re.search(rb'<c r="A1" s="(\d+)"', empty.read("xl/worksheets/sheet1.xml"))
    assert found
    return found[1].decode()


def _xml(rows: Iterable[Sequence[object]], columns: Sequence[str], quoted: str) -> Iterator[tuple[str, int]]:
    """Some rows at a time as XML, and how many they are."""
    letters, number = [xl_col_to_name(place) for place in range(len(columns))], 1
    source = iter(rows)
    while some := [*islice(source, TOGETHER)]:
        parts: list[str] = []
        for row in some:
            number += 1
            parts.append(f'<row r="{number}">')
            for letter, value in zip(letters, row, strict=True):
                if value is None or value == "":
                    continue
                if isinstance(value, str):
                    if PLAIN.fullmatch(value) and "_x" not in value:
                        parts.append(f'<c r="{letter}{number}" t="inlineStr"><is><t>{value}</t></is></c>')
                    else:
                        parts.append(_text(f"{letter}{number}", value, quoted))
                elif isinstance(value, bool):
                    parts.append(f'<c r="{letter}{number}" t="b"><v>{int(value)}</v></c>')
                else:
                    parts.append(f'<c r="{letter}{number}"><v>{value}</v></c>')
            parts.append("</row>")
        yield "".join(parts), len(some)


def _text(place: str, value: str, quoted: str) -> str:
    """A cell with text that is not plain: escaped, cut to what a cell takes, and not to be run."""
    style = f' s="{quoted}"' if value[:1] in FORMULA else ""
    if len(value.encode("utf-16-le")) > 2 * MOST_TEXT:
        value = value[: MOST_TEXT // 2] + "…"
    text = ESCAPED.sub(lambda found: f"_x{ord(found[0][0]):04X}_{found[0][1:]}", value)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f'<c r="{place}"{style} t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
