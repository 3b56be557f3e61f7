"""The trainer's desk in a real Chromium: keyboard and touch, blind, taking back, two trainers, no network."""

from __future__ import annotations

import json
import re
import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import TimeoutError
from sqlmodel import col, select

from pestcheck.ids import uuid7
from pestcheck.records import Records
from pestcheck.store import open_folder
from pestcheck.store.review_tables import Review
from pestcheck.vision.scan import Report, Scanner
from tests.app.tablet import ARTEFACTS, LYING, SLOW, STANDING
from tests.conftest import Server, running
from tests.pictures import scenes

NUMBER = 26
ADDED = 200
"""Milliseconds that the page may add between two photographs, with the server a network away."""


@pytest.fixture(scope="module")
def report(scanner: Scanner) -> Report:
    """What the model says of a floor with a hornet; here of all photographs."""
    picture = scenes.floor(800, 600)
    scenes.lay(picture, "hornet", length=140)
    return scanner.scan(scenes.jpeg(picture))[0]


@pytest.fixture(scope="module")
def photographed(tmp_path_factory: pytest.TempPathFactory, report: Report) -> Path:
    """A data folder with photographs, each with what the model found; of the newest the inspector said that it is a wasp. To be copied."""
    data = tmp_path_factory.mktemp("photographed") / "data"
    database, photo_store = open_folder(data, f"sqlite:///{data / 'pestcheck.sqlite3'}")
    records = Records(database, photo_store)
    for site, numbers in (("Yard 1", range(NUMBER - 4)), ("Yard 2", range(NUMBER - 4, NUMBER))):
        key = uuid7()
        records.open(key, number="CSQU3054383", inspector="Ana Pérez", template="container_7_point@1", site=site)
        for number in numbers:
            picture = scenes.floor(800, 600, seed=number)
            scenes.lay(picture, "hornet", length=140)
            records.photograph(key, "floor", scenes.jpeg(picture), name=f"{number}.jpg", actor="Ana Pérez")
    while records.score_next(lambda _: report):
        pass
    finding = records.inspections()[0][0].id
    last = records.inspection(finding).photographs[-1].findings[0]
    records.decide(last.id, "corrected", label="wasp", actor="Ana Pérez")
    database.close()
    return data


@pytest.fixture
def filled(tmp_path: Path, photographed: Path) -> Iterator[Server]:
    """A server with the photographs."""
    with running(Server(Path(shutil.copytree(photographed, tmp_path / "data")))) as server:
        yield server


class Desk:
    """A trainer at a tablet."""

    def __init__(self, browser: Any, server: Server, size: tuple[int, int], name: str, **context: Any) -> None:
        headers = {"Pestcheck-Name": name}
        self.context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, has_touch=True, extra_http_headers=headers, **context
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(SLOW)
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.server, self.size = server, size
        self.page.goto(f"{server.url}/review")
        self.ready()

    def ready(self) -> None:
        """Wait for a photograph."""
        self.page.wait_for_function(
            "() => { const i = document.querySelector('.frame img'); return i.src && i.complete && i.naturalWidth && !desk.hidden; }"
        )

    def saved(self) -> None:
        """Wait until the server has everything."""
        self.page.wait_for_function("() => JSON.parse(localStorage.getItem('pestcheck-review') || '[]').length === 0")

    def told(self, text: str) -> None:
        """Wait until the page says so."""
        try:
            self.page.locator("#told").get_by_text(text).wait_for()
        except TimeoutError as error:
            state = self.page.evaluate("() => [told.textContent, outbox.textContent, localStorage.getItem('pestcheck-review')]")
            self.shot("not-told")
            raise AssertionError(f"it says, has sent, and has still to send: {state}") from error

    @property
    def picture(self) -> str:
        """The hash of the photograph that is shown."""
        found = re.search("[0-9a-f]{64}", self.page.locator(".frame img").get_attribute("src") or "")
        assert found
        return found[0]

    def press(self, key: str) -> None:
        """A key, and what it leads to, once it is there."""
        before = self.picture
        self.page.keyboard.press(key)
        self.page.wait_for_function(
            "before => document.getElementById('desk').hidden || !document.querySelector('.frame img').src.includes(before)", arg=before
        )

    def marks(self) -> list[str]:
        """What the list of places says."""
        return [" ".join(text.split()) for text in self.page.locator("#marks [data-pick]").all_inner_texts()]

    def marked(self, *places: str) -> None:
        """Wait until these are the places in the list."""
        self.page.wait_for_function(
            "places => [...document.querySelectorAll('#marks [data-pick]')].map((one) => one.innerText.replace(/\\s+/g, ' ')).join() === places",
            arg=",".join(places),
        )

    def shot(self, name: str) -> None:
        ARTEFACTS.mkdir(exist_ok=True)
        self.page.screenshot(path=ARTEFACTS / f"{name}-{self.size[0]}.png")


@pytest.fixture
def desk(browser: Any, filled: Server) -> Iterator[Callable[..., Desk]]:
    taken: list[Desk] = []

    def take(size: tuple[int, int] = LYING, name: str = "Teo", **context: Any) -> Desk:
        taken.append(Desk(browser, filled, size, name, **context))
        return taken[-1]

    yield take
    for one in taken:
        one.context.close()
    assert [error for one in taken for error in one.errors] == []


def opinions(server: Server) -> list[Review]:
    """All on record, the first one first."""
    database, _ = open_folder(server.data, f"sqlite:///{server.data / 'pestcheck.sqlite3'}")
    with database.reading() as session:
        found = list(session.exec(select(Review).order_by(col(Review.reviewed_at), col(Review.id))))
    database.close()
    return found


def test_twenty_photographs_with_the_keyboard(desk: Callable[..., Desk], filled: Server, capsys: pytest.CaptureFixture[str]) -> None:
    one = desk()
    assert "corrected the model" in one.page.locator("#why").inner_text()
    assert one.marks() == ["1 Wasp"]
    one.shot("review")
    slow = one.context.new_cdp_session(one.page)
    slow.send("Network.enable")
    slow.send(
        "Network.emulateNetworkConditions", {"offline": False, "latency": 300, "downloadThroughput": 500_000, "uploadThroughput": 250_000}
    )
    time.sleep(8)  # the first ones are looked at while the next come, as a person would
    seen, started = {one.picture}, time.monotonic()
    for number in range(20):
        match number % 4:
            case 0:
                one.press("Enter")
            case 1:
                one.press("n")
            case 2:
                one.page.keyboard.press("2")  # another name for the place
                one.press("Enter")
            case 3:
                one.press("u" if number % 8 == 3 else "e")
        assert one.picture not in seen
        seen.add(one.picture)
        one.page.wait_for_timeout(1500)  # 40 a minute: twice as fast as asked
    took = time.monotonic() - started
    gaps = one.page.evaluate("pestcheck.review.gaps")
    one.saved()
    said = opinions(filled)
    assert len(said) == len({review.view_id for review in said}) == 20
    assert {review.reviewer for review in said} == {"Teo"}
    assert [review.outcome for review in said][:4] == ["contamination", "no_contaminant", "contamination", "unusable"]
    assert said[0].marks[0]["label"] == "wasp"
    assert "corrected" in said[0].why
    assert all(review.marks[0]["finding_id"] for review in said if review.outcome == "contamination")
    assert one.page.locator("#count").inner_text() == "20 done"
    with capsys.disabled():
        print(f"\n20 photographs in {took:.0f} s; the page adds {statistics.median(gaps):.0f} ms in the median, {max(gaps):.0f} ms at most")
    assert len(gaps) == 20
    assert statistics.median(gaps) < ADDED


def test_places_are_drawn_named_and_adjusted_by_touch(desk: Callable[..., Desk], filled: Server) -> None:
    one = desk(STANDING)
    page = one.page
    box = page.locator(".frame").bounding_box()
    width, height = page.evaluate(
        "[Number(document.querySelector('[data-photo]').dataset.width), Number(document.querySelector('[data-photo]').dataset.height)]"
    )
    drag(
        one,
        (box["x"] + 0.6 * box["width"], box["y"] + 0.1 * box["height"]),
        (box["x"] + 0.9 * box["width"], box["y"] + 0.3 * box["height"]),
    )
    one.marked("1 Wasp", "2 Wasp")
    page.locator("#find").fill("soil")
    page.locator("#names button").first.tap()
    one.marked("1 Wasp", "2 Soil")
    box = page.locator(".frame").bounding_box()  # the page may have been scrolled to the name
    grip = page.locator(".box.current .grip.se").bounding_box()
    drag(one, (grip["x"] + 22, grip["y"] + 22), (box["x"] + 0.8 * box["width"], box["y"] + 0.25 * box["height"]))
    page.touchscreen.tap(box["x"] + 0.1 * box["width"], box["y"] + 0.9 * box["height"])  # a tap marks what is small
    one.marked("1 Wasp", "2 Soil", "3 Soil")
    one.shot("review-places")
    page.locator("#marks [data-remove='0']").tap()
    one.marked("1 Soil", "2 Soil")
    page.locator("#comment").fill("two kinds of soil")
    page.locator("#save").tap()
    page.locator("#count").get_by_text("1 done").wait_for()
    one.saved()
    (said,) = opinions(filled)
    assert (said.outcome, said.comment, [mark["label"] for mark in said.marks]) == ("contamination", "two kinds of soil", ["soil", "soil"])
    x0, y0, x1, y1 = said.marks[0]["box"]
    assert (x0, y0, x1, y1) == pytest.approx((0.6 * width, 0.1 * height, 0.8 * width, 0.25 * height), abs=6)
    assert said.marks[0]["finding_id"] is None


def drag(one: Desk, start: tuple[float, float], end: tuple[float, float]) -> None:
    """One finger from here to there."""
    session = one.context.new_cdp_session(one.page)
    points = [(start[0] + (end[0] - start[0]) * k / 5, start[1] + (end[1] - start[1]) * k / 5) for k in range(6)]
    for kind, (x, y) in zip(["touchStart", *["touchMove"] * 5], points, strict=True):
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    session.detach()


def test_two_fingers_zoom_and_draw_nothing(desk: Callable[..., Desk]) -> None:
    one = desk()
    box = one.page.locator(".frame").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    session = one.context.new_cdp_session(one.page)
    for kind, apart in (("touchStart", 40), ("touchMove", 80), ("touchMove", 160)):
        touch = [{"x": x - apart, "y": y, "id": 0}, {"x": x + apart, "y": y, "id": 1}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touch})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert len(one.marks()) == 1
    one.page.locator("[data-photo].zoomed").wait_for()
    one.page.wait_for_function("() => document.querySelector('.frame img').src.endsWith('/full.jpg')")  # all pixels, for who looks closely


def test_what_was_said_is_taken_back(desk: Callable[..., Desk], filled: Server) -> None:
    one = desk()
    first = one.picture
    one.page.locator("#comment").fill("looks odd")
    one.page.keyboard.press("Enter")  # leaves the field
    one.press("Enter")
    one.press("u")
    one.press("z")
    one.press("z")
    assert one.picture == first
    assert one.marks() == ["1 Wasp"]
    assert one.page.locator("#comment").input_value() == "looks odd"
    one.page.keyboard.press("z")
    one.told("Nothing to take back")
    one.saved()
    assert all(review.withdrawn_at for review in opinions(filled))
    one.press("n")
    one.saved()
    assert [review.outcome for review in opinions(filled) if not review.withdrawn_at] == ["no_contaminant"]


def test_blind_shows_nothing_of_what_others_said(desk: Callable[..., Desk], filled: Server) -> None:
    one = desk()
    shown = one.picture
    answers: list[str] = []

    def heard(answer: Any) -> None:
        if answer.url.endswith("/review/work") and '"blind":true' in (answer.request.post_data or ""):
            answers.append(answer.text())

    one.page.on("response", heard)
    one.page.locator("#blind").tap()
    one.page.wait_for_function("() => document.getElementById('why').textContent.includes('Blind')")
    one.ready()
    assert one.picture != shown
    assert one.marks() == []
    one.shot("review-blind")
    body = one.page.locator("#desk").inner_text() + "".join(answers)
    assert "photographs" in body
    assert not re.search(r"[Ww]asp|[Hh]ornet|suspect|Ana P|corrected|pest-lite", "".join(answers))
    assert json.loads(answers[-1])["photographs"][0]["findings"] == []
    assert one.page.locator("[name=label]").is_disabled()
    one.press("n")
    one.page.locator("#blind").tap()
    one.page.wait_for_function("() => !document.getElementById('why').textContent.includes('Blind')")
    one.ready()
    one.press("n")
    one.saved()
    assert [review.blind for review in opinions(filled)] == [True, False]


@pytest.mark.parametrize("reloaded", [False, True])
def test_what_was_said_blind_stays_blind_although_it_is_slow_to_arrive(desk: Callable[..., Desk], filled: Server, reloaded: bool) -> None:
    """The photograph is not handed out again with what others said before the server knows the answer."""
    one = desk()
    one.page.locator("#blind").tap()
    one.page.wait_for_function("() => document.getElementById('why').textContent.includes('Blind')")
    one.ready()
    held: list[Any] = []
    one.page.route("**/opinions/**", lambda route: held.append(route))
    one.press("n")
    if reloaded:
        one.page.reload()
    else:
        one.page.locator("#blind").tap()
    one.page.wait_for_function("() => { const why = document.getElementById('why').textContent; return why && !why.includes('Blind'); }")
    one.ready()
    held[-1].continue_()
    one.saved()
    assert [review.blind for review in opinions(filled)] == [True]


def test_two_trainers_do_not_get_the_same(desk: Callable[..., Desk], filled: Server) -> None:
    teo, tim = desk(name="Teo"), desk(STANDING, name="Tim")
    for _ in range(4):
        assert teo.picture != tim.picture
        teo.press("n")
        tim.press("n")
    teo.saved()
    tim.saved()
    assert len({review.view_id for review in opinions(filled)}) == 8


def test_without_network_nothing_is_lost(desk: Callable[..., Desk], filled: Server) -> None:
    one = desk()
    one.page.wait_for_timeout(2000)
    one.context.set_offline(True)
    for _ in range(4):
        one.press("Enter")
    one.page.locator("#outbox").get_by_text("4 not sent yet").wait_for()
    assert opinions(filled) == []
    one.context.set_offline(False)
    one.page.evaluate("window.dispatchEvent(new Event('online'))")
    one.saved()
    assert len(opinions(filled)) == 4


def test_what_is_refused_comes_back(desk: Callable[..., Desk], filled: Server) -> None:
    one = desk()
    first = one.picture
    one.page.route(
        "**/opinions/*",
        lambda route: route.fulfill(status=422, content_type="application/json", body='{"detail": "No such label."}'),
        times=1,
    )
    one.page.keyboard.press("Enter")
    one.told("Not saved: No such label.")
    assert one.picture == first
    assert one.marks() == ["1 Wasp"]
    one.press("Enter")
    one.saved()
    assert len(opinions(filled)) == 1


def test_an_expert_sees_what_others_said_and_settles_it(desk: Callable[..., Desk], filled: Server) -> None:
    teo = desk()
    asked = teo.picture
    teo.page.locator("#comment").fill("Which wasp is this?")
    teo.page.keyboard.press("Escape")
    teo.press("e")
    teo.saved()
    eva = desk(name="Eva")
    eva.page.locator("#filter summary").tap()
    eva.page.locator("[name=status]").select_option("expert_needed")
    eva.page.wait_for_function("hash => document.querySelector('.frame img').src.includes(hash)", arg=asked)
    assert "Which wasp is this?" in eva.page.locator("#others").inner_text()
    eva.shot("review-expert")
    eva.page.keyboard.press("a")
    eva.page.keyboard.press("l")
    eva.page.keyboard.type("hornet")
    eva.page.keyboard.press("Enter")
    eva.page.keyboard.press("Enter")
    eva.page.locator("#none").wait_for()
    eva.saved()
    last = opinions(filled)[-1]
    assert (last.reviewer, last.expert) == ("Eva", True)
    assert "hornet" in {mark["label"] for mark in last.marks}


@pytest.mark.parametrize("theme", ["light", "dark", "contrast"])
def test_axe_finds_nothing_serious(desk: Callable[..., Desk], theme: str) -> None:
    one = desk(STANDING if theme == "dark" else LYING, locale="es-MX" if theme == "dark" else "en-US")
    one.page.evaluate("theme => localStorage.setItem('pestcheck-theme', theme)", theme)
    for path in ("/review", "/review/agreement"):
        one.page.goto(one.server.url + path)
        if path == "/review":
            one.ready()
            one.page.locator("#filter summary").tap()
            one.page.locator("aside details summary").tap()
        one.shot(f"{theme}{path.replace('/', '-')}")
        results = Axe().run(one.page).response["violations"]
        assert [
            (rule["id"], node["html"][:160]) for rule in results if rule["impact"] in ("serious", "critical") for node in rule["nodes"]
        ] == []
        small = one.page.evaluate(
            """() => [...document.querySelectorAll('main :is(button, a, input, select, summary)')].filter((one) => one.checkVisibility())
            .filter((one) => { const box = one.getBoundingClientRect(); return box.width < 47.5 || box.height < 47.5; }).map((one) => one.outerHTML.slice(0, 120))"""
        )
        assert small == []
        assert one.page.evaluate("document.documentElement.scrollWidth") <= one.size[0]
