"""What they get who have got in: real requests to the real app, Gradio's addresses too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from pestcheck.ids import uuid7
from pestcheck.people import MAY, Deed, Role
from pestcheck.store import events
from tests.app.yards import HERE, HTML, ROLES, SITES, Yard, touch
from tests.pictures import scenes

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
