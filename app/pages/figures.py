"""What pages with figures share: which records they are of, shares in words, and the way a file of them is sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from fastapi import Request
from starlette.responses import Response

from app import i18n
from pestcheck.export import csv
from pestcheck.rates import Rate
from pestcheck.records import Refused
from pestcheck.records.period import DAYS, Period


@dataclass(frozen=True, slots=True)
class Asked:
    """The records that a page is asked for. ``wrong``: why it shows others, "" where it does not."""

    period: Period
    site: str | None
    wrong: str = ""

    @property
    def query(self) -> dict[str, str]:
        """The same, for an address."""
        return {"first": self.period.first.isoformat(), "last": self.period.last.isoformat(), "site": self.site or ""}


def asked(request: Request, days: int = DAYS) -> Asked:
    """By the address: ``first`` and ``last`` day, ``site`` ("": all). What makes no sense is said, and the usual period shown."""
    given = request.query_params
    site = given.get("site") or None
    try:
        return Asked(Period.read(given.get("first", ""), given.get("last", ""), days=days), site)
    except Refused as error:
        return Asked(Period.read(days=days), site, str(error))


def percent(language: str) -> Callable[[float], str]:
    """Shares as people of the language write them, with one decimal."""
    return partial(i18n.percent, language, digits=1)


def words(language: str, rate: Rate | None) -> tuple[str, str]:
    """A share, and its interval; where nothing was found, what can be said all the same (the rule of three)."""
    t = partial(i18n.t, language)
    if rate is None or rate.share is None:
        return "–", ""
    say = percent(language)
    if rate.at_most is not None:
        return t("none; below {share}", share=say(rate.at_most)), ""
    low, high = rate.interval
    return say(rate.share), f"{say(low)} – {say(high)}"


def sheet(rows: Sequence[Sequence[object]], name: str) -> Response:
    """A CSV file to be kept, UTF-8, its head first; cells that a spreadsheet would run are made harmless."""
    head, *others = rows
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response("".join(csv.lines([str(one) for one in head], others)), media_type="text/csv; charset=utf-8", headers=headers)


def rate_cells(rate: Rate | None) -> list[object]:
    """A share for a file: found, of, share, its interval, and the upper bound where nothing was found."""
    if rate is None or rate.share is None:
        return [0, 0, "", "", "", ""]
    low, high = rate.interval
    bound = round(rate.at_most, 6) if rate.at_most is not None else ""
    return [rate.found, rate.of, round(rate.share, 6), round(low, 6), round(high, 6), bound]


RATE_COLUMNS = ("found", "of", "share", "wilson_low", "wilson_high", "zero_found_below")
