"""Does the loop work? Trainers label what the queue gives them, or what chance gives them, and the model is trained again after each lot.

The networks of the folds never saw the sources of their fold. Part of those pictures is what inspectors sent in; the rest is only tested on.
The trainers are simulated: they say what the manifest says, and of a clean picture only that it is clean. The order is that of the review
queue (``pestcheck.priority``), made anew with each new model; nobody has decided on anything before.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pestcheck import priority
from pestcheck.photo import Quality
from pestcheck.taxonomy import LABELS
from pestcheck.vision import bundle, decide
from pestcheck.vision.tiles import Box
from training import continued, data, evaluate, heldout

STEPS = (0, 50, 100, 200, 400)
"""Labels given."""
REPEATS = 10
"""Each with another part that is tested on, and another random order."""
TESTED = 0.3
"""Share of the split groups that is only tested on."""
ORDERS = ("queue", "random")
LARGEST = 2
"""Sources of the smaller pool."""
RARE_TO_SEE = 5
"""Pictures that a label needs among those tested, to count in the mean over labels."""
SOUND = Quality(brightness=128.0, sharpness=100.0)


@dataclass(frozen=True)
class Yard:
    """What a network says of pictures that it never saw. ``truth``: index of the right label, or ``continued.NOTHING``, shape (n,)."""

    network: continued.Network
    temperature: float
    thresholds: decide.Thresholds
    pictures: list[data.Picture]
    seen: np.ndarray
    truth: np.ndarray

    def guess(self, head: continued.Head, rows: np.ndarray) -> np.ndarray:
        """The most probable label of each picture, or NOTHING for a surface, shape (rows,)."""
        best = head(self.seen[rows]).argmax(axis=1)
        return np.where(heldout.harmful(self.network.labels)[best], best, continued.NOTHING)


@dataclass(frozen=True, slots=True)
class Suggested:
    """A finding as the queue sees it."""

    label: str | None
    probability: float | None
    candidates: Any
    state: str = "suggested"
    decided_label: str | None = None


def yard(folder: Path, model: Path, fold: str, kept: Path) -> Yard:
    """The pictures of a fold and its network; features are made once, and kept in ``kept``."""
    network = continued.Network(model / "folds" / fold / bundle.CLASSIFIER)
    metrics = json.loads((model / "metrics.json").read_text("utf-8"))["cross_fit"][fold]
    pictures = data.split(data.read_manifest(folder), fold).test
    seen = continued.features(network, pictures, bundle.load(model).side, kept).astype(np.float64)
    index = {label: k for k, label in enumerate(network.labels)}
    truth = np.array([index[p.label] if LABELS[p.label].contaminant else continued.NOTHING for p in pictures])
    return Yard(network, metrics["temperature"], decide.Thresholds(**metrics["thresholds"]), pictures, seen, truth)


def queue(of: Yard, head: continued.Head, rows: np.ndarray, labelled: np.ndarray) -> np.ndarray:
    """Pictures in the order of the review queue, given what a network with this last layer says of them.

    Args:
        rows: that are not labelled yet. labelled: those that are.
    """
    labels = of.network.labels
    chances = decide.probabilities(head(of.seen[rows]), of.temperature)
    reviewed = Counter(labels[k] for k in of.truth[labelled] if k != continued.NOTHING)
    common = frozenset(label for label, number in reviewed.items() if number >= priority.RARE)
    values = []
    for chance, unlike in zip(chances, of.network.unlike(of.seen[rows]), strict=True):
        verdict, score, found = decide.decide(
            whole=chance, unlike=float(unlike), places=[], looks=np.empty((0, len(labels))), size=Box(0, 0, 224, 224), labels=labels,
            quality=SOUND, thresholds=of.thresholds,
        )  # fmt: skip
        findings = [Suggested(one.label, one.probability, one.candidates) for one in found]
        given = priority.parts(verdict=verdict.value, score=score, findings=findings, facts=priority.Facts(common=common))
        values.append(priority.priority(given))
    result: np.ndarray = rows[np.argsort(-np.array(values), kind="stable")]
    return result


def pools(pictures: Sequence[data.Picture]) -> dict[str, np.ndarray]:
    """What inspectors might send in, by name: which pictures, bool (n,)."""
    source = np.array([p.source for p in pictures])
    largest = [name for name, _ in Counter(source.tolist()).most_common(LARGEST)]
    return {"two sources": np.isin(source, largest), "all sources of the fold": np.ones(len(pictures), bool)}


def parted(of: Yard, pool: np.ndarray, repeat: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows that may be labelled, in random order, and rows that are tested; no split group is in both."""
    rng = np.random.default_rng(repeat)
    group = np.array([p.group for p in of.pictures])
    names = rng.permutation(np.unique(group[pool]))
    tested = pool & np.isin(group, names[: round(TESTED * len(names))])
    return rng.permutation(np.flatnonzero(pool & ~tested)), np.flatnonzero(tested)


def labelled(of: Yard, order: str, rows: np.ndarray, steps: Sequence[int]) -> Iterator[continued.Head]:
    """The last layer after each number of labels (``steps``), given in an order. ``rows``: what may be labelled, in random order."""
    head, given = of.network.head, rows[:0]
    for step in steps:
        left = rows[~np.isin(rows, given)]
        given = np.concatenate([given, (queue(of, head, left, given) if order == "queue" else left)[: step - len(given)]])
        head = continued.fit(of.network, of.seen[given], of.truth[given])
        yield head


def run(folder: Path, model: Path, out: Path, repeats: int = REPEATS) -> list[dict[str, Any]]:
    """All rounds, each kept as a line of ``out/loop.jsonl`` when it is done: the same command goes on where it stopped.

    Returns:
        Of each round its fold, pool, order and repeat; "labelled": how many pictures could be labelled; "tested", which were tested; and "right",
        whether each was named right after each of STEPS; "elsewhere": share of the fold's other pictures that are named right, or None.
    """
    out.mkdir(parents=True, exist_ok=True)
    file = out / "loop.jsonl"
    done = [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.is_file() else []
    known = {(one["fold"], one["pool"], one["order"], one["repeat"]) for one in done}
    for fold in sorted(data.folds().keys() - {"never"}):
        of = yard(folder, model, fold, out / "features")
        for repeat in range(repeats):
            for name, pool in pools(of.pictures).items():
                for order in ORDERS:
                    if (fold, name, order, repeat) in known:
                        continue
                    rows, tested = parted(of, pool, repeat)
                    others = np.flatnonzero(~pool)
                    heads = list(labelled(of, order, rows, STEPS))
                    elsewhere = [float((of.guess(head, others) == of.truth[others]).mean()) for head in heads] if len(others) else None
                    done.append({
                        "fold": fold, "pool": name, "order": order, "repeat": repeat, "labelled": len(rows), "tested": tested.tolist(),
                        "right": [(of.guess(head, tested) == of.truth[tested]).astype(int).tolist() for head in heads], "elsewhere": elsewhere,
                    })  # fmt: skip
                    with file.open("a", encoding="utf-8") as lines:
                        lines.write(json.dumps(done[-1]) + "\n")
                    print(f"fold {fold}, {name}, {order}, repeat {repeat}", flush=True)
    return done


def curves(rounds: Sequence[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
    """Means over the repeats with 95 % bootstrap intervals over the split groups that were tested.

    Returns:
        By fold, pool, measure ("top1": share named right, where all surfaces are one; "mean_recall": mean over the labels of the share of
        their pictures named right) and step: "queue" and "random", and "gain", their difference, each (value, low, high); and the counts
        "labelled" (pictures that could be labelled), "tested" and "repeats"; "elsewhere": by order, the share of the fold's other pictures
        that are named right, or None.
    """
    members, result = data.read_manifest(folder), []
    for fold in sorted({one["fold"] for one in rounds}):
        pictures = data.split(members, fold).test
        _, group = np.unique([p.group for p in pictures], return_inverse=True)
        names = sorted({p.label for p in pictures})
        for pool in pools(pictures):
            some = [one for one in rounds if (one["fold"], one["pool"]) == (fold, pool)]
            repeats = sorted(set.intersection(*({one["repeat"] for one in some if one["order"] == order} for order in ORDERS)))
            if not repeats:
                continue
            shape = (len(STEPS), group.max() + 1, len(names))
            right, total = {order: np.zeros(shape) for order in ORDERS}, np.zeros(shape[1:])
            kind = np.array([names.index(p.label) for p in pictures])
            for one in some:
                if one["repeat"] not in repeats:
                    continue
                rows = np.array(one["tested"])
                if one["order"] == ORDERS[0]:
                    np.add.at(total, (group[rows], kind[rows]), 1)
                for step, correct in enumerate(one["right"]):
                    np.add.at(right[one["order"]][step], (group[rows], kind[rows]), np.array(correct))
            there = np.flatnonzero(total.sum(axis=1))
            rng = np.random.default_rng(0)
            draws = rng.multinomial(len(there), np.full(len(there), 1 / len(there)), evaluate.RESAMPLES)
            weights = np.concatenate([np.ones((1, len(there))), draws])
            elsewhere = {order: _elsewhere([one for one in some if one["order"] == order]) for order in ORDERS}
            counted = total.sum(axis=0) / len(repeats) >= RARE_TO_SEE
            for measure in ("top1", "mean_recall"):
                found = {order: _measured(weights, right[order][:, there], total[there], counted, measure) for order in ORDERS}
                found["gain"] = found[ORDERS[0]] - found[ORDERS[1]]
                for k, step in enumerate(STEPS):
                    values = {
                        name: [round(float(v), 4) for v in (rows[k, 0], *np.nanpercentile(rows[k, 1:], (2.5, 97.5)))]
                        for name, rows in found.items()
                    }
                    result.append({
                        "fold": fold, "pool": pool, "measure": measure, "labels": step, **values, "labelled": some[0]["labelled"],
                        "tested": len(np.unique(np.concatenate([one["tested"] for one in some]))), "repeats": len(repeats), "elsewhere": {order: shares[k] if shares else None for order, shares in elsewhere.items()},
                    })  # fmt: skip
    return result


def _elsewhere(some: Sequence[dict[str, Any]]) -> list[float] | None:
    """Mean share of the fold's other pictures that are named right after each step."""
    shares = [one["elsewhere"] for one in some if one["elsewhere"]]
    return [round(float(v), 4) for v in np.mean(shares, axis=0)] if shares else None


def _measured(weights: np.ndarray, right: np.ndarray, total: np.ndarray, counted: np.ndarray, measure: str) -> np.ndarray:
    """A measure for each step and resample, shape (steps, resamples). ``right``: shape (steps, groups, labels); ``total``: (groups, labels)."""
    if measure == "top1":
        return np.stack([(weights @ step.sum(axis=1)) / (weights @ total.sum(axis=1)) for step in right])
    of = weights @ total[:, counted]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.stack([np.nanmean(weights @ step[:, counted] / of, axis=1) for step in right])


def table(found: Sequence[dict[str, Any]]) -> str:
    """The curves as a Markdown table."""
    lines = [
        "| Pictures | Measure | Labels | Queue | 95 % | Random | 95 % | Gain, points | 95 % |",
        "| --- | --- | ---: | ---: | --- | ---: | --- | ---: | --- |",
    ]
    words = {"top1": "named right", "mean_recall": "named right, mean over labels"}
    for one in found:
        cells = [f"fold {one['fold']}, {one['pool']}", words[one["measure"]], str(one["labels"])]
        for order in ORDERS:
            value, low, high = one[order]
            cells += [f"{value:.1%}", f"{low:.1%} to {high:.1%}"]
        value, low, high = (100 * v for v in one["gain"])
        lines.append("| " + " | ".join([*cells, f"{value:+.1f}", f"{low:+.1f} to {high:+.1f}"]) + " |")
    for one in found:
        if one["measure"] == "top1" and one["labels"] == STEPS[-1] and one["elsewhere"][ORDERS[0]] is not None:
            start = next(o for o in found if (o["fold"], o["pool"], o["measure"], o["labels"]) == (one["fold"], one["pool"], "top1", 0))
            shares = ", ".join(f"{one['elsewhere'][order]:.1%} ({order})" for order in ORDERS)
            lines.append(
                f"\nFold {one['fold']}, its other sources: {start['elsewhere'][ORDERS[0]]:.1%} named right before, {shares} after {STEPS[-1]} labels."
            )
    return "\n".join(lines)
