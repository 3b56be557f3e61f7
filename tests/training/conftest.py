"""A folder of drawn pictures, laid out as data/README.md says, for everything that trains, composes or measures."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from training import data

COLOURS = {"ant": "black", "soil": "brown", "container": "blue", "clean_wood": "tan", "rust": "orange"}
SOURCES = (min(data.folds()["a"]), min(data.folds()["b"]), "drawn/here")
EACH = 5
"""Pictures of a label from a source."""


def draw(label: str, number: int) -> Image.Image:
    """A picture of 64 by 64 pixels: noise, and a shape in the colour of the label."""
    rng = np.random.default_rng(number)
    image = Image.fromarray(rng.integers(120, 200, (64, 64, 3), dtype=np.uint8))
    x, y = (int(v) for v in rng.integers(5, 25, 2))
    ImageDraw.Draw(image).ellipse((x, y, x + 30, y + 30), fill=COLOURS[label])
    return image


def draw_cutout(colour: str) -> Image.Image:
    """An ellipse of 48 by 24 pixels with nothing round it."""
    image = Image.new("RGBA", (48, 24))
    ImageDraw.Draw(image).ellipse((0, 0, 47, 23), fill=colour)
    return image


def make_folder(folder: Path) -> Path:
    """Write the drawn pictures with a manifest into ``folder``.

    Four labels are from a source of each fold and from one in none, rust is from that one only. Two pictures of each source are of a
    label that is dropped. Two ants of each source were cut out, and there is one photograph of a yard.
    """
    (folder / "cutouts").mkdir()
    (folder / "photos").mkdir()
    rows, cutouts = [], []
    for s, source in enumerate(SOURCES):
        for label in COLOURS if source == "drawn/here" else list(COLOURS)[:4]:
            for i in range(EACH):
                name = f"{s}-{label}-{i}.png"
                draw(label, 10 * s + i).save(folder / name)
                rows.append([name, label, source, name, "", "CC0" if s else "", ""])
        for i in range(2):
            name = f"{s}-aphid-{i}.png"
            Image.fromarray(np.random.default_rng(100 * s + i).integers(0, 90, (64, 64, 3), dtype=np.uint8)).save(folder / name)
            rows.append([name, "aphid", source, name, "", "CC0", ""])
            draw_cutout("black").save(folder / "cutouts" / f"{s}-{i}.png")
            cutouts.append({"path": f"{s}-{i}.png", "label": "ant", "from_path": f"{s}-ant-{i}.png"})
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["path", "label", "source", "split_group", "boxes", "licence", "flags"], *rows])
    (folder / "cutouts" / "cutouts.json").write_text(json.dumps(cutouts), "utf-8")
    Image.fromarray(np.random.default_rng(5).integers(90, 160, (480, 640, 3), dtype=np.uint8)).save(folder / "photos" / "yard.jpg")
    return folder


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder of drawn pictures; see ``make_folder``. Not to be changed."""
    return make_folder(tmp_path_factory.mktemp("drawn"))
