"""What each idea of training gives: short runs that leave one of them out, or put one in that was given up, beside the same short run as
the model was trained, on sources never seen."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pestcheck.vision import decide
from training import composite, data, evaluate, report, tasks, train
from training.card import ABLATION

VARIANTS: dict[str, dict[str, dict[str, Any]]] = {
    "finder": {
        "as trained": {},
        "no harmless things": {"harmless": 0.0},
        "cutouts from close-ups, too": {"segmented": 1},
        "mosaics of whole pictures, too": {"mosaics": 0.2},
        "hardest clean cells count no more": {"hardest": 0.0},
    },
    "classifier": {
        "as trained": {},
        "no closer looks": {"looks": 0.0},
        "no places that the finder proposes": {"proposed": 0.0},
        "no smoothed labels": {"label_smoothing": 0.0},
        "no stage frozen": {"frozen_stages": 0},
    },
}
SHORT: dict[str, dict[str, Any]] = {
    "finder": {"epochs": 1, "pictures": 800},
    "classifier": {"epochs": 1, "pictures": 2400, "warmup_steps": 20},
}

Measure = Callable[[np.ndarray], float]
"""From rows to a number, as in ``evaluate``."""


def run(folder: Path, out: Path, task: str, finder: Path | None = None) -> dict[str, Any]:
    """Train every variant of a task for each fold, in ``out/run/ablation``, and add what they are worth to ``out/ablation.json``.

    Goes on where an earlier call stopped.

    Args:
        finder: for the classifier, see ``train.fit``; None: ``out`` itself, which is exported by then.

    Returns:
        By variant, and by measure: its value; "gain" over it of the run as trained, in the same unit, with a 95 % interval over
        composites (finder) or groups of pictures (classifier).
    """
    pictures, folds = data.read_manifest(folder), report.fold_names()
    measures: dict[str, dict[str, Measure]] = {}
    for name, change in VARIANTS[task].items():
        config = replace(train.configured(task), **SHORT[task], **change)
        here = out / "run" / "ablation" / name.replace(" ", "_") / task
        for fold in folds:
            train.fit(folder, pictures, fold, here / fold, task, config, out / "run", finder or out)
        judge, units = (_finder if task == "finder" else _classifier)(folder, pictures, [(fold, here / fold) for fold in folds], config)
        measures[name] = judge
    draws, every = evaluate.resamples(units), np.arange(len(units))
    result = {
        name: {key: _entry(measure, measures["as trained"][key], every, draws) for key, measure in judge.items()}
        for name, judge in measures.items()
    }
    path = out / ABLATION
    known = json.loads(path.read_text("utf-8")) if path.exists() else {}
    path.write_text(json.dumps(known | {task: result}, indent=1, allow_nan=False) + "\n", "utf-8")
    return result


def _entry(variant: Measure, whole: Measure, every: np.ndarray, draws: list[np.ndarray]) -> dict[str, Any]:
    def gain(rows: np.ndarray) -> float:
        return whole(rows) - variant(rows)

    return {"value": round(variant(every), 4), "gain": {"value": round(gain(every), 4), "interval": evaluate.interval(gain, draws)}}


def _finder(
    folder: Path, pictures: list[data.Picture], runs: Sequence[tuple[str, Path]], config: train.Config
) -> tuple[dict[str, Measure], list[str]]:
    """Share of things found, by length; a unit is a composite."""
    hits, composites, units = [], [], []
    for fold, path in runs:
        net, labels, _ = train.load(path, "finder", config.epochs - 1)
        test = data.split(pictures, fold).test
        tested = composite.Materials(test, composite.read_cutouts(folder, test), labels)
        limit, scores, things = tasks.held_out_things(net, tested, config.seed)
        for score, (k, thing) in zip(scores, things, strict=True):
            hits.append((score > limit, thing.length))
            composites.append(len(units) + k)
        units += [f"{fold} {k}" for k in range(tasks.HELD_OUT_COMPOSITES)]
    hit, length, member = np.array([h for h, _ in hits]), np.array([n for _, n in hits]), np.array(composites)

    def share(low: int, high: int) -> Measure:
        inside = (length >= low) & (length < high)
        found = np.bincount(member[inside & hit], minlength=len(units))
        there = np.bincount(member[inside], minlength=len(units))
        return lambda rows: float(found[rows].sum() / max(1, there[rows].sum()))

    return {f"found, {low} to {high} px": share(low, high) for low, high in tasks.HELD_OUT_BANDS}, units


def _classifier(
    _: Path, pictures: list[data.Picture], runs: Sequence[tuple[str, Path]], config: train.Config
) -> tuple[dict[str, Measure], list[str]]:
    """Top-1 and recall at 5 % false flags, as in the log of a run; a unit is a group of pictures."""
    chances, tested = [], []
    for fold, path in runs:
        net, labels, _ = train.load(path, "classifier", config.epochs - 1)
        test = data.split(pictures, fold).test[:: tasks.HELD_OUT_EVERY]
        chances.append(decide.probabilities(tasks.outputs(net, test, config), 1.0))
        tested += test
    outcome = evaluate.Outcome.of(np.concatenate(chances), labels, tested, np.zeros(len(tested), bool))
    return {"top-1": outcome.top1, "recall at 5 % false flags": outcome.recall_at_5pct}, [p.group for p in tested]
