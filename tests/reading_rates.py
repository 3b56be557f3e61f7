"""``python -m tests.reading_rates``: how often a number in a photograph is read without a fault, as docs/reading.md states it.

Rates, each the share of pictures whose best candidate is what is written there, with its 95 % interval (Wilson): container
numbers and ISPM 15 marks painted on pictures of real steel and wood (``tests.pictures.stencils``), and container
numbers in real photographs, as a person read them (``container_numbers.csv``; the person did so before the reader was built).
"""

from __future__ import annotations

import csv
import math
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from pestcheck.reading import Kind, read
from tests.pictures import stencils

HERE = Path(__file__).parent
DATA = HERE.parents[1] / "shared" / "data"


def wilson(right: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share."""
    z, share = 1.959964, right / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return middle - half, middle + half


def painted(kind: Kind, count: int, data: Path | None, start: int = 0) -> Iterator[tuple[str, bytes, str]]:
    """Name, file and text of painted pictures."""
    make = stencils.container if kind is Kind.container_number else stencils.mark
    for seed in range(start, start + count):
        stencil = make(seed, data)
        yield f"{stencil.layout} {seed}", stencil.jpeg(), stencil.text


def photographed(data: Path) -> Iterator[tuple[str, bytes, str]]:
    """Path, file and number of the photographs that a person read."""
    with (HERE / "container_numbers.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield row["path"], (data / row["path"]).read_bytes(), row["number"]


def measure(pictures: Iterable[tuple[str, bytes, str]], kind: Kind, misses: list[str] | None = None) -> tuple[int, int]:
    """How many of how many are read without a fault; the others go to ``misses`` in words."""
    right = of = 0
    for name, data, text in pictures:
        found = read(data, (kind,))
        hit = bool(found) and found[0].text == text
        right, of = right + hit, of + 1
        if not hit and misses is not None:
            misses.append(f"{name}: {text} read as {found[0].text + (' !' if found[0].problem else '') if found else 'nothing'}")
    return right, of


def main(data: Path = DATA) -> None:
    """Print the rates, and what was missed."""
    parts = {
        "painted container numbers": (painted(Kind.container_number, 200, data), Kind.container_number),
        "painted ISPM 15 marks": (
            chain.from_iterable(painted(Kind.wpm_mark, 200, data, start) for start in (40_000, 41_000, 44_000, 45_000)),
            Kind.wpm_mark,
        ),
        "container numbers in photographs": (photographed(data), Kind.container_number),
    }
    for name, (pictures, kind) in parts.items():
        if len(sys.argv) > 1 and sys.argv[1] not in name:
            continue
        misses: list[str] = []
        started = time.perf_counter()
        right, of = measure(pictures, kind, misses)
        low, high = wilson(right, of)
        print(
            f"{name}: {right}/{of} = {right / of:.1%} (95 % interval {low:.1%} to {high:.1%}), {(time.perf_counter() - started) / of:.1f} s each"
        )
        print("".join(f"    {miss}\n" for miss in misses), end="", flush=True)


if __name__ == "__main__":
    main()
