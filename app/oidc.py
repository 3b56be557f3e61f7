"""A sign-in service by OpenID Connect: authorization code with PKCE, state and nonce. What it says of a person makes their account."""

from __future__ import annotations

import json
import logging
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.base_client.sync_app import BaseApp, OAuth2Mixin
from authlib.integrations.base_client.sync_openid import OpenIDMixin
from authlib.integrations.httpx_client import OAuth2Client
from fastapi import APIRouter, Request
from joserfc.errors import JoseError
from starlette.responses import RedirectResponse, Response

from app.forms import NotTaken, go, signed_in
from app.identity import cookie_name, local, visitor
from pestcheck.accounts import Accounts
from pestcheck.people import Role
from pestcheck.records import Refused
from pestcheck.settings import Settings

log = logging.getLogger(__name__)

COOKIE = "pestcheck-service"
MINUTES = 10
"""How long somebody may take at the service."""
SECONDS = 10
RETURN = "/login/return"


class NotSetUp(ValueError):
    """Settings of a sign-in service that do not go together; the message says which."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """What the service says of a person, by the settings."""

    subject: str
    name: str
    role: Role
    sites: list[str] | None


class Service(OAuth2Mixin, OpenIDMixin, BaseApp):  # type: ignore[misc]
    """Authlib's client of one service, over httpx2."""

    client_cls = OAuth2Client


def configured(settings: Settings) -> Service | None:
    """The service of the settings; None if there is none.

    Raises:
        NotSetUp: something is missing, or the issuer is not reached by TLS.
    """
    if settings.oidc_issuer is None:
        return None
    issuer = settings.oidc_issuer.rstrip("/")
    if not issuer.startswith("https://") and httpx2.URL(issuer).host not in ("localhost", "127.0.0.1", "::1"):
        raise NotSetUp("PESTCHECK_OIDC_ISSUER must begin with https://")
    if not settings.oidc_client_id:
        raise NotSetUp("PESTCHECK_OIDC_CLIENT_ID is not set")
    if not settings.oidc_roles:
        raise NotSetUp('PESTCHECK_OIDC_ROLES is not set: say who may do what, as {"yard-inspectors": "inspector"}')
    return Service(
        None, name="oidc", client_id=settings.oidc_client_id, client_secret=settings.oidc_client_secret.get_secret_value() or None,
        server_metadata_url=f"{issuer}/.well-known/openid-configuration",
        client_kwargs={"scope": settings.oidc_scope, "code_challenge_method": "S256", "timeout": SECONDS},
    )  # fmt: skip


def claimed(settings: Settings, claims: dict[str, Any]) -> Claimed:
    """Who a person is here. Of several roles the one that may do most counts.

    Raises:
        Refused: the service gives them no name, no role or no site here.
    """
    name = claims.get(settings.oidc_name_claim)
    if not isinstance(name, str) or not name.strip():
        raise Refused(f"The sign-in service says no name of you (claim {settings.oidc_name_claim!r}). Ask whoever looks after it.")
    roles = [settings.oidc_roles[one] for one in _several(claims.get(settings.oidc_role_claim)) if one in settings.oidc_roles]
    if not roles:
        raise Refused("The sign-in service gives you no role in pestcheck. Ask whoever looks after it.")
    sites = None if settings.oidc_sites_claim is None else _several(claims.get(settings.oidc_sites_claim))
    if sites == []:
        raise Refused("The sign-in service gives you no site in pestcheck. Ask whoever looks after it.")
    return Claimed(f"{claims['iss']} {claims['sub']}", name, max(roles, key=[*Role].index), sites)


def _several(value: Any) -> list[str]:
    """A claim that is one text or a list of them."""
    found = value if isinstance(value, list) else [value]
    return [one for one in found if isinstance(one, str) and one]


def routes(accounts: Accounts, settings: Settings, service: Service) -> APIRouter:
    """The way to the service and back."""
    router = APIRouter(include_in_schema=False)
    turn = threading.Lock()

    def back(request: Request) -> str:
        return f"{request.url.scheme}://{request.headers['host']}{RETURN}"

    @router.get("/login/service")
    def leave(request: Request, next: str = "/") -> Response:
        """To the service. What it must bring back is kept in this browser only."""
        try:
            with turn:
                asked = service.create_authorization_url(back(request))
        except (httpx2.HTTPError, AuthlibBaseError, ValueError, RuntimeError) as error:
            raise _unreachable(error) from error
        response = RedirectResponse(asked["url"], 303)
        kept = {"state": asked["state"], "nonce": asked["nonce"], "verifier": asked["code_verifier"], "next": local(next)}
        value = urlsafe_b64encode(json.dumps(kept).encode()).decode()
        response.set_cookie(
            cookie_name(request, COOKIE), value, max_age=60 * MINUTES, path="/", secure=request.url.scheme == "https", httponly=True,
            samesite="lax",
        )  # fmt: skip
        return response

    @router.get(RETURN)
    def come_back(request: Request, state: str = "", code: str = "", error: str = "", iss: str = "") -> Response:
        """From the service, with a code that only the browser that was sent there can use."""
        name = cookie_name(request, COOKIE)
        kept = _kept(request.cookies.get(name, ""))
        if not kept or not state or state != kept["state"]:
            raise NotTaken("This sign-in was not begun in this browser, or took too long. Begin again.", 403)
        if error or not code:
            log.warning("the sign-in service refused: %r", error[:100])
            raise NotTaken("The sign-in service did not let you in. Begin again.", 403)
        try:
            with turn:
                metadata = service.load_server_metadata()
                if iss and iss != metadata["issuer"]:
                    raise NotTaken("The answer comes from another sign-in service. Begin again.", 403)
                token = service.fetch_access_token(back(request), code=code, code_verifier=kept["verifier"])
                claims = service.parse_id_token(token, kept["nonce"])
                if claims is not None and "userinfo_endpoint" in metadata:
                    more = service.userinfo(token=token)
                    if more.get("sub") != claims["sub"]:
                        raise NotTaken("The sign-in service speaks of two people. Tell whoever looks after it.", 403)
                    claims = {**more, **claims}
        except httpx2.HTTPError as failure:
            raise _unreachable(failure) from failure
        except (AuthlibBaseError, JoseError, KeyError, ValueError, RuntimeError) as failure:
            log.warning("the sign-in service's answer is not good: %s", type(failure).__name__)
            raise NotTaken("The answer of the sign-in service is not good. Begin again.", 403) from failure
        if claims is None:
            raise NotTaken("The sign-in service does not say who you are. Tell whoever looks after it.", 403)
        try:
            who = claimed(settings, claims)
            key = accounts.from_service(who.subject, who.name, who.role, who.sites)
            cookie = accounts.sign_in_as(key, instead_of=visitor(request).cookie)
        except Refused as refused:
            raise NotTaken(str(refused), 403) from refused
        response = signed_in(request, go(local(str(kept["next"]))), cookie)
        response.delete_cookie(name, path="/", secure=request.url.scheme == "https", httponly=True, samesite="lax")
        return response

    return router


def _kept(value: str) -> dict[str, str] | None:
    try:
        read = json.loads(urlsafe_b64decode(value))
        return {name: str(read[name]) for name in ("state", "nonce", "verifier", "next")}
    except (ValueError, KeyError, TypeError):
        return None


def _unreachable(error: Exception) -> NotTaken:
    log.warning("the sign-in service cannot be reached: %s", error)
    return NotTaken("The sign-in service cannot be reached now. Try again, or sign in with name and password.", 503)
