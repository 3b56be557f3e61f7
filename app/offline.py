"""What lets a tablet go on without a network: the script that shows the kept page. What it keeps is in ``static/outbox.js``."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import FileResponse

from app.pages.frame import STATIC

router = APIRouter(include_in_schema=False)


@router.get("/worker.js")
def worker() -> FileResponse:
    """The service worker; a script may only look after pages beside it, so it is not with the others."""
    return FileResponse(STATIC / "worker.js", media_type="text/javascript", headers={"Cache-Control": "no-cache"})
