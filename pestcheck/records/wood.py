"""Use case of wood packaging: its mark, its bark, and holes, as a person saw them."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from pestcheck.inspection.wpm_mark import LOOK_FOR_PESTS, Appearance, MarkWarning, Wood, bark, mark_duty, read_mark
from pestcheck.records.common import Refused, UseCases, change, get, new_id, one_of, text, unchanged
from pestcheck.store import events
from pestcheck.store.tables import Inspection, WoodPackaging

KINDS = {"pallet": "Pallet", "crate": "Crate", "box": "Box", "dunnage": "Dunnage", "spool": "Spool", "other": "Other"}
HOLES = "holes or frass: infested wood packaging counts as not treated, whatever its mark says (CBP); hold it and call your contact"


class WoodPackagings(UseCases):
    """See the module."""

    def wood_packaging(
        self, inspection_id: str, area: str, *, actor: str, kind: str = "pallet", pieces: int = 1, wood: str = "solid", mark: str = "",
        seen: dict[str, bool] | None = None, condition: bool | None = None, thickness_mm: float | None = None, solid_parts: bool = False,
        us_canada: bool = False, bark_width_cm: float | None = None, bark_area_cm2: float | None = None, holes: bool | None = None,
        wood_id: str | None = None, amends: str = "",
    ) -> str:  # fmt: skip
        """Record wood packaging at a point. A good mark clears nothing: what is wrong with the wood stands beside it.

        Args:
            kind: of KINDS. wood: a ``Wood``; it, ``condition``, ``thickness_mm``, ``solid_parts`` and ``us_canada`` say whether it needs a
                mark (``wpm_mark.mark_duty``). mark: its text as read, "" for none. seen: fields of ``Appearance`` that were answered.
            bark_width_cm, bark_area_cm2: of the largest piece of bark; None: none, or not measured. holes: whether there are holes or frass.
            wood_id: made by the client; that of an earlier record to correct it.

        Returns:
            The id of the record.

        Raises:
            Refused: something makes no sense, there is no such point, or the inspection is closed.
        """
        key = new_id(wood_id)
        answers = seen or {}
        if unknown := answers.keys() - {field.name for field in fields(Appearance)}:
            raise Refused(
                f"Of a mark nobody asks {', '.join(sorted(unknown))}; there are: {', '.join(f.name for f in fields(Appearance))}."
            )
        if not 1 <= pieces <= 100_000:
            raise Refused(f"There cannot be {pieces} pieces.")
        one_of(wood, Wood, "wood")
        read_as = read_mark(text(mark, "mark"), Appearance(**answers))
        try:
            duty = mark_duty(Wood(wood), condition=condition, thickness_mm=thickness_mm, solid_parts=solid_parts, us_canada=us_canada)
            judged = bark(bark_width_cm, bark_area_cm2) if bark_width_cm is not None or bark_area_cm2 is not None else None
        except ValueError as error:
            raise Refused(f"{str(error)[0].upper()}{str(error)[1:]}.") from error
        warnings: list[MarkWarning] = [*read_as.warnings] if duty.needed is not False or read_as.text else [LOOK_FOR_PESTS]
        row: dict[str, Any] = {
            "id": key, "inspection_id": inspection_id, "area": area, "kind": one_of(kind, KINDS, "kind"), "pieces": pieces, "wood": wood,
            "mark": read_as.text, "country": read_as.country, "producer": read_as.producer, "treatment": read_as.treatment,
            "seen": {name: value for name, value in asdict(Appearance(**answers)).items() if value is not None},
            "bark_width_cm": bark_width_cm, "bark_area_cm2": bark_area_cm2, "bark": judged.value if judged else None, "holes": holes,
            "mark_needed": duty.needed,
            "warnings": [*([HOLES] if holes else []), duty.reason, *(warning.text for warning in warnings)], "recorded_by": actor,
        }  # fmt: skip
        with self.database.writing() as session:
            inspection = get(session, Inspection, inspection_id)
            self.check_area(inspection, area)
            known = session.get(WoodPackaging, key)
            if known and known.inspection_id != inspection_id:
                raise Refused("A record with this id is already there.")
            if not unchanged(known, row):
                payload = row | {"recorded_at": events.now()}
                change(session, inspection, "wood_packaging_recorded", payload, actor, amends=amends, before=known)
        return key
