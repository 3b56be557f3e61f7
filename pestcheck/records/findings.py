"""Use cases of findings: decide, name what the model missed, what was done about it, who was told, what becomes of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from pestcheck.inspection.guidance import Condition, Guidance, ManifestedCargo, Role, Stage, guidance, rules
from pestcheck.records.common import Refused, UseCases, change, get, moment, new_id, not_stale, one_of, text, unchanged
from pestcheck.records.view import CONTAMINANTS, DECISIONS, DISPOSITIONS
from pestcheck.store import events
from pestcheck.store.tables import KEPT, Action, Finding, Inspection, Notification, Photograph, View

CONDITIONS = {"alive": "Alive or fresh", "dead": "Dead or dry", "unknown": "Cannot tell"}
LIFE_STAGES = {
    "egg": "Egg or egg mass", "larva": "Larva or nymph", "pupa": "Pupa", "adult": "Adult", "cast_skin": "Cast skin", "seed": "Seed",
    "plant": "Plant", "unknown": "Unknown",
}  # fmt: skip
METHODS = {
    "swept": "Swept", "vacuumed": "Vacuumed", "washed": "Washed", "scraped": "Scraped off", "removed": "Removed by hand",
    "treated": "Treated by a specialist", "other": "Other",
}  # fmt: skip
CHANNELS = {"telephone": "Telephone", "email": "E-mail", "in_person": "In person", "system": "Another system", "other": "Other"}
MOST = 1_000_000


class Findings(UseCases):
    """See the module."""

    def decide(
        self, finding_id: str, state: str, *, actor: str, label: str | None = None, condition: str = "unknown", life_stage: str | None = None,
        count: int | None = None, extent: str = "", note: str = "", cargo: str = "", cargo_reason: str = "", seen: int | None = None,
        amends: str = "",
    ) -> None:  # fmt: skip
        """Record a person's decision on a finding, beside the suggestion. A later decision replaces an earlier one; the log keeps both.

        Args:
            state: "confirmed", "corrected" (then ``label`` is the right one) or "rejected"; "suggested" takes a decision back.
            condition: alive, dead or unknown. life_stage: of LIFE_STAGES. count: of animals or seeds. extent: how much, in words.
            cargo: the manifested cargo that it is, as grain in a load of grain, which is no contamination; then ``cargo_reason`` says why.

        Raises:
            Refused: an unknown decision, label or detail, or the inspection is closed. Conflict: somebody else decided since.
        """
        if state not in (*DECISIONS, "suggested"):
            raise Refused(f"A finding is confirmed, corrected or rejected, not {state!r}.")
        if state == "corrected" and label not in CONTAMINANTS:
            raise Refused("Choose what it is.")
        with self.database.writing() as session:
            finding, inspection = self._finding(session, finding_id)
            if finding.label is None:
                raise Refused(
                    "The model did not suggest this finding; name it again, or say that it is not a contaminant, with the name it has."
                )
            decided = {"confirmed": finding.label, "corrected": label}.get(state)
            row = {"state": state, "decided_label": decided} | _said(
                inspection, decided, condition, life_stage, count, extent, note, cargo, cargo_reason
            )
            if unchanged(finding, row):
                return
            version = not_stale(finding, seen, "The decision on this finding", "decided_by", "decided_at")
            payload = {"finding_id": finding_id, **row, "decided_by": actor, "decided_at": events.now(), "version": version}
            change(session, inspection, "finding_decided", payload, actor, amends=amends, before=finding)

    def missed(
        self, view_id: str, label: str, *, actor: str, box: tuple[int, int, int, int] | None = None, finding_id: str | None = None,
        condition: str = "unknown", life_stage: str | None = None, count: int | None = None, extent: str = "", note: str = "",
        cargo: str = "", cargo_reason: str = "", withdrawn: bool = False, amends: str = "",
    ) -> str:  # fmt: skip
        """Record what a person sees on a photograph and the model did not find: without it nobody knows how much the model misses.

        Args:
            box: where, x0, y0, x1, y1 in pixels of the upright photograph; None: not drawn. The rest: see ``decide``.
            finding_id: made by the client; that of an earlier one to change it. withdrawn: it was a mistake; the record keeps it as rejected.

        Returns:
            The id of the finding.

        Raises:
            Refused: an unknown label or detail, a box outside the photograph, or the inspection is closed.
        """
        key = new_id(finding_id)
        if label not in CONTAMINANTS:
            raise Refused("Choose what it is.")
        with self.database.writing() as session:
            view = get(session, View, view_id)
            inspection = get(session, Inspection, view.inspection_id)
            photograph = get(session, Photograph, view.sha256)
            if box is not None:
                x0, y0, x1, y1 = box
                if not (0 <= x0 < x1 <= photograph.width and 0 <= y0 < y1 <= photograph.height):
                    raise Refused(f"The box {box} is not inside the photograph of {photograph.width} by {photograph.height} pixels.")
            known = session.get(Finding, key)
            if known and (known.label is not None or known.view_id != view_id):
                raise Refused("A finding with this id is already there.")
            row: dict[str, Any] = {
                "id": key, "view_id": view_id, "box": list(box) if box else None, "state": "rejected" if withdrawn else "missed",
                "decided_label": None if withdrawn else label,
            } | _said(inspection, None if withdrawn else label, condition, life_stage, count, extent, note, cargo, cargo_reason)  # fmt: skip
            if unchanged(known, row):
                return key
            last = session.exec(select(func.max(Finding.position)).where(Finding.view_id == view_id)).one()
            row |= {
                "position": known.position if known else 0 if last is None else last + 1, "decided_by": actor, "decided_at": events.now(),
                "version": (known.version if known else 0) + 1, "disposition": known.disposition if known else None,
            }  # fmt: skip
            change(session, inspection, "finding_missed", row, actor, amends=amends, before=known)
        return key

    def guidance(self, finding_id: str, contacts: dict[Role, str] | None = None) -> Guidance | None:
        """What to do about a finding at the stage of its inspection; None as long as the stage or the decision is not known, or it was rejected.

        Args:
            contacts: names and numbers by role, from the settings.
        """
        with self.database.reading() as session:
            finding, inspection = self._finding(session, finding_id)
            if finding.state not in KEPT or inspection.stage is None or finding.decided_label is None:
                return None
            cargo = ManifestedCargo(cargo=finding.cargo, reason=finding.cargo_reason or "") if finding.cargo else None
            condition = Condition(finding.condition or "unknown")
            return guidance(finding.decided_label, Stage(inspection.stage), condition=condition, cargo=cargo, contacts=contacts)

    def treat(
        self, finding_id: str, *, method: str, done_by: str, actor: str, done_at: str | datetime | None = None, note: str = "",
        action_id: str | None = None, amends: str = "",
    ) -> str:  # fmt: skip
        """Record what was done about a finding. Photographs of the place afterwards are added with ``photograph(after=...)``.

        Args:
            method: of METHODS. done_at: with time zone; None: now.

        Returns:
            The id of the action.

        Raises:
            Refused: an unknown method, nobody who did it, or a finding that nobody confirmed.
        """
        key = new_id(action_id)
        row = {
            "id": key, "finding_id": finding_id, "method": one_of(method, METHODS, "method"), "note": text(note, "note"),
            "done_by": text(done_by, "name", needed="Say who did it."), "recorded_by": actor,
        }  # fmt: skip
        at = moment(done_at, "time")
        with self.database.writing() as session:
            finding, inspection = self._finding(session, finding_id)
            if finding.state not in KEPT:
                raise Refused("Confirm the finding first: only what is there can be cleaned.")
            known = session.get(Action, key)
            if known:
                if not unchanged(known, row):
                    raise Refused("An action with this id is already there.")
                return key
            row |= {"done_at": at or events.now(), "recorded_at": events.now()}
            change(session, inspection, "finding_treated", row, actor, amends=amends)
        return key

    def reinspect(self, action_id: str, *, clean: bool, actor: str, amends: str = "") -> None:
        """Record whether the place of a finding was found clean after what was done.

        Raises:
            Refused: there is no such action, or the inspection is closed.
        """
        with self.database.writing() as session:
            action = get(session, Action, action_id)
            _, inspection = self._finding(session, action.finding_id)
            row = {"clean": clean, "reinspected_by": actor}
            if not unchanged(action, row):
                payload = {"action_id": action_id, **row, "reinspected_at": events.now()}
                change(session, inspection, "place_reinspected", payload, actor, amends=amends, before=action)

    def dispose(self, finding_id: str, disposition: str, *, actor: str, amends: str = "") -> None:
        """Say what becomes of a finding, of DISPOSITIONS.

        Raises:
            Refused: an unknown disposition, or a finding that nobody confirmed.
        """
        one_of(disposition, DISPOSITIONS, "disposition")
        with self.database.writing() as session:
            finding, inspection = self._finding(session, finding_id)
            if finding.state not in KEPT:
                raise Refused("Confirm the finding first.")
            if finding.disposition != disposition:
                payload = {"finding_id": finding_id, "disposition": disposition}
                change(session, inspection, "finding_disposed", payload, actor, amends=amends, before=finding)

    def notify(
        self, inspection_id: str, *, who: str, channel: str, actor: str, reference: str = "", finding_id: str | None = None,
        notified_at: str | datetime | None = None, notification_id: str | None = None,
    ) -> str:  # fmt: skip
        """Record who was told (CTPAT 5.29; the same for pests), also after the inspection was closed.

        Args:
            channel: of CHANNELS. reference: number of a call or letter. finding_id: if it was about one finding.

        Returns:
            The id of the notification.

        Raises:
            Refused: nobody, an unknown channel, or a finding of another inspection.
        """
        key = new_id(notification_id)
        row = {
            "id": key, "inspection_id": inspection_id, "finding_id": finding_id, "who": text(who, "name", needed="Say who was told."),
            "channel": one_of(channel, CHANNELS, "channel"), "reference": text(reference, "reference"), "recorded_by": actor,
        }  # fmt: skip
        at = moment(notified_at, "time")
        with self.database.writing() as session:
            get(session, Inspection, inspection_id)
            if finding_id and self._finding(session, finding_id)[1].id != inspection_id:
                raise Refused("The finding is one of another inspection.")
            known = session.get(Notification, key)
            if known:
                if not unchanged(known, row):
                    raise Refused("A notification with this id is already there.")
                return key
            row |= {"notified_at": at or events.now(), "recorded_at": events.now()}
            events.append(session, "notified", row, actor, inspection_id)
        return key

    @staticmethod
    def _finding(session: Session, finding_id: str) -> tuple[Finding, Inspection]:
        finding = get(session, Finding, finding_id)
        view = get(session, View, finding.view_id)
        return finding, session.exec(select(Inspection).where(col(Inspection.id) == view.inspection_id)).one()


def _said(
    inspection: Inspection, label: str | None, condition: str, life_stage: str | None, count: int | None, extent: str, note: str, cargo: str,
    cargo_reason: str,
) -> dict[str, Any]:  # fmt: skip
    """What a person says of a finding, and its severity by the rules.

    Raises:
        Refused: something of it makes no sense.
    """
    one_of(condition, Condition, "condition")
    if life_stage is not None:
        one_of(life_stage, LIFE_STAGES, "life stage")
    if count is not None and not 1 <= count <= MOST:
        raise Refused(f"The count is {count}; give a number from 1 to {MOST:,}, or none.")
    cargo = text(cargo, "cargo")
    reason = text(cargo_reason, "reason", needed="Say why it is the manifested cargo and no contamination." if cargo else "")
    by = rules()
    severity = None
    if label is not None and not cargo:
        stage = Stage(inspection.stage) if inspection.stage else Stage.EMPTY_AT_ORIGIN  # severity does not depend on it
        severity = guidance(label, stage, condition=Condition(condition), by=by).severity
    return {
        "condition": condition if label else None, "life_stage": life_stage, "count": count, "extent": text(extent, "extent") or None,
        "note": text(note, "note") or None, "cargo": cargo or None, "cargo_reason": reason if cargo else None, "severity": severity,
        "rules": f"{by.id}@{by.version}" if label else None,
    }  # fmt: skip
