"""The watch list: species and things of concern, what to look for, and what to do; pestcheck's own, and what a site adds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from pestcheck.inspection.yamlfile import DataFileError, Fault, Frozen, Id, Text, read

FILE = "watchlist.yaml"
Words = Text | dict[Literal["en", "es"], Text]
"""A text: one for all languages, or one for each."""
Taxon = Annotated[str, Field(pattern=r"^[A-Z][a-z]+( [a-z-]+){0,2}$", max_length=80)]
Sure = Literal["checked", "high", "medium", "low"]


class Entry(Frozen):
    """One species, group or thing. See the head of ``watchlist.yaml``. ``do``: the steps in words, in their order."""

    name: Words
    kind: Literal["insect", "snail", "plant", "other"]
    scientific: tuple[Taxon, ...] = ()
    eppo: dict[Annotated[str, Field(pattern="^[A-Z0-9]{5,6}$")], Sure] = Field(default_factory=dict)
    taxa: tuple[Taxon, ...] = ()
    kin: tuple[Taxon, ...] = ()
    evidence: Words
    look_alikes: Words
    season: Words
    status: Words
    do: Annotated[tuple[Words, ...], Field(min_length=1)]
    source: Words
    sure: Sure


class File(Frozen):
    """A file as people write it. ``steps``: by name, for ``do``."""

    steps: dict[Id, Words] = Field(default_factory=dict)
    entries: dict[Id, Entry]


@dataclass(frozen=True, slots=True)
class WatchList:
    """All entries by name, and what is wrong with the site's own file."""

    entries: Mapping[str, Entry]
    faults: tuple[Fault, ...] = ()

    @property
    def watched(self) -> dict[str, tuple[str, ...]]:
        """By entry, the taxa of which a hint shows it."""
        return {key: (*one.taxa, *one.kin) for key, one in self.entries.items() if one.taxa or one.kin}


def words(text: Words, language: str) -> str:
    """A text in a language; else in English, else in what there is."""
    if isinstance(text, str):
        return text
    by_name = {str(key): said for key, said in text.items()}
    return by_name.get(language) or by_name.get("en") or next(iter(by_name.values()), "")


@cache
def shipped() -> WatchList:
    """That of pestcheck."""
    return _with_steps(read((files("pestcheck.inspection") / FILE).read_bytes(), FILE, File), {})


def watch_list(folder: Path) -> WatchList:
    """That of pestcheck with what ``watchlist.yaml`` in the data folder adds or replaces. A file that cannot be used is left out, and named."""
    path = folder / FILE
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return shipped()
    except OSError as error:
        return WatchList(shipped().entries, (Fault(str(path), "", f"it cannot be read: {error.strerror or error}", "Make it readable"),))
    try:
        own = _with_steps(read(data, str(path), File), _steps())
    except DataFileError as error:
        return WatchList(shipped().entries, error.faults)
    return WatchList({**shipped().entries, **own.entries})


@cache
def _steps() -> Mapping[str, Words]:
    return read((files("pestcheck.inspection") / FILE).read_bytes(), FILE, File).steps


def _with_steps(file: File, known: Mapping[str, Words]) -> WatchList:
    steps = {**known, **file.steps}
    made = {}
    for key, entry in file.entries.items():
        do = tuple(steps.get(step, step) if isinstance(step, str) else step for step in entry.do)
        made[key] = entry.model_copy(update={"do": do})
    return WatchList(made)
