"""The roster of trainings as CSV (CTPAT 12.1: who was trained in what, when, until when)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pestcheck.export import csv
from pestcheck.records.training import TOPICS, Trainee

COLUMNS = (
    "person", "role", "topic", "state", "days_left", "given_on", "expires_on", "reference", "recorded_by", "recorded_at", "withdrawn_at",
    "withdrawn_reason",
)  # fmt: skip


def rows(roster: Iterable[Trainee]) -> Iterator[tuple[object, ...]]:
    """One row a certificate, expired and withdrawn ones too, and one a topic in which somebody has none. ``state`` and ``days_left`` are
    those of the person in the topic today: valid, soon (ends within 30 days), expired, missing."""
    for one in roster:
        for topic in TOPICS:
            stands = one.topics[topic]
            base = (one.person, one.role.value if one.role else None, topic, stands.state, stands.days)
            own = [certificate for certificate in one.certificates if certificate.topic == topic]
            if not own:
                yield (*base, *[None] * 7)
            for row in own:
                yield (
                    *base, row.given_on, row.expires_on, row.reference, row.recorded_by, row.recorded_at, row.withdrawn_at, row.withdrawn_reason,
                )  # fmt: skip


def write(roster: Iterable[Trainee]) -> Iterator[str]:
    """Lines of the CSV file, the header first."""
    return csv.lines(COLUMNS, rows(roster))
