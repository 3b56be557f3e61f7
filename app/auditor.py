"""The auditor's page: which inspections match, and their records as files."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import fields
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.downloads import Downloads
from app.forms import page
from app.i18n import LANGUAGES, chosen
from app.identity import person
from pestcheck.export.register import MEDIA, TABLES
from pestcheck.records import CONTAMINANTS, DISPOSITIONS, Filter, NotFound, Records, Refused
from pestcheck.records.exports import KINDS
from pestcheck.records.filter import OUTCOMES
from pestcheck.store.keys import KeyUnavailable

log = logging.getLogger(__name__)

A_PAGE, TAKEN = 50, 20
NAMES = {
    "since": "From", "until": "To", "site": "Site", "partner": "Partner", "lane": "Lane", "container": "Container number", "label": "Found",
    "outcome": "Outcome", "inspector": "Inspector",
}  # fmt: skip
"""What the fields of a filter are called."""
PARTS = {
    "inspections": "Inspections", "findings": "Findings", "seals": "Seals", "seal_checks": "Checks of seals", "wood_packaging": "Wood packaging",
    "actions": "Cleaning", "training": "Training", "log": "Log: a row a finding, and a point without",
}  # fmt: skip
"""What the tables of a register are called."""
NO_KEY = "The key that signs evidence packs is not on this server. Ask whoever keeps it."
NOT_NOW = "The file could not be made now: the disk is full, or the database is away. Try again later."
FORMATS = {"xlsx": "Excel (XLSX)", "json": "JSON", "coco": "Boxes and labels (COCO)"}


def routes(everything: Records, downloads: Downloads) -> APIRouter:
    """``/records`` needs ``Deed.export``; the PDF of an inspection is for all who may see it: it goes into the shipping packet."""
    router = APIRouter(include_in_schema=False)

    def asked(request: Request) -> Filter:
        """
        Raises:
            Refused: something in it makes no sense.
        """
        return Filter(**{one.name: request.query_params.get(one.name, "")[:400] for one in fields(Filter)})

    def shown(request: Request, status: int = 200, wrong: str = "") -> Response:
        who = person(request)
        records = everything.within(who.sites)
        given = {name: request.query_params.get(name, "")[:400] for name in NAMES}
        try:
            filter = asked(request)
            after = request.query_params.get("after") or None
            matches = records.matches(filter, A_PAGE + 1, after=after)
        except Refused as error:
            status, wrong, filter, matches = 404 if isinstance(error, NotFound) else 422, str(error), Filter(), []
        query = urlencode(filter.given)
        more = matches[A_PAGE - 1][0].id if len(matches) > A_PAGE else ""
        return page(
            request, "records.html", status, given=given, names=NAMES, known=records.names(), labels=CONTAMINANTS, outcomes=OUTCOMES,
            dispositions=DISPOSITIONS, matches=matches[:A_PAGE], size=records.matching(filter) if not wrong else 0, query=query,
            more=urlencode({**filter.given, "after": more}) if more else "", parts=PARTS, formats=FORMATS, wrong=wrong,
            taken=records.exports(TAKEN, actor=None if who.sites is None else who.name), kinds=KINDS,
        )  # fmt: skip

    def file(request: Request, make: Callable[[], Response], why_not: Callable[[int, str], Response]) -> Response:
        """A file, or the page that says why not."""
        try:
            return make()
        except Refused as error:
            return why_not(404 if isinstance(error, NotFound) else 422, str(error))
        except OSError as error:
            log.error("%s: %s", request.url.path, error)
            return why_not(503, NOT_NOW)

    @router.get("/records")
    def records_page(request: Request) -> Response:
        return shown(request)

    @router.get("/records/register.{format}")
    def register(request: Request, format: str, table: str = "inspections") -> Response:
        who = person(request)
        kind = {"coco.json": "coco"}.get(format, format)

        def make() -> Response:
            if kind not in MEDIA or kind == "pdf" or table not in TABLES:
                raise NotFound("There is no such file.")
            return downloads.register(everything.within(who.sites), who, kind, asked(request), part=table)

        return file(request, make, lambda status, says: shown(request, status, says))

    @router.get("/records/pack.zip")
    def pack(request: Request) -> Response:
        who = person(request)

        def make() -> Response:
            try:
                return downloads.pack(everything.within(who.sites), who, asked(request), language=chosen(request))
            except KeyUnavailable:
                return page(request, "told.html", 503, says=NO_KEY)

        return file(request, make, lambda status, says: shown(request, status, says))

    @router.get("/packet/{inspection_id}.pdf")
    def packet(request: Request, inspection_id: str, language: str = "") -> Response:
        who = person(request)
        spoken = language if language in LANGUAGES else chosen(request)
        records = everything.within(who.sites)
        return file(
            request,
            lambda: downloads.inspection(records, who, "pdf", inspection_id, language=spoken),
            lambda status, says: page(request, "told.html", status, says=says),
        )

    return router
