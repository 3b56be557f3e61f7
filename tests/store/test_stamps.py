"""Time stamps of a real authority over tree heads: asked for, kept, checked in part by verify.py and in full by us and by openssl."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pestcheck.export import verify_pack
from pestcheck.export.verify_pack import stamp_says
from pestcheck.store import stamps
from tests.conftest import ROOT
from tests.export.packs import Store, files, fitted, problems, zipped
from tests.store.authority import Authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    made = Authority(tmp_path_factory.mktemp("authority"))
    yield made
    made.stop()


@pytest.fixture
def store(authority: Authority, tmp_path: Path) -> Store:
    made = Store(tmp_path / "data")
    made.heads.stamps_url = authority.url
    made.inspect(1)
    authority.says = b""
    return made


def test_a_head_is_stamped_and_the_stamp_is_over_it(store: Store, authority: Authority) -> None:
    head = store.heads.sign()
    assert head.stamp
    stamp, before = base64.b64decode(head.stamp), authority.asked
    digest, at = stamp_says(stamp)
    assert digest == hashlib.sha256(head.note.encode()).digest()
    full = stamps.check(stamp, head.note.encode(), authority.roots)
    assert at == full.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert abs(full - datetime.now(UTC)) < timedelta(minutes=5)
    assert store.heads.sign().stamp == head.stamp
    assert authority.asked == before


def test_what_is_wrong_with_a_stamp_is_said(store: Store, authority: Authority, tmp_path: Path) -> None:
    head = store.heads.sign()
    stamp = base64.b64decode(head.stamp or "")
    with pytest.raises(ValueError, match="not good: Mismatch between messages"):
        stamps.check(stamp, head.note.encode() + b"x", authority.roots)
    stranger = Authority(tmp_path / "stranger")
    stranger.stop()
    with pytest.raises(ValueError, match="not good: Error while verifying certificates"):
        stamps.check(stamp, head.note.encode(), stranger.roots)
    with pytest.raises(ValueError, match="not good: this is no time stamp"):
        stamps.check(b"nonsense", head.note.encode(), authority.roots)
    for end in range(0, len(stamp), 37):
        with pytest.raises(verify_pack.Bad):
            stamp_says(stamp[:end])


def test_an_authority_that_does_not_answer_holds_nothing_up(store: Store, authority: Authority, caplog: pytest.LogCaptureFixture) -> None:
    url = store.heads.stamps_url
    for bad, says in (("http://127.0.0.1:1/", "does not answer"), ("ftp://yard", "begins with http"), ("http://[", "does not answer")):
        store.heads.stamps_url = bad
        assert store.heads.sign().stamp is None
        assert says in caplog.messages[-1]
    store.heads.stamps_url = url
    for answer, says in ((b"no", "no time stamp"), (b"\x30\x05\x30\x03\x02\x01\x02", "refuses: status 2")):
        authority.says = answer
        assert store.heads.sign().stamp is None
        assert says in caplog.messages[-1]
    authority.says = base64.b64decode(_of_something_else(store, authority))
    assert store.heads.sign().stamp is None
    assert "answered something else" in caplog.messages[-1]
    authority.says = b""
    assert store.heads.sign(older_than=timedelta(days=1)).stamp


def _of_something_else(store: Store, authority: Authority) -> str:
    authority.says = b""
    return base64.b64encode(stamps.ask(authority.url, b"something else")).decode()


def test_a_pack_with_a_stamp(store: Store, authority: Authority, tmp_path: Path) -> None:
    data = store.pack()
    of = files(data)
    path = tmp_path / "pack.zip"
    path.write_bytes(data)
    report = verify_pack.check(path)
    assert report.problems == []
    assert any(what == "time stamp" and "over this tree head" in says and "not checked here" in says for what, says in report.facts)
    for name in ("head.txt", "head.tsr"):
        (tmp_path / name).write_bytes(of[name])
    command = ["openssl", "ts", "-verify", "-data", "head.txt", "-in", "head.tsr", "-CAfile", authority.roots]  # as README.txt says
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 0
    other = base64.b64decode(_of_something_else(store, authority))
    for stamp in (other, b"nonsense", b""):
        found = problems(zipped(fitted(of | {"head.tsr": stamp}, store)), tmp_path)
        assert [where for where, _ in found] == ["time stamp (head.tsr)"]


def test_the_command_checks_a_stamp_in_full(store: Store, authority: Authority, tmp_path: Path) -> None:
    path = tmp_path / "pack.zip"
    path.write_bytes(store.pack())
    stranger = Authority(tmp_path / "stranger")
    stranger.stop()
    for roots, code, says in (
        (authority.roots, 0, "the authority's signature and its certificates, up to roots.pem, are good"),
        (stranger.roots, 1, "PROBLEM  time stamp: the time stamp is not good"),
        (tmp_path / "nothing.pem", 2, "cannot be checked"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "pestcheck", "verify", path], cwd=ROOT, env=os.environ | {"PESTCHECK_STAMPS_ROOTS": str(roots)},
            capture_output=True, text=True,
        )  # fmt: skip
        assert (done.returncode, says in done.stdout + done.stderr) == (code, True), done.stdout + done.stderr
