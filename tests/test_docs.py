"""docs/ tells the truth: its commands run, in order, against a real server and a fresh data folder; its links and pictures are there."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from pestcheck.ids import uuid7
from pestcheck.records import Records
from pestcheck.settings import Settings
from pestcheck.store import open_folder
from tests.conftest import ROOT
from tests.pictures import scenes
from tests.servers import BUCKET, PostgreSQL, S3Service, free_port

DOCS = sorted((ROOT / "docs").glob("*.md"))
FENCE = re.compile(r"^(?:<!-- not run: (?P<why>[^\n]+?) -->\n)?```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
OTHER_KINDS = {"csv", "ini", "json", "jsonl", "nginx", "python", "text", "yaml"}
"""Of blocks that are no commands."""
MADE = {
    "api": {"preview.jpg": b"\xff\xd8", "log.csv": b"CSQU3054383"},
    "batch": {"2026.jsonl": b'"photos": ["floor.jpg"]'},
    "operations": {"restored/pestcheck.sqlite3": b"SQLite"},
}
"""Files that the commands of a document leave behind, and what is in them."""
WORDS = "seven hornets on a pallet"
MOST_BYTES = 150_000

SERVE = """#!/bin/sh
# Commands of the program; a server goes on in the background, once it answers.
if [ "$1" != serve ]; then exec {python} -m pestcheck "$@"; fi
[ -f {here}/server.pid ] && kill "$(cat {here}/server.pid)"
{python} -m pestcheck "$@" > {here}/server.log 2>&1 < /dev/null &
echo $! > {here}/server.pid
for second in $(seq 240); do
    grep -q "records in" {here}/server.log && sleep 1 && exit 0
    kill -0 "$(cat {here}/server.pid)" || break
    sleep 1
done
cat {here}/server.log >&2
exit 1
"""


@dataclass(frozen=True)
class Block:
    """A piece of a document that is set apart. ``why``: it cannot be run."""

    kind: str
    text: str
    why: str


def blocks(path: Path) -> list[Block]:
    return [Block(found["kind"], found["text"], found["why"] or "") for found in FENCE.finditer(path.read_text("utf-8"))]


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.stem)
def test_every_block_says_what_it_is(path: Path) -> None:
    """``sh`` is run; what cannot be is marked with the reason; no command hides in a block of another kind, or an indented one."""
    text = path.read_text("utf-8")
    assert text.count("```") == 2 * len(blocks(path)), "a fence that is not at the beginning of a line, or not closed"
    for block in blocks(path):
        assert block.kind == "sh" or block.kind in OTHER_KINDS, f"say what this block is: {block.text[:60]!r}"
        assert block.kind == "sh" or not block.why
        assert block.kind == "sh" or "pestcheck " not in block.text or block.kind in ("ini", "nginx", "text"), block.text[:60]
        assert not block.why or len(block.why) > 15
    assert not re.findall(r"^(?: {4}|\t)(?:pestcheck|pip|python|curl) .*$", FENCE.sub("", text), re.MULTILINE)


@pytest.mark.parametrize(
    "path", [path for path in DOCS if any(block.kind == "sh" and not block.why for block in blocks(path))], ids=lambda path: path.stem
)
def test_its_commands_run(path: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    script = "\n".join(block.text for block in blocks(path) if block.kind == "sh" and not block.why)
    environment = os.environ | {"PESTCHECK_DATA": str(tmp_path / "data"), "PESTCHECK_PORT": str(free_port())}
    if "postgresql://" in script:
        server: PostgreSQL = request.getfixturevalue("postgresql")
        script = script.replace("postgresql://user:password@host/pestcheck", f"'{server.new_database()}'")
    if "s3://" in script:
        service: S3Service = request.getfixturevalue("s3")
        environment |= service.environment
        for name in ("floor.jpg", "wall.jpg"):
            service.client("put_object", Bucket=BUCKET, Key=f"docs/{path.stem}/{name}", Body=photographs()[name])
        script = script.replace("s3://bucket/prefix", f"s3://{BUCKET}/docs/{path.stem}").replace("https://s3.yard.example", service.url)
    if "--engine ray" in script and importlib.util.find_spec("ray") is None:
        pytest.skip("needs ray: pip install 'pestcheck[ray]'")
    prepare(tmp_path)
    url = f"http://127.0.0.1:{environment['PESTCHECK_PORT']}"
    if "http://127.0.0.1:7860" in script and "pestcheck serve" not in script:
        script = "pestcheck serve\n" + script
    script = script.replace("http://127.0.0.1:7860", url)
    environment["PATH"] = f"{tmp_path / 'bin'}:{Path(sys.executable).parent}:{environment['PATH']}"
    try:
        with subprocess.Popen(["yes", WORDS], stdout=subprocess.PIPE) as asked:  # whatever asks for a password is given one
            done = subprocess.run(
                ["bash", "-eux", "-o", "pipefail", "-c", script], cwd=tmp_path / "here", env=environment, stdin=asked.stdout, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=900,
            )  # fmt: skip
            asked.kill()
        assert done.returncode == 0, done.stdout
        for name, part in MADE.get(path.stem, {}).items():
            assert part in (tmp_path / "here" / name).read_bytes(), name
    finally:
        if (pid := tmp_path / "server.pid").exists():
            subprocess.run(["kill", pid.read_text().strip()])


def photographs() -> dict[str, bytes]:
    floor = scenes.floor(640, 480)
    scenes.lay(floor, "hornet", length=120)
    return {"floor.jpg": scenes.jpeg(floor), "wall.jpg": scenes.jpeg(scenes.wall(640, 480))}


def prepare(folder: Path) -> None:
    """The program by its name, a data folder with one open inspection, and the files that the documents speak of: photographs, and an archive of them."""
    (folder / "bin").mkdir()
    database, photo_store = open_folder(folder / "data", Settings(data=folder / "data").database_url)
    records, key = Records(database, photo_store), uuid7()
    records.open(key, number="CSQU3054383", inspector="Ines Ruiz", site="Yard 1", stage="empty_at_origin", selection="routine")
    records.photograph(key, "floor", photographs()["floor.jpg"], name="floor.jpg", actor="Ines Ruiz")
    database.close()
    (folder / "here" / "archive").mkdir(parents=True)
    program = folder / "bin" / "pestcheck"
    program.write_text(SERVE.format(python=f"env PYTHONPATH={ROOT} {sys.executable}", here=folder))
    program.chmod(0o755)
    for name, data in photographs().items():
        (folder / "here" / name).write_bytes(data)
        (folder / "here" / "archive" / name).write_bytes(data)


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.stem)
def test_its_links_and_pictures_are_there(path: Path) -> None:
    text = path.read_text("utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
        file, _, heading = target.partition("#")
        found = (path.parent / file) if file else path
        assert found.exists(), target
        if heading:
            names = {
                re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-")
                for line in found.read_text("utf-8").splitlines()
                if line.startswith("#")
            }
            assert heading in names, target
    for file in re.findall(r"!\[[^\]]{20,}\]\(([^)]+)\)", text):
        assert (path.parent / file).stat().st_size < MOST_BYTES, file
    assert len(re.findall(r"!\[", text)) == len(re.findall(r"!\[[^\]]{20,}\]", text)), "a picture without words for those who do not see it"


def test_every_picture_is_shown() -> None:
    shown = "".join(path.read_text("utf-8") for path in DOCS)
    for path in (ROOT / "docs" / "pictures").glob("*.png"):
        assert f"pictures/{path.name}" in shown, path.name


def test_a_block_that_fails_would_be_seen(tmp_path: Path) -> None:
    if shutil.which("bash") is None:
        pytest.skip("needs bash")
    (tmp_path / "a.md").write_text(
        "```sh\nfalse\ntrue\n```\n\n<!-- not run: it never comes back -->\n```sh\nsleep 9999\n```\n```\nx\n```\n"
    )
    found = blocks(tmp_path / "a.md")
    assert [(block.kind, bool(block.why)) for block in found] == [("sh", False), ("sh", True), ("", False)]
    assert subprocess.run(["bash", "-eu", "-c", found[0].text]).returncode == 1
