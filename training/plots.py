"""The plots of a model folder, from its ``metrics.json``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import altair as alt
from PIL import Image

PIXELS_PER_INCH = 144
PLAIN = 72
"""For documents, whose pictures are small."""
PERCENT = alt.Axis(format="%")
WHOLE = alt.Scale(domain=[0, 1])


def write_plots(folder: Path, metrics: dict[str, Any]) -> list[str]:
    """Write every plot as PNG into ``folder``; returns the names of the files."""
    charts = {
        "found_by_length": _found_by_length(metrics["photographs"]),
        "reliability": _reliability(metrics["reliability"]),
        "labels": _labels(metrics["unseen_sources"]["per_label"]),
        "confusion": _confusion(metrics["failures"]["taken_for"]),
    }
    for name, chart in charts.items():
        chart.save(str(folder / f"{name}.png"), ppi=PIXELS_PER_INCH)
    return [f"{name}.png" for name in charts]


def _found_by_length(photographs: dict[str, Any]) -> Any:
    rows = [
        {"photographs": kind.replace("_", " "), "length": band, "found": entry["found"]["value"],
         "low": entry["found"]["interval"][0], "high": entry["found"]["interval"][1]}
        for kind, part in photographs.items() for band, entry in part["by_length"].items() if entry["found"]["value"] is not None
    ]  # fmt: skip
    x = alt.X("length:N", sort=None, title="length in pixels of a photograph 1792 pixels wide")
    base = alt.Chart(alt.Data(values=rows), title="Found by length, with 95 % intervals", width=420, height=260)
    offset = alt.XOffset("photographs:N")
    bars = base.mark_bar().encode(x=x, xOffset=offset, y=alt.Y("found:Q", scale=WHOLE, axis=PERCENT, title="found"), color="photographs:N")
    return bars + base.mark_rule().encode(x=x, xOffset=offset, y="low:Q", y2="high:Q")


def _reliability(bins: list[dict[str, Any]]) -> Any:
    base = alt.Chart(alt.Data(values=bins), title="How often the first label is right, by its probability", width=300, height=300)
    points = base.mark_circle(opacity=1).encode(
        x=alt.X("said:Q", scale=WHOLE, axis=PERCENT, title="said"), y=alt.Y("right:Q", scale=WHOLE, axis=PERCENT, title="right"),
        size=alt.Size("pictures:Q", title="pictures"),
    )  # fmt: skip
    line = (
        alt.Chart(alt.Data(values=[{"x": 0, "y": 0}, {"x": 1, "y": 1}])).mark_line(strokeDash=[4, 4], color="grey").encode(x="x:Q", y="y:Q")
    )
    return line + points


def _labels(per_label: dict[str, Any]) -> Any:
    rows = [
        {"label": f"{label.replace('_', ' ')} ({entry['pictures']})", "measure": measure, "share": entry[key]}
        for label, entry in per_label.items() for measure, key in (("flagged", "flagged"), ("right label first", "recall"))
    ]  # fmt: skip
    return (
        alt.Chart(alt.Data(values=rows), title="By label, with the number of pictures; surfaces should not be flagged", width=420)
        .mark_bar()
        .encode(
            y=alt.Y("label:N", sort=None, title=""),
            yOffset="measure:N",
            x=alt.X("share:Q", scale=WHOLE, axis=PERCENT, title=""),
            color="measure:N",
        )
    )


def _confusion(pairs: list[list[Any]]) -> Any:
    rows = [{"shown": truth.replace("_", " "), "named": guess.replace("_", " "), "pictures": n} for truth, guess, n in pairs]
    base = alt.Chart(alt.Data(values=rows), title="The labels most often taken for others").encode(
        x=alt.X("named:N", title="named"), y=alt.Y("shown:N", title="shown")
    )
    return base.mark_rect().encode(color=alt.Color("pictures:Q", title="pictures")) + base.mark_text().encode(text="pictures:Q")


def write_loop(path: Path, curves: Sequence[dict[str, Any]]) -> None:
    """Draw what labels in the order of the queue, and of chance, teach (``training.loop``), with 95 % intervals."""
    rows = [
        {"pictures": f"fold {one['fold']}, {one['pool']}", "labels": one["labels"], "order": order, "value": one[order][0], "low": one[order][1],
         "high": one[order][2]}
        for one in curves if one["measure"] == "top1" for order in ("queue", "random")
    ]  # fmt: skip
    base = alt.Chart().encode(x=alt.X("labels:Q", title="labels given"), color=alt.Color("order:N", title="order"))
    y = alt.Y("value:Q", scale=alt.Scale(zero=False), axis=PERCENT, title="named right")
    band = base.mark_area(opacity=0.2).encode(y=alt.Y("low:Q", scale=alt.Scale(zero=False)), y2="high:Q")
    chart = alt.layer(band, base.mark_line(point=True).encode(y=y), data=alt.Data(values=rows)).properties(width=300, height=220)
    chart.facet(facet=alt.Facet("pictures:N", title=None), columns=2).resolve_scale(y="independent").save(str(path), ppi=PLAIN)
    if path.suffix == ".png":
        with Image.open(path) as picture:
            few = picture.convert("RGB").quantize(64)
        few.save(path, optimize=True)
