"""The way from each page to the others: who may do a thing sees the way to it."""

from __future__ import annotations

from collections.abc import Iterator

from pestcheck.people import Deed, Person

WAYS: tuple[tuple[str, str, Deed], ...] = (
    ("/", "Inspections", Deed.see),
    ("/review", "Review", Deed.review),
    ("/watch", "Watching the model", Deed.review),
    ("/records", "Records", Deed.export),
    ("/evidence", "Evidence by criterion", Deed.export),
    ("/insight", "Insight", Deed.see),
    ("/seals", "Seal register", Deed.see),
    ("/training", "Training", Deed.see),
    ("/guide", "Field guide", Deed.see),
    ("/holds", "Legal hold", Deed.retain),
    ("/accounts", "Accounts", Deed.manage),
)
"""Of each page its address, its name, and what one must be allowed to do. ``identity.NEEDS`` guards the addresses."""


def ways(person: Person | None) -> Iterator[tuple[str, str]]:
    """Address and English name of each page that a person may open."""
    if person:
        yield from ((address, name) for address, name, deed in WAYS if person.may(deed))
