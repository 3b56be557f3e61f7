"""What an add-on that knows species says of a finding: which it resembles, never what it is.

The finest rank of which it is sure enough is named, as the model itself falls back from a label to its group: species, genus, family. An order
is not named: half of the classes are moths and butterflies, and what the add-on does not know would look like one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from pestcheck.addons.registry import Limits

if TYPE_CHECKING:
    from PIL import Image

    from pestcheck.addons.install import Added
    from pestcheck.vision.tiles import Box

Array = np.ndarray[Any, np.dtype[np.float64]]
BACKGROUND = "background"
"""The class of what is no animal at all."""
SHOWN = 3
"""Species that a hint names."""


class Rank(StrEnum):
    """Ranks, the finest first."""

    species = "species"
    genus = "genus"
    family = "family"
    order = "order"


HINTED = (Rank.species, Rank.genus, Rank.family)
"""Ranks that a hint may have."""


@dataclass(frozen=True, slots=True)
class Hint:
    """What a finding resembles, by which add-on and version of thresholds. ``species``: the most probable ones, each its scientific name, its
    English name or "", and its probability; ``listed``: the entry of the watch list that it is a hint at, or None; ``agrees``: whether that
    fits the label of the model, None where that says no more than insect."""

    addon: str
    thresholds: str
    taxon: str
    rank: Rank
    probability: float
    species: tuple[tuple[str, str, float], ...]
    listed: str | None
    agrees: bool | None


@cache
def taxa() -> Mapping[str, tuple[str, str]]:
    """Family and order of each genus."""
    table = yaml.safe_load((files("pestcheck.addons") / "taxa.yaml").read_text("utf-8"))
    return {genus: (family, order) for order, families in table.items() for family, genera in families.items() for genus in genera.split()}


def scientific(label: str) -> str:
    """The scientific name in a line of labels: ``Apis mellifera (Honey Bee)``."""
    return label.partition(" (")[0].strip()


def common(label: str) -> str:
    """The English name in it, or ""."""
    return label.partition(" (")[2].rstrip(")").strip()


def lineage(name: str) -> dict[Rank, str]:
    """What a species, genus, family or order is and belongs to, as far as it is known."""
    genus = name.split()[0]
    if genus in taxa():
        family, order = taxa()[genus]
        own = {Rank.species: name} if " " in name else {}
        return own | {Rank.genus: genus, Rank.family: family, Rank.order: order}
    for family, order in taxa().values():
        if name == family:
            return {Rank.family: family, Rank.order: order}
        if name == order:
            return {Rank.order: order}
    return {}


def fits(found: str, named: Sequence[str]) -> bool:
    """Whether a taxon may be one of those named: it is in one of them, or one of them in it."""
    own = set(lineage(found).values()) | {found}
    return any(name in own or found in lineage(name).values() for name in named)


class Names:
    """The classes of an add-on (name@version), and how they sum up to genera, families and orders."""

    def __init__(self, addon: str, labels: Sequence[str]) -> None:
        self.addon = addon
        self.labels = tuple(scientific(label) for label in labels)
        self.common = {scientific(label): common(label) for label in labels}
        lines = [{} if label == BACKGROUND else lineage(label) for label in self.labels]
        self.groups: dict[Rank, tuple[tuple[str, ...], Array]] = {}
        for rank in Rank:
            found = sorted({line[rank] for line in lines if rank in line})
            at = {name: k for k, name in enumerate(found)}
            matrix = np.zeros((len(lines), len(found)))
            for row, line in enumerate(lines):
                if rank in line:
                    matrix[row, at[line[rank]]] = 1.0
            self.groups[rank] = tuple(found), matrix

    def knows(self, name: str) -> bool:
        """Whether it has a class for a species, or one in a genus, family or order."""
        return any(name in found for found, _ in self.groups.values())

    def mass(self, chances: Array, name: str) -> float:
        """Probability of a species, genus, family or order; 0 of what it does not know."""
        for found, matrix in self.groups.values():
            if name in found:
                return float(chances @ matrix[:, found.index(name)])
        return 0.0


def resembles(
    chances: Array, names: Names, limits: Limits, *, watched: Mapping[str, Sequence[str]] | None = None, named: Sequence[str] = ()
) -> Hint | None:
    """What a finding resembles, or None if that is not sure enough.

    Args:
        chances: of all classes, shape (classes,). watched: by entry of the watch list, the taxa that are a hint at it.
        named: the taxa that the label of the model covers (``taxonomy.TAXA``); empty: it says no more than insect.

    Returns:
        None also where the label names what the add-on has no class for: it can only be wrong there.
    """
    if named and not any(names.knows(name) for name in named):
        return None
    order = np.argsort(-chances, kind="stable")
    animals = [names.labels[k] for k in order[: SHOWN + 1] if names.labels[k] != BACKGROUND][:SHOWN]
    best = tuple((name, names.common[name], round(names.mass(chances, name), 4)) for name in animals)
    alarm = _listed(chances, names, limits.listed, watched or {})
    for rank in HINTED:
        found, matrix = names.groups[rank]
        masses = chances @ matrix
        top = int(masses.argmax())
        if masses[top] >= limits.resembles:
            taxon, probability = found[top], float(masses[top])
            break
    else:
        if alarm is None:
            return None
        taxon, probability, rank = alarm[1], alarm[2], _rank(alarm[1])
    agrees = fits(taxon, named) if named else None
    return Hint(names.addon, limits.version, taxon, rank, round(probability, 4), best, alarm[0] if alarm else None, agrees)


def _rank(name: str) -> Rank:
    return next((rank for rank, own in lineage(name).items() if own == name), Rank.species)


def _listed(chances: Array, names: Names, limit: float, watched: Mapping[str, Sequence[str]]) -> tuple[str, str, float] | None:
    """The entry of the watch list that is hinted at, with the taxon and its probability: of several the one with the finest taxon."""
    hits = []
    for key, wanted in watched.items():
        for name in wanted:
            if (mass := names.mass(chances, name)) >= limit:
                hits.append((list(Rank).index(_rank(name)), -mass, key, name))
    if not hits:
        return None
    _, mass, key, name = min(hits)
    return key, name, -mass


class Classifier:
    """An add-on, loaded, ready to score. May be called from several threads."""

    def __init__(self, one: Added, threads: int | None = None) -> None:
        from pestcheck.addons.install import MODEL
        from pestcheck.vision.score import session

        self.session = session(one.folder / MODEL, threads)
        given = self.session.get_inputs()[0]
        self.input, self.side = given.name, int(given.shape[1])

    def __call__(self, pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> Array:
        """Probabilities, shape (n, classes), for uint8 RGB of shape (n, side, side, 3)."""
        chances: Array = np.concatenate([self.session.run(None, {self.input: pixels[k : k + 1]})[0] for k in range(len(pixels))]).astype(
            float
        )
        return chances


class Species:
    """An add-on with its names and limits, asked for findings."""

    def __init__(self, one: Added, limits: Limits, threads: int | None = None) -> None:
        self.id, self.limits = one.description.id, limits
        self.names = Names(self.id, one.description.labels)
        self.classify = Classifier(one, threads)

    def of(
        self, image: Image.Image, places: Sequence[tuple[Box, str]], width: int, height: int, watched: Mapping[str, Sequence[str]]
    ) -> list[Hint | None]:
        """What places of a photograph resemble.

        Args:
            image: the photograph of ``width`` by ``height`` pixels, or a reduced copy of it. places: the box of each and the label of the model.
            watched: by entry of the watch list, the taxa that are a hint at it.
        """
        from pestcheck.taxonomy import TAXA
        from pestcheck.vision.decide import closer
        from pestcheck.vision.score import parts

        if not places:
            return []
        looks = [closer(box, width, height) for box, _ in places]
        chances = self.classify(parts(image, looks, image.width / width, self.classify.side))
        return [
            resembles(row, self.names, self.limits, watched=watched, named=TAXA.get(label, ()))
            for row, (_, label) in zip(chances, places, strict=True)
        ]
