"""Adding an add-on: all of it or nothing, and every reason said."""

from __future__ import annotations

import hashlib
import http.server
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pestcheck.addons import install, registry
from pestcheck.addons.install import AddonError
from pestcheck.addons.registry import Addon
from tests.addons import small
from tests.test_full_disk import fill_up, small_disk  # noqa: F401

Small = tuple[str, Addon, Path]


@pytest.fixture
def published(small_addon: Small) -> Iterator[str]:
    """The small add-on on a web server; its address."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(small_addon[2]))

        def log_message(self, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def tree(folder: Path) -> dict[str, str]:
    """Every file below a folder with its hash."""
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("how", ["folder", "file", "address", "address of the file"])
def test_an_addon_is_added_from_files_and_from_the_web(small_addon: Small, published: str, tmp_path: Path, how: str) -> None:
    name, entry, folder = small_addon
    come_from = {
        "folder": str(folder), "file": str(folder / "small.tflite"), "address": published, "address of the file": f"{published}small.tflite",
    }[how]  # fmt: skip
    data = tmp_path / "data"
    one = install.add(data, name, come_from)
    assert one.description.id == f"small@1.{install.CONVERTER}"
    assert one.description.labels == small.LABELS
    assert (one.description.licence, one.description.source) == (entry.licence, entry.source)
    assert sorted(path.name for path in (data / "addons").iterdir()) == [f"small@1.{install.CONVERTER}"]
    assert [found.description for found in install.added(data) if isinstance(found, install.Added)] == [one.description]


def test_adding_it_again_changes_nothing(small_addon: Small, tmp_path: Path) -> None:
    name, _, folder = small_addon
    install.add(tmp_path / "data", name, str(folder))
    before = tree(tmp_path / "data")
    install.add(tmp_path / "data", name, str(tmp_path / "nowhere"))  # is not even looked at
    assert tree(tmp_path / "data") == before


def test_what_is_published_is_used_where_nothing_is_said(
    small_addon: Small, published: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, entry, _ = small_addon
    monkeypatch.setattr(install, "registry", lambda: {name: entry.model_copy(update={"address": published})})
    assert install.add(tmp_path / "data", name).description.fetched_from == published


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda p: (p / "small.tflite").write_bytes(b"TFL3" * 999), "is not the file that is wanted: it differs"),
        (lambda p: (p / "small.tflite").write_bytes((p / "small.tflite").read_bytes()[:-1]), "it is cut off"),
        (lambda p: (p / "small.tflite").write_bytes((p / "small.tflite").read_bytes() + b"x"), "it differs"),
        (lambda p: (p / "labels.txt").write_text("Apis mellifera\n"), "labels.txt is not the file"),
        (lambda p: (p / "small.tflite").unlink(), "small.tflite"),
        (lambda p: (p / "labels.txt").unlink(), "labels.txt"),
    ],
)
def test_wrong_files_change_nothing(small_addon: Small, published: str, tmp_path: Path, damage: Any, says: str) -> None:
    name, _, folder = small_addon
    damage(folder)
    for come_from in (str(folder), published):
        with pytest.raises(AddonError, match=says):
            install.add(tmp_path / "data", name, come_from)
    assert not (tmp_path / "data").exists()


def test_no_network_is_said_with_what_to_do(small_addon: Small, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/"
    with pytest.raises(AddonError, match=r"cannot be fetched: .*--from FOLDER"):
        install.add(tmp_path / "data", small_addon[0], address)
    assert not (tmp_path / "data").exists()


def test_a_server_that_goes_silent_is_given_up(small_addon: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(AddonError, match="cannot be fetched"):
        install.add(tmp_path / "data", small_addon[0], f"http://127.0.0.1:{silent.getsockname()[1]}/")


@pytest.mark.parametrize("small_disk", [1], indirect=True)
def test_a_full_disk_changes_nothing(small_addon: Small, small_disk: Path) -> None:  # noqa: F811
    name, _, folder = small_addon
    filler = fill_up(small_disk)
    with pytest.raises(AddonError, match="cannot be written: No space left"):
        install.add(small_disk, name, str(folder))
    assert [*install.added(small_disk)] == []
    filler.unlink()
    assert install.add(small_disk, name, str(folder)).description.name == name
    assert [path.name for path in (small_disk / "addons").iterdir()] == [f"small@1.{install.CONVERTER}"]


def test_a_failed_self_test_changes_nothing(small_addon: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, entry, folder = small_addon
    wrong = entry.self_test[0].model_copy(update={"probability": min(1.0, entry.self_test[0].probability + 0.2)})
    monkeypatch.setattr(install, "registry", lambda: {name: entry.model_copy(update={"self_test": (wrong,)})})
    with pytest.raises(AddonError, match="fails its self-test: of the drawn butterfly it says Apis mellifera"):
        install.add(tmp_path / "data", name, str(folder))
    assert [*(tmp_path / "data" / "addons").iterdir()] == []


def test_a_model_that_cannot_be_converted_changes_nothing(small_addon: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, _, folder = small_addon
    other = small.classifier(operator=small.RELU)
    (folder / "small.tflite").write_bytes(other)
    entry = small.addon(other, (folder / "labels.txt").read_bytes(), 0.5)
    monkeypatch.setattr(install, "registry", lambda: {name: entry})
    with pytest.raises(AddonError, match=r"small.tflite cannot be converted: Its operator RELU"):
        install.add(tmp_path / "data", name, str(folder))
    assert [*(tmp_path / "data" / "addons").iterdir()] == []


@pytest.mark.parametrize("file", [install.MODEL, install.DESCRIPTION])
def test_a_damaged_addon_is_named_and_mended_by_adding_it_again(small_addon: Small, tmp_path: Path, file: str) -> None:
    name, _, folder = small_addon
    one = install.add(tmp_path, name, str(folder))
    (one.folder / file).write_bytes(b"{}")
    (wrong,) = install.added(tmp_path)
    assert isinstance(wrong, AddonError)
    assert "add it again" in str(wrong)
    install.add(tmp_path, name, str(folder))
    assert all(isinstance(found, install.Added) for found in install.added(tmp_path))
    assert sorted(path.name for path in one.folder.iterdir()) == [install.DESCRIPTION, install.MODEL]


def test_a_newer_version_takes_the_place_of_an_older_one(small_addon: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, entry, folder = small_addon
    install.add(tmp_path, name, str(folder))
    monkeypatch.setattr(install, "registry", lambda: {name: entry.model_copy(update={"version": 2})})
    install.add(tmp_path, name, str(folder))
    assert [path.name for path in (tmp_path / "addons").iterdir()] == [f"small@2.{install.CONVERTER}"]


def test_remove_takes_it_away_and_nothing_else(small_addon: Small, tmp_path: Path) -> None:
    name, _, folder = small_addon
    install.add(tmp_path / "data", name, str(folder))
    (tmp_path / "data" / "addons" / "note.txt").write_text("mine")
    for wrong in ("other", "..", "*", "small@1", "[a-z]*", "/", "a\0b"):
        with pytest.raises(AddonError, match="there is no add-on"):
            install.remove(tmp_path / "data", wrong)
    install.remove(tmp_path / "data", name)
    assert [path.name for path in (tmp_path / "data" / "addons").iterdir()] == ["note.txt"]


def test_two_who_add_at_once_leave_one_whole_addon(small_addon: Small, tmp_path: Path) -> None:
    name, _, folder = small_addon
    errors: list[BaseException] = []

    def add() -> None:
        try:
            install.add(tmp_path, name, str(folder))
        except AddonError as error:
            errors.append(error)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert [path.name for path in (tmp_path / "addons").iterdir()] == [f"small@1.{install.CONVERTER}"]
    assert isinstance(next(install.added(tmp_path)), install.Added)


def test_the_registry_is_whole() -> None:
    assert [*registry.registry()] == ["inat-insect"]
    entry = registry.registry()["inat-insect"]
    assert entry.licence == "Apache-2.0"
    assert entry.address.startswith("https://")
    assert 0 < entry.thresholds.listed <= entry.thresholds.resembles < 1


def command(*arguments: object, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pestcheck", "models", *map(str, arguments)], input=given, capture_output=True, text=True, env={**os.environ}, check=False
    )  # fmt: skip


def test_the_commands_with_the_real_files(insect_files: Path, tmp_path: Path) -> None:
    said = command("add", "inat-insect", "--from", insect_files, "--data", tmp_path, given="n\n")
    assert said.returncode == 2
    assert "Licence: Apache-2.0" in said.stdout
    assert "google-coral/test_data" in said.stdout
    assert not (tmp_path / "addons").exists()
    assert command("add", "inat-insect", "--from", insect_files, "--data", tmp_path, "--yes").returncode == 0
    assert f"inat-insect@1.{install.CONVERTER} (add-on): 1022 classes" in command("list", "--data", tmp_path).stdout
    assert command("remove", "inat-insect", "--data", tmp_path).returncode == 0
    assert "inat-insect (not added)" in command("--data", tmp_path).stdout
    assert command("remove", "inat-insect", "--data", tmp_path).returncode == 2


def test_without_a_network_the_command_says_so_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        said = command("add", "inat-insect", "--yes", "--data", tmp_path, "--from", f"http://127.0.0.1:{free.getsockname()[1]}/")
    assert said.returncode == 2
    assert len(said.stderr.splitlines()) == 1
    assert "Traceback" not in said.stderr
