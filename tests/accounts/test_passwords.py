"""Which passwords and PINs are taken, and what is kept of them."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from pestcheck.accounts import passwords
from pestcheck.accounts.passwords import MAX_PASSWORD, check_password, check_pin, hashed, matches, outdated
from pestcheck.records import Refused


@pytest.mark.parametrize(
    "password",
    ["seven hornets on a pallet", "correct horse battery", "ñandú ñandú llama", "🐌🐛🦗🐜🐝🪲🦋🐞🕷🦂🦟🪰", "aaaabbbbcccd", "x" * 11 + "y", "q" * 128 + "w" * 128],
)  # fmt: skip
def test_any_kind_of_characters_will_do(password: str) -> None:
    assert check_password(password, "Ana Pérez") == password


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("", "too short"), ("eleven char", "too short"), ("x" * (MAX_PASSWORD + 1), "too long"),
        ("Maximiliana Pérez", "first"), ("maximilianaPÉREZ", "first"), ("Maximiliana Pérez 2026", "first"), ("pestcheck 2026!"[:14], "first"),
        ("Password 1234", "first"), ("contraseña123", "first"), ("qwertyuiop12", "first"), ("aaaaaaaaaaaa", "first"), ("abcabcabcabc", "first"),
        ("1234567890123", "first"), ("zyxwvutsrqpo", "first"), ("line one\nline two", "cannot be typed"), ("bell\x07bell bell", "cannot be typed"),
        ("half \ud83d of a snail", "cannot be typed"),
    ],
)  # fmt: skip
def test_what_others_would_try_first_is_refused(password: str, says: str) -> None:
    with pytest.raises(Refused, match=says):
        check_password(password, "Maximiliana Pérez")


def test_every_common_password_is_one_that_would_be_long_enough_and_is_refused() -> None:
    listed = passwords._common()
    assert len(listed) > 50
    for password in listed:
        assert len(password) >= 12, password
        with pytest.raises(Refused, match="first"):
            check_password(password.upper(), "Ana")


def test_two_ways_to_type_the_same_are_the_same() -> None:
    composed, in_pieces, wide = "caf\u00e9 con leche", "cafe\u0301 con leche", "\uff43af\u00e9 con leche"
    kept = hashed(check_password(composed, "Ana"))
    assert matches(kept, in_pieces)
    assert matches(kept, wide)
    assert not matches(kept, "cafe con leche")


@pytest.mark.parametrize("pin", ["", "123", "1234", "4321", "7890", "0000", "1212", "12a4", "١٢٣٥", "1234567890123", "25 80"])
def test_pins_that_are_refused(pin: str) -> None:
    with pytest.raises(Refused):
        check_pin(pin)


def test_a_pin() -> None:
    assert check_pin(" 2580 ") == "2580"
    assert check_pin("２５８０") == "2580"


def test_what_is_kept_is_argon2id_with_salt_and_not_the_password() -> None:
    one, other = hashed("seven hornets"), hashed("seven hornets")
    assert one.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert one != other
    assert "hornets" not in one
    assert not outdated(one)
    assert outdated(one.replace("t=3", "t=2"))
    assert not matches(one, "seven hornet")
    assert not matches(None, "seven hornets")
    assert not matches(passwords.NOTHING, "")
    assert not matches("no hash", "seven hornets")
    assert not matches(one, "half \ud83d")


def test_to_compare_with_nothing_takes_as_long_as_with_a_password() -> None:
    def best(kept: str | None) -> float:
        times = []
        for _ in range(5):
            started = time.thread_time()
            matches(kept, "seven hornets")
            times.append(time.thread_time() - started)
        return min(times)

    kept = hashed("eight hornets")
    assert passwords.NOTHING.split("$")[:4] == kept.split("$")[:4]
    assert [len(part) for part in passwords.NOTHING.split("$")] == [len(part) for part in kept.split("$")]
    assert 0.2 < best(None) / best(kept) < 5


def test_many_at_once_are_hashed_two_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes 64 MiB."""
    at_work, most = [0], [0]

    class Slow:
        def verify(self, kept: str, typed: str) -> bool:
            at_work[0] += 1
            most[0] = max(most[0], at_work[0])
            time.sleep(0.02)
            at_work[0] -= 1
            return True

    monkeypatch.setattr(passwords, "_HASHER", Slow())
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda _: matches("kept", "typed"), range(16)))
    assert most[0] <= 2
