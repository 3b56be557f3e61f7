"""Container numbers as people type them, against ISO 6346 and a second implementation of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import iso6346

from pestcheck.inspection.identifiers import LETTER_VALUES, check_digit, container_number

SOME = settings(max_examples=300, deadline=None)


def test_letter_values():
    """As printed in the annex of ISO 6346."""
    annex = "A10 B12 C13 D14 E15 F16 G17 H18 I19 J20 K21 L23 M24 N25 O26 P27 Q28 R29 S30 T31 U32 V34 W35 X36 Y37 Z38"
    assert {pair[0]: int(pair[1:]) for pair in annex.split()} == LETTER_VALUES


@pytest.mark.parametrize(
    ("number", "digit"),
    [
        pytest.param("CSQU305438", 3, id="example of the standard"),
        pytest.param("MWCU605978", 4, id="refrigerated"),
        pytest.param("TESU100005", 0, id="remainder 10 is written 0"),
        pytest.param("CSQU3054389", 3, id="the eleventh character is not looked at"),
    ],
)
def test_check_digit(number, digit):
    assert check_digit(number) == digit


@pytest.mark.parametrize("number", ["", "CSQU30543", "CSQ3305438", "csqu305438", "CSQU30543X", "CSQU３05438", "CSQU 305438", "CSQU305٣38"])
def test_check_digit_of_something_else_is_an_error(number):
    with pytest.raises(ValueError, match="not four letters and six digits"):
        check_digit(number)


VALID = {
    "as painted": ("CSQU3054383", "CSQU3054383"),
    "spaces": ("CSQU 305438 3", "CSQU3054383"),
    "spaces everywhere": ("  C S Q U 3 0 5 4 3 8 3 ", "CSQU3054383"),
    "hyphens": ("CSQU-305438-3", "CSQU3054383"),
    "dash, slash, full stop": ("CSQU–305.438/3", "CSQU3054383"),
    "line end, tab and hard space": ("CSQU\t305438\u00a03\n", "CSQU3054383"),
    "lower case": ("csqu3054383", "CSQU3054383"),
    "mixed case": ("CsqU 3054383", "CSQU3054383"),
    "check digit 4": ("MWCU6059784", "MWCU6059784"),
    "check digit 0 for remainder 10": ("TESU1000050", "TESU1000050"),
}


@pytest.mark.parametrize("case", VALID)
def test_valid_numbers(case):
    typed, text = VALID[case]
    found = container_number(typed)
    assert (found.text, found.problem) == (text, None)


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        pytest.param("CSQU3054384", "the check digit of CSQU 305438 should be 3, not 4; read the number again", id="check digit"),
        pytest.param("CSQU3054833", "should be 0, not 3", id="two digits changed places"),
        pytest.param("CSOU3054383", "should be 6, not 3", id="O read for Q"),
        pytest.param("TESU 100005 1", "the check digit of TESU 100005 should be 0, not 1", id="remainder 10"),
    ],
)
def test_a_wrong_digit_names_the_right_one(typed, says):
    problem = container_number(typed).problem
    assert problem
    assert says in problem


NO_NUMBER = {
    "empty": ("", "no container number given"),
    "blank": (" \t\n", "no container number given"),
    "hyphens only": ("--", "no container number given"),
    "digit missing": ("CSQU305438", "ISO 6346"),
    "digit too many": ("CSQU30543833", "ISO 6346"),
    "category no freight equipment": ("CSQA3054383", "ISO 6346"),
    "rail category": ("CSQR3054383", "ISO 6346"),
    "digits first": ("3054383CSQU", "ISO 6346"),
    "letter among the digits": ("CSQU3O54383", "ISO 6346"),
    "Arabic digits": ("CSQU٣٠٥٤٣٨٣", "ISO 6346"),
    "one Arabic digit": ("CSQU305438٣", "ISO 6346"),
    "full-width digits": ("CSQU３０５４３８３", "ISO 6346"),
    "superscript": ("CSQU305438³", "ISO 6346"),
    "full-width letters": ("ＣＳＱＵ3054383", "ISO 6346"),
    "Cyrillic letters that look alike": ("СSQU3054383", "ISO 6346"),
    "emoji": ("🐌🐌🐌U3054383", "ISO 6346"),
    "accent": ("ÇSQU3054383", "ISO 6346"),
    "letter that grows in capitals": ("CSßU3054383", "ISO 6346"),
    "very long": ("CSQU3054383" * 20_000, "ISO 6346"),
    "nul": ("CSQU3054383\0", "ISO 6346"),
    "lone surrogate": ("CSQU305438\ud800", "ISO 6346"),
    "a plate": ("AB-123-CD", "ISO 6346"),
    "markup": ("<b>CSQU3054383</b>", "ISO 6346"),
}


@pytest.mark.parametrize("case", NO_NUMBER)
def test_what_is_no_container_number(case):
    typed, says = NO_NUMBER[case]
    problem = container_number(typed).problem
    assert problem
    assert says in problem


OWNER = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=3, max_size=3)
SERIAL = st.text("0123456789", min_size=6, max_size=6)
SEPARATORS = st.lists(st.tuples(st.integers(0, 11), st.sampled_from(" -–./\t")), max_size=6)


@SOME
@given(OWNER, st.sampled_from("UJZ"), SERIAL, st.sampled_from("0123456789"))
def test_agrees_with_python_stdnum(owner, category, serial, digit):
    number = owner + category + serial + digit
    expected = iso6346.calc_check_digit(number[:10])
    found = container_number(number)
    assert str(check_digit(number)) == expected
    assert (found.problem is None) == iso6346.is_valid(number) == (digit == expected)
    assert found.problem is None or f"should be {expected}, not {digit}" in found.problem


@SOME
@given(OWNER, st.sampled_from("UJZ"), SERIAL, SEPARATORS, st.booleans())
def test_separators_and_case_do_not_matter(owner, category, serial, separators, lower):
    number = owner + category + serial
    number += str(check_digit(number))
    typed = number.lower() if lower else number
    for place, separator in separators:
        typed = typed[:place] + separator + typed[place:]
    found = container_number(typed)
    assert (found.text, found.problem) == (number, None)


@SOME
@given(st.text(max_size=20) | st.text("CSQU٣3054８8 -", min_size=11, max_size=13))
def test_any_text_is_read_and_only_ascii_passes(typed):
    found = container_number(typed)
    if found.problem is None:
        assert found.text.isascii()
        assert iso6346.is_valid(found.text)
