"""Accounts: opened, changed, and all of it in the log, but for what is secret."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from sqlmodel import select

from pestcheck.accounts import Accounts
from pestcheck.accounts.sessions import Wrong
from pestcheck.ids import uuid7
from pestcheck.records import Conflict, NotFound, Records, Refused
from pestcheck.store import open_folder
from pestcheck.store.backup import backup, open_backup, restore
from pestcheck.store.db import migrate
from pestcheck.store.replay import rebuild
from pestcheck.store.tables import Event
from pestcheck.store.verify import verify
from tests.accounts.conftest import HERE, WORDS, Clock


def log(records: Records) -> list[tuple[str, str, dict[str, object]]]:
    with records.database.reading() as session:
        rows = session.exec(select(Event).order_by(Event.seq)).all()  # type: ignore[arg-type]
    return [(row.actor, row.kind, json.loads(row.body)["payload"]) for row in rows]


def test_the_first_account_is_an_admins(records: Records) -> None:
    accounts = Accounts(records.database)
    assert not accounts.any()
    with pytest.raises(Refused, match="first account must be an admin's"):
        accounts.open("Ben", "inspector", actor="Ben")
    assert not accounts.any()
    accounts.open("Ana", "admin", actor="Ana")
    assert accounts.any()
    accounts.open("Ben", "inspector", actor="Ana")
    assert [one.name for one in accounts.accounts()] == ["Ana", "Ben"]


def test_changes_are_events_that_say_who_and_what_and_nothing_secret(accounts: Accounts, records: Records) -> None:
    ben = accounts.open("Ben", "inspector", sites=["Yard 2", " Yard  1 ", "Yard 2"], actor="Ana Pérez")
    accounts.set_password(ben, "another good secret", actor="Ana Pérez")
    accounts.set_pin(ben, "2580", actor="Ben")
    accounts.change(ben, role="trainer", sites=None, actor="Ana Pérez")
    token = accounts.give_token(ben, "gate", actor="Ana Pérez")
    accounts.withdraw_token(accounts.tokens(ben)[0].id, actor="Ana Pérez")
    accounts.change(ben, disabled=True, actor="Ana Pérez")
    accounts.change(ben, disabled=False, actor="Ana Pérez")
    told = log(records)[2:]
    assert [(actor, kind) for actor, kind, _ in told] == [
        ("Ana Pérez", "account_opened"), ("Ana Pérez", "account_changed"), ("Ben", "account_changed"), ("Ana Pérez", "account_changed"),
        ("Ana Pérez", "token_given"), ("Ana Pérez", "token_withdrawn"), ("Ana Pérez", "account_changed"), ("Ana Pérez", "account_changed"),
    ]  # fmt: skip
    assert told[0][2]["sites"] == ["Yard 1", "Yard 2"]
    assert told[3][2] == {"account_id": ben, "role": "trainer", "sites": None, "version": 1}
    everything = json.dumps(log(records), ensure_ascii=False)
    for secret in (WORDS, "another good secret", "2580", "argon2", token, token.removeprefix("pestcheck_")):
        assert secret not in everything
    assert verify(records.database, records.photo_store).problems == ()
    assert accounts.account(ben).disabled_at is None


def test_asking_again_changes_nothing(accounts: Accounts, records: Records) -> None:
    key = uuid7()
    for _ in range(2):
        assert accounts.open("Ben", "inspector", sites=["A"], actor="Ana", account_id=key) == key
        accounts.change(key, role="trainer", sites=["B"], disabled=True, actor="Ana")
        accounts.change(key, role="inspector", sites=["A"], disabled=False, actor="Ana")
    before = len(log(records))
    accounts.change(key, role="inspector", sites=["A"], disabled=False, name="Ben", actor="Ana")
    token = uuid7()
    accounts.give_token(key, "gate", actor="Ana", token_id=token)
    with pytest.raises(Refused, match="can never be shown again"):
        accounts.give_token(key, "gate", actor="Ana", token_id=token)
    accounts.withdraw_token(token, actor="Ana")
    accounts.withdraw_token(token, actor="Ana")
    assert len(log(records)) == before + 2


def test_a_name_is_one_persons_however_it_is_typed(accounts: Accounts) -> None:
    for name in ("Ana Pérez", "ANA  PÉREZ", "ana pe\u0301rez", " \uff21na Pérez "):
        with pytest.raises(Refused, match="already"):
            accounts.open(name, "inspector", actor="Ana")
        assert accounts.named(name).name == "Ana Pérez"
    other = accounts.open("Ana <b>Pérez</b> 🐌", "inspector", actor="Ana")
    assert accounts.account(other).name == "Ana <b>Pérez</b> 🐌"
    with pytest.raises(Refused, match="already"):
        accounts.change(other, name="ana pérez", actor="Ana")
    accounts.change(other, name="Ana  Ruiz", actor="Ana")
    assert accounts.account(other).name == "Ana Ruiz"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"name": "  "}, "Give the person's name"), ({"name": "x" * 101}, "too long"), ({"name": "a\x00b"}, "characters"),
        ({"role": "boss"}, "Choose the role"), ({"sites": []}, "Name the sites"), ({"sites": [" "]}, "Name the sites"),
        ({"sites": [*map(str, range(201))]}, "too many"), ({"account_id": "7"}, "not a UUID"),
    ],
)  # fmt: skip
def test_accounts_that_make_no_sense(accounts: Accounts, given: dict[str, object], says: str) -> None:
    with pytest.raises(Refused, match=says):
        accounts.open(**{"name": "Ben", "role": "inspector", "actor": "Ana"} | given)  # type: ignore[arg-type]
    assert len(accounts.accounts()) == 1


def test_somebody_must_remain_to_look_after_the_others(accounts: Accounts) -> None:
    ana = accounts.named("Ana Pérez").id
    for change in ({"disabled": True}, {"role": "auditor"}):
        with pytest.raises(Refused, match="last admin"):
            accounts.change(ana, actor="Ana", **change)  # type: ignore[arg-type]
    ben = accounts.open("Ben", "admin", actor="Ana")
    accounts.change(ben, disabled=True, actor="Ana")
    with pytest.raises(Refused, match="last admin"):
        accounts.change(ana, role="auditor", actor="Ana")
    accounts.change(ben, disabled=False, actor="Ana")
    accounts.change(ana, role="auditor", actor="Ben")


def test_who_comes_second_is_told(accounts: Accounts) -> None:
    ben = accounts.open("Ben", "inspector", actor="Ana")
    accounts.change(ben, role="trainer", seen=0, actor="Ana")
    with pytest.raises(Conflict, match="The account 'Ben' was changed"):
        accounts.change(ben, role="auditor", seen=0, actor="Cleo")
    accounts.change(ben, role="auditor", seen=1, actor="Cleo")


def test_what_is_not_there(accounts: Accounts) -> None:
    for ask in (lambda: accounts.account(uuid7()), lambda: accounts.named("Nobody"), lambda: accounts.withdraw_token("x", actor="Ana")):
        with pytest.raises(NotFound):
            ask()


def test_a_restore_brings_the_accounts_and_none_of_their_secrets(accounts: Accounts, records: Records, tmp_path: Path) -> None:
    ana = accounts.named("Ana Pérez").id
    accounts.set_pin(ana, "2580", actor="Ana")
    token, cookie = accounts.give_token(ana, "gate", actor="Ana"), accounts.sign_in("Ana Pérez", WORDS, HERE)
    made = backup(records.database, records.photo_store, tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        text = archive.read("events.jsonl").decode()
    for secret in (WORDS, "argon2", token, cookie):
        assert secret not in text
    database, photographs = open_folder(tmp_path / "other", f"sqlite:///{tmp_path / 'other' / 'a.sqlite3'}")
    assert restore(open_backup(made.file), database, photographs).problems == ()
    restored = Accounts(database)
    assert [(one.id, one.name, one.role) for one in restored.accounts()] == [(ana, "Ana Pérez", "admin")]
    with pytest.raises(Wrong):
        restored.sign_in("Ana Pérez", WORDS, HERE)
    assert restored.visit(cookie) is None
    assert restored.bearer(token) is None
    assert (restored.has_password(ana), restored.has_pin(ana)) == (False, False)
    restored.set_password(ana, WORDS, actor="Ana")
    assert restored.visit(restored.sign_in("Ana Pérez", WORDS, HERE)) is not None
    assert verify(database, photographs).problems == ()
    database.close()


def test_to_make_the_tables_anew_keeps_the_secrets(accounts: Accounts, records: Records) -> None:
    """As an upgrade does."""
    cookie = accounts.sign_in("Ana Pérez", WORDS, HERE)
    token = accounts.give_token(accounts.named("Ana Pérez").id, "gate", actor="Ana")
    with records.database.writing() as session:
        rebuild(session)
    assert accounts.visit(cookie) is not None
    assert accounts.bearer(token) is not None
    assert accounts.sign_in("Ana Pérez", WORDS, HERE)


def test_down_and_up_again_keeps_the_accounts_and_forgets_the_secrets(accounts: Accounts, records: Records) -> None:
    cookie = accounts.sign_in("Ana Pérez", WORDS, HERE)
    before = log(records)
    migrate(records.database.engine, "0002")
    migrate(records.database.engine)
    assert log(records) == before
    assert [one.name for one in accounts.accounts()] == ["Ana Pérez"]
    assert accounts.visit(cookie) is None
    with pytest.raises(Wrong):
        accounts.sign_in("Ana Pérez", WORDS, HERE)
    assert verify(records.database, records.photo_store).problems == ()


def test_a_role_changed_behind_the_programs_back_is_named(accounts: Accounts, records: Records) -> None:
    ben = accounts.open("Ben", "inspector", sites=["A"], actor="Ana")
    with records.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE account SET role = 'admin' WHERE name = 'Ben'")
    (problem,) = verify(records.database, records.photo_store).problems
    assert (problem.where, problem.says) == (f"account {ben}", "not what the events say: role")


def test_tokens_of_machines(accounts: Accounts, clock: Clock) -> None:
    gate = accounts.open("Gate 1", "inspector", sites=["A"], actor="Ana")
    token = accounts.give_token(gate, "camera", days=30, actor="Ana")
    other = accounts.give_token(gate, "scanner", days=60, actor="Ana")
    person = accounts.bearer(token)
    assert person is not None
    assert (person.name, person.role, person.sites, person.account) == ("Gate 1", "inspector", {"A"}, gate)
    assert accounts.bearer(token + "x") is None
    assert accounts.bearer("") is None
    accounts.change(gate, disabled=True, actor="Ana")
    assert accounts.bearer(token) is None
    accounts.change(gate, disabled=False, actor="Ana")
    clock.pass_(days=31)
    assert accounts.bearer(token) is None
    assert accounts.bearer(other) is not None
    assert [one.label for one in accounts.tokens(gate)] == ["scanner"]
    accounts.withdraw_token(accounts.tokens(gate)[0].id, actor="Ana")
    assert accounts.bearer(other) is None
    for days, label in ((0, "x"), (4000, "x"), (1, " ")):
        with pytest.raises(Refused):
            accounts.give_token(gate, label, days=days, actor="Ana")


def test_an_account_that_a_sign_in_service_vouches_for(accounts: Accounts, records: Records) -> None:
    key = accounts.from_service("https://id.example 7", "Ben", "inspector", ["A"])
    assert accounts.from_service("https://id.example 7", "Ben", "inspector", ["A"]) == key
    events = len(log(records))
    assert accounts.from_service("https://id.example 7", "Ben Ruiz", "trainer", None) == key
    assert len(log(records)) == events + 1
    changed = accounts.account(key)
    assert (changed.name, changed.role, changed.sites) == ("Ben Ruiz", "trainer", None)
    with pytest.raises(Refused, match="already"):
        accounts.from_service("https://id.example 8", "ana pérez", "admin", None)
    assert verify(records.database, records.photo_store).problems == ()
