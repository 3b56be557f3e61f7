"""What the inspector's page shows, as HTML from records: no state, no handlers. All text from people is escaped here."""

from __future__ import annotations

from html import escape
from pathlib import Path

import gradio as gr

from pestcheck.inspection.identifiers import container_number
from pestcheck.records import DECISIONS, RESULTS, STATES, InspectionView, PhotographView
from pestcheck.store.tables import Finding, Inspection
from pestcheck.taxonomy import CTPAT_CLASS, LABELS, Group

STYLE = Path(__file__).parent / "static" / "inspector.css"
HEAD = """
<meta name="viewport" content="width=device-width, initial-scale=1">
<script>
// Gradio's upload button knows no "capture": with it a tablet opens the rear camera at full resolution.
new MutationObserver(() => document.querySelectorAll('#take').forEach((button) => {
  const input = button.parentElement.querySelector('input[type=file]') || button.querySelector('input[type=file]');
  if (input && !input.hasAttribute('capture')) input.setAttribute('capture', 'environment');
})).observe(document, {childList: true, subtree: true});
</script>
"""


def theme() -> gr.themes.Base:
    """Gradio's plain theme with the tablet's own fonts: a depot has no network to fetch others."""
    sans, mono = ["system-ui", "sans-serif"], ["ui-monospace", "monospace"]
    return gr.themes.Base(primary_hue="emerald", neutral_hue="stone", text_size="lg", spacing_size="sm", font=sans, font_mono=mono).set(
        button_primary_background_fill="#047857", button_primary_background_fill_hover="#065f46", button_primary_text_color="#ffffff",
        body_text_color_subdued="#57534e", body_text_color_subdued_dark="#d6d3d1", block_label_text_color="#44403c",
    )  # fmt: skip


def title(name: str) -> str:
    """A label, group or "unsure" in words."""
    return LABELS[name].name if name in LABELS else {"unsure": "Contamination, kind unsure"}.get(name, name.replace("_", " ").capitalize())


def number_check(typed: str) -> str:
    """The container number as read, and whether its check digit is right."""
    read = container_number(typed)
    if not read.text:
        return ""
    if read.problem:
        return f'<p class="warn" role="status">⚠ {escape(read.problem[0].upper() + read.problem[1:])}.</p>'
    return f'<p class="good" role="status">✓ {escape(read.text[:4])} {read.text[4:10]} {read.text[10]}: check digit is right</p>'


def log(rows: list[tuple[Inspection, int]]) -> str:
    """The newest inspections; each row leads to its inspection."""
    if not rows:
        return '<p class="quiet">No inspections yet.</p>'
    cells = "".join(
        f'<tr><td><a class="open" href="?inspection={escape(row.id)}">{escape(row.container_number)}</a></td>'
        f"<td>{'Closed' if row.closed_at else '<b>Open</b>'}</td><td>{kept or '–'}</td><td>{escape(row.inspector)}</td>"
        f"<td>{_when(row.opened_at)}</td></tr>"
        for row, kept in rows
    )
    return (
        '<table class="log"><thead><tr><th>Container</th><th>State</th><th>Findings</th><th>Inspector</th><th>Opened (UTC)</th></tr></thead>'
        f"<tbody>{cells}</tbody></table>"
    )


def heading(view: InspectionView) -> str:
    """Which container, by whom, and how far."""
    inspection = view.inspection
    doubt = (
        f'<span class="warn">⚠ {escape(inspection.number_problem)}: {escape(inspection.override_reason or "")}</span>'
        if inspection.number_problem
        else ""
    )
    state = (
        f"Closed {_when(inspection.closed_at)} UTC"
        if inspection.closed_at
        else f"{len(view.answers)} of {len(view.template.points)} points answered"
    )
    return (
        f'<h2 class="number">{escape(inspection.container_number)}</h2>'
        f'<p class="quiet">{escape(view.template.title)} · {escape(inspection.inspector)} · {state} {doubt}</p>'
    )


def point_choices(view: InspectionView) -> list[tuple[str, str]]:
    """The points with their state, for the list."""
    choices = []
    for number, point in enumerate(view.template.points, 1):
        answer, here = view.answers.get(point.area), view.at(point.area)
        mark = "○" if answer is None else "!" if answer.result == "contamination" else "✓" if answer.state == "inspected" else "–"
        photographs = f" · {len(here)} photo{'s' * (len(here) > 1)}" if here else ""
        choices.append((f"{mark}  {number}. {point.title}{photographs}", point.area))
    return choices


def point_hint(view: InspectionView, area: str) -> str:
    """What to look at here."""
    point = view.template.point(area)
    return f'<h3>{escape(point.title)}</h3><p class="quiet">{escape(point.look)}</p>' if point else ""


def answer_line(view: InspectionView, area: str) -> str:
    """The answer on record."""
    answer = view.answers.get(area)
    if answer is None:
        return '<p class="quiet">Not answered yet.</p>'
    result = f": {RESULTS[answer.result]}" if answer.result else ""
    note = f" ({escape(answer.note)})" if answer.note else ""
    return f'<p class="good">✓ {STATES[answer.state]}{result}{note}</p>'


def picture(item: PhotographView | None, finding: Finding | None) -> str:
    """A photograph with the boxes of its findings, the current one marked."""
    if item is None:
        return '<div class="photo empty">No photograph at this point yet.</div>'
    width, height = item.photograph.width, item.photograph.height
    boxes = "".join(
        f'<div class="box {one.state}{" current" if finding and one.id == finding.id else ""}" style="left:{100 * x0 / width:.2f}%;'
        f'top:{100 * y0 / height:.2f}%;width:{100 * (x1 - x0) / width:.2f}%;height:{100 * (y1 - y0) / height:.2f}%">'
        f"<span>{number}</span></div>"
        for number, one in enumerate(item.findings, 1)
        for x0, y0, x1, y1 in [one.box]
    )
    return (
        f'<div class="photo"><div class="frame" style="aspect-ratio:{width}/{height}; max-width:calc(42vh * {width} / {height})">'
        f'<img src="photograph/{item.view.sha256}.jpg" alt="Photograph {escape(item.view.name)}">{boxes}</div></div>'
    )


def suggestion(item: PhotographView | None, finding: Finding | None, position: int, count: int) -> str:
    """What the model says of the photograph, and of the finding in focus."""
    if item is None:
        return ""
    place = (
        f'<p class="quiet">{position + 1} of {count} · {escape(item.view.name)}</p>'
        if count > 1
        else f'<p class="quiet">{escape(item.view.name)}</p>'
    )
    if item.view.state == "waiting":
        return place + '<p class="busy" role="status">Looking at the photograph …</p>'
    if item.view.state == "failed":
        return place + f'<p class="warn">This photograph could not be checked: {escape(item.view.error or "")}. Look at it yourself.</p>'
    problems = f'<p class="warn">⚠ {escape("; ".join(item.view.problems))}: take it again?</p>' if item.view.problems else ""
    if finding is None:
        nothing = "Nothing found. The model misses things: look yourself." if item.view.verdict == "nothing_found" else ""
        return f'{place}{problems}<p class="nothing" role="status">{nothing}</p><p class="quiet">{escape(item.view.model or "")}</p>'
    likely = "".join(f"<li>{escape(title(label))} <b>{chance:.0%}</b></li>" for label, chance in finding.candidates[:3])
    known = LABELS.get(finding.label)
    hints = (
        f"<p>Look for: {escape(known.look_for)}.<br>Looks alike: {escape(known.look_alikes)}.</p>" if known and known.contaminant else ""
    )
    kind = CTPAT_CLASS.get(Group(finding.group), "") if finding.group in list(Group) else ""
    decided = ""
    if finding.state != "suggested":
        to = f": {escape(title(finding.decided_label))}" if finding.state == "corrected" and finding.decided_label else ""
        decided = f'<p class="good" role="status">✓ {DECISIONS[finding.state]}{to}, by {escape(finding.decided_by or "")}</p>'
    return (
        f'{place}{problems}<h3 class="suspect">{"Suspect" if item.view.verdict == "suspect" else "Unsure"}: {escape(title(finding.label))} '
        f'<b>{finding.probability:.0%}</b></h3>{decided}<p>{escape(finding.reason)}.</p><ol class="candidates">{likely}</ol>'
        f'<details><summary>What to look for</summary>{hints}<p class="quiet">{escape(kind)}</p><p class="quiet">{escape(item.view.model or "")}</p></details>'
    )


def closing(view: InspectionView) -> str:
    """What is missing before the inspection may be closed."""
    if view.inspection.closed_at:
        return f'<p class="good">✓ Closed by {escape(view.inspection.closed_by or "")} at {_when(view.inspection.closed_at)} UTC. It cannot be changed any more.</p>'
    missing = view.missing()
    if not missing:
        return '<p class="good">✓ Every point is answered and every finding decided.</p>'
    return (
        f"<details><summary>{len(missing)} still open</summary><ul>{''.join(f'<li>{escape(line)}</li>' for line in missing)}</ul></details>"
    )


def _when(at: str | None) -> str:
    return escape(at[:16].replace("T", " ")) if at else ""
