"""axe-core finds nothing serious on any page, light, dark or with high contrast; nothing to touch is under 48 pixels."""

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

THEMES = ["light", "dark", "contrast"]


@pytest.fixture
def places(server: Server, scanner: Scanner, hornet: Path) -> dict[str, str]:
    """Every kind of page with something on it: its name and its address."""
    database, photo_store = open_folder(server.data, f"sqlite:///{server.data / 'pestcheck.sqlite3'}")
    records = Records(database, photo_store)
    opened = {"number": "CSQU3054383", "inspector": "Ana Pérez", "stage": "empty_at_origin", "selection": "routine"}
    try:
        key = records.open(uuid7(), **opened).inspection.id
        records.photograph(key, "floor", hornet.read_bytes(), name="a.jpg", actor="Ana Pérez")
        while records.inspection(key).photographs[0].view.state == "waiting":  # the server may be quicker
            records.score_next(lambda data: scanner.scan(data)[0])
        view = records.inspection(key).photographs[0]
        finding = view.findings[0]
        records.decide(finding.id, "confirmed", actor="Ana Pérez", condition="dead")
        records.dispose(finding.id, "clean_and_recheck", actor="Ana Pérez")
        records.treat(finding.id, method="swept", done_by="Luis", actor="Ana Pérez")
        records.answer(key, "floor", state="inspected", result="contamination", note="", actor="Ana Pérez")
        records.seal("affixed", "H1", actor="Ana Pérez", inspection_id=key)
        records.check_seal(key, dict.fromkeys(("view", "verify", "tug", "twist"), ("no", "cut")), actor="Ana Pérez")
        records.wood_packaging(key, "floor", actor="Ana Pérez", holes=True)
        done = records.open(uuid7(), **opened, template="container_7_point@1").inspection.id
        for point in records.inspection(done).template.points:
            records.answer(done, point.area, state="inspected", result="no_contamination", note="", actor="Ana Pérez")
        records.close(done, actor="Ana Pérez")
        records.answer(
            done, "doors", state="not_applicable", result=None, note="open top", actor="Ana Pérez", amends="typed in the wrong line"
        )
        records.notify(done, who="Rosa", channel="telephone", actor="Ana Pérez", reference="17")
        hand, over = (records.party(name, "highway_carrier", actor="Ana Pérez") for name in ("Transportes", "Norte"))
        records.leg(done, 0, tendered_by=hand, received_by=over, actor="Ana Pérez", planned_departure="2026-11-20T08:00:00-06:00")
        records.hold(done, reason="claim", actor="Ana Pérez")
    finally:
        database.close()
    at = f"?inspection={key}"
    on = f"{at}&area=floor&photograph={view.view.id}"
    draft = json.dumps({"number": "CSQU3054383", "size": ""})
    return {
        "home": "", "new-number": "?step=new", "new-template": f"?step=new&draft={draft}", "points": at, "point": f"{on}&step=point",
        "finding": f"{on}&step=finding&finding={finding.id}", "finding-condition": f"{on}&step=finding&check=condition&finding={finding.id}",
        "correct": f"{on}&step=correct&finding={finding.id}", "missed": f"{on}&step=missed", "question": f"{on}&step=question",
        "result": f"{on}&step=result", "cleaning": f"{on}&step=cleaning&finding={finding.id}", "treat": f"{on}&step=treat&finding={finding.id}",
        "seals": f"{at}&step=seals", "looks": f"{at}&area=doors&step=looks", "wood": f"{at}&step=wood", "wood_new": f"{at}&step=wood_new",
        "summary": f"{at}&step=summary", "signing": f"{at}&step=signing", "done": f"?inspection={done}",
        "notices": f"?inspection={done}&step=notices", "notice": f"?inspection={done}&step=notice", "journey": f"?inspection={done}&step=journey",
        "leg": f"?inspection={done}&step=leg", "amend": f"?inspection={done}&step=amend", "amendments": f"?inspection={done}&step=amendments",
    }  # fmt: skip


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_serious(tablet: Callable[..., Tablet], server: Server, places: dict[str, str], theme: str) -> None:
    one = tablet(STANDING if theme == "dark" else LYING)
    one.page.evaluate("theme => localStorage.setItem('pestcheck-theme', theme)", theme)
    found: dict[str, list[Any]] = {}
    for name, address in places.items():
        one.page.goto(f"{server.url}/{address}")
        one.at(name)
        assert one.page.evaluate("document.documentElement.dataset.theme") == theme
        one.shot(f"{theme}-{name}")
        results = Axe().run(one.page).response["violations"]
        bad = [(rule["id"], node["html"][:160]) for rule in results if rule["impact"] in ("serious", "critical") for node in rule["nodes"]]
        if bad:
            found[name] = bad
        assert one.small() == [], name
        assert one.page.evaluate("document.documentElement.scrollWidth") <= one.size[0], name
    assert found == {}


def test_the_theme_follows_the_tablet_and_can_be_chosen(tablet: Callable[..., Tablet]) -> None:
    one = tablet(color_scheme="dark")
    shown = "document.documentElement.dataset.theme"
    assert one.page.evaluate(shown) == "dark"
    one.page.emulate_media(color_scheme="light")
    one.page.wait_for_function(f"{shown} === 'light'")
    one.page.locator("#screen .settings").tap()
    one.page.locator("#settings").get_by_role("button", name="High contrast").tap()
    assert one.page.evaluate(shown) == "contrast"
    one.page.reload()
    one.at("home")
    assert one.page.evaluate(shown) == "contrast"
