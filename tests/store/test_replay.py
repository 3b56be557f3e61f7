"""Rows in memory, against those that the tables' own classes make."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import SQLModel

from pestcheck.store.replay import Replay, columns
from pestcheck.store.tables import STATE


@pytest.mark.parametrize("table", STATE)
def test_a_row_in_memory_is_what_the_table_makes_of_the_same_values(table: type[SQLModel]) -> None:
    replay = Replay()
    values: dict[str, Any] = {name: f"some {name}" for name, field in table.model_fields.items() if field.is_required()}
    row, again, made = replay.row(table, values | {"unknown": 1}), replay.row(table, values), table(**values)
    for name in columns(table):
        assert getattr(row, name) == getattr(made, name)
        assert not isinstance(getattr(row, name), list | dict) or getattr(row, name) is not getattr(again, name)
    replay.add(row)
    with pytest.raises(ValueError, match=f"^{table.__name__.lower()} .* is there already"):
        replay.add(again)


@pytest.mark.parametrize("table", STATE)
def test_a_row_without_what_it_must_have_is_refused(table: type[SQLModel]) -> None:
    with pytest.raises(KeyError):
        Replay().add(Replay().row(table, {}))
