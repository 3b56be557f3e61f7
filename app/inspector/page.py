"""The page in Gradio: a message of the browser comes in, the step of the flow that it leads to goes out.

The browser keeps the place in its address and the server nothing, so a reload or a server started anew changes nothing.
``static/inspector.js`` turns touches into messages: ``{"id", "do", "at", "form"}``. Photographs go another way: ``static/outbox.js``.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from app.forms import form_field
from app.gradio import gr
from app.identity import person
from app.inspector import flow
from app.inspector.place import Desk, Place, Told
from app.pages import frame
from pestcheck import i18n
from pestcheck.ids import is_id, uuid7
from pestcheck.inspection.guidance import Role
from pestcheck.inspection.journey import GAP
from pestcheck.inspection.selection import Plan
from pestcheck.inspection.watchlist import WatchList, shipped
from pestcheck.photo import PhotoError
from pestcheck.records import Conflict, Records, Refused

log = logging.getLogger(__name__)


def page(
    everything: Records,
    contacts: Mapping[Role, str],
    sites: Callable[[], list[str]] = list,
    gap: timedelta = GAP,
    plan: Plan | None = None,
    watch_list: WatchList | None = None,
) -> gr.Blocks:
    """Build the page over the records. ``contacts``: whom to call, by role. ``sites``: those that accounts are bound to. ``gap``, ``plan``: see ``Desk``.
    ``watch_list``: None: that of pestcheck."""
    watched = watch_list or shipped()

    def desk(request: gr.Request, key: str = "") -> Desk:
        assert request.request is not None
        by = person(request.request)
        theirs = sorted(by.sites) if by.sites is not None else sites()
        offered = tuple(theirs) if len(theirs) > (by.sites is not None) else ()
        return Desk(
            everything.within(by.sites), contacts, i18n.chosen(request), by, offered, key if is_id(key) else uuid7(), gap, plan, watched
        )

    def shown(at: Desk, place: Place, told: Told, key: str, request: gr.Request) -> list[Any]:
        """The page of a place, or the start where it cannot be shown."""
        try:
            place, html = flow.show(at, place)
        except Refused as error:
            place, html = flow.show(at, Place(inspection=place.inspection) if place.step else Place())
            told = Told(at.said(str(error)), "warn")
        return [html, frame.told(at, place, told, key), frame.settings(at, form_field(request)), json.dumps(place.values())]

    def act(message: str, request: gr.Request) -> list[Any]:
        said = json.loads(message)
        key, place = str(said.get("id", "")), Place.read(said.get("at"))
        given = {str(name): str(value) for name, value in (said.get("form") or {}).items() if value is not None}
        at = desk(request, key)
        try:
            place, told = flow.act(at, place, str(said.get("do", "")), given)
        except Conflict as error:
            return shown(at, place, Told(at.said(str(error)), "warn"), key, request)
        except Refused as error:
            return [gr.skip(), frame.told(at, place, Told(at.said(str(error)), "warn"), key), gr.skip(), gr.skip()]
        except OSError as error:
            log.exception("not saved")
            says = at.t("Not saved: {error}. Tell whoever looks after the computer, then do it again.", error=error.strerror or error)
            return [gr.skip(), frame.told(at, place, Told(says, "warn"), key), gr.skip(), gr.skip()]
        except Exception:
            log.exception("%s failed", said.get("do"))
            says = at.t(
                "That did not work, and nothing was changed. Load the page again; if it stays so, tell whoever looks after the computer."
            )
            return [gr.skip(), frame.told(at, place, Told(says, "warn"), key), gr.skip(), gr.skip()]
        return shown(at, place, told, key, request)

    def numbers(file: str, where: str, request: gr.Request) -> list[Any]:
        """Offer what may be written in a photograph; the person takes one, or types."""
        from pestcheck import reading

        at, place = desk(request), Place.read(json.loads(where))
        kinds = {"seal": reading.Kind.seal, "looks": reading.Kind.seal, "wood_new": reading.Kind.wpm_mark}
        kind = kinds.get(place.step, reading.Kind.size_type if "number" in place.draft else reading.Kind.container_number)
        try:
            found = [candidate.text for candidate in reading.read(Path(file).read_bytes(), [kind])]
        except (PhotoError, RuntimeError, OSError) as error:
            return [frame.told(at, place, Told(at.said(str(error)), "warn"), "")]
        finally:
            Path(file).unlink(missing_ok=True)
        return [frame.told(at, place, Told(), "", read=found)]

    blocks: gr.Blocks
    with gr.Blocks(title="pestcheck", analytics_enabled=False, fill_width=True) as blocks:
        settings, screen, told = (gr.HTML(elem_id=name, apply_default_css=False, js_on_load=None) for name in ("frame", "screen", "told"))
        message = gr.Textbox(visible="hidden", elem_id="message")
        where = gr.Textbox("{}", visible="hidden", elem_id="at")
        gr.Button(visible="hidden", elem_id="refresh")  # a click shows the page as it is now (static/inspector.js)
        with gr.Row(elem_id="outbox"):
            read = gr.UploadButton("Read number", file_types=["image"], elem_id="read")
        quick: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "queue": False, "trigger_mode": "multiple"}
        outputs = [screen, told, settings, where]
        message.change(act, [message], outputs, **quick)
        read.upload(numbers, [read, where], [told], **quick)
    return blocks
