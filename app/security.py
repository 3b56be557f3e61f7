"""What every answer of the server carries, and what never reaches the app: strange host names, other sites' requests, Gradio's spare routes,
bodies without end. Pure ASGI: streams pass as they come."""

from __future__ import annotations

import base64
import hashlib
import logging
import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api import problems

log = logging.getLogger(__name__)

LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
API = "/api/"
GRADIO_USED = re.compile(
    r"/gradio_api/(queue/(join|data)|run/predict|upload|upload_progress|heartbeat/[^/]+|startup-events|cancel|reset/?|app_id"
    r"|component_server/?|file=(?![a-z][a-z0-9+.-]*:).*)",
    re.IGNORECASE,
)
"""What the page asks for. Gradio has more, which nobody here needs: a proxy to other sites, files of other sites, code generation, its own
documentation, monitoring, a history of runs."""
GRADIO_SPARE = re.compile(r"/(monitoring|svelte|gradio_api|pwa_icon)(/.*)?")
UPLOADS = "/gradio_api/upload"
MANY_BYTES = 2**30
"""Of several photographs in one request; each has its own limit, ``photo.MAX_BYTES``. The API has its own limits, which are narrower."""
FEW_BYTES = 4 * 2**20
"""Of what is no photograph: answers, a signature."""

POLICY = (
    "default-src 'none'; object-src 'none'; script-src 'self' 'unsafe-eval'{hashes}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'none'"
)
"""Of pages and scripts. Gradio builds each piece of HTML and each handler in the browser with ``new Function`` ('unsafe-eval'), and sets style
attributes and elements ('unsafe-inline', for styles only). A script in the page runs only if it stood in the page as the server made it."""
NOTHING = "default-src 'none'; frame-ancestors 'none'"
"""Of everything else: photographs, tables, data."""
INLINE = re.compile(r"<script(?![^>]*\ssrc\s*=)[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=(), serial=(), midi=(), display-capture=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Permitted-Cross-Domain-Policies": "none",
}
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
METHODS = SAFE | {"POST", "PUT", "PATCH", "DELETE"}
CACHED = {"/assets/": "public, max-age=31536000, immutable", "/static/": "no-cache", "/app/": "no-cache"}
"""What a browser may keep, by the beginning of the path; nothing else, unless the answer says so. Gradio's assets carry a hash in their names."""


class TooLarge(Exception):
    """A body that goes on beyond its limit."""


class Security:
    """Around the whole app.

    Args:
        hosts: by what names browsers may call the server, now; ``*.`` in front stands for one part.
        tls: whether it speaks TLS itself.
        head: what Gradio is told to put into its page's head; its scripts are allowed.
    """

    def __init__(self, app: ASGIApp, *, hosts: Callable[[], frozenset[str]], tls: bool, head: str = "") -> None:
        self.app, self.hosts, self.tls = app, hosts, tls
        self.head = "".join(f" {one}" for one in inline_hashes(head))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":  # there is no WebSocket
            await send({"type": "websocket.close", "code": 1008})
            return
        headers, path = Headers(scope=scope), str(scope["path"])
        answer = _Answer(self, scope, send)
        refused = refusal(scope["method"], path, headers, self.hosts(), tls=self.tls)
        if refused:
            status, says = refused
            client = (scope.get("client") or ("unknown",))[0]
            log.warning(
                "refused with %d: %s %r from %s, host %r", status, scope["method"], path[:200], client, headers.get("host", "")[:200]
            )
            response = problems.answer("forbidden", says) if status == 403 and path.startswith(API) else PlainTextResponse(says, status)
            await response(scope, receive, answer)
            return
        scope = {**scope, "headers": list(_passed_on(scope, headers))}
        try:
            await self.app(scope, answer.limited(receive), answer)
        except TooLarge:
            pass
        except Exception:
            if answer.started:
                raise
            log.exception("%s %r failed", scope["method"], path)
            await PlainTextResponse("Something went wrong here; the log of the server says what.", 500)(scope, receive, answer)
        if answer.too_large and not answer.started:
            answer.too_large = False
            await PlainTextResponse(too_large(path), 413)(scope, receive, answer)

    def finish(self, headers: MutableHeaders, path: str, scripts: str) -> None:
        """Put on an answer what every answer carries. ``scripts``: hashes of those in the page."""
        for name in [name for name in headers if name.startswith("access-control-") or name in ("server", "x-powered-by")]:
            del headers[name]  # Gradio would let every site read what it sends
        kind = headers.get("content-type", "").partition(";")[0]
        active = kind in ("text/html", "text/javascript", "application/javascript")
        headers.setdefault("Content-Security-Policy", POLICY.format(hashes=scripts) if active else NOTHING)
        for name, value in HEADERS.items():
            headers[name] = value
        if self.tls:
            headers["Strict-Transport-Security"] = "max-age=31536000"
        headers.setdefault("Cache-Control", next((how for start, how in CACHED.items() if path.startswith(start)), "no-store"))


class _Answer:
    """Sends what the app sends; a page is held until it is whole, so that its scripts can be named in its policy."""

    def __init__(self, security: Security, scope: Scope, send: Send) -> None:
        self.security, self.path, self.send = security, str(scope["path"]), send
        self.started = self.too_large = False
        self.start: Message | None = None
        self.page = bytearray()

    def limited(self, receive: Receive) -> Receive:
        """The request's body, until it is too large."""
        taken = 0

        async def counting() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit(self.path):
                self.too_large = True
                raise TooLarge
            return message

        return counting

    async def __call__(self, message: Message) -> None:
        if self.too_large:
            return  # whatever the app says about a body that broke off
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            if headers.get("content-type", "").startswith("text/html") and "content-encoding" not in headers:
                self.start = message
                return
            self.security.finish(headers, self.path, "")
            self.started = True
        elif message["type"] == "http.response.body" and self.start:
            self.page += message.get("body", b"")
            if message.get("more_body"):
                return
            scripts = "".join(f" {one}" for one in inline_hashes(self.page.decode("utf-8", "replace")))
            self.security.finish(MutableHeaders(scope=self.start), self.path, scripts + self.security.head)
            self.started = True
            await self.send(self.start)
            self.start = None
            message = {"type": "http.response.body", "body": bytes(self.page)}
        await self.send(message)


def refusal(method: str, path: str, headers: Headers, hosts: frozenset[str], *, tls: bool) -> tuple[int, str] | None:
    """Why a request must not reach the app, as a status and a sentence; None if it may."""
    called = headers.get("host", "")
    if not _known(_name(called), hosts):
        return 421, (
            f"This server is not called {_name(called)[:100] or 'nothing'!r}. Open it by its own name or address, or add the name to PESTCHECK_HOSTS."
        )
    if method not in METHODS:
        return 405, "This server does not know that method."
    if GRADIO_SPARE.fullmatch(path) and not GRADIO_USED.fullmatch(path):
        return 404, "There is nothing here."
    if method not in SAFE and _of_another_site(headers, called, tls):
        return 403, "This request comes from another site's page. Open pestcheck itself and do it there."
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        return 400, "The length of the request is no number."
    if int(length) > limit(path):
        return 413, too_large(path)
    return None


def limit(path: str) -> int:
    """How many bytes a request may have."""
    return MANY_BYTES if path == UPLOADS or path.startswith(API) else FEW_BYTES


def too_large(path: str) -> str:
    """What to say to whoever sends more."""
    return f"The request is too large: {limit(path) // 2**20} MB are the limit here. Send fewer or smaller files at once."


def inline_hashes(page: str) -> list[str]:
    """What a policy calls the scripts that stand in a page."""
    found = dict.fromkeys(INLINE.findall(page))
    return [f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in found]


def _name(host: str) -> str:
    """The name in a ``Host``, without port and brackets."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _known(name: str, hosts: frozenset[str]) -> bool:
    return name in hosts or f"*.{name.partition('.')[2]}" in hosts


def _of_another_site(headers: Headers, host: str, tls: bool) -> bool:
    """Browsers name the origin of whatever is not GET; where there is none, it is no browser, or it says ``Sec-Fetch-Site`` at least."""
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
    own = {f"https://{host}"} if tls else {f"https://{host}", f"http://{host}"}  # https: a proxy in front of it
    return origin.lower() not in {one.lower() for one in own}


def _passed_on(scope: Scope, headers: Headers) -> Iterator[tuple[bytes, bytes]]:
    """Without what would make Gradio write another server's name into its page, or compress the page before its scripts are seen."""
    page = "text/html" in headers.get("accept", "")
    for name, value in scope["headers"]:
        if name != b"x-forwarded-host" and not (page and name == b"accept-encoding"):
            yield name, value
