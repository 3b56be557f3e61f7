"""Where a tablet is in the flow, and what a step of the flow has at hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlencode

from pestcheck import i18n
from pestcheck.inspection import watchlist
from pestcheck.inspection.guidance import Role
from pestcheck.inspection.journey import GAP
from pestcheck.inspection.selection import Plan
from pestcheck.inspection.watchlist import WatchList
from pestcheck.people import Deed as May
from pestcheck.people import Person
from pestcheck.records import InspectionView, Records

MAX_DRAFT = 40


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tablet is. The page's address holds all of it, and the server nothing: a reload, another tablet or a server
    started anew goes on at the same place.

    Attributes:
        inspection: its id; "" before there is one. step: which page (``flow.STEPS``). area: the point. photograph: a view's id.
        finding, check: ids. amends: why a closed inspection is amended, while it is. draft: answers of a form of several questions that is not finished, by question.
    """

    inspection: str = ""
    step: str = ""
    area: str = ""
    photograph: str = ""
    finding: str = ""
    check: str = ""
    amends: str = ""
    draft: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, values: Any) -> Place:
        """A place as a tablet sends it; what is no text or has no meaning is left out."""
        given = values if isinstance(values, dict) else {}
        plain = {one.name: given[one.name] for one in fields(cls) if one.name != "draft" and isinstance(given.get(one.name), str)}
        draft = given.get("draft")
        kept = {str(key): value for key, value in draft.items() if isinstance(value, str)} if isinstance(draft, dict) else {}
        return cls(**plain, draft=dict(list(kept.items())[:MAX_DRAFT]))

    def values(self) -> dict[str, Any]:
        """What is not empty, to be sent."""
        return {one.name: value for one in fields(self) if (value := getattr(self, one.name))}

    @property
    def address(self) -> str:
        """The query of the page's address; the draft is one value of it."""
        plain = {key: json.dumps(value, ensure_ascii=False) if key == "draft" else value for key, value in self.values().items()}
        return "?" + urlencode(plain) if plain else "?"

    def to(self, step: str, **changes: Any) -> Place:
        """Another step at the same point, without what belonged to this step only."""
        return replace(self, **({"step": step, "check": "", "draft": {}} | changes))


@dataclass(frozen=True, slots=True)
class Told:
    """What a touch led to, in words. ``undo``: what takes it back, as deed, place and form; None: nothing does."""

    text: str = ""
    kind: str = "good"
    undo: tuple[str, Place, dict[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """What a step has at hand: the records, the language, who acts, the sites that they may choose from, and the id of the
    message for what it makes. ``gap``: how long a conveyance may stand before that is to be explained. ``plan``: of second looks; None: none are
    proposed. ``watch_list``: species and things of concern."""

    records: Records
    contacts: Mapping[Role, str]
    language: str
    person: Person
    sites: tuple[str, ...] = ()
    key: str = ""
    gap: timedelta = GAP
    plan: Plan | None = None
    watch_list: WatchList = field(default_factory=watchlist.shipped)
    _read: dict[tuple[str, int], InspectionView] = field(default_factory=dict, init=False, repr=False)

    @property
    def reads(self) -> bool:
        """Whether numbers can be read from photographs here: the extra ``ocr`` is installed."""
        return find_spec("rapidocr") is not None

    def t(self, text: str, **values: object) -> str:
        """A text of the app, or of a data file, in the person's language."""
        return i18n.t(self.language, text, **values)

    def said(self, sentence: str) -> str:
        """A sentence of the library in the person's language."""
        return i18n.said(self.language, sentence)

    def when(self, at: str | None) -> str:
        """A time of the records."""
        return i18n.moment(self.language, at)

    def view(self, place: Place) -> InspectionView:
        """The inspection as it is now: read once a touch, and again after something was written.

        Raises:
            NotFound: there is none.
        """
        key = (place.inspection, self.records.database.writes)
        if key not in self._read:
            self._read[key] = self.records.inspection(place.inspection)
        return self._read[key]

    def after(self, place: Place) -> str:
        """The cleaning whose result a photograph shows that is taken at a place; "" where it shows none."""
        done = self.view(place).actions.get(place.finding, ()) if place.step == "cleaning" else ()
        return done[-1].id if done else ""

    def open(self, place: Place, view: InspectionView) -> bool:
        """Whether what was seen and done can be written down: the inspection is open, or it is being amended."""
        return view.inspection.closed_at is None or bool(place.amends and self.person.may(May.amend))

    def actor(self, place: Place, typed: str = "") -> str:
        """Whose name stands in the log: that of the account; where there are none, the name typed at the start of the inspection."""
        if self.person.account:
            return self.person.name
        return typed or self.view(place).inspection.inspector


Outcome = tuple[Place, Told]
Deed = Callable[[Desk, Place, dict[str, str]], Outcome]
Show = Callable[[Desk, Place], str]
