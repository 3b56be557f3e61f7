"""An evidence pack: a ZIP with records, photographs and PDFs, and all that an auditor needs to check them without us.

It is written as it is sent: memory holds the photographs of one inspection.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import datetime
from importlib.resources import files
from multiprocessing import get_context
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from pestcheck import __version__
from pestcheck.export import verify_pack as form
from pestcheck.export.json import inspection_json
from pestcheck.export.pdf import inspection_pdf
from pestcheck.export.register import Progress, Written
from pestcheck.export.shared import shared_copy
from pestcheck.i18n import LANGUAGES
from pestcheck.photo import PhotoError
from pestcheck.records import Filter, InspectionView, Records, Refused
from pestcheck.records.packs import Contents
from pestcheck.store.heads import Heads
from pestcheck.store.keys import public_bytes
from pestcheck.store.photos import PhotoStore

SUFFIXES = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "image/heic": ".heic", "image/heif": ".heic"}
LEVEL = 4
WORTH_IT, MOST_WORKERS = 20, 4
"""So many PDFs are printed by processes; that many of them."""
README = """\
EVIDENCE PACK of pestcheck

Check it on your own computer, with Python 3.9 or later and nothing else:

    python3 verify.py {name}

It says whether the pack is complete, unchanged and signed, from when to when its events are, and what was amended.

1. Take verify.py from somewhere else than this pack: the project's release, or a pack that you checked before. The copy in here is
   for convenience: whoever can change a pack can change it, too. Here its SHA-256 is {verifier}.
2. Ask the company for the fingerprint of its key in another way, and give it:  --key FINGERPRINT
   In here it is {fingerprint}
3. Keep this pack, or its head.txt. Hold the next one against it:  --earlier THIS.zip  shows that history was not rewritten in between.
4. {photographs}
5. A time stamp (head.tsr), where there is one, is checked in full by
       openssl ts -verify -data head.txt -in head.tsr -CAfile ROOTS.pem

What it proves and what it does not: docs/evidence.md of the project.

PAQUETE DE EVIDENCIA de pestcheck

Compruébelo en su propia computadora, con Python 3.9 o posterior y nada más:  python3 verify.py {name}
Tome verify.py de otra parte que de este paquete, y pida a la empresa por otra vía la huella de su clave:  --key HUELLA
"""
COPIES = """The photographs are copies without place and device. verify.py shows of each JPEG that its picture is the original's; with
   --originals FOLDER  you check them against the originals, which you get from the company."""
ORIGINALS = "The photographs are the originals, byte for byte, with all that they say: place, device, time."


class _Out(io.RawIOBase):
    """Where the archive is written to: what was written can be taken away."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        """What was written since the last time."""
        taken, self.parts = b"".join(self.parts), []
        return taken


class _Archive:
    """The ZIP and its manifest."""

    def __init__(self, out: _Out, at: datetime) -> None:
        self.zip, self.time, self.files = ZipFile(out, "w"), at.timetuple()[:6], dict[str, dict[str, Any]]()

    def add(self, name: str, data: bytes | str, *, packed: bool = True, listed: bool = True, **more: Any) -> None:
        """One file. ``more``: what the manifest says of it beside size and hash."""
        data = data.encode() if isinstance(data, str) else data
        info = ZipInfo(name, self.time)
        info.external_attr = 0o644 << 16
        self.zip.writestr(info, data, ZIP_DEFLATED if packed else ZIP_STORED, LEVEL if packed else None)
        if listed:
            self.files[name] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest(), **more}

    def lines(self, name: str, lines: Iterator[dict[str, Any]], out: _Out) -> Iterator[bytes]:
        """A file of one JSON object a line, given away as it is written."""
        info = ZipInfo(name, self.time)
        info.compress_type, info.external_attr = ZIP_DEFLATED, 0o644 << 16
        size, digest = 0, hashlib.sha256()
        with self.zip.open(info, "w", force_zip64=True) as file:
            for number, line in enumerate(lines):
                data = json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
                size += len(data)
                digest.update(data)
                file.write(data)
                if number % 500 == 499:
                    yield out.take()
        self.files[name] = {"size": size, "sha256": digest.hexdigest()}
        yield out.take()


def stream(
    records: Records, signer: Heads, *, actor: str, filter: Filter | None = None, language: str = "en", location: bool = False,
    photograph: Callable[[str], bytes] | None = None, name: str = "PACK.zip", progress: Progress = lambda done, size: None,
) -> Iterator[bytes]:  # fmt: skip
    """The bytes of a pack of what matches, in parts; that it is taken out is on record before the first. All of it is as of one moment.

    Args:
        language: of the PDFs. photograph: where their photographs come from, by SHA-256; None: the store. name: of the file, for its
            instructions. The rest: see ``Packs.pack``.

    Raises:
        Refused, OSError: see ``Packs.pack``, and ``write``.
    """
    if language not in LANGUAGES:
        raise Refused(f"There is no language {language[:20]!r}; there are: {', '.join(LANGUAGES)}.")
    with records.pack(filter or Filter(), signer, actor=actor, location=location) as contents:
        yield from write(contents, records.photo_store, signer, language=language, photograph=photograph, name=name, progress=progress)


def export(records: Records, signer: Heads, file: IO[bytes], **how: Any) -> Written:
    """``stream`` into a file."""
    digest, size, done = hashlib.sha256(), 0, 0

    def progress(number: int, of: int) -> None:
        nonlocal done
        done = number
        if tell := how.get("progress"):
            tell(number, of)

    for part in stream(records, signer, **{**how, "progress": progress}):
        file.write(part)
        digest.update(part)
        size += len(part)
    file.seek(0)
    return Written(done, digest.hexdigest(), size)


def write(
    contents: Contents, photo_store: PhotoStore, signer: Heads, *, language: str = "en", photograph: Callable[[str], bytes] | None = None,
    name: str = "PACK.zip", progress: Progress = lambda done, size: None,
) -> Iterator[bytes]:  # fmt: skip
    """The bytes of a pack. What photographs are gone or damaged is said in it.

    Raises:
        Refused: the log is not what it was. OSError: photographs or the database cannot be read now; what was given is then no whole ZIP.
    """
    head, location = contents.head, contents.export.location
    out = _Out()
    archive = _Archive(out, datetime.fromisoformat(head.at))
    missing: dict[str, str] = {}
    verifier = files("pestcheck.export").joinpath("verify_pack.py").read_bytes()
    key = contents.keys[-1]
    archive.add("README.txt", README.format(
        name=name, verifier=hashlib.sha256(verifier).hexdigest(), fingerprint=key.id, photographs=ORIGINALS if location else COPIES
    ))  # fmt: skip
    archive.add("verify.py", verifier)
    archive.add(form.HEAD, head.note)
    archive.add(form.KEYS, "".join(f"{one.id} {one.public_key} {one.made_at}\n" for one in contents.keys))
    if head.stamp:
        archive.add(form.STAMP, base64.b64decode(head.stamp))
    heads = ({"head": old.note, "proof": [step.hex() for step in old.proof]} for old in contents.old_heads())
    yield from archive.lines(form.HEADS, heads, out)
    yield from archive.lines(form.EVENTS, _events(contents), out)
    done: set[str] = set()
    views = (contents.view(one) for one in contents.places)
    printed = _printed(views, photograph or photo_store.get, len(contents.places), language=language, location=location)
    for number, (view, pdf) in enumerate(printed, 1):
        one = view.inspection.id
        archive.add(f"{form.RECORDS}{one}.json", json.dumps(inspection_json(view, location=location), ensure_ascii=False, indent=1))
        archive.add(f"{form.RECORDS}{one}.pdf", pdf, packed=False)  # it is packed inside
        yield out.take()
        yield from _photographs(view, photo_store, archive, out, done, missing, location=location)
        progress(number, len(contents.places))
    manifest = json.dumps({
        "format": form.FORMAT, "log": head.note.partition("\n")[0], "export": contents.export.id, "made_by": contents.export.exported_by,
        "made_at": contents.export.exported_at, "pestcheck": __version__, "filter": contents.export.filter, "location": location,
        "head": {"size": head.size, "root": head.root, "at": head.at}, "missing": missing, "files": archive.files,
    }, ensure_ascii=False, indent=1).encode()  # fmt: skip
    text = form.pack_text(head.note.partition("\n")[0], manifest, head.note)
    signature = signer.keys.private(key.id).sign(text.encode())
    archive.add(form.MANIFEST, manifest, listed=False)
    archive.add(form.SIGNATURE, form.note(text, head.note.partition("\n")[0], public_bytes(key.public_key), signature), listed=False)
    archive.zip.close()
    yield out.take()


def _printed(
    views: Iterable[InspectionView], photograph: Callable[[str], bytes], count: int, *, language: str, location: bool
) -> Iterator[tuple[InspectionView, bytes]]:
    """Each inspection with its PDF. To print takes the most time of all, so many are printed by processes, a few ahead of what is written."""
    how: dict[str, Any] = {"language": language, "location": location}
    if count < WORTH_IT:
        yield from ((view, inspection_pdf(view, photograph, **how)) for view in views)
        return
    workers = min(os.cpu_count() or 1, MOST_WORKERS)
    alone = isinstance(getattr(photograph, "__self__", None), PhotoStore)
    ahead: deque[tuple[InspectionView, Future[bytes]]] = deque()
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        try:
            for view in views:
                # The store can be taken along, so that its photographs need not; what else gives them gives small ones.
                take = (
                    photograph if alone else _Taken({item.view.sha256: _or_why(photograph, item.view.sha256) for item in view.photographs})
                )
                ahead.append((view, pool.submit(inspection_pdf, view, take, **how)))
                if len(ahead) > workers:
                    yield ahead[0][0], ahead.popleft()[1].result()
            while ahead:
                yield ahead[0][0], ahead.popleft()[1].result()
        except BrokenProcessPool as error:
            raise OSError("a process that prints was ended from outside; is there enough memory?") from error
        finally:
            for _, future in ahead:
                future.cancel()


def _or_why(photograph: Callable[[str], bytes], sha256: str) -> bytes | OSError:
    try:
        return photograph(sha256)
    except (OSError, ValueError) as error:
        return OSError(str(error))


class _Taken(dict[str, bytes | OSError]):
    """Photographs that were looked up before."""

    def __call__(self, sha256: str) -> bytes:
        if isinstance(found := self[sha256], OSError):
            raise found
        return found


def _events(contents: Contents) -> Iterator[dict[str, Any]]:
    for line in contents.lines():
        told: dict[str, Any] = {"seq": line.seq, "text": line.text, "proof": [step.hex() for step in line.proof]}
        if line.inspection_id:
            told["inspection"] = line.inspection_id
        if line.apart and contents.export.location:
            told["apart"] = line.apart
        yield told


def _photographs(
    view: InspectionView, photo_store: PhotoStore, archive: _Archive, out: _Out, done: set[str], missing: dict[str, str], *, location: bool
) -> Iterator[bytes]:
    for item in view.photographs:
        sha256 = item.photograph.sha256
        if sha256 in done:
            continue
        done.add(sha256)
        try:
            data = photo_store.get(sha256)
            if hashlib.sha256(data).hexdigest() != sha256:
                raise PhotoError("its file in the store was changed")
            suffix = SUFFIXES.get(item.photograph.media_type, ".bin")
            if location:
                archive.add(f"{form.PHOTOGRAPHS}{sha256}{suffix}", data, packed=False)
            else:
                copy = shared_copy(data)
                name = f"{form.PHOTOGRAPHS}{sha256}{SUFFIXES.get(copy.media_type, suffix)}"
                if copy.how == "unchanged":
                    archive.add(name, copy.data, packed=False)
                else:
                    archive.add(name, copy.data, packed=False, original=sha256, how=copy.how)
        except FileNotFoundError:
            missing[sha256] = "its file is gone from the store"
        except PhotoError as error:
            missing[sha256] = str(error)
        yield out.take()
