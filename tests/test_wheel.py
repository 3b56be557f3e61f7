"""A wheel built from the checkout works in an empty environment elsewhere: ``pestcheck check`` and ``pestcheck serve``."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT, Server, running
from tests.pictures import scenes


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT], check=True)
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_holds_what_runs_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert any(name.startswith("pestcheck/models/") and name.endswith("/model.onnx") for name in names)
    assert {"app/static/manifest.json", "app/static/icon-512.png", "app/static/trust.css", "app/templates/login.html"} <= set(names)
    assert {"app/static/inspector.css", "pestcheck/inspection/templates/container_7_point@1.yaml"} <= set(names)
    data = {path.relative_to(ROOT).as_posix() for path in (ROOT / "pestcheck" / "inspection").rglob("*.yaml")}
    assert data <= set(names)
    assert not [name for name in names if name.startswith(("tests", "training", "data")) or "/run/" in name]
    assert wheel.stat().st_size < 20 * 2**20


def test_it_works_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    python = environment / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", f"{wheel}[app]"], check=True)
    assert subprocess.run([python, "-c", "import torch"], capture_output=True).returncode != 0
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(scenes.jpeg(scenes.wall()))
    done = subprocess.run(
        [environment / "bin" / "pestcheck", "check", photo, "--format", "jsonl"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    line = json.loads(done.stdout)
    assert line["verdict"] in ("nothing_found", "unsure")
    with running(Server(tmp_path / "data", python=python)) as server:
        assert json.loads(urllib.request.urlopen(server.url + "/health").read())["model"] == line["model"]
        assert b"pestcheck" in urllib.request.urlopen(server.url + "/").read()
    verified = subprocess.run(
        [environment / "bin" / "pestcheck", "verify", "--data", tmp_path / "data"], cwd=tmp_path, capture_output=True, text=True
    )
    assert verified.returncode == 0, verified.stdout + verified.stderr
