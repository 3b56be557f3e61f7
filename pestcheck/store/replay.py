"""The tables as the events make them, in memory: what ``verify`` compares with, and what an upgrade or a restore writes."""

from __future__ import annotations

import json
from operator import itemgetter
from types import SimpleNamespace
from typing import Any, ClassVar, TypeVar

from sqlalchemy import Table, bindparam, delete, insert
from sqlmodel import Session, SQLModel

from pestcheck.store import events, state
from pestcheck.store.tables import STATE, Event, Purge

Row = TypeVar("Row", bound=SQLModel)
Key = tuple[Any, ...]
Values = tuple[Any, ...]
BATCH = 1000


class _Plain(SimpleNamespace):
    """A row, with what state asks of a model. To make a model takes many times as long, which a long log feels."""

    table: ClassVar[type[SQLModel]]

    def sqlmodel_update(self, values: dict[str, Any]) -> None:
        vars(self).update(values)


class Replay:
    """Rows by their keys; ``state.InMemory``. Rows are kept as plain tuples: a log may be long."""

    def __init__(self) -> None:
        self._kept: dict[type[SQLModel], dict[Key, Values]] = {table: {} for table in STATE}
        self._touched: dict[tuple[type[SQLModel], Key], SQLModel] = {}

    def apply(self, kind: str, payload: state.Payload) -> None:
        """Do what an event says.

        Raises:
            Exception: whatever is wrong with an event; nothing of it is kept.
        """
        self._touched.clear()
        state.apply(self, kind, payload)
        for (table, key), row in self._touched.items():
            self._kept[table][key] = _VALUES[table](vars(row))

    def row(self, table: type[Row], values: state.Payload) -> Row:
        """A row with these values and, where a column has none, its default."""
        missing = {name: field.get_default(call_default_factory=True) for name, field in _DEFAULTS[table].items() if name not in values}
        return _PLAIN[table](**missing, **values)  # type: ignore[return-value]

    def get(self, entity: type[Row], ident: Any) -> Row | None:
        """The row with this key."""
        key = ident if isinstance(ident, tuple) else (ident,)
        if (touched := self._touched.get((entity, key))) is not None:
            return touched  # type: ignore[return-value]
        if (kept := self._kept[entity].get(key)) is None:
            return None
        row = _PLAIN[entity](**dict(zip(columns(entity), kept, strict=True)))
        self._touched[entity, key] = row  # type: ignore[assignment]
        return row  # type: ignore[return-value]

    def add(self, instance: SQLModel) -> None:
        """A new row.

        Raises:
            ValueError: there is one with its key.
        """
        table, key = _key(instance)
        if key in self._kept[table] or (table, key) in self._touched:
            raise ValueError(f"{table.__name__.lower()} {' '.join(map(str, key))} is there already")
        self._touched[table, key] = instance

    def merge(self, instance: Row) -> Row:
        """A row in place of the one with its key, if there is one."""
        self._touched[_key(instance)] = instance
        return instance

    def flush(self) -> None:
        """Nothing: there is no database to send rows to."""

    def purged(self) -> set[int]:
        """The places in the log whose texts were erased by a purge."""
        place = columns(Purge).index("events")
        return {seq for values in self._kept[Purge].values() for seq in values[place]}

    def rows(self, table: type[SQLModel]) -> list[tuple[Key, Values]]:
        """The rows of a table in the order of their keys, each with the values of ``columns``."""
        return sorted(self._kept[table].items())


def columns(table: type[SQLModel]) -> tuple[str, ...]:
    """The names of a table's columns."""
    return _COLUMNS[table]


def keys(table: type[SQLModel]) -> tuple[str, ...]:
    """The names of the columns of a table's primary key."""
    return _KEYS[table]


def rebuild(session: Session) -> None:
    """Make the tables that follow from the events anew, within the caller's transaction, and say of each event of which inspection it is."""
    replay, place = Replay(), []
    for event in events.read(session):
        if not event.body:  # purged
            continue
        body = json.loads(event.body)
        replay.apply(body["kind"], events.whole(body, event.apart))
        if (of := body.get("inspection_id")) != event.inspection_id:
            place.append({"row": event.seq, "of": of})
    if place:
        log = _table(Event)
        session.execute(log.update().where(log.c.seq == bindparam("row")).values(inspection_id=bindparam("of")), place)
    for table in reversed(STATE):
        session.execute(delete(table))
    write(session, replay)


def write(session: Session, replay: Replay) -> None:
    """Put all rows into the empty tables of a database, within the caller's transaction."""
    for table in STATE:
        rows = [dict(zip(columns(table), values, strict=True)) for _, values in replay.rows(table)]
        for start in range(0, len(rows), BATCH):
            session.execute(insert(_table(table)), rows[start : start + BATCH])


def _key(row: Any) -> tuple[type[SQLModel], Key]:
    table, values = type(row).table, vars(row)
    return table, tuple([values[name] for name in _KEYS[table]])


def _table(table: type[SQLModel]) -> Table:
    return table.__table__  # type: ignore[attr-defined, no-any-return]


_COLUMNS = {table: tuple(column.name for column in _table(table).columns) for table in STATE}
_VALUES = {table: itemgetter(*names) for table, names in _COLUMNS.items()}
_KEYS = {table: tuple(column.name for column in _table(table).primary_key) for table in STATE}
_DEFAULTS = {table: {name: field for name, field in table.model_fields.items() if not field.is_required()} for table in STATE}
_PLAIN: dict[type[SQLModel], type[_Plain]] = {table: type(table.__name__, (_Plain,), {"table": table}) for table in STATE}
