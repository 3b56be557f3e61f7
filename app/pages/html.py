"""Pieces that every page is made of. Everything that comes from people or files is escaped here."""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape

from app.inspector.place import Place


def attributes(**values: object) -> str:
    """HTML attributes; True is one without a value, None and False none."""
    written = []
    for name, value in values.items():
        if value is not None and value is not False:
            key = name.rstrip("_").replace("_", "-")
            written.append(f" {key}" if value is True else f' {key}="{escape(str(value))}"')
    return "".join(written)


def button(words: str, deed: str, *, kind: str = "", note: str = "", at: Place | None = None, **form: object) -> str:
    """A button that asks the server for a deed.

    Args:
        kind: CSS classes. at: where it is to be done; None: where the tablet is. form: what it says beside the fields of its form.
    """
    values = json.dumps({key: value for key, value in form.items() if value is not None}, ensure_ascii=False) if form else None
    inner = escape(words) + (f"<small>{escape(note)}</small>" if note else "")
    where = json.dumps(at.values()) if at else None
    pressed = "true" if "chosen" in kind.split() else None
    given = attributes(type="button", class_=f"b {kind}", data_do=deed, data_form=values, data_at=where, aria_pressed=pressed)
    return f"<button{given}>{inner}</button>"


def press(words: str, what: str, *, kind: str = "", **more: object) -> str:
    """A button for what the browser itself does: open a camera, draw, print."""
    return f"<button{attributes(type='button', class_=f'b {kind}', data_press=what, **more)}>{escape(words)}</button>"


def link(words: str, place: Place, *, kind: str = "b", note: str = "", current: bool = False) -> str:
    """A way to another place."""
    inner = escape(words) + (f"<small>{escape(note)}</small>" if note else "")
    return f"<a{attributes(class_=kind, href=place.address, aria_current='page' if current else None)}>{inner}</a>"


def field(
    words: str, name: str, value: str = "", *, kind: str = "text", hint: str = "", lines: int = 1, keep: str = "", **more: object
) -> str:
    """A labelled field. ``keep``: the name under which the tablet remembers what was typed, for the next time."""
    says = f' aria-describedby="hint-{name}"' if hint else ""
    shared = attributes(name=name, id=f"f-{name}", data_keep=keep or None, **more) + says
    box = (
        f"<textarea{shared} rows={lines}>{escape(value)}</textarea>"
        if lines > 1
        else f"<input{shared}{attributes(type=kind, value=value)}>"
    )
    small = f'<p class="quiet" id="hint-{name}">{escape(hint)}</p>' if hint else ""
    return f'<div class="field"><label for="f-{name}">{escape(words)}</label>{box}{small}</div>'


def form(*parts: str, deed: str) -> str:
    """Fields and the buttons that send them; Enter does ``deed``."""
    return f'<form data-do="{escape(deed)}" novalidate>{"".join(parts)}</form>'


def more(words: str, *parts: str, open: bool = False) -> str:
    """What is shown on a touch."""
    return f"<details{' open' if open else ''}><summary>{escape(words)}</summary>{''.join(parts)}</details>"


def bullets(lines: Iterable[str], *, ordered: bool = False) -> str:
    """A list of plain texts."""
    tag = "ol" if ordered else "ul"
    return f"<{tag}>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</{tag}>"


def page(title: str, *columns: str, name: str, quiet: str = "", back: tuple[str, Place] | None = None, bar: str = "") -> str:
    """A whole page: a bar with the way back, the title, one column or two side by side on a lying tablet, and what comes next at the
    thumb. ``name`` tells two pages apart, so that what is typed survives when the same page is shown again."""
    way = link(f"‹ {back[0]}", back[1], kind="b back") if back else ""
    says = f'<p class="quiet">{quiet}</p>' if quiet else ""
    body = "".join(f'<div class="column">{column}</div>' for column in columns)
    foot = f'<div class="bar">{bar}</div>' if bar else ""
    return (
        f'<div class="page {"two" if len(columns) > 1 else "one"}" data-page="{escape(name)}">'
        f'<header class="top">{way}<div class="title"><h1 tabindex="-1">{escape(title)}</h1>{says}</div>'
        f'<button type="button" class="b settings" data-press="settings" aria-labelledby="settings-title">⚙</button></header>'
        f'<div class="columns">{body}</div>{foot}</div>'
    )
