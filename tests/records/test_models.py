"""Which model is in use: promoted, rolled back, fetched by every server, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pestcheck.records import Records, Refused
from pestcheck.store import backup as backups
from pestcheck.store import open_folder
from pestcheck.store.model_tables import ModelFile
from pestcheck.store.photos import PhotoFolder
from pestcheck.store.verify import verify
from pestcheck.vision import bundle
from pestcheck.vision.scan import Scanner

SHIPPED = bundle.load(bundle.shipped()).id


def other(folder: Path, version: str, **more: object) -> Path:
    """The shipped model under another version."""
    made = folder / f"pest-lite0-{version}"
    made.mkdir()
    for name in (bundle.CLASSIFIER, bundle.FINDER):
        shutil.copy(bundle.shipped() / name, made)
    described = json.loads((bundle.shipped() / bundle.DESCRIPTION).read_text("utf-8"))
    (made / bundle.DESCRIPTION).write_text(json.dumps(described | {"version": version} | more), "utf-8")
    return made


def promoted(records: Records, folder: Path, replaces: str = SHIPPED) -> str:
    return records.promote(folder, replaces=replaces, compared={"gates": []}, actor="Tere")


def test_a_promoted_model_is_in_use_until_it_is_rolled_back(records: Records, tmp_path: Path) -> None:
    assert records.promoted() is None
    promoted(records, other(tmp_path, "9.0.1"))
    promoted(records, other(tmp_path, "9.0.2"), "pest-lite0@9.0.1")
    assert [one.model for one in records.promotions()] == ["pest-lite0@9.0.2", "pest-lite0@9.0.1"]
    now = records.promoted()
    assert now is not None
    assert (now.model, now.replaces, now.promoted_by) == ("pest-lite0@9.0.2", "pest-lite0@9.0.1", "Tere")
    gone = records.roll_back(actor="Tere", reason="too many flags")
    assert (gone.model, gone.rolled_back_reason) == ("pest-lite0@9.0.2", "too many flags")
    assert records.roll_back(actor="Tere", reason="again", promotion_id=gone.id).rolled_back_reason == "too many flags"  # nothing more
    back = records.promoted()
    assert back is not None
    assert back.model == "pest-lite0@9.0.1"
    records.roll_back(actor="Tere", reason="to the shipped one")
    assert records.promoted() is None
    with pytest.raises(Refused, match="was shipped; there is none before it"):
        records.roll_back(actor="Tere", reason="further")
    assert not verify(records.database, records.photo_store).problems


def test_the_same_promotion_again_changes_nothing(records: Records, tmp_path: Path) -> None:
    folder = other(tmp_path, "9.0.1")
    key = promoted(records, folder)
    assert records.promote(folder, replaces=SHIPPED, compared={}, actor="Tere", promotion_id=key) == key
    assert len(records.promotions()) == 1


def test_what_is_no_promotion_is_refused(records: Records, tmp_path: Path) -> None:
    first = other(tmp_path, "9.0.1")
    promoted(records, first)
    with pytest.raises(Refused, match=r"pest-lite0@9.0.1 is in use already, since 20"):
        promoted(records, first, "pest-lite0@9.0.1")
    with pytest.raises(Refused, match=r"9.0.1 was put in use by Tere at 20.*compare with that one"):
        promoted(records, other(tmp_path, "9.0.2"))
    records.roll_back(actor="Tere", reason="no")
    (tmp_path / "more").mkdir()
    with pytest.raises(Refused, match=r"another pest-lite0@9.0.1 in use, with other files"):
        promoted(records, other(tmp_path / "more", "9.0.1", created="2027"))
    with pytest.raises(Refused, match="Say why"):
        records.roll_back(actor="Tere", reason=" ")
    broken = other(tmp_path, "9.0.3")
    (broken / bundle.CLASSIFIER).write_bytes(b"no network")
    with pytest.raises(bundle.BundleError, match="SHA-256 differs"):
        promoted(records, broken, "pest-lite0@9.0.1")
    assert len(records.promotions()) == 1


def test_every_server_fetches_the_files_and_refuses_wrong_ones(records: Records, tmp_path: Path) -> None:
    promoted(records, other(tmp_path, "9.0.1"))
    now = records.promoted()
    assert now is not None
    for replica in ("one", "two"):
        folder = records.model_folder(now, tmp_path / replica)
        assert Scanner(folder).bundle.id == "pest-lite0@9.0.1"
        assert records.model_folder(now, tmp_path / replica) == folder
    (folder / bundle.CLASSIFIER).write_bytes(b"damaged here")
    assert bundle.load(records.model_folder(now, tmp_path / "two")).id == "pest-lite0@9.0.1"  # fetched again
    assert isinstance(records.photo_store, PhotoFolder)
    records.photo_store.path(now.files[bundle.CLASSIFIER]).write_bytes(b"tampered with")
    with pytest.raises(bundle.BundleError, match=r"model.onnx of pest-lite0@9.0.1 in the store is not the file that was promoted"):
        records.model_folder(now, tmp_path / "three")
    assert list((tmp_path / "three").iterdir()) == []
    found = verify(records.database, records.photo_store).problems
    assert [(one.what, one.where) for one in found] == [("file of a model", now.files[bundle.CLASSIFIER])]
    records.photo_store.delete(now.files[bundle.CLASSIFIER])
    with pytest.raises(bundle.BundleError, match="is gone from the store; restore it, or roll back"):
        records.model_folder(now, tmp_path / "three")


def test_a_backup_holds_the_models(records: Records, tmp_path: Path) -> None:
    promoted(records, other(tmp_path, "9.0.1"))
    made = backups.backup(records.database, records.photo_store, tmp_path / "all.zip")
    assert len(made.photographs) == 3
    database, photographs = open_folder(tmp_path / "new", f"sqlite:///{tmp_path / 'new' / 'x.sqlite3'}")
    assert not backups.restore(backups.open_backup(tmp_path / "all.zip"), database, photographs).problems
    again = Records(database, photographs)
    now = again.promoted()
    assert now is not None
    assert bundle.load(again.model_folder(now, tmp_path / "here")).id == "pest-lite0@9.0.1"
    with database.reading() as session:
        assert session.get(ModelFile, now.files[bundle.FINDER])
    database.close()
