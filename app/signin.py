"""Pages to sign in, lock and unlock, sign out, and to change one's own password and PIN."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import JSONResponse, Response

from app.forms import form, go, page, signed_in, signed_out
from app.identity import local, person, visitor
from pestcheck.accounts import Accounts
from pestcheck.accounts.attempts import TooMany
from pestcheck.accounts.sessions import SignedOut, Wrong
from pestcheck.records import Refused

Form = Annotated[FormData, Depends(form)]
DONE = {"words": "Your password is changed.", "pin": "Your PIN is changed.", "no-pin": "Your PIN is taken away."}
"""What a page says after one's own password or PIN was changed, by what its address says of it."""


def routes(accounts: Accounts, *, service: bool) -> APIRouter:
    """``service``: whether there is a sign-in service, which the page then offers."""
    router = APIRouter(include_in_schema=False)

    def login_page(request: Request, to: str, status: int = 200, *, name: str = "", wrong: str = "", **more: Any) -> Response:
        return page(request, "login.html", status, next=local(to), name=name[:200], wrong=wrong, service=service, **more)

    @router.get("/login")
    def login(request: Request, next: str = "/") -> Response:
        found = visitor(request)
        if found.person and not found.locked:
            return go(local(next))
        return login_page(request, next)

    @router.post("/login")
    def sign_in(request: Request, given: Form) -> Response:
        name, to = text(given, "name"), local(text(given, "next"))
        try:
            token = accounts.sign_in(name, text(given, "password"), address(request), instead_of=visitor(request).cookie)
        except TooMany as error:
            return login_page(request, to, 429, name=name, wrong=str(error), headers={"Retry-After": str(error.seconds)})
        except Wrong as error:
            return login_page(request, to, 401, name=name, wrong=str(error))
        return signed_in(request, go(to), token)

    @router.post("/logout")
    def sign_out(request: Request, given: Form) -> Response:
        accounts.sign_out(visitor(request).cookie)
        return signed_out(request, go("/login"))

    @router.get("/session")
    def session(request: Request) -> Response:
        """For the page's script: who is signed in, and after how many seconds without a touch to lock. 401 once locked or signed out."""
        who = person(request)
        return JSONResponse({"name": who.name, "idle": accounts.idle.total_seconds() if who.account else None})

    def lock_page(request: Request, to: str, status: int = 200, wrong: str = "", headers: dict[str, str] | None = None) -> Response:
        who = visitor(request).person
        key = who.account if who and who.account else ""
        return page(
            request, "lock.html", status, headers, next=local(to), wrong=wrong, pin=accounts.has_pin(key),
            password=accounts.has_password(key), service=service,
        )  # fmt: skip

    @router.get("/lock")
    def locked(request: Request, next: str = "/") -> Response:
        return lock_page(request, next) if visitor(request).locked else go(local(next))

    @router.post("/lock")
    def lock(request: Request, given: Form) -> Response:
        accounts.lock(visitor(request).cookie)
        return go(f"/lock?next={quote(local(text(given, 'next')))}")

    @router.post("/unlock")
    def unlock(request: Request, given: Form) -> Response:
        to = local(text(given, "next"))
        try:
            accounts.unlock(visitor(request).cookie, pin=text(given, "pin"), password=text(given, "password"), address=address(request))
        except SignedOut as error:
            return signed_out(request, login_page(request, to, 401, wrong=str(error)))
        except TooMany as error:
            return lock_page(request, to, 429, str(error), {"Retry-After": str(error.seconds)})
        except Wrong as error:
            return lock_page(request, to, 401, str(error))
        return go(to)

    def own_page(request: Request, status: int = 200, wrong: str = "", done: str = "") -> Response:
        key = person(request).account or ""
        return page(request, "own.html", status, wrong=wrong, done=done, pin=accounts.has_pin(key), password=accounts.has_password(key))

    @router.get("/own")
    def own(request: Request, done: str = "") -> Response:
        return own_page(request, done=DONE.get(done, "")) if person(request).account else go("/")

    @router.post("/own/password")
    def own_password(request: Request, given: Form) -> Response:
        who = person(request)
        try:
            again(given)
            accounts.prove(who.name, text(given, "password"), address(request))
            accounts.set_password(who.account or "", text(given, "new"), actor=who.name)
        except Refused as error:
            return own_page(request, 422, str(error))
        return signed_in(request, go("/own?done=words"), accounts.sign_in_as(who.account or ""))

    @router.post("/own/pin")
    def own_pin(request: Request, given: Form) -> Response:
        who, pin = person(request), text(given, "new")
        try:
            again(given)
            if accounts.has_password(who.account or ""):
                accounts.prove(who.name, text(given, "password"), address(request))
            accounts.set_pin(who.account or "", pin, actor=who.name)
        except Refused as error:
            return own_page(request, 422, str(error))
        return go(f"/own?done={'pin' if pin else 'no-pin'}")

    return router


def text(given: FormData, name: str) -> str:
    """A field of a form; "" where it is missing."""
    return str(given.get(name, ""))


def again(given: FormData) -> None:
    """
    Raises:
        Refused: what was typed twice, since nobody sees it, differs.
    """
    if text(given, "new") != text(given, "again"):
        raise Refused("The two differ. Type the new one twice.")


def address(request: Request) -> str:
    """Where a request comes from."""
    return request.client.host if request.client else ""
