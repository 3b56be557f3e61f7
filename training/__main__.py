"""``python -m training``: fit, export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Train a pestcheck model and write it as a folder that pestcheck can load.", no_args_is_help=True)


@app.callback()
def training() -> None:
    """Train a pestcheck model and write it as a folder that pestcheck can load."""

Data = Annotated[Path, typer.Option("--data", help="Folder with manifest.csv and its pictures (see data/README.md).")]
Out = Annotated[Path, typer.Option("--out", help="Model folder, for example models/pest-lite0-0.1.0.")]


@app.command()
def fit(
    data: Data,
    out: Out,
    epochs: Annotated[int, typer.Option(min=1)] = 8,
    pictures: Annotated[int, typer.Option(min=64, help="Pictures drawn per epoch.")] = 6000,
    seed: int = 20261124,
) -> None:
    """Fine-tune the pretrained network; checkpoints and a log go to OUT/run, and the same command resumes."""
    from training.train import Config
    from training.train import fit as run

    typer.echo(f"best checkpoint: {run(data, out, Config(epochs=epochs, pictures=pictures, seed=seed))}")


if __name__ == "__main__":
    app()
