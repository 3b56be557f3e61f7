"""Commands for those who look after the records: hold, purge, times of a journey, the seal register."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pestcheck.ids import uuid7
from pestcheck.records import Records
from pestcheck.store import events
from tests.conftest import ROOT

BY = ("--by", "Cleo")


@pytest.fixture
def run(records: Records, tmp_path: Path, database_url: str):  # type: ignore[no-untyped-def]
    """Run a command on the records' store."""

    def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        asked = [sys.executable, "-m", "pestcheck", *arguments, "--data", str(tmp_path / "data")]
        return subprocess.run(
            asked, capture_output=True, text=True, cwd=ROOT, env=os.environ | {"PESTCHECK_DATABASE": database_url} | environment
        )

    return command


def closed(records: Records) -> str:
    key = uuid7()
    records.open(key, number="CSQU3054383", inspector="Ana", template="container_7_point@1")
    for point in records.inspection(key).template.points:
        records.answer(key, point.area, state="inspected", result="no_contamination", note="", actor="Ana")
    records.close(key, actor="Ana")
    return key


def test_purge_lists_first_and_erases_only_when_told(records: Records, run, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    with monkeypatch.context() as patch:
        patch.setattr(events, "now", lambda: events.written(datetime.now(UTC) - timedelta(days=800)))
        old, held = closed(records), closed(records)
    closed(records)
    assert run("hold", held, *BY, "--reason", "claim 7").stdout == f"{held}: on hold\n"
    assert run("purge", *BY, "--reason", "over").stdout.startswith("0 inspections")
    listed = run("purge", *BY, "--reason", "over", PESTCHECK_RETENTION_YEARS="2")
    assert old in listed.stdout
    assert "1 inspections would be erased" in listed.stdout
    assert len(records.inspections()) == 3
    assert "1 inspections erased" in run("purge", *BY, "--reason", "over", "--really", PESTCHECK_RETENTION_YEARS="2").stdout
    assert old not in [row.id for row, _ in records.inspections()]
    assert run("verify").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "environment", "says"),
    [
        (("purge", *BY, "--reason", "x"), {"PESTCHECK_RETENTION_YEARS": "0.5"}, "PESTCHECK_RETENTION_YEARS"),
        (("hold", "nothing", *BY, "--reason", "x"), {}, "There is no inspection 'nothing'"),
        (("times", "nothing", "no.csv", *BY), {}, "no.csv cannot be read"),
    ],
)
def test_what_cannot_be_done_is_told(run, arguments, environment, says) -> None:  # type: ignore[no-untyped-def]
    done = run(*arguments, **environment)
    assert done.returncode == 2
    assert says in done.stderr


def test_times_of_a_journey_from_a_file(records: Records, run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    key = closed(records)
    one, other = records.party("Uno", "shipper", actor="Ana"), records.party("Dos", "highway_carrier", actor="Ana")
    records.leg(key, 0, tendered_by=one, received_by=other, planned_arrival="2026-11-24T06:00:00Z", actor="Ana")
    file = tmp_path / "times.csv"
    file.write_text("leg,what,time\n1,arrived,2026-11-24T12:30:00Z\n")
    done = run("times", key, str(file), *BY)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 times and points are new" in done.stdout
    assert "6.5 hours later" in done.stdout
    assert "6.5 hours" not in run("times", key, str(file), *BY, PESTCHECK_GAP_HOURS="7").stdout
    file.write_text("leg,what,time\n9,arrived,2026-11-24T12:30:00Z\n")
    wrong = run("times", key, str(file), *BY)
    assert (wrong.returncode, "Line 2: there is no leg 9" in wrong.stderr) == (2, True)


def test_the_seal_register(records: Records, run) -> None:  # type: ignore[no-untyped-def]
    assert run("seals").stdout == "No problem in the register.\n"
    records.seal("affixed", "A1", container="CSQU3054383", actor="Ana")
    done = run("seals")
    assert (done.returncode, done.stdout.startswith("never_issued: seal A1")) == (1, True)
