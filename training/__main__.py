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

    try:
        members = manifests.read_manifest(data)
        folds = sorted(manifests.folds().keys() - {"never"})
        for fold in folds:
            manifests.split(members, fold)  # before hours of training, not after
        for fold in [*folds, None]:
            run(members, fold, out / "run" / (fold or "all"), Config(epochs=epochs, pictures=pictures, seed=seed))
    except manifests.ManifestError as error:
        raise SystemExit(str(error)) from error
    typer.echo(f"Next: python -m training export --data {data} --out {out}")


@app.command()
def export(data: Data, out: Out) -> None:
    """Write model.onnx, bundle.json, metrics.json and CARD.md from the networks in OUT/run."""
    from training.export_onnx import export as run

    try:
        metrics = run(data, out)
    except manifests.ManifestError as error:
        raise SystemExit(str(error)) from error
    for key in ("unseen_sources", "frozen_baseline_unseen_sources", "gain_over_baseline"):
        numbers = {name: entry for name, entry in metrics[key].items() if isinstance(entry, dict) and entry.get("value") is not None}
        typer.echo(f"{key}: " + ", ".join(f"{name} {entry['value']:.3f}" for name, entry in numbers.items()))


if __name__ == "__main__":
    app()
