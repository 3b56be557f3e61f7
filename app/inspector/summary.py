"""What is missing, what was found, what becomes of the conveyance, the signatures, and the end."""

from __future__ import annotations

from html import escape

from app.inspector.photographs import undecided
from app.inspector.place import Desk, Outcome, Place, Told
from app.inspector.points import head, title
from app.pages import drawing, words
from app.pages.html import button, field, form, link, more, page
from pestcheck.people import Deed as May
from pestcheck.records import DISPOSITIONS, InspectionView, Refused
from pestcheck.records.inspections import MEANINGS


def gaps(desk: Desk, place: Place, view: InspectionView) -> list[tuple[str, Place]]:
    """What stands between the inspection and its close, each with the place where it is mended."""
    found: list[tuple[str, Place]] = []
    for line in view.missing():
        point = next((point for point in view.template.points if line.startswith(f"{point.title}: ")), None)
        to = place.to("signing")
        if point:
            area = point.area
            to = place.to("point", area=area, photograph="", finding="")
            if waiting := undecided(view, area):
                to = place.to("finding", area=area, photograph=waiting[0], finding=waiting[1])
            elif asked := next((check for check in view.progress(area).open if line.endswith(f"no answer to: {check.ask}")), None):
                to = place.to("question", area=area, check=asked.id)
        found.append((desk.said(line), to))
    return found


def show(desk: Desk, place: Place) -> str:
    """What is missing, and what was found."""
    view = desk.view(place)
    if view.inspection.closed_at:
        return done(desk, place)
    t = desk.t
    missing = gaps(desk, place, view)
    if missing:
        cards = "".join(f"<li>{link(says, to, kind='card')}</li>" for says, to in missing)
        left = f'<h2>{escape(t("Still open"))} <span class="count">{len(missing)}</span></h2><ul class="cards">{cards}</ul>'
    else:
        left = f'<p class="good" role="status">✓ {escape(t("Every point is answered and every finding decided."))}</p>'
    foot = link(t("To the signature"), place.to("signing"), kind="b primary") if not missing else ""
    return page(
        t("Summary"),
        left,
        drawing.container(words.states(view), lambda area: title(desk, view, area), place=place) + found(desk, place, view),
        name="summary",
        quiet=escape(view.inspection.container_number),
        back=(t("Points"), place.to("points")),
        bar=foot,
    )


def found(desk: Desk, place: Place, view: InspectionView) -> str:
    """The findings that a person says are there, seals and wood, a line each."""
    t = desk.t
    lines = []
    for item in view.photographs:
        for one in item.findings:
            if one in view.kept():
                becomes = (
                    t("Found clean")
                    if view.cleaned(one)
                    else t(DISPOSITIONS[one.disposition])
                    if one.disposition
                    else t("Nothing done yet")
                )
                to = place.to("finding", area=item.view.area, photograph=item.view.id, finding=one.id)
                note = f"{title(desk, view, item.view.area)} · {becomes}"
                lines.append(f"<li>{link(words.finding(desk, one), to, kind='card', note=note)}</li>")
    kept = f'<ul class="cards">{"".join(lines)}</ul>' if lines else f'<p class="quiet">{escape(t("No contamination on record."))}</p>'
    rest = [t("Seals: {n} on record", n=len(view.seals) + len(view.seal_checks)), t("Wood packaging: {n} on record", n=len(view.wood))]
    told = ", ".join(dict.fromkeys(one.who for one in view.notifications))
    more_ = link(t("Who was told"), place.to("notices", area="", finding=""), kind="card", note=told or t("Nobody yet")) + link(
        t("Journey"), place.to("journey", area=""), kind="card", note=t("{n} legs", n=len(view.legs)) if view.legs else t("Nothing yet")
    )
    return f"<h2>{escape(t('Findings'))}</h2>{kept}<p class='quiet'>{escape(' · '.join(rest))}</p><div class=\"cards\">{more_}</div>"


def signing(desk: Desk, place: Place) -> str:
    """What becomes of the conveyance, then who signs: one after the other."""
    view = desk.view(place)
    t, row = desk.t, view.inspection
    back = (t("Summary"), place.to("summary"))
    if row.closed_at:
        return done(desk, place)
    if not row.disposition or place.check == "disposition":
        hint = t("There was contamination.") if view.contaminated else t("No contamination on record.")
        body = f'<section class="question"><h2>{escape(t("What becomes of it?"))}</h2><p class="quiet">{escape(hint)}</p>{_dispositions(desk, view)}</section>'
        return page(t("Signature"), body, name="signing-becomes", quiet=escape(row.container_number), back=back)
    becomes = f"<p><b>{escape(t(DISPOSITIONS[row.disposition]))}</b> {link(t('Change'), place.to('signing', check='disposition'), kind='b plain')}</p>"
    supervised = any(one.meaning == "supervised" for one in view.valid_signatures)
    if row.supervisor and not supervised:
        who = form(
            f"<h2>{escape(t('The supervisor signs first'))}</h2>",
            field(t("Printed name"), "printed_name", row.supervisor, maxlength=200, autocomplete="off"),
            f"<p>{escape(t('By signing you say: {meaning}.', meaning=t(MEANINGS['supervised'])))}</p>",
            button(t("Sign"), "sign", kind="primary", meaning="supervised"),
            deed="nothing",
        )
        who += form(button(t("Nobody supervises"), "supervisor", kind="plain", supervisor=""), deed="nothing")
        return page(t("Signature"), becomes + f'<section class="question">{who}</section>', name="signing-supervisor", quiet=escape(row.container_number), back=back)  # fmt: skip
    sign = form(
        field(t("Printed name"), "printed_name", row.inspector, maxlength=200, autocomplete="off"),
        f"<p>{escape(t('By signing you say: {meaning}.', meaning=t(MEANINGS['inspected'])))}</p>",
        f'<p class="quiet">{escape(t("Afterwards nothing is changed any more, only amended, with a reason."))}</p>',
        button(t("Sign and close"), "close", kind="primary huge", disposition=row.disposition),
        deed="nothing",
    )
    ask_supervisor = "" if row.supervisor else more(
        t("Somebody supervises"), form(field(t("Name of the supervisor"), "supervisor", maxlength=200, autocomplete="off"), button(t("Next"), "supervisor"), deed="supervisor")
    )  # fmt: skip
    return page(
        t("Signature"), becomes + f'<section class="question">{sign}</section>', signatures(desk, view) + ask_supervisor, name="signing", quiet=escape(row.container_number), back=back
    )  # fmt: skip


def _dispositions(desk: Desk, view: InspectionView) -> str:
    row = view.inspection
    choices = "".join(
        button(desk.t(text), "becomes", kind=f"answer {'chosen' if row.disposition == key else ''}", disposition=key, seen=row.version)
        for key, text in DISPOSITIONS.items()
    )
    return f'<div class="answers many">{choices}</div>'


def signatures(desk: Desk, view: InspectionView) -> str:
    """Who signed what, and whether the record is still what they signed."""
    valid = {one.id for one in view.valid_signatures}
    lines = "".join(
        f"<li>✍ <b>{escape(one.printed_name)}</b>: {escape(desk.t(MEANINGS[one.meaning]))}<small>{escape(desk.when(one.signed_at))}"
        f"{'' if one.id in valid else ' · ' + escape(desk.t('the record was changed since'))}</small></li>"
        for one in view.signatures
    )
    return f'<h2>{escape(desk.t("Signatures"))}</h2><ul class="lines">{lines}</ul>' if lines else ""


def done(desk: Desk, place: Place) -> str:
    """The inspection as it was closed."""
    view = desk.view(place)
    t = desk.t
    if not view.inspection.closed_at:
        return show(desk, place)
    receive = more(
        t("Sign that you received it"),
        form(
            field(t("Printed name"), "printed_name", maxlength=200, autocomplete="off"),
            button(t("Sign"), "sign", meaning="received"),
            deed="sign",
        ),
    )
    anew = "" if view.valid_signatures else more(
        t("Sign the record as it is now"),
        form(
            field(t("Printed name"), "printed_name", desk.person.name if desk.person.account else "", maxlength=200, autocomplete="off"),
            f"<p>{escape(t('By signing you say: {meaning}.', meaning=t(MEANINGS['inspected'])))}</p>",
            button(t("Sign"), "sign", meaning="inspected"), deed="nothing",
        ),
    )  # fmt: skip
    amended = len(view.amendments)
    may = desk.person.may(May.amend) and not place.amends
    amend_ = (link(t("Amend"), place.to("amend", area=""), kind="b wide") if may else "") + (
        link(t("Amendments"), place.to("amendments", area=""), kind="card", note=t("{n} on record", n=amended)) if amended else ""
    )
    again = more(t("Choose again what becomes of it"), _dispositions(desk, view)) if place.amends else ""
    record = f'<a class="b wide" href="packet/{escape(view.inspection.id)}.pdf?language={desk.language}" download>{escape(t("The record as PDF"))}</a>'
    ways = link(t("New inspection"), Place(step="new"), kind="b primary huge") + record
    return page(
        t("Done"),
        head(desk, view)
        + drawing.container(words.states(view), lambda area: title(desk, view, area), place=place)
        + f'<div class="acts">{ways}{amend_}</div>{again}',
        found(desk, place, view) + signatures(desk, view) + anew + receive,
        name="done",
        quiet=f"{escape(view.inspection.container_number)} · {escape(t(view.template.title))}",
        back=(t("All inspections"), Place()),
        bar=link(t("Points"), place.to("points"), kind="b"),
    )


def becomes(desk: Desk, place: Place, given: dict[str, str]) -> Outcome:
    """Say what becomes of the conveyance; a supervisor signs under it."""
    view = desk.view(place)
    disposition, order = given.get("disposition", ""), [*DISPOSITIONS]
    if disposition in order and order.index(disposition) < order.index(view.least_disposition):
        raise Refused(
            desk.t(
                "A finding is at {what}; say what became of the finding first, or choose that or a graver one.",
                what=desk.t(DISPOSITIONS[view.least_disposition]),
            )
        )
    seen = int(given["seen"]) if given.get("seen", "").isdigit() else None
    desk.records.set_details(place.inspection, actor=desk.actor(place), seen=seen, amends=place.amends, disposition=disposition)
    return place.to("done" if view.inspection.closed_at else "signing"), Told(desk.t("Saved"))


def supervisor(desk: Desk, place: Place, given: dict[str, str]) -> Outcome:
    """Say who supervises, or that nobody does."""
    desk.records.set_details(place.inspection, actor=desk.actor(place), supervisor=given.get("supervisor", ""))
    return place.to("signing"), Told(desk.t("Saved"))


def sign(desk: Desk, place: Place, given: dict[str, str]) -> Outcome:
    """Sign the record as it is now."""
    desk.records.sign(
        place.inspection, printed_name=given.get("printed_name", ""), meaning=given.get("meaning", "received"), actor=desk.actor(place), signature_id=desk.key
    )  # fmt: skip
    return place.to(place.step or "signing"), Told(desk.t("Signed"))


def close(desk: Desk, place: Place, given: dict[str, str]) -> Outcome:
    """Sign and close."""
    desk.records.close(
        place.inspection, actor=desk.actor(place), disposition=given.get("disposition") or None, printed_name=given.get("printed_name", "")
    )
    return place.to("done"), Told(desk.t("Closed and signed"))
