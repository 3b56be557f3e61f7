"""The folder in which Gradio keeps what a browser sends until it is on record."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from pathlib import Path

log = logging.getLogger(__name__)

FOLDER = "uploads"
"""In the data folder, not in the one for temporary files that all users of a computer share."""
KEPT_SECONDS = 24 * 3600
"""What is on record is removed at once; this is for what was sent and never got there. A tablet may come back to it, but not for ever."""
LOOK_SECONDS = 3600


def use(data: Path) -> Path:
    """Make the folder, for this user only, and have Gradio use it from now on."""
    folder = data / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ["GRADIO_TEMP_DIR"] = str(folder.resolve())
    return folder


def clean(folder: Path, now: float) -> int:
    """Remove files that were last changed more than a day before ``now`` (seconds since 1970), and empty folders; returns how many files."""
    removed = 0
    for path in sorted(folder.rglob("*"), reverse=True):  # what is in a folder, then the folder
        try:
            if path.is_dir() and not path.is_symlink():
                if now - path.stat().st_mtime > LOOK_SECONDS and not any(path.iterdir()):
                    path.rmdir()
            elif now - path.lstat().st_mtime > KEPT_SECONDS:
                path.unlink()
                removed += 1
        except FileNotFoundError:
            continue  # just recorded
        except OSError as error:
            log.warning("%s cannot be removed: %s", path, error)
    return removed


async def keep_clean(folder: Path) -> None:
    """Clean now and every hour, until cancelled."""
    while True:
        await asyncio.to_thread(clean, folder, time.time())
        await asyncio.sleep(LOOK_SECONDS)
