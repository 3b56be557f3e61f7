"""Which criteria an answer is evidence of, for each kind of member."""

from __future__ import annotations

import pytest

from pestcheck.inspection.checklist import shipped, templates
from pestcheck.inspection.criteria import Criteria, Entity, criteria


def test_each_question_names_criteria_that_have_an_id_for_each_kind_of_member():
    for template in shipped().versions.values():
        for check in template.all_checks():
            for entity in Entity:
                assert criteria(template.criteria).ids(check.evidences, entity), (template.name, check.id, entity)


def test_ids_are_those_of_the_criteria():
    """Where common lists get them wrong: cleaning is 5.7 and not 5.6, the record is a should, staging areas are 7.2."""
    ids = {key: one.ids[Entity.IMPORTER] for key, one in criteria(1).by_key.items()}
    assert ids["contamination_removed"] == "5.7"
    assert ids["controlled_area"] == "5.6"
    assert criteria(1).by_key["inspection_record"].level == "should"
    assert criteria(1).by_key["contamination_removed"].level == "must"
    assert "5.3" in criteria(1).ids(templates()["container_7_point"].point("floor").checks[0].evidences, Entity.HIGHWAY_CARRIER)
    assert criteria(1).ids(templates()["staging_area"].point("staging_floor").checks[0].evidences, Entity.EXPORTER) == ("7.2", "8.1")


def test_ids_differ_by_kind_of_member_and_what_does_not_apply_is_left_out():
    one = {"level": "must", "gist": "g", "source": "s"}
    rows = [{"key": "a", "ids": {"importer": "5.10", "exporter": "5.2"}, **one}, {"key": "b", "ids": {"importer": "5.9"}, **one}]
    found = Criteria.model_validate({"version": 1, "source": "s", "note": "n", "criteria": rows})
    assert found.ids(["a", "b", "a"], Entity.IMPORTER) == ("5.9", "5.10")
    assert found.ids(["a", "b"], Entity.EXPORTER) == ("5.2",)
    assert found.ids(["a", "b"], Entity.MANUFACTURER) == ()
    with pytest.raises(KeyError):
        found.ids(["c"], Entity.IMPORTER)


def test_a_version_that_is_not_there():
    with pytest.raises(LookupError, match="no version 9"):
        criteria(9)
