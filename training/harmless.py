"""Harmless things that lie on clean surfaces, drawn: without them the seam of a pasted thing would be the class.

Every function takes a random generator and a length in pixels and returns a patch: uint8 RGB of shape (h, w, 3), opacity float32 of
shape (h, w) in [0, 1]. Longer side of the opaque part: about the length.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

Patch = tuple[np.ndarray, np.ndarray]
Draw = Callable[[np.random.Generator, int], Patch]

SHARPER = 4
"""Shapes are drawn this much larger and reduced, which smooths their edges."""


def blob(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A round shape with an uneven edge: float32 opacity of shape (height, width)."""
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    radius = np.ones_like(angle)
    for k in range(2, 7):
        radius += rng.normal(0, 0.35 / k) * np.cos(k * angle + rng.uniform(0, 2 * np.pi))
    radius = np.clip(radius, 0.3, None) / np.clip(radius, 0.3, None).max() * 0.98
    h, w = height * SHARPER, width * SHARPER
    points = np.stack([w / 2 + radius * np.cos(angle) * w / 2, h / 2 + radius * np.sin(angle) * h / 2], 1)
    mask = np.zeros((h, w), np.float32)
    cv2.fillPoly(mask, [points.astype(np.int32)], 1.0)
    return cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA)


def _colour(rng: np.random.Generator) -> np.ndarray:
    """Paint, metal, plastic, paper: a shade of grey or a colour."""
    grey = rng.uniform(10, 250)
    return np.clip(grey + rng.normal(0, rng.choice((6.0, 60.0)), 3), 0, 255)


def _shaded(rng: np.random.Generator, mask: np.ndarray, colour: np.ndarray, contrast: float = 40) -> Patch:
    """Fill ``mask`` with a colour, lit from one side, with fine texture."""
    h, w = mask.shape
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j]
    light = rng.uniform(0, contrast) * (x * np.cos(angle) + y * np.sin(angle)) + rng.normal(0, rng.uniform(0, 12), (h, w))
    return np.clip(colour + light[..., None], 0, 255).astype(np.uint8), mask


def bolt(rng: np.random.Generator, length: int) -> Patch:
    """A bolt, rivet or screw head: round or six-sided, with a rim and sometimes a slot."""
    s = length * SHARPER
    mask, image = np.zeros((s, s), np.float32), np.zeros((s, s, 3), np.float32)
    corners = int(rng.choice((6, 32)))
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False) + rng.uniform(0, np.pi)
    outline = np.stack([s / 2 + np.cos(angle) * s * 0.49, s / 2 + np.sin(angle) * s * 0.49], 1).astype(np.int32)
    cv2.fillPoly(mask, [outline], 1.0)
    colour = _colour(rng)
    image[:] = colour * rng.uniform(0.4, 0.8)
    cv2.circle(image, (s // 2, s // 2), int(s * rng.uniform(0.3, 0.44)), colour.tolist(), -1)
    light = (int(s * rng.uniform(0.3, 0.6)), int(s * rng.uniform(0.3, 0.6)))
    cv2.circle(image, light, max(1, int(s * rng.uniform(0.05, 0.2))), np.minimum(255, colour * 1.5 + 30).tolist(), -1)
    if rng.random() < 0.4:
        end = (np.array([np.cos(angle[0]), np.sin(angle[0])]) * s * 0.3).astype(int)
        middle = np.array([s // 2, s // 2])
        cv2.line(image, tuple(map(int, middle - end)), tuple(map(int, middle + end)), (colour * 0.3).tolist(), max(1, s // 12))
    return _reduce(image, mask, length, length)


def flake(rng: np.random.Generator, length: int) -> Patch:
    """A paint flake or a blistered spot: an angular piece of one colour, often with a lighter edge."""
    h, w = length, max(3, int(length * rng.uniform(0.3, 1)))
    s = (h * SHARPER, w * SHARPER)
    angle = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(4, 10)))
    radius = rng.uniform(0.5, 0.98, len(angle))
    outline = np.stack([s[1] / 2 * (1 + radius * np.cos(angle)), s[0] / 2 * (1 + radius * np.sin(angle))], 1).astype(np.int32)
    mask, image = np.zeros(s, np.float32), np.zeros((*s, 3), np.float32)
    cv2.fillPoly(mask, [outline], 1.0)
    colour = _colour(rng)
    image[:] = colour
    if rng.random() < 0.6:
        cv2.polylines(image, [outline], True, np.clip(colour + rng.uniform(-90, 90), 0, 255).tolist(), max(1, s[0] // 14))
    return _reduce(image, mask, h, w)


def sticker(rng: np.random.Generator, length: int) -> Patch:
    """A label or sticker: a light rectangle, often with bars or letters."""
    h, w = max(4, int(length * rng.uniform(0.3, 0.9))), length
    s = (h * SHARPER, w * SHARPER)
    paper = np.clip(rng.uniform(170, 250) + rng.normal(0, rng.choice((3.0, 40.0)), 3), 0, 255)
    image = np.full((*s, 3), paper).astype(np.uint8)
    ink = (rng.uniform(0, 90) + rng.normal(0, 15, 3)).tolist()
    if rng.random() < 0.5:
        x = 0
        while x < s[1] * 0.9:
            x += int(rng.integers(2, 5)) * SHARPER // 2 + 2
            cv2.rectangle(image, (x, int(s[0] * 0.15)), (x + int(rng.integers(1, 4)) * SHARPER // 3, int(s[0] * 0.8)), ink, -1)
    else:
        text = "".join(rng.choice(list("ABCDEFGHKMNPRSTUXYZ0123456789-"), rng.integers(2, 9)))
        cv2.putText(image, text, (s[1] // 20, int(s[0] * 0.65)), cv2.FONT_HERSHEY_SIMPLEX, s[0] / 60, ink, max(1, s[0] // 16))
    return _reduce(image, np.ones(s, np.float32), h, w)


def tape(rng: np.random.Generator, length: int) -> Patch:
    """A strip of tape or strapping, more or less see-through."""
    h, w = max(3, int(length * rng.uniform(0.08, 0.3))), length
    mask = np.full((h, w), rng.uniform(0.4, 1), np.float32)
    return _shaded(rng, mask, _colour(rng), 25)


def drop(rng: np.random.Generator, length: int) -> Patch:
    """A drop or small splash: lighter on one side, darker on the other, with a highlight, mostly see-through."""
    h, w = length, max(3, int(length * rng.uniform(0.5, 1)))
    mask = blob(rng, h, w)
    image, _ = _shaded(rng, mask, np.full(3, rng.uniform(60, 200)), 120)
    cv2.circle(image, (int(w * rng.uniform(0.3, 0.6)), int(h * rng.uniform(0.25, 0.5))), max(1, length // 10), (250, 250, 250), -1)
    return image, mask * float(rng.uniform(0.25, 0.7))


def chip(rng: np.random.Generator, length: int) -> Patch:
    """A wood chip or splinter: long, pale, with grain."""
    h, w = max(3, int(length * rng.uniform(0.1, 0.45))), length
    mask = blob(rng, h, w)
    colour = np.array((190, 150, 105)) * rng.uniform(0.5, 1.25) + rng.normal(0, 10, 3)
    image, _ = _shaded(rng, mask, colour, 20)
    grain = np.repeat(rng.normal(0, 18, (h, 1, 1)), w, 1)
    return np.clip(image + grain, 0, 255).astype(np.uint8), mask


def hole(rng: np.random.Generator, length: int) -> Patch:
    """A nail hole, vent or dark spot."""
    h, w = length, max(3, int(length * rng.uniform(0.5, 1)))
    return _shaded(rng, blob(rng, h, w) * float(rng.uniform(0.5, 1)), rng.uniform(5, 60) + rng.normal(0, 5, 3), 30)


def stain(rng: np.random.Generator, length: int) -> Patch:
    """A stain or shadow: darker or lighter, without an edge."""
    h, w = length, max(3, int(length * rng.uniform(0.3, 1)))
    mask = cv2.GaussianBlur(blob(rng, h, w), (0, 0), max(0.8, length * rng.uniform(0.03, 0.15)))
    return _shaded(rng, mask * float(rng.uniform(0.15, 0.6)), _colour(rng), 20)


def scratch(rng: np.random.Generator, length: int) -> Patch:
    """A scratch, crack, wire or thread: a thin bent line."""
    s = length * SHARPER
    mask = np.zeros((s, s), np.float32)
    points = np.cumsum(rng.normal(0, 1, (6, 2)) + rng.normal(0, 2, 2), 0)
    span = np.ptp(points, 0).max() + 1e-6
    points = (points - points.min(0)) / span * (s - 1)
    cv2.polylines(mask, [points.astype(np.int32)], False, 1.0, max(2, int(rng.uniform(0.6, 3) * SHARPER)), cv2.LINE_AA)
    mask = cv2.resize(mask, (length, length), interpolation=cv2.INTER_AREA)
    return _shaded(rng, mask * float(rng.uniform(0.5, 1)), _colour(rng), 10)


def _reduce(image: np.ndarray, mask: np.ndarray, height: int, width: int) -> Patch:
    small = cv2.resize(np.clip(image, 0, 255), (width, height), interpolation=cv2.INTER_AREA)
    return small.astype(np.uint8), cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA)


DRAWN: tuple[Draw, ...] = (bolt, flake, sticker, tape, drop, chip, hole, stain, scratch)
