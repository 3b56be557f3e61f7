"""How answers of a quiz are judged, and the questions that need no photograph."""

from __future__ import annotations

import pytest

from pestcheck.inspection import knowledge
from pestcheck.inspection.guidance import Action, Stage
from pestcheck.inspection.quiz import Seen, Thing, drawn, judge, named, near, points, result, shuffled, todo
from pestcheck.inspection.yamlfile import DataFileError, read
from pestcheck.records.training import TOPICS

SIZE = (1600, 1200)
EMPTY = Stage.EMPTY_AT_ORIGIN
ANT = Thing("ant", (100, 100, 140, 140))


def seen(where: tuple[int, int] | None = (120, 120), what: str = "ant", act: Action = Action.CLEAN) -> Seen:
    return Seen(contaminated=True, where=where, what=what, todo=act)


def test_all_right_and_all_wrong() -> None:
    assert judge([ANT], EMPTY, SIZE, seen()) == {"present": 1, "where": 1, "what": 1, "todo": 1}
    assert points(judge([ANT], EMPTY, SIZE, Seen(contaminated=False))) == 0
    assert judge([], EMPTY, SIZE, Seen(contaminated=False)) == {"present": 1}
    assert judge([], EMPTY, SIZE, seen()) == {"present": 0}


@pytest.mark.parametrize(
    ("point", "is_near"),
    [((120, 120), True), ((36, 120), True), ((35, 120), False), ((204, 204), True), ((205, 120), False), ((1599, 1199), False)],
)
def test_a_tap_counts_in_the_box_or_near_it(point: tuple[int, int], is_near: bool) -> None:
    assert near((100, 100, 140, 140), point, SIZE) is is_near  # 4 % of 1600 is 64


def test_near_a_large_box_is_half_its_side() -> None:
    assert near((400, 400, 800, 800), (200, 600), SIZE)
    assert not near((400, 400, 800, 800), (199, 600), SIZE)


@pytest.mark.parametrize(
    ("right", "said", "worth"),
    [
        ("ant", "ant", 1), ("ant", "insect", 1), ("ant", "bee", 0.5), ("ant", "soil", 0), ("ant", "snail", 0), ("ant", None, 0),
        ("insect", "bee", 1), ("insect", "insect", 1), ("insect", "spider", 0), ("khapra_like_skin", "insect", 1), ("khapra_like_skin", "beetle", 0.5),
        ("unsure", "unsure", 1), ("unsure", "ant", 0),
    ],
)  # fmt: skip
def test_the_label_or_its_group(right: str, said: str | None, worth: float) -> None:
    assert named(right, said) == worth


def test_where_is_not_asked_where_nobody_knows() -> None:
    assert judge([Thing("soil")], EMPTY, SIZE, seen(None, "soil")) == {"present": 1, "what": 1, "todo": 1}


def test_of_several_things_the_one_that_was_tapped_is_named() -> None:
    soil = Thing("soil", (1000, 900, 1200, 1100))
    assert judge([ANT, soil], EMPTY, SIZE, seen((1100, 1000), "soil"))["what"] == 1
    assert judge([ANT, soil], EMPTY, SIZE, seen((120, 120), "soil"))["what"] == 0
    assert judge([ANT, soil], EMPTY, SIZE, seen((600, 300), "soil")) == {"present": 1, "where": 0, "what": 1, "todo": 1}


def test_of_several_rules_the_most_careful_counts() -> None:
    assert todo([Thing("soil")], EMPTY) is Action.CLEAN
    assert todo([Thing("soil"), Thing("lanternfly_egg_mass")], EMPTY) is Action.ASK_FIRST
    assert todo([Thing("soil")], Stage.ARRIVED_IN_US) is Action.DO_NOT_TOUCH
    assert todo([Thing("ant")], Stage.LOADED_OR_IN_TRANSIT) is Action.HOLD


def test_nobody_passes_who_misses_the_pests() -> None:
    right, missed = {"choice": 1.0}, {"present": 0.0, "what": 0.0, "todo": 0.0}
    found = {"present": 1.0, "what": 1.0, "todo": 1.0}
    assert result([right] * 8 + [found, found], 0.8).passed
    lost = result([right] * 8 + [found, missed], 0.8)
    assert (lost.score, lost.found, lost.passed) == (0.9, 0.5, False)
    assert result([right] * 4 + [{"choice": 0.0}], 0.8).passed
    assert not result([right] * 3 + [{"choice": 0.0}], 0.8).passed
    assert result([right], 1.0).found is None
    assert not result([], 0.5).passed


def test_the_order_is_the_same_for_the_same_attempt_only() -> None:
    items = [str(n) for n in range(20)]
    assert shuffled(items, "a") == shuffled(reversed(items), "a") != shuffled(items, "b")
    assert sorted(shuffled(items, "a")) == sorted(items)


@pytest.mark.parametrize("count", [3, 5, 7, 10, 39])
def test_a_draw_keeps_the_shares(count: int) -> None:
    groups = {
        "clean": [f"c{n}" for n in range(10)],
        "contaminated": [f"p{n}" for n in range(10)],
        "knowledge": [f"k{n}" for n in range(20)],
    }
    asked = drawn(groups, count, "seed")
    assert len({*asked}) == len(asked) == count
    for name, share in (("c", 0.25), ("p", 0.25), ("k", 0.5)):
        assert abs(sum(one.startswith(name) for one in asked) - count * share) < 1
    assert drawn(groups, None, "x") != drawn(groups, None, "y")
    assert len(drawn(groups, 99, "x")) == 40
    assert drawn({"clean": []}, 3, "x") == []


def test_the_questions_that_are_shipped() -> None:
    known = knowledge.knowledge()
    assert len(known.questions) >= 30
    assert {one.topic for one in known.questions} == {*TOPICS}
    assert {one.section for one in known.questions} == {*known.sections}
    for one in known.questions:
        assert knowledge.question(known.reference(one)) == one
    with pytest.raises(LookupError, match="There are no questions of version 99"):
        knowledge.knowledge(99)
    for wrong in ("us@1/none", "us@99/bark", "mx@1/bark", "us/bark", "us@x/bark", "us@99999999/bark", ""):
        assert knowledge.question(wrong) is None


FILE = """
id: us
version: 1
source: ours
sections: {wood: Wood}
questions:
  - {id: one, topic: inspection, section: SECTION, ask: Which?, right: this, wrong: [WRONG, other], because: so, source: ours}
  - {id: KEY, topic: inspection, section: wood, ask: Which?, right: this, wrong: [that, other], because: so, source: ours}
"""


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, ""),
        ({"KEY": "one"}, "there twice"),
        ({"SECTION": "steel"}, "not listed"),
        ({"WRONG": "this"}, "an answer twice"),
        ({"id: KEY": "name: two"}, "no such field"),
    ],
)
def test_a_file_of_questions_is_whole_or_refused(change: dict[str, str], says: str) -> None:
    text = FILE
    for gap, value in ({"SECTION": "wood", "WRONG": "that", "KEY": "two"} | change).items():
        text = text.replace(gap, value)
    if "id: KEY" in change:
        text = FILE.replace("SECTION", "wood").replace("WRONG", "that").replace("id: KEY", "name: two")
    if not says:
        assert len(read(text.encode(), "a.yaml", knowledge.Knowledge).questions) == 2
        return
    with pytest.raises(DataFileError, match=says):
        read(text.encode(), "a.yaml", knowledge.Knowledge)
