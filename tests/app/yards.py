"""Two yards with an account of every role, and what a browser sends."""

from __future__ import annotations

import json
import re
from typing import Any

from starlette.testclient import TestClient

from pestcheck.accounts import Accounts
from pestcheck.ids import uuid7
from pestcheck.people import Role
from pestcheck.records import Records
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
