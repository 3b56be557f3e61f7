"""A model is a folder: the network, its labels, thresholds and data list, versioned and hashed together."""

from __future__ import annotations

import hashlib
import json
import math
import re
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pestcheck.taxonomy import LABELS
from pestcheck.vision.decide import Thresholds
from pestcheck.vision.tiles import GRID

CLASSIFIER = "model.onnx"
FINDER = "finder.onnx"
DESCRIPTION = "bundle.json"
OnGrid = Annotated[int, Field(gt=0, multiple_of=GRID)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class BundleError(ValueError):
    """A folder that is no usable model; the message says what is wrong and what to do."""


class Source(BaseModel):
    """Pictures of one public source, what part they played (a fold, or always trained), and the licence as found."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    source: str
    part: str
    pictures: int
    licence: str


class Bundle(BaseModel):
    """``bundle.json``. ``side``: of the input that shows a picture as a whole, in pixels; ``long_sides``, ``tile`` and ``overlap`` are those of
    ``tiles.plan``. ``temperature``: of the classifier's logits. ``offsets``: of the levels; subtracted from the finder's logits, so that clean
    photographs look as suspect at each: there are more cells at a high magnification, and more of the surroundings in a cell at a low one.

    ``finder_from``, ``classifier_from``: the model, as name@version, that this network was taken over from; None: it was trained for this one.

    ``continues``: the model, as name@version, of which this is a copy but for the classifier's last layer; None: it is none.

    ``merged``: manifest label -> the label that the model gives for it. ``dropped``: manifest label -> why it is not known.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: Annotated[str, Field(pattern="^[a-z0-9-]+$")]
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    created: str
    labels: tuple[str, ...]
    merged: dict[str, str]
    dropped: dict[str, str]
    side: Annotated[int, Field(gt=0)]
    long_sides: Annotated[tuple[OnGrid, ...], Field(min_length=1)]
    tile: OnGrid
    overlap: Annotated[int, Field(ge=0, multiple_of=GRID)]
    offsets: tuple[Annotated[float, Field(allow_inf_nan=False)], ...] = ()
    temperature: Annotated[float, Field(gt=0)]
    thresholds: Thresholds
    finder_from: str | None = None
    classifier_from: str | None = None
    continues: str | None = None
    sha256: dict[str, Sha256]
    data: tuple[Source, ...]

    @property
    def id(self) -> str:
        """``name@version``, as it stands in every record."""
        return f"{self.name}@{self.version}"


def load(folder: Path) -> Bundle:
    """Read and check a model folder.

    Raises:
        BundleError: a file is missing, changed, or the description does not hold together.
    """
    description = folder / DESCRIPTION
    try:
        bundle = Bundle.model_validate(json.loads(description.read_text("utf-8")))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BundleError(f"{folder} is no model folder: {DESCRIPTION} is not there") from error
    except (ValidationError, ValueError) as error:
        raise BundleError(f"{description} is not valid: {error}") from error
    limits = bundle.thresholds
    sound = 0 < limits.unsure <= limits.suspect < 1 and 0 < limits.label <= 1 and 0 < limits.group <= 1
    places = 0 < limits.propose < 1 and 0 <= limits.place_offset < 50 and 0 <= limits.finder <= 1
    if not (sound and places and 0 <= limits.candidate <= 1 and math.isfinite(limits.unknown)):
        raise BundleError(f"{description} has thresholds that make no sense: {limits}")
    if bundle.offsets and len(bundle.offsets) != len(bundle.long_sides):
        raise BundleError(f"{description} has {len(bundle.offsets)} offsets for {len(bundle.long_sides)} levels")
    if bundle.overlap >= bundle.tile:
        raise BundleError(f"{description}: tiles of {bundle.tile} pixels cannot overlap by {bundle.overlap}")
    if unknown := set(bundle.labels) - set(LABELS):
        raise BundleError(f"{description} has labels that this version of pestcheck does not know: {', '.join(sorted(unknown))}")
    if not any(LABELS[label].contaminant for label in bundle.labels):
        raise BundleError(f"{description} has no label that is a contaminant")
    for file, expected in bundle.sha256.items():
        path = folder / file
        if not path.is_file():
            raise BundleError(f"{path} is not there; get the model folder again")
        if hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            raise BundleError(f"{path} is not the file that {DESCRIPTION} names (SHA-256 differs); get the model folder again")
    if missing := {CLASSIFIER, FINDER} - bundle.sha256.keys():
        raise BundleError(f"{description} gives no SHA-256 for {', '.join(sorted(missing))}")
    return bundle


def installed() -> list[Bundle]:
    """The models that came with pestcheck, the newest last.

    Raises:
        BundleError: there is none, or one is damaged.
    """
    folders = [path.parent for path in shipped().parent.glob(f"*/{DESCRIPTION}")]
    return sorted((load(folder) for folder in folders), key=lambda bundle: (bundle.created, bundle.id))


def newest(file: str) -> Path | None:
    """The folder of the newest model with such a file that came with pestcheck, beside the package in a checkout, inside it when installed."""
    package = Path(__file__).parents[1]
    for models in (package / "models", package.parent / "models"):
        folders = [path.parent for path in models.glob(f"*/{file}") if re.search(r"-\d+\.\d+\.\d+$", path.parent.name)]
        if folders:
            return max(folders, key=lambda folder: [int(part) for part in folder.name.rpartition("-")[2].split(".")])
    return None


def shipped() -> Path:
    """The newest model that came with pestcheck.

    Raises:
        BundleError: there is none.
    """
    if folder := newest(DESCRIPTION):
        return folder
    raise BundleError("no model came with this installation; name one with --model DIR or PESTCHECK_MODEL")
