"""Signing in and out, locking, one's own password, and the admin's page: real requests to the real app."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from pestcheck.accounts import Accounts
from pestcheck.ids import uuid7
from pestcheck.settings import Settings
from pestcheck.store import events
from tests.app.yards import HERE, HTML, PIN, WORDS, WRONG, Yard, hidden, join, send


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
