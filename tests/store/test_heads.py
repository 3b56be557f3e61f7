"""Signed tree heads: by a key that only its owner reads, which is rotated by an event; what they prove against a log that was tampered with."""

from __future__ import annotations

import asyncio
import base64
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlmodel import select

from app.heads import keep_signed
from pestcheck.export import verify_pack
from pestcheck.ids import uuid7
from pestcheck.records import Records
from pestcheck.store import backup, events, heads, merkle, open_folder
from pestcheck.store.head_tables import SignedHead, SigningKey
from pestcheck.store.heads import DAY, Heads, NothingToSign
from pestcheck.store.keys import KeyFolder, KeyUnavailable
from pestcheck.store.replay import rebuild
from pestcheck.store.tables import Event
from pestcheck.store.verify import verify


@pytest.fixture
def signer(records: Records, tmp_path: Path) -> Heads:
    return Heads(records.database, KeyFolder(tmp_path / "keys"))


def grow(records: Records, number: int = 1) -> None:
    for _ in range(number):
        records.open(uuid7(), number="CSQU3054383", inspector="Ana")


def keys(records: Records) -> list[SigningKey]:
    with records.database.reading() as session:
        return heads.all_keys(session)


def says(records: Records) -> list[str]:
    return [f"{one.where}: {one.says}" for one in verify(records.database, records.photo_store).problems]


def tamper(records: Records, statement: str) -> None:
    with records.database.engine.begin() as connection:
        assert connection.exec_driver_sql(statement).rowcount


def test_the_key_is_made_at_its_first_use_for_its_owner_only(records: Records, signer: Heads) -> None:
    with pytest.raises(NothingToSign):
        signer.sign()
    assert not signer.keys.folder.exists()
    grow(records)
    head = signer.sign()
    (key,) = keys(records)
    path = signer.keys.path(key.id)
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (0o600, 0o700)
    assert (key.previous, key.endorsement, key.made_by, head.key_id, head.size) == (None, None, "pestcheck", key.id, 2)
    assert path.read_bytes().startswith(b"-----BEGIN " + b"PRIVATE KEY-----")
    assert says(records) == []


def test_a_head_is_what_cryptography_takes_for_signed(records: Records, signer: Heads) -> None:
    """The form of C2SP signed-note: text, empty line, name, and 4 bytes of the key's hash before the signature."""
    grow(records)
    head, (key,) = signer.sign(), keys(records)
    text, _, line = head.note.rpartition("\n\n")
    dash, name, signature = line.rstrip("\n").split(" ")
    data = base64.b64decode(signature)
    Ed25519PublicKey.from_public_bytes(base64.b64decode(key.public_key)).verify(data[4:], (text + "\n").encode())
    assert (dash, name) == ("—", text.partition("\n")[0])
    assert text.splitlines()[1:3] == ["2", base64.b64encode(bytes.fromhex(head.root)).decode()]
    assert verify_pack.read_head(text + "\n") == (name, 2, bytes.fromhex(head.root), head.at)


def test_the_same_head_is_signed_once_and_a_young_one_is_enough_for_the_day(records: Records, signer: Heads) -> None:
    grow(records)
    first = signer.sign()
    assert signer.sign().id == first.id
    grow(records)
    assert signer.sign(older_than=DAY).id == first.id
    second = signer.sign()
    assert (second.size, second.id != first.id) == (3, True)
    grow(records)
    with records.database.writing() as session:
        for head in session.exec(select(SignedHead)):
            head.at = events.written(datetime.now(UTC) - timedelta(days=2))
    assert signer.sign(older_than=DAY).size == 4


def test_two_who_sign_at_once_make_one_key(records: Records, signer: Heads) -> None:
    grow(records)
    threads = [threading.Thread(target=signer.sign) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys(records)) == len(list(signer.keys.folder.iterdir())) == 1
    assert says(records) == []


def test_a_key_that_others_may_read_or_that_is_another_is_not_used(records: Records, signer: Heads, tmp_path: Path) -> None:
    grow(records)
    signer.sign()
    (key,) = keys(records)
    path = signer.keys.path(key.id)
    grow(records)
    path.chmod(0o640)
    with pytest.raises(KeyUnavailable, match="chmod 600"):
        signer.sign()
    path.chmod(0o600)
    good = path.read_bytes()
    path.write_bytes(good[:40])
    with pytest.raises(KeyUnavailable, match="damaged"):
        signer.sign()
    other = KeyFolder(tmp_path / "other")
    path.write_bytes(other.path(verify_pack.fingerprint(other.make())).read_bytes())
    with pytest.raises(KeyUnavailable, match="another key"):
        signer.sign()
    path.unlink()
    with pytest.raises(KeyUnavailable, match="rotate --lost"):
        signer.sign()
    with pytest.raises(KeyUnavailable):
        signer.rotate("Ana")
    assert len(keys(records)) == 1
    path.write_bytes(good)
    path.chmod(0o600)
    assert signer.sign().size == 3


def test_rotation_is_an_event_and_the_old_key_signs_the_new(records: Records, signer: Heads) -> None:
    grow(records)
    for number in range(3):
        new = signer.rotate("Ana")
        assert [key.id for key in keys(records)][-1] == new.id
        assert len(keys(records)) == number + 2
    chain = keys(records)
    for old, new in pairwise(chain):
        assert (new.previous, new.made_by) == (old.id, "Ana")
        with records.database.reading() as session:
            text = verify_pack.key_text(heads.log_name(session), base64.b64decode(new.public_key), new.made_at)
        Ed25519PublicKey.from_public_bytes(base64.b64decode(old.public_key)).verify(base64.b64decode(new.endorsement or ""), text.encode())
    with records.database.reading() as session:
        kinds = list(session.exec(select(Event.kind).where(Event.kind == "key_made")))
    assert len(kinds) == 4
    assert {head.key_id for head in signer.list()} == {key.id for key in chain}
    assert says(records) == []
    lost = signer.rotate("Ana", lost=True)
    assert (lost.previous, lost.endorsement) == (chain[-1].id, None)
    assert says(records) == []


def test_verify_of_the_store_holds_the_log_against_its_signed_heads(records: Records, signer: Heads) -> None:
    grow(records)
    signer.sign()
    grow(records, 3)
    signer.sign()
    assert says(records) == []
    tamper(records, "UPDATE signedhead SET root = '" + "0" * 64 + "' WHERE size = 2")
    assert [one.partition(": ")[2] for one in says(records)] == [
        "its row differs from what was signed",
        "the log had another tree head then: it was rewritten",
    ]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE signedhead SET note = replace(note, '2026', '2025')", "forged, or it was changed"),
        ("UPDATE signedhead SET key_id = 'x'", "none of this log's"),
        ("UPDATE signedhead SET size = 9", "its end was cut off"),
        ("UPDATE signedhead SET at = '2020-01-01T00:00:00.000Z'", "its row differs"),
    ],
)
def test_a_signed_head_that_was_tampered_with_is_named(records: Records, signer: Heads, statement: str, expected: str) -> None:
    grow(records)
    signer.sign()
    tamper(records, statement)
    assert any(one.startswith("signed head of ") and expected in one for one in says(records)), says(records)


def test_a_log_cut_off_behind_its_head_is_found_by_a_signed_one(records: Records, signer: Heads) -> None:
    """Also where the head's row was put right."""
    grow(records, 4)
    signer.sign()
    with records.database.writing() as session:
        session.execute(events.EVENT.delete().where(events.EVENT.c.seq >= 3))
        leaves = [bytes.fromhex(row.leaf) for row in events.read(session)]
        events.set_head(session, 3, merkle.frontier(leaves), new=False)
        rebuild(session)
    assert any("its end was cut off" in one for one in says(records))


def test_heads_are_in_a_backup_and_keys_are_not(records: Records, signer: Heads, tmp_path: Path) -> None:
    grow(records)
    signer.sign()
    signer.rotate("Ana")
    kept = backup.backup(records.database, records.photo_store, tmp_path / "b.zip")
    assert b"PRIVATE" not in (tmp_path / "b.zip").read_bytes()
    database, photo_store = open_folder(tmp_path / "new", f"sqlite:///{tmp_path / 'new' / 'a.sqlite3'}")
    assert backup.restore(backup.open_backup(kept.file), database, photo_store).problems == ()
    with database.reading() as session:
        assert [head.note for head in heads.all_heads(session)] == [head.note for head in signer.list()]
    restored = Heads(database, KeyFolder(tmp_path / "new" / "keys"))
    Records(database, photo_store).open(uuid7(), number="CSQU3054383", inspector="Ana")
    with pytest.raises(KeyUnavailable):
        restored.sign()
    assert restored.rotate("Ana", lost=True)
    assert verify(database, photo_store).problems == ()


def test_the_server_signs_by_itself(records: Records, signer: Heads, caplog: pytest.LogCaptureFixture) -> None:
    async def a_while() -> None:
        task = asyncio.create_task(keep_signed(signer, first=0.01, look=0.01))
        await asyncio.sleep(0.3)
        grow(records)
        for _ in range(200):
            await asyncio.sleep(0.05)
            if signer.list():
                break
        grow(records)
        await asyncio.sleep(0.3)
        assert [head.size for head in signer.list()] == [2]  # one a day
        with records.database.writing() as session:
            for head in session.exec(select(SignedHead)):
                head.at = "2020-01-01T00:00:00.000Z"
        (path,) = signer.keys.folder.iterdir()
        path.chmod(0o644)
        for _ in range(200):
            await asyncio.sleep(0.05)
            if "is not signed" in caplog.text:
                break
        await asyncio.sleep(0.3)
        task.cancel()

    # In a thread of its own: a browser that an earlier test started keeps its loop running in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, a_while()).result()
    assert sum("is not signed: others may read the key" in one for one in caplog.messages) == 1
