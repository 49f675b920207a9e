"""Who reads a page: the language of its texts, and the locale of its numbers and days.

A person's own choice comes before the shop's. `dashboard/door/session.py` sets the reader of each run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from core.people.reading import DEFAULT_LANGUAGE, DEFAULT_LOCALE, USUAL_LOCALES


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A language such as `de`, and a locale such as `de-CH`. `has_chosen`: the person or the shop chose the locale."""

    language: str = DEFAULT_LANGUAGE
    locale: str = DEFAULT_LOCALE
    has_chosen: bool = False


ENGLISH = Reader()
_reader: ContextVar[Reader | None] = ContextVar("reader", default=None)
_ask: list[Callable[[], Reader]] = []


def reader() -> Reader:
    """Return who reads. A callback runs before the page, so the session is asked where no reader is set yet."""
    found = _reader.get()
    if found is None and _ask:
        found = _ask[0]()
        _reader.set(found)
    return found or ENGLISH


def reader_of(language: str | None, locale: str | None) -> Reader:
    """Return who reads in this language and format, None for the usual ones."""
    spoken = language or DEFAULT_LANGUAGE
    return Reader(language=spoken, locale=locale or USUAL_LOCALES[spoken], has_chosen=bool(locale or language))


def found_by(ask: Callable[[], Reader]) -> None:
    """Ask this function where no reader is set."""
    _ask[:] = [ask]


def set_reader(found: Reader) -> None:
    """Set the reader of this run."""
    _reader.set(found)


@contextmanager
def reading(found: Reader) -> Iterator[None]:
    """Write for this reader in the body of the `with`."""
    before = _reader.set(found)
    try:
        yield
    finally:
        _reader.reset(before)
