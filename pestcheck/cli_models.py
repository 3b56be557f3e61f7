"""``pestcheck models``: the models that look at photographs, and add-on models fetched from where their makers publish them."""

from __future__ import annotations

import typer

models = typer.Typer(invoke_without_command=True, help="List the models; without a command, do that.")


@models.callback()
def default(context: typer.Context) -> None:
    """List the models, or do what a command says."""
    if context.invoked_subcommand is None:
        list_()


@models.command(name="list")
def list_() -> None:
    """List the models that came with this installation."""
    from pestcheck.vision import bundle

    newest = bundle.shipped()
    for folder in sorted(path.parent for path in newest.parent.glob(f"*/{bundle.DESCRIPTION}")):
        loaded = bundle.load(folder)
        typer.echo(f"{loaded.id}{' (in use)' if folder == newest else ''}: {len(loaded.labels)} labels, {loaded.created}, {folder}")
