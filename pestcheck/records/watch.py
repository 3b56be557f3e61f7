"""Use case of watching the model: what it flags, what people make of it, whether its scores drift, by week, site, camera and model.

Formulas and the meaning of the thresholds: docs/insight.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, case, func, select
from sqlmodel import Session, col

from pestcheck.rates import DRIFT, LIMITS, Rate, psi
from pestcheck.records.common import UseCases, text
from pestcheck.records.insight import monday, within
from pestcheck.records.period import Period
from pestcheck.records.reviews import AT_ONCE, Reviewed, read_reviewed
from pestcheck.review import Status
from pestcheck.store.review_tables import ReviewState
from pestcheck.store.tables import Finding, Inspection, Photograph, View

BY = {"week": "Week", "site": "Site", "camera": "Camera", "model": "Model"}
BINS = 10
"""Of the scores, from 0 to 1."""
FLAGGED = ("suspect", "unsure")
MEASURES = {
    "flagged": "Photographs flagged", "unsure": "Photographs where the model was unsure", "unusable": "Photographs too poor to use",
    "corrected": "Suggestions corrected", "rejected": "Suggestions rejected", "missed": "Findings that the model missed",
    "agreement": "Inspector and trainer agree",
}  # fmt: skip
"""What is watched, as shares."""
SETTLED = (Status.AGREED.value, Status.ONE_OPINION.value)
LEAST = 20
"""Photographs or findings below which no share is an alarm."""


@dataclass(frozen=True, slots=True)
class Watched:
    """One week, site, camera or model. ``rates`` by MEASURES; ``photographs``: scored; ``drift``: PSI of its scores, None where too few.

    ``alarms``: the measures that are surely beyond their limit: their whole interval is.
    """

    key: str
    photographs: int
    rates: Mapping[str, Rate]
    drift: float | None
    alarms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Watching:
    """All of it. ``scores``: by model, how many photographs scored in each of BINS."""

    period: Period
    site: str | None
    groups: Mapping[str, tuple[Watched, ...]]
    scores: Mapping[str, tuple[int, ...]]
    limits: Mapping[str, float]


class Watch(UseCases):
    """See the module."""

    def watch(self, period: Period | None = None, site: str | None = None, limits: Mapping[str, float] | None = None) -> Watching:
        """How the model did in the inspections that were opened in a period, open ones too, at the sites that they see.

        Args:
            period: None: the last twelve weeks. site: only of this one, "": those without. limits: in place of some of LIMITS.
        """
        span, at = period or Period.read(days=83), LIMITS | dict(limits or {})
        where = None if site is None else text(site, "site")
        with self.database.reading() as session:
            shares, histograms = _photographs(session, span, where)
            for more in (_findings(session, span, where), agreement(_reviewed(session, span, where))):
                for by, found in more.items():
                    for key, rates in found.items():
                        shares[by][key] = {**shares[by].get(key, {}), **rates}
        groups = {by: tuple(_watched(by, shares[by], histograms[by], at)) for by in BY}
        scores = {key: tuple(map(sum, zip(*models.values(), strict=True))) for key, models in histograms["model"].items()}
        return Watching(span, where, groups, scores, at)


def _reviewed(session: Session, period: Period, site: str | None) -> Iterator[Reviewed]:
    """The photographs of which the trainers' word is known."""
    query = (
        select(col(View.id)).join(ReviewState, col(ReviewState.view_id) == View.id).join(Inspection, col(Inspection.id) == View.inspection_id)
        .where(col(ReviewState.status).in_(SETTLED), *within(session, period, site)).order_by(View.id)
    )  # fmt: skip
    keys = [key for (key,) in session.connection().execute(query)]
    for start in range(0, len(keys), AT_ONCE):
        yield from read_reviewed(session, keys[start : start + AT_ONCE])


def agreement(reviewed: Iterable[Reviewed]) -> Counts:
    """How often what the trainers say of a finding is what the inspector decided, by BY, by key."""
    pairs: dict[str, dict[str, list[int]]] = {by: defaultdict(lambda: [0, 0]) for by in BY}
    for item in reviewed:
        keys = (monday(item.inspection.opened_at[:10]), item.inspection.site or "", item.photograph.camera or "", item.view.model or "")
        for finding in item.findings:
            said = item.said_of(finding) if finding.state != "suggested" else None
            if said is None or said == "unusable":
                continue
            for by, key in zip(BY, keys, strict=True):
                pairs[by][key][0] += said == (finding.decided_label or "no_contaminant")
                pairs[by][key][1] += 1
    return {by: {key: {"agreement": Rate(*counts)} for key, counts in found.items()} for by, found in pairs.items()}


def beyond(measure: str, rate: Rate, limit: float) -> bool:
    """Whether a share is surely beyond its limit: its whole interval is, and of LEAST at least, so that chance rings no bell."""
    low, high = rate.interval
    return rate.of >= LEAST and (high < limit if measure == "agreement" else low > limit)


Counts = dict[str, dict[str, dict[str, Rate]]]
Histograms = dict[str, dict[str, dict[str, list[int]]]]


def _keys() -> dict[str, Any]:
    """What is counted by, as columns of a query over inspections, views and photographs."""
    return {
        "week": func.substr(Inspection.opened_at, 1, 10), "site": func.coalesce(Inspection.site, ""),
        "camera": func.coalesce(Photograph.camera, ""), "model": func.coalesce(View.model, ""),
    }  # fmt: skip


def _photographs(session: Session, period: Period, site: str | None) -> tuple[Counts, Histograms]:
    """Of the scored photographs: the shares of their verdicts, and the histograms of their scores by model, by what they are counted by."""
    keys = _keys()
    # Comparisons: PostgreSQL rounds where it casts, SQLite cuts.
    bucket = case((col(View.score).is_(None), -1), *((col(View.score) >= n / BINS, n) for n in range(BINS - 1, 0, -1)), else_=0)
    base: Select[Any] = (
        select(*(column.label(by) for by, column in keys.items()), col(View.verdict).label("verdict"), bucket.label("bucket"), func.count().label("n"))
        .select_from(Inspection).join(View, col(View.inspection_id) == Inspection.id)
        .join(Photograph, col(Photograph.sha256) == View.sha256)
        .where(col(View.state) == "scored", *within(session, period, site)).group_by(*keys.values(), col(View.verdict), bucket)
    )  # fmt: skip
    verdicts: dict[str, dict[str, dict[str, int]]] = {by: defaultdict(lambda: defaultdict(int)) for by in BY}
    histograms: Histograms = {by: defaultdict(lambda: defaultdict(lambda: [0] * BINS)) for by in BY}
    for day, where, camera, model, verdict, bin_, n in session.connection().execute(base):
        for by, key in zip(BY, (monday(day), where, camera, model), strict=True):
            verdicts[by][key][verdict] += n
            if bin_ >= 0:
                histograms[by][key][model][min(bin_, BINS - 1)] += n
    shares: Counts = {by: defaultdict(dict) for by in BY}
    for by, found in verdicts.items():
        for key, of in found.items():
            total = sum(of.values())
            shares[by][key] = {
                "flagged": Rate(sum(of[name] for name in FLAGGED), total), "unsure": Rate(of["unsure"], total),
                "unusable": Rate(of["unusable"], total),
            }  # fmt: skip
    return shares, histograms


def _findings(session: Session, period: Period, site: str | None) -> Counts:
    """Of the findings that a person decided on: the shares corrected and rejected, and of those that are there, the share missed."""
    keys = _keys()
    query: Select[Any] = (
        select(*keys.values(), col(Finding.state), func.count())
        .select_from(Inspection).join(View, col(View.inspection_id) == Inspection.id)
        .join(Photograph, col(Photograph.sha256) == View.sha256).join(Finding, col(Finding.view_id) == View.id)
        .where(
            col(Finding.state).in_(("confirmed", "corrected", "rejected", "missed")), col(View.state) == "scored", *within(session, period, site),
            col(Finding.label).is_not(None) | (col(Finding.state) == "missed"),  # a missed one that was taken back is no rejected suggestion
        )
        .group_by(*keys.values(), Finding.state)
    )  # fmt: skip
    states: dict[str, dict[str, dict[str, int]]] = {by: defaultdict(lambda: defaultdict(int)) for by in BY}
    for day, where, camera, model, state, n in session.connection().execute(query):
        for by, key in zip(BY, (monday(day), where, camera, model), strict=True):
            states[by][key][state] += n
    return {by: {key: _decided(of) for key, of in found.items()} for by, found in states.items()}


def _decided(of: Mapping[str, int]) -> dict[str, Rate]:
    count = {name: of.get(name, 0) for name in ("confirmed", "corrected", "rejected", "missed")}
    suggested = count["confirmed"] + count["corrected"] + count["rejected"]
    there = count["confirmed"] + count["corrected"] + count["missed"]
    return {
        "corrected": Rate(count["corrected"], suggested), "rejected": Rate(count["rejected"], suggested), "missed": Rate(count["missed"], there),
    }  # fmt: skip


def _watched(
    by: str, shares: Mapping[str, Mapping[str, Rate]], histograms: Mapping[str, Mapping[str, list[int]]], limits: Mapping[str, float]
) -> Iterable[Watched]:
    """The groups: weeks in their order, all else with most photographs first."""
    found = []
    for key, rates in sorted(shares.items()):
        drift = drift_of(by, key, histograms)
        alarms = [name for name, rate in rates.items() if beyond(name, rate, limits[name])]
        if drift is not None and drift > limits[DRIFT]:
            alarms.append(DRIFT)
        photographs = rates["flagged"].of if "flagged" in rates else 0
        found.append(Watched(key, photographs, {name: rates[name] for name in MEASURES if name in rates}, drift, tuple(alarms)))
    return found if by == "week" else sorted(found, key=lambda one: (-one.photographs, one.key))


def drift_of(by: str, key: str, histograms: Mapping[str, Mapping[str, list[int]]]) -> float | None:
    """PSI of the scores of a group against the same models' elsewhere: a week against all weeks before it, a site or camera against the
    others. Scores of two models are not to be compared, so a model has none; of several models in a group, the largest counts."""
    if by == "model":
        return None
    values = []
    for model, counts in histograms.get(key, {}).items():
        others = [
            models[model] for other, models in histograms.items() if model in models and (other < key if by == "week" else other != key)
        ]
        reference = [sum(column) for column in zip(*others, strict=True)] if others else [0] * BINS
        value = psi(reference, counts)
        if value is not None:
            values.append(value)
    return max(values, default=None)
