"""All settings, from the environment: the name of a field in capitals after ``PESTCHECK_``, as ``PESTCHECK_DATA``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from pestcheck import people
from pestcheck.inspection.guidance import Role

if TYPE_CHECKING:
    from pestcheck.inspection.selection import Plan


class Settings(BaseSettings):
    """What can be set.

    ``data``: the folder of the database and photographs, unless they are elsewhere: ``database`` is SQLAlchemy's address of a
    PostgreSQL database, ``postgresql://user:password@host/name``, and ``photographs`` another folder or ``s3://bucket/prefix``.
    ``model``: a model folder; None is the one shipped. ``templates``: a folder of your own templates; None is ``templates`` in the
    data folder. ``contacts``: whom to call, by role, as JSON: ``{"supervisor": "Ana Pérez, +1 555 0100"}``. ``retention_years``: how long closed
    inspections stay, at least 1 (CTPAT 5.7). ``gap_hours``: how long a conveyance may stand, be late, or be without a known place, before
    that is to be explained. ``certificate_months``: how long a training certificate is valid, unless its quiz or course says otherwise.
    ``tls_certificate``, ``tls_key``: PEM files, the certificate with its chain; without them the app speaks plain HTTP,
    and listens to its own computer only. ``hosts``: further names by which browsers call the server, as JSON, such as that of a proxy in
    front of it: ``["pestcheck.yard.example"]``. It answers to no name that it does not know. ``lock_minutes``: after how long without a touch a
    session is locked. ``oidc_...``: a sign-in service, see docs/accounts.md; ``oidc_roles``: which value of the claim makes whom, as JSON:
    ``{"yard-inspectors": "inspector"}``. ``keys``: the folder of the keys that sign tree heads; None is ``keys`` in the data folder.
    ``second_looks``: whether conveyances are proposed for a second look (docs/insight.md); ``random_share``: of those drawn at random;
    ``risk_factor``: how many times the usual odds of contamination propose one for its risk. ``alarms``: limits of the watching page, as
    JSON: ``{"missed": 0.05, "drift": 0.2}``.
    ``stamps``: address of a time-stamping authority (RFC 3161) for tree heads; ``stamps_roots``: PEM file of the root certificates to check it with.
    """

    model_config = SettingsConfigDict(env_prefix="PESTCHECK_")
    data: Path = Field(default_factory=lambda: Path.home() / "pestcheck-data")
    database: str | None = None
    photographs: str | None = None
    model: Path | None = None
    templates: Path | None = None
    contacts: dict[Role, str] = Field(default_factory=dict)
    retention_years: float = Field(default=5, ge=1)
    gap_hours: float = Field(default=4, gt=0)
    second_looks: bool = False
    random_share: float = Field(default=0.1, gt=0, le=1)
    risk_factor: float = Field(default=2, gt=1)
    alarms: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    certificate_months: int = Field(default=12, ge=1, le=36)
    host: str = "127.0.0.1"
    port: int = 7860
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    hosts: list[str] = Field(default_factory=list)
    lock_minutes: float = Field(default=10, gt=0, le=720)
    oidc_issuer: str | None = None
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_scope: str = "openid profile"
    oidc_name_claim: str = "name"
    oidc_role_claim: str = "roles"
    oidc_roles: dict[str, people.Role] = Field(default_factory=dict)
    oidc_sites_claim: str | None = None

    keys: Path | None = None
    stamps: str | None = None
    stamps_roots: Path | None = None

    @field_validator("alarms")
    @classmethod
    def _known(cls, alarms: dict[str, float]) -> dict[str, float]:
        from pestcheck.rates import LIMITS

        if unknown := alarms.keys() - LIMITS.keys():
            raise ValueError(f"there are no alarms {', '.join(sorted(unknown))}; there are: {', '.join(LIMITS)}")
        return alarms

    @property
    def plan(self) -> Plan | None:
        """How conveyances are proposed for a second look; None: they are not."""
        from pestcheck.inspection.selection import Plan

        return Plan(self.random_share, self.risk_factor) if self.second_looks else None

    @property
    def database_url(self) -> str:
        """SQLAlchemy's address of the database."""
        return self.database or f"sqlite:///{(self.data / 'pestcheck.sqlite3').resolve().as_posix()}"

    @property
    def local(self) -> bool:
        """Whether only programs on this computer reach the address it listens on."""
        from ipaddress import ip_address

        try:
            return ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def address(self) -> str:
        """Where a browser finds the app."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls_certificate else 'http'}://{host}:{self.port}"

    @property
    def where(self) -> str:
        """Where the records are, for people: without a password."""
        from sqlalchemy.engine import make_url

        return make_url(self.database).render_as_string() if self.database else str(self.data.resolve())

    @property
    def templates_folder(self) -> Path:
        """Where your own templates are; it need not exist."""
        return self.templates or self.data / "templates"

    @property
    def keys_folder(self) -> Path:
        """Where the keys that sign tree heads are; it is made with the first."""
        return self.keys or self.data / "keys"
