"""How long a queue of 100,000 photographs takes to open, on this machine: ``python -m tests.bench_review [ADDRESS OF AN EMPTY DATABASE]``."""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from pestcheck.ids import uuid7
from pestcheck.records import Records
from pestcheck.records.queue import Choice
from pestcheck.store.db import Database
from pestcheck.store.photos import open_photographs
from pestcheck.store.tables import Finding, Inspection, Photograph, View

NUMBER, EACH = 100_000, 20
LABELS = ["ant", "bee", "beetle", "hornet", "snail", "spider", "soil", "seed", "plant_matter", "moth"]
STATES = {"suggested": 5.0, "confirmed": 3.0, "corrected": 1.0, "rejected": 1.0, "missed": 0.3}


def fill(database: Database, number: int = NUMBER) -> None:
    """Photographs with findings, as years of work leave them, straight into the tables."""
    rng = random.Random(1)
    rows: dict[Any, list[dict[str, Any]]] = {Inspection: [], Photograph: [], View: [], Finding: []}
    for count in range(0, number, EACH):
        key, at = uuid7(), f"2026-{rng.randint(1, 11):02d}-{rng.randint(1, 28):02d}T08:00:00.000Z"
        rows[Inspection].append({
            "id": key, "container_number": "CSQU3054383", "template": "container_7_point", "template_version": 1, "opened_at": at,
            "inspector": f"Inspector {rng.randint(0, 30)}", "site": f"Yard {rng.randint(0, 12)}", "version": 0,
        })  # fmt: skip
        for one in range(EACH):
            sha256, view = f"{count + one:064x}", uuid7()
            rows[Photograph].append({"sha256": sha256, "media_type": "image/jpeg", "size": 1, "width": 4000, "height": 3000})
            rows[View].append({
                "id": view, "inspection_id": key, "area": "floor", "sha256": sha256, "name": "a.jpg", "added_at": at, "added_by": "x",
                "state": "scored", "verdict": rng.choice(["suspect", "unsure", "nothing_found"]), "score": rng.random(), "problems": [],
                "model": "pest@1", "thresholds": "v1", "seconds": 1.0,
            })  # fmt: skip
            for position in range(rng.choice([0, 1, 1, 2])):
                label, state = rng.choice(LABELS), rng.choices([*STATES], [*STATES.values()])[0]
                rows[Finding].append({
                    "id": uuid7(), "view_id": view, "position": position, "label": None if state == "missed" else label, "group": "insect",
                    "probability": rng.random(), "candidates": [[name, 0.1] for name in LABELS[: rng.randint(1, 6)]], "box": [1, 2, 300, 400],
                    "reason": "x", "state": state, "decided_label": label if state in ("confirmed", "corrected", "missed") else None, "version": 1,
                })  # fmt: skip
    with database.writing() as session:
        for table, values in rows.items():
            for start in range(0, len(values), 5000):
                session.execute(insert(table.__table__), values[start : start + 5000])


def seconds(what: str, do: Callable[[], Any]) -> None:
    """Print how long something takes."""
    started = time.perf_counter()
    do()
    print(f"{what}: {time.perf_counter() - started:.2f} s", flush=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{folder}/pestcheck.sqlite3"
        database = Database(url)
        fill(database)
        records = Records(database, open_photographs(Path(folder) / "photographs"))

        def all_rows() -> None:
            while records.refresh_queue(2000):
                pass

        seconds(f"first opening of {NUMBER:,} photographs, after an upgrade, once", lambda: records.take("Teo"))
        seconds("all of them put in order, in the background, once", all_rows)
        seconds("open the queue", lambda: records.queue("Teo"))
        seconds("the next five photographs", lambda: records.take("Teo"))
        seconds("the next five, blind", lambda: records.take("Tim", blind=True))
        seconds("by site and label", lambda: records.queue("Teo", Choice(site="Yard 3", label="seed")))
        seconds("a label that nothing has", lambda: records.queue("Teo", Choice(label="khapra_like_skin")))
        seconds("what there is to choose by", records.queue_choices)
        view = records.take("Teo")[0].item.view.id
        seconds("an opinion", lambda: records.review(view, "no_contaminant", actor="Teo"))
        seconds("and the next five", lambda: records.take("Teo"))
        database.close()


if __name__ == "__main__":
    main()
