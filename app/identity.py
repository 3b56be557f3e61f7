"""Who is behind a request, and whether they may go on: around all that the server answers, Gradio's addresses too."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from pestcheck.accounts import Accounts
from pestcheck.people import Deed, Person, Role

NAME = "Pestcheck-Name"
"""Header in which a client without accounts says who the person is, percent-encoded."""
ACCOUNT = "Pestcheck-Account"
"""Header in which a client that kept a request says for whose account (its id); nobody else's session sends it."""
SOMEBODY = "single user"
ASSETS = re.compile(r"/(app|assets|static)/.*|/worker\.js|/favicon\.ico|/robots\.txt", re.DOTALL)
"""Files that are the same for everybody."""
PUBLIC = re.compile(r"/health|/api/v1/health|/login(/service|/return)?|/manifest\.json|/trust(/.*)?")
"""What is answered before anybody has signed in, beside ``ASSETS``."""
WHILE_LOCKED = frozenset({"/lock", "/unlock", "/logout"})
QUIET = re.compile(r"/session|/health|/gradio_api/(queue/data|heartbeat/.*)")
"""What a page asks by itself: it does not keep a session from being locked."""
NEEDS: tuple[tuple[re.Pattern[str], Deed], ...] = (
    (re.compile(r"/log\.csv"), Deed.export),
    (re.compile(r"/insight\.csv|/evidence(\.pdf)?"), Deed.export),
    (re.compile(r"/watch(\.csv)?"), Deed.review),
    (re.compile(r"/records(/.*)?"), Deed.export),
    (re.compile(r"/accounts(/.*)?"), Deed.manage),
    (re.compile(r"/review(/.*)?"), Deed.review),
    (re.compile(r"/training/desk(/.*)?"), Deed.review),
    (re.compile(r"/holds(/.*)?"), Deed.retain),
    (re.compile(r"/gradio_api/upload/?"), Deed.inspect),
)
"""What one must be allowed to do at which address; at all others, to see. The API looks for itself."""
VISITOR = "pestcheck.visitor"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who a request comes from. ``cookie``: what the cookie of their session holds; "" where there is none."""

    person: Person | None = None
    cookie: str = ""
    locked: bool = False


def visitor(request: Any) -> Visitor:
    """Who a request comes from, as the ``Gate`` found out. Also of Gradio's own kind of request."""
    found: Visitor = getattr(request, "request", request).scope[VISITOR]
    return found


def person(request: HTTPConnection) -> Person:
    """Who asks. Behind the ``Gate`` there is always somebody, but at public addresses.

    Raises:
        LookupError: nobody is signed in, or the request came around the gate.
    """
    found = visitor(request)
    if found.person is None or found.locked:
        raise LookupError("nobody is signed in")
    return found.person


def cookie_name(connection: HTTPConnection, name: str = "pestcheck") -> str:
    """A cookie's name. Over TLS no other host or plain page can set it (RFC 6265bis, 4.1.3)."""
    return f"__Host-{name}" if connection.url.scheme == "https" else name


class Gate:
    """Around the whole app. ``service``: whether a sign-in service vouches for people, so that nobody gets in without, even before the
    first account."""

    def __init__(self, app: ASGIApp, *, accounts: Accounts, service: bool = False) -> None:
        self.app, self.accounts, self.service = app, accounts, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or ASSETS.fullmatch(scope["path"]):
            await self.app(scope, receive, send)
            return
        connection, path = HTTPConnection(scope), str(scope["path"])
        try:
            found = await run_in_threadpool(self.look, connection)
        except OSError as error:
            if not PUBLIC.fullmatch(path):
                await _problem("unavailable", str(error), {"Retry-After": "5"})(scope, receive, send)
                return
            found = Visitor()
        refused = None if PUBLIC.fullmatch(path) else refusal(connection, found)
        scope = {**scope, VISITOR: found}
        await (refused or self.app)(scope, receive, send)

    def look(self, connection: HTTPConnection) -> Visitor:
        """Who it is. Reads the database.

        Raises:
            OSError: the database cannot be read now.
        """
        if not self.required:
            return Visitor(Person(unquote(connection.headers.get(NAME, "")).strip() or SOMEBODY, Role.admin))
        kind, _, token = connection.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return Visitor(self.accounts.bearer(token.strip()))
        cookie = connection.cookies.get(cookie_name(connection), "")
        visit = self.accounts.visit(cookie, quiet=bool(QUIET.fullmatch(connection.url.path))) if cookie else None
        return Visitor(visit.person, cookie, visit.locked) if visit else Visitor()

    @property
    def required(self) -> bool:
        """Whether one must sign in here."""
        return self.service or self.accounts.any()


def refusal(connection: HTTPConnection, found: Visitor) -> Response | None:
    """Why somebody may not go on, as a response; None if they may. People with a browser are led to where they can do something about it."""
    path = connection.scope["path"]
    if found.person is None or (found.locked and path not in WHILE_LOCKED):
        says = "The session is locked: give your PIN." if found.person else "Sign in first: with name and password, or with a token."
        if connection.scope["method"] == "GET" and "text/html" in connection.headers.get("accept", ""):
            query = connection.scope["query_string"].decode("latin-1")
            return RedirectResponse(f"{'/lock' if found.person else '/login'}?next={quote(f'{path}?{query}' if query else path)}", 303)
        return _problem("login", says, {"WWW-Authenticate": "Bearer"})
    account = connection.headers.get(ACCOUNT)
    if account and account != found.person.account:
        return _problem(
            "account",
            f"This was recorded for another account; {found.person.name} is signed in. Nothing was changed: it waits for its own.",
        )
    for pattern, deed in NEEDS:
        if pattern.fullmatch(path) and not found.person.may(deed):
            return _problem("forbidden", f"As {found.person.role.value} you may not do this ({deed.value}).")
    return None


def local(address: str) -> str:
    """Where to go on, if it is here; else the start. Browsers take a stroke the other way round for one, and skip line breaks."""
    here = address.startswith("/") and not address.startswith("//") and not re.search(r"[\\\x00-\x20\x7f]", address)
    return address if here else "/"


def _problem(kind: str, says: str, headers: dict[str, str] | None = None) -> Response:
    from app.api import problems  # which needs ``person``

    return problems.answer(kind, says, headers)
