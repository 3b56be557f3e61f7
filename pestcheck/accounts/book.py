"""Use cases of accounts: open one, change it, give it a password, a PIN, a token. Each is an event of the log, without what is secret."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import timedelta
from types import EllipsisType
from typing import Any

from sqlmodel import Session, col, delete, select

from pestcheck.accounts.common import OverDatabase, by_name, clock, digest, key_of, stamp
from pestcheck.accounts.passwords import check_password, check_pin, hashed, normal
from pestcheck.ids import uuid7
from pestcheck.people import Role
from pestcheck.records.common import NotFound, Refused, get, new_id, not_stale, one_of, text, unchanged
from pestcheck.store import events
from pestcheck.store.account_tables import Account, Login, Secret, Token, TokenHash

MAX_NAME, MAX_SITES, MAX_DAYS = 100, 200, 3650
PREFIX = "pestcheck_"
"""So that scanners for secrets know a token that was put where it does not belong."""


class Book(OverDatabase):
    """See the module."""

    def accounts(self) -> list[Account]:
        """All accounts by name, also those that are disabled."""
        with self.database.reading() as session:
            return list(session.exec(select(Account).order_by(Account.key)))

    def account(self, account_id: str) -> Account:
        """
        Raises:
            NotFound: there is none with this id.
        """
        with self.database.reading() as session:
            return get(session, Account, account_id)

    def named(self, name: str) -> Account:
        """
        Raises:
            NotFound: nobody has this name.
        """
        with self.database.reading() as session:
            if (found := by_name(session, name)) is None:
                raise NotFound(f"There is no account {name[:60]!r}; `pestcheck users list` lists them.")
            return found

    def sites(self) -> list[str]:
        """All sites that accounts are bound to."""
        return sorted({site for account in self.accounts() for site in account.sites or ()})

    def open(
        self, name: str, role: str, *, sites: Iterable[str] | None = None, actor: str, subject: str | None = None, account_id: str | None = None
    ) -> str:  # fmt: skip
        """Open an account, which cannot sign in with a password until it is given one.

        Args:
            sites: the only ones of which they see anything; None: all.
            subject: who they are to a sign-in service.

        Returns:
            Its id.

        Raises:
            Refused: no name, one that is taken, no such role, or the first one, which somebody must manage the others with, is no admin's.
        """
        key, called = new_id(account_id), _name(name)
        row: dict[str, Any] = {
            "id": key, "name": called, "key": key_of(called), "role": one_of(role, [*Role], "role"), "sites": _sites(sites),
            "subject": subject,
        }  # fmt: skip
        with self.database.writing() as session:
            if unchanged(session.get(Account, key), row):
                return key
            if by_name(session, called) or session.get(Account, key):
                raise Refused(f"There is an account {called!r} already. Two people of one name need something to tell them apart.")
            if role != Role.admin and subject is None and not _admins(session):
                raise Refused("The first account must be an admin's: somebody has to look after the others.")
            events.append(session, "account_opened", row | {"opened_at": events.now(), "opened_by": actor}, actor)
        return key

    def change(
        self, account_id: str, *, actor: str, seen: int | None = None, role: str | None = None, sites: Iterable[str] | EllipsisType | None = ...,
        disabled: bool | None = None, name: str | None = None,
    ) -> None:  # fmt: skip
        """Give an account another role, other sites or another name, disable or enable it. Who is signed in with it feels it at the next request.

        Args:
            role, sites, disabled, name: what is left out stays; ``sites=None``: all of them.

        Raises:
            Refused: it is the last admin's. Conflict: see ``records.common.not_stale``.
        """
        with self.database.writing() as session:
            account = get(session, Account, account_id)
            row: dict[str, Any] = {}
            if role is not None:
                row["role"] = one_of(role, [*Role], "role")
            if not isinstance(sites, EllipsisType):
                row["sites"] = _sites(sites)
            if disabled is not None and disabled != bool(account.disabled_at):
                row["disabled_at"] = events.now() if disabled else None
            if name is not None:
                row |= {"name": _name(name), "key": key_of(_name(name))}
                if (other := by_name(session, name)) and other.id != account.id:
                    raise Refused(f"There is an account {other.name!r} already.")
            if unchanged(account, row):
                return
            stays = row.get("role", account.role) == Role.admin and row.get("disabled_at", account.disabled_at) is None
            if not stays and _admins(session) == [account.id]:
                raise Refused("This is the last admin. Make somebody else an admin first.")
            version = not_stale(account, seen, f"The account {account.name!r}")
            events.append(session, "account_changed", {"account_id": account.id, **row, "version": version}, actor)
            if row.get("disabled_at"):
                session.exec(delete(Login).where(col(Login.account_id) == account.id))

    def set_password(self, account_id: str, password: str, *, actor: str) -> None:
        """Give an account a password in place of the one it has. Who is signed in with it is signed out.

        Raises:
            Refused: it is not good enough.
        """
        self._set(account_id, "password", hashed(check_password(password, self.account(account_id).name)), actor)

    def set_pin(self, account_id: str, pin: str, *, actor: str) -> None:
        """Give an account the PIN that unlocks its sessions; "" takes it away.

        Raises:
            Refused: it is not good enough.
        """
        self._set(account_id, "pin", hashed(check_pin(pin)) if pin else None, actor)

    def _set(self, account_id: str, what: str, value: str | None, actor: str) -> None:
        with self.database.writing() as session:
            account = get(session, Account, account_id)
            session.merge((session.get(Secret, account_id) or Secret(account_id=account_id)).sqlmodel_update({what: value}))
            at = events.now() if value else None
            events.append(session, "account_changed", {"account_id": account.id, f"{what}_set_at": at}, actor)
            if what == "password":
                session.exec(delete(Login).where(col(Login.account_id) == account.id))

    def has_pin(self, account_id: str) -> bool:
        """Whether an account has a PIN. After a restore it has none, whatever the log says of the one before."""
        with self.database.reading() as session:
            kept = session.get(Secret, account_id)
            return kept is not None and kept.pin is not None

    def has_password(self, account_id: str) -> bool:
        """Likewise whether it has a password."""
        with self.database.reading() as session:
            kept = session.get(Secret, account_id)
            return kept is not None and kept.password is not None

    def give_token(self, account_id: str, label: str, *, days: int = 365, actor: str, token_id: str | None = None) -> str:
        """A token with which a machine acts as the account.

        Args:
            label: what it is for. days: how long it is good.

        Returns:
            The token, which can never be shown again.

        Raises:
            Refused: no label, or a time that makes no sense.
        """
        key, said = new_id(token_id), text(label, "label", needed="Say what the token is for.")
        if not 1 <= days <= MAX_DAYS:
            raise Refused(f"A token is good for 1 to {MAX_DAYS} days, not {days}.")
        token = PREFIX + secrets.token_urlsafe(32)
        with self.database.writing() as session:
            account = get(session, Account, account_id)
            if session.get(Token, key):
                raise Refused("This token was given already, and can never be shown again. Withdraw it and give another.")
            row = {
                "id": key, "account_id": account.id, "label": said, "given_at": events.now(), "given_by": actor,
                "expires_at": events.written(clock() + timedelta(days=days)),
            }  # fmt: skip
            events.append(session, "token_given", row, actor)
            session.add(TokenHash(hash=digest(token), token_id=key))
        return token

    def withdraw_token(self, token_id: str, *, actor: str) -> None:
        """Say that a token counts no more.

        Raises:
            NotFound: there is none with this id.
        """
        with self.database.writing() as session:
            if get(session, Token, token_id).withdrawn_at is None:
                events.append(session, "token_withdrawn", {"token_id": token_id, "withdrawn_at": events.now()}, actor)
                session.exec(delete(TokenHash).where(col(TokenHash.token_id) == token_id))

    def tokens(self, account_id: str) -> list[Token]:
        """The tokens of an account that count, the newest first."""
        query = select(Token).where(Token.account_id == account_id, col(Token.withdrawn_at).is_(None), col(Token.expires_at) > stamp())
        with self.database.reading() as session:
            return list(session.exec(query.order_by(col(Token.given_at).desc(), col(Token.id).desc())))

    def from_service(self, subject: str, name: str, role: str, sites: Iterable[str] | None) -> str:
        """The account of somebody whom a sign-in service vouches for, opened or changed to what the service says of them.

        Returns:
            Its id.

        Raises:
            Refused: the name is another account's.
        """
        actor = "sign-in service"
        with self.database.reading() as session:
            known = session.exec(select(Account).where(Account.subject == subject)).first()
        if known is None:
            return self.open(name, role, sites=sites, actor=actor, subject=subject, account_id=uuid7())
        self.change(known.id, actor=actor, role=role, sites=None if sites is None else [*sites], name=name)
        return known.id


def _admins(session: Session) -> list[str]:
    query = select(Account.id).where(Account.role == Role.admin, col(Account.disabled_at).is_(None))
    return list(session.exec(query))


def _name(name: str) -> str:
    called = " ".join(normal(text(name, "name", needed="Give the person's name: it stands in the log.")).split())
    if len(called) > MAX_NAME:
        raise Refused(f"The name is too long: {len(called)} characters; the limit is {MAX_NAME}.")
    return called


def _sites(sites: Iterable[str] | None) -> list[str] | None:
    if sites is None:
        return None
    named = sorted({text(site, "site") for site in sites} - {""})
    if len(named) > MAX_SITES:
        raise Refused(f"{len(named)} sites are too many for one account; leave them out for all sites.")
    if not named:
        raise Refused("Name the sites that the person sees, or say all sites.")
    return named
