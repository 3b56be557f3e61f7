"""How well an add-on names species, genera and families on pictures whose class says one, and how often the watch list warns for nothing.

Which class of which source is which taxon stands in ``species.csv``. Thresholds are chosen on the sources of fold a of ``split.toml``; what is
reported is of all other sources. The add-on was trained on none of these pictures, as far as is known (iNaturalist 2017).
"""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pestcheck.addons import install, species
from pestcheck.addons.species import HINTED, Names, Rank
from pestcheck.inspection import watchlist
from pestcheck.vision.decide import closer
from pestcheck.vision.score import parts, to_input
from pestcheck.vision.tiles import Box
from training import data as manifests
from training.evaluate import interval, resamples

CLASSES = Path(__file__).parent / "species.csv"
GRID = tuple(round(0.3 + 0.05 * k, 2) for k in range(14))
"""Thresholds that may be chosen."""
FITS, FALSE_ALARMS = 0.9, 1 / 200
"""What is asked for: of the hints that one can judge, so many fit; and of the photographs without what is listed, at most so many warned of."""
ANIMALS = frozenset({
    "ant", "aphid", "bee", "beetle", "butterfly", "caterpillar", "cockroach", "earwig", "egg_mass_other", "fly", "grain_insect", "grasshopper",
    "hornet", "lanternfly_egg_mass", "moth", "other_invertebrate", "planthopper", "spotted_lanternfly", "termite", "true_bug", "wasp", "weevil",
    "whitefly",
})  # fmt: skip
"""Manifest labels of insects; a picture with one and without a taxon cannot be judged."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture of the manifest: what it shows, by ``species.csv``, or None; its boxes."""

    path: Path
    source: str
    source_class: str
    label: str
    group: str
    taxon: str | None
    boxes: tuple[tuple[float, float, float, float], ...]


def pictures(folder: Path) -> list[Shown]:
    """
    Raises:
        SystemExit: a class of species.csv is a taxon that nobody knows.
    """
    with CLASSES.open(encoding="utf-8", newline="") as file:
        taxon = {(row["source"], row["source_class"]): row["taxon"] for row in csv.DictReader(file)}
    if unknown := [name for name in taxon.values() if not species.lineage(name)]:
        raise SystemExit(f"{CLASSES.name} has names that pestcheck/addons/taxa.yaml lacks: {', '.join(unknown)}")
    never = manifests.folds()["never"]
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return [
            Shown(
                folder / row["path"], row["source"], row["source_class"], row["label"], row["split_group"],
                taxon.get((row["source"], row["source_class"])), tuple(tuple(box[:4]) for box in json.loads(row["boxes"] or "[]")),
            )
            for row in csv.DictReader(file) if row["source"] not in never
        ]  # fmt: skip


def wilson(hits: int, of: int, z: float = 1.96) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927)."""
    if not of:
        return 0.0, 1.0
    share, extra = hits / of, z * z / of
    middle, half = share + extra / 2, z * float(np.sqrt(share * (1 - share) / of + extra / of / 4))
    return max(0.0, (middle - half) / (1 + extra)), min(1.0, (middle + half) / (1 + extra))


def whole(classify: species.Classifier, shown: Sequence[Shown]) -> np.ndarray:
    """Probabilities of the classes for the pictures as a whole, shape (n, classes)."""
    return np.concatenate([classify(to_input(Image.open(one.path).convert("RGB"), classify.side)[None]) for one in shown]).astype(
        np.float32
    )


def cropped(classify: species.Classifier, shown: Sequence[Shown]) -> np.ndarray:
    """The same for the largest box of each, with the margin of findings."""
    made = []
    for one in shown:
        image = Image.open(one.path).convert("RGB")
        x0, y0, x1, y1 = max(one.boxes, key=lambda box: (box[2] - box[0]) * (box[3] - box[1]))
        box = Box(*(round(max(0, v)) for v in (x0, y0)), *(round(v) for v in (min(x1, image.width), min(y1, image.height))))
        made.append(classify(parts(image, [closer(box, image.width, image.height)], 1.0, classify.side)))
    return np.concatenate(made).astype(np.float32)


def right(chances: np.ndarray, names: Names, shown: Sequence[Shown]) -> dict[Rank, dict[str, np.ndarray]]:
    """For each rank, of the pictures whose taxon is of that rank or finer: which (``of``), and whether the most probable class, one of the first
    five, and the most probable group of classes is right."""
    animal = np.array([label != species.BACKGROUND for label in names.labels])
    order = np.argsort(-np.where(animal, chances, -1), axis=1)[:, :5]
    told: dict[Rank, dict[str, np.ndarray]] = {}
    for rank in Rank:
        found, matrix = names.groups[rank]
        of, first, five, group = [], [], [], []
        best = (chances @ matrix).argmax(1)
        for k, one in enumerate(shown):
            taxon = species.lineage(one.taxon).get(rank) if one.taxon else None
            if taxon is None or taxon not in found:
                continue
            named = [species.lineage(names.labels[j]).get(rank) for j in order[k]]
            of.append(k)
            first.append(named[0] == taxon)
            five.append(taxon in named)
            group.append(found[best[k]] == taxon)
        told[rank] = {
            "of": np.array(of, int),
            "top1": np.array(first, float),
            "top5": np.array(five, float),
            "summed": np.array(group, float),
        }
    return told


def hints(chances: np.ndarray, names: Names, shown: Sequence[Shown]) -> tuple[np.ndarray, np.ndarray]:
    """For each rank of hints and each picture with a taxon: the probability of the best taxon, and whether it fits; shape (ranks, n)."""
    rows = [k for k, one in enumerate(shown) if one.taxon]
    chance, fits = np.zeros((len(HINTED), len(rows))), np.zeros((len(HINTED), len(rows)), bool)
    for r, rank in enumerate(HINTED):
        found, matrix = names.groups[rank]
        masses = chances[rows] @ matrix
        top = masses.argmax(1)
        chance[r] = masses[np.arange(len(rows)), top]
        fits[r] = [species.fits(found[j], [str(shown[k].taxon)]) for j, k in zip(top, rows, strict=True)]
    return chance, fits


def judged(chance: np.ndarray, fits: np.ndarray, limit: float) -> tuple[int, int, list[int]]:
    """With a threshold: how many hints fit, of how many, and of each rank."""
    sure = chance >= limit
    given = sure.any(0)
    rank = sure.argmax(0)
    good = fits[rank, np.arange(len(rank))] & given
    return int(good.sum()), int(given.sum()), [int((given & (rank == r)).sum()) for r in range(len(HINTED))]


def alarms(chances: np.ndarray, names: Names, shown: Sequence[Shown]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """For each entry of the watch list that the add-on can hint at: the pictures that cannot show it, and its probability on them."""
    found = {}
    for key, taxa in watchlist.shipped().watched.items():
        if not any(names.knows(name) for name in taxa):
            continue
        may = np.array([any(species.fits(name, [one.taxon]) for name in taxa) if one.taxon else one.label in ANIMALS for one in shown])
        best = np.max([_mass(chances, names, name) for name in taxa], axis=0)
        found[key] = np.flatnonzero(~may), best[~may]
    return found


def warned(chances: np.ndarray, names: Names, shown: Sequence[Shown], limit: float) -> dict[str, tuple[int, int]]:
    """For each entry of the watch list that pictures show by their taxon: how many are warned of, of how many."""
    found = {}
    for key, taxa in watchlist.shipped().watched.items():
        rows = [k for k, one in enumerate(shown) if one.taxon and set(taxa) & set(species.lineage(one.taxon).values())]
        if rows:
            best = np.max([_mass(chances[rows], names, name) for name in taxa], axis=0)
            found[key] = int((best >= limit).sum()), len(rows)
    return found


def _mass(chances: np.ndarray, names: Names, name: str) -> np.ndarray:
    for found, matrix in names.groups.values():
        if name in found:
            return chances @ matrix[:, found.index(name)]
    return np.zeros(len(chances))


def choose(chances: np.ndarray, names: Names, shown: Sequence[Shown]) -> tuple[float, float]:
    """The lowest thresholds of the grid that keep what is asked for: (resembles, listed); for the alarms, their interval's upper end."""
    chance, fits = hints(chances, names, shown)
    resembles = next((limit for limit in GRID if (got := judged(chance, fits, limit))[0] >= FITS * got[1]), GRID[-1])
    found = alarms(chances, names, shown)
    listed = next(
        (limit for limit in GRID if all(wilson(int((best >= limit).sum()), len(rows))[1] <= FALSE_ALARMS for rows, best in found.values())),
        GRID[-1],
    )
    return resembles, listed


def measure(folder: Path, addon: install.Added) -> dict[str, Any]:
    """All of it, as numbers with their intervals."""
    classify, names = species.Classifier(addon, 1), Names(addon.description.id, addon.description.labels)
    shown = pictures(folder)
    chances = whole(classify, shown)
    first_half = np.array([one.source in manifests.folds()["a"] for one in shown])
    rest = [one for one, first in zip(shown, first_half, strict=True) if not first]
    other = chances[~first_half]
    resembles, listed = choose(chances[first_half], names, [one for one, first in zip(shown, first_half, strict=True) if first])
    chance, fits = hints(other, names, rest)
    good, given, ranks = judged(chance, fits, resembles)
    found = alarms(other, names, rest)
    any_of = np.zeros(len(rest), bool)
    for rows, best in found.values():
        any_of[rows[best >= listed]] = True
    least = np.flatnonzero(np.all([np.isin(np.arange(len(rest)), rows) for rows, _ in found.values()], axis=0))
    boxed = [k for k, one in enumerate(rest) if one.taxon and one.boxes]
    crops = cropped(classify, [rest[k] for k in boxed])
    return {
        "addon": addon.description.id,
        "thresholds": {"resembles": resembles, "listed": listed},
        "pictures": {"chosen on": int(first_half.sum()), "reported": len(rest), "with a taxon": sum(one.taxon is not None for one in rest)},
        "accuracy": _accuracy(right(other, names, rest), rest),
        "with boxes: whole": _accuracy(right(other[boxed], names, [rest[k] for k in boxed]), [rest[k] for k in boxed]),
        "with boxes: cropped": _accuracy(right(crops, names, [rest[k] for k in boxed]), [rest[k] for k in boxed]),
        "by class": dict(_classes(other, names, rest)),
        "hints": {"given": given, "fit": good, "interval": wilson(good, given), "by rank": dict(zip(map(str, HINTED), ranks, strict=True)), "of": int(chance.shape[1])},
        "alarms": {
            key: {"false": int((best >= listed).sum()), "of": len(rows), "interval": wilson(int((best >= listed).sum()), len(rows))}
            for key, (rows, best) in found.items()
        } | {"any": {"false": int(any_of[least].sum()), "of": len(least), "interval": wilson(int(any_of[least].sum()), len(least))}},
        "warned": {
            key: {"warned": hits, "of": of, "interval": wilson(hits, of)} for key, (hits, of) in warned(other, names, rest, listed).items()
        },
        "milliseconds a finding": speed(addon),
    }  # fmt: skip


def _accuracy(told: dict[Rank, dict[str, np.ndarray]], shown: Sequence[Shown]) -> dict[str, Any]:
    made = {}
    for rank, values in told.items():
        groups = [shown[k].group for k in values["of"]]
        draws = resamples(groups) if groups else []
        made[str(rank)] = {"pictures": len(groups)} | {
            name: {"value": float(values[name].mean()), "interval": interval(lambda rows, of=values[name]: float(of[rows].mean()), draws)}
            for name in ("top1", "top5", "summed") if groups
        }  # fmt: skip
    return made


def _classes(chances: np.ndarray, names: Names, shown: Sequence[Shown]) -> Iterator[tuple[str, Any]]:
    """The classes with at least 20 pictures, at their own rank."""
    of: dict[tuple[str, str, str], list[int]] = {}
    for k, one in enumerate(shown):
        if one.taxon:
            of.setdefault((one.source, one.source_class, one.taxon), []).append(k)
    for (source, source_class, taxon), rows in sorted(of.items()):
        if len(rows) >= 20:
            rank = next(rank for rank, own in species.lineage(taxon).items() if own == taxon)
            told = right(chances[rows], names, [shown[k] for k in rows])[rank]
            yield f"{source}: {source_class}", {
                "taxon": taxon, "pictures": len(rows), "top1": float(told["top1"].mean()), "top5": float(told["top5"].mean()),
                "interval": wilson(int(told["top1"].sum()), len(rows)),
            }  # fmt: skip


def speed(addon: install.Added, threads: int = 2, runs: int = 40) -> float:
    """Milliseconds for one finding on a photograph of 1920 by 1440 pixels, the median: cutting out, the network, and what it resembles."""
    asked = species.Species(addon, install.known(addon.description.name).thresholds, threads)
    image = Image.effect_noise((1920, 1440), 60).convert("RGB")
    watched = watchlist.shipped().watched
    took = []
    for _ in range(runs):
        started = time.perf_counter()
        asked.of(image, [(Box(700, 500, 900, 660), "beetle")], 4032, 3024, watched)
        took.append(time.perf_counter() - started)
    return float(np.median(took) * 1000)


def say(found: dict[str, Any]) -> Iterator[str]:
    """The lines that the command prints."""
    yield f"{found['addon']}, thresholds chosen: resembles {found['thresholds']['resembles']}, listed {found['thresholds']['listed']}"
    yield f"pictures: {found['pictures']}"
    for part in ("accuracy", "with boxes: whole", "with boxes: cropped"):
        yield f"{part}:"
        for rank, values in found[part].items():
            if values["pictures"]:
                numbers = ", ".join(f"{name} {_number(values[name])}" for name in ("top1", "top5", "summed"))
                yield f"  {rank:<8}{values['pictures']:>6} pictures: {numbers}"
    yield "by class:"
    for name, values in found["by class"].items():
        yield f"  {name} ({values['taxon']}): {values['pictures']} pictures, top1 {_number({'value': values['top1'], 'interval': values['interval']})}, top5 {values['top5']:.2f}"
    hinted = found["hints"]
    yield f"hints: {hinted['given']} on {hinted['of']} pictures, {hinted['by rank']}; {hinted['fit']} fit, {_number({'value': hinted['fit'] / max(1, hinted['given']), 'interval': hinted['interval']})}"
    for key, values in found["alarms"].items():
        yield f"false alarms, {key}: {values['false']} of {values['of']} ({values['false'] / max(1, values['of']):.2%}; at most {values['interval'][1]:.2%})"
    for key, values in found["warned"].items():
        yield f"warned of, {key}: {values['warned']} of {values['of']}, {_number({'value': values['warned'] / values['of'], 'interval': values['interval']})}"
    yield f"time a finding: {found['milliseconds a finding']:.1f} ms"


def _number(entry: dict[str, Any]) -> str:
    low, high = entry["interval"]
    return f"{entry['value']:.2f} ({low:.2f} to {high:.2f})" if low is not None else f"{entry['value']:.2f}"
