"""Servers on one database, and the threads of one server, share out the photographs that wait: each is looked at once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlmodel import func, select

from pestcheck.records import Records
from pestcheck.store import open_folder
from pestcheck.store.tables import Event, View
from pestcheck.vision.scan import Report
from tests.pictures import scenes
from tests.records.conftest import opened
from tests.servers import PostgreSQL


@pytest.fixture
def servers(postgresql: PostgreSQL, tmp_path: Path) -> Iterator[list[Records]]:
    """Three, with their own connections."""
    url = postgresql.new_database()
    found = [Records(*open_folder(tmp_path / "data", url)) for _ in range(3)]
    yield found
    for one in found:
        one.database.close()


def photographs(records: Records, many: int) -> None:
    key = opened(records)
    for number in range(many):
        records.photograph(key, "floor", scenes.jpeg(scenes.wall(64, 48, seed=number)), name=f"{number}.jpg", actor="Ana")


def test_what_one_has_in_hand_no_other_looks_at(servers: list[Records], scan: Callable[[bytes], Report]) -> None:
    first, second, third = servers
    photographs(first, 2)
    looking, go_on = threading.Event(), threading.Event()
    seen: list[bytes] = []

    def slow(data: bytes) -> Report:
        seen.append(data)
        looking.set()
        assert go_on.wait(60)
        return scan(data)

    def quick(data: bytes) -> Report:
        seen.append(data)
        return scan(data)

    with ThreadPoolExecutor() as threads:
        slowly = threads.submit(first.score_next, slow)
        assert looking.wait(60)
        assert second.score_next(quick)  # the other one
        assert not second.score_next(quick)
        assert not third.score_next(quick)
        assert len(seen) == len(set(seen)) == 2
        go_on.set()
        assert slowly.result(60)
    assert not third.score_next(quick)


def test_a_server_whose_connections_are_cut_lets_go(servers: list[Records], scan: Callable[[bytes], Report]) -> None:
    """As when it is killed, or its machine is: another one looks at the photograph, and what the first says in the end changes nothing."""
    first, second, _ = servers
    photographs(first, 1)

    def cut(data: bytes) -> Report:
        with second.database.engine.connect() as connection:
            connection.exec_driver_sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
        assert second.score_next(scan)
        return scan(data)

    with pytest.raises(OSError, match="cannot be read"):
        first.score_next(cut)
    assert not first.score_next(scan)
    with first.database.reading() as session:
        assert session.exec(select(func.count()).where(Event.kind == "photograph_scored")).one() == 1


def test_many_photographs_and_three_servers(servers: list[Records], scan: Callable[[bytes], Report]) -> None:
    photographs(servers[0], 24)
    seen: list[bytes] = []

    def work(records: Records) -> None:
        while records.score_next(lambda data: (seen.append(data), scan(data))[1]):
            pass

    with ThreadPoolExecutor() as threads:
        list(threads.map(work, servers))
    assert len(seen) == len(set(seen)) == 24
    with servers[0].database.reading() as session:
        assert session.exec(select(View.state, func.count()).group_by(View.state)).all() == [("scored", 24)]


def test_threads_of_one_server_look_at_different_ones(records: Records, scan: Callable[[bytes], Report]) -> None:
    photographs(records, 6)
    together, seen = threading.Barrier(2), []

    def look(data: bytes) -> Report:
        seen.append((threading.get_ident(), data))
        together.wait(60)  # raises where the other thread has nothing, or the same
        return scan(data)

    def work() -> None:
        while records.score_next(look):  # also true where the other one was done with it just then
            pass

    with ThreadPoolExecutor() as threads:
        for one in [threads.submit(work), threads.submit(work)]:
            one.result(120)
    assert sorted(Counter(thread for thread, _ in seen).values()) == [3, 3]
    assert len({data for _, data in seen}) == 6
    with records.database.reading() as session:
        assert set(session.exec(select(View.state))) == {"scored"}
