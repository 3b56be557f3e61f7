"""What each kind of event does to the tables: the only place that writes them, for new events and for a replay alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from sqlalchemy import delete, select, update
from sqlmodel import Session, SQLModel, col

from pestcheck import review
from pestcheck.store.account_tables import Account, Token
from pestcheck.store.head_tables import SigningKey
from pestcheck.store.journey_tables import Fix, Leg, Party
from pestcheck.store.model_tables import Dataset, ModelFile, Promotion
from pestcheck.store.review_tables import Claim, Queued, Review, ReviewState
from pestcheck.store.tables import (
    KEPT,
    Action,
    Amendment,
    Answer,
    Certificate,
    CheckAnswer,
    Contamination,
    Draw,
    Event,
    Export,
    Finding,
    Hint,
    Inspection,
    Notification,
    Photograph,
    Purge,
    SealCheck,
    SealLine,
    Signature,
    View,
    WoodPackaging,
)
from pestcheck.store.training_tables import Course, PictureQuestion, Quiz, QuizAnswer, QuizAttempt

Payload = dict[str, Any]
Row = TypeVar("Row", bound=SQLModel)


class InMemory(Protocol):
    """What a ``replay.Replay`` can, as a session does; ``row`` is what a table's own class is to a session."""

    def row(self, table: type[Row], values: Payload) -> Row: ...
    def get(self, entity: type[Row], ident: Any) -> Row | None: ...
    def add(self, instance: SQLModel) -> None: ...
    def merge(self, instance: Row) -> Row: ...
    def flush(self) -> None: ...


Rows = Session | InMemory
"""Where an event writes its rows, which are found by their keys only."""
Apply = Callable[[Rows, Payload], None]
Where = tuple[str, str, str]
"""The key of a ``Contamination``."""
Place = Callable[[Rows, Any], Where | None]
"""Where a finding or an answer (or None) says that contamination is."""


def apply(session: Rows, kind: str, payload: Payload) -> None:
    """Write what an event says.

    Raises:
        ValueError: an event of an unknown kind, or about something that is not there.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind of event: {kind}")
    KINDS[kind](session, payload)
    session.flush()


def _written(table: type[SQLModel]) -> Apply:
    """The payload is a row, new or in the place of the one with the same key."""

    def write(session: Rows, payload: Payload) -> None:
        session.merge(_row(session, table, payload))

    return write


def _changed(table: type[SQLModel], key: str) -> Apply:
    """The payload names a row by ``key`` and gives it other values."""

    def change(session: Rows, payload: Payload) -> None:
        _get(session, table, payload[key]).sqlmodel_update({name: value for name, value in payload.items() if name != key})

    return change


def _photographed(session: Rows, payload: Payload) -> None:
    session.merge(_row(session, Photograph, payload["photograph"]))
    session.flush()
    session.add(_row(session, View, payload["view"] | {"state": "waiting", "problems": []}))


def _scored(session: Rows, payload: Payload) -> None:
    view = _get(session, View, payload["view_id"])
    view.sqlmodel_update({**payload["report"], "state": "scored"})
    for position, finding in enumerate(payload["findings"]):
        session.add(_row(session, Finding, finding | {"view_id": view.id, "position": position, "state": "suggested"}))


def _not_scored(session: Rows, payload: Payload) -> None:
    view = _get(session, View, payload["view_id"])
    view.state, view.error = "failed", payload["error"]


def _counted(table: type[SQLModel], key: tuple[str, ...], place: Place) -> Apply:
    """Like ``_written``, and counts the ``Contamination`` that the row says is there."""

    def write(session: Rows, payload: Payload) -> None:
        known, row = session.get(table, tuple(payload[name] for name in key)), _row(session, table, payload)
        before = place(session, known)
        if known:
            session.merge(row)
        else:
            session.add(row)
        _count(session, before, place(session, row))

    return write


def _decided(session: Rows, payload: Payload) -> None:
    finding = _get(session, Finding, payload["finding_id"])
    before = _found(session, finding)
    _changed(Finding, "finding_id")(session, payload)
    _count(session, before, _found(session, finding))


def _count(session: Rows, before: Where | None, after: Where | None) -> None:
    """One less where contamination was, one more where it is."""
    for where, step in ((before, -1), (after, 1)):
        if where and before != after:
            known = session.get(Contamination, where)
            inspection_id, area, label = where
            n = (known.n if known else 0) + step
            session.merge(_row(session, Contamination, {"inspection_id": inspection_id, "area": area, "label": label, "n": n}))


def _found(session: Rows, finding: Any) -> Where | None:
    if finding is None or finding.state not in KEPT or finding.cargo is not None:
        return None
    view = _get(session, View, finding.view_id)
    return view.inspection_id, view.area, finding.decided_label or finding.label or ""


def _said(_: Rows, answer: Any) -> Where | None:
    there = answer is not None and (answer.state, answer.result) == ("inspected", "contamination")
    return (answer.inspection_id, answer.area, "") if there else None


def _amended(session: Rows, payload: Payload) -> None:
    row = {key: value for key, value in payload.items() if key != "payload"}
    session.add(_row(session, Amendment, row | {"after": payload["payload"]}))
    apply(session, payload["kind"], payload["payload"])


def _certified(table: type[SQLModel]) -> Apply:
    """The payload has a row, new or with a key that is there, and the certificates that follow from it."""

    def write(session: Rows, payload: Payload) -> None:
        key, row = payload["row"]["id"], payload["row"]
        known = session.get(table, key)
        if known:
            known.sqlmodel_update(row)
        else:
            session.add(_row(session, table, row))
        for certificate in payload["certificates"]:
            session.add(_row(session, Certificate, certificate))

    return write


def _reviewed(session: Rows, payload: Payload) -> None:
    session.add(_row(session, Review, payload))
    session.flush()
    _restate(session, payload["view_id"], payload["id"])


def _review_withdrawn(session: Rows, payload: Payload) -> None:
    _changed(Review, "review_id")(session, payload)
    _restate(session, _get(session, Review, payload["review_id"]).view_id)


def _restate(session: Rows, view_id: str, *new: str) -> None:
    """What all opinions on a photograph come to now."""
    known = session.get(ReviewState, view_id)
    ids = [*(known.reviews if known else ()), *new]
    opinions = [_get(session, Review, key) for key in ids]
    status, count = review.current(opinions).status.value, len(review.in_force(opinions))
    session.merge(_row(session, ReviewState, {"view_id": view_id, "status": status, "opinions": count, "reviews": ids}))


def _promoted(session: Rows, payload: Payload) -> None:
    session.add(_row(session, Promotion, payload))
    for name, sha256 in payload["files"].items():
        session.merge(_row(session, ModelFile, {"sha256": sha256, "name": name}))


def _purged(session: Rows, payload: Payload) -> None:
    if isinstance(session, Session):  # in a replay nothing of the inspection is there
        _erase(session, payload)
    session.add(_row(session, Purge, payload))


def _erase(session: Session, payload: Payload) -> None:
    """Erase an inspection from the tables, and its words from the log, whose leaves stay."""
    key = payload["inspection_id"]
    views = select(col(View.id)).where(col(View.inspection_id) == key)
    findings = select(col(Finding.id)).where(col(Finding.view_id).in_(views))
    legs = select(col(Leg.id)).where(col(Leg.inspection_id) == key)
    for where in (
        col(Claim.view_id).in_(views), col(Queued.inspection_id) == key, col(Review.view_id).in_(views), col(ReviewState.view_id).in_(views),
        col(Hint.finding_id).in_(findings), col(Action.finding_id).in_(findings), col(Notification.inspection_id) == key, col(SealCheck.inspection_id) == key,
        col(Finding.view_id).in_(views), col(View.inspection_id) == key, col(Answer.inspection_id) == key,
        col(Contamination.inspection_id) == key,
        col(CheckAnswer.inspection_id) == key, col(WoodPackaging.inspection_id) == key, col(SealLine.inspection_id) == key,
        col(Fix.leg_id).in_(legs), col(Leg.inspection_id) == key, col(Signature.inspection_id) == key,
        col(Amendment.inspection_id) == key, col(Export.inspection_id) == key, col(Draw.inspection_id) == key,
        col(Photograph.sha256).in_(payload["photographs"]), col(Inspection.id) == key,
    ):  # fmt: skip
        session.execute(delete(where.left.table).where(where))
    session.execute(update(Event).where(col(Event.seq).in_(payload["events"])).values(body="", actor="", apart=None))
    session.expire_all()


def _row(session: Rows, table: type[Row], values: Payload) -> Row:
    return table(**values) if isinstance(session, Session) else session.row(table, values)


def _get(session: Rows, table: type[Row], key: str) -> Row:
    row = session.get(table, key)
    if row is None:
        raise ValueError(f"no {table.__name__.lower()} {key}")
    return row


KINDS: dict[str, Apply] = {
    "inspection_opened": _written(Inspection),
    "details_changed": _changed(Inspection, "inspection_id"),
    "photograph_added": _photographed,
    "photograph_scored": _scored,
    "photograph_not_scored": _not_scored,
    "finding_hinted": _written(Hint),
    "finding_decided": _decided,
    "finding_missed": _counted(Finding, ("id",), _found),
    "finding_disposed": _changed(Finding, "finding_id"),
    "finding_treated": _written(Action),
    "place_reinspected": _changed(Action, "action_id"),
    "notified": _written(Notification),
    "point_answered": _counted(Answer, ("inspection_id", "area"), _said),
    "check_answered": _written(CheckAnswer),
    "wood_packaging_recorded": _written(WoodPackaging),
    "seal_recorded": _written(SealLine),
    "seal_checked": _written(SealCheck),
    "party_recorded": _written(Party),
    "leg_recorded": _written(Leg),
    "fix_recorded": _written(Fix),
    "signed": _written(Signature),
    "inspection_closed": _changed(Inspection, "inspection_id"),
    "inspection_held": _changed(Inspection, "inspection_id"),
    "inspection_purged": _purged,
    "amended": _amended,
    "exported": _written(Export),
    "photograph_reviewed": _reviewed,
    "review_withdrawn": _review_withdrawn,
    "certificate_given": _written(Certificate),
    "certificate_withdrawn": _changed(Certificate, "certificate_id"),
    "picture_question_made": _written(PictureQuestion),
    "picture_question_withdrawn": _changed(PictureQuestion, "question_id"),
    "quiz_made": _written(Quiz),
    "quiz_withdrawn": _changed(Quiz, "quiz_id"),
    "quiz_started": _written(QuizAttempt),
    "quiz_answered": _written(QuizAnswer),
    "quiz_finished": _certified(QuizAttempt),
    "course_held": _certified(Course),
    "conveyance_drawn": _written(Draw),
    "draw_used": _changed(Draw, "draw_id"),
    "account_opened": _written(Account),
    "account_changed": _changed(Account, "account_id"),
    "token_given": _written(Token),
    "token_withdrawn": _changed(Token, "token_id"),
    "key_made": _written(SigningKey),
    "model_promoted": _promoted,
    "model_rolled_back": _changed(Promotion, "promotion_id"),
    "dataset_made": _written(Dataset),
}
