"""Use cases of what is taken out of the records: each time an event that says what, by whom."""

from __future__ import annotations

from sqlmodel import col, select

from pestcheck.records.common import Refused, UseCases, get, new_id, one_of, unchanged
from pestcheck.records.filter import Filter
from pestcheck.store import events
from pestcheck.store.tables import Export, Inspection

KINDS = {
    "register": "Register",
    "inspection": "Inspection",
    "photograph": "Photograph",
    "pack": "Evidence pack",
    "roster": "Training roster",
}
"""What is taken out."""


class Exports(UseCases):
    """See the module."""

    def exported(
        self, what: str, format: str, *, actor: str, filter: Filter | None = None, part: str = "", rows: int | None = None, sha256: str = "",
        size: int | None = None, location: bool = False, inspection_id: str | None = None, export_id: str | None = None,
    ) -> str:  # fmt: skip
        """Record that something is taken out; call it before the first byte leaves.

        Args:
            what: of KINDS. format: "csv", "xlsx", "json", "coco", "pdf", "zip" or a media type. part: the one table of a register.
            rows: how many inspections, or lines of the part. sha256, size: of the file, where known.
            location: whether places, or originals, went with it. inspection_id: of the one inspection that it is of; it is purged with it.

        Returns:
            The id of the entry.

        Raises:
            Refused: something else is recorded under this id. NotFound: there is no such inspection.
        """
        row = {
            "id": new_id(export_id), "what": one_of(what, KINDS, "export"), "format": format, "part": part or None,
            "filter": filter.given if filter else {}, "rows": rows, "sha256": sha256 or None, "size": size, "location": location,
            "inspection_id": inspection_id, "exported_by": actor,
        }  # fmt: skip
        with self.database.writing() as session:
            if inspection_id is not None:
                get(session, Inspection, inspection_id)
            known = session.get(Export, row["id"])
            if known and not unchanged(known, row):
                raise Refused("Another export is recorded under this id.")
            if not known:
                events.append(session, "exported", row | {"exported_at": events.now()}, actor, inspection_id)
        return str(row["id"])

    def exports(self, limit: int = 50, *, actor: str | None = None) -> list[Export]:
        """What was taken out, the newest first. ``actor``: only by this person."""
        query = select(Export).order_by(col(Export.exported_at).desc(), col(Export.id).desc()).limit(limit)
        with self.database.reading() as session:
            return list(session.exec(query if actor is None else query.where(Export.exported_by == actor)))
