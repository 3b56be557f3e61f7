"""Use cases of the way of a conveyance: parties, legs with a change of custody each, times and GPS points, also from a CSV file."""

from __future__ import annotations

import csv
import io
import math
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import select

from pestcheck.inspection.identifiers import scac
from pestcheck.inspection.journey import GAP, Gap, Position, Stretch, gaps, name_key
from pestcheck.records.common import Refused, UseCases, get, moment, new_id, one_of, text, unchanged
from pestcheck.records.view import InspectionView
from pestcheck.store import events
from pestcheck.store.journey_tables import Fix, Leg, Party
from pestcheck.store.tables import Inspection

ROLES = {
    "shipper": "Shipper", "stuffing_site": "Stuffing site", "highway_carrier": "Highway carrier", "rail_carrier": "Railway",
    "ocean_carrier": "Ocean carrier", "air_carrier": "Airline", "terminal": "Terminal or depot", "broker": "Customs broker",
    "importer": "Importer", "consignee": "Consignee", "other": "Other",
}  # fmt: skip
TIMES = ("planned_departure", "planned_arrival", "departed", "arrived")
COLUMNS = ("leg", "what", "time", "latitude", "longitude")
"""Of the CSV file: number of the leg, from 1; one of TIMES, or "position"; time with its zone; degrees, for a position."""
MOST_ROWS = 100_000


class Journeys(UseCases):
    """See the module. A journey goes on after the inspection was closed; the log keeps what was said before."""

    def party(self, name: str, role: str, *, actor: str, carrier_scac: str = "", party_id: str | None = None) -> str:
        """Add a company or site, or say its role or SCAC anew. Names are compared without case and blanks.

        Args:
            role: of ROLES.

        Returns:
            The id of the party.

        Raises:
            Refused: no name, an unknown role, or no SCAC.
        """
        key = new_id(party_id)
        shown = text(name, "name", needed="Give the party's name.")
        code = text(carrier_scac, "SCAC")
        if code and (read_as := scac(code)).problem:
            raise Refused(f"{code[:20]!r} is no SCAC: {read_as.problem}.")
        row: dict[str, Any] = {
            "name": shown, "key": name_key(shown), "role": one_of(role, ROLES, "role"),
            "scac": scac(code).text if code else "", "recorded_by": actor,
        }  # fmt: skip
        with self.database.writing() as session:
            known = session.exec(select(Party).where(Party.key == row["key"])).first()
            if known is None and session.get(Party, key) is not None:
                raise Refused("A party with this id is already there, under another name.")
            key = known.id if known else key
            if not unchanged(known, row):
                events.append(session, "party_recorded", row | {"id": key, "recorded_at": events.now()}, actor)
        return key

    def parties(self) -> list[Party]:
        """All parties, by name."""
        with self.database.reading() as session:
            return sorted(session.exec(select(Party)), key=lambda party: party.key)

    def leg(
        self, inspection_id: str, position: int, *, tendered_by: str, received_by: str, actor: str, origin: str = "", destination: str = "",
        leg_id: str | None = None, **times: str | datetime | None,
    ) -> str:  # fmt: skip
        """Record a leg of the journey: a change of custody, and what is known of its times. With the id of an earlier one, say it anew.

        Args:
            position: its place in the journey, from 0. tendered_by, received_by: ids of parties. times: any of TIMES, with time zone.

        Returns:
            The id of the leg.

        Raises:
            Refused: an unknown party or time, or another leg has this place.
        """
        key = new_id(leg_id)
        if unknown := times.keys() - {*TIMES}:
            raise Refused(f"A leg has no time {', '.join(sorted(unknown))}; there are: {', '.join(TIMES)}.")
        if not 0 <= position < 1000:
            raise Refused(f"A leg cannot be number {position}.")
        row: dict[str, Any] = {
            "id": key, "inspection_id": inspection_id, "position": position, "tendered_by": tendered_by, "received_by": received_by,
            "origin": text(origin, "origin"), "destination": text(destination, "destination"), "recorded_by": actor,
            **{name: moment(times.get(name), name.replace("_", " ")) for name in TIMES},
        }  # fmt: skip
        with self.database.writing() as session:
            get(session, Inspection, inspection_id)
            for hand in (tendered_by, received_by):
                get(session, Party, hand)
            known = session.get(Leg, key)
            if known and known.inspection_id != inspection_id:
                raise Refused("A leg with this id is already there.")
            at_place = session.exec(select(Leg.id).where(Leg.inspection_id == inspection_id, Leg.position == position)).first()
            if at_place not in (None, key):
                raise Refused(f"There is another leg at place {position + 1}.")
            if not unchanged(known, row):
                events.append(session, "leg_recorded", row | {"recorded_at": events.now()}, actor, inspection_id)
        return key

    def import_times(self, inspection_id: str, data: bytes, *, actor: str) -> int:
        """Read times and GPS points of the legs of an inspection from a CSV file with the columns COLUMNS: all of it, or nothing.

        Reading the same file again changes nothing.

        Returns:
            How many times and points were new or changed.

        Raises:
            Refused: the file is not as it should be; the message names the line.
        """
        rows = _rows(data)
        changed = 0
        with self.database.writing() as session:
            get(session, Inspection, inspection_id)
            legs = {leg.position: leg for leg in session.exec(select(Leg).where(Leg.inspection_id == inspection_id))}
            times: dict[int, dict[str, str]] = {}
            for line, number, what, at, place in rows:
                if number - 1 not in legs:
                    raise Refused(f"Line {line}: there is no leg {number}; this inspection has {len(legs)}.")
                leg = legs[number - 1]
                if place is None:
                    times.setdefault(number - 1, {})[what] = at
                    continue
                row = {"leg_id": leg.id, "at": at, "latitude": place[0], "longitude": place[1]}
                if not unchanged(session.get(Fix, (leg.id, at)), row):
                    events.append(session, "fix_recorded", row, actor, inspection_id)
                    changed += 1
            for position, said in times.items():
                if not unchanged(legs[position], said):
                    changed += sum(getattr(legs[position], name) != value for name, value in said.items())
                    row = legs[position].model_dump() | said | {"recorded_by": actor, "recorded_at": events.now()}
                    events.append(session, "leg_recorded", row, actor, inspection_id)
        return changed


def journey_gaps(view: InspectionView, longest: timedelta = GAP) -> tuple[Gap, ...]:
    """What of the journey of an inspected conveyance is to be explained, see ``inspection.journey.gaps``."""

    def time(value: str | None) -> datetime | None:
        return datetime.fromisoformat(value) if value else None

    stretches = [
        Stretch(
            tendered_by=view.parties[leg.tendered_by].name,
            received_by=view.parties[leg.received_by].name,
            origin=leg.origin,
            destination=leg.destination,
            planned_departure=time(leg.planned_departure),
            planned_arrival=time(leg.planned_arrival),
            departed=time(leg.departed),
            arrived=time(leg.arrived),
            positions=tuple(Position(datetime.fromisoformat(fix.at), fix.latitude, fix.longitude) for fix in view.fixes.get(leg.id, ())),
        )
        for leg in view.legs
    ]
    return gaps(stretches, longest)


Line = tuple[int, int, str, str, tuple[float, float] | None]
"""Line of the file, leg, what, time and place."""


def _rows(data: bytes) -> list[Line]:
    try:
        lines = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        header = [name.strip().lower() for name in lines.fieldnames or ()]
        if lacking := {*COLUMNS[:3]} - {*header}:
            raise Refused(f"The first line must name the columns {', '.join(COLUMNS)}; {', '.join(sorted(lacking))} is missing.")
        lines.fieldnames = header
        found: list[Line] = []
        for row in lines:
            if len(found) == MOST_ROWS:
                raise Refused(f"The file has more than {MOST_ROWS:,} lines; split it.")
            if any(isinstance(value, str) and value.strip() for value in row.values()):
                found.append(_row(lines.line_num, row))
        return found
    except UnicodeDecodeError as error:
        raise Refused(f"The file is not UTF-8 text (byte {error.start}); save it as CSV in UTF-8.") from error
    except csv.Error as error:
        raise Refused(f"The file is no CSV: {error}.") from error


def _row(line: int, row: dict[str, Any]) -> Line:
    def cell(name: str) -> str:
        return (row.get(name) or "").strip()

    number, what = cell("leg"), cell("what").lower()
    if not (number.isascii() and number.isdigit() and len(number) < 4 and int(number) > 0):
        raise Refused(f"Line {line}: {number[:20]!r} is no number of a leg; the first is 1.")
    if what not in (*TIMES, "position"):
        raise Refused(f"Line {line}: {what[:40]!r} is none of: {', '.join((*TIMES, 'position'))}.")
    try:
        at = moment(cell("time"), "time")
    except Refused as error:
        raise Refused(f"Line {line}: {error}") from error
    if at is None:
        raise Refused(f"Line {line}: there is no time.")
    if what != "position":
        return line, int(number), what, at, None
    try:
        latitude, longitude = float(cell("latitude")), float(cell("longitude"))
    except ValueError as error:
        raise Refused(f"Line {line}: a position needs latitude and longitude as numbers, such as 25.6866 and -100.3161.") from error
    if not (math.isfinite(latitude) and math.isfinite(longitude) and abs(latitude) <= 90 and abs(longitude) <= 180):
        raise Refused(f"Line {line}: {latitude:g}, {longitude:g} is no place on earth; degrees north come first.")
    return line, int(number), what, at, (latitude, longitude)
