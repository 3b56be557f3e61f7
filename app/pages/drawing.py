"""A container drawn as one looks in through its open doors, each side in the colour of its state, each leading to its point."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape

from app.inspector.place import Place

SIDES: dict[str, tuple[str, tuple[int, int]]] = {
    "ceiling_roof": ("110,20 410,20 340,80 180,80", (260, 50)),
    "left_side": ("110,20 180,80 180,190 110,250", (145, 135)),
    "right_side": ("410,20 340,80 340,190 410,250", (375, 135)),
    "floor": ("110,250 180,190 340,190 410,250", (260, 222)),
    "front_wall": ("180,80 340,80 340,190 180,190", (260, 135)),
    "doors": ("110,20 20,44 20,276 110,250 M 410,20 500,44 500,276 410,250", (62, 148)),
    "outside_undercarriage": ("110,258 410,258 400,290 120,290", (260, 275)),
    "fan_housing": ("205,86 315,86 315,116 205,116", (260, 101)),
}
"""Corners of each side, and where its mark stands. Doors are two."""
MARKS = {"todo": "", "good": "✓", "bad": "!", "skipped": "–"}
"""Beside the colour: not everybody sees that, and the sun takes it."""


def container(states: Mapping[str, str], words: Callable[[str], str], *, current: str = "", place: Place | None = None) -> str:
    """The drawing.

    Args:
        states: by area, of MARKS; areas that are no side of a container are left out. words: the name of an area.
        current: the side to be picked out. place: to make each side lead to its point from there; None: only a picture.

    Returns:
        SVG, or "" where no area is a side of a container.
    """
    here = [area for area in SIDES if area in states]
    if not here:
        return ""
    parts = []
    for area in here:
        corners, (x, y) = SIDES[area]
        shapes = "".join(f'<polygon points="{one.strip()}"/>' for one in corners.split("M"))
        mark = MARKS[states[area]]
        inner = f"<title>{escape(words(area))}</title>{shapes}" + (f'<text x="{x}" y="{y + 9}">{mark}</text>' if mark else "")
        kind = f"side {states[area]}{' current' if area == current else ''}"
        if place:
            # The list beside it has the same ways, for the keyboard and the screen reader.
            inner = f'<a href="{escape(place.to("point", area=area, photograph="", finding="").address)}" tabindex="-1">{inner}</a>'
        parts.append(f'<g class="{kind}">{inner}</g>')
    named = words(current) if current in here else ""
    role = f'role="img" aria-label="{escape(named)}"' if named else 'aria-hidden="true"'
    return f'<svg class="container-drawing" viewBox="10 10 500 290" {role}>{"".join(parts)}</svg>'
