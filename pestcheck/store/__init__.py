"""Where records are kept: tables, the event log that they follow from, and photographs."""

from __future__ import annotations

from pathlib import Path

from pestcheck.store.db import Database
from pestcheck.store.photos import PhotoStore


def open_folder(folder: Path, url: str) -> tuple[Database, PhotoStore]:
    """Open the database at ``url`` and the photographs in a data folder, which is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    return Database(url), PhotoStore(folder / "photographs")
