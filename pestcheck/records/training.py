"""Use cases of training: who was certified for what, until when (CTPAT 12.1, 12.2, 12.7), trainings held, and the roster."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from pestcheck.ids import uuid7
from pestcheck.inspection.journey import name_key
from pestcheck.people import MAY, Deed, Role
from pestcheck.records.common import Refused, UseCases, at_their_sites, day, get, new_id, one_of, text, unchanged
from pestcheck.store import events
from pestcheck.store.account_tables import Account
from pestcheck.store.tables import Certificate, Inspection
from pestcheck.store.training_tables import Course

TOPICS = {
    "inspection": "Inspection of conveyances, hidden compartments, signs of pests (CTPAT 12.2)",
    "pest_prevention": "Pest prevention, wood packaging rules, infested wood (CTPAT 12.7)",
}
SHORT = {"inspection": "Inspection", "pest_prevention": "Pest prevention"}
"""The topics in a word or two."""
FOR_INSPECTORS = "inspection"
"""The topic that an inspector must be certified in."""
SOON = 30
"""Days before the end at which people are reminded."""
LOOK_BACK = timedelta(days=365)
"""Whoever inspected within this time stands in the roster."""
MOST_ATTENDEES = 200
STATES = {"valid": "Valid", "soon": "Ends soon", "expired": "Expired", "missing": "None"}
"""How a person stands in a topic."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a person stands in a topic today. ``state``: of STATES; ``certificate``: the one that counts longest, or None; ``days``: left."""

    state: str
    certificate: Certificate | None = None
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Trainee:
    """A line of the roster. ``role``: of the account; None: there is none in this name. ``topics``: by topic."""

    person: str
    role: Role | None
    topics: dict[str, Standing]
    certificates: tuple[Certificate, ...]

    @property
    def due(self) -> bool:
        """Whether they need training as an inspector: it is missing, over, or ends soon."""
        return self.topics[FOR_INSPECTORS].state != "valid"


def standing(certificates: Iterable[Certificate], topic: str, today: date) -> Standing:
    """How a person with these certificates stands in a topic: the one that is valid longest counts, else the last that was."""
    own = [one for one in certificates if one.topic == topic and one.withdrawn_at is None]
    begun = [one for one in own if one.given_on <= today.isoformat()]
    last = max(begun, key=lambda one: (one.expires_on, one.id), default=None)
    if last is None:
        return Standing("missing")
    days = (date.fromisoformat(last.expires_on) - today).days
    return Standing("expired" if days < 0 else "soon" if days <= SOON else "valid", last, days)


class Training(UseCases):
    """See the module."""

    def certify(
        self, person: str, topic: str, *, given_on: str, expires_on: str, actor: str, reference: str = "", certificate_id: str | None = None
    ) -> str:
        """Record that a person was trained.

        Args:
            topic: of TOPICS. given_on, expires_on: dates, ISO 8601; it is valid on both.

        Returns:
            The id of the certificate.

        Raises:
            Refused: nobody, an unknown topic, or dates that make no sense.
        """
        row = certificate(person, topic, given_on, expires_on, reference, actor, new_id(certificate_id))
        with self.database.writing() as session:
            known = session.get(Certificate, row["id"])
            if known and not unchanged(known, row):
                raise Refused("A certificate with this id is already there; withdraw it, and give another.")
            if not known:
                events.append(session, "certificate_given", row | {"recorded_at": events.now()}, actor)
        return str(row["id"])

    def withdraw_certificate(self, certificate_id: str, *, reason: str, actor: str) -> None:
        """Say that a certificate counts no more, from now on.

        Raises:
            Refused: no reason.
        """
        why = text(reason, "reason", needed="Say why the certificate is withdrawn.")
        with self.database.writing() as session:
            if get(session, Certificate, certificate_id).withdrawn_at is None:
                payload = {"certificate_id": certificate_id, "withdrawn_at": events.now(), "withdrawn_reason": why}
                events.append(session, "certificate_withdrawn", payload, actor)

    def certificates(self, person: str | None = None) -> list[Certificate]:
        """All certificates, or those of a person, the newest first."""
        query = select(Certificate).order_by(col(Certificate.given_on).desc(), col(Certificate.id).desc())
        with self.database.reading() as session:
            return list(session.exec(query if person is None else query.where(Certificate.key == name_key(person))))

    def hold_course(
        self, *, title: str, held_on: str, expires_on: str, given_by: str, topics: Iterable[str], attendees: Iterable[str], actor: str,
        reference: str = "", course_id: str | None = None,
    ) -> str:  # fmt: skip
        """Record a training held for several people, as in a classroom: each gets a certificate in each topic.

        Args:
            held_on, expires_on: dates, ISO 8601; the certificates are valid on both. topics: of TOPICS. attendees: their names; case, blanks and
                repeats do not count.

        Returns:
            The id of the course.

        Raises:
            Refused: something is missing or makes no sense, or it was held in the future.
        """
        key, held = new_id(course_id), day(held_on, "date")
        if held > (datetime.now(UTC).date() + timedelta(days=1)).isoformat():  # it may be tomorrow already, east of Greenwich
            raise Refused(f"The training is dated {held}, which is still to come. Record it when it was held.")
        people: dict[str, str] = {}
        for one in attendees:
            if name := text(one, "name"):
                people.setdefault(name_key(name), name)
        subjects = [*dict.fromkeys(one_of(topic, TOPICS, "topic") for topic in topics)]
        if not people:
            raise Refused("Say who took part, one name a line.")
        if len(people) > MOST_ATTENDEES:
            raise Refused(f"{len(people)} people are too many for one training; the limit is {MOST_ATTENDEES}. Record it in parts.")
        if not subjects:
            raise Refused("Choose at least one topic.")
        row: dict[str, Any] = {
            "id": key, "title": text(title, "title", needed="Say what the training was."), "held_on": held, "expires_on": day(expires_on, "date of expiry"),
            "given_by": text(given_by, "trainer", needed="Say who gave the training."), "topics": subjects, "attendees": [*people.values()],
            "reference": text(reference, "reference"), "recorded_by": actor,
        }  # fmt: skip
        given = [
            certificate(person, topic, held, row["expires_on"], f"{row['title']}{': ' * bool(row['reference'])}{row['reference']}", actor, uuid7())
            for person in people.values()
            for topic in subjects
        ]  # fmt: skip
        with self.database.writing() as session:
            known = session.get(Course, key)
            if known and not unchanged(known, row):
                raise Refused("A training with this id is already there; withdraw its certificates, and record another.")
            if not known:
                at = events.now()
                row |= {"certificates": [one["id"] for one in given], "recorded_at": at}
                payload = {"row": row, "certificates": [one | {"recorded_at": at} for one in given]}
                events.append(session, "course_held", payload, actor)
        return key

    def courses(self) -> list[Course]:
        """Trainings held, the newest first."""
        with self.database.reading() as session:
            return list(session.exec(select(Course).order_by(col(Course.held_on).desc(), col(Course.id).desc())))

    def roster(self, today: date | None = None) -> list[Trainee]:
        """Everybody who inspects or has a certificate, by name, and how they stand.

        These are the accounts that may inspect, whoever inspected within a year, and all who hold certificates; for those who see some sites
        only, the people of these sites.
        """
        now = today or datetime.now(UTC).date()
        with self.database.reading() as session:
            sites: frozenset[str] | None = session.info.get("sites")
            accounts = list(session.exec(select(Account)))
            here = {one.key: one for one in accounts if sites is None or one.sites is None or sites & {*one.sites}}
            since = events.written(datetime.combine(now, datetime.min.time(), UTC) - LOOK_BACK)
            inspected = session.exec(
                select(Inspection.inspector).where(Inspection.opened_at >= since, at_their_sites(session, Inspection.id)).group_by(Inspection.inspector)
            ).all()  # fmt: skip
            held: dict[str, list[Certificate]] = {}
            for one in session.exec(select(Certificate).order_by(col(Certificate.given_on).desc(), col(Certificate.id).desc())):
                held.setdefault(one.key, []).append(one)
        names = {
            key: one.name for key, one in here.items() if key in held or (one.disabled_at is None and Deed.inspect in MAY[Role(one.role)])
        }
        gone = {one.key for one in accounts if one.disabled_at is not None or one.key not in here}
        for name in inspected:
            if name_key(name) not in gone:
                names.setdefault(name_key(name), name)
        if sites is None:
            for key, own in held.items():
                names.setdefault(key, own[0].person)
        return [
            Trainee(
                name, Role(here[key].role) if key in here else None, {topic: standing(held.get(key, ()), topic, now) for topic in TOPICS},
                tuple(held.get(key, ())),
            )
            for key, name in sorted(names.items())
        ]  # fmt: skip

    def stands(self, person: str, today: date | None = None, *, topic: str = FOR_INSPECTORS) -> Standing:
        """How a person stands today in a topic."""
        return standing(self.certificates(person), topic, today or datetime.now(UTC).date())


def certificate(person: str, topic: str, given_on: str, expires_on: str, reference: str, actor: str, key: str) -> dict[str, Any]:
    """A certificate as a row, but for the time at which it is recorded.

    Raises:
        Refused: see ``Training.certify``.
    """
    name = text(person, "name", needed="Say who was trained.")
    row = {
        "id": key, "person": name, "key": name_key(name), "topic": one_of(topic, TOPICS, "topic"), "given_on": day(given_on, "date"),
        "expires_on": day(expires_on, "date of expiry"), "reference": text(reference, "reference"), "recorded_by": actor,
    }  # fmt: skip
    if row["expires_on"] < row["given_on"]:
        raise Refused(f"The certificate expires on {row['expires_on']}, before it is given on {row['given_on']}.")
    return row


def months_later(start: date, months: int) -> date:
    """The same day some months later, or the last of that month."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    for days in (start.day, 30, 29, 28):
        try:
            return date(year, month + 1, days)
        except ValueError:
            continue
    raise AssertionError(start)


def trained(session: Session, person: str, at: str) -> bool | None:
    """Whether a person had a valid certificate as an inspector at a time; None where nobody has any, so that nothing is known."""
    if session.exec(select(Certificate.id).limit(1)).first() is None:
        return None
    valid = select(Certificate).where(
        Certificate.key == name_key(person),
        Certificate.topic == FOR_INSPECTORS,
        Certificate.given_on <= at[:10],
        Certificate.expires_on >= at[:10],
    )
    return any(one.withdrawn_at is None or one.withdrawn_at > at for one in session.exec(valid))
