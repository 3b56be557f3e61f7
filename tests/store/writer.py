"""A process whose children write until they are killed: ``python -m tests.store.writer DATA URL ACKNOWLEDGED KILLS``.

What is imported and opened once is shared by all children, so that they die while they write and not while they start. An id is noted in
the file ACKNOWLEDGED when the records have said that it is kept.
"""

from __future__ import annotations

import math
import os
import random
import signal
import sys
import time
from pathlib import Path

from pestcheck.ids import uuid7
from pestcheck.records import Records
from pestcheck.store import open_folder
from tests.pictures import scenes

LONGEST = 0.2
"""Seconds that a child has between its first word and its death, at most."""


def write(records: Records, acknowledged: int, begun: int, photograph: bytes, rounds: float = math.inf) -> None:
    """Write, for ever if not told otherwise."""
    number = 0
    while number < rounds:
        key = uuid7()
        records.open(key, number="CSQU3054383", inspector="Ana")
        os.write(acknowledged, f"inspection {key}\n".encode())
        if number == 0:
            os.write(begun, b"x")
        view = records.photograph(key, "floor", photograph + os.urandom(5000), name="a.jpg", actor="Ana")
        os.write(acknowledged, f"view {view}\n".encode())
        for note in range(3):
            records.answer(key, "floor", state="inspected", result="no_contamination", note=f"{note}", actor="Ana")
            os.write(acknowledged, f"answer {key} {note}\n".encode())
        number += 1


def main(data: Path, url: str, acknowledged: Path, kills: int) -> None:
    """Start and kill one child after the other."""
    photograph = scenes.jpeg(scenes.wall(64, 48))
    database, photo_store = open_folder(data, url)
    records = Records(database, photo_store)
    with open(os.devnull, "wb") as nowhere:
        write(records, nowhere.fileno(), nowhere.fileno(), photograph, rounds=1)
    database.close()  # a child opens connections of its own
    chance = random.Random(4)
    for _ in range(kills):
        reads, writes = os.pipe()
        child = os.fork()
        if not child:
            os.close(reads)
            try:
                write(records, os.open(acknowledged, os.O_WRONLY | os.O_APPEND | os.O_CREAT), writes, photograph)
            finally:
                os._exit(1)
        os.close(writes)
        assert os.read(reads, 1) == b"x", "the writer failed before its first word"
        os.close(reads)
        time.sleep(chance.uniform(0, LONGEST))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), "the writer failed"


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
