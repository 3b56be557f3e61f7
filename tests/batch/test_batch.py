"""``pestcheck batch`` over a real archive with the real model: the output, what is refused, and what an earlier run is good for."""

from __future__ import annotations

import json
import os
import shutil
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from pestcheck.batch import BatchError, Files, run
from pestcheck.batch.archives import Earlier, Entry
from pestcheck.batch.engines import Job, Line, judge
from pestcheck.batch.journal import Journal
from pestcheck.vision import bundle
from pestcheck.vision.scan import Scanner
from tests.batch.conftest import PHOTOGRAPHS, batch
from tests.pictures import scenes
from tests.servers import BUCKET, S3Service
from tests.test_full_disk import fill_up, small_disk  # noqa: F401

SMALL = scenes.jpeg(scenes.wall(320, 240))


def lines(data: bytes) -> list[Line]:
    return [json.loads(line) for line in data.splitlines()]


@pytest.fixture
def other_model(tmp_path: Path) -> Path:
    """The shipped networks with thresholds at which next to nothing is suspect, as another version."""
    folder = tmp_path / "pest-lite0-9.0.0"
    folder.mkdir()
    shipped = bundle.shipped()
    for name in (bundle.CLASSIFIER, bundle.FINDER):
        (folder / name).symlink_to(shipped / name)
    described = json.loads((shipped / bundle.DESCRIPTION).read_text("utf-8"))
    described["version"] = "9.0.0"
    described["sha256"] = {name: described["sha256"][name] for name in (bundle.CLASSIFIER, bundle.FINDER)}
    described["thresholds"] |= {"version": "9.0.0-strict", "suspect": 0.9999, "unsure": 0.9998}
    (folder / bundle.DESCRIPTION).write_text(json.dumps(described), "utf-8")
    return folder


def test_each_photograph_is_a_line_with_all_its_names(archive: Path, whole: bytes, scanner: Scanner) -> None:
    """In the order of the first names; what it says is what ``pestcheck check`` says, without times."""
    found = lines(whole)
    assert [line["photos"][0] for line in found] == sorted(line["photos"][0] for line in found)
    named = {name: line for line in found for name in line["photos"]}
    assert set(named) == {
        path.relative_to(archive).as_posix() for path in archive.rglob("*") if path.is_file() and path.name != "notes.txt"
    }
    assert named["a copy.jpeg"]["photos"] == ["a copy.jpeg", "wall 1.jpg"]
    assert named["yard 1/bee.JPG"]["photos"] == ["yard 1/bee.JPG", "yard 1/märz/IMG_1"]
    assert "not a JPEG" in named["broken.jpg"]["error"]
    assert "damaged or cut short" in named["cut.png"]["error"]
    assert sum("error" not in line for line in found) == PHOTOGRAPHS
    for name in ("wall 0.jpg", "yard 1/hornet.JPG"):
        report, _ = scanner.scan((archive / name).read_bytes())
        said = json.loads(json.dumps(report.to_json(name)))
        assert {key: said[key] for key in said if key not in ("photo", "seconds")} == {
            key: value for key, value in named[name].items() if key not in ("photos", "thresholds")
        }


def test_the_same_archive_in_a_bucket(archive: Path, whole: bytes, s3: S3Service, tmp_path: Path) -> None:
    """The same bytes come out, under the same names."""
    for path in archive.rglob("*"):
        if path.is_file():
            s3.client("put_object", Bucket=BUCKET, Key=f"old/archive/{path.relative_to(archive).as_posix()}", Body=path.read_bytes())
    done = batch(f"s3://{BUCKET}/old/archive/", "--out", tmp_path / "out.jsonl", env=os.environ | s3.environment)
    assert done.returncode == 1, done.stderr
    assert (tmp_path / "out.jsonl").read_bytes() == whole


def test_an_earlier_run_of_the_same_model_saves_the_work(archive: Path, whole: bytes, tmp_path: Path) -> None:
    """Failures are tried again: a network may have been gone."""
    earlier, out = tmp_path / "earlier.jsonl", tmp_path / "out.jsonl"
    earlier.write_bytes(whole)
    done = batch(archive, "--out", out, "--earlier", earlier, "--workers", 1)
    assert "2 scored now" in done.stdout, done.stdout + done.stderr
    assert out.read_bytes() == whole


def test_two_models_side_by_side(archive: Path, whole: bytes, other_model: Path, tmp_path: Path) -> None:
    earlier, out = tmp_path / "earlier.jsonl", tmp_path / "out.jsonl"
    earlier.write_bytes(whole)
    done = batch(archive, "--out", out, "--earlier", earlier, "--model", other_model, "--workers", 1)
    assert "15 scored now, with pest-lite0@9.0.0" in done.stdout, done.stdout + done.stderr
    before = {line["sha256"]: line["verdict"] for line in lines(whole) if "verdict" in line}
    after = {line["sha256"]: line["verdict"] for line in lines(out.read_bytes()) if "verdict" in line}
    differ = sum(before[sha256] != after[sha256] for sha256 in before)
    assert differ > 3
    assert f"{differ} of {PHOTOGRAPHS} verdicts differ from pest-lite0@0.6.0 ({differ / PHOTOGRAPHS:.1%})" in done.stdout
    row = next(line for line in done.stdout.splitlines() if line.startswith("suspect") and len(line.split()) == 5)
    moved = [
        sum(before[one] == "suspect" and after[one] == now for one in before) for now in ("suspect", "unsure", "unusable", "nothing_found")
    ]
    assert [int(cell) for cell in row.split()[1:]] == moved


def immediate(scanner: Scanner, seen: list[str] | None = None):  # type: ignore[no-untyped-def]
    """An engine within this process."""

    def engine(jobs: Iterator[Job]) -> Iterator[tuple[str, Line]]:
        for sha256, data in jobs:
            if seen is not None:
                seen.append(sha256)
            yield sha256, judge(scanner, data)

    return engine


def test_what_cannot_begin_is_refused_and_nothing_is_left(archive: Path, scanner: Scanner, other_model: Path, tmp_path: Path) -> None:
    engine, model, out = immediate(scanner), bundle.shipped(), tmp_path / "out.jsonl"
    with pytest.raises(BatchError, match="is no folder"):
        run(Files(str(archive / "wall 1.jpg")), out, model, engine)
    with pytest.raises(BatchError, match="is no folder"):
        run(Files(str(tmp_path / "none")), out, model, engine)
    with pytest.raises(BatchError, match="unable to open"):
        run(Files(str(archive)), tmp_path / "none" / "out.jsonl", model, engine)
    (tmp_path / "bad.jsonl").write_text('{"sha256": "0", "model": "a@1.0.0", "verdict": "suspect"}\nnonsense\n')
    with pytest.raises(BatchError, match=r"bad\.jsonl, line 2 is no result"):
        run(Files(str(archive)), out, model, engine, earlier=tmp_path / "bad.jsonl")
    (tmp_path / "out.jsonl.part").unlink()  # the names were listed by then
    assert [path.name for path in tmp_path.iterdir() if path.suffix not in ("", ".0")] == ["bad.jsonl"]
    out.write_text("precious")
    with pytest.raises(BatchError, match=r"is there already.*--earlier"):
        run(Files(str(archive)), out, model, engine)
    assert out.read_text() == "precious"
    with pytest.raises(BatchError, match="Protocol not known"):
        Files("nonsense://archive")


def test_a_journal_belongs_to_one_run(archive: Path, scanner: Scanner, other_model: Path, tmp_path: Path) -> None:
    out, model = tmp_path / "out.jsonl", bundle.shipped()

    def stops(jobs: Iterator[Job]) -> Iterator[tuple[str, Line]]:
        sha256, data = next(jobs)
        yield sha256, judge(scanner, data)
        with pytest.raises(BatchError, match="another run is writing it"):
            run(Files(str(archive)), out, model, immediate(scanner))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(Files(str(archive)), out, model, stops)
    with pytest.raises(BatchError, match=r"not finished, with other settings \(model pest-lite0@0\.6\.0"):
        run(Files(str(archive)), out, other_model, immediate(scanner))
    with pytest.raises(BatchError, match=r"not finished, with other settings \(archive "):
        run(Files(str(tmp_path)), out, model, immediate(scanner))
    (tmp_path / "out.jsonl.part").write_bytes(b"something else, longer than the header of a database" * 10)
    with pytest.raises(BatchError, match="not the journal of a run"):
        run(Files(str(archive)), out, model, immediate(scanner))


def test_odd_names_links_and_changes_between_two_attempts(scanner: Scanner, tmp_path: Path) -> None:
    """A name that is no text; a link in a circle; a photograph changed, another added and one removed while the run was stopped."""
    folder, out, model = tmp_path / "archive", tmp_path / "out.jsonl", bundle.shipped()
    folder.mkdir()
    odd = os.fsdecode(b"a\xff\n b.jpg")
    for name in (odd, "changed.jpg", "removed.jpg", "z::s3#q=1.jpg"):
        (folder / name).write_bytes(scenes.jpeg(scenes.wall(320, 240, seed=len(name))))
    (folder / "circle").symlink_to(folder)
    (folder / "linked.jpg").symlink_to(folder / "changed.jpg")
    (folder / "dangling.jpg").symlink_to(folder / "nowhere.jpg")
    (folder / ".hidden.jpg").write_bytes(SMALL)
    with (folder / "large.jpg").open("wb") as file:
        file.truncate(200 * 2**20)
    os.mkfifo(folder / "pipe.jpg")
    seen: list[str] = []

    def stops(jobs: Iterator[Job]) -> Iterator[tuple[str, Line]]:
        for number, answer in enumerate(immediate(scanner, seen)(jobs)):
            yield answer
            if number == 1:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(Files(str(folder)), out, model, stops)
    first = [*seen]
    assert len(first) == 2
    (folder / "removed.jpg").unlink()
    (folder / "changed.jpg").write_bytes(scenes.jpeg(scenes.wall(330, 240)))
    os.utime(folder / "changed.jpg", (1, 1))
    (folder / "added.jpg").write_bytes(SMALL)
    summary = run(Files(str(folder)), out, model, immediate(scanner, seen))
    found = {tuple(line["photos"]): line for line in lines(out.read_bytes())}
    assert set(found) == {(odd,), ("added.jpg",), ("changed.jpg", "linked.jpg"), ("large.jpg",), ("z::s3#q=1.jpg",)}
    assert "200 MB; the limit is 100 MB" in found[("large.jpg",)]["error"]
    assert found[("changed.jpg", "linked.jpg")]["width"] == 330
    assert len(seen) == len(set(seen)), "something was scored twice"
    assert (summary.left_out, summary.failed) == (3, 1)


@pytest.mark.parametrize("small_disk", [16], indirect=True)  # the write-ahead log alone grows to 4 MB
def test_a_full_disk_stops_the_run_which_then_goes_on(small_disk: Path, scanner: Scanner, tmp_path: Path) -> None:  # noqa: F811
    folder, seen = tmp_path / "archive", list[str]()
    folder.mkdir()
    for number in range(400):
        (folder / f"{number:03}.jpg").write_bytes(b"broken" * (number + 1))  # quick to judge, and each has a line
    archive, out, model, filler = Files(str(folder)), small_disk / "out.jsonl", bundle.shipped(), Path()

    def fills(jobs: Iterator[Job]) -> Iterator[tuple[str, Line]]:
        nonlocal filler
        for number, answer in enumerate(immediate(scanner, seen)(jobs)):
            if number == 50:
                filler = fill_up(small_disk)
            yield answer

    with pytest.raises(BatchError, match=r"run the same command again"):
        run(archive, out, model, fills)
    assert not out.exists()
    filler.unlink()
    again: list[str] = []
    run(archive, out, model, immediate(scanner, again))
    assert len(lines(out.read_bytes())) == 400
    assert len(again) < 400
    assert not set(again) & set(seen[:50])


def test_memory_does_not_grow_with_the_archive(tmp_path: Path) -> None:
    """Names, results and comparisons lie in the file."""
    journal = Journal(tmp_path / "part", {"model": "a"})
    many = 40_000
    tracemalloc.start()
    try:
        journal.list(Entry(f"folder {number // 100}/photograph {number}.jpg", "1", 5, f"{number // 2:064x}") for number in range(many))
        journal.compare_with(Earlier(f"{number:064x}", "a@1.0.0", "suspect") for number in range(many // 2))
        for entry in journal.open():
            assert entry.sha256
            journal.scored(entry.sha256, {"verdict": "suspect"})
        assert sum(1 for _ in journal.lines()) == many // 2
        assert journal.changes() == {("a@1.0.0", "suspect", "suspect"): many // 2}
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        journal.close()
    assert peak < 2_000_000


def test_a_folder_that_goes_while_it_is_listed_is_told(scanner: Scanner, tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    (folder / "gone").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(SMALL)
    (folder / "gone" / "b.jpg").write_bytes(SMALL)
    archive = Files(str(folder))
    inner = archive.files.ls

    def ls(path: str, **more: bool) -> list[dict[str, object]]:
        if path.endswith("gone") and (folder / "gone").exists():
            shutil.rmtree(folder / "gone")
        listed: list[dict[str, object]] = inner(path, **more)
        return listed

    archive.files.ls = ls
    run(archive, tmp_path / "out.jsonl", bundle.shipped(), immediate(scanner))
    first, second = lines((tmp_path / "out.jsonl").read_bytes())
    assert first["photos"] == ["a.jpg"]
    assert second == {"photos": ["gone/"], "error": "the folder cannot be read: No such file or directory"}
