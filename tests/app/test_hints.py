"""What a finding resembles on the inspector's page and in the API, and the field guide."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from starlette.testclient import TestClient

from app.main import create_app
from pestcheck.addons import install
from pestcheck.addons.species import Hint, Rank
from pestcheck.ids import uuid7
from pestcheck.inspection import watchlist
from pestcheck.records import Records
from pestcheck.settings import Settings
from pestcheck.store import open_folder
from pestcheck.vision.scan import Scanner
from tests.addons.conftest import insect_files
from tests.app.tablet import LYING, STANDING, Tablet
from tests.conftest import Server

__all__ = ["insect_files"]
BUG = Hint(
    "inat-insect@1.1", "inat-insect-1", "Halyomorpha halys", Rank.species, 0.62,
    (("Halyomorpha halys", "Brown Marmorated Stink Bug", 0.62), ("Nezara viridula", "Southern Green Stink Bug", 0.2)), "brown_marmorated_stink_bug",
    False,
)  # fmt: skip
PLAIN = replace(BUG, taxon="Vespa", rank=Rank.genus, listed=None, agrees=None)
RELATIVE = replace(BUG, taxon="Dermestidae", rank=Rank.family, listed="khapra_beetle", agrees=None)


@pytest.fixture
def hinted(server: Server, scanner: Scanner, hornet: Path) -> Callable[[Hint], str]:
    """An inspection on the server with a photograph whose first finding has this hint; the address of the finding."""

    def make(hint: Hint) -> str:
        database, photo_store = open_folder(server.data, f"sqlite:///{server.data / 'pestcheck.sqlite3'}")
        records = Records(database, photo_store)
        try:
            key = records.open(uuid7(), number="CSQU3054383", inspector="Ana Pérez", stage="empty_at_origin").inspection.id

            def scan(data: bytes) -> Any:
                report = scanner.scan(data)[0]
                return replace(report, hints=(hint, *[None] * (len(report.findings) - 1)))

            server.kill()  # it would score the photograph before us
            records.photograph(key, "floor", hornet.read_bytes(), name="a.jpg", actor="Ana Pérez")
            assert records.score_next(scan)
            item = records.inspection(key).photographs[0]
        finally:
            database.close()
        server.start()
        return f"?inspection={key}&area=floor&photograph={item.view.id}&step=finding&finding={item.findings[0].id}"

    return make


@pytest.mark.parametrize("size", [LYING, STANDING])
def test_a_hint_at_the_watch_list_is_shown_first_of_all_with_what_to_do(
    tablet: Callable[..., Tablet], server: Server, hinted: Callable[[Hint], str], size: tuple[int, int]
) -> None:
    address = hinted(BUG)
    one = tablet(size)
    one.page.goto(f"{server.url}/{address}")
    one.at("finding")
    box = one.page.locator("#screen .hint.listed")
    assert "On the watch list: resembles Brown marmorated stink bug" in box.inner_text()
    assert "Resembles: species Halyomorpha halys, 62%" in box.inner_text()
    assert "The two models disagree" in box.inner_text()
    assert box.locator("ol").first.locator("li").count() == len(watchlist.shipped().entries["brown_marmorated_stink_bug"].do)
    assert "Halyomorpha" not in one.page.locator("#screen h1").inner_text()  # never the label
    for summary in box.locator("summary").all():
        summary.tap()
    assert one.small() == []
    one.shot("hint-listed")
    bad = [rule["id"] for rule in Axe().run(one.page).response["violations"] if rule["impact"] in ("serious", "critical")]
    assert bad == []
    assert one.page.evaluate("document.documentElement.scrollWidth") <= size[0]
    box.get_by_role("link", name="Field guide").tap()
    one.page.wait_for_url("**/guide#brown_marmorated_stink_bug")


def test_other_hints_and_spanish(tablet: Callable[..., Tablet], server: Server, hinted: Callable[[Hint], str]) -> None:
    one = tablet(LYING, locale="es-MX")
    one.page.goto(f"{server.url}/{hinted(RELATIVE)}")
    one.at("finding")
    said = one.page.locator("#screen .hint").inner_text()
    assert "Pariente o parecido de algo que está en la lista de vigilancia: Gorgojo khapra" in said
    assert "Se parece a: familia Dermestidae, 62" in said
    assert "Stink Bug" not in said
    one.shot("hint-relative")
    one.page.goto(f"{server.url}/{hinted(PLAIN)}")
    one.at("finding")
    assert one.page.locator("#screen .hint.listed").count() == 0
    assert "Se parece a: género Vespa" in one.page.locator("#screen .hint").inner_text()


@pytest.mark.parametrize(("size", "theme"), [(LYING, "light"), (STANDING, "dark"), (STANDING, "contrast")])
def test_the_field_guide_can_be_read_and_searched(tablet: Callable[..., Tablet], server: Server, size: tuple[int, int], theme: str) -> None:
    one = tablet(size)
    page = one.page
    page.evaluate("theme => localStorage.setItem('pestcheck-theme', theme)", theme)
    page.goto(f"{server.url}/guide")
    assert page.locator("article").count() == len(watchlist.shipped().entries)
    one.shot(f"guide-{theme}")
    bad = [
        (rule["id"], rule["nodes"][0]["html"][:200])
        for rule in Axe().run(page).response["violations"]
        if rule["impact"] in ("serious", "critical")
    ]
    assert bad == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    small = page.evaluate(
        """() => [...document.querySelectorAll('button, a, input, select')].filter((one) => one.checkVisibility())
        .filter((one) => { const box = one.getBoundingClientRect(); return box.width < 47.5 || box.height < 47.5; }).map((one) => one.outerHTML.slice(0, 120))"""
    )
    assert small == []
    page.locator("input[name=q]").fill("lanternfly egg")
    page.get_by_role("button", name="Search").tap()
    page.wait_for_url("**/guide?q=lanternfly+egg*")
    assert [words.split("\n")[0] for words in page.locator("article").all_inner_texts()] == ["Spotted lanternfly"]
    page.get_by_role("button", name="Español").tap()
    page.locator("article h2", has_text="Mosca linterna con manchas").wait_for()
    one.shot(f"guide-found-{theme}")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The app on an empty data folder with a watch list of its own, to be read only."""
    data = tmp_path_factory.mktemp("listed")
    (data / watchlist.FILE).write_text(
        "entries:\n  mine:\n    name: Our <b>wasp</b>\n    kind: insect\n    taxa: [Vespa]\n    evidence: comb\n    look_alikes: none\n    season: summer\n"
        "    status: none\n    do: [sting]\n    source: us\n    sure: low\n"
    )
    with TestClient(create_app(Settings(data=data)), base_url="http://127.0.0.1:7860") as made:
        yield made


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=ACHAFU", ["giant_african_snail"]), ("q=agrilus", ["emerald_ash_borer"]), ("q=zzz", []), ("kind=snail", ["giant_african_snail", "small_land_snails"]),
        ("kind=fish", []), ("q=%3Cscript%3E", []), ("q=7+CFR+319.75", ["khapra_beetle"]), ("q=" + "x" * 5000, []), ("q=%00", []), ("q=comb+wasp", ["mine"]),
    ],
)  # fmt: skip
def test_what_is_asked_of_the_guide(client: TestClient, query: str, found: list[str]) -> None:
    answer = client.get(f"/guide?{query}")
    assert answer.status_code == 200
    shown = re.findall('<article class="card guide" id="([a-z_]+)"', answer.text)
    assert [key for key in shown if key != "bees_wasps_termites"] == found
    assert "<script>" not in answer.text.replace("<script src", "")
    assert "<b>wasp" not in answer.text


def test_accents_do_not_matter(client: TestClient) -> None:
    answer = client.get("/guide?q=tarimas+RATA", headers={"accept-language": "es"})
    assert 'id="giant_african_snail"' in answer.text
    assert "Guía de campo" in answer.text
    assert 'id="emerald_ash_borer"' in client.get("/guide?q=galerias", headers={"accept-language": "es"}).text


def test_the_api_gives_the_list_with_the_sites_own(client: TestClient) -> None:
    entries = client.get("/api/v1/watchlist").json()["entries"]
    assert len(entries) == len(watchlist.shipped().entries) + 1
    assert entries["mine"]["name"] == "Our <b>wasp</b>"
    assert entries["khapra_beetle"]["name"]["es"] == "Gorgojo khapra"


def test_an_addon_that_is_added_while_the_server_runs_gives_hints_from_then_on(
    insect_files: Path, shared_data: Path, tmp_path: Path
) -> None:
    """The whole way with the real add-on: a photograph of a honey bee before and after it was added, and after it was removed."""
    folder = shared_data / "images" / "SharonMaharjan__AIProject-Team7" / "Bees"
    pictures = sorted(folder.glob("*.webp"))[:40]
    with TestClient(create_app(Settings(data=tmp_path)), base_url="http://127.0.0.1:7860") as api:

        def look(pictures: list[Path]) -> tuple[str, Any]:
            key = uuid7()
            body = {"number": "CSQU3054383", "template": "container_7_point"}
            assert api.put(f"/api/v1/inspections/{key}", json=body).status_code == 201
            for path in pictures:
                address = f"/api/v1/inspections/{key}/points/floor/photographs/{uuid7()}?name={path.name}"
                answer = api.put(address, content=path.read_bytes())
                assert answer.status_code == 201, answer.text
            deadline = time.monotonic() + 240
            while True:
                whole = api.get(f"/api/v1/inspections/{key}").json()
                if all(item["view"]["state"] == "scored" for item in whole["photographs"]):
                    return key, whole
                assert time.monotonic() < deadline
                time.sleep(0.1)

        assert look(pictures[:3])[1]["hints"] == []
        install.add(tmp_path, "inat-insect", str(insect_files))
        key, whole = look(pictures[3:30])
        assert len(whole["hints"]) >= 5
        assert sum(hint["taxon"] in ("Apis mellifera", "Apis", "Apidae") for hint in whole["hints"]) > 0.7 * len(whole["hints"])
        insects = {finding["id"] for item in whole["photographs"] for finding in item["findings"] if finding["group"] == "insect"}
        assert {hint["finding_id"] for hint in whole["hints"]} <= insects
        first = whole["hints"][0]
        assert api.get(f"/api/v1/inspections/{key}/findings/{first['finding_id']}/hint").json() == first
        assert api.get(f"/api/v1/inspections/{key}/findings/{uuid7()}/hint").status_code == 404
        install.remove(tmp_path, "inat-insect")
        assert look(pictures[30:33])[1]["hints"] == []
        assert api.get(f"/api/v1/inspections/{key}").json()["hints"] == whole["hints"]  # what was said stays
