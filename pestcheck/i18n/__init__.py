"""The languages of the app and of printed records: English is what stands in the code and the data files; each other language is a file
beside this one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

LANGUAGES = {"en": "English", "es": "Español"}
COOKIE = "pestcheck-language"
GAP = re.compile(r"\{(\w*)\}")


@cache
def messages(language: str) -> Mapping[str, str]:
    """The texts of a language by their English; English itself needs none."""
    path = files("pestcheck.i18n") / f"{language}.yaml"
    return yaml.safe_load(path.read_text("utf-8")) if path.is_file() else {}


def t(language: str, text: str, **values: object) -> str:
    """A text in a language, with values for its ``{gaps}``. What is not translated stays English: better than nothing on the screen."""
    return messages(language).get(text, text).format(**values) if values else messages(language).get(text, text)


def said(language: str, sentence: str) -> str:
    """A sentence that the library made, with names and numbers in it: translated by the pattern that it fits, its pieces likewise."""
    known = messages(language)
    if not known or not sentence:
        return sentence
    small = _small(language)
    if word := known.get(sentence) or small.get(sentence):
        return word
    first, _, second = next((pair for pair in _pairs(sentence) if pair[0] in small and pair[2] in small), ("", "", ""))
    if first:
        return f"{small[first]} {known['or']} {small[second]}"
    for pattern, wanted in _patterns(language):
        if match := pattern.fullmatch(sentence):
            pieces = iter([said(language, piece) for piece in match.groups()])
            return _filled(wanted, pieces)
    return sentence


def best(accepted: str) -> str:
    """The first language of an Accept-Language header that there is; else English."""
    for part in accepted.split(","):
        if (name := part.split(";")[0].strip().lower()[:2]) in LANGUAGES:
            return name
    return "en"


def chosen(request: Any) -> str:
    """The language that a person chose on this tablet; else their browser's. ``request``: of Starlette or Gradio."""
    kept = request.cookies.get(COOKIE, "")
    return kept if kept in LANGUAGES else best(request.headers.get("accept-language", ""))


def moment(language: str, at: str | None) -> str:
    """A time of the records (ISO 8601, UTC) as people of the language write it."""
    if not at:
        return ""
    from babel.dates import format_datetime

    return format_datetime(datetime.fromisoformat(at), "d MMM y, HH:mm", locale=language) + " UTC"


def number(language: str, value: float) -> str:
    """A number as people of the language write it."""
    from babel.numbers import format_decimal

    return format_decimal(value, locale=language)


def day(language: str, on: str, *, short: bool = False) -> str:
    """A day of the records (ISO 8601) as people of the language write it. ``short``: without the year."""
    from babel.dates import format_date

    return format_date(date.fromisoformat(on), "d MMM" if short else "d MMM y", locale=language)


def percent(language: str, share: float, *, digits: int = 0) -> str:
    """A share as a percentage with at most so many decimals."""
    from babel import Locale
    from babel.numbers import format_percent

    usual = Locale.parse(language).percent_formats[None].pattern
    return format_percent(share, usual.replace("0", f"0.{'#' * digits}", 1) if digits else usual, locale=language)


@cache
def _small(language: str) -> Mapping[str, str]:
    """Texts without gaps in small letters, as the library writes names within sentences."""
    return {text.lower(): said.lower() for text, said in messages(language).items() if "{" not in text}


def _pairs(sentence: str) -> Iterator[tuple[str, str, str]]:
    """The ways to take a text apart at an "or": names have one, too."""
    for place in re.finditer(" or ", sentence):
        yield sentence[: place.start()], "or", sentence[place.end() :]


@cache
def _patterns(language: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Texts with gaps that have no name, as patterns; the longest first, for it says most."""
    made = [(key, value) for key, value in messages(language).items() if "{}" in key or "{before}" in key]
    made.sort(key=lambda pair: -len(GAP.sub("", pair[0])))
    return tuple((re.compile("(.*?)".join(map(re.escape, re.split(r"\{(?:before)?\}", key))), re.DOTALL), value) for key, value in made)


def _filled(wanted: str, pieces: Iterator[str]) -> str:
    found = list(pieces)
    fill: Callable[[re.Match[str]], str] = lambda gap: found[int(gap[1])] if gap[1].isdigit() else found.pop(0)  # noqa: E731
    return GAP.sub(fill, wanted)
