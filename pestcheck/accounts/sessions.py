"""Who is signed in: by name and password, or vouched for by a sign-in service; locked and unlocked with a PIN; or a machine with a token."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session, col, delete

from pestcheck.accounts import attempts
from pestcheck.accounts.common import SKEW, OverDatabase, by_name, clock, digest, key_of, person, since, stamp
from pestcheck.accounts.passwords import hashed, matches, normal, outdated
from pestcheck.people import Person
from pestcheck.records.common import Refused
from pestcheck.store import events
from pestcheck.store.account_tables import Account, Attempt, Login, Secret, Token, TokenHash

log = logging.getLogger(__name__)

MAX_HOURS = 12
"""How long a session lasts at most: a long shift (NIST SP 800-63B)."""
MAX_PINS = 5
"""Wrong PINs in a row that end a session."""
NOTED = timedelta(seconds=30)
"""How much the time of the last request may lag: not every request is written down."""
WRONG = "The name or the password is wrong."


class Wrong(Refused):
    """A wrong name, password or PIN."""


class SignedOut(Refused):
    """There is no such session any more: sign in again."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Who is behind a session. ``locked``: nothing may be shown to them before they give their PIN or password."""

    person: Person
    locked: bool


class Sessions(OverDatabase):
    """See the module."""

    def sign_in(self, name: str, password: str, address: str, *, instead_of: str = "") -> str:
        """Begin a session.

        Args:
            address: where the request comes from.
            instead_of: the session that the browser had, which ends.

        Returns:
            What its cookie holds: always a new one.

        Raises:
            Wrong: the name or the password is wrong, or the account is disabled. attempts.TooMany: it is too early for another attempt.
        """
        account = self.prove(name, password, address)
        return self.sign_in_as(account.id, instead_of=instead_of)

    def sign_in_as(self, account_id: str, *, instead_of: str = "") -> str:
        """Begin a session of somebody who has proven otherwise who they are.

        Raises:
            Wrong: the account is disabled.
        """
        token = secrets.token_urlsafe(32)
        with self.database.writing() as session:
            account = session.get(Account, account_id)
            if account is None or account.disabled_at:
                raise Wrong("This account is disabled. Ask an admin.")
            session.exec(delete(Login).where(col(Login.hash) == digest(instead_of)))
            session.exec(delete(Login).where(col(Login.started_at) < events.written(clock() - timedelta(hours=MAX_HOURS))))
            session.exec(delete(Attempt).where(col(Attempt.last_at) < events.written(clock() - 2 * attempts.FORGOTTEN)))
            session.add(Login(hash=digest(token), account_id=account_id, started_at=stamp(), seen_at=stamp()))
            log.info("signed in: %s", account.name)
        return token

    def prove(self, name: str, password: str, address: str) -> Account:
        """The account whose password it is; every wrong one counts, and takes as long as a right one.

        Raises:
            Wrong: the name or the password is wrong. attempts.TooMany: it is too early for another attempt.
        """
        try:
            key = key_of(name)
        except Refused:
            key = ""
        with self.database.writing() as session:
            early = _early(session, key, address)
        if early:
            log.warning("sign-in from %s refused: too many wrong passwords", address)
            raise early
        with self.database.reading() as session:
            account = by_name(session, key) if key else None
            secret = session.get(Secret, account.id) if account else None
        if not matches(secret.password if secret else None, password) or account is None or secret is None:
            log.warning("wrong password from %s%s", address, f" for {account.name}" if account else "")
            raise Wrong(WRONG)
        renewed = hashed(normal(password)) if secret.password and outdated(secret.password) else None
        with self.database.writing() as session:
            attempts.right(session, key, address)
            now = session.get(Secret, account.id)
            if now is None or now.password != secret.password:  # changed while it was looked at
                raise Wrong(WRONG)
            if renewed:
                now.password = renewed
        return account

    def visit(self, token: str, *, quiet: bool = False) -> Visit | None:
        """Who is behind a cookie, or None: signed out, for too long signed in, disabled.

        Args:
            quiet: the request is not a person's doing; time goes on until the session is locked.
        """
        with self.database.reading() as session:
            login = session.get(Login, digest(token))
            account = session.get(Account, login.account_id) if login else None
        if login is None or account is None or account.disabled_at or not _lasts(login):
            return None
        idle = since(login.seen_at)
        locked = login.locked or not -SKEW <= idle < self.idle
        if locked != login.locked or (not locked and not quiet and idle > NOTED):
            self._note(login.hash, locked)
        return Visit(person(account), locked)

    def _note(self, key: str, locked: bool) -> None:
        try:
            with self.database.writing() as session:
                if login := session.get(Login, key):
                    login.locked = login.locked or locked
                    login.seen_at = login.seen_at if locked else stamp()
        except OSError as error:  # a full disk must not keep people from reading
            log.warning("a session could not be noted: %s", error)

    def bearer(self, token: str) -> Person | None:
        """The account as which a machine acts, or None: no such token, withdrawn, expired, or its account is disabled."""
        with self.database.reading() as session:
            known = session.get(TokenHash, digest(token))
            given = session.get(Token, known.token_id) if known else None
            account = session.get(Account, given.account_id) if given else None
        if given is None or account is None or given.withdrawn_at or given.expires_at <= stamp() or account.disabled_at:
            return None
        return person(account)

    def lock(self, token: str) -> None:
        """Show nothing more in a session until it is unlocked."""
        with self.database.writing() as session:
            if login := session.get(Login, digest(token)):
                login.locked = True

    def unlock(self, token: str, *, pin: str = "", password: str = "", address: str = "") -> None:
        """Go on in a locked session, with the PIN, or where there is none with the password.

        Raises:
            Wrong: it is wrong. SignedOut: there is no session any more, or it ended because this was the last wrong PIN.
            attempts.TooMany: too many wrong passwords.
        """
        with self.database.writing() as session:
            login = session.get(Login, digest(token))
            account = session.get(Account, login.account_id) if login else None
            if login is None or account is None or account.disabled_at or not _lasts(login):
                raise SignedOut("You are signed out. Sign in with your name and password.")
            secret = session.get(Secret, account.id)
            name, kept = account.name, secret.pin if secret else None
            if kept:
                login.wrong_pins += 1  # before it is looked at, so that many at once cannot all be the last one
            tries = login.wrong_pins
            if tries > MAX_PINS:
                session.delete(login)
        if tries > MAX_PINS:
            raise SignedOut("Too many wrong PINs. Sign in with your name and password.")
        if kept is None:
            self.prove(name, password, address)
        elif not matches(kept, pin.strip()):
            log.warning("wrong PIN for %s", name)
            if tries < MAX_PINS:
                left = MAX_PINS - tries
                raise Wrong(f"The PIN is wrong. Tries left, before it takes the password: {left}.")
            self.sign_out(token)
            raise SignedOut("Too many wrong PINs. Sign in with your name and password.")
        with self.database.writing() as session:
            if login := session.get(Login, digest(token)):
                login.sqlmodel_update({"locked": False, "wrong_pins": 0, "seen_at": stamp()})

    def sign_out(self, token: str) -> None:
        """End a session."""
        with self.database.writing() as session:
            session.exec(delete(Login).where(col(Login.hash) == digest(token)))


def _lasts(login: Login) -> bool:
    return -SKEW <= since(login.started_at) < timedelta(hours=MAX_HOURS)


def _early(session: Session, key: str, address: str) -> attempts.TooMany | None:
    """Count an attempt; what is written stays also when it is refused."""
    try:
        attempts.begin(session, key, address)
    except attempts.TooMany as error:
        return error
    return None
