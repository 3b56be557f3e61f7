"""Ids sort by time and are recognised only in their usual spelling."""

from __future__ import annotations

import time
import uuid

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pestcheck.ids import is_id, uuid7


def test_version_variant_and_time():
    """RFC 9562, section 5.7."""
    before = time.time_ns() // 1_000_000
    made = uuid.UUID(uuid7())
    after = time.time_ns() // 1_000_000
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert before <= made.int >> 80 <= after


def test_ids_of_later_milliseconds_sort_behind():
    ids = []
    for _ in range(20):
        ids.append(uuid7())
        time.sleep(0.002)
    assert ids == sorted(ids)


def test_no_two_are_equal_and_every_random_bit_is_used():
    """Each of the 74 random bits is seen as 0 and as 1; the other six are always the same."""
    values = [uuid.UUID(uuid7()).int for _ in range(5000)]
    assert len(set(values)) == len(values)
    low = (1 << 80) - 1
    ones, zeros = 0, 0
    for value in values:
        ones, zeros = ones | value & low, zeros | ~value & low
    assert (ones & zeros).bit_count() == 74
    assert ones & zeros | 0xF << 76 | 0x3 << 62 == low


GOOD = "01890a5d-ac96-774b-bcce-b302099a8057"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(GOOD.upper(), id="upper case"),
        pytest.param(GOOD.replace("-", ""), id="no hyphens"),
        pytest.param("{" + GOOD + "}", id="braces"),
        pytest.param("urn:uuid:" + GOOD, id="urn"),
        pytest.param(GOOD + " ", id="space behind"),
        pytest.param(GOOD + "\n", id="line end"),
        pytest.param(GOOD[:-1], id="one short"),
        pytest.param(GOOD + "0", id="one long"),
        pytest.param(GOOD.replace("8", "٨"), id="Arabic digits"),
        pytest.param(GOOD.replace("a", "g"), id="not hexadecimal"),
        pytest.param("0189-0a5dac96-774b-bcce-b302099a8057", id="hyphens elsewhere"),
        pytest.param("../../etc/passwd", id="path"),
        pytest.param("", id="empty"),
        pytest.param("a" * 100_000, id="very long"),
        pytest.param("\x00", id="nul"),
    ],
)
def test_other_spellings_are_no_ids(text):
    assert not is_id(text)


@settings(max_examples=200, deadline=None)
@given(st.uuids())
@example(uuid.UUID(int=0))
@example(uuid.UUID(GOOD))
def test_every_uuid_in_its_usual_spelling_is_an_id(value):
    assert is_id(str(value))


@settings(max_examples=200, deadline=None)
@given(st.text() | st.text(alphabet="0123456789abcdefABCDEF-{}", min_size=30, max_size=40))
def test_an_id_is_36_characters_of_hexadecimal(text):
    expected = [len(part) for part in text.split("-")] == [8, 4, 4, 4, 12] and set(text) <= set("0123456789abcdef-")
    assert is_id(text) == expected
