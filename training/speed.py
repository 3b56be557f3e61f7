"""``python -m training.speed``: the scan of a 12-megapixel photograph, beside the same networks in torch eager on slices by ``sahi``."""

from __future__ import annotations

import io
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from PIL import Image

from pestcheck import photo
from pestcheck.vision import bundle, decide, score, tiles
from pestcheck.vision.scan import Scanner
from training import train
from training.network import normalise

SIZE = (4032, 3024)
RUNS = 7


def photograph() -> bytes:
    """A made-up photograph of 12 megapixels with the detail of a real one: noise on corrugated steel."""
    x = np.arange(SIZE[0]) / SIZE[0]
    steel = 110 + 50 * np.sin(x * 160)[None, :, None] + np.random.default_rng(0).normal(0, 12, (SIZE[1], SIZE[0], 3))
    buffer = io.BytesIO()
    Image.fromarray(steel.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def main(
    model: Annotated[Path, typer.Option(help="Model folder.")],
    photo_file: Annotated[Path | None, typer.Option("--photo", help="A photograph; without it, a made-up one.")] = None,
) -> None:
    """Time both in turn on the same photograph, from its bytes on, and print medians and their ratio.

    The slices are those of ``sahi`` for the same levels, tile and overlap, scored one at a time, as ``sahi`` does it. Where MODEL/run
    holds the trained networks they are used; otherwise networks of the same kind as they are before training, which take as long.
    """
    from sahi.slicing import get_slice_bboxes

    threads = os.cpu_count() or 1
    torch.set_num_threads(threads)
    data = photo_file.read_bytes() if photo_file else photograph()
    scanner = Scanner(model, threads)
    scanner.scan(data)
    ours = _times(lambda: scanner.scan(data))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    described, (finder, classifier) = scanner.bundle, _networks(scanner.bundle, model / "run")

    @torch.inference_mode()
    def eager() -> None:
        found, image = photo.open_photo(data, scanner.least_side)
        classifier(normalise(torch.from_numpy(score.to_input(image, described.side)[None].copy())))
        plan = tiles.plan(found.width, found.height, long_sides=described.long_sides, tile=described.tile, overlap=described.overlap)
        maps = []
        for level in plan:
            pixels = np.asarray(image.resize((level.width, level.height), Image.Resampling.BILINEAR, reducing_gap=2.0))
            share = described.overlap / described.tile
            cells = np.zeros((level.height // tiles.CELL, level.width // tiles.CELL))
            for x0, y0, x1, y1 in get_slice_bboxes(level.height, level.width, *level.tile[::-1], False, share, share):
                part = finder(normalise(torch.from_numpy(pixels[None, y0:y1, x0:x1].copy())))[0].numpy()
                at = np.s_[y0 // tiles.CELL :, x0 // tiles.CELL :]
                there = cells[at][: part.shape[0], : part.shape[1]]
                np.maximum(there, part[: there.shape[0], : there.shape[1]], out=there)
            maps.append(decide.CellMap(decide.sigmoid(cells), found.width, found.height))
        for place in decide.places(maps, described.thresholds.propose):
            box = decide.closer(place.box, found.width, found.height)
            pixels = score.parts(image, [box], image.width / found.width, described.side)
            classifier(normalise(torch.from_numpy(pixels)))

    eager()
    theirs = _times(eager)
    print(f"{threads} cores, {platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}")
    print(f"{SIZE[0]} by {SIZE[1]} pixels" if photo_file is None else photo_file.name)
    print(
        f"pestcheck, after start, median of {RUNS}       {statistics.median(ours):6.2f} s, slowest {max(ours):.2f} s, memory at most {peak:.0f} MB"
    )
    print(f"torch eager on sahi slices, median of {RUNS}   {statistics.median(theirs):6.2f} s")
    print(f"ratio                                   {statistics.median(theirs) / statistics.median(ours):6.1f}")


def _networks(described: bundle.Bundle, run: Path) -> tuple[Any, Any]:
    from training.network import Finder, classifier

    try:
        epochs = {task: train.last_epoch(run / task / "all") for task in train.TASKS}
        return tuple(train.load(run / task / "all", task, epochs[task])[0] for task in train.TASKS)  # type: ignore[return-value]
    except SystemExit:
        return Finder(pretrained=False).eval(), classifier(len(described.labels), pretrained=False).eval()


def _times(call: Callable[[], Any]) -> list[float]:
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return times


if __name__ == "__main__":
    typer.run(main)
