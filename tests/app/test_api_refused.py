"""What the REST API is sent, and what it refuses: photographs of every kind, bad input, a full disk, a database that is gone."""

from __future__ import annotations

import base64
import hashlib
import io
from pathlib import Path
from typing import Any

import pillow_heif
import pytest
from PIL import Image
from starlette.testclient import TestClient

from app.api.problems import KINDS, PAGE
from app.main import create_app
from pestcheck.ids import uuid7
from pestcheck.settings import Settings
from tests.app.clients import Client, client, shared
from tests.pictures import scenes
from tests.test_full_disk import small_disk

__all__ = ["client", "shared", "small_disk"]

SCENE = scenes.floor()
scenes.lay(SCENE, "hornet", length=220)
HORNET = scenes.jpeg(SCENE)
WALL = scenes.jpeg(scenes.wall(640, 480))


def heic() -> bytes:
    out = io.BytesIO()
    pillow_heif.from_pillow(scenes.wall(400, 300)).save(out, quality=80)
    return out.getvalue()


def test_photographs_of_every_kind_come_back_byte_for_byte(client: Client) -> None:
    key = client.opened()
    out = io.BytesIO()
    scenes.wall(300, 200, seed=3).save(out, "PNG")
    for data, media_type in (
        (heic(), "image/heic"),
        (scenes.jpeg(scenes.wall(300, 200), orientation=6), "image/jpeg"),
        (out.getvalue(), "image/png"),
    ):
        item = client.photograph(key, data, headers={"Content-Type": media_type})
        assert item["photograph"]["media_type"] == media_type
        at = f"/inspections/{key}/photographs/{item['view']['id']}"
        original = client.ask("GET", f"{at}/original")
        assert (original.content, original.headers["content-type"]) == (data, media_type)
        assert "attachment" in original.headers["content-disposition"]
        preview = Image.open(io.BytesIO(client.ask("GET", f"{at}/preview").content))
        assert preview.format == "JPEG"
        assert preview.size == (item["photograph"]["width"], item["photograph"]["height"])


@pytest.mark.parametrize(
    ("data", "status", "says"),
    [
        (b"", 422, "the file is empty"),
        (b"<svg onload=alert(1)>", 422, "this is not a JPEG"),
        (HORNET[:50_000], 422, "damaged or cut short"),
        (b"\0" * (100 * 2**20 + 1), 413, "larger than 100 MB"),
    ],
    ids=["empty", "no photograph", "cut", "huge"],
)
def test_a_photograph_that_is_none_is_refused_in_words(shared: Client, data: bytes, status: int, says: str) -> None:
    key = shared.opened()
    assert says in shared.photograph(key, data, status=status)["detail"]
    assert shared.get(f"/inspections/{key}")["photographs"] == []


def test_a_photograph_that_changed_on_its_way_is_to_be_sent_again(client: Client) -> None:
    key = client.opened()
    digest = "sha-256=:" + base64.b64encode(hashlib.sha256(WALL).digest()).decode() + ":"
    problem = client.photograph(key, WALL[:-9], headers={"Repr-Digest": digest}, status=400)
    assert problem["type"] == f"{PAGE}#damaged"
    client.photograph(key, WALL, headers={"Repr-Digest": digest}, status=201)


def test_a_full_disk_is_told_and_nothing_is_lost(small_disk: Path) -> None:
    app = create_app(Settings(data=small_disk))
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as http:
        client = Client(http, app)
        key = client.opened()
        filler = small_disk / "filler"
        with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
            while True:
                file.write(bytes(65536))
                file.flush()
        answer = client.ask("PUT", f"/inspections/{key}/points/floor/photographs/{uuid7()}", content=HORNET)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert "No space left" in answer.json()["detail"]
        assert str(small_disk) not in answer.text
        filler.unlink()
        client.photograph(key, HORNET, status=201)


def test_a_database_that_is_gone_is_told(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    key = client.opened()
    path = Path(client.records.database.engine.url.database or "")
    client.records.database.close()
    for part in path.parent.glob("pestcheck.sqlite3*"):
        part.rename(part.with_name("away-" + part.name))
    path.mkdir()
    for method, at in (("GET", ""), ("PUT", "/close")):
        answer = client.ask(method, f"/inspections/{key}{at}", **({"json": {}} if method == "PUT" else {}))
        assert answer.status_code == 503
        assert str(path) not in answer.text


def test_what_the_server_does_wrong_shows_nothing_of_the_inside(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client.records, "inspections", lambda *_, **__: 1 / 0)
    answer = client.ask("GET", "/inspections")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "Zero" not in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "more", "status", "kind"),
    [
        ("GET", "/nothing", {}, 404, "not-found"),
        ("GET", "/inspections/{unknown}", {}, 404, "not-found"),
        ("GET", "/inspections/..%2f..%2fpestcheck.sqlite3", {}, 404, "not-found"),
        ("GET", "/line%0Abreak", {}, 404, "not-found"),
        ("GET", "/inspections/x", {}, 422, "invalid"),
        ("GET", "/inspections/{known}/photographs/{unknown}/original", {}, 404, "not-found"),
        ("GET", "/templates/none@1", {}, 404, "not-found"),
        ("PUT", "/inspections/{known}/points/nowhere/answer", {"json": {"state": "inspected", "result": "contamination"}}, 422, "refused"),
        ("PUT", "/inspections/{known}/findings/{unknown}/decision", {"json": {"state": "rejected"}}, 404, "not-found"),
        ("POST", "/inspections/{known}", {}, 405, "method"),
        ("DELETE", "/seals", {}, 405, "method"),
        ("PUT", "/inspections/{known}/close", {"content": b"{", "headers": {"Content-Type": "application/json"}}, 422, "invalid"),
        ("PUT", "/inspections/{known}/close", {"content": b"a=b"}, 415, "media-type"),
        ("PUT", "/inspections/{known}/close", {"json": {"disposition": "=cmd()"}}, 422, "invalid"),
        ("PUT", "/inspections/{known}/close", {"content": b'{"printed_name": "' + b"x" * 2**20 + b'"}', "headers": {"Content-Type": "application/json"}}, 413, "too-large"),
        ("GET", "/inspections?limit=many", {}, 422, "invalid"),
        ("GET", "/inspections?colour=red", {}, 422, "invalid"),
    ],
)  # fmt: skip
def test_errors_are_problem_details(shared: Client, method: str, path: str, more: dict[str, Any], status: int, kind: str) -> None:
    answer = shared.ask(method, path.replace("{known}", shared.opened()).replace("{unknown}", uuid7()), **more)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["type"], problem["status"]) == (f"{PAGE}#{kind}", KINDS[kind][0])
    assert problem["title"]
    assert problem["detail"]
    assert status != 405 or answer.headers["allow"] == ("GET" if "seals" in path else "GET, PATCH, PUT")


def test_an_error_says_where_in_the_request(client: Client) -> None:
    body = {"state": "inspected", "result": 7, "seen": -1, "colour/~": "red"}
    problem = client.put(f"/inspections/{client.opened()}/points/floor/answer", body, status=422)
    assert {(one["in"], one["pointer"]) for one in problem["errors"]} == {("body", "/result"), ("body", "/seen"), ("body", "/colour~1~0")}


def test_odd_characters_are_kept_or_refused(client: Client) -> None:
    note = "=1+1 <script>alert(1)</script> \U0001f41c é 容器 \u202e"
    key = client.opened(shipment=note)
    at = f"/inspections/{key}"
    assert client.get(at)["inspection"]["shipment"] == note
    assert client.put(f"{at}/points/floor/answer", {"state": "not_inspected", "note": note})["note"] == note
    for bad in ("\0", "a\x1bb"):
        assert (
            "cannot be written down"
            in client.put(f"{at}/points/floor/answer", {"state": "not_inspected", "note": bad}, status=422)["detail"]
        )
    half = client.ask(
        "PUT",
        f"{at}/points/floor/answer",
        content=b'{"state": "not_inspected", "note": "\\ud800"}',
        headers={"Content-Type": "application/json"},
    )
    assert half.status_code == 422
    item = client.put(f"{at}/points/floor/photographs/{uuid7()}", params={"name": "../../etc/\u202e IMG (é).jpg"}, content=WALL)
    assert item["view"]["name"].endswith("IMG (é).jpg")
    assert "/" not in item["view"]["name"]
