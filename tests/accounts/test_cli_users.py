"""``pestcheck users``, as a command."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from pestcheck.accounts import Accounts
from pestcheck.store import open_folder
from tests.accounts.conftest import HERE, WORDS
from tests.conftest import ROOT

BY = ("--by", "Ana Pérez")


def run(data: Path, *arguments: str, typed: str = "") -> tuple[int, str, str]:
    asked = [sys.executable, "-m", "pestcheck", "users", *arguments, "--data", str(data)]
    done = subprocess.run(asked, input=typed, capture_output=True, text=True, cwd=ROOT, env=os.environ | {"PYTHONIOENCODING": "utf-8"})
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


def test_from_the_first_account_to_the_last_command(tmp_path: Path) -> None:
    data = tmp_path / "data"
    code, _, says = run(data, "add", "Ines", "--role", "inspector", *BY, typed=WORDS + "\n")
    assert (code, "first account must be an admin's" in says) == (2, True)
    code, _, says = run(data, "add", "Ana Pérez", "--role", "admin", *BY, typed="short\n")
    assert (code, "too short" in says) == (2, True)
    assert run(data, "list") == (0, "", "")  # nothing is left of it
    assert run(data, "add", "Ana Pérez", "--role", "admin", *BY, typed=WORDS + "\r\n") == (0, "Ana Pérez may sign in.\n", "")
    assert run(data, "add", "Gate 1", "--role", "inspector", "--site", "Yard 1", "--machine", *BY)[0] == 0
    code, token, _ = run(data, "token", "gate 1", "--label", "camera", *BY)
    assert run(data, "sites", "Gate 1", "--site", "Yard 2", "--site", "Yard 3", *BY) == (0, "", "")
    assert run(data, "role", "Gate 1", "auditor", *BY) == (0, "", "")
    assert run(data, "password", "Ana Pérez", *BY, typed="seven snails on a pallet\n") == (0, "", "")
    code, listed, _ = run(data, "list")
    lines = listed.splitlines()
    assert [line.split() for line in lines[:2]] == [
        ["Ana", "Pérez", "admin", "all", "sites"], ["Gate", "1", "auditor", "Yard", "2;", "Yard", "3", "(no", "password)"],
    ]  # fmt: skip
    database, _ = open_folder(data, f"sqlite:///{data / 'pestcheck.sqlite3'}")
    accounts = Accounts(database)
    gate = accounts.bearer(token.strip())
    assert gate is not None
    assert (gate.name, gate.role) == ("Gate 1", "auditor")
    assert accounts.sign_in("Ana Pérez", "seven snails on a pallet", HERE)
    assert run(data, "token", "Gate 1", "--withdraw", lines[2].split()[1], *BY) == (0, "", "")
    assert accounts.bearer(token.strip()) is None
    assert run(data, "disable", "Gate 1", *BY) == (0, "", "")
    assert "disabled" in run(data, "list")[1]
    assert run(data, "enable", "Gate 1", *BY) == (0, "", "")
    for arguments, says in (
        (("disable", "Nobody", *BY), "There is no account 'Nobody'"),
        (("disable", "Ana Pérez", *BY), "last admin"),
        (("token", "Gate 1", "--withdraw", "7", *BY), "has no token '7'"),
        (("token", "Gate 1", *BY), "Say what the token is for"),
    ):
        code, out, told = run(data, *arguments)
        assert (code, out, says in told) == (2, "", True)
    database.close()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal")
def test_at_a_terminal_the_password_is_asked_for_twice_and_not_shown(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    asked = [sys.executable, "-m", "pestcheck", "users", "add", "Ana", "--role", "admin", "--by", "Ana", "--data", str(tmp_path / "data")]
    process = subprocess.Popen(asked, stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT, start_new_session=True)
    os.close(theirs)
    seen = b""

    def until(words: bytes) -> None:
        nonlocal seen
        while words not in seen:
            seen += os.read(ours, 1000)

    for prompt in (b"Password: ", b"The same again: "):
        until(prompt)
        os.write(ours, WORDS.encode() + b"\n")
    until(b"Ana may sign in.")
    assert process.wait(60) == 0
    assert WORDS.encode() not in seen
    os.close(ours)
