"""The printed record: one page for the packet whatever there is, all in the annex, in two languages and any script."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pypdf
import pytest
from PIL import Image

from pestcheck.export import packet, pictures
from pestcheck.export.pdf import inspection_pdf
from pestcheck.records import Records
from pestcheck.store import open_folder
from tests.export.full import full
from tests.pictures import scenes
from tests.records.conftest import ANA, opened

Scan = Callable[[bytes], Any]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Records:
    folder = tmp_path_factory.mktemp("printed")
    return Records(*open_folder(folder, f"sqlite:///{folder / 'a.sqlite3'}"))


@pytest.fixture(scope="module")
def many(store: Records, scan: Scan) -> str:
    """17 points with long notes, and more findings than a page shows."""
    return full(store, scan, photographs=6, findings=30)


@pytest.fixture(scope="module")
def few(store: Records, scan: Scan) -> str:
    """Closed and signed."""
    return full(store, scan, template="container_7_point@1", photographs=2, findings=2, notes=False)


def texts(data: bytes) -> list[str]:
    """What stands on each page, without line breaks."""
    return [" ".join(page.extract_text().split()) for page in pypdf.PdfReader(io.BytesIO(data)).pages]


def printed(store: Records, key: str, **how: Any) -> bytes:
    return inspection_pdf(store.inspection(key), store.photo_store.get, **how)


def test_the_first_page_has_what_the_packet_needs(store: Records, few: str) -> None:
    view, data = store.inspection(few), printed(store, few)
    first = texts(data)[0]
    for text in (
        view.inspection.container_number, "7-point container inspection", "Empty, where it is loaded", "Hold", "Contamination seen", "Ana Pérez", "Patio Norte",
        "BOL 4711/26", "Monterrey", "Laredo", "SCNN", "Random", "1. Front wall", "7. Outside and undercarriage", "No contamination seen", "Hornet",
        "Vacuumed: José Ñandú", "Found clean", "H1234567", "Verify: No (the papers say H1234576)", "MX-1234 HT", "Łukasz Öztürk",
        "María de los Ángeles Gutiérrez", view.content, "container_7_point@1", str(view.photographs[0].view.model), f"Page 1 of {len(texts(data))}",
    ):  # fmt: skip
        assert text in first, text


def test_the_annex_has_everything(store: Records, few: str) -> None:
    view, pages = store.inspection(few), texts(printed(store, few))
    annex = " ".join(pages[1:])
    for item in view.photographs:
        assert item.view.sha256 in annex
        assert item.view.name in annex
    for number in packet.numbers(view).values():
        assert f"{number} " in annex
    for text in (
        "Shipper's dispatch: Telephone",
        "case 12",
        "Maquila del Norte > Transportes Ávila",
        "as painted",
        "PR-08 rev. 3",
        "bagged and burnt",
    ):
        assert text in annex
    assert all(signature.content in annex for signature in view.signatures)


def test_many_findings_and_notes_still_make_one_readable_first_page(store: Records, many: str) -> None:
    view, pages = store.inspection(many), texts(printed(store, many))
    first, annex = pages[0], " ".join(pages[1:])
    assert [point.title for point in view.template.points if f". {point.title[:20]}" not in first] == []
    assert view.content in first
    shown = sum(f" {number} " in first for number in packet.numbers(view).values())  # not the version of a model
    assert shown >= 12
    assert f"And {len(packet.listed(view)) - shown} more; all of them are in the annex." in first
    assert [number for number in packet.numbers(view).values() if f"{number} " not in annex] == []
    assert "not a finished record" in first
    assert annex.count("cannot be cleaned without taking off the trim") >= 3 * 17


def test_nothing_is_drawn_over_something_else_or_off_the_page(store: Records, many: str, few: str) -> None:
    """By the words that a reader finds: each within the page, none upon another."""
    if not shutil.which("pdftotext"):
        pytest.skip("needs pdftotext: apt install poppler-utils")
    for key in (many, few):
        for language in ("en", "es"):
            done = subprocess.run(
                ["pdftotext", "-bbox", "-", "-"], input=printed(store, key, language=language), capture_output=True, check=True
            )
            for page in done.stdout.decode().split("<page ")[1:]:
                boxes = [
                    _box(line) for line in page.splitlines() if "<word" in line and not re.search(r">\d+\.\d+<", line)
                ]  # not the tags of boxes
                edges = np.array(boxes)
                assert edges[:, 0].min() > 30
                assert edges[:, 2].max() < 612 - 25
                assert edges[:, 3].max() < 792 - 15
                middles = (edges[:, :2] + edges[:, 2:]) / 2
                for x, y in middles:
                    upon = (edges[:, 0] < x) & (x < edges[:, 2]) & (edges[:, 1] + 1.5 < y) & (y < edges[:, 3] - 1.5)
                    assert upon.sum() <= 1


def _box(line: str) -> list[float]:
    return [float(line.split(f'{name}="')[1].split('"')[0]) for name in ("xMin", "yMin", "xMax", "yMax")]


def test_it_speaks_spanish(store: Records, few: str) -> None:
    first = texts(printed(store, few, language="es"))[0]
    for text in ("Registro de inspección de plagas", "Pared frontal", "Avispón", "Retener", "Aspirado", "Firmas", "Página 1 de"):
        assert text in first
    for text in ("Confirmed", "Seen by", "Not inspected", "Signatures", "Floor"):
        assert text not in first


def test_any_script_is_printed_or_named(store: Records) -> None:
    key = opened(store, site="王 Ольга Νίκος محمد שלום สวัสดี नमस्ते Łódź Nguyễn 🐛\u200b")
    text = " ".join(texts(printed(store, key)))
    for part in ("Ольга", "Νίκος", "Łódź", "Nguyễn", "[U+738B]", "[U+0E2A]", "[U+1F41B]"):
        assert part in text, part
    assert any(part in text for part in ("محمد", "دمحم"))


@pytest.mark.parametrize("text", ["x" * 1900, "word " * 390, "W\ni\nd\ne\n" * 100, "%PDF {of} {n} (\\) <b>&amp;</b> **bold** __u__ ${}"])
def test_odd_texts_do_not_break_it(store: Records, text: str) -> None:
    key = opened(store, shipment=text, site=text, origin=text)
    store.answer(key, "floor", state="not_inspected", result=None, note=text, actor=ANA)
    annex = "".join("".join(texts(printed(store, key))[1:]).split())
    assert "".join(text.split()) in annex or annex.count("W") >= 300  # it goes over several pages


def test_a_photograph_that_is_gone_or_damaged_is_told_in_its_place(store: Records, few: str) -> None:
    one, other = (item.view.sha256 for item in store.inspection(few).photographs)

    def photograph(sha256: str) -> bytes:
        if sha256 == one:
            raise FileNotFoundError(sha256)
        return b"\xff\xd8 not a photograph"

    pages = texts(inspection_pdf(store.inspection(few), photograph))
    assert f"This photograph is not in the store any more. SHA-256 {one[:20]}" in " ".join(pages)
    assert f"The file of this photograph is damaged. SHA-256 {other[:20]}" in " ".join(pages)
    assert "no picture" in pages[0]


def test_the_same_record_gives_the_same_bytes(store: Records, few: str) -> None:
    assert printed(store, few) == printed(store, few)


def test_what_one_record_prints_changes_nothing_in_the_next(store: Records, few: str) -> None:
    """Fonts are read once: the characters that one record uses, rare ones too, are in no other."""
    before = printed(store, few)
    assert "Ольга" in " ".join(texts(printed(store, opened(store, site="Ольга"))))
    assert printed(store, few) == before


def test_an_inspection_without_anything_can_be_printed(store: Records) -> None:
    first = texts(printed(store, opened(store)))[0]
    for text in ("No answer yet", "Nothing decided yet", "No seal on record", "Not signed", "not a finished record"):
        assert text in first


def test_places_are_printed_only_when_asked(store: Records) -> None:
    from tests.export.test_shared import written

    key = opened(store)
    store.photograph(key, "floor", written("JPEG", 6), name="a.jpg", actor=ANA)
    assert "25.70000, -100.30000" not in " ".join(texts(printed(store, key)))
    assert "25.70000, -100.30000" in " ".join(texts(printed(store, key, location=True)))
    data = printed(store, key)
    assert not any(secret in data for secret in (b"ACME", b"serial-4711", b"Ana was here"))


def test_it_is_tagged_for_those_who_have_it_read_to_them(store: Records, few: str) -> None:
    reader = pypdf.PdfReader(io.BytesIO(printed(store, few, language="es")))
    root: Any = reader.trailer["/Root"]
    assert (root["/Lang"], root["/MarkInfo"]["/Marked"], root["/ViewerPreferences"]["/DisplayDocTitle"]) == ("es", True, True)
    assert reader.metadata
    assert reader.metadata.title == f"Registro de inspección de plagas {store.inspection(few).inspection.container_number}"
    document = root["/StructTreeRoot"]["/K"][0].get_object()
    kinds = [kid.get_object()["/S"] for kid in document["/K"]]
    assert {"/H1", "/H2", "/P", "/Figure"} == set(kinds)
    assert kinds[0] == "/H1"
    assert all("/Alt" in kid.get_object() for kid in document["/K"] if kid.get_object()["/S"] == "/Figure")
    for page in reader.pages:  # all that is drawn is in the tree, or decoration
        stream = page.get_contents()
        assert stream is not None
        depth, loose = 0, []
        for operands, operator in stream.operations:
            depth += (operator in (b"BDC", b"BMC")) - (operator == b"EMC")
            if operator in (b"Tj", b"TJ", b"re", b"Do", b"S", b"f") and depth == 0:
                loose.append((operator, operands))
        assert loose == []


def test_the_code_says_which_record_it_is(store: Records, few: str) -> None:
    zxingcpp = pytest.importorskip("zxingcpp", reason="needs zxing-cpp, which comes with pestcheck[test]")
    if not shutil.which("pdftoppm"):
        pytest.skip("needs pdftoppm: apt install poppler-utils")
    done = subprocess.run(
        ["pdftoppm", "-r", "300", "-gray", "-f", "1", "-l", "1", "-"], input=printed(store, few), capture_output=True, check=True
    )
    page = np.asarray(Image.open(io.BytesIO(done.stdout)))
    view = store.inspection(few)
    (code,) = zxingcpp.read_barcodes(page)
    assert code.text == f"pestcheck\n{view.inspection.container_number}\n{few}\nsha256 {view.content}"


def test_the_boxes_lie_where_the_findings_are(store: Records, few: str, tmp_path: Path) -> None:
    """In grey, as a printer would: the frame of a finding is white and black side by side, whatever it lies on."""
    if not shutil.which("pdftoppm"):
        pytest.skip("needs pdftoppm: apt install poppler-utils")
    done = subprocess.run(
        ["pdftoppm", "-r", "150", "-gray", "-f", "2", "-l", "2", "-"], input=printed(store, few), capture_output=True, check=True
    )
    page = np.asarray(Image.open(io.BytesIO(done.stdout)), int)
    view = store.inspection(few)
    item = view.photographs[0]
    box = next(one.box for one in item.findings if one.box)
    dots = 150 / 25.4
    left, top, scale = 12 * dots, 18 * dots, 88 * dots / item.photograph.width
    x0, y0, x1, y1 = (edge * scale for edge in box)
    for column in (x0, x1):
        line = page[round(top + (y0 + y1) / 2), round(left + column) - 5 : round(left + column) + 6]
        assert line.max() > 220
        assert line.min() < 60


@pytest.mark.parametrize("size", [(4032, 3024), (1632, 1224), (2399, 1200), (1200, 1599), (881, 600), (640, 480)])
def test_photographs_are_shown_in_the_size_that_is_printed(store: Records, many: str, size: tuple[int, int]) -> None:
    """As they are where they are smaller."""
    photograph = scenes.wall(*size)
    (shown,) = pictures.shown(store.inspection(many).photographs[:1], lambda _: scenes.jpeg(photograph), lambda _: True)
    image = Image.open(io.BytesIO(shown.jpeg))
    longest = min(max(size), pictures.SIDE)
    assert longest <= max(image.size) <= 1.1 * longest
    assert image.width / image.height == pytest.approx(size[0] / size[1], rel=0.01)
    difference = np.asarray(image.resize((40, 30)), float) - np.asarray(photograph.resize((40, 30)), float)
    assert np.abs(difference).mean() < 3
    assert shown.thumbs
    assert all(max(Image.open(io.BytesIO(cut)).size) <= 1.1 * pictures.THUMB for cut in shown.thumbs.values())
