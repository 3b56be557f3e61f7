"""What a finding resembles, by an add-on model: never its name, and what is on the watch list with what to do."""

from __future__ import annotations

from functools import partial
from html import escape

from app.inspector.place import Desk
from app.pages import words
from app.pages.html import bullets, more
from pestcheck import i18n
from pestcheck.addons.species import lineage
from pestcheck.inspection.watchlist import Entry, Words
from pestcheck.inspection.watchlist import words as in_words
from pestcheck.store.tables import Finding, Hint

RANKS = {"species": "Species", "genus": "Genus", "family": "Family", "order": "Order"}


def hint(desk: Desk, one: Finding, said: Hint | None) -> str:
    """The hint beside a finding; "" where there is none."""
    if said is None:
        return ""
    t = desk.t
    entry = desk.watch_list.entries.get(said.listed or "")
    likely = "".join(
        f'<li><span><i lang="la">{escape(name)}</i>{escape(f" ({english})" if english and desk.language == "en" else "")}</span>'
        f'<meter max="1" value="{chance:.2f}" aria-hidden="true"></meter><b>{i18n.percent(desk.language, chance)}</b></li>'
        for name, english, chance in said.species
    )
    what = f'{escape(t("Resembles"))}: {escape(t(RANKS[said.rank]).lower())} <i lang="la">{escape(said.taxon)}</i>, {i18n.percent(desk.language, said.probability)}'
    return (
        f'<section class="hint{" listed" if entry else ""}">{_warning(desk, said, entry) if entry else ""}'
        f'<h3>{what}</h3><ol class="candidates">{likely}</ol>{_disagrees(desk, one, said)}{_compare(desk, said, entry) if entry else ""}'
        f'<p class="quiet">{escape(t("A hint of another model, and no name: only a specialist names a species. You decide."))} '
        f"{escape(said.addon)} · {escape(said.thresholds)}</p></section>"
    )


def _warning(desk: Desk, said: Hint, entry: Entry) -> str:
    """What it may be, and what to do now."""
    t, own = desk.t, partial(_own, desk)
    direct = any(name in lineage(said.taxon).values() for name in entry.taxa)
    head = (
        t("On the watch list: resembles {name}", name=own(entry.name))
        if direct
        else t("A relative or look-alike of what is on the watch list: {name}", name=own(entry.name))
    )
    return f'<p class="warn" role="note">⚠ {escape(head)}</p>{bullets((own(step) for step in entry.do), ordered=True)}'


def _compare(desk: Desk, said: Hint, entry: Entry) -> str:
    """What the watch list says of how it looks."""
    t = desk.t
    about = (
        (t("Look for"), entry.evidence),
        (t("Looks alike"), entry.look_alikes),
        (t("Season"), entry.season),
        (t("Status"), entry.status),
    )
    rest = "".join(f"<p><b>{escape(name)}:</b> {escape(_own(desk, text))}</p>" for name, text in about)
    guide = f'<p><a class="b" href="guide#{escape(said.listed or "")}">{escape(t("Field guide"))}</a></p>'
    return more(t("Compare with what you see"), rest, guide)


def _own(desk: Desk, text: Words) -> str:
    return in_words(text, desk.language)


def _disagrees(desk: Desk, one: Finding, said: Hint) -> str:
    if said.agrees is not False:
        return ""
    own = lineage(said.taxon)
    where = ", ".join(name for rank, name in own.items() if rank in ("family", "order") and name != said.taxon)
    says = desk.t(
        "The two models disagree: one says {label}, the other {taxon} ({group}). Look closely; a trainer will look, too.",
        label=words.label(desk, one.label), taxon=said.taxon, group=where or said.taxon,
    )  # fmt: skip
    return f'<p class="warn">{escape(says)}</p>'
