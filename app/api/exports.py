"""Records as files. Each time an entry of the log says what was taken out, by whom."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.common import ID, Here, Visible, allowed, choice
from app.downloads import Downloads
from pestcheck.export.register import MEDIA, TABLES
from pestcheck.i18n import LANGUAGES
from pestcheck.people import Deed, Person
from pestcheck.records import CONTAMINANTS, Filter
from pestcheck.records.filter import OUTCOMES
from pestcheck.store.tables import Export

router = APIRouter(prefix="/exports", tags=["exports"])
Exporter = Annotated[Person, allowed(Deed.export)]


def files(request: Request) -> Downloads:
    """Where they are made."""
    found: Downloads = request.app.state.downloads
    return found


Files = Annotated[Downloads, Depends(files)]


class FilterQuery(BaseModel):
    """Which inspections: those that meet all that is given; "" is no condition."""

    model_config = ConfigDict(extra="forbid")
    since: str = Field(
        default="", max_length=40, description="opened then or later: a date (UTC), or ISO 8601 with zone", examples=["2026-01-01"]
    )
    until: str = Field(default="", max_length=40, description="opened then or earlier, the day included", examples=["2026-12-31"])
    site: str = Field(default="", max_length=200, description="where it was inspected")
    partner: str = Field(default="", max_length=200, description="a company that had it in its hands, by name, or the carrier's SCAC")
    lane: str = Field(
        default="", max_length=400, description="``origin > destination``; either may be left out", examples=["Monterrey > Laredo"]
    )
    container: str = Field(default="", max_length=100, description="part of the number")
    label: Annotated[str, choice(["", *CONTAMINANTS], "found there by a person; a group stands for all its labels")] = ""
    outcome: Annotated[str, choice(["", *OUTCOMES], "what was seen, whether it is closed, or what became of the conveyance")] = ""
    inspector: str = Field(default="", max_length=200, description="who inspected, in full")
    inspection: str = Field(default="", pattern=f"^$|{ID}", description="the id of just one")

    def filter(self) -> Filter:
        """What the use cases take.

        Raises:
            Refused: a date that is none, or dates the wrong way round.
        """
        return Filter(**{name: getattr(self, name) for name in Filter.__dataclass_fields__})


class TableQuery(FilterQuery):
    """Which inspections, and which of their tables."""

    table: Annotated[str, choice(TABLES, "one row an inspection, a finding, a seal …; log: a row a finding, and one a point without")] = (
        "inspections"
    )


class PlacesQuery(FilterQuery):
    """Which inspections, and how much of them."""

    location: bool = Field(default=False, description="also where photographs were taken, and the GPS points of journeys")


class PackQuery(PlacesQuery):
    """Which inspections, how much of them, and the language of their PDFs."""

    language: Annotated[str, choice(LANGUAGES, "of the PDFs")] = "en"


class Taken(BaseModel):
    """What was taken out, the newest first."""

    exports: list[Export]


def answer_of(format: str, says: str) -> Any:
    """What an address answers with, for the OpenAPI document."""
    kind = "object" if format in ("json", "coco") else "string"
    return {200: {"description": says, "content": {MEDIA[format].partition(";")[0]: {"schema": {"type": kind}}}}}


ZIP: dict[int | str, Any] = {
    200: {"description": "ZIP", "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}
}


SCHEMA: dict[int | str, Any] = {200: {"description": "JSON schema", "content": {"application/schema+json": {"schema": {"type": "object"}}}}}


@router.get("", summary="What was taken out")
def taken(records: Here, who: Exporter, limit: Annotated[int, Query(ge=1, le=500, description="entries, the newest first")] = 50) -> Taken:
    """Who sees only some sites sees only what they took out themselves."""
    return Taken(exports=records.exports(limit, actor=None if who.sites is None else who.name))


@router.get("/log.csv", summary="The log as CSV", response_class=Response, responses=answer_of("csv", "CSV in UTF-8"))
def log_csv(query: Annotated[FilterQuery, Query()], records: Here, who: Exporter, files: Files) -> Response:
    """One row a finding, and one a point without findings."""
    return files.register(records, who, "csv", query.filter(), part="log")


@router.get(
    "/register.csv", summary="One table of the register as CSV", response_class=Response, responses=answer_of("csv", "CSV in UTF-8")
)
def register_csv(query: Annotated[TableQuery, Query()], records: Here, who: Exporter, files: Files) -> Response:
    """A cell that a spreadsheet would take for a formula is preceded by an apostrophe."""
    return files.register(records, who, "csv", query.filter(), part=query.table)


@router.get(
    "/register.xlsx", summary="The register as a workbook", response_class=Response, responses=answer_of("xlsx", "a sheet for each table")
)
def register_xlsx(query: Annotated[FilterQuery, Query()], records: Here, who: Exporter, files: Files) -> Response:
    return files.register(records, who, "xlsx", query.filter())


@router.get(
    "/register.json",
    summary="All that is on record",
    response_class=Response,
    responses=answer_of("json", "JSON by ``/exports/schema.json``"),
)
def register_json(query: Annotated[PlacesQuery, Query()], records: Here, who: Exporter, files: Files) -> Response:
    return files.register(records, who, "json", query.filter(), location=query.location)


@router.get("/coco.json", summary="What was found, as a COCO data set", response_class=Response, responses=answer_of("coco", "COCO"))
def coco_json(query: Annotated[FilterQuery, Query()], records: Here, who: Exporter, files: Files) -> Response:
    return files.register(records, who, "coco", query.filter())


@router.get("/pack.zip", summary="An evidence pack", response_class=Response, responses=ZIP)
def pack_zip(query: Annotated[PackQuery, Query()], records: Here, who: Exporter, files: Files) -> Response:
    """Records, photographs, PDFs, the log's events with proofs, the signed tree head, and ``verify.py``, which checks it all. It is sent as it is
    made: if it breaks off, it is no ZIP file; ask again."""
    return files.pack(records, who, query.filter(), language=query.language, location=query.location)


@router.get("/schema.json", summary="JSON schema of the register", response_class=Response, responses=SCHEMA)
def schema(who: Annotated[Person, allowed(Deed.see)]) -> Response:
    from pestcheck.export.json import schema

    return Response(schema(), media_type="application/schema+json")


@router.get(
    "/inspections/{inspection_id}.json",
    summary="One inspection as JSON",
    response_class=Response,
    responses=answer_of("json", "as the register"),
)
def inspection_json(
    view: Visible, records: Here, who: Exporter, files: Files,
    location: Annotated[bool, Query(description="also where photographs were taken")] = False,
) -> Response:  # fmt: skip
    return files.inspection(records, who, "json", view.inspection.id, location=location)


@router.get("/inspections/{inspection_id}.pdf", summary="One inspection as PDF", response_class=Response, responses=answer_of("pdf", "PDF"))
def inspection_pdf(
    view: Visible, records: Here, who: Annotated[Person, allowed(Deed.see)], files: Files,
    language: Annotated[str, Query(pattern=f"^({'|'.join(LANGUAGES)})$", description="of its words")] = "en",
) -> Response:  # fmt: skip
    """For the shipping packet: who may see the inspection may print it."""
    return files.inspection(records, who, "pdf", view.inspection.id, language=language)


@router.get(
    "/photographs/{sha256}", summary="A photograph to hand on", response_class=Response,
    responses={200: {"description": "the photograph", "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}}}},
)  # fmt: skip
def photograph(
    sha256: Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="of the original")], records: Here, who: Exporter, files: Files,
    original: Annotated[bool, Query(description="as it was sealed, with place and device")] = False,
) -> Response:  # fmt: skip
    """Without EXIF, place and device. The header ``Pestcheck-Copy`` says how it was made: unchanged, stripped, encoded again, or original."""
    return files.photograph(records, who, sha256, original=original)
