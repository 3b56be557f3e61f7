"""Use cases of an inspection as a whole: open, details, answers, signatures, close."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import func, tuple_
from sqlmodel import Session, col, select

from pestcheck.ids import is_id
from pestcheck.inspection.checklist import NoTemplate, Point, Template
from pestcheck.inspection.guidance import Stage
from pestcheck.inspection.identifiers import container_number, scac, size_type
from pestcheck.records import draws, training
from pestcheck.records.common import (
    Refused,
    UseCases,
    at_their_sites,
    change,
    get,
    moment,
    new_id,
    not_stale,
    one_of,
    sees,
    text,
    unchanged,
)
from pestcheck.records.pages import read_page
from pestcheck.records.registers import Register
from pestcheck.records.view import DISPOSITIONS, RESULTS, STATES, InspectionView, read
from pestcheck.store import events
from pestcheck.store.tables import KEPT, Answer, CheckAnswer, Finding, Inspection, Signature, View

log = logging.getLogger(__name__)

SELECTIONS = {"routine": "Routine", "targeted": "Targeted", "random": "Random"}
"""Why this conveyance was inspected. Rates of contamination mean nothing without it."""
MEANINGS = {
    "inspected": "I inspected it, and this is what I saw",
    "supervised": "I supervised the inspection",
    "received": "I received this record",
}
"""What a signature says (after 21 CFR 11.50, which asks for name, time and meaning)."""
VIEWS = 100
"""Whole inspections in memory at a time."""
CHOICES = {"stage": [*Stage], "selection": [*SELECTIONS], "disposition": [*DISPOSITIONS]}
"""Details that are one of few."""
DETAILS = (*CHOICES, "carrier_scac", "size_type", "site", "shipment", "origin", "destination", "procedure", "supervisor")


class Inspections(UseCases):
    """See the module."""

    def inspections(
        self, limit: int = 200, *, after: str | None = None, closed: bool | None = None, number: str = "", inspector: str = "",
        site: str | None = None, sites: Iterable[str] | None = None,
    ) -> list[tuple[Inspection, int]]:  # fmt: skip
        """The newest inspections first, each with the number of its findings that a person says are there.

        Args:
            after: the id of the last one of the page before. closed: only closed, or only open ones. number: part of the container's number.
            site: only of this one, "" for those without. sites: only of these.

        Raises:
            NotFound: there is no inspection ``after``.
        """
        kept = (
            select(func.count()).select_from(Finding).join(View)
            .where(col(View.inspection_id) == Inspection.id, col(Finding.state).in_(KEPT)).scalar_subquery()
        )  # fmt: skip
        query = select(Inspection, kept).order_by(col(Inspection.opened_at).desc(), col(Inspection.id).desc()).limit(limit)
        if closed is not None:
            query = query.where(col(Inspection.closed_at).is_not(None) if closed else col(Inspection.closed_at).is_(None))
        if key := "".join(text(number, "number").upper().split()):
            written = func.replace(func.upper(col(Inspection.container_number)), " ", "")
            query = query.where(written.contains(key, autoescape=True))
        if inspector:
            query = query.where(Inspection.inspector == text(inspector, "inspector"))
        for only in ([site] if site is not None else None, sites):
            if only is not None:
                query = query.where(func.coalesce(Inspection.site, "").in_([*only]))
        with self.database.reading() as session:
            query = query.where(at_their_sites(session, Inspection.id))
            if after is not None:
                last = get(session, Inspection, after)
                query = query.where(tuple_(Inspection.opened_at, Inspection.id) < tuple_(last.opened_at, last.id))
            return [(inspection, int(count)) for inspection, count in session.exec(query)]

    def inspection(self, inspection_id: str) -> InspectionView:
        """One inspection with all that hangs on it.

        Raises:
            NotFound: there is none with this id.
        """
        with self.database.reading() as session:
            return self._view(session, get(session, Inspection, inspection_id))

    def sites(self) -> dict[str, str | None]:
        """The site of every inspection, by id."""
        with self.database.reading() as session:
            return dict(session.exec(select(Inspection.id, Inspection.site)).all())

    def views(self, register: Register) -> Iterator[InspectionView]:
        """All inspections of a register, the oldest first, a page in memory at a time."""
        session = register.session
        for page in register.pages(VIEWS):
            yield from read_page(session, page, lambda row: self._template(session, row))
            session.expunge_all()

    def open(
        self, inspection_id: str, *, number: str, inspector: str, override_reason: str = "", template: str = "container_7_point",
        device_time: str | datetime | None = None, time_zone: str = "", **details: str,
    ) -> InspectionView:  # fmt: skip
        """Open an inspection of a conveyance.

        A container number with a wrong check digit, or of another form, is taken only with a reason, which is recorded. Other conveyances
        and sites have numbers or names of any form.

        Args:
            template: its id, for its newest version, or ``id@version``.
            device_time: the tablet's clock, ISO 8601 with time zone; kept beside the server's. time_zone: of the yard, as "America/Mexico_City".
            details: as ``set_details`` takes them.

        Raises:
            Refused: no inspector, an unknown template, a questionable number without a reason, or a detail that makes no sense.
        """
        if not is_id(inspection_id):
            raise Refused(f"{inspection_id[:60]!r} is not a UUID.")
        inspector = text(inspector, "inspector", needed="Give the inspector's name: the record must say who inspected.")
        made_with = self._named(template)
        typed = text(number, "number", needed="Give the container number.")
        reason, read_as = text(override_reason, "reason"), container_number(typed)
        shown, problem = (read_as.text, read_as.problem) if made_with.inspects == "container" else (typed, None)
        if not shown:
            raise Refused("Give the container number.")
        if problem and not reason:
            raise Refused(f"{problem[0].upper()}{problem[1:]}. If it is as written on the container, give a reason to go on.")
        row: dict[str, Any] = {
            "id": inspection_id, "container_number": shown, "number_problem": problem, "override_reason": reason if problem else None,
            "template": made_with.id, "template_version": made_with.version, "inspector": inspector,
            "device_time": moment(device_time, "tablet's time"), "time_zone": text(time_zone, "time zone") or None,
            **_details(details),
        }  # fmt: skip
        with self.database.writing() as session:
            if site := _their_site(session, row.get("site")):
                row["site"] = site
            known = session.get(Inspection, inspection_id)
            if known is None:
                at = events.now()
                row |= {"opened_at": at, "trained": training.trained(session, inspector, at)}
                events.append(session, "inspection_opened", row, inspector, inspection_id)
                draws.used(session, inspection_id, shown, row.get("site"), row.get("selection"), inspector, at)
            elif not unchanged(known, row):
                raise Refused("An inspection with this id is already open for something else.")
        return self.inspection(inspection_id)

    def _named(self, template: str) -> Any:
        name, _, version = template.partition("@")
        newest = self.catalogue.newest()
        try:
            return self.catalogue.template(name, int(version)) if version.isascii() and version.isdigit() else newest[template]
        except (NoTemplate, KeyError) as error:
            raise Refused(f"There is no template {template[:60]!r}; there are: {', '.join(newest)}.") from error

    def set_details(self, inspection_id: str, *, actor: str, seen: int | None = None, amends: str = "", **details: str) -> None:
        """Say more of an inspection, or something else; the log keeps what was said before.

        Args:
            details: any of DETAILS, ``stage`` (a ``Stage``), ``selection`` (of SELECTIONS), ``disposition`` (of DISPOSITIONS) and ``carrier_scac``;
                "" takes one back.

        Raises:
            Refused: an unknown detail, or one that makes no sense. Conflict: see ``common.not_stale``.
        """
        row = _details(details)
        with self.database.writing() as session:
            inspection = get(session, Inspection, inspection_id)
            if "site" in row:
                row["site"] = _their_site(session, row["site"])
            if unchanged(inspection, row):
                return
            version = not_stale(inspection, seen, "What is said of this inspection")
            payload = {"inspection_id": inspection_id, **row, "version": version}
            change(session, inspection, "details_changed", payload, actor, amends=amends, before=inspection)

    def answer(
        self,
        inspection_id: str,
        area: str,
        *,
        state: str,
        result: str | None,
        note: str,
        actor: str,
        seen: int | None = None,
        amends: str = "",
    ) -> None:
        """Answer a point. A later answer replaces an earlier one; the log keeps both.

        Args:
            state: "inspected" (then ``result`` is needed), "not_inspected" or "not_applicable" (then ``note`` is needed).
            result: "no_contamination" or "contamination".
            seen, amends: see ``common.not_stale`` and ``common.change``.

        Raises:
            Refused: an answer that is incomplete, or that contradicts a confirmed finding or a question at the point.
            Conflict: somebody else answered it since.
        """
        note = text(note, "note")
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
            inspection = get(session, Inspection, inspection_id)
            self.check_area(inspection, area)
            known = session.get(Answer, (inspection_id, area))
            if unchanged(known, row):
                return
            version = not_stale(known, seen, "The answer to this point", "answered_by", "answered_at")
            for contradiction in self._view(session, inspection, area).contradictions(Answer(**row, answered_at="")):
                raise Refused(f"This does not fit: {contradiction}.")
            payload = row | {"answered_at": events.now(), "version": version}
            change(session, inspection, "point_answered", payload, actor, amends=amends, before=known)

    def check(
        self, inspection_id: str, area: str, check_id: str, answer: str, *, actor: str, seen: int | None = None, amends: str = ""
    ) -> None:
        """Answer a question of a point. A later answer replaces an earlier one; "" takes it back.

        Raises:
            Refused: there is no such question, or the text is no answer to it.
            Conflict: somebody else answered it since.
        """
        given = text(answer, "answer")
        row = {"inspection_id": inspection_id, "area": area, "check_id": check_id, "answer": given, "answered_by": actor}
        with self.database.writing() as session:
            inspection = get(session, Inspection, inspection_id)
            self.check_area(inspection, area)
            template = self.template(inspection)
            point = template.point(area)
            assert point is not None
            shared = (*template.if_not_in_order, *template.if_contamination)
            asked = [*point.all_checks(), *(one for first in shared for one in first.all())]
            question = next((one for one in asked if one.id == check_id), None)
            if question is None:
                raise Refused(f"The point {point.title!r} has no question {check_id[:60]!r}.")
            if given and not question.accepts(given):
                wanted = f"one of: {', '.join(question.answers)}" if question.answers else f"a {question.answer.value}"
                raise Refused(f"{given[:60]!r} is no answer to: {question.ask} It must be {wanted}.")
            known = session.get(CheckAnswer, (inspection_id, area, check_id))
            if unchanged(known, row):
                return
            version = not_stale(known, seen, "The answer to this question", "answered_by", "answered_at")
            payload = row | {"answered_at": events.now(), "version": version}
            change(session, inspection, "check_answered", payload, actor, amends=amends, before=known)

    def sign(self, inspection_id: str, *, printed_name: str, meaning: str, actor: str, signature_id: str | None = None) -> None:
        """Sign the record as it is now. Also a closed one may be signed, by its supervisor or by who receives it.

        Raises:
            Refused: no name, or an unknown meaning.
        """
        with self.database.writing() as session:
            self._sign(session, get(session, Inspection, inspection_id), printed_name, meaning, actor, signature_id)

    def _sign(
        self, session: Session, inspection: Inspection, printed_name: str, meaning: str, actor: str, signature_id: str | None = None
    ) -> None:
        key = new_id(signature_id)
        name = text(printed_name, "printed name", needed="Print the name of who signs.")
        one_of(meaning, MEANINGS, "meaning of the signature")
        row = {"id": key, "inspection_id": inspection.id, "printed_name": name, "meaning": meaning, "signed_by": actor}
        if known := session.get(Signature, key):
            if not unchanged(known, row):
                raise Refused("A signature with this id is already there.")
            return
        row |= {"content": self._view(session, inspection).content, "signed_at": events.now()}
        events.append(session, "signed", row, actor, inspection.id)

    def close(self, inspection_id: str, *, actor: str, disposition: str | None = None, printed_name: str = "") -> None:
        """Close an inspection, which signs it as inspected. Afterwards it can only be amended.

        Args:
            disposition: what becomes of the conveyance, of DISPOSITIONS; None: accepted, if there was no contamination.
            printed_name: of who signs; "": the inspector's.

        Raises:
            Refused: something is missing, and the message lists it; or the disposition is milder than that of a finding.
        """
        with self.database.writing() as session:
            inspection = get(session, Inspection, inspection_id)
            if inspection.closed_at:
                return
            view = self._view(session, inspection)
            missing = view.missing()
            if disposition is None and view.contaminated:
                missing.append("what becomes of the conveyance, since there was contamination")
            if missing:
                raise Refused("Not closed. Still open: " + "; ".join(missing) + ".")
            disposition = one_of(disposition or "accept", DISPOSITIONS, "disposition")
            order = [*DISPOSITIONS]
            if order.index(disposition) < order.index(view.least_disposition):
                raise Refused(
                    f"The conveyance cannot be set to {DISPOSITIONS[disposition].lower()!r} while a finding is at "
                    f"{DISPOSITIONS[view.least_disposition].lower()!r}. Say what became of the finding first."
                )
            said = {"inspection_id": inspection_id, "disposition": disposition}
            events.append(session, "details_changed", said, actor, inspection_id)
            self._sign(session, inspection, printed_name or inspection.inspector, "inspected", actor)
            end = {"inspection_id": inspection_id, "closed_at": events.now(), "closed_by": actor}
            events.append(session, "inspection_closed", end, actor, inspection_id)

    def _view(self, session: Session, inspection: Inspection, area: str | None = None) -> InspectionView:
        return read(session, inspection, self._template(session, inspection), area)

    def _template(self, session: Session, inspection: Inspection) -> Template:
        try:
            return self.template(inspection)
        except Refused as error:
            log.warning("%s", error)
            return _without_its_file(session, inspection)


def _their_site(session: Session, site: str | None) -> str | None:
    """The site of an inspection: one of those that they see, which need not be said where it is the only one.

    Raises:
        Refused: another one, or none where there are several.
    """
    if sees(session, site):
        return site
    sites: frozenset[str] = session.info["sites"]
    if site is None and len(sites) == 1:
        return next(iter(sites))
    raise Refused(f"Choose the site, one of yours: {', '.join(sorted(sites))}.")


def _without_its_file(session: Session, inspection: Inspection) -> Template:
    """What an inspection tells of its template: its points have no words any more, but what was answered there can still be read."""
    answered = session.exec(select(Answer.area).where(Answer.inspection_id == inspection.id))
    areas = sorted({*answered, *session.exec(select(View.area).where(View.inspection_id == inspection.id))}) or ["unknown"]
    points = tuple(Point(area=area, title=area.replace("_", " ").capitalize(), look="The template's file is missing.") for area in areas)
    return Template(
        id=inspection.template, version=inspection.template_version, title=f"{inspection.template} (its file is missing)", source="none",
        points=points,
    )  # fmt: skip


def _details(details: dict[str, str]) -> dict[str, str | None]:
    """
    Raises:
        Refused: a detail that there is not, or that makes no sense.
    """
    row: dict[str, str | None] = {}
    for name, value in details.items():
        if name not in DETAILS:
            raise Refused(f"An inspection has no detail {name!r}; there are: {', '.join(DETAILS)}.")
        plain = text(value, name.replace("_", " "))
        if plain and name in CHOICES:
            one_of(plain, CHOICES[name], name)
        elif plain and name == "carrier_scac":
            read_as = scac(plain)
            if read_as.problem:
                raise Refused(f"{plain[:20]!r} is no SCAC: {read_as.problem}.")
            plain = read_as.text
        elif plain and name == "size_type":
            plain = size_type(plain).text
        row[name] = plain or None
    return row
