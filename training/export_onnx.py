"""Write a trained network as a model folder: ``model.onnx``, ``bundle.json``, ``metrics.json``, ``CARD.md``."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import nn

from pestcheck.taxonomy import LABELS
from pestcheck.vision import bundle, decide
from pestcheck.vision.score import Scorer
from training import baseline, calibrate, data, evaluate
from training.card import write_card
from training.train import Inputs, load_best, normalise

COLUMNS, OVERLAP = (3, 9), 0.25
PARITY_PICTURES, PARITY = 64, 1e-3
ZOOM = 2
"""How much a clean picture is enlarged to stand for the tiles of a photograph."""


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
    assert program is not None
    proto = program.model_proto
    onnx.helper.set_model_props(proto, {"labels": json.dumps(labels)})
    onnx.save_model(proto, path)


def parity(net: nn.Module, scorer: Scorer, pixels: np.ndarray) -> float:
    """Largest difference of a logit between torch and ONNX Runtime for uint8 pixels (n, side, side, 3)."""
    with torch.inference_mode():
        expected = FromPixels(net).eval()(torch.from_numpy(pixels)).numpy()
    return float(np.abs(expected - scorer(pixels)).max())


def inputs(pictures: list[data.Picture], side: int) -> np.ndarray:
    """All pictures as the model takes them, uint8 (n, side, side, 3)."""
    members = Inputs(pictures, side)
    return np.stack([members[i] for i in range(len(members))])


def tiles_of(pictures: list[data.Picture], side: int) -> np.ndarray:
    """Enlarged parts of pictures, four each, as the model sees tiles of a photograph: uint8 (4 n, side, side, 3)."""
    big = inputs(pictures, side * ZOOM)
    return np.concatenate([big[:, y : y + side, x : x + side] for y in (0, side) for x in (0, side)])


def export(folder: Path, out: Path) -> dict[str, Any]:
    """Write the model folder ``out`` from its best checkpoint (``out/run``) and the manifest in ``folder``.

    Raises:
        SystemExit: ``out`` is not named NAME-VERSION, or torch and ONNX Runtime differ by more than 1e-3.
    """
    if not (match := re.fullmatch(r"([a-z0-9-]+)-(\d+\.\d+\.\d+)", out.name)):
        raise SystemExit(f"{out.name!r} is no name for a model; name it like pest-lite0-0.1.0")
    name, version = match.groups()
    net, labels, config = load_best(out / "run")
    pictures = data.read_manifest(folder)
    parts = data.split(pictures)

    write_onnx(net, labels, config.side, out / bundle.NETWORK)
    scorer = Scorer(out / bundle.NETWORK)
    difference = parity(net, scorer, inputs(parts["test"][:: len(parts["test"]) // PARITY_PICTURES][:PARITY_PICTURES], config.side))
    if difference > PARITY:
        raise SystemExit(f"torch and ONNX Runtime differ by {difference:.2g} in a logit; the limit is {PARITY}")

    held_out = parts["validation"] + parts["calibration"]
    logits = scorer(inputs(held_out, config.side))
    t = calibrate.temperature(logits, np.array([labels.index(p.label) for p in held_out]))
    clean = [i for i, p in enumerate(held_out) if not LABELS[p.label].contaminant]
    clean_tiles = scorer(tiles_of([held_out[i] for i in clean], config.side))
    thresholds = calibrate.thresholds(
        decide.contamination(decide.probabilities(logits[clean], t), labels),
        decide.contamination(decide.probabilities(clean_tiles, t), labels),
        f"{version}-5pct",
    )
    test = decide.probabilities(scorer(inputs(parts["test"], config.side)), t)
    validation = decide.probabilities(scorer(inputs(parts["validation"], config.side)), t)
    metrics = {
        "command": f"python -m training export --data DATA --out models/{out.name}",
        "parity": {"pictures": PARITY_PICTURES, "largest_difference": difference},
        "unseen_sources": evaluate.measure(test, labels, parts["test"], thresholds),
        "seen_sources": evaluate.measure(validation, labels, parts["validation"], thresholds),
        "frozen_baseline_unseen_sources": evaluate.measure(baseline.frozen_features(parts, labels, config), labels, parts["test"]),
        "training": asdict(config) | {"log": [json.loads(line) for line in (out / "run" / "log.jsonl").read_text().splitlines()]},
    }
    label_map = data.LabelMap.read()
    licences = {p.source: p.licence for p in pictures}
    counts = Counter((part, p.source) for part in data.PARTS for p in parts[part])
    description = bundle.Bundle(
        name=name, version=version, created=datetime.now(UTC).isoformat(timespec="seconds"), labels=tuple(labels),
        merged=label_map.merged, dropped={label: label_map.reasons[label] for label in sorted(label_map.dropped)},
        side=config.side, columns=COLUMNS, overlap=OVERLAP, temperature=round(t, 4), thresholds=thresholds,
        sha256={bundle.NETWORK: hashlib.sha256((out / bundle.NETWORK).read_bytes()).hexdigest()},
        data=tuple(
            bundle.Source(source=source, part=part, pictures=n, licence=licences[source]) for (part, source), n in sorted(counts.items())
        ),
    )  # fmt: skip
    (out / bundle.DESCRIPTION).write_text(description.model_dump_json(indent=1) + "\n", "utf-8")
    (out / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n", "utf-8")
    write_card(out)
    return metrics
