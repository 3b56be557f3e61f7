"""Photographs in a bucket of a real S3 service: the same guarantees as in a folder."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pestcheck.store import photos
from pestcheck.store.photos import PhotoBucket, open_photographs
from tests.servers import BUCKET, S3Service

DATA = b"\xff\xd8 the bytes of a photograph"
SHA = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def bucket(s3: S3Service) -> PhotoBucket:
    """A place in the bucket, which is emptied before: other tests leave photographs there."""
    for key in s3.names():
        s3.client("delete_object", Bucket=BUCKET, Key=key)
    store = open_photographs(f"s3://{BUCKET}/photographs/")
    assert isinstance(store, PhotoBucket)
    return store


def test_what_is_erased_is_gone(bucket: PhotoBucket) -> None:
    bucket.put(DATA)
    for _ in range(2):
        bucket.delete(SHA)
        assert bucket.intact(SHA) is None


def test_bytes_come_back_as_they_were(bucket: PhotoBucket, s3: S3Service) -> None:
    for data in (DATA, b"", b"\0", os.urandom(3_000_000)):
        assert bucket.get(bucket.put(data)) == data
    assert f"photographs/{SHA[:2]}/{SHA}" in s3.names()
    assert len(s3.names()) == 4
    assert open_photographs(f"s3://{BUCKET}/photographs").get(SHA) == DATA


def test_the_same_bytes_twice_change_nothing(bucket: PhotoBucket, s3: S3Service) -> None:
    assert bucket.put(DATA) == bucket.put(DATA) == SHA
    assert s3.names() == [f"photographs/{SHA[:2]}/{SHA}"]


def test_what_is_no_hash_names_nothing(bucket: PhotoBucket) -> None:
    for wrong in ("../../etc/passwd", SHA.upper(), SHA[:-1], SHA + "\n", ""):
        for use in (bucket.get, bucket.intact):
            with pytest.raises(ValueError, match="is not a SHA-256"):
                use(wrong)


def test_intact_and_mended(bucket: PhotoBucket, s3: S3Service) -> None:
    """None when it is not there; False when changed, cut or swapped; True again when it is put again."""
    assert bucket.intact(SHA) is None
    with pytest.raises(FileNotFoundError):
        bucket.get(SHA)
    bucket.put(DATA)
    assert bucket.intact(SHA) is True
    for damaged in (b"x" + DATA[1:], DATA[:-1], b"", b"another photograph"):
        s3.client("put_object", Bucket=BUCKET, Key=f"photographs/{SHA[:2]}/{SHA}", Body=damaged)
        assert bucket.intact(SHA) is False
    bucket.put(DATA)
    assert bucket.intact(SHA) is True
    s3.client("delete_object", Bucket=BUCKET, Key=f"photographs/{SHA[:2]}/{SHA}")
    assert bucket.intact(SHA) is None


def test_a_service_that_hangs_is_an_error_and_then_it_works_again(
    bucket: PhotoBucket, s3: S3Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes connections and does not answer for longer than we wait; nothing is lost, and no new start is needed."""
    bucket.put(DATA)
    monkeypatch.setattr(photos, "WAIT_SECONDS", 3)
    more = os.urandom(3_000_000)
    s3.pause()
    try:
        started = time.monotonic()
        for use in (lambda: bucket.put(more), lambda: bucket.get(SHA), lambda: bucket.intact(SHA)):
            with pytest.raises(OSError, match="did not answer for 3 s"):
                use()
        assert 8 < time.monotonic() - started < 40
    finally:
        s3.resume()
    monkeypatch.undo()
    assert bucket.get(SHA) == DATA
    assert bucket.get(bucket.put(more)) == more


def test_a_bucket_that_cannot_be_used_is_named(s3: S3Service, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError, match="'no-such-bucket' cannot be used"):
        open_photographs("s3://no-such-bucket/photographs")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(OSError, match=r"'yard' cannot be used: .*127\.0\.0\.1:1"):
        open_photographs(f"s3://{BUCKET}/photographs")


def test_nothing_of_s3_or_postgresql_is_loaded_where_it_is_not_used(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from pestcheck.store import open_folder; import pestcheck.cli\n"
        "open_folder(Path(sys.argv[1]), 'sqlite:///' + sys.argv[1] + '/a.sqlite3')\n"
        "print(sorted({'s3fs', 'fsspec', 'botocore', 'aiohttp', 'psycopg'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
