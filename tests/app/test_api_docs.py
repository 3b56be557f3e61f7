"""The examples of docs/api.md work as they stand there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.conftest import ROOT, Server
from tests.pictures import scenes


def test_the_examples_of_the_document_work(server: Server, tmp_path: Path) -> None:
    text = (ROOT / "docs" / "api.md").read_text("utf-8")
    script = "\n".join(re.findall("```sh\n(.*?)```", text, re.DOTALL)).replace("http://127.0.0.1:7860", server.url)
    (tmp_path / "floor.jpg").write_bytes(scenes.jpeg(scenes.floor(640, 480)))
    done = subprocess.run(["bash", "-eu", "-o", "pipefail", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "preview.jpg").read_bytes().startswith(b"\xff\xd8")
    assert "CSQU3054383" in (tmp_path / "log.csv").read_text("utf-8")
    assert (tmp_path / "packet.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "register.xlsx").read_bytes().startswith(b"PK")
    assert (tmp_path / "shared.jpg").read_bytes().startswith(b"\xff\xd8")
    assert "pestcheck_events_total" in done.stdout
