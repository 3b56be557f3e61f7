"""One inspection with all that hangs on it, as of one moment, and what is missing before it may be closed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlmodel import Session, SQLModel, col, select

from pestcheck.inspection.checklist import Template
from pestcheck.inspection.guidance import rules
from pestcheck.inspection.progress import Progress, progress
from pestcheck.review import Current, current, of_finding
from pestcheck.store import events
from pestcheck.store.journey_tables import Fix, Leg, Party
from pestcheck.store.review_tables import Review
from pestcheck.store.tables import (
    KEPT,
    Action,
    Amendment,
    Answer,
    CheckAnswer,
    Finding,
    Hint,
    Inspection,
    Notification,
    Photograph,
    SealCheck,
    SealLine,
    Signature,
    View,
    WoodPackaging,
)
from pestcheck.taxonomy import LABELS

STATES = {"inspected": "Inspected", "not_inspected": "Not inspected", "not_applicable": "Not applicable"}
RESULTS = {"no_contamination": "No contamination seen", "contamination": "Contamination seen"}
DECISIONS = {"confirmed": "Confirmed", "corrected": "Corrected", "rejected": "Not a contaminant"}
CONTAMINANTS = (
    {key: matter.name for key, matter in rules().matters.items() if matter.name}
    | {label.id: label.name for label in LABELS.values() if label.contaminant}
)  # fmt: skip
"""What a person may name a finding: labels, groups where the kind is not known, "unsure", and what no model knows."""
DISPOSITIONS = {
    "accept": "Accept", "clean_and_recheck": "Clean and re-check", "hold": "Hold", "referred": "Referred to the authority", "reject": "Reject",
}  # fmt: skip
"""What becomes of a conveyance or of a finding, the mildest first."""

Row = TypeVar("Row", bound=SQLModel)


@dataclass(frozen=True, slots=True)
class PhotographView:
    """A photograph at a point: its row, its original, its findings in the model's order, those that only a person saw
    last, and what trainers said of it."""

    view: View
    photograph: Photograph
    findings: tuple[Finding, ...]
    reviews: tuple[Review, ...] = ()

    @property
    def reviewed(self) -> Current:
        """What trainers say of it, and how far they are."""
        return current(self.reviews)

    def trainer_says(self, finding: Finding) -> str | None:
        """What trainers say of one of its findings: a label, "no_contaminant", "unusable"; None: nothing that counts yet."""
        opinion = self.reviewed.opinion
        return of_finding(opinion, finding) if opinion else None


@dataclass(frozen=True, slots=True)
class InspectionView:
    """All of one inspection. ``checks``: answers by point and question; ``hints``: by finding; ``actions``: by finding, the oldest first; ``fixes``: by leg; ``parties``: by id."""

    inspection: Inspection
    template: Template
    answers: dict[str, Answer]
    checks: dict[str, dict[str, CheckAnswer]]
    photographs: tuple[PhotographView, ...]
    hints: dict[str, Hint]
    actions: dict[str, tuple[Action, ...]]
    notifications: tuple[Notification, ...]
    wood: tuple[WoodPackaging, ...]
    seals: tuple[SealLine, ...]
    seal_checks: tuple[SealCheck, ...]
    legs: tuple[Leg, ...]
    parties: dict[str, Party]
    fixes: dict[str, tuple[Fix, ...]]
    signatures: tuple[Signature, ...]
    amendments: tuple[Amendment, ...]

    def at(self, area: str) -> tuple[PhotographView, ...]:
        """The photographs of one point, without those taken after a cleaning."""
        return tuple(item for item in self.photographs if item.view.area == area and item.view.action_id is None)

    def after(self, action_id: str) -> tuple[PhotographView, ...]:
        """The photographs that show what a cleaning left."""
        return tuple(item for item in self.photographs if item.view.action_id == action_id)

    def kept(self, area: str | None = None) -> list[Finding]:
        """The findings that a person says are contamination, of a point or of all: not those that are the manifested cargo."""
        return [
            finding
            for item in self.photographs
            if area in (None, item.view.area)
            for finding in item.findings
            if finding.state in KEPT and finding.cargo is None
        ]

    @property
    def next_area(self) -> str:
        """The first point without an answer; the last point when all have one."""
        return next((point.area for point in self.template.points if point.area not in self.answers), self.template.points[-1].area)

    def progress(self, area: str) -> Progress:
        """Which questions of a point are open now, and what is missing there."""
        given = {key: answer.answer for key, answer in self.checks.get(area, {}).items()}
        return progress(self.template, area, given, finding=bool(self.kept(area)), photographs=len(self.at(area)))

    @property
    def contaminated(self) -> bool:
        """Whether a person found contamination anywhere."""
        return any(answer.result == "contamination" for answer in self.answers.values()) or bool(self.kept())

    @property
    def least_disposition(self) -> str:
        """The gravest of what was said of the findings: the conveyance cannot come off more lightly."""
        left = [one.disposition for one in self.kept() if one.disposition and not self.cleaned(one)]
        return max(left, key=[*DISPOSITIONS].index, default="accept")

    def cleaned(self, finding: Finding) -> bool:
        """Whether what was to be cleaned was found clean by a second inspection."""
        return finding.disposition == "clean_and_recheck" and any(action.clean for action in self.actions.get(finding.id, ()))

    def missing(self) -> list[str]:
        """What stands between this inspection and its close, a sentence each; empty when it may be closed."""
        lines = []
        for point in self.template.points:
            answer, here = self.answers.get(point.area), self.at(point.area)
            suggested = sum(
                finding.state == "suggested" for item in self.photographs if item.view.area == point.area for finding in item.findings
            )
            if answer is None:
                lines.append(f"{point.title}: no answer")
            else:
                lines += [f"{point.title}: {says}" for says in self.contradictions(answer)]
                if answer.state == "inspected":
                    lines += self.progress(point.area).missing
            if any(item.view.state == "waiting" for item in here):
                lines.append(f"{point.title}: a photograph is still being checked")
            if suggested:
                lines.append(f"{point.title}: {suggested} finding{'s' * (suggested > 1)} to decide")
        if self.inspection.supervisor and not any(one.meaning == "supervised" for one in self.valid_signatures):
            lines.append(f"{self.inspection.supervisor} supervises, but has not signed the record as it is now")
        return lines

    def contradictions(self, answer: Answer) -> Iterator[str]:
        """Where the answer to a point does not fit what else is on record there."""
        kept = self.kept(answer.area)
        said = (RESULTS.get(answer.result or "") or STATES[answer.state]).lower()
        if kept and answer.result != "contamination":
            yield f"{len(kept)} finding{'s' * (len(kept) > 1)} confirmed, but the answer is {said!r}"
        elif answer.result == "no_contamination" and self.progress(answer.area).contamination:
            yield f"a question says that there is contamination, but the answer is {said!r}"

    @property
    def content(self) -> str:
        """SHA-256 of what a signature is set under: what was seen and done. Seals, journey and who was told go on after the close."""
        left_out = {"closed_at", "closed_by", "hold"}
        parts: list[Any] = [{key: value for key, value in self.inspection.model_dump().items() if key not in left_out}]
        parts += [row.model_dump() for row in self.answers.values()]
        parts += [row.model_dump() for here in self.checks.values() for row in here.values()]
        for item in self.photographs:
            photograph = item.photograph.model_dump(exclude={"camera", "picture"})  # these came later, and follow from the bytes
            parts += [item.view.model_dump(), photograph, *(finding.model_dump() for finding in item.findings)]
        parts += [hint.model_dump() for hint in self.hints.values()]
        parts += [row.model_dump() for rows in self.actions.values() for row in rows]
        parts += [row.model_dump() for row in self.wood]
        texts = sorted(events.canonical(part) for part in parts)  # databases order text differently
        return hashlib.sha256("\n".join(texts).encode()).hexdigest()

    @property
    def valid_signatures(self) -> tuple[Signature, ...]:
        """Those under the record as it is now; after a change or an amendment the earlier ones are under another."""
        content = self.content
        return tuple(signature for signature in self.signatures if signature.content == content)


def read_photograph(session: Session, view: View) -> PhotographView:
    """One photograph at a point, and nothing else of its inspection."""
    findings = session.exec(select(Finding).where(Finding.view_id == view.id).order_by(col(Finding.position)))
    reviews = session.exec(select(Review).where(Review.view_id == view.id).order_by(col(Review.position)))
    return PhotographView(view, session.get_one(Photograph, view.sha256), tuple(findings), tuple(reviews))


def read(session: Session, inspection: Inspection, template: Template, area: str | None = None) -> InspectionView:
    """All of an inspection; or, to judge one point quickly, of its answers, checks, photographs and findings those there, and nothing else."""

    def of(table: type[Row], *order: Any, here: bool = False) -> list[Row]:
        if area is not None and not here:
            return []
        query = select(table).where(table.inspection_id == inspection.id)  # type: ignore[attr-defined]
        return list(session.exec((query if area is None else query.where(table.area == area)).order_by(*order)))  # type: ignore[attr-defined]

    views = of(View, View.added_at, View.id, here=True)
    places = col(View.inspection_id) == inspection.id if area is None else col(View.id).in_([view.id for view in views])
    photographs: dict[str, Photograph] = {}
    findings: dict[str, list[Finding]] = {}
    actions: dict[str, list[Action]] = {}
    reviews: dict[str, list[Review]] = {}
    hints: dict[str, Hint] = {}
    if views:
        photographs = {row.sha256: row for row in session.exec(select(Photograph).join(View).where(places))}
        for finding in session.exec(select(Finding).join(View).where(places).order_by(col(Finding.view_id), col(Finding.position))):
            findings.setdefault(finding.view_id, []).append(finding)
        for review in session.exec(select(Review).join(View).where(places).order_by(col(Review.view_id), col(Review.position))):
            reviews.setdefault(review.view_id, []).append(review)
    if findings:
        hints = {hint.finding_id: hint for hint in session.exec(select(Hint).join(Finding).join(View).where(places))}
        for action in session.exec(select(Action).join(Finding).join(View).where(places).order_by(Action.recorded_at, Action.id)):
            actions.setdefault(action.finding_id, []).append(action)
    checks: dict[str, dict[str, CheckAnswer]] = {}
    for check in of(CheckAnswer, CheckAnswer.area, CheckAnswer.check_id, here=True):
        checks.setdefault(check.area, {})[check.check_id] = check
    legs = of(Leg, Leg.position, Leg.id)
    hands = {key for leg in legs for key in (leg.tendered_by, leg.received_by)}
    fixes: dict[str, list[Fix]] = {}
    if legs:
        for fix in session.exec(select(Fix).where(col(Fix.leg_id).in_([leg.id for leg in legs])).order_by(Fix.leg_id, Fix.at)):
            fixes.setdefault(fix.leg_id, []).append(fix)
    return InspectionView(
        inspection=inspection,
        template=template,
        answers={answer.area: answer for answer in of(Answer, Answer.area, here=True)},
        checks=checks,
        photographs=tuple(
            PhotographView(view, photographs[view.sha256], tuple(findings.get(view.id, ())), tuple(reviews.get(view.id, ())))
            for view in views
        ),
        hints=hints,
        actions={key: tuple(value) for key, value in actions.items()},
        notifications=tuple(of(Notification, Notification.notified_at, Notification.id)),
        wood=tuple(of(WoodPackaging, WoodPackaging.recorded_at, WoodPackaging.id)),
        seals=tuple(of(SealLine, SealLine.happened_at, SealLine.id)),
        seal_checks=tuple(of(SealCheck, SealCheck.checked_at, SealCheck.id)),
        legs=tuple(legs),
        parties={party.id: party for party in session.exec(select(Party).where(col(Party.id).in_(hands)))} if hands else {},
        fixes={key: tuple(value) for key, value in fixes.items()},
        signatures=tuple(of(Signature, Signature.signed_at, Signature.id)),
        amendments=tuple(of(Amendment, Amendment.amended_at, Amendment.id)),
    )
