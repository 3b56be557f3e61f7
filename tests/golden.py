"""Pictures that the project may hold, and what the shipped model says of them. ``python -m tests.golden`` writes it anew."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pestcheck.vision.scan import Report, Scanner
from tests.pictures import scenes

FILE = Path(__file__).parent / "golden.json"
LENGTH = 200
"""Of an animal, in pixels of a photograph 1632 pixels wide: about 5 cm where the picture shows a width of 40 cm."""


def pictures() -> Iterator[tuple[str, bytes]]:
    """Name and JPEG of each: every animal on a wall and on a floor, and surfaces with nothing on them."""
    for animal in scenes.ANIMALS:
        for surface, drawn in (("wall", scenes.wall()), ("floor", scenes.floor())):
            scenes.lay(drawn, animal, x=0.35, y=0.45, length=LENGTH)
            yield f"{animal} on {surface}", scenes.jpeg(drawn)
    for paint in scenes.PAINT:
        yield f"clean {paint} wall", scenes.jpeg(scenes.wall(paint=paint, seed=7))
    yield "clean floor", scenes.jpeg(scenes.floor(seed=8))


def summary(report: Report) -> dict[str, Any]:
    """What must not change unnoticed."""
    first = report.findings[0] if report.findings else None
    found = {"label": first.label, "group": first.group, "probability": first.probability, "box": list(first.box)} if first else None
    return {"verdict": report.verdict.value, "score": report.score, "findings": len(report.findings), "first": found}


if __name__ == "__main__":
    scanner = Scanner()
    said = {name: summary(scanner.scan(data)[0]) for name, data in pictures()}
    FILE.write_text(json.dumps({"model": scanner.bundle.id, "said": said}, indent=1) + "\n", "utf-8")
