"""A store as large as a year of work, for measuring: the log is made as a backup, and restored."""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pestcheck.ids import uuid7
from pestcheck.inspection.checklist import templates
from pestcheck.photo import SHARPNESS_SIDE, open_photo
from pestcheck.store import events, merkle
from pestcheck.store.backup import ABOUT, LOG, PHOTOGRAPHS
from tests.pictures import scenes

POINTS = [point.area for point in templates()["container_7_point"].points]


def backup_of(file: Path, size: int, photographs: int = 40) -> str:
    """Write a backup of ``size`` events: inspections with ``photographs`` photographs each, scored and decided, and answers.

    Returns:
        The id of the first inspection.
    """
    pictures = [scenes.jpeg(scenes.wall(64, 48, seed=number)) for number in range(photographs)]
    found = [asdict(open_photo(data, SHARPNESS_SIDE)[0]) for data in pictures]
    subtrees: list[bytes | None] = []
    lines: list[bytes] = []
    first = ""

    def add(kind: str, payload: dict[str, Any]) -> None:
        body = {"seq": len(lines), "id": uuid7(), "at": events.now(), "actor": "Ana", "kind": kind, "payload": payload}
        lines.append(events.canonical(body).encode())
        merkle.push(subtrees, merkle.leaf_hash(lines[-1]))

    while len(lines) < size:
        key = uuid7()
        first = first or key
        add("inspection_opened", {
            "id": key, "container_number": "CSQU3054383", "number_problem": None, "override_reason": None, "inspector": "Ana",
            "template": "container_7_point", "template_version": 1, "opened_at": events.now(),
        })  # fmt: skip
        for number, photograph in enumerate(found):
            view, finding, area = uuid7(), uuid7(), POINTS[number % len(POINTS)]
            add("photograph_added", {"photograph": photograph, "view": {
                "id": view, "inspection_id": key, "area": area, "sha256": photograph["sha256"], "name": f"IMG_{number}.jpg",
                "added_at": events.now(), "added_by": "Ana",
            }})  # fmt: skip
            add("photograph_scored", {"view_id": view, "report": {
                "verdict": "suspect", "score": 0.87, "problems": [], "model": "pest@1", "thresholds": "v1", "seconds": 0.7,
            }, "findings": [{
                "id": finding, "label": "hornet", "group": "insect", "probability": 0.87, "candidates": [["hornet", 0.87], ["wasp", 0.1]],
                "box": [1, 2, 30, 40], "reason": "Hornet: 87%, sure enough to name (from 50%)",
            }]})  # fmt: skip
            add("finding_decided", {
                "finding_id": finding, "state": "confirmed", "decided_label": "hornet", "decided_by": "Ana", "decided_at": events.now(),
            })  # fmt: skip
        for area in POINTS:
            add("point_answered", {
                "inspection_id": key, "area": area, "state": "inspected", "result": "contamination", "note": "", "answered_by": "Ana",
                "answered_at": events.now(),
            })  # fmt: skip
        add("inspection_closed", {"inspection_id": key, "closed_at": events.now(), "closed_by": "Ana"})
    about = {"format": 1, "events": len(lines), "root": merkle.root(subtrees).hex(), "photographs": photographs, "missing": []}
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(LOG, b"\n".join(lines) + b"\n")
        for data, photograph in zip(pictures, found, strict=True):
            archive.writestr(PHOTOGRAPHS + photograph["sha256"], data)
        archive.writestr(ABOUT, json.dumps(about))
    return first
