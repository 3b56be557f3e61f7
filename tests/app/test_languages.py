"""No text is missing in any language, and the page speaks them."""

from __future__ import annotations

import string
from collections.abc import Callable

import pytest

from pestcheck import i18n
from tests.app import texts
from tests.app.tablet import STANDING, Tablet

OTHERS = [language for language in i18n.LANGUAGES if language != "en"]


def gaps(text: str) -> list[str]:
    """The names of the gaps of a text."""
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_translated(language: str) -> None:
    known = i18n.messages(language)
    assert len(texts.all_texts()) > 700
    assert sorted(texts.all_texts() - known.keys()) == []


@pytest.mark.parametrize("language", OTHERS)
def test_every_sentence_of_the_library_is_translated(language: str) -> None:
    assert sorted({*texts.of_the_library()} - i18n.messages(language).keys()) == []


@pytest.mark.parametrize("language", OTHERS)
def test_translations_have_the_same_gaps_and_nothing_is_left_over(language: str) -> None:
    known = i18n.messages(language)
    assert [text for text, said in known.items() if "{}" not in text and gaps(text) != gaps(said)] == []
    assert [text for text, said in known.items() if "{}" in text and text.count("{}") < len(gaps(said))] == []
    assert sorted(known.keys() - texts.all_texts() - {*texts.of_the_library()}) == []


def test_sentences_are_translated_with_what_stands_in_them() -> None:
    said = i18n.said("es", "Front wall: no answer to: Can you see the corner blocks and the vents?")
    assert said == "Pared frontal: falta responder: ¿Se ven los bloques de esquina y las rejillas?"
    reason = "insect: 85%, label unsure: moth or butterfly or wasp"
    assert i18n.said("es", reason) == "insecto: 85%, nombre dudoso: polilla o mariposa o avispa"
    register = "seal H1 was affixed at 2026-11-24 08:00 UTC, but had been broken at 2026-11-23 08:00 UTC; a broken seal is never used again: hold the conveyance"
    assert "un sello roto nunca se usa otra vez" in i18n.said("es", register)
    assert i18n.said("es", "Zebra 12") == "Zebra 12"
    assert i18n.said("en", "Front wall: no answer") == "Front wall: no answer"


def test_dates_and_numbers_are_those_of_the_language() -> None:
    at = "2026-01-05T08:30:00.000+00:00"
    assert (i18n.moment("en", at), i18n.moment("es", at)) == ("5 Jan 2026, 08:30 UTC", "5 ene 2026, 08:30 UTC")
    assert (i18n.number("en", 1234.5), i18n.number("es", 12345.5)) == ("1,234.5", "12.345,5")


@pytest.mark.parametrize(("accepted", "language"), [("es-MX,es;q=0.9", "es"), ("de, en;q=0.5", "en"), ("", "en"), ("fr", "en")])
def test_the_browsers_language_is_taken_where_there_is_none(accepted: str, language: str) -> None:
    assert i18n.best(accepted) == language


def test_the_language_is_switched_while_it_runs(tablet: Callable[..., Tablet]) -> None:
    one = tablet(STANDING, locale="es-MX")
    one.reads("Todavía no hay inspecciones")
    one.page.locator("#screen .settings").tap()
    one.page.locator("#settings").get_by_role("button", name="English").tap()
    one.reads("No inspections yet")
    one.begin()
    one.link("1. Front wall", "point-front_wall")
    one.page.locator("#screen .settings").tap()
    one.shot("settings")
    one.page.locator("#settings").get_by_role("button", name="Español").tap()
    one.reads("Tomar fotografía")
    assert one.page.evaluate("document.documentElement.lang") == "es"
    one.link("Preguntas: faltan 4", "question-front_wall-structure")
    one.reads("¿Suena maciza la pared en todas partes al golpearla")
    one.tap("Sí", "question-front_wall-blocks_vents")
    one.says("Guardado")
    one.shot("spanish")
    one.page.reload()
    one.at("question-front_wall-blocks_vents")
    one.reads("Pregunta 2 de 4")
    one.page.goto(one.page.url.partition("&step")[0] + "&step=result&area=front_wall")
    one.at("result")
    one.reads("Pared frontal: falta responder")
    one.tap("No inspeccionado")
    one.says("Diga en la nota por qué")
