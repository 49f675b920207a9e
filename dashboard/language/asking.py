"""The choice of a language and a format: of a person on Your account, of the shop in Settings."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import streamlit as st
from babel import Locale

from core.people.reading import DEFAULT_LANGUAGE, LANGUAGES, LOCALES, USUAL_LOCALES, Reading
from dashboard.language import formats
from dashboard.language.reader import Reader, reader, reading
from dashboard.language.texts import tr

USUAL = ""
"""The option that chooses nothing."""


def show(chosen: Reading, usual: str, key: str) -> None:
    """Draw both choices. `usual` says what holds where nothing is chosen. `asked` returns what is chosen."""
    languages, locales = [USUAL, *LANGUAGES], [USUAL, *LOCALES]

    def language(code: str) -> str:
        return LANGUAGES.get(code, usual)

    def locale(code: str) -> str:
        return f"{_name(code)}: {_example(code)}" if code else usual

    st.selectbox(
        tr("Language"), languages, languages.index(chosen.language or USUAL), format_func=language,
        key=_key(key, "language", chosen.language),
    )  # fmt: skip
    st.selectbox(
        tr("Numbers, money and days"), locales, _place(locales, chosen.format), format_func=locale,
        key=_key(key, "format", chosen.format), help=tr("Files, the API and the command line stay as they are."),
    )  # fmt: skip


def asked(seen: Reading, key: str) -> Reading:
    """Return what is chosen in the inputs that were drawn for `seen`."""
    language = st.session_state[_key(key, "language", seen.language)]
    locale = st.session_state[_key(key, "format", seen.format)]
    return Reading(language=language or None, format=locale or None)


def _place(locales: list[str], chosen: str | None) -> int:
    return locales.index(chosen) if chosen in locales else 0


def _key(key: str, field: str, value: str | None) -> str:
    return f"{key}_{field}_{value or USUAL}"


def _name(code: str) -> str:
    """Return a format by its name in the language of the page: German (Switzerland)."""
    spoken = reader().language if reader().language in USUAL_LOCALES else DEFAULT_LANGUAGE
    return Locale.parse(code, sep="-").get_display_name(spoken) or code


def _example(code: str) -> str:
    with reading(Reader(language=reader().language, locale=code, has_chosen=True)):
        return f"{formats.money(Decimal('1234.56'), 'EUR', 2)}, {formats.day(date(2026, 12, 31))}"
