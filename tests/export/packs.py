"""A store with whole inspections, packs of it, and how to tamper with them."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image

from pestcheck.export import pack, verify_pack
from pestcheck.ids import uuid7
from pestcheck.inspection.seals import QUESTIONS
from pestcheck.records import Filter, Records
from pestcheck.store import open_folder
from pestcheck.store.heads import Heads, current_key
from pestcheck.store.keys import KeyFolder
from pestcheck.vision.scan import Report
from tests.pictures import scenes

ANA = "Ana Pérez 🐌"
TIMES = b"""leg,what,time,latitude,longitude
1,departed,2026-11-24T06:10:00-06:00,,
1,position,2026-11-24T07:00:00-06:00,25.6866,-100.3161
"""
Files = dict[str, bytes]


def photograph(seed: int, *, gps: bool = True, size: tuple[int, int] = (640, 480)) -> bytes:
    """A JPEG that says where and with what it was taken."""
    block = Image.Exif()
    block.update({ExifTags.Base.Make: "Tablet", ExifTags.Base.Orientation: 1})
    if gps:
        block.get_ifd(ExifTags.IFD.GPSInfo).update({
            ExifTags.GPS.GPSLatitudeRef: "N", ExifTags.GPS.GPSLatitude: (25.0, 41.0, 11.76),
            ExifTags.GPS.GPSLongitudeRef: "W", ExifTags.GPS.GPSLongitude: (100.0, 18.0, 57.96),
        })  # fmt: skip
    file = io.BytesIO()
    scenes.wall(*size, seed=seed).save(file, "JPEG", quality=90, exif=block)
    return file.getvalue()


class Store:
    """Records, keys and heads in a folder."""

    def __init__(self, folder: Path, url: str | None = None) -> None:
        self.folder = folder
        database, photo_store = open_folder(folder, url or f"sqlite:///{folder / 'a.sqlite3'}")
        self.records = Records(database, photo_store)
        self.database, self.photo_store = database, photo_store
        self.heads = Heads(database, KeyFolder(folder / "keys"))

    def pack(self, filter: Filter | None = None, **how: Any) -> bytes:
        """A pack."""
        with self.records.pack(filter or Filter(), self.heads, actor="Aldo", **how) as contents:
            return b"".join(pack.write(contents, self.photo_store, self.heads))

    def inspect(self, seed: int, report: Report | None = None, *, whole: bool = False, site: str = "Yard 1") -> str:
        """A closed inspection; or, ``whole``, one with something of everything, amended."""
        records, key = self.records, uuid7()
        records.open(key, number="CSQU3054383", inspector=ANA, template="container_7_point@1", site=site)
        view = records.photograph(key, "floor", photograph(seed), name=f"{seed}.jpg", actor=ANA)
        if whole:
            found = records.missed(view, "soil", actor=ANA, box=(1, 2, 30, 40), extent="a handful")
            records.dispose(found, "clean_and_recheck", actor=ANA)
            action = records.treat(found, method="swept", done_by="Bo", actor=ANA)
            records.photograph(key, "floor", photograph(seed + 1000), name="after.jpg", actor=ANA, after=action)
            records.reinspect(action, clean=True, actor=ANA)
            records.wood_packaging(key, "floor", mark="US-12345 HT", actor=ANA)
            records.seal("affixed", "AB123456", actor=ANA, inspection_id=key)
            records.check_seal(key, dict.fromkeys(QUESTIONS, ("yes", "")), number="AB123456", actor=ANA)
            records.notify(key, who="Supervisor", channel="telephone", actor=ANA)
            site_, carrier = (records.party(name, "highway_carrier", actor=ANA) for name in ("Uno", "Dos"))
            records.leg(key, 0, tendered_by=site_, received_by=carrier, origin="Monterrey", destination="Laredo", actor=ANA)
            records.import_times(key, TIMES, actor="Dispatch")
        else:
            records.photograph(key, "doors", photograph(seed + 2000, gps=False), name="d.jpg", actor=ANA)

        def scan(_: bytes) -> Report:
            if report is None:
                raise ValueError("no model here")
            return report

        while records.score_next(scan):
            pass
        for item in records.inspection(key).photographs:
            for finding in item.findings:
                if finding.state == "suggested":
                    records.decide(finding.id, "rejected", actor=ANA)
        for point in records.inspection(key).template.points:
            said = "contamination" if records.inspection(key).kept(point.area) else "no_contamination"
            records.answer(key, point.area, state="inspected", result=said, note="", actor=ANA)
        records.close(key, actor=ANA, disposition="accept")
        if whole:
            records.answer(key, "doors", state="not_applicable", result=None, note="no doors", actor="Cleo", amends="typed wrong")
            records.sign(key, printed_name="Cleo", meaning="received", actor="Cleo")
        return key


def files(data: bytes) -> Files:
    """The files of a pack."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(of: Files) -> bytes:
    """A ZIP of files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in of.items():
            archive.writestr(name, data)
    return out.getvalue()


def fitted(of: Files, store: Store | None = None) -> Files:
    """With the manifest edited to fit; of somebody who has the key (``store``) also signed."""
    manifest = json.loads(of["manifest.json"])
    old = manifest["files"]
    manifest["files"] = {
        name: old.get(name, {}) | {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in of.items()
        if not name.startswith("manifest")
    }
    of = of | {"manifest.json": json.dumps(manifest).encode()}
    if store:
        text = verify_pack.pack_text(name_of(of), of["manifest.json"], of["head.txt"].decode())
        of["manifest.sig"] = signed(text, store, name_of(of)).encode()
    return of


def name_of(of: Files) -> str:
    return of["head.txt"].decode().partition("\n")[0]


def signed(text: str, store: Store, name: str) -> str:
    """Signed with a store's key."""
    with store.database.reading() as session:
        key = current_key(session)
    assert key is not None
    return verify_pack.note(text, name, base64.b64decode(key.public_key), store.heads.keys.private(key.id).sign(text.encode()))


def lines(of: Files, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Files:
    """With other lines in the log's part."""
    told = [json.loads(line) for line in of["events.jsonl"].splitlines()]
    return of | {"events.jsonl": b"".join(json.dumps(one, ensure_ascii=False).encode() + b"\n" for one in change(told))}


def problems(data: bytes, folder: Path, **how: Any) -> list[tuple[str, str]]:
    """What the check finds."""
    path = folder / f"{uuid7()}.zip"
    path.write_bytes(data)
    return verify_pack.check(path, **how).problems
