"""A stretch of days: of which records figures are made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from pestcheck.records.common import Refused, day

DAYS = 364


@dataclass(frozen=True, slots=True)
class Period:
    """Days in UTC, the first and the last one, both within."""

    first: date
    last: date

    @classmethod
    def read(cls, first: str = "", last: str = "", *, days: int = DAYS) -> Period:
        """From texts (ISO 8601); "" for today, and for so many days before the last.

        Raises:
            Refused: no date, or the first after the last.
        """
        end = date.fromisoformat(day(last, "last day")) if last else datetime.now(UTC).date()
        try:
            begin = date.fromisoformat(day(first, "first day")) if first else end - timedelta(days=days)
        except OverflowError as error:
            raise Refused(f"The last day, {end}, is too early.") from error
        if begin > end:
            raise Refused(f"The first day, {begin}, is after the last, {end}.")
        return cls(begin, end)

    @property
    def texts(self) -> tuple[str, str]:
        """The bounds for times as the records write them: from the first on, and before the second."""
        return self.first.isoformat(), f"{self.last.isoformat()}U"  # "U" comes after the "T" of every time of that day
