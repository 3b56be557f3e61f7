"""Who may see and do what: one table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a person is to the records."""

    inspector = "inspector"
    trainer = "trainer"
    auditor = "auditor"
    admin = "admin"


class Deed(StrEnum):
    """What a person may do."""

    see = "see"
    """Inspections and photographs, seals, journeys, wood."""
    inspect = "inspect"
    """Open an inspection and put anything on its record, until it is closed."""
    amend = "amend"
    """Correct a closed inspection, with a reason."""
    review = "review"
    """Label photographs for training, and enter training certificates."""
    export = "export"
    """Take the log and the records out."""
    retain = "retain"
    """Legal hold, and purge."""
    manage = "manage"
    """Accounts and sites."""


MAY: dict[Role, frozenset[Deed]] = {
    Role.inspector: frozenset({Deed.see, Deed.inspect, Deed.amend}),
    Role.trainer: frozenset({Deed.see, Deed.review}),
    Role.auditor: frozenset({Deed.see, Deed.export}),
    Role.admin: frozenset(Deed),
}


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks. ``name`` stands in the log; ``sites``: the only ones of which they see anything; None: all.

    ``account``: the id of their account; None: the single user of a computer without accounts.
    """

    name: str
    role: Role
    sites: frozenset[str] | None = None
    account: str | None = None

    def may(self, deed: Deed) -> bool:
        """Whether the role allows it."""
        return deed in MAY[self.role]

    def at(self, site: str | None) -> bool:
        """Whether they may know of a site. What is at none is only for those who see all."""
        return self.sites is None or site in self.sites
