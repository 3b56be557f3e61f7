"""A model folder is used only when all of it is there and unchanged."""

from __future__ import annotations

import hashlib
import json

import pytest

from pestcheck.vision import bundle
from pestcheck.vision.bundle import BundleError, load

NETWORK = b"any bytes: load() does not open the network"


LIMITS = {"version": "1", "suspect": 0.5, "unsure": 0.2, "tile_offset": 3.0, "label": 0.6, "group": 0.6}


def description(**change):
    good = {
        "name": "tiny", "version": "1.2.3", "created": "2026-01-01T00:00:00+00:00", "labels": ["hornet", "soil", "clean_metal"],
        "merged": {"butterfly": "moth"}, "dropped": {"termite": "25 pictures"}, "side": 64, "columns": [1, 3], "overlap": 0.25, "temperature": 1.5,
        "thresholds": LIMITS,
        "sha256": {"model.onnx": hashlib.sha256(NETWORK).hexdigest()},
        "data": [{"source": "a/b", "part": "train", "pictures": 12, "licence": "CC-BY-4.0"}],
    }  # fmt: skip
    return good | change


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "model.onnx").write_bytes(NETWORK)
    (tmp_path / "bundle.json").write_text(json.dumps(description()), "utf-8")
    return tmp_path


def test_a_whole_folder(folder):
    found = load(folder)
    assert (found.id, found.columns, found.thresholds.tile_offset) == ("tiny@1.2.3", (1, 3), 3.0)
    assert found.labels == ("hornet", "soil", "clean_metal")
    assert found.data[0].licence == "CC-BY-4.0"


def test_further_files_are_checked_when_they_are_named(folder):
    (folder / "CARD.md").write_bytes(b"card")
    sums = description()["sha256"]
    (folder / "bundle.json").write_text(json.dumps(description(sha256=sums | {"CARD.md": hashlib.sha256(b"card").hexdigest()})), "utf-8")
    load(folder)
    (folder / "CARD.md").write_bytes(b"Card")
    with pytest.raises(BundleError, match=r"CARD\.md is not the file"):
        load(folder)


def remove(name):
    return lambda folder: (folder / name).unlink()


def change(name, data):
    return lambda folder: (folder / name).write_bytes(data)


def describe(**fields):
    return lambda folder: (folder / "bundle.json").write_text(json.dumps(description(**fields)), "utf-8")


def without(field):
    return lambda folder: (folder / "bundle.json").write_text(json.dumps({k: v for k, v in description().items() if k != field}), "utf-8")


BROKEN = {
    "no description": (remove("bundle.json"), "is no model folder: bundle.json is not there"),
    "no network": (remove("model.onnx"), "model.onnx is not there; get the model folder again"),
    "network changed by one bit": (change("model.onnx", bytes([NETWORK[0] ^ 1]) + NETWORK[1:]), "SHA-256 differs"),
    "network cut short": (change("model.onnx", NETWORK[:-1]), "SHA-256 differs"),
    "network empty": (change("model.onnx", b""), "SHA-256 differs"),
    "network is a folder": (lambda folder: ((folder / "model.onnx").unlink(), (folder / "model.onnx").mkdir()), "model.onnx is not there"),
    "description empty": (change("bundle.json", b""), "not valid"),
    "description cut short": (change("bundle.json", json.dumps(description()).encode()[:200]), "not valid"),
    "description is not text": (change("bundle.json", b"\xff\xfe\x00"), "not valid"),
    "description is a list": (change("bundle.json", b"[]"), "not valid"),
    "unknown field": (describe(colour="red"), "colour"),
    "unknown field in the data list": (describe(data=[description()["data"][0] | {"colour": 1}]), "colour"),
    "field missing": (without("thresholds"), "thresholds"),
    "unsure above suspect": (describe(thresholds=LIMITS | {"unsure": 0.6}), "make no sense"),
    "threshold not a number": (describe(thresholds=LIMITS | {"suspect": float("nan")}), "make no sense"),
    "no contaminant among the labels": (describe(labels=["rust", "container"]), "no label that is a contaminant"),
    "threshold missing": (describe(thresholds={"version": "1", "suspect": 0.5}), "tile_offset"),
    "unknown label": (describe(labels=["hornet", "unicorn", "zebra"]), "does not know: unicorn, zebra"),
    "SHA-256 in capitals": (describe(sha256={"model.onnx": hashlib.sha256(NETWORK).hexdigest().upper()}), "sha256"),
    "SHA-256 too short": (describe(sha256={"model.onnx": "00"}), "sha256"),
    "no SHA-256 of the network": (describe(sha256={}), r"gives no SHA-256 for model\.onnx"),
    "name with a slash": (describe(name="../tiny"), "name"),
    "version in words": (describe(version="latest"), "version"),
    "side of nothing": (describe(side=0), "side"),
    "overlap of everything": (describe(overlap=1.0), "overlap"),
    "temperature zero": (describe(temperature=0), "temperature"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_folder_is_refused_in_words(folder, case):
    do, says = BROKEN[case]
    do(folder)
    with pytest.raises(BundleError, match=says):
        load(folder)


@pytest.mark.parametrize("name", ["nowhere", "model.onnx"], ids=["not there", "a file"])
def test_what_is_no_folder_is_refused(folder, name):
    with pytest.raises(BundleError, match="is no model folder"):
        load(folder / name)


def test_a_bundle_cannot_be_changed(folder):
    with pytest.raises(ValueError, match="frozen"):
        load(folder).name = "other"


def test_the_shipped_folder_is_the_newest_by_number():
    """Beside the package in a checkout; 0.10.0 would be newer than 0.9.0."""
    found = bundle.shipped()
    versions = {
        path.parent.name: tuple(map(int, path.parent.name.rpartition("-")[2].split("."))) for path in found.parent.glob("*/bundle.json")
    }
    assert versions[found.name] == max(versions.values())
