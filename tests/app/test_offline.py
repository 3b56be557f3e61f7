"""The network is really cut, and the server really killed: nothing that was photographed or answered is lost, and nothing arrives twice."""

from __future__ import annotations

import hashlib
import json
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.app.tablet import SLOW, Tablet
from tests.conftest import Server
from tests.pictures import scenes

Take = Callable[..., Tablet]
FLOOR, SECOND = "floor", "undercarriage"


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Three photographs."""
    paths = [tmp_path / f"IMG {number} (é).jpg" for number in range(3)]
    for number, path in enumerate(paths):
        path.write_bytes(scenes.jpeg(scenes.wall(800, 600, seed=number)))
    return paths


def until(tablet: Tablet, true: str) -> None:
    """Wait until an asynchronous function of the page says so: ``wait_for_function`` takes its promise for a yes."""
    deadline = time.monotonic() + SLOW / 1000
    while not tablet.page.evaluate(true):
        assert time.monotonic() < deadline, true
        tablet.page.wait_for_timeout(100)


def at_point(take: Take, *, room: int | None = None) -> tuple[Tablet, str, str]:
    """A tablet at the first point of a new inspection, ready to go on without a network; the inspection and the point.

    Args:
        room: how many bytes its browser may keep; None: as many as there is room for.
    """
    tablet = take()
    if room is not None:
        quota = {"origin": tablet.server.url, "quotaSize": room}
        tablet.context.new_cdp_session(tablet.page).send("Storage.overrideQuotaForOrigin", quota)
    tablet.begin()
    tablet.page.locator("#screen a.card.point").first.tap()
    tablet.at("point")
    tablet.page.evaluate("navigator.serviceWorker.ready")
    until(tablet, "async () => (await pestcheck.outbox.inspection(pestcheck.at.inspection)) !== undefined")
    place = tablet.page.evaluate("pestcheck.at")
    return tablet, place["inspection"], place["area"]


def waiting(tablet: Tablet, count: int) -> None:
    """Wait until so many things are kept in the browser."""
    until(tablet, f"async () => (await pestcheck.outbox.items()).length === {count}")


def kept(tablet: Tablet) -> list[Any]:
    found: list[Any] = tablet.page.evaluate("pestcheck.outbox.items()")
    return found


def stored(tablet: Tablet) -> list[str]:
    """The SHA-256 of the photographs that the server put on record, one a line of the log."""
    rows = tablet.rows("SELECT body FROM event WHERE kind = 'photograph_added' ORDER BY seq")
    return [json.loads(body)["payload"]["view"]["sha256"] for (body,) in rows]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def put(server: Server, path: str, body: dict[str, Any]) -> None:
    """Somebody else, with another tablet."""
    headers = {"Content-Type": "application/json", "Pestcheck-Name": "Bo"}
    request = urllib.request.Request(f"{server.url}/api/v1{path}", json.dumps(body).encode(), headers, method="PUT")
    urllib.request.urlopen(request, timeout=60).read()


def test_photographs_taken_without_a_network_arrive_once(tablet: Take, pictures: list[Path]) -> None:
    one, _, _ = at_point(tablet)
    one.context.set_offline(True)
    began = time.monotonic()
    one.page.get_by_text("No connection. Photographs are kept").wait_for()
    assert time.monotonic() - began < 5
    one.send(*pictures)
    waiting(one, 3)
    cards = one.page.locator("#screen .sending .kept")
    cards.nth(2).wait_for()
    cards.first.get_by_text("Waiting for the network").wait_for()
    assert cards.first.locator("img").evaluate("image => image.complete && image.naturalWidth") > 0
    one.shot("offline-point")
    assert stored(one) == []
    one.context.set_offline(False)
    waiting(one, 0)
    one.page.locator("#connection").wait_for(state="hidden")
    one.page.locator("#screen .photo img").wait_for()
    assert stored(one) == [sha256(path) for path in pictures]
    one.send(pictures[0])  # the same again
    waiting(one, 0)
    assert len(stored(one)) == 3
    assert one.errors == []


def test_a_server_killed_in_the_middle_of_an_upload_gets_it_once(tablet: Take, server: Server, tmp_path: Path) -> None:
    one, _, _ = at_point(tablet)
    large = tmp_path / "large.jpg"
    large.write_bytes(scenes.jpeg(scenes.wall(3000, 2250, seed=5), quality=98))
    slow = one.context.new_cdp_session(one.page)
    slow.send("Network.enable")
    conditions = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 150_000}
    slow.send("Network.emulateNetworkConditions", conditions)
    one.send(large)
    one.page.wait_for_function(
        "() => { const bar = document.querySelector('.sending progress'); return bar && bar.value > 0.05 && bar.value < 0.95; }"
    )
    server.kill()
    one.page.get_by_text("No connection. Photographs are kept").wait_for()
    assert [(item["kind"], item["state"]) for item in kept(one)] == [("photograph", "waiting")]
    slow.send("Network.emulateNetworkConditions", conditions | {"uploadThroughput": -1})
    server.start()
    waiting(one, 0)
    assert stored(one) == [sha256(large)]


def test_a_reload_without_a_network_goes_on_and_all_is_sent_in_order(tablet: Take, server: Server, pictures: list[Path]) -> None:
    one, key, _ = at_point(tablet)
    server.kill()
    one.send(pictures[0])
    waiting(one, 1)
    one.page.reload()
    panel = one.page.locator("#panel")
    panel.get_by_role("heading", name="CSQU3054383").wait_for()
    one.shot("offline-points")
    panel.locator("button.card").first.tap()
    panel.locator(".kept img").wait_for()
    one.send(pictures[1])
    waiting(one, 2)
    panel.get_by_role("button", name="Not inspected", exact=True).tap()
    panel.get_by_role("button", name="Keep answer").tap()
    panel.get_by_text("Say in the note why").wait_for()
    panel.locator("textarea").fill("locked <b>&</b> =1+1")
    panel.get_by_role("button", name="Keep answer").tap()
    waiting(one, 3)
    one.page.wait_for_function("(title) => document.querySelector('#panel h1').textContent !== title", arg=kept(one)[0]["title"])
    one.page.reload()  # also the page without a network may be closed and opened again
    panel.get_by_role("heading", name="CSQU3054383").wait_for()
    assert [item["kind"] for item in kept(one)] == ["photograph", "photograph", "answer"]
    panel.locator("button.card").first.tap()
    panel.get_by_text("locked <b>&</b> =1+1").first.wait_for()
    panel.get_by_role("button", name="Inspected", exact=True).tap()
    panel.get_by_role("button", name="No contamination seen").tap()
    one.shot("offline-answer")
    panel.get_by_role("button", name="Keep answer").tap()  # said anew before it was sent: one answer
    waiting(one, 3)
    server.start()
    waiting(one, 0)
    assert stored(one) == [sha256(path) for path in pictures[:2]]
    assert one.rows("SELECT state, result, note, answered_by, version FROM answer") == [
        ("inspected", "no_contamination", "locked <b>&</b> =1+1", "Ana Pérez", 1)
    ]
    one.page.get_by_role("button", name="The connection is back").tap()
    one.at("point")
    assert one.page.evaluate("pestcheck.at.inspection") == key
    assert one.errors == []


def test_who_was_faster_is_shown_and_not_overwritten(tablet: Take, server: Server) -> None:
    one, key, area = at_point(tablet)
    one.context.set_offline(True)
    one.page.get_by_role("button", name="Go on without network").tap()
    panel = one.page.locator("#panel")
    panel.get_by_role("button", name="Contamination seen", exact=True).tap()
    panel.get_by_role("button", name="Keep answer").tap()
    waiting(one, 1)
    put(server, f"/inspections/{key}/points/{area}/answer", {"state": "not_inspected", "note": "locked", "seen": 0})
    one.context.set_offline(False)
    one.page.get_by_text("1 not taken").wait_for()
    one.page.locator("#connection").get_by_role("button", name="Look").tap()
    panel.get_by_text("was changed by Bo at").wait_for()
    one.shot("offline-conflict")
    assert one.rows("SELECT state, answered_by FROM answer") == [("not_inspected", "Bo")]
    panel.get_by_role("button", name="Send mine all the same").tap()
    waiting(one, 0)
    assert one.rows("SELECT state, result, answered_by, version FROM answer") == [("inspected", "contamination", "Ana Pérez", 2)]


def test_what_the_server_refuses_stays_with_its_reason(tablet: Take, server: Server, pictures: list[Path], tmp_path: Path) -> None:
    one, _, _ = at_point(tablet)
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(pictures[0].read_bytes()[:9000])
    one.send(broken, pictures[1])
    waiting(one, 1)
    card = one.page.locator("#screen .sending .kept")
    card.get_by_text("the picture is damaged or cut short").wait_for()
    with one.page.expect_download() as download:
        card.get_by_role("button", name="Save to a file").tap()
    assert Path(download.value.path()).read_bytes() == broken.read_bytes()
    card.get_by_role("button", name="Discard").tap()
    card.get_by_role("button", name="Tap again to discard").tap()
    waiting(one, 0)
    assert stored(one) == [sha256(pictures[1])]


def test_a_tablet_without_room_says_so_and_sends_it_all_the_same(tablet: Take, server: Server, pictures: list[Path]) -> None:
    one, _, _ = at_point(tablet, room=1)
    one.context.set_offline(True)
    one.send(pictures[0])
    one.page.locator("#screen .sending").get_by_text("This tablet has no room").wait_for()
    with one.page.expect_download() as download:
        one.page.locator("#screen .sending").get_by_role("button", name="Save to a file").tap()
    assert sha256(Path(download.value.path())) == sha256(pictures[0])
    one.context.set_offline(False)
    waiting(one, 0)
    assert stored(one) == [sha256(pictures[0])]


def test_the_worker_passes_on_nothing_but_get(server: Server) -> None:
    with urllib.request.urlopen(f"{server.url}/worker.js") as answer:
        text = answer.read().decode()
        assert "javascript" in answer.headers["content-type"]
    assert "if (request.method !== 'GET'" in text


def test_both_languages_have_every_text(browser: Any, server: Server) -> None:
    context = browser.new_context(locale="es-MX")
    page = context.new_page()
    page.goto(f"{server.url}/app/offline.html")
    page.get_by_text("No hay ninguna inspección guardada").wait_for()
    context.close()
