"""Evidence by criterion: what the record shows for a kind of member and a period, as a page and as a PDF. It never says "compliant"."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

from app import forms, i18n
from app.identity import person
from app.pages import figures
from pestcheck.inspection.criteria import Entity
from pestcheck.records import Records, Refused
from pestcheck.records.common import one_of
from pestcheck.records.evidence import ENTITIES, SHOWS, Shows
from pestcheck.records.measures import MEASURES


def routes(records: Records) -> APIRouter:
    """All of them need ``Deed.export``, see ``identity.NEEDS``."""
    router = APIRouter(include_in_schema=False)

    @router.get("/evidence")
    def evidence(request: Request) -> Response:
        ask, theirs = figures.asked(request), records.within(person(request).sites)
        entity = request.query_params.get("entity", Entity.IMPORTER.value)
        wrong = ask.wrong
        try:
            one_of(entity, ENTITIES, "kind of member")
        except Refused as error:
            wrong, entity = wrong or str(error), Entity.IMPORTER.value
        found = theirs.evidence(entity, ask.period, ask.site)
        return forms.page(
            request, "evidence.html", 422 if wrong else 200, found=found, ask=ask, wrong=wrong, entities=ENTITIES, shows=SHOWS, kinds=Shows,
            measures=MEASURES, query=urlencode({**ask.query, "entity": entity}), sites=theirs.known_sites(),
        )  # fmt: skip

    @router.get("/evidence.pdf")
    def printed(request: Request) -> Response:
        from pestcheck.export.assessment import assessment_pdf

        ask, who = figures.asked(request), person(request)
        try:
            if ask.wrong:
                raise Refused(ask.wrong)
            found = records.within(who.sites).evidence(request.query_params.get("entity", Entity.IMPORTER.value), ask.period, ask.site)
        except Refused as error:
            return forms.page(request, "told.html", 422, says=str(error))
        name = f"pestcheck-evidence-{found.entity.value}-{ask.period.first}-{ask.period.last}.pdf"
        made = assessment_pdf(found, language=i18n.chosen(request), made_by=who.name)
        return Response(made, media_type="application/pdf", headers={"Content-Disposition": f'attachment; filename="{name}"'})

    return router
