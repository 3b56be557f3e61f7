"""``python -m tests.bench_insight``: how long the insight, evidence and watching pages take to count 100,000 inspections.

The rows are put into the tables as they are, without the log, which these pages do not read: ten photographs and ten findings an
inspection would take an hour as events. Give an address of PostgreSQL to measure that: ``python -m tests.bench_insight postgresql://...``.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import insert
from sqlmodel import Session, SQLModel

from pestcheck.ids import uuid7
from pestcheck.inspection.checklist import templates
from pestcheck.inspection.selection import Plan
from pestcheck.records import Records
from pestcheck.records.period import Period
from pestcheck.store import events, open_folder
from pestcheck.store.db import Database
from pestcheck.store.journey_tables import Leg, Party
from pestcheck.store.tables import Answer, Contamination, Finding, Inspection, Photograph, View

AREAS = [point.area for point in templates()["container_7_point"].points]
LABELS = ("hornet", "seed", "soil", "snail", "spider_web", "plant_matter")
PORTS = ("Veracruz", "Shanghai", "Valparaiso", "Durban", "Genova", "Santos", "Busan", "Haiphong")
RUNS = 5


def fill(database: Database, inspections: int, *, findings: int = 10, seed: int = 1) -> None:
    """Inspections over the last year, seven answers each; of the findings one in seven is there, on one inspection in four."""
    chance = random.Random(seed)
    parties = [Party(id=uuid7(), name=f"Carrier {n}", key=f"carrier{n}", role="highway_carrier", scac="", recorded_by="A", recorded_at="") for n in range(20)]  # fmt: skip
    pictures = [
        Photograph(sha256=f"{n:064x}", media_type="image/jpeg", size=1, width=9, height=9, camera=("Pixel 8", "iPhone 15", None)[n % 3])
        for n in range(300)
    ]
    with database.writing() as session:
        _put(session, Party, [one.model_dump() for one in parties])
        _put(session, Photograph, [one.model_dump() for one in pictures])
    now = datetime.now(UTC)
    rows = _rows(chance, inspections, findings, [one.id for one in parties], [one.sha256 for one in pictures], now)
    while batch := list(islice(rows, 2000)):
        with database.writing() as session:
            for table in (Inspection, Answer, View, Finding, Contamination, Leg):
                _put(session, table, [row for one in batch for row in one[table]])
    with database.engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")


def _put(session: Session, table: type[SQLModel], rows: list[dict[str, Any]]) -> None:
    if rows:
        session.connection().execute(insert(table.__table__), rows)  # type: ignore[attr-defined]


def _rows(
    chance: random.Random, inspections: int, findings: int, parties: list[str], pictures: list[str], now: datetime
) -> Iterator[dict[type[SQLModel], list[dict[str, Any]]]]:
    for number in range(inspections):
        key, at = uuid7(), now - timedelta(days=364 * (1 - number / inspections), minutes=chance.random() * 60)
        said = {"decided_by": "A", "decided_at": events.written(at), "candidates": [], "reason": "", "version": 1, "box": [1, 2, 30, 40]}
        origin, destination = chance.sample(PORTS, 2)
        dirty = chance.random() < (0.4 if origin == "Durban" else 0.2)
        views, found, bad = [], [], Counter[tuple[str, str]]()
        for place in range(findings):
            view, area = uuid7(), AREAS[place % len(AREAS)]
            views.append({
                "id": view, "inspection_id": key, "area": area, "sha256": pictures[(number * 10 + place) % len(pictures)], "name": "a",
                "added_at": events.written(at), "added_by": "A", "state": "scored", "score": chance.betavariate(0.4, 1.2),
                "verdict": chance.choice(("suspect", "nothing_found", "nothing_found", "unsure", "unusable")), "model": "pest@1", "problems": [],
            })  # fmt: skip
            there = dirty and chance.random() < 0.5
            found.append({
                "id": uuid7(), "view_id": view, "position": 0, "label": "hornet", "group": "insect", "probability": 0.8,
                "state": chance.choice(("confirmed", "confirmed", "corrected", "missed")) if there else "rejected",
                "decided_label": chance.choice(LABELS) if there else None, **said,
            })  # fmt: skip
            if there:
                bad[area, found[-1]["decided_label"]] += 1
                bad[area, ""] = 1
        yield {
            Inspection: [{
                "id": key, "container_number": f"CSQU{number:07}", "template": "container_7_point", "template_version": 1, "inspector": "A",
                "opened_at": events.written(at), "closed_at": events.written(at + timedelta(minutes=20 + chance.expovariate(0.1))),
                "closed_by": "A", "selection": chance.choices(("routine", "random", "targeted", None), (80, 10, 8, 2))[0],
                "site": f"Yard {number % 6}", "origin": origin, "destination": destination, "carrier_scac": f"SC{chance.choice('ABCDEF')}",
                "stage": "empty_at_origin", "procedure": "AG-7" if number % 9 else None, "version": 0,
            }],
            Answer: [{
                "inspection_id": key, "area": area, "state": "inspected", "note": "", "answered_by": "A", "answered_at": events.written(at),
                "result": "contamination" if bad[area, ""] else "no_contamination", "version": 1,
            } for area in AREAS],
            View: views,
            Finding: found,
            Contamination: [{"inspection_id": key, "area": area, "label": label, "n": n} for (area, label), n in bad.items() if n],
            Leg: [{
                "id": uuid7(), "inspection_id": key, "position": 0, "tendered_by": chance.choice(parties), "received_by": parties[0],
                "origin": origin, "destination": destination, "recorded_by": "A", "recorded_at": events.written(at),
            }] if number % 2 else [],
        }  # fmt: skip


def taken(do: Callable[[], object]) -> str:
    """Median and slowest of five, as text."""
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        do()
        times.append(time.perf_counter() - started)
    return f"{statistics.median(times):7.2f} s, slowest {max(times):.2f} s"


def pages(records: Records) -> None:
    """Print one line a page."""
    print(f"insight, a year of 100,000 inspections            {taken(records.insight)}   (limit 2)", flush=True)
    print(f"evidence by criterion, the same                   {taken(lambda: records.evidence('importer'))}", flush=True)
    print(f"watching, the same                                {taken(lambda: records.watch(Period.read()))}", flush=True)
    print(f"a draw for a second look, the same                {taken(lambda: records.draw(uuid7(), plan=Plan(), actor='A'))}", flush=True)


def main(url: str | None = None, size: int = 100_000) -> None:
    """Fill a store, SQLite in a folder of its own unless an address is given, and measure."""
    with tempfile.TemporaryDirectory() as folder:
        database, photo_store = open_folder(Path(folder), url or f"sqlite:///{folder}/a.sqlite3")
        started = time.perf_counter()
        fill(database, size)
        print(f"{size:,} inspections, {size * 10:,} findings put in in {time.perf_counter() - started:.0f} s", flush=True)
        pages(Records(database, photo_store))
        database.close()


if __name__ == "__main__":
    main(*sys.argv[1:2])
