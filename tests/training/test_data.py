"""The manifest: what is refused, how it is split, how a picture is loaded."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from training import data

ROW = {
    "path": "ant.png", "label": "ant", "source": "one", "split_group": "g1", "boxes": "[[10, 10, 20, 20, \"ant\"]]",
    "licence": "CC0", "flags": "",
}  # fmt: skip

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a manifest of rows (each ROW with changes) beside the picture that they name."""

    def run(*changes: dict[str, str], columns: tuple[str, ...] = tuple(ROW)) -> Path:
        Image.new("RGB", (80, 100), "white").save(tmp_path / "ant.png")
        with (tmp_path / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(ROW | change for change in changes)
        return tmp_path

    return run


def test_a_missing_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(data.ManifestError, match=r"manifest\.csv is not there\. Point --data"):
        data.read_manifest(tmp_path)


@pytest.mark.parametrize("column", sorted(data.COLUMNS))
def test_a_missing_column_is_named(write: Write, column: str) -> None:
    folder = write({}, columns=tuple(name for name in ROW if name != column))
    with pytest.raises(data.ManifestError, match=f"lacks the columns {column};"):
        data.read_manifest(folder)


def test_an_unknown_label_is_named_with_its_line(write: Write) -> None:
    with pytest.raises(data.ManifestError, match=r"line 3: label 'aunt' is unknown"):
        data.read_manifest(write({}, {"label": "aunt"}))


def test_a_missing_picture_is_named_with_its_line(write: Write) -> None:
    with pytest.raises(data.ManifestError, match=r"line 2: the picture 'bee\.png' is not there"):
        data.read_manifest(write({"path": "bee.png"}))


def test_labels_are_merged_and_dropped(write: Write) -> None:
    pictures = data.read_manifest(write({"label": "butterfly"}, {"label": "aphid"}, {"label": "ant"}))
    assert [(p.manifest_label, p.label) for p in pictures] == [("butterfly", "moth"), ("ant", "ant")]


CORRECTIONS = "path,label,action,reason\n"


def test_a_scene_keeps_its_label_and_is_flagged(write: Write, tmp_path: Path) -> None:
    corrections = tmp_path / "dropped.csv"
    corrections.write_text(CORRECTIONS + 'ant.png,rust,scene,"shows plants, too"\n', "utf-8")
    (scene,) = data.read_manifest(write({"label": "rust", "flags": "blurred", "boxes": ""}), corrections=corrections)
    assert (scene.label, scene.flags) == ("rust", {"blurred", data.SCENE})
    (alone,) = data.read_manifest(write({"label": "rust", "flags": "blurred", "boxes": ""}), corrections=None)
    assert (alone.label, alone.flags) == ("rust", {"blurred"})


def test_a_correction_that_is_none_is_named(write: Write, tmp_path: Path) -> None:
    corrections = tmp_path / "dropped.csv"
    corrections.write_text(CORRECTIONS + "ant.png,ant,dorp,typed\n", "utf-8")
    with pytest.raises(data.ManifestError, match=r"line 2: action 'dorp' is neither 'drop' nor 'scene' nor a known label"):
        data.read_manifest(write({}), corrections=corrections)


def test_only_small_subjects_are_cut_to_their_box(write: Write) -> None:
    whole, cut, caption = data.read_manifest(write({}, {"flags": "blurred;insect_often_small"}, {"flags": "caption_bar", "boxes": ""}))
    assert data.load(whole).shape == (100, 80, 3)
    assert data.load(cut).shape == (39, 39, 3)  # the box plus its least side of 16 on each side, from -9 on: cut at the edge
    assert data.load(caption).shape == (94, 80, 3)


def test_nothing_to_train_on_is_refused(write: Write) -> None:
    source = sorted(data.folds()["a"])[0]
    with pytest.raises(data.ManifestError, match="no picture is left to train on"):
        data.split(data.read_manifest(write({"source": source})), "a")


def test_a_group_with_a_held_out_picture_is_not_trained_on(write: Write) -> None:
    held_out = sorted(data.folds()["a"])[0]
    pictures = data.read_manifest(write({"source": held_out}, {"source": "other"}, {"source": "other", "split_group": "g2"}))
    part = data.split(pictures, "a")
    assert (part.train, part.test) == ([pictures[2]], [pictures[0]])


def test_a_label_that_is_not_trained_is_not_tested(write: Write) -> None:
    held_out = sorted(data.folds()["a"])[0]
    pictures = data.read_manifest(write({"source": held_out, "label": "bee"}, {"split_group": "g2"}))
    assert data.split(pictures, "a").test == []


def test_no_source_is_in_two_folds() -> None:
    named = [source for sources in data.folds().values() for source in sources]
    assert len(named) == len(set(named))


def test_weights_share_out_surfaces_and_contaminants(write: Write) -> None:
    rows = [{"label": label, "source": source} for label, source in (("ant", "one"), ("ant", "two"), ("ant", "two"), ("rust", "one"))]
    weights = data.sampling_weights(data.read_manifest(write(*rows)))
    assert weights.sum() == pytest.approx(1)
    assert weights[3] == pytest.approx(data.SURFACE_SHARE)
    assert weights[1] == pytest.approx(weights[0] * 2**-0.5)


@pytest.fixture(scope="module")
def pictures(shared_data: Path) -> list[data.Picture]:
    """The pictures that the shipped model was trained on."""
    return data.read_manifest(shared_data)


class TestSharedPictures:
    """The folds of training/split.toml."""

    def test_every_source_of_a_fold_exists(self, pictures: list[data.Picture]) -> None:
        known = {p.source for p in pictures}
        assert {source for sources in data.folds().values() for source in sources} <= known

    @pytest.mark.parametrize("fold", ["a", "b"])
    def test_nothing_is_trained_on_and_tested(self, pictures: list[data.Picture], fold: str) -> None:
        part = data.split(pictures, fold)
        assert {p.source for p in part.test} == data.folds()[fold]
        for key in ("source", "group", "path"):
            assert not {getattr(p, key) for p in part.train} & {getattr(p, key) for p in part.test}

    @pytest.mark.parametrize("fold", ["a", "b", None])
    def test_every_label_is_trained_in_every_run(self, pictures: list[data.Picture], fold: str | None) -> None:
        part = data.split(pictures, fold)
        assert {p.label for p in part.train} == {p.label for p in pictures}

    @pytest.mark.parametrize("fold", ["a", "b", None])
    def test_what_is_never_used_is_not_used(self, pictures: list[data.Picture], fold: str | None) -> None:
        part = data.split(pictures, fold)
        assert data.folds()["never"]
        assert not {p.source for p in (*part.train, *part.test)} & data.folds()["never"]

    def test_a_picture_of_the_set_loads(self, pictures: list[data.Picture]) -> None:
        for picture in (pictures[0], next(p for p in pictures if p.box), next(p for p in pictures if "caption_bar" in p.flags)):
            pixels = data.load(picture)
            assert pixels.dtype == np.uint8
            assert pixels.shape[2] == 3
            assert min(pixels.shape[:2]) >= 16


def test_a_fold_without_pictures_is_refused_before_training(write: Write) -> None:
    with pytest.raises(data.ManifestError, match=r"no picture is of a source of fold 'a'"):
        data.split(data.read_manifest(write({})), "a")
