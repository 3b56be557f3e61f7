"""The server within the test's own process: as real as one of its own, without the time that takes to start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from pestcheck.ids import uuid7
from pestcheck.records import Records
from pestcheck.settings import Settings

ANA = "Ana Pérez"


@dataclass
class Client:
    """One person with one tablet."""

    http: TestClient
    app: FastAPI

    @property
    def records(self) -> Records:
        """The records behind it."""
        found: Records = api_of(self.app).state.records
        return found

    def ask(self, method: str, path: str, *, by: str = ANA, **more: Any) -> Any:
        headers = {"Pestcheck-Name": quote(by), **more.pop("headers", {})}
        return self.http.request(method, f"/api/v1{path}", headers=headers, **more)

    def get(self, path: str, **more: Any) -> Any:
        """The body of an answer that must be 200."""
        answer = self.ask("GET", path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def put(self, path: str, body: Any = None, *, status: int | None = None, **more: Any) -> Any:
        """The body of an answer that must be 201 or 200, or of one that must have another status."""
        answer = self.ask("PUT", path, **({"json": body} if body is not None else {}), **more)
        assert answer.status_code in ((200, 201) if status is None else (status,)), answer.text
        assert status is None or status < 400 or answer.headers["content-type"] == "application/problem+json"
        return answer.json()

    def opened(self, **more: Any) -> str:
        """The id of a new inspection."""
        key = uuid7()
        self.put(f"/inspections/{key}", {"number": "CSQU3054383", "template": "container_7_point@1", **more}, status=201)
        return key

    def photograph(self, key: str, data: bytes, area: str = "floor", **more: Any) -> Any:
        """The answer to a photograph that was put at a point."""
        return self.put(f"/inspections/{key}/points/{area}/photographs/{uuid7()}?name=a.jpg", content=data, **more)


def api_of(app: FastAPI) -> FastAPI:
    """The API that is mounted in the server."""
    api: FastAPI = next(route.app for route in app.routes if getattr(route, "path", "") == "/api/v1")  # type: ignore[attr-defined]
    return api


def served(data: Path) -> Iterator[Client]:
    """A server on a data folder, with the shipped model."""
    from app.main import create_app

    app = create_app(Settings(data=data))
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as http:
        yield Client(http, app)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    """A server on an empty data folder."""
    yield from served(tmp_path / "data")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """One server for tests that do not mind what others left there."""
    yield from served(tmp_path_factory.mktemp("shared"))
