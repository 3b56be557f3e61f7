"""The first page, and how an inspection begins: its number, where it is on its way, why it is looked at, by which template."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from app.inspector.ask import Ask, answered
from app.inspector.ask import show as ask_page
from app.inspector.place import Desk, Outcome, Place, Told
from app.pages.html import link, page
from app.pages.ways import ways
from pestcheck.inspection.guidance import rules
from pestcheck.inspection.identifiers import container_number
from pestcheck.people import Deed
from pestcheck.records.inspections import SELECTIONS
from pestcheck.store.tables import Inspection


def home(desk: Desk, place: Place) -> str:
    """Begin a new inspection, or go on with one."""
    t = desk.t
    rows = desk.records.inspections()
    open_ = [row for row, _ in rows if not row.closed_at]
    closed = [row for row, _ in rows if row.closed_at]
    new_ = link(t("New inspection"), place.to("new"), kind="b primary huge") if desk.person.may(Deed.inspect) else ""
    others = "".join(f'<a class="b" href="{address}">{escape(t(name))}</a>' for address, name in ways(desk.person) if address != "/")
    pages = f'<nav class="acts" aria-label="{escape(t("Pages"))}">{others}</nav>' if others else ""
    begin = (
        f'<div class="hello">{new_}{pages}'
        f'<p class="quiet">{escape(t("It finds what you should look at twice. You decide; it never clears a container."))}</p></div>'
    )
    search = (
        f'<div class="field"><label for="search">{escape(t("Find"))}</label>'
        f'<input id="search" type="search" data-search="#found" placeholder="{escape(t("Number or name"))}" autocomplete="off"></div>'
    )
    lists = "".join(
        f'<h2>{escape(t(title))} <span class="count">{len(group)}</span></h2><ul class="cards">{"".join(_card(desk, row) for row in group)}</ul>'
        for title, group in (("Open", open_), ("Closed", closed))
        if group
    )
    nothing = "" if rows else f'<p class="quiet">{escape(t("No inspections yet."))}</p>'
    may = desk.person.may(Deed.export)
    log = f'<p><a class="b plain" href="log.csv" download>{escape(t("Download the log (CSV)"))}</a></p>' if rows and may else ""
    return page("pestcheck", begin, (search if rows else "") + f'<div id="found">{lists}</div>' + nothing + log, name="home")


def _card(desk: Desk, row: Inspection) -> str:
    template = desk.records.catalogue.newest().get(row.template)
    state = desk.t("Closed") if row.closed_at else desk.t("Open")
    note = " · ".join((state, desk.t(template.title) if template else row.template, row.inspector, desk.when(row.opened_at)))
    to = Place(inspection=row.id, step="done" if row.closed_at else "")
    return f'<li data-text="{escape(f"{row.container_number} {note}".casefold())}">{link(row.container_number, to, kind="card", note=note)}</li>'


def _asks(desk: Desk, draft: Mapping[str, str]) -> list[Ask]:
    t = desk.t
    read = container_number(draft.get("number", ""))
    offered = desk.records.catalogue.offered(draft.get("size", ""))
    others = [one for one in desk.records.catalogue.newest().values() if one not in offered]
    templates = tuple((one.id, t(one.title)) for one in (*offered, *others))
    number = draft.get("number", "")
    doubt = t("{number}: {problem}.", number=read.text or number, problem=desk.said(read.problem or ""))
    return [
        Ask("number", t("Container number"), hint=t("As painted on it, like CSQU 305438 3. Of a truck or a site: its number or name."), read="number"),
        Ask("size", t("Size and type code"), needed=False, hint=t("The code below the number, like 22G1. A reefer has an R: 45R1."), read="size"),
        Ask("template", t("What do you inspect?"), templates, hint=t("The first one is proposed."), value=offered[0].id),
        Ask(
            "why", t("Why go on with this number?"), when=lambda given: bool(read.problem) and _container(desk, given),
            hint=f"{doubt} {t('If it really says so, write down why you go on. Else go back and correct it.')}",
        ),
        Ask("stage", t("Where is it on its way?"), tuple((stage.value, t(rule.title)) for stage, rule in rules().stages.items())),
        Ask("selection", t("Why is this one inspected?"), tuple((key, t(name)) for key, name in SELECTIONS.items())),
        Ask("site", t("At which site?"), tuple((site, site) for site in desk.sites), when=lambda given: bool(desk.sites)),
        Ask("name", t("Your name"), keep=True, when=lambda given: not desk.person.account),
    ]  # fmt: skip


def _container(desk: Desk, draft: Mapping[str, str]) -> bool:
    template = desk.records.catalogue.newest().get(draft.get("template", ""))
    return template is not None and template.inspects == "container"


def new(desk: Desk, place: Place) -> str:
    """One question after the other."""
    read = container_number(place.draft.get("number", ""))
    above = ""
    if read.text and "why" not in place.draft:
        spaced = f"{read.text[:4]} {read.text[4:10]} {read.text[10]}" if not read.problem else read.text
        says = desk.said(read.problem) if read.problem else desk.t("check digit is right")
        above = f'<p class="{"warn" if read.problem else "good"}" role="status">{"⚠" if read.problem else "✓"} {escape(spaced)}: {escape(says)}</p>'
    return ask_page(
        desk, place, _asks(desk, place.draft), title=desk.t("New inspection"), back=(desk.t("All inspections"), Place()), above=above
    )


def ask(desk: Desk, place: Place, given: dict[str, str]) -> Outcome:
    """Take an answer; after the last one, open the inspection."""

    def finish(draft: Mapping[str, str]) -> Outcome:
        opened = desk.records.open(
            desk.key, number=draft["number"], inspector=desk.actor(place, draft.get("name", "")), override_reason=draft.get("why", ""),
            template=draft["template"], stage=draft["stage"], selection=draft["selection"], size_type=draft.get("size", ""),
            **({"site": draft["site"]} if draft.get("site") else {}),
        )  # fmt: skip
        return Place(inspection=opened.inspection.id, step="points"), Told()

    return answered(desk, place, _asks(desk, {**place.draft, given.get("key", ""): given.get("value", "")}), given, finish)
