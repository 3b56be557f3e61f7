"""How well texts fit what a recogniser saw of one line in several looks, all looks taken together. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Steps = NDArray[np.float32]
"""Probabilities from left to right of a line, shape (steps, 1 + letters): of nothing, then of each letter of the alphabet."""
FLOOR = 1e-4
"""Probability that any letter keeps at any step, so that no single look can rule out a text."""


def agreement(looks: Sequence[Steps], texts: Sequence[str], alphabet: str) -> NDArray[np.float64]:
    """Mean over the looks of the logarithm of the probability that a look says a text (CTC: over all ways to lay it along the steps).

    Args:
        looks: at least one, each with at least one step.
        texts: letters of the alphabet only, none empty.

    Returns:
        Shape (texts,), 0 or less, in nats.

    Raises:
        ValueError: no look, or a letter that the alphabet does not have.
    """
    if not looks:
        raise ValueError("no look to compare texts with")
    if not texts:
        return np.zeros(0)
    longest = max(map(len, texts))
    ends = np.array([2 * len(text) for text in texts])
    # Nothing, letter, nothing, letter ... nothing; what is behind a text's end does not flow back into it.
    states = np.zeros((len(texts), 2 * longest + 1), np.intp)
    for row, text in enumerate(texts):
        states[row, 1 : 2 * len(text) : 2] = [alphabet.index(letter) + 1 for letter in text]
    # From letter to letter without nothing between them, unless they are the same.
    direct = np.zeros(states.shape, bool)
    direct[:, 2:] = (states[:, 2:] != 0) & (states[:, 2:] != states[:, :-2])
    rows, total = np.arange(len(texts)), np.zeros(len(texts))
    for look in looks:
        chances = np.maximum(look.astype(np.float64), FLOOR)
        so_far = np.zeros(states.shape)
        so_far[:, 0] = 1.0
        scale = np.zeros(len(texts))
        for place, step in enumerate(chances):
            came = so_far.copy()
            came[:, 1:] += so_far[:, :-1]
            if place:
                came[:, 2:] += np.where(direct[:, 2:], so_far[:, :-2], 0.0)
            so_far = came * step[states]
            most = so_far.max(axis=1)
            so_far /= most[:, None]
            scale += np.log(most)
        total += scale + np.log(np.maximum(so_far[rows, ends] + so_far[rows, ends - 1], 1e-300))
    return total / len(looks)
