"""Training in a real Chromium, by touch: a trainer marks a photograph and makes a quiz, an inspector takes it; how the pages look."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pestcheck.accounts import Accounts
from pestcheck.ids import uuid7
from pestcheck.inspection.knowledge import knowledge
from pestcheck.records import Records
from pestcheck.settings import Settings
from pestcheck.store import open_folder
from tests.app.tablet import LYING, STANDING
from tests.app.test_access_browser import WORDS, fits, shot, sign_in, tablet
from tests.conftest import Server, running
from tests.pictures import scenes

pytestmark = pytest.mark.usefixtures("closed_afterwards")

KNOWN = knowledge()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A running server with a trainer, an inspector, and photographs of a hornet and of a wall."""
    settings = Settings(data=tmp_path / "data")
    database, photo_store = open_folder(settings.data, settings.database_url)
    accounts, records = Accounts(database), Records(database, photo_store)
    for name, role in (("Ana Pérez", "admin"), ("Teo Luna", "trainer"), ("Ines Ruiz", "inspector")):
        accounts.set_password(accounts.open(name, role, actor="Ana Pérez"), WORDS, actor="Ana Pérez")
    key = records.open(uuid7(), number="CSQU3054383", inspector="Ines Ruiz", template="container_7_point@1").inspection.id
    floor = scenes.floor()
    scenes.lay(floor, "hornet", x=0.25, y=0.25, length=220)
    for data in (scenes.jpeg(floor), scenes.jpeg(scenes.wall(1200, 900, seed=5))):
        records.photograph(key, "floor", data, name="a.jpg", actor="Ines Ruiz")
    records.certify("Luis Gómez", "inspection", given_on="2026-01-01", expires_on="2026-06-01", actor="Teo Luna")
    database.close()
    with running(Server(tmp_path / "data")) as started:
        yield started


def rows(server: Server, query: str) -> list[Any]:
    with sqlite3.connect(server.data / "pestcheck.sqlite3") as connection:
        return connection.execute(query).fetchall()


def signed_in(browser: Any, server: Server, name: str, size: tuple[int, int], scheme: str = "light") -> Any:
    page = tablet(browser, server, *size, scheme)
    sign_in(page, name)
    page.locator("#screen .page").wait_for()
    return page


def tap_on(page: Any, x: float, y: float) -> None:
    """Touch the photograph at a share of its width and height."""
    box = page.locator(".photo .frame").bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
    page.locator(".box.mine").wait_for()


@pytest.mark.parametrize(("size", "scheme"), [(LYING, "light"), (STANDING, "dark")], ids=["lying", "standing"])
def test_from_a_photograph_to_a_certificate(browser: Any, server: Server, size: tuple[int, int], scheme: str) -> None:
    page = signed_in(browser, server, "teo luna", size, scheme)
    at = size[0]
    page.goto(f"{server.url}/training/desk/questions")
    fits(page)
    shot(page, f"training-questions-{at}")
    page.get_by_role("link", name="Give the answer").first.tap()
    page.locator(".photo img").wait_for()
    fits(page)
    width = page.locator(".photo").get_attribute("data-width")
    hornet = width != "1200"
    if hornet:
        tap_on(page, 0.25, 0.25)
        page.locator("[name=label]").select_option("hornet")
    shot(page, f"training-answer-{at}")
    page.get_by_role("button", name="Ask it: contaminated" if hornet else "Ask it: no contamination").tap()
    page.get_by_role("heading", name="Photographs asked").wait_for()
    page.goto(f"{server.url}/training/desk/new")
    fits(page)
    page.get_by_label("Title").fill("First day")
    asked = ["us@1/dead_counts", "us@1/vvtt", "us@1/mark_parts"]
    page.locator("[name=question]").evaluate_all(
        "(all, asked) => all.forEach(one => { one.checked = !one.value.includes('/') || asked.includes(one.value); })", asked
    )
    shot(page, f"training-new-{at}")
    page.get_by_role("button", name="Make the quiz").tap()
    page.get_by_role("heading", name="First day").wait_for()
    fits(page)
    shot(page, f"training-desk-{at}")

    page = signed_in(browser, server, "ines ruiz", size, scheme)
    page.get_by_text("You have no valid training on record").wait_for()
    page.get_by_role("link", name="To your training").tap()
    page.get_by_role("heading", name="Training", exact=True).wait_for()
    fits(page)
    shot(page, f"training-own-{at}")
    page.get_by_role("button", name="Begin").tap()
    facts = {one.ask: one for one in KNOWN.questions}
    for _ in range(4):
        page.locator(".ask").wait_for()
        fits(page)
        shot(page, f"training-question-{at}")
        ask = page.locator(".ask").inner_text()
        if ask in facts:
            page.get_by_role("button", name=facts[ask].right, exact=True).tap()
        elif not hornet:
            page.get_by_role("button", name="No, I see none").tap()
        else:
            page.get_by_role("button", name="Yes, I see contamination").tap()
            page.get_by_text("Where is it?").wait_for()
            page.locator("button:disabled", has_text="Next").wait_for()
            tap_on(page, 0.28, 0.27)
            fits(page)
            shot(page, f"training-where-{at}")
            page.get_by_role("button", name="Next").tap()
            page.get_by_text("What is it?").wait_for()
            fits(page)
            shot(page, f"training-what-{at}")
            page.get_by_role("button", name="Hornet", exact=True).tap()
            page.get_by_role("button", name="Ask first. Clean only when told how.").tap()
        page.get_by_text("✓ Right").wait_for()
        fits(page)
        shot(page, f"training-told-{at}")
        page.locator("a.big").tap()
    page.get_by_text("Passed with 100%").wait_for()
    fits(page)
    shot(page, f"training-result-{at}")
    assert {topic for (topic,) in rows(server, "SELECT topic FROM certificate WHERE person = 'Ines Ruiz'")} == {
        "inspection",
        "pest_prevention",
    }
    page.goto(server.url)
    page.locator("#screen .page").wait_for()
    assert page.get_by_text("You have no valid training").count() == 0


def test_the_other_pages_in_every_theme_and_in_spanish(browser: Any, server: Server) -> None:
    page = signed_in(browser, server, "ana pérez", STANDING)
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if "Content Security Policy" in message.text else None)
    for theme in ("light", "dark", "contrast"):
        page.evaluate("theme => localStorage.setItem('pestcheck-theme', theme)", theme)
        for name, path in (("roster", "training/roster"), ("courses", "training/desk/courses"), ("seals", "seals"), ("holds", "holds?number=CSQU"), ("own", "training")):  # fmt: skip
            page.goto(f"{server.url}/{path}")
            assert page.evaluate("document.documentElement.dataset.theme") == theme
            page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
            fits(page)
            shot(page, f"training-{name}-{theme}")
    page.get_by_role("button", name="Español").tap()
    page.get_by_role("heading", name="Capacitación").wait_for()
    page.goto(f"{server.url}/training/roster")
    page.get_by_text("Prevención de plagas: Ninguna").first.wait_for()
    assert faults == []


def test_a_server_that_was_killed_goes_on_where_the_quiz_was(browser: Any, server: Server) -> None:
    database, photo_store = open_folder(server.data, f"sqlite:///{server.data / 'pestcheck.sqlite3'}")
    records = Records(database, photo_store)
    records.make_quiz("Short", topics=["inspection"], questions=[KNOWN.reference(one) for one in KNOWN.questions[:3]], actor="Teo Luna")
    database.close()
    page = signed_in(browser, server, "ines ruiz", LYING)
    page.goto(f"{server.url}/training")
    page.get_by_role("button", name="Begin").tap()
    page.locator(".choices button").first.tap()
    page.get_by_text("Right is").wait_for()
    server.kill()
    server.start()
    page.goto(f"{server.url}/training")
    page.get_by_role("button", name="Go on with it").tap()
    page.get_by_text("Question 2 of 3").wait_for()
    assert rows(server, "SELECT count(*) FROM quizanswer") == [(1,)]
    assert rows(server, "SELECT count(*) FROM quizattempt") == [(1,)]
