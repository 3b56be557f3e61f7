"""A running server takes up another model without a restart, refuses a broken one, and goes back by one command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pestcheck.ids import uuid7
from pestcheck.records import Records
from pestcheck.store import open_folder
from pestcheck.store.photos import PhotoFolder
from pestcheck.vision import bundle
from tests.conftest import ROOT, Server, running
from tests.records.conftest import CLEAN, HORNET
from tests.records.test_models import SHIPPED, other, promoted

pytest.importorskip("gradio", reason="needs the extra app")


def health(server: Server) -> Any:
    return json.load(urllib.request.urlopen(f"{server.url}/health", timeout=10))


def until(says: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 90
    while not says():
        assert time.monotonic() < deadline
        time.sleep(0.3)


@pytest.fixture
def store(server: Server) -> Records:
    """The store of the running server, opened by another process: this one."""
    database, photographs = open_folder(server.data, f"sqlite:///{server.data / 'pestcheck.sqlite3'}")
    return Records(database, photographs)


def scored(store: Records, data: bytes) -> str:
    """Have the server score a photograph; returns the model that did."""
    key = uuid7()
    store.open(key, number="CSQU3054383", inspector="Ana", template="container_7_point@1")
    store.photograph(key, "floor", data, name="a.jpg", actor="Ana")
    until(lambda: store.inspection(key).photographs[0].view.state == "scored")
    return str(store.inspection(key).photographs[0].view.model)


def rollback(server: Server) -> str:
    command = [sys.executable, "-m", "pestcheck", "models", "rollback", "--by", "Tere", "--reason", "as before", "--data", str(server.data)]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, env=os.environ).stdout


def test_a_model_is_swapped_between_photographs_and_back(server: Server, store: Records, tmp_path: Path) -> None:
    assert health(server)["model"] == SHIPPED == scored(store, HORNET)
    promoted(store, other(tmp_path, "9.0.1"))
    until(lambda: health(server)["model"] == "pest-lite0@9.0.1")
    assert scored(store, CLEAN) == "pest-lite0@9.0.1"
    models = json.load(urllib.request.urlopen(f"{server.url}/api/v1/models", timeout=10))
    assert {one["id"]: one["in_use"] for one in models["models"]} == {SHIPPED: False, "pest-lite0@9.0.1": True}
    assert [(one["model"], one["promoted_by"], one["rolled_back_at"]) for one in models["put_in_use"]] == [
        ("pest-lite0@9.0.1", "Tere", None)
    ]
    assert rollback(server) == "pest-lite0@9.0.1 is out of use; the shipped model is in use.\n"
    until(lambda: health(server)["model"] == SHIPPED)
    kept = {item.view.model for row, _ in store.inspections() for item in store.inspection(row.id).photographs}
    assert kept == {SHIPPED, "pest-lite0@9.0.1"}  # what is on record keeps the model that made it


def test_a_model_with_a_wrong_hash_is_refused_and_the_old_one_goes_on(server: Server, store: Records, tmp_path: Path) -> None:
    server.kill()
    promoted(store, other(tmp_path, "9.0.1"))
    now = store.promoted()
    assert now is not None
    assert isinstance(store.photo_store, PhotoFolder)
    path = store.photo_store.path(now.files[bundle.CLASSIFIER])
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"?")
    server.start()
    assert health(server)["model"] == SHIPPED
    assert "model.onnx of pest-lite0@9.0.1 in the store is not the file that was promoted" in health(server)["model_problem"]
    assert scored(store, HORNET) == SHIPPED
    path.write_bytes(whole)  # restored: taken up by itself
    until(lambda: health(server)["model"] == "pest-lite0@9.0.1")
    assert health(server)["model_problem"] == ""


def test_it_is_refused_while_the_server_runs(server: Server, store: Records, tmp_path: Path) -> None:
    folder = other(tmp_path, "9.0.1")
    put: list[str] = []
    keep = store.photo_store.put

    def damaged(data: bytes) -> str:
        """A disk that damages the classifier."""
        sha256 = keep(data)
        if data == (folder / bundle.CLASSIFIER).read_bytes():
            assert isinstance(store.photo_store, PhotoFolder)
            store.photo_store.path(sha256).write_bytes(data[:1000])
        put.append(sha256)
        return sha256

    store.photo_store.put = damaged  # type: ignore[method-assign]
    promoted(store, folder)
    assert len(put) == 3
    until(lambda: health(server)["model_problem"] != "")
    assert health(server)["model"] == SHIPPED
    store.photo_store.put = keep  # type: ignore[method-assign]
    assert scored(store, CLEAN) == SHIPPED
    rollback(server)
    until(lambda: health(server)["model_problem"] == "")


def test_two_servers_on_one_postgresql_follow(postgresql: Any, tmp_path: Path) -> None:
    url = postgresql.new_database()
    shared = {"PESTCHECK_DATABASE": url, "PESTCHECK_PHOTOGRAPHS": str(tmp_path / "photographs")}
    one, two = (Server(tmp_path / name / "data", extra_environment=shared) for name in ("one", "two"))
    for server in (one, two):
        server.data.mkdir(parents=True)
    database, photographs = open_folder(tmp_path / "mine", url, tmp_path / "photographs")
    with running(one), running(two):
        promoted(Records(database, photographs), other(tmp_path, "9.0.1"))
        for server in (one, two):
            until(lambda server=server: health(server)["model"] == "pest-lite0@9.0.1")  # type: ignore[misc]
    database.close()
