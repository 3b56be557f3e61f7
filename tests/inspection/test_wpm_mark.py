"""ISPM 15 marks, bark and exemptions, each rule with its source, and that none of them clears anything."""

from __future__ import annotations

import dataclasses
import inspect
import math
import time
from itertools import product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from stdnum import isin
from stdnum.exceptions import InvalidComponent

from pestcheck.inspection import wpm_mark
from pestcheck.inspection.wpm_mark import (
    CONDITIONS,
    LOOK_FOR_PESTS,
    TREATMENTS,
    Appearance,
    Bark,
    Kind,
    Level,
    MarkDuty,
    Wood,
    WpmMark,
    bark,
    mark_duty,
    read_mark,
)

SOME = settings(max_examples=300, deadline=None)
SYMBOL = Appearance(symbol=True)


def kinds(mark):
    """Kinds and levels of the warnings but the one that is always there."""
    return [(warning.kind, warning.level) for warning in mark.warnings if warning != LOOK_FOR_PESTS]


# reading


GOOD = {
    "US-12345 HT": ("US", "United States of America", "12345", "HT", False),
    "us-12345 ht": ("US", "United States of America", "12345", "HT", False),
    "US - 12345\nHT": ("US", "United States of America", "12345", "HT", False),
    "US–12345 — HT": ("US", "United States of America", "12345", "HT", False),
    "|US-12345|\r\n|HT|": ("US", "United States of America", "12345", "HT", False),
    "ＵＳ－１２３４５　ＨＴ": ("US", "United States of America", "12345", "HT", False),
    "MX-0123 HT DUN": ("MX", "Mexico", "0123", "HT", True),
    "CA-ON 123 / HT / DUNNAGE": ("CA", "Canada", "ON 123", "HT", True),
    "DE-NW\n491234\nMB": ("DE", "Germany", "NW 491234", "MB", False),
    "JP-A.12/3 MB": ("JP", "Japan", "A.12/3", "MB", False),
    "HT-123 HT": ("HT", "Haiti", "123", "HT", False),
    "US-SF 12 HT": ("US", "United States of America", "SF 12", "HT", False),
    "FR-D8 01 HT": ("FR", "France", "D8 01", "HT", False),
}


@pytest.mark.parametrize("text", GOOD)
def test_good_marks(text):
    """Symbol, country, hyphen, producer, treatment (ISPM 15, annex 2); DUN is a US designation."""
    mark = read_mark(text, SYMBOL)
    assert (mark.country, mark.country_name, mark.producer, mark.treatment, mark.dunnage) == GOOD[text]
    assert (mark.text, mark.symbol, mark.debarked, mark.kiln_dried) == (text, True, False, False)
    assert mark.warnings == (LOOK_FOR_PESTS,)


WARNED = {
    "dielectric heating": ("CN-110 DH", [(Kind.NEEDS_APPROVAL, Level.REVIEW)]),
    "sulphuryl fluoride": ("CN-110 SF", [(Kind.NEEDS_APPROVAL, Level.REVIEW)]),
    "debarked": ("DE-NW 491234 HT DB", [(Kind.DEBARKED, Level.NOTE)]),
    "debarked, hyphen": ("FR-AB 012 MB-DB", [(Kind.DEBARKED, Level.NOTE)]),
    "kiln dried besides": ("US-123 KD HT", [(Kind.KILN_DRIED, Level.REVIEW)]),
    "two treatments": ("US-1 HT MB", [(Kind.TREATMENT, Level.REVIEW)]),
    "no treatment": ("US-123", [(Kind.TREATMENT, Level.FAULT)]),
    "kiln dried only": ("US-123 KD", [(Kind.TREATMENT, Level.FAULT), (Kind.KILN_DRIED, Level.REVIEW)]),
    "no producer": ("US-HT", [(Kind.PRODUCER, Level.FAULT)]),
    "lumber stamp": ("KD HT", [(Kind.COUNTRY, Level.FAULT), (Kind.PRODUCER, Level.FAULT), (Kind.KILN_DRIED, Level.REVIEW)]),
    "lumber stamp, hyphen": ("HT-KD", [(Kind.COUNTRY, Level.FAULT), (Kind.PRODUCER, Level.FAULT), (Kind.KILN_DRIED, Level.REVIEW)]),
    "treatment only": ("HT", [(Kind.COUNTRY, Level.FAULT), (Kind.PRODUCER, Level.FAULT)]),
    "country that is none": ("UK-123 HT", [(Kind.COUNTRY, Level.FAULT)]),
    "user-assigned country": ("XK-123 HT", [(Kind.COUNTRY, Level.FAULT)]),
    "hyphen lost": ("US 123 HT", [(Kind.READING, Level.REVIEW)]),
    "digits in the country": ("1T-07 123 HT", [(Kind.READING, Level.REVIEW)]),
    "digit in the treatment": ("US-07 H7", [(Kind.READING, Level.REVIEW)]),
    "space lost": ("US-12345HT", [(Kind.READING, Level.REVIEW)]),
    "more than a mark": ("US-123 HT ACME 2024", [(Kind.READING, Level.REVIEW)]),
    "Cyrillic letters": ("US-123 НТ", [(Kind.READING, Level.REVIEW), (Kind.TREATMENT, Level.FAULT)]),
    "punctuation only": ("-- /", [(Kind.COUNTRY, Level.FAULT), (Kind.PRODUCER, Level.FAULT), (Kind.TREATMENT, Level.FAULT)]),
}


@pytest.mark.parametrize("case", WARNED)
def test_marks_to_look_at_again(case):
    text, expected = WARNED[case]
    assert kinds(read_mark(text, SYMBOL)) == expected


def test_what_the_warnings_say():
    def says(text):
        return read_mark(text, SYMBOL).warnings[0].text

    assert "SF (sulphuryl fluoride): US text names HT and MB" in says("CN-110 SF")
    assert says("1T-07 HT") == "1T was taken for IT; compare with the wood"
    assert says("US-07 H7") == "H7 was taken for HT; compare with the wood"
    assert "'ACME 2024' is more than a mark says" in says("US-123 HT ACME 2024")
    assert "UK is no country code of ISO 3166" in says("UK-123 HT")
    assert "(7 CFR 319.40-3(b))" in says("US-123")


def test_parts_are_kept_where_others_are_wrong():
    mark = read_mark("UK-0123 H7 D8", SYMBOL)
    assert (mark.country, mark.country_name, mark.producer, mark.treatment, mark.debarked) == ("", "", "0123", "HT", True)
    assert read_mark("US-12345HT").producer == "12345"


@pytest.mark.parametrize("text", ["", " \n\t", "IPPC", "ippc\n", "| |", "[]"])
def test_missing(text):
    mark = read_mark(text)
    assert (Kind.MISSING, Level.FAULT) in kinds(mark)
    assert mark.symbol is (True if "ippc" in text.lower() else None)


@pytest.mark.parametrize(("text", "symbol"), [("IPPC US-1 HT", True), ("US-1\nippc\nHT", True), ("US-1 HT", None)])
def test_symbol_from_the_text(text, symbol):
    mark = read_mark(text)
    assert mark.symbol is symbol
    assert kinds(mark) == ([] if symbol else [(Kind.NO_SYMBOL, Level.REVIEW)])
    assert mark.producer == "1"


def test_the_person_knows_better_about_the_symbol():
    mark = read_mark("IPPC US-1 HT", Appearance(symbol=False))
    assert mark.symbol is False
    assert kinds(mark) == [(Kind.NO_SYMBOL, Level.FAULT)]


SEEN = {
    "symbol": (False, Kind.NO_SYMBOL, Level.FAULT),
    "border": (False, Kind.NO_BORDER, Level.FAULT),
    "legible": (False, Kind.ILLEGIBLE, Level.FAULT),
    "hand_drawn": (True, Kind.HAND_DRAWN, Level.FAULT),
    "red_or_orange": (True, Kind.RED_OR_ORANGE, Level.REVIEW),
    "tag_or_sticker": (True, Kind.NOT_PERMANENT, Level.FAULT),
    "two_opposite_sides": (False, Kind.ONE_SIDE, Level.NOTE),
}


@pytest.mark.parametrize("field", SEEN)
def test_what_is_seen(field):
    """ISPM 15, annex 2; 7 CFR 319.40-3(b) for the sides."""
    bad, kind, level = SEEN[field]
    assert kinds(read_mark("US-1 HT", dataclasses.replace(SYMBOL, **{field: bad}))) == [(kind, level)]
    assert kinds(read_mark("US-1 HT", dataclasses.replace(SYMBOL, **{field: not bad}))) == []


def test_every_field_that_is_seen_has_its_warning():
    assert {field.name for field in dataclasses.fields(Appearance)} == set(SEEN) == {field for field, _, _ in wpm_mark.SEEN}


def test_a_mark_that_cannot_be_read_is_not_a_missing_one():
    assert kinds(read_mark("", Appearance(symbol=True, legible=False))) == [(Kind.ILLEGIBLE, Level.FAULT)]


def test_countries_are_those_of_a_second_list():
    """python-stdnum has the countries of ISO 3166 for securities, with withdrawn (AN, CS) and user-assigned codes besides."""
    besides = {"AN", "CS", "EU", "QS", "QT", "XA", "XB", "XC", "XD", "XF", "XK", "XS"}
    for pair in map("".join, product("ABCDEFGHIJKLMNOPQRSTUVWXYZ", repeat=2)):
        number = pair + "000000000"
        try:
            isin.validate(number + isin.calc_check_digit(number))
            known = pair not in besides
        except InvalidComponent:
            known = False
        assert read_mark(f"{pair}-A1 HT").country == (pair if known else ""), pair


PRODUCER = st.lists(st.text("ABCDEFGHJKLMNPRSTUVWXYZ0123456789", min_size=1, max_size=8), min_size=1, max_size=3).map(" ".join)


@SOME
@given(
    st.sampled_from(["US", "DE", "CN", "MX", "HT", "BR", "IS"]), PRODUCER, st.sampled_from(list(TREATMENTS)), st.booleans(), st.booleans()
)
def test_what_is_written_is_read(country, producer, treatment, lower, lines):
    written = f"{country}-{producer}{chr(10) if lines else ' '}{treatment}"
    mark = read_mark(written.lower() if lower else written, SYMBOL)
    assume(not set(producer.split()) & wpm_mark.CODES)  # whether it ends the producer code or begins the codes, no reader can tell
    assert (mark.country, mark.producer, mark.treatment) == (country, producer, treatment)


@SOME
@given(st.text(max_size=60) | st.text("USHTMBDKIPC0158- \n|/", max_size=30))
def test_any_text_is_read(text):
    mark = read_mark(text)
    assert mark.text == text
    assert mark.warnings[-1] == LOOK_FOR_PESTS
    assert mark.treatment in {"", *TREATMENTS}
    assert mark.country.isascii()
    assert mark.producer.isascii() or (Kind.READING, Level.REVIEW) in kinds(mark)
    if not (mark.country and mark.producer and mark.treatment):
        assert any(warning.level is Level.FAULT for warning in mark.warnings)


@pytest.mark.parametrize("part", ["A", "A ", "-", "HT ", "1HT", "H7 ", "US-", "A-", "🐌"])
def test_very_long_texts_are_read_in_time(part):
    """A pattern of nested repetitions would not come back before the end of days."""
    start = time.perf_counter()
    mark = read_mark(part * (100_000 // len(part)), SYMBOL)
    assert time.perf_counter() - start < 10
    assert len(mark.warnings) < 10
    assert all(len(warning.text) < 300 for warning in mark.warnings)


# nothing is cleared

CLEARING = {
    "clear",
    "clean",
    "ok",
    "okay",
    "pass",
    "passed",
    "valid",
    "good",
    "compliant",
    "accepted",
    "approved",
    "safe",
    "fine",
    "verdict",
}


@pytest.mark.parametrize("result", [WpmMark, MarkDuty, Bark])
def test_no_result_has_a_word_that_clears(result):
    names = {name.lower() for name in dir(result) if not name.startswith("_")}
    assert not names & CLEARING
    assert not {name for name in names if name.startswith("is_")}


def test_a_mark_is_no_yes():
    with pytest.raises(TypeError, match="clears nothing"):
        bool(read_mark("US-1 HT", SYMBOL))


def test_nothing_takes_or_gives_a_finding():
    for name, function in inspect.getmembers(wpm_mark, inspect.isfunction):
        assert "finding" not in str(inspect.signature(function)).lower(), name
    assert not [name for name in dir(wpm_mark) if "finding" in name.lower()]


@pytest.mark.parametrize(
    "warnings",
    [
        pytest.param(read_mark("IPPC US-1 HT", Appearance(True, True, True, False, False, False, True)).warnings, id="best mark"),
        pytest.param(read_mark("").warnings, id="no mark"),
        pytest.param(mark_duty(Wood.PROCESSED, condition=True).warnings, id="exempt"),
        pytest.param(mark_duty(Wood.SOLID, us_canada=True).warnings, id="exempt by trade"),
    ],
)
def test_every_result_sends_the_person_to_the_wood(warnings):
    """CBP, October 2006 to June 2007: 470 of 502 shipments with a confirmed pest carried a mark."""
    assert LOOK_FOR_PESTS in warnings


# bark


@pytest.mark.parametrize(
    ("width", "area", "result"),
    [
        (2.9, 500, Bark.WITHIN),  # under 3 cm: of any length
        (2.99, None, Bark.WITHIN),
        (3, 49.9, Bark.WITHIN),
        (3, 50, Bark.OVER),
        (3.1, 49.9, Bark.WITHIN),
        (3.1, 50, Bark.OVER),
        (20, 400, Bark.OVER),
        (0.001, 1e9, Bark.WITHIN),
        (None, 49.9, Bark.WITHIN),  # under 50 cm² it is within at any width
        (None, 50, Bark.MEASURE),
        (3, None, Bark.MEASURE),
        (None, None, Bark.MEASURE),
    ],
)
def test_bark(width, area, result):
    """ISPM 15, annex 1: under 3 cm wide, of any length, or wider, each piece under 50 cm²."""
    assert bark(width, area) is result


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["width", "area"])
def test_bark_that_cannot_be(name, value):
    with pytest.raises(ValueError, match=f"{name} of the bark is .*; give a number above 0"):
        bark(**{"width_cm": 1.0, "area_cm2": 1.0, {"width": "width_cm", "area": "area_cm2"}[name]: value})


POSITIVE = st.floats(0.01, 1e4)


@SOME
@given(POSITIVE, POSITIVE, st.floats(1, 10))
def test_more_bark_is_never_better(width, area, factor):
    order = [Bark.WITHIN, Bark.OVER]
    assert order.index(bark(width, area)) <= order.index(bark(width * factor, area * factor))


@SOME
@given(POSITIVE, POSITIVE)
def test_a_missing_measure_never_changes_the_answer(width, area):
    for partial in (bark(width, None), bark(None, area)):
        assert partial in (Bark.MEASURE, bark(width, area))


# what needs no mark


@pytest.mark.parametrize("wood", list(CONDITIONS))
def test_exempt_on_a_condition(wood):
    """ISPM 15, 2.1: processed wood, shavings and the like, heated barrels, gift boxes, wood fixed to vehicles and containers."""
    assert mark_duty(wood, condition=True).needed is False
    assert mark_duty(wood, condition=False).needed is True
    asked = mark_duty(wood)
    assert asked.needed is None
    assert CONDITIONS[wood] in asked.reason


def test_all_but_solid_wood_have_a_condition():
    assert set(CONDITIONS) == set(Wood) - {Wood.SOLID}


@pytest.mark.parametrize(
    ("thickness", "needed", "says"),
    [(None, True, "measure"), (5.9, False, "under 6 mm"), (6, True, "the US does"), (6.1, True, "over 6 mm"), (20, True, "over 6 mm")],
)
def test_thin_wood(thickness, needed, says):
    """7 CFR 319.40-1: under 6 mm; ISPM 15, 2.1: 6 mm or less. The stricter one holds."""
    duty = mark_duty(Wood.SOLID, thickness_mm=thickness)
    assert duty.needed is needed
    assert says in duty.reason


@pytest.mark.parametrize("condition", [True, False, None])
@pytest.mark.parametrize("thickness", [None, 6, 20])
def test_solid_wood_in_a_mixed_unit(condition, thickness):
    assert mark_duty(Wood.PROCESSED, condition=condition, thickness_mm=thickness, solid_parts=True).needed is True


def test_thin_solid_wood_in_a_mixed_unit():
    assert mark_duty(Wood.PROCESSED, condition=True, thickness_mm=5, solid_parts=True).needed is False
    assert mark_duty(Wood.PROCESSED, thickness_mm=5, solid_parts=True).needed is None


@pytest.mark.parametrize("wood", list(Wood))
def test_between_the_us_and_canada(wood):
    duty = mark_duty(wood, us_canada=True)
    assert duty.needed is False
    assert "confirm" in duty.reason


@pytest.mark.parametrize("value", [0, -6, math.nan, math.inf])
def test_thickness_that_cannot_be(value):
    with pytest.raises(ValueError, match=r"thickness is .*; give a number above 0"):
        mark_duty(Wood.SOLID, thickness_mm=value)
