"""What is counted as evidence: each measure counts inspections (or other rows) that have a thing, and those that lack it, with samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, String, and_, case, cast, exists, func, not_, or_, select, true
from sqlalchemy.orm import aliased
from sqlmodel import Session, SQLModel, col

from pestcheck.inspection.checklist import Catalogue
from pestcheck.inspection.guidance import Stage
from pestcheck.inspection.seals import Act, SealClass
from pestcheck.inspection.template import Inspects
from pestcheck.records.insight import within
from pestcheck.records.period import Period
from pestcheck.store.account_tables import Account
from pestcheck.store.journey_tables import Fix, Leg
from pestcheck.store.tables import (
    KEPT,
    Action,
    Answer,
    Certificate,
    CheckAnswer,
    Draw,
    Event,
    Finding,
    Inspection,
    Notification,
    Purge,
    SealCheck,
    SealLine,
    Signature,
    View,
    WoodPackaging,
)

SAMPLES = 5
Condition = ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Sample:
    """One record: ``inspection`` its id, "" where it is none; ``name``: the number of the conveyance, or what else it is; ``at``: when."""

    name: str
    at: str = ""
    inspection: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """``have``: how many are on record; ``gaps``: how many lack it; samples of each, the newest first."""

    have: int
    gaps: int = 0
    samples: tuple[Sample, ...] = ()
    lacking: tuple[Sample, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """Of which records: a period, a site (None: all they see), and the criterion whose questions count."""

    session: Session
    period: Period
    site: str | None
    catalogue: Catalogue
    criterion: str

    @property
    def where(self) -> tuple[Condition, ...]:
        """Of the inspections of the scope."""
        return within(self.session, self.period, self.site)


@dataclass(frozen=True, slots=True)
class Measure:
    """``says``: what is on record, ``gap``: what is missing, as sentences with a gap for the number; "": nothing can be.

    ``by_criterion``: the questions that name the criterion are counted, so each criterion has its own count.
    """

    says: str
    gap: str
    count: Callable[[Scope], Found]
    by_criterion: bool = False


CLOSED = col(Inspection.closed_at).is_not(None)


def _of(*population: Condition, has: Condition | None = None) -> Callable[[Scope], Found]:
    """Counts the inspections of a population that have something, and those that have not. ``has`` None: all do."""

    def count(scope: Scope) -> Found:
        return _inspections(scope, population, true() if has is None else has)

    return count


def _inspections(scope: Scope, population: Sequence[Condition], has: Condition) -> Found:
    where = (*scope.where, *population)
    query = select(func.count(), func.sum(case((has, 1), else_=0))).select_from(Inspection).where(*where)
    of, have = scope.session.connection().execute(query).one()
    have = int(have or 0)

    def samples(condition: Condition) -> tuple[Sample, ...]:
        some = (
            select(Inspection.container_number, Inspection.opened_at, Inspection.id).where(*where, condition)  # type: ignore[call-overload]
            .order_by(col(Inspection.opened_at).desc(), col(Inspection.id).desc()).limit(SAMPLES)
        )  # fmt: skip
        return tuple(Sample(name, at, key) for name, at, key in scope.session.connection().execute(some))

    return Found(have, of - have, samples(has) if have else (), samples(not_(has)) if of > have else ())


def _there(table: type[SQLModel], *where: Condition) -> Condition:
    """Whether an inspection has a row of a table."""
    of = table.inspection_id  # type: ignore[attr-defined]
    return col(Inspection.id).in_(select(of).where(of.is_not(None), *where))  # evaluated once; EXISTS may be once an inspection


def _finding(*where: Condition) -> Condition:
    query = select(col(View.inspection_id)).join(Finding, col(Finding.view_id) == View.id)
    return col(Inspection.id).in_(query.where(col(Finding.state).in_(KEPT), col(Finding.cargo).is_(None), *where))


def _actions() -> Condition:
    query = select(col(View.inspection_id)).join(Finding, col(Finding.view_id) == View.id)
    return col(Inspection.id).in_(query.where(col(Finding.id).in_(select(col(Action.finding_id)))))


def _action(*where: Condition) -> Condition:
    return exists().where(col(Action.finding_id) == Finding.id, *where)


AFFIXED = _there(SealLine, col(SealLine.act) == Act.AFFIXED.value)
TROUBLE = cast(SealCheck.problems, String) != "[]"
AFTER = aliased(SealLine)
DISPOSED = col(Finding.disposition).in_(("reject", "hold", "referred"))
ELSEWHERE = (Stage.LOADED_OR_IN_TRANSIT.value, Stage.BEFORE_BORDER.value, Stage.ARRIVED_IN_US.value)


def _made_for(scope: Scope, *kinds: Inspects) -> Condition:
    names = sorted({id for (id, _), template in scope.catalogue.versions.items() if template.inspects in kinds})
    return col(Inspection.template).in_(names)


def _conveyances(has: Condition, *population: Condition) -> Callable[[Scope], Found]:
    return lambda scope: _inspections(scope, (CLOSED, _made_for(scope, Inspects.CONTAINER, Inspects.TRACTOR_TRAILER), *population), has)


def _asked(scope: Scope) -> tuple[Condition, Condition]:
    """Inspections by templates with questions of the criterion; and of answers, whether they are to such a question."""
    made, asked = [], []
    for (id, version), template in sorted(scope.catalogue.versions.items()):
        names = {(point.area, check.id) for point in template.points for check in point.all_checks() if scope.criterion in check.evidences}
        shared = {check.id for check in (*template.if_not_in_order, *template.if_contamination) for check in check.all() if scope.criterion in check.evidences}  # fmt: skip
        if not names and not shared:
            continue
        here = and_(col(Inspection.template) == id, col(Inspection.template_version) == version)
        made.append(here)
        at = [and_(col(CheckAnswer.area) == area, col(CheckAnswer.check_id).in_([key for one, key in names if one == area])) for area in sorted({area for area, _ in names})]  # fmt: skip
        asked.append(and_(here, or_(*at, col(CheckAnswer.check_id).in_(sorted(shared)))))
    return (or_(*made), or_(*asked)) if made else (~true(), ~true())


def _answered(*where: Condition) -> Condition:
    return exists().where(col(CheckAnswer.inspection_id) == Inspection.id, *where)


def _questions(scope: Scope) -> Found:
    made, asked = _asked(scope)
    return _inspections(scope, (CLOSED, made), _answered(col(CheckAnswer.answer) != "", asked))


def _not_in_order(scope: Scope) -> Found:
    made, asked = _asked(scope)
    answered = _answered(col(CheckAnswer.answer) != "", asked)
    return _inspections(scope, (CLOSED, made, answered), ~_answered(col(CheckAnswer.answer) == "no", asked))


def _staging(scope: Scope) -> Found:
    """Inspections of staging areas, and the whole weeks of the period (from its first day) without one."""
    found = _inspections(scope, (CLOSED, _made_for(scope, Inspects.SITE)), true())
    query = select(Inspection.opened_at).where(*scope.where, CLOSED, _made_for(scope, Inspects.SITE))  # type: ignore[call-overload]
    days = sorted({at[:10] for (at,) in scope.session.connection().execute(query)})
    if not days:
        return found  # nothing on record, which is no gap in something
    first, last = scope.period.first, scope.period.last
    weeks = [first + timedelta(days=7 * n) for n in range((last - first).days // 7 + 1)]
    whole = [week for week in weeks if week + timedelta(days=6) <= last]
    empty = [week for week in whole if not any(week.isoformat() <= day <= (week + timedelta(days=6)).isoformat() for day in days)]
    return Found(found.have, len(empty), found.samples, tuple(Sample(week.isoformat()) for week in reversed(empty[-SAMPLES:])))


def _rows(scope: Scope, table: type[SQLModel], name: Any, at: Any, *where: Condition) -> Found:
    """Counts rows that belong to no inspection, of the period."""
    first, last = scope.period.texts
    conditions = (at >= first, at < last, *where)
    count = scope.session.connection().execute(select(func.count()).select_from(table).where(*conditions)).scalar_one()
    some = select(name, at).select_from(table).where(*conditions).order_by(at.desc()).limit(SAMPLES)
    return Found(int(count), 0, tuple(Sample(str(one), when) for one, when in scope.session.connection().execute(some)))


def _certificates(topic: str = "") -> Callable[[Scope], Found]:
    """Certificates that were valid on a day of the period; those withdrawn before it do not count."""

    def count(scope: Scope) -> Found:
        first, last = scope.period.first.isoformat(), scope.period.last.isoformat()
        where = [
            col(Certificate.given_on) <= last, col(Certificate.expires_on) >= first,
            or_(col(Certificate.withdrawn_at).is_(None), col(Certificate.withdrawn_at) >= first),
        ]  # fmt: skip
        if topic:
            where.append(col(Certificate.topic) == topic)
        query = select(Certificate.person, Certificate.given_on).where(*where).order_by(col(Certificate.given_on).desc())  # type: ignore[call-overload]
        rows = scope.session.connection().execute(query).all()
        return Found(len(rows), 0, tuple(Sample(person, on) for person, on in rows[:SAMPLES]))

    return count


def _draws(scope: Scope) -> Found:
    """Second looks that were proposed: those that people followed, and those that they did not."""
    first, last = scope.period.texts
    where: list[Condition] = [col(Draw.drawn_at) >= first, col(Draw.drawn_at) < last, col(Draw.proposal) != "routine", col(Draw.chosen).is_not(None)]  # fmt: skip
    sites: frozenset[str] | None = scope.session.info.get("sites")
    if scope.site is not None or sites is not None:
        where.append(col(Draw.site).in_([scope.site] if scope.site is not None else [*(sites or ())]))
    query = select(Draw.number, Draw.drawn_at, Draw.inspection_id, col(Draw.proposal) == Draw.chosen).where(*where).order_by(col(Draw.drawn_at).desc())  # type: ignore[call-overload]  # fmt: skip
    both: dict[bool, list[Sample]] = {True: [], False: []}
    for number, at, key, same in scope.session.connection().execute(query):
        both[bool(same)].append(Sample(number, at, key or ""))
    return Found(len(both[True]), len(both[False]), tuple(both[True][:SAMPLES]), tuple(both[False][:SAMPLES]))


def _log(scope: Scope) -> Found:
    first, last = scope.period.texts
    query = select(func.count()).select_from(Event).where(col(Event.at) >= first, col(Event.at) < last)
    return Found(int(scope.session.connection().execute(query).scalar_one()))


MEASURES: dict[str, Measure] = {
    "procedure": Measure(
        "Inspections that name the written procedure: {n}", "Inspections that name no procedure: {n}",
        _of(CLOSED, has=col(Inspection.procedure).is_not(None)),
    ),
    "before_loading": Measure("Conveyances inspected empty, before loading: {n}", "", _conveyances(true(), col(Inspection.stage) == Stage.EMPTY_AT_ORIGIN.value)),
    "stage_said": Measure(
        "Inspections that say where the conveyance was on its way: {n}", "Inspections that do not say where it was on its way: {n}",
        _conveyances(col(Inspection.stage).is_not(None)),
    ),
    "all_points": Measure(
        "Inspections of all points of the list: {n}", "Inspections with a point that was not inspected: {n}",
        _conveyances(~_there(Answer, col(Answer.state) == "not_inspected")),
    ),
    "questions": Measure(
        "Inspections that answer questions on this: {n}", "Inspections whose list asks about this, without an answer: {n}", _questions, True
    ),
    "not_in_order": Measure(
        "Inspections that found all of this in order: {n}", "Inspections that found something of this not in order: {n}", _not_in_order, True
    ),
    "closed": Measure(
        "Inspections that were closed, with number, time, inspector and areas: {n}", "Inspections that were begun and not closed: {n}",
        _of(has=CLOSED),
    ),
    "number_read": Measure(
        "Inspections whose number is in order: {n}", "Inspections whose number was taken with a reason: {n}",
        _of(CLOSED, has=col(Inspection.number_problem).is_(None)),
    ),
    "signed": Measure(
        "Inspections that the inspector signed: {n}", "Inspections without the inspector's signature: {n}",
        _of(CLOSED, has=_there(Signature, col(Signature.meaning) == "inspected")),
    ),
    "supervised": Measure(
        "Supervised inspections that the supervisor signed: {n}", "Supervised inspections without the supervisor's signature: {n}",
        _of(CLOSED, col(Inspection.supervisor).is_not(None), has=_there(Signature, col(Signature.meaning) == "supervised")),
    ),
    "acted": Measure(
        "Inspections with contamination where something was done about each finding: {n}",
        "Inspections with a finding that nothing was done about: {n}",
        _of(CLOSED, _finding(), has=~_finding(~_action(), or_(col(Finding.disposition).is_(None), ~DISPOSED))),
    ),
    "found_clean": Measure(
        "Inspections with a cleaning, found clean afterwards: {n}", "Inspections with a cleaning that was not found clean afterwards: {n}",
        _of(CLOSED, _actions(), has=~_finding(_action(), ~_action(col(Action.clean).is_(True)))),
    ),
    "after_photographs": Measure(
        "Inspections with a cleaning and photographs of its result: {n}", "Inspections with a cleaning, without a photograph of its result: {n}",
        _of(CLOSED, _actions(), has=_there(View, col(View.action_id).is_not(None))),
    ),
    "kept": Measure(
        "Records erased after their time, by an event of the log: {n}", "", lambda scope: _rows(scope, Purge, col(Purge.reason), col(Purge.purged_at))
    ),
    "second_looks": Measure(
        "Inspections of conveyances chosen at random or for their risk: {n}", "", _of(CLOSED, col(Inspection.selection).in_(("random", "targeted")))
    ),
    "draws_followed": Measure("Proposals of a second look that were followed: {n}", "Proposals of a second look that were not followed: {n}", _draws),
    "journeys": Measure("Inspections with the way of the conveyance: {n}", "Inspections without the way of the conveyance: {n}", _conveyances(_there(Leg))),
    "times_known": Measure(
        "Inspections with the times of each leg: {n}", "Inspections with a leg whose times are not known: {n}",
        _conveyances(~_there(Leg, or_(col(Leg.departed).is_(None), col(Leg.arrived).is_(None))), _there(Leg)),
    ),
    "positions": Measure(
        "Inspections with positions on the way: {n}", "Inspections with a way, without a position on it: {n}",
        _conveyances(exists().where(col(Leg.inspection_id) == Inspection.id, col(Fix.leg_id) == Leg.id), _there(Leg)),
    ),
    "before_border": Measure(
        "Inspections before the border, with a check of the seal: {n}", "Inspections before the border, without a check of the seal: {n}",
        _conveyances(_there(SealCheck), col(Inspection.stage) == Stage.BEFORE_BORDER.value),
    ),
    "told": Measure(
        "Inspections with a failed seal check or a grave finding, and who was told: {n}",
        "Inspections with a failed seal check or a grave finding, where nobody was told: {n}",
        _of(CLOSED, or_(_there(SealCheck, TROUBLE), _finding(col(Finding.severity) == 3)), has=_there(Notification)),
    ),
    "seals_logged": Measure(
        "Inspections of loaded conveyances with a seal in the register: {n}", "Inspections of loaded conveyances without a seal in the register: {n}",
        _conveyances(_there(SealLine), col(Inspection.stage).in_(ELSEWHERE)),
    ),
    "breaks_sealed": Measure(
        "Inspections with a broken seal and a new one after it: {n}", "Inspections with a broken seal and no new one after it: {n}",
        _of(
            _there(SealLine, col(SealLine.act) == Act.BROKEN.value),
            has=~_there(
                SealLine, col(SealLine.act) == Act.BROKEN.value,
                ~exists().where(col(AFTER.inspection_id) == SealLine.inspection_id, col(AFTER.act) == Act.AFFIXED.value, col(AFTER.happened_at) >= SealLine.happened_at),
            ),
        ),
    ),
    "high_security": Measure(
        "Inspections where each seal put on is of class H: {n}", "Inspections with a seal put on that is not of class H, or whose class was not read: {n}",
        _of(
            AFFIXED,
            has=~_there(SealLine, col(SealLine.act) == Act.AFFIXED.value, func.coalesce(SealLine.seal_class, "") != SealClass.HIGH_SECURITY.value),
        ),
    ),
    "makers": Measure(
        "Inspections where the maker of each seal put on is known: {n}", "Inspections with a seal put on whose maker was not read: {n}",
        _of(AFFIXED, has=~_there(SealLine, col(SealLine.act) == Act.AFFIXED.value, col(SealLine.maker) == "")),
    ),
    "seals_verified": Measure("Inspections with a verified seal in the register: {n}", "", _of(_there(SealLine, col(SealLine.act) == Act.VERIFIED.value))),
    "vvtt": Measure(
        "Inspections with a seal put on, and View, Verify, Tug, Twist: {n}", "Inspections with a seal put on, without View, Verify, Tug, Twist: {n}",
        _of(AFFIXED, has=_there(SealCheck)),
    ),
    "vvtt_good": Measure(
        "Inspections where all seal checks were good: {n}", "Inspections with a seal check that was not good: {n}",
        _of(_there(SealCheck), has=~_there(SealCheck, TROUBLE)),
    ),
    "seal_photographs": Measure(
        "Inspections with a seal photograph: {n}", "Inspections without a seal photograph: {n}",
        _of(or_(AFFIXED, _there(SealCheck)), has=_there(SealCheck, col(SealCheck.view_id).is_not(None))),
    ),
    "seal_documents": Measure(
        "Inspections where each seal put on has its number in the documents: {n}", "Inspections with a seal put on, without its number in the documents: {n}",
        _of(AFFIXED, has=~_there(SealLine, col(SealLine.act) == Act.AFFIXED.value, col(SealLine.document_number) == "")),
    ),
    "shipments": Measure(
        "Inspections with a seal put on that name the shipment: {n}", "Inspections with a seal put on that name no shipment: {n}",
        _of(AFFIXED, has=col(Inspection.shipment).is_not(None)),
    ),
    "staging_weekly": Measure("Inspections of staging areas: {n}", "Weeks without an inspection of a staging area: {n}", _staging),
    "dispositions_told": Measure(
        "Conveyances rejected, held or referred, and who was told: {n}", "Conveyances rejected, held or referred, where nobody was told: {n}",
        _of(CLOSED, col(Inspection.disposition).in_(("reject", "hold", "referred")), has=_there(Notification)),
    ),
    "wood_marked": Measure(
        "Inspections of wood packaging where each piece that needs a mark has one: {n}", "Inspections with wood packaging that needs a mark and has none: {n}",
        _of(_there(WoodPackaging), has=~_there(WoodPackaging, col(WoodPackaging.mark_needed).is_(True), col(WoodPackaging.mark) == "")),
    ),
    "wood_sound": Measure(
        "Inspections of wood packaging without holes or frass: {n}", "Inspections with holes or frass in wood packaging: {n}",
        _of(_there(WoodPackaging), has=~_there(WoodPackaging, col(WoodPackaging.holes).is_(True))),
    ),
    "certificates": Measure("Certificates that were valid in the period: {n}", "", _certificates()),
    "certificates_inspection": Measure("Certificates of inspectors that were valid in the period: {n}", "", _certificates("inspection")),
    "certificates_pests": Measure("Certificates in pest prevention that were valid in the period: {n}", "", _certificates("pest_prevention")),
    "inspector_trained": Measure(
        "Inspections by somebody with a valid certificate: {n}", "Inspections by somebody without a valid certificate on record: {n}",
        _of(CLOSED, has=col(Inspection.trained).is_(True)),
    ),
    "log": Measure("Entries of the log, each sealed by the next: {n}", "", _log),
    "accounts": Measure(
        "Inspections by somebody with an account of their own: {n}", "Inspections by somebody without an account: {n}",
        _of(CLOSED, has=exists().where(col(Account.name) == Inspection.inspector)),
    ),
}  # fmt: skip
"""By the names that the list of criteria uses."""
