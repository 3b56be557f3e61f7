"""Continue from a model that is in use: its last layer is fitted anew to more pictures, and all else of it stays as it is.

What a shipped folder holds is enough: the weights are read from ``model.onnx`` and written back into it. The last layer is held where it
was by a pull towards its old weights (L2-SP: Li et al. 2018) and by the old answers to the training pictures that the network remembers
(Li & Hoiem 2016, learning without forgetting), so that a few hundred pictures do not undo what thousands taught.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from onnx import numpy_helper
from scipy.optimize import minimize

from pestcheck.records.datasets import CLEAN
from pestcheck.vision import bundle
from pestcheck.vision.decide import probabilities
from pestcheck.vision.score import Pixels
from training import data, heldout
from training.network import NEAREST

CHUNK = 64
"""Pictures whose features are kept together: so much is lost at most when the work is cut short."""
SMOOTHING = 0.1
"""Of the labels, as in training: so the logits keep their scale, and the temperature holds."""
HOLD = 3.0
"""How strongly the old weights hold; see ``fit``."""
REMEMBERED = 1.0
"""How much a remembered picture counts beside a new one."""


MOST_KNOWN = 100
"""New pictures that the network compares others with from now on, beside those that it knew."""
NOTHING = -1
"""As the right label: no contaminant is there, on whatever surface."""
NAME = r"([a-z0-9-]+)-(\d+\.\d+\.\d+)"


@dataclass(frozen=True)
class Head:
    """The last layer. ``weight``: shape (labels, d); ``bias``: shape (labels,)."""

    weight: np.ndarray
    bias: np.ndarray

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Logits, shape (n, labels), for features of shape (n, d)."""
        logits: np.ndarray = features @ self.weight.T + self.bias
        return logits


class Network:
    """A classifier of a model folder, opened between its last two layers.

    ``known``: unit features of the training pictures that it compares with, shape (n, d); none in networks up to version 0.2.0.

    Raises:
        SystemExit: the file is no classifier that ``training.export_onnx`` wrote.
    """

    def __init__(self, path: Path, threads: int | None = None) -> None:
        self.path, self.model = path, onnx.load(path)
        self.digest = hashlib.sha256(path.read_bytes()).hexdigest()
        graph = self.model.graph
        constants = {one.name: one for one in graph.initializer}
        last = next((node for node in graph.node if node.output[0] == "out" and node.op_type == "Gemm"), None)
        if last is None or not all(name in constants for name in last.input[1:3]):
            raise SystemExit(f"{path} is no classifier of pestcheck: its last layer is not found")
        self._seen, self._weight, self._bias = last.input[:3]
        self._known = next((n for node in graph.node if node.op_type == "MatMul" for n in node.input if n in constants), None)
        self.labels: list[str] = json.loads({p.key: p.value for p in self.model.metadata_props}["labels"])
        self.head = Head(*(numpy_helper.to_array(constants[name]).astype(np.float64) for name in (self._weight, self._bias)))
        self.known = numpy_helper.to_array(constants[self._known]).T if self._known else np.empty((0, self.head.weight.shape[1]))
        opened = onnx.ModelProto.FromString(self.model.SerializeToString())
        del opened.graph.output[:]
        opened.graph.output.append(onnx.helper.make_tensor_value_info(self._seen, onnx.TensorProto.FLOAT, None))
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads or 1
        self._session = ort.InferenceSession(opened.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def features(self, pixels: Pixels) -> np.ndarray:
        """What the last layer is given, float32 (n, d), for uint8 pixels (n, side, side, 3)."""
        parts = [self._session.run(None, {"pixels": pixels[i : i + 8]})[0] for i in range(0, len(pixels), 8)]
        return np.concatenate(parts)

    def unlike(self, seen: np.ndarray) -> np.ndarray:
        """How unlike all that it knows pictures with these features are, shape (n,); see ``network.Classified``."""
        unit = seen / np.maximum(np.linalg.norm(seen, axis=1, keepdims=True), 1e-12)
        likeness = np.sort(unit @ self.known.T, axis=1)
        return 1 - likeness[:, -NEAREST] if likeness.shape[1] >= NEAREST else np.zeros(len(seen))

    def write(self, head: Head, path: Path, known: np.ndarray | None = None) -> None:
        """Write the network with another last layer.

        Args:
            known: features of pictures that it knows now, shape (n, d), beside those that it knew.
        """
        model = onnx.ModelProto.FromString(self.model.SerializeToString())
        values = {self._weight: head.weight, self._bias: head.bias}
        if self._known and known is not None and len(known):
            unit = known / np.maximum(np.linalg.norm(known, axis=1, keepdims=True), 1e-12)
            values[self._known] = np.concatenate([self.known, unit]).T
        for one in model.graph.initializer:
            if one.name in values:
                one.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values[one.name], np.float32), one.name))
        onnx.checker.check_model(model)
        onnx.save_model(model, path)


def features(network: Network, pictures: Sequence[data.Picture], side: int, kept: Path, say: Callable[[str], None] = print) -> np.ndarray:
    """Features of pictures, float32 (n, d); each chunk is kept in the folder ``kept`` when it is done, and not made again.

    A chunk is of these very pictures and this very network, or it is made anew.
    """
    kept.mkdir(parents=True, exist_ok=True)
    rows: list[np.ndarray] = []
    for start in range(0, len(pictures), CHUNK):
        chunk = pictures[start : start + CHUNK]
        told = [network.digest, side, [[str(p.path), p.box, p.path.stat().st_size, p.path.stat().st_mtime_ns] for p in chunk]]
        path = kept / f"{hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]}.npy"
        if not path.is_file():
            made = network.features(heldout.inputs(chunk, side))
            part = path.with_suffix(".part")
            with part.open("wb") as file:
                np.save(file, made)
            part.replace(path)
            say(f"features of {start + len(chunk)} of {len(pictures)} pictures")
        rows.append(np.load(path))
    return np.concatenate(rows) if rows else np.empty((0, network.head.weight.shape[1]), np.float32)


def fit(network: Network, seen: np.ndarray, truth: np.ndarray, hold: float = HOLD, remembered: float = REMEMBERED) -> Head:
    """The last layer, fitted to pictures. Convex: the same pictures give the same layer, whatever came before.

    The loss is the cross entropy summed over the pictures, rare labels counting more, and over the remembered pictures with the old answers
    as their truth, plus ``hold / 2`` times the squared distance from the old weights: the fewer pictures, the less changes. Trainers do not
    say which surface is clean: there the truth is what the network says among surfaces.

    Args:
        seen: features, shape (n, d). truth: index of the right label, or NOTHING, shape (n,).
    """
    if not len(seen):
        return network.head
    start, labels = network.head, len(network.labels)
    clean, surface = truth == NOTHING, ~heldout.harmful(network.labels)
    targets = np.zeros((len(truth), labels))
    targets[np.flatnonzero(~clean), truth[~clean]] = 1
    among = probabilities(start(seen[clean]), 1.0) * surface
    targets[clean] = among / among.sum(axis=1, keepdims=True)
    targets = (1 - SMOOTHING) * targets + SMOOTHING / labels
    _, kind, count = np.unique(truth, return_inverse=True, return_counts=True)
    weights = count[kind] ** -0.5
    # The network keeps unit features of what it remembers; all are about as long as the new ones.
    memory = network.known * np.linalg.norm(seen, axis=1).mean()
    x = np.concatenate([seen, memory]).astype(np.float64)
    y = np.concatenate([targets, probabilities(start(memory), 1.0)])
    w = np.concatenate([weights / weights.mean(), np.full(len(memory), remembered)])[:, None]
    before, d = start(x), x.shape[1]

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        moved = flat.reshape(labels, d + 1)
        logits = before + x @ moved[:, :d].T + moved[:, d]
        logits -= logits.max(axis=1, keepdims=True)
        total = np.log(np.exp(logits).sum(axis=1, keepdims=True))
        wrong = w * (np.exp(logits - total) - y)
        value = float((w * y * (total - logits)).sum() + hold / 2 * (moved**2).sum())
        slope = np.concatenate([wrong.T @ x, wrong.sum(axis=0)[:, None]], axis=1) + hold * moved
        return value, slope.ravel()

    found: Any = minimize(loss, np.zeros(labels * (d + 1)), jac=True, method="L-BFGS-B", options={"maxiter": 200, "ftol": 1e-7})
    moved = found.x.reshape(labels, d + 1)
    return Head(start.weight + moved[:, :d], start.bias + moved[:, d])


@dataclass(frozen=True)
class Continued:
    """What became of it. ``pictures``: trained on, by label; ``left_out``: pictures whose label the model does not have, by label."""

    pictures: dict[str, int]
    left_out: dict[str, int]


def write(folders: Sequence[Path], model: Path, out: Path, hold: float = HOLD) -> Continued:
    """Write the model folder ``out``: that of ``model`` with its last layer fitted to the manifests in ``folders`` as well.

    Pictures of the part "test" are not touched. The networks of the folds, where the model came with them, are fitted in the same way, so
    that it can be measured on the sources that they never saw. Cut short, the same command goes on where it stopped.

    Raises:
        SystemExit: a bad name, the name of the model itself, or nothing to train on. data.ManifestError, bundle.BundleError.
    """
    if not (match := re.fullmatch(NAME, out.name)):
        raise SystemExit(f"{out.name!r} is no name for a model; name it like pest-lite0-0.1.0")
    before = bundle.load(model)
    if f"{match[1]}@{match[2]}" == before.id or out.resolve() == model.resolve():
        raise SystemExit(f"{out.name} is the model to continue from; give the new one a higher version")
    folds = data.folds()
    every = [p for folder in folders for p in data.read_manifest(folder) if p.part != data.TEST and p.source not in folds["never"]]
    pictures = [p for p in every if p.label in before.labels]
    if not pictures:
        raise SystemExit("there is no picture to train on: all are to be tested on, or of labels that the model does not have")
    out.mkdir(parents=True, exist_ok=True)
    index = {label: k for k, label in enumerate(before.labels)}
    truth = np.array([NOTHING if p.manifest_label == CLEAN else index[p.label] for p in pictures])
    work = out / "run" / "work"
    shutil.rmtree(work, ignore_errors=True)  # of a run that was cut short
    work.mkdir(parents=True)
    for path in [model / bundle.CLASSIFIER, *sorted(model.glob(f"folds/*/{bundle.CLASSIFIER}"))]:
        network = Network(path)
        if network.labels != list(before.labels):
            raise SystemExit(f"{path} has other labels than {before.id}; get the model folder again")
        fold = path.parent.name if path.parent != model else ""
        tested = {p.group for p in pictures if p.source in folds.get(fold, ())}
        rows = [k for k, p in enumerate(pictures) if p.group not in tested]  # a fold's network never sees what it is measured on
        seen = features(network, [pictures[k] for k in rows], before.side, out / "run" / "features")
        new = work / path.relative_to(model)
        new.parent.mkdir(parents=True, exist_ok=True)
        some = np.random.default_rng(0).permutation(len(seen))[:MOST_KNOWN]
        network.write(fit(network, seen, truth[rows], hold), new, seen[np.sort(some)])
    for path in (model / bundle.FINDER, *model.glob(f"folds/*/{bundle.FINDER}")):
        shutil.copy(path, work / path.relative_to(model))
    files = (bundle.CLASSIFIER, bundle.FINDER)
    described = before.model_copy(update={
        "name": match[1], "version": match[2], "created": datetime.now(UTC).isoformat(timespec="seconds"), "continues": before.id,
        "finder_from": before.finder_from or before.id, "classifier_from": None, "data": (*before.data, *_sources(pictures)),
        "sha256": {name: hashlib.sha256((work / name).read_bytes()).hexdigest() for name in files},
    })  # fmt: skip
    (work / bundle.DESCRIPTION).write_text(described.model_dump_json(indent=1) + "\n", "utf-8")
    shutil.rmtree(out / "folds", ignore_errors=True)
    for item in list(work.iterdir()):
        os.replace(item, out / item.name)
    work.rmdir()
    bundle.load(out)
    left_out = Counter(p.manifest_label for p in every if p.label not in before.labels)
    return Continued(dict(Counter(p.manifest_label for p in pictures)), dict(left_out))


def _sources(pictures: Sequence[data.Picture]) -> tuple[bundle.Source, ...]:
    licences: dict[str, set[str]] = {}
    for p in pictures:
        licences.setdefault(p.source, set()).add(p.licence or "none stated")
    count = Counter(p.source for p in pictures)
    return tuple(
        bundle.Source(source=source, part="continued", pictures=n, licence=" | ".join(sorted(licences[source])))
        for source, n in sorted(count.items())
    )
