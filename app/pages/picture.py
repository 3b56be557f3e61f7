"""A photograph with its findings drawn on it, and what the model says of it."""

from __future__ import annotations

from html import escape

from app.inspector.place import Desk, Place
from app.pages import words
from app.pages.html import more
from pestcheck import i18n
from pestcheck.records import DECISIONS, PhotographView
from pestcheck.records.findings import CONDITIONS, LIFE_STAGES
from pestcheck.store.tables import Finding
from pestcheck.taxonomy import CTPAT_CLASS, LABELS, Group

OUTCOMES = {"no_contaminant": "Not a contaminant", "unusable": "Photograph unusable"}


def picture(desk: Desk, place: Place, item: PhotographView, finding: Finding | None = None, *, drawing: bool = False) -> str:
    """A photograph that can be zoomed, with boxes that can be tapped. ``drawing``: a finger draws a box on it."""
    width, height = item.photograph.width, item.photograph.height
    boxes = "".join(
        _box(desk, place, item, number, one, finding is not None and one.id == finding.id, (width, height))
        for number, one in enumerate(item.findings, 1)
        if one.box
    )
    alt = desk.t("Photograph {name}", name=item.view.name)
    return (
        f'<div class="photo{" drawing" if drawing else ""}" data-photo data-width="{width}" data-height="{height}">'
        f'<div class="frame" style="--ratio:{width / height:.4f}"><img src="photograph/{escape(item.view.sha256)}.jpg" alt="{escape(alt)}" draggable="false">'
        f"{boxes}</div>"
        f'<div class="zoom">{_zoom("+", "zoom-in", desk.t("Zoom in"))}{_zoom("−", "zoom-out", desk.t("Zoom out"))}</div></div>'
    )


def _zoom(sign: str, what: str, words_: str) -> str:
    return f'<button type="button" class="b" data-press="{what}" aria-label="{escape(words_)}">{sign}</button>'


def _box(desk: Desk, place: Place, item: PhotographView, number: int, one: Finding, current: bool, size: tuple[int, int]) -> str:
    assert one.box
    x0, y0, x1, y1 = one.box
    width, height = size
    where = f"left:{100 * x0 / width:.2f}%;top:{100 * y0 / height:.2f}%;width:{100 * (x1 - x0) / width:.2f}%;height:{100 * (y1 - y0) / height:.2f}%"
    to = place.to("finding", area=item.view.area, photograph=item.view.id, finding=one.id)
    says = desk.t("Finding {number}: {what}", number=number, what=words.finding(desk, one))
    return (
        f'<a class="box {one.state}{" current" if current else ""}" style="{where}" href="{escape(to.address)}" aria-label="{escape(says)}">'
        f"<span>{number}</span></a>"
    )


def verdict(desk: Desk, item: PhotographView) -> str:
    """What the model says of a photograph as a whole; first of all whether it can be used."""
    t, view = desk.t, item.view
    if view.state == "waiting":
        return f'<p class="busy" role="status" data-waiting>{escape(t("Looking at the photograph …"))}</p>'
    if view.state == "failed":
        return f'<p class="warn" role="alert">⚠ {escape(t("This photograph could not be checked. Look at it yourself."))}</p>'
    problems = ", ".join(desk.said(problem) for problem in view.problems)
    bad = (
        f'<p class="warn" role="alert">⚠ {escape(t("{problems}: take it again?", problems=problems.capitalize()))}</p>' if problems else ""
    )
    if item.findings:
        return bad
    nothing = t("Nothing found. The model misses things: look yourself.") if view.verdict == "nothing_found" else ""
    return f'{bad}<p class="nothing" role="status">{escape(nothing)}</p>' if nothing else bad


def suggestion(desk: Desk, item: PhotographView, one: Finding) -> str:
    """What the model says of a finding, how sure, and what else it may be."""
    t = desk.t
    if one.label is None:
        return f'<p class="quiet">{escape(t("Seen by {name}; the model did not find it.", name=one.decided_by or ""))}</p>'
    verdict_ = t("Suspect") if item.view.verdict == "suspect" else t("Unsure")
    likely = "".join(
        f'<li><span>{escape(words.label(desk, label))}</span><meter max="1" value="{chance:.2f}" aria-hidden="true"></meter>'
        f"<b>{i18n.percent(desk.language, chance)}</b></li>"
        for label, chance in one.candidates[:3]
    )
    return (
        f'<p class="model"><b class="tag">{escape(verdict_)}</b> {escape(desk.said(one.reason))}.</p><ol class="candidates">{likely}</ol>'
    )


REVIEW = {
    "open": "not reviewed yet", "one_opinion": "one opinion", "agreed": "agreed", "disputed": "trainers disagree",
    "expert_needed": "waits for an expert",
}  # fmt: skip
"""How far trainers are with a photograph."""


def trainers(desk: Desk, item: PhotographView, one: Finding) -> str:
    """What trainers say of a finding, in one line; nothing as long as they have said nothing."""
    t, found, said = desk.t, item.reviewed, item.trainer_says(one)
    if not found.reviewers and found.status == "open":
        return ""
    what = t(OUTCOMES[said]) if said in OUTCOMES else words.label(desk, said) if said else ""
    line = (
        t("Trainers: {what} ({how})", what=what, how=t(REVIEW[found.status])) if what else t("Trainers: {how}", how=t(REVIEW[found.status]))
    )
    return f'<p class="quiet trainers">{escape(line)}</p>'


def hints(desk: Desk, name: str | None) -> str:
    """What to look for, and what looks alike."""
    t, known = desk.t, LABELS.get(name or "")
    kind = CTPAT_CLASS.get(known.group if known else Group(name) if name in list(Group) else Group.SURFACE, "")
    lines = []
    if known and known.contaminant:
        lines = [f"{t('Look for')}: {t(known.look_for)}.", f"{t('Looks alike')}: {t(known.look_alikes)}."]
    if kind:
        lines.append(f"{t('Kind of contamination')}: {t(kind)}.")
    return more(t("What to look for"), "".join(f"<p>{escape(line)}</p>" for line in lines)) if lines else ""


def decision(desk: Desk, one: Finding) -> str:
    """What the person said of a finding."""
    t = desk.t
    if one.state == "suggested":
        return ""
    said = t("Seen by you, missed by the model") if one.state == "missed" else t(DECISIONS[one.state])
    details = [words.label(desk, one.decided_label)] if one.decided_label else []
    if one.decided_label and one.condition and one.condition != "unknown":
        details.append(t(CONDITIONS[one.condition]))
    if one.life_stage:
        details.append(t(LIFE_STAGES[one.life_stage]))
    if one.count:
        details.append(t("{n} counted", n=one.count))
    if one.cargo:
        details.append(t("manifested cargo: {cargo}", cargo=one.cargo))
    by = f"{one.decided_by or ''}, {desk.when(one.decided_at)}"
    return (
        f'<p class="good decided" role="status">✓ {escape(said)}{": " if details else ""}{escape(", ".join(details))}'
        f"<small>{escape(by)}</small></p>"
    )
