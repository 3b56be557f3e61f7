"""The arrows of the design: ``app -> pestcheck <- training``, and a scan that needs neither torch nor gradio."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pictures import scenes

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {"pestcheck": {"pestcheck"}, "app": {"app", "pestcheck"}, "training": {"training", "pestcheck"}}
ONLY_TRAINING = {"torch", "torchvision", "timm", "albumentations", "sklearn", "onnx", "cv2"}
ONLY_APP = {"gradio", "fastapi", "uvicorn", "starlette"}


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add((node.module or "").split(".")[0])
    return names


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_arrows(package: str) -> None:
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    for path in files:
        names = imported(path)
        allowed = set(MAY_IMPORT[package])
        if path == ROOT / "pestcheck" / "cli.py":
            allowed.add("app")  # ``pestcheck serve`` starts it, and says so when it is not installed
        assert names & (MAY_IMPORT.keys() | {"tests"}) <= allowed, path
        if package != "training":
            only = ONLY_TRAINING - ({"onnx"} if path == ROOT / "pestcheck" / "addons" / "tflite.py" else set())  # loaded to add a model
            assert not names & only, path
        if package != "app":
            assert not names & ONLY_APP, path


def test_albumentations_and_sqlmodel_stay_behind_their_modules() -> None:
    for path in [*(ROOT / "pestcheck").rglob("*.py"), *(ROOT / "app").rglob("*.py"), *(ROOT / "training").rglob("*.py")]:
        names, place = imported(path), path.relative_to(ROOT).as_posix()
        assert "albumentations" not in names or place == "training/augment.py", path
        assert "sqlmodel" not in names or place.startswith(("pestcheck/store/", "pestcheck/records/", "pestcheck/accounts/")), path


def test_a_scan_loads_neither_torch_nor_gradio(tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(scenes.jpeg(scenes.wall(800, 600)))
    script = (
        "import sys; sys.argv = ['pestcheck', 'check', sys.argv[1]]\n"
        "from pestcheck.cli import app\n"
        "try: app()\n"
        "except SystemExit as e: assert e.code == 0, e.code\n"
        "assert 'onnxruntime' in sys.modules\n"
        "print(sorted({'torch', 'gradio', 'fastapi', 'sqlmodel', 'albumentations', 'timm'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(photo)], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_app_starts_without_writing_gradios_stubs() -> None:
    script = (
        "import sys; opened = []\n"
        "sys.addaudithook(lambda event, given: event == 'open' and opened.append(str(given[0])))\n"
        "import inspect; before = inspect.getfile\n"
        "import app.main\n"
        "assert inspect.getfile is before and any('gradio' in path for path in opened)\n"
        "print([path for path in opened if path.endswith('.pyi')])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_modules_stay_small() -> None:
    for package in MAY_IMPORT:
        for path in (ROOT / package).rglob("*.py"):
            most = 850 if path.name == "verify_pack.py" else 450  # an auditor gets it as one file, whatever it has to do
            assert len(path.read_text("utf-8").splitlines()) <= most, f"{path} is too long for one noun"
