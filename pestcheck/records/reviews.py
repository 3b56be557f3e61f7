"""Use cases of review: a trainer's opinion of a photograph, what all opinions come to, what was reviewed, and how well trainers agree."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from pestcheck.records.common import Refused, UseCases, at_their_sites, get, new_id, one_of, text, unchanged
from pestcheck.records.view import CONTAMINANTS
from pestcheck.review import Current, Kappa, Outcome, Status, by_label, current, in_force, kappa, of_finding, pairs
from pestcheck.store import events
from pestcheck.store.review_tables import Claim, Queued, Review, ReviewState
from pestcheck.store.tables import Finding, Inspection, Photograph, View

MOST_MARKS = 200
"""Places on one photograph."""
AT_ONCE = 500
"""Photographs that are read together."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A place on a photograph and what is there. ``box``: x0, y0, x1, y1 in pixels of the upright photograph. ``finding_id``: of the record's
    finding that it is, if it is one."""

    box: tuple[int, int, int, int]
    label: str
    finding_id: str | None = None


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A photograph with all that was said of it. ``opinions``: all, withdrawn ones too, the first one first."""

    view: View
    photograph: Photograph
    inspection: Inspection
    findings: tuple[Finding, ...]
    opinions: tuple[Review, ...]

    @property
    def current(self) -> Current:
        """What counts now."""
        return current(self.opinions)

    @property
    def marks(self) -> tuple[Mark, ...]:
        """The places that count now; none where nothing counts yet, nothing is there, or the photograph is unusable."""
        opinion = self.current.opinion
        return tuple(Mark(tuple(mark["box"]), mark["label"], mark.get("finding_id")) for mark in opinion.marks) if opinion else ()

    def said_of(self, finding: Finding) -> str | None:
        """What counts now of one of its findings: a label, "no_contaminant", "unusable"; None: nothing yet."""
        opinion = self.current.opinion
        return of_finding(opinion, finding) if opinion else None


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well trainers agree, of photographs that two or more of them have an opinion of. ``by_label``: each label against all others."""

    photographs: int
    overall: Kappa
    by_label: dict[str, Kappa]


class Reviews(UseCases):
    """See the module."""

    def review(
        self, view_id: str, outcome: str, *, actor: str, marks: Sequence[Mark] = (), comment: str = "", expert: bool = False,
        review_id: str | None = None,
    ) -> str:  # fmt: skip
        """Record what a trainer says of a photograph, also of one in a closed inspection: it changes nothing of the inspection.

        Another opinion of the same trainer takes the place of the one before it; the log and the record keep both.

        Args:
            outcome: an ``Outcome``; "contamination" needs ``marks``, and "needs_expert" may have some, to show what is meant.
            expert: as the expert that others asked for: it settles the photograph.

        Returns:
            The id of the review.

        Raises:
            Refused: an unknown outcome or label, a place outside the photograph, or no expert was asked for.
        """
        key, said = new_id(review_id), one_of(outcome, Outcome, "outcome")
        if said == Outcome.CONTAMINATION and not marks:
            raise Refused("Draw a box round what you see, and name it; or say that there is no contaminant.")
        if said in (Outcome.NO_CONTAMINANT, Outcome.UNUSABLE) and marks:
            raise Refused(f"There are {len(marks)} places marked: take them away, or say that there is contamination.")
        if len(marks) > MOST_MARKS:
            raise Refused(f"There are {len(marks)} places marked; the most is {MOST_MARKS}. Draw one box round many that lie together.")
        with self.database.writing() as session:
            view = get(session, View, view_id)
            row = {
                "id": key, "view_id": view_id, "outcome": said, "marks": self._marks(session, view, marks), "comment": text(comment, "comment"),
                "expert": expert, "reviewer": actor,
            }  # fmt: skip
            if known := session.get(Review, key):
                if not unchanged(known, row):
                    raise Refused("A review with this id is already there; give another, which takes its place.")
                return key
            state, claim, queued = session.get(ReviewState, view_id), session.get(Claim, (view_id, actor)), session.get(Queued, view_id)
            if expert and not (state and state.status == Status.EXPERT_NEEDED) and not self._was_expert(session, view_id, actor):
                raise Refused("No expert was asked for at this photograph; give your opinion as a trainer.")
            row |= {
                "position": len(state.reviews) if state else 0, "why": queued.reasons if queued else [], "reviewed_at": events.now(),
                "blind": claim is not None and not claim.opened,
            }  # fmt: skip
            events.append(session, "photograph_reviewed", row, actor, view.inspection_id)
            if claim:
                claim.until = events.now()  # free for the next
        return key

    @staticmethod
    def _marks(session: Session, view: View, marks: Sequence[Mark]) -> list[dict[str, Any]]:
        photograph = get(session, Photograph, view.sha256)
        findings = set(session.exec(select(Finding.id).where(Finding.view_id == view.id)))
        for mark in marks:
            if mark.label not in CONTAMINANTS:
                raise Refused(f"Choose what it is; {mark.label[:60]!r} is no label.")
            x0, y0, x1, y1 = mark.box
            if not (0 <= x0 < x1 <= photograph.width and 0 <= y0 < y1 <= photograph.height):
                size = f"{photograph.width} by {photograph.height}"
                raise Refused(f"The box {tuple(mark.box)} is not inside the photograph of {size} pixels.")
            if mark.finding_id is not None and mark.finding_id not in findings:
                raise Refused(f"The photograph has no finding {mark.finding_id[:60]!r}.")
        return [{"box": list(mark.box), "label": mark.label, "finding_id": mark.finding_id} for mark in marks]

    @staticmethod
    def _was_expert(session: Session, view_id: str, actor: str) -> bool:
        own = select(Review.id).where(Review.view_id == view_id, Review.reviewer == actor, col(Review.expert))
        return session.exec(own.limit(1)).first() is not None

    def withdraw_review(self, review_id: str, *, actor: str, reason: str = "", of_others: bool = False) -> None:
        """Take an opinion back: the one before it of the same trainer counts again, if there was one.

        Args:
            of_others: whether they may withdraw what others said; then with a reason.

        Raises:
            Refused: it is another's.
        """
        why = text(reason, "reason")
        with self.database.writing() as session:
            review = get(session, Review, review_id)
            if review.withdrawn_at is not None:
                return
            if review.reviewer != actor and not of_others:
                raise Refused(f"This is the opinion of {review.reviewer}: only they take it back, or an admin.")
            if review.reviewer != actor and not why:
                raise Refused(f"Say why the opinion of {review.reviewer} is withdrawn.")
            payload = {"review_id": review_id, "withdrawn_at": events.now(), "withdrawn_by": actor, "withdrawn_reason": why or None}
            events.append(session, "review_withdrawn", payload, actor, get(session, View, review.view_id).inspection_id)

    def opinion(self, review_id: str) -> Review:
        """One opinion.

        Raises:
            NotFound: there is none with this id.
        """
        with self.database.reading() as session:
            return get(session, Review, review_id)

    def reviewed_photograph(self, view_id: str) -> Reviewed:
        """One photograph with all opinions of it; there may be none.

        Raises:
            NotFound: there is none with this id.
        """
        with self.database.reading() as session:
            get(session, View, view_id)
            return next(read_reviewed(session, [view_id]))

    def reviewed(
        self, statuses: Collection[str] = (Status.AGREED,), *, site: str | None = None, since: str = "", until: str = ""
    ) -> Iterator[Reviewed]:
        """The photographs that trainers have said something of, in the order in which they were put on record.

        Args:
            statuses: of ``Status``; those with none are not among them. since, until: when the photograph was put on record, ISO 8601; ``until``
                is not included.
        """
        query = (
            select(View.id).join(ReviewState).join(Inspection).where(col(ReviewState.status).in_([str(one) for one in statuses]))
            .order_by(col(View.added_at), col(View.id))
        )  # fmt: skip
        if site is not None:
            query = query.where(func.coalesce(Inspection.site, "") == site)
        if since:
            query = query.where(View.added_at >= since)
        if until:
            query = query.where(View.added_at < until)
        with self.database.reading() as session:
            keys = list(session.exec(query.where(at_their_sites(session, View.inspection_id))))
            for start in range(0, len(keys), AT_ONCE):
                yield from read_reviewed(session, keys[start : start + AT_ONCE])

    def agreement(self, *, site: str | None = None, since: str = "", until: str = "") -> Agreement:
        """Cohen's kappa of all pairs of trainers of the same photograph, experts left out: those knew what the others had said."""
        several = (Status.AGREED, Status.DISPUTED, Status.EXPERT_NEEDED)
        answers: list[tuple[str, str]] = []
        photographs = 0
        for item in self.reviewed(several, site=site, since=since, until=until):
            independent = [one for one in in_force(item.opinions) if not one.expert]
            found = [pair for one, other in combinations(independent, 2) for pair in pairs(one, other)]
            photographs += bool(found)
            answers += found
        return Agreement(photographs, kappa(answers), by_label(answers))


def read_reviewed(session: Session, keys: Sequence[str]) -> Iterator[Reviewed]:
    """Photographs by the ids of their views, in the order given."""
    rows = session.exec(select(View, Photograph, Inspection).join(Photograph).join(Inspection).where(col(View.id).in_(keys)))
    known = {view.id: (view, photograph, inspection) for view, photograph, inspection in rows}
    findings: dict[str, list[Finding]] = {}
    for finding in session.exec(select(Finding).where(col(Finding.view_id).in_(keys)).order_by(col(Finding.position), col(Finding.id))):
        findings.setdefault(finding.view_id, []).append(finding)
    opinions: dict[str, list[Review]] = {}
    for review in session.exec(select(Review).where(col(Review.view_id).in_(keys)).order_by(col(Review.position))):
        opinions.setdefault(review.view_id, []).append(review)
    for key in keys:
        if key in known:
            yield Reviewed(*known[key], tuple(findings.get(key, ())), tuple(opinions.get(key, ())))
