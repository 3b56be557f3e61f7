"""docs/security.md has every line of ASVS 5.0.0, levels 1 and 2, and names nothing that is not there."""

from __future__ import annotations

import re
from collections import Counter

from tests.conftest import ROOT

TEXT = (ROOT / "docs" / "security.md").read_text("utf-8")
ROW = re.compile(r"^\| (\d+)\.(\d+)\.(\d+) \| ([a-z ]+) \| (.+) \|$", re.MULTILINE)
LAST = {
    "1": {"1": 2, "2": 9, "3": 11, "4": 3, "5": 2}, "2": {"1": 3, "2": 3, "3": 4, "4": 1}, "3": {"2": 2, "3": 4, "4": 6, "5": 5, "7": 2},
    "4": {"1": 3, "2": 1, "3": 2, "4": 4}, "5": {"1": 1, "2": 3, "3": 2, "4": 3}, "6": {"1": 3, "2": 12, "3": 4, "4": 4, "5": 5, "6": 3, "8": 4},
    "7": {"1": 3, "2": 4, "3": 2, "4": 5, "5": 2, "6": 2}, "8": {"1": 2, "2": 3, "3": 1, "4": 1}, "9": {"1": 3, "2": 4},
    "10": {"1": 2, "2": 2, "3": 4, "4": 11, "5": 5, "6": 2, "7": 3}, "11": {"1": 2, "2": 3, "3": 3, "4": 4, "5": 1, "6": 1},
    "12": {"1": 3, "2": 2, "3": 4}, "13": {"1": 1, "2": 5, "3": 2, "4": 5}, "14": {"1": 2, "2": 4, "3": 3}, "15": {"1": 3, "2": 3, "3": 7},
    "16": {"1": 1, "2": 5, "3": 4, "4": 3, "5": 3}, "17": {"1": 1, "2": 4, "3": 2},
}  # fmt: skip
"""Chapter, section, and its last requirement of level 1 or 2: in each section those come first."""


def test_every_line_is_there_once() -> None:
    wanted = [f"{chapter}.{section}.{n}" for chapter, parts in LAST.items() for section, last in parts.items() for n in range(1, last + 1)]
    assert len(wanted) == 70 + 183  # of levels 1 and 2, as the standard counts them
    assert [".".join(row[:3]) for row in ROW.findall(TEXT)] == wanted


def test_every_line_has_a_known_state_and_a_word() -> None:
    states = Counter(row[3] for row in ROW.findall(TEXT))
    assert set(states) == {"met", "not here", "differs", "open"}
    assert all(len(row[4]) > 2 for row in ROW.findall(TEXT))


def test_what_is_named_is_there() -> None:
    named = set(re.findall(r"`((?:app|pestcheck|tests|docs)/[\w./-]+|pyproject\.toml)`", TEXT)) | set(
        re.findall(r"\((docs/\w+\.md)\)", TEXT)
    )
    assert len(named) > 30
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []
