"""What people found, as a COCO data set: an image for each photograph at a point, an annotation for each finding with a box.

Format: COCO object detection (Lin et al., ECCV 2014). What COCO has no place for stands in further fields of an image: ``undecided``
findings, those ``without_box``, and those ``rejected``; an image without annotations is clean only where an inspection is closed and none of
them is there.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from typing import IO, Any

from pestcheck.photo import MEDIA_TYPES
from pestcheck.records import CONTAMINANTS, InspectionView, PhotographView
from pestcheck.taxonomy import LABELS

ENDINGS = {media_type: kind.lower().replace("jpeg", "jpg").replace("heif", "heic") for kind, media_type in MEDIA_TYPES.items()}
CATEGORIES = {label: number for number, label in enumerate(CONTAMINANTS, 1)}
"""Numbers of the labels; they stay the same while no label is added before others, and names are what to go by."""


def write(file: IO[bytes], views: Iterable[InspectionView], about: dict[str, Any]) -> int:
    """Write the data set.

    Returns:
        How many inspections it has.
    """
    inspections, images, annotations = 0, 0, 0
    info = {"description": "Pest contamination found by inspectors with pestcheck", **about}
    # The two lists follow one upon the other in the file, and arise side by side.
    with tempfile.TemporaryFile("w+", encoding="utf-8") as found:
        file.write(f'{{"info": {json.dumps(info, ensure_ascii=False)}, "images": ['.encode())
        for view in views:
            inspections += 1
            for item in view.photographs:
                images += 1
                file.write(f"{',' if images > 1 else ''}\n{json.dumps(_image(images, view, item), ensure_ascii=False)}".encode())
                for one in _annotations(images, view, item):
                    annotations += 1
                    found.write(f"{',' if annotations > 1 else ''}\n{json.dumps({'id': annotations, **one}, ensure_ascii=False)}")
        file.write(b'\n], "annotations": [')
        found.seek(0)
        while text := found.read(2**20):
            file.write(text.encode())
    categories = [
        {"id": number, "name": label, "supercategory": str(LABELS[label].group) if label in LABELS else label}
        for label, number in CATEGORIES.items()
    ]
    file.write(f'\n], "categories": {json.dumps(categories)}}}\n'.encode())
    return inspections


def _image(number: int, view: InspectionView, item: PhotographView) -> dict[str, Any]:
    photograph = item.photograph
    kept = view.kept()
    return {
        "id": number, "file_name": f"{photograph.sha256}.{ENDINGS.get(photograph.media_type, 'bin')}", "width": photograph.width,
        "height": photograph.height, "date_captured": photograph.taken_at, "sha256": photograph.sha256,
        "inspection": view.inspection.id, "closed": view.inspection.closed_at is not None, "area": item.view.area,
        "after_cleaning": item.view.action_id is not None,
        "undecided": sum(one.state == "suggested" for one in item.findings),
        "rejected": [{"label": one.label, "bbox": _box(one.box)} for one in item.findings if one.state == "rejected"],
        "without_box": [_label(one) for one in item.findings if one in kept and not one.box],
    }  # fmt: skip


def _annotations(image: int, view: InspectionView, item: PhotographView) -> list[dict[str, Any]]:
    kept = view.kept()
    return [
        {
            "image_id": image, "category_id": CATEGORIES.get(_label(one), CATEGORIES["unsure"]), "bbox": box, "area": box[2] * box[3],
            "iscrowd": 0, "segmentation": [], "finding": one.id, "decision": one.state, "suggested": one.label,
            "probability": one.probability, "condition": one.condition, "life_stage": one.life_stage,
        }
        for one in item.findings
        if one in kept and (box := _box(one.box))
    ]  # fmt: skip


def _label(finding: Any) -> str:
    return str(finding.decided_label or finding.label or "unsure")


def _box(corners: list[int] | None) -> list[int] | None:
    """Left, top, width, height of a box that is given by its corners."""
    if not corners:
        return None
    x0, y0, x1, y1 = corners
    return [x0, y0, x1 - x0, y1 - y0]
