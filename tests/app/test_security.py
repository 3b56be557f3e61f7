"""What an attacker tries, against the real server and in a real Chromium: other sites, strange host names, files and texts that are more than
they seem."""

from __future__ import annotations

import csv
import http.server
import io
import json
import os
import re
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from app import uploads
from app.security import NOTHING, inline_hashes
from tests.app.tablet import Tablet
from tests.conftest import ROOT, Server, running
from tests.pictures import scenes

pytestmark = pytest.mark.usefixtures("closed_afterwards")

VIOLATIONS = (
    "document.addEventListener('securitypolicyviolation', e => (window.violations ||= []).push(e.violatedDirective + ' ' + e.blockedURI))"
)
HTTP = httpx.Client(timeout=120)
"""Patient: where many tests run at once, a server may be slow."""
RUN = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"
"""HTML that shows itself when it is run."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the tests that leave nothing behind."""
    with running(Server(tmp_path_factory.mktemp("security") / "data")) as started:
        yield started


def floor() -> bytes:
    picture = scenes.floor()
    scenes.lay(picture, "hornet", length=220)
    return scenes.jpeg(picture)


# Headers


@pytest.mark.parametrize(
    "path", ["/", "/log.csv", "/health", "/theme.css", "/manifest.json", "/app/icon.svg", "/nowhere", "/gradio_api/proxy=x"]
)
def test_every_answer_carries_the_headers(shared: Server, path: str) -> None:
    answer = HTTP.get(shared.url + path)
    found = answer.headers
    assert found["x-content-type-options"] == "nosniff"
    assert found["referrer-policy"] == "same-origin"
    assert found["x-frame-options"] == "DENY"
    assert found["permissions-policy"].startswith("camera=(self), microphone=()")
    assert found["cross-origin-opener-policy"] == found["cross-origin-resource-policy"] == "same-origin"
    assert "frame-ancestors 'none'" in found["content-security-policy"]
    assert "default-src 'none'" in found["content-security-policy"]
    assert "server" not in found
    assert "strict-transport-security" not in found  # it speaks no TLS
    assert not [name for name in found if name.startswith("access-control-")]
    if not path.startswith("/app/"):
        assert found["cache-control"] == "no-store"


def test_the_policy_names_the_scripts_of_the_page_and_allows_no_other(shared: Server) -> None:
    answer = HTTP.get(shared.url + "/", headers={"Accept": "text/html"})
    (scripts,) = re.findall(r"script-src ([^;]*)", answer.headers["content-security-policy"])
    assert "'unsafe-inline'" not in scripts
    assert set(inline_hashes(answer.text)) <= set(scripts.split())
    assert len(inline_hashes(answer.text)) >= 4
    assert "style-src 'self' 'unsafe-inline'" in answer.headers["content-security-policy"]
    assert HTTP.get(shared.url + "/health").headers["content-security-policy"] == NOTHING


# Names and origins


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:7860", "127.0.0.1.evil.example", "localhost.evil.example", "[::2]", "", "a b", "*."]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_name_that_is_not_its_own_is_refused(shared: Server, host: str, method: str) -> None:
    """DNS rebinding: another site's name leads to this computer, and its page would be of the same origin."""
    answer = HTTP.request(method, shared.url + "/log.csv", headers={"Host": host})
    assert answer.status_code == 421
    assert "This server is not called" in answer.text
    assert "nosniff" in answer.headers["x-content-type-options"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:7860", "localhost."])
def test_its_own_names_are_answered(shared: Server, host: str) -> None:
    assert HTTP.get(shared.url + "/health", headers={"Host": host}).status_code == 200


def test_further_names_are_set(tmp_path: Path) -> None:
    settings = {"PESTCHECK_HOSTS": '["pestcheck.yard.example", "*.depot.example"]'}
    with running(Server(tmp_path / "data", extra_environment=settings)) as server:
        status = {
            host: HTTP.get(server.url + "/health", headers={"Host": host}).status_code
            for host in ("pestcheck.yard.example", "a.depot.example", "yard.example", "a.b.depot.example", "depot.example")
        }
    assert list(status.values()) == [200, 200, 421, 421, 421]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://127.0.0.1:1"}, {"Origin": "http://127.0.0.1.evil.example"},
        {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": ""},
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/gradio_api/queue/join", "/gradio_api/upload", "/api/v1/inspections", "/log.csv"])
def test_what_another_sites_page_sends_is_refused(shared: Server, headers: dict[str, str], path: str) -> None:
    answer = HTTP.post(shared.url + path, headers=headers, json={})
    assert answer.status_code == 403
    assert "another site's page" in answer.text
    assert answer.headers["content-type"] == ("application/problem+json" if path.startswith("/api/") else "text/plain; charset=utf-8")


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "FOO"])
def test_other_methods_are_refused(shared: Server, method: str) -> None:
    with socket.create_connection(("127.0.0.1", shared.port), timeout=120) as raw:
        raw.sendall(f"{method} / HTTP/1.1\r\nHost: localhost\r\nX-Secret: mirror\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: raw.recv(4096), b""))
    assert re.match(rb"HTTP/1.1 40[05] ", answer)
    assert b"mirror" not in answer


def test_what_its_own_page_or_a_program_sends_is_not(shared: Server) -> None:
    for headers in ({"Origin": shared.url}, {"Sec-Fetch-Site": "same-origin"}, {}):
        assert HTTP.post(shared.url + "/gradio_api/queue/join", headers=headers, json={}).status_code == 422  # what Gradio says of {}


def test_another_site_may_not_read(shared: Server) -> None:
    for host in (shared.url.removeprefix("http://"), "localhost"):
        headers = {"Origin": "https://evil.example", "Host": host}
        answer = HTTP.get(shared.url + "/gradio_api/app_id", headers=headers)
        assert not [name for name in answer.headers if name.startswith("access-control-")]
        asked = HTTP.options(shared.url + "/gradio_api/queue/join", headers=headers | {"Access-Control-Request-Method": "POST"})
        assert not [name for name in asked.headers if name.startswith("access-control-")]


def test_a_page_of_another_site_gets_nothing_done_in_chromium(browser: Any, server: Server) -> None:
    """The same computer, another port: what a browser calls another origin."""

    class Evil(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>evil</title>")

        def log_message(self, *_: object) -> None:
            pass

    evil = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Evil)  # Chromium opens connections in advance
    threading.Thread(target=evil.serve_forever, daemon=True).start()
    page = browser.new_context().new_page()
    page.goto(f"http://127.0.0.1:{evil.server_port}/")
    posted: list[str] = []
    page.on("request", lambda request: posted.append(request.url) if request.method == "POST" else None)
    post = """async url => {
        const form = new FormData()
        form.append('files', new File(['x'], 'x.jpg'))
        await fetch(url, {method: 'POST', body: form, mode: 'no-cors', credentials: 'include'}).catch(() => 0)
    }"""
    upload = server.url + "/gradio_api/upload"
    page.evaluate(post, upload)
    read = page.evaluate("url => fetch(url).then(r => r.text()).catch(e => 'refused')", server.url + "/log.csv")
    page.evaluate("url => { document.body.append(Object.assign(document.createElement('iframe'), {src: url})) }", server.url)
    page.wait_for_function("frames.length === 1")
    deadline = time.monotonic() + 60
    while (
        not page.frames[-1].url.startswith("chrome-error:") and time.monotonic() < deadline
    ):  # to wait for the address fails where it is blocked
        page.wait_for_timeout(50)
    assert page.frames[-1].url.startswith("chrome-error:")
    evil.shutdown()
    folder = server.data / uploads.FOLDER
    assert posted == [upload]
    assert read == "refused"
    assert not [path for path in folder.rglob("*") if path.is_file()]
    page.goto(server.url)
    page.evaluate(post, upload)  # the same, from its own page
    assert [path.name for path in folder.rglob("*") if path.is_file()] == ["x.jpg"]


# Gradio's routes


@pytest.mark.parametrize(
    "path",
    [
        "proxy=https://evil.example/x", "file=http://evil.example/x", "file=HTTPS://evil.example/x", "file=file:///etc/passwd", "runs", "runs/",
        "run-history/buckets", "vibe-code", "vibe-edit/", "deep_link", "info", "openapi.json", "custom_component/a/client/b/c.js",
        "profiling/traces", "token", "user", "queue/data/../../monitoring", "call/x/y", "stream/x/1/2/playlist.m3u8",
    ],
)  # fmt: skip
def test_what_the_page_does_not_need_is_not_there(shared: Server, path: str) -> None:
    for method in ("GET", "POST"):
        assert HTTP.request(method, f"{shared.url}/gradio_api/{path}").status_code == 404
    assert HTTP.get(shared.url + "/monitoring").status_code == 404


def test_gradio_serves_no_file_outside_its_folder(shared: Server, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    inside = shared.data / uploads.FOLDER
    beside = [shared.data / "pestcheck.sqlite3", ROOT / "pyproject.toml", secret, Path("/etc/passwd")]
    assert all(path.is_file() for path in beside)
    (inside / "link.jpg").symlink_to(secret)
    for path in (
        *map(str, beside), f"{inside}/../pestcheck.sqlite3", f"{inside}/%2e%2e/pestcheck.sqlite3", f"{inside}/..%2fpestcheck.sqlite3",
        f"{inside}/a/../../pestcheck.sqlite3", "pyproject.toml", "./pyproject.toml", "~/.bashrc", "\\etc\\passwd", "", str(inside),
    ):  # fmt: skip
        answer = HTTP.get(f"{shared.url}/gradio_api/file={path}")
        assert answer.status_code in (403, 404), path
        assert "secret" not in answer.text.replace(str(path), "")
        assert "SQLite" not in answer.text
    own = inside / "own.jpg"
    own.write_bytes(floor())
    assert HTTP.get(f"{shared.url}/gradio_api/file={own}").status_code == 200  # so it can serve at all


def test_what_is_sent_stays_in_the_folder_whatever_its_name(shared: Server) -> None:
    """The names are sent as raw bytes: clients clean them, attackers do not."""
    inside = (shared.data / uploads.FOLDER).resolve()
    before = {path for path in shared.data.rglob("*") if inside not in path.parents}
    for number, name in enumerate(
        ("../../evil.jpg", "..\\..\\evil.jpg", "/etc/cron.d/evil", "C:\\evil.jpg", "a/../../../evil.jpg", "%2e%2e%2fevil.jpg", "..", ".", "evil\x00.jpg", "x" * 400)
    ):  # fmt: skip
        head = f'--b\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\nContent-Type: image/jpeg\r\n\r\n{number}'
        answer = HTTP.post(
            shared.url + "/gradio_api/upload",
            content=head.encode() + b"\r\n--b--\r\n",
            headers={"Content-Type": "multipart/form-data; boundary=b"},
        )
        if answer.status_code == 200:
            for path in answer.json():
                assert inside in Path(path).resolve().parents, name
        else:
            assert answer.status_code in (400, 500), name
    assert {path for path in shared.data.rglob("*") if inside not in path.parents} == before
    assert not list(shared.data.parent.glob("evil*"))


def test_active_files_are_never_served_as_pages(shared: Server) -> None:
    texts = {
        "a.svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        "a.html": b"<script>1</script>",
        "a.xml": b"<a/>",
        "a.js": b"1",
    }
    for name, text in texts.items():
        (path,) = HTTP.post(shared.url + "/gradio_api/upload", files={"files": (name, text, "image/jpeg")}).json()
        answer = HTTP.get(f"{shared.url}/gradio_api/file={path}")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"].startswith("attachment")
        assert answer.headers["x-content-type-options"] == "nosniff"


# In the browser


def test_no_text_or_name_or_file_runs_in_the_page(tablet: Callable[..., Tablet], server: Server, tmp_path: Path) -> None:
    """An inspection with HTML, formulas and polyglots wherever something can be typed or sent; and the policy is never in the way."""
    polyglot = tmp_path / "'\"&<b onmouseover=alert(1)>;.jpg"
    polyglot.write_bytes(floor() + RUN.encode())
    (tmp_path / "drawing.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" onload="document.title=\'run\'"/>')
    (tmp_path / "page.jpg").write_text(f"<!doctype html>{RUN}")
    one = tablet()
    page = one.page
    page.add_init_script(VIOLATIONS)
    page.reload()
    one.at("home")
    one.begin(name="=1+1" + RUN)
    one.link("1. Front wall", "point-front_wall")
    one.send(polyglot, tmp_path / "page.jpg", tmp_path / "drawing.svg")
    page.locator("#screen .sending .kept", has_text="page.jpg").get_by_text("this is not a JPEG").wait_for()
    page.locator("#screen a.box").first.wait_for()
    page.locator("#screen a.box").first.tap()
    one.at("finding-")
    one.tap("Confirm", "finding-condition")
    one.tap("Dead or dry", "finding-life_stage")
    one.tap("Adult", "finding-count")
    one.type("1", "finding-")
    one.reads("=1+1<img src=x")  # by whom, shown as typed
    one.link("Cleaning and second inspection", "cleaning-becomes")
    one.tap("Clean and re-check", "treat-method")
    one.tap("Vacuumed", "treat-when")
    one.tap("Just now", "treat-who")
    one.type("+who" + RUN, "treat-note")
    one.type("@SUM(1)" + RUN, "cleaning")
    one.reads("+who<img src=x")
    page.goto(server.url)
    one.at("home")
    assert page.title() != "run"
    assert page.evaluate("window.violations ?? []") == []

    (sha256, name) = one.rows("SELECT photograph.sha256, view.name FROM photograph JOIN view ON view.sha256 = photograph.sha256")[0]
    assert "/" not in name
    assert len(one.rows("SELECT * FROM photograph")) == 1
    preview = HTTP.get(f"{server.url}/photograph/{sha256}.jpg")
    assert preview.headers["content-type"] == "image/jpeg"
    assert preview.headers["content-security-policy"] == NOTHING
    assert b"document.title" not in preview.content
    assert Image.open(io.BytesIO(preview.content)).format == "JPEG"
    ((inspection, view),) = one.rows("SELECT inspection_id, id FROM view")
    original = HTTP.get(f"{server.url}/api/v1/inspections/{inspection}/photographs/{view}/original")
    assert original.content == polyglot.read_bytes()
    assert original.headers["content-type"] == "image/jpeg"
    assert original.headers["content-disposition"].startswith("attachment")
    assert original.headers["x-content-type-options"] == "nosniff"
    assert original.headers["content-security-policy"] == NOTHING
    table = list(csv.DictReader(io.StringIO(HTTP.get(server.url + "/log.csv").text)))
    cells = {cell for row in table for cell in row.values()}
    assert "'=1+1" + RUN in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "\r"))]
    left = [path for path in (server.data / uploads.FOLDER).rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in left) == 0  # Gradio makes an empty file for each, which goes after a day


def test_a_script_that_got_into_the_page_does_not_run(browser: Any, shared: Server) -> None:
    """What the policy is for: were a text not escaped, its script would still not run. And the check above would see it."""
    page = Tablet(browser, shared).page
    page.evaluate(VIOLATIONS.replace("(window.violations ||= []).push(", "window.violations = (window.violations ?? []).concat("))
    page.evaluate("html => document.body.insertAdjacentHTML('beforeend', html)", RUN)
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {textContent: \"document.title = 'run'\"}))")
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {src: 'https://evil.example/x.js'}))")
    page.evaluate("fetch('https://evil.example/').catch(() => 0)")
    page.wait_for_function("window.violations?.length >= 4")
    found = set(page.evaluate("window.violations"))
    assert page.title() != "run"
    assert {"script-src-attr inline", "script-src-elem inline", "script-src-elem https://evil.example/x.js"} <= found
    assert "connect-src https://evil.example/" in found


def test_the_app_can_be_put_on_the_home_screen(browser: Any, shared: Server) -> None:
    page = Tablet(browser, shared).page
    manifest = page.context.new_cdp_session(page).send("Page.getAppManifest")
    assert manifest["errors"] == []
    told = json.loads(manifest["data"])
    assert (told["name"], told["display"], told["start_url"]) == ("pestcheck", "standalone", "/")
    for icon in told["icons"]:
        answer = HTTP.get(shared.url + icon["src"])
        assert answer.headers["content-type"] == icon["type"]
        if icon["type"] == "image/png":
            assert "x".join(map(str, Image.open(io.BytesIO(answer.content)).size)) == icon["sizes"]
    assert {icon["purpose"] for icon in told["icons"]} == {"any", "maskable"}
    touch = page.locator("link[rel=apple-touch-icon]").first.evaluate("link => link.href")
    assert Image.open(io.BytesIO(HTTP.get(touch).content)).size == (180, 180)
    assert page.locator("meta[name=theme-color]").first.get_attribute("content") == told["theme_color"]
    installable = page.context.new_cdp_session(page).send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert [error["errorId"] for error in installable if "icon" in error["errorId"] or "manifest" in error["errorId"]] == []


# The folder of what was sent


def test_what_never_got_on_record_is_removed_after_a_day(tmp_path: Path) -> None:
    folder = uploads.use(tmp_path / "data")
    assert folder.stat().st_mode & 0o777 == 0o700
    now = time.time()
    ages = {"old/a.jpg": 25, "old/b.jpg": 23, "older/a.jpg": 30, "new/a.jpg": 0, "a.jpg": 48}
    for name, hours in ages.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
        os.utime(path, (now - 3600 * hours,) * 2)
        os.utime(path.parent, (now - 3600 * 30,) * 2)
    (tmp_path / "outside.jpg").write_bytes(b"x")
    os.utime(tmp_path / "outside.jpg", (0, 0))
    (folder / "link").symlink_to(tmp_path, target_is_directory=True)
    assert uploads.clean(folder, now) == 3
    assert uploads.clean(folder, now + 2 * 3600) == 1  # that of 23 hours; and the folders that are empty by then
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.jpg") if not path.is_symlink()) == ["new/a.jpg"]
    assert (tmp_path / "outside.jpg").exists()


# The log of the server


def test_no_secret_gets_into_the_log(tmp_path: Path) -> None:
    """The database's password, also where the server says why it cannot be reached."""
    hidden = "correct-horse-battery"
    address = f"postgresql://pestcheck:{hidden}@127.0.0.1:1/none"
    server = Server(tmp_path / "data", extra_environment={"PESTCHECK_DATABASE": address, "AWS_SECRET_ACCESS_KEY": hidden + "-aws"})
    with pytest.raises(AssertionError, match="did not start"):
        server.start()
    log = (tmp_path / "server.log").read_text()
    assert "127.0.0.1" in log
    assert hidden not in log


def test_what_is_refused_stands_in_the_log_on_one_line(tmp_path: Path) -> None:
    with running(Server(tmp_path / "data")) as server:
        assert HTTP.get(server.url + "/a%0a2026-01-01 INFO forged", headers={"Host": "evil.example"}).status_code == 421
        assert HTTP.post(server.url + "/x", headers={"Origin": "https://evil.example"}).status_code == 403
    lines = (tmp_path / "server.log").read_text().splitlines()
    (at, *_) = next(line for line in lines if "app.security" in line).split(" ")
    assert abs((datetime.now(UTC) - datetime.fromisoformat(at)).total_seconds()) < 600  # in UTC, and says so
    assert [line.partition("refused ")[2] for line in lines if "app.security" in line] == [
        "with 421: GET '/a\\n2026-01-01 INFO forged' from 127.0.0.1, host 'evil.example'",
        f"with 403: POST '/x' from 127.0.0.1, host '127.0.0.1:{server.port}'",
    ]
    assert not [line for line in lines if line.startswith("2026-01-01 INFO forged")]


def test_cookies_and_headers_stay_out_of_the_log(tmp_path: Path) -> None:
    with running(Server(tmp_path / "data")) as server:
        headers = {"Cookie": "session=hush-hush", "Authorization": "Bearer hush-hush"}
        for path in ("/", "/nowhere?token=hush-hush", "/gradio_api/queue/join"):
            HTTP.post(server.url + path, headers=headers, content=b"{hush-hush")
        assert not sqlite3.connect(server.data / "pestcheck.sqlite3").execute("SELECT * FROM inspection").fetchall()
    assert "hush-hush" not in (tmp_path / "server.log").read_text()
