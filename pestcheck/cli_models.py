"""``pestcheck models``: which model looks at photographs, and back to the one before; add-on models. ``pestcheck dataset``: reviewed photographs as data sets."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

models = typer.Typer(help="List the models that there are, and which is in use; go back to the one before; add and remove add-on models.")
datasets = typer.Typer(no_args_is_help=True, help="Reviewed photographs as data sets, to train and to test with.")

ByOption = Annotated[str, typer.Option(help="Your name; it stands in the log.")]
DataOption = Annotated[Path | None, typer.Option("--data", help="Folder of the records. [default: ~/pestcheck-data, or PESTCHECK_DATA]")]
AddonArgument = Annotated[str, typer.Argument(help="Name of the add-on.", show_default=False)]
NameArgument = Annotated[str, typer.Argument(help="Name of the data set.", show_default=False)]


class Form(StrEnum):
    """How ``dataset export`` writes; the names of ``export.dataset.Form``, which must not be imported for ``--help``."""

    manifest = "manifest"
    coco = "coco"
    imagefolder = "imagefolder"


@models.callback(invoke_without_command=True)
def default(context: typer.Context, data: DataOption = None) -> None:
    """List the models that there are, and which is in use; go back to the one before; add and remove add-on models."""
    if context.invoked_subcommand is None:
        list_(data)


@models.command(name="list")
def list_(data: DataOption = None) -> None:
    """List the models that there are, which is in use, and the add-on models."""
    from pestcheck.cli import _fail, _records, _settings
    from pestcheck.vision import bundle

    settings = _settings(data=data)
    try:
        shipped = settings.model or bundle.shipped()
        known = {loaded.id: loaded for loaded in (*bundle.installed(), bundle.load(shipped))}
        kept = data or settings.database or (settings.data / "pestcheck.sqlite3").is_file()
        promotions = _records(settings).promotions() if kept else []
    except (bundle.BundleError, OSError) as error:
        _fail(str(error))
    live = [one for one in promotions if one.rolled_back_at is None]
    used = live[0].model if live else bundle.load(shipped).id
    for loaded in known.values():
        typer.echo(f"{loaded.id}{' (in use)' if loaded.id == used else ''}: {len(loaded.labels)} labels, {loaded.created}")
    for one in reversed(promotions):
        mark = " (in use)" if one.model == used and one in live else ""
        gone = f"; rolled back {one.rolled_back_at} by {one.rolled_back_by}: {one.rolled_back_reason}" if one.rolled_back_at else ""
        typer.echo(f"{one.model}{mark}: put in use {one.promoted_at} by {one.promoted_by}, after {one.replaces}{gone}")
    _print_addons(settings.data)


@models.command()
def rollback(by: ByOption, reason: Annotated[str, typer.Option(help="Why; it stands in the log.")], data: DataOption = None) -> None:
    """Put the model before the one in use in use again. Running servers follow within seconds; findings keep the model that made them."""
    from pestcheck.cli import _fail, _records, _settings
    from pestcheck.records import Refused

    try:
        records = _records(_settings(data=data))
        gone = records.roll_back(actor=by, reason=reason)
        now = records.promoted()
    except (Refused, OSError) as error:
        _fail(str(error))
    typer.echo(f"{gone.model} is out of use; {now.model if now else 'the shipped model'} is in use.")


def _print_addons(data: Path) -> None:
    from pestcheck.addons import install
    from pestcheck.addons.registry import registry

    here = set()
    for one in install.added(data):
        if isinstance(one, install.AddonError):
            typer.echo(f"add-on not usable: {one}")
            continue
        told = one.description
        here.add(told.name)
        typer.echo(f"{told.id} (add-on): {len(told.labels)} classes, {told.added}, {told.licence}, {one.folder}")
    for name, addon in registry().items():
        if name not in here:
            typer.echo(f"{name} (not added): {addon.title}, {addon.licence}; pestcheck models add {name}")


@models.command()
def add(
    name: AddonArgument,
    come_from: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="FILE|FOLDER|URL", help="Where its files are, if not where they are published: for yards without a network."
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="I agree to its licence; do not ask.")] = False,
    data: DataOption = None,
) -> None:
    """Fetch an add-on model, check, convert and test it, and use it from then on. Exit code 2 if anything is wrong; then nothing was changed."""
    from pestcheck.addons import install
    from pestcheck.cli import _fail, _settings

    folder = _settings(data=data).data
    try:
        addon = install.known(name)
        size = (addon.model.bytes + addon.labels.bytes) / 1e6
        typer.echo(f"{name}: {addon.title}\n  {addon.purpose}\n  Source:  {addon.source}\n  Licence: {addon.licence}")
        typer.echo(f"  From:    {come_from or addon.address} ({size:.1f} MB; it is not part of pestcheck)")
        if not yes and not typer.confirm("Take it from there, under this licence?"):
            _fail("nothing was added")
        one = install.add(folder, name, come_from)
    except install.AddonError as error:
        _fail(str(error))
    typer.echo(f"{one.description.id} is in {one.folder}; a running server uses it for the next photograph.")


@models.command()
def remove(name: AddonArgument, data: DataOption = None) -> None:
    """Take an add-on model out of the data folder. What it said of findings stays on record."""
    from pestcheck.addons import install
    from pestcheck.cli import _fail, _settings

    try:
        install.remove(_settings(data=data).data, name)
    except install.AddonError as error:
        _fail(str(error))
    typer.echo(f"{name} is removed.")


@datasets.command()
def make(
    name: NameArgument,
    by: ByOption,
    licence: Annotated[str, typer.Option(help="Under which licence the photographs may be used.")],
    consent: Annotated[str, typer.Option(help="Whose leave there is to train with them, and where it is written down.")],
    site: Annotated[str | None, typer.Option(help="Only photographs of this site. [default: all]")] = None,
    since: Annotated[str, typer.Option(help="Only photographs taken up at this time or later, ISO 8601.")] = "",
    until: Annotated[str, typer.Option(help="Only photographs taken up before this time, ISO 8601.")] = "",
    one_opinion: Annotated[bool, typer.Option("--one-opinion", help="Also what only one trainer has said.")] = False,
    test_site: Annotated[list[str] | None, typer.Option(help="A site that is only tested on; may be given more than once.")] = None,
    data: DataOption = None,
) -> None:
    """Freeze what trainers said of photographs under a name. Inspections are tested on or trained on, never both, now and later."""
    from pestcheck.cli import _fail, _records, _settings
    from pestcheck.records import Refused
    from pestcheck.review import Status

    statuses = [Status.AGREED, *([Status.ONE_OPINION] if one_opinion else [])]
    try:
        made = _records(_settings(data=data)).make_dataset(
            name,
            licence=licence,
            consent=consent,
            actor=by,
            statuses=statuses,
            site=site,
            since=since,
            until=until,
            test_sites=test_site or (),
        )
    except (Refused, OSError) as error:
        _fail(str(error))
    for one in made.left_out:
        typer.echo(f"left out: {one['photograph']}: {one['why']}")
    for part in ("train", "test"):
        rows = [item for item in made.items if item["part"] == part]
        photographs, inspections = ({item[key] for item in rows} for key in ("photograph", "inspection"))
        typer.echo(f"{part}: {len(rows)} rows of {len(photographs)} photographs of {len(inspections)} inspections")
    typer.echo(f"{made.name}: SHA-256 {made.sha256}")


@datasets.command(name="list")
def list_datasets(data: DataOption = None) -> None:
    """List all data sets."""
    from pestcheck.cli import _fail, _records, _settings

    try:
        for one in _records(_settings(data=data)).datasets():
            count = len({item["photograph"] for item in one.items})
            typer.echo(f"{one.name:<24} {one.sha256[:12]}  {count} photographs, {len(one.items)} rows, made {one.made_at} by {one.made_by}")
    except OSError as error:
        _fail(str(error))


@datasets.command()
def export(
    name: NameArgument,
    folder: Annotated[Path, typer.Argument(help="New folder.", show_default=False)],
    format: Annotated[Form, typer.Option(help="manifest: for training, see data/README.md; or COCO; or folders by label.")] = Form.manifest,
    blur: Annotated[
        bool, typer.Option("--blur", help="Blur faces and all writing that is found; some is missed, so look before you pass it on.")
    ] = False,
    data: DataOption = None,
) -> None:
    """Write a data set as files. Photographs that were purged since are named and left out; exit code 1 then."""
    from pestcheck.cli import _fail, _records, _settings
    from pestcheck.export import dataset as exports
    from pestcheck.records import Refused
    from pestcheck.vision.privacy import PrivacyError, private

    try:
        records = _records(_settings(data=data))
        done = exports.export(records, records.dataset(name), folder, exports.Form(format.value), private if blur else None)
    except (Refused, PrivacyError, OSError) as error:
        _fail(str(error))
    for one in done.left_out:
        typer.echo(f"left out: {one['photograph']}: {one['why']}")
    typer.echo(f"{folder}: {done.rows} rows of {done.pictures} photographs{f', {done.blurred} places blurred' if blur else ''}")
    raise typer.Exit(1 if done.left_out else 0)
