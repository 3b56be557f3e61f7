"""The trainer's pages: photographs to review, and how well trainers agree. What they do goes through the API (``app/api/queue.py``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from app import i18n
from app.forms import page
from app.identity import person
from app.pages import words
from app.pages.picture import REVIEW
from pestcheck.priority import PARTS
from pestcheck.records import Records
from pestcheck.review import Kappa, Outcome

OUTCOMES = {
    Outcome.NO_CONTAMINANT: "No contaminant", Outcome.UNUSABLE: "Unusable", Outcome.NEEDS_EXPERT: "Needs an expert",
}  # fmt: skip
SAYS = {
    "nothing": "Nothing to review here now.", "sent": "All saved", "waiting": "{n} not sent yet; they are kept on this tablet",
    "none_marked": "Nothing is marked. Draw a box, or press N if there is no contaminant.", "not_saved": "Not saved: {why}",
    "undone": "Taken back", "nothing_to_undo": "Nothing to take back", "inspector": "Inspector: {what}",
    "model": "Model: {what}", "rejected": "not a contaminant", "unseen": "no box drawn", "suspect": "Suspect", "unsure": "Unsure",
    "nothing_found": "Nothing found", "unusable": "Photograph unusable", "blind": "Blind: you see what you would see alone.",
    "done": "{n} done", "delete": "Remove {what}", "place": "Place {n}: {what}", "signed_out": "Sign in again; what you said is kept on this tablet.",
    "held": "Somebody else has it now: {why}", "label": "Choose what it is", "look_again": "Look at it again", "trainer": "{who}: {what}",
    "unknown": "Not looked at by the model",
}  # fmt: skip
"""What the page's script says."""
ANSWERS = {"no_contaminant": "No contaminant", "unusable": "Unusable"}
"""Answers that are no labels, in the table of agreement."""


@dataclass(frozen=True, slots=True)
class Voice:
    """The language of a page."""

    language: str

    def t(self, text: str, **values: Any) -> str:
        """A text of the page."""
        return i18n.t(self.language, text, **values)


def routes(records: Records) -> APIRouter:
    """All of them need ``Deed.review``, see ``identity.NEEDS``."""
    router = APIRouter(include_in_schema=False)

    @router.get("/review")
    def review(request: Request) -> Response:
        voice, who = Voice(i18n.chosen(request)), person(request)
        t, found = voice.t, records.within(who.sites).queue_choices()
        labels = words.groups(voice)
        told = {
            "labels": {key: name for _, members in labels for key, name in members},
            "reasons": {name: t(part.says) for name, part in PARTS.items()},
            "says": {key: t(text) for key, text in SAYS.items()},
            "outcomes": {key.value: t(text) for key, text in OUTCOMES.items()},
            "status": {key: t(text) for key, text in REVIEW.items()},
        }
        return page(request, "review.html", labels=labels, choices=found, words=told, statuses=REVIEW)

    @router.get("/review/agreement")
    def agreement(request: Request) -> Response:
        voice, site = Voice(i18n.chosen(request)), request.query_params.get("site", "")
        mine = records.within(person(request).sites)
        found = mine.agreement(site=site or None)
        rows = sorted(found.by_label.items(), key=lambda item: (-item[1].pairs, item[0]))
        named = [(voice.t(ANSWERS[key]) if key in ANSWERS else words.label(voice, key), one) for key, one in rows]
        choices = mine.queue_choices()
        return page(
            request, "agreement.html", found=found, rows=named, site=site, sites=choices.sites, statuses=choices.statuses, words=REVIEW,
            grade=grade,
        )  # fmt: skip

    return router


def grade(found: Kappa) -> str:
    """A kappa in words (Landis & Koch 1977)."""
    if found.value is None:
        return "not defined"
    steps = ((0.8, "almost perfect"), (0.6, "substantial"), (0.4, "moderate"), (0.2, "fair"), (0.0, "slight"))
    return next((name for least, name in steps if found.value > least), "poor")
