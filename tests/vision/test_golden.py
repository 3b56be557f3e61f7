"""The shipped model says today what it said when it was released, and finds what it should."""

from __future__ import annotations

import json

import pytest

from pestcheck.vision import decide
from pestcheck.vision.scan import Report, Scanner
from tests import golden


@pytest.fixture(scope="module")
def reports(scanner: Scanner) -> dict[str, Report]:
    return {name: scanner.scan(data)[0] for name, data in golden.pictures()}


def test_golden_predictions(reports: dict[str, Report], scanner: Scanner) -> None:
    written = json.loads(golden.FILE.read_text("utf-8"))
    assert written["model"] == scanner.bundle.id, "a new model: read what it says, then python -m tests.golden"
    assert written["said"].keys() == reports.keys()
    for name, expected in written["said"].items():
        said = golden.summary(reports[name])
        # Other builds of libjpeg and ONNX Runtime round differently.
        assert said["score"] == pytest.approx(expected["score"], abs=0.05), name
        if (
            abs(expected["score"] - scanner.bundle.thresholds.suspect) > 0.05
            and abs(expected["score"] - scanner.bundle.thresholds.unsure) > 0.05
        ):
            assert said["verdict"] == expected["verdict"], name


def test_animals_are_found_where_they_lie(reports: dict[str, Report]) -> None:
    """An animal of 200 pixels, never trained on: at most two of eighteen pass unseen, and boxes hold the place."""
    animals = {name: report for name, report in reports.items() if not name.startswith("clean")}
    unseen = [name for name, report in animals.items() if report.verdict == decide.Verdict.NOTHING_FOUND]
    assert len(unseen) <= 2, unseen
    x, y = 0.35 * 1632, 0.45 * 1224
    for name, report in animals.items():
        if report.findings:
            assert any(f.box.x0 < x < f.box.x1 and f.box.y0 < y < f.box.y1 for f in report.findings), name


def test_clean_surfaces_are_not_suspect(reports: dict[str, Report]) -> None:
    flagged = [name for name, report in reports.items() if name.startswith("clean") and report.verdict == decide.Verdict.SUSPECT]
    assert flagged == []


def test_scans_from_several_threads_agree(scanner: Scanner) -> None:
    from concurrent.futures import ThreadPoolExecutor

    name, data = next(golden.pictures())
    with ThreadPoolExecutor(4) as pool:
        scores = [report.score for report, _ in pool.map(lambda _: scanner.scan(data), range(8))]
    assert max(scores) - min(scores) < 1e-4, name


def test_yard_photographs_have_findings_inside_the_picture(scanner: Scanner, shared_data: object) -> None:
    """Real photographs, two of them turned by EXIF: read upright, at most two of eight clean ones called suspect."""
    from pathlib import Path

    photos = sorted((Path(str(shared_data)) / "photos").glob("*.jpg"))
    assert len(photos) == 8
    reports = [scanner.scan(path.read_bytes())[0] for path in photos]
    assert sum(report.verdict == decide.Verdict.SUSPECT for report in reports) <= 2
    for report in reports:
        for finding in report.findings:
            assert 0 <= finding.box.x0 < finding.box.x1 <= report.photo.width
            assert 0 <= finding.box.y0 < finding.box.y1 <= report.photo.height
