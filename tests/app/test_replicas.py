"""Several servers on one PostgreSQL and one S3 service, and a real nginx in front of them, set up as docs/deployment.md says."""

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

import httpx
import pytest
from sqlmodel import func, select

from app.certificates import Files, Names, ensure
from pestcheck.accounts import Accounts
from pestcheck.ids import uuid7
from pestcheck.store import open_folder
from pestcheck.store.db import Database
from pestcheck.store.tables import Event, View
from tests.app.yards import hidden
from tests.conftest import ROOT, Server
from tests.pictures import scenes
from tests.servers import BUCKET, PostgreSQL, S3Service, free_port

WORDS = "seven hornets on a pallet"
PHOTOGRAPH = scenes.jpeg(scenes.wall(800, 600))
BROWSER = {"accept": "text/html"}


@pytest.fixture(scope="module")
def url(postgresql: PostgreSQL, s3: S3Service, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with an admin and an inspector."""
    address = postgresql.new_database()
    database, _ = open_folder(tmp_path_factory.mktemp("admin"), address)
    accounts = Accounts(database)
    for name, role in (("Ana Pérez", "admin"), ("Ines Ruiz", "inspector")):
        accounts.set_password(accounts.open(name, role, actor="Ana Pérez"), WORDS, actor="Ana Pérez")
    database.close()
    return address


@pytest.fixture(scope="module")
def database(url: str) -> Iterator[Database]:
    opened = Database(url)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def replicas(url: str, s3: S3Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Server]]:
    """Two servers, each with its own folder. Tests that kill one start it again."""
    settings = {
        "PESTCHECK_DATABASE": url, "PESTCHECK_PHOTOGRAPHS": f"s3://{BUCKET}/replicas", "PESTCHECK_HOSTS": '["yard.example"]', **s3.environment,
    }  # fmt: skip
    servers = [Server(tmp_path_factory.mktemp(name) / "data", extra_environment=settings) for name in ("first", "second")]
    for server in servers:
        server.start()
    yield servers
    for server in servers:
        server.kill()


def sign_in(client: httpx.Client, name: str = "Ines Ruiz", words: str = WORDS) -> httpx.Response:
    shown = client.get("/login", headers=BROWSER)
    fields = {"form": hidden(shown.text), "name": name, "password": words, "next": "/"}
    return client.post("/login", data=fields, headers={"origin": str(client.base_url).rstrip("/"), **BROWSER})


@pytest.fixture
def clients(replicas: list[Server]) -> Iterator[list[httpx.Client]]:
    """One browser's cookies at both servers, signed in at the first."""
    cookies = httpx.Cookies()
    both = [httpx.Client(base_url=server.url, timeout=60, cookies=cookies) for server in replicas]
    for client in both:
        client.cookies = cookies
    assert sign_in(both[0]).status_code == 303
    both[1]._cookies = both[0]._cookies
    yield both
    for client in both:
        client.close()


def begin(client: httpx.Client) -> str:
    key = uuid7()
    body = {"number": "CSQU3054383", "template": "container_7_point@1", "stage": "empty_at_origin", "selection": "routine"}
    client.put(f"/api/v1/inspections/{key}", json=body).raise_for_status()
    return key


def photograph(client: httpx.Client, key: str, number: int = 0, area: str = "floor") -> str:
    view = uuid7()
    data = PHOTOGRAPH[:2] + b"\xff\xfe\x00\x08" + f"{number:06}".encode() + PHOTOGRAPH[2:]
    client.put(f"/api/v1/inspections/{key}/points/{area}/photographs/{view}?name=a.jpg", content=data).raise_for_status()
    return view


def settled(database: Database, key: str, seconds: float = 180) -> dict[str, int]:
    """How many photographs of an inspection there are by state, once none waits."""
    deadline = time.monotonic() + seconds
    while True:
        with database.reading() as session:
            states = session.exec(select(View.state, func.count()).where(View.inspection_id == key).group_by(View.state)).all()
        if "waiting" not in dict(states):
            return dict(states)
        assert time.monotonic() < deadline, states
        time.sleep(0.2)


def scored(database: Database, key: str) -> int:
    with database.reading() as session:
        return int(session.exec(select(func.count()).where(Event.inspection_id == key, Event.kind == "photograph_scored")).one())


def test_begun_at_one_and_continued_at_the_other(clients: list[httpx.Client], database: Database) -> None:
    first, second = clients
    key = begin(first)
    view = photograph(first, key)
    answer = {"state": "inspected", "result": "no_contamination", "seen": 0}
    assert second.put(f"/api/v1/inspections/{key}/points/floor/answer", json=answer).status_code == 201
    conflict = first.put(f"/api/v1/inspections/{key}/points/floor/answer", json=answer | {"result": "contamination"})
    assert (conflict.status_code, conflict.json()["changed_by"]) == (409, "Ines Ruiz")
    assert second.get(f"/api/v1/inspections/{key}/photographs/{view}/preview").content.startswith(b"\xff\xd8")
    assert settled(database, key) == {"scored": 1}
    read = [client.get(f"/api/v1/inspections/{key}").json() for client in clients]
    assert read[0] == read[1]


def test_a_session_is_valid_at_both_and_ends_at_both(clients: list[httpx.Client]) -> None:
    first, second = clients
    assert [client.get("/session").json()["name"] for client in clients] == ["Ines Ruiz"] * 2
    shown = second.get("/own", headers=BROWSER)
    kept = dict(first.cookies)
    form = hidden(shown.text)
    assert first.post("/lock", data={"form": form, "next": "/"}, headers={"origin": str(first.base_url).rstrip("/")}).status_code == 303
    assert [client.get("/session").status_code for client in clients] == [401, 401]  # locked
    unlock = {"form": hidden(second.get("/lock", headers=BROWSER).text), "password": WORDS, "next": "/"}
    assert second.post("/unlock", data=unlock, headers={"origin": str(second.base_url).rstrip("/")}).status_code == 303
    assert first.get("/session").status_code == 200
    form = hidden(second.get("/own", headers=BROWSER).text)
    assert second.post("/logout", data={"form": form}, headers={"origin": str(second.base_url).rstrip("/")}).status_code == 303
    assert httpx.get(f"{first.base_url}/session", cookies=kept).status_code == 401


def test_photographs_are_shared_out_and_each_is_scored_once(
    clients: list[httpx.Client], replicas: list[Server], database: Database
) -> None:
    import psutil

    key = begin(clients[0])
    before = [sum(psutil.Process(server.process.pid).cpu_times()[:2]) for server in replicas if server.process]
    for number in range(16):
        photograph(clients[number % 2], key, number)
    assert settled(database, key) == {"scored": 16}
    assert scored(database, key) == 16
    after = [sum(psutil.Process(server.process.pid).cpu_times()[:2]) for server in replicas if server.process]
    work = [second - first for first, second in zip(before, after, strict=True)]
    assert min(work) > max(work) / 5, work  # both took part


def test_what_a_killed_server_had_in_hand_the_other_scores(clients: list[httpx.Client], replicas: list[Server], database: Database) -> None:
    key = begin(clients[1])
    for number in range(8):
        photograph(clients[0], key, 100 + number)
    replicas[0].kill()
    try:
        assert settled(database, key) == {"scored": 8}
        assert scored(database, key) == 8
    finally:
        replicas[0].start()


@pytest.fixture(scope="module")
def proxy(replicas: list[Server], tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """nginx with the configuration of the document, on other ports and with a certificate of its own."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        pytest.skip("needs nginx: apt install nginx-light")
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    made = Files(folder / "tls")
    ensure(made.folder, Names(("yard.example",), (ip_address("127.0.0.1"),)))
    (part,) = re.findall("```nginx\n(.*?)```", (ROOT / "docs" / "deployment.md").read_text("utf-8"), re.DOTALL)
    for old, new in (
        ("listen 443", f"listen 127.0.0.1:{port}"), ("127.0.0.1:7861", f"127.0.0.1:{replicas[0].port}"),
        ("127.0.0.1:7862", f"127.0.0.1:{replicas[1].port}"), ("/etc/ssl/yard.example.pem", str(made.server)),
        ("/etc/ssl/yard.example.key", str(made.server)),
    ):  # fmt: skip
        assert old in part
        part = part.replace(old, new)
    paths = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root;\n" if os.geteuid() == 0 else ""
    text = f"{user}daemon off;\npid {folder}/pid;\nerror_log {folder}/error.log;\nevents {{}}\nhttp {{\naccess_log off;\n{paths}{part}}}\n"
    (folder / "nginx.conf").write_text(text)
    process = subprocess.Popen([nginx, "-c", str(folder / "nginx.conf")], stderr=subprocess.PIPE)
    trust = ssl.create_default_context(cafile=str(made.public))
    client = httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=trust, timeout=60)
    client.headers["host"] = f"yard.example:{port}"
    deadline = time.monotonic() + 30
    while True:
        try:
            client.get("/health")
            break
        except httpx.TransportError:
            assert process.poll() is None, process.stderr and process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.1)
    yield client
    client.close()
    process.terminate()
    process.wait(30)


def through(proxy: httpx.Client, name: str = "Ines Ruiz", words: str = WORDS) -> httpx.Response:
    proxy.cookies.clear()
    shown = proxy.get("/login", headers=BROWSER)
    assert shown.status_code == 200, shown.text
    fields = {"form": hidden(shown.text), "name": name, "password": words, "next": "/"}
    cookies = "; ".join(f"{one.name}={one.value}" for one in proxy.cookies.jar)
    return proxy.post("/login", data=fields, headers={"origin": f"https://{proxy.headers['host']}", "cookie": cookies, **BROWSER})


def test_behind_a_proxy_cookies_are_secure_and_names_are_checked(proxy: httpx.Client) -> None:
    signed = through(proxy)
    assert signed.status_code == 303
    session = next(one for one in signed.headers.get_list("set-cookie") if one.startswith("__Host-pestcheck="))
    assert {"Secure", "HttpOnly", "Path=/"} <= {part.strip() for part in session.split(";")}
    assert signed.headers["strict-transport-security"] == "max-age=31536000"
    assert proxy.get("/health", headers={"host": "other.example"}).status_code == 421
    shown = proxy.get("/login", headers=BROWSER)
    crossed = proxy.post(
        "/login", data={"form": hidden(shown.text) if "form" in shown.text else ""}, headers={"origin": "https://other.example"}
    )
    assert crossed.status_code == 403


def test_behind_a_proxy_the_tablets_address_is_known(proxy: httpx.Client, replicas: list[Server]) -> None:
    """It is what wrong passwords are counted by, and what stands in the server's log: nobody can pretend to another one."""
    trust = ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    with httpx.Client(base_url=proxy.base_url, transport=httpx.HTTPTransport(verify=trust, local_address="127.0.0.77")) as other:
        assert other.get("/own", headers={"host": "other.example", "x-forwarded-for": "203.0.113.9"}).status_code == 421
    logs = "".join((server.data.parent / "server.log").read_text() for server in replicas)
    assert "from 127.0.0.77, host 'other.example'" in logs
    assert "203.0.113.9" not in logs


def test_behind_a_proxy_a_server_may_die(proxy: httpx.Client, replicas: list[Server], browser: Any) -> None:
    """A real browser goes on with its inspection at the other server, with its session."""
    from tests.app.tablet import Tablet

    host, port = proxy.headers["host"].split(":")
    context = {"ignore_https_errors": True}
    chromium = browser.browser_type.launch(
        executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
        args=["--no-sandbox", f"--host-resolver-rules=MAP {host} 127.0.0.1"],
    )

    class There:
        url = f"https://{host}:{port}"
        data = replicas[0].data

    try:
        page = chromium.new_context(**context)
        first = page.new_page()
        first.goto(There.url)
        first.get_by_label("Your name").fill("Ines Ruiz")
        first.get_by_label("Password").fill(WORDS)
        first.get_by_role("button", name="Sign in").click()
        first.locator("#screen .page[data-page='home']").wait_for(timeout=60_000)
        state = page.storage_state()
        tablet = Tablet(chromium, There(), storage_state=state, **context)  # type: ignore[arg-type]
        tablet.link("New inspection", "new-number")
        tablet.type("CSQU 305438 3", "new-size")
        busy = served_by(proxy, replicas)
        busy.kill()
        try:
            tablet.tap("Skip", "new-template")
            tablet.tap("7-point container inspection", "new-stage")
            tablet.tap("Empty, where it is loaded", "new-selection")
            tablet.tap("Routine", "points")
        finally:
            busy.start()
        assert tablet.errors == []
    finally:
        chromium.close()


def served_by(proxy: httpx.Client, replicas: list[Server]) -> Server:
    """The server that nginx sends this computer to: the one that has more work after many requests."""
    import psutil

    def work() -> list[float]:
        return [sum(psutil.Process(server.process.pid).cpu_times()[:2]) for server in replicas if server.process]

    before = work()
    for _ in range(60):
        proxy.get("/health")
    return max(zip(work(), before, replicas, strict=True), key=lambda one: one[0] - one[1])[2]
