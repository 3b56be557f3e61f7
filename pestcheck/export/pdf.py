"""An inspection as PDF: one page for the shipping packet, then the photographs with their findings and all else on record."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from pestcheck.records import InspectionView


def inspection_pdf(view: InspectionView, photograph: Callable[[str], bytes], *, language: str = "en", location: bool = False) -> bytes:
    """The record of an inspection to print and to hand on. The same record gives the same bytes.

    Args:
        photograph: the original of a photograph, or a smaller one, by the SHA-256 of the original. Where it raises an OSError or a
            ValueError, the page says that the photograph is missing.
        language: of ``pestcheck.i18n.LANGUAGES``. location: whether to print where photographs were taken.
    """
    from pestcheck.export import annex, packet
    from pestcheck.export.paper import Paper
    from pestcheck.export.pictures import shown
    from pestcheck.export.words import Words

    logging.getLogger("fontTools.subset").setLevel(logging.ERROR)  # it warns of what a printed page does not need
    words, row = Words(language), view.inspection
    paper = Paper(
        title=f"{words.t('Pest inspection record')} {row.container_number}",
        language=language,
        made=datetime.fromisoformat(row.closed_at or row.opened_at),
        foot=f"pestcheck · {row.container_number} · {row.id}",
        page=words.t("Page {n} of {of}", n="{n}", of="{of}"),
    )
    listed = {one.id for one, _ in packet.listed(view)}
    pictures = {one.item.view.id: one for one in shown(view.photographs, photograph, lambda finding: finding.id in listed)}
    packet.draw(paper, words, view, pictures)
    annex.draw(paper, words, view, pictures, location=location)
    return paper.finished()
