"""The manifest of labelled pictures: reading it, splitting it by source, loading a picture from it.

The manifest format is described in ``data/README.md``.
"""

from __future__ import annotations

import csv
import json
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from pestcheck import taxonomy
from pestcheck.export.dataset import BOXED
from pestcheck.vision import decide
from pestcheck.vision.tiles import Box

HERE = Path(__file__).parent
COLUMNS = {"path", "label", "source", "split_group", "boxes", "licence", "flags"}
SMALL_SUBJECT = {"tiny_insect_in_soil", "insect_often_small", "insect_may_be_invisible_at_400px"}
"""Flags of pictures whose animal is so small that only its box, not the whole picture, shows the label."""
SCENE = "scene"
"""Action of ``CORRECTIONS``, and flag, of a clean picture that shows plants, bare ground or animals beside the surface it is labelled as."""
TEST = "test"
"""In the column ``part``: never trained on."""
CAPTION_HEIGHT = 0.06
"""Share of the height that a caption bar takes (flag ``caption_bar``)."""


class ManifestError(ValueError):
    """A manifest that cannot be trained on; the message names the file, the line and the remedy."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One labelled picture. ``label`` is a model label; ``box`` is the part of the picture that shows it, in pixels, or None."""

    path: Path
    label: str
    manifest_label: str
    source: str
    group: str
    box: tuple[float, float, float, float] | None
    flags: frozenset[str]
    licence: str
    part: str = ""


@dataclass(frozen=True)
class LabelMap:
    """What becomes of each manifest label. ``merged``: manifest label -> model label; ``reasons``: why merged or dropped."""

    merged: dict[str, str]
    dropped: frozenset[str]
    reasons: dict[str, str]

    @classmethod
    def read(cls, path: Path = HERE / "labels.toml") -> LabelMap:
        table = tomllib.loads(path.read_text("utf-8"))
        merged = {old: new for new, olds in table["merged"].items() for old in olds}
        reasons = {old: why for olds in table["merged"].values() for old, why in olds.items()} | table["dropped"]
        return cls(merged, frozenset(table["dropped"]), reasons)


CORRECTIONS = HERE / "dropped.csv"
"""Pictures whose label was judged wrong by eye (``training/audit.py``). A path that a manifest lacks is of other data and is ignored."""


def read_corrections(labels: LabelMap, path: Path = CORRECTIONS) -> dict[str, str]:
    """What becomes of single pictures, by their path in the manifest: "drop", SCENE, or the right manifest label.

    Raises:
        ManifestError: an action that is none of them.
    """
    corrections = {}
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        for row in reader:
            if row["action"] not in {"drop", SCENE, *taxonomy.LABELS, *labels.merged, *labels.dropped}:
                raise ManifestError(
                    f"{path}, line {reader.line_num}: action {row['action']!r} is neither 'drop' nor 'scene' nor a known label."
                )
            corrections[row["path"]] = row["action"]
    return corrections


def read_manifest(folder: Path, labels: LabelMap | None = None, corrections: Path | None = CORRECTIONS) -> list[Picture]:
    """Read ``folder/manifest.csv``; pictures with a dropped label are left out, ``corrections`` are applied (None: none are).

    Raises:
        ManifestError: no manifest, a missing column, a picture that is not there, a label nobody knows, or a correction that is none.
    """
    labels = labels or LabelMap.read()
    corrected = read_corrections(labels, corrections) if corrections else {}
    manifest = folder / "manifest.csv"
    if not manifest.is_file():
        raise ManifestError(f"{manifest} is not there. Point --data at a folder laid out as data/README.md says.")
    with manifest.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if missing := COLUMNS - set(reader.fieldnames or ()):
            raise ManifestError(f"{manifest} lacks the columns {', '.join(sorted(missing))}; see data/README.md.")
        pictures = []
        for row in reader:
            action = corrected.get(row["path"], "")
            row["label"] = row["label"] if action in ("", SCENE) else action
            if action == "drop" or row["label"] in labels.dropped:
                continue
            label = labels.merged.get(row["label"], row["label"])
            where = f"{manifest}, line {reader.line_num}"
            if label not in taxonomy.LABELS:
                raise ManifestError(f"{where}: label {row['label']!r} is unknown. Add it to training/labels.toml or pestcheck/taxonomy.py.")
            path = folder / row["path"]
            if not path.is_file():
                raise ManifestError(f"{where}: the picture {row['path']!r} is not there.")
            flags = frozenset(filter(None, [*row["flags"].split(";"), SCENE if action == SCENE else ""]))
            boxes = json.loads(row["boxes"] or "[]")
            box = tuple(float(v) for v in boxes[0][:4]) if boxes and flags & {*SMALL_SUBJECT, BOXED} else None
            pictures.append(
                Picture(path, label, row["label"], row["source"], row["split_group"], box, flags, row["licence"], row.get("part") or "")
            )  # type: ignore[arg-type]
    return pictures


@dataclass(frozen=True)
class Split:
    """What is trained on and what is tested on; no source and no group is in both."""

    train: list[Picture]
    test: list[Picture]


def folds(path: Path = HERE / "split.toml") -> dict[str, frozenset[str]]:
    """The sources that each fold holds out, by the fold's name, and under "never" those that are never used."""
    table = tomllib.loads(path.read_text("utf-8"))
    return {name: frozenset(sources) for name, sources in table["folds"].items()} | {"never": frozenset(table["never"])}


def split(pictures: list[Picture], fold: str | None) -> Split:
    """Hold out the sources of a fold, or none. A group with a picture in the test part is kept out of training.

    Test pictures with a label that no training picture carries are left out: the network cannot know it.

    Raises:
        ManifestError: nothing is left to train on, or to test a fold on.
    """
    held_out, never = folds()[fold] if fold else frozenset(), folds()["never"]
    used = [p for p in pictures if p.source not in never]
    test = [p for p in used if p.source in held_out]
    tested = {p.group for p in test}
    train = [p for p in used if p.source not in held_out and p.group not in tested]
    if not train:
        raise ManifestError("no picture is left to train on: every source is held out (training/split.toml)")
    if fold and not test:
        raise ManifestError(f"no picture is of a source of fold {fold!r}; name sources of your manifest there (training/split.toml)")
    known = {p.label for p in train}
    return Split(train, [p for p in test if p.label in known])


def load(picture: Picture, margin: float = 1.0) -> np.ndarray:
    """Return the picture as uint8 RGB of shape (height, width, 3), less its caption, cut to its box with a margin (in box sizes)."""
    image = ImageOps.exif_transpose(Image.open(picture.path).convert("RGB"))
    if picture.box and BOXED in picture.flags:
        x0, y0, x1, y1 = (round(edge) for edge in picture.box)
        image = image.crop(decide.closer(Box(x0, y0, x1, y1), *image.size))  # as the program looks at it
    elif picture.box:
        x0, y0, x1, y1 = picture.box
        side = max(x1 - x0, y1 - y0, 16) * (1 + 2 * margin)
        cx, cy = (x0 + x1) / 2, (y0 + y1) / 2
        image = image.crop((
            max(0, round(cx - side / 2)), max(0, round(cy - side / 2)),
            min(image.width, round(cx + side / 2)), min(image.height, round(cy + side / 2)),
        ))  # fmt: skip
    elif "caption_bar" in picture.flags:
        image = image.crop((0, 0, image.width, round(image.height * (1 - CAPTION_HEIGHT))))
    return np.asarray(image)


SURFACE_SHARE = 0.4
"""Share of clean surfaces in training: most of what an inspector photographs is clean."""


def sampling_weights(pictures: list[Picture]) -> np.ndarray:
    """Weight of each picture, shape (n,): one over the square root of how many pictures share its label and source.

    Between "as found" (a few big sources are the label) and "all equal" (tiny noisy sources are learnt by heart).
    """
    count = Counter((p.label, p.source) for p in pictures)
    weights = np.array([count[p.label, p.source] ** -0.5 for p in pictures])
    surface = np.array([not taxonomy.LABELS[p.label].contaminant for p in pictures])
    for part, share in ((surface, SURFACE_SHARE), (~surface, 1 - SURFACE_SHARE)):
        weights[part] *= share / weights[part].sum() if part.any() else 0
    return weights / weights.sum()
