"""The web server: the inspector's page, previews of photographs, the log, and the threads that score photographs."""

from __future__ import annotations

import asyncio
import gc
import logging
import re
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles
from starlette.routing import Mount

from app import (
    admin,
    auditor,
    evidence,
    forms,
    guide,
    heads,
    identity,
    insight,
    lan,
    offline,
    oidc,
    registers,
    security,
    signin,
    trainer,
    training,
    training_desk,
    uploads,
    watch,
)
from app.api import create_api
from app.api.server import Health
from app.certificates import CertificateError, context, hosts_of
from app.downloads import Downloads
from app.gradio import gr
from app.inspector.page import page
from app.metrics import Counting, Metrics
from app.pages import frame
from app.previews import KEEP, Previews
from app.serving import Serving
from pestcheck import __version__, photo
from pestcheck.accounts import Accounts
from pestcheck.addons.hints import Hints
from pestcheck.inspection.checklist import catalogue
from pestcheck.inspection.watchlist import watch_list
from pestcheck.records import Filter, NotFound, Records
from pestcheck.settings import Settings
from pestcheck.store import open_folder
from pestcheck.store.heads import Heads
from pestcheck.store.keys import KeyFolder
from pestcheck.vision.scan import Report

log = logging.getLogger(__name__)

RETRY_SECONDS = 5.0
TOGETHER = 2
"""Photographs that are scored at the same time."""


class Scoring:
    """Scores waiting photographs with the model in use, also those that an earlier run of the server left waiting.

    Two at a time: while the networks look at one, using all cores, the file of the next is read, which uses one.
    """

    def __init__(self, records: Records, serving: Serving, hints: Hints | None = None) -> None:
        self.records, self.serving, self.hints = records, serving, hints
        self.wake, self.stopping, self.hinting = threading.Event(), threading.Event(), threading.Lock()
        self.threads = [
            threading.Thread(target=self._run, args=(number == 0,), name=f"scoring-{number}", daemon=True) for number in range(TOGETHER)
        ]
        records.on_photograph = self.wake.set

    @property
    def alive(self) -> bool:
        """Whether photographs that come will be looked at."""
        return all(thread.is_alive() for thread in self.threads)

    def scan(self, data: bytes) -> Report:
        """What the model says of a photograph, and the add-on of its findings."""
        report, image = self.serving.scanner.scan(data)
        if not self.hints:
            return report
        with self.hinting:
            return self.hints.added_to(report, image)

    def _run(self, orders: bool) -> None:
        while not self.stopping.is_set():
            self.wake.clear()  # before looking: what comes after it wakes this thread, or another one that looks then
            try:
                self.serving.follow()  # between two photographs: each is looked at by one model from its first to its last finding
                if self.records.score_next(self.scan):
                    continue
            except Exception:  # a full disk or a busy database passes; the photograph stays waiting, and this thread must live
                log.exception("scoring failed; trying again in %.0f s", RETRY_SECONDS)
            if orders:
                self._order()
            self.wake.wait(RETRY_SECONDS)

    def _order(self) -> None:
        """Bring the trainers' queue up to date while there is nothing to score."""
        try:
            while self.records.refresh_queue(facts=True) and not self.wake.is_set():
                pass
        except Exception:
            log.exception("the review queue cannot be brought up to date now")

    def start(self) -> None:
        """Begin."""
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        """Finish the photographs in hand and stop."""
        self.stopping.set()
        self.wake.set()
        for thread in self.threads:
            thread.join(timeout=30)


def create_app(settings: Settings, tls: lan.LocalTls | None = None) -> FastAPI:
    """Build the server on a data folder and a model. ``tls``: its own certificate, if it made one.

    Raises:
        pestcheck.vision.bundle.BundleError: the model cannot be used. oidc.NotSetUp: half a sign-in service.
    """
    database, photo_store = open_folder(settings.data, settings.database_url, settings.photographs)
    sent = uploads.use(settings.data)
    templates = catalogue(settings.templates_folder)
    for fault in templates.faults:
        log.warning("template not usable: %s", fault)
    records = Records(database, photo_store, templates)
    serving = Serving(records, settings.data, settings.model)
    watched = watch_list(settings.data)
    for fault in watched.faults:
        log.warning("watch list: %s", fault)
    scoring = Scoring(records, serving, Hints(settings.data, watched))
    accounts = Accounts(database, timedelta(minutes=settings.lock_minutes))
    signer = Heads(database, KeyFolder(settings.keys_folder), settings.stamps)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        scoring.start()
        beside = [asyncio.create_task(uploads.keep_clean(sent)), asyncio.create_task(heads.keep_signed(signer))]
        if tls:
            tls.start()
        yield
        for task in beside:
            task.cancel()
        if tls:
            tls.stop()
        scoring.stop()
        database.close()

    app = FastAPI(title="pestcheck", version=__version__, lifespan=lifespan, openapi_url=None)  # what is documented is the API
    app.state.heads = signer

    previews, metrics = Previews(photo_store), Metrics(records)
    downloads = Downloads(settings.data, previews, signer)

    @app.get("/photograph/{sha256}.jpg")
    def photograph(sha256: str, request: Request) -> Response:
        """An upright preview; the original stays in the store."""
        return shown(sha256, request, previews.jpeg)

    @app.get("/photograph/{sha256}/full.jpg")
    def full_photograph(sha256: str, request: Request) -> Response:
        """All its pixels, upright, for who looks for what is small."""
        return shown(sha256, request, previews.full)

    def shown(sha256: str, request: Request, how: Callable[[str], bytes]) -> Response:
        try:
            records.within(identity.person(request).sites).photograph_of(sha256)
            return Response(how(sha256), media_type="image/jpeg", headers=KEEP)
        except (NotFound, FileNotFoundError, ValueError) as error:
            raise HTTPException(404, "There is no such photograph.") from error
        except OSError as error:
            log.error("photograph %s cannot be read: %s", sha256, error)
            raise HTTPException(503, "The photograph cannot be read now; try again.") from error

    @app.get("/log.csv")
    def log_csv(request: Request) -> Response:
        """The inspection log."""
        who = identity.person(request)
        return downloads.register(records.within(who.sites), who, "csv", Filter(), part="log")

    @app.get("/health")
    def health() -> Health:
        """Whether the server is up, and with which model."""
        status = "ok" if scoring.alive else "not scoring"
        return Health(status=status, model=serving.bundle.id, model_problem=serving.problem, version=__version__)

    app.mount("/app", StaticFiles(directory=frame.STATIC), name="static")
    app.include_router(lan.routes(tls))
    service = oidc.configured(settings)
    app.include_router(signin.routes(accounts, service=service is not None))
    if service:
        app.include_router(oidc.routes(accounts, settings, service))
    app.include_router(admin.routes(accounts))
    app.include_router(guide.routes(watched))
    app.include_router(trainer.routes(records))
    app.include_router(auditor.routes(records, downloads))
    app.include_router(registers.routes(records, settings.retention_years))
    app.include_router(training.routes(records, previews, downloads))
    app.include_router(training_desk.routes(records, settings.certificate_months))
    app.include_router(insight.routes(records))
    app.include_router(evidence.routes(records))
    app.include_router(watch.routes(records, settings.alarms))

    @app.exception_handler(forms.NotTaken)
    def not_taken(request: Request, error: forms.NotTaken) -> Response:
        return forms.page(request, "told.html", error.status, says=str(error))

    app.include_router(offline.router)
    api = create_api(
        records, serving=serving, previews=previews, metrics=metrics, health=health, contacts=settings.contacts,
        gap=timedelta(hours=settings.gap_hours), watch_list=watched, downloads=downloads,
        plan=settings.plan, alarms=settings.alarms,
    )  # fmt: skip
    api_at = Mount("/api/v1", app=api)
    api_at.path_regex = re.compile(api_at.path_regex.pattern, re.DOTALL)  # a line break in an address is not for the page to answer
    app.router.routes.append(api_at)
    app.add_middleware(Counting, metrics=metrics)
    gr.mount_gradio_app(
        app, page(records, settings.contacts, accounts.sites, timedelta(hours=settings.gap_hours), settings.plan, watched), path="/", theme=frame.theme(),
        head=frame.HEAD, footer_links=[],
        max_file_size=photo.MAX_BYTES, ssr_mode=False, pwa=False, show_error=True, run_history=False, favicon_path=str(frame.STATIC / "icon.svg"),
    )  # fmt: skip
    app.add_middleware(identity.Gate, accounts=accounts, service=service is not None)
    named = security.LOCAL | {settings.host, *settings.hosts}
    if settings.tls_certificate and not tls:
        named |= hosts_of(settings.tls_certificate)
    app.add_middleware(
        security.Security,
        hosts=lambda: named | tls.hosts if tls else named,
        tls=settings.tls_certificate is not None,
        head=frame.HEAD,
    )
    return app


class Exposed(ValueError):
    """An address on which the app must not listen as it is set up; the message says what is missing and how to get it."""


def check_exposure(settings: Settings, *, accounts: bool) -> None:
    """Without accounts and TLS the app listens to its own computer only.

    Raises:
        Exposed: others could reach it, and one of them is missing, or the certificate and its key cannot be used.
    """
    if (settings.tls_certificate is None) != (settings.tls_key is None):
        raise Exposed("PESTCHECK_TLS_CERTIFICATE and PESTCHECK_TLS_KEY go together; one of them is not set")
    if settings.tls_certificate:
        try:
            context(settings.tls_certificate, settings.tls_key or settings.tls_certificate)
        except CertificateError as error:
            raise Exposed(f"the TLS certificate cannot be used: {error}") from error
    if settings.local:
        return
    missing = [] if accounts else ["accounts (make the first with `pestcheck users add`)"]
    if not settings.tls_certificate:
        missing.append("a TLS certificate (start with --lan, or set PESTCHECK_TLS_CERTIFICATE and PESTCHECK_TLS_KEY)")
    if missing:
        raise Exposed(f"others reach {settings.host}, so the app needs {' and '.join(missing)}; without, it listens on 127.0.0.1 only")


def _has_accounts(settings: Settings) -> bool:
    database, _ = open_folder(settings.data, settings.database_url, settings.photographs)
    try:
        return Accounts(database).any()
    finally:
        database.close()


def run(settings: Settings, *, for_tablets: bool = False) -> None:
    """Serve until interrupted. ``for_tablets``: to the local network, with a certificate of its own where none is given.

    Raises:
        Exposed: see ``check_exposure``.
    """
    import uvicorn

    logging.Formatter.converter = time.gmtime
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s: %(message)s", datefmt="%Y-%m-%dT%H:%M:%S"
    )
    logging.getLogger("alembic").setLevel(logging.WARNING)  # a line for each of its parts at every start
    tls = None
    if for_tablets:
        settings = settings.model_copy(update={"host": lan.EVERYWHERE} if settings.local else {})
        if settings.tls_certificate is None and settings.tls_key is None:
            try:
                tls = lan.LocalTls(settings.data / lan.FOLDER)
            except CertificateError as error:
                raise Exposed(str(error)) from error
            settings = settings.model_copy(update={"tls_certificate": tls.files.server, "tls_key": tls.files.server})
    check_exposure(settings, accounts=settings.local or settings.oidc_issuer is not None or _has_accounts(settings))
    app = create_app(settings, tls)
    where = next(iter(lan.addresses(tls.names, settings.port)), "no network") if tls else settings.address
    print(f"pestcheck {__version__}: {where} (records in {settings.where})", flush=True)
    if tls:
        print(tls.poster(settings.port), flush=True)
    made = None
    if settings.tls_certificate:
        made = tls.context if tls else context(settings.tls_certificate, settings.tls_key or settings.tls_certificate)
    gc.collect()
    gc.freeze()  # what is there now stays: to look through it again makes a tap wait for 0.2 s, now and then
    uvicorn.run(
        app, host=settings.host, port=settings.port, log_level="warning", timeout_graceful_shutdown=5, server_header=False,
        ssl_context_factory=(lambda *_: made) if made else None,
    )  # fmt: skip
