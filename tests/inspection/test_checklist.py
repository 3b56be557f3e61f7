"""The templates that come with pestcheck, and what a template must not be."""

from __future__ import annotations

from importlib.resources import files

import pytest
import yaml
from pydantic import ValidationError

from pestcheck.inspection.checklist import Template, templates

SEVEN = ["front_wall", "left_side", "right_side", "floor", "ceiling_roof", "doors", "outside_undercarriage"]
"""In the order of the CTPAT list for empty containers (criterion 5.3)."""


def test_seven_point_inspection():
    template = templates()["container_7_point"]
    assert [point.area for point in template.points] == SEVEN
    assert template.version == 1


def test_a_point_is_found_by_its_area():
    template = templates()["container_7_point"]
    assert [template.point(area).area for area in SEVEN] == SEVEN
    assert template.point("fan_housing") is None
    assert template.point("") is None


def test_every_file_is_a_template_named_like_its_id():
    names = [path.name for path in (files("pestcheck.inspection") / "templates").iterdir()]
    assert sorted(names) == sorted(f"{key}.yaml" for key in templates())


@pytest.mark.parametrize("template", templates().values(), ids=templates())
def test_each_template_can_be_worked_with(template):
    """No area twice, for a record could not tell them apart; every point says where to look."""
    areas = [point.area for point in template.points]
    assert len(set(areas)) == len(areas)
    assert all(text.strip() == text != "" for point in template.points for text in (point.title, point.look))
    assert template.title
    assert template.source


GOOD = """
id: tiny
version: 1
title: Tiny
source: nobody
points:
  - {area: floor, title: Floor, look: Seams.}
"""
REFUSED = {
    "unknown key": (GOOD + "colour: red\n", "colour"),
    "unknown key of a point": (GOOD.replace("look: Seams.", "look: Seams., number: 4"), "number"),
    "misspelt key": (GOOD.replace("source:", "sources:"), "sources"),
    "key missing": (GOOD.replace("title: Tiny\n", ""), "title"),
    "look missing": (GOOD.replace(", look: Seams.", ""), "look"),
    "no points": (GOOD.split("points:")[0] + "points: []\n", "points"),
    "points is a text": (GOOD.split("points:")[0] + "points: floor\n", "points"),
    "version 0": (GOOD.replace("version: 1", "version: 0"), "version"),
    "version in words": (GOOD.replace("version: 1", "version: first"), "version"),
    "area with a space": (GOOD.replace("area: floor", "area: the floor"), "area"),
    "area with capitals": (GOOD.replace("area: floor", "area: Floor"), "area"),
    "area is a number": (GOOD.replace("area: floor", "area: 4"), "area"),
    "id with a slash": (GOOD.replace("id: tiny", "id: ../tiny"), "id"),
    "empty file": ("", "Template"),
    "a list": ("- 1\n", "Template"),
}


def test_the_good_one_is_good():
    assert Template.model_validate(yaml.safe_load(GOOD)).point("floor").look == "Seams."


@pytest.mark.parametrize("case", REFUSED)
def test_a_wrong_template_is_refused(case):
    text, names = REFUSED[case]
    with pytest.raises(ValidationError, match=names):
        Template.model_validate(yaml.safe_load(text))


def test_a_template_cannot_be_changed():
    template = templates()["container_7_point"]
    with pytest.raises(ValidationError, match="frozen"):
        template.version = 2
