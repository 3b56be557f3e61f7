"""Use cases of photographs: keep them, and have the model look at them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import PurePath
from typing import Any

from sqlmodel import col, select

from pestcheck import photo as photos
from pestcheck.addons.species import Hint
from pestcheck.export.verify_pack import picture_hash
from pestcheck.ids import uuid7
from pestcheck.records.common import SYSTEM, NotFound, Refused, UseCases, change, get, new_id, text
from pestcheck.records.view import PhotographView, read_photograph
from pestcheck.store import events
from pestcheck.store.tables import Action, Finding, Inspection, Photograph, View
from pestcheck.vision.scan import Report

log = logging.getLogger(__name__)

MOST_SERVERS = 100
"""That score photographs of one database at the same time."""


class Photographs(UseCases):
    """See the module."""

    def photograph_in(self, inspection_id: str, view_id: str) -> PhotographView:
        """One photograph of an inspection: quick, since tablets ask again and again until the model has looked at it.

        Raises:
            NotFound: there is no such inspection, or no such photograph in it.
        """
        with self.database.reading() as session:
            get(session, Inspection, inspection_id)
            view = session.get(View, view_id)
            if view is None or view.inspection_id != inspection_id:
                raise NotFound(f"There is no photograph {view_id[:60]!r} in this inspection.")
            return read_photograph(session, view)

    def photograph(
        self, inspection_id: str, area: str, data: bytes, *, name: str, actor: str, view_id: str | None = None,
        after: str | None = None, amends: str = "",
    ) -> str:  # fmt: skip
        """Keep a photograph's original bytes and put it at a point of an inspection, to be scored.

        Args:
            after: the action (``findings.treat``) whose result it shows.

        Returns:
            The id of the view; the same again for the same photograph at the same point.

        Raises:
            pestcheck.photo.PhotoError: the bytes are no readable photograph.
            Refused: the inspection is closed and no reason to amend it given, or it has no such point, or the action was at another one.
            OSError: the disk is full or cannot be written; nothing is recorded.
        """
        key = new_id(view_id)
        found, _ = photos.open_photo(data, photos.SHARPNESS_SIDE)
        self.photo_store.put(data)
        with self.database.writing() as session:
            inspection = get(session, Inspection, inspection_id)
            self.check_area(inspection, area)
            if after is not None:
                treated = get(session, View, get(session, Finding, get(session, Action, after).finding_id).view_id)
                if (treated.inspection_id, treated.area) != (inspection_id, area):
                    raise Refused("What was cleaned is at another point; put the photograph there.")
            same = session.exec(
                select(View).where(View.inspection_id == inspection_id, View.area == area, View.sha256 == found.sha256)
            ).first()
            if same:
                return same.id
            if session.get(View, key):
                raise Refused("A photograph with this id is already there.")
            view = {
                "id": key, "inspection_id": inspection_id, "area": area, "sha256": found.sha256, "action_id": after,
                "name": text(PurePath(name.replace("\\", "/")).name, "file name")[-200:], "added_at": events.now(), "added_by": actor,
            }  # fmt: skip
            photograph = asdict(found) | {"picture": picture_hash(data)}
            change(session, inspection, "photograph_added", {"photograph": photograph, "view": view}, actor, amends=amends)
        self.on_photograph()
        return key

    def kept(self) -> frozenset[str]:
        """The hashes of all photographs on record."""
        with self.database.reading() as session:
            return frozenset(session.exec(select(Photograph.sha256)))

    def last_scored(self, count: int) -> list[View]:
        """The photographs at their points that were taken up last and looked at, the newest first."""
        query = select(View).where(View.state == "scored").order_by(col(View.added_at).desc(), col(View.id).desc()).limit(count)
        with self.database.reading() as session:
            return list(session.exec(query))

    def photograph_of(self, sha256: str) -> Photograph:
        """What is known of a photograph by its hash.

        Raises:
            NotFound: there is no such photograph, or none at a site that they see.
        """
        with self.database.reading() as session:
            return get(session, Photograph, sha256)

    def every_photograph(self) -> Iterator[View]:
        """All photographs at points of inspections, without holding them all in memory."""
        with self.database.reading() as session:
            yield from session.exec(select(View).order_by(View.id).execution_options(yield_per=1000))

    def score_next(self, scan: Callable[[bytes], Report]) -> bool:
        """Score the photograph that has waited longest and that no other server has in hand, and record its findings as suggestions.

        A photograph that cannot be scored, for whatever reason, is recorded as such: it must not hold up those behind it.
        A disk that cannot be read or written leaves it waiting.

        Returns:
            Whether there was one.

        Raises:
            OSError: the disk or the database cannot be read or written now.
        """
        with self.database.reading() as session:
            oldest = select(View.id).where(View.state == "waiting").order_by(View.added_at, View.id).limit(MOST_SERVERS)
            keys = session.exec(oldest).all()
        with self.database.claimed(keys) as key:
            if key is None:
                return False
            with self.database.reading() as session:
                waiting = session.exec(select(View).where(View.id == key, View.state == "waiting")).first()
            if waiting is not None:  # else another server was done with it just then
                self._score(waiting, scan)
        return True

    def _score(self, waiting: View, scan: Callable[[bytes], Report]) -> None:
        payload: dict[str, Any]
        hints: list[tuple[str, Hint]] = []
        try:
            report = scan(self.photo_store.get(waiting.sha256))
        except FileNotFoundError:
            kind, payload = "photograph_not_scored", {"view_id": waiting.id, "error": "its file is gone from the store"}
        except OSError:
            raise
        except Exception as error:
            log.exception("photograph %s cannot be scored", waiting.sha256)
            kind, payload = "photograph_not_scored", {"view_id": waiting.id, "error": str(error) or type(error).__name__}
        else:
            kind, payload = "photograph_scored", _scored(waiting.id, report)
            hints = [(finding["id"], hint) for finding, hint in zip(payload["findings"], report.hints, strict=False) if hint]
        with self.database.writing() as session:
            view = session.get(View, waiting.id)
            if view and view.state == "waiting":  # else it was scored elsewhere, or purged
                events.append(session, kind, payload, SYSTEM, view.inspection_id)
                for key, hint in hints:
                    told = {"finding_id": key, **asdict(hint), "hinted_at": events.now()}
                    events.append(session, "finding_hinted", told, SYSTEM, view.inspection_id)


def _scored(view_id: str, report: Report) -> dict[str, Any]:
    findings = [
        {
            "id": uuid7(), "label": f.label, "group": f.group, "probability": f.probability,
            "candidates": [list(candidate) for candidate in f.candidates], "box": list(f.box), "reason": f.reason,
        }
        for f in report.findings
    ]  # fmt: skip
    values = {
        "verdict": report.verdict.value, "score": report.score, "problems": list(report.quality.problems),
        "model": report.model, "thresholds": report.thresholds, "seconds": round(report.seconds, 3),
    }  # fmt: skip
    return {"view_id": view_id, "report": values, "findings": findings}
