"""Tablets, photographs as one would take them, and yards with accounts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from pestcheck.settings import Settings
from tests.app.tablet import LYING, Tablet
from tests.app.yards import HERE, Yard
from tests.conftest import Server
from tests.pictures import scenes


@pytest.fixture
def hornet(tmp_path: Path) -> Path:
    """A photograph of a floor with a hornet, as a tablet would send it."""
    picture = scenes.floor()
    scenes.lay(picture, "hornet", length=220)
    path = tmp_path / "IMG 0001 (é).jpg"
    path.write_bytes(scenes.jpeg(picture))
    return path


@pytest.fixture
def wall(tmp_path: Path) -> Path:
    """A photograph of a clean wall with a container number."""
    path = tmp_path / "wall.jpg"
    path.write_bytes(scenes.jpeg(scenes.wall(seed=3)))
    return path


@pytest.fixture
def closed_afterwards(browser: Any) -> Iterator[None]:
    """A page that is left open goes on asking its server, which is gone."""
    yield
    for context in browser.contexts:
        context.close()


@pytest.fixture
def tablet(browser: Any, server: Server) -> Iterator[Callable[..., Tablet]]:
    """Takes another tablet to the server."""
    taken: list[Tablet] = []

    def take(size: tuple[int, int] = LYING, **context: Any) -> Tablet:
        taken.append(Tablet(browser, server, size, **context))
        return taken[-1]

    yield take
    for one in taken:  # a page that is left open goes on asking its server, which is gone
        one.context.close()
    assert [error for one in taken for error in one.errors] == []


@pytest.fixture(scope="module")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    from app.main import create_app

    app = create_app(Settings(data=tmp_path_factory.mktemp("yard") / "data"))
    with TestClient(app, base_url=HERE):
        yield Yard(app)


@pytest.fixture
def clean(yard: Yard) -> Yard:
    """Without the wrong passwords of other tests."""
    from sqlmodel import delete

    from pestcheck.store.account_tables import Attempt

    with yard.records.database.writing() as session:
        session.exec(delete(Attempt))
    return yard
