"""``pestcheck models``: the models that look at photographs, and add-on models fetched from where their makers publish them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

models = typer.Typer(help="List the models, or add and remove add-on models. Without a command: list them.")

DataOption = Annotated[Path | None, typer.Option("--data", help="Folder of the records. [default: ~/pestcheck-data, or PESTCHECK_DATA]")]
NameArgument = Annotated[str, typer.Argument(help="Name of the add-on.", show_default=False)]


@models.callback(invoke_without_command=True)
def default(context: typer.Context, data: DataOption = None) -> None:
    """List the models, or add and remove add-on models. Without a command: list them."""
    if context.invoked_subcommand is None:
        list_(data)


@models.command(name="list")
def list_(data: DataOption = None) -> None:
    """List the models that came with this installation, and the add-ons that are here or can be added."""
    from pestcheck.cli import _settings
    from pestcheck.vision import bundle

    newest = bundle.shipped()
    for folder in sorted(path.parent for path in newest.parent.glob(f"*/{bundle.DESCRIPTION}")):
        loaded = bundle.load(folder)
        typer.echo(f"{loaded.id}{' (in use)' if folder == newest else ''}: {len(loaded.labels)} labels, {loaded.created}, {folder}")
    _print_addons(_settings(data=data).data)


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
    name: NameArgument,
    come_from: Annotated[
        str | None,
        typer.Option("--from", metavar="FILE|FOLDER|URL", help="Where its files are, if not where they are published: for yards without a network."),
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
def remove(name: NameArgument, data: DataOption = None) -> None:
    """Take an add-on model out of the data folder. What it said of findings stays on record."""
    from pestcheck.addons import install
    from pestcheck.cli import _fail, _settings

    try:
        install.remove(_settings(data=data).data, name)
    except install.AddonError as error:
        _fail(str(error))
    typer.echo(f"{name} is removed.")
