"""Made-up photographs: their size, what lies on them, and that a seed gives them again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("cv2", reason="needs the extra train")

from pestcheck.taxonomy import LABELS
from tests.training.conftest import COLOURS
from training import composite, data, photographs


@pytest.fixture(scope="module")
def materials(drawn: Path) -> composite.Materials:
    pictures = data.split(data.read_manifest(drawn), "a").test
    return composite.Materials(pictures, composite.read_cutouts(drawn, pictures), list(COLOURS))


def test_clean_ones_carry_harmless_things_only(materials: composite.Materials, drawn: Path) -> None:
    for photo in (*photographs.made(materials, 1, 2, None), *photographs.yard(drawn, materials, 1, None)):
        pixels, pasted, surface = photo
        assert (pixels.shape, pixels.dtype) == ((1344, 1792, 3), np.uint8)
        assert 0 < len(pasted) <= photographs.HARMLESS
        assert {thing.label for thing in pasted} == {None}
        assert surface in COLOURS
        assert not LABELS[surface].contaminant


def test_scenes_are_no_surface(drawn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture that shows plants beside its surface is no panel, and no piece of it is a harmless thing."""
    pictures = data.split(data.read_manifest(drawn), "a").test
    clean = [p for p in pictures if not LABELS[p.label].contaminant]
    scenes = {p.path for p in clean[::2]}
    marked = [replace(p, flags=p.flags | {data.SCENE}) if p.path in scenes else p for p in pictures]
    materials, shown = composite.Materials(marked, composite.read_cutouts(drawn, pictures), list(COLOURS)), []
    load = composite.pixels_of
    monkeypatch.setattr(composite, "pixels_of", lambda picture: shown.append(picture.path) or load(picture))
    list(photographs.made(materials, 1, 2, (24, 48)))
    assert {p.path for p in clean} - scenes <= set(shown)
    assert not scenes & set(shown)


@pytest.mark.parametrize("band", photographs.BANDS)
def test_things_are_in_their_band(materials: composite.Materials, band: tuple[int, int]) -> None:
    """An ellipse twice as long as wide is shorter by a fifth when it is turned by 45 degrees."""
    ((_, pasted, _),) = photographs.made(materials, 2, 1, band)
    lengths = [thing.length for thing in pasted if thing.label]
    assert len(lengths) == photographs.PANELS[0] * photographs.PANELS[1] / 2
    assert 0.75 * band[0] - 1 <= min(lengths)
    assert max(lengths) <= band[1] + 2
    assert band[0] < np.median(lengths) < band[1]


def test_each_thing_lies_in_a_panel_of_its_own(materials: composite.Materials) -> None:
    ((_, pasted, _),) = photographs.made(materials, 3, 1, (96, 192))
    middles = [((box.x0 + box.x1) // 2 // photographs.PANEL, (box.y0 + box.y1) // 2 // photographs.PANEL) for label, box in pasted if label]
    assert sorted(middles) == [(x, y) for x in range(8) for y in range(6) if (x + y) % 2 == 0]


def test_things_are_of_cutouts_where_there_are_any(materials: composite.Materials, drawn: Path) -> None:
    ((_, pasted, _),) = photographs.made(materials, 4, 1, (24, 48))
    assert {thing.label for thing in pasted} == {None, "ant"}
    pictures = [picture for group in (materials.backdrops, materials.closeups) for members in group.values() for picture in members]
    without = composite.Materials(pictures, [], list(COLOURS))
    ((_, pasted, _),) = photographs.made(without, 4, 1, (24, 48))
    assert {thing.label for thing in pasted} == {None, "ant", "soil"}


def test_a_thing_changes_the_photograph_where_it_lies(materials: composite.Materials) -> None:
    """The cutouts are black, on noise of 120 to 200."""
    ((pixels, pasted, _),) = photographs.made(materials, 5, 1, (48, 96))
    for label, box in pasted:
        if label:
            y, x = (box.y0 + box.y1) // 2, (box.x0 + box.x1) // 2
            assert pixels[y - 2 : y + 3, x - 2 : x + 3].mean() < 80


@pytest.mark.parametrize("band", [None, (24, 48)])
def test_the_seed_decides_all(
    materials: composite.Materials, drawn: Path, band: tuple[int, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photographs, "PANELS", (2, 2))
    for make in (lambda seed: photographs.made(materials, seed, 2, band), lambda seed: photographs.yard(drawn, materials, seed, band)):
        first, again, other = (list(make(seed)) for seed in (1, 1, 2))
        assert all((a[0] == b[0]).all() and a[1] == b[1] for a, b in zip(first, again, strict=True))
        assert all((a[0] != b[0]).any() for a, b in zip(first, other, strict=True))
        assert len({photo.pixels.tobytes() for photo in first}) == len(first)


def test_no_photographs_of_yards_are_no_error(materials: composite.Materials, tmp_path: Path) -> None:
    assert list(photographs.yard(tmp_path, materials, 1, None)) == []
