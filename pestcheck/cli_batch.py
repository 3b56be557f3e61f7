"""``pestcheck batch``: an archive of photographs scored again."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pestcheck.batch import Archive, Summary
    from pestcheck.settings import Settings

VERDICTS = ("suspect", "unsure", "unusable", "nothing_found")


class EngineName(StrEnum):
    """Who scores; see ``pestcheck.batch.engines``."""

    processes = "processes"
    ray = "ray"


def batch(
    out: Annotated[Path, typer.Option(metavar="FILE.jsonl", help="What to write: one JSON object a photograph. Must not be there yet.")],
    where: Annotated[
        str | None, typer.Argument(metavar="[DIR|s3://...]", help="The archive, with all below it.", show_default=False)
    ] = None,
    store: Annotated[bool, typer.Option("--store", help="The photographs of the records, which are only read.")] = False,
    model: Annotated[Path | None, typer.Option("--model", help="Model folder. [default: the one shipped, or PESTCHECK_MODEL]")] = None,
    engine: Annotated[
        EngineName, typer.Option(help="Processes of this machine, or the Ray cluster of RAY_ADDRESS.")
    ] = EngineName.processes,
    workers: Annotated[int | None, typer.Option(min=1, help="Photographs looked at at a time. [default: one a core]")] = None,
    earlier: Annotated[
        Path | None, typer.Option(metavar="FILE.jsonl", help="What an earlier run wrote: taken over if of the same model, else compared.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder of the records. [default: ~/pestcheck-data, or PESTCHECK_DATA]")
    ] = None,
) -> None:
    """Score an archive of photographs with a model. A run that was cut short goes on where it was: give the same command again.

    Exit code 1 when a photograph could not be scored; it is in the output with its error, and the others go on.
    """
    from pestcheck import batch as batches
    from pestcheck.batch import engines
    from pestcheck.cli import _fail, _settings
    from pestcheck.vision import bundle

    if (where is None) != store:
        _fail("name an archive, DIR or s3://..., or say --store; not both")
    settings = _settings(data=data, model=model)
    try:
        folder = settings.model or bundle.shipped()
        archive = _stored(settings) if where is None else batches.Files(where)
        score = engines.ray(folder, workers) if engine is EngineName.ray else engines.processes(folder, workers or engines.cores())
        with typer.progressbar(length=1, label="photographs", file=sys.stderr, show_pos=True) as bar:

            def begin(done: int, names: int) -> None:
                bar.length = max(names, 1)
                bar.update(done)

            summary = batches.run(archive, out, folder, score, earlier=earlier, on_begin=begin, on_done=bar.update)
    except (batches.BatchError, bundle.BundleError, OSError) as error:
        _fail(str(error))
    except KeyboardInterrupt:
        typer.echo("\nStopped. What was scored is kept; the same command goes on from there.", err=True)
        raise typer.Exit(130) from None
    for line in _told(summary, out):
        typer.echo(line)
    raise typer.Exit(1 if summary.failed else 0)


def _stored(settings: Settings) -> Archive:
    from pestcheck.batch import Stored
    from pestcheck.cli import _records

    return Stored(_records(settings), settings.where)


def _told(summary: Summary, out: Path) -> list[str]:
    """The summary in words; the two models side by side, where there is something to compare."""
    total = sum(summary.verdicts.values())
    lines = [f"{out}: {total} photographs under {summary.names} names, {summary.scored} scored now, with {summary.model}"]
    lines += [f"{verdict:<14}{summary.verdicts[verdict]:>9}" for verdict in (*VERDICTS, "error") if summary.verdicts.get(verdict)]
    if summary.left_out:
        lines.append(f"{summary.left_out} files of other kinds were left out")
    for before in dict.fromkeys(model for model, _, _ in summary.changes):
        table = {(was, now): count for (model, was, now), count in summary.changes.items() if model == before}
        compared, differ = sum(table.values()), sum(count for (was, now), count in table.items() if was != now)
        lines.append("")
        lines.append(
            f"{differ} of {compared} verdicts differ from {before} ({differ / compared:.1%}); rows: {before}, columns: {summary.model}"
        )
        lines.append(f"{'':<14}" + "".join(f"{now:>15}" for now in VERDICTS))
        lines += [
            f"{was:<14}" + "".join(f"{table.get((was, now), 0):>15}" for now in VERDICTS)
            for was in VERDICTS
            if any(first == was for first, _ in table)
        ]
    return lines
