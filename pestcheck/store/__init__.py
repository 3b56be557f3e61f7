"""Where records are kept: tables, the event log that they follow from, and photographs."""

from __future__ import annotations

from pathlib import Path

from pestcheck.store.db import Database
from pestcheck.store.photos import PhotoStore, open_photographs


def open_folder(folder: Path, url: str, photographs: str | Path | None = None) -> tuple[Database, PhotoStore]:
    """Open the database at ``url``, and the photographs: in a data folder, which is made if it is not there, or elsewhere if so told.

    Raises:
        OSError: one of them cannot be opened; the message says why.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return Database(url), open_photographs(photographs or folder / "photographs")
