"""The templates there are: those of pestcheck, and a member's own, each a YAML file ``id@version.yaml`` in a folder.

A new version is a new file beside the old one, so that an inspection is always shown with the version that it was made with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from pydantic import ValidationError

from pestcheck.inspection.criteria import criteria
from pestcheck.inspection.template import Check, Inspects, Kind, Point, PointOf, Template, TemplateFile
from pestcheck.inspection.yamlfile import DataFileError, Fault, read

__all__ = ["Catalogue", "Check", "Kind", "NoTemplate", "Point", "Template", "TemplateFile", "catalogue", "shipped", "template", "templates"]


class NoTemplate(LookupError):
    """A template or version that is not there; the message says what to do."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Templates by id and version, and what is wrong with the files that could not be read."""

    versions: Mapping[tuple[str, int], Template]
    faults: tuple[Fault, ...] = ()

    def newest(self) -> dict[str, Template]:
        """The newest version of each template, by id: what a new inspection may use."""
        return {id: self.versions[id, version] for id, version in sorted(self.versions)}

    def template(self, id: str, version: int) -> Template:
        """A template as it was at a version.

        Raises:
            NoTemplate: it is not there.
        """
        if found := self.versions.get((id, version)):
            return found
        there = ", ".join(f"{key}@{number}" for key, number in sorted(self.versions) if key == id) or ", ".join(self.newest())
        raise NoTemplate(
            f"There is no template {id}@{version} (there are: {there}). Put its file {id}@{version}.yaml back into the folder."
        )

    def offered(self, size_type: str = "") -> list[Template]:
        """Templates for a container of a size-type (ISO 6346, such as 45R1, or only its type, R1), the one made for it first.

        A size-type that is not known or has no type letter offers them all, the general ones first.
        """
        text = size_type.strip().upper()
        letter = (text[2] if len(text) > 2 else text[:1]) if text.isalnum() else ""
        known = letter.isascii() and letter.isalpha()
        here = [template for template in self.newest().values() if template.inspects is Inspects.CONTAINER]
        fitting = [template for template in here if not template.size_types or not known or letter in template.size_types]
        return sorted(fitting, key=lambda template: bool(template.size_types) != known)


@cache
def shipped() -> Catalogue:
    """The templates that come with pestcheck.

    Raises:
        DataFileError: one is broken, which is a defect of this installation.
    """
    folder = files("pestcheck.inspection") / "templates"
    found = _catalogue(((path.name, path.read_bytes()) for path in folder.iterdir() if path.name.endswith(".yaml")), {})
    if found.faults:
        raise DataFileError(found.faults)
    return found


def catalogue(folder: Path | None = None) -> Catalogue:
    """The templates of pestcheck and those in a folder, which need not exist. A broken file is a fault; the others are there."""
    if folder is None or not folder.exists():
        return shipped()
    faults, texts = [], []
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".yaml", ".yml") and not path.name.startswith("."))
    except OSError as error:
        return Catalogue(shipped().versions, (Fault(str(folder), "", f"cannot be read: {error.strerror}", "Name a folder that can"),))
    for path in paths:
        try:
            texts.append((path.name, path.read_bytes()))
        except OSError as error:
            faults.append(Fault(path.name, "", f"cannot be read: {error.strerror}", "Make it a readable file"))
    found = _catalogue(texts, shipped().versions)
    return Catalogue(found.versions, (*faults, *found.faults))


def templates() -> dict[str, Template]:
    """The newest versions of the templates that come with pestcheck, by id."""
    return shipped().newest()


def template(id: str, version: int) -> Template:
    """A template that comes with pestcheck, as it was at a version; see :meth:`Catalogue.template`."""
    return shipped().template(id, version)


def _catalogue(texts: Iterable[tuple[str, bytes]], known: Mapping[tuple[str, int], Template]) -> Catalogue:
    """Read files; ``known`` has the templates whose points they may take over, and whose ids they may not use."""
    faults: list[Fault] = []
    waiting: dict[str, TemplateFile] = {}
    for name, data in texts:
        try:
            file = read(data, name, TemplateFile)
        except DataFileError as error:
            faults += error.faults
            continue
        wanted = f"{file.id}@{file.version}.yaml"
        if any(file.id == id for id, _ in known):
            faults.append(
                Fault(name, "id", f"{file.id!r} is the id of a template of pestcheck", "Choose another id, and name the file after it")
            )
        elif name != wanted:
            faults.append(Fault(name, "id, version", f"they say {file.id}@{file.version}", f"Rename the file to {wanted}, or correct them"))
        else:
            waiting[name] = file
    versions = dict(known)
    names = {template.name: template for template in versions.values()}
    while ready := [name for name, file in waiting.items() if file.takes_over <= names.keys()]:
        for name in ready:
            file = waiting.pop(name)
            try:
                whole = _whole(file, names)
            except _Unusable as error:
                faults.append(Fault(name, *error.args))
            else:
                names[whole.name] = versions[whole.id, whole.version] = whole
    for name, file in waiting.items():
        lacking = ", ".join(sorted(file.takes_over - names.keys()))
        faults.append(
            Fault(name, "same_as", f"there is no usable template {lacking}", "Correct same_as, or mend that template's file first")
        )
    return Catalogue(versions, tuple(faults))


class _Unusable(Exception):
    """A file whose fields do not fit together: where, what, remedy."""


def _whole(file: TemplateFile, names: Mapping[str, Template]) -> Template:
    """The template of a file, with the points that it takes over."""
    points = []
    for point in file.points:
        if isinstance(point, PointOf):
            taken = names[point.same_as].point(point.area)
            if taken is None:
                there = ", ".join(one.area for one in names[point.same_as].points)
                raise _Unusable("points", f"{point.same_as} has no area {point.area!r}", f"Use one that it has: {there}")
            point = taken
        points.append(point)
    try:
        whole = Template(**{name: getattr(file, name) for name in type(file).model_fields if name != "points"}, points=tuple(points))
        known = criteria(whole.criteria).by_key
    except ValidationError as error:
        says, _, remedy = error.errors()[0]["msg"].removeprefix("Value error, ").partition("; ")
        raise _Unusable("points", says, remedy[:1].upper() + remedy[1:]) from error
    except LookupError as error:
        raise _Unusable("criteria", str(error), "Leave the field out, or correct it") from error
    if unknown := {key for check in whole.all_checks() for key in check.evidences} - known.keys():
        raise _Unusable("evidences", f"there are no criteria {', '.join(sorted(unknown))}", f"Use: {', '.join(known)}")
    return whole
