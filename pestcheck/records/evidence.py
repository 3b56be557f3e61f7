"""Use case of evidence by criterion: what the record of a period shows of each CTPAT criterion, and where it has gaps.

It counts; it judges no member. "On record, no gaps found" says that of what is asked here, nothing is missing, and no more than that.
Which criterion is shown by what is data: ``inspection/criteria/ctpat@2.yaml``; how it is counted: ``records.measures``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pestcheck.inspection.criteria import NEWEST, Criterion, Entity, criteria
from pestcheck.records.common import UseCases, one_of, text
from pestcheck.records.measures import MEASURES, Found, Measure, Scope
from pestcheck.records.period import Period

ENTITIES = {
    Entity.IMPORTER: "Importer", Entity.EXPORTER: "Exporter", Entity.MANUFACTURER: "Foreign manufacturer",
    Entity.HIGHWAY_CARRIER: "Highway carrier", Entity.THIRD_PARTY_LOGISTICS: "Third-party logistics",
}  # fmt: skip


class Shows(StrEnum):
    """What the record shows of a criterion."""

    EVIDENCE = "evidence"
    GAPS = "gaps"
    NOTHING = "nothing"
    ELSEWHERE = "elsewhere"


SHOWS = {
    Shows.EVIDENCE: "On record, no gaps found", Shows.GAPS: "On record, with gaps", Shows.NOTHING: "Nothing on record",
    Shows.ELSEWHERE: "Not shown by this record",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shown:
    """One criterion: its id for the kind of member, and what was counted, by ``MEASURES``."""

    id: str
    criterion: Criterion
    shows: Shows
    found: Mapping[str, Found]

    @property
    def gaps(self) -> int:
        """How many gaps, over all that was counted."""
        return sum(one.gaps for one in self.found.values())


@dataclass(frozen=True, slots=True)
class Evidence:
    """All criteria of a kind of member in the order of their ids; ``version``: of the list of criteria."""

    entity: Entity
    period: Period
    site: str | None
    version: int
    note: str
    criteria: tuple[Shown, ...]

    def count(self, shows: Shows) -> int:
        """How many criteria of which the record shows this."""
        return sum(one.shows is shows for one in self.criteria)


class Evidences(UseCases):
    """See the module."""

    def evidence(self, entity: str, period: Period | None = None, site: str | None = None) -> Evidence:
        """What the record shows of the inspections opened in a period, at the sites that they see.

        Args:
            entity: an ``Entity``. period: None: the last year. site: only of this one, "": those without.

        Raises:
            Refused: no such kind of member.
        """
        kind = Entity(one_of(entity, ENTITIES, "kind of member"))
        span, listed = period or Period.read(), criteria(NEWEST)
        where = None if site is None else text(site, "site")
        found = []
        with self.database.reading() as session:
            counted: dict[tuple[str, str], Found] = {}
            for criterion in listed.criteria:
                if kind not in criterion.ids:
                    continue
                scope = Scope(session, span, where, self.catalogue, criterion.key)
                here = {}
                for name in criterion.evidence:
                    measure: Measure = MEASURES[name]
                    once = (name, criterion.key if measure.by_criterion else "")
                    if once not in counted:
                        counted[once] = measure.count(scope)
                    here[name] = counted[once]
                found.append(Shown(criterion.ids[kind], criterion, shows([*here.values()]), here))
        found.sort(key=lambda one: tuple(map(int, one.id.split("."))))
        return Evidence(kind, span, where, listed.version, listed.note, tuple(found))


def shows(found: Sequence[Found]) -> Shows:
    """What several counts show together: gaps where there is any, evidence only where something is on record."""
    if not found:
        return Shows.ELSEWHERE
    if any(one.gaps for one in found):
        return Shows.GAPS
    return Shows.EVIDENCE if any(one.have for one in found) else Shows.NOTHING
