"""Places that a finder proposes on clean photographs are cut out once, with the label of the surface."""

# ruff: noqa: E402 - what follows needs the extra
from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="needs the extra train")
for module in ("albumentations", "timm"):
    pytest.importorskip(module, reason="needs the extra train")

from pestcheck.taxonomy import LABELS
from pestcheck.vision import decide
from tests.training.conftest import COLOURS
from training import composite, data, photographs, proposals, tasks, train
from training.onnx_file import write_onnx


class Redness(torch.nn.Module):
    """A finder that takes what is red for contamination."""

    def forward(self, x: Any) -> Any:
        return 20 * torch.nn.functional.avg_pool2d(x[:, :1] - x[:, 1:].amax(1, keepdim=True), 16)[:, 0] - 5


@pytest.fixture
def materials(drawn: Path) -> composite.Materials:
    pictures = data.split(data.read_manifest(drawn), "a").train
    return composite.Materials(pictures, composite.read_cutouts(drawn, pictures), list(COLOURS))


@pytest.fixture
def finder(tmp_path: Path) -> Path:
    write_onnx(Redness(), list(COLOURS), tmp_path / "finder.onnx")
    return tmp_path / "finder.onnx"


def spotted(pixels: np.ndarray, x: int, y: int) -> np.ndarray:
    pixels[y : y + 48, x : x + 48] = (255, 0, 0)
    return pixels


def test_the_most_suspect_places_are_cut_out(
    materials: composite.Materials, finder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = [photographs.Photograph(spotted(np.full((448, 672, 3), 128, np.uint8), x, 96), (), name)
              for x, name in ((64, "rust"), (500, "clean_wood"))]  # fmt: skip
    monkeypatch.setattr(photographs, "made", lambda _materials, _seed, count, band: photos[:count] if band is None else [])
    looks = proposals.write(finder, materials, tmp_path / "kept", 1, 2)
    assert {label for _, label in looks} == {"rust", "clean_wood"}
    for label in ("rust", "clean_wood"):
        some = [path for path, name in looks if name == label]
        assert 1 <= len(some) <= decide.MOST_PLACES
        first = np.asarray(Image.open(next(path for path in some if path.stem.endswith("-0"))))
        assert (first == (255, 0, 0)).all(-1).sum() == 48**2  # all of the spot is in it


def test_they_are_made_once(materials: composite.Materials, finder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photographs, "PANELS", (3, 2))
    looks = proposals.write(finder, materials, tmp_path / "kept", 1, 2)
    assert all(not LABELS[label].contaminant for _, label in looks)
    before = [(path, path.stat().st_mtime_ns) for path, _ in looks]
    assert proposals.write(finder, materials, tmp_path / "kept", 1, 2) == looks
    assert [(path, path.stat().st_mtime_ns) for path, _ in looks] == before
    assert {path.parent for path, _ in proposals.write(finder, materials, tmp_path / "kept", 2, 2)}.isdisjoint(p.parent for p, _ in looks)
    assert sorted(path.is_dir() for path in (tmp_path / "kept").iterdir()) == [True, True]


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_so_many_of_the_closer_looks_are_at_them(drawn: Path, materials: composite.Materials, tmp_path: Path, share: float) -> None:
    path = tmp_path / "rust-0-0.png"
    Image.new("RGB", (40, 40), (1, 2, 3)).save(path)
    config = train.Config(train_side=64, side=64, workers=0, looks=1.0, proposed=share)
    pictures = tasks.Pictures(data.split(data.read_manifest(drawn), "a").train, materials, config, [(path, "rust")])
    pictures.look = lambda pixels: pixels  # type: ignore[assignment]
    drawn_from = [pictures[0] for _ in range(80)]
    there = [int(label) for pixels, label in drawn_from if (pixels == (1, 2, 3)).all()]
    assert set(there) <= {list(COLOURS).index("rust")}
    assert abs(len(there) / 80 - share) < 0.15
