"""Data files that people write: YAML read into a pydantic model, and what is wrong with one said in words, with its line."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
"""Names of the data files: small letters, digits and underscores."""
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=600)]
Version = Annotated[int, Field(ge=1)]

MAX_BYTES = 2**20
TAG = "~"
"""Marks the alternatives of a union, which pydantic puts into the place of an error although no file holds them."""

M = TypeVar("M", bound=BaseModel)


class Frozen(BaseModel):
    """What a data file holds: nothing unknown in it, and not to be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a file: where (line, field), what, and what to do about it."""

    file: str
    where: str
    says: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}{', ' if self.where else ''}{self.where}: {self.says}. {self.remedy}."


class DataFileError(ValueError):
    """A file that cannot be used; ``faults`` has all that was found in it."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))


_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""Every value is text, so that ``no`` stays "no" and 5.10 stays "5.10"."""


def read(data: bytes, name: str, model: type[M]) -> M:
    """Read a YAML file into a model.

    Raises:
        DataFileError: it is no such file; each fault names the file, the line or field, and the remedy.
    """
    if len(data) > MAX_BYTES:
        raise DataFileError([Fault(name, "", f"it has {len(data)} bytes", f"Make it smaller than {MAX_BYTES} bytes")])
    try:
        loader = _Loader(data.decode("utf-8-sig"))
        root = loader.get_single_node()
        if root:
            _refuse_traps(root, set())
        value = loader.construct_document(root) if root else None
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise DataFileError([Fault(name, f"line {line}", "this is not UTF-8 text", "Save the file as UTF-8")]) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        says = re.sub(r"\s+", " ", f"{error.problem or error.context}")
        raise DataFileError([Fault(name, where, says, "Correct the YAML: indents, quotes, colons")]) from error
    except (yaml.YAMLError, RecursionError) as error:
        says = re.sub(r"\s+", " ", str(error))
        raise DataFileError([Fault(name, "", says, "Correct the YAML")]) from error
    if root is None or not isinstance(value, dict):
        raise DataFileError(
            [Fault(name, "", "it holds no fields (key: value)" if value else "it is empty", "Write the fields of a file that works")]
        )
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise DataFileError(_fault(name, root, model, one) for one in error.errors()) from error


def _refuse_traps(node: yaml.Node, seen: set[int]) -> None:
    """Refuse what YAML allows and people do not mean: a key twice, of which the last would count, and references."""
    if id(node) in seen:
        raise yaml.MarkedYAMLError(
            problem="what & marks is used again with *, which is not read here; write it out", problem_mark=node.start_mark
        )
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_traps(value, seen)
    elif isinstance(node, yaml.MappingNode):
        keys = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a key must be a word", problem_mark=key.start_mark)
            if key.value in keys:
                raise yaml.MarkedYAMLError(problem=f"{key.value!r} is there twice", problem_mark=key.start_mark)
            keys.add(key.value)
            _refuse_traps(value, seen)


def _fault(name: str, root: yaml.Node, model: type[BaseModel], error: Any) -> Fault:
    """One error of pydantic, with the line that it is about."""
    node, line, field = root, 1, ""
    for part in error["loc"]:
        if isinstance(part, str) and part.startswith(TAG):
            continue
        field += f"{', ' if field else ''}{part}" if isinstance(part, str) else f" {part + 1}"
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == part), None)
            if found:
                line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
    says, remedy = error["msg"].removeprefix("Value error, "), "Correct the value"
    match error["type"]:
        case "missing":
            says, remedy = "this field is missing", "Add it"
        case "extra_forbidden":
            near = difflib.get_close_matches(str(error["loc"][-1]), _names(model.model_json_schema()), 1)
            says, remedy = "there is no such field", f"Write {near[0]!r} instead, or remove it" if near else "Remove it"
        case "string_pattern_mismatch":
            says, remedy = f"{error['input']!r} is not such a name", "Use small letters, digits and underscores, a letter first"
        case "string_too_short" | "too_short":
            says, remedy = "it is empty", "Fill it in"
        case "value_error":
            says, _, after = says.partition("; ")
            remedy = after[:1].upper() + after[1:] or remedy
        case _ if error["type"].endswith("_type"):
            remedy = "Write it as in a file that works"
    return Fault(name, f"line {line}{', ' if field else ''}{field}", says, remedy)


def _names(schema: Any) -> list[str]:
    """Every field name of a JSON schema."""
    if isinstance(schema, dict):
        return [*schema.get("properties", {}), *(name for value in schema.values() for name in _names(value))]
    return []
