"""Insight, evidence and watching over the wire: pages, files and API, for whom they are, with their plots and tables."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from axe_playwright_python.sync_playwright import Axe

from app.pages import plot
from pestcheck.ids import uuid7
from pestcheck.rates import Rate
from pestcheck.records import Records
from pestcheck.settings import Settings
from pestcheck.store import open_folder
from tests.app.clients import ANA, Client, client, served
from tests.app.tablet import LYING, STANDING, Tablet
from tests.bench_insight import fill
from tests.conftest import Server, running

__all__ = ["client"]

HTML = {"accept": "text/html"}


def inspected(records: Records, dirty: str = "", **more: str) -> str:
    key = uuid7()
    records.open(key, number="CSQU3054383", inspector=ANA, template="container_7_point@1", **more)
    for point in records.inspection(key).template.points:
        result = "contamination" if point.area == dirty else "no_contamination"
        records.answer(key, point.area, state="inspected", result=result, note="", actor=ANA)
    records.close(key, actor=ANA, disposition="hold" if dirty else None)
    return key


def test_insight_as_page_file_and_json(client: Client) -> None:
    empty = client.http.get("/insight", headers=HTML)
    assert "No closed inspections" in empty.text
    inspected(client.records, "floor", selection="random", site="Yard <1>", origin="=cmd()", destination="B")
    inspected(client.records, selection="targeted", site="Yard 2")
    shown = client.http.get("/insight", headers=HTML)
    assert shown.status_code == 200
    assert "Yard &lt;1&gt;" in shown.text
    assert "Yard <1>" not in shown.text
    assert "100%" in shown.text
    assert "none; below 95%" in shown.text  # 0 of 1
    assert shown.text.count("<svg") >= 6
    found = client.get("/insight")
    assert found["total"]["random"] | {"low": 0, "high": 0} == {"found": 1, "of": 1, "share": 1.0, "low": 0, "high": 0, "below": None}
    assert found["total"]["targeted"]["below"] == pytest.approx(0.95)
    assert client.get("/insight?site=Yard 2")["total"].keys() == {"targeted"}
    table = client.http.get("/insight.csv?by=lane")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.reader(io.StringIO(table.text)))
    assert rows[0][:6] == ["lane", "to", "selection", "findings", "found", "of"]
    assert rows[1][:6] == ["'=cmd()", "B", "random", "0", "1", "1"]
    assert {
        by for by in ("week", "partner", "carrier", "site", "area", "label") if client.http.get(f"/insight.csv?by={by}").status_code != 200
    } == set()


@pytest.mark.parametrize("path", ["/insight", "/evidence", "/watch"])
def test_what_makes_no_sense_is_said_and_the_usual_period_shown(client: Client, path: str) -> None:
    for query in ("?first=gestern", "?first=2026-02-01&last=2026-01-01", "?last=0001-01-01"):
        answer = client.http.get(path + query, headers=HTML)
        assert (answer.status_code, 'role="alert"' in answer.text) == (422, True)
    assert client.http.get(f"{path}?site=' OR 1=1 --", headers=HTML).status_code == 200
    assert client.ask("GET", f"{path}?first=gestern").status_code == 422
    assert client.ask("GET", f"{path}?what=else").status_code == 422


def test_files_that_are_not_there(client: Client) -> None:
    for path in (
        "/insight.csv?by=inspector",
        "/watch.csv?by=inspector",
        "/insight.csv?first=x",
        "/watch.csv?first=x",
        "/evidence.pdf?entity=airline",
        "/evidence.pdf?last=x",
    ):
        assert client.http.get(path, headers=HTML).status_code == 422, path
    assert client.http.get("/evidence?entity=airline", headers=HTML).status_code == 422


def test_evidence_as_page_pdf_and_json(client: Client) -> None:
    key = inspected(client.records, procedure="AG-7", stage="empty_at_origin")
    bare = inspected(client.records)
    shown = client.http.get("/evidence?entity=highway_carrier", headers=HTML).text
    assert "Inspections that name no procedure: 1" in shown
    assert f'href="/?inspection={bare}"' in shown
    assert f'href="/?inspection={key}"' in shown
    assert "complian" not in shown.lower()
    assert "On record, with gaps" in shown
    spanish = client.http.get("/evidence", headers=HTML | {"accept-language": "es"}).text
    assert "Inspecciones que no nombran ningún procedimiento: 1" in spanish
    found = client.get("/evidence?entity=importer")
    (procedure,) = (one for one in found["criteria"] if one["id"] == "5.2")
    assert procedure["shows"] == "gaps"
    assert procedure["found"][0] | {"samples": [], "lacking": []} == {
        "measure": "procedure", "says": "Inspections that name the written procedure: 1", "have": 1, "gap": "Inspections that name no procedure: 1",
        "gaps": 1, "samples": [], "lacking": [],
    }  # fmt: skip
    printed = client.http.get("/evidence.pdf?entity=importer")
    assert (printed.content[:5], printed.headers["content-type"]) == (b"%PDF-", "application/pdf")


def test_a_draw_over_the_wire(tmp_path: Path) -> None:
    off = served(tmp_path / "off")
    client = next(off)
    answer = client.put(f"/draws/{uuid7()}", {"number": "CSQU3054383"}, status=422)
    assert "PESTCHECK_SECOND_LOOKS" in answer["detail"]
    with pytest.raises(StopIteration):
        next(off)


@pytest.fixture
def drawing(tmp_path: Path) -> Iterator[Client]:
    """A server where second looks are turned on, all of them at random."""
    from starlette.testclient import TestClient

    from app.main import create_app

    app = create_app(Settings(data=tmp_path / "on", second_looks=True, random_share=1))
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as http:
        yield Client(http, app)


def test_draws_are_idempotent(drawing: Client) -> None:
    key, body = uuid7(), {"number": "CSQU3054383", "origin": "A", "destination": "B"}
    first = drawing.put(f"/draws/{key}", body, status=201)
    assert first["proposal"] == "random"
    assert drawing.put(f"/draws/{key}", body, status=200) == first
    assert drawing.put(f"/draws/{uuid7()}", body, status=200)["id"] == key
    assert drawing.get(f"/draws/{key}") == first
    drawing.put(f"/draws/{key}", {"number": "MSCU6639870"}, status=422)
    opened = drawing.opened(selection="random")
    assert drawing.get(f"/draws/{key}") | {"drawn_at": ""} == first | {"inspection_id": opened, "chosen": "random", "drawn_at": ""}
    assert drawing.get("/insight")["drawn"][0]["followed"]["found"] == 1


def test_the_person_is_told_what_was_drawn_and_decides(browser: Any, tmp_path: Path) -> None:
    with running(Server(tmp_path / "data", extra_environment={"PESTCHECK_SECOND_LOOKS": "1", "PESTCHECK_RANDOM_SHARE": "1"})) as server:
        one = Tablet(browser, server, LYING)
        draft = '{"number": "CSQU3054383", "size": "", "template": "container_7_point", "stage": "empty_at_origin", "origin": "A", "destination": "B", "carrier_scac": ""}'
        one.page.goto(f"{server.url}/?step=new&draft={draft}")
        one.reads("Random draw: look twice.")
        assert one.page.locator(".answer.proposed").inner_text().strip() == "Random"
        assert Axe().run(one.page).response["violations"] == []
        one.shot("second-look")
        one.context.close()


def drawn(svg: str) -> ElementTree.Element:
    """A plot, which must be well formed and say what it is."""
    root = ElementTree.fromstring(svg)
    assert root.attrib["role"] == "img"
    named = root.attrib["aria-labelledby"].split()
    assert [child.attrib["id"] for child in root[:2]] == named
    return root


def test_plots_are_well_formed_and_stay_on_their_paper() -> None:
    percent: Callable[[float], str] = "{:.1%}".format
    some = [plot.Series("<A>", 0, [Rate(0, 5), None, Rate(5, 5), Rate(0, 0), Rate(1, 7)]), plot.Series("B", 3, [None] * 5)]
    root = drawn(plot.lines(some, ["1", "2", "3", "4", "5"], title="t & t", says="<s>", percent=percent, limit=0.5))
    numbers = [
        float(n) for n in re.findall(r'points="([^"]*)"', ElementTree.tostring(root, encoding="unicode"))[0].replace(",", " ").split()
    ]
    assert all(0 <= n <= plot.WIDE for n in numbers)
    assert len(root.findall(".//*[@class='mark s0']")) == 3  # a gap is no zero
    assert len(root.findall(".//*[@class='band s0']")) == 3
    bars = drawn(plot.bars([("x" * 60, [("A", 0, Rate(3, 4)), ("B", 1, Rate(0, 0))])], title="t", says="s", percent=percent))
    assert len(bars.findall(".//*[@class='bar s0']")) == 1
    heat = drawn(plot.heat({"floor": Rate(0, 9), "doors": Rate(9, 9), "elsewhere": Rate(1, 2)}, str, title="t", says="s", percent=percent))
    assert {one.attrib["class"] for one in heat.iter() if one.attrib.get("class", "").startswith("heat h")} == {"heat h0", "heat h5"}
    assert plot.heat({}, str, title="t", says="s", percent=percent) == ""
    assert drawn(plot.lines([], [], title="t", says="s", percent=percent)) is not None
    assert drawn(plot.bars([], title="t", says="s", percent=percent)) is not None


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a year of 300 inspections."""
    data = tmp_path_factory.mktemp("year") / "data"
    database, _ = open_folder(data, f"sqlite:///{data / 'pestcheck.sqlite3'}")
    fill(database, 300)
    database.close()
    with running(Server(data)) as server:
        yield server


@pytest.mark.parametrize("theme", ["light", "dark", "contrast"])
@pytest.mark.parametrize("path", ["/insight", "/evidence", "/watch"])
def test_pages_are_for_everybody(browser: Any, year: Server, path: str, theme: str) -> None:
    for size in (LYING, STANDING):
        context = browser.new_context(viewport={"width": size[0], "height": size[1]})
        page, errors = context.new_page(), []
        page.on("console", lambda message, errors=errors: errors.append(message.text) if message.type == "error" else None)
        page.goto(year.url + path)
        page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
        page.wait_for_timeout(200)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "the page is wider than the screen"
        found = [one["id"] for one in Axe().run(page).response["violations"] if one["impact"] in ("serious", "critical")]
        small = page.evaluate(
            "[...document.querySelectorAll('main a, main button, main input, main select, summary')].filter(e => e.offsetParent && e.getBoundingClientRect().height < 48).map(e => e.outerHTML)"
        )
        context.close()
        assert (found, small, errors) == ([], [], [])
