"""Plain pages with forms: drawn from templates, and no form is taken that this browser was not given for this session."""

from __future__ import annotations

import hmac
import secrets
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import FormData
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app import i18n
from app.identity import cookie_name, visitor
from app.pages.ways import ways

COOKIE = "pestcheck-form"
FIELD = "form"
THEMES = {"system": "As the tablet", "light": "Light", "dark": "Dark", "contrast": "High contrast"}
MOST_BYTES, MOST_FIELDS = 64 * 1024, 500


class NotTaken(Exception):
    """A form that is not taken; the message says why and what to do. ``status``: of HTTP."""

    def __init__(self, says: str, status: int = 400) -> None:
        self.status = status
        super().__init__(says)


def page(request: Request, template: str, status: int = 200, headers: dict[str, str] | None = None, **values: Any) -> Response:
    """A page from a template.

    What every template has: ``who``, the person; ``form``, what each of its forms must bring back; ``ways`` to other pages; ``here``,
    the path; ``language``, and ``t`` (a text of the page), ``said`` (a sentence of the library), ``when``, ``number`` and ``percent`` in it.
    """
    key = request.cookies.get(cookie_name(request, COOKIE), "") or secrets.token_urlsafe(32)
    found, language = visitor(request), i18n.chosen(request)
    words = {
        name: partial(how, language)
        for name, how in (("t", i18n.t), ("said", i18n.said), ("when", i18n.moment), ("number", i18n.number), ("percent", i18n.percent))
    }
    drawn = _templates().get_template(template).render(
        who=found.person, form=_bound(key, found.cookie), ways=[*ways(found.person)] if not found.locked else [], here=request.url.path,
        language=language, languages=i18n.LANGUAGES, themes=THEMES, **words, **values,
    )  # fmt: skip
    response = HTMLResponse(drawn, status, headers)
    _keep(request, response, COOKIE, key)
    return response


def form_field(request: Any) -> tuple[str, str]:
    """Name and value of what a form in Gradio's page must bring back."""
    connection = getattr(request, "request", request)
    key = connection.cookies.get(cookie_name(connection, COOKIE), "")
    return FIELD, _bound(key, visitor(connection).cookie) if key else ""


async def form(request: Request) -> FormData:
    """What a form of this browser brings, for ``Depends``.

    Raises:
        NotTaken: too large, damaged, or not a form of this session.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise NotTaken("The form is too large.", 413)
    try:
        read = parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise NotTaken("The form is damaged.") from error
    fields = FormData([(name, value) for name, values in read.items() for value in values])
    key = request.cookies.get(cookie_name(request, COOKIE), "")
    if not key or not hmac.compare_digest(str(fields.get(FIELD, "")).encode(), _bound(key, visitor(request).cookie).encode()):
        raise NotTaken("This page is out of date: somebody signed in or out since it was shown. Open it again.", 403)
    return fields


def go(address: str) -> Response:
    """On to another page, after a form was taken."""
    return RedirectResponse(address, 303)


def signed_in(request: Request, response: Response, token: str) -> Response:
    """Give the browser its session, and new forms."""
    _keep(request, response, "pestcheck", token)
    _keep(request, response, COOKIE, secrets.token_urlsafe(32))
    return response


def signed_out(request: Request, response: Response) -> Response:
    """Take the browser's session away."""
    for name in ("pestcheck", COOKIE):
        response.delete_cookie(cookie_name(request, name), path="/", secure=_secure(request), httponly=True, samesite="lax")
    return response


def _keep(request: Request, response: Response, name: str, value: str) -> None:
    """A cookie until the browser is closed, for this server alone, that no script can read. ``lax``: a sign-in service leads back here."""
    response.set_cookie(cookie_name(request, name), value, path="/", secure=_secure(request), httponly=True, samesite="lax")


def _secure(request: Request) -> bool:
    return request.url.scheme == "https"


def _bound(key: str, session: str) -> str:
    """What the forms of a browser bring back: it changes with who is signed in."""
    return hmac.new(key.encode("utf-8", "surrogateescape"), session.encode("utf-8", "surrogateescape"), "sha256").hexdigest()


@cache
def _templates() -> Environment:
    folder = Path(__file__).parent / "templates"
    return Environment(loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
