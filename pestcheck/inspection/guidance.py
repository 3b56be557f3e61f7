"""What to do about a confirmed finding: rules by stage and by what was found, as data in ``guidance/``.

The rules are ours and say so; every guidance carries the notice to confirm it with CBP or APHIS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from pestcheck.inspection.yamlfile import Frozen, Id, Text, Version, read
from pestcheck.taxonomy import CTPAT_CLASS, LABELS


class Stage(StrEnum):
    """Where a conveyance is on its way."""

    EMPTY_AT_ORIGIN = "empty_at_origin"
    LOADED_OR_IN_TRANSIT = "loaded_or_in_transit"
    BEFORE_BORDER = "before_border"
    ARRIVED_IN_US = "arrived_in_us"


class Condition(StrEnum):
    """Of what was found. Of plants, droppings and soil, alive is fresh or with something living in it, dead is dry."""

    ALIVE = "alive"
    DEAD = "dead"
    UNKNOWN = "unknown"


class Action(StrEnum):
    """The one thing to do first."""

    CLEAN = "clean"
    ASK_FIRST = "ask_first"
    HOLD = "hold"
    DO_NOT_TOUCH = "do_not_touch"
    RECORD = "record"


class Role(StrEnum):
    """Whom to call; names and numbers come from the settings."""

    SUPERVISOR = "supervisor"
    CONTAINER_OWNER = "container_owner"
    SHIPPER = "shipper"
    CARRIER = "carrier"
    CUSTOMS_BROKER = "customs_broker"
    IMPORTER = "importer"
    CBP_AGRICULTURE = "cbp_agriculture"
    APHIS = "aphis"


class Phase(StrEnum):
    """When a step comes: steps are given in this order. Of the ways to clean, the one for the most special matter counts."""

    PROTECT = "protect"
    STOP = "stop"
    LOOK = "look"
    ASK = "ask"
    CLEAN = "clean"
    AFTER = "after"


class Step(Frozen):
    """One thing to do, at some stages only or at all of them."""

    phase: Phase
    do: Text
    stages: tuple[Stage, ...] = ()
    source: Text


class StageRule(Frozen):
    """What holds at a stage, whatever was found."""

    title: Text
    action: Action
    call: tuple[Role, ...]
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]


class Severity(Frozen):
    """How bad, by condition."""

    alive: Annotated[int, Field(ge=1, le=3)]
    dead: Annotated[int, Field(ge=1, le=3)]
    unknown: Annotated[int, Field(ge=1, le=3)]


class Matter(Frozen):
    """What holds for something found: a group, a label, or what only people name. ``of``: what it takes the rest from."""

    name: Text | None = None
    of: Id | None = None
    severity: Severity | None = None
    actions: dict[Stage, Action] = Field(default_factory=dict)
    steps: tuple[Step, ...] = ()


class CargoRule(Frozen):
    """What holds when it is the manifested cargo."""

    source: Text
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]


class ManifestedCargo(Frozen):
    """A person's word that a finding is the cargo itself, as grain in a load of grain, and so no contamination."""

    cargo: Text
    reason: Text


class Rules(Frozen):
    """A version of the rules. A change of content is a new version: a new file beside the old one."""

    id: Id
    version: Version
    source: Text
    notice: Text
    scale: Text
    severities: dict[Annotated[int, Field(ge=1, le=3)], Text]
    actions: dict[Action, Text]
    roles: dict[Role, Text]
    manifested_cargo: CargoRule
    stages: dict[Stage, StageRule]
    matters: dict[Id, Matter]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        wanted: dict[str, set[Any]] = {"severities": {1, 2, 3}, "actions": set(Action), "roles": set(Role), "stages": set(Stage)}
        wanted["matters"] = {*map(str, CTPAT_CLASS), "unsure"}
        for field, names in wanted.items():
            if lacking := names - set(getattr(self, field)):
                raise ValueError(f"{field} lacks {', '.join(sorted(map(str, lacking)))}; add it")
        for key, matter in self.matters.items():
            whole = self.matters.get(matter.of, Matter()) if matter.of else matter
            if whole.of or not (whole.name and whole.severity and whole.steps):
                raise ValueError(f"{key!r} must have name, severity and steps, or be 'of' one that has them; add them")
            if not (matter.name or key in LABELS):
                raise ValueError(f"{key!r} is no label of the taxonomy and has no name; correct it, or give it a name")
        return self

    @property
    def named_by_people(self) -> dict[str, str]:
        """What only people name, because no model knows it: name by id."""
        known = {*map(str, CTPAT_CLASS), "unsure"}
        return {key: matter.name for key, matter in self.matters.items() if matter.name and key not in known}


@dataclass(frozen=True, slots=True)
class Call:
    """Whom to call: the role in words, and the name and number from the settings, or None if there are none."""

    role: Role
    title: str
    contact: str | None


@dataclass(frozen=True, slots=True)
class Guidance:
    """What to do about one finding at one stage.

    Attributes:
        headline: the action in words.
        severity: 1 to 3 on our own scale; None if it is the manifested cargo, and so no contamination.
        notice: to be shown with every text of it.
        rules: id@version of the rules it came from.
    """

    found: str
    stage: str
    action: Action
    headline: str
    steps: tuple[Step, ...]
    call: tuple[Call, ...]
    severity: int | None
    severity_in_words: str
    notice: str
    rules: str

    def lines(self) -> list[str]:
        """All of it as text, a line each, the notice with it."""
        calls = [f"Call: {one.title}: {one.contact or 'not set yet (PESTCHECK_CONTACTS)'}" for one in self.call]
        severity = [f"Severity {self.severity_in_words}"] if self.severity else []
        return [f"{self.found}. {self.headline} {self.notice}", *severity, *(step.do for step in self.steps), *calls]


@cache
def rules(version: int | None = None) -> Rules:
    """The rules at a version; None is the newest.

    Raises:
        LookupError: there is no such version.
    """
    folder = files("pestcheck.inspection") / "guidance"
    found = {(one := read(path.read_bytes(), path.name, Rules)).version: one for path in folder.iterdir() if path.name.endswith(".yaml")}
    if version is not None and version not in found:
        raise LookupError(f"There are no rules of version {version}; there are: {', '.join(map(str, sorted(found)))}.")
    return found[version or max(found)]


def guidance(
    found: str,
    stage: Stage,
    *,
    condition: Condition = Condition.UNKNOWN,
    cargo: ManifestedCargo | None = None,
    contacts: Mapping[Role, str] | None = None,
    by: Rules | None = None,
) -> Guidance:
    """Say what to do about a confirmed finding.

    Args:
        found: a label or group of the taxonomy, "unsure", or what only people name (``Rules.named_by_people``).
        cargo: a person's word that it is the manifested cargo.
        by: the rules; None is the newest.

    Raises:
        ValueError: nothing is known by that name, or it is a clean surface.
    """
    by = by or rules()
    matters, title = _matters(found, by)
    rule = by.stages[stage]
    action = next((matter.actions[stage] for matter in matters if stage in matter.actions), rule.action)
    severity = next(matter.severity for matter in matters if matter.severity)
    level: int | None = getattr(severity, condition.value)
    cleaning = next((matter for matter in matters if any(step.phase is Phase.CLEAN for step in matter.steps)), None)
    steps = [*rule.steps]
    for matter in reversed(matters):
        steps += (step for step in matter.steps if step.phase is not Phase.CLEAN or matter is cleaning)
    call = rule.call
    if cargo:
        action, level, steps, call = Action.RECORD, None, [*by.manifested_cargo.steps], ()
    return Guidance(
        found=title,
        stage=rule.title,
        action=action,
        headline=by.actions[action],
        steps=tuple(sorted((step for step in steps if stage in (step.stages or Stage)), key=lambda step: list(Phase).index(step.phase))),
        call=tuple(Call(role, by.roles[role], (contacts or {}).get(role)) for role in call),
        severity=level,
        severity_in_words=f"{by.severities[level]} ({by.scale})" if level else "",
        notice=by.notice,
        rules=f"{by.id}@{by.version}",
    )


def _matters(found: str, by: Rules) -> tuple[list[Matter], str]:
    """What holds for something found, the most special first, and its name."""
    label, matter = LABELS.get(found), by.matters.get(found)
    if label and not label.contaminant:
        raise ValueError(f"{label.name} is a clean surface, not contamination: reject the finding, or correct it")
    if not label and not matter:
        raise ValueError(f"Nothing is known about {found[:60]!r}: choose a label, a group or 'unsure'")
    whole = (matter.of if matter else None) or (label.group.value if label else None)
    matters = [one for one in (matter, by.matters[whole] if whole else None) if one]
    return matters, label.name if label else next(one.name for one in matters if one.name)
