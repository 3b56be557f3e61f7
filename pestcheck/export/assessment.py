"""The self-assessment as PDF: what the record of a period shows of each criterion, to print and to file."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, time

from pestcheck.records.evidence import ENTITIES, SHOWS, Evidence, Shown, Shows
from pestcheck.records.measures import MEASURES, Found


def assessment_pdf(found: Evidence, *, language: str = "en", made_by: str = "") -> bytes:
    """The same record gives the same bytes.

    Args:
        language: of ``pestcheck.i18n.LANGUAGES``. made_by: who took it out.
    """
    from pestcheck import i18n
    from pestcheck.export.paper import BOTTOM, GREY, MARGIN, WIDTH, Paper
    from pestcheck.export.words import Words

    logging.getLogger("fontTools.subset").setLevel(logging.ERROR)  # it warns of what a printed page does not need
    words = Words(language)
    t, first, last = words.t, i18n.day(language, found.period.first.isoformat()), i18n.day(language, found.period.last.isoformat())
    of = f"{t(ENTITIES[found.entity])} · {first} – {last}" + (f" · {found.site}" if found.site else "")
    paper = Paper(
        title=f"{t('Self-assessment: evidence by criterion')} · {of}", language=language,
        made=datetime.combine(found.period.last, time(), UTC), foot=f"pestcheck · {of}", page=t("Page {n} of {of}", n="{n}", of="{of}"),
    )  # fmt: skip
    paper.add_page()
    y = paper.say(MARGIN, 12, t("Self-assessment: evidence by criterion"), size=16, bold=True, tag="H1")
    y = paper.say(MARGIN, y + 1, of, size=10, lines=2)
    y = paper.say(MARGIN, y, t("Taken out by {name}", name=made_by), size=8, grey=GREY) if made_by else y
    says = t("What the record of a period shows of each criterion, and where it has gaps. Whether a criterion is met, people judge: much of it is not in this record.")  # fmt: skip
    y = paper.say(MARGIN, y + 1, says, size=9, lines=3)
    counts = " · ".join(f"{t(SHOWS[kind])}: {i18n.number(language, found.count(kind))}" for kind in Shows)
    y = paper.say(MARGIN, y + 2, counts, size=9, bold=True, lines=2) + 2

    def lines(one: Shown) -> list[tuple[str, bool, float]]:
        """Texts of a criterion: what, whether it is a gap, how far it is set in."""
        made = []
        for name, counted in one.found.items():
            made.append((t(MEASURES[name].says, n=i18n.number(language, counted.have)), False, 4.0))
            if counted.gaps:
                made.append((t(MEASURES[name].gap, n=i18n.number(language, counted.gaps)), True, 4.0))
                made.append((_samples(counted), False, 10.0))
        return made or [(t("This record holds nothing of it. Show it by other papers."), False, 4.0)]

    for one in found.criteria:
        level = t("must") if one.criterion.level == "must" else t("should")
        heading, rest = f"{one.id} ({level}) {t(one.criterion.gist)}", lines(one)
        room = WIDTH - 52
        high = max(paper.height(heading, room, 9, bold=True), 4) + sum(paper.height(text, WIDTH - inset, 8) for text, _, inset in rest) + 5
        if y + high > BOTTOM:
            paper.add_page()
            y = 14.0
        paper.rule(y)
        paper.say(MARGIN + room + 2, y + 1.5, t(SHOWS[one.shows]), size=8, bold=True, width=50, lines=2, align="R")
        y = paper.say(MARGIN, y + 1.5, heading, size=9, bold=True, width=room, lines=4, tag="H2")
        for text, gap, inset in rest:
            y = paper.say(MARGIN + inset, y + 0.2, f"! {text}" if gap else text, size=8, bold=gap, width=WIDTH - inset, lines=6)
        y += 2
    if y + 20 > BOTTOM:
        paper.add_page()
        y = 14.0
    paper.rule(y)
    paper.say(MARGIN, y + 2, f"{t(found.note)} {t('List of criteria: version {n}.', n=found.version)}", size=8, grey=GREY, lines=5)
    return paper.finished()


def _samples(counted: Found) -> str:
    return " · ".join(f"{one.name}{f' ({one.at[:10]})' if one.at else ''}" for one in counted.lacking)
