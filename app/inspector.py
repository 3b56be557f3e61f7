"""The inspector's page: which components there are, and what happens on a touch. The truth is in the records; a tab holds only
which inspection, point and finding it looks at."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any

import gradio as gr

from app import pages
from pestcheck.ids import uuid7
from pestcheck.inspection.identifiers import container_number
from pestcheck.photo import PhotoError
from pestcheck.records import CONTAMINANTS, RESULTS, STATES, InspectionView, PhotographView, Records, Refused
from pestcheck.store.tables import Finding

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
READ_ADDRESS = "() => new URLSearchParams(location.search).get('inspection') || ''"
WRITE_ADDRESS = "(id) => history.replaceState(null, '', id ? '?inspection=' + encodeURIComponent(id) : location.pathname)"
Items = list[tuple[PhotographView, Finding | None]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tab is: an inspection ("" is the start page), a point of it, and which photograph or finding there."""

    inspection: str = ""
    area: str = ""
    position: int = 0


def items(view: InspectionView, area: str) -> Items:
    """What can be paged through at a point: each finding, and each photograph without any."""
    return [(item, finding) for item in view.at(area) for finding in item.findings or (None,)]


def undecided(found: Items, start: int = 0) -> int:
    """The first finding from ``start`` on, then from the beginning, that waits for a decision; else ``start``."""
    order = [*range(start, len(found)), *range(min(start, len(found)))]
    return next((i for i in order if (finding := found[i][1]) and finding.state == "suggested"), min(start, max(0, len(found) - 1)))


def page(records: Records) -> gr.Blocks:
    """Build the page over the records."""
    blocks: gr.Blocks
    with gr.Blocks(title="pestcheck", analytics_enabled=False, fill_width=True) as blocks:
        place = gr.State(Place())
        address = gr.Textbox(visible="hidden")
        with gr.Column(elem_id="start") as start:
            gr.HTML('<h1>pestcheck</h1><p class="quiet">Finds what you should look at twice. You decide; it never clears a container.</p>')
            with gr.Row():
                with gr.Column(min_width=420):
                    number = gr.Textbox(label="Container number", placeholder="CSQU 305438 3", elem_id="number", max_length=100)
                    check = gr.HTML()
                    reason = gr.Textbox(label="Why go on with this number?", visible=False, elem_id="reason", max_length=500)
                    inspector = gr.Textbox(label="Your name", elem_id="inspector", max_length=200)
                    begin = gr.Button("Start 7-point inspection", variant="primary", elem_id="begin")
                with gr.Column(min_width=420):
                    register = gr.HTML(elem_id="log")
                    gr.HTML('<a class="button" href="log.csv" download>Download the log (CSV)</a>')
        with gr.Column(visible=False, elem_id="inspection") as inspection:
            with gr.Row(elem_id="top"):
                heading = gr.HTML()
                back = gr.Button("All inspections", elem_id="back", scale=0, min_width=190)
            with gr.Row(elem_id="desk"):
                with gr.Column(elem_id="list"):
                    points = gr.Radio(label="Points", elem_id="points")
                with gr.Column(elem_id="end"):
                    closing = gr.HTML(elem_id="closing")
                    close = gr.Button("Close inspection", elem_id="close")
                with gr.Column(elem_id="work"):
                    hint = gr.HTML(elem_id="hint")
                    with gr.Row(elem_id="cameras") as cameras:
                        take = gr.UploadButton("Take photograph", file_types=["image"], variant="primary", elem_id="take")
                        choose = gr.UploadButton("Choose photographs", file_types=["image"], file_count="multiple", elem_id="choose")
                    picture = gr.HTML(elem_id="picture")
                    with gr.Row(elem_id="pager") as pager:
                        previous, following = gr.Button("◀ Previous", elem_id="previous"), gr.Button("Next ▶", elem_id="next")
                    suggestion = gr.HTML(elem_id="suggestion")
                    with gr.Row(elem_id="decide") as decisions:
                        confirm = gr.Button("Confirm", variant="primary", elem_id="confirm")
                        reject = gr.Button("Not a contaminant", elem_id="reject")
                    with gr.Row(elem_id="correcting") as correcting:
                        label = gr.Dropdown(
                            [(name, key) for key, name in CONTAMINANTS.items()], label="It is something else", elem_id="label"
                        )
                        correct = gr.Button("Correct", elem_id="correct")
                    with gr.Group(elem_id="answer") as answering:
                        state = gr.Radio([(name, key) for key, name in STATES.items()], label="This point was", elem_id="state")
                        result = gr.Radio([(name, key) for key, name in RESULTS.items()], label="Result", elem_id="result")
                        note = gr.Textbox(label="Note", elem_id="note", max_length=2000)
                        save = gr.Button("Save answer, next point", variant="primary", elem_id="save")
                    on_record = gr.HTML(elem_id="on-record")
        timer = gr.Timer(POLL_SECONDS, active=False)

        seen = [
            place, heading, points, closing, close, hint, cameras, picture, pager, suggestion, decisions, correcting, answering,
            on_record, timer,
        ]  # fmt: skip
        form = [state, result, note, label]
        shown = [start, inspection, register, address, *seen, *form]

        def look(at: Place) -> list[Any]:
            """Values of ``seen``, from the records as they are now."""
            view = records.inspection(at.inspection)
            found = items(view, at.area)
            at = replace(at, position=min(at.position, max(0, len(found) - 1)))
            item, finding = found[at.position] if found else (None, None)
            open_ = view.inspection.closed_at is None
            decidable = gr.update(visible=open_ and finding is not None)
            return [
                at, pages.heading(view), gr.update(choices=pages.point_choices(view), value=at.area), pages.closing(view),
                gr.update(visible=open_, variant="secondary" if view.missing() else "primary"), pages.point_hint(view, at.area),
                gr.update(visible=open_), pages.picture(item, finding), gr.update(visible=len(found) > 1),
                pages.suggestion(item, finding, at.position, len(found)), decidable, decidable,
                gr.update(visible=open_), pages.answer_line(view, at.area),
                gr.update(active=any(one.view.state == "waiting" for one in view.photographs)),
            ]  # fmt: skip

        def go(at: Place) -> list[Any]:
            """Values of ``shown``: the start page, or a point of an inspection with its answer as it stands."""
            if not at.inspection:
                nothing = [gr.skip() for _ in (*seen[1:], *form)]
                return [gr.update(visible=True), gr.update(visible=False), pages.log(records.inspections()), "", at, *nothing]
            view = records.inspection(at.inspection)
            area = at.area or view.next_area
            found, answer = items(view, area), view.answers.get(area)
            filled = [answer.state, answer.result, answer.note] if answer else ["inspected", None, ""]
            seen_now = look(Place(at.inspection, area, undecided(found, at.position)))
            return [gr.update(visible=False), gr.update(visible=True), gr.skip(), at.inspection, *seen_now, *filled, None]

        def actor(at: Place) -> str:
            return records.inspection(at.inspection).inspection.inspector

        def enter(wanted: str) -> list[Any]:
            try:
                return go(Place(wanted))
            except Refused as error:
                gr.Warning(str(error))
                return go(Place())

        def on_number(typed: str) -> list[Any]:
            read = container_number(typed)
            return [pages.number_check(typed), gr.update(visible=bool(read.text and read.problem))]

        def on_begin(typed: str, name: str, why: str | None) -> list[Any]:
            opened = records.open(uuid7(), number=typed, inspector=name, override_reason=why or "").inspection.id
            return [*go(Place(opened)), "", ""]  # the number must not wait there for the next container

        def on_photographs(files: str | list[str], at: Place) -> list[Any]:
            refused = []
            for file in map(Path, [files] if isinstance(files, str) else files):
                try:
                    records.photograph(at.inspection, at.area, file.read_bytes(), name=file.name, actor=actor(at))
                except PhotoError as error:
                    refused.append(f"{file.name}: {error}")
                finally:
                    file.unlink(missing_ok=True)  # the original is in the store; Gradio's copy would fill the disk
            if refused:
                gr.Warning(". ".join(refused), duration=15)
            return go(replace(at, position=len(items(records.inspection(at.inspection), at.area)) - 1))

        def deciding(decision: str) -> Callable[..., list[Any]]:
            def on_decision(at: Place, chosen: str | None = None) -> list[Any]:
                found = items(records.inspection(at.inspection), at.area)
                if at.position < len(found) and (finding := found[at.position][1]):
                    records.decide(finding.id, decision, actor=actor(at), label=chosen)
                return [*look(replace(at, position=undecided(items(records.inspection(at.inspection), at.area), at.position))), None]

            return on_decision

        def on_save(at: Place, how: str, seen_: str | None, remark: str) -> list[Any]:
            records.answer(at.inspection, at.area, state=how, result=seen_, note=remark, actor=actor(at))
            return go(Place(at.inspection))

        def on_close(at: Place) -> list[Any]:
            records.close(at.inspection, actor=actor(at))
            return go(at)

        def turn(by: int) -> Callable[[Place], list[Any]]:
            def on_turn(at: Place) -> list[Any]:
                count = max(1, len(items(records.inspection(at.inspection), at.area)))
                return look(replace(at, position=(at.position + by) % count))

            return on_turn

        def on_tick(at: Place) -> list[Any]:
            found = items(records.inspection(at.inspection), at.area)
            return look(replace(at, position=undecided(found, at.position)))

        quick: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        moved = {"fn": None, "inputs": [address], "js": WRITE_ADDRESS, "api_visibility": "private"}
        blocks.load(told(enter), [address], shown, js=READ_ADDRESS, **quick)
        number.change(on_number, [number], [check, reason], trigger_mode="always_last", **quick)
        begin.click(told(on_begin), [number, inspector, reason], [*shown, number, reason], **quick).success(**moved)
        back.click(lambda: go(Place()), None, shown, **quick).success(**moved)
        points.input(told(lambda area, at: go(Place(at.inspection, area))), [points, place], shown, **quick)
        for upload in (take, choose):
            upload.upload(told(on_photographs), [upload, place], shown, **(quick | {"show_progress": "minimal"}))
        confirm.click(told(deciding("confirmed")), [place], [*seen, label], **quick)
        reject.click(told(deciding("rejected")), [place], [*seen, label], **quick)
        correct.click(told(deciding("corrected")), [place, label], [*seen, label], **quick)
        previous.click(turn(-1), [place], seen, **quick)
        following.click(turn(1), [place], seen, **quick)
        state.change(lambda how: gr.update(visible=how == "inspected"), [state], [result], **quick)
        save.click(told(on_save), [place, state, result, note], shown, **quick)
        close.click(told(on_close), [place], shown, **quick)
        timer.tick(on_tick, [place], seen, **quick)
    return blocks


def told(handler: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    """A handler whose refusals are shown to the person instead of logged as failures."""

    @wraps(handler)
    def run(*args: Any) -> list[Any]:
        try:
            return handler(*args)
        except Refused as error:
            raise gr.Error(str(error), duration=8, print_exception=False, title="Not yet") from error
        except OSError as error:
            log.exception("not saved")
            says = f"{error.strerror or error}. Tell whoever looks after the computer, then do it again."
            raise gr.Error(says, duration=None, print_exception=False, title="Not saved") from error

    return run
