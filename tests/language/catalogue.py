"""The catalogues of dashboard/catalogues: what belongs into them, read from the code, and what is missing.

`python -m tests.language` lists what has no translation, with `--write` it puts new texts into the catalogues and takes
out those that no page says any more. `python -m tests.language fill texts.json` fills in translations from a file: an
object from each English text to its translation, for nouns to a list of forms.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po

from core.people.reading import DEFAULT_LANGUAGE, LANGUAGES
from dashboard.language.texts import DOMAIN, LOCALE, SAID
from tests.house.reading import ROOT
from tests.language import sentences
from tests.language.finder import MORE_NOUNS, MORE_TEXTS, page_files, texts_of

TRANSLATED = tuple(language for language in LANGUAGES if language != DEFAULT_LANGUAGE)
Key = str | tuple[str, str]
"""A text, or a noun with its plural."""


def wanted(domain: str = DOMAIN) -> dict[Key, list[str]]:
    """Every text of a catalogue, with the files that say it."""
    found: dict[Key, list[str]] = {}
    for key, place in _pages() if domain == DOMAIN else sentences.templates():
        files = found.setdefault(key, [])
        if place not in files:
            files.append(place)
    return found


def _pages() -> Iterator[tuple[Key, str]]:
    for path in page_files():
        place, finder = path.relative_to(ROOT).as_posix(), texts_of(path)
        yield from ((each.text, place) for each in finder.found)
        yield from ((noun, place) for noun in finder.nouns)
    yield from ((text, "tests/language/finder.py") for text in MORE_TEXTS)
    yield from (((one, f"{one}s"), "tests/language/finder.py") for one in MORE_NOUNS)


def path_of(language: str, domain: str = DOMAIN) -> Path:
    """The file of a catalogue."""
    return LOCALE / language / f"{domain}.po"


def saved(language: str, domain: str = DOMAIN) -> Catalog:
    """A catalogue as it is in the project, empty if there is none yet."""
    path = path_of(language, domain)
    if not path.exists():
        return _empty(language, domain, None)
    with path.open("rb") as file:
        return read_po(file, locale=language, domain=domain)


def _empty(language: str, domain: str, comment: str | None) -> Catalog:
    head = comment or f"# Stockroom, {LANGUAGES[language]}. docs/languages.md says how to change this file."
    return Catalog(locale=language, domain=domain, project="Stockroom", version="", header_comment=head, fuzzy=False)


def is_missing(message: Message) -> bool:
    """Whether a text has no translation, or not each form of it."""
    forms = message.string if isinstance(message.string, list | tuple) else [message.string]
    return not all(forms)


def missing(language: str, domain: str = DOMAIN) -> list[Key]:
    """The texts of the pages that a catalogue does not translate."""
    catalogue = saved(language, domain)
    known = {_key(message): message for message in catalogue if message.id}
    return [key for key in wanted(domain) if key not in known or is_missing(known[key])]


def unused(language: str, domain: str = DOMAIN) -> list[Key]:
    """The texts of a catalogue that no page says."""
    texts = wanted(domain)
    return [_key(message) for message in saved(language, domain) if message.id and _key(message) not in texts]


def _key(message: Message) -> Key:
    return message.id if isinstance(message.id, str) else (message.id[0], message.id[1])


def write(language: str, domain: str = DOMAIN, translations: dict[str, str | list[str]] | None = None) -> None:
    """Write a catalogue with exactly the texts of the pages, in their order, keeping and adding translations."""
    before = saved(language, domain)
    known = {_key(message): message for message in before if message.id}
    after = Catalog(
        locale=language, domain=domain, project="Stockroom", version="", header_comment=before.header_comment
    )
    given = translations or {}
    for key, places in wanted(domain).items():
        one = key if isinstance(key, str) else key[0]
        old = known.get(key)
        one = one if domain == DOMAIN or f"{domain}:{one}" not in given else f"{domain}:{one}"
        text = given.get(one) if isinstance(given.get(one), str) == isinstance(key, str) else None
        string = text or (old.string if old and not is_missing(old) else None)
        after.add(key, string, locations=[(place, 0) for place in places[:2]])
    buffer = io.BytesIO()
    write_po(buffer, after, width=120, include_lineno=False, sort_output=False)
    path_of(language, domain).parent.mkdir(parents=True, exist_ok=True)
    path_of(language, domain).write_bytes(_stable(buffer.getvalue()))


def _stable(text: bytes) -> bytes:
    """A catalogue without the lines of its head that change from day to day."""
    lines = text.splitlines(keepends=True)
    return b"".join(line for line in lines if not _CHANGING.match(line))


_CHANGING = re.compile(rb'"(POT-Creation-Date|PO-Revision-Date|Last-Translator|Generated-By|Report-Msgid-Bugs-To):')


def fill(path: Path) -> None:
    """Put the translations of a file into the catalogues."""
    given = json.loads(path.read_text(encoding="utf-8"))
    for language in TRANSLATED:
        for domain in (DOMAIN, SAID):
            write(language, domain, given)


def show(keys: Iterable[Key]) -> str:
    """Texts as the file that `fill` reads, without their translations."""
    texts = {key if isinstance(key, str) else key[0]: "" if isinstance(key, str) else ["", ""] for key in keys}
    return json.dumps(texts, ensure_ascii=False, indent=0)
