"""``python -m tests.bench_page``: how soon the inspector's page can be used, and how soon a tap is answered, in a real Chromium."""

from __future__ import annotations

import os
import platform
import statistics
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from pestcheck.inspection.checklist import templates
from tests.app.tablet import Tablet
from tests.bench_tablets import late
from tests.conftest import CHROMIUM, Server, running

OPENINGS = 10
WATCH = """() => {
    window.answered = [];
    let tapped = 0, page = document.querySelector('#screen .page').dataset.page;
    addEventListener('click', () => { tapped = performance.now(); }, true);
    new MutationObserver(() => {
        const now = document.querySelector('#screen .page')?.dataset.page;
        if (!now || now === page) return;
        page = now;
        if (tapped) requestAnimationFrame(((begun) => () => answered.push(performance.now() - begun))(tapped));
        tapped = 0;
    }).observe(document.querySelector('#screen').parentElement, { childList: true, subtree: true, attributes: true });
}"""
"""Milliseconds from each tap to the frame that shows another page."""


def opened(browser: Any, server: Server) -> float:
    """Seconds from an empty browser to the page that can be touched."""
    started = time.perf_counter()
    tablet = Tablet(browser, server)
    taken = time.perf_counter() - started
    tablet.context.close()
    return taken


def taps(browser: Any, server: Server) -> list[float]:
    """Milliseconds that each tap took: six points, with all their questions, without a photograph."""
    tablet = Tablet(browser, server)
    tablet.begin()
    tablet.page.evaluate(WATCH)
    tablet.link("1. Front wall", "point-front_wall")
    for _, following in pairwise(templates()["container_7_point"].points):
        tablet.link("Questions", "question-")
        tablet.answer_questions()
        tablet.tap("No contamination seen", f"point-{following.area}")
    found: list[float] = tablet.page.evaluate("answered")
    tablet.context.close()
    return found


def main() -> None:
    """Print one line a number, with the limit that it must keep."""
    from playwright.sync_api import sync_playwright

    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}; browser and server on the same machine")
    with tempfile.TemporaryDirectory() as folder, running(Server(Path(folder) / "data")) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=CHROMIUM)
        ready = [opened(browser, server) for _ in range(OPENINGS)]
        print(f"page usable, median                                   {statistics.median(ready):7.2f} s")
        print(f"page usable, slowest of {OPENINGS}                             {max(ready):7.2f} s   (limit 2)", flush=True)
        answered = taps(browser, server)
        print(f"taps                                                  {len(answered):7d}")
        print(f"a tap is answered, median                             {statistics.median(answered):7.0f} ms")
        print(f"a tap is answered, 95th percentile                    {late(answered):7.0f} ms  (limit 100)")
        browser.close()


if __name__ == "__main__":
    main()
