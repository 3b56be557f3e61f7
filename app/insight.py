"""The insight page: how often there was contamination, where and what, with what certainty."""

from __future__ import annotations

from functools import cache, partial
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

from app import forms, i18n
from app.identity import person
from app.pages import figures, plot
from pestcheck.inspection.checklist import shipped
from pestcheck.rates import Rate
from pestcheck.records import CONTAMINANTS, Records, Refused
from pestcheck.records.common import one_of
from pestcheck.records.findings import METHODS
from pestcheck.records.insight import BY, KINDS, Insights, Line
from pestcheck.records.inspections import SELECTIONS

MOST = 12
"""Rows a table shows; the file has all."""
WORDS = {**SELECTIONS, "": "Not said"}


def routes(records: Records) -> APIRouter:
    """The page, and each of its tables as a file (``Deed.export``)."""
    router = APIRouter(include_in_schema=False)

    @router.get("/insight")
    def insight(request: Request) -> Response:
        ask, language = figures.asked(request), i18n.chosen(request)
        theirs = records.within(person(request).sites)
        found = theirs.insight(ask.period, ask.site)
        drawn, kinds = plots(found, language), [kind for kind in KINDS if kind in found.total.rates]
        titles = {key: template.title for key, template in records.catalogue.newest().items()}
        return forms.page(
            request, "insight.html", 422 if ask.wrong else 200, found=found, ask=ask, sites=found.sites, query=urlencode(ask.query),
            weekly=[(kind, drawn[f"week {kind}"]) for kind in kinds if f"week {kind}" in drawn],
            plots={by: drawn.get(by, "") for by in BY}, heats=[(kind, drawn[f"heat {kind}"]) for kind in kinds if f"heat {kind}" in drawn],
            kinds=kinds, key_of=[(KINDS.index(kind), i18n.t(language, WORDS[kind])) for kind in kinds], names=WORDS, by=BY, most=MOST,
            title=lambda by, line: key_words(language, by, line), share=lambda rate: figures.words(language, rate), titles=titles,
            methods=METHODS,
        )  # fmt: skip

    @router.get("/insight.csv")
    def table(request: Request) -> Response:
        ask, by = figures.asked(request), request.query_params.get("by", "week")
        try:
            if ask.wrong:
                raise Refused(ask.wrong)
            one_of(by, BY, "table")
        except Refused as error:
            return forms.page(request, "told.html", 422, says=str(error))
        found = records.within(person(request).sites).insight(ask.period, ask.site)
        rows = [[by, "to" if by == "lane" else "", "selection", "findings", *figures.RATE_COLUMNS]]
        for line in found.lines[by]:
            one, two = (*line.key, "")[:2]
            rows += [[one, two, kind or "not_said", line.findings, *figures.rate_cells(rate)] for kind, rate in line.rates.items()]  # type: ignore[list-item]  # fmt: skip
        return figures.sheet(rows, f"pestcheck-insight-{by}-{ask.period.first}-{ask.period.last}.csv")

    return router


def key_words(language: str, by: str, line: Line) -> str:
    """What a row is of, in words."""
    t = partial(i18n.t, language)
    one, two = (*line.key, "")[:2]
    match by:
        case "label":
            return t(CONTAMINANTS.get(one, one.replace("_", " ").capitalize()))
        case "area":
            return area_words(language, one)
        case "week":
            return i18n.day(language, one)
        case "lane" if one or two:
            return f"{one or '?'} → {two or '?'}"
    return one or t("Not said")


def area_words(language: str, area: str) -> str:
    """The name of a point, by that of its area: as the templates of pestcheck call it."""
    t = partial(i18n.t, language)
    return t(_titles().get(area, area.replace("_", " ").capitalize()))


@cache
def _titles() -> dict[str, str]:
    """Container templates last: theirs are the names that count where several have an area."""
    by_kind = sorted(shipped().newest().values(), key=lambda template: template.id == "container_7_point")
    return {point.area: point.title for template in by_kind for point in template.points}


def plots(found: Insights, language: str) -> dict[str, str]:
    """The plots, by what they show."""
    t = partial(i18n.t, language)
    say = figures.percent(language)
    kinds = [kind for kind in KINDS if kind in found.total.rates]
    name = {kind: t(WORDS[kind]) for kind in kinds}
    weeks = found.lines["week"]
    made: dict[str, str] = {}
    for kind in kinds:
        made[f"week {kind}"] = plot.lines(
            [plot.Series(name[kind], KINDS.index(kind), [week.rates.get(kind) for week in weeks])],
            [i18n.day(language, week.key[0], short=True) for week in weeks], percent=say, title=t("Contamination by week: {kind}", kind=name[kind]),
            says=t("Share of inspections with contamination, by week, with 95 % intervals. The table below has the numbers."), wide=480,
        )  # fmt: skip
    for by in ("lane", "partner", "carrier", "site", "label"):
        if len(found.lines[by]) > (by != "label"):
            rows = [
                (key_words(language, by, line), [(name[kind], KINDS.index(kind), rate) for kind, rate in line.rates.items()])
                for line in found.lines[by][:6]
            ]
            made[by] = plot.bars(
                rows, percent=say, title=t(BY[by]),
                says=t("Share of inspections with contamination, with 95 % intervals. The table beside it has the numbers."),
            )  # fmt: skip
    areas = {line.key[0]: line.rates for line in found.lines["area"]}
    for kind in kinds:
        rates: dict[str, Rate] = {area: of[kind] for area, of in areas.items() if kind in of}
        drawn = plot.heat(
            rates, lambda area: area_words(language, area), percent=partial(i18n.percent, language),
            title=t("Where findings are: {kind}", kind=name[kind]),
            says=t("Share of inspections with contamination at each side of a container. The table beside it has the numbers."),
        )  # fmt: skip
        if drawn:
            made[f"heat {kind}"] = drawn
    return made
