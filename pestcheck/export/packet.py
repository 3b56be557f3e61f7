"""The first page of a printed record, for the shipping packet: all that matters of an inspection, whatever there is of it, on one page.

What finds no room is counted there and stands in full in the annex.
"""

from __future__ import annotations

from pestcheck.export.paper import GREY, MARGIN, WHITE, WIDTH, Paper
from pestcheck.export.pictures import Shown
from pestcheck.export.words import Words
from pestcheck.records import InspectionView
from pestcheck.store.tables import Finding

GAP = 6.0
LEFT = 93.0
RIGHT_AT, RIGHT = MARGIN + LEFT + GAP, WIDTH - LEFT - GAP
CODE, MOST_DETAILS = 25.0, 12
ORDER = {"missed": 0, "corrected": 0, "confirmed": 0, "suggested": 1, "rejected": 2}

Numbers = dict[str, str]
"""How findings are called in print, by their ids: number of the photograph, point, number of the finding in it."""


def numbers(view: InspectionView) -> Numbers:
    """See ``Numbers``."""
    return {one.id: f"{at}.{n}" for at, item in enumerate(view.photographs, 1) for n, one in enumerate(item.findings, 1)}


def listed(view: InspectionView) -> list[tuple[Finding, str]]:
    """The findings that the first page shows, each with its point: contamination first, the gravest first, then what nobody decided yet."""
    kept = {one.id for one in view.kept()}
    found = [(one, item.view.area) for item in view.photographs for one in item.findings if one.id in kept or one.state == "suggested"]
    return sorted(found, key=lambda pair: (ORDER[pair[0].state], -(pair[0].severity or 0)))


def draw(paper: Paper, words: Words, view: InspectionView, pictures: dict[str, Shown]) -> None:
    """The page. ``pictures``: by the id of the photograph's view."""
    paper.add_page()
    y = _head(paper, words, view)
    y = _identifiers(paper, words, view, y + 1.5)
    paper.rule(y + 1, weight=0.5)
    below = _below(paper, words, view, None) + 1
    room = 267 - below - (y + 3)
    _points(paper, words, view, y + 3, room)
    _findings(paper, words, view, pictures, y + 3, room)
    _below(paper, words, view, 267 - below)


def _head(paper: Paper, words: Words, view: InspectionView) -> float:
    t, row = words.t, view.inspection
    paper.say(MARGIN, 10, t("Pest inspection record"), size=11, bold=True, tag="H1")
    paper.say(MARGIN, 15.5, row.container_number, size=21, bold=True, width=100)
    paper.say(MARGIN, 24.5, f"{t(view.template.title)} · {words.stage(row.stage)}".rstrip(" ·"), size=9, width=104)
    state = f"{t('Closed')}: {words.at(row.closed_at)}" if row.closed_at else t("Open: this is not a finished record")
    paper.say(MARGIN, 28.6, state, size=8, width=104)
    warn = ""
    if row.number_problem:
        warn = f"{words.said(row.number_problem)}. {row.override_reason or ''}"
        paper.say(MARGIN, 32, f"! {warn}", size=7.5, bold=True, width=104)
    box, at = 56.0, MARGIN + WIDTH - CODE - 4 - 56
    result = t("Contamination seen") if view.contaminated else t("No contamination on record.").rstrip(".")
    paper.frame(at, 11, box, 20, weight=0.6)
    paper.say(at + 2, 12.5, result, size=8.5, width=box - 4, lines=2)
    paper.say(at + 2, 20, words.disposition(row.disposition) or t("Nothing decided yet"), size=13, bold=True, width=box - 4, lines=2)
    told = t("QR code: number, id and SHA-256 of this record")
    paper.code(f"pestcheck\n{row.container_number}\n{row.id}\nsha256 {view.content}", MARGIN + WIDTH - CODE, 10, CODE, told)
    return 36.5 if warn else 34.5


def _identifiers(paper: Paper, words: Words, view: InspectionView, y: float) -> float:
    given = words.details(view)[:MOST_DETAILS]
    column = WIDTH / 4
    for place, (name, value) in enumerate(given):
        x, top = MARGIN + column * (place % 4), y + 7.6 * (place // 4)
        paper.say(x, top, name, size=6, grey=GREY, width=column - 3)
        paper.say(x, top + 2.5, value, size=8.5, width=column - 3)
    return y + 7.6 * -(-len(given) // 4)


def _points(paper: Paper, words: Words, view: InspectionView, y: float, room: float) -> None:
    t = words.t
    paper.say(MARGIN, y, t("Points"), size=10, bold=True, tag="H2")
    paper.say(MARGIN + LEFT - 30, y + 1.5, t("Photographs"), size=6, grey=GREY, width=30, align="R")
    y, points = y + 5, view.template.points
    notes = sum(bool(answer.note) for answer in view.answers.values())
    high = min(5.2, (room - 5 - 3 * notes) / len(points))
    noted = high > 3.6  # else the notes stand in the annex alone
    high = high if noted else min(5.2, (room - 5) / len(points))
    for number, point in enumerate(points, 1):
        answer = view.answers.get(point.area)
        bad = answer is not None and answer.result == "contamination"
        left = answer is None or answer.state != "inspected"
        with paper.decoration():
            paper.set_draw_color(0)
            paper.set_line_width(0.25)
            paper.set_fill_color(0)
            paper.rect(MARGIN, y + 0.4, 2.6, 2.6, style="DF" if bad else "D")
            if not bad and not left:
                paper.polyline([(MARGIN + 0.6, y + 1.7), (MARGIN + 1.1, y + 2.4), (MARGIN + 2.1, y + 1)])
        paper.say(MARGIN + 4.5, y, f"{number}. {t(point.title)}", size=7.5, width=44)
        paper.say(MARGIN + 50, y, words.result(answer), size=7.5, bold=bad, width=36)
        photographs = len(view.at(point.area))
        paper.say(MARGIN + LEFT - 6, y, str(photographs or ""), size=7.5, width=6, align="R")
        y += high
        if noted and answer and answer.note:
            paper.say(MARGIN + 4.5, y - high + 3.3, answer.note, size=6.5, grey=GREY, width=LEFT - 4.5)
            y += 2.4


def _findings(paper: Paper, words: Words, view: InspectionView, pictures: dict[str, Shown], y: float, room: float) -> None:
    t, all_, known = words.t, listed(view), numbers(view)
    kept = len(view.kept())
    paper.say(RIGHT_AT, y, f"{t('Findings')} ({kept})", size=10, bold=True, width=RIGHT, tag="H2")
    rejected = sum(one.state == "rejected" for item in view.photographs for one in item.findings)
    cargo = sum(one.cargo is not None for item in view.photographs for one in item.findings)
    aside = [
        t("{n} suggested by the model and rejected", n=rejected) if rejected else "",
        t("{n} are the manifested cargo", n=cargo) if cargo else "",
    ]  # fmt: skip
    y += 5
    if not all_:
        y = paper.say(RIGHT_AT, y, t("No contamination on record."), size=8, width=RIGHT) + 1
    line = " · ".join(part for part in aside if part)
    room -= 5 + (4 if line else 0)
    big, small = 22.0, 11.0
    high = big if len(all_) * big <= room else small
    fits = int(room // high) if len(all_) * high <= room else int((room - 4) // high)
    for one, area in all_[:fits]:
        _card(paper, words, view, pictures, one, area, known[one.id], y, high)
        y += high
    if len(all_) > fits:
        more = t("And {n} more; all of them are in the annex.", n=len(all_) - fits)
        y = paper.say(RIGHT_AT, y, more, size=8, bold=True, width=RIGHT)
    paper.say(RIGHT_AT, y + 0.5, line, size=7, grey=GREY, width=RIGHT)


def _card(
    paper: Paper, words: Words, view: InspectionView, pictures: dict[str, Shown], one: Finding, area: str, number: str, y: float, high: float
) -> None:  # fmt: skip
    t, side = words.t, high - 1.5
    thumb = next((shown.thumbs[one.id] for shown in pictures.values() if one.id in shown.thumbs), b"")
    name = words.label(one.decided_label or one.label)
    if thumb:
        paper.picture(thumb, RIGHT_AT, y, side, side, f"{name}: {words.title(view, area)}")
    else:
        paper.frame(RIGHT_AT, y, side, side)
        paper.say(RIGHT_AT + 0.5, y + side / 2 - 3, t("no picture"), size=5.5, grey=GREY, width=side - 1, lines=2, align="C")
    x, width = RIGHT_AT + side + 2, RIGHT - side - 2
    severity = f" · {t('Severity')} {one.severity}" if one.severity else ""
    top = paper.say(x, y, f"{number} {name} · {words.title(view, area)}{severity}", size=8, bold=True, width=width)
    becomes = t("Found clean") if view.cleaned(one) else words.disposition(one.disposition) or t("Nothing done yet")
    said = words.finding(one)
    if high < 20:
        paper.say(x, top, f"{becomes}. {said[0]}", size=7, width=width, lines=2)
        return
    top = paper.say(x, top, said[0], size=7, width=width)
    top = paper.say(x, top, "; ".join(said[1:]), size=7, width=width)
    done = [words.action(action) for action in view.actions.get(one.id, ())]
    paper.say(x, top, " · ".join([becomes, *done[-1:]]), size=7, width=width, lines=3)


def _below(paper: Paper, words: Words, view: InspectionView, y: float | None) -> float:
    """Seals, wood, signatures and versions, drawn from ``y`` on; None: only measured.

    Returns:
        How high it is.
    """
    t, column = words.t, (WIDTH - 2 * GAP) / 3
    valid = {one.id for one in view.valid_signatures}
    passed = [(words.seal_check(one), one.problems) for one in view.seal_checks]
    seals = [
        *((f"{'! ' if problems else ''}{said}", bool(problems)) for said, problems in passed), *((words.seal(one), False) for one in view.seals)
    ]  # fmt: skip
    wood = [(f"{'! ' if one.warnings else ''}{words.wood(one)}", bool(one.warnings)) for one in view.wood]
    told = [(t("{n} told: see the annex", n=len(view.notifications)), False)] if view.notifications else []
    signed: list[tuple[str, bool]] = []
    for one in sorted(view.signatures, key=lambda one: one.id not in valid):
        signed.append((f"{one.printed_name}: {'; '.join(words.signature(one, valid=one.id in valid))}", False))
    lists = (
        (t("Seals: view, verify, tug, twist"), seals or [(t("No seal on record"), False)]),
        (t("Wood packaging"), (wood or [(t("None on record"), False)]) + told),
        (t("Signatures"), signed or [(t("Not signed"), True)]),
    )
    most, high = 9, 0.0
    for place, (title, lines) in enumerate(lists):
        x, top = MARGIN + place * (column + GAP), (y or 0) + 2
        if y is not None:
            paper.say(x, top, title, size=8.5, bold=True, width=column, tag="H2")
        top += 4
        left = most
        for number, (line, bold) in enumerate(lines):
            rows = min(3, len(_wrapped(paper, line, column, bold)))
            if left < rows or (left == rows and number < len(lines) - 1):
                if y is not None:
                    paper.say(x, top, t("{n} more: see the annex", n=len(lines) - number), size=7, bold=True, width=column)
                top += 2.9
                break
            if y is not None:
                paper.say(x, top, line, size=7, bold=bold, width=column, lines=3)
            top, left = top + 2.9 * rows, left - rows
        high = max(high, top - (y or 0))
    versions = _versions(words, view)
    if y is not None:
        paper.rule(y, weight=0.5)
        top = y + high + 1
        paper.frame(MARGIN, top, WIDTH, 12.6, fill=WHITE)
        paper.say(MARGIN + 2, top + 0.8, f"SHA-256 {view.content}", size=7.5, bold=True, width=WIDTH - 4)
        paper.say(MARGIN + 2, top + 4.2, versions, size=6.8, width=WIDTH - 4, lines=2)
        says = t("A model's word is a suggestion; people decided. This record says what was seen and done, and clears nothing by itself.")
        paper.say(MARGIN + 2, top + 9.4, says, size=6.5, grey=GREY, width=WIDTH - 4)
    return high + 14.6


def _wrapped(paper: Paper, line: str, width: float, bold: bool) -> list[str]:
    paper.set_font("sans", "B" if bold else "", 7)
    return paper.wrapped(line, width)


def _versions(words: Words, view: InspectionView) -> str:
    """Which programs and rules had a say."""
    t = words.t
    models = sorted({f"{item.view.model} ({item.view.thresholds})" for item in view.photographs if item.view.model})
    used = sorted({one.rules for item in view.photographs for one in item.findings if one.rules})
    parts = [
        f"{t('Model')}: {', '.join(models) or '–'}", f"{t('Template')}: {view.template.id}@{view.template.version}",
        f"{t('Rules of severity')}: {', '.join(used)}" if used else "",
        t("Amended {n} times", n=len(view.amendments)) if view.amendments else "", view.inspection.id,
    ]  # fmt: skip
    return " · ".join(part for part in parts if part)
