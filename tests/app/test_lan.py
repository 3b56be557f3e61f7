"""A server on the local network: its names, what it prints for the tablets, and a tablet that comes to trust it."""

from __future__ import annotations

import ipaddress
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
import uvicorn
from cryptography import x509

from app import lan
from app.certificates import Names
from app.main import create_app
from pestcheck.settings import Settings
from tests.conftest import ROOT
from tests.servers import free_port


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[lan.LocalTls, str]]:
    """A running server with a certificate of its own, and its address."""
    data = tmp_path_factory.mktemp("lan") / "data"
    made, port = lan.LocalTls(data / lan.FOLDER), free_port()
    settings = Settings(data=data, host=lan.EVERYWHERE, port=port, tls_certificate=made.files.server, tls_key=made.files.server)
    config = uvicorn.Config(
        create_app(settings, made), host=settings.host, port=port, log_level="warning", server_header=False,
        ssl_context_factory=lambda *_: made.context,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 120
    while not server.started:
        assert thread.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield made, f"https://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(timeout=60)


def trusting(tls: lan.LocalTls) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(tls.files.public))


def test_the_names_of_this_computer() -> None:
    found = lan.names()
    own = {one.address for many in psutil.net_if_addrs().values() for one in many}
    assert {str(one) for one in found.addresses} <= own | {"::1"}
    assert {"127.0.0.1", "::1"} <= {str(one) for one in found.addresses}
    assert "localhost" in found.hosts
    assert all(name == name.lower() for name in found.hosts)


@pytest.mark.parametrize(
    ("address", "given"),
    [("192.168.1.20", True), ("10.0.0.7", True), ("fd00::2", True), ("127.0.0.1", False), ("169.254.7.7", False), ("fe80::1", False), ("2001:db8::1", False)],
)  # fmt: skip
def test_which_addresses_tablets_are_given(address: str, given: bool) -> None:
    assert lan._for_tablets(ipaddress.ip_address(address)) == given


def test_addresses_are_written_as_browsers_take_them() -> None:
    known = Names(("depot", "depot.local", "localhost"), tuple(map(ipaddress.ip_address, ("192.168.1.20", "fd00::2", "127.0.0.1"))))
    assert lan.addresses(known, 7860) == ["https://192.168.1.20:7860", "https://[fd00::2]:7860", "https://depot.local:7860"]


def test_a_tablet_that_trusts_the_authority_gets_through(tls: tuple[lan.LocalTls, str]) -> None:
    made, url = tls
    names = [url.replace("127.0.0.1", "localhost"), url, *lan.addresses(made.names, int(url.rpartition(":")[2]))]
    for name in [one for one in names if ".local:" not in one]:  # nobody announces that name here
        answer = httpx.get(name + "/health", verify=trusting(made), timeout=120)
        assert answer.json()["status"] == "ok"
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(url + "/health", timeout=120)
    assert httpx.get(url + "/health", verify=trusting(made), headers={"Host": "evil.example"}).status_code == 421
    crossed = {"Origin": url.replace("https", "http")}
    assert httpx.post(url + "/gradio_api/queue/join", verify=trusting(made), headers=crossed).status_code == 403


def test_the_page_to_trust_hands_out_the_authority_without_its_key(tls: tuple[lan.LocalTls, str]) -> None:
    made, url = tls
    page = httpx.get(url + "/trust", verify=False, timeout=120)  # as a new tablet does, once
    assert "Certificate Trust Settings" in page.text
    assert "User credentials" in page.text
    link = page.text.partition('href="trust/')[2].partition('"')[0]
    answer = httpx.get(f"{url}/trust/{link}", verify=False, timeout=120)
    assert answer.headers["content-type"] == "application/x-x509-ca-cert"
    assert x509.load_pem_x509_certificate(answer.content) == made.made.authority.certificate
    assert b"PRIVATE" not in answer.content
    assert httpx.get(url + "/app/trust.css", verify=False).status_code == 200


def test_what_is_printed(tls: tuple[lan.LocalTls, str]) -> None:
    made, _ = tls
    text = made.poster(7860)
    for line in (*lan.addresses(made.names, 7860), made.made.authority.fingerprint, str(made.files.public), "iPad", "Android"):
        assert line in text
    assert "PRIVATE" not in text
    shape = lan.code("https://192.168.1.20:7860/trust").splitlines()
    assert len(shape) < 24  # lines: it fits a terminal
    assert len({len(line) for line in shape if line}) == 1


def test_another_address_while_it_runs_gets_another_certificate(tls: tuple[lan.LocalTls, str], monkeypatch: pytest.MonkeyPatch) -> None:
    made, url = tls
    assert not made.renew()
    now = lan.names()
    moved = Names(now.hosts, (ipaddress.ip_address("10.9.8.7"), *now.addresses))
    monkeypatch.setattr(lan, "names", lambda: moved)
    assert made.renew()
    assert "10.9.8.7" in made.hosts
    port = int(url.rpartition(":")[2])
    shown = ssl.get_server_certificate(("127.0.0.1", port))
    stated = x509.load_pem_x509_certificate(shown.encode()).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert ipaddress.ip_address("10.9.8.7") in stated.get_values_for_type(x509.IPAddress)
    answer = httpx.get(url + "/health", verify=trusting(made), headers={"Host": "10.9.8.7"}, timeout=120)
    assert answer.status_code == 200  # the tablets trust it as before, and it knows its new name
    monkeypatch.undo()
    assert made.renew()
    assert not made.renew()


def test_the_command_serves_tablets_once_there_is_an_account(tmp_path: Path) -> None:
    data, port = tmp_path / "data", free_port()
    command = [sys.executable, "-m", "pestcheck"]
    serve = [*command, "serve", "--lan", "--data", str(data), "--port", str(port)]
    refused = subprocess.run(serve, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert refused.returncode == 2
    assert "accounts (make the first with `pestcheck users add`)" in refused.stderr
    assert "TLS certificate" not in refused.stderr
    add = [*command, "users", "add", "Ana", "--role", "admin", "--by", "Ana", "--data", str(data)]
    subprocess.run(add, cwd=ROOT, input="seven grey pallets\n", text=True, check=True, timeout=600, capture_output=True)
    log = tmp_path / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(serve, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT)
    try:
        trusted = ssl.create_default_context(cafile=str(data / lan.FOLDER / "pestcheck-authority.crt"))
        with httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=trusted, timeout=120) as client:
            deadline = time.monotonic() + 480
            while True:
                try:
                    assert client.get("/health").status_code == 200
                    break
                except httpx.TransportError:
                    assert process.poll() is None, log.read_text()
                    assert time.monotonic() < deadline, log.read_text()
                    time.sleep(0.2)
            assert client.get("/trust").status_code == 200  # before anybody has signed in
            assert client.get("/log.csv").status_code == 401
            form = client.get("/login").text.partition('name="form" value="')[2].partition('"')[0]
            asked = {"name": "Ana", "password": "seven grey pallets", "next": "/", "form": form}
            assert client.post("/login", data=asked, headers={"Origin": "https://evil.example"}).status_code == 403
            answer = client.post("/login", data=asked, headers={"Origin": str(client.base_url).rstrip("/")})
            assert answer.status_code == 303
            cookies = answer.headers.get_list("set-cookie")
            assert [cookie.partition("=")[0] for cookie in cookies] == ["__Host-pestcheck", "__Host-pestcheck-form"]
            for cookie in cookies:
                assert {"secure", "httponly", "samesite=lax"} <= {part.strip().lower() for part in cookie.split(";")}
            assert client.get("/log.csv").status_code == 200
    finally:
        process.kill()
        process.wait()
    printed = log.read_text()
    for one in lan.addresses(lan.names(), port):
        assert one in printed
    assert "seven grey pallets" not in printed
    assert not [cookie for cookie in cookies if cookie.partition("=")[2].partition(";")[0] in printed]
