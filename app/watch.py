"""The watching page, for trainers: what the model flags, what people make of it, and whether its scores drift."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

from app import forms, i18n
from app.identity import person
from app.pages import figures, plot
from pestcheck.rates import DRIFT
from pestcheck.records import Records, Refused
from pestcheck.records.common import one_of
from pestcheck.records.watch import BY, MEASURES, Watched, Watching

DAYS = 83
TOGETHER = (("flagged", "unsure", "unusable"), ("corrected", "rejected", "missed"), ("agreement",))
"""What is drawn in one plot."""


def routes(records: Records, limits: Mapping[str, float]) -> APIRouter:
    """The page and its tables as files; both need ``Deed.review``, see ``identity.NEEDS``. ``limits``: of the alarms, from the settings."""
    router = APIRouter(include_in_schema=False)

    @router.get("/watch")
    def watch(request: Request) -> Response:
        ask, language, theirs = figures.asked(request, DAYS), i18n.chosen(request), records.within(person(request).sites)
        found = theirs.watch(ask.period, ask.site, limits)
        return forms.page(
            request, "watch.html", 422 if ask.wrong else 200, found=found, ask=ask, by=BY, measures=MEASURES, drift=DRIFT,
            query=urlencode(ask.query), sites=theirs.known_sites(), plots=plots(found, language), alarms=alarms(found),
            share=lambda rate: figures.words(language, rate), title=lambda by, one: key_words(language, by, one), fine=figures.percent(language),
        )  # fmt: skip

    @router.get("/watch.csv")
    def table(request: Request) -> Response:
        ask, by = figures.asked(request, DAYS), request.query_params.get("by", "week")
        try:
            if ask.wrong:
                raise Refused(ask.wrong)
            one_of(by, BY, "table")
        except Refused as error:
            return forms.page(request, "told.html", 422, says=str(error))
        found = records.within(person(request).sites).watch(ask.period, ask.site, limits)
        rows: list[list[object]] = [[by, "measure", *figures.RATE_COLUMNS, "alarm"]]
        for one in found.groups[by]:
            rows += [[one.key, name, *figures.rate_cells(rate), name in one.alarms] for name, rate in one.rates.items()]
            rows.append(
                [one.key, "psi", "", one.photographs, "" if one.drift is None else round(one.drift, 4), "", "", "", DRIFT in one.alarms]
            )
        return figures.sheet(rows, f"pestcheck-watch-{by}-{ask.period.first}-{ask.period.last}.csv")

    return router


def key_words(language: str, by: str, one: Watched) -> str:
    """What a row is of, in words."""
    t = partial(i18n.t, language)
    return i18n.day(language, one.key) if by == "week" else one.key or t("Not known")


def alarms(found: Watching) -> list[tuple[str, Watched]]:
    """The groups with alarms, each with what they are counted by. Of weeks only the last one: what was is no alarm any more."""
    weeks = found.groups["week"]
    newest = weeks[-1].key if weeks else ""
    return [(by, one) for by in BY for one in found.groups[by] if one.alarms and (by != "week" or one.key == newest)]


def plots(found: Watching, language: str) -> list[tuple[str, list[tuple[int, str]]]]:
    """The shares by week, each plot with the colours and names of its lines."""
    t = partial(i18n.t, language)
    weeks, say = found.groups["week"], figures.percent(language)
    made: list[tuple[str, list[tuple[int, str]]]] = []
    for names in TOGETHER:
        series = [plot.Series(t(MEASURES[name]), n, [week.rates.get(name) for week in weeks]) for n, name in enumerate(names)]
        if any(rate for one in series for rate in one.rates):
            places = [i18n.day(language, week.key, short=True) for week in weeks]
            limit = found.limits[names[0]] if len(names) == 1 else None
            title = " · ".join(one.name for one in series)
            says = t("Shares by week with 95 % intervals. The table below has the numbers.")
            drawn = plot.lines(series, places, title=title, says=says, percent=say, limit=limit)
            made.append((drawn, [(one.colour, one.name) for one in series]))
    return made
