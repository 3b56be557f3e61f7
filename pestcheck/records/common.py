"""What all use cases share: refusals, the reading of what people typed, and the way into the log."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import copy
from datetime import date, datetime
from typing import Any, Self, TypeVar

from sqlalchemy import ColumnElement, true
from sqlmodel import Session, SQLModel, col, select

from pestcheck.ids import is_id, uuid7
from pestcheck.inspection.checklist import Catalogue, NoTemplate, Template, shipped
from pestcheck.store import events
from pestcheck.store.db import Database
from pestcheck.store.photos import PhotoStore
from pestcheck.store.review_tables import Review
from pestcheck.store.tables import Action, Finding, Inspection, Photograph, View

MAX_TEXT = 2000
SYSTEM = "pestcheck"
"""The actor of what the program does by itself."""

Row = TypeVar("Row", bound=SQLModel)


class Refused(ValueError):
    """A request that cannot be met; the message says what is wrong and what to do. Nothing was changed."""


class NotFound(Refused):
    """The thing asked for is not there."""


class Conflict(Refused):
    """Somebody else changed the same thing since it was looked at; the message says who, when and to what. Nothing was changed.

    ``by``, ``at``: who and when, where the record says; ``version``: the one that is there now.
    """

    def __init__(self, says: str, *, version: int, by: str = "", at: str = "") -> None:
        super().__init__(says)
        self.version, self.by, self.at = version, by, at


class UseCases:
    """The database, the photographs and the templates, and how a change is written. May be called from several threads."""

    def __init__(self, database: Database, photo_store: PhotoStore, catalogue: Catalogue | None = None) -> None:
        """
        Args:
            catalogue: the templates there are; None: those of pestcheck.
        """
        self.database, self.photo_store, self.catalogue = database, photo_store, catalogue or shipped()
        self.on_photograph: Callable[[], None] = lambda: None
        """Called after a photograph was added, so that whoever scores need not poll."""

    def within(self, sites: frozenset[str] | None) -> Self:
        """The same use cases for somebody who sees only these sites; None: all. What is at others is not there for them."""
        other = copy(self)
        other.database = self.database.within(sites)
        return other

    def template(self, inspection: Inspection) -> Template:
        """The template of an inspection, at the version that it was made with.

        Raises:
            Refused: its file is not there any more.
        """
        try:
            return self.catalogue.template(inspection.template, inspection.template_version)
        except NoTemplate as error:
            raise Refused(str(error)) from error

    def check_area(self, inspection: Inspection, area: str) -> None:
        """
        Raises:
            Refused: the template has no such point.
        """
        template = self.template(inspection)
        if template.point(area) is None:
            raise Refused(f"The template {template.title!r} has no point {area[:60]!r}.")


def change(
    session: Session,
    inspection: Inspection,
    kind: str,
    payload: dict[str, Any],
    actor: str,
    *,
    amends: str = "",
    before: SQLModel | None = None,
) -> None:
    """Write an event of an inspection; if it is closed, as an amendment, which keeps what was there before.

    Args:
        amends: why a closed inspection is amended. before: the row that is changed; None: it is new.

    Raises:
        Refused: the inspection is closed and no reason is given.
    """
    if inspection.closed_at is None:
        events.append(session, kind, payload, actor, inspection.id)
        return
    if not (reason := text(amends, "reason")):
        raise Refused(
            f"The inspection of {inspection.container_number} was closed at {inspection.closed_at}; to amend it, give the reason."
        )
    amendment = {
        "id": uuid7(), "inspection_id": inspection.id, "kind": kind, "payload": payload,
        "before": before.model_dump() if before else None, "reason": reason, "amended_by": actor, "amended_at": events.now(),
    }  # fmt: skip
    events.append(session, "amended", amendment, actor, inspection.id)


def get(session: Session, table: type[Row], key: str) -> Row:
    """
    Raises:
        NotFound: there is no row with this key, or it is of an inspection at a site that they do not see.
    """
    row = session.get(table, key) if key.isprintable() else None
    if row is None or not _visible(session, row):
        raise NotFound(f"There is no {table.__name__.lower()} {key[:60]!r}.")
    return row


def _visible(session: Session, row: SQLModel) -> bool:
    """Whether a row is at one of the sites that they see, or at none, as the log of seals and the parties are."""
    if session.info.get("sites") is None:
        return True
    match row:
        case Inspection():
            return sees(session, row.site)
        case Finding() | Review():
            above: SQLModel | None = session.get(View, row.view_id)
        case Action():
            above = session.get(Finding, row.finding_id)
        case Photograph():
            return (
                session.exec(select(View.id).where(View.sha256 == row.sha256, at_their_sites(session, View.inspection_id)).limit(1)).first()
                is not None
            )
        case _:
            key = getattr(row, "inspection_id", None)
            above = session.get(Inspection, key) if key else None
    return above is None or _visible(session, above)


def sees(session: Session, site: str | None) -> bool:
    """Whether they see a site. What has none is only seen by those who see all."""
    sites: frozenset[str] | None = session.info.get("sites")
    return sites is None or site in sites


def at_their_sites(session: Session, inspection_id: Any) -> ColumnElement[bool]:
    """For queries: whether an inspection, by a column with its id, is at a site that they see."""
    sites: frozenset[str] | None = session.info.get("sites")
    return true() if sites is None else col(inspection_id).in_(select(Inspection.id).where(col(Inspection.site).in_(sites)))


def unchanged(known: SQLModel | None, row: dict[str, Any]) -> bool:
    """Whether a row is there already with these very values: asking again changes nothing."""
    return known is not None and all(getattr(known, key) == value for key, value in row.items())


def not_stale(known: Any, seen: int | None, what: str, who: str = "", when: str = "") -> int:
    """The next version of a row.

    Args:
        known: the row as it is, or None. seen: the version that the person looked at (0: there was none); None: not said, the last word counts.
        who, when: its columns that say who wrote it, and when; "": it has none.

    Raises:
        Conflict: it was changed since.
    """
    version = known.version if known else 0
    if seen is not None and seen != version and known:
        by, at = (getattr(known, who), getattr(known, when)) if who else ("", "")
        name = f" by {by} at {at}" if who else ""
        says = f"{what} was changed{name}, after you looked at it. Look at it as it is now, then say it again if you still want to."
        raise Conflict(says, version=version, by=by or "", at=at or "")
    return version + 1


def new_id(key: str | None) -> str:
    """A client's id, or a new one.

    Raises:
        Refused: not a UUID.
    """
    if key is not None and not is_id(key):
        raise Refused(f"{key[:60]!r} is not a UUID.")
    return key or uuid7()


def text(value: str | None, what: str, *, needed: str = "") -> str:
    """What a person typed, without blanks at the ends.

    Args:
        needed: what to say if there is nothing.

    Raises:
        Refused: it is needed, too long, or has characters that cannot be written down.
    """
    value = value or ""
    plain = " ".join(value.split()) if "\n" not in value else value.strip()
    if len(plain) > MAX_TEXT:
        raise Refused(f"The {what} is too long: {len(plain)} characters; the limit is {MAX_TEXT}.")
    if any(ord(c) < 32 and c not in "\n\t" for c in plain) or any(0xD800 <= ord(c) <= 0xDFFF for c in plain):
        raise Refused(f"The {what} has characters that cannot be written down.")
    if needed and not plain:
        raise Refused(needed)
    return plain


def one_of(value: str | None, allowed: Iterable[str], what: str) -> str:
    """
    Raises:
        Refused: the value is none of them.
    """
    names = [*allowed]
    if value not in names:
        raise Refused(f"Choose the {what}: {', '.join(names)}; not {str(value)[:60]!r}.")
    return value


def moment(value: str | datetime | None, what: str) -> str | None:
    """A time as the records write it, ISO 8601 in UTC with milliseconds; None of nothing.

    Raises:
        Refused: it is no time, or has no time zone.
    """
    if not value:
        return None
    try:
        read = datetime.fromisoformat(value.strip()) if isinstance(value, str) else value
        if read.utcoffset() is None:
            raise Refused(f"The {what}, {str(value)[:40]!r}, has no time zone; write it like 2026-11-24T08:30:00-06:00.")
        return events.written(read)
    except (ValueError, OverflowError) as error:
        if isinstance(error, Refused):
            raise
        raise Refused(f"The {what}, {str(value)[:40]!r}, is no time; write it like 2026-11-24T08:30:00-06:00.") from error


def day(value: str, what: str) -> str:
    """A date, ISO 8601.

    Raises:
        Refused: it is none.
    """
    try:
        return date.fromisoformat(value.strip()).isoformat()
    except ValueError as error:
        raise Refused(f"The {what}, {value[:40]!r}, is no date; write it like 2026-11-24.") from error
