"""The command line is a contract: what it prints, and what it returns."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from pestcheck.photo import open_photo
from pestcheck.vision import bundle
from tests.pictures import scenes

ROOT = Path(__file__).parents[1]
KEYS = ["photo", "sha256", "width", "height", "verdict", "score", "findings", "quality", "model", "seconds"]


def pestcheck(*arguments: object, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "pestcheck", *map(str, arguments)], capture_output=True, text=True, cwd=ROOT, **more)  # type: ignore[call-overload,no-any-return]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One photograph of each kind, and files that are none."""
    import pillow_heif

    pillow_heif.register_heif_opener()
    folder = tmp_path_factory.mktemp("photos")
    hornet = scenes.floor()
    scenes.lay(hornet, "hornet", x=0.3, y=0.5, length=200)
    (folder / "hornet.jpg").write_bytes(scenes.jpeg(hornet))
    (folder / "turned.jpg").write_bytes(scenes.jpeg(hornet.transpose(Image.Transpose.ROTATE_90), orientation=6))
    for kind in ("png", "webp", "heic"):
        hornet.save(folder / f"hornet.{kind}")
    (folder / "clean.jpg").write_bytes(scenes.jpeg(scenes.wall(seed=5)))
    (folder / "black.jpg").write_bytes(scenes.jpeg(Image.new("RGB", (1200, 900))))
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "text.jpg").write_text("not a photograph")
    (folder / "cut.jpg").write_bytes(scenes.jpeg(hornet)[:90_000])
    (folder / "drawing.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    Image.new("1", (20000, 20000)).save(folder / "huge.png")
    return folder


def test_jsonl_is_the_contract(photos: Path, tmp_path: Path) -> None:
    names = ["hornet.jpg", "cut.jpg", "clean.jpg", "empty.jpg", "text.jpg", "drawing.svg", "huge.png", "missing.jpg", "black.jpg"]
    done = pestcheck("check", *(photos / name for name in names), "--format", "jsonl", "--overlay", tmp_path / "drawn")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert [Path(line["photo"]).name for line in lines] == names
    hornet, cut, clean, empty, text, drawing, huge, missing, black = lines
    assert list(hornet) == KEYS
    assert hornet["sha256"] == hashlib.sha256((photos / "hornet.jpg").read_bytes()).hexdigest()
    assert (hornet["width"], hornet["height"], hornet["verdict"]) == (1632, 1224, "suspect")
    assert clean["verdict"] == "nothing_found"
    assert clean["findings"] == []
    assert black["verdict"] == "unusable"
    assert black["quality"]["problems"] == ["too dark"]
    for line, says in [
        (cut, "cut short"),
        (empty, "empty"),
        (text, "not a JPEG"),
        (drawing, "not a JPEG"),
        (huge, "too large|megapixels"),
        (missing, "No such file"),
    ]:
        assert list(line) == ["photo", "error"]
        assert any(part in line["error"] for part in says.split("|")), line
        assert "\n" not in line["error"]
    for finding in hornet["findings"]:
        assert list(finding) == ["label", "group", "probability", "candidates", "box", "reason"]
        x0, y0, x1, y1 = finding["box"]
        assert 0 <= x0 < x1 <= 1632
        assert 0 <= y0 < y1 <= 1224
    assert [f["probability"] for f in hornet["findings"]] == sorted((f["probability"] for f in hornet["findings"]), reverse=True)
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == ["black.jpg", "clean.jpg", "hornet.jpg"]


def test_the_box_holds_the_animal_in_every_format_and_orientation(photos: Path) -> None:
    done = pestcheck(
        "check", *(photos / f"hornet.{kind}" for kind in ("jpg", "png", "webp", "heic")), photos / "turned.jpg", "--format", "jsonl"
    )
    assert done.returncode == 0, done.stderr
    cx, cy = 0.3 * 1632, 0.5 * 1224
    for line in map(json.loads, done.stdout.splitlines()):
        assert (line["width"], line["height"]) == (1632, 1224), line["photo"]
        assert line["verdict"] == "suspect", line["photo"]
        assert any(
            f["group"] == "insect" and f["box"][0] < cx < f["box"][2] and f["box"][1] < cy < f["box"][3] for f in line["findings"]
        ), line


def test_the_original_is_untouched(photos: Path, tmp_path: Path) -> None:
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in photos.iterdir() if path.name != "huge.png"}
    pestcheck("check", photos / "turned.jpg", "--overlay", tmp_path)
    assert before == {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in photos.iterdir() if path.name != "huge.png"}
    assert open_photo((tmp_path / "turned.jpg").read_bytes())[0].width > 1224  # drawn upright


def test_the_table_is_for_people(photos: Path) -> None:
    done = pestcheck("check", photos / "hornet.jpg", photos / "black.jpg", photos / "empty.jpg")
    assert done.returncode == 1
    assert "suspect" in done.stdout
    assert "too dark" in done.stdout
    assert "empty.jpg: the file is empty" in done.stdout


def test_two_photographs_of_one_name_do_not_overwrite_each_other(photos: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(photos / "clean.jpg", other / "hornet.jpg")
    pestcheck("check", photos / "hornet.jpg", other / "hornet.jpg", "--overlay", tmp_path / "drawn")
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == ["hornet-2.jpg", "hornet.jpg"]


def test_a_model_that_cannot_be_used_is_said_in_one_line(photos: Path, tmp_path: Path) -> None:
    copy = tmp_path / "broken-0.0.1"
    shutil.copytree(bundle.shipped(), copy)
    with (copy / "model.onnx").open("ab") as file:
        file.write(b"x")
    for folder, says in [(copy, "SHA-256 differs"), (tmp_path, "is no model folder")]:
        done = pestcheck("check", photos / "hornet.jpg", "--model", folder)
        assert done.returncode == 2
        assert says in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_help_does_not_wait_for_a_model() -> None:
    def once() -> float:
        started = time.perf_counter()
        assert pestcheck("--help").returncode == 0
        return time.perf_counter() - started

    assert min(once() for _ in range(5)) < 0.5  # under 0.3 s on an idle machine (make bench); CI may be busy


@pytest.mark.parametrize(
    "command",
    [
        "check",
        "serve",
        "export",
        "verify",
        "read",
        "hold",
        "purge",
        "times",
        "seals",
        "models",
        "models list",
        "models add",
        "models remove",
        "db",
        "db backup",
        "db restore",
    ],
)
def test_every_command_has_help(command: str) -> None:
    done = pestcheck(*command.split(), "--help")
    assert done.returncode == 0
    assert "Usage" in done.stdout


@pytest.mark.parametrize("command", ["export", "verify"])
def test_a_missing_data_folder_is_said(command: str, tmp_path: Path) -> None:
    done = pestcheck(command, "--data", tmp_path / "nowhere")
    assert done.returncode == 2
    assert "nowhere is not there" in done.stderr
    assert not (tmp_path / "nowhere").exists()


def test_models_names_the_one_in_use() -> None:
    assert f"{bundle.load(bundle.shipped()).id} (in use)" in pestcheck("models").stdout


def test_a_wrong_setting_is_named() -> None:
    done = pestcheck("verify", env={"PESTCHECK_PORT": "many", "PATH": ""})
    assert done.returncode == 2
    assert "PESTCHECK_PORT" in done.stderr


def test_a_database_that_is_not_there_is_said_in_one_line(tmp_path: Path) -> None:
    for url, says in [("postgresql://nobody@127.0.0.1:1/x", "cannot be opened"), ("nonsense", "PESTCHECK_DATABASE is no database address")]:
        for command in (["verify"], ["export"], ["db", "backup", str(tmp_path / "a.zip")]):
            done = pestcheck(*command, "--data", tmp_path, env={**os.environ, "PESTCHECK_DATABASE": url})
            assert done.returncode == 2
            assert says in done.stderr
            assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
