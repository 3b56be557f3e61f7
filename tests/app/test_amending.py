"""A closed inspection amended by touch, who was told, and the journey, in a real Chromium; read back from the database."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from pestcheck.ids import uuid7
from pestcheck.records import Records
from pestcheck.store import open_folder
from pestcheck.vision.scan import Scanner
from tests.app.tablet import LYING, STANDING, Tablet
from tests.conftest import Server

WHY = "typed in the wrong line"
ANA = "Ana Pérez"
Take = Callable[..., Tablet]


@pytest.fixture
def closed(server: Server, scanner: Scanner, hornet: Path) -> str:
    """A closed inspection with a hornet on the floor; its id."""
    database, photo_store = open_folder(server.data, f"sqlite:///{server.data / 'pestcheck.sqlite3'}")
    records = Records(database, photo_store)
    try:
        key = records.open(
            uuid7(), number="CSQU3054383", inspector=ANA, template="container_7_point@1", stage="empty_at_origin", selection="routine"
        ).inspection.id
        records.photograph(key, "floor", hornet.read_bytes(), name="a.jpg", actor=ANA)
        while records.inspection(key).photographs[0].view.state == "waiting":  # the server may be quicker
            records.score_next(lambda data: scanner.scan(data)[0])
        for one in records.inspection(key).photographs[0].findings:
            records.decide(one.id, "confirmed", actor=ANA, condition="dead")
        for point in records.inspection(key).template.points:
            result = "contamination" if point.area == "floor" else "no_contamination"
            records.answer(key, point.area, state="inspected", result=result, note="", actor=ANA)
        records.close(key, actor=ANA, disposition="hold")
        return key
    finally:
        database.close()


def serious(one: Tablet) -> list[Any]:
    """What axe finds, and what is too small to touch or too wide."""
    found = Axe().run(one.page).response["violations"]
    bad: list[Any] = [
        (rule["id"], [node["html"][:100] for node in rule["nodes"]]) for rule in found if rule["impact"] in ("serious", "critical")
    ]
    return bad + one.small() + (["too wide"] if one.page.evaluate("document.documentElement.scrollWidth") > one.size[0] else [])


@pytest.mark.parametrize("size", [LYING, STANDING], ids=["lying", "standing"])
def test_a_closed_inspection_is_amended_with_one_reason(
    tablet: Take, server: Server, closed: str, wall: Path, size: tuple[int, int]
) -> None:
    one = tablet(size)
    page = one.page
    page.goto(f"{server.url}/?inspection={closed}")
    one.at("done")
    assert page.get_by_role("button", name="Take photograph").count() == 0
    one.link("Amend", "amend")
    one.tap("Next")
    one.says("without a reason a closed inspection is not changed")
    one.type("x" * 301)
    one.says("The reason is too long: 301")
    one.type(f"  {WHY} ", "points")
    one.reads(f"You amend a closed inspection: {WHY}")
    assert serious(one) == []
    one.shot("amend-points")
    one.link("4. Floor", "point-floor")
    one.send(wall)
    page.wait_for_function("() => document.querySelectorAll('#screen .thumb').length === 2")
    one.shot("amend-point")
    page.locator("#screen a.card.finding").first.tap()
    one.at("finding-")
    page.locator("#screen summary", has_text="Decide again").tap()
    one.link("Correct: it is something else", "correct")
    page.locator("#which").fill("wasp")
    one.tap("Wasp", "finding-condition")
    one.says("Saved")
    page.reload()  # the reason is in the address
    one.at("finding-")
    one.reads(f"You amend a closed inspection: {WHY}")
    page.locator(".amending").get_by_role("link", name="Finish").tap()
    one.at("done")
    assert page.locator(".amending").count() == 0
    one.reads("the record was changed since")
    one.link("Amendments", "amendments")
    one.reads("Wasp")
    one.reads(f"Why: {WHY}")
    assert serious(one) == []
    one.shot("amendments")
    kinds = one.rows("SELECT kind, reason, amended_by FROM amendment ORDER BY amended_at")
    assert kinds == [("photograph_added", WHY, ANA), ("finding_decided", WHY, ANA)]
    ((before, after),) = one.rows("SELECT before, after FROM amendment WHERE kind = 'finding_decided'")
    assert json.loads(before)["state"] == "confirmed"
    assert (json.loads(after)["state"], json.loads(after)["decided_label"]) == ("corrected", "wasp")
    one.link("Back", "done")
    page.locator("#screen summary", has_text="Sign the record as it is now").tap()
    page.locator("#screen details[open] [name=printed_name]").fill(ANA)
    page.locator("#screen details[open]").get_by_role("button", name="Sign", exact=True).tap()
    one.says("Signed")
    assert len(one.rows("SELECT DISTINCT content FROM signature")) == 2


def test_without_a_reason_a_closed_inspection_takes_nothing(tablet: Take, server: Server, closed: str) -> None:
    one = tablet()
    one.page.goto(f"{server.url}/?inspection={closed}&step=result&area=floor")
    one.at("result")
    one.tap("No contamination seen")
    one.says("This does not fit")
    one.page.goto(f"{server.url}/?inspection={closed}&step=result&area=doors")
    one.at("result")
    one.tap("Contamination seen")
    one.says("to amend it, give the reason")
    assert one.rows("SELECT count(*) FROM amendment") == [(0,)]


@pytest.mark.parametrize("size", [LYING, STANDING], ids=["lying", "standing"])
def test_who_was_told_and_the_journey(tablet: Take, server: Server, closed: str, size: tuple[int, int]) -> None:
    one = tablet(size)
    page = one.page
    page.goto(f"{server.url}/?inspection={closed}")
    one.at("done")
    one.page.locator("#screen a.card", has_text="Floor").tap()
    one.at("finding-")
    one.link("Who was told", "notices")
    one.link("Somebody was told", "notice-role")
    assert serious(one) == []
    one.tap("The shipper", "notice-name")
    one.type("Rosa Díaz", "notice-channel")
    one.tap("Telephone", "notice-when")
    one.tap("Earlier", "notice-at")
    one.type("2026-11-20T08:15", "notice-reference")
    one.type("call 17", "notices")
    one.reads("The shipper: Rosa Díaz")
    one.shot("notices")
    assert serious(one) == []
    told = one.rows("SELECT who, channel, reference, finding_id IS NOT NULL, substr(notified_at, 1, 10) FROM notification")
    assert told == [("The shipper: Rosa Díaz", "telephone", "call 17", 1, "2026-11-20")]
    page.goto(f"{server.url}/?inspection={closed}")
    one.at("done")
    one.link("Journey", "journey")
    for number, (origin, arrives) in enumerate((("Monterrey", "2026-11-20T12:00"), ("Laredo", ""))):
        one.link("Add a leg", "leg-")
        if number:
            one.tap("Transportes del Río", "leg-received_by")
            one.tap("Transportes del Río", "leg-origin")
        else:
            one.type("Maquila Norte", "leg-tendered_by_role")
            one.tap("Stuffing site", "leg-received_by_name")
            one.type("Transportes del Río", "leg-received_by_role")
            one.tap("Highway carrier", "leg-origin")
        one.type(origin, "leg-destination")
        one.tap("Skip", "leg-planned_departure")
        one.type("2026-11-20T08:00", "leg-departed")
        one.tap("Skip", "leg-planned_arrival")
        if arrives:
            one.type(arrives, "leg-arrived")
        else:
            one.tap("Skip", "leg-arrived")
        one.tap("Skip", "journey")
    one.reads("nobody wrote down when it did")
    assert serious(one) == []
    one.shot("journey")
    page.locator("#screen").get_by_role("link", name="It departed").first.tap()
    one.at("leg_time-when")
    one.tap("Just now", "journey")
    one.reads("hours later; find out why")
    legs = one.rows("SELECT position, origin, departed IS NOT NULL, planned_arrival IS NOT NULL FROM leg ORDER BY position")
    assert legs == [(0, "Monterrey", 1, 1), (1, "Laredo", 0, 0)]
    assert one.rows("SELECT count(*) FROM party") == [(2,)]
    page.goto(f"{server.url}/?inspection={closed}")
    one.at("done")
    one.reads("2 legs")
