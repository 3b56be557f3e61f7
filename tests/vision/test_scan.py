"""The whole scan on networks small enough to know their answers: the finder sees red, the classifier weighs it."""

from __future__ import annotations

import hashlib
import io
import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageDraw

pytest.importorskip("onnx", reason="needs the extra train")
import onnx
from onnx import TensorProto, helper, numpy_helper

from pestcheck.vision import overlay
from pestcheck.vision.bundle import BundleError
from pestcheck.vision.decide import MOST_PLACES, Verdict
from pestcheck.vision.scan import Scanner
from pestcheck.vision.score import BATCH_PIXELS, Classifier, Finder
from pestcheck.vision.tiles import CELL, Box, plan

LABELS = ["soil", "clean_metal"]
RED, GREEN, GREY = (250, 0, 0), (0, 250, 0), (120, 120, 120)
REDNESS = np.array([1.0, -0.5, -0.5], np.float32)


def network(path, nodes, weights, *outputs):
    """Save a graph from "pixels", uint8 (n, h, w, 3); "x" is them as float in [0, 1], (n, 3, h, w)."""
    first = [
        helper.make_node("Cast", ["pixels"], ["cast"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["cast", "full"], ["scaled"]),
        helper.make_node("Transpose", ["scaled"], ["x"], perm=[0, 3, 1, 2]),
    ]
    graph = helper.make_graph(
        [*first, *nodes], "tiny",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", "h", "w", 3])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None) for output in outputs],
        [numpy_helper.from_array(value, name) for name, value in (weights | {"full": np.float32([255])}).items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    helper.set_model_props(model, {"labels": json.dumps(LABELS)})
    onnx.save_model(model, path)


def finder_logits(redness):
    """What the finder says of cells of this mean redness: -6 where there is none, 4 where there is a tenth, 5 where all is red."""
    return np.minimum(100 * redness, 10) + redness - 6


def classifier_logits(redness):
    """What the classifier says for soil of a picture of this mean redness; for clean metal it says 0."""
    return 20 * redness - 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model folder."""
    out = tmp_path_factory.mktemp("model")
    network(
        out / "finder.onnx",
        [
            helper.make_node("Conv", ["x", "kernel"], ["cells"], strides=[CELL, CELL]),
            helper.make_node("Squeeze", ["cells", "axis"], ["redness"]),
            helper.make_node("Mul", ["redness", "gain"], ["steep"]),
            helper.make_node("Min", ["steep", "most"], ["flat"]),
            helper.make_node("Sum", ["flat", "redness", "bias"], ["out"]),
        ],
        {
            "kernel": np.broadcast_to(REDNESS[None, :, None, None] / CELL**2, (1, 3, CELL, CELL)).astype(np.float32),
            "axis": np.array([1]), "gain": np.float32([100]), "most": np.float32([10]), "bias": np.float32([-6]),
        },
        "out",
    )  # fmt: skip
    network(
        out / "model.onnx",
        [
            helper.make_node("GlobalAveragePool", ["x"], ["mean"]),
            helper.make_node("Flatten", ["mean"], ["flat"]),
            helper.make_node("Gemm", ["flat", "weight", "bias"], ["out"]),
            helper.make_node("ReduceMax", ["out", "labels"], ["top"], keepdims=0),
            helper.make_node("Neg", ["top"], ["unlike"]),
        ],
        {"weight": np.stack([20 * REDNESS, 0 * REDNESS], 1), "bias": np.float32([-2, 0]), "labels": np.array([1])}, "out", "unlike",
    )  # fmt: skip
    sums = {name: hashlib.sha256((out / name).read_bytes()).hexdigest() for name in ("model.onnx", "finder.onnx")}
    (out / "bundle.json").write_text(json.dumps({
        "name": "red", "version": "1.0.0", "created": "2026-01-01T00:00:00+00:00", "labels": LABELS, "merged": {}, "dropped": {},
        "side": 64, "long_sides": [448, 896, 1792], "tile": 224, "overlap": 32, "temperature": 1.0,
        "thresholds": {"version": "red", "suspect": 0.7, "unsure": 0.5, "propose": 0.5, "place_offset": 0.0, "label": 0.5, "group": 0.5,
                       "candidate": 0.05, "unknown": 100.0},
        "sha256": sums, "data": [],
    }), "utf-8")  # fmt: skip
    return out


def other_limits(folder, copy, **change):
    """A scanner on a copy of the model folder with other thresholds."""
    for path in folder.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    described = json.loads((folder / "bundle.json").read_text("utf-8"))
    described["thresholds"] |= change
    (copy / "bundle.json").write_text(json.dumps(described), "utf-8")
    return Scanner(copy, 1)


@pytest.fixture(scope="module")
def scanner(folder):
    return Scanner(folder, 1)


def picture(*spots, size=(1792, 1344)):
    """Grey with discs (x, y, diameter) or (x, y, diameter, colour); red, if no colour is given."""
    image = Image.new("RGB", size, GREY)
    pen = ImageDraw.Draw(image)
    for x in range(0, size[0], 24):  # or it would be called blurred
        pen.line((x, 0, x, size[1]), fill=(90, 90, 90))
    for x, y, across, *colour in spots:
        pen.ellipse((x - across / 2, y - across / 2, x + across / 2, y + across / 2), fill=colour[0] if colour else RED)
    return image


def jpeg(image, **how):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=95, **how)
    return file.getvalue()


def drawn(*spots, **how):
    """The same, as the bytes of a photograph."""
    return jpeg(picture(*spots, **how))


def boxes(report):
    return [finding.box for finding in report.findings]


def said(report):
    """All that a report says, but for the seconds."""
    maps = [(level.chance.tolist(), level.width, level.height) for level in report.maps]
    return report.photo, report.verdict, report.score, report.findings, report.quality, report.model, report.thresholds, maps


def shown(box, x, y, across, size=(1792, 1344)):
    """Share of the square round a spot, as far as it lies in the photograph, that a box shows."""
    r = across // 2
    spot = Box(max(0, x - r), max(0, y - r), min(size[0], x + r), min(size[1], y + r))
    return box.overlap(spot) / spot.area


PLACES = {
    "middle": (900, 700), "upper left": (20, 20), "upper right": (1770, 20), "lower left": (20, 1322), "lower right": (1770, 1322),
    "left edge": (16, 650), "right edge": (1776, 650), "upper edge": (900, 16), "lower edge": (900, 1328),
    "half outside on the left": (0, 650), "half outside below": (900, 1343), "three quarters outside": (0, 0),
    "on the corner of four cells": (896, 704), "in one cell": (904, 712), "where tiles meet": (196, 196), "where four tiles meet": (416, 416),
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_a_spot_is_found_where_it_is(scanner, place):
    """Nothing but it, and nearly all of it: cells that it only touches may be left out. No more than four cells a side."""
    x, y = PLACES[place]
    report, _ = scanner.scan(drawn((x, y, 30)))
    assert (report.verdict, report.quality.problems) == (Verdict.SUSPECT, ())
    (box,) = boxes(report)
    assert shown(box, x, y, 30) > 0.8
    assert max(box.x1 - box.x0, box.y1 - box.y0) <= 4 * CELL
    assert report.findings[0].label == "soil"
    assert report.score == pytest.approx(report.findings[0].evidence, abs=1e-4)


@pytest.mark.parametrize("across", [20, 30, 60, 120, 250, 500, 900])
def test_a_thing_of_any_size_is_one_finding(scanner, across):
    report, _ = scanner.scan(drawn((900, 700, across)))
    (box,) = boxes(report)
    assert shown(box, 900, 700, across) > 0.8
    assert max(box.x1 - box.x0, box.y1 - box.y0) <= across + max(4 * CELL, across / 4)


def test_nothing_is_found_on_nothing(scanner):
    report, _ = scanner.scan(drawn())
    assert (report.verdict, report.findings) == (Verdict.NOTHING_FOUND, ())
    assert report.score == pytest.approx(1 / (1 + np.exp(2)), abs=0.01)
    assert all(level.chance.max() < 0.01 for level in report.maps)


def test_several_places_are_as_many_findings(scanner):
    spots = [(300, 300), (700, 300), (300, 900), (1500, 1200), (1300, 200)]
    report, _ = scanner.scan(drawn(*((x, y, 40) for x, y in spots)))
    assert len(report.findings) == len(spots)
    for x, y in spots:
        assert sum(shown(box, x, y, 40) > 0.8 for box in boxes(report)) == 1


def test_spots_that_touch_are_one_finding(scanner):
    report, _ = scanner.scan(drawn((300, 300, 40), (338, 300, 40)))
    (box,) = boxes(report)
    assert shown(box, 300, 300, 40) > 0.8
    assert shown(box, 338, 300, 40) > 0.8


def test_of_many_places_the_most_are_shown(scanner):
    report, _ = scanner.scan(drawn(*((100 + 300 * column, 100 + 300 * row, 40) for row in range(4) for column in range(6))))
    assert len(report.findings) == MOST_PLACES
    assert report.verdict is Verdict.SUSPECT
    assert all(not one.overlap(other) for k, one in enumerate(boxes(report)) for other in boxes(report)[:k])


def test_the_closer_look_has_a_say(scanner):
    """The finder sees the red in the middle; the look sees that it is a dot on something green."""
    red, _ = scanner.scan(drawn((904, 712, 12)))
    dot, _ = scanner.scan(drawn((904, 712, 200, GREEN), (904, 712, 12)))
    assert max(level.chance.max() for level in dot.maps) > 0.9
    assert (red.verdict, dot.verdict) == (Verdict.SUSPECT, Verdict.NOTHING_FOUND)
    assert dot.findings == ()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_turned_by_exif(scanner, orientation):
    """However the camera was held: findings in pixels of the upright photograph, and a picture that is upright, too."""
    # Bring the upright picture into the camera's own rows and columns; a quarter turn is undone by the other one.
    back = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_270,
    }  # fmt: skip
    upright = picture((300, 200, 40), size=(1344, 1008))
    stored = upright.transpose(back[orientation]) if orientation in back else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    report, image = scanner.scan(jpeg(stored, exif=exif))
    assert (report.photo.width, report.photo.height) == image.size == (1344, 1008)
    (box,) = boxes(report)
    assert shown(box, 300, 200, 40) > 0.8
    assert box.area < 80 * 80
    assert np.abs(np.asarray(image, int) - np.asarray(upright, int)).mean() < 3


SIZES = {
    "upright": ((1344, 1792), (600, 1700, 40)),
    "square": ((1500, 1500), (1480, 20, 40)),
    "12 megapixels, upright": ((3024, 4032), (3000, 4000, 90)),
    "50 megapixels": ((8192, 6144), (5000, 5000, 160)),
    "50 megapixels, in the corner": ((8192, 6144), (8112, 6064, 160)),
    "cut to an odd width, in the corner": ((4033, 3024), (4002, 2993, 60)),
    "cut to an odd height, in the corner": ((4032, 3023), (4000, 2993, 60)),
    "a web camera": ((640, 480), (400, 300, 24)),
    "a strip": ((3000, 300), (2500, 150, 60)),
    "a strip, upright": ((200, 6000), (100, 5900, 120)),
}


@pytest.mark.parametrize("case", SIZES)
def test_sizes(scanner, case):
    """One finding, in pixels of the photograph itself however much the picture was reduced, and next to nothing but the spot."""
    size, (x, y, across) = SIZES[case]
    report, image = scanner.scan(drawn((x, y, across), size=size))
    assert (report.photo.width, report.photo.height) == size
    assert max(image.size) >= min(1792, *size)
    (box,) = boxes(report)
    assert shown(box, x, y, across, size) > 0.8
    cell = CELL * max(1, max(size) / 1792)
    assert max(box.x1 - box.x0, box.y1 - box.y0) <= across + 4 * cell
    assert box.overlap(Box(0, 0, *size)) == box.area > 0


TINY = {
    "a spot on all of it": ([(20, 20, 38)], (40, 40), Verdict.SUSPECT, [(0, 0, 40, 40)]),
    "nothing": ([], (40, 40), Verdict.NOTHING_FOUND, []),
    "wide": ([(50, 20, 60)], (100, 40), Verdict.SUSPECT, [(0, 0, 100, 40)]),
    "too small to be judged, but suspect": ([(10, 10, 40)], (20, 20), Verdict.SUSPECT, [(0, 0, 20, 20)]),
    "too small to be judged": ([], (20, 20), Verdict.UNUSABLE, []),
    "one pixel": ([], (1, 1), Verdict.UNUSABLE, []),
}


@pytest.mark.parametrize("case", TINY)
def test_a_photograph_too_small_for_any_level_is_still_looked_at_as_a_whole(scanner, case):
    spots, size, verdict, expected = TINY[case]
    report, image = scanner.scan(drawn(*spots, size=size))
    assert (report.verdict, boxes(report)) == (verdict, expected)
    assert (report.maps, image.size) == ((), size)


def test_a_photograph_like_something_known_is_not_for_a_person(folder, tmp_path):
    report, _ = other_limits(folder, tmp_path, unknown=0.0).scan(drawn())
    assert (report.verdict, report.findings) == (Verdict.NOTHING_FOUND, ())


def test_a_photograph_like_nothing_known_is_for_a_person(folder, tmp_path):
    """Grey is unlike by 0, a red photograph by far less."""
    picky = other_limits(folder, tmp_path, unknown=-1.0)
    report, _ = picky.scan(drawn())
    assert report.verdict is Verdict.UNSURE
    assert [(finding.label, finding.box) for finding in report.findings] == [("unsure", (0, 0, 1792, 1344))]
    report, _ = picky.scan(drawn((900, 700, 1300)))
    assert (report.verdict, report.findings[0].label) == (Verdict.SUSPECT, "soil")


def test_the_offset_is_taken_from_places_only(folder, tmp_path):
    strict = other_limits(folder, tmp_path, place_offset=40.0)
    small, _ = strict.scan(drawn((900, 700, 40)))
    assert small.verdict is Verdict.NOTHING_FOUND
    large, _ = strict.scan(drawn((900, 700, 900)))
    assert large.verdict is Verdict.SUSPECT
    (box,) = boxes(large)
    assert shown(box, 900, 700, 900) > 0.6
    assert box.area < 0.6 * 1792 * 1344


def test_nothing_is_proposed_below_the_limit(folder, tmp_path):
    """The finder is never surer than 1 / (1 + e^-5) = 0.993."""
    blind = other_limits(folder, tmp_path, propose=0.994)
    report, _ = blind.scan(drawn((900, 700, 60)))
    assert (report.verdict, report.findings) == (Verdict.NOTHING_FOUND, ())


NOISE = {
    "a landscape": ((1792, 1344), 224, 32), "large tiles": ((1792, 1344), 448, 64), "upright": ((1344, 1792), 224, 192),
    "side by side": ((1792, 896), 224, 0), "a strip": ((1792, 100), 224, 32), "a strip, upright": ((64, 1792), 224, 96),
}  # fmt: skip


@pytest.mark.parametrize("case", NOISE)
def test_tiles_are_stitched_as_if_there_were_none(folder, case):
    """And the map is what the network is: a function of the mean redness of each cell."""
    size, tile, overlap = NOISE[case]
    find = Finder(folder / "finder.onnx", 1)
    (tiled,), (whole,) = (plan(*size, long_sides=(1792,), tile=side, overlap=overlap) for side in (tile, 1792))
    assert len(tiled.corners) > len(whole.corners) == 1
    pixels = np.random.default_rng(0).integers(0, 256, (whole.height, whole.width, 3), dtype=np.uint8)
    stitched = find(Image.fromarray(pixels), tiled)
    assert stitched.shape == (whole.height // CELL, whole.width // CELL)
    np.testing.assert_allclose(stitched, find(Image.fromarray(pixels), whole), atol=1e-4)
    cells = (pixels / 255 @ REDNESS).reshape(whole.height // CELL, CELL, whole.width // CELL, CELL).mean((1, 3))
    np.testing.assert_allclose(stitched, finder_logits(cells), atol=1e-3)
    assert np.ptp(stitched) > 1


def test_levels_show_the_same_photograph(scanner):
    """A reduced picture and a small level put a place where the full size does."""
    report, _ = scanner.scan(drawn((1200, 300, 200)))
    assert [level.chance.shape for level in report.maps] == [(20, 28), (42, 56), (84, 112)]
    for level in report.maps:
        row, column = np.argwhere(level.chance > 0.5).mean(0)
        rows, columns = level.chance.shape
        assert ((column + 0.5) / columns * 1792, (row + 0.5) / rows * 1344) == pytest.approx((1200, 300), abs=20)


def test_many_pictures_are_classified_as_each_alone(folder):
    classify = Classifier(folder / "model.onnx", 1)
    pixels = np.random.default_rng(0).integers(0, 256, (20, 256, 256, 3), dtype=np.uint8)
    assert len(pixels) * 256 * 256 > 2 * BATCH_PIXELS
    together = classify(pixels)
    assert together.shape == (20, len(LABELS))
    np.testing.assert_allclose(together, np.concatenate([classify(one[None]) for one in pixels]), atol=1e-4)
    np.testing.assert_allclose(together[:, 0], classifier_logits((pixels / 255 @ REDNESS).mean((1, 2))), atol=1e-3)


def test_threads_give_the_same_reports(scanner):
    photos = [drawn((100 + 150 * k, 500, 40 + 4 * k), size=(1344 + 64 * k, 1008)) for k in range(8)]
    alone = [said(scanner.scan(photo)[0]) for photo in photos]
    with ThreadPoolExecutor(4) as pool:
        assert [said(report) for report, _ in pool.map(scanner.scan, photos)] == alone
    assert len({report[3] for report in alone}) == 8


def test_a_report_is_a_line_of_json(scanner):
    data = drawn((900, 700, 40))
    report, _ = scanner.scan(data)
    line = json.loads(json.dumps(report.to_json("yard/1.jpg")))
    assert (line["photo"], line["sha256"], line["model"]) == ("yard/1.jpg", hashlib.sha256(data).hexdigest(), "red@1.0.0")
    assert (line["verdict"], line["width"], line["height"]) == ("suspect", 1792, 1344)
    (finding,) = line["findings"]
    assert (finding["label"], finding["group"], finding["box"]) == ("soil", "soil", list(report.findings[0].box))
    assert set(finding) == {"label", "group", "probability", "candidates", "box", "reason"}


def changed(before, after):
    """The box round all pixels that differ by more than JPEG noise would."""
    return Box(*(ImageChops.difference(before, after).convert("L").point(lambda value: 255 * (value > 2)).getbbox() or (0, 0, 0, 0)))


OVERLAYS = {
    "full size": ((900, 700, 60), (1792, 1344)),
    "reduced": ((5000, 4000, 240), (8192, 6144)),
    "upper left": ((30, 30, 60), (1792, 1344)),
    "lower right": ((1760, 1314, 60), (1792, 1344)),
    "upright": ((600, 1700, 60), (1344, 1792)),
}


@pytest.mark.parametrize("case", OVERLAYS)
def test_the_heat_map_is_hot_at_the_spot_and_nowhere_else(scanner, case):
    """At half a cell of the coarsest level (64 of 1792 pixels) round it, or less."""
    (x, y, across), size = OVERLAYS[case]
    report, image = scanner.scan(drawn((x, y, across), size=size))
    untouched = image.copy()
    hot = overlay.heat(report, image)
    assert (hot.size, hot.mode) == (image.size, "RGB")
    assert image.tobytes() == untouched.tobytes()
    scale = image.width / size[0]
    x, y, r = x * scale, y * scale, across / 2 * scale
    found = changed(image, hot)
    assert found.x0 <= max(0, x - r / 2) < min(image.width, x + r / 2) <= found.x1
    assert found.y0 <= max(0, y - r / 2) < min(image.height, y + r / 2) <= found.y1
    reach = r + 2 * max(image.size) / 28
    assert x - reach <= found.x0 < found.x1 <= x + reach
    assert y - reach <= found.y0 < found.y1 <= y + reach


@pytest.mark.parametrize("case", OVERLAYS)
def test_findings_are_drawn_round_their_places(scanner, case):
    (x, y, across), size = OVERLAYS[case]
    report, image = scanner.scan(drawn((x, y, across), size=size))
    untouched = image.copy()
    shown = overlay.draw(report, image)
    assert (shown.size, shown.mode) == (image.size, "RGB")
    assert image.tobytes() == untouched.tobytes()
    scale = image.width / size[0]
    x0, y0, x1, y1 = (round(edge * scale) for edge in report.findings[0].box)
    assert shown.getpixel((x0, y1 - 1)) == shown.getpixel((x1 - 1, y1 - 1)) == shown.getpixel((x1 - 1, (y0 + y1) // 2)) == overlay.LINE
    reach = across * scale + max(image.size) / 5
    found = changed(image, shown)
    assert x * scale - reach <= found.x0 < found.x1 <= x * scale + reach
    assert y * scale - reach <= found.y0 < found.y1 <= y * scale + reach


def test_nothing_is_drawn_where_nothing_was_found(scanner):
    report, image = scanner.scan(drawn())
    for drawing in (overlay.heat, overlay.draw):
        assert drawing(report, image).tobytes() == image.tobytes()


def test_a_finding_of_a_photograph_without_levels_is_drawn_round_all_of_it(scanner):
    report, image = scanner.scan(drawn((100, 60, 100), size=(200, 120)))
    shown = overlay.draw(report, image)
    assert {shown.getpixel(at) for at in ((0, 119), (199, 119), (199, 60), (0, 60))} == {overlay.LINE}
    assert overlay.heat(report, image).tobytes() == image.tobytes()


def test_labels_in_the_network_must_be_those_of_the_description(folder, tmp_path):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    described = json.loads((tmp_path / "bundle.json").read_text("utf-8"))
    for labels in (["soil", "rust"], ["clean_metal", "soil"], ["soil"]):
        (tmp_path / "bundle.json").write_text(json.dumps(described | {"labels": labels}), "utf-8")
        with pytest.raises(BundleError, match=r"the labels inside model\.onnx are not those of bundle\.json"):
            Scanner(tmp_path)


def test_a_model_folder_without_a_finder_is_refused(folder, tmp_path):
    for path in folder.iterdir():
        if path.name != "finder.onnx":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(BundleError, match=r"finder\.onnx is not there"):
        Scanner(tmp_path)
