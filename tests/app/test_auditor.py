"""The auditor's page: filters, files, a record in print, who took what; in a real browser and over the API."""

from __future__ import annotations

import csv
import io
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import openpyxl
import pytest
from axe_playwright_python.sync_playwright import Axe

from app.downloads import FOLDER
from pestcheck.records import Records
from pestcheck.store import open_folder
from tests.app.tablet import LYING, STANDING, Tablet
from tests.conftest import Server
from tests.records.conftest import closed, opened

SMALL = """() => [...document.querySelectorAll('body :is(button, a, input, select, summary)')]
    .filter((one) => one.checkVisibility() && one.type !== 'hidden').map((one) => [one, one.getBoundingClientRect()])
    .filter(([, box]) => box.width < 47.5 || box.height < 47.5).map(([one]) => one.outerHTML.slice(0, 120))"""
"""What can be touched and is smaller than 48 pixels either way."""
HTML = {"accept": "text/html"}
ME = {"Pestcheck-Name": "Cleo"}
HTTP = httpx.Client(timeout=60)


@pytest.fixture
def records(server: Server) -> Iterator[Records]:
    """Two closed inspections at one yard and an open one at another, in the server's store."""
    database, photo_store = open_folder(server.data, f"sqlite:///{server.data / 'pestcheck.sqlite3'}")
    made = Records(database, photo_store)
    for site in ("Yard 1", "Yard 1", "Yard 2"):
        key = opened(made, site=site, origin="Monterrey", destination="Laredo", shipment="<script>alert(1)</script>")
        if site == "Yard 1":
            closed(made, key)
    yield made
    database.close()


def download(one: Tablet, name: str | re.Pattern[str], role: Any = "link") -> tuple[str, bytes]:
    with one.page.expect_download() as coming:
        one.page.get_by_role(role, name=name).first.click()
    return coming.value.suggested_filename, Path(coming.value.path()).read_bytes()


def test_an_auditor_finds_and_takes_records(tablet: Callable[..., Tablet], server: Server, records: Records) -> None:
    one = tablet(LYING)
    one.page.goto(server.url + "/records")
    assert one.page.get_by_role("status").inner_text() == "3 inspections match"
    one.page.get_by_label("Site").fill("Yard 1")
    one.page.get_by_label("Outcome").select_option(label="No contamination seen")
    one.page.get_by_role("button", name="Show").click()
    assert one.page.get_by_role("status").inner_text() == "2 inspections match"
    assert one.page.get_by_label("Site").input_value() == "Yard 1"
    name, data = download(one, "Excel (XLSX)")
    assert name.endswith(".xlsx")
    assert openpyxl.load_workbook(io.BytesIO(data))["inspections"].max_row == 3
    one.page.get_by_label("One table").select_option(label="Inspections")
    name, data = download(one, "CSV", "button")
    assert [row["site"] for row in csv.DictReader(io.StringIO(data.decode()))] == ["Yard 1"] * 2
    assert len(json.loads(download(one, "JSON")[1])["inspections"]) == 2
    assert download(one, "Boxes and labels (COCO)")[0].endswith(".coco.json")
    name, data = download(one, re.compile("PDF.*CSQU3054383"))
    assert name.startswith("pestcheck-CSQU3054383-")
    assert data.startswith(b"%PDF")
    one.page.reload()
    one.page.get_by_text("What was taken out").click()
    assert one.page.locator("details tbody tr").count() == 5
    assert {entry.exported_by for entry in records.exports()} == {"single user"}
    one.page.get_by_role("link", name="All", exact=True).click()
    assert one.page.get_by_role("status").inner_text() == "3 inspections match"


def test_the_inspectors_page_leads_to_the_record_in_print(tablet: Callable[..., Tablet], server: Server, records: Records) -> None:
    one = tablet(STANDING, locale="es-MX")
    key = next(row.id for row, _ in records.inspections(closed=True))
    one.page.goto(f"{server.url}/?inspection={key}")
    one.at("done")
    name, data = download(one, "El registro en PDF")
    assert name.endswith(".pdf")
    assert b"/Lang (es)" in data
    assert records.exports()[0].inspection_id == key


@pytest.mark.parametrize("theme", ["light", "dark", "contrast"])
def test_axe_finds_nothing_serious(tablet: Callable[..., Tablet], server: Server, records: Records, theme: str) -> None:
    one = tablet(STANDING if theme == "dark" else LYING)
    one.page.evaluate("theme => localStorage.setItem('pestcheck-theme', theme)", theme)
    HTTP.get(server.url + "/records/register.csv?table=log&site=Yard 1")
    for query in ("", "?site=nowhere"):
        one.page.goto(f"{server.url}/records{query}")
        assert one.page.evaluate("document.documentElement.dataset.theme") == theme
        if one.page.locator("details").count():
            one.page.locator("details summary").click()
        one.shot(f"{theme}-records")
        results = Axe().run(one.page).response["violations"]
        assert [
            (rule["id"], node["html"][:160]) for rule in results if rule["impact"] in ("serious", "critical") for node in rule["nodes"]
        ] == []
        assert one.page.evaluate(SMALL) == []
        assert one.page.evaluate("document.documentElement.scrollWidth") <= one.size[0]


def test_what_makes_no_sense_is_told_on_the_page(server: Server, records: Records) -> None:
    for query, says in (
        ("since=soon", "no time"),
        ("label=rust", "no label"),
        ("since=2026-02-01&until=2026-01-01", "turn the dates round"),
    ):
        for path in ("/records", "/records/register.xlsx"):
            answer = HTTP.get(f"{server.url}{path}?{query}", headers=HTML)
            assert (answer.status_code, says in answer.text) == (422, True)
    answer = HTTP.get(f"{server.url}/records?since=2026-02-01&until=2026-01-01", headers=HTML | {"accept-language": "es"})
    assert "invierta las fechas" in answer.text
    assert "<script>alert" not in HTTP.get(server.url + "/records?site=<script>alert(1)</script>").text
    for path in ("/records/register.doc", "/records/register.pdf", "/records/register.csv?table=x", "/records?after=x", "/packet/x.pdf"):
        assert HTTP.get(server.url + path, headers=HTML).status_code == 404
    assert records.exports() == []


def test_the_api_gives_the_same_files(server: Server, records: Records) -> None:
    api = server.url + "/api/v1/exports"
    key = next(row.id for row, _ in records.inspections(closed=True))
    told = HTTP.get(f"{api}/register.json", params={"outcome": "open"}, headers=ME).json()
    jsonschema.validate(told, HTTP.get(f"{api}/schema.json").json())
    assert [one["inspection"]["site"] for one in told["inspections"]] == ["Yard 2"]
    answer = HTTP.get(f"{api}/inspections/{key}.pdf", params={"language": "es"}, headers=ME)
    assert answer.headers["content-type"] == "application/pdf"
    import base64
    import hashlib

    assert answer.headers["repr-digest"] == f"sha-256=:{base64.b64encode(hashlib.sha256(answer.content).digest()).decode()}:"
    assert int(answer.headers["content-length"]) == len(answer.content)
    taken = HTTP.get(api, headers=ME).json()["exports"]
    assert [(one["what"], one["format"], one["exported_by"], one["filter"]) for one in taken] == [
        ("inspection", "pdf", "Cleo", {"inspection": key}),
        ("register", "json", "Cleo", {"outcome": "open"}),
    ]
    assert taken[0]["sha256"] == hashlib.sha256(answer.content).hexdigest()
    assert HTTP.get(f"{api}/register.csv?since=x").json()["type"].endswith("#refused")
    assert HTTP.get(f"{api}/register.csv?unknown=x").status_code == 422
    assert [*(server.data / FOLDER).iterdir()] == []


def test_photographs_are_handed_on_without_place_and_device(server: Server, records: Records) -> None:
    from tests.export.test_shared import SECRETS, written

    key = next(row.id for row, _ in records.inspections(closed=False))
    data = written("JPEG", 6)
    records.photograph(key, "floor", data, name="a.jpg", actor="Ana")
    sha256 = records.inspection(key).photographs[0].view.sha256
    address = f"{server.url}/api/v1/exports/photographs/{sha256}"
    shared = HTTP.get(address, headers=ME)
    assert (shared.headers["pestcheck-copy"], shared.headers["content-type"]) == ("stripped", "image/jpeg")
    assert [secret for secret in SECRETS if secret in shared.content] == []
    assert HTTP.get(address, params={"original": True}, headers=ME).content == data
    assert [(one.what, one.location) for one in records.exports()] == [("photograph", True), ("photograph", False)]
    records.photo_store.delete(sha256)
    assert HTTP.get(address, headers=ME).status_code == 404
    assert HTTP.get(address.replace(sha256, "0" * 64), headers=ME).status_code == 404
    assert "not in the store any more" in _pdf_text(HTTP.get(f"{server.url}/packet/{key}.pdf").content)


def _pdf_text(data: bytes) -> str:
    import pypdf

    return " ".join(" ".join(page.extract_text().split()) for page in pypdf.PdfReader(io.BytesIO(data)).pages)


def test_a_slow_client_keeps_nobody_waiting(server: Server, records: Records) -> None:
    """It takes its file bit by bit, while others write; the database is not held for it."""
    started = time.monotonic()
    with HTTP.stream("GET", server.url + "/records/register.json") as answer:
        pieces = answer.iter_raw(64)
        next(pieces)
        done = threading.Event()

        def write() -> None:
            opened(records)
            done.set()

        threading.Thread(target=write).start()
        assert done.wait(20)
        rest = b"".join(pieces)
    assert rest.endswith(b"]}\n")
    assert time.monotonic() - started < 60
