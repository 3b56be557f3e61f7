"""Container numbers, size-type codes and SCACs as people type them, against ISO 6346 and a second implementation of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import iso6346

from pestcheck.inspection.identifiers import (
    DETAILS,
    GROUPS,
    HEIGHTS,
    LENGTHS,
    LETTER_VALUES,
    TYPES,
    check_digit,
    container_number,
    scac,
    size_type,
)

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


@SOME
@given(st.text(max_size=12))
def test_no_other_letter_becomes_an_ascii_one(typed):
    """ß, ı and ſ have ASCII capitals: they must not turn into a code that nobody wrote."""
    for read in (container_number(typed), size_type(typed), scac(typed)):
        assert {c for c in read.text if not c.isascii()} == {c for c in typed if not c.isascii() and not c.isspace() and c != "–"}
        assert read.text.isascii() or read.problem


@SOME
@given(st.sampled_from("ßıſﬁ"), st.integers(0, 3))
def test_letters_with_ascii_capitals_are_no_scac(letter, place):
    assert scac("MAEU"[:place] + letter + "MAEU"[place:3]).problem


SIZE_TYPES = {
    # BIC, "Size and type code": 2 and 4 for 20 and 40 ft, 2 and 5 for 8'6" and 9'6", G1, R1, U1, P1, T1
    "22G1": ("20 ft", "8 ft 6 in high", "general purpose container: small vents near the roof"),
    "42G1": ("40 ft", "8 ft 6 in high", "general purpose container: small vents near the roof"),
    "45G1": ("40 ft", "9 ft 6 in high (high cube)", "general purpose container: small vents near the roof"),
    "45R1": ("40 ft", "9 ft 6 in high (high cube)", "refrigerated container: cools and heats"),
    "22U1": ("20 ft", "8 ft 6 in high", "open-top container: doors at the ends, removable roof beam"),
    "22T1": ("20 ft", "8 ft 6 in high", "tank container: liquids, 150 kPa"),
    "42P1": ("40 ft", "8 ft 6 in high", "platform container: fixed ends"),
    "20G0": ("20 ft", "8 ft high", "general purpose container: doors at one or both ends"),
    "M5G1": ("48 ft", "9 ft 6 in high (high cube)", "general purpose container: small vents near the roof"),
    # 45 ft: L in 1995/Amd 3:2012, 5 in the table of today
    "L5G1": ("45 ft", "9 ft 6 in high (high cube)", "general purpose container: small vents near the roof"),
    "55G1": ("45 ft", "9 ft 6 in high (high cube)", "general purpose container: small vents near the roof"),
    # letters in the second place are wider than 8 ft, as pallet-wide boxes
    "4CG1": ("40 ft", "8 ft 6 in high, wider than 8 ft (up to 2.5 m)", "general purpose container: small vents near the roof"),
    "LNR1": ("45 ft", "9 ft 6 in high (high cube), wider than 2.5 m", "refrigerated container: cools and heats"),
    # group codes, and tanks of Amd 3:2012
    "22GP": ("20 ft", "8 ft 6 in high", "general purpose container"),
    "45RE": ("40 ft", "9 ft 6 in high (high cube)", "refrigerated container: cools"),
    "22K2": ("20 ft", "8 ft 6 in high", "tank container"),
    "28U1": ("20 ft", "4 ft 3 in high (half height)", "open-top container: doors at the ends, removable roof beam"),
}


@pytest.mark.parametrize("code", SIZE_TYPES)
def test_size_types(code):
    read = size_type(code)
    assert (read.length, read.height, read.type) == SIZE_TYPES[code]
    assert (read.text, read.problem, read.warnings) == (code, None, ())


@pytest.mark.parametrize("typed", ["45r1", " 45 R1 ", "45-R1", "4\u00a05R1\n", "45/r.1"])
def test_size_types_as_typed(typed):
    assert size_type(typed) == size_type("45R1")


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "no size-type code given"),
        (" - ", "no size-type code given"),
        ("45R", "4 letters and digits"),
        ("45R11", "4 letters and digits"),
        ("45R1" * 50_000, "4 letters and digits"),
        ("４５Ｒ１", "4 letters and digits"),
        ("45Я1", "4 letters and digits"),
        ("45R١", "4 letters and digits"),
        ("45R\0", "4 letters and digits"),
        ("7XR1", "7 in 7XR1 is no length"),
        ("R5R1", "R in R5R1 is no length"),
        ("43G1", "3 in 43G1 is no height"),
        ("4OG1", "O in 4OG1 is no height"),
        ("22X1", "X in 22X1 is no type"),
        ("4532", "all digits, as before 1995"),
    ],
)
def test_what_is_no_size_type(typed, says):
    problem = size_type(typed).problem
    assert problem
    assert says in problem


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("22GI", "is it not the digit 1?"),
        ("22GO", "is it not the digit 0?"),
        ("22GB", "strength is reduced"),
        ("22G7", "G7 is not assigned"),
        ("45R9", "R9 is not assigned"),
    ],
)
def test_size_types_to_look_at_again(typed, says):
    read = size_type(typed)
    assert read.problem is None
    assert says in read.warnings[0]


@pytest.mark.parametrize(
    ("typed", "reefer"),
    [
        *((typed, True) for typed in ("22R1", "45R1", "45r0", "L5RE", "45R9", "43R1", "45RX")),
        *((typed, False) for typed in ("22G1", "45H0", "45HR", "22T1", "R2G1", "", "45R", "4532", "RRRRR")),
    ],
)
def test_reefers_take_the_8_point_inspection(typed, reefer):
    """CTPAT 5.3: the eighth point is the fan housing of reefers; ISO 6346: their type is R, in the third place only."""
    assert size_type(typed).reefer is reefer


CHARACTER = st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")


@SOME
@given(st.tuples(CHARACTER, CHARACTER, CHARACTER, CHARACTER).map("".join))
def test_every_size_type_is_read_or_refused_by_its_parts(code):
    read = size_type(code)
    parts = (code[0] in LENGTHS, code[1] in HEIGHTS, code[2] in TYPES)
    assert (read.problem is None) == all(parts)
    if not code.isdigit():
        assert (bool(read.length), bool(read.height), bool(read.type)) == parts
    assert read.reefer == (code[2] == "R")


def test_every_detail_and_group_has_a_type():
    assert {code[0] for code in (*DETAILS, *GROUPS)} == set(TYPES) - set("KN")
    assert all(code[1].isdigit() for code in DETAILS)
    assert all(code.isalpha() for code in GROUPS)


@pytest.mark.parametrize(
    ("typed", "text", "warns"),
    [
        pytest.param("SCNN", "SCNN", [], id="four letters"),
        pytest.param("scnn", "SCNN", [], id="lower case"),
        pytest.param(" SC-NN\n", "SCNN", [], id="spaces and hyphen"),
        pytest.param("UP", "UP", ["2 letters"], id="a railway"),
        pytest.param("CSX", "CSX", ["3 letters", "private railway cars"], id="three letters"),
        pytest.param("MAEU", "MAEU", ["ending in U are for freight containers"], id="U"),
        pytest.param("GATX", "GATX", ["ending in X are for private railway cars"], id="X"),
        pytest.param("TIPZ", "TIPZ", ["ending in Z are for chassis and trailers"], id="Z"),
        pytest.param("UXZA", "UXZA", [], id="U, X and Z before the end"),
    ],
)
def test_scacs(typed, text, warns):
    """Two to four letters; U, X and Z at the end are kept for equipment (NMFTA)."""
    read = scac(typed)
    assert (read.text, read.problem, len(read.warnings)) == (text, None, len(warns))
    assert all(words in warning for words, warning in zip(warns, read.warnings, strict=True))


@pytest.mark.parametrize("typed", ["A", "ABCDE", "AB1", "MAE1", "МАЕА", "ＭＡＥＡ", "A" * 100_000, "MAE🐌", "MAE\0", "<i>"])
def test_what_is_no_scac(typed):
    assert scac(typed).problem == "a SCAC is 2 to 4 letters A to Z, without digits, as SCNN"


@pytest.mark.parametrize("typed", ["", " ", "-.-"])
def test_no_scac(typed):
    assert scac(typed).problem == "no SCAC given"


@SOME
@given(st.text("ABCXYZU1 é-", max_size=6))
def test_scac_form(typed):
    text = typed.replace(" ", "").replace("-", "")
    right = text.isascii() and text.isalpha() and 2 <= len(text) <= 4
    assert (scac(typed).problem is None) == right
    assert not right or any("ending in" in warning for warning in scac(typed).warnings) == (text[-1] in "UXZ")
