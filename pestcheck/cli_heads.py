"""``pestcheck heads``: the signed heads of the log, and the key that signs them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pestcheck.settings import Settings
    from pestcheck.store.db import Database
    from pestcheck.store.heads import Heads

app = typer.Typer(no_args_is_help=True, help="Signed heads of the log: what somebody who keeps one can hold the log against later.")
DataOption = Annotated[Path | None, typer.Option("--data", help="Folder of the records. [default: ~/pestcheck-data, or PESTCHECK_DATA]")]
ByOption = Annotated[str, typer.Option(help="Your name; it stands in the log.")]


@app.command()
def sign(data: DataOption = None) -> None:
    """Sign the head as it is now, and print it: keep it elsewhere. The server does it once a day by itself."""
    with _heads(data) as heads:
        typer.echo(heads.sign().note, nl=False)


@app.command(name="list")
def list_(data: DataOption = None) -> None:
    """List the keys and the signed heads."""
    with _heads(data) as heads:
        for key in heads.keys_in_order():
            typer.echo(
                f"key {key.id}  since {key.made_at}  by {key.made_by}{'' if key.endorsement or not key.previous else '  (the one before was lost)'}"
            )
        for head in heads.list():
            typer.echo(f"{head.at}  {head.size:>9} events  root {head.root}  key {head.key_id[:16]}{'  stamped' if head.stamp else ''}")


@app.command()
def rotate(
    by: ByOption,
    lost: Annotated[
        bool, typer.Option("--lost", help="The old private key is gone or was stolen, so it does not sign the new one.")
    ] = False,
    data: DataOption = None,
) -> None:
    """Make a new key, which the old one signs. Tell auditors its fingerprint."""
    with _heads(data) as heads:
        new = heads.rotate(by, lost=lost)
        typer.echo(f"{new.id}")
        typer.echo(f"signs from now on ({heads.keys.path(new.id)}).", err=True)
        if new.previous:
            typer.echo(f"The old one signs nothing any more: {heads.keys.path(new.previous)}", err=True)


def heads(settings: Settings, database: Database) -> Heads:
    """Who signs, as the settings say."""
    from pestcheck.store.heads import Heads
    from pestcheck.store.keys import KeyFolder

    return Heads(database, KeyFolder(settings.keys_folder), settings.stamps)


@contextmanager
def _heads(data: Path | None) -> Iterator[Heads]:
    from pestcheck.cli import _fail, _settings, _store
    from pestcheck.store.heads import NothingToSign

    settings = _settings(data=data)
    database, _ = _store(settings)
    try:
        yield heads(settings, database)
    except (NothingToSign, OSError) as error:
        _fail(str(error))
