"""The command line. Each command imports what it needs when it runs: ``pestcheck --help`` must not wait for a model."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from pestcheck.settings import Settings

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="Find pest contamination on containers, conveyances and wood packaging. The person decides; pestcheck never clears a container.",
)  # fmt: skip

DataOption = Annotated[Path | None, typer.Option("--data", help="Folder of the records. [default: ~/pestcheck-data, or PESTCHECK_DATA]")]
ModelOption = Annotated[Path | None, typer.Option("--model", help="Model folder. [default: the one shipped, or PESTCHECK_MODEL]")]


class Format(StrEnum):
    """How ``check`` prints."""

    table = "table"
    jsonl = "jsonl"


@app.command()
def check(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO...", help="JPEG, PNG, WebP or HEIC files.", show_default=False)],
    format: Annotated[Format, typer.Option(help="A table for people, or one JSON object a photograph.")] = Format.table,
    overlay: Annotated[Path | None, typer.Option(metavar="DIR", help="Also write each photograph with its findings drawn on it.")] = None,
    model: ModelOption = None,
) -> None:
    """Search photographs for contamination. Exit code 1 when one could not be read; the others are checked all the same."""
    from pestcheck.photo import PhotoError
    from pestcheck.vision.bundle import BundleError
    from pestcheck.vision.scan import Scanner

    try:
        scanner = Scanner(model or _settings().model)
    except BundleError as error:
        _fail(str(error))
    if overlay:
        overlay.mkdir(parents=True, exist_ok=True)
    failed = False
    for number, path in enumerate(photos):
        try:
            report, image = scanner.scan(path.read_bytes())
            line = report.to_json(str(path))
            if overlay:
                from pestcheck.vision.overlay import draw

                draw(report, image).save(_beside(overlay, path.stem), quality=90)
        except (PhotoError, OSError) as error:
            failed = True
            says = str(error) if isinstance(error, PhotoError) else f"cannot be read: {error.strerror or error}"
            line = {"photo": str(path), "error": says}
        if format is Format.jsonl:
            typer.echo(json.dumps(line))
        else:
            _print_row(line, first=number == 0)
    raise typer.Exit(1 if failed else 0)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. [default: 127.0.0.1, or PESTCHECK_HOST]")] = None,
    port: Annotated[int | None, typer.Option(help="[default: 7860, or PESTCHECK_PORT]")] = None,
    data: DataOption = None,
    model: ModelOption = None,
) -> None:
    """Start the app for inspectors."""
    try:
        from app.main import run
    except ModuleNotFoundError as error:
        _fail(f"the app needs more packages ({error.name} is missing): pip install 'pestcheck[app]'")
    from pestcheck.vision.bundle import BundleError

    try:
        run(_settings(host=host, port=port, data=data, model=model))
    except BundleError as error:
        _fail(str(error))


@app.command()
def export(
    output: Annotated[Path | None, typer.Argument(metavar="FILE", help="CSV file to write; standard output if none is given.")] = None,
    data: DataOption = None,
) -> None:
    """Write the inspection log as CSV: one row a finding, and one a point without findings."""
    from pestcheck.export import csv
    from pestcheck.records import Records

    lines = csv.write(Records(*_store(_settings(data=data))).every_inspection())
    if output is None:
        sys.stdout.writelines(lines)
    else:
        with output.open("w", encoding="utf-8", newline="") as file:
            file.writelines(lines)


@app.command()
def verify(data: DataOption = None) -> None:
    """Check that the records are what they were: the event log's tree, the photographs, the tables. Exit code 1 if not."""
    from pestcheck.store.verify import verify as run

    result = run(*_store(_settings(data=data)))
    for problem in result.problems:
        typer.echo(f"{problem.what}: {problem.where}: {problem.says}")
    typer.echo(f"{result.events} events, {result.photographs} photographs, {result.rows} rows; tree head {result.root}")
    typer.echo(f"{len(result.problems)} problems." if result.problems else "Unchanged: tree, photographs and tables agree.")
    raise typer.Exit(1 if result.problems else 0)


@app.command()
def models() -> None:
    """List the models that came with this installation."""
    from pestcheck.vision import bundle

    newest = bundle.shipped()
    for folder in sorted(path.parent for path in newest.parent.glob(f"*/{bundle.DESCRIPTION}")):
        loaded = bundle.load(folder)
        typer.echo(f"{loaded.id}{' (in use)' if folder == newest else ''}: {len(loaded.labels)} labels, {loaded.created}, {folder}")


def _settings(**given: Any) -> Settings:
    from pydantic import ValidationError

    from pestcheck.settings import Settings

    try:
        return Settings(**{key: value for key, value in given.items() if value is not None})
    except ValidationError as error:
        _fail("; ".join(f"setting PESTCHECK_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors()))


def _store(settings: Settings) -> Any:
    from pestcheck.store import open_folder

    if not settings.data.is_dir():
        _fail(f"{settings.data} is not there. Name the folder of the records with --data or PESTCHECK_DATA.")
    return open_folder(settings.data, settings.database_url)


def _fail(message: str) -> NoReturn:
    typer.echo(f"pestcheck: {message}", err=True)
    raise typer.Exit(2)


def _beside(folder: Path, stem: str) -> Path:
    """A free name, so that two photographs of one name do not overwrite each other."""
    path, n = folder / f"{stem}.jpg", 1
    while path.exists():
        n += 1
        path = folder / f"{stem}-{n}.jpg"
    return path


def _print_row(line: dict[str, Any], *, first: bool) -> None:
    if first:
        typer.echo(f"{'verdict':<14}{'score':>6}  photo and findings (box in pixels)")
    if "error" in line:
        typer.echo(f"{'error':<14}{'':>6}  {line['photo']}: {line['error']}")
        return
    problems = f" ({'; '.join(line['quality']['problems'])})" if line["quality"]["problems"] else ""
    typer.echo(f"{line['verdict']:<14}{line['score']:>6.2f}  {line['photo']}{problems}")
    for finding in line["findings"]:
        typer.echo(f"{'':<22}{finding['reason']}  [{' '.join(map(str, finding['box']))}]")
