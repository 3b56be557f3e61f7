"""A small time-stamping authority (RFC 3161) over HTTP: ``openssl ts`` behind a server of the standard library."""

from __future__ import annotations

import shutil
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CONFIG = """
[tsa]
default_tsa = yard
[yard]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ordering = no
tsa_name = no
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Authority:
    """Its root certificate is in ``roots``; ``says``: what it answers instead of a stamp, or nothing."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("openssl") is None:
            pytest.skip("needs the program openssl")
        pytest.importorskip("rfc3161_client", reason="needs rfc3161-client: pip install 'pestcheck[stamps]'")
        self.folder, self.says, self.asked = folder, b"", 0
        folder.mkdir(exist_ok=True)
        now, root, own = datetime.now(UTC), rsa.generate_private_key(65537, 2048), rsa.generate_private_key(65537, 2048)

        def certificate(name: str, key: rsa.RSAPrivateKey) -> x509.CertificateBuilder:
            return (
                x509.CertificateBuilder().subject_name(_name(name)).issuer_name(_name("Root")).public_key(key.public_key())
                .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=9))
            )  # fmt: skip

        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        ca = certificate("Root", root).add_extension(x509.BasicConstraints(True, None), True).add_extension(usage, True)
        stamping = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        leaf = certificate("Authority", own).add_extension(stamping, True).add_extension(x509.BasicConstraints(False, None), True)
        self.roots = folder / "roots.pem"
        self.roots.write_bytes(ca.sign(root, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        (folder / "tsa.pem").write_bytes(leaf.sign(root, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        pem = own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (folder / "tsa.key").write_bytes(pem)
        (folder / "serial").write_text("01")
        (folder / "tsa.cnf").write_text(CONFIG.format(folder=folder))
        authority = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                authority.asked += 1
                query = self.rfile.read(int(self.headers["Content-Length"]))
                body = authority.says or authority.stamp(query)
                self.send_response(200)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stamp(self, query: bytes) -> bytes:
        """The answer to a query, DER."""
        asked, answer = self.folder / "query.tsq", self.folder / "answer.tsr"
        asked.write_bytes(query)
        command = ["openssl", "ts", "-reply", "-config", self.folder / "tsa.cnf", "-queryfile", asked, "-out", answer]
        subprocess.run(command, check=True, capture_output=True)
        return answer.read_bytes()

    def stop(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
