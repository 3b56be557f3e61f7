"""Criteria of CTPAT that answers give evidence of, with their ids by kind of member: data in ``criteria/``."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from functools import cache, cached_property
from importlib.resources import files
from typing import Annotated, Literal

from pydantic import Field

from pestcheck.inspection.yamlfile import Frozen, Id, Text, Version, read

NEWEST = 2


class Entity(StrEnum):
    """Kinds of CTPAT members; each has its own booklet of Minimum Security Criteria."""

    IMPORTER = "importer"
    EXPORTER = "exporter"
    MANUFACTURER = "manufacturer"
    HIGHWAY_CARRIER = "highway_carrier"
    THIRD_PARTY_LOGISTICS = "third_party_logistics"


class Criterion(Frozen):
    """One criterion: a "must" or a "should", its gist in our words, and its id in the booklet of each kind of member.

    ``evidence``: what of the record shows its keeping (``records.evidence.MEASURES``); none: nothing there does.
    """

    key: Id
    level: Literal["must", "should"]
    gist: Text
    ids: dict[Entity, Annotated[str, Field(pattern=r"^[0-9]{1,2}\.[0-9]{1,2}$")]]
    evidence: tuple[Id, ...] = ()
    source: Text


class Criteria(Frozen):
    """A version of the list."""

    version: Version
    source: Text
    note: Text
    criteria: tuple[Criterion, ...]

    @cached_property
    def by_key(self) -> dict[str, Criterion]:
        """The criteria by the key that questions name them with."""
        return {criterion.key: criterion for criterion in self.criteria}

    def ids(self, keys: Iterable[str], entity: Entity) -> tuple[str, ...]:
        """Ids for a kind of member, each once, in their order; a criterion that does not apply to it is left out."""
        found = {self.by_key[key].ids[entity] for key in keys if entity in self.by_key[key].ids}
        return tuple(sorted(found, key=lambda id: tuple(map(int, id.split(".")))))


@cache
def criteria(version: int) -> Criteria:
    """The list of criteria at a version.

    Raises:
        LookupError: there is no such version.
    """
    path = files("pestcheck.inspection") / "criteria" / f"ctpat@{version}.yaml"
    if not path.is_file():
        raise LookupError(f"there is no version {version} of the list of criteria")
    return read(path.read_bytes(), path.name, Criteria)
