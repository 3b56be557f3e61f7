"""The use cases of an inspection: open, photograph, score, decide, answer, close. The only writer of the store.

Every id is made by the client; asking for the same thing again changes nothing. Every change is an event of the log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import PurePath
from typing import Any, TypeVar

from sqlalchemy import func
from sqlmodel import Session, SQLModel, col, select

from pestcheck import photo as photos
from pestcheck.ids import is_id, uuid7
from pestcheck.inspection import checklist
from pestcheck.inspection.identifiers import container_number
from pestcheck.store import events
from pestcheck.store.db import Database
from pestcheck.store.photos import PhotoStore
from pestcheck.store.tables import Answer, Finding, Inspection, Photograph, View
from pestcheck.taxonomy import LABELS
from pestcheck.vision.scan import Report

log = logging.getLogger(__name__)

MAX_TEXT = 2000
STATES = {"inspected": "Inspected", "not_inspected": "Not inspected", "not_applicable": "Not applicable"}
RESULTS = {"no_contamination": "No contamination seen", "contamination": "Contamination seen"}
DECISIONS = {"confirmed": "Confirmed", "corrected": "Corrected", "rejected": "Not a contaminant"}
CONTAMINANTS = {label.id: label.name for label in LABELS.values() if label.contaminant}
SYSTEM = "pestcheck"
"""The actor of what the program does by itself."""

Row = TypeVar("Row", bound=SQLModel)


class Refused(ValueError):
    """A request that cannot be met; the message says what is wrong and what to do. Nothing was changed."""


class NotFound(Refused):
    """The thing asked for is not there."""


@dataclass(frozen=True, slots=True)
class PhotographView:
    """A photograph at a point: its row, its original, and its findings in the model's order."""

    view: View
    photograph: Photograph
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class InspectionView:
    """All of one inspection, as of one moment."""

    inspection: Inspection
    template: checklist.Template
    answers: dict[str, Answer]
    photographs: tuple[PhotographView, ...]

    def at(self, area: str) -> tuple[PhotographView, ...]:
        """The photographs of one point."""
        return tuple(item for item in self.photographs if item.view.area == area)

    @property
    def next_area(self) -> str:
        """The first point without an answer; the last point when all have one."""
        return next((point.area for point in self.template.points if point.area not in self.answers), self.template.points[-1].area)

    def missing(self) -> list[str]:
        """What stands between this inspection and its close, a sentence each; empty when it may be closed."""
        lines = []
        for point in self.template.points:
            answer, here = self.answers.get(point.area), self.at(point.area)
            suggested = sum(finding.state == "suggested" for item in here for finding in item.findings)
            if answer is None:
                lines.append(f"{point.title}: no answer")
            elif contradiction := _contradiction(answer.state, answer.result, here):
                lines.append(f"{point.title}: {contradiction}")
            if any(item.view.state == "waiting" for item in here):
                lines.append(f"{point.title}: a photograph is still being checked")
            if suggested:
                lines.append(f"{point.title}: {suggested} finding{'s' * (suggested > 1)} to decide")
        return lines


class Records:
    """The use cases over one database and one folder of photographs. May be called from several threads."""

    def __init__(self, database: Database, photo_store: PhotoStore) -> None:
        self.database, self.photo_store = database, photo_store
        checklist.shipped()  # a broken template shows at the start, not at the first inspection
        self.on_photograph: Callable[[], None] = lambda: None
        """Called after a photograph was added, so that whoever scores need not poll."""

    # Reading

    def inspections(self, limit: int = 200) -> list[tuple[Inspection, int]]:
        """The newest inspections first, open and closed, each with the number of its findings that a person confirmed or corrected."""
        kept = (
            select(View.inspection_id, func.count().label("kept")).join(Finding)
            .where(col(Finding.state).in_(("confirmed", "corrected"))).group_by(View.inspection_id).subquery()
        )  # fmt: skip
        query = (
            select(Inspection, func.coalesce(kept.c.kept, 0)).outerjoin(kept, kept.c.inspection_id == Inspection.id)
            .order_by(col(Inspection.opened_at).desc(), col(Inspection.id).desc()).limit(limit)
        )  # fmt: skip
        with self.database.reading() as session:
            return [(inspection, int(count)) for inspection, count in session.exec(query)]

    def inspection(self, inspection_id: str) -> InspectionView:
        """One inspection with all that hangs on it.

        Raises:
            NotFound: there is none with this id.
        """
        with self.database.reading() as session:
            return _view(session, _get(session, Inspection, inspection_id))

    def every_inspection(self) -> list[InspectionView]:
        """All inspections, oldest first."""
        with self.database.reading() as session:
            return [_view(session, row) for row in session.exec(select(Inspection).order_by(Inspection.opened_at, Inspection.id))]

    # Writing

    def open(
        self, inspection_id: str, *, number: str, inspector: str, override_reason: str = "", template: str = "container_7_point"
    ) -> InspectionView:
        """Open an inspection of a container.

        A number with a wrong check digit, or of another form, is taken only with a reason, which is recorded.

        Raises:
            Refused: no inspector, an unknown template, or a questionable number without a reason.
        """
        if not is_id(inspection_id):
            raise Refused(f"{inspection_id[:60]!r} is not a UUID")
        inspector, reason, read = (
            _text(inspector, "inspector"),
            _text(override_reason, "reason"),
            container_number(_text(number, "container number")),
        )
        if not inspector:
            raise Refused("Give the inspector's name: the record must say who inspected.")
        if template not in checklist.templates():
            raise Refused(f"There is no template {template!r}; there are: {', '.join(checklist.templates())}.")
        if not read.text:
            raise Refused("Give the container number.")
        if read.problem and not reason:
            raise Refused(f"{read.problem[0].upper()}{read.problem[1:]}. If it is as written on the container, give a reason to go on.")
        row: dict[str, Any] = {
            "id": inspection_id, "container_number": read.text, "number_problem": read.problem,
            "override_reason": reason if read.problem else None, "template": template,
            "template_version": checklist.templates()[template].version, "inspector": inspector,
        }  # fmt: skip
        with self.database.writing() as session:
            known = session.get(Inspection, inspection_id)
            if known is None:
                events.append(session, "inspection_opened", row | {"opened_at": events.now()}, inspector)
            elif any(getattr(known, key) != value for key, value in row.items()):
                raise Refused("An inspection with this id is already open for something else.")
        return self.inspection(inspection_id)

    def photograph(self, inspection_id: str, area: str, data: bytes, *, name: str, actor: str, view_id: str | None = None) -> str:
        """Keep a photograph's original bytes and put it at a point of an inspection, to be scored.

        Returns:
            The id of the view; the same again for the same photograph at the same point.

        Raises:
            pestcheck.photo.PhotoError: the bytes are no readable photograph.
            Refused: the inspection is closed or has no such point.
            OSError: the disk is full or cannot be written; nothing is recorded.
        """
        if view_id is not None and not is_id(view_id):
            raise Refused(f"{view_id[:60]!r} is not a UUID")
        found, _ = photos.open_photo(data, photos.SHARPNESS_SIDE)
        self.photo_store.put(data)
        with self.database.writing() as session:
            inspection = _open(session, inspection_id)
            _point(inspection, area)
            same = session.exec(
                select(View).where(View.inspection_id == inspection_id, View.area == area, View.sha256 == found.sha256)
            ).first()
            if same:
                return same.id
            view = {
                "id": view_id or uuid7(), "inspection_id": inspection_id, "area": area, "sha256": found.sha256,
                "name": _text(PurePath(name.replace("\\", "/")).name, "file name")[-200:], "added_at": events.now(), "added_by": actor,
            }  # fmt: skip
            if session.get(View, view["id"]):
                raise Refused("A photograph with this id is already there.")
            events.append(session, "photograph_added", {"photograph": asdict(found), "view": view}, actor)
        self.on_photograph()
        return str(view["id"])

    def score_next(self, scan: Callable[[bytes], Report]) -> bool:
        """Score the photograph that has waited longest, and record its findings as suggestions.

        A photograph that cannot be scored, for whatever reason, is recorded as such: it must not hold up those behind it.
        A disk that cannot be read or written leaves it waiting.

        Returns:
            Whether there was one.

        Raises:
            OSError: the disk or the database cannot be read or written now.
        """
        with self.database.reading() as session:
            waiting = session.exec(select(View).where(View.state == "waiting").order_by(View.added_at, View.id)).first()
        if waiting is None:
            return False
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
        with self.database.writing() as session:
            if _get(session, View, waiting.id).state == "waiting":
                events.append(session, kind, payload, SYSTEM)
        return True

    def decide(self, finding_id: str, state: str, *, actor: str, label: str | None = None) -> None:
        """Record a person's decision on a finding, beside the suggestion. A later decision replaces an earlier one.

        Args:
            state: "confirmed", "corrected" (then ``label`` is the right one) or "rejected".

        Raises:
            Refused: an unknown decision or label, or the inspection is closed.
        """
        if state not in DECISIONS:
            raise Refused(f"A finding is confirmed, corrected or rejected, not {state!r}.")
        if state == "corrected" and label not in CONTAMINANTS:
            raise Refused("Choose what it is.")
        with self.database.writing() as session:
            finding = _get(session, Finding, finding_id)
            _open(session, _get(session, View, finding.view_id).inspection_id)
            decided = {"confirmed": finding.label, "corrected": label, "rejected": None}[state]
            if (finding.state, finding.decided_label) != (state, decided):
                payload = {
                    "finding_id": finding_id,
                    "state": state,
                    "decided_label": decided,
                    "decided_by": actor,
                    "decided_at": events.now(),
                }
                events.append(session, "finding_decided", payload, actor)

    def answer(self, inspection_id: str, area: str, *, state: str, result: str | None, note: str, actor: str) -> None:
        """Answer a point. A later answer replaces an earlier one; the log keeps both.

        Args:
            state: "inspected" (then ``result`` is needed), "not_inspected" or "not_applicable" (then ``note`` is needed).
            result: "no_contamination" or "contamination".

        Raises:
            Refused: an answer that is incomplete, or that contradicts a confirmed finding at the point.
        """
        note = _text(note, "note")
        if state not in STATES:
            raise Refused("Say whether the point was inspected.")
        if state == "inspected" and result not in RESULTS:
            raise Refused("Say what was seen: contamination or none.")
        if state != "inspected" and not note:
            raise Refused("Say in the note why the point was not inspected or does not apply.")
        row: dict[str, Any] = {
            "inspection_id": inspection_id, "area": area, "state": state,
            "result": result if state == "inspected" else None, "note": note, "answered_by": actor,
        }  # fmt: skip
        with self.database.writing() as session:
            inspection = _open(session, inspection_id)
            _point(inspection, area)
            if contradiction := _contradiction(row["state"], row["result"], _view(session, inspection).at(area)):
                raise Refused(f"This does not fit: {contradiction}.")
            known = session.get(Answer, (inspection_id, area))
            if known is None or any(getattr(known, key) != value for key, value in row.items()):
                events.append(session, "point_answered", row | {"answered_at": events.now()}, actor)

    def close(self, inspection_id: str, *, actor: str) -> None:
        """Close an inspection; nothing in it can be changed afterwards.

        Raises:
            Refused: something is missing; the message lists it.
        """
        with self.database.writing() as session:
            inspection = _get(session, Inspection, inspection_id)
            if inspection.closed_at:
                return
            if missing := _view(session, inspection).missing():
                raise Refused("Not closed. Still open: " + "; ".join(missing) + ".")
            events.append(
                session, "inspection_closed", {"inspection_id": inspection_id, "closed_at": events.now(), "closed_by": actor}, actor
            )


def _contradiction(state: str, result: str | None, here: tuple[PhotographView, ...]) -> str | None:
    kept = [finding for item in here for finding in item.findings if finding.state in ("confirmed", "corrected")]
    if kept and result != "contamination":
        return f"{len(kept)} finding{'s' * (len(kept) > 1)} confirmed, but the answer is {(RESULTS.get(result or '') or STATES[state]).lower()!r}"
    return None


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


def _view(session: Session, inspection: Inspection) -> InspectionView:
    rows = session.exec(
        select(View, Photograph).join(Photograph).where(View.inspection_id == inspection.id).order_by(View.added_at, View.id)
    ).all()
    findings: dict[str, list[Finding]] = {view.id: [] for view, _ in rows}
    for finding in session.exec(
        select(Finding).join(View).where(View.inspection_id == inspection.id).order_by(Finding.view_id, Finding.position)  # type: ignore[arg-type]
    ):
        findings[finding.view_id].append(finding)
    answers = session.exec(select(Answer).where(Answer.inspection_id == inspection.id))
    return InspectionView(
        inspection,
        checklist.template(inspection.template, inspection.template_version),
        {answer.area: answer for answer in answers},
        tuple(PhotographView(view, photograph, tuple(findings[view.id])) for view, photograph in rows),
    )


def _get(session: Session, table: type[Row], key: str) -> Row:
    row = session.get(table, key)
    if row is None:
        raise NotFound(f"There is no {table.__name__.lower()} {key[:60]!r}.")
    return row


def _open(session: Session, inspection_id: str) -> Inspection:
    inspection = _get(session, Inspection, inspection_id)
    if inspection.closed_at:
        raise Refused(
            f"The inspection of {inspection.container_number} was closed at {inspection.closed_at}; it cannot be changed any more."
        )
    return inspection


def _point(inspection: Inspection, area: str) -> None:
    template = checklist.template(inspection.template, inspection.template_version)
    if template.point(area) is None:
        raise Refused(f"The template {template.title!r} has no point {area[:60]!r}.")


def _text(value: str, what: str) -> str:
    text = " ".join(value.split()) if "\n" not in value else value.strip()
    if len(text) > MAX_TEXT:
        raise Refused(f"The {what} is too long: {len(text)} characters; the limit is {MAX_TEXT}.")
    if any(ord(c) < 32 and c not in "\n\t" for c in text) or any(0xD800 <= ord(c) <= 0xDFFF for c in text):
        raise Refused(f"The {what} has characters that cannot be written down.")
    return text
