"""The way of a conveyance on record: parties, legs, and a CSV file of times and places."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pestcheck.ids import uuid7
from pestcheck.records import NotFound, Records, Refused
from pestcheck.records.journeys import journey_gaps
from pestcheck.store.verify import verify
from tests.records.conftest import ANA, closed, opened

CSV = b"""leg,what,time,latitude,longitude
1,departed,2026-11-24T06:10:00-06:00,,
1,arrived,2026-11-24T09:00:00-06:00,,
1,position,2026-11-24T07:00:00-06:00,25.6866,-100.3161
1,position,2026-11-24T08:00:00-06:00,26.0,-99.9
2,departed,2026-11-24T20:00:00-06:00,,
"""


def journey(records: Records) -> str:
    """Two legs: site to depot by one carrier, depot to port by another."""
    key = opened(records)
    site = records.party("Maquila Norte", "stuffing_site", actor=ANA)
    carrier = records.party("Transportes Uno", "highway_carrier", carrier_scac="truo", actor=ANA)
    other = records.party("Transportes Dos", "highway_carrier", actor=ANA)
    first = {"planned_departure": "2026-11-24T06:00:00-06:00", "planned_arrival": "2026-11-24T09:30:00-06:00"}
    records.leg(key, 0, tendered_by=site, received_by=carrier, origin="Monterrey", destination="Laredo", actor=ANA, **first)
    records.leg(key, 1, tendered_by=carrier, received_by=other, origin="Laredo", destination="Houston", actor=ANA)
    return key


def test_parties_are_one_by_name(records: Records) -> None:
    one = records.party("Acme  Freight", "highway_carrier", actor=ANA)
    assert records.party("acme freight", "highway_carrier", carrier_scac="ACMF", actor=ANA) == one
    (party,) = records.parties()
    assert (party.name, party.scac) == ("acme freight", "ACMF")
    for said, says in (({"name": ""}, "name"), ({"role": "king"}, "role"), ({"carrier_scac": "12"}, "no SCAC")):
        with pytest.raises(Refused, match=says):
            records.party(**({"name": "X", "role": "shipper", "actor": ANA} | said))


def test_times_come_from_a_file_after_the_close_and_gaps_are_named(records: Records) -> None:
    key = journey(records)
    closed(records, key)
    assert records.import_times(key, CSV, actor="Dispatch") == 5
    assert records.import_times(key, CSV, actor="Dispatch") == 0
    view = records.inspection(key)
    assert (view.legs[0].departed, len(view.fixes[view.legs[0].id])) == ("2026-11-24T12:10:00.000Z", 2)
    (gap,) = journey_gaps(view)
    assert (gap.kind, gap.hours) == ("dwell", 11.0)
    assert journey_gaps(view, timedelta(hours=12)) == ()
    assert view.valid_signatures
    assert verify(records.database, records.photo_store).problems == ()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("0,departed,2026-11-24T06:00:00Z,,", "Line 2: '0' is no number"),
        ("3,departed,2026-11-24T06:00:00Z,,", "Line 2: there is no leg 3; this inspection has 2"),
        ("1,flew,2026-11-24T06:00:00Z,,", "Line 2: 'flew' is none of"),
        ("1,departed,2026-11-24 06:00,,", "Line 2: .*no time zone"),
        ("1,departed,,,", "Line 2: there is no time"),
        ("1,position,2026-11-24T06:00:00Z,north,1", "Line 2: a position needs"),
        ("1,position,2026-11-24T06:00:00Z,100.3,25.6", "Line 2: .*no place on earth"),
        ("1,position,2026-11-24T06:00:00Z,nan,1", "Line 2: .*no place on earth"),
    ],
)
def test_a_file_is_taken_whole_or_not_at_all(records: Records, line: str, says: str) -> None:
    key = journey(records)
    good = "2,departed,2026-11-24T06:00:00Z,,"
    with pytest.raises(Refused, match=says):
        records.import_times(key, f"leg,what,time,latitude,longitude\n{line}\n{good}\n".encode(), actor=ANA)
    assert records.inspection(key).legs[1].departed is None
    assert records.inspection(key).fixes == {}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "must name the columns"),
        (b"a,b\n1,2\n", "must name the columns"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b'leg,what,time\n"1,2', "no CSV"),
    ],
)
def test_what_is_no_such_file_is_told(records: Records, data: bytes, says: str) -> None:
    with pytest.raises(Refused, match=says):
        records.import_times(journey(records), data, actor=ANA)


def test_a_spreadsheets_file_is_read(records: Records) -> None:
    key = journey(records)
    assert records.import_times(key, "\ufeffLeg, What ,Time\r\n2,Arrived,2026-11-24T06:00:00+00:00\r\n\r\n".encode(), actor=ANA) == 1


def test_a_leg_is_said_anew_under_its_id(records: Records) -> None:
    key = journey(records)
    leg = records.inspection(key).legs[0]
    said: dict[str, Any] = {"tendered_by": leg.tendered_by, "received_by": leg.received_by, "actor": ANA}
    records.leg(key, 0, leg_id=leg.id, destination="Laredo 2", **said)
    assert records.inspection(key).legs[0].destination == "Laredo 2"
    for call, says in (
        (lambda: records.leg(key, 0, **said), "another leg at place 1"),
        (lambda: records.leg(key, 9, **(said | {"received_by": uuid7()})), "no party"),
        (lambda: records.leg(key, -1, **said), "cannot be number"),
        (lambda: records.leg(key, 5, landed="2026-11-24T06:00:00Z", **said), "no time landed"),
        (lambda: records.leg(opened(records), 0, leg_id=leg.id, **said), "already there"),
    ):
        with pytest.raises(Refused, match=says):
            call()
    with pytest.raises(NotFound):
        records.leg("nowhere", 0, **said)
