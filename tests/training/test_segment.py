"""Cutouts from close-ups: what stands out in the middle is cut out whole, and nothing else."""

# ruff: noqa: E402 - what follows needs the extra
from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

cv2 = pytest.importorskip("cv2", reason="needs the extra train")

from PIL import Image

from training import composite, data, segment


def scene(*things: tuple[int, int, int, int], colour: tuple[int, int, int] = (40, 30, 20)) -> np.ndarray:
    """Dark ellipses (x, y, half width, half height) on a light ground with some noise."""
    rng = np.random.default_rng(1)
    image = (np.array((190, 185, 170)) + rng.normal(0, 6, (180, 200, 1))).astype(np.float64)
    for x, y, w, h in things:
        mask = np.zeros((180, 200), np.uint8)
        cv2.ellipse(mask, (x, y), (w, h), 0, 0, 360, 1, -1)
        image[mask > 0] = np.array(colour) + rng.normal(0, 6, (int(mask.sum()), 1))
    return np.clip(image, 0, 255).astype(np.uint8)


def test_a_thing_is_cut_out_whole() -> None:
    found = segment.cut(scene((100, 90, 50, 35)))
    assert found is not None
    scale = segment.SIDE / 200
    assert found.shape[2] == 4
    assert abs(found.shape[1] - 100 * scale) < 8
    assert abs(found.shape[0] - 70 * scale) < 8
    opaque = found[..., 3] > 200
    assert opaque.mean() == pytest.approx(np.pi / 4, abs=0.06)  # an ellipse in its box
    assert found[opaque][:, :3].mean() < 60
    assert (found[0, 0, 3], found[-1, -1, 3]) == (0, 0)


NOTHING = {
    "no thing": scene(),
    "one colour": np.full((90, 120, 3), 128, np.uint8),
    "cut off on three sides": scene((100, 90, 130, 60)),
    "too small": scene((100, 90, 8, 6)),
    "two alike": scene((55, 90, 28, 28), (145, 90, 28, 28)),
    "of the colour of its ground": scene((100, 90, 50, 35), colour=(188, 184, 170)),
    "a few pixels": np.zeros((3, 5, 3), np.uint8),
}


@pytest.mark.parametrize("case", NOTHING)
def test_what_is_no_whole_thing_is_left_out(case: str) -> None:
    assert segment.cut(NOTHING[case]) is None


def test_cutouts_belong_to_their_pictures(tmp_path: Path) -> None:
    """Only contaminants that are things are cut; what is written is read again in the split of its picture, and written once."""
    labels = {"ant": "a", "beetle": "b", "soil": "a", "clean_metal": "a"}
    for label in labels:
        Image.fromarray(scene((100, 90, 50, 35))).save(tmp_path / f"{label}.png")
    lines = [f"{label}.png,{label},{source},{label},,," for label, source in labels.items()]
    (tmp_path / "manifest.csv").write_text("path,label,source,split_group,boxes,licence,flags\n" + "\n".join(lines) + "\n", "utf-8")
    pictures, out = data.read_manifest(tmp_path), tmp_path / "run" / "cutouts"
    segment.write(tmp_path, pictures, out)
    found = composite.read_cutouts(tmp_path, pictures, out)
    assert [(cutout.label, cutout.source) for cutout in found] == [("ant", "a"), ("beetle", "b")]
    assert [cutout.label for cutout in composite.read_cutouts(tmp_path, [p for p in pictures if p.source == "b"], out)] == ["beetle"]
    assert all(Image.open(cutout.path).mode == "RGBA" for cutout in found)
    index = out / composite.CUTOUTS
    index.write_text(json.dumps(json.loads(index.read_text("utf-8"))[:1]), "utf-8")
    segment.write(tmp_path, pictures, out)
    assert len(composite.read_cutouts(tmp_path, pictures, out)) == 1
