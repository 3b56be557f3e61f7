"""Answers to points and to their questions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import ConfigDict, Field

from app.api.common import NAME, Area, Change, Changing, Here, Text, Who, choice, made, status
from pestcheck.records import RESULTS, STATES
from pestcheck.store.tables import Answer, CheckAnswer

router = APIRouter(tags=["answers"])


class PointAnswer(Change):
    """The answer to a point. A later one replaces an earlier one; the log keeps both."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"state": "inspected", "result": "no_contamination", "seen": 0}]})
    state: Annotated[str, choice(STATES, "whether it was inspected")]
    result: Annotated[str, choice(RESULTS, "what was seen; needed where it was inspected")] | None = None
    note: Text = Field(default="", description="why it was not inspected or does not apply; needed then")


class QuestionAnswer(Change):
    """The answer to a question of a point."""

    answer: Text = Field(description='one of the question\'s answers, a number, or text; "" takes it back', examples=["yes"])


@router.put("/inspections/{inspection_id}/points/{area}/answer", summary="Answer a point", responses=made(Answer, "answer"))
def answer(view: Changing, area: Area, body: PointAnswer, response: Response, records: Here, who: Who) -> Answer:
    """Refused where it contradicts a finding or a question at the point."""
    key = view.inspection.id
    records.answer(key, area, state=body.state, result=body.result, note=body.note, actor=who.name, seen=body.seen, amends=body.amends)
    status(response, new=area not in view.answers)
    return records.inspection(key).answers[area]


@router.put(
    "/inspections/{inspection_id}/points/{area}/checks/{check_id}",
    summary="Answer a question of a point",
    responses=made(CheckAnswer, "answer"),
)
def check(
    view: Changing,
    area: Area,
    check_id: Annotated[str, Path(description="the question, by its id in the template", pattern=NAME, max_length=60)],
    body: QuestionAnswer,
    response: Response,
    records: Here,
    who: Who,
) -> CheckAnswer:
    key = view.inspection.id
    records.check(key, area, check_id, body.answer, actor=who.name, seen=body.seen, amends=body.amends)
    status(response, new=check_id not in view.checks.get(area, {}))
    return records.inspection(key).checks[area][check_id]
