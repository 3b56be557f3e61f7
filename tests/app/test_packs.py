"""An evidence pack through the API and from the page of records: sent as it is made, whole, of their sites only, and good."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from pestcheck.export import verify_pack
from pestcheck.settings import Settings
from tests.app.yards import HERE, HTML, Yard
from tests.export.packs import files, problems


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    from app.main import create_app

    app = create_app(Settings(data=tmp_path_factory.mktemp("yard") / "data"))
    with TestClient(app, base_url=HERE):
        yield Yard(app)


def test_the_api_sends_a_good_pack(here: Yard, tmp_path: Path) -> None:
    answer = here.signed_in("Ana").get("/api/v1/exports/pack.zip?language=es")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"].startswith('attachment; filename="pestcheck-pack-2')
    assert problems(answer.content, tmp_path) == []
    assert all(f"inspections/{key}.json" in files(answer.content) for key in here.inspections.values())


def test_whoever_sees_one_site_gets_one_site(here: Yard, tmp_path: Path) -> None:
    here.accounts.change(here.accounts.named("Aldo").id, sites=["Yard 2"], actor="Ana")
    for path in ("/api/v1/exports/pack.zip", "/records/pack.zip"):
        data = here.signed_in("Aldo").get(path).content
        assert problems(data, tmp_path) == []
        assert here.inspections["Yard 1"] not in str(files(data))
        assert f"inspections/{here.inspections['Yard 2']}.json" in files(data)
    here.accounts.change(here.accounts.named("Aldo").id, sites=None, actor="Ana")


def test_what_is_refused_is_an_answer_and_no_file(here: Yard) -> None:
    tablet = here.signed_in("Ana")
    nothing = tablet.get("/api/v1/exports/pack.zip?site=nowhere")
    assert (nothing.status_code, nothing.headers["content-type"]) == (422, "application/problem+json")
    assert "No inspection matches" in nothing.json()["detail"]
    assert tablet.get("/api/v1/exports/pack.zip?since=nonsense").status_code == 422
    assert "No inspection matches" in tablet.get("/records/pack.zip?site=nowhere", headers=HTML).text
    assert 'href="/records/pack.zip?site=Yard+1"' in tablet.get("/records?site=Yard+1", headers=HTML).text


def test_without_the_key_it_says_so(here: Yard) -> None:
    tablet = here.signed_in("Ana")
    assert tablet.get("/api/v1/exports/pack.zip").status_code == 200
    folder = here.app.state.heads.keys.folder
    moved = folder.rename(folder.with_name("elsewhere"))
    try:
        answer = tablet.get("/api/v1/exports/pack.zip")
        assert (answer.status_code, answer.json()["type"]) == (503, "/api/v1/problems#unavailable")
        page = tablet.get("/records/pack.zip", headers=HTML)
        assert (page.status_code, "key that signs evidence packs" in page.text) == (503, True)
    finally:
        moved.rename(folder)


def test_every_pack_can_be_held_against_the_one_before(here: Yard, tmp_path: Path) -> None:
    tablet = here.signed_in("Ana")
    first, second = (tablet.get("/api/v1/exports/pack.zip").content for _ in range(2))
    (tmp_path / "first.zip").write_bytes(first)
    (tmp_path / "second.zip").write_bytes(second)
    report = verify_pack.check(tmp_path / "second.zip", earlier=[tmp_path / "first.zip"])
    assert report.problems == []
    ((where, says),) = verify_pack.check(tmp_path / "first.zip", earlier=[tmp_path / "second.zip"]).problems
    assert (where, "the log was truncated" in says) == ("earlier second.zip", True)
