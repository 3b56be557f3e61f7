"""Use cases of training: who was certified for what, until when (CTPAT 12.1, 12.2, 12.7)."""

from __future__ import annotations

from sqlmodel import Session, col, select

from pestcheck.inspection.journey import name_key
from pestcheck.records.common import Refused, UseCases, day, get, new_id, one_of, text, unchanged
from pestcheck.store import events
from pestcheck.store.tables import Certificate

TOPICS = {
    "inspection": "Inspection of conveyances, hidden compartments, signs of pests (CTPAT 12.2)",
    "pest_prevention": "Pest prevention, wood packaging rules, infested wood (CTPAT 12.7)",
}
FOR_INSPECTORS = "inspection"
"""The topic that an inspector must be certified in."""


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
        key, name = new_id(certificate_id), text(person, "name", needed="Say who was trained.")
        row = {
            "id": key, "person": name, "key": name_key(name), "topic": one_of(topic, TOPICS, "topic"), "given_on": day(given_on, "date"),
            "expires_on": day(expires_on, "date of expiry"), "reference": text(reference, "reference"), "recorded_by": actor,
        }  # fmt: skip
        if row["expires_on"] < row["given_on"]:
            raise Refused(f"The certificate expires on {row['expires_on']}, before it is given on {row['given_on']}.")
        with self.database.writing() as session:
            known = session.get(Certificate, key)
            if known and not unchanged(known, row):
                raise Refused("A certificate with this id is already there; withdraw it, and give another.")
            if not known:
                events.append(session, "certificate_given", row | {"recorded_at": events.now()}, actor)
        return key

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
