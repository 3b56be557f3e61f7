"""Draws the app's icons from ``app/static/icon.svg`` again: ``python -m tests.icons``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tests.conftest import CHROMIUM, ROOT

STATIC = ROOT / "app" / "static"
SIZES = (180, 192, 512)
"""Pixels: of an iPad's home screen, and of an Android's home and start screens."""


def draw(browser: Any, size: int) -> bytes:
    """The icon as a PNG of this size."""
    page = browser.new_page(viewport={"width": size, "height": size})
    page.set_content(f"<style>body {{ margin: 0 }} svg {{ display: block }}</style>{(STATIC / 'icon.svg').read_text('utf-8')}")
    picture: bytes = page.screenshot()
    page.close()
    return picture


def main() -> None:
    """Write all sizes."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=CHROMIUM)
        for size in SIZES:
            Path(STATIC / f"icon-{size}.png").write_bytes(draw(browser, size))
        browser.close()


if __name__ == "__main__":
    main()
