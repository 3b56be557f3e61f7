"""Add-on models in the data folder: fetch, check, convert, test, and only then put in place, by one rename; read; remove.

An add-on is a folder ``addons/NAME@VERSION`` with ``model.onnx`` and ``addon.json``. A folder whose name begins with a dot is unfinished.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pestcheck.addons.registry import Addon, Part, registry

FOLDER, DESCRIPTION, MODEL = "addons", "addon.json", "model.onnx"
CONVERTER = 1
"""Raise it when the converter makes another graph of the same file."""
SECONDS = 30.0
"""How long a server may be silent."""


class AddonError(ValueError):
    """An add-on that cannot be added, read or removed; the message says why and what to do. Nothing was changed."""


class Description(BaseModel):
    """``addon.json``: what was added, from where, under which licence. ``sha256``: of ``model.onnx``."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: Annotated[str, Field(pattern="^[a-z0-9-]+$")]
    version: Annotated[str, Field(pattern=r"^\d+\.\d+$")]
    added: str
    source: str
    licence: str
    fetched_from: str
    original: dict[str, str]
    labels: tuple[str, ...]
    sha256: str

    @property
    def id(self) -> str:
        """``name@version``, as it stands beside every hint."""
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True)
class Added:
    """An add-on in the data folder."""

    description: Description
    folder: Path


def known(name: str) -> Addon:
    """
    Raises:
        AddonError: there is no such add-on.
    """
    if name not in registry():
        raise AddonError(f"there is no add-on {name[:60]!r}; there are: {', '.join(registry())}")
    return registry()[name]


def version(addon: Addon) -> str:
    """Of an add-on as this program makes it: the registry's version and the converter's."""
    return f"{addon.version}.{CONVERTER}"


def add(data: Path, name: str, come_from: str | None = None) -> Added:
    """Fetch an add-on, or take it from files, and put it in the data folder. Where it is there already, and sound, nothing is done.

    Args:
        come_from: a web address or a path: of the folder of its files, or of its model file beside the others; None: where it is published.

    Raises:
        AddonError: no such add-on, no network, other files than expected, they cannot be converted, a failed self-test, or a disk that cannot
            be written.
    """
    addon = known(name)
    place = data / FOLDER
    target = place / f"{name}@{version(addon)}"
    with contextlib.suppress(AddonError):
        return read(target)
    model, labels = (_fetch(part, come_from or addon.address, addon) for part in (addon.model, addon.labels))
    try:
        place.mkdir(parents=True, exist_ok=True)
        work = Path(mkdtemp(prefix=f".{name}-", dir=place))
        work.chmod(0o755)  # the app may run as somebody else
    except OSError as error:
        raise AddonError(f"{place} cannot be written: {error.strerror or error}") from error
    try:
        _make(work, name, addon, come_from or addon.address, model, labels)
        read(work)
        with contextlib.suppress(AddonError):
            return read(target)  # somebody else was quicker
        if target.exists():  # damaged: ``read`` did not take it
            os.rename(target, work / "before")
        os.rename(work, target)
        shutil.rmtree(target / "before", ignore_errors=True)
        _sync(place)
    except OSError as error:
        raise AddonError(f"{place} cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    for other in place.glob(f"{name}@*"):
        if other != target:
            shutil.rmtree(other, ignore_errors=True)
    return read(target)


def remove(data: Path, name: str) -> None:
    """Take an add-on out of the data folder. Hints that it gave stay on record.

    Raises:
        AddonError: it is not there, or the disk cannot be written.
    """
    folders = [*(data / FOLDER).glob(f"{name}@*")] if name.isprintable() and not set(name) & set("/*?[") else []
    if not folders:
        raise AddonError(f"there is no add-on {name[:60]!r} here; `pestcheck models list` lists those that are")
    for folder in folders:
        try:
            away = folder.with_name(f".{folder.name}-removed")
            shutil.rmtree(away, ignore_errors=True)
            os.rename(folder, away)
            shutil.rmtree(away)
        except OSError as error:
            raise AddonError(f"{folder} cannot be removed: {error.strerror or error}") from error


def added(data: Path) -> Iterator[Added | AddonError]:
    """The add-ons in the data folder, and what is wrong with those that cannot be used."""
    for folder in sorted((data / FOLDER).glob("[a-z0-9]*@*")):
        try:
            yield read(folder)
        except AddonError as error:
            yield error


def read(folder: Path) -> Added:
    """
    Raises:
        AddonError: it is no add-on, or damaged, or made by another version of pestcheck.
    """
    again = "add it again with `pestcheck models add`"
    try:
        found = Description.model_validate_json((folder / DESCRIPTION).read_text("utf-8"))
        hashed = hashlib.sha256((folder / MODEL).read_bytes()).hexdigest()
    except (OSError, ValidationError, ValueError) as error:
        raise AddonError(f"the add-on in {folder} cannot be read; {again}") from error
    if hashed != found.sha256:
        raise AddonError(f"{folder / MODEL} is not the file that was added (SHA-256 differs); {again}")
    addon = registry().get(found.name)
    if addon is None or addon.model.sha256 not in found.original.values():
        raise AddonError(f"this version of pestcheck does not know the add-on in {folder}; {again}, or remove it")
    return Added(found, folder)


def _fetch(part: Part, come_from: str, addon: Addon) -> bytes:
    """The bytes of a file, if they are what they must be."""
    if urlsplit(come_from).scheme in ("http", "https"):
        base = come_from if come_from.endswith("/") else come_from.rpartition("/")[0] + "/"
        where, data = base + part.file, _download(base + part.file, part.bytes)
    else:
        given = Path(come_from)
        path = (given if given.is_dir() else given.parent) / part.file
        path = given if part is addon.model and given.is_file() else path
        where = str(path)
        try:
            with path.open("rb") as file:
                data = file.read(part.bytes + 1)
        except OSError as error:
            raise AddonError(f"{path} cannot be read: {error.strerror or error}") from error
    if hashlib.sha256(data).hexdigest() != part.sha256:
        says = "is cut off" if len(data) < part.bytes else "differs"
        raise AddonError(f"{where} is not the file that is wanted: it {says} (SHA-256 {part.sha256[:12]}… is expected); nothing was added")
    return data


def _download(address: str, most: int) -> bytes:
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers={"User-Agent": "pestcheck"}), timeout=SECONDS) as answer:
            body: bytes = answer.read(most + 1)
            return body
    except urllib.error.HTTPError as error:
        raise AddonError(f"{address} answers {error.code} {error.reason}; nothing was added") from error
    except (OSError, ValueError, EOFError) as error:
        reason = getattr(error, "reason", error)
        raise AddonError(
            f"{address} cannot be fetched: {getattr(reason, 'strerror', None) or reason}; nothing was added. Without a network, fetch the files elsewhere and say --from FOLDER"
        ) from error


def _make(work: Path, name: str, addon: Addon, come_from: str, model: bytes, labels: bytes) -> None:
    """Convert, test, and write the folder."""
    try:
        from pestcheck.addons import tflite
    except ModuleNotFoundError as error:
        raise AddonError(f"adding a model needs more packages ({error.name} is missing): pip install 'pestcheck[addons]'") from error
    try:
        graph = tflite.to_onnx(tflite.read(model)).SerializeToString()
    except tflite.NotConvertible as error:
        raise AddonError(f"{addon.model.file} cannot be converted: {error}") from error
    names = tuple(labels.decode("utf-8").splitlines())
    (work / MODEL).write_bytes(graph)
    described = Description(
        name=name, version=version(addon), added=datetime.now(UTC).isoformat(timespec="seconds"), source=addon.source, licence=addon.licence,
        fetched_from=come_from, original={part.file: part.sha256 for part in (addon.model, addon.labels)}, labels=names,
        sha256=hashlib.sha256(graph).hexdigest(),
    )  # fmt: skip
    (work / DESCRIPTION).write_text(json.dumps(described.model_dump(), indent=1, ensure_ascii=False) + "\n", "utf-8")
    for file in (MODEL, DESCRIPTION):
        _sync(work / file)
    test(Added(described, work))


def test(one: Added) -> None:
    """Let an add-on say what it says of drawn pictures, and compare with what its original says.

    Raises:
        AddonError: it says something else.
    """
    from pestcheck.addons.selftest import PICTURES, TOLERANCE
    from pestcheck.addons.species import Classifier, scientific

    classify = Classifier(one)
    names = [scientific(label) for label in one.description.labels]
    for case in known(one.description.name).self_test:
        chance = float(classify(PICTURES[case.picture](classify.side)[None])[0, names.index(case.label)])
        if not abs(chance - case.probability) <= TOLERANCE:
            raise AddonError(
                f"the converted model fails its self-test: of the drawn {case.picture} it says {case.label} {chance:.3f}, its original "
                f"{case.probability:.3f}; nothing was added"
            )


def _sync(path: Path) -> None:
    """What was written is on the disk, not only on its way."""
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
