"""A register of inspections as a file: CSV of one table, XLSX of all, JSON of everything on record, COCO, or the PDF of one inspection."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

from pestcheck import __version__
from pestcheck.export import csv
from pestcheck.i18n import LANGUAGES
from pestcheck.records import Filter, Records, Refused
from pestcheck.records.registers import PARTS, Part, Register
from pestcheck.store import events

MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
    "coco": "application/json",
    "pdf": "application/pdf",
}
"""The formats there are, and their media types."""
LOG = "log"
TABLES = (*PARTS, LOG)
"""What a CSV may hold. ``log``: a row a finding, and one a point without."""

Progress = Callable[[int, int], None]
"""Told how many inspections are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Written:
    """A file. ``rows``: inspections in it, or lines of its one table."""

    rows: int
    sha256: str
    size: int


def export(
    records: Records, format: str, file: IO[bytes], *, actor: str, filter: Filter | None = None, part: str = "inspections",
    language: str = "en", location: bool = False,
    photograph: Callable[[str], bytes] | None = None, progress: Progress = lambda done, size: None,
) -> Written:  # fmt: skip
    """Write what matches to a file that can be read and written, and record that it was taken out. All of it is as of one moment.

    Args:
        format: of MEDIA. part: of TABLES, which one goes into a CSV. language: of a PDF.
        photograph: where a PDF's photographs come from, by SHA-256; None: the store.
        location: whether places where photographs were taken go with it.

    Raises:
        Refused: there is no such format or table, or a PDF is asked for of other than one inspection.
        OSError: the records cannot be read or written, or the file cannot be; nothing is recorded.
    """
    wanted = filter or Filter()
    if format not in MEDIA:
        raise Refused(f"There is no format {format[:20]!r}; there are: {', '.join(MEDIA)}.")
    if language not in LANGUAGES:
        raise Refused(f"There is no language {language[:20]!r}; there are: {', '.join(LANGUAGES)}.")
    if part not in TABLES:
        raise Refused(f"There is no table {part[:40]!r}; there are: {', '.join(TABLES)}.")
    with records.register(wanted) as register:
        if format == "pdf":
            rows, only = 1, _pdf(records, register, file, photograph or records.photo_store.get, language, location)
        else:
            rows, only = _write(records, register, format, file, part, location, progress), None
    file.flush()
    file.seek(0)
    digest = hashlib.sha256()
    while piece := file.read(2**20):
        digest.update(piece)
    written = Written(rows, digest.hexdigest(), file.tell())
    records.exported(
        "inspection" if wanted.inspection else "register", format, actor=actor, filter=wanted, part=part if format == "csv" else "", rows=rows,
        sha256=written.sha256, size=written.size, location=location, inspection_id=(only or wanted.inspection or None) if rows else None,
    )  # fmt: skip
    file.seek(0)
    return written


def _write(
    records: Records, register: Register, format: str, file: IO[bytes], part: str, location: bool, progress: Progress
) -> int:  # fmt: skip
    size = register.size
    made = {"made_at": events.now(), "made_by": f"pestcheck {__version__}"}
    about = {**made, "filter": register.filter.given}
    match format:
        case "csv" if part == LOG:
            counted = _Counted(csv.log_rows(_told(records.views(register), size, progress)))
            _text(file, csv.lines(csv.COLUMNS, counted))
            return counted.count
        case "csv":
            counted = _Counted(_rows(register, PARTS[part], size, progress))
            _text(file, csv.lines([*PARTS[part].columns], counted))
            return counted.count
        case "xlsx":
            from pestcheck.export import xlsx

            sheets = [(one.name, [*one.columns], register.count(one)) for one in PARTS.values()]
            says = {
                "made at": made["made_at"], "made by": made["made_by"], "inspections": str(size), "times": "ISO 8601, UTC",
                **{f"filter: {key}": value for key, value in register.filter.given.items()},
            }  # fmt: skip
            # A sheet goes through all inspections again: progress counts these rounds.
            rounds = {name: number for number, name in enumerate(PARTS)}
            xlsx.write(
                file, says, sheets,
                lambda name: _rows(register, PARTS[name], size, lambda done, _: progress(rounds[name] * size + done, len(PARTS) * size)),
            )  # fmt: skip
        case "json":
            from pestcheck.export.json import register_json

            _text(file, register_json(_told(records.views(register), size, progress), about, location=location))
        case _:
            from pestcheck.export import coco

            return coco.write(file, _told(records.views(register), size, progress), about)
    return size


def _pdf(records: Records, register: Register, file: IO[bytes], photograph: Callable[[str], bytes], language: str, location: bool) -> str:
    from pestcheck.export.pdf import inspection_pdf

    if register.size != 1:
        raise Refused(f"A PDF is of one inspection, and {register.size} match. Name it by its id.")
    (view,) = records.views(register)
    file.write(inspection_pdf(view, photograph, language=language, location=location))
    return view.inspection.id


def _rows(register: Register, part: Part, size: int, progress: Progress) -> Iterator[Sequence[Any]]:
    """The rows of a table: those of the inspections, then those of none."""
    done = 0
    for page in register.pages():
        yield from register.rows(part, page)
        done += len(page)
        progress(done, size)
    yield from register.others(part)


def _told(views: Iterable[Any], size: int, progress: Progress) -> Iterator[Any]:
    for done, view in enumerate(views, 1):
        yield view
        progress(done, size)


def _text(file: IO[bytes], texts: Iterable[str]) -> None:
    for text in texts:
        file.write(text.encode())


class _Counted:
    """Counts what is taken from it."""

    def __init__(self, rows: Iterable[Sequence[Any]]) -> None:
        self._rows, self.count = rows, 0

    def __iter__(self) -> Iterator[Sequence[Any]]:
        for row in self._rows:
            self.count += 1
            yield row
