"""Originals are whole or not there, whatever happens while they are written."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pestcheck.store.photos import PhotoFolder

DATA = b"\xff\xd8 the bytes of a photograph"
SHA = hashlib.sha256(DATA).hexdigest()


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def store(tmp_path):
    return PhotoFolder(tmp_path / "a" / "b")


def test_bytes_come_back_as_they_were(store):
    assert store.put(DATA) == SHA
    assert store.get(SHA) == DATA
    assert files(store.folder) == [f"{SHA[:2]}/{SHA}"]
    assert PhotoFolder(store.folder).get(SHA) == DATA


def test_the_same_bytes_twice_change_nothing(store):
    store.put(DATA)
    before = store.path(SHA).stat()
    assert store.put(DATA) == SHA
    after = store.path(SHA).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert files(store.folder) == [f"{SHA[:2]}/{SHA}"]


@pytest.mark.parametrize("data", [b"", b"\0", bytes(3_000_000), b"\r\n\x1a\n"], ids=["empty", "nul", "three megabytes", "line ends"])
def test_any_bytes(store, data):
    assert store.get(store.put(data)) == data


NO_HASHES = {
    "up": "../../etc/passwd",
    "up, as long as a hash": "../" * 21 + "x",
    "absolute": "/etc/passwd",
    "hash and more": SHA + "/../../x",
    "hash behind a folder": "x/" + SHA,
    "capitals": SHA.upper(),
    "short": SHA[:-1],
    "long": SHA + "0",
    "line end": SHA + "\n",
    "line end in place of a digit": SHA[:-1] + "\n",
    "nul": SHA[:-1] + "\0",
    "Arabic digit": SHA[:-1] + "٣",
    "full-width letter": SHA[:-1] + "ａ",
    "empty": "",
}


@pytest.mark.parametrize("case", NO_HASHES)
def test_what_is_no_hash_names_no_file(store, case):
    for use in (store.path, store.get, store.intact):
        with pytest.raises(ValueError, match="is not a SHA-256"):
            use(NO_HASHES[case])


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=70) | st.text("0123456789abcdef./", min_size=64, max_size=64))
def test_no_text_leads_out_of_the_folder(tmp_path_factory, text):
    folder = tmp_path_factory.getbasetemp() / "photographs"
    try:
        path = PhotoFolder(folder).path(text)
    except ValueError:
        return
    assert path.resolve().parent.parent == folder.resolve()
    assert path.name == text


def test_intact(store):
    """True; False after one changed bit, an appended byte, or a cut; None when gone; True again when put back."""
    assert store.intact(SHA) is None
    store.put(DATA)
    assert store.intact(SHA) is True
    for damaged in (bytes([DATA[0] ^ 1]) + DATA[1:], DATA + b"\0", DATA[:-1], b""):
        store.path(SHA).write_bytes(damaged)
        assert store.intact(SHA) is False
    store.path(SHA).unlink()
    assert store.intact(SHA) is None
    store.put(DATA)
    assert store.intact(SHA) is True


def test_a_damaged_photograph_is_mended_when_it_is_sent_again(store):
    sha256 = store.put(b"as the camera wrote it")
    store.path(sha256).write_bytes(b"as the camera wrote i")
    assert store.intact(sha256) is False
    assert store.put(b"as the camera wrote it") == sha256
    assert store.intact(sha256) is True


def test_what_is_not_there(store):
    with pytest.raises(FileNotFoundError):
        store.get(SHA)


@pytest.fixture
def small_disk(tmp_path):
    """A real file system of 256 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("needs to be root on Linux, to mount a small tmpfs")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)], capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"needs to mount a small tmpfs: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_leaves_nothing_and_harms_nothing(small_disk):
    """What was there stays; what did not fit is not there in part; what fits is still taken; the large one is when there is room."""
    store = PhotoFolder(small_disk / "photographs")
    kept, large, little = os.urandom(100_000), os.urandom(200_000), os.urandom(1000)
    store.put(kept)
    with pytest.raises(OSError, match="No space left") as failed:
        store.put(large)
    assert failed.value.errno == errno.ENOSPC
    key = hashlib.sha256(kept).hexdigest()
    assert files(store.folder) == [f"{key[:2]}/{key}"]
    assert store.intact(key) is True
    assert store.intact(hashlib.sha256(large).hexdigest()) is None
    assert store.get(store.put(little)) == little
    store.path(key).unlink()
    assert store.get(store.put(large)) == large


def test_a_write_that_fails_half_way_leaves_nothing(store):
    """The kernel stops every file of this process at 50,000 bytes."""
    resource = pytest.importorskip("resource", reason="needs a Unix limit on file size")
    large = os.urandom(200_000)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            store.put(large)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert files(store.folder) == []
    assert store.get(store.put(large)) == large


def test_many_threads_put_the_same_and_other_photographs(store):
    photographs = [bytes([number]) * 20_000 for number in range(8)]
    with ThreadPoolExecutor(8) as threads:
        keys = list(threads.map(store.put, photographs * 6))
    expected = [hashlib.sha256(data).hexdigest() for data in photographs]
    assert keys == expected * 6
    assert files(store.folder) == sorted(f"{key[:2]}/{key}" for key in expected)
    assert all(store.intact(key) for key in expected)


def test_a_reader_never_sees_a_part(store):
    """One thread reads all the time while another puts and deletes."""
    data = os.urandom(2_000_000)
    key = hashlib.sha256(data).hexdigest()
    seen, done = set(), threading.Event()

    def read():
        while not done.is_set():
            seen.add(store.intact(key))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        rounds, deadline = 0, time.monotonic() + 30
        while rounds < 15 or (seen < {True, None} and time.monotonic() < deadline):
            store.put(data)
            store.get(key)
            store.path(key).unlink()
            rounds += 1
    finally:
        done.set()
        reader.join()
    assert seen == {True, None}


def test_a_process_killed_while_writing_leaves_no_part_under_a_hash(tmp_path):
    """Killed with no chance to clean up; what lies under a hash is whole, and the same bytes can be put again."""
    folder = tmp_path / "photographs"
    program = (
        "import sys; from pathlib import Path; from pestcheck.store.photos import PhotoFolder\n"
        "store = PhotoFolder(Path(sys.argv[1])); print('ready', flush=True)\n"
        "for number in range(100_000): store.put(number.to_bytes(4, 'big') * 500_000)"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"ready\n"
        while len(list(folder.glob("*/*"))) < 5 and process.poll() is None:
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    store = PhotoFolder(folder)
    whole = [path.name for path in folder.glob("*/*") if path.suffix != ".part"]
    assert len(whole) >= 4
    assert all(store.intact(key) for key in whole)
    for number in range(len(whole) + 1):
        data = number.to_bytes(4, "big") * 500_000
        assert store.intact(store.put(data)) is True
