"""Which questions are open, and what is missing: on a small template case by case, on the shipped ones as properties."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pestcheck.inspection.checklist import NoTemplate, Template, shipped, templates
from pestcheck.inspection.progress import Progress, progress
from pestcheck.inspection.template import DOES_NOT_APPLY, AnswerForm, Check, Kind

SMALL = Template.model_validate(
    yaml.safe_load("""
id: small
version: 1
title: Small
source: ours
if_not_in_order: [{id: what, kind: security, ask: "What is wrong?", answer: text, source: ours, photographs: [What is wrong]}]
if_contamination: [{id: stopped, kind: pest, ask: "Has loading stopped?", source: ours, may_not_apply: true}]
points:
  - area: floor
    title: Floor
    look: Seams.
    checks:
      - id: level
        kind: security
        ask: Is it level?
        source: ours
        if_no:
          - {id: height, kind: security, ask: "How high?", answer: number, unit: cm, source: ours}
          - {id: painted, kind: security, ask: "Is the paint old?", source: ours, required: false}
      - id: clean
        kind: pest
        ask: Is it clean?
        source: ours
        photographs: [The whole floor]
        if_yes:
          - {id: method, kind: pest, ask: "How was it cleaned?", answer: choice, choices: [swept, washed], source: ours}
    if_contamination: [{id: under, kind: pest, ask: "Is it clean underneath?", source: ours, photographs: [Underneath]}]
  - {area: roof, title: Roof, look: Bows.}
""")
)


def at(answers: dict[str, str], **more: int) -> Progress:
    return progress(SMALL, "floor", answers, **more)


def ids(found: Progress) -> list[str]:
    return [check.id for check in found.open]


@pytest.mark.parametrize(
    ("answers", "finding", "open_"),
    [
        ({}, False, ["level", "clean"]),
        ({"level": "yes"}, False, ["level", "clean"]),
        ({"level": "no"}, False, ["level", "height", "painted", "clean", "what"]),
        ({"level": "no", "painted": "no"}, False, ["level", "height", "painted", "clean", "what"]),
        ({"level": "na"}, False, ["level", "clean"]),
        ({"clean": "yes"}, False, ["level", "clean", "method"]),
        ({"clean": "no"}, False, ["level", "clean", "under", "stopped"]),
        ({}, True, ["level", "clean", "under", "stopped"]),
        ({"clean": "no"}, True, ["level", "clean", "under", "stopped"]),
        ({"level": "no", "clean": "no"}, False, ["level", "height", "painted", "clean", "what", "under", "stopped"]),
        ({"height": "3", "painted": "no", "under": "no", "what": "x"}, False, ["level", "clean"]),  # left over from an answer since changed
    ],
)
def test_a_no_and_a_finding_open_their_questions(answers: dict[str, str], finding: bool, open_: list[str]):
    assert ids(at(answers, finding=finding)) == open_


def test_what_is_missing_is_said_in_words():
    assert at({}).missing == (
        "Floor: no answer to: Is it level?",
        "Floor: no answer to: Is it clean?",
        "Floor: 0 of 1 photographs; they must show: The whole floor",
    )
    assert at({"level": "yes", "clean": "yes"}, photographs=1).missing == ("Floor: no answer to: How was it cleaned?",)
    assert at({"level": "yes", "clean": "yes", "method": "swept"}, photographs=1).missing == ()
    assert at({"level": "no", "height": "2,5", "what": "a plate", "clean": "yes", "method": "washed"}, photographs=1).missing == (
        "Floor: 1 of 2 photographs; they must show: The whole floor; What is wrong",
    )
    assert "painted" not in str(at({"level": "no"}).missing)  # it need not be answered


def test_what_is_no_answer_is_said_with_what_would_be():
    missing = at({"level": "na", "clean": "yes", "method": "blown"}, photographs=1).missing
    assert missing == (
        "Floor: 'na' is no answer to: Is it level? (one of: yes, no)",
        "Floor: 'blown' is no answer to: How was it cleaned? (one of: swept, washed)",
    )
    missing = at({"level": "no", "height": "high", "what": "x", "clean": "yes", "method": "swept"}, photographs=2).missing
    assert missing == ("Floor: 'high' is no answer to: How high? (a number of cm)",)


def test_a_confirmed_finding_and_a_clean_answer_do_not_go_together():
    answers = {"level": "yes", "clean": "yes", "method": "swept", "under": "yes", "stopped": DOES_NOT_APPLY}
    found = at(answers, finding=True, photographs=2)
    assert found.missing == ("Floor: a finding is confirmed, but no pest question is answered no",)
    assert found.contamination
    assert at({**answers, "clean": "no"}, finding=True, photographs=2).missing == ()
    assert not at(answers, photographs=2).contamination
    assert at({"clean": "no"}).contamination


def test_a_point_without_questions_is_complete_and_an_unknown_one_is_refused():
    assert progress(SMALL, "roof", {}) == Progress((), (), False)
    found = progress(SMALL, "roof", {}, finding=True)
    assert [check.id for check in found.open] == ["stopped"]
    assert found.missing == ("Roof: no answer to: Has loading stopped?",)
    with pytest.raises(NoTemplate, match="small@1 has no area 'wall'"):
        progress(SMALL, "wall", {})


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        ({"answer": "number"}, ["0", "12", "2.5", "2,5"], ["", "-1", "1e3", "inf", "١", "1 cm", "na", "1\n"]),
        ({"answer": "number", "may_not_apply": True}, ["na", "1"], ["n/a"]),
        ({"answer": "text"}, ["x", " na "], ["", " \n"]),
        ({}, ["yes", "no"], ["", "Yes", "na", "true"]),
        ({"may_not_apply": True}, ["yes", "no", "na"], ["maybe"]),
        ({"answer": "choice", "choices": ["HT", "MB"]}, ["HT", "MB"], ["ht", "na", ""]),
    ],
)
def test_what_an_answer_may_be(form: dict[str, object], good: list[str], bad: list[str]):
    check = Check.model_validate({"id": "a", "kind": "pest", "ask": "A?", "source": "ours"} | form)
    assert [text for text in [*good, *bad] if check.accepts(text)] == good


# On the shipped templates

POINTS = [(template, point.area) for template in shipped().versions.values() for point in template.points]
ANSWERS = st.sampled_from(["yes", "no", "na", "7", "HT", "a plate", ""])
SOME = settings(max_examples=200, deadline=None)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Template, str, dict[str, str], bool, int]:
    template, area = draw(st.sampled_from(POINTS))
    point = template.point(area)
    shared = [check.id for first in (*template.if_not_in_order, *template.if_contamination) for check in first.all()]
    names = [check.id for check in point.all_checks()] + shared
    answers = draw(st.dictionaries(st.sampled_from(names), ANSWERS)) if names else {}
    return template, area, answers, draw(st.booleans()), draw(st.integers(0, 9))


@given(cases())
@SOME
def test_open_questions_follow_from_answers_to_open_questions_only(case: tuple[Template, str, dict[str, str], bool, int]):
    template, area, answers, finding, photographs = case
    found = progress(template, area, answers, finding=finding, photographs=photographs)
    assert len(set(ids(found))) == len(found.open)
    assert {check.id for check in template.point(area).checks} <= set(ids(found))
    shown = {key: value for key, value in answers.items() if key in ids(found)}
    assert progress(template, area, shown, finding=finding, photographs=photographs) == found


@given(cases())
@SOME
def test_a_finding_opens_questions_and_closes_none(case: tuple[Template, str, dict[str, str], bool, int]):
    template, area, answers, _, photographs = case
    without, with_ = (progress(template, area, answers, finding=finding, photographs=photographs) for finding in (False, True))
    assert set(ids(without)) <= set(ids(with_))
    assert with_.contamination
    assert len(with_.missing) >= len(without.missing)


@given(cases())
@SOME
def test_answering_what_is_open_until_nothing_is_leads_to_the_end(case: tuple[Template, str, dict[str, str], bool, int]):
    """However bad the news: a point can always be completed by answering what is shown and taking the photographs asked for."""
    template, area, answers, finding, _ = case
    given_ = dict(answers)
    if finding:
        given_ |= {check.id: "no" for check in template.point(area).checks if check.kind is Kind.PEST and check.answer is AnswerForm.YES_NO}
    for _ in range(20):
        found = progress(template, area, given_, finding=finding, photographs=99)
        wanted = [check for check in found.open if not check.accepts(given_.get(check.id, ""))]
        if not wanted:
            break
        given_ |= {check.id: {AnswerForm.NUMBER: "1", AnswerForm.TEXT: "so"}.get(check.answer, (*check.answers, "")[0]) for check in wanted}
    assert found.missing == ()


def test_in_order_and_clean_asks_nothing_further():
    for template in templates().values():
        for point in template.points:
            answers = {check.id: "yes" for check in point.all_checks()}
            found = progress(template, point.area, answers, photographs=99)
            shared = {check.id for check in (*template.if_not_in_order, *template.if_contamination)}
            assert not shared & set(ids(found))
            assert not found.contamination
