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
    data: Annotated[
        list[Path], typer.Option("--data", help="Folder with manifest.csv and its pictures (see data/README.md). With --from, several.")
    ],
    out: Out,
    start: Annotated[
        Path | None, typer.Option("--from", help="Model folder to continue from: only the last layer of its classifier is fitted anew.")
    ] = None,
    task: Annotated[list[str], typer.Option(help='"finder" or "classifier". Without it, both in turn.')] = [],  # noqa: B006
    part: Annotated[
        list[str],
        typer.Option(help='Fold of training/split.toml to hold out, or "all": to hold out none. Without it, all of them in turn.'),
    ] = [],  # noqa: B006
    setting: Annotated[
        list[str], typer.Option(help="NAME=VALUE of training.train.Config, for example backbone=mobilenetv3_large_100.")
    ] = [],  # noqa: B006
    finder: Annotated[
        Path | None,
        typer.Option(
            help="Model folder whose finders propose what the classifier learns to say no to. Without it, those trained in OUT/run."
        ),
    ] = None,
    before: Annotated[
        bool, typer.Option("--before-composites", help="Train what composites are compared with: finders that never saw one.")
    ] = False,
) -> None:
    """Fine-tune the networks: once for each fold of training/split.toml, to measure, and once on all sources, to ship.

    With --from, continue from a model that is in use, with pictures of data sets (docs/trainers.md).

    Checkpoints and logs go to OUT/run; the same command resumes. Where two run side by side, give each process its own --task and --part,
    and OMP_NUM_THREADS=1: that is faster than one after the other with two threads.
    """
    if start is not None:
        if task or part or setting or finder or before:
            raise SystemExit("--task, --part, --setting, --finder and --before-composites are for training anew, not with --from")
        _continue(data, start, out)
        return
    if len(data) > 1:
        raise SystemExit("train anew on one folder; several are for continuing with --from")
    from training import train
    from training.report import BEFORE

    folder = data[0]
    try:
        configs = {name: train.configured(name, setting) for name in (["finder"] if before else task or train.TASKS)}
        members = manifests.read_manifest(folder)
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
                train.fit(folder, members, None if fold == "all" else fold, run, name, config, out / "run", finder)
    except manifests.ManifestError as error:
        raise SystemExit(str(error)) from error
    typer.echo(f"Next: python -m training export --data {folder} --out {out}")


def _continue(data: list[Path], start: Path, out: Path) -> None:
    from pestcheck.vision.bundle import BundleError
    from training import continued

    try:
        done = continued.write(data, start, out)
    except (manifests.ManifestError, BundleError) as error:
        raise SystemExit(str(error)) from error
    for label, count in sorted(done.left_out.items()):
        typer.echo(f"left out: {count} pictures of {label!r}, which {start.name} has no label for")
    typer.echo(f"{out}: fitted to {sum(done.pictures.values())} pictures of {len(done.pictures)} labels")
    typer.echo(f"Next: python -m training promote --model {out} --over {start} --test DATA --by NAME")


@app.command()
def promote(
    model: Annotated[Path, typer.Option(help="Model folder that is to be put in use.")],
    over: Annotated[Path, typer.Option(help="Model folder of the one in use.")],
    test: Annotated[
        list[Path],
        typer.Option(help='Folder with manifest.csv; may be given more than once. Of a data set its part "test"; of others, the folds.'),
    ],
    by: Annotated[str, typer.Option(help="Your name; it stands in the log.")],
    records: Annotated[Path | None, typer.Option(help="Data folder of the app. [default: ~/pestcheck-data, or PESTCHECK_DATA]")] = None,
    shadow: Annotated[int, typer.Option(help="Compare what both say of so many of the last photographs on record.", min=0)] = 50,
    reason: Annotated[str, typer.Option(help="Why; it stands in the log.")] = "",
    although: Annotated[str, typer.Option(help="Why to promote although a gate of what is right fails; it stands in the log.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only compare.")] = False,
) -> None:
    """Compare a model with the one in use, and put it in use if it passes: running servers take it up within seconds."""
    from pestcheck.inspection.checklist import catalogue
    from pestcheck.records import Records, Refused
    from pestcheck.settings import Settings
    from pestcheck.store import open_folder
    from pestcheck.vision import bundle
    from training import promote as gates

    settings = Settings(**({"data": records} if records else {}))
    try:
        database, photographs = open_folder(settings.data, settings.database_url, settings.photographs)
        store = Records(database, photographs, catalogue(settings.templates_folder))
        now = store.promoted()
        used = now.model if now else bundle.load(settings.model or bundle.shipped()).id
        if not dry_run and used != bundle.load(over).id:
            raise SystemExit(f"{used} is in use, not {over.name}; compare with that one (--over)")
        measured, found = gates.gates_of(over, model, test)
        typer.echo(gates.table(measured))
        if shadow:
            measured["shadow"] = gates.shadow(store, over, model, shadow)
            typer.echo(f"shadow: {len(measured['shadow']['changed'])} of the last {measured['shadow']['photographs']} photographs change")
            for one in measured["shadow"]["changed"]:
                typer.echo(f"  {one['photograph'][:12]} {one['area']}: {one['before']} -> {one['after']}")
        for gate in found:
            typer.echo(f"{'passed' if gate.passed else 'FAILED'}  {gate.name}: {gate.says}")
        failed = [gate for gate in found if not gate.passed]
        if hard := [gate for gate in failed if gate in found[-gates.TECHNICAL :]]:
            raise SystemExit(f"{model.name} is not put in use: {', '.join(gate.name for gate in hard)}")
        if failed and not although.strip():
            raise SystemExit(f"{model.name} is not put in use; a person may do so all the same with --although REASON")
        if dry_run:
            return
        why = "; ".join(filter(None, (reason, f"although gates failed: {although}" if failed else "")))
        store.promote(model, replaces=measured["before"], compared=measured, actor=by, reason=why)
    except (manifests.ManifestError, bundle.BundleError, Refused, OSError) as error:
        raise SystemExit(str(error)) from error
    typer.echo(f"{measured['after']} is in use, after {measured['before']}; back with: pestcheck models rollback --by NAME --reason WHY")


@app.command()
def loop(
    data: Data,
    model: Annotated[Path, typer.Option(help="Model folder, with the networks of its folds.")],
    out: Annotated[Path, typer.Option(help="Folder for what is done so far; the same command goes on.")],
    plot: Annotated[Path | None, typer.Option(help="File to draw the curves in, .svg or .png.")] = None,
    repeats: Annotated[int, typer.Option(min=1)] = 10,
) -> None:
    """Does the review queue teach more than chance? Simulated trainers label pictures of sources that the model never saw."""
    from training import loop as simulated

    try:
        curves = simulated.curves(simulated.run(data, model, out, repeats), data)
    except manifests.ManifestError as error:
        raise SystemExit(str(error)) from error
    typer.echo(simulated.table(curves))
    if plot:
        from training.plots import write_loop

        write_loop(plot, curves)


@app.command()
def export(
    data: Data,
    out: Out,
    finder: Annotated[
        Path | None, typer.Option(help="Model folder whose finders are taken over, where only the classifier was trained anew.")
    ] = None,
    classifier: Annotated[Path | None, typer.Option(help="The same, where only the finder was trained anew.")] = None,
) -> None:
    """Write the model folder from the networks in OUT/run: networks, thresholds (bundle.json), metrics.json, plots and CARD.md.

    With both --finder and --classifier nothing is new but the thresholds, and what is measured with them.
    """
    from pestcheck.vision.bundle import BundleError
    from training.conformal import TooFewError
    from training.export_onnx import export as run

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
    finder: Annotated[Path | None, typer.Option(help="As of fit. Without it, those of OUT itself.")] = None,
) -> None:
    """What each idea of training gives: short runs without it, for each fold. Writes OUT/ablation.json; evaluate puts it on the card."""
    from training import ablate, train

    try:
        for name in task or train.TASKS:
            train.configured(name)
            for variant, measures in ablate.run(data, out, name, finder).items():
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


@app.command()
def lines(
    data: Data,
    fonts: Annotated[Path, typer.Option(help="Folder with fonts (.ttf, .otf), also in folders below it.")],
    out: Annotated[Path, typer.Option("--out", help="Model folder, for example models/mark-lines-0.1.0.")],
    steps: Annotated[int, typer.Option(help="Batches of 64 lines to train on.", min=1)] = 3600,
) -> None:
    """Train the reader of worn marks on made-up lines. The checkpoint and the log go to OUT/run; the same command resumes."""
    import os

    from pestcheck.vision.lines import NETWORK
    from training import lines, stencils

    try:
        backs = lines.surfaces(manifests.read_manifest(data))
        network = lines.train(backs, fonts, out / "run", steps, os.cpu_count() or 1)
        right = lines.share_right(network, backs, stencils.fonts(fonts)[::10])
        apart = lines.export(network, out / NETWORK)
    except (manifests.ManifestError, OSError) as error:
        raise SystemExit(str(error)) from error
    typer.echo(f"{out / NETWORK}: {right:.1%} of made-up lines in fonts of the test right; torch and ONNX Runtime differ by {apart:.1g}")


def _say(metrics: dict[str, Any]) -> None:
    for key in ("unseen_sources", "frozen_baseline", "gain_over_frozen_baseline"):
        numbers = {name: entry for name, entry in metrics[key].items() if isinstance(entry, dict) and entry.get("value") is not None}
        typer.echo(f"{key}: " + ", ".join(f"{name} {entry['value']:.3f}" for name, entry in numbers.items()))
    for kind, part in metrics["photographs"].items():
        found = ", ".join(f"{band} px {entry['found']['value']}" for band, entry in part["by_length"].items())
        typer.echo(f"{kind} photographs: clean flagged {part['clean']['flagged']}; found {found}")


if __name__ == "__main__":
    app()
