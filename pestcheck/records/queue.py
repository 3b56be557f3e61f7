"""Use cases of the review queue: photographs in the order of what they teach, given to trainers one lease each.

The order is a table that follows from the others (``Queued``): every event makes the photographs of its inspection stale, and stale rows are made
anew, a few hundred at a time, by whoever comes first, the server's thread or a trainer who opens the queue.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, bindparam, func, literal, tuple_
from sqlmodel import Session, col, select

from pestcheck import priority, rates
from pestcheck.records.common import Conflict, Refused, UseCases, get, moment, text
from pestcheck.records.reviews import Reviewed, read_reviewed
from pestcheck.review import Status
from pestcheck.store import events
from pestcheck.store.review_tables import Claim, Queued, QueueHead, Review, ReviewState
from pestcheck.store.tables import Event, Finding, Head, Hint, Inspection, View
from pestcheck.taxonomy import LABELS

LEASE = timedelta(minutes=10)
"""How long a photograph is kept for the trainer who was given it."""
AT_ONCE = 500
"""Rows that are made anew in one transaction."""
FACTS_AGE = timedelta(minutes=10)
"""How old the facts may be (``priority.Facts``)."""
BINS = 10
TO_DO = (Status.OPEN, Status.ONE_OPINION, Status.DISPUTED)
"""Photographs that want one more opinion."""
MOST_TAKEN = 50
QUEUED: sa.Table = Queued.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Choice:
    """What a trainer wants to see. "" is all; ``site`` "-": without a site. ``since``, ``until``: when it was put on record, ISO 8601."""

    site: str = ""
    label: str = ""
    inspector: str = ""
    model: str = ""
    since: str = ""
    until: str = ""
    statuses: tuple[str, ...] = TO_DO


@dataclass(frozen=True, slots=True)
class Given:
    """A photograph that a trainer was given until a time. ``blind``: they were never shown what the model and the inspector say."""

    item: Reviewed
    row: Queued
    until: str
    blind: bool


@dataclass(frozen=True, slots=True)
class Choices:
    """What there is to choose by, and how many photographs there are of each status."""

    sites: list[str]
    inspectors: list[str]
    models: list[str]
    statuses: dict[str, int]


class Queue(UseCases):
    """See the module."""

    def queue(self, person: str, choice: Choice = Choice(), *, limit: int = 50, after: str = "") -> list[tuple[Queued, str]]:
        """The photographs that teach most first, each with the name of who has it now, or "".

        Args:
            person: who asks; what they have an opinion of is no more to do for them. after: ``cursor`` of the last one of the page before.
        """
        self.refresh_queue()
        with self.database.reading() as session:
            now = events.now()
            query = (
                select(Queued).where(*_chosen(session, choice, person)).order_by(col(Queued.priority).desc(), col(Queued.view_id).desc())
            )
            if after:
                query = query.where(tuple_(col(Queued.priority), col(Queued.view_id)) < tuple_(*_place(after)))
            rows = list(session.exec(query.limit(limit)))
            held = select(Claim.view_id, Claim.person).where(col(Claim.view_id).in_([row.view_id for row in rows]), Claim.until > now)
            by = {view: who for view, who in session.exec(held) if who != person}
            return [(row, by.get(row.view_id, "")) for row in rows]

    def take(
        self, person: str, choice: Choice = Choice(), *, limit: int = 5, blind: bool = False, without: Collection[str] = ()
    ) -> list[Given]:  # fmt: skip
        """Give a trainer the next photographs, and keep them from others for a while. Asked again, it gives the same ones, and keeps them longer.

        Args:
            blind: only such that they were never shown what the model and the inspector say of. without: photographs that they skip.

        Raises:
            Refused: a blind choice by what others said.
        """
        if blind and (choice.label or choice.inspector or choice.model):
            raise Refused("Choose by site and date only: label, inspector and model would tell what others said.")
        self.refresh_queue()
        with self.database.writing() as session:
            now = events.now()
            until = events.written(datetime.now(UTC) + LEASE)
            known = {one.view_id: one for one in session.exec(select(Claim).where(Claim.person == person))}
            live = {key for key, one in known.items() if one.until > now}
            taken = col(Queued.view_id).in_(select(Claim.view_id).where(Claim.person != person, Claim.until > now))
            query = select(Queued).where(*_chosen(session, choice, person), ~taken, col(Queued.view_id).not_in([*without]))
            if blind:
                query = query.where(col(Queued.view_id).not_in(select(Claim.view_id).where(Claim.person == person, col(Claim.opened))))
            query = query.order_by(col(Queued.priority).desc(), col(Queued.view_id).desc())
            kept = list(session.exec(query.where(col(Queued.view_id).in_(live)))) if live else []
            rows = kept[:limit]
            if len(rows) < limit:
                rows += session.exec(query.where(col(Queued.view_id).not_in(live)).limit(limit - len(rows)))
            for key in live - {row.view_id for row in rows}:
                known[key].until = now  # free for others
            for row in rows:
                claim = known.get(row.view_id) or Claim(view_id=row.view_id, person=person, until=until, opened=False)
                claim.until, claim.opened = until, claim.opened or not blind
                session.add(claim)
            keys = [row.view_id for row in rows]
        return self._given(keys, until, blind=blind)

    def claim(self, view_id: str, person: str, *, blind: bool = False) -> Given:
        """Give a trainer one photograph, whatever the order.

        Raises:
            NotFound: there is none with this id. Conflict: another trainer has it now.
        """
        self.refresh_queue()
        with self.database.writing() as session:
            get(session, View, view_id)
            row, now = session.get(Queued, view_id), events.now()
            if row is None:
                raise Refused("The model has not looked at this photograph yet; try again in a minute.")
            other = session.exec(select(Claim).where(Claim.view_id == view_id, Claim.person != person, Claim.until > now)).first()
            if other:
                says = f"{other.person} is looking at this photograph, until {other.until} at the latest. Take another one meanwhile."
                raise Conflict(says, version=row.priority, by=other.person, at=other.until)
            claim = session.get(Claim, (view_id, person)) or Claim(view_id=view_id, person=person, until="", opened=False)
            claim.until, claim.opened = events.written(datetime.now(UTC) + LEASE), claim.opened or not blind
            session.add(claim)
            until, opened = claim.until, claim.opened
        return self._given([view_id], until, blind=not opened)[0]

    def _given(self, keys: list[str], until: str, *, blind: bool) -> list[Given]:
        with self.database.reading() as session:
            rows = {row.view_id: row for row in session.exec(select(Queued).where(col(Queued.view_id).in_(keys)))}
            items = [item for item in read_reviewed(session, keys) if item.view.id in rows]
            return [Given(item, rows[item.view.id], until, blind) for item in items]

    def release(self, person: str, views: Iterable[str] | None = None) -> None:
        """Let others have what a trainer was given: these photographs, or all."""
        with self.database.writing() as session:
            query = select(Claim).where(Claim.person == person, Claim.until > events.now())
            for claim in session.exec(query if views is None else query.where(col(Claim.view_id).in_([*views]))):
                claim.until = events.now()

    def queue_choices(self) -> Choices:
        """What there is to choose by, at the sites that they see."""
        with self.database.reading() as session:
            theirs = _theirs(session)

            def names(column: Any) -> list[str]:
                return [name for name in session.exec(select(column).where(*theirs).distinct().order_by(column)) if name]

            counts = session.exec(select(Queued.status, func.count()).where(*theirs).group_by(Queued.status)).all()
            return Choices(
                names(col(Queued.site)), names(col(Queued.inspector)), names(col(Queued.model)),
                dict.fromkeys(map(str, Status), 0) | {status: int(count) for status, count in counts},
            )  # fmt: skip

    def refresh_queue(self, most: int = AT_ONCE, *, facts: bool = False) -> bool:
        """Bring the order up to date with the log, and make up to ``most`` stale rows anew.

        Args:
            facts: also see what is rare, new and drifting now, if that is FACTS_AGE old; it takes longer.

        Returns:
            Whether there are more.
        """
        with self.database.reading() as session:
            head, size = session.get(QueueHead, 1), session.exec(select(Head.size)).first() or 0
            fresh = head is not None and (head.seq, head.version) == (size, priority.VERSION) and not (facts and _old(head))
            if fresh and session.exec(select(Queued.view_id).where(col(Queued.stale)).limit(1)).first() is None:
                return False
        with self.database.writing() as session:
            head = _marked(session, facts=facts)
            now = priority.Facts(**{name: frozenset(values) for name, values in head.facts.items()})
            keys = list(session.exec(select(Queued.view_id).where(col(Queued.stale)).limit(most)))
            _fill(session, keys, now)
            return len(keys) == most


def _theirs(session: Session) -> list[ColumnElement[bool]]:
    sites = session.info.get("sites")
    return [] if sites is None else [col(Queued.site).in_(sites)]


def _chosen(session: Session, choice: Choice, person: str) -> list[ColumnElement[bool]]:
    """The rows of a choice that this person has no opinion of.

    Raises:
        Refused: a date that is none.
    """
    found = [*_theirs(session), col(Queued.status).in_([str(one) for one in choice.statuses])]
    for column, value in ((Queued.inspector, choice.inspector), (Queued.model, choice.model), (Queued.site, choice.site)):
        if value := text(value, "choice"):
            found.append(col(column) == ("" if value == "-" else value))
    if label := text(choice.label, "label"):
        found.append(col(Queued.labels).contains(f",{label},", autoescape=True))
    if since := moment(_day(choice.since), "first day"):
        found.append(col(Queued.added_at) >= since)
    if until := moment(_day(choice.until), "last day"):
        found.append(col(Queued.added_at) < until)
    if set(choice.statuses) <= {*map(str, TO_DO), *TO_DO}:
        mine = select(Review.id).where(Review.view_id == Queued.view_id, Review.reviewer == person, col(Review.withdrawn_at).is_(None))
        found.append(~mine.exists())
    return found


def _day(value: str) -> str:
    """A date alone is its beginning, in UTC."""
    return f"{value}T00:00:00+00:00" if len(value) == 10 else value


def cursor(row: Queued) -> str:
    """Where a row stands in the order, to go on from there."""
    return f"{row.priority}.{row.view_id}"


def _place(after: str) -> tuple[int, str]:
    number, _, key = after.partition(".")
    if not (number.isascii() and number.isdigit() and len(number) < 10 and key.isprintable()):
        raise Refused(f"{after[:60]!r} is no place in the queue; give what the page before said.")
    return int(number), key


def _old(head: QueueHead) -> bool:
    return head.facts_at < events.written(datetime.now(UTC) - FACTS_AGE)


def _marked(session: Session, *, facts: bool) -> QueueHead:
    """Mark what changed since as stale, and say how far the queue is."""
    size = session.exec(select(Head.size)).first() or 0
    head = session.get(QueueHead, 1)
    anew = head is None or head.version != priority.VERSION or head.seq > size  # another program, or another log was restored
    if head is None:
        head = QueueHead(seq=0, version=priority.VERSION, facts_at="")
        session.add(head)
    where = []
    if not anew:
        touched = select(Event.inspection_id).where(Event.seq >= head.seq, col(Event.inspection_id).is_not(None)).distinct()
        where = [col(View.inspection_id).in_(touched)]
    if anew or head.seq < size:
        session.execute(QUEUED.update().where(*([QUEUED.c.inspection_id.in_(touched)] if not anew else [])).values(stale=True))
        empty = {"priority": 0, "status": Status.OPEN.value, "site": "", "inspector": "", "model": "", "labels": ""}
        columns: list[Any] = [
            View.id,
            View.inspection_id,
            View.added_at,
            literal(True),
            literal([], sa.JSON),
            *map(literal, empty.values()),
        ]
        known = select(Queued.view_id).where(Queued.view_id == View.id).exists()
        rows = sa.select(*columns).where(col(View.state) != "waiting", ~known, *where)
        session.execute(QUEUED.insert().from_select(["view_id", "inspection_id", "added_at", "stale", "reasons", *empty], rows))
    if anew or (facts and _old(head)):
        found = _facts(session)
        _note(session, head.facts, found)
        head.facts, head.facts_at = found, events.now()
    head.seq, head.version = size, priority.VERSION
    return head


def _facts(session: Session) -> dict[str, list[str]]:
    """See ``priority.Facts``."""
    by_label: dict[str, set[str]] = {key: set() for key, label in LABELS.items() if label.contaminant}
    by_site: dict[str, set[str]] = {site: set() for site in session.exec(select(func.coalesce(Inspection.site, "")).distinct())}
    query = (
        select(Review.view_id, Review.marks, func.coalesce(Inspection.site, ""))
        .join(View, col(View.id) == Review.view_id).join(Inspection, col(Inspection.id) == View.inspection_id)
        .where(col(Review.withdrawn_at).is_(None))
    )  # fmt: skip
    for view, marks, site in session.exec(query):
        by_site[site].add(view)
        for mark in marks:
            by_label.setdefault(mark["label"], set()).add(view)
    recent = col(View.added_at) >= _recent()
    bins: Any = sum((sa.case((col(View.score) >= k / BINS, 1), else_=0) for k in range(1, BINS)), literal(0))
    counts: dict[str, list[list[int]]] = {}
    site_of = func.coalesce(Inspection.site, "")
    scores = (
        sa.select(site_of, recent, bins, func.count()).select_from(Inspection).join(View, col(View.inspection_id) == Inspection.id)
        .where(col(View.score).is_not(None)).group_by(site_of, recent, bins)
    )  # fmt: skip
    for site, new, number, count in session.execute(scores):
        counts.setdefault(site, [[0] * BINS, [0] * BINS])[bool(new)][int(number)] = int(count)
    return {
        "rare": sorted(label for label, views in by_label.items() if len(views) < priority.RARE),
        "new_sites": sorted(site for site, views in by_site.items() if len(views) < priority.NEW_SITE),
        "drifting": sorted(site for site, (before, now) in counts.items() if (rates.psi(before, now) or 0) > priority.DRIFT),
    }


def _note(session: Session, before: dict[str, list[str]], now: dict[str, list[str]]) -> None:
    """Mark as stale what another fact makes another."""
    changed = {name: set(before.get(name, ())) ^ set(now[name]) for name in now}
    where = [QUEUED.c.labels.contains(f",{label},", autoescape=True) for label in sorted(changed["rare"])]
    where += [QUEUED.c.site.in_(sorted(changed["new_sites"] | changed["drifting"]))]
    session.execute(QUEUED.update().where(sa.or_(*where)).values(stale=True))


def _recent() -> str:
    return events.written(datetime.now(UTC) - timedelta(days=priority.RECENT_DAYS))


def _fill(session: Session, keys: list[str], facts: priority.Facts) -> None:
    """Make rows anew."""
    findings: dict[str, list[Any]] = {}
    wanted = (Finding.view_id, Finding.label, Finding.probability, Finding.candidates, Finding.state, Finding.decided_label)
    for finding in session.execute(sa.select(*wanted).where(col(Finding.view_id).in_(keys))):  # type: ignore[call-overload]
        findings.setdefault(finding.view_id, []).append(finding)
    hinted = sa.select(Finding.view_id, Hint.agrees, Hint.listed).join(Finding, col(Finding.id) == Hint.finding_id)  # type: ignore[call-overload]
    hints = [*session.execute(hinted.where(col(Finding.view_id).in_(keys)))]
    disagree, listed = {one.view_id for one in hints if one.agrees is False}, {one.view_id for one in hints if one.listed}
    query = (
        sa.select(View.id, View.verdict, View.score, View.model, View.added_at, Inspection.site, Inspection.inspector, ReviewState.status)  # type: ignore[call-overload]
        .join(Inspection, col(Inspection.id) == View.inspection_id).outerjoin(ReviewState, col(ReviewState.view_id) == View.id)
        .where(col(View.id).in_(keys))
    )  # fmt: skip
    since, rows = _recent(), []
    for view in session.execute(query):
        found, status, site = findings.get(view.id, []), view.status or Status.OPEN.value, view.site or ""
        given = priority.parts(
            verdict=view.verdict,
            score=view.score,
            findings=found,
            status=status,
            site=site,
            recent=view.added_at >= since,
            models=view.id in disagree,
            listed=view.id in listed,
            facts=facts,
        )
        labels = sorted({label for one in found for label in (one.label, one.decided_label) if label})
        rows.append({
            "key": view.id, "priority": priority.priority(given), "reasons": priority.reasons(given), "status": status, "site": site,
            "inspector": view.inspector, "model": view.model or "", "labels": f",{','.join(labels)},", "stale": False,
        })  # fmt: skip
    if rows:
        session.connection().execute(QUEUED.update().where(QUEUED.c.view_id == bindparam("key")), rows)
    if gone := {*keys} - {row["key"] for row in rows}:
        session.execute(QUEUED.delete().where(QUEUED.c.view_id.in_(gone)))
