"""Measure a shipped model: every number of its card, from its own files and the pictures. ``python -m training evaluate``."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from pestcheck.taxonomy import LABELS
from pestcheck.vision import bundle, decide
from pestcheck.vision.scan import Scanner
from training import baseline, calibrate, conformal, curve, data, evaluate, heldout, photographs, plans
from training import strangers as strange
from training.card import write_card
from training.heldout import HeldOut
from training.train import Config

SEED = 7
"""Of the made-up photographs."""
OFTEN = 15
"""Confusions that are listed."""
WEIGHTS = (0.0, 0.25, 0.5, 1.0)
"""Of the finder's word, for the card."""
BEFORE = "before"
"""Folder, in that of a fold, of a finder that never saw a composite; a model may come without."""
SEEN = "seen"
"""The networks of the model itself, which did see the sources of the folds."""


def plan_of(model: bundle.Bundle) -> heldout.Plan:
    """How the model scans."""
    return heldout.Plan(model.side, model.long_sides, model.tile, model.overlap, model.offsets)


def judge_folds(
    folder: Path, model: Path, pictures: list[data.Picture], labels: Sequence[str], plan: heldout.Plan, which: str = ""
) -> dict[str, HeldOut]:
    """Score each fold by the networks in ``model/folds`` that never saw it.

    Args:
        which: "" for the networks of the folds; BEFORE for their finders that never saw a composite; SEEN for the shipped networks, which
            saw the sources, though not these photographs made of them.

    Raises:
        SystemExit: a network is missing.
    """
    results = {}
    for fold in fold_names():
        networks = model if which == SEEN else model / "folds" / fold
        finder, classifier = networks / (BEFORE if which == BEFORE else "") / bundle.FINDER, networks / bundle.CLASSIFIER
        for path in (finder, classifier):
            if not path.is_file():
                raise SystemExit(
                    f"{path} is not there; without the networks of the folds nothing can be measured. Get the model folder again."
                )
        results[fold] = heldout.judge(
            heldout.Networks.read(finder, classifier), folder, data.split(pictures, fold).test, labels, plan, SEED
        )
        print(
            f"fold {fold}, {which or 'unseen'}: judged {len(results[fold].pictures)} pictures and {len(results[fold].things.truth)} things",
            flush=True,
        )
    return results


def fold_names() -> list[str]:
    """The folds of training/split.toml."""
    return sorted(data.folds().keys() - {"never"})


def report(folder: Path, model: Path, folds: dict[str, HeldOut] | None = None) -> dict[str, Any]:
    """Measure the model in ``model`` with the manifest in ``folder``; writes ``metrics.json``, plots and ``CARD.md`` there.

    Args:
        folds: what ``judge_folds`` returned for this very model, if it is at hand.
    """
    shipped = bundle.load(model)
    labels = shipped.labels
    pictures = data.split(data.read_manifest(folder), None).train
    folds = folds or judge_folds(folder, model, pictures, labels, plan_of(shipped))
    results = calibrate.cross_fitted(list(folds.values()), labels)
    tested = [p for fold in folds.values() for p in fold.pictures]
    chances, flagged = np.concatenate([r.chances for r in results]), np.concatenate([r.flagged for r in results])
    pooled = evaluate.measure(chances, labels, tested, flagged)
    features = baseline.frozen_features(pictures, Config(side=shipped.side))
    frozen = _frozen(features, pictures, folds, labels)
    metrics: dict[str, Any] = {
        "command": f"python -m training evaluate --data DATA --model models/{model.name}",
        "networks": {path.relative_to(model / "folds").as_posix(): _sha256(path) for path in sorted(model.glob("folds/**/*.onnx"))},
        "aimed_at": {
            "suspect": calibrate.SUSPECT_FALSE_FLAGS, "unsure": calibrate.UNSURE_FALSE_FLAGS,
            "photograph": calibrate.PHOTOGRAPH_FALSE_FLAGS, "coverage": calibrate.COVERAGE,
        },
        "cross_fit": {fold: asdict(r.calibration) for fold, r in zip(folds, results, strict=True)},
        "unseen_sources": pooled,
        "unseen_sources_by_fold": {
            fold: evaluate.measure(r.chances, labels, r.fold.pictures, r.flagged) for fold, r in zip(folds, results, strict=True)
        },
        "frozen_baseline": evaluate.measure(frozen["chances"], labels, tested, frozen["flagged"]),
        "gain_over_frozen_baseline": evaluate.gain(chances, frozen["chances"], labels, tested),
        "predictive_values": evaluate.predictive_values(pooled["recall"]["value"], pooled["false_flags"]["value"]),
        "photographs": sizes(results, labels),
        "weights": _weights(list(folds.values()), labels),
        "seen_sources": _other(folder, model, pictures, labels, plan_of(shipped), SEEN),
        "before_composites": _before(folder, model, pictures, labels, plan_of(shipped)),
        "clean_yard": _clean_yard(folder, model),
        "photographs_sha256": {fold: held.digest for fold, held in folds.items()},
        "candidate_sets": _sets(results, labels),
        "reliability": evaluate.reliability(chances, np.concatenate([r.fold.truth for r in results])),
        "unknown": _unknown(folder, model, pictures, folds),
        "curve": curve.measure(features, pictures, labels),
        "plans": plans.measure({fold: model / "folds" / fold / bundle.FINDER for fold in folds}, folder, pictures, labels, SEED),
        "failures": _failures(chances, flagged, tested, labels),
    }  # fmt: skip
    (model / "metrics.json").write_text(json.dumps(metrics, indent=1, allow_nan=False) + "\n", "utf-8")
    write_card(model)
    return metrics


def _weights(folds: Sequence[HeldOut], labels: Sequence[str]) -> list[dict[str, Any]]:
    """``sizes`` by the weight that the finder's word has beside the closer look's."""
    return [{"finder": weight, **sizes(calibrate.cross_fitted(folds, labels, [weight]), labels)} for weight in WEIGHTS]


def _before(folder: Path, model: Path, pictures: list[data.Picture], labels: Sequence[str], plan: heldout.Plan) -> dict[str, Any] | None:
    """``sizes`` of a finder that never saw a composite, with the same classifier; None: the model came without one."""
    return _other(folder, model, pictures, labels, plan, BEFORE) if any(model.glob(f"folds/*/{BEFORE}")) else None


def _other(
    folder: Path, model: Path, pictures: list[data.Picture], labels: Sequence[str], plan: heldout.Plan, which: str
) -> dict[str, Any]:
    """``sizes`` of other networks than those of the folds."""
    return sizes(calibrate.cross_fitted(list(judge_folds(folder, model, pictures, labels, plan, which).values()), labels), labels)


def _clean_yard(folder: Path, model: Path) -> dict[str, Any]:
    """What the shipped program itself says of the clean photographs of yards, at their full size. Prints how long it takes, after its start."""
    scanner, reports = Scanner(model), []
    for path in sorted((folder / "photos").glob("*.jpg")):
        data = path.read_bytes()
        scanner.scan(data)
        reports.append(scanner.scan(data)[0])
    seconds = [one.seconds for one in reports]
    print(
        f"the program takes {statistics.median(seconds):.2f} s a yard photograph, at most {max(seconds):.2f} s "
        f"({os.cpu_count()} cores, {platform.machine()})",
        flush=True,
    )
    return {
        "photographs": len(reports),
        "suspect": sum(one.verdict is decide.Verdict.SUSPECT for one in reports),
        "findings": sum(len(one.findings) for one in reports),
        "megapixels": round(statistics.median(one.photo.width * one.photo.height for one in reports) / 1e6, 1),
    }


def sizes(results: Sequence[calibrate.Judged], labels: Sequence[str]) -> dict[str, Any]:
    """Found and named by length, on made-up and on yard photographs, and clean photographs flagged; intervals over photographs."""
    out: dict[str, Any] = {}
    harmful = np.array([LABELS[label].group for label in labels])
    for kind, real in (("made_up", False), ("yard", True)):
        clean = np.concatenate([r.clean_flagged[r.clean_real == real] for r in results])
        whole = np.concatenate([_whole_flagged(r, r.fold.clean, labels)[r.clean_real == real] for r in results])
        bands = {}
        for low, high in photographs.BANDS:
            found, named, group, unit, whole_flags = [], [], [], [], []
            for k, r in enumerate(results):
                things = r.fold.things
                rows = (things.length >= low) & (things.length < high) & (things.real == real)
                guess = r.things[rows].argmax(1)
                found.append(r.things_flagged[rows])
                photos = np.unique(things.photograph, return_index=True)[1]
                whole_flags.append(_whole_flagged(r, things, labels)[rows[photos]])
                named.append(guess == things.truth[rows])
                group.append(harmful[guess] == harmful[things.truth[rows]])
                unit.append([f"{k} {p}" for p in things.photograph[rows]])
            hit, right, kin = np.concatenate(found), np.concatenate(named), np.concatenate(group)
            draws = evaluate.resamples(np.concatenate(unit))
            bands[f"{low}-{high}"] = {
                "things": len(hit),
                "photographs": sum(map(len, whole_flags)),
                "photographs_flagged_as_a_whole": evaluate.share(np.concatenate(whole_flags)),
                **{
                    name: {
                        "value": evaluate.share(values),
                        "interval": evaluate.interval(lambda rows, v=values: float(v[rows].mean()), draws),
                    }  # type: ignore[misc]
                    for name, values in (("found", hit), ("named", right), ("group_named", kin))
                },
            }
        out[kind] = {
            "clean": {"photographs": len(clean), "flagged": evaluate.share(clean), "flagged_as_a_whole": evaluate.share(whole)},
            "by_length": bands,
        }
    return out


def _whole_flagged(judged: calibrate.Judged, spots: heldout.Spots, labels: Sequence[str]) -> np.ndarray:
    """Whether each photograph is suspect as a whole, without the finder: bool (photographs,)."""
    first = np.unique(spots.photograph, return_index=True)[1]
    chances = decide.probabilities(spots.whole[first], judged.calibration.temperature)
    flagged: np.ndarray = decide.contamination(chances, labels) >= judged.calibration.thresholds.suspect
    return flagged


def _sets(results: Sequence[calibrate.Judged], labels: Sequence[str]) -> dict[str, Any]:
    return conformal.measure(np.concatenate([r.sets for r in results]), np.concatenate([r.fold.truth for r in results]))


def _unknown(folder: Path, model: Path, pictures: list[data.Picture], folds: dict[str, HeldOut]) -> dict[str, Any]:
    """AUROC for strangers, near and far, by fold."""
    strangers = {kind: pixels for kind, pixels in (("near", strange.near(folder)), ("far", strange.far())) if len(pixels)}
    for kind in {"near", "far"} - strangers.keys():
        print(f"no pictures of {kind} strangers are at hand (training/strangers.py says which), so that is not measured", flush=True)
    by_fold = {
        fold: strange.compare(model / "folds" / fold / bundle.CLASSIFIER, held.pictures, data.split(pictures, fold).train, strangers)
        for fold, held in folds.items()
    }
    return {
        kind: {"pictures": len(pixels), "by_fold": {fold: scores[kind] for fold, scores in by_fold.items()}}
        for kind, pixels in strangers.items()
    }


def _failures(chances: np.ndarray, flagged: np.ndarray, pictures: Sequence[data.Picture], labels: Sequence[str]) -> dict[str, Any]:
    """What goes wrong most: labels missed, surfaces flagged, and names taken for others."""
    missed = Counter(p.label for p, flag in zip(pictures, flagged, strict=True) if not flag and LABELS[p.label].contaminant)
    false = Counter(p.label for p, flag in zip(pictures, flagged, strict=True) if flag and not LABELS[p.label].contaminant)
    confused = Counter((p.label, labels[k]) for p, k in zip(pictures, chances.argmax(1), strict=True) if p.label != labels[k])
    return {
        "missed": dict(missed.most_common()),
        "flagged": dict(false.most_common()),
        "taken_for": [[truth, guess, n] for (truth, guess), n in confused.most_common(OFTEN)],
    }


def _frozen(features: np.ndarray, pictures: list[data.Picture], folds: dict[str, HeldOut], labels: Sequence[str]) -> dict[str, np.ndarray]:
    """The baseline, fitted without each fold's sources and judged in the same way as the network."""
    row = {p: i for i, p in enumerate(pictures)}
    index = {label: i for i, label in enumerate(labels)}
    scores = []
    for fold, held in folds.items():
        train = data.split(pictures, fold).train
        truth = np.array([index[p.label] for p in train])
        weights = data.sampling_weights(train)  # as often as the network sees them; it makes the baseline better
        scores.append(
            baseline.logits(features[[row[p] for p in train]], truth, weights, features[[row[p] for p in held.pictures]], len(labels))
        )
    chances, flagged = [], []
    harmful, truths = heldout.harmful(labels), [held.truth for held in folds.values()]
    for k in range(len(scores)):
        others = [i for i in range(len(scores)) if i != k]
        logits, truth = np.concatenate([scores[i] for i in others]), np.concatenate([truths[i] for i in others])
        t = calibrate.temperature(logits, truth)
        clean = decide.contamination(decide.probabilities(logits, t), labels)[~harmful[truth]]
        chances.append(decide.probabilities(scores[k], t))
        flagged.append(decide.contamination(chances[-1], labels) >= np.quantile(clean, 1 - calibrate.SUSPECT_FALSE_FLAGS))
    return {"chances": np.concatenate(chances), "flagged": np.concatenate(flagged)}


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
