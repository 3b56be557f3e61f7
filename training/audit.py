"""Find pictures whose label is probably wrong: ``python -m training.audit --data DATA --out training/dropped.csv``.

Method: confident learning (Northcutt, Jiang and Chuang 2021, "Confident Learning: Estimating Uncertainty in Dataset Labels",
Journal of Artificial Intelligence Research 70, https://doi.org/10.1613/jair.1.12125), as implemented by the package cleanlab
(https://github.com/cleanlab/cleanlab, Apache-2.0 since version 2.8.0, AGPL-3.0 before). Every picture gets label
probabilities from a model that was not fitted on it: frozen EfficientNet-Lite0 features and logistic regression, in five folds that
keep a split group together. A picture is a candidate if both of cleanlab's prunings name it: by the estimated noise rate of each pair
of labels, and by the label with the lowest estimated accuracy (``filter_by="both"``), the most certain ones first.

A candidate is no verdict: of the 210 that this found in the makers' collection of 12,170 pictures 38 were wrong by eye, the others hard.
Nor does it find everything. A wrong kind of picture that recurs under its label (drawings, cracked mud as concrete) is learnt as the label:
of the 426 rows of ``dropped.csv`` that are no scenes 38 were candidates, the others were found by looking at whole classes, the least probable first.

Candidates are added to the list with an empty action, which ``training.data.read_manifest`` refuses. Look at each, then write "drop" (shows
something else, nothing to be seen, a drawing or toy), the right label of the manifest (the given one if it is right), or take it out.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from sklearn.model_selection import StratifiedGroupKFold

from pestcheck import taxonomy
from training import data

FOLDS = 5
COLUMNS = ["path", "label", "action", "reason"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A picture whose label is doubted: its place in the list that was audited, the label suggested, and the probabilities of both."""

    index: int
    suggested: int
    given_probability: float
    suggested_probability: float


def out_of_sample(features: np.ndarray, truth: np.ndarray, groups: list[str], labels: int, seed: int = 0) -> np.ndarray:
    """Label probabilities of each picture, shape (n, labels), from a regression that saw no picture of its group.

    Args:
        features: one row a picture. truth: index of the given label of each. groups: what must stay together. labels: how many there are.
    """
    from training.baseline import logits

    chances = np.zeros((len(features), labels))
    for train, test in StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed).split(features, truth, groups):
        chances[test] = np.exp(logits(features[train], truth[train], np.ones(len(train)), features[test], labels))
    result: np.ndarray = chances / chances.sum(axis=1, keepdims=True)
    return result


def candidates(truth: np.ndarray, chances: np.ndarray) -> list[Candidate]:
    """The doubted pictures, the one whose given label is least probable first.

    Args:
        truth: index of the given label of each picture; every label must be carried by one. chances: out-of-sample, shape (n, labels).
    """
    from cleanlab.filter import find_label_issues

    ranked = find_label_issues(truth, chances, filter_by="both", return_indices_ranked_by="self_confidence", n_jobs=1)
    best = chances.argmax(axis=1)
    return [Candidate(int(i), int(best[i]), float(chances[i, truth[i]]), float(chances[i, best[i]])) for i in ranked]


def audit(pictures: list[data.Picture], features: np.ndarray) -> list[tuple[data.Picture, str, Candidate]]:
    """The pictures whose model label is doubted, each with the label suggested, the most certain first."""
    carried = {p.label for p in pictures}
    labels = [label for label in taxonomy.LABELS if label in carried]
    truth = np.array([labels.index(p.label) for p in pictures])
    chances = out_of_sample(features, truth, [p.group for p in pictures], len(labels))
    return [(pictures[c.index], labels[c.suggested], c) for c in candidates(truth, chances)]


def extend(path: Path, rows: list[list[str]]) -> int:
    """Add rows (in the order of COLUMNS) to a list, or start it; pictures that it already names stay as judged. Returns how many are new."""
    known: set[str] = set()
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            known = {row["path"] for row in csv.DictReader(file)}
    new = [row for row in rows if row[0] not in known]
    with path.open("a", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(new if file.tell() else [COLUMNS, *new])
    return len(new)


def main(
    folder: Annotated[Path, typer.Option("--data", help="Folder with manifest.csv and its pictures (see data/README.md).")],
    out: Annotated[Path, typer.Option(help="List to which the candidates are added, for example training/dropped.csv.")],
) -> None:
    """Add the pictures whose label is probably wrong to a list of corrections, for a person to judge."""
    from training.baseline import frozen_features
    from training.train import Config

    try:
        pictures = data.read_manifest(folder, corrections=None)
    except data.ManifestError as error:
        raise SystemExit(str(error)) from error
    found = audit(pictures, frozen_features(pictures, Config()))
    reasons = [f"perhaps {label} ({c.suggested_probability:.2f}, given label {c.given_probability:.2f})" for _, label, c in found]
    rows = [
        [picture.path.relative_to(folder).as_posix(), picture.manifest_label, "", reason]
        for (picture, _, _), reason in zip(found, reasons, strict=True)
    ]
    typer.echo(f"{len(found)} of {len(pictures)} labels are doubted; {extend(out, rows)} of them are new in {out}. Judge each by eye.")


if __name__ == "__main__":
    typer.run(main)
