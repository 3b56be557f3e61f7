"""The tables of journeys: in whose hands a conveyance was, when and where."""

from __future__ import annotations

from sqlmodel import Field, SQLModel


class Party(SQLModel, table=True):
    """A company or site that has conveyances in its hands. ``key``: the name in the form that is compared."""

    id: str = Field(primary_key=True)
    name: str
    key: str = Field(unique=True)
    role: str
    scac: str = ""
    recorded_by: str
    recorded_at: str


class Leg(SQLModel, table=True):
    """One stretch of a journey in one hand: who handed over, who took over, planned and actual times."""

    id: str = Field(primary_key=True)
    inspection_id: str = Field(foreign_key="inspection.id", index=True)
    position: int
    tendered_by: str = Field(foreign_key="party.id")
    received_by: str = Field(foreign_key="party.id")
    origin: str = ""
    destination: str = ""
    planned_departure: str | None = None
    planned_arrival: str | None = None
    departed: str | None = None
    arrived: str | None = None
    recorded_by: str
    recorded_at: str


class Fix(SQLModel, table=True):
    """Where a conveyance was at a time on a leg, from its GPS receiver; degrees."""

    leg_id: str = Field(primary_key=True, foreign_key="leg.id")
    at: str = Field(primary_key=True)
    latitude: float
    longitude: float
