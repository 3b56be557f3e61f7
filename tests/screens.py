"""``python -m tests.screens [NAME...]``: make the pictures of docs/ again, from the real app with drawn photographs. NAME: beginnings of their names."""

from __future__ import annotations

import io
import random
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from pestcheck.accounts import Accounts
from pestcheck.ids import uuid7
from pestcheck.records import Records
from pestcheck.settings import Settings
from pestcheck.store import events, open_folder
from pestcheck.vision.scan import Scanner
from tests.app.tablet import LYING, Tablet
from tests.conftest import CHROMIUM, ROOT, Server, running
from tests.pictures import scenes

PICTURES = ROOT / "docs" / "pictures"
COLOURS, WIDTH = (96, 64, 48), 944
MOST_BYTES = 150_000
WORDS = "seven hornets on a pallet"
PEOPLE = (
    ("Ana Pérez", "admin", None),
    ("Ines Ruiz", "inspector", ["Yard 1", "Yard 2"]),
    ("Tomás Vega", "trainer", None),
    ("Eva Sol", "auditor", None),
)


def keep(page: Any, name: str) -> None:
    """The page as it is on the screen, smaller and with a palette."""
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.thumbnail((WIDTH, WIDTH), Image.Resampling.LANCZOS)
    for colours in COLOURS:
        out = io.BytesIO()
        picture.quantize(colours, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
        if out.tell() < MOST_BYTES:
            break
    else:
        raise SystemExit(f"{name}: {out.tell()} bytes; the limit is {MOST_BYTES}")
    PICTURES.mkdir(exist_ok=True)
    (PICTURES / f"{name}.png").write_bytes(out.getvalue())
    print(f"{name}.png {out.tell() // 1000} kB", flush=True)


def photograph(folder: Path, name: str, image: Image.Image) -> Path:
    """A drawn photograph as a file."""
    path = folder / f"{name}.jpg"
    path.write_bytes(scenes.jpeg(image))
    return path


def inspector(browser: Any, folder: Path) -> None:
    """One inspection, up to what is missing before it can be closed."""
    floor = scenes.floor()
    scenes.lay(floor, "grasshopper", x=0.38, y=0.52, length=240, turn=20)
    with running(Server(folder / "inspector")) as server:
        one = Tablet(browser, server, LYING)
        one.begin(number="CSQU 305438 3", name="Ines Ruiz")
        one.link("4. Floor", "point-floor")
        one.send(photograph(folder, "floor", floor))
        one.page.locator("#screen a.box").first.wait_for()
        one.page.wait_for_timeout(1000)
        keep(one.page, "inspector-photograph")
        one.page.locator("#screen a.box").first.tap()
        one.at("finding-")
        keep(one.page, "inspector-finding")
        one.link("Correct: it is something else", "correct")
        one.page.locator("#which").fill("grasshopper")
        one.tap("Grasshopper or cricket", "finding-condition")
        one.tap("Dead or dry", "finding-life_stage")
        one.tap("Adult", "finding-count")
        one.type("1", "finding-")
        one.page.locator("#told").get_by_role("button", name="Close").tap()
        one.page.locator("#screen summary", has_text="What to do, step by step").tap()
        one.page.mouse.move(5, 400)
        keep(one.page, "inspector-guidance")
        one.link("Floor", "point-floor")
        one.link("Points", "points")
        keep(one.page, "inspector-points")
        one.link("Summary", "summary")
        keep(one.page, "inspector-summary")
        one.context.close()


def signed_in(browser: Any, server: Server, name: str) -> Any:
    """A browser in which somebody has signed in."""
    width, height = LYING
    page = browser.new_context(viewport={"width": width, "height": height}, has_touch=True).new_page()
    page.set_default_timeout(60_000)
    page.goto(server.url)
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Password").fill(WORDS)
    page.get_by_role("button", name="Sign in").tap()
    page.locator("#screen .page").wait_for()
    return page


def with_accounts(folder: Path) -> Server:
    """A server with a person of each kind."""
    settings = Settings(data=folder)
    database, _ = open_folder(settings.data, settings.database_url)
    accounts = Accounts(database)
    for name, role, sites in PEOPLE:
        accounts.set_password(accounts.open(name, role, sites=sites, actor="Ana Pérez"), WORDS, actor="Ana Pérez")
    gate = accounts.open("Gate 1", "inspector", sites=["Yard 1"], actor="Ana Pérez")
    accounts.give_token(gate, label="camera", days=90, actor="Ana Pérez")
    database.close()
    return Server(folder)


def admin(browser: Any, folder: Path) -> None:
    """Accounts."""
    with running(with_accounts(folder / "admin")) as server:
        page = signed_in(browser, server, "Ana Pérez")
        page.goto(f"{server.url}/accounts")
        page.locator("summary", has_text="Ines Ruiz").tap()
        keep(page, "admin-accounts")
        page.context.close()


def inspected(folder: Path) -> None:
    """Two inspections of Ines Ruiz, looked at by the model: things on the floor that she decided on, and a clean wall."""
    settings = Settings(data=folder)
    database, photo_store = open_folder(settings.data, settings.database_url)
    records, scanner = Records(database, photo_store), Scanner()
    for number, things in (("CSQU3054383", ("hornet", "mantis")), ("MSKU6011672", ("fly",))):
        key = uuid7()
        records.open(key, number=number, inspector="Ines Ruiz", stage="empty_at_origin", selection="routine", site="Yard 1")
        floor = scenes.floor(seed=len(number) + len(things))
        for place, thing in enumerate(things):
            scenes.lay(floor, thing, x=0.35 + 0.35 * place, y=0.5, length=230)
        records.photograph(key, "floor", scenes.jpeg(floor), name="floor.jpg", actor="Ines Ruiz")
        records.photograph(key, "front_wall", scenes.jpeg(scenes.wall(seed=len(things))), name="wall.jpg", actor="Ines Ruiz")
        while records.score_next(lambda data: scanner.scan(data)[0]):
            pass
        for item in records.inspection(key).photographs:
            for finding in item.findings:
                records.decide(finding.id, "confirmed", actor="Ines Ruiz", condition="dead")
    database.close()


def trainer(browser: Any, folder: Path) -> None:
    """The photograph that the queue puts first, and a quiz."""
    server = with_accounts(folder / "trainer")
    inspected(folder / "trainer")
    with running(server):
        page = signed_in(browser, server, "Tomás Vega")
        page.goto(f"{server.url}/review")
        page.locator("#desk img").wait_for()
        page.wait_for_timeout(2000)
        keep(page, "trainer-review")
        page.goto(f"{server.url}/training/desk/new")
        page.get_by_label("Title").fill("What sits on a container")
        keep(page, "trainer-quiz")
        page.context.close()


def months(folder: Path) -> None:
    """Ten weeks of closed inspections at two yards, some of them with something that a person saw."""
    settings = Settings(data=folder)
    database, photo_store = open_folder(settings.data, settings.database_url)
    records, chance, real = Records(database, photo_store), random.Random(7), events.now
    picture = scenes.jpeg(scenes.wall(640, 480))
    report, _ = Scanner().scan(picture)
    try:
        for number in range(90):
            at = datetime.now(UTC) - timedelta(days=70 * (1 - number / 90))
            events.now = lambda at=at: events.written(at)
            key, selection = uuid7(), chance.choice(["random", "random", "targeted", "routine"])
            records.open(
                key, number=f"CSQU305{number:04}", inspector=chance.choice(["Ines Ruiz", "Bo Lind"]), template="container_7_point@1",
                stage="empty_at_origin", selection=selection, site=chance.choice(["Yard 1", "Yard 2"]), override_reason="as painted",
                origin=chance.choice(["Manzanillo", "Callao"]), destination="Long Beach",
            )  # fmt: skip
            found = chance.random() < (0.4 if selection == "targeted" else 0.12)
            point = chance.choice(["floor", "front_wall", "doors", "outside_undercarriage"]) if found else ""
            if found:
                view = records.photograph(key, point, picture, name="a.jpg", actor="Ines Ruiz")
                records.score_next(lambda data: report)
                records.missed(view, chance.choice(["spider", "ant", "soil", "seed"]), actor="Ines Ruiz", condition="dead")
            for one in records.inspection(key).template.points:
                result = "contamination" if one.area == point else "no_contamination"
                records.answer(key, one.area, state="inspected", result=result, note="", actor="Ines Ruiz")
            records.close(key, actor="Ines Ruiz", disposition="hold" if found else None)
    finally:
        events.now = real
        database.close()


def auditor(browser: Any, folder: Path) -> None:
    """What the record shows, criterion by criterion, and how much is found."""
    server = with_accounts(folder / "auditor")
    months(folder / "auditor")
    with running(server):
        page = signed_in(browser, server, "Eva Sol")
        for name in ("evidence", "insight"):
            page.goto(f"{server.url}/{name}")
            page.locator("main h1").wait_for()
            keep(page, f"auditor-{name}")
        page.context.close()


CHAPTERS: dict[str, Callable[[Any, Path], None]] = {"inspector": inspector, "trainer": trainer, "auditor": auditor, "admin": admin}


def main() -> None:
    """All of them, or those of the people that are named."""
    wanted = sys.argv[1:] or [*CHAPTERS]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        for name in wanted:
            CHAPTERS[name](browser, Path(folder))
        browser.close()


if __name__ == "__main__":
    main()
