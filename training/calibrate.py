"""Temperature and thresholds, chosen on pictures that were neither trained on nor tested on."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar

from pestcheck.vision import decide

SUSPECT_FALSE_FLAGS = 0.05
UNSURE_FALSE_FLAGS = 0.15
TILE_FALSE_FLAGS = 0.002
"""Share of clean tiles that may be flagged: a photograph has about seventy, so one in about seven clean ones gets a flag at most."""
LABEL_FROM = 0.5
GROUP_FROM = 0.5


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
        clean: probability of contamination of clean whole pictures, shape (n,). clean_tiles: the same of clean tiles.
    """
    suspect = float(np.quantile(clean, 1 - SUSPECT_FALSE_FLAGS))
    tile = float(np.quantile(clean_tiles, 1 - TILE_FALSE_FLAGS))
    return decide.Thresholds(
        version=version,
        suspect=round(suspect, 4),
        unsure=round(float(np.quantile(clean, 1 - UNSURE_FALSE_FLAGS)), 4),
        tile_offset=round(max(0.0, _logit(tile) - _logit(suspect)), 4),
        label=LABEL_FROM,
        group=GROUP_FROM,
    )


def _logit(p: float) -> float:
    p = min(max(p, 1e-7), 1 - 1e-7)
    return float(np.log(p / (1 - p)))
