"""A model folder is used only when all of it is there and unchanged."""

from __future__ import annotations

import hashlib
import json

import pytest

from pestcheck.vision import bundle
from pestcheck.vision.bundle import BundleError, load

NETWORK = b"any bytes: load() does not open the network"
SUMS = {name: hashlib.sha256(NETWORK).hexdigest() for name in ("model.onnx", "finder.onnx")}


LIMITS = {
    "version": "1", "suspect": 0.5, "unsure": 0.2, "propose": 0.3, "place_offset": 3.0, "label": 0.6, "group": 0.6, "candidate": 0.05, "unknown": -2.0,
}  # fmt: skip


def description(**change):
    good = {
        "name": "tiny", "version": "1.2.3", "created": "2026-01-01T00:00:00+00:00", "labels": ["hornet", "soil", "clean_metal"],
        "merged": {"butterfly": "moth"}, "dropped": {"termite": "25 pictures"}, "side": 64, "long_sides": [224, 896], "tile": 224, "overlap": 32,
        "temperature": 1.5,
        "thresholds": LIMITS,
        "sha256": SUMS,
        "data": [{"source": "a/b", "part": "train", "pictures": 12, "licence": "CC-BY-4.0"}],
    }  # fmt: skip
    return good | change


@pytest.fixture
def folder(tmp_path):
    for name in SUMS:
        (tmp_path / name).write_bytes(NETWORK)
    (tmp_path / "bundle.json").write_text(json.dumps(description()), "utf-8")
    return tmp_path


def test_a_whole_folder(folder):
    found = load(folder)
    assert (found.id, found.long_sides, found.thresholds.place_offset) == ("tiny@1.2.3", (224, 896), 3.0)
    assert found.labels == ("hornet", "soil", "clean_metal")
    assert found.data[0].licence == "CC-BY-4.0"
    assert (found.tile, found.overlap, found.side) == (224, 32, 64)
    limits = found.thresholds
    assert (limits.propose, limits.candidate, limits.unknown) == (0.3, 0.05, -2.0)


ALLOWED = {
    "tiles side by side": {"overlap": 0},
    "the most that tiles can overlap": {"overlap": 192},
    "one level": {"long_sides": [32]},
    "one limit for both": {"thresholds": LIMITS | {"unsure": 0.5}},
    "no offset": {"thresholds": LIMITS | {"place_offset": 0}},
    "every label is a candidate": {"thresholds": LIMITS | {"candidate": 0}},
    "only the likeliest label is a candidate": {"thresholds": LIMITS | {"candidate": 1}},
    "nothing is unknown": {"thresholds": LIMITS | {"unknown": 1e9}},
}


@pytest.mark.parametrize("case", ALLOWED)
def test_extremes_that_make_sense(folder, case):
    describe(**ALLOWED[case])(folder)
    assert load(folder).id == "tiny@1.2.3"


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
    "no finder": (remove("finder.onnx"), "finder.onnx is not there; get the model folder again"),
    "finder is a folder": (
        lambda folder: ((folder / "finder.onnx").unlink(), (folder / "finder.onnx").mkdir()),
        "finder.onnx is not there",
    ),
    "finder changed": (change("finder.onnx", NETWORK + b"!"), "finder.onnx is not the file"),
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
    "offset below nothing": (describe(thresholds=LIMITS | {"place_offset": -1.0}), "make no sense"),
    "offset that no place overcomes": (describe(thresholds=LIMITS | {"place_offset": 50}), "make no sense"),
    "offset not a number": (describe(thresholds=LIMITS | {"place_offset": float("nan")}), "make no sense"),
    "everything is proposed": (describe(thresholds=LIMITS | {"propose": 0.0}), "make no sense"),
    "nothing is proposed": (describe(thresholds=LIMITS | {"propose": 1.0}), "make no sense"),
    "candidate above one": (describe(thresholds=LIMITS | {"candidate": 1.5}), "make no sense"),
    "candidate below nothing": (describe(thresholds=LIMITS | {"candidate": -0.1}), "make no sense"),
    "weight above one": (describe(thresholds=LIMITS | {"finder": 1.01}), "make no sense"),
    "weight not a number": (describe(thresholds=LIMITS | {"finder": float("nan")}), "make no sense"),
    "unknown is no number": (describe(thresholds=LIMITS | {"unknown": float("nan")}), "make no sense"),
    "unknown without an end": (describe(thresholds=LIMITS | {"unknown": float("inf")}), "make no sense"),
    "no contaminant among the labels": (describe(labels=["rust", "container"]), "no label that is a contaminant"),
    **{
        f"{field} missing among the thresholds": (
            describe(thresholds={k: v for k, v in LIMITS.items() if k != field}),
            rf"thresholds\.{field}",
        )
        for field in LIMITS
    },
    "made for one network and its tiles": (
        lambda folder: (folder / "bundle.json").write_text(
            json.dumps({k: v for k, v in description(columns=[1, 3]).items() if k not in ("long_sides", "tile")}), "utf-8"
        ),
        "columns",
    ),
    "unknown label": (describe(labels=["hornet", "unicorn", "zebra"]), "does not know: unicorn, zebra"),
    "SHA-256 in capitals": (describe(sha256=SUMS | {"model.onnx": SUMS["model.onnx"].upper()}), "sha256"),
    "SHA-256 too short": (describe(sha256=SUMS | {"model.onnx": "00"}), "sha256"),
    "no SHA-256 of any network": (describe(sha256={}), r"gives no SHA-256 for finder\.onnx, model\.onnx$"),
    "no SHA-256 of the classifier": (describe(sha256={"finder.onnx": SUMS["finder.onnx"]}), r"gives no SHA-256 for model\.onnx$"),
    "no SHA-256 of the finder": (describe(sha256={"model.onnx": SUMS["model.onnx"]}), r"gives no SHA-256 for finder\.onnx$"),
    "name with a slash": (describe(name="../tiny"), "name"),
    "version in words": (describe(version="latest"), "version"),
    "side of nothing": (describe(side=0), "side"),
    "overlap of everything": (describe(overlap=224), "cannot overlap by 224"),
    "overlap of more than everything": (describe(overlap=256), "tiles of 224 pixels cannot overlap by 256"),
    "overlap below nothing": (describe(overlap=-32), "overlap"),
    "overlap off the grid": (describe(overlap=33), "overlap"),
    "overlap as a share": (describe(overlap=0.25), "overlap"),
    "tile off the grid": (describe(tile=100), "tile"),
    "tile of nothing": (describe(tile=0, overlap=0), "tile"),
    "no level": (describe(long_sides=[]), "long_sides"),
    "level off the grid": (describe(long_sides=[224, 900]), "long_sides.1"),
    "level of nothing": (describe(long_sides=[0, 224]), "long_sides.0"),
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


SHIPPED = {
    "beside the package": (["models/pest-0.1.0"], "models/pest-0.1.0"),
    "inside the package": (["pestcheck/models/pest-0.1.0"], "pestcheck/models/pest-0.1.0"),
    "the newest by number": (["models/pest-0.9.0", "models/pest-0.10.0", "models/pest-0.2.11"], "models/pest-0.10.0"),
    "of any name": (["models/zoo-0.1.0", "models/pest-lite0-1.0.0"], "models/pest-lite0-1.0.0"),
    "installed before checkout": (["models/pest-9.0.0", "pestcheck/models/pest-0.1.0"], "pestcheck/models/pest-0.1.0"),
    "no number, no model": (["models/pest-latest", "models/pest-0.1.0"], "models/pest-0.1.0"),
}


@pytest.mark.parametrize("case", SHIPPED)
def test_the_shipped_folder(tmp_path, monkeypatch, case):
    folders, expected = SHIPPED[case]
    for name in folders:
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "bundle.json").write_text("{}", "utf-8")
    (tmp_path / "models/half-copied-99.0.0").mkdir(parents=True)  # no description
    monkeypatch.setattr(bundle, "__file__", str(tmp_path / "pestcheck" / "vision" / "bundle.py"))
    assert bundle.shipped() == tmp_path / expected


def test_no_shipped_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(bundle, "__file__", str(tmp_path / "pestcheck" / "vision" / "bundle.py"))
    with pytest.raises(BundleError, match="no model came with this installation; name one with --model"):
        bundle.shipped()
