"""Write trained networks as a model folder: ``model.onnx``, ``finder.onnx``, ``bundle.json``, and the networks of the folds."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import nn

from pestcheck.vision import bundle
from training import calibrate, data, heldout, report, train
from training.network import Classified, features, normalise
from training.onnx_file import parity, write_onnx

PARITY_PICTURES = 64
KNOWN = 300
"""Training pictures that the classifier compares with, to tell what it does not know; more tell it no better."""
FILES = {"classifier": bundle.CLASSIFIER, "finder": bundle.FINDER}


def export(folder: Path, out: Path, taken: Mapping[str, Path] | None = None) -> dict[str, Any]:
    """Write the model folder ``out`` from the networks in ``out/run`` and the manifest in ``folder``, and measure it.

    Args:
        taken: for "finder" or "classifier", a model folder whose networks, the shipped one and those of its folds, are taken over;
            those of the other task are in ``out/run``. Both: nothing is trained, and all is calibrated anew, as after a change of the plan.

    Returns what is in ``metrics.json`` (see ``report``). Nothing is written before everything is calibrated.

    Raises:
        SystemExit: ``out`` is not named NAME-VERSION, a network is missing or of other labels or settings than the shipped one,
            or torch and ONNX Runtime differ by more than 1e-3.
    """
    if not (match := re.fullmatch(r"([a-z0-9-]+)-(\d+\.\d+\.\d+)", out.name)):
        raise SystemExit(f"{out.name!r} is no name for a model; name it like pest-lite0-0.1.0")
    name, version = match.groups()
    pictures = data.split(data.read_manifest(folder), None).train
    taken = taken or {}
    before = {task: bundle.load(model) for task, model in taken.items()}
    networks, labels = _networks(out / "run", [task for task in FILES if task not in taken])
    labels = labels or list(before["classifier"].labels)
    if others := [model.id for model in before.values() if list(model.labels) != labels]:
        than = f"the networks in {out / 'run'}" if networks else before["classifier"].id
        raise SystemExit(f"{others[0]} has other labels than {than}; its networks cannot be taken over")
    if unknown := {p.label for p in pictures} - set(labels):
        raise SystemExit(f"the manifest has labels that the network was not trained on: {', '.join(sorted(unknown))}. Train again.")
    out.mkdir(parents=True, exist_ok=True)
    sample = heldout.inputs(pictures[:: max(1, len(pictures) // PARITY_PICTURES)][:PARITY_PICTURES], heldout.Plan.side)
    with TemporaryDirectory(dir=out) as temporary:
        work, differences = Path(temporary), []
        for task, model in taken.items():
            _take_over(model, FILES[task], work)
        for (task, part), net in networks.items():
            path = (work if part == "all" else work / "folds" / part) / FILES[task]
            path.parent.mkdir(parents=True, exist_ok=True)
            if task == "classifier":
                net = with_known(net, data.split(data.read_manifest(folder), None if part == "all" else part).train)
            write_onnx(net, labels, path)
            differences.append(parity(net, path, sample))
        _write_before(out / "run" / report.BEFORE, work)
        judged = report.judge_folds(folder, work, pictures, labels, heldout.Plan())
        calibration = calibrate.choose(list(judged.values()), labels, f"{version}-{calibrate.SUSPECT_FALSE_FLAGS:.0%}".replace("%", "pct"))
        label_map, plan = data.LabelMap.read(), heldout.Plan()
        description = bundle.Bundle(
            name=name, version=version, created=datetime.now(UTC).isoformat(timespec="seconds"), labels=tuple(labels),
            merged=label_map.merged, dropped={label: label_map.reasons[label] for label in sorted(label_map.dropped)},
            side=plan.side, long_sides=plan.long_sides, tile=plan.tile, overlap=plan.overlap,
            temperature=calibration.temperature, thresholds=calibration.thresholds,
            **{f"{task}_from": getattr(model, f"{task}_from") or model.id for task, model in before.items()},
            sha256={file: hashlib.sha256((work / file).read_bytes()).hexdigest() for file in FILES.values()}, data=_sources(pictures),
        )  # fmt: skip
        (work / bundle.DESCRIPTION).write_text(description.model_dump_json(indent=1) + "\n", "utf-8")
        shutil.rmtree(out / "folds", ignore_errors=True)
        for item in list(work.iterdir()):
            os.replace(item, out / item.name)
    if differences:
        print(f"largest difference of a logit between torch and ONNX Runtime: {max(differences):.2g}", flush=True)
    return report.report(folder, out, judged)


def _write_before(runs: Path, work: Path) -> None:
    """The finders of the folds that never saw a composite, if they were trained, after their last epoch."""
    for run in sorted(runs.glob("*")):
        net, carried, _ = train.load(run, "finder", train.last_epoch(run))
        path = work / "folds" / run.name / report.BEFORE / bundle.FINDER
        path.parent.mkdir(parents=True, exist_ok=True)
        write_onnx(net, carried, path)


def _take_over(model: Path, file: str, work: Path) -> None:
    for fold in ("", *(f"folds/{name}" for name in report.fold_names())):
        if not (path := model / fold / file).is_file():
            raise SystemExit(f"{path} is not there, so this network cannot be measured; name a model folder with its folds")
        (work / fold).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, work / fold / file)
    for path in model.glob(f"folds/*/{report.BEFORE}/{file}"):
        copy = work / path.relative_to(model)
        copy.parent.mkdir(parents=True)
        shutil.copy(path, copy)


def with_known(net: nn.Module, pictures: list[data.Picture]) -> Classified:
    """The classifier with the features of some of its training pictures, drawn as in training."""
    weights = data.sampling_weights(pictures)
    some = np.random.default_rng(0).choice(len(pictures), min(KNOWN, len(pictures)), replace=False, p=weights)
    pixels = torch.from_numpy(heldout.inputs([pictures[k] for k in some], heldout.Plan.side))
    with torch.no_grad():
        return Classified(net, torch.cat([features(net, normalise(part)) for part in pixels.split(16)]))


def _networks(runs: Path, tasks: Sequence[str]) -> tuple[dict[tuple[str, str], nn.Module], list[str]]:
    """The networks to be written, by task and fold (or "all"), each after the epoch that was best on other folds; and their labels."""
    networks: dict[tuple[str, str], nn.Module] = {}
    folds, labels = report.fold_names(), []
    for task in tasks:
        best = train.best_epoch([runs / task / fold for fold in folds])
        networks[task, "all"], carried, config = train.load(runs / task / "all", task, best)
        if labels and carried != labels:
            raise SystemExit(
                f"the networks in {' and '.join(str(runs / name / 'all') for name in tasks)} have other labels; train both anew"
            )
        labels = carried
        for fold in folds:
            best = train.best_epoch([runs / task / other for other in folds if other != fold])
            networks[task, fold] = _load_fold(runs / task / fold, task, best, labels, config)
    return networks, labels


def _load_fold(run: Path, task: str, epoch: int, labels: list[str], config: train.Config) -> nn.Module:
    net, others, settings = train.load(run, task, epoch)
    if others != labels:
        raise SystemExit(
            f"the network in {run} has other labels than the shipped one in {run.parent / 'all'} "
            f"(only in one: {', '.join(sorted(set(others) ^ set(labels))) or 'none, but in another order'}); "
            "its numbers would not be those of the shipped one. Train both on one manifest; "
            "each label needs pictures outside every fold (training/split.toml)."
        )
    if replace(settings, workers=config.workers) != config:
        raise SystemExit(f"the network in {run} was trained with other settings than the shipped one; delete {run} and train again")
    result: nn.Module = net
    return result


def _sources(pictures: list[data.Picture]) -> tuple[bundle.Source, ...]:
    """Every source that was used, with the fold that held it out."""
    part = {source: f"fold {fold}" for fold, sources in data.folds().items() for source in sources}
    licences: dict[str, set[str]] = defaultdict(set)
    for p in pictures:
        licences[p.source].add(p.licence or "none stated")
    return tuple(
        bundle.Source(source=source, part=part.get(source, "always trained"), pictures=n, licence=" | ".join(sorted(licences[source])))
        for source, n in sorted(Counter(p.source for p in pictures).items())
    )
