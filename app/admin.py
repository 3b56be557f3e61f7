"""The admin's page: accounts, their roles and sites, new passwords, tokens for machines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from app.forms import form, go, page
from app.identity import person
from app.signin import again, text
from pestcheck.accounts import Accounts
from pestcheck.accounts.passwords import check_password
from pestcheck.people import Role
from pestcheck.records import Conflict, NotFound, Refused

Form = Annotated[FormData, Depends(form)]
WORDS = {
    Role.inspector: "Inspector: inspects",
    Role.trainer: "Trainer: looks, and labels photographs",
    Role.auditor: "Auditor: looks, and takes the log out",
    Role.admin: "Admin: everything, and accounts",
}
"""What a role may do, in words; the table itself is ``people.MAY``."""


def routes(accounts: Accounts) -> APIRouter:
    """All of them need ``Deed.manage``, see ``identity.NEEDS``."""
    router = APIRouter(include_in_schema=False)

    def shown(request: Request, status: int = 200, *, wrong: str = "", done: str = "", token: str = "", of: str = "") -> Response:
        """``of``: the id of the account that the message is about; "new" for one that is not there yet."""
        everybody = [(one, accounts.tokens(one.id), accounts.has_password(one.id)) for one in accounts.accounts()]
        return page(
            request, "accounts.html", status, everybody=everybody, roles=WORDS, known=accounts.sites(), wrong=wrong, done=done, token=token,
            of=of, first=not everybody,
        )  # fmt: skip

    def taken(request: Request, of: str, do: Callable[[], str]) -> Response:
        """Do what a form asks for, which gives the account's id, and lead on to it; or say why not."""
        try:
            key = do()
        except Refused as error:
            return shown(
                request, 404 if isinstance(error, NotFound) else 409 if isinstance(error, Conflict) else 422, wrong=str(error), of=of
            )
        return go(f"/accounts#{key}")

    @router.get("/accounts")
    def everybody(request: Request) -> Response:
        return shown(request)

    @router.post("/accounts")
    def open_(request: Request, given: Form) -> Response:
        def do() -> str:
            name, password = text(given, "name"), text(given, "new")
            if password:
                again(given)
                check_password(password, name)  # before there is an account
            key = accounts.open(
                name, text(given, "role"), sites=sites(given), actor=person(request).name, account_id=text(given, "id") or None
            )
            if password:
                accounts.set_password(key, password, actor=person(request).name)
            return key

        return taken(request, "new", do)

    @router.post("/accounts/{key}")
    def change(request: Request, key: str, given: Form) -> Response:
        def do() -> str:
            seen = text(given, "seen")
            accounts.change(
                key, role=text(given, "role"), sites=sites(given), seen=int(seen) if seen.isascii() and seen.isdigit() else None,
                actor=person(request).name,
            )  # fmt: skip
            return key

        return taken(request, key, do)

    @router.post("/accounts/{key}/password")
    def password(request: Request, key: str, given: Form) -> Response:
        def do() -> str:
            again(given)
            accounts.set_password(key, text(given, "new"), actor=person(request).name)
            return key

        return taken(request, key, do)

    @router.post("/accounts/{key}/{what}")
    def able(request: Request, key: str, what: str, given: Form) -> Response:
        def do() -> str:
            match what:
                case "disable" | "enable":
                    accounts.change(key, disabled=what == "disable", actor=person(request).name)
                case "withdraw":
                    accounts.withdraw_token(text(given, "token"), actor=person(request).name)
                case _:
                    raise NotFound("There is nothing here.")
            return key

        if what != "token":
            return taken(request, key, do)
        try:
            days = text(given, "days")
            token = accounts.give_token(
                key, text(given, "label"), days=int(days) if days.isascii() and days.isdigit() else 0, actor=person(request).name
            )
        except Refused as error:
            return shown(request, 404 if isinstance(error, NotFound) else 422, wrong=str(error), of=key)
        return shown(request, token=token, of=key)  # not led on: it can be shown only now

    return router


def sites(given: FormData) -> list[str] | None:
    """The sites that a form names, one a line; None: all."""
    return None if text(given, "everywhere") else [line for line in text(given, "sites").splitlines() if line.strip()]
