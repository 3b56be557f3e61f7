"""Signing in, locking and coming back in a real Chromium, and how the pages look."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from pestcheck.accounts import Accounts
from pestcheck.settings import Settings
from pestcheck.store import open_folder
from tests.conftest import Server, running
from tests.pictures import scenes

pytestmark = pytest.mark.usefixtures("closed_afterwards")

WORDS = "seven hornets on a pallet"
PIN = "2580"
PUT = "SELECT kind, actor FROM event WHERE kind IN ('photograph_added', 'point_answered') ORDER BY seq"
ARTEFACTS = Path(os.environ.get("TEST_ARTEFACTS", Path(__file__).parents[2] / "test-artifacts"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A running server with an admin and an inspector of two yards."""
    settings = Settings(data=tmp_path / "data")
    database, _ = open_folder(settings.data, settings.database_url)
    accounts = Accounts(database)
    for name, role, sites in (("Ana Pérez", "admin", None), ("Ines Ruiz", "inspector", ["Yard 1", "Yard 2"])):
        key = accounts.open(name, role, sites=sites, actor="Ana Pérez")
        accounts.set_password(key, WORDS, actor="Ana Pérez")
        accounts.set_pin(key, PIN, actor=name)
    database.close()
    with running(Server(tmp_path / "data", extra_environment={"PESTCHECK_LOCK_MINUTES": "10"})) as started:
        yield started


def tablet(browser: Any, server: Server, width: int = 1180, height: int = 820, scheme: str = "light") -> Any:
    context = browser.new_context(viewport={"width": width, "height": height}, has_touch=True, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(server.url)
    return page


def sign_in(page: Any, name: str = "ines ruiz") -> None:
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Password").fill(WORDS)
    page.get_by_role("button", name="Sign in").tap()


def shot(page: Any, name: str) -> None:
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{name}.png", full_page=True)


def fits(page: Any) -> None:
    """Nothing is wider than the tablet, nothing to touch smaller than 48 pixels, and axe finds nothing serious."""
    found = Axe().run(page).response["violations"]
    assert [(one["id"], [node["html"][:100] for node in one["nodes"]]) for one in found if one["impact"] in ("serious", "critical")] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    size = """all => all.filter(e => e.offsetParent).map(e => [e.outerHTML.slice(0, 80), (e.closest('label.check, label.pick') || e).getBoundingClientRect().height])"""
    for what, height in page.locator("button, input:not([type=hidden]), select, textarea, summary, header a, a.button").evaluate_all(size):
        assert height >= 48, what


@pytest.mark.parametrize(("width", "height", "scheme"), [(1180, 820, "light"), (820, 1180, "dark")], ids=["lying-light", "standing-dark"])
def test_the_pages(browser: Any, server: Server, width: int, height: int, scheme: str) -> None:
    page = tablet(browser, server, width, height, scheme)
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if "Content Security Policy" in message.text else None)
    page.get_by_role("button", name="Sign in").wait_for()
    fits(page)
    shot(page, f"login-{scheme}")
    sign_in(page, "nobody")
    page.get_by_role("alert").get_by_text("The name or the password is wrong").wait_for()
    shot(page, f"login-wrong-{scheme}")
    sign_in(page, "ana pérez")
    settings(page).get_by_role("link", name="Accounts").tap()
    page.get_by_role("heading", name="Accounts").wait_for()
    page.locator("summary").filter(has_text="Ines Ruiz").tap()
    fits(page)
    form = page.locator("details[open] form.row").last
    form.get_by_label("What it is for").fill("camera")
    form.get_by_role("button", name="Give a token").tap()
    page.get_by_text("it can never be shown again").wait_for()
    assert page.locator("code").inner_text().startswith("pestcheck_")
    shot(page, f"accounts-{scheme}")
    page.get_by_role("link", name="Ana Pérez").tap()
    page.get_by_role("heading", name="Ana Pérez").wait_for()
    fits(page)
    shot(page, f"own-{scheme}")
    page.get_by_role("button", name="Lock").tap()
    page.get_by_role("heading", name="Locked").wait_for()
    fits(page)
    shot(page, f"lock-{scheme}")
    assert faults == []


def settings(page: Any) -> Any:
    """Open the settings of the inspector's page: there is the way out."""
    page.locator("#screen .page").wait_for()
    page.locator("[data-press=settings]").first.click()
    return page.locator("#settings")


def test_the_record_names_the_account_and_two_tabs_lock_together(browser: Any, server: Server) -> None:
    page = tablet(browser, server)
    sign_in(page)
    page.locator("#screen").get_by_role("link", name="New inspection").tap()
    page.locator("#screen [name=value]").fill("CSQU 305438 3")
    page.get_by_role("button", name="Next", exact=True).tap()
    for words in ("Skip", "7-point container inspection", "Empty, where it is loaded", "Yard 2", "Routine"):
        page.locator("#screen").get_by_role("button", name=words, exact=True).first.tap()
    page.locator("#screen .page[data-page^=points]").wait_for()  # nobody was asked for a name
    (row,) = rows(server, "SELECT inspector, site FROM inspection")
    assert row == ("Ines Ruiz", "Yard 2")
    where = page.url

    other = page.context.new_page()
    other.set_default_timeout(60_000)
    other.goto(where)
    other.locator("#screen .page[data-page^=points]").wait_for()
    shot(page, "signed-in-inspection")
    shown = settings(page)
    shown.get_by_text("Ines Ruiz").wait_for()
    shot(page, "signed-in-settings")
    shown.get_by_role("button", name="Lock").click()
    page.get_by_role("heading", name="Locked").wait_for()
    other.locator("#screen a").first.click()
    other.get_by_role("heading", name="Locked").wait_for()  # led there at once
    other.get_by_label("PIN").fill("0001")
    other.get_by_role("button", name="Unlock").click()
    other.get_by_text("The PIN is wrong").wait_for()
    other.get_by_label("PIN").fill(PIN)
    other.get_by_role("button", name="Unlock").click()
    settings(other).get_by_role("button", name="Sign out").click()
    other.get_by_role("button", name="Sign in").wait_for()
    page.goto(where)
    page.get_by_role("button", name="Sign in").wait_for()


def signed_out_by_itself(page: Any, server: Server) -> Any:
    """The same tablet after its browser was closed: what it keeps is there, the session is not."""
    context = page.context
    page.close()
    context.clear_cookies()
    context.set_offline(False)
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(server.url)
    return page


def until(page: Any, true: str) -> None:
    """Wait until an asynchronous function of the page says so."""
    deadline = time.monotonic() + 60
    while not page.evaluate(true):
        assert time.monotonic() < deadline, true
        page.wait_for_timeout(100)


def test_what_ana_recorded_without_a_network_is_never_logged_as_ines(browser: Any, server: Server, tmp_path: Path) -> None:
    pictures = [tmp_path / f"{name}.jpg" for name in ("ana", "ines")]
    for seed, picture in enumerate(pictures):
        picture.write_bytes(scenes.jpeg(scenes.wall(800, 600, seed=seed)))
    page = tablet(browser, server)
    sign_in(page, "ana pérez")
    page.locator("#screen").get_by_role("link", name="New inspection").tap()
    page.locator("#screen [name=value]").fill("CSQU 305438 3")
    page.get_by_role("button", name="Next", exact=True).tap()
    for words in ("Skip", "7-point container inspection", "Empty, where it is loaded", "Yard 2", "Routine"):
        page.locator("#screen").get_by_role("button", name=words, exact=True).first.tap()
    page.locator("#screen a.card.point").first.tap()
    page.locator("#screen .page[data-page^=point-]").wait_for()
    until(page, "async () => (await pestcheck.outbox.inspection(pestcheck.at.inspection)) !== undefined")
    where = page.url
    page.context.set_offline(True)
    page.locator("#outbox-gallery").set_input_files(pictures[0])
    page.get_by_role("button", name="Go on without network").tap()
    panel = page.locator("#panel")
    panel.get_by_role("button", name="No contamination seen").tap()
    panel.get_by_role("button", name="Keep answer").tap()
    until(page, "async () => (await pestcheck.outbox.items()).length === 2")

    page = signed_out_by_itself(page, server)
    refused: list[str] = []
    page.on("response", lambda answer: refused.append(answer.url) if answer.status == 423 else None)
    sign_in(page, "ines ruiz")
    page.get_by_text("2 wait for somebody else to sign in").wait_for()
    page.goto(where)
    page.locator("#screen .page[data-page^=point-]").wait_for()
    page.locator("#screen .sending").get_by_text("Ana Pérez’s: waits until Ana Pérez signs in").wait_for()
    assert refused  # the page went by whom it was last shown to, and the server knew better
    page.locator("#outbox-gallery").set_input_files(pictures[1])
    page.locator("#screen .photo img").wait_for()
    assert rows(server, PUT) == [("photograph_added", "Ines Ruiz")]
    until(page, "async () => (await pestcheck.outbox.items()).length === 2")
    page.locator("#connection").get_by_role("button", name="Look").tap()
    page.locator("#panel").get_by_text("Ana Pérez’s: waits until Ana Pérez signs in").nth(1).wait_for()
    shot(page, "outbox-of-another")

    page = signed_out_by_itself(page, server)
    sign_in(page, "ana pérez")
    page.locator("#screen .page").wait_for()
    until(page, "async () => (await pestcheck.outbox.items()).length === 0")
    page.locator("#connection").wait_for(state="hidden")
    assert rows(server, PUT) == [("photograph_added", "Ines Ruiz"), ("photograph_added", "Ana Pérez"), ("point_answered", "Ana Pérez")]


def rows(server: Server, query: str) -> list[tuple[Any, ...]]:
    """What stands in the database."""
    with sqlite3.connect(server.data / "pestcheck.sqlite3") as connection:
        return connection.execute(query).fetchall()


def test_a_tablet_that_nobody_touches_is_locked(browser: Any, server: Server) -> None:
    page = tablet(browser, server)
    page.clock.install()
    sign_in(page)
    page.locator("#screen .page").wait_for()
    page.locator("form.lock").wait_for(state="attached")
    page.clock.fast_forward("10:30")
    page.get_by_role("heading", name="Locked").wait_for()
