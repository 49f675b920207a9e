"""Texts in the reader's language. The English text is the key; dashboard/catalogues has one catalogue a language.

A text that is defined when a module is imported is `marked` there, and translated where it is drawn: `lazy` does that
for the values of a dictionary.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Any, TypeVar, cast

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from core.people.reading import DEFAULT_LANGUAGE
from dashboard.language.reader import reader

LOCALE = Path(__file__).resolve().parents[1] / "catalogues"
DOMAIN, SAID = "pages", "said"
"""The catalogue of the pages' texts, and the one of sentences that core says."""
PSEUDO = "xx"
"""A language for tests. It marks every text that went through the catalogue."""
OPEN, CLOSE = "\u27e6", "\u27e7"
K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")


class _Pseudo(NullTranslations):
    """The marked texts of the pseudo-language: those that the catalogue of any language has."""

    def __init__(self, domain: str) -> None:
        super().__init__()
        self._known: set[str] = set()
        for path in LOCALE.glob(f"*/{domain}.po"):
            with path.open("rb") as file:
                for message in read_po(file, locale=path.parent.name):
                    self._known |= {message.id} if isinstance(message.id, str) else set(message.id)

    def gettext(self, message: str) -> str:
        """Return the text with its marks, or as it is if no catalogue has it."""
        return f"{OPEN}{message}{CLOSE}" if message in self._known else message

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """Return the form for a number with its marks."""
        return self.gettext(msgid1 if n == 1 else msgid2)


@cache
def catalogue(language: str, domain: str = DOMAIN) -> NullTranslations:
    """Return the texts of a language, compiled when they are first needed; those of English are the keys."""
    if language == PSEUDO:
        return _Pseudo(domain)
    path = LOCALE / language / f"{domain}.po"
    if language == DEFAULT_LANGUAGE or not path.exists():
        return NullTranslations()
    compiled = io.BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=language, domain=domain))
    compiled.seek(0)
    return GNUTranslations(compiled)


def is_english() -> bool:
    """Return whether the reader reads the texts as they are written in the code."""
    return reader().language == DEFAULT_LANGUAGE


def tr(text: str, /, **values: Any) -> str:
    """Return a text in the reader's language, with values for the names in braces."""
    found = text if not text or is_english() else catalogue(reader().language).gettext(text)
    return found.format(**values) if values else found


def noun(count: float, one: str, many: str) -> str:
    """Return a noun in the reader's language, in the form that follows this number."""
    if is_english():
        return one if abs(count) == 1 else many
    return catalogue(reader().language).ngettext(one, many, int(abs(count)) if abs(count) == int(abs(count)) else 2)


def marked(value: T) -> T:
    """Return the value as it is: its texts are in the catalogue and are translated where they are drawn.

    A dictionary is also found by its labels in the reader's language.
    """
    return cast("T", _Marked(cast("dict[str, Any]", value))) if type(value) is dict else value


def inside(label: str) -> str:
    """Return a label as it reads inside a sentence: small in English, as it is where nouns have capitals."""
    return label.lower() if is_english() else label


def first_upper(text: str) -> str:
    """Return a text with its first letter large."""
    return f"{text[:1].upper()}{text[1:]}"


def lazy(mapping: Mapping[K, V]) -> dict[K, V]:
    """Return a dictionary whose texts are translated whenever they are read. Its keys stay as they are."""
    return cast("dict[K, V]", _Lazy(mapping))


class _Marked(dict[Any, Any]):
    """A dictionary by label: a label in the reader's language finds the value of the English one."""

    def __missing__(self, label: Any) -> Any:
        for key, value in self.items():
            if isinstance(key, str) and tr(key) == label:
                return value
        raise KeyError(label)

    def get(self, label: Any, default: Any = None) -> Any:
        """Return the value of a label, in English or in the reader's language."""
        try:
            return self[label]
        except KeyError:
            return default


class _Lazy(dict[Any, Any]):
    """A dictionary that translates what is read from it."""

    def __getitem__(self, key: Any) -> Any:
        return _translated(super().__getitem__(key))

    def __iter__(self) -> Iterator[Any]:  # overridden, or ** would copy the values without __getitem__
        return super().__iter__()

    def get(self, key: Any, default: Any = None) -> Any:
        """Return the translated value of a key."""
        return _translated(super().get(key, default))

    def values(self) -> Any:
        """Return the translated values."""
        return [self[key] for key in self]

    def items(self) -> Any:
        """Return the keys with the translated values."""
        return [(key, self[key]) for key in self]

    def source(self) -> dict[Any, Any]:
        """Return the English texts."""
        return dict(super().items())


def source(mapping: Mapping[K, V]) -> dict[K, V]:
    """Return a dictionary with its English texts: for what is built when a module is imported."""
    return mapping.source() if isinstance(mapping, _Lazy) else dict(mapping)


def _translated(value: Any) -> Any:
    if isinstance(value, str):
        return tr(value)
    if type(value) in (tuple, list):
        return type(value)(_translated(each) for each in value)
    if is_dataclass(value) and not isinstance(value, type):
        texts = {each.name: getattr(value, each.name) for each in fields(value)}
        return replace(value, **{name: tr(text) for name, text in texts.items() if isinstance(text, str)})
    return value
