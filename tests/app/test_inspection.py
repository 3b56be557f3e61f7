"""The whole task in a real Chromium against a real server, with the real model, read back from the database."""

from __future__ import annotations

import csv
import io
import os
import re
import sqlite3
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from pestcheck.inspection.checklist import templates
from tests.conftest import Server
from tests.pictures import scenes

ARTEFACTS = Path(os.environ.get("TEST_ARTEFACTS", Path(__file__).parents[2] / "test-artifacts"))
POINTS = templates()["container_7_point"].points


@pytest.fixture
def hornet(tmp_path: Path) -> Path:
    """A photograph of a floor with a hornet, as a tablet would send it."""
    picture = scenes.floor()
    scenes.lay(picture, "hornet", length=220)
    path = tmp_path / "IMG 0001 (é).jpg"
    path.write_bytes(scenes.jpeg(picture))
    return path


def tablet(browser: Any, server: Server, width: int = 1180, height: int = 820) -> Any:
    page = browser.new_context(viewport={"width": width, "height": height}, has_touch=True, accept_downloads=True).new_page()
    page.set_default_timeout(20_000)
    page.goto(server.url)
    page.wait_for_selector("#begin")
    return page


def box(page: Any, name: str) -> Any:
    return page.locator(f"#{name} input, #{name} textarea").first


def begin(page: Any, number: str = "CSQU 305438 3", inspector: str = "Ana Pérez") -> None:
    box(page, "number").fill(number)
    box(page, "inspector").fill(inspector)
    page.get_by_role("button", name="Start 7-point inspection").click()
    page.wait_for_selector("#points")


def send(page: Any, *files: Path) -> None:
    page.get_by_test_id("Choose photographs-upload-button").set_input_files(list(files))


def begin_with(page: Any, photograph: Path) -> None:
    """Open an inspection, send a photograph to its first point, and wait for the model's word."""
    begin(page)
    send(page, photograph)
    page.locator("#suggestion h3").wait_for()


def answer(page: Any, result: str) -> None:
    page.locator("#result").get_by_text(result, exact=True).click()
    page.get_by_role("button", name="Save answer, next point").click()


def rows(server: Server, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(server.data / "pestcheck.sqlite3") as connection:
        return connection.execute(query).fetchall()


def shot(page: Any, name: str) -> None:
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{name}.png", full_page=True)


@pytest.mark.parametrize(("width", "height"), [(1180, 820), (820, 1180)], ids=["lying", "standing"])
def test_from_a_photograph_to_a_logged_finding(browser: Any, server: Server, hornet: Path, width: int, height: int) -> None:
    page = tablet(browser, server, width, height)
    box(page, "number").fill("csqu3054384")
    page.get_by_text("should be 3, not 4").wait_for()
    shot(page, f"start-{width}")
    begin(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.get_by_test_id("Take photograph-upload-button").get_attribute("capture") == "environment"

    send(page, hornet)
    page.locator("#suggestion h3").wait_for()
    assert "Suspect" in page.locator("#suggestion h3").inner_text()
    shot(page, f"finding-{width}")
    height_of = "elements => elements.filter(e => e.offsetParent).map(e => e.getBoundingClientRect().height)"
    assert min(page.locator("button:visible").evaluate_all(height_of)) >= 48
    image = page.locator("#picture img")
    assert image.evaluate("image => image.complete && image.naturalWidth") == 1600
    page.get_by_role("button", name="Confirm").click()
    page.get_by_text("Confirmed, by Ana Pérez").wait_for()

    answer(page, "No contamination seen")  # contradicts the confirmed finding
    page.get_by_text("This does not fit").wait_for()
    answer(page, "Contamination seen")
    page.get_by_text("1 of 7 points answered").wait_for()
    assert page.locator("#hint h3").inner_text() == POINTS[1].title

    page.get_by_role("button", name="Close inspection").click()
    page.get_by_text("Not closed. Still open").wait_for()
    for number in range(1, 7):
        answer(page, "No contamination seen")
        page.get_by_text(f"{number + 1} of 7 points answered").wait_for()
    page.get_by_role("button", name="Close inspection").click()
    page.get_by_text("Closed by Ana Pérez").wait_for()
    assert not page.get_by_role("button", name="Confirm").is_visible()
    shot(page, f"closed-{width}")

    page.get_by_role("button", name="All inspections").click()
    row = page.locator("table.log tbody tr")
    assert re.sub(r"\s+", " ", row.inner_text()).startswith("CSQU3054383 Closed 1 Ana Pérez")
    assert box(page, "number").input_value() == ""
    assert box(page, "inspector").input_value() == "Ana Pérez"
    shot(page, f"log-{width}")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the log").click()
    table = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8"))))
    assert [r["decision"] for r in table if r["suggested"]] == ["confirmed"]

    (finding,) = rows(server, "SELECT label, state, decided_label, decided_by FROM finding")
    assert finding[1:] == ("confirmed", finding[0], "Ana Pérez")
    assert [row[0] for row in rows(server, "SELECT kind FROM event ORDER BY seq")][-1] == "inspection_closed"
    (photograph,) = rows(server, "SELECT sha256 FROM photograph")
    assert (server.data / "photographs" / photograph[0][:2] / photograph[0]).read_bytes() == hornet.read_bytes()


def test_a_reload_and_a_second_tablet_continue_where_the_server_stands(browser: Any, server: Server, hornet: Path) -> None:
    page = tablet(browser, server)
    begin_with(page, hornet)
    page.get_by_role("button", name="Not a contaminant").click()
    page.get_by_text("Not a contaminant, by Ana Pérez").wait_for()
    answer(page, "No contamination seen")
    page.get_by_text("1 of 7 points answered").wait_for()
    page.reload()
    page.get_by_text("1 of 7 points answered").wait_for()
    assert page.locator("#hint h3").inner_text() == POINTS[1].title

    other = tablet(browser, server, 820, 1180)
    other.locator("table.log a.open").click()
    other.get_by_text("1 of 7 points answered").wait_for()
    answer(other, "No contamination seen")
    other.get_by_text("2 of 7 points answered").wait_for()
    page.reload()
    page.get_by_text("2 of 7 points answered").wait_for()
    page.locator("#points label").first.click()
    page.get_by_text("Not a contaminant, by Ana Pérez").wait_for()


def test_correcting_records_both_names(browser: Any, server: Server, hornet: Path) -> None:
    page = tablet(browser, server)
    begin_with(page, hornet)
    page.get_by_role("button", name="Correct").click()
    page.get_by_text("Choose what it is").wait_for()
    page.locator("#label input").fill("Hor")
    page.get_by_role("option", name="Hornet").click()
    page.get_by_role("button", name="Correct").click()
    page.get_by_text("Corrected: Hornet, by Ana Pérez").wait_for()
    assert rows(server, "SELECT state, decided_label FROM finding") == [("corrected", "hornet")]


def test_a_wrong_check_digit_is_taken_only_with_a_reason(browser: Any, server: Server) -> None:
    page = tablet(browser, server)
    box(page, "number").fill("CSQU3054384")
    box(page, "inspector").fill("Ana <b>Pérez</b>")
    box(page, "reason").wait_for()
    page.get_by_role("button", name="Start 7-point inspection").click()
    page.get_by_text("give a reason to go on").wait_for()
    assert rows(server, "SELECT * FROM inspection") == []
    box(page, "reason").fill("=painted <script>alert(1)</script>")
    page.get_by_role("button", name="Start 7-point inspection").click()
    page.wait_for_selector("#points")
    assert rows(server, "SELECT override_reason FROM inspection") == [("=painted <script>alert(1)</script>",)]
    assert "Ana <b>Pérez</b>" in page.locator("#top").inner_text()  # shown as typed, not run


def test_bad_files_are_named_and_the_others_kept(browser: Any, server: Server, hornet: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(hornet.read_bytes()[:50_000])
    (tmp_path / "empty.png").write_bytes(b"")
    page = tablet(browser, server)
    begin(page)
    send(page, tmp_path / "broken.jpg", hornet, tmp_path / "empty.png")
    page.get_by_text("broken.jpg: the picture is damaged or cut short").wait_for()
    page.get_by_text("empty.png: the file is empty").wait_for()
    page.locator("#suggestion h3").wait_for()
    assert len(rows(server, "SELECT * FROM photograph")) == 1


def test_an_address_of_nothing_leads_to_the_start(browser: Any, server: Server) -> None:
    page = tablet(browser, server)
    page.goto(server.url + "/?inspection=%3Cscript%3E")
    page.get_by_text("There is no inspection").wait_for()
    assert page.get_by_role("button", name="Start 7-point inspection").is_visible()


def test_a_server_killed_while_scoring_scores_after_its_restart(browser: Any, server: Server, hornet: Path) -> None:
    page = tablet(browser, server)
    begin(page)
    many = []
    for i in range(6):
        picture = scenes.wall(3264, 2448, seed=i)
        many.append(hornet.parent / f"{i}.jpg")
        many[-1].write_bytes(scenes.jpeg(picture))
    send(page, *many)
    page.get_by_text("Looking at the photograph").wait_for()
    server.kill()
    waiting = rows(server, "SELECT count(*) FROM view WHERE state = 'waiting'")[0][0]
    kept = rows(server, "SELECT count(*) FROM view")[0][0]
    assert waiting > 0
    server.start()
    for _ in range(100):
        if rows(server, "SELECT count(*) FROM view WHERE state = 'scored'") == [(kept,)]:
            break
        page.wait_for_timeout(200)
    assert rows(server, "SELECT count(*) FROM view WHERE state = 'scored'") == [(kept,)]
    page.goto(page.url)
    page.get_by_text("0 of 7 points answered").wait_for()
    page.locator("#picture img").wait_for()


def test_previews_are_upright_jpegs_and_strangers_get_404(server: Server) -> None:
    for path in ("photograph/" + "0" * 64 + ".jpg", "photograph/..%2f..%2fpestcheck.sqlite3.jpg", "photograph/x.jpg"):
        with pytest.raises(urllib.error.HTTPError) as error:
            urllib.request.urlopen(f"{server.url}/{path}")
        assert error.value.code == 404
