"""``pestcheck export``: a register, a data set or the PDF of an inspection as a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

ENDINGS = {".csv": "csv", ".xlsx": "xlsx", ".coco.json": "coco", ".json": "json", ".pdf": "pdf", ".zip": "zip"}
"""Formats by the ending of a file's name."""


def _filter(what: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(help=what, show_default=False, rich_help_panel="Which inspections")
    return option


def export(
    output: Annotated[Path | None, typer.Argument(metavar="FILE", help="File to write; standard output if none is given.")] = None,
    format: Annotated[
        str, typer.Option(help="csv, xlsx, json, coco, pdf or zip. By default what FILE ends in, else csv.", show_default=False)
    ] = "",
    table: Annotated[
        str, typer.Option(help="Of a CSV: inspections, findings, seals, seal_checks, wood_packaging, actions, training or log.")
    ] = "inspections",
    since: Annotated[str, _filter("Opened on this day (UTC) or later; or a time with zone.")] = "",
    until: Annotated[str, _filter("Opened on this day or earlier.")] = "",
    site: Annotated[str, _filter("Where it was inspected.")] = "",
    partner: Annotated[str, _filter("A company that had it in its hands, by name, or the carrier's SCAC.")] = "",
    lane: Annotated[str, _filter('"ORIGIN > DESTINATION"; either may be left out.')] = "",
    container: Annotated[str, _filter("Part of the number.")] = "",
    label: Annotated[str, _filter("Found there by a person: a label, or a group for all its labels.")] = "",
    outcome: Annotated[str, _filter("contamination, no_contamination, open, closed, or what became of the conveyance.")] = "",
    inspector: Annotated[str, _filter("Who inspected, in full.")] = "",
    inspection: Annotated[str, _filter("The id of just one.")] = "",
    language: Annotated[str, typer.Option(help="Of a PDF: en or es.")] = "en",
    location: Annotated[bool, typer.Option("--location", help="Also say where photographs were taken (GPS).")] = False,
    by: Annotated[
        str, typer.Option(help="Your name; the log says who took what out. By default that of your user account.", show_default=False)
    ] = "",
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder of the records. By default ~/pestcheck-data, or PESTCHECK_DATA.")
    ] = None,
) -> None:
    """Write inspections to a file: a table (CSV), all tables (XLSX), all that is on record (JSON), what was found (COCO), one record (PDF),
    or an evidence pack (ZIP), which `pestcheck verify FILE`, or the verify.py in it, checks."""
    import getpass
    import tempfile

    from pestcheck.cli import _fail, _records, _settings
    from pestcheck.cli_heads import heads
    from pestcheck.export.pack import export as pack
    from pestcheck.export.register import export as write
    from pestcheck.records import Filter, Refused
    from pestcheck.store.photos import whole_file

    kind = format or ("csv" if output is None else next((ENDINGS[end] for end in ENDINGS if output.name.lower().endswith(end)), ""))
    if not kind:
        _fail(f"{output}: say the format with --format, or end the name in {', '.join(ENDINGS)}")
    settings = _settings(data=data)
    records = _records(settings)
    try:
        wanted = Filter(
            since=since, until=until, site=site, partner=partner, lane=lane, container=container, label=label, outcome=outcome,
            inspector=inspector, inspection=inspection,
        )  # fmt: skip
        with (
            whole_file(output) if output else tempfile.TemporaryFile() as file,
            typer.progressbar(length=1, label=str(output), file=sys.stderr, hidden=output is None or not sys.stderr.isatty()) as bar,
        ):

            def progress(done: int, size: int) -> None:
                bar.length = size
                bar.update(done - bar.pos)

            made = pack(records, heads(settings, records.database), file, actor=by or getpass.getuser(), filter=wanted, language=language, location=location, progress=progress, name=output.name if output else "PACK.zip") if kind == "zip" else write(
                records, kind, file, actor=by or getpass.getuser(), filter=wanted, part=table, language=language, location=location,
                progress=progress,
            )  # fmt: skip
            if not output:
                while piece := file.read(2**20):
                    sys.stdout.buffer.write(piece)
    except (Refused, OSError) as error:
        _fail(str(error))
    if output:
        typer.echo(f"{output}: {made.rows} {table if kind == 'csv' else 'inspections'}, {made.size} bytes, SHA-256 {made.sha256}", err=True)
