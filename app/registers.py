"""The seal register over all seals, and legal hold: pages that are not of one inspection."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from app.forms import form, go, page
from app.identity import person
from app.inspector.seals import CLASSES, TYPES
from app.signin import text
from pestcheck.ids import is_id, uuid7
from pestcheck.inspection.seals import ACTS, Act, seal_key
from pestcheck.people import Deed
from pestcheck.records import NotFound, Records, Refused

Form = Annotated[FormData, Depends(form)]
LINES, MOST_NUMBERS = 200, 200
"""Lines of the register shown at once; numbers entered at once."""
FOUND = 50


def routes(everything: Records, years: float) -> APIRouter:
    """``years``: how long closed inspections are kept."""
    router = APIRouter(include_in_schema=False)

    def mine(request: Request) -> Records:
        return everything.within(person(request).sites)

    @router.get("/seals")
    def seals(request: Request, number: str = "") -> Response:
        return seals_page(request, number=number)

    def seals_page(
        request: Request,
        status: int = 200,
        *,
        number: str = "",
        wrong: str = "",
        kept: FormData | None = None,
        warned: list[str] | None = None,
    ) -> Response:
        records = mine(request)
        lines = records.seal_lines(number or None)
        seen, theirs = {line.key for line in lines}, {line.inspection_id or "" for line in lines}
        problems = [
            one
            for one in records.seal_problems()
            if any(seal_key(event.number) in seen for event in one.events)
            and all(event.inspection in theirs or not event.inspection for event in one.events)
        ]
        last = {}
        for line in lines:
            last[line.key] = line
        counts = {act: sum(line.act == act for line in last.values()) for act in Act}
        fields = ("act", "numbers", "container", "document_number", "seal_class", "type", "maker", "reason", "id")
        return page(
            request, "seals.html", status, lines=lines[::-1][:LINES], more=max(0, len(lines) - LINES), number_=number[:60], acts=ACTS, classes=CLASSES, types=TYPES,
            problems=problems, counts=counts, seals=len(seen), wrong=wrong, warned=warned or [],
            may=person(request).may(Deed.inspect), kept={name: text(kept, name) if kept else "" for name in fields} | ({} if kept else {"id": uuid7()}),
        )  # fmt: skip

    @router.post("/seals")
    def add(request: Request, given: Form) -> Response:
        """One act for each number, a line each; a number that cannot be taken is named, and those before it are kept."""
        records, by = mine(request), person(request)
        numbers = list(dict.fromkeys(line.strip() for line in text(given, "numbers").splitlines() if line.strip()))
        if not by.may(Deed.inspect):
            return seals_page(request, 403, wrong=f"As {by.role.value} you may not do this ({Deed.inspect.value}).")
        try:
            if not numbers:
                raise Refused("Give the number on the seal.")
            if len(numbers) > MOST_NUMBERS:
                raise Refused(f"{len(numbers)} numbers are too many at once; the limit is {MOST_NUMBERS}.")
            told: list[str] = []
            for place, number in enumerate(numbers):
                told += records.seal(
                    text(given, "act"), number, actor=by.name, container=text(given, "container"), document_number=text(given, "document_number"),
                    seal_class=text(given, "seal_class") or None, type=text(given, "type") or None, maker=text(given, "maker"), reason=text(given, "reason"),
                    line_id=following(text(given, "id"), place),
                )  # fmt: skip
        except Refused as error:
            return seals_page(request, 422, wrong=str(error), kept=given)
        return seals_page(request, warned=list(dict.fromkeys(told))) if told else go("/seals")

    @router.get("/holds")
    def holds(request: Request, number: str = "") -> Response:
        return holds_page(request, number=number)

    def holds_page(request: Request, status: int = 200, *, number: str = "", wrong: str = "") -> Response:
        records = mine(request)
        try:
            due, why = records.due(years), ""
        except Refused as error:
            due, why = [], str(error)
        found = [row for row, _ in records.inspections(FOUND, number=number)] if number else []
        return page(
            request, "holds.html", status, held=records.held(), due=due, why=why, years=years, found=found, number_=number[:60], wrong=wrong
        )  # fmt: skip

    @router.post("/holds/{key}")
    def hold(request: Request, key: str, given: Form) -> Response:
        reason, release = text(given, "reason"), text(given, "release") == "yes"
        try:
            if not release and not reason.strip():
                raise Refused("Say why it is kept, for example a claim.")
            mine(request).hold(key, reason="" if release else reason, actor=person(request).name)
        except Refused as error:
            return holds_page(request, 404 if isinstance(error, NotFound) else 422, wrong=str(error))
        return go("/holds")

    return router


def following(key: str, place: int) -> str | None:
    """The id of a line of a form that makes several: sent again, it makes the same. None: any."""
    if not is_id(key):
        return None
    return key if not place else f"{key[:-12]}{(int(key[-12:], 16) + place) % 16**12:012x}"
