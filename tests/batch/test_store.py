"""``pestcheck batch --store``: the records' own photographs scored again, and the records left as they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pestcheck.batch import Stored, run
from pestcheck.records import Records
from pestcheck.store import open_folder
from pestcheck.store.verify import verify
from pestcheck.vision import bundle
from pestcheck.vision.scan import Scanner
from tests.batch.conftest import batch
from tests.batch.test_batch import immediate
from tests.batch.test_batch import other_model as other_model
from tests.records.conftest import CLEAN, HORNET, opened


def test_the_records_are_scored_again_and_stay(tmp_path: Path, scanner: Scanner, other_model: Path) -> None:
    data = tmp_path / "data"
    database, photo_store = open_folder(data, f"sqlite:///{data / 'pestcheck.sqlite3'}")
    records = Records(database, photo_store)
    first, second = opened(records), opened(records, number="CSQU3054404", override_reason="as painted")
    views = [
        records.photograph(key, area, photograph, name="a.jpg", actor="Ana")
        for key, area, photograph in ((first, "floor", HORNET), (first, "ceiling_roof", CLEAN), (second, "floor", HORNET))
    ]
    while records.score_next(lambda photograph: scanner.scan(photograph)[0]):
        pass
    before = verify(database, photo_store)
    database.close()
    out = tmp_path / "out.jsonl"
    done = batch("--store", "--data", data, "--out", out, "--model", other_model, "--workers", 1)
    assert done.returncode == 0, done.stderr
    assert "2 photographs under 3 names, 2 scored now, with pest-lite0@9.0.0" in done.stdout
    assert "of 3 verdicts differ from pest-lite0@0.6.0" in done.stdout
    names = sorted(name for line in out.read_text().splitlines() for name in json.loads(line)["photos"])
    assert names == sorted(
        f"{key}/{area}/{view}" for key, area, view in zip((first, first, second), ("floor", "ceiling_roof", "floor"), views, strict=True)
    )
    database, photo_store = open_folder(data, f"sqlite:///{data / 'pestcheck.sqlite3'}")
    after = verify(database, photo_store)
    assert (after.root, after.events, after.problems) == (before.root, before.events, ())
    assert {item.view.model for item in Records(database, photo_store).inspection(first).photographs} == {"pest-lite0@0.6.0"}
    database.close()


def test_a_photograph_that_is_gone_or_changed_is_told(records: Records, scanner: Scanner, tmp_path: Path) -> None:
    """On SQLite and PostgreSQL."""
    key = opened(records)
    for area, photograph in (("floor", HORNET), ("ceiling_roof", CLEAN)):
        records.photograph(key, area, photograph, name="a.jpg", actor="Ana")
    gone, changed = (item.view.sha256 for item in records.inspection(key).photographs)
    records.photo_store.delete(gone)
    records.photo_store.path(changed).write_bytes(b"other bytes")  # type: ignore[attr-defined]
    summary = run(Stored(records, "here"), tmp_path / "out.jsonl", bundle.shipped(), immediate(scanner))
    errors = [json.loads(line)["error"] for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert sorted(errors) == [
        "cannot be read: its file in the store is not what was recorded (SHA-256 differs); see pestcheck verify",
        "cannot be read: its file is gone from the store; see pestcheck verify",
    ]
    assert (summary.failed, summary.scored, summary.changes) == (2, 0, {})


def test_an_archive_or_the_store_and_not_both(tmp_path: Path) -> None:
    for arguments in ([], [tmp_path, "--store"]):
        done = batch(*arguments, "--out", tmp_path / "out.jsonl")
        assert done.returncode == 2
        assert "not both" in done.stderr
    done = batch("--store", "--data", tmp_path / "none", "--out", tmp_path / "out.jsonl")
    assert done.returncode == 2
    assert "is not there" in done.stderr
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("wrong", [["--workers", "0"], ["--engine", "magic"]])
def test_wrong_options_are_named(wrong: list[str], tmp_path: Path) -> None:
    assert batch(tmp_path, "--out", tmp_path / "out.jsonl", *wrong).returncode == 2
