"""A whole inspection verifies; every kind of tampering is found and named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy
from sqlmodel import select

from pestcheck.ids import uuid7
from pestcheck.records import Records
from pestcheck.store import events, merkle
from pestcheck.store.tables import Event, Head
from pestcheck.store.verify import Problem, verify
from pestcheck.vision.scan import Report, Scanner
from tests.pictures import scenes


@pytest.fixture(scope="module")
def photograph() -> bytes:
    picture = scenes.wall(1200, 900)
    scenes.lay(picture, "grasshopper")
    return scenes.jpeg(picture)


@pytest.fixture(scope="module")
def report(scanner: Scanner, photograph: bytes) -> Report:
    """What the model says of the photograph."""
    return scanner.scan(photograph)[0]


@pytest.fixture
def inspected(records: Records, photograph: bytes, report: Report) -> Records:
    """A store with one closed inspection and one open one, with a photograph and decided findings."""
    for close in (True, False):
        key = uuid7()
        records.open(key, number="CSQU3054383", inspector="Ana Pérez 🐌", template="container_7_point@1")
        records.photograph(key, "doors", photograph, name="door.jpg", actor="Ana")
        records.score_next(lambda _: report)
        for finding in records.inspection(key).at("doors")[0].findings:
            records.decide(finding.id, "corrected", label="grasshopper", actor="Ana")
        for point in records.inspection(key).template.points:
            result = "contamination" if point.area == "doors" else "no_contamination"
            records.answer(key, point.area, state="inspected", result=result, note="", actor="Ana")
        if close:
            records.close(key, actor="Ana", disposition="hold")
    return records


def problems(records: Records) -> tuple[Problem, ...]:
    return verify(records.database, records.photo_store).problems


def tamper(records: Records, *statements: str) -> None:
    """Change the database behind the program's back."""
    with records.database.engine.connect() as connection:
        for statement in statements:
            changed = connection.exec_driver_sql(statement).rowcount
            assert changed > 0, f"the tampering did nothing: {statement}"
        connection.commit()


def photograph_file(records: Records) -> Path:
    return next(path for path in records.photo_store.folder.rglob("*") if path.is_file())


def test_an_untouched_store_verifies(inspected: Records) -> None:
    result = verify(inspected.database, inspected.photo_store)
    assert result.problems == ()
    assert result.photographs == 1
    assert result.events > 15
    with inspected.database.reading() as session:
        leaves = [bytes.fromhex(event.leaf) for event in session.exec(select(Event).order_by(Event.seq))]
        head = session.get(Head, 1)
    assert head is not None
    assert head.root == result.root == merkle.head(leaves).hex()


def test_an_empty_store_verifies(records: Records) -> None:
    result = verify(records.database, records.photo_store)
    assert (result.problems, result.root) == ((), merkle.EMPTY.hex())


@pytest.mark.parametrize(
    ("statements", "what", "says"),
    [
        (["UPDATE event SET body = replace(body, 'grasshopper', 'wasp') WHERE kind = 'finding_decided'"], "log", "hash differs"),
        (["UPDATE event SET actor = 'Eve' WHERE seq = 3"], "log", "column differs"),
        (["DELETE FROM event WHERE seq = 5"], "log", "events 5 to 5 are missing"),
        (["DELETE FROM event WHERE seq = (SELECT max(seq) FROM event)"], "log", "the tree had"),
        (["UPDATE event SET seq = -1 WHERE seq = 4", "UPDATE event SET seq = 4 WHERE seq = 5", "UPDATE event SET seq = 5 WHERE seq = -1"], "log", "column differs"),
        (["UPDATE head SET root = CASE WHEN substr(root, 1, 1) = '0' THEN '1' ELSE '0' END || substr(root, 2)"], "log", "rewritten"),
        (["UPDATE head SET size = size + 1"], "log", "the tree had"),
        (["UPDATE answer SET result = 'no_contamination' WHERE area = 'doors'"], "table", "not what the events say: result"),
        (["UPDATE finding SET probability = 0.01"], "table", "not what the events say: probability"),
        (["UPDATE finding SET box = '[0, 0, 1, 1]'"], "table", "not what the events say: box"),
        (["UPDATE contamination SET n = n + 1"], "table", "not what the events say: n"),
        (["DELETE FROM answer WHERE area = 'floor'"], "table", "the row is missing"),
        (["UPDATE inspection SET closed_at = NULL WHERE closed_at IS NOT NULL"], "table", "closed_at"),
        (
            [
                "INSERT INTO answer (inspection_id, area, state, result, note, answered_by, answered_at)"
                " VALUES ((SELECT min(id) FROM inspection), 'cellar', 'inspected', 'no_contamination', '', 'Eve', '2026')"
            ],
            "table", "no event made this row",
        ),
    ],
)  # fmt: skip
def test_tampering_with_the_database_is_named(inspected: Records, statements: list[str], what: str, says: str) -> None:
    tamper(inspected, *statements)
    assert any(problem.what == what and says in problem.says for problem in problems(inspected)), problems(inspected)


def test_an_event_rewritten_with_its_hash_is_found_by_the_tree_head(inspected: Records) -> None:
    with inspected.database.reading() as session:
        event = session.exec(select(Event).where(Event.kind == "inspection_opened")).first()
        assert event
        body = json.loads(event.body)
    body["payload"]["inspector"] = "Somebody else"
    text = events.canonical(body)
    with inspected.database.engine.begin() as connection:
        changes = {"body": text, "leaf": merkle.leaf_hash(text.encode()).hex(), "seq": event.seq, "id": body["payload"]["id"]}
        connection.execute(sqlalchemy.text("UPDATE event SET body = :body, leaf = :leaf WHERE seq = :seq"), changes)
        connection.execute(sqlalchemy.text("UPDATE inspection SET inspector = 'Somebody else' WHERE id = :id"), changes)
    assert [problem.says for problem in problems(inspected)] == ["the events do not give the recorded tree head: the log was rewritten"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda path: path.unlink(), "gone"),
        (lambda path: path.write_bytes(b"x" + path.read_bytes()[1:]), "changed"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "changed"),
        (lambda path: path.write_bytes(scenes.jpeg(scenes.floor(300, 200))), "changed"),
    ],
    ids=["deleted", "one byte", "cut short", "swapped"],
)  # fmt: skip
def test_tampering_with_a_photograph_is_named(inspected: Records, change: Callable[[Path], None], says: str) -> None:
    path = photograph_file(inspected)
    change(path)
    (problem,) = problems(inspected)
    assert (problem.what, problem.where) == ("photograph", path.name)
    assert says in problem.says


def test_state_and_event_are_written_together_or_not_at_all(records: Records) -> None:
    with pytest.raises(ValueError, match="no finding"), records.database.writing() as session:
        events.append(session, "finding_decided", {"finding_id": "x", "state": "rejected"}, "Ana")
    with records.database.reading() as session:
        assert session.exec(select(Event)).all() == []
        assert session.get(Head, 1) is None
