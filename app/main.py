"""The web server: the inspector's page, previews of photographs, the log, and the thread that scores photographs."""

from __future__ import annotations

import io
import logging
import os
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import lru_cache

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read when Gradio is imported; a depot has no network to report to

import gradio as gr
from fastapi import FastAPI, HTTPException
from fastapi.responses import Response, StreamingResponse

from app import inspector, pages
from pestcheck import __version__, photo
from pestcheck.export import csv
from pestcheck.records import Records
from pestcheck.settings import Settings
from pestcheck.store import open_folder
from pestcheck.vision.scan import Scanner

log = logging.getLogger(__name__)

PREVIEW_SIDE = 1600
RETRY_SECONDS = 5.0


class ScoringThread:
    """Scores waiting photographs one after the other, also those that an earlier run of the server left waiting."""

    def __init__(self, records: Records, scanner: Scanner) -> None:
        self.records, self.scanner = records, scanner
        self.wake, self.stopping = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._run, name="scoring", daemon=True)
        records.on_photograph = self.wake.set

    def _run(self) -> None:
        while not self.stopping.is_set():
            self.wake.clear()
            try:
                if self.records.score_next(lambda data: self.scanner.scan(data)[0]):
                    continue
            except Exception:  # a full disk or a busy database passes; the photograph stays waiting, and this thread must live
                log.exception("scoring failed; trying again in %.0f s", RETRY_SECONDS)
            self.wake.wait(RETRY_SECONDS)

    def stop(self) -> None:
        """Finish the photograph in hand and stop."""
        self.stopping.set()
        self.wake.set()
        self.thread.join(timeout=30)


def create_app(settings: Settings) -> FastAPI:
    """Build the server on a data folder and a model.

    Raises:
        pestcheck.vision.bundle.BundleError: the model cannot be used.
    """
    scanner = Scanner(settings.model)
    database, photo_store = open_folder(settings.data, settings.database_url)
    records = Records(database, photo_store)
    scoring = ScoringThread(records, scanner)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        scoring.thread.start()
        yield
        scoring.stop()
        database.close()

    app = FastAPI(title="pestcheck", version=__version__, lifespan=lifespan)

    @lru_cache(maxsize=64)
    def preview(sha256: str) -> bytes:
        _, image = photo.open_photo(photo_store.get(sha256), PREVIEW_SIDE)
        image.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
        out = io.BytesIO()
        image.save(out, "JPEG", quality=85)
        return out.getvalue()

    @app.get("/photograph/{sha256}.jpg")
    def photograph(sha256: str) -> Response:
        """An upright preview; the original stays in the store."""
        try:
            return Response(preview(sha256), media_type="image/jpeg", headers={"Cache-Control": "private, max-age=31536000, immutable"})
        except (FileNotFoundError, ValueError) as error:
            raise HTTPException(404, "There is no such photograph.") from error

    @app.get("/log.csv")
    def log_csv() -> StreamingResponse:
        """The inspection log."""

        def lines() -> Iterator[str]:
            yield from csv.write(records.every_inspection())

        return StreamingResponse(
            lines(), media_type="text/csv; charset=utf-8", headers={"Content-Disposition": 'attachment; filename="pestcheck-log.csv"'}
        )

    @app.get("/health")
    def health() -> dict[str, str]:
        """Whether the server is up, and with which model."""
        return {"status": "ok" if scoring.thread.is_alive() else "not scoring", "model": scanner.bundle.id, "version": __version__}

    gr.mount_gradio_app(
        app, inspector.page(records), path="/", css_paths=pages.STYLE, theme=pages.theme(), head=pages.HEAD, footer_links=[],
        max_file_size=photo.MAX_BYTES, ssr_mode=False, pwa=False, show_error=True,
    )  # fmt: skip
    return app


def run(settings: Settings) -> None:
    """Serve until interrupted."""
    import uvicorn

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if settings.host not in ("127.0.0.1", "::1", "localhost"):
        log.warning("listening on %s: there are no accounts yet, so anybody who reaches this address can read and write", settings.host)
    app = create_app(settings)
    print(f"pestcheck {__version__}: http://{settings.host}:{settings.port} (records in {settings.data.resolve()})", flush=True)
    uvicorn.run(app, host=settings.host, port=settings.port, log_level="warning", timeout_graceful_shutdown=5)
