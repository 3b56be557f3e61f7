"""The table of labels holds together."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from pestcheck import taxonomy
from pestcheck.taxonomy import CTPAT_CLASS, LABELS, Group, Label
from pestcheck.vision.decide import UNSURE


@pytest.mark.parametrize("label", LABELS.values(), ids=LABELS)
def test_each_label(label):
    """Found under its own id; a contaminant says what to look for and what looks alike, a surface does not."""
    assert LABELS[label.id] is label
    assert re.fullmatch("[a-z]+(_[a-z]+)*", label.id)
    assert label.name.strip() == label.name != ""
    assert bool(label.look_for) == bool(label.look_alikes) == label.contaminant
    assert label.contaminant == (label.group is not Group.SURFACE)


def test_no_label_is_listed_twice():
    """A second line with the same id would silently replace the first; names are what people choose from."""
    listed = re.findall(r'^    Label\("(\w+)"', Path(taxonomy.__file__).read_text("utf-8"), re.MULTILINE)
    assert listed == list(LABELS)
    assert len({label.name.lower() for label in LABELS.values()}) == len(LABELS)


@pytest.mark.parametrize("group", Group)
def test_each_group_has_a_label(group):
    assert [label for label in LABELS.values() if label.group is group]


def test_every_group_but_the_clean_surface_has_a_contaminant_class():
    assert set(Group) - set(CTPAT_CLASS) == {Group.SURFACE}
    assert set(CTPAT_CLASS.values()) == {
        "visible insects or other invertebrates, alive or dead, in any life stage", "egg casings or rafts",
        "plants or plant products, viable or not", "soil", "organic material of animal origin",
    }  # fmt: skip


def test_where_a_group_has_the_name_of_a_label_the_label_is_in_it():
    """A finding's label may be either; they must not mean two things."""
    shared = {group.value for group in Group} & set(LABELS)
    assert {name: LABELS[name].group.value for name in shared} == {name: name for name in shared | {"spider", "soil"}}
    assert UNSURE not in LABELS
    assert UNSURE not in set(Group)


@pytest.mark.parametrize(
    ("group", "contaminant"), [(Group.INSECT, True), (Group.SOIL, True), (Group.EGG_MASS, True), (Group.SURFACE, False)]
)
def test_contaminant_follows_the_group(group, contaminant):
    assert Label("x", "X", group).contaminant is contaminant


def test_every_label_is_one_of_the_manifest(shared_data):
    """A label the data lack is not offered."""
    with (shared_data / "manifest.csv").open(encoding="utf-8") as file:
        assert set(LABELS) <= {row["label"] for row in csv.DictReader(file)}
