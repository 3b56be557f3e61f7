"""An inspection with everything that a record can hold, as much of it as is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pestcheck.ids import uuid7
from pestcheck.records import Records
from tests.pictures import scenes
from tests.records.conftest import ANA

LABELS = ("hornet", "snail", "soil", "seed", "plant_matter", "lanternfly_egg_mass", "animal_droppings")
NOTE = "Looked into each corner with a torch; the seam at the sill is worn, and cannot be cleaned without taking off the trim. " * 3


def full(
    records: Records, scan: Callable[[bytes], Any], *, template: str = "tractor_trailer_17_point@1", photographs: int = 6, findings: int = 18,
    notes: bool = True, inspector: str = ANA, size: tuple[int, int] = (640, 480), **details: str,
) -> str:  # fmt: skip
    """Open, photograph, find, clean, seal and sign; close it if its template asks no questions.

    Args:
        findings: seen by the person, spread over the photographs.

    Returns:
        The id of the inspection.
    """
    key = uuid7()
    known = {
        "stage": "empty_at_origin", "selection": "random", "site": "Patio Norte", "origin": "Monterrey", "destination": "Laredo", "carrier_scac": "SCNN",
        "shipment": "BOL 4711/26", "procedure": "PR-08 rev. 3, pests and wood packaging", "size_type": "45R1",
    } | details  # fmt: skip
    view = records.open(
        key, number="TRAC 1234 / XYZU 0001", inspector=inspector, template=template, device_time="2026-11-24T08:30:00-06:00",
        time_zone="America/Monterrey", override_reason="as painted", **known,
    )  # fmt: skip
    areas = [point.area for point in view.template.points]
    views = []
    for number in range(photographs):
        picture = scenes.floor(*size, seed=number)
        scenes.lay(picture, "hornet", length=size[0] // 8)
        name = f"IMG_{number:04d} (é, ñ).jpg"
        views.append(records.photograph(key, areas[number % len(areas)], scenes.jpeg(picture), name=name, actor=inspector))
    while records.score_next(scan):
        pass
    for item in records.inspection(key).photographs:
        for finding in item.findings:
            records.decide(finding.id, "confirmed", actor=inspector, condition="dead", life_stage="adult", count=2)
    for number in range(findings):
        box = (20 + 30 * (number % 9), 30 + 12 * number % 300, 90 + 30 * (number % 9), 90 + 12 * number % 300)
        records.missed(
            views[number % len(views)], LABELS[number % len(LABELS)], actor=inspector, box=box if number % 5 else None, condition="alive",
            note=NOTE if number % 4 == 0 else "", extent="a handful along the sill",
        )  # fmt: skip
    found = records.inspection(key).kept()
    for number, finding in enumerate(found):
        records.dispose(finding.id, "clean_and_recheck", actor=inspector)
        if number % 3 == 0:
            action = records.treat(finding.id, method="vacuumed", done_by="José Ñandú", actor=inspector, note="bagged and burnt")
            records.reinspect(action, clean=number % 6 == 0, actor="Łukasz Öztürk")
    records.wood_packaging(key, areas[0], actor=inspector, pieces=12, mark="MX-1234 HT")
    records.seal("affixed", "H1234567", actor=inspector, inspection_id=key, container="XYZU0001", seal_class="H", type="bolt")
    looks = {"view": ("yes", ""), "verify": ("no", "the papers say H1234576"), "tug": ("yes", ""), "twist": ("yes", "")}
    records.check_seal(key, looks, actor=inspector, number="H1234567", document_number="H1234576")
    records.notify(key, who="Shipper's dispatch", channel="telephone", actor=inspector, reference="case 12")
    one, other = (
        records.party("Maquila del Norte", "shipper", actor=inspector),
        records.party("Transportes Ávila", "highway_carrier", actor=inspector),
    )
    records.leg(key, 0, tendered_by=one, received_by=other, origin="Monterrey", destination="Laredo", actor=inspector)
    view = records.inspection(key)
    for number, area in enumerate(areas):
        result = "contamination" if view.kept(area) else "no_contamination"
        state = "inspected" if result == "contamination" or number % 7 else "not_inspected"
        note = NOTE if notes else "" if state == "inspected" else "locked"
        records.answer(key, area, state=state, result=result if state == "inspected" else None, note=note, actor=inspector)
        for check in view.template.point(area).checks if number % 2 else ():
            if check.accepts("yes"):
                records.check(key, area, check.id, "yes", actor=inspector)
    records.set_details(key, actor=inspector, disposition="hold")
    records.sign(key, printed_name="Łukasz Öztürk", meaning="supervised", actor="Łukasz Öztürk")
    if template == "container_7_point@1":
        records.close(key, actor=inspector, disposition="hold", printed_name=inspector)
        records.sign(key, printed_name="María de los Ángeles Gutiérrez", meaning="received", actor="M. Gutiérrez")
    return key
