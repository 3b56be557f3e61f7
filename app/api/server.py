"""The server itself: models, health, metrics, kinds of problems."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from app.api.common import Here, allowed
from app.api.problems import KINDS, PAGE
from pestcheck.people import Deed, Person
from pestcheck.vision import bundle

router = APIRouter()


class Model(BaseModel):
    """A model that came with this installation, or was put in use here."""

    id: str = Field(description="name@version, as it stands in every record", examples=["pest-lite0-0.6.0"])
    created: str
    labels: list[str]
    in_use: bool


class PutInUse(BaseModel):
    """When a model was put in use, and when it was taken out again, if it was."""

    id: str
    model: str
    replaces: str = Field(description="the model that it was compared with")
    reason: str
    promoted_by: str
    promoted_at: str
    rolled_back_at: str | None
    rolled_back_by: str | None
    rolled_back_reason: str | None


class Models(BaseModel):
    """By name and version; what was put in use here, the newest first; and why the newest is not in use, or ""."""

    models: list[Model]
    put_in_use: list[PutInUse]
    problem: str


class Health(BaseModel):
    """Whether the server is up."""

    status: str = Field(description='"ok", or "not scoring" when a thread that looks at photographs has ended')
    model: str
    model_problem: str = Field(description='why another model that was put in use is not, or ""')
    version: str


class ProblemKind(BaseModel):
    """A kind of problem."""

    type: str
    status: int
    title: str


class Problems(BaseModel):
    """All that this API answers with."""

    problems: list[ProblemKind]


@router.get("/models", summary="Models", tags=["models"])
def models(request: Request, records: Here, who: Annotated[Person, allowed(Deed.see)]) -> Models:
    """Those that came with this installation, the one in use, and which was put in use when."""
    serving = request.app.state.serving
    used = serving.bundle
    known = {one.id: one for one in (*bundle.installed(), used)}
    return Models(
        models=[Model(id=key, created=one.created, labels=[*one.labels], in_use=key == used.id) for key, one in sorted(known.items())],
        put_in_use=[PutInUse.model_validate(one, from_attributes=True) for one in records.promotions()],
        problem=serving.problem,
    )


@router.get("/health", summary="Whether the server is up", tags=["server"])
def health(request: Request) -> Health:
    found: Health = request.app.state.health()
    return found


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={200: {"description": "text exposition format", "content": {"text/plain": {"schema": {"type": "string"}}}}},
    tags=["server"],
)
def metrics(request: Request, who: Annotated[Person, allowed(Deed.manage)]) -> Response:
    text, media_type = request.app.state.metrics.text()
    return Response(text, media_type=media_type)


@router.get("/problems", summary="Kinds of problems", tags=["server"])
def problems() -> Problems:
    """What the ``type`` of a problem means."""
    return Problems(problems=[ProblemKind(type=f"{PAGE}#{kind}", status=status, title=title) for kind, (status, title) in KINDS.items()])
