"""Both kinds of database: the schema up and down, one state for readers, one writer at a time, and text in one order."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel, select

from pestcheck.ids import uuid7
from pestcheck.records import Records
from pestcheck.store import db, events
from pestcheck.store.db import MIGRATIONS, Database, NotSaved, Unavailable, migrate
from pestcheck.store.tables import Answer, Event, Head, Inspection
from pestcheck.store.verify import verify
from tests.pictures import scenes


def scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(db.MIGRATIONS))
    return ScriptDirectory.from_config(config)


NEWEST_FIRST = [script.revision for script in scripts().walk_revisions()]


FURTHER = """
import sqlalchemy as sa
from alembic import op

revision = "9000"
down_revision = "{newest}"


def upgrade():
    op.execute("DELETE FROM answer")
    with op.batch_alter_table("inspection") as table:
        table.add_column(sa.Column("further", sa.String))


def downgrade():
    with op.batch_alter_table("inspection") as table:
        table.drop_column("further")
"""


@pytest.fixture
def a_further_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, records: Records) -> None:
    """A step after the newest, which replaces a table that others refer to and loses what follows from the log."""
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder)
    (folder / "versions" / "9000_further.py").write_text(FURTHER.format(newest=NEWEST_FIRST[0]))
    monkeypatch.setattr(db, "MIGRATIONS", folder)


def fill(records: Records) -> str:
    """An inspection with a photograph and an answer."""
    key = uuid7()
    records.open(key, number="CSQU3054383", inspector="Ana Pérez 🐌")
    records.photograph(key, "floor", scenes.jpeg(scenes.wall(800, 600)), name="a.jpg", actor="Ana")
    records.answer(key, "floor", state="inspected", result="no_contamination", note="swept", actor="Ana")
    records.answer(key, "doors", state="inspected", result="contamination", note="snails", actor="Ana")
    return key


def bodies(database: Database) -> list[str]:
    with database.reading() as session:
        return list(session.exec(select(Event.body).order_by(Event.seq)))


def schema(database: Database) -> object:
    """Tables, columns, indexes and keys, as the database tells them."""
    found = sqlalchemy.inspect(database.engine)
    return {
        table: (
            sorted((column["name"], str(column["type"]), column["nullable"]) for column in found.get_columns(table)),
            sorted(tuple(index["column_names"]) for index in found.get_indexes(table) if not index.get("duplicates_constraint")),
            sorted(tuple(key["column_names"]) for key in found.get_unique_constraints(table)),
            sorted((tuple(key["constrained_columns"]), key["referred_table"]) for key in found.get_foreign_keys(table)),
        )
        for table in sorted(found.get_table_names())
        if table != "alembic_version"
    }


def test_migrations_make_the_tables_that_the_code_means(records: Records, database_url: str) -> None:
    with records.database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), SQLModel.metadata) == []
        if connection.dialect.name == "sqlite":
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        else:
            assert connection.exec_driver_sql("SHOW fsync").scalar() == "on"
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
            asked = (
                "SELECT DISTINCT collation_name FROM information_schema.columns "
                "WHERE table_schema = current_schema() AND data_type = 'character varying' AND table_name <> 'alembic_version'"
            )
            assert connection.exec_driver_sql(asked).scalars().all() == ["C"]  # texts sort by their bytes, as in SQLite
    Database(database_url).close()  # a second start finds it up to date


def test_each_step_goes_down_and_up_again_with_its_data(records: Records, a_further_step: None, caplog: pytest.LogCaptureFixture) -> None:
    """The log is kept on the way down, and what follows from it is made anew on the way up."""
    steps = [script.revision for script in scripts().walk_revisions()]
    assert steps == ["9000", *NEWEST_FIRST]
    migrate(records.database.engine)
    for revision in steps[1:]:
        key = fill(records)
        before, newest = bodies(records.database), schema(records.database)
        migrate(records.database.engine, revision)
        assert schema(records.database) != newest
        assert bodies(records.database) == before
        with caplog.at_level(logging.INFO):
            migrate(records.database.engine)
        assert f"was brought from schema {revision} to 9000" in caplog.text
        assert schema(records.database) == newest
        assert bodies(records.database) == before
        assert verify(records.database, records.photo_store).problems == ()
        assert records.inspection(key).answers["floor"].note == "swept"
        assert fill(records)


def test_each_step_makes_and_leaves_the_schema_of_its_version(records: Records) -> None:
    engine, going_up = records.database.engine, {}
    migrate(engine, "base")
    assert schema(records.database) == {}
    for revision in reversed(NEWEST_FIRST):
        migrate(engine, revision)
        going_up[revision] = schema(records.database)
    fill(records)
    for revision in NEWEST_FIRST:
        migrate(engine, revision)
        assert schema(records.database) == going_up[revision], revision
    migrate(engine, "base")
    migrate(engine)
    assert verify(records.database, records.photo_store).problems == ()
    assert fill(records)


def test_an_upgrade_that_fails_changes_nothing(records: Records, a_further_step: None, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(records)
    before, newest = bodies(records.database), schema(records.database)
    with records.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE event SET body = '{}' WHERE seq = 1")  # cannot be made anew
    with pytest.raises(KeyError):
        migrate(records.database.engine)
    assert schema(records.database) == newest
    assert len(bodies(records.database)) == len(before)
    monkeypatch.undo()
    assert records.inspections()


def test_a_database_of_a_newer_program_is_refused_and_left_alone(records: Records, database_url: str) -> None:
    fill(records)
    with records.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    before = bodies(records.database)
    with pytest.raises(Unavailable, match="newer pestcheck"):
        Database(database_url)
    assert bodies(records.database) == before


def test_a_reader_sees_one_state_while_others_write(records: Records) -> None:
    key = fill(records)
    with records.database.reading() as session:
        before = len(session.exec(select(Event)).all())
        records.answer(key, "floor", state="inspected", result="no_contamination", note="again", actor="Ana")
        session.expire_all()
        assert len(session.exec(select(Event)).all()) == before
        assert session.get(Answer, (key, "floor")).note == "swept"  # type: ignore[union-attr]
    with records.database.reading() as session:
        assert len(session.exec(select(Event)).all()) == before + 1


def test_what_a_writer_read_still_holds_when_it_writes(records: Records, database_url: str) -> None:
    """The second writer of the very first event waits for the first: both are kept."""
    other = Database(database_url)
    second = Records(other, records.photo_store)
    key, done = uuid7(), threading.Event()

    def write() -> None:
        second.open(key, number="CSQU3054383", inspector="Ben")
        done.set()

    thread = threading.Thread(target=write)
    with records.database.writing() as session:
        assert session.get(Head, 1) is None
        thread.start()
        assert not done.wait(0.5)
        row = {"id": uuid7(), "container_number": "CSQU3054383", "template": "container_7_point", "template_version": 1}
        events.append(session, "inspection_opened", row | {"inspector": "Ana", "opened_at": events.now()}, "Ana")
    thread.join(30)
    assert done.is_set()
    assert verify(other, records.photo_store).problems == ()
    assert len(bodies(other)) == 2
    other.close()


def test_a_writer_that_waits_too_long_is_told(records: Records, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "WAIT_SECONDS", 1)
    other = Database(database_url)
    with records.database.writing() as session:
        session.get(Head, 1)
        started = time.monotonic()
        with pytest.raises(NotSaved, match="lock"):
            Records(other, records.photo_store).open(uuid7(), number="CSQU3054383", inspector="Ben")
        assert 0.5 < time.monotonic() - started < 20
    assert bodies(other) == []
    other.close()


def test_a_mistake_in_a_statement_is_not_called_a_full_disk(records: Records) -> None:
    key = fill(records)
    with pytest.raises(IntegrityError), records.database.writing() as session:
        session.add(Inspection(**records.inspection(key).inspection.model_dump()))


def test_text_sorts_by_its_bytes(records: Records) -> None:
    """PostgreSQL's own order, in a database made for English, is another: a A b B é ä z."""
    names = ["a", "B", "b", "A", "z", "ä", "é", "-c", "c", "🐌", "_", "0", "10", "9"]
    for name in names:
        records.open(uuid7(), number="CSQU3054383", inspector=name)
    with records.database.reading() as session:
        in_order = list(session.exec(select(Inspection.inspector).order_by(Inspection.inspector)))
    assert in_order == sorted(names)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("no address", "PESTCHECK_DATABASE is no database address"),
        ("mysql://root@localhost/pestcheck", "'mysql'"),
        ("postgresql://nobody:secret@127.0.0.1:1/pestcheck", "cannot be opened: connection failed"),
        ("sqlite:////no/such/folder/a.sqlite3", "cannot be opened: unable to open"),
    ],
)
def test_a_database_that_cannot_be_opened_is_named_without_its_password(url: str, says: str) -> None:
    with pytest.raises(Unavailable) as failed:
        Database(url)
    assert says in str(failed.value)
    assert "\n" not in str(failed.value)
    assert "secret" not in str(failed.value)
