"""Quizzes from photographs and knowledge: made, taken, passed and failed, certificates, and what is erased meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from pestcheck.ids import uuid7
from pestcheck.inspection import knowledge
from pestcheck.records import NotFound, Records, Refused
from pestcheck.records.quizzes import AttemptView
from pestcheck.records.training import months_later
from pestcheck.store import events
from pestcheck.store.training_tables import PictureQuestion
from pestcheck.store.verify import verify
from tests.records.conftest import ANA, CLEAN, HORNET, closed, opened, photographed
from tests.records.test_retention import years_ago

CLEO, ACCOUNT = "Cleo", "a1"
KNOWN = knowledge.knowledge()
FACTS = [KNOWN.reference(one) for one in KNOWN.questions]
WOOD = "us@1/bark"
BOX = (10, 10, 60, 60)
TODAY = datetime.now(UTC).date()


def pictures(records: Records, site: str = "") -> tuple[str, str]:
    """A question of a hornet and one of a clean wall."""
    key = opened(records, **({"site": site} if site else {}))
    made = []
    for data, things in ((HORNET, [("hornet", BOX)]), (CLEAN, [])):
        records.photograph(key, "floor", data, name="a.jpg", actor=ANA)
        sha256 = {item.photograph.size: item.view.sha256 for item in records.inspection(key).photographs}[len(data)]
        made.append(records.picture_question(sha256, things, stage="empty_at_origin", actor=CLEO, because="look at the beam"))
    return made[0], made[1]


def quiz(records: Records, **more: Any) -> str:
    hornet, wall = pictures(records)
    asked = {"topics": ["inspection"], "questions": [hornet, wall, WOOD, *FACTS[:2]], "actor": CLEO} | more
    return records.make_quiz("Yard", **asked)


def take(records: Records, key: str, right: Callable[[int], bool] = lambda n: True, account: str = ACCOUNT) -> AttemptView:
    """Answer every question, rightly or not."""
    attempt = records.start_quiz(key, actor=ANA, account=account)
    number = 0
    while item := records.attempt(attempt).next:
        records.answer_quiz(attempt, item.reference, answer(item.question, right(number)), actor=ANA, account=account)
        number += 1
    return records.attempt(attempt)


def answer(question: Any, right: bool) -> dict[str, Any]:
    if not isinstance(question, PictureQuestion):
        return {"choice": question.right if right else question.wrong[0]}
    if bool(question.things) is not right:
        return {"contaminated": False}
    return {"contaminated": True, "where": (20, 20), "what": "hornet", "todo": "ask_first"}


def test_who_passes_has_the_certificates_at_once(records: Records) -> None:
    key = quiz(records, topics=["inspection", "pest_prevention"], months=6)
    assert records.stands(ANA).state == "missing"
    view = take(records, key)
    assert (view.attempt.passed, view.attempt.score, view.attempt.found) == (True, 1.0, 1.0)
    given = records.certificates(ANA)
    assert {one.id for one in given} == {*view.attempt.certificates}
    assert {one.topic for one in given} == {"inspection", "pest_prevention"}
    assert {(one.given_on, one.expires_on) for one in given} == {(TODAY.isoformat(), months_later(TODAY, 6).isoformat())}
    assert all(view.attempt.id in one.reference and "100%" in one.reference for one in given)
    assert records.stands(ANA).state == "valid"
    assert records.inspection(opened(records)).inspection.trained is True
    assert view.next is None
    assert view.wrong == ()
    with records.database.reading() as session:
        kinds = [row.kind for row in events.read(session)]
    assert kinds.count("quiz_answered") == 5
    assert verify(records.database, records.photo_store).problems == ()


def test_who_fails_has_none_and_may_try_again(records: Records) -> None:
    key = quiz(records)
    first = take(records, key, lambda n: n > 1)
    assert (first.attempt.passed, first.attempt.certificates, records.certificates()) == (False, [], [])
    assert len(first.wrong) == 2
    second = take(records, key)
    assert second.attempt.id != first.attempt.id
    assert second.attempt.passed
    assert [one.id for one, _ in records.attempts(account=ACCOUNT)] == [second.attempt.id, first.attempt.id]
    assert len(records.attempts(quiz_id=key)) == 2
    assert records.attempts(account="other") == []


def test_who_misses_the_only_pest_fails_however_much_they_know(records: Records) -> None:
    hornet, wall = pictures(records)
    key = records.make_quiz("Yard", topics=["inspection"], questions=[hornet, wall, *FACTS], actor=CLEO)
    attempt = records.start_quiz(key, actor=ANA, account=ACCOUNT)
    while item := records.attempt(attempt).next:
        records.answer_quiz(attempt, item.reference, answer(item.question, item.reference != hornet), actor=ANA, account=ACCOUNT)
    row = records.attempt(attempt).attempt
    assert row.score is not None
    assert row.score > 0.95
    assert (row.found, row.passed) == (0.0, False)


def test_nobody_takes_a_quiz_for_somebody_else(records: Records) -> None:
    key = quiz(records)
    with pytest.raises(Refused, match="account of their own"):
        records.start_quiz(key, actor=ANA, account=None)
    with pytest.raises(Refused, match="You made this quiz"):
        records.start_quiz(key, actor=CLEO, account="c1")
    mine = records.start_quiz(key, actor=ANA, account=ACCOUNT)
    item = records.attempt(mine).next
    assert item
    for account in ("other", "", None):
        with pytest.raises(NotFound, match="of yours"):
            records.answer_quiz(mine, item.reference, answer(item.question, True), actor="Bo", account=account)
    with pytest.raises(Refused, match="already there"):
        records.start_quiz(key, actor="Bo", account="other", attempt_id=mine)
    assert records.start_quiz(key, actor=ANA, account=ACCOUNT) == mine  # goes on with the open one


def test_an_answer_is_given_once(records: Records) -> None:
    key = quiz(records)
    mine = records.start_quiz(key, actor=ANA, account=ACCOUNT, attempt_id=uuid7())
    item = records.attempt(mine).next
    assert item
    for _ in range(2):
        records.answer_quiz(mine, item.reference, answer(item.question, True), actor=ANA, account=ACCOUNT)
    with pytest.raises(Refused, match="answered this question already"):
        records.answer_quiz(mine, item.reference, answer(item.question, False), actor=ANA, account=ACCOUNT)
    with pytest.raises(Refused, match="not asked in this attempt"):
        records.answer_quiz(mine, "us@1/none", {"choice": "x"}, actor=ANA, account=ACCOUNT)
    assert sum(one.answer is not None for one in records.attempt(mine).items) == 1


NO_ANSWERS: list[tuple[dict[str, Any], str]] = [
    ({}, "whether there is contamination"),
    ({"contaminated": "yes"}, "whether there is contamination"),
    ({"contaminated": True, "what": "unicorn", "todo": "clean"}, "name of what it is"),
    ({"contaminated": True, "what": "ant", "todo": "run"}, "first thing to do"),
    ({"contaminated": True, "where": (99999, 1), "what": "ant", "todo": "clean"}, "not on the photograph"),
    ({"contaminated": True, "where": (1,), "what": "ant", "todo": "clean"}, "not on the photograph"),
]


def test_what_is_no_answer_is_refused(records: Records) -> None:
    hornet, wall = pictures(records)
    key = records.make_quiz("Yard", topics=["inspection"], questions=[hornet, wall, FACTS[0]], actor=CLEO)
    mine = records.start_quiz(key, actor=ANA, account=ACCOUNT)
    for given, says in NO_ANSWERS:
        with pytest.raises(Refused, match=says):
            records.answer_quiz(mine, hornet, given, actor=ANA, account=ACCOUNT)
    with pytest.raises(Refused, match="Choose the answer"):
        records.answer_quiz(mine, FACTS[0], {"choice": "something else"}, actor=ANA, account=ACCOUNT)
    assert all(one.answer is None for one in records.attempt(mine).items)


NO_QUIZZES: list[tuple[dict[str, Any], str]] = [
    ({"title": " "}, "title"),
    ({"topics": []}, "topic"),
    ({"topics": ["juggling"]}, "topic"),
    ({"questions": FACTS[:2]}, "3 to 200"),
    ({"questions": [*FACTS[:3], "us@1/none"]}, "no question"),
    ({"questions": [*FACTS[:3], uuid7()]}, "no question"),
    ({"questions": [*FACTS[:3], "\x00"]}, "no question"),
    ({"pass_mark": 0.3}, "30%"),
    ({"pass_mark": float("nan")}, "pass mark"),
    ({"months": 0}, "months"),
    ({"months": 99}, "months"),
    ({"asked": 2}, "One attempt asks"),
    ({"asked": 9}, "One attempt asks"),
    ({"topics": ["pest_prevention"]}, "No question is about: Pest prevention"),
]


def test_a_quiz_must_make_sense(records: Records) -> None:
    for wrong, says in NO_QUIZZES:
        asked = {"title": "Yard", "topics": ["inspection"], "questions": FACTS[:5]} | wrong
        with pytest.raises(Refused, match=says):
            records.make_quiz(asked.pop("title"), actor=CLEO, **asked)
    assert records.quizzes() == []


NO_QUESTIONS: list[tuple[dict[str, Any], str]] = [
    ({"things": [("unicorn", None)]}, "Choose what it is"),
    ({"things": [("ant", (0, 0, 9999, 10))]}, "not inside the photograph"),
    ({"things": [("ant", (10, 10, 5, 20))]}, "not inside"),
    ({"stage": "somewhere"}, "stage"),
    ({"things": [("ant", None)] * 21}, "too many"),
    ({"sha256": "0" * 64}, "no photograph"),
]


def test_a_question_must_make_sense(records: Records) -> None:
    key = opened(records)
    records.photograph(key, "floor", CLEAN, name="a.jpg", actor=ANA)
    for wrong, says in NO_QUESTIONS:
        asked = {
            "sha256": records.inspection(key).photographs[0].view.sha256,
            "things": [("ant", None)],
            "stage": "empty_at_origin",
        } | wrong
        with pytest.raises(Refused, match=says):
            records.picture_question(asked.pop("sha256"), asked.pop("things"), actor=CLEO, **asked)
    assert records.picture_questions() == []


def test_questions_and_quizzes_are_withdrawn_and_not_changed(records: Records) -> None:
    key = quiz(records, quiz_id=(mine := uuid7()))
    assert key == mine
    with pytest.raises(Refused, match="withdraw it"):
        records.make_quiz("Other", topics=["inspection"], questions=FACTS[:3], actor=CLEO, quiz_id=key)
    (newest, *_) = records.picture_questions()
    with pytest.raises(Refused, match="Say why"):
        records.withdraw_question(newest.id, reason="", actor=CLEO)
    open_ = records.start_quiz(key, actor=ANA, account=ACCOUNT)
    records.withdraw_question(newest.id, reason="blurred", actor=CLEO)
    assert newest.id not in {one.id for one in records.picture_questions()}
    assert (
        next(one for one in records.attempt(open_).items if one.reference == newest.id).question is None
    )  # left out of what is still asked
    records.withdraw_quiz(key, reason="old", actor=CLEO)
    assert records.quizzes() == []
    assert [one.withdrawn_reason for one in records.quizzes(withdrawn=True)] == ["old"]
    assert take(records, key).attempt.id == open_  # who has begun may finish
    with pytest.raises(Refused, match="was withdrawn: old"):
        records.start_quiz(key, actor="Bo", account="b1")
    assert verify(records.database, records.photo_store).problems == ()


def test_a_purge_takes_its_photograph_out_of_quizzes_and_the_rest_counts(
    records: Records, scan: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with years_ago(monkeypatch, 6):
        old = opened(records)
        view = photographed(records, old, scan, CLEAN)
        closed(records, old)
    question = records.picture_question(records.reviewed_photograph(view).photograph.sha256, [], stage="empty_at_origin", actor=CLEO)
    key = records.make_quiz("Yard", topics=["inspection"], questions=[question, *FACTS[:3]], actor=CLEO)
    mine = records.start_quiz(key, actor=ANA, account=ACCOUNT)
    records.purge(old, reason="retention is over", actor=CLEO)
    with pytest.raises(Refused, match="was erased"):
        records.answer_quiz(mine, question, {"contaminated": False}, actor=ANA, account=ACCOUNT)
    assert take(records, key).attempt.id == mine
    view_now = records.attempt(mine)
    assert [one.reference for one in view_now.items if one.question is None] == [question]
    assert view_now.attempt.passed
    assert records.picture_questions(withdrawn=True) == []
    with pytest.raises(NotFound):
        records.question_picture(question)
    with pytest.raises(Refused, match="no question"):
        records.make_quiz("Again", topics=["inspection"], questions=[question, *FACTS[:3]], actor=CLEO)
    assert verify(records.database, records.photo_store).problems == ()


def test_an_attempt_ends_after_a_day(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    from pestcheck.records import quizzes

    key = quiz(records)
    mine = records.start_quiz(key, actor=ANA, account=ACCOUNT)
    monkeypatch.setattr(quizzes, "OPEN_FOR", timedelta(0))
    item = records.attempt(mine).next
    assert item
    with pytest.raises(Refused, match=r"over\. Begin the quiz again"):
        records.answer_quiz(mine, item.reference, answer(item.question, True), actor=ANA, account=ACCOUNT)
    assert records.start_quiz(key, actor=ANA, account=ACCOUNT) != mine


def test_people_of_other_sites_do_not_see_a_sites_quiz(records: Records) -> None:
    one, other = records.within(frozenset({"Yard 1"})), records.within(frozenset({"Yard 2"}))
    hornet, wall = pictures(records, "Yard 1")
    photograph = records.picture_questions()[0].sha256
    with pytest.raises(NotFound):
        other.picture_question(photograph, [], stage="empty_at_origin", actor="Dora")
    key = one.make_quiz("Yard 1", topics=["inspection"], questions=[hornet, wall, FACTS[0]], actor=CLEO)
    everybody = records.make_quiz("All", topics=["inspection"], questions=FACTS[:3], actor=CLEO)
    assert [quiz.id for quiz in other.quizzes()] == [everybody]
    assert {quiz.id for quiz in one.quizzes()} == {key, everybody}
    with pytest.raises(NotFound):
        other.start_quiz(key, actor="Bo", account="b1")
    mine = one.start_quiz(key, actor=ANA, account=ACCOUNT)
    with pytest.raises(NotFound):
        other.attempt(mine)
    assert other.attempts() == []


def test_a_draw_asks_so_many(records: Records) -> None:
    key = quiz(records, questions=FACTS[:20], asked=5)
    asked = [item.reference for item in records.attempt(records.start_quiz(key, actor=ANA, account=ACCOUNT)).items]
    assert len(asked) == 5
    other = [item.reference for item in records.attempt(records.start_quiz(key, actor="Bo", account="b1")).items]
    assert asked != other


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)), (date(2028, 1, 31), 1, date(2028, 2, 29)), (date(2026, 11, 28), 12, date(2027, 11, 28)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)), (date(2026, 3, 31), 3, date(2026, 6, 30)),
    ],
)  # fmt: skip
def test_months_later(start: date, months: int, end: date) -> None:
    assert months_later(start, months) == end
