"""Training over HTTP: who may, whose attempt, forms that make no sense, the API, and the roster as a file."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from pestcheck.ids import uuid7
from pestcheck.inspection.knowledge import knowledge, question
from pestcheck.settings import Settings
from tests.app.yards import HERE, HTML, Yard, hidden, send, touch
from tests.pictures import scenes

KNOWN = knowledge()
FACTS = [KNOWN.reference(one) for one in KNOWN.questions]
ORIGIN = {"origin": HERE}


@pytest.fixture(scope="module")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    from app.main import create_app

    app = create_app(Settings(data=tmp_path_factory.mktemp("training") / "data"))
    with TestClient(app, base_url=HERE):
        yield Yard(app)


def put(tablet: TestClient, path: str, body: Any) -> Any:
    return tablet.put(f"/api/v1{path}", json=body, headers=ORIGIN)


def post(tablet: TestClient, to: str, page: str, **fields: Any) -> Any:
    """A form, of which a field may be there several times."""
    shown = tablet.get(page, headers=HTML)
    assert shown.status_code == 200
    return tablet.post(to, data={"form": hidden(shown.text), **fields}, headers={**ORIGIN, **HTML})


def made(yard: Yard, title: str, questions: list[str] | None = None) -> str:
    """A quiz that the trainer makes with the page's form."""
    form = {
        "title": title,
        "topic": ["inspection"],
        "question": questions or FACTS[:4],
        "pass_mark": "75",
        "months": "12",
        "asked": "",
        "id": (key := uuid7()),
    }
    assert post(yard.signed_in("Teo"), "/training/desk/new", "/training/desk/new", **form).status_code == 303
    return key


def test_a_quiz_by_forms_from_the_making_to_the_certificate(yard: Yard) -> None:
    key = made(yard, "Forms")
    ines = yard.signed_in("Ines")
    begun = send(ines, f"/training/quiz/{key}", page="/training")
    at = begun.headers["location"]
    for number in range(4):
        shown = ines.get(at, headers=HTML).text
        reference = re.search(r'name="question" value="([^"]+)"', shown)
        assert reference
        asked = question(reference[1])
        assert asked
        assert f"Question {number + 1} of 4" in shown
        assert asked.because not in shown  # what is right is said after the answer
        choice = asked.right if number else asked.wrong[0]
        told = ines.post(at, data={"form": hidden(shown), "question": reference[1], "choice": choice}, headers={**ORIGIN, **HTML})
        assert told.status_code == 303
        after = ines.get(told.headers["location"], headers=HTML).text
        assert ("Not right" in after, "✓ Right" in after) == (not number, bool(number))
    result = ines.get(at, headers=HTML).text
    assert "Passed with 75%" in result
    assert yard.records.stands("Ines").state == "valid"
    assert "Passed · 75%" in ines.get("/training", headers=HTML).text
    assert "Ines" in yard.signed_in("Teo").get(f"/training/desk/quiz/{key}", headers=HTML).text


def test_an_attempt_is_ones_own_but_for_who_judges(yard: Yard) -> None:
    key = made(yard, "Own")
    ines, other = yard.signed_in("Ines"), yard.signed_in("Ana")
    mine = uuid7()
    assert put(ines, f"/attempts/{mine}", {"quiz_id": key}).status_code == 201
    assert put(ines, f"/attempts/{mine}", {"quiz_id": key}).status_code == 200
    told = put(other, f"/attempts/{mine}/answers/{FACTS[0]}", {"choice": "x"})
    assert (told.status_code, "of yours" in told.json()["detail"]) == (404, True)
    assert put(other, f"/attempts/{mine}", {"quiz_id": key}).status_code == 422
    yard.accounts.set_password(yard.accounts.open("Ida", "inspector", actor="Ana"), "seven hornets on a pallet", actor="Ana")
    ida = yard.signed_in("Ida")
    assert ida.get(f"/training/attempt/{mine}", headers=HTML).status_code == 404
    assert ida.get(f"/api/v1/attempts/{mine}").status_code == 404
    assert ida.get("/api/v1/attempts").json()["attempts"] == []
    assert {one["id"] for one in ines.get("/api/v1/attempts").json()["attempts"]} >= {mine}
    seen = yard.signed_in("Teo").get(f"/training/attempt/{mine}", headers=HTML)
    assert (seen.status_code, "Not finished" in seen.text, 'name="choice"' in seen.text) == (200, True, False)
    teo = put(yard.signed_in("Teo"), f"/attempts/{uuid7()}", {"quiz_id": key})
    assert "You made this quiz" in teo.json()["detail"]


def test_the_api_says_what_is_right_only_after_the_answer(yard: Yard) -> None:
    teo, ines = yard.signed_in("Teo"), yard.signed_in("Ines")
    picture, quiz, mine = uuid7(), uuid7(), uuid7()
    body = {"sha256": yard.photographs["Yard 1"], "things": [{"label": "ant", "box": [10, 10, 60, 60]}], "stage": "empty_at_origin"}
    assert put(teo, f"/quizzes/pictures/{picture}", body).status_code == 201
    assert put(teo, f"/quizzes/pictures/{picture}", body).status_code == 200
    assert put(teo, f"/quizzes/pictures/{uuid7()}", {**body, "sha256": yard.photographs["Yard 2"]}).status_code == 404
    assert put(teo, f"/quizzes/pictures/{uuid7()}", {}).status_code == 422
    assert put(teo, f"/quizzes/pictures/{uuid7()}", {"view_id": uuid7()}).status_code == 404
    form = {"title": "API", "topics": ["pest_prevention"], "questions": [picture, "us@1/bark", *FACTS[:2]]}
    assert put(teo, f"/quizzes/{quiz}", form).status_code == 201
    assert put(teo, f"/quizzes/{quiz}", form).status_code == 200
    assert put(ines, f"/quizzes/{uuid7()}", form).status_code == 403
    assert ines.get(f"/training/picture/{picture}.jpg").headers["content-type"] == "image/jpeg"
    assert yard.signed_in("Aldo").get(f"/training/picture/{picture}.jpg").status_code == 404  # of another yard
    for wrong in ("nonsense", "us@1/bark", "%00"):
        assert ines.get(f"/training/picture/{wrong}.jpg").status_code == 404
    attempt = put(ines, f"/attempts/{mine}", {"quiz_id": quiz}).json()
    assert {one["right"] for one in attempt["questions"]} == {None}
    for one in attempt["questions"]:
        known = question(one["question"])
        given = {"choice": known.right} if known else {"contaminated": True, "where": [30, 30], "what": "insect", "todo": "clean"}
        attempt = put(ines, f"/attempts/{mine}/answers/{one['question']}", given).json()
        told = next(row for row in attempt["questions"] if row["question"] == one["question"])
        assert told["right"] == (known.right if known else [{"label": "ant", "box": [10, 10, 60, 60]}])
    assert attempt["attempt"]["passed"] is True
    assert [
        one["id"]
        for one in ines.get("/api/v1/certificates?name=Ines").json()["certificates"]
        if one["id"] in attempt["attempt"]["certificates"]
    ]
    assert put(teo, f"/quizzes/{quiz}/withdrawal", {"reason": "old"}).json()["withdrawn_reason"] == "old"
    assert put(teo, f"/quizzes/pictures/{picture}/withdrawal", {"reason": "old"}).json()["withdrawn_at"]
    assert quiz not in {one["id"] for one in ines.get("/api/v1/quizzes").json()["quizzes"]}
    assert len(teo.get("/api/v1/quizzes/knowledge").json()["questions"]) == len(FACTS)


def test_forms_that_make_no_sense_say_what_is_wrong_and_keep_what_was_typed(yard: Yard) -> None:
    teo = yard.signed_in("Teo")
    new = {"title": "Kept <b>title</b>", "topic": ["inspection"], "question": FACTS[:3], "pass_mark": "80", "months": "12", "asked": ""}
    for change, says in (
        ({"question": FACTS[:2]}, "3 to 200"), ({"pass_mark": "x"}, "no whole number"), ({"months": "99"}, "1 to 36 months"), ({"asked": "9"}, "One attempt asks"),
        ({"topic": []}, "at least one topic"), ({"question": [*FACTS[:3], "us@1/<script>"]}, "There is no question"),
    ):  # fmt: skip
        answer = post(teo, "/training/desk/new", "/training/desk/new", **new | change)
        assert (answer.status_code, says in answer.text) == (422, True), says
        assert "Kept &lt;b&gt;title&lt;/b&gt;" in answer.text
    course = {
        "title": "Kept",
        "held_on": "2026-01-05",
        "expires_on": "2027-01-05",
        "given_by": "Teo",
        "topic": ["inspection"],
        "attendees": "Bo\nCy",
    }
    for change, says in (
        ({"topic": []}, "at least one topic"),
        ({"attendees": " \n"}, "who took part"),
        ({"held_on": "soon"}, "is no date"),
    ):
        answer = post(teo, "/training/desk/courses", "/training/desk/courses", **course | change)
        assert (answer.status_code, says in answer.text, "Kept" in answer.text) == (422, True, True), says
    assert yard.records.courses() == []
    same = uuid7()
    for _ in range(2):
        assert post(teo, "/training/desk/courses", "/training/desk/courses", **course, id=same).status_code == 303
    assert [one.attendees for one in yard.records.courses()] == [["Bo", "Cy"]]
    ines = yard.signed_in("Ines")
    assert send(ines, f"/training/quiz/{uuid7()}", page="/training").status_code == 404
    assert ines.get(f"/training/attempt/{uuid7()}", headers=HTML).status_code == 404
    key = made(yard, "Nonsense")
    at = send(ines, f"/training/quiz/{key}", page="/training").headers["location"]
    for fields in (
        {"question": "us@1/none", "choice": "x"},
        {"question": FACTS[0], "choice": "none of them"},
        {"question": uuid7(), "yes": "yes", "where": "1,2", "what": "x"},
        {},
    ):
        answer = send(ines, at, **fields)
        assert answer.status_code == 422
        assert 'role="alert"' in answer.text
    assert ines.post(at, data={"question": FACTS[0]}, headers=ORIGIN).status_code == 403  # without what the form must bring back


def test_a_photograph_becomes_a_question_by_hand_and_from_a_review(yard: Yard) -> None:
    teo, records = yard.signed_in("Teo"), yard.records
    key = yard.inspections["Yard 1"]
    records.photograph(key, "floor", scenes.jpeg(scenes.wall(700, 500, seed=21)), name="b.jpg", actor="Ines")
    records.photograph(key, "floor", scenes.jpeg(scenes.wall(700, 500, seed=22)), name="c.jpg", actor="Ines")
    views = [item.view.id for item in records.inspection(key).photographs][-2:]
    at = f"/training/desk/photograph/{views[0]}"
    nothing = send(teo, at, contaminated="yes", stage="empty_at_origin", label="", box="")
    assert (nothing.status_code, "Say what is on it" in nothing.text) == (422, True)
    outside = send(teo, at, contaminated="yes", stage="empty_at_origin", label="soil", box="1,1,9000,9000")
    assert (outside.status_code, "not inside the photograph" in outside.text) == (422, True)
    assert (
        send(teo, at, contaminated="yes", stage="empty_at_origin", label="soil", box="10,20,110,120", because="see the film").status_code
        == 303
    )
    newest = records.picture_questions()[0]
    assert (newest.things, newest.because, newest.made_by) == ([{"label": "soil", "box": [10, 20, 110, 120]}], "see the film", "Teo")
    assert teo.get(f"/training/desk/photograph/{uuid7()}", headers=HTML).status_code == 404
    page = "/training/desk/questions"
    disputed = send(teo, f"{page}/reviewed/{views[1]}", page=page)
    assert (disputed.status_code, "not agreed" in disputed.text) == (422, True)
    for trainer in ("Teo", "Tina"):
        records.review(views[1], "no_contaminant", actor=trainer)
    assert views[1] in teo.get(page, headers=HTML).text
    assert send(teo, f"{page}/reviewed/{views[1]}", page=page).status_code == 303
    reviewed = records.picture_questions()[0]
    assert (reviewed.things, bool(reviewed.source)) == ([], True)
    assert f"{page}/reviewed/{views[1]}" not in teo.get(page, headers=HTML).text  # it is asked already
    assert send(teo, f"{page}/{reviewed.id}/withdraw", page=page, reason="dull").status_code == 303
    assert reviewed.id not in {one.id for one in records.picture_questions()}


def test_the_roster_as_a_file_is_safe_to_open(yard: Yard) -> None:
    records = yard.records
    records.certify('=HYPERLINK("x")', "inspection", given_on="2026-01-01", expires_on="2026-02-01", actor="Ana", reference="@cmd")
    key = records.certify("Wim", "inspection", given_on="2026-01-01", expires_on="2099-01-01", actor="Ana")
    for name, may in (("Ana", True), ("Teo", True), ("Aldo", True), ("Ines", False)):
        tablet = yard.signed_in(name)
        for path in ("/training/roster", "/training/roster.csv", "/api/v1/exports/roster.csv"):
            assert tablet.get(path, headers=HTML).status_code == (200 if may else 403), (name, path)
    ana = yard.signed_in("Ana")
    rows = list(csv.DictReader(io.StringIO(ana.get("/training/roster.csv").text)))
    assert {row["person"] for row in rows} >= {'\'=HYPERLINK("x")', "Wim", "Ines", "Ana"}
    assert next(row["reference"] for row in rows if "HYPERLINK" in row["person"]) == "'@cmd"
    assert next(row["state"] for row in rows if row["person"] == "Wim" and row["topic"] == "inspection") == "valid"
    assert rows == list(csv.DictReader(io.StringIO(ana.get("/api/v1/exports/roster.csv").text)))
    taken = records.exports()
    assert [(one.what, one.format, one.rows, one.exported_by) for one in taken[:2]] == [("roster", "csv", len(rows), "Ana")] * 2
    assert {one.exported_by for one in taken} == {"Ana", "Teo", "Aldo"}  # who was refused took nothing
    assert taken[0].sha256 == hashlib.sha256(ana.get("/training/roster.csv").content).hexdigest()
    assert send(ana, f"/training/desk/certificates/{key}", page="/training/roster", reason=" ").status_code == 422
    assert send(ana, f"/training/desk/certificates/{uuid7()}", page="/training/roster", reason="x").status_code == 404
    assert send(ana, f"/training/desk/certificates/{key}", page="/training/roster", reason="wrong person").status_code == 303
    assert records.stands("Wim").state == "missing"
    assert "wrong person" in ana.get("/training/roster", headers=HTML).text


def test_seals_by_forms_once_however_often_sent(yard: Yard) -> None:
    ines, same = yard.signed_in("Ines"), uuid7()
    bolt = {"seal_class": "H", "type": "bolt", "maker": "Acme"}
    for _ in range(2):
        assert send(ines, "/seals", act="issued", numbers="H500\nH501\n\nH500", id=same, **bolt).status_code == 303
    lines = yard.records.seal_lines()
    assert sorted(line.number for line in lines) == ["H500", "H501"]
    warned = send(ines, "/seals", act="affixed", numbers="X9", id=uuid7(), container="CSQU3054383")
    assert (warned.status_code, "never issued it" in warned.text) == (200, True)
    for fields, says in (({"act": "broken", "numbers": "H500"}, "who broke the seal"), ({"act": "issued", "numbers": " "}, "Give the number"), ({"act": "eaten", "numbers": "1"}, "act"), ({"act": "issued", "numbers": "\n".join(map(str, range(201)))}, "too many at once")):  # fmt: skip
        answer = send(ines, "/seals", **fields)
        assert (answer.status_code, says in answer.text) == (422, True), says
    found = ines.get("/seals?number=h-500", headers=HTML).text
    assert ("H500" in found, "X9" in found) == (True, False)
    teo = yard.signed_in("Teo")
    assert "Add to the register" not in teo.get("/seals", headers=HTML).text
    assert send(teo, "/seals", act="issued", numbers="H900").status_code == 403
    assert len(yard.records.seal_lines()) == 3


def test_an_inspection_says_whether_its_inspector_was_trained(yard: Yard) -> None:
    yard.records.certify("Ines", "inspection", given_on="2026-01-01", expires_on="2099-01-01", actor="Ana")
    ines = yard.signed_in("Ines")
    for inspector, says in (("Ines", "training was valid"), ("Zoe", "had no valid training on record")):
        key = yard.records.open(
            uuid7(), number="CSQU3054383", inspector=inspector, template="container_7_point@1", site="Yard 1"
        ).inspection.id
        assert says in touch(ines, "look", {"inspection": key, "step": "points"})["screen"]
    before = touch(ines, "look", {"inspection": yard.inspections["Yard 1"], "step": "points"})["screen"]
    assert "training was valid" not in before
    assert "no valid training" not in before  # when it was opened, nobody kept certificates


def test_legal_hold_by_forms(yard: Yard) -> None:
    ana, key = yard.signed_in("Ana"), yard.inspections["Yard 2"]
    assert "CSQU3054383" in ana.get("/holds?number=csqu", headers=HTML).text
    assert send(ana, f"/holds/{key}", page="/holds", reason=" ").status_code == 422
    assert send(ana, f"/holds/{uuid7()}", page="/holds", reason="claim").status_code == 404
    assert send(ana, f"/holds/{key}", page="/holds", reason="claim 12").status_code == 303
    assert [row.hold for row in yard.records.held()] == ["claim 12"]
    assert "claim 12" in ana.get("/holds", headers=HTML).text
    assert send(ana, f"/holds/{key}", page="/holds", release="yes").status_code == 303
    assert yard.records.held() == []
