"""The text of marks from lines as read, without the reader."""

from __future__ import annotations

import numpy as np
import pytest

from pestcheck.marks import looked_again, mark
from pestcheck.vision.agree import Steps
from pestcheck.vision.lines import ALPHABET
from pestcheck.vision.text import Line

POINTS = np.array([[0, 0], [200, 0], [200, 40], [0, 40]], np.float64)


def line(text: str, sure: float = 0.95) -> Line:
    return Line(tuple({letter: sure} for letter in text), POINTS, 0)


def look(text: str, other: str = "", doubt: float = 0.3) -> tuple[Line, Steps]:
    """A look that reads the first text, and gives the other, as long, a share of each letter that differs."""
    steps = np.full((2 * len(text) + 1, 1 + len(ALPHABET)), 1e-4, np.float32)
    steps[::2, 0] = 1
    for place, (one, two) in enumerate(zip(text, other or text, strict=True)):
        steps[2 * place + 1, ALPHABET.index(two) + 1] = doubt
        steps[2 * place + 1, ALPHABET.index(one) + 1] = 1 - (doubt if one != two else 0)
    return line(text), steps


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (["US-1234HT"], "US-1234 HT"),
        (["US-1234", "HT"], "US-1234 HT"),
        (["TLV-719790", "HT"], "LV-719790 HT"),  # the border before it
        (["ID-AL-644HIT"], "ID-AL-644 HT"),  # an H without its bar
        (["LV4507HT"], "LV-4507 HT"),
        (["LV4507MT"], None),
        (["ML4829301"], None),  # a seal
        (["US-1234"], None),
    ],
)
def test_what_is_a_mark(lines: list[str], text: str | None) -> None:
    found = mark([line(words) for words in lines])
    assert (found and found.text) == text


def test_what_most_looks_say_is_taken() -> None:
    looks = [look("US-1234HT", "US-1284HT", 0.4), look("US-1284HT"), look("US-1284HT"), look("US-1284HT")]
    text, confidence = looked_again("US-1234 HT", [line("US-1234HT")], lambda _: looks)
    assert text == "US-1284 HT"
    assert 0.5 < confidence <= 1


@pytest.mark.parametrize(("doubt", "text"), [(0.3, "DE-PS-155 HT"), (0.01, "DE-FS-155 HT")])
def test_a_letter_that_wear_may_have_taken_a_stroke_of_is_the_fuller_one(doubt: float, text: str) -> None:
    looks = [look("DE-FS-155HT", "DE-PS-155HT", doubt)] * 4
    assert looked_again("DE-FS-155 HT", [line("DE-FS-155HT")], lambda _: looks)[0] == text


def test_a_country_that_there_is_and_the_treatment_below() -> None:
    again = {"FL-725": [look("FL-725", "PL-725")] * 4, "IT": [look("IT", "HT", 0.2)] * 4}
    lines = [line("FL-725"), line("IT")]
    assert looked_again("FI-725 HT", lines, lambda one: again[one.text])[0] == "PL-725 HT"


def test_looks_that_show_nothing_change_nothing() -> None:
    blank = np.full((20, 1 + len(ALPHABET)), 1e-4, np.float32)
    blank[:, 0] = 1
    text, confidence = looked_again("US-1234 HT", [line("US-1234HT")], lambda _: [(Line((), POINTS, 0), blank)] * 4)
    assert text == "US-1234 HT"
    assert confidence <= 0.1
