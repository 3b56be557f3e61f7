"""What is around every page: what a touch led to, the settings, and what the browser loads."""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape
from pathlib import Path

from app.forms import THEMES
from app.gradio import gr
from app.inspector.place import Desk, Place, Told
from app.pages.html import attributes, button
from app.pages.ways import ways
from pestcheck.i18n import LANGUAGES
from pestcheck.ids import uuid7

STATIC = Path(__file__).parents[1] / "static"
HEAD = """
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="theme-color" content="#047857">
<meta name="apple-mobile-web-app-capable" content="yes">
<meta name="apple-mobile-web-app-title" content="pestcheck">
<link rel="icon" href="app/icon.svg">
<link rel="apple-touch-icon" href="app/icon-180.png">
<link rel="stylesheet" href="app/colours.css">
<link rel="stylesheet" href="app/inspector.css">
<link rel="stylesheet" href="app/photograph.css">
<link rel="stylesheet" href="app/offline.css">
<script src="app/theme.js"></script>
<script src="app/session.js"></script>
<script src="app/inspector.js"></script>
<script src="app/photograph.js"></script>
<script src="app/outbox.js"></script>
<script src="app/offline.js"></script>
<script src="app/camera.js"></script>
"""


def theme() -> gr.themes.Base:
    """Gradio's plain theme with the tablet's own fonts: a depot has no network to fetch others."""
    sans, mono = ["system-ui", "sans-serif"], ["ui-monospace", "monospace"]
    return gr.themes.Base(font=sans, font_mono=mono)


def told(desk: Desk, place: Place, what: Told, key: str, *, read: Iterable[str] | None = None) -> str:
    """What a touch led to, and for the browser: which message it answers, and where the tablet is now.

    Args:
        read: what was read from a photograph, to be taken or not; None: nothing was.
    """
    t = desk.t
    data = attributes(
        id="answer", data_id=key, data_turn=uuid7(), data_at=json.dumps(place.values() | ({"after": after} if (after := desk.after(place)) else {})), data_address=place.address, data_language=desk.language
    )  # fmt: skip
    inner = ""
    if what.text:
        undo = button(t("Undo"), what.undo[0], kind="plain", at=what.undo[1], **what.undo[2]) if what.undo else ""
        role = "alert" if what.kind == "warn" else "status"
        inner = f'<div class="toast {what.kind}" role="{role}"><p>{escape(what.text)}</p>{undo}<button type="button" class="b plain" data-press="hush" aria-label="{escape(t("Close"))}">✕</button></div>'
    if read is not None:
        found = "".join(f'<button type="button" class="b chip" data-fill="{escape(text)}">{escape(text)}</button>' for text in read)
        says = t("Compare with the object, then tap the right one.") if found else t("Nothing could be read. Type it.")
        inner = f'<div class="toast" role="status"><p>{escape(says)}</p>{found}<button type="button" class="b plain" data-press="hush" aria-label="{escape(t("Close"))}">✕</button></div>'
    return f"<div{data}>{inner}</div>"


def you(desk: Desk, form: tuple[str, str]) -> str:
    """Who is signed in, the way to other pages, and the way out. ``form``: the field that its forms must bring back."""
    t, by = desk.t, desk.person
    others = "".join(f'<a class="b" href="{address}">{escape(t(name))}</a>' for address, name in ways(by) if address != "/")
    pages = f'<nav class="you" aria-label="{escape(t("Pages"))}">{others}</nav>' if others else ""
    if not by.account:
        return f'<p class="quiet">{escape(t("There are no accounts here: whoever has this computer may do everything."))}</p>{pages}'
    secret = f'<input type="hidden" name="{escape(form[0])}" value="{escape(form[1])}">'
    return (
        f'<div class="you"><a class="b" href="own">{escape(by.name)}</a>'
        f'<form class="lock" method="post" action="lock">{secret}<button class="b">{escape(t("Lock"))}</button></form>'
        f'<form method="post" action="logout">{secret}<button class="b">{escape(t("Sign out"))}</button></form></div>{pages}'
    )


def settings(desk: Desk, form: tuple[str, str]) -> str:
    """Who is signed in, language and theme, and the words for what the browser says by itself. ``form``: see ``you``."""
    t = desk.t
    languages = "".join(
        f'<button type="button" class="b" data-set="language" data-value="{key}" lang="{key}" aria-pressed="{str(key == desk.language).lower()}">{name}</button>'
        for key, name in LANGUAGES.items()
    )
    themes = "".join(
        f'<button type="button" class="b" data-set="theme" data-value="{key}">{escape(t(name))}</button>' for key, name in THEMES.items()
    )
    by = attributes(data_account=desk.person.account, data_name=desk.person.name if desk.person.account else None)  # for static/outbox.js
    return (
        f'<dialog id="settings"{by} aria-labelledby="settings-title"><h2 id="settings-title">{escape(t("Settings"))}</h2>'
        f'{you(desk, form)}<h3>{escape(t("Language"))}</h3><div class="answers few">{languages}</div>'
        f'<h3>{escape(t("Colours"))}</h3><div class="answers few">{themes}</div>'
        f'<button type="button" class="b primary" data-press="settings-close">{escape(t("Close"))}</button></dialog>'
    )
