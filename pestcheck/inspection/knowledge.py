"""What an inspector must know without a photograph: questions from versioned YAML files, so that a site can train on its first day."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Annotated, Self

from pydantic import Field, model_validator

from pestcheck.inspection.yamlfile import Frozen, Id, Text, Version, read


class Question(Frozen):
    """One question with one right answer. ``topic``: of a certificate. ``source``: where it comes from."""

    id: Id
    topic: Id
    section: Id
    ask: Text
    right: Text
    wrong: Annotated[tuple[Text, ...], Field(min_length=2, max_length=4)]
    because: Text
    source: Text

    @property
    def options(self) -> tuple[str, ...]:
        """All answers, the right one first."""
        return (self.right, *self.wrong)


class Knowledge(Frozen):
    """A version of the questions. A change of content is a new version: a new file beside the old one."""

    id: Id
    version: Version
    source: Text
    sections: dict[Id, Text]
    questions: Annotated[tuple[Question, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        seen: set[str] = set()
        for one in self.questions:
            if one.id in seen:
                raise ValueError(f"the question {one.id!r} is there twice; give one another id")
            seen.add(one.id)
            if one.section not in self.sections:
                raise ValueError(f"the question {one.id!r} is in a section {one.section!r} that is not listed; add it to sections")
            if len({*one.options}) != len(one.options):
                raise ValueError(f"the question {one.id!r} has an answer twice; change one of them")
        return self

    def reference(self, question: Question) -> str:
        """What a quiz names a question by, so that it stays what it was: ``us@1/mark_parts``."""
        return f"{self.id}@{self.version}/{question.id}"


@cache
def knowledge(version: int | None = None) -> Knowledge:
    """The questions at a version; None is the newest.

    Raises:
        LookupError: there is no such version.
    """
    folder = files("pestcheck.inspection") / "knowledge"
    found = {
        (one := read(path.read_bytes(), path.name, Knowledge)).version: one for path in folder.iterdir() if path.name.endswith(".yaml")
    }
    if version is not None and version not in found:
        raise LookupError(f"There are no questions of version {version}; there are: {', '.join(map(str, sorted(found)))}.")
    return found[version or max(found)]


def question(reference: str) -> Question | None:
    """The question that a reference names; None if there is none."""
    name, _, key = reference.partition("/")
    base, _, version = name.partition("@")
    try:
        known = knowledge(int(version)) if version.isascii() and version.isdigit() and len(version) < 6 else None
    except LookupError:
        return None
    return next((one for one in known.questions if one.id == key), None) if known and known.id == base else None
