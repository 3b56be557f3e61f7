"""All settings, from the environment: the name of a field in capitals after ``PESTCHECK_``, as ``PESTCHECK_DATA``."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from pestcheck.inspection.guidance import Role


class Settings(BaseSettings):
    """What can be set.

    ``data``: the folder of the database and photographs. ``model``: a model folder; None is the one shipped. ``templates``: a folder
    of your own templates; None is ``templates`` in the data folder. ``contacts``: whom to call, by role, as JSON:
    ``{"supervisor": "Ana Pérez, +1 555 0100"}``.
    """

    model_config = SettingsConfigDict(env_prefix="PESTCHECK_")
    data: Path = Field(default_factory=lambda: Path.home() / "pestcheck-data")
    model: Path | None = None
    templates: Path | None = None
    contacts: dict[Role, str] = Field(default_factory=dict)
    host: str = "127.0.0.1"
    port: int = 7860

    @property
    def database_url(self) -> str:
        """SQLAlchemy's address of the database in the data folder."""
        return f"sqlite:///{(self.data / 'pestcheck.sqlite3').resolve().as_posix()}"

    @property
    def templates_folder(self) -> Path:
        """Where your own templates are; it need not exist."""
        return self.templates or self.data / "templates"
