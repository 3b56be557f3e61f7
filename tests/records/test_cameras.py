"""The camera of a photograph on record: by which model watches, and nothing that was signed changes by it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

from PIL import ExifTags, Image
from sqlalchemy import update
from sqlmodel import select

from pestcheck.records import Records
from pestcheck.store.tables import Event, Photograph
from pestcheck.store.verify import verify
from pestcheck.vision.scan import Report
from tests.pictures import scenes
from tests.records.conftest import ANA, CLEAN, opened, photographed


def taken_with(model: str) -> bytes:
    """A photograph of a wall by a camera."""
    block = Image.Exif()
    block[ExifTags.Base.Model] = model
    file = io.BytesIO()
    Image.open(io.BytesIO(scenes.jpeg(scenes.wall(800, 600, seed=5)))).save(file, "JPEG", exif=block)
    return file.getvalue()


def test_watching_by_camera(records: Records, scan: Callable[[bytes], Report]) -> None:
    key = opened(records)
    photographed(records, key, scan, taken_with("Pixel 8"))
    photographed(records, key, scan, CLEAN)
    assert {one.key: one.photographs for one in records.watch().groups["camera"]} == {"Pixel 8": 1, "": 1}
    assert verify(records.database, records.photo_store).problems == ()


def test_the_camera_is_kept_apart_from_what_is_handed_on(records: Records) -> None:
    key = opened(records)
    records.photograph(key, "floor", taken_with("Pixel 8"), name="a.jpg", actor=ANA)
    with records.database.reading() as session:
        bodies = list(session.exec(select(Event.body).where(Event.kind == "photograph_added")))
        apart = list(session.exec(select(Event.apart).where(Event.kind == "photograph_added")))
    assert "Pixel" not in bodies[0]
    assert json.loads(apart[0] or "")["payload"] == {"photograph": {"camera": "Pixel 8"}}


def test_signatures_of_before_cameras_were_kept_are_still_valid(records: Records) -> None:
    """What a signature is set under does not change by a column that came later."""
    key = opened(records)
    records.photograph(key, "floor", taken_with("Pixel 8"), name="a.jpg", actor=ANA)
    records.sign(key, printed_name=ANA, meaning="inspected", actor=ANA)
    with records.database.writing() as session:
        session.execute(update(Photograph).values(camera=None, picture=None))
    assert len(records.inspection(key).valid_signatures) == 1
