"""Seals: what they are (ISO 17712), the four looks at a closed one (View, Verify, Tug, Twist), and a register over their lives.

Rules: CTPAT Minimum Security Criteria 6.1 (seal control, breaks, discrepancies), 6.2 (high security), 6.5 (proof of ISO 17712),
6.7 (View, Verify, Tug, Twist), 5.29 (alerts), 7.5 and 7.30 (photograph, number in the documents). Pure functions; nothing is stored.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pestcheck.inspection.identifiers import FULL_WIDTH, container_number

BETWEEN = re.compile(r"[\s\-\u00ad\u2010-\u2015\u2212\ufe58\ufe63\u200b-\u200d\u2060\ufeff]")
"""Spaces, hyphens and dashes, also those that cannot be seen."""


class SealClass(StrEnum):
    """Class of a mechanical seal, a letter on it (ISO 17712)."""

    INDICATIVE = "I"
    SECURITY = "S"
    HIGH_SECURITY = "H"


class SealType(StrEnum):
    """What kind of thing the seal is."""

    BOLT = "bolt"
    CABLE = "cable"
    BARRIER = "barrier"
    PADLOCK = "padlock"
    STRAP = "strap"
    WIRE = "wire"
    LABEL = "label"
    OTHER = "other"


def seal_key(number: str) -> str:
    """The number in the form in which two are compared: case, spaces, hyphens and full-width forms do not count, all else does.

    Leading zeros stay, and O is not 0: makers number as they like. The key is for comparing only; show the number as it was read.
    """
    return BETWEEN.sub("", number.translate(FULL_WIDTH)).lower()


@dataclass(frozen=True, slots=True)
class Seal:
    """A seal as read from it. ``seal_class`` and ``type`` None, ``maker`` "": not read."""

    number: str
    seal_class: SealClass | None = None
    type: SealType | None = None
    maker: str = ""

    def problems(self) -> tuple[str, ...]:
        """What keeps it from being the seal that CTPAT asks for, in words."""
        found = []
        if not seal_key(self.number):
            found.append("the seal has no number; one that cannot be told from others cannot be verified: put on a numbered one")
        if self.seal_class is None:
            found.append("the ISO 17712 class was not read; look for the letter H on the seal (CTPAT 6.2)")
        elif self.seal_class is not SealClass.HIGH_SECURITY:
            found.append(f"class {self.seal_class} is not high security; CTPAT 6.2 asks for class H of ISO 17712: replace the seal")
        if not self.maker.strip():
            found.append("the maker's mark was not read; it leads to the proof that the seal meets ISO 17712 (CTPAT 6.5)")
        return tuple(found)


class Answer(StrEnum):
    """Answer to one of the four looks. ``YES`` is always the good one."""

    YES = "yes"
    NO = "no"
    NOT_POSSIBLE = "not_possible"


LOOKS = {"view": "View", "verify": "Verify", "tug": "Tug", "twist": "Twist"}
ANSWERS = {Answer.YES: "Yes", Answer.NO: "No", Answer.NOT_POSSIBLE: "Not possible"}


@dataclass(frozen=True, slots=True)
class Look:
    """One of the four looks, answered."""

    answer: Answer
    note: str = ""


QUESTIONS = {
    "view": "Are the seal, the hasp and the other locking hardware undamaged and as they should be?",
    "verify": "Is the number on the seal the same as in the documents?",
    "tug": "Does the seal stay shut when you tug at it?",
    "twist": "Does the seal stay shut, without loosening, when you twist and turn it?",
}
FAILED = {
    "view": "seal or locking hardware look tampered with: photograph it, leave it as it is, hold the conveyance and call the supervisor",
    "verify": "the number is not that of the documents: hold the conveyance, ask dispatch and shipper whether it was sealed anew on the way "
    "(by whom, why, new number), and tell the importer and the broker",
    "tug": "the seal does not hold, so the conveyance counts as unsealed: hold it, inspect it again inside, put on a new seal, keep the old one",
    "twist": "the seal turns or comes loose, as one that was cut and put together again: hold the conveyance, inspect it again inside, "
    "put on a new seal, keep the old one as evidence",
}
ALERT = "If someone may have been inside, alert the partners concerned and law enforcement (CTPAT 5.29)."


@dataclass(frozen=True, slots=True)
class SealCheck:
    """View, Verify, Tug, Twist at one seal (CTPAT 6.7). ``photo``: SHA-256 of the photograph of the number, "" for none.

    ``number``: as read from the seal; ``document_number``: as the documents give it.
    """

    view: Look
    verify: Look
    tug: Look
    twist: Look
    number: str = ""
    document_number: str = ""
    photo: str = ""

    def problems(self) -> tuple[str, ...]:
        """What failed or is open, each with what to do."""
        found = []
        for name in QUESTIONS:
            look: Look = getattr(self, name)
            if look.answer is Answer.NO:
                found.append(f"{name.capitalize()} failed: {FAILED[name]}")
            elif look.answer is Answer.NOT_POSSIBLE:
                found.append(
                    f"{name.capitalize()} was not possible ({look.note.strip() or 'say why in the note'}): "
                    "it does not count as done; do it before the conveyance goes on"
                )
        if any(getattr(self, name).answer is Answer.NO for name in QUESTIONS):
            found.append(ALERT)
        if self.verify.answer is Answer.YES:
            if not (seal_key(self.number) and seal_key(self.document_number)):
                found.append(
                    "Verify was answered yes, but not both numbers are there: write down that on the seal and that in the documents"
                )
            elif seal_key(self.number) != seal_key(self.document_number):
                found.append(
                    f"Verify was answered yes, but {self.number} on the seal is not {self.document_number} in the documents: read both again"
                )
        if not self.photo:
            found.append("there is no photograph of the number; take one (CTPAT 7.5)")
        return tuple(found)


class Act(StrEnum):
    """What happened to a seal, in the order of its life."""

    ISSUED = "issued"
    AFFIXED = "affixed"
    VERIFIED = "verified"
    BROKEN = "broken"
    DESTROYED = "destroyed"


ACTS = {Act.ISSUED: "Issued", Act.AFFIXED: "Put on", Act.VERIFIED: "Verified", Act.BROKEN: "Broken", Act.DESTROYED: "Destroyed"}


@dataclass(frozen=True, slots=True)
class SealEvent:
    """One line of the register. ``document_number``: the seal number that the documents gave then; "" where none was looked at.

    Raises:
        ValueError: ``time`` has no time zone, so that events of two places could not be put in order.
    """

    act: Act
    number: str
    time: datetime
    inspection: str = ""
    container: str = ""
    document_number: str = ""

    def __post_init__(self) -> None:
        if self.time.utcoffset() is None:
            raise ValueError(f"the time {self.time} of seal {self.number!r} ({self.act}) has no time zone; give one")


class ProblemKind(StrEnum):
    """What a register can find."""

    NO_NUMBER = "no_number"
    NEVER_ISSUED = "never_issued"
    SEEN_TWICE = "seen_twice"
    DOCUMENT_MISMATCH = "document_mismatch"
    AFTER_DESTROYED = "after_destroyed"
    WRONG_ORDER = "wrong_order"


@dataclass(frozen=True, slots=True)
class SealProblem:
    """A problem in words. ``events``: those that it is about, the one that raised it last."""

    kind: ProblemKind
    text: str
    events: tuple[SealEvent, ...]


def seal_register(events: Iterable[SealEvent]) -> tuple[SealProblem, ...]:
    """Go through the events of all seals, in any order, and name what cannot be true or must not happen, oldest first.

    Equal events count once (a line sent twice). Events of one moment are taken in the order of a seal's life.
    A seal with no problem here may still be tampered with: the register knows what was written down.
    """
    lives: dict[str, list[SealEvent]] = defaultdict(list)
    for event in sorted(dict.fromkeys(events), key=_place):
        lives[seal_key(event.number)].append(event)
    found = [
        SealProblem(ProblemKind.NO_NUMBER, f"a seal without a number was {_when(event)}; find out which, and write it down", (event,))
        for event in lives.pop("", [])
    ]
    for life in lives.values():
        found += [*_documents(life), *_life(life)]
    return tuple(sorted(found, key=lambda problem: problem.events[-1].time))


def _place(event: SealEvent) -> tuple[object, ...]:
    """Where an event comes in the order; the texts only make that order the same for every order of the lines."""
    return event.time, list(Act).index(event.act), event.number, event.inspection, event.container, event.document_number


def _documents(life: list[SealEvent]) -> list[SealProblem]:
    return [
        SealProblem(
            ProblemKind.DOCUMENT_MISMATCH,
            f"seal {event.number} was {_when(event)}, but the documents give {event.document_number}; hold the conveyance until it is explained",
            (event,),
        )
        for event in life
        if seal_key(event.document_number) not in ("", seal_key(event.number))
    ]


CANNOT_BE = {
    (Act.ISSUED, Act.VERIFIED): (
        ProblemKind.WRONG_ORDER,
        "but the last line before says {before}; write down where and when it was affixed",
    ),
    (Act.ISSUED, Act.BROKEN): (ProblemKind.WRONG_ORDER, "but the last line before says {before}; write down where and when it was affixed"),
    (Act.AFFIXED, Act.AFFIXED): (
        ProblemKind.WRONG_ORDER,
        "but had already been {before}; write down the break between, or correct one of the lines",
    ),
    (Act.AFFIXED, Act.DESTROYED): (
        ProblemKind.WRONG_ORDER,
        "but no line says that it was broken, only {before}; write down who, when and why",
    ),
    (Act.BROKEN, Act.AFFIXED): (ProblemKind.SEEN_TWICE, "but had been {before}; a broken seal is never used again: hold the conveyance"),
    (Act.BROKEN, Act.VERIFIED): (ProblemKind.SEEN_TWICE, "but had been {before}; two seals may have this number: hold the conveyance"),
    (Act.BROKEN, Act.BROKEN): (ProblemKind.WRONG_ORDER, "but had already been {before}; correct one of the lines, or find the other seal"),
    **{
        (Act.DESTROYED, act): (ProblemKind.AFTER_DESTROYED, "but had been {before}; two seals may have this number: find the other")
        for act in (Act.AFFIXED, Act.VERIFIED, Act.BROKEN, Act.DESTROYED)
    },
}
"""What a seal is, what happens to it then, and why that is a problem."""


def _life(life: list[SealEvent]) -> list[SealProblem]:
    """Problems in the life of one seal, its events in order."""
    found: list[SealProblem] = []

    def problem(kind: ProblemKind, event: SealEvent, why: str, *earlier: SealEvent) -> None:
        found.append(SealProblem(kind, f"seal {event.number} was {_when(event)}, {why}", (*earlier, event)))

    first = life[0]
    issue = next((event for event in life if event.act is Act.ISSUED), None)
    if issue is None:
        problem(ProblemKind.NEVER_ISSUED, first, "but this register never issued it; ask who put it on, and where it came from")
    elif issue is not first:
        problem(ProblemKind.WRONG_ORDER, issue, f"but had already been {_when(first)}; look up which time is right", first)
    # Of a seal that comes from elsewhere the register does not know the beginning: it is taken to be on when first looked at.
    state, since = (Act.AFFIXED if first.act in (Act.VERIFIED, Act.BROKEN) else Act.ISSUED), first
    seen_on: SealEvent | None = None  # the last event that names the container it is on
    for event in life:
        if event is issue:
            continue
        if issue and event.act is Act.ISSUED:
            problem(ProblemKind.SEEN_TWICE, event, f"but had already been {_when(issue)}; two seals must not have one number", issue)
            continue
        if seen_on and _elsewhere(seen_on, event):
            problem(
                ProblemKind.SEEN_TWICE,
                event,
                f"but is on another conveyance, {_when(seen_on)}; hold both, two seals have one number",
                seen_on,
            )
        elif (state, event.act) in CANNOT_BE:
            kind, why = CANNOT_BE[state, event.act]
            problem(kind, event, why.format(before=_when(since)), since)
        if event.act is not Act.VERIFIED:
            state, since = event.act, event
        elif state is Act.ISSUED:
            state, since = Act.AFFIXED, event
        if state is not Act.AFFIXED:
            seen_on = None
        elif event.container.strip():
            seen_on = event
    return found


def _elsewhere(one: SealEvent, other: SealEvent) -> bool:
    """Whether the events name two different containers."""
    containers = {container_number(event.container).text for event in (one, other)} - {""}
    return len(containers) == 2


def _when(event: SealEvent) -> str:
    """ "affixed on CSQU3054383 at 2026-11-24 08:00 UTC (inspection ...)"."""
    place = f" on {event.container.strip()}" if event.container.strip() else ""
    inspection = f" (inspection {event.inspection})" if event.inspection else ""
    return f"{event.act}{place} at {event.time:%Y-%m-%d %H:%M} {event.time:%Z}{inspection}"
