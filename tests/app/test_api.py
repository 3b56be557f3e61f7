"""The REST API over HTTP, with the real records and the real model."""

from __future__ import annotations

import csv
import hashlib
import io
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from app import identity
from app.api import common, photographs
from app.api.problems import KINDS, PAGE
from pestcheck.ids import uuid7
from pestcheck.people import Person, Role
from pestcheck.records import Records
from pestcheck.store import open_folder
from pestcheck.store.db import Database
from pestcheck.store.verify import verify
from pestcheck.vision.scan import Scanner
from tests.app.clients import ANA, Client, api_of, client, shared
from tests.pictures import scenes

__all__ = ["client", "shared"]

SCENE = scenes.floor()
scenes.lay(SCENE, "hornet", length=220)
HORNET = scenes.jpeg(SCENE)
WALL = scenes.jpeg(scenes.wall(640, 480))


def scored(client: Client, key: str, view_id: str) -> Any:
    """A photograph once the model has looked at it."""
    deadline = time.monotonic() + 60
    while (item := client.get(f"/inspections/{key}/photographs/{view_id}?wait=30"))["view"]["state"] == "waiting":
        assert time.monotonic() < deadline
    return item


def test_who_waits_for_a_photograph_is_answered_once_the_model_has_looked_or_time_is_up(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, view_id = client.opened(), uuid7()
    photograph = f"/inspections/{key}/photographs/{view_id}"
    with client.records.database.claimed([view_id]) as claimed:  # as if another server had it in hand
        assert claimed == view_id
        client.put(f"/inspections/{key}/points/floor/photographs/{view_id}", content=WALL)
        started = time.monotonic()
        assert client.get(f"{photograph}?wait=1")["view"]["state"] == "waiting"
        assert 1 <= time.monotonic() - started < 10
        assert client.get(photograph)["view"]["state"] == "waiting"
    monkeypatch.setattr(photographs, "ELSEWHERE_SECONDS", 100)  # it is told by what this server writes
    started = time.monotonic()
    assert client.get(f"{photograph}?wait=30")["view"]["state"] == "scored"  # now this server looks at it
    assert time.monotonic() - started < 30
    assert client.ask("GET", f"{photograph}?wait=31").status_code == 422


def test_who_waits_is_answered_also_where_another_server_looked(client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Database, "writes", 0)  # what this server writes meanwhile tells nothing
    key, view_id = client.opened(), uuid7()
    answers: list[Any] = []
    database, photo_store = open_folder(tmp_path / "data", f"sqlite:///{tmp_path / 'data' / 'pestcheck.sqlite3'}")
    with client.records.database.claimed([view_id]):
        client.put(f"/inspections/{key}/points/floor/photographs/{view_id}", content=WALL)
        waiting = threading.Thread(target=lambda: answers.append(client.get(f"/inspections/{key}/photographs/{view_id}?wait=30")))
        started = time.monotonic()
        waiting.start()
        time.sleep(0.5)
        assert answers == []
        assert Records(database, photo_store).score_next(lambda data: Scanner().scan(data)[0])
        waiting.join()
    database.close()
    assert answers[0]["view"]["state"] == "scored"
    assert time.monotonic() - started < 30


def test_a_whole_inspection(client: Client) -> None:
    key = client.opened(template="container_7_point", stage="empty_at_origin", selection="routine", site="Yard 1")
    at = f"/inspections/{key}"
    item = client.photograph(key, HORNET)
    assert item["sha256"] == hashlib.sha256(HORNET).hexdigest()
    finding = scored(client, key, item["view"]["id"])["findings"][0]
    assert finding["state"] == "suggested"
    decided = client.put(f"{at}/findings/{finding['id']}/decision", {"state": "confirmed", "condition": "alive", "count": 2, "seen": 0})
    assert (decided["state"], decided["decided_by"], decided["count"], decided["version"]) == ("confirmed", ANA, 2, 1)
    todo = client.get(f"{at}/findings/{finding['id']}/guidance")
    assert len(todo["steps"]) > 3
    assert "CBP" in todo["notice"]

    template = client.get("/templates/container_7_point")
    action, checks = uuid7(), {point["area"]: point["checks"] for point in template["points"]}
    for area, questions in checks.items():
        for check in questions:
            given = (
                "no" if (area, check["kind"]) == ("floor", "pest") else {"yes_no": "yes", "number": "1"}.get(check["answer"], "as it was")
            )
            client.put(f"{at}/points/{area}/checks/{check['id']}", {"answer": given, "seen": 0}, status=201)
    treatment = {"method": "vacuumed", "done_by": "Bo", "done_at": "2026-11-24T08:30:00-06:00"}
    client.put(f"{at}/findings/{finding['id']}/actions/{action}", treatment, status=201)
    after = client.put(f"{at}/points/floor/photographs/{uuid7()}?name=after.jpg&after={action}", content=WALL, status=201)
    assert after["view"]["action_id"] == action
    for left in scored(client, key, after["view"]["id"])["findings"]:
        client.put(f"{at}/findings/{left['id']}/decision", {"state": "rejected"})
    assert client.put(f"{at}/findings/{finding['id']}/actions/{action}/reinspection", {"clean": True})["reinspected_by"] == ANA
    client.put(f"{at}/findings/{finding['id']}/disposition", {"disposition": "clean_and_recheck"})

    while wanting := [point for point in client.get(at)["points"] if point["missing"]]:
        point = wanting[0]
        unanswered = [check for check in point["open"] if check not in point["checks"]]
        if unanswered:
            for check in unanswered:
                question = next(one for one in every_check(template) if one["id"] == check)
                given = (
                    "yes"
                    if question["answer"] == "yes_no"
                    else "1"
                    if question["answer"] == "number"
                    else question["choices"][0]
                    if question["choices"]
                    else "as it was"
                )
                client.put(f"{at}/points/{point['area']}/checks/{check}", {"answer": given})
        else:
            more = client.photograph(key, scenes.jpeg(scenes.wall(640, 480, seed=len(client.get(at)["photographs"]) + 50)), point["area"])
            for left in scored(client, key, more["view"]["id"])["findings"]:
                client.put(f"{at}/findings/{left['id']}/decision", {"state": "rejected"})
    for area in checks:
        result = "contamination" if area == "floor" else "no_contamination"
        client.put(f"{at}/points/{area}/answer", {"state": "inspected", "result": result, "seen": 0}, status=201)

    wood = client.put(f"{at}/points/floor/wood/{uuid7()}", {"mark": "US-1234 HT", "seen": {"symbol": True}, "holes": False}, status=201)
    assert (wood["country"], wood["treatment"]) == ("US", "HT")
    told = client.put(f"/seals/{uuid7()}", {"act": "affixed", "number": "H123", "inspection_id": key, "seal_class": "H", "type": "bolt"})
    assert told["line"]["container"] == "CSQU3054383"
    four = {name: {"answer": "yes"} for name in ("view", "verify", "tug", "twist")}
    looked = client.put(f"{at}/seal-checks/{uuid7()}", {**four, "number": "H123", "document_number": "H124"}, status=201)
    assert looked["problems"]
    north, yard = (
        client.put(f"/parties/{uuid7()}", {"name": name, "role": role})["id"]
        for name, role in (("Norte", "highway_carrier"), ("Yard", "terminal"))
    )
    client.put(f"{at}/legs/{uuid7()}", {"position": 0, "tendered_by": north, "received_by": yard}, status=201)
    times = b"leg,what,time,latitude,longitude\n1,departed,2026-11-24T01:00:00Z,,\n1,arrived,2026-11-24T09:00:00Z,,\n"
    assert client.put(f"{at}/times.csv", content=times, headers={"Content-Type": "text/csv"}) == {"changed": 2}
    assert client.put(f"{at}/times.csv", content=times, headers={"Content-Type": "text/csv"}) == {"changed": 0}
    assert isinstance(client.get(f"{at}/gaps")["gaps"], list)
    client.put(f"{at}/notifications/{uuid7()}", {"who": "CBP", "channel": "telephone", "finding_id": finding["id"]}, status=201)

    assert client.get(at)["missing"] == []
    closed = client.put(f"{at}/close", {"disposition": "clean_and_recheck"})
    assert closed["closed_by"] == ANA
    client.put(f"{at}/signatures/{uuid7()}", {"printed_name": "Depot", "meaning": "received"}, by="Depot", status=201)
    refused = client.put(f"{at}/points/floor/answer", {"state": "inspected", "result": "contamination", "note": "x"}, status=422)
    assert "give the reason" in refused["detail"]
    amended = {"state": "inspected", "result": "contamination", "note": "by the door", "amends": "the place was not written down"}
    assert client.put(f"{at}/points/floor/answer", amended)["note"] == "by the door"
    whole = client.get(at)
    assert [one["reason"] for one in whole["amendments"]] == ["the place was not written down"]
    assert whole["valid_signatures"] == []
    assert {point["answer"]["answered_by"] for point in whole["points"]} == {ANA}

    (record,) = client.get(f"/exports/inspections/{key}.json")["inspections"]
    assert record["inspection"] == whole["inspection"]
    assert [point["answer"] for point in record["points"]] == [point["answer"] for point in whole["points"]]
    for part in ("notifications", "wood", "seals", "seal_checks", "legs", "amendments"):
        assert record[part], part
        assert record[part] == whole[part], part
    assert findings_of(record) == findings_of(whole) != []
    rows = list(csv.DictReader(io.StringIO(client.ask("GET", "/exports/log.csv").text)))
    assert {row["decision"] for row in rows if row["suggested"] and row["photograph"] == "a.jpg"} >= {"confirmed"}
    assert verify(client.records.database, client.records.photo_store).problems == ()


def findings_of(record: Any) -> list[Any]:
    """What was said of the findings of a record, with the photographs that they are on."""
    said = ("id", "label", "probability", "box", "state", "decided_label", "decided_by", "severity", "disposition")
    return [(item["view"]["sha256"], *(finding[name] for name in said)) for item in record["photographs"] for finding in item["findings"]]


def every_check(template: Any) -> list[Any]:
    """The questions of a template, with those that answers open."""

    def opened(checks: Any) -> Any:
        for check in checks:
            yield check
            yield from opened([*check["if_no"], *check["if_yes"]])

    first = [*template["if_not_in_order"], *template["if_contamination"]]
    return list(opened([*first, *(check for point in template["points"] for check in (*point["checks"], *point["if_contamination"]))]))


def test_the_same_again_changes_nothing_and_gets_the_same_answer(client: Client) -> None:
    key, view, signature, line = uuid7(), uuid7(), uuid7(), uuid7()
    at = f"/inspections/{key}"
    photograph = {"content": WALL, "headers": {"Content-Type": "image/jpeg"}}
    requests: list[tuple[str, dict[str, Any]]] = [
        (at, {"json": {"number": "CSQU3054383", "template": "container_7_point@1"}}),
        (f"{at}/points/roof/answer", {"json": {"state": "inspected", "result": "no_contamination", "seen": 0}}),
        (f"{at}/points/floor/photographs/{view}?name=a.jpg", photograph),
        (f"{at}/photographs/{view}/findings/{uuid7()}", {"json": {"label": "seed", "box": [1, 2, 30, 40]}}),
        (f"{at}/signatures/{signature}", {"json": {"printed_name": ANA, "meaning": "inspected"}}),
        (f"{at}/points/floor/wood/{uuid7()}", {"json": {"mark": "US-1 HT", "seen": {"symbol": True}}}),
        (f"{at}/notifications/{uuid7()}", {"json": {"who": "CBP", "channel": "email"}}),
        (f"/seals/{line}", {"json": {"act": "issued", "number": "H1"}}),
        (f"/parties/{uuid7()}", {"json": {"name": "Norte", "role": "shipper"}}),
        (
            f"/certificates/{uuid7()}",
            {"json": {"person": ANA, "topic": "inspection", "given_on": "2026-01-01", "expires_on": "2027-01-01"}},
        ),
    ]
    area = next(point["area"] for point in client.get("/templates/container_7_point@1")["points"] if point["area"] != "floor")
    for path, more in requests:
        where = path.replace("roof", area)
        first = client.ask("PUT", where, **more)
        assert first.status_code == 201, first.text
        if "/photographs/" in path:
            scored(client, key, view)
        size = client.records.counters().events
        again = client.ask("PUT", where, **more)
        assert again.status_code == 200, again.text
        assert client.records.counters().events == size, path
        ids = {"id", "sha256", "answered_at"} & again.json().keys()
        assert {name: again.json()[name] for name in ids} == {name: first.json()[name] for name in ids}

    other = client.put(f"{at}/points/floor/photographs/{uuid7()}", **photograph)  # the same bytes under another id
    assert other["view"]["id"] == view
    assert "already open" in client.put(at, {"number": "MSKU6011672"}, status=422)["detail"]
    assert (
        "already there" in client.put(f"{at}/signatures/{signature}", {"printed_name": "Bo", "meaning": "inspected"}, status=422)["detail"]
    )
    elsewhere = client.opened()
    for taken in (f"/inspections/{elsewhere}/points/floor/photographs/{view}", f"/inspections/{elsewhere}/signatures/{signature}"):
        more = photograph if "photographs" in taken else {"body": {"printed_name": ANA, "meaning": "inspected"}}
        assert "already there" in client.put(taken, **more, status=422)["detail"]


def test_who_comes_second_is_told_by_whom_and_when(client: Client) -> None:
    key = client.opened(template="container_7_point")
    at = f"/inspections/{key}"
    view = client.photograph(key, HORNET)["view"]["id"]
    finding = scored(client, key, view)["findings"][0]["id"]
    question = client.get(at)["points"][0]
    for path, first, second in (
        (f"{at}/points/floor/answer", {"state": "not_inspected", "note": "locked"}, {"state": "not_applicable", "note": "none"}),
        (f"{at}/points/{question['area']}/checks/{question['open'][0]}", {"answer": "yes"}, {"answer": "no"}),
        (f"{at}/findings/{finding}/decision", {"state": "confirmed"}, {"state": "rejected"}),
    ):
        mine = client.put(path, {**first, "seen": 0})
        problem = client.put(path, {**second, "seen": 0}, by="Bo", status=409)
        assert problem["type"] == f"{PAGE}#conflict"
        assert (problem["changed_by"], problem["version"]) == (ANA, 1)
        assert problem["changed_at"] == (mine.get("answered_at") or mine.get("decided_at"))
        assert ANA in problem["detail"]
        assert client.put(path, {**first, "seen": 0}) == mine  # what is there already is no conflict
        assert client.put(path, {**second, "seen": 1}, by="Bo")["version"] == 2
    assert client.ask("PATCH", at, json={"shipment": "S1", "seen": 0}).status_code == 200
    assert client.ask("PATCH", at, json={"shipment": "S2", "seen": 0}).status_code == 409


def test_two_at_once_get_one_answer_and_one_conflict(client: Client) -> None:
    at = f"/inspections/{client.opened()}/points/floor/answer"
    statuses: list[int] = []

    def answer(note: str) -> None:
        statuses.append(client.ask("PUT", at, json={"state": "not_inspected", "note": note, "seen": 0}, by=note).status_code)

    threads = [threading.Thread(target=answer, args=(f"hand {number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses)[0] in (200, 201)
    assert sorted(statuses)[1:] == [409] * 3


def test_the_list_is_filtered_and_paged(client: Client) -> None:
    keys = [client.opened(site=f"Yard {number % 2}") for number in range(5)]
    pages, after = [], ""
    while True:
        page = client.get(f"/inspections?limit=2{after}")
        pages += [line["inspection"]["id"] for line in page["inspections"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert pages == keys[::-1]

    def found(query: str) -> int:
        return len(client.get(f"/inspections?{query}")["inspections"])

    assert (found("site=Yard%200"), found("site=none"), found("number=csqu%20305"), found("number=%25"), found("state=closed")) == (
        3,
        0,
        5,
        0,
        0,
    )
    assert (found("inspector=Ana%20P%C3%A9rez&state=open"), found("inspector=Bo")) == (5, 0)


def as_person(client: Client, who: Person) -> Client:
    api, everything = api_of(client.app), client.records
    api.dependency_overrides |= {identity.person: lambda: who, common.records: lambda: everything.within(who.sites)}
    return client


def test_a_role_that_may_not_is_told_and_changes_nothing(client: Client) -> None:
    key = client.opened()
    at = f"/inspections/{key}"
    as_person(client, Person("Audit", Role.auditor))
    client.get(at)
    client.get(f"/exports/inspections/{key}.json")
    size = client.records.counters().events  # what was taken out is on record
    for path, body in (
        (f"/inspections/{uuid7()}", {"number": "CSQU3054383"}),
        (f"{at}/points/floor/answer", {"state": "not_inspected", "note": "x"}),
        (f"{at}/close", {}),
        (f"{at}/hold", {"reason": "court"}),
        (f"/seals/{uuid7()}", {"act": "issued", "number": "H1"}),
        (f"/certificates/{uuid7()}", {"person": "Bo", "topic": "inspection", "given_on": "2026-01-01", "expires_on": "2027-01-01"}),
    ):
        assert client.put(path, body, status=403)["type"] == f"{PAGE}#forbidden"
    client.put(f"{at}/points/floor/photographs/{uuid7()}", content=WALL, status=403)
    assert client.ask("PATCH", at, json={"shipment": "1"}).status_code == 403
    assert client.ask("GET", "/metrics").status_code == 403
    as_person(client, Person("Ana", Role.inspector))
    assert client.ask("GET", "/exports/log.csv").status_code == 403
    assert client.records.counters().events == size


def test_ids_of_other_sites_are_not_there(client: Client) -> None:
    theirs, ours = client.opened(site="Yard 1"), client.opened(site="Yard 2", number="MSKU6011672")
    view = client.photograph(theirs, WALL)["view"]["id"]
    client.put(f"/seals/{uuid7()}", {"act": "affixed", "number": "H1", "inspection_id": theirs})
    client.put(f"/seals/{uuid7()}", {"act": "affixed", "number": "H1", "inspection_id": ours})
    as_person(client, Person("Bo", Role.admin, frozenset({"Yard 2"})))
    assert [line["inspection"]["id"] for line in client.get("/inspections")["inspections"]] == [ours]
    at = f"/inspections/{theirs}"
    for path in (at, f"{at}/gaps", f"{at}/photographs/{view}/original", f"/exports{at}.json", f"/inspections?after={theirs}"):
        assert client.ask("GET", path).status_code == 404, path
    assert client.ask("GET", at).json()["detail"] == client.ask("GET", f"/inspections/{theirs[:-4]}0000").json()["detail"].replace(
        f"{theirs[:-4]}0000", theirs
    )
    client.put(f"{at}/points/floor/answer", {"state": "not_inspected", "note": "x"}, status=404)
    client.put(f"/seals/{uuid7()}", {"act": "broken", "number": "H1", "reason": "x", "inspection_id": theirs}, status=404)
    assert {line["inspection_id"] for line in client.get("/seals")["lines"]} == {ours}
    assert {row["site"] for row in csv.DictReader(io.StringIO(client.ask("GET", "/exports/log.csv").text))} == {"Yard 2"}
    assert "Yard 1" in client.put(f"/inspections/{uuid7()}", {"number": "CSQU3054383", "site": "Yard 1"}, status=403)["detail"]
    client.put(f"/inspections/{uuid7()}", {"number": "CSQU3054383"}, status=403)
    assert client.ask("PATCH", f"/inspections/{ours}", json={"site": "Yard 1"}).status_code == 403


def test_metrics_count_requests_photographs_and_the_log(client: Client) -> None:
    key = client.opened()
    scored(client, key, client.photograph(key, WALL)["view"]["id"])
    client.ask("GET", f"/inspections/{uuid7()}")
    text = client.ask("GET", "/metrics").text
    pattern = 'method="GET",route="/api/v1/inspections/{inspection_id}"'
    assert f'pestcheck_requests_total{{{pattern},status="404"}} 1.0' in text
    assert f"pestcheck_request_seconds_count{{{pattern}}} 1.0" in text
    assert 'pestcheck_photographs{state="scored"} 1.0' in text
    assert 'pestcheck_photographs{state="waiting"} 0.0' in text
    assert "pestcheck_scan_seconds_count 1.0" in text
    assert "pestcheck_events_total 3.0" in text
    assert key not in text


def test_what_is_there_to_use(client: Client) -> None:
    assert client.get("/health")["status"] == "ok"
    used = [model for model in client.get("/models")["models"] if model["in_use"]]
    assert [model["id"] for model in used] == [client.get("/health")["model"]]
    names = [line["name"] for line in client.get("/templates?size_type=45R1")["templates"]]
    assert names[0].startswith("reefer_8_point@")
    assert client.get("/taxonomy")["contaminants"]["hornet"] == "Hornet"
    assert {problem["type"] for problem in client.get("/problems")["problems"]} == {f"{PAGE}#{kind}" for kind in KINDS}
