"""The whole inspection in a real Chromium against a real server, with the real model, read back from the database."""

from __future__ import annotations

import csv
import io
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from pestcheck.inspection.checklist import templates
from tests.app.tablet import LYING, STANDING, Tablet
from tests.conftest import Server
from tests.pictures import scenes

POINTS = templates()["container_7_point"].points
Take = Callable[..., Tablet]


@pytest.mark.parametrize("size", [LYING, STANDING], ids=["lying", "standing"])
def test_the_whole_inspection(tablet: Take, hornet: Path, wall: Path, tmp_path: Path, size: tuple[int, int]) -> None:
    one = tablet(size)
    page = one.page
    one.shot("01-home")
    one.link("New inspection", "new-number")
    one.type("csqu3054384", "new-size")
    one.reads("should be 3, not 4")
    one.link("Back", "new-number")
    one.type("csqu3054383", "new-size")
    one.reads("check digit is right")
    one.shot("02-size")
    one.tap("Skip", "new-template")
    one.shot("03-template")
    one.tap("7-point container inspection", "new-stage")
    one.tap("Empty, where it is loaded", "new-selection")
    one.tap("Targeted", "new-name")
    one.type("Ana Pérez", "points")
    one.shot("04-points")
    assert page.locator("#outbox-camera").get_attribute("capture") == "environment"

    # A point: photographs, what the model found, decisions, questions.
    one.link("1. Front wall", "point-front_wall")
    one.send(hornet)
    page.locator("#screen .photo img").wait_for()
    page.locator("#screen a.box").first.wait_for()
    one.shot("05-found")
    assert page.locator("#screen .photo img").first.evaluate("image => image.complete && image.naturalWidth") == 1600
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    page.locator("#screen a.box").first.tap()
    one.at("finding-")
    one.shot("06-finding")
    assert one.small() == []
    one.tap("Confirm", "finding-condition")
    one.shot("07-condition")
    one.tap("Dead or dry", "finding-life_stage")
    one.tap("Adult", "finding-count")
    one.type("1", "finding-")
    one.reads("Clean it, or reject the conveyance")
    page.locator("#screen summary", has_text="What to do, step by step").tap()
    assert page.locator("#screen .guide li").count() > 3
    one.shot("08-guidance")
    one.link("Cleaning and second inspection", "cleaning-becomes")
    one.tap("Clean and re-check", "treat-method")
    one.tap("Vacuumed", "treat-when")
    one.tap("Just now", "treat-who")
    one.type("Luis Gómez", "treat-note")
    one.tap("Skip", "cleaning")
    one.send(wall)
    page.locator("#screen .photo img").wait_for()
    one.shot("09-cleaning")
    one.tap("Yes, clean")
    one.reads("found clean")
    one.link("Point", "point-front_wall")

    # What the model did not see.
    one.link("I see something that is not marked", "missed-where")
    frame = page.locator("#screen .photo .frame").bounding_box()
    page.touchscreen.tap(frame["x"] + frame["width"] * 0.8, frame["y"] + frame["height"] * 0.3)
    page.locator("#screen .box.mine").wait_for()
    one.shot("10-missed")
    one.tap("Next", "missed-what")
    page.locator("#which").fill("seed")
    one.shot("11-labels")
    one.tap("Seed", "finding-condition")
    one.tap("Cannot tell", "finding-life_stage")
    one.tap("Skip", "finding-count")
    one.tap("Skip", "finding-")
    one.reads("Seen by you, missed by the model: Seed")
    one.link("Front wall", "point-front_wall")
    one.link("Questions", "question-front_wall-structure")
    one.shot("12-question")
    one.answer_questions(no=("clean",))
    one.shot("13-result")
    one.tap("No contamination seen")  # contradicts the findings
    one.says("This does not fit")
    one.tap("Contamination seen", "point-left_side")
    one.says("Saved: Front wall")

    one.link("Points", "points")
    one.reads("1 of 7 points answered")
    one.shot("14-points")
    one.link("Summary", "summary")
    one.shot("15-summary")
    one.link("Front wall: 1 of 3 photographs", "point-front_wall")
    more = [tmp_path / f"more{number}.jpg" for number in range(6)]
    for number, path in enumerate(more):
        path.write_bytes(scenes.jpeg(scenes.wall(900, 700, seed=20 + number)))
    one.send(*more[:2])
    one.reads("Photographs: 3 of 3")
    for number, point in enumerate(POINTS[1:], 1):
        one.link("Points", "points")
        one.link(f"{number + 1}. {point.title}", f"point-{point.area}")
        photographs = sum(len(check.photographs) for check in point.checks)
        one.send(*more[:photographs])
        one.reads(f"Photographs: {photographs} of {photographs}")
        one.link("Questions", f"question-{point.area}")
        one.answer_questions()
        one.tap("No contamination seen")
        one.says(f"Saved: {point.title}")

    # Seal and wood.
    one.at("summary")
    one.link("Points", "points")
    one.link("Seal", "seals")
    one.link("A seal was put on", "seal-number")
    one.type("H1234567", "seal-class")
    one.tap("H: high security", "seal-type")
    one.tap("Bolt", "seal-maker")
    one.type("TydenBrooks", "seal-document")
    one.type("H1234567", "seals")
    one.link("View, Verify, Tug, Twist", "looks-number")
    one.type("H1234567", "looks-document")
    one.type("H1234567", "looks-view")
    one.shot("16-view")
    for name, to in (("view", "looks-verify"), ("verify", "looks-tug"), ("tug", "looks-twist"), ("twist", "looks-photograph")):
        assert one.name == f"looks-{name}"
        one.tap("Yes", to)
    page.locator("#screen .answers button").first.tap()
    one.at("seals")
    one.shot("17-seals")
    one.link("Points", "points")
    one.link("Wood packaging", "wood")
    one.link("Record wood packaging", "wood_new-area")
    one.tap("Floor", "wood_new-kind")
    one.tap("Pallet", "wood_new-pieces")
    one.type("4", "wood_new-wood")
    one.tap("Solid wood", "wood_new-thickness")
    one.type("22", "wood_new-us_canada")
    one.tap("No", "wood_new-has_mark")
    one.tap("Yes", "wood_new-mark")
    one.type("MX-1234 HT", "wood_new-symbol")
    for _ in range(7):
        one.tap("Skip", "wood_new-")
    one.at("wood_new-bark")
    one.tap("Yes", "wood_new-bark_width")
    one.type("2,5", "wood_new-bark_area")
    one.tap("Skip", "wood_new-holes")
    one.tap("No", "wood")
    one.reads("Bark within the tolerance")
    one.shot("18-wood")

    # The end.
    one.link("Points", "points")
    one.link("Summary", "summary")
    page.locator("#screen [data-page=summary], #screen .page").get_by_text("Every point is answered").wait_for()
    one.shot("19-summary")
    one.link("To the signature", "signing-becomes")
    one.tap("Accept")
    page.locator("#screen .page[data-page=signing]").wait_for()
    page.wait_for_function("() => !pestcheck.busy")
    page.locator("#screen summary", has_text="Somebody supervises").tap()
    page.locator("#screen [name=supervisor]").fill("Rosa Díaz")
    page.locator("#screen form:has([name=supervisor])").get_by_role("button", name="Next").tap()
    one.at("signing-supervisor")
    one.shot("20-supervisor")
    one.tap("Sign")
    page.locator("#screen .page[data-page=signing]").wait_for()
    page.wait_for_function("() => !pestcheck.busy")
    one.shot("21-signing")
    one.tap("Sign and close", "done")
    one.reads("Closed and signed by Ana Pérez")
    one.shot("22-done")

    assert one.rows("SELECT state, decided_label IS NOT NULL, condition FROM finding ORDER BY position") == [
        ("confirmed", 1, "dead"),
        ("missed", 1, "unknown"),
    ]
    assert one.rows("SELECT method, done_by, clean FROM action") == [("vacuumed", "Luis Gómez", 1)]
    assert one.rows("SELECT act, number, seal_class FROM sealline") == [("affixed", "H1234567", "H")]
    ((problems,),) = one.rows("SELECT problems FROM sealcheck")
    assert problems == "[]"
    assert one.rows("SELECT kind, pieces, bark, country FROM woodpackaging") == [("pallet", 4, "within_tolerance", "MX")]
    assert one.rows("SELECT printed_name, meaning FROM signature ORDER BY signed_at") == [
        ("Rosa Díaz", "supervised"),
        ("Ana Pérez", "inspected"),
    ]
    assert one.rows("SELECT kind FROM event ORDER BY seq")[-1] == ("inspection_closed",)
    assert one.rows("SELECT selection, supervisor FROM inspection") == [("targeted", "Rosa Díaz")]

    one.link("All inspections", "home")
    one.reads("CSQU3054383")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the log").tap()
    table = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8"))))
    assert sorted(row["decision"] for row in table if row["decision"]) == ["confirmed", "missed"]


def test_undo_takes_the_last_answer_and_decision_back(tablet: Take, hornet: Path) -> None:
    one = tablet()
    one.begin()
    one.link("1. Front wall", "point-front_wall")
    one.send(hornet)
    one.page.locator("#screen a.box").first.tap()
    one.at("finding-")
    one.tap("Not a contaminant")
    one.says("Saved")
    assert one.rows("SELECT state FROM finding") == [("rejected",)]
    one.page.locator("#told").get_by_role("button", name="Undo").tap()
    one.says("Taken back")
    assert one.rows("SELECT state, decided_label FROM finding") == [("suggested", None)]
    one.link("Front wall", "point-front_wall")
    one.page.goto(one.page.url.replace("step=point", "step=question"))
    one.at("question-front_wall-structure")
    one.tap("No", "question-front_wall-")
    assert one.rows("SELECT answer FROM checkanswer") == [("no",)]
    one.page.locator("#told").get_by_role("button", name="Undo").tap()
    one.says("Taken back")
    assert one.rows("SELECT answer FROM checkanswer") == [("",)]
    assert one.name == "question-front_wall-structure"


def test_correcting_records_both_names(tablet: Take, hornet: Path) -> None:
    one = tablet(STANDING)
    one.begin()
    one.link("1. Front wall", "point-front_wall")
    one.send(hornet)
    one.page.locator("#screen a.box").first.tap()
    one.at("finding-")
    one.link("Correct: it is something else", "correct")
    one.page.locator("#which").fill("horn")
    assert one.page.locator("#labels button:visible").all_inner_texts() == ["Hornet"]
    one.shot("correct")
    one.tap("Hornet", "finding-condition")
    ((state, label, model),) = one.rows("SELECT state, decided_label, label FROM finding")
    assert (state, label) == ("corrected", "hornet")
    assert model


def test_a_reefer_is_proposed_its_template(tablet: Take) -> None:
    one = tablet()
    one.begin(size_type="45R1", template="8-point reefer inspection")
    one.reads("8. Fan housing")
    assert one.rows("SELECT template, template_version, size_type FROM inspection") == [("reefer_8_point", 1, "45R1")]
    two = tablet()
    two.link("New inspection", "new-number")
    two.type("CSQU3054383", "new-size")
    two.type("45R1", "new-template")
    assert two.page.locator("#screen .answers button").first.inner_text() == "8-point reefer inspection"


def test_a_wrong_check_digit_is_taken_only_with_a_reason(tablet: Take) -> None:
    one = tablet()
    one.link("New inspection", "new-number")
    one.type("CSQU3054384", "new-size")
    one.tap("Skip", "new-template")
    one.tap("7-point container inspection", "new-why")
    one.tap("Next")
    one.says("This needs an answer")
    one.type("=painted <script>alert(1)</script>", "new-stage")
    one.tap("Empty, where it is loaded", "new-selection")
    one.tap("Targeted", "new-name")
    one.type("Ana <b>Pérez</b>", "points")
    assert one.rows("SELECT override_reason, stage, selection FROM inspection") == [
        ("=painted <script>alert(1)</script>", "empty_at_origin", "targeted")
    ]
    assert "Ana <b>Pérez</b>" in one.page.locator("#screen .top").inner_text()  # shown as typed, not run
    one.reads("=painted <script>")


def test_who_comes_second_is_told_and_sees_what_is_there(tablet: Take, hornet: Path) -> None:
    first = tablet()
    first.begin()
    first.link("1. Front wall", "point-front_wall")
    first.send(hornet)
    first.page.locator("#screen a.box").first.tap()
    first.at("finding-")
    second = tablet()
    second.page.goto(first.page.url)
    second.at("finding-")
    first.tap("Confirm", "finding-condition")
    second.tap("Not a contaminant")
    second.says("The decision on this finding was changed by Ana Pérez")
    second.reads("Confirmed")
    second.shot("conflict")
    result = first.page.url.partition("&finding")[0].replace("step=finding", "step=result")
    for one in (first, second):
        one.page.goto(result)
        one.at("result")
    first.tap("Contamination seen", "question")
    second.page.locator("#screen [name=note]").fill("locked")
    second.tap("Not inspected")
    second.says("The answer to this point was changed by Ana Pérez")
    assert second.page.locator("#screen .chosen").inner_text() == "Contamination seen"
    assert first.rows("SELECT state, decided_label IS NULL FROM finding") == [("confirmed", 0)]
    assert first.rows("SELECT state, result FROM answer") == [("inspected", "contamination")]


def test_a_reload_a_restart_and_a_second_tablet_continue_at_the_same_place(tablet: Take, server: Server) -> None:
    one = tablet()
    one.begin()
    one.link("2. Left side", "point-left_side")
    one.link("Questions", "question-left_side-structure")
    one.tap("Yes", "question-left_side-repairs")
    one.page.reload()
    one.at("question-left_side-repairs")
    two = tablet(STANDING)
    two.link("CSQU3054383", "points")
    two.page.goto(one.page.url)
    two.at("question-left_side-repairs")
    two.tap("Yes", "question-left_side-clean")
    server.kill()
    server.start()
    one.page.goto(one.page.url)
    one.at("question-left_side-repairs")
    assert one.page.locator("#screen .chosen").inner_text().endswith("Yes")
    one.page.go_back()
    assert one.rows("SELECT check_id, answer FROM checkanswer ORDER BY check_id") == [("repairs", "yes"), ("structure", "yes")]
    # A draft that was not finished survives, too.
    two.page.goto(server.url)
    two.at("home")
    two.link("New inspection", "new-number")
    two.type("CSQU3054383", "new-size")
    two.page.reload()
    two.at("new-size")
    two.reads("check digit is right")


def test_bad_files_are_named_and_the_others_kept(tablet: Take, hornet: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(hornet.read_bytes()[:50_000])
    (tmp_path / "empty.png").write_bytes(b"")
    one = tablet()
    one.begin()
    one.link("1. Front wall", "point-front_wall")
    one.send(tmp_path / "broken.jpg", hornet, tmp_path / "empty.png")
    one.page.locator("#screen .sending .kept", has_text="broken.jpg").get_by_text("the picture is damaged or cut short").wait_for()
    one.page.locator("#screen .sending .kept", has_text="empty.png").get_by_text("could not be read").wait_for()
    one.page.locator("#screen .photo img").wait_for()
    assert len(one.rows("SELECT * FROM photograph")) == 1


def test_a_dark_photograph_is_said_to_be_taken_again(tablet: Take, tmp_path: Path) -> None:
    (tmp_path / "dark.jpg").write_bytes(scenes.jpeg(scenes.wall(900, 700).point(lambda value: value // 14)))
    one = tablet()
    one.begin()
    one.link("1. Front wall", "point-front_wall")
    one.send(tmp_path / "dark.jpg")
    one.reads("take it again?")
    one.shot("dark")


def test_an_address_of_nothing_leads_to_the_start(tablet: Take, server: Server) -> None:
    one = tablet()
    one.page.goto(server.url + "/?inspection=%3Cscript%3E")
    one.says("There is no inspection")
    one.at("home")


def test_a_server_killed_while_scoring_scores_after_its_restart(tablet: Take, server: Server, tmp_path: Path) -> None:
    one = tablet()
    one.begin()
    one.link("1. Front wall", "point-front_wall")
    many = []
    for i in range(6):
        many.append(tmp_path / f"{i}.jpg")
        many[-1].write_bytes(scenes.jpeg(scenes.wall(3264, 2448, seed=i)))
    one.send(*many)
    one.reads("Looking at the photograph")
    server.kill()
    assert one.rows("SELECT count(*) FROM view WHERE state = 'waiting'")[0][0] > 0
    server.start()
    deadline = time.monotonic() + 120
    scored = "SELECT count(*) FROM view WHERE state = 'scored'"  # all six: the tablet sends again what was on its way
    while one.rows(scored) != [(6,)] and time.monotonic() < deadline:
        one.page.wait_for_timeout(200)
    assert one.rows(scored) == [(6,)]
    assert one.rows("SELECT count(*) FROM view") == [(6,)]
    one.page.goto(one.page.url)
    one.at("point-front_wall")
    one.page.locator("#screen .photo img").wait_for()


def test_previews_are_upright_jpegs_and_strangers_get_404(server: Server) -> None:
    for path in ("photograph/" + "0" * 64 + ".jpg", "photograph/..%2f..%2fpestcheck.sqlite3.jpg", "photograph/x.jpg"):
        with pytest.raises(urllib.error.HTTPError) as error:
            urllib.request.urlopen(f"{server.url}/{path}")
        assert error.value.code == 404


def test_a_touch_of_which_the_browser_makes_no_click_counts_once(tablet: Take) -> None:
    """As of a long press with a glove on Android, or of a button that is shown anew under the finger."""
    one = tablet(STANDING)
    one.begin()
    one.link("1. Front wall", "point-front_wall")
    press = """(there, { up }) => {
      const { x, y, width, height } = there.getBoundingClientRect(), at = { clientX: x + width / 2, clientY: y + height / 2 };
      const finger = { ...at, pointerType: 'touch', isPrimary: true, bubbles: true };
      there.dispatchEvent(new PointerEvent('pointerdown', finger));
      there.dispatchEvent(new PointerEvent('pointerup', { ...finger, clientX: at.clientX + up }));
    }"""
    answer = one.page.locator("#screen .bar").get_by_text("Answer")
    answer.evaluate(press, {"up": 60})  # the finger slid off: it scrolled, or thought better of it
    one.page.wait_for_timeout(500)
    assert one.name == "point-front_wall"
    answer.evaluate(press, {"up": 3})
    one.at("result")
    one.tap("No contamination seen")  # a click of the browser's own follows the finger: not a second answer
    one.says("Saved")
    one.page.wait_for_timeout(500)
    assert len(one.rows("SELECT * FROM event WHERE kind = 'point_answered'")) == 1


def test_two_fingers_zoom_the_photograph_and_a_finger_draws_on_it(tablet: Take, hornet: Path) -> None:
    one = tablet(STANDING)
    one.begin()
    one.link("1. Front wall", "point-front_wall")
    one.send(hornet)
    one.page.locator("#screen a.box").first.wait_for()
    fingers = one.context.new_cdp_session(one.page)
    frame = one.page.locator("#screen .photo .frame")

    def touch(kind: str, *points: tuple[float, float]) -> None:
        box = one.page.locator("#screen .photo").bounding_box()
        at = [{"x": box["x"] + box["width"] * x, "y": box["y"] + box["height"] * y} for x, y in points]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

    touch("touchStart", (0.4, 0.5), (0.5, 0.5))
    for spread in (0.1, 0.15, 0.2, 0.25):
        touch("touchMove", (0.45 - spread / 2, 0.5), (0.45 + spread / 2, 0.5))
    touch("touchEnd")
    assert 2 < float(frame.evaluate("frame => frame.style.getPropertyValue('--scale')")) < 3
    one.shot("zoomed")
    one.page.locator("#screen a.box").first.tap()
    one.at("finding-")
    one.link("Front wall", "point-front_wall")
    one.link("I see something that is not marked", "missed-where")
    one.tap("Next")
    one.says("Tap the photograph first")
    touch("touchStart", (0.6, 0.2))
    touch("touchMove", (0.7, 0.3))
    touch("touchMove", (0.8, 0.4))
    touch("touchEnd")
    one.page.locator("#screen .box.mine").wait_for()
    assert one.page.locator(".toast.warn").count() == 0
    assert one.page.evaluate("() => [pestcheck.send('look'), pestcheck.send('look', {}, pestcheck.at, true)]") == [True, False]
    one.tap("Next", "missed-what")
    one.tap("Spider", "finding-condition")
    ((box,),) = one.rows("SELECT box FROM finding WHERE state = 'missed'")
    shares = [value / side for value, side in zip(json.loads(box), (1632, 1224, 1632, 1224), strict=True)]
    assert shares == pytest.approx([0.6, 0.2, 0.8, 0.4], abs=0.01)
