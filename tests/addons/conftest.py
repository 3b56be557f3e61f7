"""An add-on small enough for every test, and the files of the real one where they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pestcheck.addons import registry as registries
from pestcheck.addons import selftest, tflite
from pestcheck.addons.registry import Addon
from tests.addons import parity, small

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def insect_files() -> Path:
    """The files of the add-on inat-insect."""
    folder = ROOT.parent / "shared" / "models" / "inat-insect"
    if not folder.is_dir():
        pytest.skip("needs the files of the add-on in ../shared/models/inat-insect, which are not part of the project")
    return folder


@pytest.fixture
def small_addon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Addon, Path]:
    """A registry with one small add-on: its name, its entry, and a folder with its files."""
    pytest.importorskip("ai_edge_litert")
    model, labels = small.classifier(), "\n".join(small.LABELS).encode()
    original = parity.original(model)
    original.set_tensor(tflite.read(model).inputs[0].index, selftest.butterfly(16)[None])
    original.invoke()
    probability = float(original.get_tensor(tflite.read(model).outputs[0].index)[0, 0]) / 256
    entry = small.addon(model, labels, max(probability, 0.001))
    folder = tmp_path / "published"
    folder.mkdir()
    (folder / "small.tflite").write_bytes(model)
    (folder / "labels.txt").write_bytes(labels)
    for module in (registries, __import__("pestcheck.addons.install", fromlist=["registry"])):
        monkeypatch.setattr(module, "registry", lambda: {"small": entry})
    assert np.isfinite(probability)
    return "small", entry, folder
