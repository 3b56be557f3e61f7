"""All settings, from the environment: ``PESTCHECK_DATA``, ``PESTCHECK_MODEL``, ``PESTCHECK_HOST``, ``PESTCHECK_PORT``."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """``data``: the folder of the database and photographs. ``model``: a model folder; None is the one shipped."""

    model_config = SettingsConfigDict(env_prefix="PESTCHECK_")
    data: Path = Field(default_factory=lambda: Path.home() / "pestcheck-data")
    model: Path | None = None
    host: str = "127.0.0.1"
    port: int = 7860

    @property
    def database_url(self) -> str:
        """SQLAlchemy's address of the database in the data folder."""
        return f"sqlite:///{(self.data / 'pestcheck.sqlite3').resolve().as_posix()}"
