"""Data sets: frozen, split by inspection, what is left out and named, and their files."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pestcheck.export import dataset as exports
from pestcheck.records import Records, Refused, datasets
from pestcheck.records.reviews import Mark
from pestcheck.store import events
from pestcheck.store.verify import verify
from pestcheck.vision.scan import Report
from tests.pictures import scenes
from tests.records.conftest import closed, opened

TERMS = {"licence": "own pictures", "consent": "yard rules of 2026, page 3", "actor": "Tere"}
BOTH = ("agreed", "one_opinion")


def shot(seed: int, size: tuple[int, int] = (400, 300)) -> bytes:
    """A drawn photograph, taken sideways by a camera that says so and where it stood."""
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[274] = 6  # turn it by a quarter
    exif.get_ifd(0x8825)[1] = "N"
    Image.open(io.BytesIO(scenes.jpeg(scenes.wall(*size, seed=seed)))).save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def reviewed(records: Records, outcome: str, data: bytes, *labels: str, site: str = "North", key: str = "") -> tuple[str, str]:
    """A photograph in an inspection that one trainer looked at; returns the ids of the inspection and the view."""
    key = key or opened(records, site=site)
    view = records.photograph(key, "floor", data, name="a.jpg", actor="Ana")
    marks = [Mark((10 + 30 * k, 20, 40 + 30 * k, 60), label) for k, label in enumerate(labels)]
    records.review(view, outcome, marks=marks, actor="Tere")
    return key, view


@pytest.fixture
def many(records: Records) -> list[str]:
    """Twelve inspections with a photograph each: ants, moths, or nothing."""
    keys = []
    for k in range(12):
        labels = [(), ("ant",), ("ant", "moth")][k % 3]
        keys.append(reviewed(records, "contamination" if labels else "no_contaminant", shot(k), *labels)[0])
    return keys


def test_a_data_set_is_frozen_and_split_by_inspection(records: Records, many: list[str]) -> None:
    made = records.make_dataset("yard-1", statuses=BOTH, **TERMS)
    assert {item["inspection"] for item in made.items} == set(many)
    assert [item["label"] for item in made.items].count("no_contaminant") == 4
    assert [item["label"] for item in made.items].count("ant") == 8
    part = {item["inspection"]: item["part"] for item in made.items}
    assert all(item["part"] == part[item["inspection"]] for item in made.items)
    assert records.make_dataset("yard-1", statuses=BOTH, **TERMS).made_at == made.made_at  # asked again
    reviewed(records, "no_contaminant", shot(99))
    with pytest.raises(Refused, match=r"a data set 'yard-1' already, made at 20.*with other rows"):
        records.make_dataset("yard-1", statuses=BOTH, **TERMS)
    later = records.make_dataset("yard-2", statuses=BOTH, **TERMS)
    assert later.sha256 != made.sha256
    assert {item["inspection"]: item["part"] for item in later.items}.items() >= part.items()
    assert [one.name for one in records.datasets()] == ["yard-2", "yard-1"]
    assert not verify(records.database, records.photo_store).problems


def test_one_opinion_is_no_agreement(records: Records, many: list[str]) -> None:
    with pytest.raises(Refused, match="none was reviewed"):
        records.make_dataset("yard", **TERMS)


def test_the_same_photograph_in_two_inspections_is_in_one_part(records: Records) -> None:
    for k in range(10):
        for site in ("North", "South"):
            reviewed(records, "contamination", shot(k), "ant", site=site)
    made = records.make_dataset("yard", statuses=BOTH, **TERMS)
    for sha256 in {item["photograph"] for item in made.items}:
        assert len({(item["part"], item["split_group"]) for item in made.items if item["photograph"] == sha256}) == 1


def test_a_whole_site_may_be_tested_on_but_not_what_was_trained_on(records: Records, many: list[str]) -> None:
    first = records.make_dataset("first", statuses=BOTH, **TERMS)
    trained = {item["inspection"] for item in first.items if item["part"] == "train"}
    south = {reviewed(records, "contamination", shot(50 + k), "ant", site="South")[0] for k in range(4)}
    made = records.make_dataset("sites", statuses=BOTH, test_sites=["South", "North"], **TERMS)
    assert {item["part"] for item in made.items} == {"test"}
    assert south <= {item["inspection"] for item in made.items}
    assert not trained & {item["inspection"] for item in made.items}
    assert {one["why"] for one in made.left_out} == {"its site is to be tested on, but an earlier data set trained on it"}


def test_a_label_that_no_model_may_give_is_named_and_left_out(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    reviewed(records, "contamination", shot(1), "ant", "insect")
    made = records.make_dataset("yard", statuses=BOTH, **TERMS)
    assert [item["label"] for item in made.items] == ["ant"]
    assert [one["why"] for one in made.left_out] == ["'insect' is no label that a model may give"]
    monkeypatch.delitem(datasets.LABELS, "ant")
    with pytest.raises(Refused, match="'ant' is no label that a model may give"):
        records.make_dataset("later", statuses=BOTH, **TERMS)


@pytest.mark.parametrize(
    ("name", "terms", "says"),
    [
        ("Yard", {}, "'Yard' is no name for a data set"),
        ("../up", {}, "is no name"),
        ("yard", {"licence": " "}, "under which licence"),
        ("yard", {"consent": ""}, "whose leave"),
    ],
)
def test_bad_input_is_named(records: Records, many: list[str], name: str, terms: dict[str, str], says: str) -> None:
    with pytest.raises(Refused, match=says):
        records.make_dataset(name, statuses=BOTH, **(TERMS | terms))
    assert records.datasets() == []


def test_files_are_upright_without_exif_and_read_by_training(records: Records, many: list[str], tmp_path: Path) -> None:
    made = records.make_dataset("yard", statuses=BOTH, **TERMS)
    done = exports.export(records, made, tmp_path / "out")
    assert (done.pictures, done.rows, done.left_out) == (12, 16, [])
    with (tmp_path / "out" / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["licence"] for row in rows} == {"own pictures"}
    assert {row["consent"] for row in rows} == {"yard rules of 2026, page 3"}
    for row in rows:
        data = (tmp_path / "out" / row["path"]).read_bytes()
        image = Image.open(io.BytesIO(data))
        assert image.size == (300, 400) == (int(row["width"]), int(row["height"]))  # turned
        assert not image.getexif()
        assert hashlib.sha256(data).hexdigest() == row["sha256"]
    about = json.loads((tmp_path / "out" / "dataset.json").read_text("utf-8"))
    assert (about["name"], about["sha256"], about["faces_and_writing_blurred"]) == ("yard", made.sha256, False)
    pytest.importorskip("torch", reason="needs the extra train")
    from training import data as manifests

    pictures = manifests.read_manifest(tmp_path / "out")
    assert len(pictures) == 16
    assert {p.part for p in pictures} == {row["part"] for row in rows}
    ant = next(p for p in pictures if p.label == "ant")
    assert manifests.load(ant).shape == (64, 64, 3)  # the closer look at a box of 30 by 40 pixels
    clean = next(p for p in pictures if p.manifest_label == "no_contaminant")
    assert (clean.label, manifests.load(clean).shape) == ("clean_other", (400, 300, 3))


def test_coco(records: Records, many: list[str], tmp_path: Path) -> None:
    exports.export(records, records.make_dataset("yard", statuses=BOTH, **TERMS), tmp_path / "out", exports.Form.coco)
    parts = [json.loads(path.read_text("utf-8")) for path in sorted((tmp_path / "out" / "annotations").iterdir())]
    assert sum(len(part["images"]) for part in parts) == 12
    assert sum(len(part["annotations"]) for part in parts) == 12
    for part in parts:
        assert [one["name"] for one in part["categories"]] == ["ant", "moth"]
        ids = {one["id"] for one in part["images"]}
        assert all(one["image_id"] in ids and one["bbox"][2:] == [30, 40] and one["area"] == 1200 for one in part["annotations"])
        assert all((tmp_path / "out" / one["file_name"]).is_file() for one in part["images"])


def test_folders_by_label(records: Records, many: list[str], tmp_path: Path) -> None:
    exports.export(records, records.make_dataset("yard", statuses=BOTH, **TERMS), tmp_path / "out", exports.Form.imagefolder)
    found: dict[str, int] = {}
    for path in (tmp_path / "out").glob("*/*/*.jpg"):
        found[path.parent.name] = found.get(path.parent.name, 0) + 1
    assert found == {"ant": 8, "moth": 4, "no_contaminant": 4}


def test_what_was_purged_since_is_named_and_left_out(
    records: Records, scan: Callable[[bytes], Report], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(events, "now", lambda: events.written(datetime.now(UTC) - timedelta(days=2500)))
        old, _ = reviewed(records, "contamination", shot(1), "ant")
        while records.score_next(scan):
            pass
        closed(records, old)
    reviewed(records, "contamination", shot(2), "moth")
    made = records.make_dataset("yard", statuses=BOTH, **TERMS)
    gone = next(item["photograph"] for item in made.items if item["label"] == "ant")
    records.purge(old, reason="old", actor="Adam")
    done = exports.export(records, records.dataset("yard"), tmp_path / "out")
    assert done.left_out == [{"photograph": gone, "why": "purged since"}]
    about = json.loads((tmp_path / "out" / "dataset.json").read_text("utf-8"))
    assert about["left_out"] == done.left_out
    assert [row["label"] for row in csv.DictReader((tmp_path / "out" / "manifest.csv").open(encoding="utf-8"))] == ["moth"]
    assert not verify(records.database, records.photo_store).problems
    assert [item["label"] for item in records.make_dataset("next", statuses=BOTH, **TERMS).items] == ["moth"]


def test_other_files_are_not_overwritten(records: Records, many: list[str], tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(Refused, match="is not empty"):
        exports.export(records, records.make_dataset("yard", statuses=BOTH, **TERMS), tmp_path)


def test_places_are_blurred(records: Records, tmp_path: Path) -> None:
    reviewed(records, "contamination", shot(1), "ant")
    made = records.make_dataset("yard", statuses=BOTH, **TERMS)
    plain = exports.export(records, made, tmp_path / "plain")
    place: Any = exports.Box(100, 100, 200, 200)
    done = exports.export(records, made, tmp_path / "blurred", private=lambda image: [place])
    assert (plain.blurred, done.blurred) == (0, 1)
    images = [Image.open(next((tmp_path / name).glob("images/*/*.jpg"))) for name in ("plain", "blurred")]
    colours = [len(set(image.crop(place).get_flattened_data())) for image in images]
    assert colours[1] < colours[0] / 2
    assert images[0].crop((0, 0, 90, 90)).tobytes() == images[1].crop((0, 0, 90, 90)).tobytes()
