from __future__ import annotations

import numpy as np
from PIL import Image


def to_input(image: Image.Image, side: int) -> np.ndarray:
    """One RGB image as the network takes it: uint8 of shape (side, side, 3), squeezed to a square."""
    return np.asarray(image.resize((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0))
