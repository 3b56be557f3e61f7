"""The field guide: the watch list as a page, to look things up without a photograph."""

from __future__ import annotations

import unicodedata
from functools import partial

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.forms import page
from pestcheck import i18n
from pestcheck.inspection.watchlist import Entry, WatchList, words

KINDS = {"insect": "Insects", "snail": "Snails", "plant": "Plants and seeds", "other": "Soil, animal material, water"}
SURE = {"checked": "checked at its source", "high": "well known", "medium": "fairly sure", "low": "not sure: look it up"}
"""How sure what the list says is."""
MOST = 200


def routes(watch_list: WatchList) -> APIRouter:
    """For everybody who may see inspections."""
    router = APIRouter(include_in_schema=False)

    @router.get("/guide")
    def guide(request: Request, q: str = "", kind: str = "") -> Response:
        language = i18n.chosen(request)
        found = [
            (key, one) for key, one in watch_list.entries.items() if kind in ("", one.kind) and matches(one, q[:MOST], language)
        ]  # fmt: skip
        return page(
            request, "guide.html", entries=found, q=q[:MOST], kind=kind if kind in KINDS else "", kinds=KINDS, sure=SURE,
            w=partial(_in, language), all=len(watch_list.entries),
        )  # fmt: skip

    return router


def _in(language: str, text: str | dict[str, str]) -> str:
    return words(text, language)  # type: ignore[arg-type]


def matches(one: Entry, asked: str, language: str) -> bool:
    """Whether each word asked for stands somewhere in an entry, accents and capitals aside."""
    texts = [*one.scientific, *one.taxa, *one.kin, *one.eppo]
    texts += [
        words(text, said)
        for text in (one.name, one.evidence, one.look_alikes, one.season, one.status, *one.do)
        for said in (language, "en")
    ]
    whole = plain(" ".join(texts))
    return all(word in whole for word in plain(asked).split())


def plain(text: str) -> str:
    """Small letters without accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
