"""What the tablets of a local network need to reach this computer: its names, an address to scan, a certificate to trust."""

from __future__ import annotations

import io
import ipaddress
import logging
import re
import socket
import ssl
import threading
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from app.certificates import Address, Files, Made, Names, context, ensure

log = logging.getLogger(__name__)

EVERYWHERE = ""
FOLDER = "tls"
"""In the data folder."""
LOOK_SECONDS = 60.0
MANIFEST = Path(__file__).parent / "static" / "manifest.json"
HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(\.(?!-)[a-z0-9-]{1,63})*")


def names() -> Names:
    """What this computer is called now, the address of its first way out in front."""
    import psutil

    called = socket.gethostname().lower().rstrip(".")
    own = [called, f"{called.partition('.')[0]}.local"] if HOST.fullmatch(called) else []
    hosts = tuple(dict.fromkeys([*own, "localhost"]))
    found: set[Address] = set()
    for addresses in psutil.net_if_addrs().values():
        for one in addresses:
            if one.family in (socket.AF_INET, socket.AF_INET6):
                found.add(ipaddress.ip_address(one.address.partition("%")[0]))
    ways = sorted((one for one in found if _for_tablets(one)), key=lambda one: (one != _first_way(), one.version, int(one)))
    return Names(hosts, (*ways, ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")))


def _for_tablets(one: Address) -> bool:
    """An address that another device of the local network may have been given for this computer, and will still find tomorrow: global
    addresses of IPv6 change every day."""
    if one.is_loopback or one.is_link_local:
        return False
    return one.version == 4 or one in ipaddress.ip_network("fc00::/7")


def _first_way() -> Address | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unsent:
        try:
            unsent.connect(("203.0.113.1", 9))  # sends nothing; only asks which address it would be sent from
        except OSError:
            return None
        return ipaddress.ip_address(unsent.getsockname()[0])


class LocalTls:
    """The certificate of a server on a local network, made anew while the server runs when the computer gets another address or it runs out.

    Raises:
        app.certificates.CertificateError: the authority in the folder is damaged.
        OSError: the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.files = Files(folder)
        self.names = names()
        self.made: Made = ensure(folder, self.names)
        self.context: ssl.SSLContext = context(self.files.server, self.files.server)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._look_again, name="certificate", daemon=True)

    def start(self) -> None:
        """Look every minute whether the certificate is still the right one."""
        self._thread.start()

    def stop(self) -> None:
        """Do not look any more."""
        self._stopping.set()
        self._thread.join(timeout=5)

    def renew(self) -> bool:
        """Make the certificate anew if it has to be; new connections get it. Returns whether it did."""
        now = names()
        made = ensure(self.files.folder, now)
        if changed := made.new_server or made.new_authority:
            self.context.load_cert_chain(self.files.server)
            log.info("new certificate for %s", now)
        self.names, self.made = now, made
        return changed

    @property
    def hosts(self) -> frozenset[str]:
        """By what names browsers may call the server, in small letters."""
        return frozenset((*self.names.hosts, *map(str, self.names.addresses)))

    def poster(self, port: int) -> str:
        """What to print at the start: the addresses, a code for the tablets' cameras, and what to do on a tablet the first time."""
        where = addresses(self.names, port)
        if not where:
            return "This computer has no address on a local network; connect it, and its certificate follows within a minute."
        lines = ["Tablets:", *(f"    {one}" for one in where), "", code(f"{where[0]}/trust"), "New tablet: scan this with its camera, then"]
        lines += [
            "    go past the warning, once, and download the certificate of the authority;",
            "    iPad: Settings, Profile Downloaded, Install; then General, About, Certificate Trust Settings, switch it on",
            '    Android: Settings, search for "CA certificate", Install anyway',
            "    The tablet shows its SHA-256 fingerprint under More Details; it has to be",
            f"    {self.made.authority.fingerprint}",
            f"    Without the warning: bring {self.files.public} to the tablet by AirDrop, mail or cable (docs/tablets.md).",
        ]
        if self.made.new_authority:
            lines.append("The certificate authority is new: no tablet trusts it yet, nor any that trusted an earlier one.")
        if str(self.made.left_out):
            lines.append(f"Not on the certificate, because the authority was made for other names: {self.made.left_out}.")
        return "\n".join(lines)

    def _look_again(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            try:
                self.renew()
            except (OSError, ValueError):  # the one in use goes on
                log.exception("the certificate could not be renewed; trying again in %.0f s", LOOK_SECONDS)


def addresses(known: Names, port: int) -> list[str]:
    """Where tablets find the server, the most certain first: an address works everywhere, a name in ``.local`` where it is announced."""
    reach = [f"[{one}]" if one.version == 6 else str(one) for one in known.addresses if not one.is_loopback]
    return [f"https://{host}:{port}" for host in (*reach, *(name for name in known.hosts if name.endswith(".local")))]


def code(text: str) -> str:
    """A QR code in letters for a terminal, light on dark or dark on light."""
    import segno

    out = io.StringIO()
    segno.make(text, micro=False, error="m").terminal(out, compact=True)
    return out.getvalue()


def routes(tls: LocalTls | None) -> APIRouter:
    """What tablets ask for before anybody is logged in."""
    router = APIRouter()

    @router.get("/manifest.json")
    def manifest() -> Response:
        """What a tablet needs to know to put the app on its home screen."""
        return Response(MANIFEST.read_bytes(), media_type="application/manifest+json")

    if tls:

        @router.get("/trust", response_class=HTMLResponse)
        def trust() -> str:
            """How a tablet comes to trust this server."""
            return TRUST_PAGE

        @router.get("/trust/pestcheck-authority.crt")
        def authority() -> Response:
            """The certificate to trust."""
            return Response(tls.files.public.read_bytes(), media_type="application/x-x509-ca-cert")

    return router


TRUST_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Trust this server: pestcheck</title><link rel="stylesheet" href="app/trust.css"></head><body><main>
<h1>Once on each tablet</h1>
<p>This server's certificate comes from the certificate authority of its own computer. The tablet has to be told to trust it.</p>
<p><a class="button" href="trust/pestcheck-authority.crt" download>Download the certificate</a></p>
<h2>iPad</h2>
<ol><li>Download it in Safari, and allow the configuration profile.</li><li>Settings, <b>Profile Downloaded</b>; <b>More Details</b> shows a SHA-256
fingerprint: if it is not the one in the computer's window, stop, this is another server. Install.</li>
<li>Settings, General, About, <b>Certificate Trust Settings</b>: switch on “pestcheck on …”.</li>
<li>Open pestcheck in Safari; Share, <b>Add to Home Screen</b>.</li></ol>
<h2>Android</h2>
<ol><li>Download it in Chrome.</li><li>Settings: search for <b>CA certificate</b> (Security, Encryption &amp; credentials, Install a certificate).</li>
<li>Install anyway, and choose the file that you downloaded.</li><li>Under <b>User credentials</b> it shows its SHA-256 fingerprint: if
it is not the one in the computer's window, remove it, this is another server.</li><li>Open pestcheck in Chrome; menu, <b>Add to Home screen</b>.</li></ol>
<p>The authority can vouch for this computer and for addresses of local networks only, not for other sites.</p>
<p><a class="button" href="./">Open pestcheck</a></p>
</main></body></html>
"""
"""How a tablet comes to trust this server, for people at the tablet. A fingerprint on this page would prove nothing: whoever stands between
could show the right one and hand out another certificate."""
