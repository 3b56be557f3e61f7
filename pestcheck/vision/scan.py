"""The one pipeline from the bytes of a photograph to a report."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from pestcheck import photo as photos
from pestcheck.vision import bundle as bundles
from pestcheck.vision import decide, score, tiles


@dataclass(frozen=True, slots=True)
class Report:
    """What the model says of one photograph. ``score``: probability of any contamination; ``seconds``: decoding to decision."""

    photo: photos.Photo
    verdict: decide.Verdict
    score: float
    findings: tuple[decide.Finding, ...]
    quality: photos.Quality
    model: str
    thresholds: str
    seconds: float

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
        self.score = score.Scorer(self.folder / bundles.NETWORK, threads)
        if json.loads(self.score.metadata.get("labels", "null")) != list(self.bundle.labels):
            raise bundles.BundleError(f"{self.folder}: the labels inside {bundles.NETWORK} are not those of {bundles.DESCRIPTION}")
        self.least_side = round(self.bundle.side * (1 + (max(self.bundle.columns, default=1) - 1) * (1 - self.bundle.overlap)))

    def scan(self, data: bytes) -> tuple[Report, Image.Image]:
        """Report on one photograph.

        Returns:
            The report, and the upright picture it was made from (at a reduced size, for drawing on).

        Raises:
            pestcheck.photo.PhotoError: the bytes are no readable photograph.
        """
        started = time.perf_counter()
        photo, image = photos.open_photo(data, self.least_side)
        side, labels = self.bundle.side, self.bundle.labels
        plan = tiles.plan(photo.width, photo.height, side=side, columns=self.bundle.columns, overlap=self.bundle.overlap)
        chances = decide.probabilities(self.score(score.views(image, plan, side)), self.bundle.temperature)
        quality = photos.quality(image)
        verdict, value, findings = decide.decide(
            chances=chances, labels=labels, boxes=plan.boxes, whole=tiles.Box(0, 0, photo.width, photo.height),
            quality=quality, thresholds=self.bundle.thresholds,
        )  # fmt: skip
        seconds = time.perf_counter() - started
        return Report(photo, verdict, value, findings, quality, self.bundle.id, self.bundle.thresholds.version, seconds), image
