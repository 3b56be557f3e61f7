"""The camera in the page: a real browser with Chromium's own moving picture as its camera."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.app.tablet import LYING, STANDING, Tablet
from tests.conftest import CHROMIUM, Server


@pytest.fixture
def film(browser: Any) -> Iterator[Any]:
    """A browser with a camera that anybody may use."""
    flags = [*CHROMIUM, "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    other = browser.browser_type.launch(executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=flags)
    yield other
    other.close()


@pytest.mark.parametrize("size", [LYING, STANDING])
def test_photographs_from_the_camera_in_the_page(film: Any, server: Server, size: tuple[int, int]) -> None:
    one = Tablet(film, server, size)
    one.begin()
    one.link("4. Floor", "point-floor")
    one.tap("Camera in this page")
    camera = one.page.locator("#camera")
    one.page.wait_for_function("() => document.querySelector('#camera video')?.videoWidth > 0")
    assert one.page.evaluate("() => getComputedStyle(document.querySelector('#camera video')).transform") == "none"  # not mirrored
    for n in (1, 2):
        camera.get_by_role("button", name="Take photograph").tap()
        camera.locator(".count", has_text=str(n)).wait_for()
    one.shot("camera")
    camera.get_by_role("button", name="Close").tap()
    one.page.locator("#screen .strip .thumb").nth(1).wait_for()
    rows = one.rows("select area, name, view.sha256, width, height from view join photograph using (sha256)")
    assert [row[0] for row in rows] == ["floor", "floor"]
    assert all(name.startswith("camera-") and width >= 1920 for _, name, _, width, _ in rows)
    assert one.page.evaluate("() => document.querySelector('#camera')") is None
    assert one.errors == []


def test_without_a_camera_it_says_so(browser: Any, server: Server) -> None:
    one = Tablet(browser, server)
    one.begin()
    one.link("4. Floor", "point-floor")
    one.tap("Camera in this page")
    one.page.locator("#camera [role=alert]").get_by_text("The camera cannot be opened").wait_for()
    one.page.keyboard.press("Escape")
    one.page.locator("#camera").wait_for(state="detached")
    one.reads("Take photograph")
    one.context.close()
