"""Signing in, being wrong, locking, coming back, and the clock."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import col, select

from pestcheck.accounts import Accounts, attempts, passwords
from pestcheck.accounts.attempts import FREE_BY_ADDRESS, FREE_BY_NAME, TooMany, wait
from pestcheck.accounts.sessions import MAX_HOURS, MAX_PINS, SignedOut, Wrong
from pestcheck.records import Records
from pestcheck.store.account_tables import Attempt, Login, Secret
from pestcheck.store.db import Database
from tests.accounts.conftest import HERE, WORDS, Clock

PIN = "2580"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing that takes no time, where it is not what is tested."""
    from argon2 import PasswordHasher

    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def ben(accounts: Accounts) -> str:
    key = accounts.open("Ben", "inspector", sites=["Yard 1"], actor="Ana Pérez")
    accounts.set_password(key, "another good secret", actor="Ana Pérez")
    accounts.set_pin(key, PIN, actor="Ben")
    return key


def wrong(accounts: Accounts, times: int = 1, name: str = "Ben", address: str = HERE) -> None:
    for _ in range(times):
        with pytest.raises(Wrong):
            accounts.sign_in(name, "not the password", address)


def test_a_session(accounts: Accounts, ben: str, records: Records) -> None:
    cookie = accounts.sign_in(" BEN", "another good secret", HERE)
    visit = accounts.visit(cookie)
    assert visit is not None
    assert not visit.locked
    assert (visit.person.name, visit.person.role, visit.person.sites, visit.person.account) == ("Ben", "inspector", {"Yard 1"}, ben)
    with records.database.reading() as session:
        row = session.exec(select(Login)).one()
        secret = session.get(Secret, ben)
    assert cookie not in str(row.model_dump())
    assert secret is not None
    assert "another good secret" not in str(secret.model_dump())
    assert accounts.visit(cookie + "x") is None
    assert accounts.visit("") is None
    accounts.sign_out(cookie)
    assert accounts.visit(cookie) is None


@pytest.mark.parametrize(
    ("name", "password"),
    [("Ben", "not the password"), ("Ben", ""), ("Nobody", "another good secret"), ("", ""), ("\x00", "x"), ("x" * 100_000, "y" * 100_000),
     ("\ud83d", "\ud83d"), ("Ben' OR 1=1 --", "x"), ("Ana Pérez", "another good secret")],
)  # fmt: skip
def test_what_is_wrong_is_not_told(accounts: Accounts, ben: str, name: str, password: str) -> None:
    with pytest.raises(Wrong) as refused:
        accounts.sign_in(name, password, HERE)
    assert str(refused.value) == "The name or the password is wrong."


def test_an_account_without_a_password_cannot_sign_in(accounts: Accounts) -> None:
    accounts.open("Gate", "inspector", actor="Ana")
    for password in ("", "x", passwords.NOTHING):
        with pytest.raises(Wrong):
            accounts.sign_in("Gate", password, HERE)


def test_nobody_unknown_is_answered_without_hashing(accounts: Accounts, ben: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = []
    monkeypatch.setattr("pestcheck.accounts.sessions.matches", lambda kept, typed: hashed.append(kept) or False)
    wrong(accounts, name="Ben")
    wrong(accounts, name="Nobody")
    assert hashed[0].startswith("$argon2id")
    assert hashed[1:] == [None]  # test_passwords: it takes as long


def test_each_sign_in_gives_a_new_session_and_ends_the_one_before(accounts: Accounts, ben: str) -> None:
    """Session fixation: what an attacker planted in the browser is worth nothing afterwards."""
    planted = accounts.sign_in("Ana Pérez", WORDS, HERE)
    cookie = accounts.sign_in("Ben", "another good secret", HERE, instead_of=planted)
    assert cookie != planted
    assert accounts.visit(planted) is None
    elsewhere = accounts.sign_in("Ben", "another good secret", HERE)
    assert accounts.visit(cookie) is not None
    assert accounts.visit(elsewhere) is not None


@pytest.mark.usefixtures("quick")
def test_wrong_passwords_are_slowed_down(accounts: Accounts, ben: str, clock: Clock) -> None:
    wrong(accounts, FREE_BY_NAME)
    for minutes in (1, 2, 4, 8, 15, 15):
        with pytest.raises(TooMany, match=f"Try again in {minutes} min") as early:
            accounts.sign_in("Ben", "another good secret", "198.51.100.1")  # right, and from elsewhere
        assert early.value.seconds == pytest.approx(60 * minutes, abs=2)
        assert accounts.sign_in("Ana Pérez", WORDS, HERE)  # others are not held up
        clock.pass_(minutes=minutes)
        wrong(accounts)
    clock.pass_(minutes=15)
    assert accounts.sign_in("Ben", "another good secret", HERE)
    wrong(accounts, FREE_BY_NAME)  # forgiven
    clock.pass_(hours=1.1)
    wrong(accounts, FREE_BY_NAME)


def test_never_more_than_a_hundred_an_hour() -> None:
    """OWASP ASVS 2.2.1. The worst that can be done: guess as soon as one may, and be forgiven once."""
    most = count = 0
    now, last = timedelta(), timedelta()
    while now < timedelta(hours=1):
        now = max(now, last + wait(count, FREE_BY_NAME))
        count, last = count + 1, now
        most += 1
    assert most < 20


@pytest.mark.usefixtures("quick")
def test_a_restart_and_another_server_forgive_nothing(accounts: Accounts, ben: str, database_url: str) -> None:
    wrong(accounts, FREE_BY_NAME)
    again = Database(database_url)
    with pytest.raises(TooMany):
        Accounts(again).sign_in("Ben", "another good secret", HERE)
    again.close()


@pytest.mark.usefixtures("quick")
def test_names_that_nobody_has_are_slowed_down_alike(accounts: Accounts, records: Records) -> None:
    wrong(accounts, FREE_BY_NAME, name="my secret by mistake")
    with pytest.raises(TooMany):
        accounts.sign_in("my secret by mistake", "x", HERE)
    with records.database.reading() as session:
        assert "mistake" not in str([row.model_dump() for row in session.exec(select(Attempt))])


@pytest.mark.usefixtures("quick")
def test_one_address_cannot_try_many_names(accounts: Accounts, ben: str, clock: Clock) -> None:
    for number in range(FREE_BY_ADDRESS):
        wrong(accounts, name=f"Name {number}", address="2001:db8::1")
        if number % 10 == 0:  # its own account does not forgive what it guesses of others
            accounts.sign_in("Ben", "another good secret", "2001:db8::1")
    with pytest.raises(TooMany):
        accounts.sign_in("Ben", "another good secret", "2001:db8::ffff")  # the same network
    assert accounts.sign_in("Ben", "another good secret", "2001:db8:0:1::1")
    clock.pass_(minutes=16)
    assert accounts.sign_in("Ben", "another good secret", "2001:db8::1")


@pytest.mark.usefixtures("quick")
def test_many_guesses_at_once_are_no_more_than_one_after_the_other(accounts: Accounts, ben: str) -> None:
    def guess(_: int) -> type[Exception]:
        try:
            accounts.sign_in("Ben", "not the password", HERE)
        except (Wrong, TooMany) as error:
            return type(error)
        raise AssertionError

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(guess, range(24)))
    assert told.count(Wrong) == FREE_BY_NAME


@pytest.mark.usefixtures("quick")
def test_a_clock_set_back_holds_nobody_up_for_longer(accounts: Accounts, ben: str, clock: Clock) -> None:
    wrong(accounts, FREE_BY_NAME)
    clock.pass_(days=-400)
    with pytest.raises(TooMany) as early:
        accounts.sign_in("Ben", "another good secret", HERE)
    assert early.value.seconds <= 60
    clock.pass_(minutes=1, seconds=1)
    assert accounts.sign_in("Ben", "another good secret", HERE)


@pytest.mark.usefixtures("quick")
def test_sessions_and_the_clock(accounts: Accounts, ben: str, clock: Clock) -> None:
    def locked(cookie: str) -> bool | None:
        visit = accounts.visit(cookie)
        return None if visit is None else visit.locked

    cookie = accounts.sign_in("Ben", "another good secret", HERE)
    for _ in range(3):
        clock.pass_(minutes=9)
        assert locked(cookie) is False
    clock.pass_(minutes=11)
    assert locked(cookie) is True
    clock.pass_(minutes=-11)
    assert locked(cookie) is True  # to set the clock back unlocks nothing
    accounts.unlock(cookie, pin=PIN)
    assert locked(cookie) is False
    clock.pass_(minutes=-20)
    assert locked(cookie) is True
    accounts.unlock(cookie, pin=PIN)
    clock.pass_(seconds=-30)
    assert locked(cookie) is False  # servers' clocks differ a little
    clock.pass_(hours=MAX_HOURS)
    assert locked(cookie) is None
    with pytest.raises(SignedOut):
        accounts.unlock(cookie, pin=PIN)
    other = accounts.sign_in("Ben", "another good secret", HERE)
    clock.pass_(days=-400)
    assert locked(other) is None


@pytest.mark.usefixtures("quick")
def test_old_sessions_and_attempts_are_thrown_away(accounts: Accounts, ben: str, clock: Clock, records: Records) -> None:
    accounts.sign_in("Ben", "another good secret", HERE)
    wrong(accounts, name="Nobody", address="192.0.2.9")
    clock.pass_(days=2)
    accounts.sign_in("Ben", "another good secret", HERE)
    with records.database.reading() as session:
        assert len(session.exec(select(Login)).all()) == 1
        assert [row.count for row in session.exec(select(Attempt).where(col(Attempt.count) > 0))] == []


@pytest.mark.usefixtures("quick")
def test_locked_and_back_with_the_pin(accounts: Accounts, ben: str) -> None:
    cookie = accounts.sign_in("Ben", "another good secret", HERE)
    accounts.lock(cookie)
    for _ in range(MAX_PINS - 1):
        with pytest.raises(Wrong, match="PIN is wrong"):
            accounts.unlock(cookie, pin="0001")
    visit = accounts.visit(cookie)
    assert visit is not None
    assert visit.locked
    accounts.unlock(cookie, pin=f" {PIN} ")
    visit = accounts.visit(cookie)
    assert visit is not None
    assert not visit.locked
    for _ in range(MAX_PINS - 1):  # counted anew
        with pytest.raises(Wrong):
            accounts.unlock(cookie, pin="")
    with pytest.raises(SignedOut, match="Too many wrong PINs"):
        accounts.unlock(cookie, pin="0001")
    assert accounts.visit(cookie) is None
    with pytest.raises(SignedOut):
        accounts.unlock(cookie, pin=PIN)


@pytest.mark.usefixtures("quick")
def test_many_pins_at_once_are_no_more_than_five(accounts: Accounts, ben: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []
    monkeypatch.setattr("pestcheck.accounts.sessions.matches", lambda kept, typed: looked.append(typed) or False)
    monkeypatch.setattr(Accounts, "prove", lambda self, *_: self.account(ben))
    cookie = accounts.sign_in_as(ben)

    def guess(number: int) -> None:
        with pytest.raises((Wrong, SignedOut)):
            accounts.unlock(cookie, pin=f"{number:04}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(guess, range(24)))
    assert len(looked) <= MAX_PINS
    assert accounts.visit(cookie) is None


@pytest.mark.usefixtures("quick")
def test_without_a_pin_it_takes_the_password(accounts: Accounts) -> None:
    cookie = accounts.sign_in("Ana Pérez", WORDS, HERE)
    accounts.lock(cookie)
    for pin, password in (("", ""), (PIN, ""), ("", "not the password")):
        with pytest.raises(Wrong):
            accounts.unlock(cookie, pin=pin, password=password, address=HERE)
    accounts.unlock(cookie, password=WORDS, address=HERE)
    for _ in range(FREE_BY_NAME):
        with pytest.raises(Wrong):
            accounts.unlock(cookie, password="x", address=HERE)
    with pytest.raises(TooMany):
        accounts.unlock(cookie, password=WORDS, address=HERE)


@pytest.mark.usefixtures("quick")
def test_disabled_while_signed_in(accounts: Accounts, ben: str) -> None:
    cookie = accounts.sign_in("Ben", "another good secret", HERE)
    accounts.change(ben, role="auditor", sites=None, actor="Ana")
    visit = accounts.visit(cookie)
    assert visit is not None
    assert (visit.person.role, visit.person.sites) == ("auditor", None)  # felt at once
    accounts.change(ben, disabled=True, actor="Ana")
    assert accounts.visit(cookie) is None
    with pytest.raises(Wrong, match="disabled"):
        accounts.sign_in("Ben", "another good secret", HERE)
    wrong(accounts)
    accounts.change(ben, disabled=False, actor="Ana")
    assert accounts.visit(cookie) is None
    assert accounts.sign_in("Ben", "another good secret", HERE)


@pytest.mark.usefixtures("quick")
def test_a_new_password_ends_all_sessions(accounts: Accounts, ben: str) -> None:
    one, other = (accounts.sign_in("Ben", "another good secret", HERE) for _ in range(2))
    accounts.set_password(ben, "quite a new secret", actor="Ben")
    assert (accounts.visit(one), accounts.visit(other)) == (None, None)
    wrong(accounts)
    with pytest.raises(Wrong):
        accounts.sign_in("Ben", "another good secret", HERE)
    assert accounts.sign_in("Ben", "quite a new secret", HERE)


def test_hashes_of_older_parameters_are_made_anew(accounts: Accounts, ben: str, records: Records) -> None:
    from argon2 import PasswordHasher

    with records.database.writing() as session:
        session.merge(
            Secret(account_id=ben, password=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("another good secret"))
        )
    accounts.sign_in("Ben", "another good secret", HERE)
    with records.database.reading() as session:
        kept = session.get(Secret, ben)
    assert kept is not None
    assert kept.password is not None
    assert "m=65536" in kept.password
    assert accounts.sign_in("Ben", "another good secret", HERE)


@pytest.mark.usefixtures("quick")
def test_nothing_secret_is_logged(accounts: Accounts, ben: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    cookie = accounts.sign_in("Ben", "another good secret", HERE)
    wrong(accounts)
    wrong(accounts, name="a password in the wrong field")
    with pytest.raises(Wrong):
        accounts.unlock(cookie, pin="0001")
    assert "signed in: Ben" in caplog.text
    assert f"wrong password from {HERE} for Ben" in caplog.text
    for secret in ("another good secret", "not the password", "a password in the wrong field", "0001", PIN, cookie, "argon2"):
        assert secret not in caplog.text


@pytest.mark.usefixtures("quick")
def test_a_full_disk_keeps_nobody_from_reading(accounts: Accounts, ben: str, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    cookie = accounts.sign_in("Ben", "another good secret", HERE)
    clock.pass_(minutes=5)

    def full(self: Database) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(Database, "writing", full)
    visit = accounts.visit(cookie)
    assert visit is not None
    assert not visit.locked


def test_addresses_of_any_form() -> None:
    assert attempts.by_address("2001:db8::1") == attempts.by_address("2001:db8::2") != attempts.by_address("2001:db8:1::1")
    assert attempts.by_address("192.0.2.1") != attempts.by_address("192.0.2.2")
    assert attempts.by_address("fe80::1%eth0") == attempts.by_address("fe80::2")
    assert attempts.by_address("unix socket") != attempts.by_address("")
