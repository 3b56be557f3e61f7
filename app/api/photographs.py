"""Photographs: put them at a point, get the original back, or a preview."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from app.api.common import AN_ID, ID, Area, Changing, Here, InspectionId, Text, Who, allowed, an_id, made, status
from app.api.inspections import Taken, taken
from app.api.problems import Damaged
from app.previews import KEEP
from pestcheck import photo
from pestcheck.people import Deed, Person
from pestcheck.records import NotFound, PhotographView

router = APIRouter(tags=["photographs"])
MEDIA_TYPES = (*photo.MEDIA_TYPES.values(), "application/octet-stream")
MOST_WAIT = 30
AGAIN_SECONDS, ELSEWHERE_SECONDS = 0.1, 2.0
"""How often who waits looks whether this server wrote anything, and how often in the database, where another server may have."""
DIGEST = "^sha-256=:[A-Za-z0-9+/]{43}=:$"


async def sent(
    request: Request,
    repr_digest: Annotated[
        str | None,
        Header(
            pattern=DIGEST,
            description="SHA-256 of the file (RFC 9530). With it, a body that was damaged on the way gets 400 and can be sent again",
            examples=["sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"],
        ),
    ] = None,
) -> bytes:
    """The bytes of the body.

    Raises:
        Damaged: they are not those of the digest, or the client went away.
    """
    try:
        data = await request.body()
    except ClientDisconnect as error:
        raise Damaged("The connection ended before the photograph was whole.") from error
    if repr_digest and base64.b64encode(hashlib.sha256(data).digest()).decode() != repr_digest[9:-1]:
        raise Damaged(f"{len(data)} bytes arrived, and their SHA-256 is not the one of Repr-Digest. Send the photograph again.")
    return data


def _a(media_types: tuple[str, ...]) -> dict[str, Any]:
    return {"content": {media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in media_types}}


@router.put(
    "/inspections/{inspection_id}/points/{area}/photographs/{view_id}",
    summary="Put a photograph at a point",
    responses=made(Taken, "photograph"),
    openapi_extra={"requestBody": {"required": True, "description": "the file as the camera wrote it", **_a(MEDIA_TYPES)}},
)
def put_photograph(
    view: Changing,
    area: Area,
    view_id: Annotated[str, an_id("photograph at this point")],
    data: Annotated[bytes, Depends(sent)],
    response: Response,
    records: Here,
    who: Who,
    name: Annotated[str, Query(max_length=200, description="of the file")] = "",
    after: Annotated[str | None, Query(pattern=ID, description="the action whose result it shows", examples=[AN_ID])] = None,
    amends: Annotated[Text, Query(description="why a closed inspection is amended")] = "",
) -> Taken:
    """The original bytes are kept before this is answered; let go of yours when ``sha256`` is that of what you sent. The model looks at it
    afterwards: read the photograph, with ``wait``, until its state is no longer ``waiting``. The same photograph is at a point once: if it is there
    under another id, that one is answered."""
    key = records.photograph(view.inspection.id, area, data, name=name, actor=who.name, view_id=view_id, after=after, amends=amends)
    status(response, new=all(item.view.id != key for item in view.photographs))
    return taken(records.photograph_in(view.inspection.id, key))


ViewId = Annotated[str, Path(description="id of the photograph at its point", pattern=ID, examples=[AN_ID])]
GONE = "The file of this photograph is not in the store; see pestcheck verify."


def seen(inspection_id: InspectionId, view_id: ViewId, records: Here, _: Annotated[Person, allowed(Deed.see)]) -> PhotographView:
    """The photograph of the path, to look at."""
    return records.photograph_in(inspection_id, view_id)


Seen = Annotated[PhotographView, Depends(seen)]


@router.get("/inspections/{inspection_id}/photographs/{view_id}", summary="Read what is known of a photograph")
async def read_photograph(
    item: Seen,
    records: Here,
    wait: Annotated[
        int,
        Query(
            ge=0, le=MOST_WAIT, description="seconds after which this is answered at the latest; sooner, once the model has looked at it"
        ),
    ] = 0,
) -> Taken:
    end, writes = time.monotonic() + wait, -1
    while item.view.state == "waiting" and (left := end - time.monotonic()) > 0:
        look = time.monotonic() + min(left, ELSEWHERE_SECONDS)
        while records.database.writes == writes and time.monotonic() < look:
            await asyncio.sleep(AGAIN_SECONDS)
        writes = records.database.writes  # before reading: what is written meanwhile is looked for again
        item = await run_in_threadpool(records.photograph_in, item.view.inspection_id, item.view.id)
    return taken(item)


@router.get(
    "/inspections/{inspection_id}/photographs/{view_id}/original",
    summary="The original bytes",
    response_class=Response,
    responses={200: {"description": "the file as it was sent", **_a(tuple(photo.MEDIA_TYPES.values()))}},
)
def original(item: Seen, records: Here) -> Response:
    try:
        data = records.photo_store.get(item.view.sha256)
    except FileNotFoundError as error:
        raise NotFound(GONE) from error
    suffix = {"image/jpeg": "jpg"}.get(item.photograph.media_type, item.photograph.media_type.partition("/")[2])
    name = {"Content-Disposition": f'attachment; filename="{item.view.sha256}.{suffix}"', "X-Content-Type-Options": "nosniff"}
    return Response(data, media_type=item.photograph.media_type, headers=KEEP | name)


@router.get(
    "/inspections/{inspection_id}/photographs/{view_id}/preview",
    summary="An upright JPEG of at most 1600 pixels",
    response_class=Response,
    responses={200: {"description": "a JPEG", **_a(("image/jpeg",))}},
)
def preview(item: Seen, request: Request) -> Response:
    try:
        return Response(request.app.state.previews.jpeg(item.view.sha256), media_type="image/jpeg", headers=KEEP)
    except FileNotFoundError as error:
        raise NotFound(GONE) from error
