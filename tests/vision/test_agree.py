"""How well texts fit what looks saw, against a count of every way."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from pestcheck.vision.agree import Steps, agreement

LETTERS = "AB1"


def seen(seed: int, steps: int = 5) -> Steps:
    chances = np.random.default_rng(seed).random((steps, 1 + len(LETTERS))) + 0.01
    return (chances / chances.sum(axis=1, keepdims=True)).astype(np.float32)


def counted(look: Steps, text: str) -> float:
    """Over every way to name the steps: equal neighbours are one letter, 0 is none."""
    total = 0.0
    for way in product(range(1 + len(LETTERS)), repeat=len(look)):
        letters = [place for number, place in enumerate(way) if place and (number == 0 or way[number - 1] != place)]
        if "".join(LETTERS[place - 1] for place in letters) == text:
            total += math.prod(float(look[number, place]) for number, place in enumerate(way))
    return total


def test_it_counts_every_way_to_lay_a_text_along_the_steps() -> None:
    looks, texts = [seen(1), seen(2, 6)], ["A", "AB", "AAB", "1A1", "BB"]
    fits = agreement(looks, texts, LETTERS)
    assert fits == pytest.approx([sum(math.log(counted(look, text)) for look in looks) / 2 for text in texts], rel=1e-5)


def test_no_single_look_rules_a_text_out() -> None:
    blind = np.zeros((4, 4), np.float32)
    blind[:, 0] = 1
    clear = np.full((4, 4), 0.001, np.float32)
    clear[1, 1] = clear[[0, 2, 3], 0] = 0.997
    fits = agreement([blind, clear, clear], ["A", "B"], LETTERS)
    assert np.isfinite(fits).all()
    assert fits[0] > fits[1]


def test_what_it_cannot_compare() -> None:
    assert agreement([seen(1)], [], LETTERS).shape == (0,)
    with pytest.raises(ValueError, match="no look"):
        agreement([], ["A"], LETTERS)
    with pytest.raises(ValueError, match="substring"):
        agreement([seen(1)], ["C"], LETTERS)
