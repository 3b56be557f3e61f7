"""The one pipeline from the bytes of a photograph to a report."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from pestcheck import photo as photos
from pestcheck.vision import bundle as bundles
from pestcheck.vision import decide, score, tiles

if TYPE_CHECKING:
    from pestcheck.addons.species import Hint


@dataclass(frozen=True, slots=True)
class Report:
    """What the model says of one photograph. ``score``: probability of any contamination; ``seconds``: decoding to decision;
    ``maps``: where the finder sees contamination, level by level; ``hints``: what an add-on says that each finding resembles, or None."""

    photo: photos.Photo
    verdict: decide.Verdict
    score: float
    findings: tuple[decide.Finding, ...]
    quality: photos.Quality
    model: str
    thresholds: str
    seconds: float
    maps: tuple[decide.CellMap, ...]
    hints: tuple[Hint | None, ...] = ()

    def to_json(self, name: str) -> dict[str, Any]:
        """The object that ``pestcheck check --format jsonl`` prints for the file ``name``."""
        findings = [{k: v for k, v in asdict(finding).items() if k != "evidence"} for finding in self.findings]
        return {
            "photo": name, "sha256": self.photo.sha256, "width": self.photo.width, "height": self.photo.height,
            "verdict": self.verdict.value, "score": self.score, "findings": findings, "quality": asdict(self.quality),
            "model": self.model, "seconds": round(self.seconds, 3),
        }  # fmt: skip


class Scanner:
    """A model, loaded and checked, that reports on photographs. May be called from several threads."""

    def __init__(self, folder: Path | None = None, threads: int | None = None) -> None:
        """
        Args:
            folder: the model; None takes the newest one shipped.
            threads: of the CPU for one photograph; None: up to four.

        Raises:
            pestcheck.vision.bundle.BundleError: the folder is no usable model.
        """
        self.folder = folder or bundles.shipped()
        self.bundle = bundles.load(self.folder)
        self.classify = score.Classifier(self.folder / bundles.CLASSIFIER, threads)
        self.find = score.Finder(self.folder / bundles.FINDER, threads)
        if json.loads(self.classify.metadata.get("labels", "null")) != list(self.bundle.labels):
            raise bundles.BundleError(f"{self.folder}: the labels inside {bundles.CLASSIFIER} are not those of {bundles.DESCRIPTION}")
        self.least_side = max(self.bundle.long_sides)

    def scan(self, data: bytes) -> tuple[Report, Image.Image]:
        """Report on one photograph.

        Returns:
            The report, and the upright picture it was made from (at a reduced size, for drawing on).

        Raises:
            pestcheck.photo.PhotoError: the bytes are no readable photograph.
        """
        started = time.perf_counter()
        photo, image = photos.open_photo(data, self.least_side)
        quality = photos.quality(image)
        bundle, labels, limits = self.bundle, self.bundle.labels, self.bundle.thresholds
        whole, unlike = self.classify.judge(score.to_input(image, bundle.side)[None])
        maps = self.cells(image, photo.width, photo.height)
        places = decide.places(maps, limits.propose)
        looks = np.empty((0, len(labels)))
        if places:
            parts = score.parts(image, [place.look for place in places], image.width / photo.width, bundle.side)
            looks = decide.probabilities(self.classify(parts), bundle.temperature)
        verdict, value, findings = decide.decide(
            whole=decide.probabilities(whole, bundle.temperature)[0], unlike=float(unlike[0]), places=places, looks=looks,
            size=tiles.Box(0, 0, photo.width, photo.height), labels=labels, quality=quality, thresholds=limits,
        )  # fmt: skip
        seconds = time.perf_counter() - started
        return Report(photo, verdict, value, findings, quality, bundle.id, limits.version, seconds, maps), image

    def cells(self, image: Image.Image, width: int, height: int) -> tuple[decide.CellMap, ...]:
        """Probability of contamination of all cells of an upright RGB image by the finder, level by level.

        Args:
            width, height: of the photograph, in pixels; the image may be a reduced copy of it.
        """
        bundle = self.bundle
        plan = tiles.plan(width, height, long_sides=bundle.long_sides, tile=bundle.tile, overlap=bundle.overlap, offsets=bundle.offsets)
        return tuple(decide.CellMap(decide.sigmoid(self.find(image, level).astype(np.float64)), width, height) for level in plan)
