"""The first page, and how an inspection begins: its number, where it is on its way, why it is looked at, by which template."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from app import i18n
from app.inspector.ask import Ask, answered
from app.inspector.ask import show as ask_page
from app.inspector.place import Desk, Outcome, Place, Told
from app.pages.html import link, page
from app.pages.ways import ways
from pestcheck.inspection.guidance import rules
from pestcheck.inspection.identifiers import container_number
from pestcheck.people import Deed
from pestcheck.records.inspections import SELECTIONS
from pestcheck.store.tables import Draw, Inspection

TRAINING = {"missing": "You have no valid training on record.", "expired": "Your training is over.", "soon": "Your training ends soon."}
"""What is said to who inspects, by how they stand (``records.training.STATES``)."""


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
        f'<div class="hello">{new_}{training(desk)}{pages}'
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


def training(desk: Desk) -> str:
    """A reminder to who inspects that their training is missing, over, or ends soon; nothing is stopped by it."""
    if not (desk.person.account and desk.person.may(Deed.inspect)):
        return ""
    stands = desk.records.stands(desk.person.name)
    if stands.state == "valid":
        return ""
    says = TRAINING[stands.state]
    until = f" ({stands.certificate.expires_on})" if stands.certificate else ""
    return f'<p class="warn">⚠ {escape(desk.t(says))}{until}</p><a class="b" href="training">{escape(desk.t("To your training"))}</a>'


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
        Ask("site", t("At which site?"), tuple((site, site) for site in desk.sites), when=lambda given: bool(desk.sites)),
        *(Ask(key, t(words), needed=False, keep=True, when=lambda given: desk.plan is not None) for key, words in WAY.items()),
        Ask("selection", t("Why is this one inspected?"), tuple((key, t(name)) for key, name in SELECTIONS.items()), value=_proposed(desk, draft)),
        Ask("name", t("Your name"), keep=True, when=lambda given: not desk.person.account),
    ]  # fmt: skip


WAY = {"origin": "Where does it come from?", "destination": "Where does it go?", "carrier_scac": "Carrier (SCAC)"}
"""Asked where second looks are proposed: the risk is known by them."""


def _draw(desk: Desk, draft: Mapping[str, str]) -> Draw | None:
    """Whether the conveyance is proposed for a second look; None before all is known, and where nothing is proposed."""
    known = draft.get("number") and all(key in draft for key in WAY) and "selection" not in draft
    if desk.plan is None or not known or not desk.person.may(Deed.inspect):
        return None
    place = {key: draft[key] for key in ("site", *WAY) if draft.get(key)}
    return desk.records.draw(draft["number"], plan=desk.plan, actor=desk.person.name, **place)


def _proposed(desk: Desk, draft: Mapping[str, str]) -> str:
    found = _draw(desk, draft)
    return found.proposal if found else ""


def proposal(desk: Desk, draw: Draw) -> str:
    """What is proposed and why, in words: the person decides."""
    t = desk.t
    says = {
        "random": t("Random draw: look twice. Nobody chose this one; what such draws find shows how much there is."),
        "targeted": t("Look twice: contamination is more likely than usual here."),
        "routine": t("Not drawn for a second look."),
    }[draw.proposal]  # fmt: skip
    kinds = {
        "lane": t("Lane"), "carrier": t("Carrier (SCAC)"), "site": t("Site"), "season": t("This season"), "conveyance": t("This conveyance"),
    }  # fmt: skip
    usual = t("All: {found} of {of}", found=draw.base[0], of=draw.base[1])
    why = [
        f"{kinds.get(kind, kind)}{'' if kind in ('season', 'conveyance') else f' {name}'}: {t('{found} of {of}', found=found, of=of)}"
        for kind, name, found, of in draw.reasons
    ]
    reasons = f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in [*why, usual])}</ul>" if why and draw.proposal == "targeted" else ""
    share = t("{share} of all are drawn at random. You decide.", share=i18n.percent(desk.language, draw.share))
    kind = "good" if draw.proposal == "routine" else "warn"
    return f'<p class="{kind}" role="status">{escape(says)}</p>{reasons}<p class="quiet">{escape(share)}</p>'


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
    if draw := _draw(desk, place.draft):
        above += proposal(desk, draw)
    return ask_page(
        desk, place, _asks(desk, place.draft), title=desk.t("New inspection"), back=(desk.t("All inspections"), Place()), above=above
    )


def ask(desk: Desk, place: Place, given: dict[str, str]) -> Outcome:
    """Take an answer; after the last one, open the inspection."""

    def finish(draft: Mapping[str, str]) -> Outcome:
        opened = desk.records.open(
            desk.key, number=draft["number"], inspector=desk.actor(place, draft.get("name", "")), override_reason=draft.get("why", ""),
            template=draft["template"], stage=draft["stage"], selection=draft["selection"], size_type=draft.get("size", ""),
            **{key: draft[key] for key in ("site", *WAY) if draft.get(key)},
        )  # fmt: skip
        return Place(inspection=opened.inspection.id, step="points"), Told()

    return answered(desk, place, _asks(desk, {**place.draft, given.get("key", ""): given.get("value", "")}), given, finish)
