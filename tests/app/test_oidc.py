"""A sign-in service, which runs in the test, and every way in which its answer may be wrong."""

from __future__ import annotations

import hashlib
import io
import json
import re
import threading
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import oidc_provider_mock
import pytest
from oidc_provider_mock import User
from starlette.testclient import TestClient
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from app import oidc
from app.oidc import NotSetUp, claimed, configured
from pestcheck.accounts import Accounts
from pestcheck.people import Role
from pestcheck.records import Refused
from pestcheck.settings import Settings
from tests.app.clients import api_of

HERE = "http://127.0.0.1"
HTML = {"accept": "text/html"}
ROLES = {"yard": Role.inspector, "office": Role.auditor, "it": Role.admin}
PEOPLE = {
    "1": {"name": "Ines Ruiz", "roles": ["yard", "others"], "sites": ["Yard 1"]},
    "2": {"name": "Ana Pérez", "roles": ["office", "it"], "sites": "Yard 1"},
    "3": {"name": "Nobody", "roles": ["others"], "sites": ["Yard 1"]},
    "4": {"name": "Siteless", "roles": "yard"},
    "5": {"roles": "yard", "sites": ["Yard 1"]},
}


class WithPkce:
    """A provider around which codes are given out only for the verifier of their challenge (RFC 7636, 4.6), which it does not look at itself."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.challenges: dict[str, str] = {}

    def __call__(self, environ: dict[str, Any], start: Any) -> Any:
        asked = Request(environ)
        if asked.path == "/oauth2/token":
            proof = urlsafe_b64encode(hashlib.sha256(asked.form["code_verifier"].encode()).digest()).decode().rstrip("=")
            if self.challenges.get(asked.form["code"]) != proof:
                return Response('{"error": "invalid_grant"}', 400, content_type="application/json")(environ, start)
            environ["wsgi.input"] = io.BytesIO(urlencode(asked.form).encode())
        answer = Response.from_app(self.app, environ)
        if code := parse_qs(urlsplit(answer.headers.get("location", "")).query).get("code"):
            assert asked.args["code_challenge_method"] == "S256"
            self.challenges[code[0]] = asked.args["code_challenge"]
        return answer(environ, start)


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """A sign-in service on this computer. It asks for a nonce and for PKCE."""
    made = oidc_provider_mock.app(require_nonce=True, user_claims=[User(sub=sub, claims=claims) for sub, claims in PEOPLE.items()])
    server = make_server("localhost", 0, WithPkce(made), threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    thread.join()


def settings(issuer: str, **more: Any) -> Settings:
    given: dict[str, Any] = {
        "oidc_issuer": issuer, "oidc_client_id": "pestcheck", "oidc_client_secret": "a client's secret", "oidc_roles": ROLES, "oidc_sites_claim": "sites",
    }  # fmt: skip
    return Settings(**given | more)


@pytest.fixture(scope="module")
def app(provider: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from app.main import create_app

    made = create_app(settings(provider, data=tmp_path_factory.mktemp("oidc") / "data"))
    with TestClient(made, base_url=HERE):
        yield made


def browser(app: Any) -> TestClient:
    return TestClient(app, base_url=HERE, follow_redirects=False)


def left(tablet: TestClient, to: str = "/") -> str:
    """Where the service is asked."""
    answer = tablet.get(f"/login/service?next={to}")
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def vouched(asked: str, sub: str) -> str:
    """What the service answers when somebody has signed in there: an address here."""
    answer = httpx.post(asked, data={"sub": sub})
    assert answer.status_code in (302, 303), answer.text
    return str(answer.headers["location"])


def come_back(tablet: TestClient, address: str) -> Any:
    assert address.startswith(HERE + oidc.RETURN)
    return tablet.get(address.removeprefix(HERE), headers=HTML)


def accounts(app: Any) -> Accounts:
    return Accounts(api_of(app).state.records.database)


def test_there_and_back(app: Any) -> None:
    tablet = browser(app)
    assert tablet.get("/log.csv").status_code == 401  # nobody gets in, though there is no account yet
    assert "/login/service?next=/accounts" in tablet.get("/login?next=/accounts", headers=HTML).text
    asked = left(tablet, "/accounts")
    query = {name: value for name, (value,) in parse_qs(urlsplit(asked).query).items()}
    assert (query["response_type"], query["code_challenge_method"], query["redirect_uri"]) == ("code", "S256", HERE + oidc.RETURN)
    assert len(query["state"]) >= 20
    assert len(query["nonce"]) >= 20
    (kept,) = [line for line in tablet.get("/login/service").headers.get_list("set-cookie") if "service" in line]
    assert {"HttpOnly", "SameSite=lax", "Max-Age=600"} <= set(kept.split("; "))
    answer = come_back(tablet, vouched(left(tablet, "/accounts"), "2"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/accounts")
    assert oidc.COOKIE not in tablet.cookies
    assert tablet.get("/session").json()["name"] == "Ana Pérez"
    ana = accounts(app).named("Ana Pérez")
    assert (ana.role, ana.sites) == (Role.admin, ["Yard 1"])
    assert come_back(browser(app), vouched(left(browser(app)), "1")).status_code == 403  # begun in another browser


def test_who_comes_again_is_the_same_and_what_changed_is_changed(app: Any) -> None:
    for _ in range(2):
        tablet = browser(app)
        assert come_back(tablet, vouched(left(tablet), "1")).status_code == 303
    (ines,) = [one for one in accounts(app).accounts() if one.name == "Ines Ruiz"]
    assert (ines.role, ines.sites) == (Role.inspector, ["Yard 1"])
    accounts(app).change(ines.id, role="auditor", sites=None, actor="Ana")
    assert come_back(tablet, vouched(left(tablet), "1")).status_code == 303
    assert (accounts(app).account(ines.id).role, accounts(app).account(ines.id).sites) == (Role.inspector, ["Yard 1"])
    lock = re.search(r'name="form" value="(\w+)"', tablet.get("/own").text)
    assert lock
    tablet.post("/lock", data={"form": lock[1]}, headers={"origin": HERE})
    assert "Sign in again" in tablet.get("/lock", headers=HTML).text  # neither PIN nor password
    assert come_back(tablet, vouched(left(tablet), "1")).status_code == 303
    assert tablet.get("/session").status_code == 200
    accounts(app).open("Ana", "admin", actor="Ana")
    accounts(app).change(ines.id, disabled=True, actor="Ana")
    refused = come_back(tablet, vouched(left(tablet), "1"))
    assert (refused.status_code, "disabled" in refused.text) == (403, True)


@pytest.mark.parametrize(("sub", "says"), [("3", "no role"), ("4", "no site"), ("5", "says no name")])
def test_who_is_nobody_here(app: Any, sub: str, says: str) -> None:
    tablet = browser(app)
    refused = come_back(tablet, vouched(left(tablet), sub))
    assert (refused.status_code, says in refused.text) == (403, True), refused.text
    assert "pestcheck" not in tablet.cookies


def test_a_name_that_somebody_has_here_is_not_taken_over(app: Any) -> None:
    before = accounts(app)
    key = before.open("Otto", "admin", actor="Ana")
    with pytest.raises(Refused, match="already"):
        before.from_service("https://elsewhere 1", "Otto", "inspector", None)
    assert before.account(key).subject is None


@pytest.mark.parametrize("what", ["state", "code", "iss", "no cookie", "broken cookie", "denied", "nothing", "nonce", "verifier"])
def test_answers_that_are_not_good(app: Any, what: str) -> None:
    tablet = browser(app)
    good = vouched(left(tablet), "2")
    path = good.removeprefix(HERE)
    code, state = (parse_qs(urlsplit(good).query)[name][0] for name in ("code", "state"))
    match what:
        case "state":
            path = path.replace(state, "x" * len(state))
        case "code":
            path = path.replace(code, "x" * len(code))
        case "iss":
            path += "&iss=https://evil.example"
        case "no cookie":
            tablet.cookies.clear()
        case "broken cookie":
            tablet.cookies.clear()
            tablet.cookies.set(oidc.COOKIE, "nonsense", domain="127.0.0.1")
        case "denied":
            path = f"{oidc.RETURN}?error=access_denied&state={state}"
        case "nothing":
            path = oidc.RETURN
        case "nonce" | "verifier":
            kept = oidc._kept(tablet.cookies[oidc.COOKIE].strip('"'))
            assert kept
            other = urlsafe_b64encode(json.dumps(kept | {what: "x" * 48}).encode()).decode()
            tablet.cookies.clear()
            tablet.cookies.set(oidc.COOKIE, other, domain="127.0.0.1")
    answer = tablet.get(path, headers=HTML)
    assert answer.status_code == 403, answer.text
    assert "Begin again" in answer.text
    assert tablet.get("/session").status_code == 401


def test_a_code_is_good_once(app: Any) -> None:
    tablet = browser(app)
    good = vouched(left(tablet), "2")
    cookie = tablet.cookies[oidc.COOKIE]
    assert come_back(tablet, good).status_code == 303
    thief = browser(app)
    thief.cookies.set(oidc.COOKIE, cookie, domain="127.0.0.1")
    assert come_back(thief, good).status_code == 403


def test_a_service_that_is_gone_is_told(tmp_path: Any) -> None:
    from app.main import create_app

    made = create_app(settings("http://127.0.0.1:1", data=tmp_path / "data"))
    with TestClient(made, base_url=HERE, follow_redirects=False) as tablet:
        answer = tablet.get("/login/service", headers=HTML)
        assert (answer.status_code, "cannot be reached now" in answer.text) == (503, True)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"oidc_issuer": "http://id.example"}, "https"), ({"oidc_client_id": ""}, "PESTCHECK_OIDC_CLIENT_ID"), ({"oidc_roles": {}}, "PESTCHECK_OIDC_ROLES"),
    ],
)  # fmt: skip
def test_half_a_service_is_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(NotSetUp, match=says):
        configured(settings("https://id.example", **given))


def test_what_claims_make() -> None:
    told = {"iss": "https://id.example", "sub": "7", "name": "Ben", "roles": "yard"}
    all_sites = settings("https://id.example", oidc_sites_claim=None)
    assert claimed(all_sites, told).sites is None
    assert claimed(all_sites, told | {"roles": ["office", "yard", 7, None, "it"]}).role is Role.admin
    assert claimed(all_sites, told).subject == "https://id.example 7"
    for wrong in ({"roles": {"yard": 1}}, {"roles": None}, {"name": " "}, {"name": 7}):
        with pytest.raises(Refused):
            claimed(all_sites, told | wrong)
    with pytest.raises(Refused, match="no site"):
        claimed(settings("https://id.example"), told | {"sites": [""]})


def test_the_clients_secret_is_not_shown() -> None:
    assert "a client's secret" not in repr(settings("https://id.example"))
