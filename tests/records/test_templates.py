"""A member's own templates: used, and, when the file is gone, still readable."""

from __future__ import annotations

from pathlib import Path

import pytest

from pestcheck.inspection.checklist import catalogue
from pestcheck.records import Filter, Records, Refused
from tests.records.conftest import ANA, opened

OWN = """id: yard_gate
version: 1
title: Gate of yard 3
source: our procedure AG-4
points:
  - area: gate
    title: The gate
    look: Both sides.
    checks:
      - id: clean
        kind: pest
        ask: Is it clean?
        source: ours
"""


def test_a_template_of_ones_own_is_used_and_its_record_outlives_its_file(records: Records, tmp_path: Path) -> None:
    (tmp_path / "yard_gate@1.yaml").write_text(OWN)
    own = Records(records.database, records.photo_store, catalogue(tmp_path))
    key = opened(own, template="yard_gate")
    own.check(key, "gate", "clean", "yes", actor=ANA)
    own.answer(key, "gate", state="inspected", result="no_contamination", note="swept", actor=ANA)
    gone = Records(records.database, records.photo_store)
    view = gone.inspection(key)
    assert [point.area for point in view.template.points] == ["gate"]
    assert "missing" in view.template.title
    assert view.answers["gate"].note == "swept"
    with gone.register(Filter()) as register:
        assert [one.template.title for one in gone.views(register)] == [view.template.title]
    with pytest.raises(Refused, match=r"Put its file yard_gate@1\.yaml back"):
        gone.answer(key, "gate", state="inspected", result="no_contamination", note="again", actor=ANA)
    own.close(key, actor=ANA)
