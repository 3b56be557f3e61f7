"""Errors as problem details (RFC 9457): what is wrong, where in the request, and what to do. Nothing of the inside is shown."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import i18n
from pestcheck.photo import PhotoError
from pestcheck.records import Conflict, NotFound, Refused

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
PAGE = "/api/v1/problems"
RETRY_SECONDS = 5
KINDS: dict[str, tuple[int, str]] = {
    "damaged": (400, "The body is not what was sent: send it again"),
    "login": (401, "Say who you are first"),
    "forbidden": (403, "Your role does not allow this"),
    "not-found": (404, "It is not there"),
    "method": (405, "This address does not take this method"),
    "conflict": (409, "Somebody else changed it since you looked"),
    "too-large": (413, "The body is too large"),
    "media-type": (415, "This address takes another kind of body"),
    "refused": (422, "The records refuse this; the detail says why and what to do"),
    "photograph": (422, "This is no readable photograph"),
    "invalid": (422, "The request has not the form that this address takes"),
    "account": (423, "This was recorded for another account: send it when that person has signed in"),
    "internal": (500, "The server failed; nothing was changed"),
    "unavailable": (503, "The records cannot be read or written now; nothing was changed: send the same again later"),
}
"""Kinds of problems: status and title. Their addresses are those of ``PAGE``, after #."""


class Where(BaseModel):
    """A place in the request that is wrong."""

    in_: str = Field(alias="in", description="body, path, query or header", examples=["body"])
    pointer: str = Field(description="JSON pointer (RFC 6901) in the body, or the parameter's name after a stroke", examples=["/state"])
    detail: str = Field(examples=["Field required"])


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = Field(description="kind of problem, explained at this address", examples=[f"{PAGE}#conflict"])
    title: str
    status: int
    detail: str = Field(description="what is wrong here, and what to do, in words for the person")
    errors: list[Where] = Field(default=[], description="where in the request")
    changed_by: str | None = Field(default=None, description="conflict: who")
    changed_at: str | None = Field(default=None, description="conflict: when, ISO 8601 in UTC")
    version: int | None = Field(default=None, description="conflict: the version that is there now")


class Forbidden(Exception):
    """The role, or the site, does not allow it; the message says what."""


class Damaged(Exception):
    """The body that arrived is not the one that was sent."""


def answer(kind: str, detail: str, headers: dict[str, str] | None = None, **more: Any) -> Response:
    """A problem as a response."""
    status, title = KINDS[kind]
    body = Problem(type=f"{PAGE}#{kind}", title=title, status=status, detail=detail, **more)
    return JSONResponse(body.model_dump(by_alias=True, exclude_none=True, exclude_defaults=True), status, headers, MEDIA_TYPE)


class BodyLimit:
    """ASGI middleware that reads no more of a body than ``limit`` allows, in bytes, by path."""

    def __init__(self, app: ASGIApp, limit: Callable[[str], int]) -> None:
        self.app, self.limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        most, size = self.limit(scope["path"]), 0
        announced = dict(scope["headers"]).get(b"content-length", b"")

        async def limited() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > most or (announced.isdigit() and int(announced) > most):
                raise HTTPException(413, f"The body is larger than {most / 2**20:.0f} MB, the most that this address takes.")
            return message

        await self.app(scope, limited, send)


def install(app: FastAPI) -> None:
    """Answer every error of an app this way, and describe it in its OpenAPI document."""

    def told(kind: str) -> Any:
        return lambda request, error: answer(kind, _said(request, error))

    for known, kind in (
        (Refused, "refused"),
        (NotFound, "not-found"),
        (PhotoError, "photograph"),
        (Forbidden, "forbidden"),
        (Damaged, "damaged"),
    ):
        app.add_exception_handler(known, told(kind))
    app.add_exception_handler(Conflict, _conflict)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(OSError, _unavailable)
    app.add_exception_handler(Exception, _internal)
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    app.openapi()["components"]["schemas"] |= schema.pop("$defs") | {"Problem": schema}


def _said(request: Request, error: Exception) -> str:
    """The words of a refusal in the language of who asks: they stand on the page that asked."""
    return i18n.said(i18n.chosen(request), str(error))


def _conflict(request: Request, error: Any) -> Response:
    return answer("conflict", _said(request, error), changed_by=error.by or None, changed_at=error.at or None, version=error.version)


def _invalid(request: Request, error: Any) -> Response:
    """Without what was sent: it may be long, secret, or not even text."""
    places = []
    for fault in error.errors():
        within, *rest = fault["loc"] or ("body",)
        pointer, says = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in rest), fault["msg"]
        if fault["type"] == "json_invalid":
            pointer, says = "", f"this is no JSON, from character {rest[0] if rest else 0} on"
        elif not rest and within == "body" and fault["type"] == "model_attributes_type" and not _says_json(request):
            return answer("media-type", "Send JSON, with the header Content-Type: application/json.")
        places.append(Where(**{"in": str(within)}, pointer=_plain(pointer), detail=_plain(says)))
    first = places[0]
    place = f"{first.in_} {first.pointer}".strip()
    further = f" There are {len(places) - 1} more." if len(places) > 1 else ""
    return answer("invalid", f"Correct {place}: {first.detail}.{further}", errors=places[:20])


def _says_json(request: Request) -> bool:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type == "application/json" or (media_type.startswith("application/") and media_type.endswith("+json"))


def _http(request: Request, error: Any) -> Response:
    phrase, headers = HTTPStatus(error.status_code).phrase, dict(error.headers or {})
    says = error.detail if isinstance(error.detail, str) else phrase
    if error.status_code == 405:
        headers["Allow"] = ", ".join(sorted(_methods(request)))
    kind = next((kind for kind, (status, _) in KINDS.items() if status == error.status_code), None)
    if kind:
        return answer(kind, f"{KINDS[kind][1]}." if says == phrase else says, headers)
    body = Problem(type="about:blank", title=phrase, status=error.status_code, detail=says)
    return JSONResponse(body.model_dump(exclude_none=True, exclude_defaults=True), error.status_code, headers, MEDIA_TYPE)


def _methods(request: Request) -> set[str]:
    """What an address takes: a framework that looks for one route names those of the first only."""
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    return {method for route in request.app.state.routes if route.path_regex.match(path) for method in route.methods}


def _unavailable(request: Request, error: Any) -> Response:
    log.error("%s %s: %s", request.method, request.url.path, error)
    why = f" ({error.strerror})" if error.strerror else ""  # without names of files and hosts
    says = f"The records cannot be read or written now{why}. Nothing was changed. Tell whoever looks after the computer, then send the same again."
    return answer("unavailable", says, {"Retry-After": str(RETRY_SECONDS)})


def _internal(_: Request, error: Any) -> Response:
    """The server's log has the rest: it is raised again after this answer."""
    return answer("internal", "The server failed at this request; its log says more. Nothing was changed.")


def _plain(text: str) -> str:
    return text.encode("utf-8", "replace").decode()[:300]


def responses() -> dict[int | str, dict[str, Any]]:
    """What any address may answer besides its own, for the OpenAPI document."""
    titles: dict[int, list[str]] = {}
    for status, title in KINDS.values():
        titles.setdefault(status, []).append(title)
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": "; or: ".join(title), "content": content} for status, title in titles.items() if status != 405}
