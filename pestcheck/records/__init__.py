"""The use cases, and the only writer of the store.

Every id is made by the client; asking for the same thing again changes nothing. Every change is an event of the log. A closed inspection
is not changed but amended, with a reason; what was there before stays readable.
"""

from __future__ import annotations

from pestcheck.records.common import Conflict, NotFound, Refused
from pestcheck.records.datasets import Datasets
from pestcheck.records.draws import Draws
from pestcheck.records.evidence import Evidences
from pestcheck.records.exports import Exports
from pestcheck.records.figures import Figures
from pestcheck.records.filter import Filter
from pestcheck.records.findings import Findings
from pestcheck.records.insight import Insight
from pestcheck.records.inspections import Inspections
from pestcheck.records.journeys import Journeys
from pestcheck.records.models import Models
from pestcheck.records.packs import Packs
from pestcheck.records.photographs import Photographs
from pestcheck.records.queue import Queue
from pestcheck.records.quizzes import Quizzes
from pestcheck.records.registers import Registers
from pestcheck.records.retention import Retention
from pestcheck.records.reviews import Reviews
from pestcheck.records.seals import Seals
from pestcheck.records.training import Training
from pestcheck.records.view import CONTAMINANTS, DECISIONS, DISPOSITIONS, RESULTS, STATES, InspectionView, PhotographView
from pestcheck.records.watch import Watch
from pestcheck.records.wood import WoodPackagings

__all__ = [
    "CONTAMINANTS", "DECISIONS", "DISPOSITIONS", "RESULTS", "STATES", "Conflict", "Filter", "InspectionView", "NotFound", "PhotographView", "Records",
    "Refused",
]  # fmt: skip


class Records(
    Inspections,
    Photographs,
    Findings,
    WoodPackagings,
    Seals,
    Journeys,
    Training,
    Quizzes,
    Datasets,
    Reviews,
    Queue,
    Registers,
    Exports,
    Packs,
    Insight,
    Draws,
    Watch,
    Evidences,
    Models,
    Retention,
    Figures,
):
    """All use cases over one database and one store of photographs. May be called from several threads."""
