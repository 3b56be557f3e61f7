"""Files that people take out of the records: written whole first, put into the log, and then sent.

So a download that breaks off is seen as broken (its length is known), a full disk is an answer and no half file, and a slow
client holds no state of the database.
"""

from __future__ import annotations

import base64
import hashlib
import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import IO

from starlette.responses import Response, StreamingResponse

from app.previews import Previews
from pestcheck.export import pack, roster
from pestcheck.export.register import MEDIA, Written, export
from pestcheck.export.shared import shared_copy
from pestcheck.people import Person
from pestcheck.records import Filter, NotFound, Records
from pestcheck.store import events
from pestcheck.store.heads import Heads

FOLDER = "outgoing"
"""In the data folder: the one for temporary files may be small, or in memory."""
PIECE = 256 * 1024


class Downloads:
    """Makes them in a folder that is made if it is not there. Nothing stays in it: its files have no names."""

    def __init__(self, data: Path, previews: Previews, heads: Heads) -> None:
        self.folder, self.previews, self.heads = data / FOLDER, previews, heads
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def register(
        self, records: Records, who: Person, format: str, filter: Filter, *, part: str = "inspections", location: bool = False
    ) -> Response:
        """What matches, in a format of ``register.MEDIA``.

        Raises:
            Refused, OSError: see ``register.export``.
        """
        ending = {"coco": "coco.json"}.get(format, format)
        name = f"pestcheck-{part if format == 'csv' else 'register'}-{events.now()[:10]}.{ending}"
        return self._file(records, who, format, filter, name, part=part, location=location)

    def inspection(
        self, records: Records, who: Person, format: str, inspection_id: str, *, language: str = "en", location: bool = False
    ) -> Response:  # fmt: skip
        """One inspection, as PDF or as JSON with a register's frame.

        Raises:
            NotFound: there is none with this id. OSError: as above.
        """
        number = records.inspection(inspection_id).inspection.container_number
        plain = "".join(sign for sign in number if sign.isascii() and (sign.isalnum() or sign in "-_"))[:40] or "inspection"
        name = f"pestcheck-{plain}-{inspection_id[:13]}.{format}"
        return self._file(records, who, format, Filter(inspection=inspection_id), name, language=language, location=location)

    def photograph(self, records: Records, who: Person, sha256: str, *, original: bool = False) -> Response:
        """A photograph without place and device, or the original as it was sealed.

        Raises:
            NotFound: there is no such photograph. OSError: as above.
        """
        known = records.photograph_of(sha256)
        try:
            data = records.photo_store.get(sha256)
        except FileNotFoundError as error:
            raise NotFound("The photograph is not in the store any more.") from error
        media_type, how = known.media_type, "original"
        if not original:
            made = shared_copy(data)
            data, media_type, how = made.data, made.media_type, made.how
        digest = hashlib.sha256(data).hexdigest()
        records.exported("photograph", media_type, actor=who.name, rows=1, sha256=digest, size=len(data), location=original)
        ending = media_type.rpartition("/")[2].replace("jpeg", "jpg")
        headers = _headers(f"{sha256[:16]}{'' if original else '-shared'}.{ending}", Written(1, digest, len(data)))
        return Response(data, media_type=media_type, headers=headers | {"Pestcheck-Copy": how})

    def pack(self, records: Records, who: Person, filter: Filter, *, language: str = "en", location: bool = False) -> Response:
        """An evidence pack. It is sent as it is made, since it may be larger than the disk; one that breaks off is no ZIP.

        Raises:
            Refused, OSError: see ``pack.stream``.
        """
        name = f"pestcheck-pack-{events.now()[:10]}.zip"
        parts = pack.stream(
            records,
            self.heads,
            actor=who.name,
            filter=filter,
            language=language,
            location=location,
            photograph=self.previews.jpeg,
            name=name,
        )
        first = next(parts)  # whatever is refused is refused before the answer begins
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return StreamingResponse(chain((first,), parts), media_type="application/zip", headers=headers)

    def roster(self, records: Records, who: Person) -> Response:
        """The roster of trainings as CSV."""
        people = records.roster()
        data = "".join(roster.write(people)).encode()
        written = Written(sum(1 for _ in roster.rows(people)), hashlib.sha256(data).hexdigest(), len(data))
        records.exported("roster", "csv", actor=who.name, rows=written.rows, sha256=written.sha256, size=written.size)
        return Response(data, media_type=MEDIA["csv"], headers=_headers("pestcheck-training.csv", written))

    def _file(
        self, records: Records, who: Person, format: str, filter: Filter, name: str, *, part: str = "inspections", language: str = "en",
        location: bool = False,
    ) -> Response:  # fmt: skip
        file = tempfile.TemporaryFile(dir=self.folder)  # noqa: SIM115  (closed when it was sent)
        try:
            written = export(
                records, format, file, actor=who.name, filter=filter, part=part, language=language, location=location,
                photograph=self.previews.jpeg,
            )  # fmt: skip
        except BaseException:
            file.close()
            raise
        return StreamingResponse(_pieces(file), media_type=MEDIA[format], headers=_headers(name, written))


def _headers(name: str, written: Written) -> dict[str, str]:
    return {
        "Content-Disposition": f'attachment; filename="{name}"', "Content-Length": str(written.size), "Cache-Control": "no-store",
        "Repr-Digest": f"sha-256=:{base64.b64encode(bytes.fromhex(written.sha256)).decode()}:",
    }  # fmt: skip


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE):
            yield piece
