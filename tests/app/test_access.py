"""Who gets in, and what they get: real requests to the real app, Gradio's addresses too."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from pestcheck.accounts import Accounts
from pestcheck.ids import uuid7
from pestcheck.people import MAY, Deed, Role
from pestcheck.records import Records
from pestcheck.settings import Settings
from pestcheck.store import events
from tests.app.clients import api_of
from tests.pictures import scenes

WORDS = "seven hornets on a pallet"
WRONG = "no such words"
PIN = "2580"
HERE = "http://127.0.0.1"
HTML = {"accept": "text/html,application/xhtml+xml"}
SITES: dict[str, list[str] | None] = {"Ana": None, "Ines": ["Yard 1"], "Teo": ["Yard 1"], "Aldo": ["Yard 2"]}
ROLES = {"Ana": Role.admin, "Ines": Role.inspector, "Teo": Role.trainer, "Aldo": Role.auditor}


class Yard:
    """A server with an account of every role, and an inspection with a photograph at each of two sites."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.records: Records = api_of(app).state.records
        self.accounts = Accounts(self.records.database)
        self.inspections: dict[str, str] = {}
        self.photographs: dict[str, str] = {}
        for name in ("Ana", "Ines", "Teo", "Aldo"):
            key = self.accounts.open(name, ROLES[name], sites=SITES[name], actor="Ana")
            self.accounts.set_password(key, WORDS, actor="Ana")
        for number, site in enumerate(("Yard 1", "Yard 2")):
            key = self.inspections[site] = uuid7()
            self.records.open(key, number="CSQU3054383", inspector="Ines", template="container_7_point@1", site=site)
            picture = scenes.jpeg(scenes.wall(640, 480, seed=number))
            self.records.photograph(key, "floor", picture, name="a.jpg", actor="Ines")
            (item,) = self.records.inspection(key).photographs
            self.photographs[site] = item.view.sha256

    def tablet(self) -> TestClient:
        """A browser of its own, which follows nothing by itself."""
        return TestClient(self.app, base_url=HERE, follow_redirects=False, raise_server_exceptions=False)

    def signed_in(self, name: str, pin: str = "") -> TestClient:
        """A browser in which somebody has signed in."""
        tablet = self.tablet()
        answer = send(tablet, "/login", name=name, password=WORDS)
        assert answer.status_code == 303, answer.text
        if pin:
            assert send(tablet, "/own/pin", page="/own", password=WORDS, new=pin, again=pin).status_code == 303
        return tablet

    def with_cookie(self, cookie: str) -> TestClient:
        """A browser of its own with somebody's session."""
        tablet = self.tablet()
        tablet.cookies.set("pestcheck", cookie, domain="127.0.0.1")
        return tablet

    def cookie(self, tablet: TestClient) -> str:
        return str(tablet.cookies["pestcheck"])


@pytest.fixture(scope="module")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    from app.main import create_app

    app = create_app(Settings(data=tmp_path_factory.mktemp("yard") / "data"))
    with TestClient(app, base_url=HERE):
        yield Yard(app)


@pytest.fixture
def clean(yard: Yard) -> Yard:
    """Without the wrong passwords of other tests."""
    from sqlmodel import delete

    from pestcheck.store.account_tables import Attempt

    with yard.records.database.writing() as session:
        session.exec(delete(Attempt))
    return yard


def hidden(text: str) -> str:
    """What the forms of a page must bring back."""
    found = re.search(r'name="form" value="([0-9a-f]{64})"', text)
    assert found, text
    return found[1]


def send(tablet: TestClient, to: str, *, page: str = "", **fields: str) -> Any:
    """Open a page and send one of its forms."""
    shown = tablet.get(page or to, headers=HTML)
    assert shown.status_code == 200, (shown.status_code, shown.headers)
    return tablet.post(to, data={"form": hidden(shown.text), **fields}, headers={"origin": HERE, **HTML})


def join(tablet: TestClient, **headers: str) -> Any:
    """Touch a button of Gradio's page."""
    body = {"data": [], "fn_index": 0, "session_hash": "abcdef", "event_data": None, "trigger_id": None}
    return tablet.post("/gradio_api/queue/join", json=body, headers={"origin": HERE, **headers})


GETS = (
    "/", "/?inspection=x", "/log.csv", "/guide", "/records", "/records/register.csv", "/packet/x.pdf", "/insight", "/insight.csv", "/evidence", "/evidence.pdf", "/watch", "/watch.csv", "/config", "/theme.css", "/own", "/accounts", "/session", "/lock", "/gradio_api/queue/data?session_hash=abcdef",
    "/gradio_api/file=/etc/passwd", "/gradio_api/upload_progress?upload_id=x", "/gradio_api/heartbeat/abcdef", "/photograph/" + "0" * 64 + ".jpg",
    "/api/v1/inspections", "/api/v1/exports/log.csv", "/api/v1/openapi.json", "/docs", "/openapi.json", "/nothing", "//", "/login/", "/healthy",
    "/logins", "/trusted", "/login/service/x", "/LOGIN", "/./login/../log.csv", "/login%2f..%2flog.csv", "/assetsx/", "/appx",
)  # fmt: skip


@pytest.mark.parametrize("path", GETS)
def test_nothing_is_shown_before_one_has_signed_in(yard: Yard, path: str) -> None:
    tablet = yard.tablet()
    for headers in (
        {},
        {"authorization": "Bearer nonsense"},
        {"cookie": "pestcheck=nonsense"},
        {"Pestcheck-Name": "Ana"},
        {"authorization": "Basic QW5hOng="},
    ):
        answer = tablet.get(path, headers=headers)
        assert answer.status_code in (401, 404), path
        assert answer.status_code == 401 or path.startswith("/gradio_api/")  # Gradio's spare addresses are not there at all
        assert "CSQU" not in answer.text
    if answer.status_code == 401:
        led = tablet.get(path, headers=HTML)
        assert led.status_code == 303
        assert led.headers["location"].startswith("/login?next=%2F") or led.headers["location"].startswith("/login?next=/")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/gradio_api/upload"), ("POST", "/gradio_api/cancel"), ("POST", "/gradio_api/reset"), ("POST", "/gradio_api/queue/join"),
        ("PUT", "/api/v1/inspections/" + "0" * 36), ("POST", "/accounts"), ("POST", "/own/password"), ("POST", "/lock"), ("POST", "/unlock"),
        ("POST", "/logout"), ("HEAD", "/"), ("OPTIONS", "/log.csv"), ("DELETE", "/log.csv"),
    ],
)  # fmt: skip
def test_nothing_is_done_before_one_has_signed_in(yard: Yard, method: str, path: str) -> None:
    before = len(yard.records.inspections())
    answer = yard.tablet().request(method, path, headers={"origin": HERE})
    assert answer.status_code == 401
    if method != "HEAD":
        assert answer.json()["type"] == "/api/v1/problems#login"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert len(yard.records.inspections()) == before


def test_what_one_person_recorded_is_not_taken_from_another(yard: Yard) -> None:
    key = yard.inspections["Yard 1"]
    account = {one.name: one.id for one in yard.accounts.accounts()}
    at = f"/api/v1/inspections/{key}/points"
    requests: list[tuple[str, dict[str, Any]]] = [
        (f"{at}/floor/photographs/{uuid7()}?name=a.jpg", {"content": scenes.jpeg(scenes.wall(640, 480, seed=7))}),
        (f"{at}/floor/answer", {"json": {"state": "not_inspected", "note": "locked"}}),
    ]
    ana, ines = yard.signed_in("Ana"), yard.signed_in("Ines")

    def log() -> list[str]:
        with yard.records.database.reading() as session:
            return [event.actor for event in events.read(session)]

    before = log()
    for path, body in requests:
        answer = ines.put(path, headers={"origin": HERE, "Pestcheck-Account": account["Ana"]}, **body)
        assert (answer.status_code, answer.json()["type"]) == (423, "/api/v1/problems#account")
        assert answer.headers["content-type"] == "application/problem+json"
        assert "Ines is signed in" in answer.json()["detail"]
    assert log() == before
    for path, body in requests:
        assert ana.put(path, headers={"origin": HERE, "Pestcheck-Account": account["Ana"]}, **body).status_code == 201
    assert log() == [*before, "Ana", "Ana"]


def test_what_everybody_gets(yard: Yard) -> None:
    tablet = yard.tablet()
    for path in (
        "/health",
        "/login",
        "/app/pages.css",
        "/app/session.js",
        "/app/icon.svg",
        "/manifest.json",
        "/favicon.ico",
        "/api/v1/health",
    ):
        answer = tablet.get(path)
        assert answer.status_code == 200, path
        assert "CSQU" not in answer.text
    for path in ("/app/../main.py", "/app/..%2fmain.py", "/static/..%2f..%2fetc/passwd", "/assets/..%2f..%2fetc/passwd"):
        assert tablet.get(path).status_code in (401, 403, 404), path


def test_every_address_that_fastapi_and_gradio_know_is_behind_the_gate(yard: Yard) -> None:
    """Also those that a newer Gradio brings."""
    tablet, asked = yard.tablet(), 0

    def walk(routes: list[Any], before: str = "") -> Iterator[tuple[str, str]]:
        for route in routes:
            path = before.rstrip("/") + getattr(route, "path", "")
            if inner := getattr(getattr(route, "original_router", route), "routes", None):
                yield from walk(inner, path)
            for method in getattr(route, "methods", None) or ():
                yield method, re.sub(r"\{[^}]*\}", "x", path)

    for method, path in walk(yard.app.routes):
        if re.fullmatch(r"/(health|api/v1/health|login|manifest\.json|worker\.js|favicon\.ico|robots\.txt|(app|assets|static)/?.*)", path):
            continue
        asked += 1
        assert tablet.request(method, path, headers={"origin": HERE}).status_code in (401, 404), (method, path)
    assert asked > 100


DEEDS: dict[str, tuple[Deed, Any]] = {
    "page": (Deed.see, lambda t, y: t.get("/", headers=HTML)),
    "config": (Deed.see, lambda t, y: t.get("/config")),
    "own": (Deed.see, lambda t, y: t.get("/own", headers=HTML)),
    "log": (Deed.export, lambda t, y: t.get("/log.csv")),
    "accounts": (Deed.manage, lambda t, y: t.get("/accounts", headers=HTML)),
    "guide": (Deed.see, lambda t, y: t.get("/guide", headers=HTML)),
    "api: watch list": (Deed.see, lambda t, y: t.get("/api/v1/watchlist")),
    "new account": (Deed.manage, lambda t, y: t.post("/accounts", data={}, headers={"origin": HERE})),
    "upload": (Deed.inspect, lambda t, y: t.post("/gradio_api/upload", files={"files": ("a.jpg", b"x")}, headers={"origin": HERE})),
    "insight": (Deed.see, lambda t, y: t.get("/insight", headers=HTML)),
    "insight as a file": (Deed.export, lambda t, y: t.get("/insight.csv")),
    "evidence": (Deed.export, lambda t, y: t.get("/evidence", headers=HTML)),
    "evidence as PDF": (Deed.export, lambda t, y: t.get("/evidence.pdf")),
    "watch": (Deed.review, lambda t, y: t.get("/watch", headers=HTML)),
    "watch as a file": (Deed.review, lambda t, y: t.get("/watch.csv")),
    "api: insight": (Deed.see, lambda t, y: t.get("/api/v1/insight")),
    "api: evidence": (Deed.export, lambda t, y: t.get("/api/v1/evidence")),
    "api: watch": (Deed.review, lambda t, y: t.get("/api/v1/watch")),
    "api: draw": (Deed.inspect, lambda t, y: t.put(f"/api/v1/draws/{uuid7()}", json={"number": "A"}, headers={"origin": HERE})),
    "api: list": (Deed.see, lambda t, y: t.get("/api/v1/inspections")),
    "api: log": (Deed.export, lambda t, y: t.get("/api/v1/exports/log.csv")),
    "api: pack": (Deed.export, lambda t, y: t.get("/api/v1/exports/pack.zip?site=nowhere")),
    "pack": (Deed.export, lambda t, y: t.get("/records/pack.zip?site=nowhere", headers=HTML)),
    "records": (Deed.export, lambda t, y: t.get("/records", headers=HTML)),
    "register": (Deed.export, lambda t, y: t.get("/records/register.xlsx")),
    "record in print": (Deed.see, lambda t, y: t.get(f"/packet/{uuid7()}.pdf", headers=HTML)),
    "api: what was taken out": (Deed.export, lambda t, y: t.get("/api/v1/exports")),
    "api: register": (Deed.export, lambda t, y: t.get("/api/v1/exports/register.csv")),
    "api: workbook": (Deed.export, lambda t, y: t.get("/api/v1/exports/register.xlsx")),
    "api: register as json": (Deed.export, lambda t, y: t.get("/api/v1/exports/register.json")),
    "api: data set": (Deed.export, lambda t, y: t.get("/api/v1/exports/coco.json")),
    "api: record as json": (Deed.export, lambda t, y: t.get(f"/api/v1/exports/inspections/{y.inspections['Yard 1']}.json")),
    "api: record in print": (Deed.see, lambda t, y: t.get(f"/api/v1/exports/inspections/{y.inspections['Yard 1']}.pdf")),
    "api: shared photograph": (Deed.export, lambda t, y: t.get(f"/api/v1/exports/photographs/{y.photographs['Yard 1']}")),
    "api: schema": (Deed.see, lambda t, y: t.get("/api/v1/exports/schema.json")),
    "seal register": (Deed.see, lambda t, y: t.get("/seals", headers=HTML)),
    "legal hold": (Deed.retain, lambda t, y: t.get("/holds", headers=HTML)),
    "hold": (Deed.retain, lambda t, y: t.post(f"/holds/{uuid7()}", data={}, headers={"origin": HERE})),
    "training": (Deed.see, lambda t, y: t.get("/training", headers=HTML)),
    "training desk": (Deed.review, lambda t, y: t.get("/training/desk", headers=HTML)),
    "make a quiz": (Deed.review, lambda t, y: t.post("/training/desk/new", data={}, headers={"origin": HERE})),
    "hold a course": (Deed.review, lambda t, y: t.post("/training/desk/courses", data={}, headers={"origin": HERE})),
    "withdraw a certificate": (Deed.review, lambda t, y: t.post(f"/training/desk/certificates/{uuid7()}", data={}, headers={"origin": HERE})),
    "api: quizzes": (Deed.see, lambda t, y: t.get("/api/v1/quizzes")),
    "api: make a quiz": (Deed.review, lambda t, y: t.put(f"/api/v1/quizzes/{uuid7()}", json={}, headers={"origin": HERE})),
    "api: hold a course": (Deed.review, lambda t, y: t.put(f"/api/v1/courses/{uuid7()}", json={}, headers={"origin": HERE})),
    "review page": (Deed.review, lambda t, y: t.get("/review", headers=HTML)),
    "agreement page": (Deed.review, lambda t, y: t.get("/review/agreement", headers=HTML)),
    "full photograph": (Deed.see, lambda t, y: t.get(f"/photograph/{'0' * 64}/full.jpg")),
    "api: queue": (Deed.review, lambda t, y: t.get("/api/v1/review/queue")),
    "api: work": (Deed.review, lambda t, y: t.put("/api/v1/review/work", json={"limit": 0}, headers={"origin": HERE})),
    "api: release": (Deed.review, lambda t, y: t.put("/api/v1/review/release", json={"photographs": []}, headers={"origin": HERE})),
    "api: claim": (Deed.review, lambda t, y: t.put(f"/api/v1/review/photographs/{uuid7()}/claim", json={}, headers={"origin": HERE})),
    "api: reviewed": (Deed.review, lambda t, y: t.get(f"/api/v1/review/photographs/{uuid7()}")),
    "api: opinion": (
        Deed.review,
        lambda t, y: t.put(
            f"/api/v1/review/photographs/{uuid7()}/opinions/{uuid7()}", json={"outcome": "unusable"}, headers={"origin": HERE}
        ),
    ),
    "api: withdrawal": (
        Deed.review, lambda t, y: t.put(f"/api/v1/review/opinions/{uuid7()}/withdrawal", json={}, headers={"origin": HERE})
    ),
    "api: agreement": (Deed.review, lambda t, y: t.get("/api/v1/review/agreement")),
    "api: choices": (Deed.review, lambda t, y: t.get("/api/v1/review/choices")),
    "api: certify": (Deed.review, lambda t, y: t.put(f"/api/v1/certificates/{uuid7()}", json={}, headers={"origin": HERE})),
}  # fmt: skip


@pytest.mark.parametrize("what", DEEDS)
@pytest.mark.parametrize("name", ROLES)
def test_who_may_do_what(yard: Yard, name: str, what: str) -> None:
    """The table ``people.MAY``, cell by cell, over the addresses there are."""
    deed, ask = DEEDS[what]
    answer = ask(yard.signed_in(name), yard)
    if deed in MAY[ROLES[name]]:
        assert answer.status_code != 401
        assert answer.status_code != 403 or "out of date" in answer.text  # a form without what it must bring back
    else:
        assert (answer.status_code, answer.json()["type"]) == (403, "/api/v1/problems#forbidden")


def test_the_table() -> None:
    """As it was agreed: a change of it must be meant."""
    see, inspect, amend, review, export, retain, manage = Deed
    agreed = {
        Role.inspector: {see, inspect, amend},
        Role.trainer: {see, review},
        Role.auditor: {see, export},
        Role.admin: {see, inspect, amend, review, export, retain, manage},
    }
    assert agreed == MAY


@pytest.mark.parametrize("name", ROLES)
def test_people_see_their_sites_only(yard: Yard, name: str) -> None:
    tablet = yard.signed_in(name)
    for site in ("Yard 1", "Yard 2"):
        sees = SITES[name] is None or site in (SITES[name] or ())
        preview = tablet.get(f"/photograph/{yard.photographs[site]}.jpg")
        nowhere = tablet.get("/photograph/" + "0" * 64 + ".jpg")
        assert preview.status_code == (200 if sees else 404)
        assert tablet.get(f"/photograph/{yard.photographs[site]}/full.jpg").status_code == (200 if sees else 404)
        if not sees:
            assert preview.content == nowhere.content
        asked = tablet.get(f"/api/v1/inspections/{yard.inspections[site]}")
        assert asked.status_code == (200 if sees else 404)
        if Deed.export in MAY[ROLES[name]]:
            for log in (
                "/log.csv", "/api/v1/exports/log.csv", "/api/v1/exports/register.csv", "/api/v1/exports/register.csv?table=findings", "/records/register.csv",
                "/api/v1/exports/register.json", "/api/v1/exports/coco.json", "/records",
            ):  # fmt: skip
                assert (yard.inspections[site] in tablet.get(log).text) == sees or "findings" in log
            for file in (f"inspections/{yard.inspections[site]}.json", f"photographs/{yard.photographs[site]}"):
                assert tablet.get(f"/api/v1/exports/{file}").status_code == (200 if sees else 404)
        assert tablet.get(f"/api/v1/exports/inspections/{yard.inspections[site]}.pdf").status_code == (200 if sees else 404)
        assert tablet.get(f"/packet/{yard.inspections[site]}.pdf").status_code == (200 if sees else 404)
    assert "Cookie" in tablet.get(f"/photograph/{yard.photographs['Yard 1']}.jpg").headers.get("vary", "Cookie")


def touch(tablet: TestClient, do: str, at: dict[str, Any], **form: str) -> dict[str, str]:
    """What Gradio's page says to a touch, as its script sends it: the page, what was told, the settings."""
    config = tablet.get("/config").json()
    (message,) = [one["id"] for one in config["components"] if (one["props"] or {}).get("elem_id") == "message"]
    (handler,) = [one["id"] for one in config["dependencies"] if message in [target[0] for target in one["targets"]]]
    said = json.dumps({"id": uuid7(), "do": do, "at": at, "form": form})
    body = {"data": [said], "fn_index": handler, "session_hash": uuid7()[-10:], "event_data": None, "trigger_id": None}
    answer = tablet.post("/gradio_api/run/predict", json=body, headers={"origin": HERE})
    assert answer.status_code == 200, answer.text
    return dict(zip(("screen", "told", "settings"), map(str, answer.json()["data"]), strict=False))


def test_gradios_events_know_who_asks(yard: Yard) -> None:
    draft = {"number": "CSQU3054383", "size": "", "template": "container_7_point", "stage": "empty_at_origin", "name": "Somebody else"}
    begin = {"step": "new", "draft": draft}
    ines = yard.signed_in("Ines")
    assert "Ines" in touch(ines, "ask", begin, key="selection", value="routine")["settings"]
    newest, _ = yard.records.inspections()[0]
    assert (newest.inspector, newest.site) == ("Ines", "Yard 1")  # from the account, whatever the request says
    for name in ("Teo", "Aldo"):
        refused = touch(yard.signed_in(name), "ask", begin, key="selection", value="routine")
        assert "you may look, and not inspect" in refused["told"]
    elsewhere = touch(ines, "look", {"inspection": yard.inspections["Yard 2"], "step": "points"})
    assert "There is no inspection" in elsewhere["told"]
    here = touch(ines, "look", {"inspection": yard.inspections["Yard 1"], "step": "points"})
    assert "CSQU" in here["screen"]
    assert yard.records.inspections()[0][0].id == newest.id
    moved = touch(ines, "ask", {"step": "new", "draft": {**draft, "site": "Yard 2"}}, key="selection", value="routine")
    assert "Choose the site, one of yours: Yard 1" in moved["told"] or yard.records.inspections()[0][0].site == "Yard 1"


def test_sign_in_and_out(clean: Yard, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    tablet = clean.tablet()
    led = tablet.get("/?inspection=a b&x=ü", headers=HTML)
    shown = tablet.get(led.headers["location"], headers=HTML)
    wrong = tablet.post(
        "/login", data={"form": hidden(shown.text), "name": "<b>Ines</b>", "password": "nonsense " + WORDS}, headers={"origin": HERE}
    )
    assert (wrong.status_code, "The name or the password is wrong." in wrong.text) == (401, True)
    assert "&lt;b&gt;Ines&lt;/b&gt;" in wrong.text
    assert "nonsense" not in wrong.text
    there = re.search(r'name="next" value="([^"]*)"', shown.text)
    assert there
    signed = send(tablet, "/login", name=" ines ", password=WORDS, next="/?inspection=a%20b&x=%C3%BC")
    assert signed.headers["location"] == "/?inspection=a%20b&x=%C3%BC"
    (session,) = [line for line in signed.headers.get_list("set-cookie") if line.startswith("pestcheck=")]
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(session.split("; "))
    assert "Max-Age" not in session
    page = tablet.get("/", headers=HTML)
    assert page.status_code == 200
    cookie = clean.cookie(tablet)
    assert send(tablet, "/logout", page="/own").headers["location"] == "/login"
    assert "pestcheck" not in tablet.cookies
    assert clean.with_cookie(cookie).get("/log.csv").status_code == 401  # the session is gone, not only the cookie
    for secret in (WORDS, cookie, "nonsense"):
        assert secret not in caplog.text


def test_over_tls_the_cookie_is_for_tls_and_this_host_only(clean: Yard) -> None:
    tablet = TestClient(clean.app, base_url="https://127.0.0.1", follow_redirects=False)
    shown = tablet.get("/login")
    signed = tablet.post(
        "/login", data={"form": hidden(shown.text), "name": "Ines", "password": WORDS}, headers={"origin": "https://127.0.0.1"}
    )
    assert signed.status_code == 303
    for line in signed.headers.get_list("set-cookie"):
        assert line.startswith("__Host-pestcheck")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=lax"} <= set(line.split("; "))
        assert "Domain" not in line
    assert tablet.get("/session").json()["name"] == "Ines"


def test_a_planted_session_is_worth_nothing_afterwards(clean: Yard) -> None:
    attacker = clean.signed_in("Aldo")
    victim = clean.with_cookie(clean.cookie(attacker))
    shown = send(victim, "/logout", page="/own")  # whoever finds a stranger signed in
    assert shown.status_code == 303
    planted = "x" * 43
    other = clean.with_cookie(planted)
    assert send(other, "/login", name="Ines", password=WORDS).status_code == 303
    assert clean.cookie(other) != planted
    for cookie in (planted, clean.cookie(attacker)):
        assert clean.with_cookie(cookie).get("/session").status_code == 401


@pytest.mark.parametrize(
    "to", ["//evil.example", "https://evil.example", "/\\evil.example", "/\t/evil.example", "javascript:alert(1)", "", "evil", "/ /evil"]
)
def test_one_is_led_on_only_within_the_server(clean: Yard, to: str) -> None:
    assert send(clean.tablet(), "/login", name="Ines", password=WORDS, next=to).headers["location"] == "/"
    assert clean.signed_in("Ines").get(f"/login?next={quote(to)}").headers["location"] == "/"


def test_forms_of_other_pages_are_not_taken(clean: Yard) -> None:
    tablet = clean.tablet()
    name = {"name": "Ines", "password": WORDS}
    shown = tablet.get("/login").text
    for form in ("", "0" * 64, hidden(clean.tablet().get("/login").text)):
        answer = tablet.post("/login", data={"form": form, **name}, headers={"origin": HERE})
        assert (answer.status_code, "out of date" in answer.text) == (403, True)
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}):
        assert tablet.post("/login", data={"form": hidden(shown), **name}, headers=headers).status_code == 403
    assert "pestcheck" not in tablet.cookies
    damaged = (b"\xff\xfe", b"name=%ff%fe&form=" + hidden(shown).encode(), b"&".join(b"a=%d" % n for n in range(600)))
    for body in damaged:
        answer = tablet.post("/login", content=body, headers={"origin": HERE})
        assert (answer.status_code, "damaged" in answer.text) == (400, True)
    assert tablet.post("/login", content=b"a=" + b"x" * 70_000, headers={"origin": HERE}).status_code == 413


def test_two_tabs_of_one_browser(clean: Yard) -> None:
    """A form that was shown to one person is not taken from the next."""
    tablet = clean.signed_in("Ines")
    hers = hidden(tablet.get("/own").text)
    assert send(tablet, "/logout", page="/own").status_code == 303
    assert send(tablet, "/login", name="Ana", password=WORDS).status_code == 303
    late = tablet.post("/own/pin", data={"form": hers, "password": WORDS, "new": "9174", "again": "9174"}, headers={"origin": HERE})
    assert (late.status_code, "out of date" in late.text) == (403, True)
    assert not clean.accounts.has_pin(clean.accounts.named("Ana").id)
    other = clean.with_cookie(clean.cookie(tablet))  # signed out in one tab is signed out in the other
    assert other.get("/session").status_code == 200
    send(tablet, "/logout", page="/own")
    assert other.get("/session").status_code == 401


def test_too_many_wrong_passwords(clean: Yard) -> None:
    tablet = clean.tablet()
    for _ in range(5):
        assert send(tablet, "/login", name="Teo", password=WRONG).status_code == 401
    early = send(tablet, "/login", name="Teo", password=WORDS)
    assert (early.status_code, "Try again in 1 min" in early.text) == (429, True)
    assert 0 < int(early.headers["retry-after"]) <= 60
    assert clean.signed_in("Ines")


def test_locked_and_back(clean: Yard) -> None:
    tablet = clean.signed_in("Ines", PIN)
    locked = send(tablet, "/lock", page="/own", next="/?inspection=1")
    assert locked.headers["location"] == "/lock?next=/%3Finspection%3D1"
    for path in ("/log.csv", "/session", "/config", "/api/v1/inspections", f"/photograph/{clean.photographs['Yard 1']}.jpg", "/own"):
        assert tablet.get(path).status_code == 401
    assert tablet.post("/own/pin", headers={"origin": HERE}).status_code == 401
    assert join(tablet).status_code == 401
    assert tablet.get("/?inspection=1", headers=HTML).headers["location"] == "/lock?next=%2F%3Finspection%3D1".replace("%2F", "/", 1)
    screen = tablet.get("/lock?next=/?inspection=1", headers=HTML)
    assert "Ines is signed in here" in screen.text
    assert "CSQU" not in screen.text
    assert send(tablet, "/unlock", page="/lock", pin="0001").status_code == 401
    back = send(tablet, "/unlock", page="/lock", pin=PIN, next="/?inspection=1")
    assert (back.status_code, back.headers["location"]) == (303, "/?inspection=1")
    assert tablet.get("/session").json() == {"name": "Ines", "idle": 600.0}
    send(tablet, "/lock", page="/own")
    for _ in range(4):
        assert send(tablet, "/unlock", page="/lock", pin="0001").status_code == 401
    out = send(tablet, "/unlock", page="/lock", pin="0001")
    assert (out.status_code, "Too many wrong PINs" in out.text) == (401, True)
    assert tablet.get("/lock", headers=HTML).headers["location"].startswith("/login")


def test_ones_own_password_and_pin(clean: Yard) -> None:
    key = clean.accounts.open("Nora", "inspector", sites=["Yard 1"], actor="Ana")
    clean.accounts.set_password(key, WORDS, actor="Ana")
    tablet, other = clean.signed_in("Nora"), clean.signed_in("Nora")
    new = "eight hornets on a pallet"
    for given, says in (
        ({"password": WRONG, "new": new, "again": new}, "is wrong"), ({"password": WORDS, "new": new, "again": new + "x"}, "two differ"),
        ({"password": WORDS, "new": "short", "again": "short"}, "too short"), ({"password": WORDS, "new": "Nora 12345678", "again": "Nora 12345678"}, "first"),
    ):  # fmt: skip
        answer = send(tablet, "/own/password", page="/own", **given)
        assert (answer.status_code, says in answer.text) == (422, True), says
    before = clean.cookie(tablet)
    assert send(tablet, "/own/password", page="/own", password=WORDS, new=new, again=new).headers["location"] == "/own?done=words"
    assert clean.cookie(tablet) != before
    assert tablet.get("/session").status_code == 200
    assert other.get("/session").status_code == 401
    assert send(tablet, "/own/pin", page="/own", password=WRONG, new=PIN, again=PIN).status_code == 422
    assert send(tablet, "/own/pin", page="/own", password=new, new="1234", again="1234").status_code == 422
    assert send(tablet, "/own/pin", page="/own", password=new, new=PIN, again=PIN).status_code == 303
    assert clean.accounts.has_pin(key)
    assert send(tablet, "/own/pin", page="/own", password=new, new="", again="").headers["location"] == "/own?done=no-pin"
    assert not clean.accounts.has_pin(key)


def test_disabled_while_signed_in(clean: Yard) -> None:
    key = clean.accounts.open("Olga", "auditor", actor="Ana")
    clean.accounts.set_password(key, WORDS, actor="Ana")
    tablet = clean.signed_in("Olga")
    assert tablet.get("/log.csv").status_code == 200
    clean.accounts.change(key, role="inspector", actor="Ana")
    assert tablet.get("/log.csv").status_code == 403
    clean.accounts.change(key, disabled=True, actor="Ana")
    assert tablet.get("/session").status_code == 401
    assert join(tablet).status_code == 401
    assert "disabled" in send(clean.tablet(), "/login", name="Olga", password=WORDS).text


def test_a_machine_with_a_token(clean: Yard) -> None:
    key = clean.accounts.open("Gate 1", "inspector", sites=["Yard 1"], actor="Ana")
    token = clean.accounts.give_token(key, "camera", actor="Ana")
    machine, headers = clean.tablet(), {"authorization": f"Bearer {token}"}
    body = {"number": "CSQU3054383", "template": "container_7_point@1", "site": "Yard 1"}
    opened = machine.put(f"/api/v1/inspections/{uuid7()}", json=body, headers=headers)
    assert opened.status_code == 201, opened.text
    newest, _ = clean.records.inspections()[0]
    assert (newest.inspector, newest.site) == ("Gate 1", "Yard 1")
    assert machine.get(f"/api/v1/inspections/{clean.inspections['Yard 2']}", headers=headers).status_code == 404
    assert machine.get("/log.csv", headers=headers).status_code == 403
    assert machine.get("/accounts", headers=headers).status_code == 403
    assert machine.get("/session", headers={"authorization": f"bearer {token}"}).status_code == 200
    clean.accounts.withdraw_token(clean.accounts.tokens(key)[0].id, actor="Ana")
    assert machine.get("/api/v1/inspections", headers=headers).status_code == 401


def test_the_admins_page(clean: Yard) -> None:
    ana = clean.signed_in("Ana")
    words = "nine hornets on a pallet"
    new = {"name": "Pia <i>Ruiz</i>", "role": "inspector", "sites": "Yard 1\r\n Yard 3 ", "new": words, "again": words}
    made = send(ana, "/accounts", **new)
    assert made.status_code == 303
    pia = clean.accounts.named("Pia <i>Ruiz</i>")
    assert (pia.role, pia.sites, made.headers["location"]) == ("inspector", ["Yard 1", "Yard 3"], f"/accounts#{pia.id}")
    shown = ana.get("/accounts").text
    assert "Pia &lt;i&gt;Ruiz&lt;/i&gt;" in shown
    assert "<i>Ruiz" not in shown
    for given, says in (
        (new, "already"), (new | {"name": ""}, "Give the person"), (new | {"name": "Q", "sites": " "}, "Name the sites"),
        (new | {"name": "Q", "again": "x"}, "two differ"), (new | {"name": "Q", "new": "x", "again": "x"}, "too short"), (new | {"name": "Q", "role": "x"}, "Choose the role"),
    ):  # fmt: skip
        answer = send(ana, "/accounts", **given)
        assert (answer.status_code, says in answer.text) == (422, True), says
    assert not [one for one in clean.accounts.accounts() if one.name == "Q"]
    at = f"/accounts/{pia.id}"
    assert send(ana, at, page="/accounts", role="auditor", everywhere="yes", seen="0").status_code == 303
    late = send(ana, at, page="/accounts", role="trainer", everywhere="yes", seen="0")
    assert (late.status_code, "was changed" in late.text) == (409, True)
    assert clean.accounts.account(pia.id).role == "auditor"
    assert clean.accounts.account(pia.id).sites is None
    assert send(ana, at + "/disable", page="/accounts").status_code == 303
    assert clean.accounts.account(pia.id).disabled_at
    assert send(ana, at + "/enable", page="/accounts").status_code == 303
    assert send(ana, at + "/password", page="/accounts", new=WORDS, again=WORDS).status_code == 303
    clean.accounts.sign_in(pia.name, WORDS, "192.0.2.1")
    given = send(ana, at + "/token", page="/accounts", label="camera", days="30")
    token = re.search(r"<code>(pestcheck_[\w-]{43})</code>", given.text)
    assert token
    assert clean.accounts.bearer(token[1])
    again = ana.get("/accounts").text
    assert token[1] not in again
    (kept,) = clean.accounts.tokens(pia.id)
    assert send(ana, at + "/withdraw", page="/accounts", token=kept.id).status_code == 303
    assert clean.accounts.bearer(token[1]) is None
    assert send(ana, at + "/token", page="/accounts", label="", days="many").status_code == 422
    assert send(ana, at + "/nonsense", page="/accounts").status_code == 404
    assert send(ana, f"/accounts/{uuid7()}/disable", page="/accounts").status_code == 404
    with clean.records.database.reading() as session:
        told = [(row.actor, row.kind) for row in events.read(session) if pia.id in row.body]
    assert {actor for actor, _ in told} == {"Ana"}
    assert [kind for _, kind in told].count("account_changed") == 5


def test_without_accounts_there_is_one_user_who_may_make_them(tmp_path: Path) -> None:
    from app.main import create_app

    with TestClient(create_app(Settings(data=tmp_path / "data")), base_url=HERE, follow_redirects=False) as tablet:
        assert tablet.get("/", headers=HTML).status_code == 200
        assert tablet.get("/log.csv").status_code == 200
        assert tablet.get("/login").headers["location"] == "/"
        assert tablet.get("/own").headers["location"] == "/"
        assert "The first account is an admin" in tablet.get("/accounts").text
        first = {"name": "Ana", "everywhere": "yes", "new": WORDS, "again": WORDS}
        assert "first account must be an admin" in send(tablet, "/accounts", role="inspector", **first).text
        assert send(tablet, "/accounts", role="admin", **first).status_code == 303
        assert tablet.get("/accounts", headers=HTML).headers["location"] == "/login?next=/accounts"  # from now on everybody signs in
        assert tablet.get("/log.csv").status_code == 401
        assert send(tablet, "/login", name="Ana", password=WORDS).status_code == 303
        assert tablet.get("/accounts").status_code == 200


def test_while_the_database_is_gone_nobody_gets_in_and_health_answers(clean: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    tablet = clean.signed_in("Ines")

    def gone(*_: object, **__: object) -> None:
        raise OSError("the database cannot be read")

    with monkeypatch.context() as patch:
        patch.setattr(Accounts, "visit", gone)
        answer = tablet.get("/session")
        assert (answer.status_code, answer.json()["type"]) == (503, "/api/v1/problems#unavailable")
        assert tablet.get("/health").status_code == 200
    assert tablet.get("/session").status_code == 200
