"""Review over HTTP: the queue, leases, blind answers, opinions and their withdrawal, agreement."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from pestcheck.ids import uuid7
from tests.app.clients import ANA, Client, client
from tests.pictures import scenes

__all__ = ["client"]


def filled(client: Client, number: int = 3) -> list[str]:
    """Photographs that the model has looked at; the inspector rejected what it suggests on the first."""
    key = client.opened(template="container_7_point", site="Yard 1")
    views = []
    for seed in range(number):
        picture = scenes.floor(800, 600, seed=seed)
        if not seed:
            scenes.lay(picture, "hornet", length=160)
        views.append(client.photograph(key, scenes.jpeg(picture))["view"]["id"])
    deadline = time.monotonic() + 120
    while any(item["view"]["state"] == "waiting" for item in client.get(f"/inspections/{key}")["photographs"]):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    for finding in client.get(f"/inspections/{key}/photographs/{views[0]}")["findings"]:
        client.put(f"/inspections/{key}/findings/{finding['id']}/decision", {"state": "rejected"})
    return views


def say(client: Client, view: str, by: str, outcome: str = "no_contaminant", **body: Any) -> Any:
    return client.put(f"/review/photographs/{view}/opinions/{uuid7()}", {"outcome": outcome, **body}, by=by)


def work(client: Client, by: str, **body: Any) -> list[Any]:
    found: list[Any] = client.put("/review/work", body, by=by)["photographs"]
    return found


def test_the_way_of_a_photograph(client: Client) -> None:
    views = filled(client)
    page = client.get("/review/queue?limit=2", by="Teo")
    first = page["photographs"][0]
    assert first["view_id"] == views[0]
    assert "the inspector corrected the model" in first["why"]
    rest = client.get(f"/review/queue?after={page['next']}", by="Teo")
    assert (len(rest["photographs"]), rest["next"]) == (1, None)
    given = work(client, "Teo", limit=2)
    assert given[0]["findings"][0]["state"] == "rejected"
    assert given[0]["model"]["verdict"]
    assert [one["view_id"] for one in work(client, "Teo", limit=2)] == [one["view_id"] for one in given]
    assert [one["view_id"] for one in work(client, "Tim", limit=3)] == [({*views} - {one["view_id"] for one in given}).pop()]
    held = client.put(f"/review/photographs/{views[0]}/claim", {}, status=409, by="Tim")
    assert (held["changed_by"], "Teo is looking at this photograph" in held["detail"]) == ("Teo", True)

    box, mine = given[0]["findings"][0]["box"], uuid7()
    body = {"outcome": "contamination", "marks": [{"box": box, "label": "wasp", "finding_id": given[0]["findings"][0]["id"]}]}
    at = f"/review/photographs/{views[0]}/opinions/{mine}"
    assert client.ask("PUT", at, json=body, by="Teo").status_code == 201
    assert client.ask("PUT", at, json=body, by="Teo").status_code == 200
    told = client.put(at, body, by="Teo")
    assert (told["status"], told["opinion"]["reviewer"], told["opinion"]["blind"]) == ("one_opinion", "Teo", False)
    assert "corrected" in told["opinion"]["why"]
    hidden = client.get(f"/review/photographs/{views[0]}", by="Tim")
    assert (hidden["opinions"], hidden["others"], hidden["counts"], hidden["reviewers"]) == ([], 1, None, [])
    assert say(client, views[0], "Tim")["status"] == "disputed"
    assert len(client.get(f"/review/photographs/{views[0]}", by="Tim")["opinions"]) == 2
    assert say(client, views[0], "Tess", "contamination", marks=[{"box": box, "label": "wasp"}])["status"] == "agreed"

    inspection = client.get("/inspections")["inspections"][0]["inspection"]["id"]
    record = client.get(f"/inspections/{inspection}/photographs/{views[0]}")
    assert (record["review_status"], record["trainers_say"]) == ("agreed", {given[0]["findings"][0]["id"]: "wasp"})
    assert record["findings"][0]["state"] == "rejected"  # both stand there
    assert len(record["reviews"]) == 3
    log = client.ask("GET", "/exports/log.csv").text
    assert "agreed,wasp" in log
    found = client.get("/review/agreement", by="Teo")
    assert (found["photographs"], found["overall"]["pairs"]) == (1, 3)
    assert client.get("/review/choices", by="Teo")["statuses"]["agreed"] == 1

    back = client.put(f"/review/opinions/{mine}/withdrawal", {}, by="Teo")
    assert (back["status"], back["opinion"]["withdrawn_by"]) == ("disputed", "Teo")
    assert client.get(f"/review/photographs/{views[0]}", by="Teo")["opinions"][0]["id"] == mine


def test_a_blind_answer_has_nothing_of_others(client: Client) -> None:
    views = filled(client, 1)
    (given,) = work(client, "Teo", blind=True)
    assert (given["view_id"], given["blind"]) == (views[0], True)
    assert (given["findings"], given["reasons"], given["why"], given["model"], given["status"]) == ([], [], "", None, None)
    words = json.dumps(given)
    for secret in ("hornet", "wasp", "suspect", ANA, "pest-"):
        assert secret not in words
    assert say(client, views[0], "Teo")["opinion"]["blind"] is True
    client.put("/review/work", {"blind": True, "label": "ant"}, status=422, by="Teo")
    (open_,) = work(client, "Tim")
    assert open_["findings"]
    assert work(client, "Tim", blind=True) == []
    assert say(client, views[0], "Tim")["opinion"]["blind"] is False


def test_bad_input_is_told(client: Client) -> None:
    (view,) = filled(client, 1)
    at = f"/review/photographs/{view}/opinions/{uuid7()}"
    for body, says in (
        ({"outcome": "contamination"}, "Draw a box"),
        ({"outcome": "no_contaminant", "marks": [{"box": [1, 1, 9, 9], "label": "ant"}]}, "1 places marked"),
        ({"outcome": "contamination", "marks": [{"box": [1, 1, 9, 99999], "label": "ant"}]}, "not inside"),
        ({"outcome": "contamination", "marks": [{"box": [1, 1, 9, 9], "label": "unicorn"}]}, "/marks/0/label"),
        ({"outcome": "contamination", "marks": [{"box": [1, 1, 9], "label": "ant"}]}, "/marks/0/box"),
        ({"outcome": "unusable", "expert": True}, "No expert was asked"),
        ({"outcome": "maybe"}, "/outcome"),
    ):
        assert says in client.put(at, body, status=422, by="Teo")["detail"], body
    client.put(f"/review/photographs/{uuid7()}/opinions/{uuid7()}", {"outcome": "unusable"}, status=404, by="Teo")
    client.put(f"/review/opinions/{uuid7()}/withdrawal", {}, status=404, by="Teo")
    assert client.ask("GET", "/review/queue?since=2026-13-45", by="Teo").status_code == 422
    assert client.ask("GET", "/review/queue?status=nonsense", by="Teo").status_code == 422
    spanish = client.ask("PUT", at, json={"outcome": "contamination"}, headers={"Accept-Language": "es-MX"})
    assert spanish.json()["detail"].startswith("Dibuje un recuadro")


@pytest.mark.parametrize("path", ["queue", "choices", "agreement"])
def test_an_empty_store_has_an_empty_queue(client: Client, path: str) -> None:
    found = client.get(f"/review/{path}", by="Teo")
    assert not any(found.get(name) for name in ("photographs", "sites", "next"))
    assert work(client, "Teo") == []
