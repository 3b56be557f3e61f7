"""Where the app refuses to listen."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.main import Exposed, check_exposure
from pestcheck.settings import Settings
from tests.conftest import ROOT


def pem(folder: Path, name: str = "localhost") -> tuple[Path, Path]:
    """A certificate for localhost that nobody vouches for, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(today - timedelta(days=1)).not_valid_after(today + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False).sign(key, hashes.SHA256())
    )  # fmt: skip
    files = folder / f"{name}.pem", folder / f"{name}.key"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    files[1].write_bytes(key.private_bytes(*form))
    return files


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "::1", "localhost"])
def test_its_own_computer_needs_neither(host: str) -> None:
    check_exposure(Settings(host=host), accounts=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.20", "yard.example", "127.0.0.1.example", "localhost.example", ""])
def test_any_other_address_needs_accounts_and_tls(host: str, tmp_path: Path) -> None:
    certificate, key = pem(tmp_path)
    safe = Settings(host=host, tls_certificate=certificate, tls_key=key)
    check_exposure(safe, accounts=True)
    with pytest.raises(Exposed, match="users add") as failed:
        check_exposure(safe, accounts=False)
    assert "TLS" not in str(failed.value)
    with pytest.raises(Exposed, match="TLS certificate") as failed:
        check_exposure(Settings(host=host), accounts=True)
    assert "users add" not in str(failed.value)


def test_a_certificate_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    certificate, key = pem(tmp_path)
    _, other = pem(tmp_path, "other")
    for settings, says in (
        (Settings(tls_certificate=certificate), "go together"),
        (Settings(tls_key=key), "go together"),
        (Settings(tls_certificate=certificate, tls_key=other), "is not the key of"),
        (Settings(tls_certificate=tmp_path / "none.pem", tls_key=key), r"none\.pem cannot be read"),
    ):
        with pytest.raises(Exposed, match=says):
            check_exposure(settings, accounts=True)


def test_the_command_refuses(tmp_path: Path) -> None:
    asked = [sys.executable, "-m", "pestcheck", "serve", "--host", "0.0.0.0", "--data", str(tmp_path / "data")]
    done = subprocess.run(asked, capture_output=True, text=True, cwd=ROOT, env=os.environ, timeout=120)
    assert done.returncode == 2
    assert "others reach 0.0.0.0, so the app needs accounts" in done.stderr
