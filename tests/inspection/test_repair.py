"""Container numbers that were misread: repaired where the check digit leaves no doubt, offered where it leaves some."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pestcheck.inspection.identifiers import check_digit, container_number
from pestcheck.inspection.repair import CONFUSED, repairs

SOME = settings(max_examples=150, deadline=None)
OTHER_KIND = {
    "O": "0",
    "I": "1",
    "S": "5",
    "B": "8",
    "Z": "2",
    "G": "6",
    "A": "4",
    "0": "O",
    "1": "I",
    "5": "S",
    "8": "B",
    "2": "Z",
    "6": "G",
    "4": "A",
}
"""What a character is read as that has a letter and a digit that look like it."""


@st.composite
def numbers(draw: st.DrawFn, letters: str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ") -> str:
    first = (
        draw(st.text(letters, min_size=3, max_size=3)) + draw(st.sampled_from("UJZ")) + draw(st.text("0123456789", min_size=6, max_size=6))
    )
    return first + str(check_digit(first))


@pytest.mark.parametrize(
    ("read", "text", "changed"),
    [
        ("CSQU3054383", "CSQU3054383", ()),
        ("csqu 305438 3", "CSQU3054383", ()),
        ("C5QU3O54383", "CSQU3054383", ("5 to S in place 2", "O to 0 in place 6")),
        ("CSQU30S4383", "CSQU3054383", ("S to 5 in place 7",)),
        ("CSQU305438I3", "CSQU3054383", ("I left out after place 10",)),
        ("MAX GROSS CSQU3054383 KG", "CSQU3054383", ()),
    ],
)
def test_examples(read: str, text: str, changed: tuple[str, ...]) -> None:
    best = repairs(read)[0]
    assert (best.text, best.changed) == (text, changed)


@SOME
@given(numbers())
def test_a_number_read_well_comes_first_and_unchanged(number: str) -> None:
    best = repairs(number)[0]
    assert (best.text, best.changed, best.cost) == (number, (), 0.0)


@SOME
@given(numbers(), st.data())
def test_letters_for_digits_and_digits_for_letters_are_repaired_or_offered(number: str, data: st.DataObject) -> None:
    places = [place for place, character in enumerate(number) if character in OTHER_KIND]
    wrong = data.draw(st.lists(st.sampled_from(places), max_size=2, unique=True)) if places else []
    read = "".join(OTHER_KIND[c] if place in wrong else c for place, c in enumerate(number))
    offered = {repair.text: repair for repair in repairs(read)}
    assert number in offered
    assert len(offered[number].changed) == len(wrong)


@SOME
@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -", max_size=20))
def test_every_repair_is_right_by_its_check_digit_and_like_what_was_read(text: str) -> None:
    letters = "".join(c for c in text if c.isalnum())
    for repair in repairs(text):
        assert container_number(repair.text).problem is None
        assert repair.changed or repair.text in letters
        for change in repair.changed:
            read, word, became = change.split()[:3]
            assert word != "to" or became in CONFUSED[read]


@SOME
@given(numbers(), st.integers(4, 10), st.integers(1, 9))
def test_a_wrong_digit_is_never_passed_as_read(number: str, place: int, more: int) -> None:
    wrong = number[:place] + str((int(number[place]) + more) % 10) + number[place + 1 :]
    if container_number(wrong).problem:
        assert all(repair.text != wrong and repair.changed for repair in repairs(wrong))


@pytest.mark.parametrize("text", ["", "CSQU", "CSQU305438", "1234567890123", "MAERSK LINE", "ÀÉÎÕÜ1234567", "WWWWWWWWWWW"])
def test_nothing_comes_of_nothing(text: str) -> None:
    assert repairs(text) == ()


def test_what_the_reader_thought_of_decides_between_two_repairs() -> None:
    sure = [{c: 0.99} for c in "CSQU3054"]
    doubtful = [*sure, {"8": 0.6, "3": 0.35}, {"8": 0.99}, {"3": 0.99}]
    best = repairs(doubtful)[0]
    assert (best.text, best.changed) == ("CSQU3054383", ("8 to 3 in place 9",))
    assert best.cost < repairs("CSQU3054883")[0].cost
