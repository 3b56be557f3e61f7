"""Compare a model with the one in use, side by side, and put it in use if it passes every gate. ``python -m training promote``."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from pestcheck.photo import PhotoError
from pestcheck.records import Records
from pestcheck.records.datasets import CLEAN
from pestcheck.records.models import FILES
from pestcheck.taxonomy import LABELS
from pestcheck.vision import bundle, decide
from pestcheck.vision.scan import Scanner
from pestcheck.vision.score import Classifier
from training import data, evaluate, heldout

LOSS = 0.02
"""Recall that a label may lose."""
FEW = 20
"""Pictures of a label from which on its recall says something; fewer are marked."""
SLOWER, LARGER, LARGEST = 1.25, 1.1, 20e6
"""How much slower and larger a model may be than the one in use, and how large at most, in bytes (as ``tests/bench.py``)."""
RUNS, ROUNDS = 5, 4
"""How often each model is timed in a round, and how many rounds at most. Other work on the machine only ever adds to a time, so the least
counts, and a model that seems too slow is timed again."""
TECHNICAL = 3
"""Gates, the last ones, that nobody can set aside: parity, speed, size."""
PARITY_PICTURES = 16
ANY_SURFACE = "no contaminant"
NAMES = {"top1": "right label first", "recall": "contaminated flagged", "false_flags": "clean flagged"}


@dataclass(frozen=True)
class Gate:
    """One condition. ``says``: what was measured."""

    name: str
    passed: bool
    says: str


@dataclass(frozen=True)
class Said:
    """What a model says of pictures. ``guess``, ``truth``: names of labels, surfaces are one; ``flagged``: bool; shape (n,) all."""

    guess: np.ndarray
    truth: np.ndarray
    flagged: np.ndarray


def said(classifier: Path, labels: Sequence[str], temperature: float, suspect: float, pictures: list[data.Picture], side: int) -> Said:
    """Have a classifier look at pictures."""
    logits, _ = heldout.classified(Classifier(classifier), pictures, side)
    chances = decide.probabilities(logits, temperature)
    names = np.array([label if LABELS[label].contaminant else ANY_SURFACE for label in labels])
    truth = np.array([p.label if LABELS[p.label].contaminant and p.manifest_label != CLEAN else ANY_SURFACE for p in pictures])
    return Said(names[chances.argmax(axis=1)], truth, decide.contamination(chances, labels) >= suspect)


def tested(folder: Path, before: Path, after: Path) -> tuple[list[data.Picture], Said, Said]:
    """What both models say of pictures that neither was trained on.

    Of a data set with a column ``part`` those are its part "test". Of any other manifest those of each fold, judged by the networks of the
    fold, which never saw their sources.

    Raises:
        SystemExit: nothing is there to be tested on.
    """
    members = data.read_manifest(folder)
    one, other = bundle.load(before), bundle.load(after)
    known = set(one.labels) & set(other.labels)
    if any(p.part for p in members):
        pictures = [p for p in members if p.part == data.TEST and p.label in known]
        if not pictures:
            raise SystemExit(f"{folder} has no picture to test on (column part); make the data set with more inspections")
        results = [
            said(path / bundle.CLASSIFIER, model.labels, model.temperature, model.thresholds.suspect, pictures, model.side)
            for path, model in ((before, one), (after, other))
        ]
        return pictures, results[0], results[1]
    every: list[data.Picture] = []
    parts: list[tuple[Said, Said]] = []
    metrics = json.loads((before / "metrics.json").read_text("utf-8"))["cross_fit"]
    for fold in sorted(data.folds().keys() - {"never"}):
        pictures = [p for p in data.split(members, fold).test if p.label in known]
        told = metrics[fold]
        judged = [
            said(path / "folds" / fold / bundle.CLASSIFIER, model.labels, told["temperature"], told["thresholds"]["suspect"], pictures, model.side)
            for path, model in ((before, one), (after, other))
        ]  # fmt: skip
        every += pictures
        parts.append((judged[0], judged[1]))
    together = [
        Said(*(np.concatenate([getattr(pair[k], name) for pair in parts]) for name in ("guess", "truth", "flagged"))) for k in (0, 1)
    ]
    return every, together[0], together[1]


def compare(pictures: Sequence[data.Picture], before: Said, after: Said) -> tuple[dict[str, Any], list[Gate]]:
    """Side by side, with 95 % intervals of the differences over split groups, and the gates of what is right."""
    draws, rows = evaluate.resamples([p.group for p in pictures]), np.arange(len(pictures))
    dirty = before.truth != ANY_SURFACE
    result: dict[str, Any] = {"pictures": len(pictures), "groups": len({p.group for p in pictures}), "overall": {}, "labels": {}}
    gates = []
    for name in NAMES:
        one, other = _statistic(name, before, dirty), _statistic(name, after, dirty)
        a, b = one(rows), other(rows)
        if np.isnan(a) or np.isnan(b):
            continue

        def difference(some: np.ndarray, one: evaluate.Statistic = one, other: evaluate.Statistic = other) -> float:
            return other(some) - one(some)

        low, high = evaluate.interval(difference, draws)
        worse = name == "false_flags"
        passed = bool((low or 0) <= 0) if worse else bool((high or 0) >= 0)
        entry = {"before": round(float(a), 4), "after": round(float(b), 4), "interval": [low, high]}
        result["overall"][name] = entry
        gates.append(Gate(f"{NAMES[name]}: not worse", passed, f"{a:.1%} -> {b:.1%}, difference {low:+.1%} to {high:+.1%}"))
    lost = []
    for label in sorted(set(before.truth)):
        at = before.truth == label
        a, b = float((before.guess[at] == label).mean()), float((after.guess[at] == label).mean())
        result["labels"][str(label)] = {"before": round(a, 4), "after": round(b, 4), "pictures": int(at.sum())}
        if a - b > LOSS + 1e-9:  # 1 - 0.98 is more than 0.02 in floating point
            lost.append(f"{label} {a:.0%} -> {b:.0%} of {at.sum()}{' (few)' if at.sum() < FEW else ''}")
    gates.append(Gate(f"no label loses more than {LOSS:.0%} of recall", not lost, "; ".join(lost) or f"none of {len(result['labels'])}"))
    return result, gates


def _statistic(name: str, of: Said, dirty: np.ndarray) -> evaluate.Statistic:
    def mean(values: np.ndarray) -> float:
        return float(values.mean()) if len(values) else float("nan")

    if name == "top1":
        return lambda rows: mean(of.guess[rows] == of.truth[rows])
    if name == "recall":
        return lambda rows: mean(of.flagged[rows][dirty[rows]])
    return lambda rows: mean(of.flagged[rows][~dirty[rows]])


def technical(
    before: Path, after: Path, pictures: Sequence[data.Picture], photograph: Callable[[], bytes]
) -> tuple[dict[str, Any], list[Gate]]:
    """Parity of torch and ONNX Runtime, seconds of processor time a photograph, bytes."""
    from training import onnx_file, recover

    pixels = heldout.inputs(pictures[:PARITY_PICTURES], bundle.load(after).side)
    try:
        apart = onnx_file.parity(recover.classifier_of(after / bundle.CLASSIFIER), after / bundle.CLASSIFIER, pixels)
        parity = Gate("torch and ONNX Runtime agree", True, f"largest difference {apart:.2g} of a logit, limit {onnx_file.PARITY}")
    except SystemExit as error:
        apart, parity = float("nan"), Gate("torch and ONNX Runtime agree", False, str(error))
    seconds = speed(before, after, photograph())
    sizes = [sum((path / name).stat().st_size for name in FILES) for path in (before, after)]
    gates = [
        parity,
        Gate(
            "speed",
            seconds[1] <= SLOWER * seconds[0],
            f"{seconds[0]:.2f} s -> {seconds[1]:.2f} s of processor time a photograph of 12 megapixels",
        ),
        Gate("size", sizes[1] <= min(LARGER * sizes[0], LARGEST), f"{sizes[0] / 1e6:.1f} MB -> {sizes[1] / 1e6:.1f} MB"),
    ]
    return {"parity": None if np.isnan(apart) else apart, "seconds": [round(s, 3) for s in seconds], "bytes": sizes}, gates


def speed(before: Path, after: Path, shot: bytes) -> list[float]:
    """Seconds of processor time that the scan of a photograph takes with each model, in turn.

    Not those of the clock: beside other work the least of 20 of these differed by a third between two scanners of one model, of the
    processor's by a hundredth.
    """
    scanners = [Scanner(path) for path in (before, after)]
    for scanner in scanners:
        scanner.scan(shot)
    seconds = [math.inf, math.inf]
    for _ in range(ROUNDS):
        for _ in range(RUNS):
            for k, scanner in enumerate(scanners):
                started = process_time()
                scanner.scan(shot)
                seconds[k] = min(seconds[k], process_time() - started)
        if seconds[1] <= SLOWER * seconds[0]:
            break
    return seconds


def shadow(records: Records, before: Path, after: Path, last: int) -> dict[str, Any]:
    """What the new model would have said of the last photographs on record.

    Returns:
        "photographs": how many were looked at. "changed": of each whose verdict or first label differs, its SHA-256, inspection and point, and
        what both say. "unreadable": how many were gone or broken.
    """
    scanners = [Scanner(path) for path in (before, after)]
    changed, looked, unreadable = [], 0, 0
    for view in records.last_scored(last):
        try:
            shot = records.photo_store.get(view.sha256)
            told = [_words(scanner, shot) for scanner in scanners]
        except (FileNotFoundError, PhotoError):
            unreadable += 1
            continue
        looked += 1
        if told[0] != told[1]:
            changed.append({
                "photograph": view.sha256, "inspection": view.inspection_id, "area": view.area, "before": told[0], "after": told[1],
            })  # fmt: skip
    return {"photographs": looked, "changed": changed, "unreadable": unreadable}


def _words(scanner: Scanner, shot: bytes) -> str:
    report = scanner.scan(shot)[0]
    return report.verdict.value + (f", {report.findings[0].label}" if report.findings else "")


def gates_of(before: Path, after: Path, tests: Sequence[Path]) -> tuple[dict[str, Any], list[Gate]]:
    """All gates, and what they measured, which is also written to ``after/promotion.json``."""
    from training.speed import photograph

    measured: dict[str, Any] = {"before": bundle.load(before).id, "after": bundle.load(after).id, "tests": {}}
    gates: list[Gate] = []
    pictures: list[data.Picture] = []
    for folder in tests:
        pictures, one, other = tested(folder, before, after)
        found, passed = compare(pictures, one, other)
        measured["tests"][folder.name] = found
        gates += [Gate(f"{folder.name}: {gate.name}", gate.passed, gate.says) for gate in passed]
    found, passed = technical(before, after, pictures, photograph)
    measured |= found
    gates += passed
    measured["gates"] = [asdict(gate) for gate in gates]
    (after / "promotion.json").write_text(json.dumps(measured, indent=1) + "\n", "utf-8")
    return measured, gates


def table(measured: dict[str, Any]) -> str:
    """The comparison side by side, for people."""
    lines = []
    for name, found in measured["tests"].items():
        lines += [
            f"{name}: {found['pictures']} pictures in {found['groups']} groups",
            f"  {'':<28}{'before':>8}{'after':>8}   difference, 95 %",
        ]
        for key, entry in found["overall"].items():
            low, high = entry["interval"]
            lines.append(f"  {NAMES[key]:<28}{entry['before']:>8.1%}{entry['after']:>8.1%}   {low:+.1%} to {high:+.1%}")
        for label, entry in found["labels"].items():
            few = "  (few)" if entry["pictures"] < FEW else ""
            lines.append(f"  {label:<28}{entry['before']:>8.1%}{entry['after']:>8.1%}   of {entry['pictures']}{few}")
    return "\n".join(lines)
