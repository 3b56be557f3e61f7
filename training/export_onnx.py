"""Write a trained network as a model folder: ``model.onnx``, ``bundle.json``, ``metrics.json``, ``CARD.md``."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import torch
from torch import nn

from pestcheck.taxonomy import LABELS
from pestcheck.vision import bundle
from pestcheck.vision.score import Scorer
from training import baseline, calibrate, data, evaluate
from training.card import write_card
from training.train import Config, Inputs, load, normalise

COLUMNS, OVERLAP = (3, 9), 0.25
PARITY_PICTURES, PARITY = 64, 1e-3
ZOOM = 2
"""How much a clean picture is enlarged to stand for the tiles of a photograph."""
CHUNK = 128
"""Pictures held in memory at once."""

Views = Callable[[list[data.Picture], int], np.ndarray]


class FromPixels(nn.Module):
    """The network from uint8 pixels on, so that no caller can normalise them differently."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """uint8 (n, side, side, 3) to logits (n, labels)."""
        logits: torch.Tensor = self.net(normalise(pixels))
        return logits


def write_onnx(net: nn.Module, labels: list[str], side: int, path: Path) -> None:
    """Export to ONNX with the labels in the file's metadata."""
    example = torch.zeros(2, side, side, 3, dtype=torch.uint8)
    program = torch.onnx.export(
        FromPixels(net).eval(), (example,), dynamo=True, input_names=["pixels"], output_names=["logits"],
        dynamic_shapes={"pixels": {0: torch.export.Dim("n", min=1, max=4096)}}, verbose=False,
    )  # fmt: skip
    if program is None:
        raise RuntimeError("torch.onnx.export returned no program")
    proto = program.model_proto
    for part in (
        *proto.graph.node,
        *proto.graph.value_info,
        *proto.graph.input,
        *proto.graph.output,
        *proto.graph.initializer,
        proto.graph,
    ):
        del part.metadata_props[:]  # stack traces with the paths of this machine
    onnx.helper.set_model_props(proto, {"labels": json.dumps(labels)})
    onnx.save_model(proto, path)


def parity(net: nn.Module, scorer: Scorer, pixels: np.ndarray) -> float:
    """Largest difference of a logit between torch and ONNX Runtime for uint8 pixels (n, side, side, 3).

    Raises:
        SystemExit: it is above 1e-3.
    """
    with torch.inference_mode():
        expected = FromPixels(net).eval()(torch.from_numpy(pixels)).numpy()
    difference = float(np.abs(expected - scorer(pixels)).max())
    if not difference <= PARITY:  # also where it is NaN
        raise SystemExit(f"torch and ONNX Runtime differ by {difference:.2g} in a logit; the limit is {PARITY}. Nothing was written.")
    return difference


def inputs(pictures: list[data.Picture], side: int) -> np.ndarray:
    """All pictures as the model takes them, uint8 (n, side, side, 3)."""
    members = Inputs(pictures, side)
    return np.stack([members[i] for i in range(len(members))])


def tiles_of(pictures: list[data.Picture], side: int) -> np.ndarray:
    """Enlarged parts of pictures, four each, as the model sees tiles of a photograph: uint8 (4 n, side, side, 3)."""
    big = inputs(pictures, side * ZOOM)
    return np.concatenate([big[:, y : y + side, x : x + side] for y in (0, side) for x in (0, side)])


def logits(scorer: Scorer, pictures: list[data.Picture], side: int, labels: int, views: Views = inputs) -> np.ndarray:
    """Logits of views of pictures, float32 (n, labels), a few pictures at a time."""
    chunks = [scorer(views(pictures[i : i + CHUNK], side)) for i in range(0, len(pictures), CHUNK)]
    return np.concatenate(chunks) if chunks else np.empty((0, labels), np.float32)


def unseen(scorer: Scorer, pictures: list[data.Picture], labels: list[str], side: int) -> calibrate.Unseen:
    """Score pictures of sources that the network behind ``scorer`` never saw, and tiles of the clean ones."""
    clean = [p for p in pictures if not LABELS[p.label].contaminant]
    return calibrate.Unseen(
        logits(scorer, pictures, side, len(labels)), _truth(pictures, labels), logits(scorer, clean, side, len(labels), tiles_of)
    )


def export(folder: Path, out: Path) -> dict[str, Any]:
    """Write the model folder ``out`` from the networks in ``out/run`` and the manifest in ``folder``; returns what is in metrics.json.

    Nothing is written before everything is measured.

    Raises:
        SystemExit: ``out`` is not named NAME-VERSION, a network is missing or of other labels or settings than the shipped one,
            or torch and ONNX Runtime differ by more than 1e-3.
    """
    if not (match := re.fullmatch(r"([a-z0-9-]+)-(\d+\.\d+\.\d+)", out.name)):
        raise SystemExit(f"{out.name!r} is no name for a model; name it like pest-lite0-0.1.0")
    name, version = match.groups()
    pictures = data.split(data.read_manifest(folder), None).train
    net, labels, config = load(out / "run" / "all")
    _truth(pictures, labels)
    folds = sorted(data.folds().keys() - {"never"})
    splits = {fold: data.split(pictures, fold) for fold in folds}
    networks = {fold: _load_fold(out / "run" / fold, labels, config) for fold in folds}

    with TemporaryDirectory(dir=out) as temporary:
        work = Path(temporary)
        write_onnx(net, labels, config.side, work / bundle.NETWORK)
        sample = pictures[:: max(1, len(pictures) // PARITY_PICTURES)][:PARITY_PICTURES]
        difference = parity(net, Scorer(work / bundle.NETWORK), inputs(sample, config.side))

        ours = []
        for fold in folds:
            write_onnx(networks[fold], labels, config.side, work / f"{fold}.onnx")
            ours.append(unseen(Scorer(work / f"{fold}.onnx"), splits[fold].test, labels, config.side))
            print(f"fold {fold}: scored {len(splits[fold].test)} pictures of unseen sources", flush=True)
        temperature, thresholds = calibrate.choose(ours, labels, f"{version}-{calibrate.SUSPECT_FALSE_FLAGS:.0%}".replace("%", "pct"))
        metrics = {
            "command": f"python -m training export --data DATA --out models/{out.name}",
            "parity": {"pictures": len(sample), "largest_difference": difference},
            **_judge(ours, _frozen(pictures, splits, labels, config), splits, labels),
            "training": {"config": asdict(config), "logs": {run: _log(out / "run" / run) for run in (*folds, "all")}},
        }
        label_map = data.LabelMap.read()
        description = bundle.Bundle(
            name=name, version=version, created=datetime.now(UTC).isoformat(timespec="seconds"), labels=tuple(labels),
            merged=label_map.merged, dropped={label: label_map.reasons[label] for label in sorted(label_map.dropped)},
            side=config.side, columns=COLUMNS, overlap=OVERLAP, temperature=round(temperature, 4), thresholds=thresholds,
            sha256={bundle.NETWORK: hashlib.sha256((work / bundle.NETWORK).read_bytes()).hexdigest()}, data=_sources(pictures),
        )  # fmt: skip
        (work / bundle.DESCRIPTION).write_text(description.model_dump_json(indent=1) + "\n", "utf-8")
        (work / "metrics.json").write_text(json.dumps(metrics, indent=1, allow_nan=False) + "\n", "utf-8")
        write_card(work)
        for file in (bundle.NETWORK, bundle.DESCRIPTION, "metrics.json", "CARD.md"):
            os.replace(work / file, out / file)
    return metrics


def _judge(
    ours: list[calibrate.Unseen], frozen: list[calibrate.Unseen], splits: dict[str, data.Split], labels: list[str]
) -> dict[str, Any]:
    """Cross-fitted numbers of the network and of the baseline: pooled, by fold, and their difference."""
    tested = [p for part in splits.values() for p in part.test]
    results, baselines = calibrate.cross_fitted(ours, labels), calibrate.cross_fitted(frozen, labels)
    chances, frozen_chances = (np.concatenate([r.chances for r in rs]) for rs in (results, baselines))
    pooled = evaluate.measure(chances, labels, tested, np.concatenate([r.flagged for r in results]))
    tiles = np.concatenate([r.tiles_flagged for r in results])
    return {
        "false_flag_rates_aimed_at": {
            "suspect": calibrate.SUSPECT_FALSE_FLAGS, "unsure": calibrate.UNSURE_FALSE_FLAGS, "tile": calibrate.TILE_FALSE_FLAGS,
        },
        "cross_fit": {
            fold: {"temperature": round(r.temperature, 4), **{k: v for k, v in asdict(r.thresholds).items() if k != "version"}}
            for fold, r in zip(splits, results, strict=True)
        },
        "unseen_sources": pooled,
        "unseen_sources_by_fold": {
            fold: evaluate.measure(r.chances, labels, part.test, r.flagged)
            for (fold, part), r in zip(splits.items(), results, strict=True)
        },
        "clean_tiles": {"tiles": len(tiles), "flagged": round(float(tiles.mean()), 5)},
        "frozen_baseline_unseen_sources": evaluate.measure(
            frozen_chances, labels, tested, np.concatenate([b.flagged for b in baselines])
        ),
        "gain_over_baseline": evaluate.gain(chances, frozen_chances, labels, tested),
        "predictive_values": evaluate.predictive_values(pooled["recall"]["value"], pooled["false_flags"]["value"]),
    }  # fmt: skip


def _frozen(pictures: list[data.Picture], splits: dict[str, data.Split], labels: list[str], config: Config) -> list[calibrate.Unseen]:
    """What the baseline, fitted without a fold's sources, says of that fold's pictures."""
    features, row = baseline.frozen_features(pictures, config), {p: i for i, p in enumerate(pictures)}
    results = []
    for part in splits.values():
        train, test = ([row[p] for p in side] for side in (part.train, part.test))
        weights = data.sampling_weights(part.train)  # as often as the network sees them; it makes the baseline better
        scores = baseline.logits(features[train], _truth(part.train, labels), weights, features[test], len(labels))
        results.append(calibrate.Unseen(scores, _truth(part.test, labels), np.empty((0, len(labels)))))
    return results


def _load_fold(run: Path, labels: list[str], config: Config) -> nn.Module:
    net, others, settings = load(run)
    if others != labels:
        raise SystemExit(
            f"the network in {run} has other labels than the shipped one in {run.parent / 'all'} "
            f"(only in one: {', '.join(sorted(set(others) ^ set(labels))) or 'none, but in another order'}); "
            "its numbers would not be those of the shipped one. Train both on one manifest; "
            "each label needs pictures outside every fold (training/split.toml)."
        )
    if replace(settings, workers=config.workers) != config:
        raise SystemExit(f"the network in {run} was trained with other settings than the shipped one; delete {run} and train again")
    return net


def _truth(pictures: list[data.Picture], labels: list[str]) -> np.ndarray:
    """Index of each picture's label, shape (n,)."""
    index = {label: i for i, label in enumerate(labels)}
    if unknown := {p.label for p in pictures} - index.keys():
        raise SystemExit(f"the manifest has labels that the network was not trained on: {', '.join(sorted(unknown))}. Train again.")
    return np.array([index[p.label] for p in pictures], int)


def _log(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "log.jsonl").read_text("utf-8").splitlines()]


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
