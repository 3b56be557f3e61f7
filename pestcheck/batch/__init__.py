"""Score a whole archive again with a given model. Resumable; the same output, byte for byte, from every engine and however often it was killed."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pestcheck import photo as photos
from pestcheck.batch.archives import Archive, BatchError, Earlier, Entry, Files, Stored, says
from pestcheck.batch.engines import Engine, Job, Line
from pestcheck.batch.journal import Journal
from pestcheck.vision import bundle as bundles

__all__ = ["Archive", "BatchError", "Files", "Stored", "Summary", "run"]

READERS = 4
"""Files read at once; what they read ahead is all that is in memory beside what the workers have."""
PART = ".part"


@dataclass(frozen=True, slots=True)
class Summary:
    """Of a finished run. ``verdicts``: photographs by verdict, "error" among them; ``names``: under how many names; ``scored``: how many in this
    run; ``left_out``: files of other kinds. ``changes``: how often (model before, its verdict, verdict now) occurs."""

    model: str
    names: int
    scored: int
    left_out: int
    verdicts: dict[str, int]
    changes: dict[tuple[str, str, str], int]

    @property
    def failed(self) -> int:
        """Photographs and names without a result."""
        return self.verdicts.get("error", 0)


def run(
    archive: Archive, out: Path, model: Path, engine: Engine, *, earlier: Path | None = None,
    on_begin: Callable[[int, int], None] = lambda done, names: None, on_done: Callable[[int], None] = lambda names: None,
) -> Summary:  # fmt: skip
    """Score all photographs of an archive and write ``out``: one JSON object a photograph, in the order of its first name.

    What is done so far is in ``out`` + ".part": a run that was cut short goes on there. A photograph that cannot be read or scored
    is a line with its error.

    Args:
        earlier: what an earlier run wrote. Results of the same model are taken over; those of another are compared.
        on_begin, on_done: told how many names are done, of how many; and of each more.

    Raises:
        BatchError: it cannot begin or go on; what was scored is kept.
        pestcheck.vision.bundle.BundleError: the model cannot be used.
    """
    bundle = bundles.load(model)
    if out.exists():
        raise BatchError(f"{out} is there already. Name another file; with --earlier {out} only what is new is scored")
    description = hashlib.sha256((model / bundles.DESCRIPTION).read_bytes()).hexdigest()
    part = out.with_name(out.name + PART)
    try:
        journal = Journal(part, {"model": f"{bundle.id} {description}", "archive": archive.where})
    except OSError as error:
        raise BatchError(f"{part}: {says(error)}") from error
    finished = False
    try:
        journal.list(archive.entries())
        journal.compare_with(_earlier(earlier, journal, bundle) if earlier else archive.earlier())
        names, done = journal.counts()
        on_begin(done, names)
        scored, flying = 0, set[str]()
        for sha256, line in engine(_photographs(archive, journal, flying, on_done)):
            on_done(journal.scored(sha256, line))
            flying.discard(sha256)
            scored += 1
        summary = Summary(bundle.id, names, scored, archive.left_out, journal.verdicts(), journal.changes())
        _write(journal, out)
        finished = True
    except sqlite3.Error as error:
        raise BatchError(f"{part}: {error}; run the same command again to go on") from error
    finally:
        journal.close(finished=finished)
    return summary


def _photographs(archive: Archive, journal: Journal, flying: set[str], on_done: Callable[[int], None]) -> Iterator[Job]:
    """Each photograph that has no result yet, once. Reads ahead a little, and notes what lies under each name.

    Args:
        flying: hashes of those that were given out and have no result yet.
    """
    with ThreadPoolExecutor(READERS) as readers:
        wanted = (one for one in journal.open() if one.sha256 is None or not (one.sha256 in flying or journal.has(one.sha256)))
        for entry, reading in _ahead(readers, archive, wanted):
            try:
                data = reading.result()
            except Exception as error:  # each file system has its own
                journal.unreadable(entry.name, f"cannot be read: {says(error)}")
                on_done(1)
                continue
            sha256 = hashlib.sha256(data).hexdigest()
            journal.hashed(entry.name, sha256)
            if journal.has(sha256):
                on_done(entry.sha256 is None)
            elif sha256 not in flying:
                flying.add(sha256)
                yield sha256, data


def _ahead(readers: ThreadPoolExecutor, archive: Archive, entries: Iterator[Entry]) -> Iterator[tuple[Entry, Future[bytes]]]:
    def read(entry: Entry) -> bytes:
        if entry.size is not None and entry.size > photos.MAX_BYTES:
            raise ValueError(f"the file has {entry.size / 2**20:.0f} MB; the limit is {photos.MAX_BYTES // 2**20} MB")
        return archive.read(entry)

    reading: deque[tuple[Entry, Future[bytes]]] = deque()
    for entry in entries:
        reading.append((entry, readers.submit(read, entry)))
        if len(reading) > READERS:
            yield reading.popleft()
    while reading:
        yield reading.popleft()


def _earlier(file: Path, journal: Journal, bundle: bundles.Bundle) -> Iterator[Earlier]:
    """What an earlier run said; results of the same model go to the journal."""
    try:
        with file.open(encoding="utf-8") as lines:
            for number, text in enumerate(lines, 1):
                try:
                    line: Line = json.loads(text)
                    if "error" in line:
                        continue  # tried again
                    sha256, model, verdict = (str(line[key]) for key in ("sha256", "model", "verdict"))
                except (ValueError, KeyError, TypeError, AttributeError) as error:
                    raise BatchError(f"{file}, line {number} is no result of pestcheck batch") from error
                if model == bundle.id and line.get("thresholds") == bundle.thresholds.version and "photos" in line:
                    journal.scored(sha256, {key: value for key, value in line.items() if key not in ("photos", "sha256")})
                yield Earlier(sha256, model, verdict)
    except (OSError, UnicodeDecodeError) as error:
        raise BatchError(f"{file} cannot be read: {says(error)}") from error


def _write(journal: Journal, out: Path) -> None:
    from pestcheck.store.photos import whole_file

    try:
        with whole_file(out) as file:
            for line in journal.lines():
                file.write(json.dumps(line).encode() + b"\n")
    except OSError as error:
        raise BatchError(f"{out} cannot be written: {says(error)}; run the same command again") from error
