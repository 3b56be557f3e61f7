"""``python -m training``: fit, export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from training import data as manifests

app = typer.Typer(no_args_is_help=True)

Data = Annotated[Path, typer.Option("--data", help="Folder with manifest.csv and its pictures (see data/README.md).")]
Out = Annotated[Path, typer.Option("--out", help="Model folder, for example models/pest-lite0-0.1.0.")]


@app.callback()
def main() -> None:
    """Train a pestcheck model and write it as a folder that pestcheck can load."""


@app.command()
def fit(
    data: Data,
    out: Out,
    epochs: Annotated[int, typer.Option(min=1)] = 5,
    pictures: Annotated[int, typer.Option(min=64, help="Pictures drawn per epoch.")] = 5000,
    seed: int = 20261124,
) -> None:
    """Fine-tune the pretrained network: once for each fold of training/split.toml, to measure, and once on all sources, to ship.

    Checkpoints and logs go to OUT/run; the same command resumes.
    """
    from training.train import Config
    from training.train import fit as run

    members = manifests.read_manifest(data)
    for fold in [*sorted(manifests.folds().keys() - {"never"}), None]:
        run(members, fold, out / "run" / (fold or "all"), Config(epochs=epochs, pictures=pictures, seed=seed))
    typer.echo(f"Next: python -m training export --data {data} --out {out}")


@app.command()
def export(data: Data, out: Out) -> None:
    """Write model.onnx, bundle.json, metrics.json and CARD.md from the networks in OUT/run."""
    from training.export_onnx import export as run

    metrics = run(data, out)
    for key in ("unseen_sources", "frozen_baseline_unseen_sources"):
        typer.echo(f"{key}: " + ", ".join(f"{k} {v['value']:.3f}" for k, v in metrics[key].items() if "value" in v))


if __name__ == "__main__":
    app()
