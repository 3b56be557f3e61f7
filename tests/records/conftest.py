"""A photograph with a hornet, scored once by the shipped model, and inspections to put it in."""

from __future__ import annotations

from collections.abc import Callable

from pestcheck.ids import uuid7
from pestcheck.records import Records
from pestcheck.store.tables import Finding
from pestcheck.vision.scan import Report
from tests.pictures import scenes

ANA = "Ana Pérez"
SCENE = scenes.floor()
scenes.lay(SCENE, "hornet")
HORNET = scenes.jpeg(SCENE)
CLEAN = scenes.jpeg(scenes.wall(800, 600))


def opened(records: Records, *, template: str = "container_7_point@1", number: str = "CSQU3054383", **more: str) -> str:
    """An open inspection."""
    key = uuid7()
    records.open(key, number=number, inspector=ANA, template=template, **more)
    return key


def photographed(records: Records, key: str, scan: Callable[[bytes], Report], data: bytes = HORNET, area: str = "floor") -> str:
    """A photograph at a point, scored."""
    view = records.photograph(key, area, data, name="a.jpg", actor=ANA)
    while records.score_next(scan):
        pass
    return view


def suggested(records: Records, key: str) -> list[Finding]:
    """The findings of an inspection, in order."""
    return [finding for item in records.inspection(key).photographs for finding in item.findings]


def closed(records: Records, key: str) -> None:
    """Answer every point, reject what is suggested, and close."""
    for finding in suggested(records, key):
        if finding.state == "suggested":
            records.decide(finding.id, "rejected", actor=ANA)
    view = records.inspection(key)
    for point in view.template.points:
        result = "contamination" if view.kept(point.area) else "no_contamination"
        records.answer(key, point.area, state="inspected", result=result, note="", actor=ANA)
    records.close(key, actor=ANA, disposition="hold" if view.kept() else None)
