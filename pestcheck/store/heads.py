"""Tree heads, signed: what somebody who keeps one can hold the log against later. One a day, and one at each export."""

from __future__ import annotations

import base64
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from pestcheck.export.verify_pack import fingerprint, head_text, key_text, note
from pestcheck.ids import uuid7
from pestcheck.store import events, stamps
from pestcheck.store.db import Database
from pestcheck.store.head_tables import SignedHead, SigningKey
from pestcheck.store.keys import KeyFolder, public_bytes
from pestcheck.store.tables import Event, Head

log = logging.getLogger(__name__)
SYSTEM = "pestcheck"
"""The actor of a key that was made without anybody asking for it."""
DAY = timedelta(days=1)


class NothingToSign(ValueError):
    """The log is empty."""


class Heads:
    """Signs the heads of a log. ``stamps_url``: of a time-stamping authority (RFC 3161), or None."""

    def __init__(self, database: Database, keys: KeyFolder, stamps_url: str | None = None) -> None:
        self.database, self.keys, self.stamps_url = database, keys, stamps_url

    def sign(self, actor: str = SYSTEM, *, older_than: timedelta = timedelta(0)) -> SignedHead:
        """Sign the head as it is now, and have it stamped. One that was signed already is not signed again.

        Args:
            actor: who makes the key, if there is none. older_than: leave it if the newest signed one is younger.

        Raises:
            NothingToSign: the log is empty. KeyUnavailable: the key is not here. OSError: the store cannot be written now.
        """
        with self.database.reading() as session:
            newest, head = newest_head(session), session.get(Head, 1)
            if newest and head and newest.size == head.size:
                return self.stamp(newest)
            if newest and datetime.now(UTC) - datetime.fromisoformat(newest.at) < older_than:
                return self.stamp(newest)
        with self.database.writing() as session:
            signed = self.sign_in(session, actor)
        return self.stamp(signed)

    def sign_in(self, session: Session, actor: str) -> SignedHead:
        """Sign the head within the caller's writing transaction.

        Raises:
            NothingToSign, KeyUnavailable: see ``sign``.
        """
        key = self.key(session, actor)
        head, newest = session.get(Head, 1, populate_existing=True), newest_head(session)
        assert head is not None
        if newest and (newest.size, newest.key_id) == (head.size, key.id):
            return newest
        name, at = log_name(session), events.now()
        text = head_text(name, head.size, bytes.fromhex(head.root), at)
        signature = self.keys.private(key.id).sign(text.encode())
        signed = SignedHead(
            id=uuid7(), size=head.size, root=head.root, at=at, key_id=key.id,
            note=note(text, name, public_bytes(key.public_key), signature),
        )  # fmt: skip
        session.add(signed)
        session.flush()
        session.expunge(signed)
        return signed

    def key(self, session: Session, actor: str = SYSTEM) -> SigningKey:
        """The key in use, which is made at its first use, within the caller's writing transaction.

        Raises:
            NothingToSign: the log is empty.
        """
        if session.get(Head, 1) is None:
            raise NothingToSign("The log is empty; there is nothing to sign.")
        return current_key(session) or self._made(session, actor, None, None)

    def rotate(self, actor: str, *, lost: bool = False) -> SigningKey:
        """Make a new key, which the old one signs, and sign the head with both.

        Args:
            lost: the old private key is gone, so it cannot sign: who checks has to be told the new fingerprint.

        Raises:
            NothingToSign, KeyUnavailable: see ``sign``.
        """
        with self.database.writing() as session:
            old = self.key(session, actor)
            if not lost:
                self.sign_in(session, actor)  # all that is there now was there under the old key
            new = self._made(session, actor, old, None if lost else old)
            self.sign_in(session, actor)
            session.expunge_all()
            return new

    def _made(self, session: Session, actor: str, previous: SigningKey | None, signs: SigningKey | None) -> SigningKey:
        public, at = self.keys.make(), events.now()
        endorsement = self.keys.private(signs.id).sign(key_text(log_name(session), public, at).encode()) if signs else None
        row: dict[str, Any] = {
            "id": fingerprint(public), "public_key": base64.b64encode(public).decode(), "previous": previous.id if previous else None,
            "endorsement": base64.b64encode(endorsement).decode() if endorsement else None, "made_at": at, "made_by": actor,
        }  # fmt: skip
        events.append(session, "key_made", row, actor)
        return SigningKey(**row)

    def stamp(self, head: SignedHead) -> SignedHead:
        """Have a head stamped, if there is an authority and it is not yet. An authority that does not answer is asked again another time."""
        if self.stamps_url is None or head.stamp:
            return head
        try:
            stamp = base64.b64encode(stamps.ask(self.stamps_url, head.note.encode())).decode()
        except OSError as error:
            log.warning("tree head of %s events is not stamped: %s", head.size, error)
            return head
        with self.database.writing() as session:
            if row := session.get(SignedHead, head.id):
                row.stamp = row.stamp or stamp
                session.flush()
                session.expunge(row)
                return row
        return head

    def keys_in_order(self) -> list[SigningKey]:
        """All keys, in the order in which they took over."""
        with self.database.reading() as session:
            return all_keys(session)

    def list(self) -> list[SignedHead]:
        """All signed heads, the oldest first."""
        with self.database.reading() as session:
            return all_heads(session)


def all_heads(session: Session) -> list[SignedHead]:
    """All signed heads, the oldest first."""
    return list(session.exec(select(SignedHead).order_by(col(SignedHead.size), col(SignedHead.id))))


def newest_head(session: Session) -> SignedHead | None:
    """The signed head of the most events, and the last of them."""
    return session.exec(select(SignedHead).order_by(col(SignedHead.size).desc(), col(SignedHead.id).desc()).limit(1)).first()


def all_keys(session: Session) -> list[SigningKey]:
    """The keys in the order in which they took over."""
    after = {key.previous: key for key in session.exec(select(SigningKey))}
    chain: list[SigningKey] = []
    while (key := after.get(chain[-1].id if chain else None)) and key not in chain:
        chain.append(key)
    return chain


def current_key(session: Session) -> SigningKey | None:
    """The key in use."""
    chain = all_keys(session)
    return chain[-1] if chain else None


def log_name(session: Session) -> str:
    """What a log is called in what is signed of it: by the id of its first event."""
    return f"pestcheck/{session.exec(select(Event.id).where(Event.seq == 0)).first()}"
