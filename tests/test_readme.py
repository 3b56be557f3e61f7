"""The README tells the truth: its numbers are those of the shipped model, its files are there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pestcheck.taxonomy import LABELS
from pestcheck.vision import bundle

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
ROWS = {
    "contaminated pictures flagged, at 5 % false flags": "recall_at_5pct",
    "label right (top-1)": "top1",
    "group right": "group_top1",
}


@pytest.mark.parametrize(("row", "key"), ROWS.items())
def test_quality_figures_are_those_of_the_shipped_model(row: str, key: str) -> None:
    metrics = json.loads((bundle.shipped() / "metrics.json").read_text("utf-8"))
    cells = []
    for part in ("unseen_sources", "frozen_baseline"):
        value = metrics[part][key]
        low, high = value["interval"]
        cells.append(f"{value['value']:.1%} ({low:.1%} to {high:.1%})")
    assert f"| {row} | {' | '.join(cells)} |" in README


def test_it_counts_the_labels() -> None:
    model = bundle.load(bundle.shipped())
    assert f"names {sum(LABELS[label].contaminant for label in model.labels)} kinds of contamination" in README


def test_its_links_lead_somewhere() -> None:
    for text in (README, (ROOT / "CHANGELOG.md").read_text("utf-8"), (ROOT / "data" / "README.md").read_text("utf-8")):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
            assert (ROOT / target).exists(), target


def test_no_document_names_a_path_of_one_machine() -> None:
    for path in [*ROOT.glob("*.md"), *ROOT.glob("*/*.md"), *ROOT.glob("models/*/*")]:
        if path.is_file():
            assert not re.search(rb"/(home|root|work|tmp)/", path.read_bytes()), path
