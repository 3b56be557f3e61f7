"""``python -m training``: fit, export, evaluate, ablate."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

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
    task: Annotated[list[str], typer.Option(help='"finder" or "classifier". Without it, both in turn.')] = [],  # noqa: B006
    part: Annotated[
        list[str],
        typer.Option(help='Fold of training/split.toml to hold out, or "all": to hold out none. Without it, all of them in turn.'),
    ] = [],  # noqa: B006
    setting: Annotated[
        list[str], typer.Option(help="NAME=VALUE of training.train.Config, for example backbone=mobilenetv3_large_100.")
    ] = [],  # noqa: B006
    before: Annotated[
        bool, typer.Option("--before-composites", help="Train what composites are compared with: finders that never saw one.")
    ] = False,
) -> None:
    """Fine-tune the networks: once for each fold of training/split.toml, to measure, and once on all sources, to ship.

    Checkpoints and logs go to OUT/run; the same command resumes. Where two run side by side, give each process its own --task and --part,
    and OMP_NUM_THREADS=1: that is faster than one after the other with two threads.
    """
    from training import train
    from training.report import BEFORE

    try:
        configs = {name: train.configured(name, setting) for name in (["finder"] if before else task or train.TASKS)}
        members = manifests.read_manifest(data)
        folds = sorted(manifests.folds().keys() - {"never"})
        if unknown := set(part) - {*folds, "all"}:
            raise SystemExit(f"{', '.join(sorted(unknown))}: no such fold in training/split.toml; there are {', '.join(folds)} and all")
        for fold in folds:
            manifests.split(members, fold)  # before hours of training, not after
        for fold in part or (folds if before else [*folds, "all"]):
            for name, config in configs.items():
                run, config = (
                    (out / "run" / BEFORE / fold, replace(config, **train.BEFORE)) if before else (out / "run" / name / fold, config)
                )
                train.fit(data, members, None if fold == "all" else fold, run, name, config, out / "run" / "cutouts")
    except manifests.ManifestError as error:
        raise SystemExit(str(error)) from error
    typer.echo(f"Next: python -m training export --data {data} --out {out}")


@app.command()
def export(
    data: Data,
    out: Out,
    finder: Annotated[
        Path | None, typer.Option(help="Model folder whose finders are taken over, where only the classifier was trained anew.")
    ] = None,
    classifier: Annotated[Path | None, typer.Option(help="The same, where only the finder was trained anew.")] = None,
) -> None:
    """Write the model folder from the networks in OUT/run: networks, thresholds (bundle.json), metrics.json, plots and CARD.md."""
    from pestcheck.vision.bundle import BundleError
    from training.conformal import TooFewError
    from training.export_onnx import export as run

    if finder and classifier:
        raise SystemExit("with both networks taken over there is nothing new; give one of --finder and --classifier")
    taken = {task: model for task, model in (("finder", finder), ("classifier", classifier)) if model}
    try:
        _say(run(data, out, taken))
    except (manifests.ManifestError, BundleError, TooFewError) as error:
        raise SystemExit(str(error)) from error


@app.command()
def evaluate(data: Data, model: Annotated[Path, typer.Option(help="Model folder, with the networks of its folds.")]) -> None:
    """Measure a model again from its own files: writes its metrics.json, plots and CARD.md anew."""
    from pestcheck.vision.bundle import BundleError
    from training.conformal import TooFewError
    from training.report import report as run

    try:
        _say(run(data, model))
    except (manifests.ManifestError, BundleError, TooFewError) as error:
        raise SystemExit(str(error)) from error


@app.command()
def ablate(
    data: Data,
    out: Out,
    task: Annotated[list[str], typer.Option(help='"finder" or "classifier". Without it, both in turn.')] = [],  # noqa: B006
) -> None:
    """What each idea of training gives: short runs without it, for each fold. Writes OUT/ablation.json; evaluate puts it on the card."""
    from training import ablate, train

    try:
        for name in task or train.TASKS:
            train.configured(name)
            for variant, measures in ablate.run(data, out, name).items():
                typer.echo(f"{name}, {variant}: " + ", ".join(f"{key} {entry['value']:.3f}" for key, entry in measures.items()))
    except manifests.ManifestError as error:
        raise SystemExit(str(error)) from error


@app.command()
def species(
    data: Data,
    records: Annotated[Path, typer.Option(help="Data folder that the add-on was added to (pestcheck models add NAME --data FOLDER).")],
    name: Annotated[str, typer.Option(help="The add-on.")] = "inat-insect",
    out: Annotated[Path | None, typer.Option(help="Also write the numbers to this JSON file.")] = None,
) -> None:
    """Measure an add-on model that names species: accuracy by rank, hints that fit, false alarms of the watch list, time a finding."""
    import json

    from pestcheck.addons import install
    from training import species

    added = [one for one in install.added(records) if isinstance(one, install.Added) and one.description.name == name]
    if not added:
        raise SystemExit(f"{name} is not in {records}: pestcheck models add {name} --data {records}")
    found = species.measure(data, added[-1])
    for line in species.say(found):
        typer.echo(line)
    if out:
        out.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


def _say(metrics: dict[str, Any]) -> None:
    for key in ("unseen_sources", "frozen_baseline", "gain_over_frozen_baseline"):
        numbers = {name: entry for name, entry in metrics[key].items() if isinstance(entry, dict) and entry.get("value") is not None}
        typer.echo(f"{key}: " + ", ".join(f"{name} {entry['value']:.3f}" for name, entry in numbers.items()))
    for kind, part in metrics["photographs"].items():
        found = ", ".join(f"{band} px {entry['found']['value']}" for band, entry in part["by_length"].items())
        typer.echo(f"{kind} photographs: clean flagged {part['clean']['flagged']}; found {found}")


if __name__ == "__main__":
    app()
