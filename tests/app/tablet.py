"""A tablet in a person's hand: the real page in a real Chromium, touched as a person would."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

from playwright.sync_api import TimeoutError

from tests.conftest import Server

ARTEFACTS = Path(os.environ.get("TEST_ARTEFACTS", Path(__file__).parents[2] / "test-artifacts"))
LYING, STANDING = (1180, 820), (820, 1180)
SLOW = 60_000
"""Milliseconds within which a busy machine must answer."""
TOUCHED = """window.touched = []; for (const kind of ['click', 'touchstart', 'touchend', 'touchcancel'])
addEventListener(kind, (event) => { touched.push(`${kind} ${Math.round(performance.now())} ${event.target.outerHTML.slice(0, 80)}`); touched.splice(0, touched.length - 8); }, true);"""
STATE = """() => JSON.stringify({ busy: pestcheck.busy, stroke: pestcheck.stroke(), at: pestcheck.at, now: performance.now(), touched,
page: document.querySelector('#screen .page')?.dataset.page, told: document.querySelector('#told').textContent })"""
"""Where the page is, and what was touched last, for whoever reads a failed test."""


class Tablet:
    """One browser with its own cookies, on a server."""

    def __init__(self, browser: Any, server: Server, size: tuple[int, int] = LYING, **context: Any) -> None:
        width, height = size
        self.context = browser.new_context(viewport={"width": width, "height": height}, has_touch=True, accept_downloads=True, **context)
        self.page = self.context.new_page()
        self.page.add_init_script(TOUCHED)
        self.page.set_default_timeout(SLOW)
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.size, self.server = size, server
        self.page.goto(server.url)
        self.at("home")

    def at(self, name: str) -> None:
        """Wait for a page: the beginning of its name."""
        try:
            self.page.locator(f"#screen .page[data-page^='{name}']").wait_for()
            self.page.wait_for_function("() => !pestcheck.busy")
        except TimeoutError as error:
            self.shot("timeout")
            raise AssertionError(f"not at {name}: {self.page.evaluate(STATE)}") from error

    @property
    def name(self) -> str:
        """Which page is shown."""
        return str(self.page.locator("#screen .page").get_attribute("data-page"))

    def link(self, words: str, to: str) -> None:
        """Tap a way to another page."""
        self.page.locator("#screen").get_by_role("link", name=words).first.tap()
        self.at(to)

    def tap(self, words: str, to: str | None = None) -> None:
        """Tap a button; ``to``: the page it leads to."""
        self.page.locator("#screen").get_by_role("button", name=words, exact=True).first.tap()
        if to is not None:
            self.at(to)

    def type(self, words: str, to: str | None = None, button: str = "Next") -> None:
        """Fill the one field of the page, and go on."""
        self.page.locator("#screen [name=value]").fill(words)
        self.tap(button, to)

    def says(self, words: str) -> None:
        """Wait until something is told."""
        self.page.locator("#told").get_by_text(words).wait_for()

    def reads(self, words: str) -> None:
        """Wait until the page has these words."""
        self.page.locator("#screen").get_by_text(words).first.wait_for()

    def begin(
        self, number: str = "CSQU 305438 3", name: str = "Ana Pérez", size_type: str = "", template: str = "7-point container inspection"
    ) -> None:
        """Open an inspection."""
        self.link("New inspection", "new-number")
        self.type(number, "new-size")
        if size_type:
            self.type(size_type, "new-template")
        else:
            self.tap("Skip", "new-template")
        self.tap(template, "new-stage")
        self.tap("Empty, where it is loaded", "new-selection")
        self.tap("Routine", "new-name")
        self.type(name, "points")

    def answer_questions(self, no: tuple[str, ...] = ()) -> None:
        """Answer the questions of a point until its end: yes to all but those named."""
        while not self.name.startswith("result"):
            here = self.name
            if self.page.locator("#screen .answers .yes").count():
                tone = "no" if here.rpartition("-")[2] in no else "yes"
                self.page.locator(f"#screen .answers .{tone}").first.tap()
            else:
                self.type("one, over a hand's breadth")
            self.page.wait_for_function("name => document.querySelector('#screen .page').dataset.page !== name", arg=here)
            self.page.wait_for_function("() => !pestcheck.busy")

    def send(self, *files: Path) -> None:
        """Send photographs to where the tablet is."""
        self.page.locator("#outbox-gallery").set_input_files(list(files))

    def shot(self, name: str) -> None:
        """A picture of the page, to be looked at."""
        ARTEFACTS.mkdir(exist_ok=True)
        self.page.screenshot(path=ARTEFACTS / f"{name}-{self.size[0]}.png")

    def small(self) -> list[str]:
        """What can be touched and is smaller than 48 pixels either way."""
        found: list[str] = self.page.evaluate(
            """() => [...document.querySelectorAll('#screen :is(button, a, input, textarea, summary), #told button')]
            .filter((one) => one.checkVisibility() && !one.closest('svg') && !one.classList.contains('box') && one.type !== 'hidden')
            .filter((one) => { const box = one.getBoundingClientRect(); return box.width < 47.5 || box.height < 47.5; })
            .map((one) => one.outerHTML.slice(0, 120))"""
        )
        return found

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What stands in the database."""
        with sqlite3.connect(self.server.data / "pestcheck.sqlite3") as connection:
            return connection.execute(query).fetchall()
