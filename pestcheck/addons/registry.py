"""Which add-on models there are to fetch, and what is known of each."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field


class Part(BaseModel):
    """A file of an add-on: its name at its address, what it must hash to, and how long it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    file: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$")]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(gt=0)]


class Limits(BaseModel):
    """Where hints begin: probabilities, chosen by measure (docs/species.md). ``resembles``: of a species, genus or family, to say that a finding
    resembles it. ``listed``: of what is on the watch list, to warn; lower, since a missed one costs more.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    version: str
    resembles: Annotated[float, Field(gt=0, lt=1)]
    listed: Annotated[float, Field(gt=0, lt=1)]


class SelfTest(BaseModel):
    """What the original says of the drawn picture ``picture`` (see ``install.PICTURES``): the class and its probability."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    picture: str
    label: str
    probability: Annotated[float, Field(gt=0, le=1)]


class Addon(BaseModel):
    """An entry of the registry. ``address``: the folder where its files are published."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    version: Annotated[int, Field(gt=0)]
    title: str
    purpose: str
    source: str
    licence: str
    address: Annotated[str, Field(pattern="^https://.*/$")]
    model: Part
    labels: Part
    self_test: tuple[SelfTest, ...]
    thresholds: Limits


@cache
def registry() -> dict[str, Addon]:
    """All add-ons by name."""
    table = yaml.safe_load((files("pestcheck.addons") / "registry.yaml").read_text("utf-8"))
    return {name: Addon.model_validate(entry) for name, entry in table.items()}
