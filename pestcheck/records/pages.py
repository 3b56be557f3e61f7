"""Many inspections with all that hangs on them, read together: one query a table, not one an inspection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sqlmodel import Session, SQLModel, col, select

from pestcheck.inspection.checklist import Template
from pestcheck.records.view import InspectionView, PhotographView
from pestcheck.store.journey_tables import Fix, Leg, Party
from pestcheck.store.review_tables import Review
from pestcheck.store.tables import (
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

Groups = dict[str, list[Any]]


def read_page(session: Session, page: list[str], template: Callable[[Inspection], Template]) -> Iterator[InspectionView]:
    """The inspections with these ids, in this order; each is what ``view.read`` makes of it.

    Args:
        template: of an inspection.
    """

    def of(table: type[SQLModel], *order: Any) -> Groups:
        """The rows of a table by inspection."""
        column = table.inspection_id  # type: ignore[attr-defined]
        return _grouped(session.exec(select(table).where(col(column).in_(page)).order_by(*order)), "inspection_id")

    here = col(View.inspection_id).in_(page)
    inspections = {row.id: row for row in session.exec(select(Inspection).where(col(Inspection.id).in_(page)))}
    views = of(View, View.added_at, View.id)
    photographs = {
        row.sha256: row for row in session.exec(select(Photograph).where(col(Photograph.sha256).in_(select(View.sha256).where(here))))
    }
    findings = _grouped(
        session.exec(select(Finding).join(View).where(here).order_by(col(Finding.view_id), col(Finding.position))), "view_id"
    )
    actions = _grouped(
        session.exec(select(Action).join(Finding).join(View).where(here).order_by(col(Action.recorded_at), col(Action.id))), "finding_id"
    )
    hints = _grouped(session.exec(select(Hint).join(Finding).join(View).where(here)), "finding_id")
    reviews = _grouped(session.exec(select(Review).join(View).where(here).order_by(col(Review.view_id), col(Review.position))), "view_id")
    legs = of(Leg, Leg.position, Leg.id)
    hands = {key for rows in legs.values() for leg in rows for key in (leg.tendered_by, leg.received_by)}
    parties = {row.id: row for row in session.exec(select(Party).where(col(Party.id).in_(hands)))} if hands else {}
    ways = [leg.id for rows in legs.values() for leg in rows]
    fixes = _grouped(session.exec(select(Fix).where(col(Fix.leg_id).in_(ways)).order_by(Fix.leg_id, Fix.at)), "leg_id") if ways else {}
    answers, checks = of(Answer, Answer.area), of(CheckAnswer, CheckAnswer.area, CheckAnswer.check_id)
    told, wood = of(Notification, Notification.notified_at, Notification.id), of(WoodPackaging, WoodPackaging.recorded_at, WoodPackaging.id)
    seals, seal_checks = of(SealLine, SealLine.happened_at, SealLine.id), of(SealCheck, SealCheck.checked_at, SealCheck.id)
    signatures, amendments = of(Signature, Signature.signed_at, Signature.id), of(Amendment, Amendment.amended_at, Amendment.id)
    for key in page:
        asked: dict[str, dict[str, CheckAnswer]] = {}
        for check in checks.get(key, ()):
            asked.setdefault(check.area, {})[check.check_id] = check
        seen = [
            PhotographView(view, photographs[view.sha256], tuple(findings.get(view.id, ())), tuple(reviews.get(view.id, ())))
            for view in views.get(key, ())
        ]
        own = legs.get(key, [])
        passed = {hand: parties[hand] for leg in own for hand in (leg.tendered_by, leg.received_by)}
        yield InspectionView(
            inspection=inspections[key], template=template(inspections[key]),
            answers={answer.area: answer for answer in answers.get(key, ())}, checks=asked, photographs=tuple(seen),
            hints={one.id: hints[one.id][0] for item in seen for one in item.findings if one.id in hints},
            actions={one.id: tuple(actions[one.id]) for item in seen for one in item.findings if one.id in actions},
            notifications=tuple(told.get(key, ())), wood=tuple(wood.get(key, ())), seals=tuple(seals.get(key, ())),
            seal_checks=tuple(seal_checks.get(key, ())), legs=tuple(own), parties=passed,
            fixes={leg.id: tuple(fixes[leg.id]) for leg in own if leg.id in fixes}, signatures=tuple(signatures.get(key, ())),
            amendments=tuple(amendments.get(key, ())),
        )  # fmt: skip


def _grouped(rows: Any, by: str) -> Groups:
    found: Groups = {}
    for row in rows:
        found.setdefault(getattr(row, by), []).append(row)
    return found
