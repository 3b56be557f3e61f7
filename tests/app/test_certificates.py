"""The authority and the server's certificate: what is on them, when they are made anew, and what a killed process leaves."""

from __future__ import annotations

import ipaddress
import os
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from app import certificates
from app.certificates import CertificateError, Files, Made, Names, context, ensure
from tests.conftest import ROOT

NOW = datetime.now(UTC).replace(microsecond=0)


def names(*addresses: str, hosts: tuple[str, ...] = ("depot", "depot.local", "localhost")) -> Names:
    return Names(hosts, tuple(map(ipaddress.ip_address, addresses or ("192.168.1.20", "127.0.0.1"))))


def trusts(made: Made, name: str, at: datetime = NOW, authority: x509.Certificate | None = None) -> bool:
    """Whether a client that trusts the authority takes the server for this name, by the rules of the web (RFC 5280, CA/B forum)."""
    try:
        subject: x509.IPAddress | x509.DNSName = x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        subject = x509.DNSName(name)
    verifier = PolicyBuilder().store(Store([authority or made.authority.certificate])).time(at).build_server_verifier(subject)
    try:
        verifier.verify(made.server.certificate, [])
    except VerificationError:
        return False
    return True


@contextmanager
def serving(made: ssl.SSLContext) -> Iterator[str]:
    """A real TLS server on a port of its own."""

    class Hello(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Hello)
    server.socket = made.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_client_that_trusts_the_authority_gets_through_and_no_other(tmp_path: Path) -> None:
    ensure(tmp_path, names())
    files = Files(tmp_path)
    with serving(context(files.server, files.server)) as url:
        answer = httpx.get(url, verify=ssl.create_default_context(cafile=str(files.public)))
        assert answer.text == "hello"
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(url)


def test_what_is_on_the_certificates(tmp_path: Path) -> None:
    made = ensure(tmp_path, names(), NOW)
    authority, server = made.authority.certificate, made.server.certificate
    assert server.not_valid_after_utc - server.not_valid_before_utc < timedelta(days=398)
    assert timedelta(days=3651) < authority.not_valid_after_utc - authority.not_valid_before_utc < timedelta(days=3653)
    assert authority.extensions.get_extension_for_class(x509.BasicConstraints).value == x509.BasicConstraints(ca=True, path_length=0)
    for name in ("depot", "depot.local", "localhost", "192.168.1.20", "127.0.0.1"):
        assert trusts(made, name), name
    for name in ("bank.example", "other.local", "192.168.1.21"):
        assert not trusts(made, name), name


def test_the_authority_cannot_vouch_for_others(tmp_path: Path) -> None:
    """Whoever steals its key cannot pretend to be a site of the internet: clients refuse what is outside its name constraints."""
    authority = ensure(tmp_path, names(), NOW).authority
    for name in ("bank.example", "depot.example", "93.184.216.34"):
        number = name[0].isdigit()
        wanted = Names(() if number else (name,), (ipaddress.ip_address(name),) if number else ())
        stolen = certificates._make_server(authority, wanted, NOW)
        assert not trusts(Made(authority, stolen, wanted, False, False), name), name


def test_secrets_are_for_this_user_only(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "tls"
    ensure(folder, names())
    files = Files(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in (files.authority, files.server)] == [0o600, 0o600]
    assert b"PRIVATE KEY" not in files.public.read_bytes()
    files.authority.chmod(0o644)
    ensure(folder, names())
    assert files.authority.stat().st_mode & 0o777 == 0o600


def test_nothing_is_made_twice(tmp_path: Path) -> None:
    first = ensure(tmp_path, names(), NOW)
    assert (first.new_authority, first.new_server) == (True, True)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    again = ensure(tmp_path, names("127.0.0.1", "192.168.1.20"), NOW + timedelta(days=360))
    assert (again.new_authority, again.new_server) == (False, False)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("days", [-300, -3, 368, 397, 500, 2000])
def test_a_server_certificate_that_runs_out_or_begins_later_is_made_anew(tmp_path: Path, days: int) -> None:
    first = ensure(tmp_path, names(), NOW)
    at = NOW + timedelta(days=days)
    again = ensure(tmp_path, names(), at)
    assert (again.new_authority, again.new_server) == (False, True)
    assert again.authority.pem() == first.authority.pem()  # the tablets need not be told anything
    assert trusts(again, "192.168.1.20", max(at, NOW))  # where this computer's clock was set back, theirs are right


def test_an_authority_that_runs_out_is_made_anew_and_no_server_outlives_its_authority(tmp_path: Path) -> None:
    first = ensure(tmp_path, names(), NOW)
    late = NOW + timedelta(days=3600)
    near = ensure(tmp_path, names(), late)
    assert (near.new_authority, near.new_server) == (False, True)
    assert near.server.certificate.not_valid_after_utc <= first.authority.certificate.not_valid_after_utc
    after = NOW + timedelta(days=3640)
    again = ensure(tmp_path, names(), after)
    assert (again.new_authority, again.new_server) == (True, True)
    assert Files(tmp_path).public.read_bytes() == again.authority.certificate.public_bytes(serialization.Encoding.PEM)
    assert trusts(again, "192.168.1.20", after)


def test_another_address_gives_another_certificate_of_the_same_authority(tmp_path: Path) -> None:
    first = ensure(tmp_path, names("192.168.1.20"), NOW)
    again = ensure(tmp_path, names("10.0.7.3", "fd12::5"), NOW)
    assert (again.new_authority, again.new_server) == (False, True)
    assert trusts(again, "10.0.7.3", authority=first.authority.certificate)
    assert trusts(again, "fd12::5")
    assert not trusts(again, "192.168.1.20")


def test_names_beyond_the_authority_are_left_out_and_told(tmp_path: Path) -> None:
    ensure(tmp_path, names("192.168.1.20"), NOW)
    renamed = ensure(tmp_path, names("192.168.1.20", "203.0.113.7", hosts=("yard7", "yard7.local")), NOW)
    assert str(renamed.left_out) == "yard7, 203.0.113.7"
    assert trusts(renamed, "yard7.local")
    assert trusts(renamed, "192.168.1.20")


def test_a_damaged_server_certificate_is_made_anew(tmp_path: Path) -> None:
    first = ensure(tmp_path, names())
    path = Files(tmp_path).server
    for damaged in (b"", path.read_bytes()[:300], b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", first.authority.pem()):
        path.write_bytes(damaged)
        again = ensure(tmp_path, names())
        assert (again.new_authority, again.new_server) == (False, True)
        assert trusts(again, "127.0.0.1", datetime.now(UTC))


def test_a_damaged_authority_is_named_and_never_replaced(tmp_path: Path) -> None:
    ensure(tmp_path, names())
    path = Files(tmp_path).authority
    whole = path.read_bytes()
    for damaged in (b"", whole[:200], whole[:-200], Files(tmp_path).public.read_bytes()):
        path.write_bytes(damaged)
        with pytest.raises(CertificateError, match=r"authority\.pem is damaged. Put it back from a copy; or remove it"):
            ensure(tmp_path, names())
        assert path.read_bytes() == damaged
    path.unlink()
    path.mkdir()
    with pytest.raises(CertificateError, match=r"authority\.pem cannot be read: Is a directory"):
        ensure(tmp_path, names())


KILLED = """
import ipaddress, os, sys
from pathlib import Path
from app.certificates import Names, ensure
steps = 0
def count(real):
    def step(*args, **kwargs):
        global steps
        steps += 1
        if steps == int(sys.argv[2]):
            os.kill(os.getpid(), 9)
        return real(*args, **kwargs)
    return step
for name in ("fsync", "replace", "fdopen"):
    setattr(os, name, count(getattr(os, name)))
ensure(Path(sys.argv[1]), Names(("depot.local",), (ipaddress.ip_address("192.168.1.20"),)))
"""


def test_a_process_killed_at_any_step_leaves_nothing_broken(tmp_path: Path) -> None:
    """Each file is opened, brought to the disk, given its name, and the name brought to the disk: it is killed before each of these."""
    killed = 0
    for step in range(1, 30):
        folder = tmp_path / str(step)
        done = subprocess.run([sys.executable, "-c", KILLED, str(folder), str(step)], cwd=ROOT, env=os.environ, timeout=60)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
        killed += 1
        before = Files(folder).authority.read_bytes() if Files(folder).authority.exists() else None
        made = ensure(folder, names())
        assert trusts(made, "192.168.1.20", datetime.now(UTC))
        assert before in (None, made.authority.pem())  # what a tablet may have been told to trust stays
        assert sorted(path.name for path in folder.iterdir()) == ["authority.pem", "pestcheck-authority.crt", "server.pem"]
    assert killed == 12


def pem(folder: Path) -> tuple[Path, Path]:
    """A certificate and its key as somebody would give them: two files."""
    made = ensure(folder / "made", names()).server
    certificate, key = folder / "cert.pem", folder / "key.pem"
    certificate.write_bytes(made.certificate.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(made.pem()[len(certificate.read_bytes()) :])
    return certificate, key


def test_given_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    certificate, key = pem(tmp_path)
    assert context(certificate, key).minimum_version == ssl.TLSVersion.TLSv1_2
    other = tmp_path / "other.pem"
    other.write_bytes(ensure(tmp_path / "other", names()).server.pem())
    locked = tmp_path / "locked.pem"
    secret = serialization.load_pem_private_key(key.read_bytes(), None)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"secret"))
    locked.write_bytes(secret.private_bytes(*form))
    (tmp_path / "empty.pem").touch()
    year = datetime.now(UTC) + timedelta(days=400)
    for one, its_key, now, says in (
        (tmp_path / "none.pem", key, None, r"none\.pem cannot be read: No such file"),
        (certificate, tmp_path, None, "cannot be read: Is a directory"),
        (certificate, other, None, r"other\.pem is not the key of .*cert\.pem"),
        (certificate, locked, None, r"locked\.pem is protected by a password"),
        (tmp_path / "empty.pem", key, None, r"empty\.pem holds no certificate"),
        (certificate, tmp_path / "empty.pem", None, r"empty\.pem holds no private key"),
        (key, key, None, r"key\.pem holds no certificate"),
        (certificate, key, year, r"cert\.pem ran out on 20\d\d-\d\d-\d\d"),
        (certificate, key, year - timedelta(days=800), "is this computer's clock right"),
    ):
        with pytest.raises(CertificateError, match=says):
            context(one, its_key, now)
