"""The templates that come with pestcheck, a member's own beside them, and what a template must not be."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pestcheck.inspection import checklist
from pestcheck.inspection.checklist import Catalogue, NoTemplate, Template, TemplateFile, catalogue, shipped, templates
from pestcheck.inspection.template import Inspects, Kind
from pestcheck.inspection.yamlfile import DataFileError, read
from pestcheck.settings import Settings

FOLDER = files("pestcheck.inspection") / "templates"
ALL = [pytest.param(template, id=template.name) for template in shipped().versions.values()]
NOW = [pytest.param(template, id=template.name) for template in templates().values()]
SEVEN = ["front_wall", "left_side", "right_side", "floor", "ceiling_roof", "doors", "outside_undercarriage"]
"""In the order of the CTPAT list for empty containers (criterion 5.3)."""
TRACTOR = [
    "bumper_tires_rims", "tractor_doors_compartments", "battery_box", "air_breather", "fuel_tanks", "cab_compartments", "fairing_roof",
]  # fmt: skip
OLDER = [
    "bumper", "engine", "tires", "cab_floor", "fuel_tanks", "cab_compartments", "air_tanks", "drive_shafts", "fifth_wheel",
    "outside_undercarriage", "doors", "floor", "side_walls", "front_wall", "ceiling_roof", "refrigeration_unit", "exhaust",
]  # fmt: skip
POINTS = {
    "container_7_point": SEVEN,
    "reefer_8_point": [*SEVEN, "fan_housing"],
    "tractor_trailer_17_point": [*TRACTOR, "fifth_wheel", "exterior_front_sides", "rear_bumper_doors", *SEVEN],
    "older_17_point": OLDER,
    "wood_packaging": ["marked_sides", "deck_boards", "blocks_stringers", "wood_underside", "loose_wood"],
    "staging_area": [
        "staging_floor", "staging_walls_ceiling", "staging_doors_docks", "staging_lights", "staging_storage", "staging_surroundings",
    ],
}  # fmt: skip
PUBLISHED = json.loads((Path(__file__).parent / "published.json").read_text("utf-8"))
"""Digest of each version as it was published."""


def test_the_points_of_each_template():
    assert {id: [point.area for point in template.points] for id, template in templates().items()} == POINTS
    assert {id: len(points) for id, points in POINTS.items() if "point" in id} == {
        "container_7_point": 7, "reefer_8_point": 8, "tractor_trailer_17_point": 17, "older_17_point": 17,
    }  # fmt: skip


def test_a_point_is_found_by_its_area():
    template = templates()["container_7_point"]
    assert [template.point(area).area for area in SEVEN] == SEVEN
    assert template.point("fan_housing") is None
    assert template.point("") is None


def test_every_file_is_a_template_named_like_its_id_and_version():
    names = [path.name for path in FOLDER.iterdir()]
    assert sorted(names) == sorted(f"{template.name}.yaml" for template in shipped().versions.values())


def test_a_published_version_never_changes():
    """Inspections were made with it. To change a template, add a file with the next version, and its digest to published.json."""
    assert {template.name: template.sha256 for template in shipped().versions.values()} == PUBLISHED


@pytest.mark.parametrize("template", ALL)
def test_an_area_means_the_same_everywhere(template: Template):
    """What the newest 7-, 8- and 17-point templates have in common is one and the same point, not a copy that drifts apart."""
    for point in template.points:
        for other in templates().values():
            there = other.point(point.area)
            assert there is None or there.title == point.title
            assert there is None or template.name not in {one.name for one in templates().values()} or there == point


@pytest.mark.parametrize("template", NOW)
def test_each_template_can_be_worked_with(template: Template):
    for point in template.points:
        assert point.hot_spots, point.area
        kinds = {check.kind for check in point.checks}
        assert Kind.PEST in kinds, point.area
        if template.inspects in (Inspects.CONTAINER, Inspects.TRACTOR_TRAILER):
            assert Kind.SECURITY in kinds, f"{point.area}: CTPAT wants security and pests in one inspection"
    assert any(check.photographs for check in template.all_checks())
    assert all(check.evidences for check in template.all_checks())
    assert all(check.ask.endswith(("?", ".")) for check in template.all_checks())
    assert {check.kind for check in template.if_contamination} == {Kind.PEST}
    assert template.if_not_in_order
    assert any(check.if_no for check in template.all_checks()) or template.if_not_in_order


@pytest.mark.parametrize("path", list(FOLDER.iterdir()), ids=lambda path: path.name)
def test_no_word_that_only_an_authority_may_say(path: Path):
    text = path.read_text("utf-8")
    assert not re.search("actionable|quarantine|usda.approved", text, re.I)
    jsonschema.validate(yaml.safe_load(text), TemplateFile.model_json_schema())


def test_the_json_schema_refuses_what_the_model_refuses():
    schema = TemplateFile.model_json_schema()
    jsonschema.validate(yaml.safe_load(GOOD), schema)
    for case in ("unknown key", "look missing", "no points", "area with a space", "version 0"):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(yaml.safe_load(REFUSED[case][0]), schema)


# Which one


@pytest.mark.parametrize(
    ("size_type", "ids"),
    [
        ("45R1", ["reefer_8_point", "container_7_point"]),
        ("22r1", ["reefer_8_point", "container_7_point"]),
        ("R1", ["reefer_8_point", "container_7_point"]),
        ("RT", ["reefer_8_point", "container_7_point"]),
        ("22G1", ["container_7_point"]),
        ("L5U1", ["container_7_point"]),
        ("G1", ["container_7_point"]),
        ("", ["container_7_point", "reefer_8_point"]),
        ("2232", ["container_7_point", "reefer_8_point"]),  # a code of before 1995 has no type letter
        ("??", ["container_7_point", "reefer_8_point"]),
    ],
)
def test_a_reefer_is_offered_its_template_first(size_type: str, ids: list[str]):
    assert [template.id for template in shipped().offered(size_type)] == ids


@given(st.text(max_size=6))
@settings(max_examples=200, deadline=None)
def test_whatever_the_size_type_a_container_can_be_inspected(size_type: str):
    assert "container_7_point" in [template.id for template in shipped().offered(size_type)]


def test_an_old_version_stays_as_it_was():
    old, new = checklist.template("container_7_point", 1), checklist.template("container_7_point", 2)
    assert old.point("floor").look.startswith("Seams between boards, the step at the door, under loose plywood. Seeds")
    assert not old.point("floor").checks
    assert new.point("floor").checks
    assert templates()["container_7_point"] == new
    with pytest.raises(NoTemplate, match=r"container_7_point@9 \(there are: container_7_point@1, container_7_point@2\)\. Put its file"):
        checklist.template("container_7_point", 9)


# A member's own


GOOD = """
id: tiny
version: 1
title: Tiny
source: nobody
points:
  - {area: floor, title: Floor, look: Seams.}
"""
OWN = """
id: our_trailer
version: 1
title: Our trailer
source: our procedure 7, of 2026
points:
  - {area: floor, same_as: container_7_point@2}
  - area: tail_lift
    title: Tail lift
    look: Hinges and plate.
    checks:
      - id: clean
        kind: pest
        ask: Is it clean?
        source: our procedure 7
        evidences: [pest_prevention]
        if_no:
          - {id: washed, kind: pest, ask: "Washed?", source: ours}
"""


def own(folder: Path, **texts: str) -> Catalogue:
    for name, text in texts.items():
        (folder / f"{name.replace('_v', '@')}.yaml").write_text(text, "utf-8")
    return catalogue(folder)


def test_a_members_own_template_is_a_file_in_a_folder(tmp_path: Path):
    found = own(tmp_path, our_trailer_v1=OWN, our_trailer_v2=OWN.replace("version: 1", "version: 2").replace("Our trailer", "Ours"))
    assert not found.faults
    assert found.newest()["our_trailer"].title == "Ours"
    assert found.template("our_trailer", 1).title == "Our trailer"
    assert found.template("our_trailer", 1).point("floor") == templates()["container_7_point"].point("floor")
    assert found.newest().keys() == templates().keys() | {"our_trailer"}
    assert "our_trailer" in [template.id for template in found.offered("22G1")]


def test_it_may_take_over_points_of_another_of_ones_own_whatever_the_files_are_called(tmp_path: Path):
    points = "points: [{area: tail_lift, same_as: our_trailer@1}]"
    found = own(tmp_path, a_v1=GOOD.split("points:")[0].replace("tiny", "a") + points, our_trailer_v1=OWN)
    assert not found.faults
    assert found.template("a", 1).point("tail_lift").title == "Tail lift"


def test_no_folder_and_an_empty_one_are_no_fault(tmp_path: Path):
    assert catalogue(None) == catalogue(tmp_path / "none") == catalogue(tmp_path) == shipped()
    (tmp_path / "notes.txt").write_text("not a template")
    assert catalogue(tmp_path) == shipped()


def test_the_folder_is_a_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert Settings(data=tmp_path).templates_folder == tmp_path / "templates"
    monkeypatch.setenv("PESTCHECK_TEMPLATES", str(tmp_path / "ours"))
    assert Settings(data=tmp_path).templates_folder == tmp_path / "ours"


BASE = OWN.split("points:")[0]
BROKEN = {
    "no YAML": (OWN.replace("title: Our trailer", "title: 'Our trailer"), r"x@1\.yaml, line \d+, column \d+: .*\. Correct the YAML"),
    "tab": (OWN.replace("    title: Tail", "\ttitle: Tail"), r"line 9, column 1: .*\. Correct the YAML"),
    "key twice": (OWN + "version: 2\n", r"line 19, column 1: 'version' is there twice\. Correct"),
    "reference": ("a: &b c\nid: *b\n", r"line 1, column 4: what & marks is used again with \*, which is not read here; write it out"),
    "list as key": ("[a]: 1\n", r"line 1, column 1: a key must be a word"),
    "empty": ("", r"x@1\.yaml: it is empty\. Write the fields"),
    "a list": ("- 1\n", r"it holds no fields \(key: value\)\. Write"),
    "misspelt field": (OWN.replace("look:", "loook:"), r"line 8, points 2, look: this field is missing\. Add it.*line 10, points 2, loook: there is no such field\. Write 'look' instead, or remove it"),
    "field of nothing": (BASE + "colour: red\npoints: [{area: floor, same_as: container_7_point@2}]\n", r"line 6, colour: there is no such field\. Remove it"),
    "empty field": (OWN.replace("look: Hinges and plate.", "look:"), r"line 10, points 2, look: it is empty\. Fill it in"),
    "area is a number": (OWN.replace("area: tail_lift", "area: 4"), r"line 8, points 2, area: '4' is not such a name\. Use small letters"),
    "kind": (OWN.replace("kind: pest\n", "kind: pets\n"), r"line 13, points 2, checks 1, kind: .*'pest'.*\. Correct the value"),
    "version": (OWN.replace("version: 1", "version: one"), r"line 3, version: .*valid integer"),
    "deep": (OWN.replace('"Washed?"', "''"), r"line 18, points 2, checks 1, if_no 1, ask: it is empty"),
    "choices": (OWN.replace('"Washed?"', '"Washed?", answer: choice'), r"if_no 1: 'washed' needs two or more choices.*\. Give 'answer: choice' and 'choices'"),
    "follow-up of a text": (OWN.replace("ask: Is it", "answer: text\n        ask: Is it"), r"'clean' cannot be answered yes or no\. Remove if_no"),
    "points is a text": (BASE + "points: floor\n", r"line 6, points: .*valid tuple\. Write it as in a file that works"),
    "question twice": (OWN.replace("id: washed", "id: clean"), r"points 2: the point 'tail_lift' has two questions 'clean'\. Give each its own id"),
    "area twice": (OWN.replace("tail_lift", "floor"), r"the area 'floor' is there twice.*: give each its own"),
    "shared question twice": (OWN + "if_contamination: [{id: clean, kind: pest, ask: Washed, source: ours}]\n", r"two questions 'clean', one of them shared\. Give each"),
    "unknown template": (OWN.replace("container_7_point@2", "container@2"), r"same_as: there is no usable template container@2\. Correct same_as"),
    "itself": (OWN.replace("container_7_point@2", "our_trailer@1"), r"there is no usable template our_trailer@1\. Correct"),
    "unknown area": (OWN.replace("area: floor", "area: flor"), r"points: container_7_point@2 has no area 'flor'\. Use one that it has: front_wall, .*floor"),
    "unknown criterion": (OWN.replace("[pest_prevention]", "[pest_preventing]"), r"evidences: there are no criteria pest_preventing\. Use: .*pest_prevention"),
    "unknown list of criteria": (BASE + "criteria: 7\n" + OWN[len(BASE):], r"criteria: there is no version 7 .*\. Leave the field out"),
    "an id of ours": (OWN.replace("our_trailer", "container_7_point"), r"id: 'container_7_point' is the id of a template of pestcheck\. Choose another"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_says_where_what_and_how_to_mend_it_and_takes_no_other_down(case: str, tmp_path: Path):
    text, says = BROKEN[case]
    id = re.search(r"^id: (.*)$", text, re.M)
    name = f"{id[1]}@1.yaml" if id and id[1] in ("our_trailer", "container_7_point") and "x@1" not in says else "x@1.yaml"
    (tmp_path / name).write_text(text, "utf-8")
    (tmp_path / "tiny@1.yaml").write_text(GOOD, "utf-8")
    found = catalogue(tmp_path)
    assert re.search(says, "\n".join(map(str, found.faults)), re.S), found.faults
    assert all(fault.file == name and fault.says and fault.remedy for fault in found.faults)
    assert found.newest().keys() == templates().keys() | {"tiny"}


def test_files_that_are_no_text_too_large_misnamed_or_not_readable(tmp_path: Path):
    (tmp_path / "bytes@1.yaml").write_bytes(b"id: tiny\ntitle: \xff\n")
    (tmp_path / "large@1.yaml").write_bytes(b"#" * 2**20 + b"\n")
    (tmp_path / "deep@1.yml").write_text("[" * 1000)
    (tmp_path / "folder@1.yaml").mkdir()
    (tmp_path / "Tiny.yml").write_text(GOOD)
    says = {fault.file: str(fault) for fault in catalogue(tmp_path).faults}
    assert says.keys() == {path.name for path in tmp_path.iterdir()}
    assert "line 2: this is not UTF-8 text. Save the file as UTF-8." in says["bytes@1.yaml"]
    assert "it has 1048577 bytes. Make it smaller" in says["large@1.yaml"]
    assert "Correct the YAML" in says["deep@1.yml"]
    assert "cannot be read" in says["folder@1.yaml"]
    assert "they say tiny@1. Rename the file to tiny@1.yaml, or correct them." in says["Tiny.yml"]
    (tmp_path / "file").write_text("")
    (fault,) = catalogue(tmp_path / "file").faults
    assert "Name a folder" in fault.remedy


@given(st.text(alphabet=st.sampled_from("id: tiny\n-{}[]&*!'\"#|>%@`,?\t\\x01é\u2028"), max_size=80) | st.binary(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_file_is_a_template_or_a_fault(content: str | bytes):
    data = content if isinstance(content, bytes) else content.encode()
    with pytest.raises(DataFileError) as refusal:
        read(data, "x@1.yaml", TemplateFile)
    assert all(str(fault).startswith("x@1.yaml") and fault.says and fault.remedy for fault in refusal.value.faults)


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_a_template_cut_short_never_passes_for_the_whole(data: st.DataObject):
    whole = read(OWN.encode(), "x", TemplateFile)
    try:
        cut = read(OWN.encode()[: data.draw(st.integers(0, len(OWN) - 2))], "x", TemplateFile)
    except DataFileError:
        return
    assert cut.id == whole.id
    assert cut != whole


# The model


REFUSED = {
    "unknown key": (GOOD + "colour: red\n", "colour"),
    "unknown key of a point": (GOOD.replace("look: Seams.", "look: Seams., number: 4"), "number"),
    "misspelt key": (GOOD.replace("source:", "sources:"), "sources"),
    "key missing": (GOOD.replace("title: Tiny\n", ""), "title"),
    "look missing": (GOOD.replace(", look: Seams.", ""), "look"),
    "look blank": (GOOD.replace("look: Seams.", "look: ' '"), "look"),
    "no points": (GOOD.split("points:")[0] + "points: []\n", "points"),
    "points is a text": (GOOD.split("points:")[0] + "points: floor\n", "points"),
    "version 0": (GOOD.replace("version: 1", "version: 0"), "version"),
    "version in words": (GOOD.replace("version: 1", "version: first"), "version"),
    "area with a space": (GOOD.replace("area: floor", "area: the floor"), "area"),
    "area with capitals": (GOOD.replace("area: floor", "area: Floor"), "area"),
    "area is a number": (GOOD.replace("area: floor", "area: 4"), "area"),
    "area is a number in quotes": (GOOD.replace("area: floor", "area: '4'"), "area"),
    "area twice": (GOOD + "  - {area: floor, title: Floor, look: Seams.}\n", "there twice"),
    "id with a slash": (GOOD.replace("id: tiny", "id: ../tiny"), "id"),
    "empty file": ("", "Template"),
    "a list": ("- 1\n", "Template"),
}


def test_the_good_one_is_good():
    assert Template.model_validate(yaml.safe_load(GOOD)).point("floor").look == "Seams."


@pytest.mark.parametrize("case", REFUSED)
def test_a_wrong_template_is_refused(case: str):
    text, names = REFUSED[case]
    with pytest.raises(ValidationError, match=names):
        Template.model_validate(yaml.safe_load(text))


def test_a_template_cannot_be_changed():
    template = templates()["container_7_point"]
    with pytest.raises(ValidationError, match="frozen"):
        template.version = 3


def test_the_digest_is_that_of_the_content():
    template = Template.model_validate(yaml.safe_load(GOOD))
    assert template.sha256 == Template.model_validate(yaml.safe_load(GOOD + "size_types: []\n")).sha256
    assert template.sha256 != Template.model_validate(yaml.safe_load(GOOD.replace("Seams.", "Seam."))).sha256
