"""The catalogues: German has every text of a page, with the same values and forms."""

from __future__ import annotations

import re

import pytest
from babel import Locale
from babel.messages.catalog import Message

from core.people.reading import LANGUAGES, LOCALES, USUAL_LOCALES
from dashboard.language.texts import DOMAIN, SAID
from tests.language import catalogue

DOMAINS = pytest.mark.parametrize("domain", [DOMAIN, SAID])
LANGUAGE = pytest.mark.parametrize("language", catalogue.TRANSLATED)
_HOLE = re.compile(r"\{\w+\}")


@LANGUAGE
@DOMAINS
def test_a_language_has_every_text_and_no_other(language: str, domain: str) -> None:
    assert catalogue.missing(language, domain) == []
    assert catalogue.unused(language, domain) == []


@LANGUAGE
@DOMAINS
def test_a_translation_has_the_values_and_the_edges_of_its_text(language: str, domain: str) -> None:
    wrong = [message.id for message in catalogue.saved(language, domain) if message.id and not _fits(message)]
    assert wrong == []


def _fits(message: Message) -> bool:
    texts = [message.id] if isinstance(message.id, str) else list(message.id)
    forms = [message.string] if isinstance(message.string, str) else list(message.string or ())
    same_values = all(set(_HOLE.findall(form)) == set(_HOLE.findall(texts[0])) for form in forms)
    same_edges = all(_edges(form) == _edges(texts[0]) for form in forms)
    return same_values and same_edges and "fuzzy" not in message.flags and len(forms) >= len(texts)


def _edges(text: str) -> tuple[bool, bool]:
    return text[:1] == " ", text[-1:] == " "


def test_every_language_and_every_format_is_one_that_babel_knows() -> None:
    assert set(USUAL_LOCALES) == set(LANGUAGES)
    for name in (*LOCALES, *USUAL_LOCALES.values()):
        assert str(Locale.parse(name, sep="-")).replace("_", "-") == name
