"""Plots that the server draws, as SVG: lines with bands, bars with whiskers, a container with its heat. Colours come from static/plot.css.

Each has a title and a description for those who do not see it, and stands beside a table with the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import count

from markupsafe import Markup

from app.pages.drawing import SIDES
from pestcheck.rates import Rate

Percent = Callable[[float], str]
WIDE, HIGH, LEFT, FOOT, TOP = 720.0, 260.0, 56.0, 30.0, 12.0
BAR, GAP, NAMES, AFTER = 14.0, 12.0, 210.0, 74.0
STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25)
HEATS = (0.0, 0.02, 0.05, 0.1, 0.2)
"""From where each degree of heat begins, as a share; not to one finding, which is what 0 is for."""
_numbers = count()


@dataclass(frozen=True, slots=True)
class Series:
    """One line: its name, the number of its colour and mark (0 to 3), and a rate at each place; None, or a rate of nothing: a gap."""

    name: str
    colour: int
    rates: Sequence[Rate | None]


def lines(
    series: Sequence[Series],
    places: Sequence[str],
    *,
    title: str,
    says: str,
    percent: Percent,
    limit: float | None = None,
    wide: float = WIDE,
) -> Markup:
    """Lines over places (weeks), each in a band of its 95 % interval. ``limit``: a line across."""
    known = [rate for one in series for rate in one.rates if rate and rate.of]
    top, step = _scale([_seen(rate) for rate in known] + ([limit * 1.1] if limit else []))

    def x(n: float) -> float:
        return LEFT + (n + 0.5) * (wide - LEFT - 8) / max(1, len(places))

    def y(share: float) -> float:
        return TOP + (HIGH - TOP - FOOT) * (1 - min(share, top) / top)

    parts = []
    for n in range(round(top / step) + 1):
        parts.append(
            f'<path class="grid" d="M{LEFT} {y(n * step):.1f}H{wide - 8}"/>{_text(LEFT - 8, y(n * step) + 5, percent(n * step), "end")}'
        )
    every = max(1, -(-len(places) // int(wide / 80)))
    parts += [_text(x(n), HIGH - 8, place, "middle") for n, place in enumerate(places) if n % every == 0]
    if limit is not None:
        parts.append(f'<path class="limit" d="M{LEFT} {y(limit):.1f}H{wide - 8}"/>')
    for one in series:
        for run in _runs(one.rates):
            upper = " ".join(f"{x(n):.1f},{y(rate.interval[1]):.1f}" for n, rate in run)
            lower = " ".join(f"{x(n):.1f},{y(rate.interval[0]):.1f}" for n, rate in reversed(run))
            path = " ".join(f"{x(n):.1f},{y(rate.share or 0):.1f}" for n, rate in run)
            parts.append(
                f'<polygon class="band s{one.colour}" points="{upper} {lower}"/><polyline class="line s{one.colour}" points="{path}"/>'
            )
        for n, rate in ((n, rate) for n, rate in enumerate(one.rates) if rate and rate.of):
            parts.append(_mark(one.colour, x(n), y(rate.share or 0), f"{one.name}, {places[n]}: {_words(rate, percent)}"))
    return _svg(wide, HIGH, title, says, parts)


def bars(rows: Sequence[tuple[str, Sequence[tuple[str, int, Rate]]]], *, title: str, says: str, percent: Percent) -> Markup:
    """Bars, a row for each name, in it one for each series (name, colour, rate), with a whisker for the 95 % interval."""
    top, step = _scale([_seen(rate) for _, some in rows for _, _, rate in some if rate.of])

    def x(share: float) -> float:
        return NAMES + (WIDE - NAMES - AFTER) * min(share, top) / top

    parts: list[str] = []
    y = TOP
    for name, some in rows:
        middle = y + len(some) * (BAR + 2) / 2 + 4
        parts.append(_text(NAMES - 10, middle, name if len(name) < 28 else name[:26] + "…", "end"))
        for series, colour, rate in some:
            low, high = rate.interval
            tip = f"<title>{escape(f'{name}, {series}: {_words(rate, percent)}')}</title>"
            bar = f'<rect class="bar s{colour}" x="{NAMES}" y="{y:.1f}" width="{max(1.5, x(rate.share or 0) - NAMES):.1f}" height="{BAR}"/>'
            line = y + BAR / 2
            whisker = f'<path class="whisker" d="M{x(low):.1f} {line:.1f}H{x(high):.1f}M{x(low):.1f} {line - 4:.1f}v8M{x(high):.1f} {line - 4:.1f}v8"/>'
            parts.append(f"<g>{tip}{bar}{whisker}{_text(x(high) + 6, y + BAR - 2, percent(rate.share or 0), 'start')}</g>")
            y += BAR + 2
        y += GAP
    for n in range(round(top / step) + 1):
        parts.insert(0, f'<path class="grid" d="M{x(n * step):.1f} {TOP}V{y}"/>{_text(x(n * step), y + 14, percent(n * step), "middle")}')
    return _svg(WIDE, y + 22, title, says, parts)


def heat(rates: Mapping[str, Rate], words: Callable[[str], str], *, title: str, says: str, percent: Percent) -> Markup:
    """A container as one looks in through its doors: the darker and the more strokes, the more often something was found at a side."""
    parts: list[str] = []
    labels: list[str] = []
    for area, (corners, (x, y)) in SIDES.items():
        if area not in rates:
            continue
        rate = rates[area]
        share = rate.share or 0
        degree = sum(share > start for start in HEATS)
        shapes = "".join(f'<polygon points="{one.strip()}"/>' for one in corners.split("M"))
        tip = f"<title>{escape(f'{words(area)}: {_words(rate, percent)}')}</title>"
        parts.append(f'<g class="heat h{degree}">{tip}{shapes}</g>')
        labels.append(_text(x, y + 7, percent(share), "middle"))
    return _svg(520, 300, title, says, [*parts, f'<g class="heat">{"".join(labels)}</g>']) if parts else Markup("")


def _svg(wide: float, high: float, title: str, says: str, parts: Sequence[str]) -> Markup:
    key = f"plot-{next(_numbers)}"
    return Markup(
        f'<svg class="plot" viewBox="0 0 {wide:.0f} {high:.0f}" role="img" aria-labelledby="{key}-t {key}-d">'
        f'<title id="{key}-t">{escape(title)}</title><desc id="{key}-d">{escape(says)}</desc>{"".join(parts)}</svg>'
    )


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _mark(colour: int, x: float, y: float, says: str) -> str:
    """Circle, square, triangle, cross: not everybody sees colours."""
    shapes = (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>', f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8"/>',
        f'<polygon points="{x:.1f},{y - 5:.1f} {x + 5:.1f},{y + 4:.1f} {x - 5:.1f},{y + 4:.1f}"/>',
        f'<path d="M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8"/>',
    )  # fmt: skip
    return f'<g class="mark s{colour}"><title>{escape(says)}</title>{shapes[colour % 4]}</g>'


def _words(rate: Rate, percent: Percent) -> str:
    low, high = rate.interval
    return f"{percent(rate.share or 0)} ({percent(low)}–{percent(high)}), {rate.found}/{rate.of}"


def _seen(rate: Rate) -> float:
    """How high a rate reaches on its scale: its interval, but one of few inspections must not press all else to the ground."""
    return min(rate.interval[1], max(2.5 * (rate.share or 0), 0.3))


def _scale(highs: Sequence[float]) -> tuple[float, float]:
    """The end of a scale, and the step of its lines: about five of them."""
    high = min(1.0, max(highs, default=0.1) or 0.1)
    step = next((step for step in STEPS if high / step <= 5), 0.25)
    return min(1.0, -(-high // step) * step), step


def _runs(rates: Sequence[Rate | None]) -> list[list[tuple[int, Rate]]]:
    """The stretches without a gap."""
    runs: list[list[tuple[int, Rate]]] = [[]]
    for n, rate in enumerate(rates):
        if rate and rate.of:
            runs[-1].append((n, rate))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]
