"""A data set as files: in the format of ``data/README.md``, as COCO, or as folders by label (torchvision's ImageFolder).

Photographs are written upright and without EXIF: it says where, when and with which camera. Boxes are pixels of the file.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from PIL import Image

from pestcheck.photo import PhotoError, open_photo
from pestcheck.records.common import Refused
from pestcheck.records.photographs import Photographs
from pestcheck.store.model_tables import Dataset
from pestcheck.store.photos import whole_file
from pestcheck.vision.decide import closer
from pestcheck.vision.tiles import Box

COLUMNS = (
    "path", "label", "source", "split_group", "boxes", "licence", "flags", "consent", "part", "width", "height", "sha256", "photograph",
    "inspection",
)  # fmt: skip
BOXED = "boxed"
"""The flag of a row whose label is that of its box, and not of the whole picture."""
QUALITY = 95
ABOUT = "dataset.json"


class Form(StrEnum):
    """What is written."""

    manifest = "manifest"
    coco = "coco"
    imagefolder = "imagefolder"


@dataclass
class Exported:
    """What was written. ``left_out``: photographs that are in the data set but no more in the store, and why. ``blurred``: places."""

    pictures: int = 0
    rows: int = 0
    blurred: int = 0
    left_out: list[dict[str, str]] = field(default_factory=list)


def export(
    records: Photographs,
    dataset: Dataset,
    folder: Path,
    form: Form = Form.manifest,
    private: Callable[[Image.Image], list[Box]] | None = None,
) -> Exported:
    """Write a data set into a new or empty folder. What was purged since is named and left out, in the result and in ``dataset.json``.

    Args:
        private: finds the places that are blurred (``vision.privacy.private``); None: nothing is.

    Raises:
        Refused: the folder holds other files.
        OSError: the folder cannot be written, or the store not read now.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()) and not (folder / ABOUT).is_file():
        raise Refused(f"{folder} is not empty; name a new folder.")
    done, rows = Exported(), []
    there = records.kept()
    for sha256, items in _by_photograph(dataset):
        why = "purged since" if sha256 not in there else ""
        try:
            image = open_photo(records.photo_store.get(sha256))[1] if not why else None
        except FileNotFoundError:
            why = "its file is gone from the store"
        except PhotoError as error:
            why = str(error)
        if why or image is None:
            done.left_out.append({"photograph": sha256, "why": why})
            continue
        places = private(image) if private else []
        if places:
            from pestcheck.vision.privacy import blurred

            image = blurred(image, places)
        done.pictures, done.rows, done.blurred = done.pictures + 1, done.rows + len(items), done.blurred + len(places)
        for item in items:
            if form is Form.imagefolder:
                _crop(image, item, folder)
        if form is not Form.imagefolder:
            name = f"images/{sha256[:2]}/{sha256}.jpg"
            data = _write(image, folder / name)
            rows += [
                _row(dataset, item)
                | {"path": name, "width": image.width, "height": image.height, "sha256": hashlib.sha256(data).hexdigest()}
                for item in items
            ]
    if form is Form.manifest:
        with whole_file(folder / "manifest.csv") as file:
            out = io.TextIOWrapper(file, "utf-8", newline="", write_through=True)
            writer = csv.DictWriter(out, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
            out.detach()
    elif form is Form.coco:
        for part in sorted({row["part"] for row in rows}):
            _json(folder / f"annotations/{part}.json", _coco(dataset, [row for row in rows if row["part"] == part]))
    about = {
        "name": dataset.name, "sha256": dataset.sha256, "licence": dataset.licence, "consent": dataset.consent, "made_by": dataset.made_by,
        "made_at": dataset.made_at, "form": form.value, "faces_and_writing_blurred": private is not None, "pictures": done.pictures,
        "rows": done.rows, "left_out": [*dataset.left_out, *done.left_out],
    }  # fmt: skip
    _json(folder / ABOUT, about)
    return done


def _by_photograph(dataset: Dataset) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for item in dataset.items:
        found.setdefault(item["photograph"], []).append(item)
    yield from found.items()


def _row(dataset: Dataset, item: dict[str, Any]) -> dict[str, Any]:
    boxes = [[*item["box"], item["label"]]] if item["box"] else []
    return {name: item[name] for name in ("label", "source", "split_group", "part", "photograph", "inspection")} | {
        "boxes": json.dumps(boxes), "flags": BOXED if boxes else "", "licence": dataset.licence, "consent": dataset.consent,
    }  # fmt: skip


def _coco(dataset: Dataset, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """COCO's object detection format; a clean photograph has no annotation. ``iscrowd`` is 0, ``area`` that of the box."""
    labels = sorted({item["label"] for item in dataset.items if item["box"]})
    category = {label: k + 1 for k, label in enumerate(labels)}
    number = {path: k + 1 for k, path in enumerate(sorted({row["path"] for row in rows}))}
    first = {row["path"]: row for row in reversed(rows)}
    annotations: list[dict[str, Any]] = []
    for row in rows:
        for x0, y0, x1, y1, label in json.loads(row["boxes"]):
            annotations.append({
                "id": len(annotations) + 1, "image_id": number[row["path"]], "category_id": category[label],
                "bbox": [x0, y0, x1 - x0, y1 - y0], "area": (x1 - x0) * (y1 - y0), "iscrowd": 0,
            })  # fmt: skip
    return {
        "info": {"description": f"{dataset.name} {dataset.sha256}", "date_created": dataset.made_at},
        "licenses": [{"id": 1, "name": dataset.licence, "url": ""}],
        "categories": [{"id": k, "name": label, "supercategory": ""} for label, k in category.items()],
        "images": [
            {"id": k, "file_name": path, "width": first[path]["width"], "height": first[path]["height"], "license": 1}
            for path, k in number.items()
        ],
        "annotations": annotations,
    }  # fmt: skip


def _crop(image: Image.Image, item: dict[str, Any], folder: Path) -> None:
    """One picture of one label: what the model looks at closely, or the whole photograph where it is clean."""
    box = closer(Box(*item["box"]), *image.size) if item["box"] else Box(0, 0, *image.size)
    name = item["photograph"][:16] + ("-" + "-".join(map(str, item["box"])) if item["box"] else "")
    _write(image.crop(box), folder / item["part"] / item["label"] / f"{name}.jpg")


def _write(image: Image.Image, path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY, subsampling=0)
    with whole_file(path) as file:
        file.write(buffer.getvalue())
    return buffer.getvalue()


def _json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as file:
        file.write((json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode())
