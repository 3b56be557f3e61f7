"""Reads lines of worn stencilled writing with a small network of our own (``models/mark-lines-*``, see its card)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pestcheck.vision.agree import Steps
from pestcheck.vision.bundle import newest
from pestcheck.vision.score import session

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-/"
"""What is looked for; small letters count as capitals, everything else as not there."""
HEIGHT, STEP = 32, 4
"""Of the strips that the network takes, and of each the width for which it says what stands there, in pixels."""
STRETCH = 1.4
"""How much wider than tall the strips make their letters, so that those of a narrow font have steps between them."""
NETWORK = "lines.onnx"


def shipped() -> Path:
    """The newest of these networks that came with pestcheck.

    Raises:
        FileNotFoundError: there is none.
    """
    if folder := newest(NETWORK):
        return folder / NETWORK
    raise FileNotFoundError("no network for the lines of marks (mark-lines) came with this installation; install pestcheck anew")


class LineReader:
    """The network, loaded once. May be called from several threads."""

    def __init__(self, path: Path, threads: int | None = None) -> None:
        self._session = session(path, threads)

    def steps(self, view: Image.Image) -> Steps:
        """What stands along a line of writing, made straight, in a picture of any size and colour: probabilities, (steps, 1 + ``ALPHABET``)."""
        seen: NDArray[np.float32] = self._session.run(None, {"strips": strip(view)[None, None]})[0][0]
        return seen


def strip(view: Image.Image) -> NDArray[np.float32]:
    """A line as the network takes it: grey, 0 to 1, (HEIGHT, width), the width a multiple of ``STEP``."""
    width = STEP * max(4, min(400, round(view.width * HEIGHT / view.height * STRETCH / STEP)))
    return np.asarray(view.convert("L").resize((width, HEIGHT), Image.Resampling.BICUBIC), np.float32) / np.float32(255)
