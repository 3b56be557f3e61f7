"""Seals as the criteria and ISO 17712 ask for them, the four looks, and lives of seals that cannot be true."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pestcheck.inspection.seals import (
    FAILED,
    QUESTIONS,
    Act,
    Answer,
    Look,
    ProblemKind,
    Seal,
    SealCheck,
    SealClass,
    SealEvent,
    SealType,
    seal_key,
    seal_register,
)

SOME = settings(max_examples=200, deadline=None)
DAY = datetime(2026, 11, 24, 8, tzinfo=UTC)
BOX, OTHER_BOX = "CSQU3054383", "MWCU6059784"


# the number


@pytest.mark.parametrize(
    "typed",
    [
        "AB 123456",
        "ab123456",
        "AB-123-456",
        " AB\u00a0123456\n",
        "AB–123456",
        "AB\u2011123456",
        "AB\u00ad123456",
        "AB\u200b123456",
        "ＡＢ１２３４５６",
    ],
)
def test_the_same_number(typed):
    assert seal_key(typed) == seal_key("AB123456")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0012345", "12345"),
        ("AB123O", "AB1230"),
        ("AB123I", "AB1231"),
        ("AB12345", "AB123456"),
        ("AB123/4", "AB1234"),
        ("AB123.4", "AB1234"),
        ("AB#1234", "AB1234"),
        ("M²", "M2"),
        ("ß1", "SS1"),
        ("ı1", "I1"),
        ("АB1", "AB1"),  # Cyrillic
        ("AB١", "AB1"),
        ("", "0"),
    ],
)
def test_different_numbers(one, other):
    assert seal_key(one) != seal_key(other)


NUMBER = st.text("ABCXYZ0123456789/.#", min_size=1, max_size=12)


@SOME
@given(NUMBER, NUMBER)
def test_keys_are_equal_only_for_the_same_characters(one, other):
    assert (seal_key(one) == seal_key(other)) == (one == other)


@SOME
@given(NUMBER, st.lists(st.tuples(st.integers(0, 12), st.sampled_from(" -–\t\u00a0"))), st.booleans())
def test_case_spaces_and_hyphens_do_not_count(number, between, lower):
    typed = number.lower() if lower else number
    for place, character in between:
        typed = typed[:place] + character + typed[place:]
    assert seal_key(typed) == seal_key(number)


@SOME
@given(st.text())
def test_a_key_is_its_own_key(text):
    assert seal_key(seal_key(text)) == seal_key(text)


# what the seal is


def test_the_seal_that_is_asked_for():
    assert Seal("AB123456", SealClass.HIGH_SECURITY, SealType.BOLT, "Maker").problems() == ()


@pytest.mark.parametrize(
    ("seal", "says"),
    [
        (Seal(" - ", SealClass.HIGH_SECURITY, SealType.BOLT, "Maker"), "no number"),
        (Seal("1", None, SealType.BOLT, "Maker"), "class was not read"),
        (Seal("1", SealClass.SECURITY, SealType.CABLE, "Maker"), "class S is not high security"),
        (Seal("1", SealClass.INDICATIVE, SealType.LABEL, "Maker"), "class I is not high security"),
        (Seal("1", SealClass.HIGH_SECURITY, SealType.BOLT, " "), "CTPAT 6.5"),
    ],
)
def test_what_keeps_a_seal_from_being_it(seal, says):
    """CTPAT 6.2 (high security), 6.5 (proof of ISO 17712)."""
    (problem,) = seal.problems()
    assert says in problem


def test_classes_are_the_letters_on_the_seal():
    assert [SealClass(letter) for letter in "ISH"] == list(SealClass)


# View, Verify, Tug, Twist

YES = Look(Answer.YES)
GOOD = SealCheck(YES, YES, YES, YES, "AB 123", "ab123", "0" * 64)


def test_a_seal_with_four_yes():
    assert GOOD.problems() == ()


@pytest.mark.parametrize("name", ["view", "verify", "tug", "twist"])
def test_a_no_says_what_to_do(name):
    """CTPAT 6.7, and 5.29 for the alert."""
    problems = replace(GOOD, **{name: Look(Answer.NO, "loose")}).problems()
    assert problems[0] == f"{name.capitalize()} failed: {FAILED[name]}"
    assert "hold" in problems[0]
    assert "5.29" in problems[1]
    assert len(problems) == 2


@pytest.mark.parametrize("name", ["view", "verify", "tug", "twist"])
def test_not_possible_is_not_done(name):
    (with_note,) = replace(GOOD, **{name: Look(Answer.NOT_POSSIBLE, "doors against the wall")}).problems()
    assert "doors against the wall" in with_note
    assert "does not count as done" in with_note
    (without,) = replace(GOOD, **{name: Look(Answer.NOT_POSSIBLE, " ")}).problems()
    assert "say why in the note" in without


def test_four_looks_in_their_order():
    assert list(QUESTIONS) == ["view", "verify", "tug", "twist"] == list(FAILED)


@pytest.mark.parametrize(
    ("number", "document", "says"),
    [
        ("AB 123", "AB124", "AB 123 on the seal is not AB124 in the documents"),
        ("AB0123", "AB123", "is not"),
        ("", "AB123", "not both numbers"),
        ("AB123", "", "not both numbers"),
        ("-", "-", "not both numbers"),
    ],
)
def test_a_yes_to_verify_must_agree_with_the_numbers(number, document, says):
    (problem,) = replace(GOOD, number=number, document_number=document).problems()
    assert says in problem


def test_a_no_to_verify_needs_no_second_word_about_the_numbers():
    problems = replace(GOOD, verify=Look(Answer.NO), document_number="AB124").problems()
    assert not any("answered yes" in problem for problem in problems)


def test_the_number_is_photographed():
    (problem,) = replace(GOOD, photo="").problems()
    assert "CTPAT 7.5" in problem


# the register


def event(act, day, container="", number="AB123456", document="", inspection=""):
    return SealEvent(act, number, DAY + timedelta(days=day), inspection, container, document)


ISSUED = event(Act.ISSUED, 0)
AFFIXED = event(Act.AFFIXED, 1, BOX, document="AB-123456")
VERIFIED = event(Act.VERIFIED, 2, BOX, document="ab 123456")
BROKEN = event(Act.BROKEN, 3, BOX)
DESTROYED = event(Act.DESTROYED, 4)
LIFE = [ISSUED, AFFIXED, VERIFIED, BROKEN, DESTROYED]


@pytest.mark.parametrize("count", range(6))
def test_a_life_without_problems(count):
    assert seal_register(LIFE[:count]) == ()


@pytest.mark.parametrize(
    "life",
    [
        pytest.param([ISSUED, DESTROYED], id="destroyed unused"),
        pytest.param([ISSUED, AFFIXED, replace(VERIFIED, container=""), BROKEN], id="verified, container not written down"),
        pytest.param([ISSUED, AFFIXED, replace(VERIFIED, container="csqu 305438-3"), BROKEN], id="container typed differently"),
        pytest.param([ISSUED, AFFIXED, VERIFIED, replace(VERIFIED, time=DAY + timedelta(days=2, hours=1)), BROKEN], id="verified twice"),
        pytest.param([*LIFE, *LIFE], id="every line sent twice"),
        pytest.param([], id="empty"),
    ],
)
def test_other_lives_without_problems(life):
    assert seal_register(life) == ()


CASES = {
    "affixed on two conveyances": (
        [ISSUED, AFFIXED, event(Act.AFFIXED, 2, OTHER_BOX)],
        ProblemKind.SEEN_TWICE,
        f"on another conveyance, affixed on {BOX}",
    ),
    "verified on another conveyance": (
        [ISSUED, AFFIXED, event(Act.VERIFIED, 2, OTHER_BOX)],
        ProblemKind.SEEN_TWICE,
        "two seals have one number",
    ),
    "verified on two, affixed on none written down": (
        [ISSUED, replace(AFFIXED, container=""), VERIFIED, event(Act.VERIFIED, 3, OTHER_BOX)],
        ProblemKind.SEEN_TWICE,
        f"verified on {BOX}",
    ),
    "broken on another conveyance": ([ISSUED, AFFIXED, event(Act.BROKEN, 2, OTHER_BOX)], ProblemKind.SEEN_TWICE, "another conveyance"),
    "affixed again after broken": (
        [ISSUED, AFFIXED, BROKEN, event(Act.AFFIXED, 5, BOX)],
        ProblemKind.SEEN_TWICE,
        "a broken seal is never used again",
    ),
    "verified after broken": (
        [ISSUED, AFFIXED, BROKEN, event(Act.VERIFIED, 5, BOX)],
        ProblemKind.SEEN_TWICE,
        "two seals may have this number",
    ),
    "issued twice": ([ISSUED, event(Act.ISSUED, 1)], ProblemKind.SEEN_TWICE, "two seals must not have one number"),
    "issued again after use": ([*LIFE, event(Act.ISSUED, 9)], ProblemKind.SEEN_TWICE, "had already been issued"),
    "never issued, affixed": ([AFFIXED, VERIFIED, BROKEN, DESTROYED], ProblemKind.NEVER_ISSUED, "this register never issued it"),
    "never issued, seen closed": ([VERIFIED, BROKEN], ProblemKind.NEVER_ISSUED, "ask who put it on"),
    "never issued, broken": ([BROKEN, DESTROYED], ProblemKind.NEVER_ISSUED, "ask who put it on"),
    "never issued, destroyed": ([DESTROYED], ProblemKind.NEVER_ISSUED, "destroyed at 2026-11-28 08:00 UTC"),
    "not the number of the documents": (
        [ISSUED, AFFIXED, replace(VERIFIED, document_number="AB123457")],
        ProblemKind.DOCUMENT_MISMATCH,
        "the documents give AB123457",
    ),
    "zeros are part of the number": (
        [ISSUED, replace(AFFIXED, document_number="0AB123456")],
        ProblemKind.DOCUMENT_MISMATCH,
        "the documents give 0AB123456",
    ),
    "affixed after destroyed": ([ISSUED, DESTROYED, event(Act.AFFIXED, 5, BOX)], ProblemKind.AFTER_DESTROYED, "had been destroyed"),
    "verified after destroyed": ([*LIFE, event(Act.VERIFIED, 5, BOX)], ProblemKind.AFTER_DESTROYED, "had been destroyed"),
    "broken after destroyed": ([*LIFE, event(Act.BROKEN, 5, BOX)], ProblemKind.AFTER_DESTROYED, "had been destroyed"),
    "destroyed twice": ([*LIFE, event(Act.DESTROYED, 5)], ProblemKind.AFTER_DESTROYED, "had been destroyed"),
    "affixed before issued": ([event(Act.ISSUED, 2), AFFIXED], ProblemKind.WRONG_ORDER, f"had already been affixed on {BOX}"),
    "verified, not affixed": ([ISSUED, VERIFIED, BROKEN], ProblemKind.WRONG_ORDER, "write down where and when it was affixed"),
    "broken, not affixed": ([ISSUED, BROKEN], ProblemKind.WRONG_ORDER, "write down where and when it was affixed"),
    "affixed twice": ([ISSUED, AFFIXED, event(Act.AFFIXED, 2, BOX)], ProblemKind.WRONG_ORDER, "correct one of the lines"),
    "broken twice": ([ISSUED, AFFIXED, BROKEN, event(Act.BROKEN, 5, BOX)], ProblemKind.WRONG_ORDER, "correct one of the lines"),
    "destroyed while on": ([ISSUED, AFFIXED, DESTROYED], ProblemKind.WRONG_ORDER, "no line says that it was broken"),
    "no number": ([replace(AFFIXED, number=" - ", document_number="")], ProblemKind.NO_NUMBER, f"affixed on {BOX}"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_be_true(case):
    events, kind, says = CASES[case]
    (problem,) = seal_register(events)
    assert problem.kind is kind
    assert says in problem.text
    assert set(problem.events) <= set(events)


@pytest.mark.parametrize("case", CASES)
def test_the_order_of_the_lines_does_not_matter(case):
    events, _, _ = CASES[case]
    assert seal_register(reversed(events)) == seal_register(events)


def test_a_problem_names_seal_place_time_and_inspection():
    (problem,) = seal_register([ISSUED, AFFIXED, replace(AFFIXED, container=OTHER_BOX, time=DAY + timedelta(days=2), inspection="i-2")])
    assert problem.text == (
        f"seal AB123456 was affixed on {OTHER_BOX} at 2026-11-26 08:00 UTC (inspection i-2), but is on another conveyance, "
        f"affixed on {BOX} at 2026-11-25 08:00 UTC; hold both, two seals have one number"
    )
    assert [event.container for event in problem.events] == [BOX, OTHER_BOX]


def test_events_of_one_moment_are_in_the_order_of_a_life():
    assert seal_register([replace(event, time=DAY) for event in reversed(LIFE)]) == ()


def test_times_are_compared_across_zones():
    later_by_the_clock = replace(ISSUED, time=datetime(2026, 11, 25, 9, tzinfo=timezone(timedelta(hours=8))))
    assert seal_register([later_by_the_clock, AFFIXED]) == ()


def test_a_time_without_zone_is_an_error():
    with pytest.raises(ValueError, match=r"'AB1' \(affixed\) has no time zone; give one"):
        SealEvent(Act.AFFIXED, "AB1", datetime(2026, 11, 24))


def test_seals_without_number_are_not_one_seal():
    blank = [replace(AFFIXED, number="", document_number=""), replace(VERIFIED, number="-", container=OTHER_BOX, document_number="")]
    assert [problem.kind for problem in seal_register(blank)] == [ProblemKind.NO_NUMBER] * 2


def test_one_seal_does_not_touch_another():
    other = [replace(event, number="0AB123456", document_number="", container=OTHER_BOX if event.container else "") for event in LIFE]
    assert seal_register([*LIFE, *other]) == ()


EVENTS = st.lists(
    st.builds(
        event,
        st.sampled_from(Act),
        st.integers(0, 9),
        st.sampled_from(["", BOX, OTHER_BOX]),
        st.sampled_from(["AB123456", "ab 123456", "AB123457", ""]),
        st.sampled_from(["", "AB123456"]),
    ),
    max_size=12,
)


@SOME
@given(EVENTS, st.randoms())
def test_any_register_can_be_gone_through(events, random):
    problems = seal_register(events)
    assert [problem.events[-1].time for problem in problems] == sorted(problem.events[-1].time for problem in problems)
    assert all(problem.text and set(problem.events) <= set(events) for problem in problems)
    in_use = {seal_key(e.number) for e in events if e.act is not Act.ISSUED} - {""}
    issued = {seal_key(e.number) for e in events if e.act is Act.ISSUED}
    never = {seal_key(p.events[0].number) for p in problems if p.kind is ProblemKind.NEVER_ISSUED}
    assert never == in_use - issued
    assert seal_register(random.sample(events, len(events))) == problems


@SOME
@given(EVENTS)
def test_a_seal_on_two_containers_is_always_found(events):
    """Where a seal is only ever seen closed, every second container is a problem."""
    closed = [replace(e, act=Act.VERIFIED, number="AB1", document_number="") for e in events]
    containers = {e.container for e in closed} - {""}
    found = any(problem.kind is ProblemKind.SEEN_TWICE for problem in seal_register(closed))
    assert found == (len(containers) == 2)
