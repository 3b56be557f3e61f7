"""Gaps of a journey: a change of custody nobody wrote down, dwell, delay, stops and silence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pestcheck.inspection.journey import GAP, Position, Stretch, gaps, kilometres

START = datetime(2026, 11, 24, 6, tzinfo=UTC)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def kinds(*legs: Stretch) -> list[str]:
    return [str(gap.kind) for gap in gaps(legs)]


def test_a_journey_as_planned_has_no_gap() -> None:
    first = Stretch("Site", "Uno", planned_departure=at(0), planned_arrival=at(3), departed=at(0.5), arrived=at(3))
    assert kinds(first, Stretch(" uno ", "Dos", departed=at(6))) == []


@pytest.mark.parametrize(
    ("legs", "kind"),
    [
        ((Stretch("Site", "Uno"), Stretch("Tres", "Dos")), "other_hand"),
        ((Stretch("A", "B", arrived=at(3)), Stretch("B", "C", departed=at(7.1))), "dwell"),
        ((Stretch("A", "B", arrived=at(3)), Stretch("B", "C", departed=at(2))), "wrong_order"),
        ((Stretch("A", "B", departed=at(3), arrived=at(2)),), "wrong_order"),
        ((Stretch("A", "B", planned_arrival=at(3), arrived=at(7.5)),), "late"),
        ((Stretch("A", "B", planned_departure=at(3)),), "no_time"),
        ((Stretch("A", "B", positions=(Position(at(0), 25, -100), Position(at(5), 26, -100))),), "no_position"),
        ((Stretch("A", "B", positions=tuple(Position(at(k), 25.0001 * 1, -100) for k in range(6))),), "stop"),
    ],
)
def test_each_gap_is_named(legs: tuple[Stretch, ...], kind: str) -> None:
    assert kinds(*legs) == [kind]


def test_exactly_the_threshold_is_no_gap() -> None:
    assert kinds(Stretch("A", "B", arrived=at(0)), Stretch("B", "C", departed=at(0) + GAP)) == []


def test_distance_is_that_of_the_map() -> None:
    """Monterrey to Laredo is about 220 km; a degree of latitude 111.2 km."""
    assert kilometres(Position(START, 25.6866, -100.3161), Position(START, 27.5306, -99.4803)) == pytest.approx(221, abs=3)
    assert kilometres(Position(START, 0, 0), Position(START, 1, 0)) == pytest.approx(111.2, abs=0.1)


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(-90, 90), st.floats(-180, 180)), max_size=12))
def test_any_track_is_judged_and_the_order_of_its_lines_does_not_matter(track: list[tuple[float, float, float]]) -> None:
    positions = [Position(at(hour), north, east) for hour, north, east in track]
    one = gaps([Stretch("A", "B", positions=tuple(positions))])
    by_time = sorted(positions, key=lambda position: position.at)
    if len({position.at for position in positions}) == len(positions):
        assert one == gaps([Stretch("A", "B", positions=tuple(by_time))])
    assert all(gap.hours is not None and gap.hours > 4 for gap in one)
