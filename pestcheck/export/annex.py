"""The annex of a printed record: every photograph with its findings, then everything else on record in full."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pestcheck.export.packet import Numbers, numbers
from pestcheck.export.paper import BOTTOM, GREY, MARGIN, WIDTH, Paper
from pestcheck.export.pictures import Shown
from pestcheck.export.words import Words
from pestcheck.inspection.template import Check, Point
from pestcheck.records import InspectionView
from pestcheck.records.findings import CHANNELS

TOP, ROOM = 18.0, 200.0
"""Millimetres: where the text of a page begins, and until where another chapter may."""
PICTURE, HIGH = 88.0, 66.0
BESIDE_AT, BESIDE = MARGIN + PICTURE + 5, WIDTH - PICTURE - 5

Line = tuple[str, float, bool, int]
"""Text, size in points, bold, grey."""


def draw(paper: Paper, words: Words, view: InspectionView, pictures: dict[str, Shown], *, location: bool) -> None:
    """All of it. ``pictures``: by the id of the photograph's view."""
    y, known = BOTTOM, numbers(view)
    for number, item in enumerate(view.photographs, 1):
        y = _photograph(paper, words, view, pictures[item.view.id], number, known, y, location=location)
    title = words.t("Everything on record")
    y = _new_page(paper, words, view, title) if y > ROOM else paper.say(MARGIN, y + 2, title, size=10, bold=True, tag="H1") + 1
    _details(paper, words, view, y)


def _new_page(paper: Paper, words: Words, view: InspectionView, title: str) -> float:
    paper.add_page()
    paper.say(MARGIN, 9.5, f"{title} · {view.inspection.container_number}", size=10, bold=True, tag="H1")
    paper.rule(15, weight=0.5)
    return TOP


def _photograph(
    paper: Paper, words: Words, view: InspectionView, shown: Shown, number: int, known: Numbers, y: float, *, location: bool
) -> float:  # fmt: skip
    """A photograph on the left, what is said of it on the right; the text may go on on the next page.

    Returns:
        Where the next one would begin.
    """
    t, item = words.t, shown.item
    ratio = item.photograph.height / item.photograph.width
    width = min(PICTURE, HIGH / ratio)
    height = width * ratio
    lines = [*_said(words, view, shown, number, known, location=location)]
    sizes = [paper.height(text, BESIDE, size, bold=bold) for text, size, bold, _ in lines]
    if y + max(height, min(sum(sizes), 200)) > BOTTOM:
        y = _new_page(paper, words, view, t("Photographs"))
    if shown.gone:
        says = (
            t("This photograph is not in the store any more.") if shown.gone == "missing" else t("The file of this photograph is damaged.")
        )
        paper.frame(MARGIN, y, width, height)
        paper.say(MARGIN + 4, y + height / 2 - 5, f"{says} SHA-256 {item.view.sha256}", size=8, bold=True, width=width - 8, lines=5)
    else:
        alt = t("Photograph {name}", name=f"{number}, {words.title(view, item.view.area)}, {item.view.name}")
        paper.picture(shown.jpeg, MARGIN, y, width, height, alt)
    scale = width / item.photograph.width
    for one in item.findings:
        if one.box:
            x0, y0, x1, y1 = (edge * scale for edge in one.box)
            paper.outline(MARGIN + x0, y + y0, x1 - x0, y1 - y0, known[one.id], dashed=one.state in ("rejected", "suggested"))
    at, page = y, paper.page
    for (text, size, bold, grey), high in zip(lines, sizes, strict=True):
        if at + high > BOTTOM:
            at = _new_page(paper, words, view, t("Photographs"))
        at = paper.say(BESIDE_AT, at, text, size=size, bold=bold, grey=grey, width=BESIDE, lines=99)
    at = at if paper.page != page else max(at, y + height)
    paper.rule(at + 2, weight=0.1)
    return at + 4


def _said(words: Words, view: InspectionView, shown: Shown, number: int, known: Numbers, *, location: bool) -> Iterator[Line]:
    t, item = words.t, shown.item
    row, photograph = item.view, item.photograph
    after = f" · {t('after cleaning')}" if row.action_id else ""
    yield f"{number}. {words.title(view, row.area)}{after}", 9, True, 0
    taken = f" · {t('taken {when} by its own clock', when=photograph.taken_at)}" if photograph.taken_at else ""
    yield f"{row.name} · {photograph.width} × {photograph.height}{taken}", 7, False, GREY
    yield f"{t('Added')}: {row.added_by}, {words.at(row.added_at)}", 7, False, GREY
    if location and photograph.latitude is not None:
        yield f"{t('Place')}: {photograph.latitude:.5f}, {photograph.longitude:.5f}", 7, False, GREY
    yield f"SHA-256 {row.sha256}", 6, False, GREY
    problems = f" ({', '.join(words.said(problem) for problem in row.problems)})" if row.problems else ""
    says = {"waiting": t("not checked by the model yet"), "failed": t("could not be checked by the model")}.get(
        row.state, t(VERDICTS.get(row.verdict or "", row.verdict or ""))
    )
    score = f" {row.score:.2f}" if row.score is not None else ""
    yield f"{t('Model')}: {says}{score}{problems}{f' · {row.model}, {row.thresholds}' if row.model else ''}", 7, False, 0
    kept = {one.id for one in view.kept()}
    for one in item.findings:
        yield f"{known[one.id]} {words.label(one.decided_label or one.label)}", 8, one.id in kept, 0
        if suggestion := words.suggestion(one):
            yield suggestion, 7, False, GREY
        for line in words.finding(one):
            yield line, 7, False, 0
        if one.disposition:
            yield words.disposition(one.disposition), 7, False, 0
        for action in view.actions.get(one.id, ()):
            yield words.action(action), 7, False, 0
    if not item.findings:
        yield t("No finding"), 7, False, 0


VERDICTS = {"suspect": "Suspect", "unsure": "Unsure", "nothing_found": "Nothing found", "unusable": "Unusable photograph"}


def _details(paper: Paper, words: Words, view: InspectionView, y: float) -> None:
    """Answers, seals, wood, journey, people and amendments, each line in full."""
    title = words.t("Everything on record")
    for text, size, bold, grey in _lines(words, view):
        high = paper.height(text, WIDTH, size, bold=bold)
        if y + high + (8 if bold and size > 8 else 0) > BOTTOM:
            y = _new_page(paper, words, view, title)
        y += 1.5 if bold else 0
        for piece in _pieces(paper, text, size, bold):
            if y + paper.height(piece, WIDTH, size, bold=bold) > BOTTOM:
                y = _new_page(paper, words, view, title)
            y = paper.say(MARGIN, y, piece, size=size, bold=bold, grey=grey, lines=999, tag="H2" if bold and size > 8 else "P")


def _pieces(paper: Paper, text: str, size: float, bold: bool) -> Iterable[str]:
    """A text that is higher than a page, in parts."""
    paper.set_font("sans", "B" if bold else "", size)
    lines = paper.wrapped(text, WIDTH)
    return ["\n".join(lines[start : start + 60]) for start in range(0, len(lines), 60)]


def _lines(words: Words, view: InspectionView) -> Iterator[Line]:
    t, row = words.t, view.inspection
    for name, value in words.details(view):
        yield f"{name}: {value}", 7.5, False, 0
    for point in view.template.points:
        answer = view.answers.get(point.area)
        yield f"{t(point.title)}: {words.result(answer)}", 8.5, True, 0
        if answer:
            yield f"{answer.answered_by}, {words.at(answer.answered_at)}{f': {answer.note}' if answer.note else ''}", 7.5, False, 0
        asked = _asked(view, point)
        for check in view.checks.get(point.area, {}).values():
            if check.answer:
                ask = t(asked[check.check_id].ask) if check.check_id in asked else check.check_id
                yield f"{ask} {t(YES_NO.get(check.answer, check.answer))}", 7.5, False, 0
    for name, rows in (
        (t("Seal"), [words.seal(one) + f" ({one.recorded_by})" for one in view.seals]),
        (
            t("View, Verify, Tug, Twist"),
            [
                f"{words.seal_check(one)}. {one.checked_by}, {words.at(one.checked_at)}{''.join(f' ! {words.said(says)}' for says in one.problems)}"
                for one in view.seal_checks
            ],
        ),
        (
            t("Wood packaging"),
            [
                f"{words.title(view, one.area)}: {words.wood(one)}. {one.recorded_by}, {words.at(one.recorded_at)}"
                f"{''.join(f' ! {words.said(says)}' for says in one.warnings)}"
                for one in view.wood
            ],
        ),
        (t("Journey"), [_leg(words, view, number) for number in range(len(view.legs))]),
        (
            t("Who was told"),
            [
                f"{one.who}: {t(CHANNELS.get(one.channel, one.channel))}, {words.at(one.notified_at)}{f' ({one.reference})' if one.reference else ''}"
                for one in view.notifications
            ],
        ),
        (
            t("Signatures"),
            [
                f"{one.printed_name}: {'; '.join(words.signature(one, valid=one in view.valid_signatures))}. SHA-256 {one.content}"
                for one in view.signatures
            ],
        ),
        (t("Amendments"), [f"{one.amended_by}, {words.at(one.amended_at)}: {one.reason} ({one.kind})" for one in view.amendments]),
        (t("Still open"), [words.said(line) for line in view.missing()] if not row.closed_at else []),
        (t("On hold"), [row.hold] if row.hold else []),
    ):
        if rows:
            yield name, 8.5, True, 0
        for text in rows:
            yield text, 7.5, False, 0


YES_NO = {"yes": "Yes", "no": "No", "not_applicable": "Not applicable"}


def _asked(view: InspectionView, point: Point) -> dict[str, Check]:
    """The questions that a point may ask, by id."""
    shared = [one for first in (*view.template.if_not_in_order, *view.template.if_contamination) for one in first.all()]
    return {one.id: one for one in (*point.all_checks(), *shared)}


def _leg(words: Words, view: InspectionView, number: int) -> str:
    leg = view.legs[number]
    hands = " > ".join(view.parties[key].name if key in view.parties else key for key in (leg.tendered_by, leg.received_by))
    places = " > ".join(place for place in (leg.origin, leg.destination) if place)
    times = [
        f"{words.t(name)} {words.at(at)}"
        for name, at in (("left", leg.departed or leg.planned_departure), ("arrived", leg.arrived or leg.planned_arrival))
        if at
    ]
    return ". ".join(part for part in (f"{number + 1}. {hands}", places, ", ".join(times)) if part)
