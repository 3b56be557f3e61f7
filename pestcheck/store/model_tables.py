"""The tables of models and data sets. All follow from the events, see ``tables.STATE``; none is of an inspection, so no purge erases them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON
from sqlmodel import Field, SQLModel


class Promotion(SQLModel, table=True):
    """A model that was put in use. The one in use is the last that was not rolled back; without any, it is the one shipped.

    ``model``: name@version. ``files``: SHA-256 of each file by its name, kept beside the photographs. ``position``: counted from 0.
    ``compared``: what the gates measured, beside the model that was in use (``replaces``).
    """

    id: str = Field(primary_key=True)
    position: int = Field(unique=True)
    model: str
    replaces: str
    files: dict[str, str] = Field(sa_type=JSON)
    compared: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    reason: str = ""
    promoted_by: str
    promoted_at: str
    rolled_back_at: str | None = None
    rolled_back_by: str | None = None
    rolled_back_reason: str | None = None


class ModelFile(SQLModel, table=True):
    """A file of a model that was ever in use, kept beside the photographs. Never erased."""

    sha256: str = Field(primary_key=True)
    name: str


class Dataset(SQLModel, table=True):
    """Reviewed photographs as they were when it was made; never changed. ``sha256``: of ``items``, canonical (``records.datasets``).

    ``items``: one for each place or clean photograph, with the columns of a manifest. ``left_out``: photographs that could not be in it, and why.
    """

    name: str = Field(primary_key=True)
    sha256: str
    licence: str
    consent: str
    items: list[dict[str, Any]] = Field(sa_type=JSON)
    left_out: list[dict[str, str]] = Field(default_factory=list, sa_type=JSON)
    made_by: str
    made_at: str
