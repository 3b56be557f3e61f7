"""Use cases of data sets: what trainers said of photographs, frozen under a name, split by inspection and site, to train and to test with."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable
from typing import Any

from sqlmodel import Session, col, select

from pestcheck.records.common import NotFound, Refused, text
from pestcheck.records.reviews import Reviewed, Reviews
from pestcheck.review import Outcome, Status
from pestcheck.store import events
from pestcheck.store.model_tables import Dataset
from pestcheck.taxonomy import LABELS

TRAIN, TEST = "train", "test"
TEST_SHARE = 0.2
"""Share of inspections that are only tested on."""
CLEAN = "no_contaminant"
"""The label of a photograph without contamination: trainers do not say which surface it shows."""
NO_SITE = "no site"
MOST_ITEMS = 50_000
NAME = "[a-z0-9][a-z0-9._-]{0,59}"


class Datasets(Reviews):
    """See the module."""

    def make_dataset(
        self, name: str, *, licence: str, consent: str, actor: str, statuses: Collection[str] = (Status.AGREED,), site: str | None = None,
        since: str = "", until: str = "", test_sites: Collection[str] = (),
    ) -> Dataset:  # fmt: skip
        """Freeze the reviewed photographs under a name.

        An inspection is in one part only, and with it all others that have a photograph in common; it stays in the part that an earlier
        data set gave it, so that nothing is ever tested on that was trained on. A new one is tested on if its site is one of ``test_sites``, or
        by its id, one in five.

        Args:
            licence: of the photographs, in words. consent: whose leave there is to use them, and for what, in words. statuses: of
                ``review.Status``. site, since, until: see ``reviewed``.

        Returns:
            The data set; asked again with the same photographs, the same one.

        Raises:
            Refused: a bad name, one that holds other photographs, no licence or consent, or nothing was reviewed.
        """
        if not re.fullmatch(NAME, name):
            raise Refused(f"{name[:60]!r} is no name for a data set: small letters, digits, points and dashes, 60 at most.")
        terms = {
            "licence": text(licence, "licence", needed="Say under which licence the photographs may be used."),
            "consent": text(consent, "consent", needed="Say whose leave there is to train with these photographs."),
        }
        reviewed = list(self.reviewed(statuses, site=site, since=since, until=until))
        with self.database.writing() as session:
            parts = _parts(session, reviewed, set(test_sites))
            items, left_out = _items(reviewed, parts)
            if not items:
                raise Refused("No reviewed photograph can be in a data set: " + (left_out[0]["why"] if left_out else "none was reviewed."))
            if len(items) > MOST_ITEMS:
                raise Refused(f"The data set would have {len(items)} rows; the most is {MOST_ITEMS}. Choose by site or date.")
            digest = hashlib.sha256(events.canonical([items, terms]).encode()).hexdigest()
            if known := session.get(Dataset, name):
                if known.sha256 != digest:
                    raise Refused(f"There is a data set {name!r} already, made at {known.made_at}, with other rows. Give another name.")
            else:
                row = {
                    "name": name,
                    "sha256": digest,
                    **terms,
                    "items": items,
                    "left_out": left_out,
                    "made_by": actor,
                    "made_at": events.now(),
                }
                events.append(session, "dataset_made", row, actor)
                known = session.get_one(Dataset, name)
            session.expunge(known)
        return known

    def datasets(self) -> list[Dataset]:
        """All data sets, the newest first."""
        with self.database.reading() as session:
            return list(session.exec(select(Dataset).order_by(col(Dataset.made_at).desc(), col(Dataset.name))))

    def dataset(self, name: str) -> Dataset:
        """
        Raises:
            NotFound: there is none with this name.
        """
        with self.database.reading() as session:
            found = session.get(Dataset, name) if name.isprintable() else None
        if found is None:
            raise NotFound(f"There is no data set {name[:60]!r}.")
        return found


def _items(reviewed: Iterable[Reviewed], parts: dict[str, tuple[str, str]]) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Rows of the data set, and photographs that cannot be in it."""
    items: list[dict[str, Any]] = []
    left_out: list[dict[str, str]] = []
    for one in reviewed:
        part, group = parts[one.inspection.id]
        opinion = one.current.opinion
        row = {
            "photograph": one.view.sha256, "inspection": one.inspection.id, "source": one.inspection.site or NO_SITE, "split_group": group,
            "part": part,
        }  # fmt: skip
        if part not in (TRAIN, TEST):
            left_out.append({"photograph": one.view.sha256, "why": part})
        elif opinion is not None and opinion.outcome == Outcome.NO_CONTAMINANT:
            items.append(row | {"label": CLEAN, "box": None})
        elif opinion is not None and opinion.outcome == Outcome.CONTAMINATION:
            for mark in one.marks:
                if mark.label in LABELS:
                    items.append(row | {"label": mark.label, "box": [*mark.box]})
                else:
                    left_out.append({"photograph": one.view.sha256, "why": f"{mark.label!r} is no label that a model may give"})
    items.sort(key=lambda item: (item["photograph"], item["inspection"], item["label"], item["box"] or []))
    return items, left_out


def _parts(session: Session, reviewed: Iterable[Reviewed], test_sites: set[str]) -> dict[str, tuple[str, str]]:
    """The part of each inspection, or why it has none, and the group that it belongs to: the smallest id among those it hangs together with."""
    above: dict[str, str] = {}

    def root(key: str) -> str:
        while above.setdefault(key, key) != key:
            key = above[key]
        return key

    sites: dict[str, set[str]] = {}
    first: dict[str, str] = {}
    told: dict[str, set[str]] = {}
    for one in reviewed:
        a, b = root(one.inspection.id), root(first.setdefault(one.view.sha256, one.inspection.id))
        above[max(a, b)] = min(a, b)
        sites.setdefault(one.inspection.id, set()).add(one.inspection.site or NO_SITE)
    for earlier in session.exec(select(Dataset)):
        for item in earlier.items:
            told.setdefault(item["inspection"], set()).add(item["part"])
            told.setdefault(item["photograph"], set()).add(item["part"])
    groups: dict[str, list[str]] = {}
    for key in sites:
        groups.setdefault(root(key), []).append(key)
    photographs: dict[str, set[str]] = {}
    for one in reviewed:
        photographs.setdefault(root(one.inspection.id), set()).add(one.view.sha256)
    parts: dict[str, tuple[str, str]] = {}
    for group, members in groups.items():
        before = set().union(*(told.get(key, set()) for key in (*members, *photographs[group])))
        at = set().union(*(sites[key] for key in members))
        if len(before) > 1:
            part = "it hangs together with inspections that earlier data sets trained on and tested on"
        elif before == {TRAIN} and at & test_sites:
            part = "its site is to be tested on, but an earlier data set trained on it"
        elif before:
            part = before.pop()
        else:
            part = TEST if at & test_sites or _share(group) < TEST_SHARE else TRAIN
        parts |= dict.fromkeys(members, (part, group))
    return parts


def _share(key: str) -> float:
    """A number from 0 to 1 that is always the same for a key."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) / 2**64
