"""The command line. Each command imports what it needs when it runs: ``pestcheck --help`` must not wait for a model."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from pestcheck import cli_heads
from pestcheck.cli_batch import batch
from pestcheck.cli_export import export
from pestcheck.cli_models import datasets, models
from pestcheck.cli_users import users

if TYPE_CHECKING:
    from pestcheck.records import Records
    from pestcheck.settings import Settings
    from pestcheck.store.verify import Result

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="Find pest contamination on containers, conveyances and wood packaging. The person decides; pestcheck never clears a container.",
)  # fmt: skip

db = typer.Typer(no_args_is_help=True, help="Back up the records, or put a backup back.")
app.add_typer(db, name="db")
app.add_typer(users, name="users")
app.add_typer(cli_heads.app, name="heads")
app.command()(batch)
app.command()(export)
app.add_typer(models, name="models")
app.add_typer(datasets, name="dataset")

DataOption = Annotated[Path | None, typer.Option("--data", help="Folder of the records. [default: ~/pestcheck-data, or PESTCHECK_DATA]")]
InspectionArgument = Annotated[str, typer.Argument(help="Id of the inspection.", show_default=False)]
ByOption = Annotated[str, typer.Option(help="Your name; it stands in the log.")]
ModelOption = Annotated[Path | None, typer.Option("--model", help="Model folder. [default: the one shipped, or PESTCHECK_MODEL]")]


class Format(StrEnum):
    """How ``check`` and ``read`` print."""

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
            line = {"photo": str(path), "error": _says(error)}
        if format is Format.jsonl:
            typer.echo(json.dumps(line))
        else:
            _print_row(line, first=number == 0)
    raise typer.Exit(1 if failed else 0)


class ReadKind(StrEnum):
    """What ``read`` looks for; the names of ``pestcheck.reading.Kind``, which must not be imported for ``--help``."""

    container_number = "container_number"
    size_type = "size_type"
    wpm_mark = "wpm_mark"
    seal = "seal"


@app.command()
def read(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO...", help="JPEG, PNG, WebP or HEIC files.", show_default=False)],
    format: Annotated[Format, typer.Option(help="A table for people, or one JSON object a photograph.")] = Format.table,
    kind: Annotated[list[ReadKind] | None, typer.Option(help="What to look for; may be given more than once. [default: all]")] = None,
) -> None:
    """Suggest the container number, size-type code, ISPM 15 mark and seal number in photographs. Exit code 1 when one could not be read."""
    from pestcheck.photo import PhotoError
    from pestcheck.reading import Kind
    from pestcheck.reading import read as read_photo
    from pestcheck.vision.text import TextError

    kinds = tuple(Kind(str(name)) for name in kind or ReadKind)
    failed = False
    for path in photos:
        try:
            line: dict[str, Any] = {"photo": str(path), "candidates": [c.to_json() for c in read_photo(path.read_bytes(), kinds)]}
        except TextError as error:
            _fail(str(error))
        except (PhotoError, OSError) as error:
            failed = True
            line = {"photo": str(path), "error": _says(error)}
        if format is Format.jsonl:
            typer.echo(json.dumps(line))
        elif "error" in line:
            typer.echo(f"{path}: error: {line['error']}")
        else:
            typer.echo(f"{path}{'' if line['candidates'] else ': no number found'}")
            for found in line["candidates"]:
                notes = "; ".join([*found["repaired"], *([found["problem"]] if found["problem"] else [])])
                typer.echo(f"    {found['kind']:<17}{found['text']:<20}{found['confidence']:>5.2f}  {notes}".rstrip())
    raise typer.Exit(1 if failed else 0)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. [default: 127.0.0.1, or PESTCHECK_HOST]")] = None,
    port: Annotated[int | None, typer.Option(help="[default: 7860, or PESTCHECK_PORT]")] = None,
    lan: Annotated[
        bool, typer.Option("--lan", help="For tablets: listen to the local network, with a TLS certificate made here if none is set.")
    ] = False,
    data: DataOption = None,
    model: ModelOption = None,
) -> None:
    """Start the app for inspectors."""
    try:
        from app.main import Exposed, run
        from app.oidc import NotSetUp
    except ModuleNotFoundError as error:
        _fail(f"the app needs more packages ({error.name} is missing): pip install 'pestcheck[app]'")
    from pestcheck.vision.bundle import BundleError

    try:
        run(_settings(host=host, port=port, data=data, model=model), for_tablets=lan)
    except (BundleError, Exposed, NotSetUp, OSError) as error:
        _fail(str(error))


@app.command()
def verify(
    pack: Annotated[
        Path | None, typer.Argument(metavar="[PACK]", help="An evidence pack; without one, the store.", show_default=False)
    ] = None,
    key: Annotated[str, typer.Option(help="Of a pack: fingerprint of the key that it should be signed with.", show_default=False)] = "",
    earlier: Annotated[
        list[Path] | None, typer.Option(help="Of a pack: an older pack, or a signed head; may be given more than once.", show_default=False)
    ] = None,
    originals: Annotated[
        Path | None, typer.Option(help="Of a pack: folder of the original photographs, of which it has copies.", show_default=False)
    ] = None,
    data: DataOption = None,
) -> None:
    """Check that the records are what they were: the event log's tree, its signed heads, the photographs, the tables; or check an evidence
    pack, as the verify.py in it does. Exit code 1 if not."""
    if pack:
        raise typer.Exit(_verify_pack(pack, key, earlier or [], originals))
    from pestcheck.store.verify import verify as run

    try:
        result = run(*_store(_settings(data=data)))
    except OSError as error:
        _fail(str(error))
    raise typer.Exit(_print_result(result))


def _verify_pack(pack: Path, key: str, earlier: list[Path], originals: Path | None) -> int:
    """Check a pack and print what was found, its time stamp in full where the settings name roots; returns the exit code."""
    from pestcheck.export import verify_pack

    try:
        report = verify_pack.check(pack, key=key, earlier=earlier, originals=originals)
        if roots := _settings().stamps_roots:
            from pestcheck.store.stamps import check_pack

            report.fact("time stamp", check_pack(pack, roots))
    except ValueError as error:
        if not isinstance(error, verify_pack.Bad):
            report.problem("time stamp", error)
        else:
            _fail(f"cannot be checked: {error}")
    except OSError as error:
        _fail(f"cannot be checked: {error}")
    return verify_pack.show(report, pinned=bool(key or earlier))


@db.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Zip file to write; must not be there yet.")], data: DataOption = None
) -> None:
    """Write the whole store, database and photographs, to one file, while others may use it. Exit code 1 if photographs were gone."""
    from pestcheck.store import backup as backups

    try:
        database, photos = _store(_settings(data=data))
        made = backups.backup(database, photos, file)
    except (backups.BackupError, OSError) as error:
        _fail(str(error))
    for sha256 in made.missing:
        typer.echo(f"photograph: {sha256}: gone or changed, so it is not in the backup")
    typer.echo(f"{file}: {made.events} events, {len(made.photographs)} photographs; tree head {made.root}")
    raise typer.Exit(1 if made.missing else 0)


@db.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `pestcheck db backup` wrote.")], data: DataOption = None
) -> None:
    """Put a backup into an empty store, SQLite or PostgreSQL, folder or S3, and verify it. Exit code 1 if anything is not as it was."""
    from pestcheck.store import backup as backups

    try:
        kept = backups.open_backup(file)
        result = backups.restore(kept, *_store(_settings(data=data), new=True))
    except (backups.BackupError, OSError) as error:
        _fail(str(error))
    raise typer.Exit(_print_result(result))


@app.command()
def hold(
    inspection: InspectionArgument,
    by: ByOption,
    reason: Annotated[str, typer.Option(help="Why, for example a claim. Empty: release it.")],
    data: DataOption = None,
) -> None:
    """Keep an inspection whatever its age (legal hold), or release it."""
    from pestcheck.records import Refused

    try:
        _records(_settings(data=data)).hold(inspection, reason=reason, actor=by)
    except Refused as error:
        _fail(str(error))
    typer.echo(f"{inspection}: {'on hold' if reason.strip() else 'released'}")


@app.command()
def purge(
    by: ByOption,
    reason: Annotated[str, typer.Option(help="Why; it stands in the log.")],
    really: Annotated[bool, typer.Option("--really", help="Erase. Without it, only list what would be erased.")] = False,
    data: DataOption = None,
) -> None:
    """Erase closed inspections older than the retention (PESTCHECK_RETENTION_YEARS), but for those on hold. The log still verifies."""
    from pestcheck.records import Refused

    settings = _settings(data=data)
    records = _records(settings)
    try:
        due = records.due(settings.retention_years)
        for row in due:
            typer.echo(f"{row.id}  {row.container_number}  closed {row.closed_at}")
            if really:
                records.purge(row.id, reason=reason, actor=by, years=settings.retention_years)
    except Refused as error:
        _fail(str(error))
    typer.echo(f"{len(due)} inspections {'erased' if really else 'would be erased; say --really to erase them'}.")


@app.command()
def times(
    inspection: InspectionArgument,
    file: Annotated[Path, typer.Argument(help="CSV with the columns leg, what, time, latitude, longitude.", show_default=False)],
    by: ByOption,
    data: DataOption = None,
) -> None:
    """Read times and GPS points of the legs of a journey from a CSV file, and say where the journey has gaps."""
    from datetime import timedelta

    from pestcheck.records import Refused
    from pestcheck.records.journeys import journey_gaps

    settings = _settings(data=data)
    records = _records(settings)
    try:
        new = records.import_times(inspection, file.read_bytes(), actor=by)
        found = journey_gaps(records.inspection(inspection), timedelta(hours=settings.gap_hours))
    except Refused as error:
        _fail(f"{file}: {error}")
    except OSError as error:
        _fail(f"{file} cannot be read: {error.strerror or error}")
    typer.echo(f"{new} times and points are new or changed.")
    for gap in found:
        typer.echo(gap.text)


@app.command()
def seals(data: DataOption = None) -> None:
    """Go through the seal register: the same seal seen twice, a number never issued, and the like. Exit code 1 if there is any."""
    problems = _records(_settings(data=data)).seal_problems()
    for problem in problems:
        typer.echo(f"{problem.kind}: {problem.text}")
    typer.echo(f"{len(problems)} problems." if problems else "No problem in the register.")
    raise typer.Exit(1 if problems else 0)


def _settings(**given: Any) -> Settings:
    from pydantic import ValidationError

    from pestcheck.settings import Settings

    try:
        return Settings(**{key: value for key, value in given.items() if value is not None})
    except ValidationError as error:
        _fail("; ".join(f"setting PESTCHECK_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors()))


def _records(settings: Settings) -> Records:
    from pestcheck.inspection.checklist import catalogue
    from pestcheck.records import Records

    database, photographs = _store(settings)
    return Records(database, photographs, catalogue(settings.templates_folder))


def _store(settings: Settings, *, new: bool = False) -> Any:
    from pestcheck.store import open_folder

    if not new and not settings.data.is_dir() and not (settings.database and settings.photographs):
        _fail(f"{settings.data} is not there. Name the folder of the records with --data or PESTCHECK_DATA.")
    try:
        return open_folder(settings.data, settings.database_url, settings.photographs)
    except OSError as error:
        _fail(str(error))


def _print_result(result: Result) -> int:
    """Print what ``verify`` found; returns the exit code."""
    for problem in result.problems:
        typer.echo(f"{problem.what}: {problem.where}: {problem.says}")
    typer.echo(f"{result.events} events, {result.photographs} photographs, {result.rows} rows; tree head {result.root}")
    typer.echo(f"{len(result.problems)} problems." if result.problems else "Unchanged: tree, photographs and tables agree.")
    return 1 if result.problems else 0


def _says(error: Exception) -> str:
    """Why a photograph could not be read: ``PhotoError`` says it, the operating system says less."""
    return f"cannot be read: {error.strerror or error}" if isinstance(error, OSError) else str(error)


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
