"""How the answers of a quiz are judged. Pure functions; boxes and points are pixels of the upright photograph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from pestcheck.inspection.guidance import Action, Stage, guidance, rules
from pestcheck.taxonomy import LABELS

NEAR = 0.5
"""A tap counts within half a box's width and height around it: a finger is wider than an ant."""
LEAST = 0.04
"""And within this share of the photograph's longer side, whatever the box's size."""
SAME_KIND = 0.5
"""Points for another label of the same group: the wrong name, but what is done about it is mostly the same."""
CAUTION = (Action.RECORD, Action.CLEAN, Action.ASK_FIRST, Action.HOLD, Action.DO_NOT_TOUCH)
"""What may be done, the boldest first: where two things lie on one photograph, the more careful rule counts."""

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Thing:
    """What is on a photograph: a label or group, and where; None: its place is not known."""

    label: str
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What a person says of a photograph: whether there is contamination, where, what, and what to do first."""

    contaminated: bool
    where: tuple[int, int] | None = None
    what: str | None = None
    todo: Action | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """Of a whole quiz. ``score``: mean of the points, 0 to 1. ``found``: share of the contaminated photographs that were seen to be so;
    None where there was none."""

    score: float
    found: float | None
    passed: bool


def kind(name: str) -> str:
    """The group of a label, or of what only people name; a group is its own."""
    matter = rules().matters.get(name)
    return str(LABELS[name].group) if name in LABELS else (matter.of if matter and matter.of else name)


def todo(things: Iterable[Thing], stage: Stage) -> Action:
    """What is to be done first about all of them together."""
    return max((guidance(thing.label, stage).action for thing in things), key=CAUTION.index)


def near(box: Box, point: tuple[int, int], size: tuple[int, int]) -> bool:
    """Whether a tap is in a box or near it. ``size``: width and height of the photograph."""
    x0, y0, x1, y1 = box
    least = LEAST * max(size)
    across, down = max(NEAR * (x1 - x0), least), max(NEAR * (y1 - y0), least)
    return x0 - across <= point[0] <= x1 + across and y0 - down <= point[1] <= y1 + down


def named(right: str, said: str | None) -> float:
    """How right a name is: the label or its group counts whole; where only the group is known, any label of it does."""
    if said is None:
        return 0.0
    if said in (right, kind(right)) or right == kind(said):
        return 1.0
    return SAME_KIND if kind(said) == kind(right) else 0.0


def judge(things: Sequence[Thing], stage: Stage, size: tuple[int, int], seen: Seen) -> dict[str, float]:
    """How right what a person says of a photograph is, part by part, 0 to 1 each.

    A contaminated photograph has up to four parts: present, where (if a place is known), what, todo; who says that it is clean misses them all.
    A clean one has one: present.
    """
    if not things:
        return {"present": float(not seen.contaminated)}
    asked = ["present", *(["where"] if any(thing.box for thing in things) else []), "what", "todo"]
    if not seen.contaminated:
        return dict.fromkeys(asked, 0.0)
    hit = [thing for thing in things if thing.box and seen.where and near(thing.box, seen.where, size)]
    parts = {
        "present": 1.0,
        "where": float(bool(hit)),
        "what": max(named(thing.label, seen.what) for thing in hit or things),
        "todo": float(seen.todo == todo(things, stage)),
    }
    return {part: parts[part] for part in asked}


def points(parts: Mapping[str, float]) -> float:
    """Of one question, 0 to 1: the mean of its parts."""
    return sum(parts.values()) / len(parts)


def result(answers: Iterable[Mapping[str, float]], pass_mark: float) -> Result:
    """Of a whole quiz, by the parts of each answer.

    To pass, the score must reach the mark, and so must the share of the contaminated photographs that were seen to be contaminated:
    nobody passes by knowing the rules and missing the pests.
    """
    each = list(answers)
    contaminated = [parts["present"] for parts in each if "todo" in parts]
    score = sum(map(points, each)) / len(each) if each else 0.0
    found = sum(contaminated) / len(contaminated) if contaminated else None
    enough = score >= pass_mark - 1e-9 and (found is None or found >= pass_mark - 1e-9)
    return Result(score, found, bool(each) and enough)


def shuffled(items: Iterable[str], seed: str) -> list[str]:
    """In an order that looks random and is the same for the same seed."""
    return sorted(items, key=lambda item: sha256(f"{seed}\n{item}".encode()).digest())


def drawn(groups: Mapping[str, Sequence[str]], count: int | None, seed: str) -> list[str]:
    """Which questions an attempt asks, in what order.

    Args:
        groups: the questions there are, by kind. count: how many; None: all. Each kind keeps its share, as far as whole numbers allow.
    """
    sizes = {name: len(items) for name, items in groups.items() if items}
    whole = sum(sizes.values())
    if count is None or count >= whole:
        return shuffled((item for items in groups.values() for item in items), seed)
    shares = {name: size * count / whole for name, size in sizes.items()}
    take = {name: int(share) for name, share in shares.items()}
    for name in sorted(shares, key=lambda name: (take[name] - shares[name], name))[: count - sum(take.values())]:
        take[name] += 1
    return shuffled((item for name in sizes for item in shuffled(groups[name], seed)[: take[name]]), seed)
