"""A store with very many inspections and findings, for measuring registers: rows written straight into the tables, without a log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert

from pestcheck.ids import uuid7
from pestcheck.inspection.checklist import templates
from pestcheck.store import events
from pestcheck.store.db import Database
from pestcheck.store.tables import Answer, Finding, Inspection, Photograph, Signature, View

AREAS = [point.area for point in templates()["container_7_point"].points]
LABELS = ("hornet", "snail", "soil", "seed", "plant_matter", "spider")
START = datetime(2022, 1, 1, tzinfo=UTC)
BATCH = 1000
VIEWS = 2


def fill(database: Database, inspections: int, findings: int) -> None:
    """Write so many inspections, each with so many findings on two photographs, all points answered, signed and closed."""
    for first in range(0, inspections, BATCH):
        rows: dict[Any, list[dict[str, Any]]] = {table: [] for table in (Inspection, Photograph, View, Finding, Answer, Signature)}
        for number in range(first, min(first + BATCH, inspections)):
            _one(rows, number, findings)
        with database.engine.begin() as connection:
            for table, values in rows.items():
                connection.execute(insert(table.__table__), values)


def _one(rows: dict[Any, list[dict[str, Any]]], number: int, findings: int) -> None:
    key, at = uuid7(), events.written(START + timedelta(minutes=20 * number))
    rows[Inspection].append({
        "id": key, "container_number": f"CSQU{number % 10**6:06d}{number % 10}", "template": "container_7_point", "template_version": 1,
        "inspector": ("Ana Pérez", "Bo", "José Ñandú", "=Cleo")[number % 4], "opened_at": at, "stage": "empty_at_origin",
        "selection": "routine", "size_type": "22G1", "site": f"Yard {number % 7}", "carrier_scac": "SCNN", "shipment": f"S-{number}",
        "origin": "Monterrey", "destination": ("Laredo", "El Paso")[number % 2], "version": 2,
        "disposition": "clean_and_recheck" if findings else "accept", "closed_at": at, "closed_by": "Ana Pérez",
    })  # fmt: skip
    rows[Signature].append({
        "id": uuid7(), "inspection_id": key, "printed_name": "Ana Pérez", "meaning": "inspected", "content": "0" * 64, "signed_by": "Ana Pérez",
        "signed_at": at,
    })  # fmt: skip
    for place, area in enumerate(AREAS):
        rows[Answer].append({
            "inspection_id": key, "area": area, "state": "inspected", "result": "no_contamination" if place else "contamination", "note": "",
            "answered_by": "Ana Pérez", "answered_at": at, "version": 1,
        })  # fmt: skip
    for place in range(VIEWS):
        view, sha256 = uuid7(), f"{VIEWS * number + place:064x}"
        rows[Photograph].append({
            "sha256": sha256, "media_type": "image/jpeg", "size": 4_000_000, "width": 4032, "height": 3024, "taken_at": at,
            "latitude": 25.7, "longitude": -100.3,
        })  # fmt: skip
        rows[View].append({
            "id": view, "inspection_id": key, "area": AREAS[place], "sha256": sha256, "name": f"IMG_{number % 10**4:04d}.jpg", "added_at": at,
            "added_by": "Ana Pérez", "state": "scored", "verdict": "suspect", "score": 0.8731, "problems": [], "model": "pest-lite0-0.2.0",
            "thresholds": "v1", "seconds": 0.7,
        })  # fmt: skip
        for position in range(findings // VIEWS):
            label = LABELS[(number + position) % len(LABELS)]
            rows[Finding].append({
                "id": uuid7(), "view_id": view, "position": position, "label": label, "group": "insect", "probability": 0.8731,
                "candidates": [[label, 0.8731], ["wasp", 0.1]], "box": [10 * position, 20, 10 * position + 300, 400],
                "reason": f"{label}: 87%, sure enough to name (from 50%)", "state": "confirmed", "decided_label": label,
                "decided_by": "Ana Pérez", "decided_at": at, "condition": "dead", "life_stage": "adult", "count": 3, "severity": 2,
                "rules": "1", "disposition": "clean_and_recheck", "version": 1,
            })  # fmt: skip
