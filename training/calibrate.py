"""Temperature and thresholds, chosen on pictures of sources that the network which judged them never saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from pestcheck.taxonomy import LABELS
from pestcheck.vision import decide

SUSPECT_FALSE_FLAGS = 0.05
UNSURE_FALSE_FLAGS = 0.15
TILE_FALSE_FLAGS = 0.002
"""Share of clean tiles to flag. A photograph has about seventy, so one in about seven clean ones would get a flag; the model card
says what the share was on other sources."""
LABEL_FROM = 0.5
GROUP_FROM = 0.5


@dataclass(frozen=True)
class Unseen:
    """What a network puts out for pictures of sources that it never saw.

    ``logits``: shape (n, labels). ``truth``: index of the right label, shape (n,). ``tiles``: logits of tiles of the clean
    pictures, shape (m, labels); no rows where tiles are not judged.
    """

    logits: np.ndarray
    truth: np.ndarray
    tiles: np.ndarray


@dataclass(frozen=True)
class CrossFitted:
    """One fold judged by the temperature and thresholds of the other folds.

    ``chances``: label probabilities, shape (n, labels). ``flagged``: whether each picture is suspect, shape (n,).
    ``tiles_flagged``: whether each clean tile is, shape (m,).
    """

    chances: np.ndarray
    flagged: np.ndarray
    tiles_flagged: np.ndarray
    temperature: float
    thresholds: decide.Thresholds


def temperature(logits: np.ndarray, truth: np.ndarray) -> float:
    """The temperature with the least negative log likelihood (Guo et al. 2017).

    Args:
        logits: shape (n, labels). truth: index of the right label, shape (n,).
    """

    def loss(log_t: float) -> float:
        chances = decide.probabilities(logits, float(np.exp(log_t)))
        return float(-np.log(chances[np.arange(len(truth)), truth] + 1e-12).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-2, 2), method="bounded").x))


def thresholds(clean: np.ndarray, clean_tiles: np.ndarray, version: str) -> decide.Thresholds:
    """Thresholds at the stated rates of false flags.

    Args:
        clean: probability of contamination of clean whole pictures, shape (n,). clean_tiles: the same of clean tiles;
            none leaves tiles and whole pictures alike.
    """
    suspect = float(np.quantile(clean, 1 - SUSPECT_FALSE_FLAGS))
    tile = float(np.quantile(clean_tiles, 1 - TILE_FALSE_FLAGS)) if len(clean_tiles) else suspect
    return decide.Thresholds(
        version=version,
        suspect=round(suspect, 4),
        unsure=round(float(np.quantile(clean, 1 - UNSURE_FALSE_FLAGS)), 4),
        tile_offset=round(max(0.0, _logit(tile) - _logit(suspect)), 4),
        label=LABEL_FROM,
        group=GROUP_FROM,
    )


def choose(parts: Sequence[Unseen], labels: Sequence[str], version: str) -> tuple[float, decide.Thresholds]:
    """Temperature and thresholds from all pictures of the parts together.

    Raises:
        SystemExit: no picture is clean, so no threshold can be set.
    """
    logits, truth = np.concatenate([p.logits for p in parts]), np.concatenate([p.truth for p in parts])
    tiles = np.concatenate([p.tiles for p in parts])
    clean = np.array([not LABELS[label].contaminant for label in labels])[truth]
    if not clean.any():
        raise SystemExit(
            "the held-out sources have no clean picture, so no threshold can be set; add some to each fold (training/split.toml)"
        )
    t = temperature(logits, truth)
    return t, thresholds(_contamination(logits[clean], t, labels), _contamination(tiles, t, labels), version)


def cross_fitted(folds: Sequence[Unseen], labels: Sequence[str]) -> list[CrossFitted]:
    """Judge each fold by the temperature and thresholds of the others: no picture judges a threshold that it helped to set.

    Raises:
        SystemExit: there are fewer than two folds, or the others of a fold have no clean picture.
    """
    if len(folds) < 2:
        raise SystemExit("cross-fitting needs two folds or more (training/split.toml)")
    results = []
    for i, fold in enumerate(folds):
        t, limits = choose([other for k, other in enumerate(folds) if k != i], labels, "cross-fitted")
        tiles = _contamination(fold.tiles, t, labels)
        tile_evidence = decide.evidence(tiles, np.ones(len(tiles), bool), limits.tile_offset)
        chances = decide.probabilities(fold.logits, t)
        flagged = decide.contamination(chances, labels) >= limits.suspect
        results.append(CrossFitted(chances, flagged, tile_evidence >= limits.suspect, t, limits))
    return results


def _contamination(logits: np.ndarray, t: float, labels: Sequence[str]) -> np.ndarray:
    return decide.contamination(decide.probabilities(logits, t), labels) if len(logits) else np.empty(0)


def _logit(p: float) -> float:
    p = min(max(p, 1e-7), 1 - 1e-7)
    return float(np.log(p / (1 - p)))
