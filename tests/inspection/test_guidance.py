"""What to do about a finding: for every label at every stage, and what must not be done."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pestcheck.inspection.guidance import Action, Condition, ManifestedCargo, Phase, Role, Rules, Stage, guidance, rules
from pestcheck.settings import Settings
from pestcheck.taxonomy import CTPAT_CLASS, LABELS

CONTAMINANTS = [label.id for label in LABELS.values() if label.contaminant]
NAMES = [*CONTAMINANTS, *map(str, CTPAT_CLASS), "unsure", *rules().named_by_people]
TEXT = (files("pestcheck.inspection") / "guidance" / "us@1.yaml").read_text("utf-8")
NOTICE = "Confirm with your local CBP or APHIS contact."


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("found", NAMES)
def test_each_label_has_guidance_at_each_stage(found: str, stage: Stage):
    given_ = guidance(found, stage)
    general = rules().stages[stage].steps
    assert set(general) < set(given_.steps), "something that is about this finding, too"
    assert given_.call
    assert given_.severity in (1, 2, 3)
    assert given_.notice == NOTICE
    assert NOTICE in given_.lines()[0]
    assert [list(Phase).index(step.phase) for step in given_.steps] == sorted(list(Phase).index(step.phase) for step in given_.steps)
    if stage is Stage.EMPTY_AT_ORIGIN:
        assert given_.action in (Action.CLEAN, Action.ASK_FIRST)
        assert {step for step in given_.steps if step.phase is Phase.CLEAN} - set(general), "how it is cleaned"
    else:
        assert not [step for step in given_.steps if step.phase is Phase.CLEAN], "cleaning is only for empty conveyances at the origin"


def test_what_comes_first_at_each_stage():
    assert {stage: guidance("soil", stage).action for stage in Stage} == {
        Stage.EMPTY_AT_ORIGIN: Action.CLEAN,
        Stage.LOADED_OR_IN_TRANSIT: Action.HOLD,
        Stage.BEFORE_BORDER: Action.HOLD,
        Stage.ARRIVED_IN_US: Action.DO_NOT_TOUCH,
    }
    for found in NAMES:
        arrived = guidance(found, Stage.ARRIVED_IN_US)
        assert arrived.headline == "Close the doors. Do not wash, sweep or move anything."
        assert {Role.CBP_AGRICULTURE, Role.APHIS} <= {call.role for call in arrived.call}
        for stage in (Stage.LOADED_OR_IN_TRANSIT, Stage.BEFORE_BORDER):
            assert any("Do not break the seal" in step.do for step in guidance(found, stage).steps)


def test_khapra_like_skins_and_egg_masses_are_not_swept_or_washed_off():
    skin = guidance("khapra_like_skin", Stage.EMPTY_AT_ORIGIN)
    assert skin.action is Action.ASK_FIRST
    assert any("Do not sweep" in step.do for step in skin.steps)
    assert not any(re.search(r"(?<!not )(?<!not blow\. )\b[Vv]acuum|then wash|Sweep", step.do) for step in skin.steps)
    eggs = guidance("lanternfly_egg_mass", Stage.EMPTY_AT_ORIGIN)
    assert (
        [step.do for step in eggs.steps if "wash" in step.do] == [step.do for step in eggs.steps if "Do not wash it off" in step.do] != []
    )


@pytest.mark.parametrize(
    ("found", "alive", "dead", "unknown"),
    [
        ("beetle", 3, 1, 3), ("snail", 3, 2, 3), ("lanternfly_egg_mass", 3, 3, 3), ("khapra_like_skin", 3, 3, 3), ("borer_signs", 3, 3, 3),
        ("soil", 3, 2, 2), ("seed", 2, 2, 2), ("plant_matter", 2, 1, 2), ("unmarked_wood", 2, 2, 2), ("fungus_mould", 1, 1, 1),
        ("water", 3, 1, 1), ("spotted_lanternfly", 3, 2, 3), ("unsure", 3, 2, 3), ("insect", 3, 1, 3),
    ],
)  # fmt: skip
def test_severity(found: str, alive: int, dead: int, unknown: int):
    stage = Stage.EMPTY_AT_ORIGIN
    levels = [guidance(found, stage, condition=condition).severity for condition in (Condition.ALIVE, Condition.DEAD, Condition.UNKNOWN)]
    assert levels == [alive, dead, unknown]
    assert "pestcheck's own scale" in guidance(found, stage).severity_in_words


@pytest.mark.parametrize("found", NAMES)
def test_the_unknown_is_never_taken_for_better_than_the_dead_nor_the_dead_for_worse_than_the_living(found: str):
    levels = [
        guidance(found, Stage.ARRIVED_IN_US, condition=one).severity or 0 for one in (Condition.DEAD, Condition.UNKNOWN, Condition.ALIVE)
    ]
    assert levels == sorted(levels)


@pytest.mark.parametrize("stage", Stage)
def test_the_manifested_cargo_is_no_contamination_but_what_lives_in_it_is(stage: Stage):
    grain = guidance("seed", stage, cargo=ManifestedCargo(cargo="Wheat in bulk", reason="bill of lading 7 says wheat"))
    assert (grain.action, grain.severity, grain.call) == (Action.RECORD, None, ())
    assert any("contamination all the same" in step.do for step in grain.steps)
    assert not any(line.startswith("Severity") for line in grain.lines())
    assert NOTICE in grain.lines()[0]


@pytest.mark.parametrize("wrong", [{"cargo": "wheat"}, {"cargo": "wheat", "reason": "  "}, {"cargo": "", "reason": "so"}, {"reason": "so"}])
def test_it_needs_the_cargo_and_a_reason(wrong: dict[str, str]):
    with pytest.raises(ValidationError, match=r"cargo|reason"):
        ManifestedCargo.model_validate(wrong)


@pytest.mark.parametrize("found", [label.id for label in LABELS.values() if not label.contaminant])
def test_a_clean_surface_needs_no_guidance(found: str):
    with pytest.raises(ValueError, match="clean surface, not contamination: reject the finding"):
        guidance(found, Stage.EMPTY_AT_ORIGIN)


@given(st.text(max_size=80).filter(lambda text: text not in NAMES and text not in LABELS))
@settings(max_examples=100, deadline=None)
def test_what_nobody_knows_is_refused(found: str):
    with pytest.raises(ValueError, match="Nothing is known about"):
        guidance(found, Stage.EMPTY_AT_ORIGIN)


def test_contacts_come_from_the_settings(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PESTCHECK_CONTACTS", '{"cbp_agriculture": "Port of Laredo, +1 555 0100"}')
    lines = guidance("snail", Stage.ARRIVED_IN_US, contacts=Settings().contacts).lines()
    (cbp,) = [line for line in lines if line.startswith("Call: CBP agri")]
    assert cbp.endswith(": Port of Laredo, +1 555 0100")
    assert [line for line in lines if "PESTCHECK_CONTACTS" in line and "APHIS" in line]
    monkeypatch.setenv("PESTCHECK_CONTACTS", '{"cbp": "x"}')
    with pytest.raises(ValidationError, match="cbp_agriculture"):
        Settings()


def test_labels_belong_where_the_taxonomy_puts_them():
    for key, matter in rules().matters.items():
        if key in LABELS and key not in CTPAT_CLASS:
            assert matter.of == LABELS[key].group
            assert matter.name is None
    assert not rules().named_by_people.keys() & (LABELS.keys() | CTPAT_CLASS.keys())


def test_no_word_that_only_an_authority_may_say():
    assert not re.search("actionable|quarantine|usda.approved", TEXT, re.I)


def test_the_rules_have_versions():
    assert rules() == rules(1)
    assert guidance("soil", Stage.EMPTY_AT_ORIGIN).rules == "us@1"
    with pytest.raises(LookupError, match="no rules of version 9; there are: 1"):
        rules(9)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("  egg_mass:\n", "  egg_masses:\n"), "matters lacks egg_mass"),
        (("  arrived_in_us:\n    title", "  arrived:\n    title"), "arrived_in_us"),
        (("  unmarked_wood:\n    name: Wood packaging without a good mark\n", "  unmarked_wood:\n"), "'unmarked_wood' is no label"),
        (("  ant:\n    of: insect", "  ant:\n    of: insects"), "'ant' must have name, severity and steps"),
        (("  aphis: The APHIS", "  usda: The APHIS"), "roles.usda"),
        (("severity: {alive: 3, dead: 1, unknown: 3}", "severity: {alive: 4, dead: 1, unknown: 3}"), "less than or equal to 3"),
        (("phase: protect, do: Do not touch hairy", "do: Do not touch hairy"), "phase"),
        ((", source: IPPC guide on container cleanliness", ""), "source"),
    ],
)
def test_rules_with_a_hole_are_refused(change: tuple[str, str], says: str):
    assert change[0] in TEXT
    with pytest.raises(ValidationError, match=says):
        Rules.model_validate(yaml.safe_load(TEXT.replace(change[0], change[1], 1)))
