"""Composites: what may lie on them, how long it is, and what the cells say of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("cv2", reason="needs the extra train")

from pestcheck.taxonomy import LABELS
from pestcheck.vision.tiles import Box
from tests.training.conftest import COLOURS, SOURCES, draw_cutout
from training import composite, data, harmless

NAMES = list(COLOURS)
HARMFUL = {NAMES.index(label) for label in NAMES if LABELS[label].contaminant}
SURFACES = set(range(len(NAMES))) - HARMFUL


def read(folder: Path, pictures: list[data.Picture]) -> composite.Materials:
    return composite.Materials(pictures, composite.read_cutouts(folder, pictures), NAMES)


@pytest.fixture
def materials(drawn: Path) -> composite.Materials:
    return read(drawn, data.read_manifest(drawn))


def composites(materials: composite.Materials, count: int, side: int = 256, **how: Any) -> list[composite.Composite]:
    return [composite.compose(materials, np.random.default_rng((3, k)), side, **how) for k in range(count)]


def lone(made: list[composite.Composite]) -> list[tuple[composite.Composite, composite.Pasted]]:
    """The composites with a single harmful thing, and that thing."""
    things = [(one, [thing for thing in one.pasted if thing.label]) for one in made]
    return [(one, harmful[0]) for one, harmful in things if len(harmful) == 1]


def test_the_seed_decides_all(materials: composite.Materials) -> None:
    for k in range(10):
        first, again, other = (composite.compose(materials, np.random.default_rng(seed), 256) for seed in (k, k, k + 100))
        assert first.pixels.tobytes() == again.pixels.tobytes() != other.pixels.tobytes()
        assert (first.surface, first.pasted, first.contaminated) == (again.surface, again.pasted, again.contaminated)
        assert first.cells.tobytes() == again.cells.tobytes()


@pytest.mark.parametrize("side", [64, 128, 256])
def test_shapes(materials: composite.Materials, side: int) -> None:
    made = composite.compose(materials, np.random.default_rng(0), side)
    assert (made.pixels.shape, made.pixels.dtype) == ((side, side, 3), np.uint8)
    assert (made.cells.shape, made.cells.dtype) == ((side // 16, side // 16), np.int64)


def test_several_clean_pictures_may_lie_under_the_things(materials: composite.Materials) -> None:
    made = composites(materials, 40, across=(4,))
    assert {one.cells.shape for one in made} == {(16, 16)}
    for one in made:
        panels = one.cells.reshape(4, 4, 4, 4).transpose(0, 2, 1, 3).reshape(16, 16)
        surfaces = [{int(cell) for cell in panel} & SURFACES for panel in panels]
        assert max(map(len, surfaces)) <= 1
    assert any(len({int(cell) for cell in one.cells.ravel()} & SURFACES) > 1 for one in made)
    assert any(one.contaminated for one in made)
    assert any(not one.contaminated for one in made)


@pytest.mark.parametrize("fold", ["a", "b"])
def test_only_things_of_its_part_are_cut_out(drawn: Path, fold: str) -> None:
    pictures = data.read_manifest(drawn)
    parts = data.split(pictures, fold)
    train, test = (composite.read_cutouts(drawn, part) for part in (parts.train, parts.test))
    assert {cutout.source for cutout in test} == {source for source in SOURCES if source in data.folds()[fold]}
    assert {cutout.source for cutout in train} == set(SOURCES) - {cutout.source for cutout in test}
    assert {(cutout.label, cutout.group) for cutout in test} <= {(p.label, p.group) for p in parts.test}
    assert len(train) + len(test) == len(composite.read_cutouts(drawn, pictures)) == 2 * len(SOURCES)


def test_no_thing_of_the_other_part_is_ever_seen(drawn: Path, tmp_path: Path) -> None:
    """The held-out things are magenta, the others green: neither colour is in the composites of the other part."""
    folder = Path(shutil.copytree(drawn, tmp_path / "coloured"))
    for path in (folder / "cutouts").glob("*.png"):
        draw_cutout("magenta" if path.name.startswith("0-") else "lime").save(path)
    parts = data.split(data.read_manifest(folder), "a")

    def shown(part: list[data.Picture]) -> tuple[bool, bool]:
        made = composites(read(folder, part), 60, lengths=(24, 96), harmless=0)  # those may be of any colour
        red, green, blue = np.moveaxis(np.stack([one.pixels for one in made]).astype(int), 3, 0)
        return bool((np.minimum(red, blue) - green > 100).any()), bool((green - np.maximum(red, blue) > 100).any())

    assert shown(parts.train) == (False, True)
    assert shown(parts.test) == (True, False)


@pytest.mark.parametrize("lengths", [(12, 16), (24, 30), (60, 70), (80, 96)])
def test_things_are_as_long_as_asked(materials: composite.Materials, lengths: tuple[int, int]) -> None:
    """What is cut off at the border is not measured. Turning shortens an ellipse by a fifth; close-ups are torn unevenly."""
    low, high = lengths
    found = [
        thing.length
        for one in composites(materials, 60, lengths=lengths) for thing in one.pasted
        if thing.label and min(thing.box[:2]) > 0 and max(thing.box[2:]) < 256
    ]  # fmt: skip
    assert len(found) > 40
    assert 0.5 * low <= min(found)
    assert max(found) <= 1.45 * high
    assert low * 0.75 < np.median(found) < high * 1.15


def test_lengths_are_spread_evenly_over_the_octaves() -> None:
    rng = np.random.default_rng(1)
    drawn = np.array([composite.length(rng, (12, 96)) for _ in range(3000)])
    assert (drawn.min(), drawn.max()) == (12, 96)
    shares = [((drawn >= low) & (drawn < 2 * low)).mean() for low in (12, 24, 48)]
    assert shares == pytest.approx([1 / 3] * 3, abs=0.04)


def test_cells_of_a_lone_thing(materials: composite.Materials) -> None:
    """Its label in the middle, nothing known beside it, the surface farther off."""
    several = lone(composites(materials, 120))
    assert len(several) > 15
    for made, thing in several:
        cells, label = made.cells, NAMES.index(str(thing.label))
        box = thing.box
        assert cells[(box.y0 + box.y1) // 2 // 16, (box.x0 + box.x1) // 2 // 16] == label
        harmful = np.isin(cells, list(HARMFUL))
        assert set(cells[harmful]) == {label}
        grid = np.mgrid[:16, :16] * 16
        beyond = np.maximum(np.maximum(box.y0 - grid[0] - 16, grid[0] - box.y1), np.maximum(box.x0 - grid[1] - 16, grid[1] - box.x1))
        assert not harmful[beyond > 0].any()
        assert set(cells[beyond > 32].tolist()) <= SURFACES
        for row, column in zip(*np.nonzero(harmful), strict=True):
            around = cells[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]
            assert set(around.ravel().tolist()) <= {label, composite.IGNORED}
    assert any((made.cells == composite.IGNORED).any() for made, _ in several)


def test_harmless_things_change_no_cell(materials: composite.Materials, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composite, "NONE_SHARE", 1)
    for made in composites(materials, 15, harmless=30):
        assert len(made.pasted) > 20
        assert {thing.label for thing in made.pasted} == {None}
        assert not made.contaminated
        assert set(made.cells.ravel().tolist()) <= SURFACES
        assert NAMES.index(made.surface) in made.cells


def test_as_many_are_clean_as_stated(materials: composite.Materials) -> None:
    clean = [not made.contaminated for made in composites(materials, 500, side=64)]
    assert np.mean(clean) == pytest.approx(composite.NONE_SHARE, abs=0.07)


def test_a_pasted_thing_is_seen_where_its_box_is() -> None:
    canvas = np.full((96, 96, 3), 200, np.float32)
    black = np.zeros((20, 30, 3), np.uint8), np.ones((20, 30), np.float32)
    placed = composite.paste(np.random.default_rng(0), canvas, black, (50, 40))
    assert placed is not None
    box, mask = placed
    assert box == Box(35, 30, 65, 50)
    assert mask.shape == (20, 30)
    assert canvas[32:48, 37:63].max() < 60
    assert canvas[:10].min() == canvas[:, 90:].min() == 200


@pytest.mark.parametrize("centre", [(-40.0, 50.0), (50.0, 140.0)])
def test_nothing_is_pasted_outside(centre: tuple[float, float]) -> None:
    canvas = np.full((96, 96, 3), 200, np.float32)
    patch = np.zeros((20, 30, 3), np.uint8), np.ones((20, 30), np.float32)
    assert composite.paste(np.random.default_rng(0), canvas, patch, centre) is None
    assert (canvas == 200).all()


@pytest.mark.parametrize(("across", "edge"), [(2, 2), (4, 1)])
def test_mosaic(drawn: Path, across: int, edge: int) -> None:
    by_label = {p.label: p for p in data.read_manifest(drawn)}
    shown = [by_label[NAMES[k % len(NAMES)]] for k in range(across**2)]
    index = {label: k for k, label in enumerate(NAMES)}
    pixels, cells = composite.mosaic(shown, index, np.random.default_rng(0), 256, across)
    assert (pixels.shape, cells.shape) == ((256, 256, 3), (16, 16))
    part, n = 256 // across, 16 // across
    for k, picture in enumerate(shown):
        y, x = divmod(k, across)
        there = cells[y * n : (y + 1) * n, x * n : (x + 1) * n]
        if picture.label == "ant":  # only in the middle
            assert (there[edge:-edge, edge:-edge] == index["ant"]).all()
            there = there.copy()
            there[edge:-edge, edge:-edge] = composite.IGNORED
            assert (there == composite.IGNORED).all()
            seen = pixels[y * part : (y + 1) * part, x * part : (x + 1) * part].astype(int)
            whole = np.asarray(Image.fromarray(data.load(picture)).resize((part, part))).astype(int)
            assert min(np.abs(np.rot90(whole, turn) - seen).mean() for turn in range(4)) < 15
        else:
            assert (there == index[picture.label]).all()


def test_other_labels_are_left_out(drawn: Path) -> None:
    pictures = data.read_manifest(drawn)
    some = composite.Materials(pictures, composite.read_cutouts(drawn, pictures), ["soil", "container"])
    made = [composite.compose(some, np.random.default_rng(k), 64) for k in range(20)]
    assert {one.surface for one in made} == {"container"}
    assert {thing.label for one in made for thing in one.pasted} <= {"soil", None}


@pytest.mark.parametrize(
    ("labels", "message"), [(["ant", "soil"], "no picture of a clean surface"), (["container", "rust"], "nothing is left")]
)
def test_what_cannot_be_composed_is_refused(drawn: Path, labels: list[str], message: str) -> None:
    pictures = [p for p in data.read_manifest(drawn) if p.label in labels]
    with pytest.raises(data.ManifestError, match=message):
        read(drawn, pictures)


def test_cutouts_alone_will_do(drawn: Path) -> None:
    pictures = [p for p in data.read_manifest(drawn) if p.label in {"ant", "container"}]
    some = composite.Materials([p for p in pictures if p.label == "container"], composite.read_cutouts(drawn, pictures), NAMES)
    assert {some.contaminant(np.random.default_rng(k), 20)[0] for k in range(10)} == {"ant"}


def test_a_missing_cutout_is_named(drawn: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(drawn, tmp_path / "less"))
    (folder / "cutouts" / "1-0.png").unlink()
    pictures = data.read_manifest(folder)
    with pytest.raises(data.ManifestError, match=r"cutouts\.json: the cutout '1-0\.png' is not there"):
        composite.read_cutouts(folder, pictures)
    shutil.rmtree(folder / "cutouts")
    assert composite.read_cutouts(folder, pictures) == []


def test_a_cutout_has_the_label_of_its_picture(drawn: Path, tmp_path: Path) -> None:
    """A corrected label counts for what was cut out, too; what was cut out of a dropped picture is not used."""
    folder = Path(shutil.copytree(drawn, tmp_path / "labelled"))
    entries = [
        {"path": "0-0.png", "label": "bee", "from_path": "0-ant-0.png"},
        {"path": "0-1.png", "label": "ant", "from_path": "0-aphid-0.png"},
    ]
    (folder / "cutouts" / "cutouts.json").write_text(json.dumps(entries), "utf-8")
    cutouts = composite.read_cutouts(folder, data.read_manifest(folder))
    assert [(cutout.label, cutout.group) for cutout in cutouts] == [("ant", "0-ant-0.png")]


@pytest.mark.parametrize("length", [12, 13, 24, 48, 96])
@pytest.mark.parametrize("make", harmless.DRAWN)
def test_harmless_things_are_patches(make: harmless.Draw, length: int) -> None:
    for seed in range(12):
        pixels, opacity = make(np.random.default_rng(seed), length)
        assert (pixels.dtype, opacity.dtype, pixels.ndim) == (np.uint8, np.float32, 3)
        assert pixels.shape == (*opacity.shape, 3)
        assert max(opacity.shape) == length
        assert opacity.min() >= 0
        assert 0.1 < opacity.max() <= 1
        seen = opacity > opacity.max() / 10
        assert max(np.ptp(np.flatnonzero(seen.any(axis))) + 1 for axis in (0, 1)) >= 0.4 * length


@pytest.mark.parametrize("make", harmless.DRAWN)
def test_harmless_things_follow_the_seed(make: harmless.Draw) -> None:
    first, again, other = (make(np.random.default_rng(seed), 40) for seed in (1, 1, 2))
    assert first[0].tobytes() == again[0].tobytes() != other[0].tobytes()
    assert first[1].tobytes() == again[1].tobytes()
