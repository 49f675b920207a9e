"""Sentences that core says, in the reader's language: errors, cases, checks, the labels of built-in reasons.

core, the API and the command line speak English. A sentence of core is found in the catalogue `said` by its template,
and its values are put into the translation. A text that no template matches stays as it is.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from functools import cache, lru_cache

from babel.dates import get_month_names
from babel.messages.pofile import read_po

from core.carts.values import minor_digits
from dashboard.language import formats
from dashboard.language.reader import Reader, reader, reading
from dashboard.language.texts import LOCALE, PSEUDO, SAID, catalogue, first_upper, is_english

_HOLE = re.compile(r"\{(\w+)\}")
_DAY = re.compile(r"(\d{1,2}) ([A-Z][a-z]+) (\d{4})")
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+")
_MONEY = re.compile(r"(\d+(?:\.\d+)?) ([A-Z]{3})")
_MONTHS = {
    name: number for style in ("wide", "abbreviated") for number, name in get_month_names(style, locale="en").items()
}
_DEEP = 4
_KEPT = 4_096


def translated(sentence: str | None) -> str:
    """Return a sentence of core in the reader's language, or as it is if no template matches; no text for None."""
    if sentence is None:
        return ""
    return sentence if not sentence or is_english() else _said(sentence, reader(), 0)


def label(text: str) -> str:
    """Return a label of core in the reader's language, and any other text, such as a name, as it is."""
    if not text or is_english():
        return text
    language = reader().language
    exact = catalogue(language, SAID).gettext(text)
    return exact if exact != text else catalogue(language).gettext(text)


@lru_cache(_KEPT)
def _said(sentence: str, found: Reader, depth: int) -> str:
    if not sentence:
        return ""
    exact = catalogue(found.language, SAID).gettext(sentence)
    if exact == sentence:
        exact = catalogue(found.language).gettext(sentence)
    if exact != sentence or depth > _DEEP:
        return exact
    for template, literal, pattern in _templates(found.language):
        match = pattern.fullmatch(sentence) if literal in sentence else None
        if match is not None:
            given = {name: value for name, value in match.groupdict().items() if value is not None}
            values = {name: _value(value, found, depth + 1) for name, value in given.items()}
            text = catalogue(found.language, SAID).gettext(template).format(**values)
            return f"{values.get(_SUBJECT, '')} {text}{values['stop_']}".strip()
    small = sentence[:1].lower() + sentence[1:]  # a sentence may begin with what stands inside of others
    if small != sentence and (again := _said(small, found, depth + 1)) != small:
        return first_upper(again)
    return _in_parts(sentence, found, depth)


def _in_parts(sentence: str, found: Reader, depth: int) -> str:
    """Translate the parts of a text that is several sentences, or a list of them."""
    for mark in (". ", "; ", ": "):
        head, between, rest = sentence.partition(mark)
        if between:
            stop = "." if mark == ". " else ""
            first = _said(head + stop, found, depth + 1)
            return f"{first}{' ' if stop else mark}{_said(rest, found, depth + 1)}"
    if sentence.endswith("."):
        plain = _said(sentence[:-1], found, depth + 1)
        return sentence if plain == sentence[:-1] else f"{plain}."
    return sentence


def _value(value: str, found: Reader, depth: int) -> str:
    if found.language != PSEUDO and (written := _number(value, found)):
        return written
    said = _said(value, found, depth)
    if said != value or value.endswith("."):
        return said
    return _said(f"{value}.", found, depth).removesuffix(".")  # the last of a sentence's values is a sentence


def _number(value: str, found: Reader) -> str:
    """Return an amount, a day or a number with thousands as the reader writes it; empty if the value is none."""
    money, day = _MONEY.fullmatch(value), _DAY.fullmatch(value)
    with reading(found):
        if money:
            return formats.money(Decimal(money[1]), money[2], minor_digits(money[2]))
        if day and (month := _MONTHS.get(day[2])):
            return formats.day(date(int(day[3]), month, int(day[1])))
        return formats.number(int(value.replace(",", ""))) if _GROUPED.fullmatch(value) else ""


@cache
def _templates(language: str) -> tuple[tuple[str, str, re.Pattern[str]], ...]:
    """Return the templates of a language, the most literal first, each with its longest literal and its pattern."""
    names = [language] if language != PSEUDO else [path.parent.name for path in LOCALE.glob(f"*/{SAID}.po")]
    found: dict[str, re.Pattern[str]] = {}
    for name in names:
        with (LOCALE / name / f"{SAID}.po").open("rb") as file:
            for message in read_po(file, locale=name):
                if isinstance(message.id, str) and (message.string or language == PSEUDO) and _has_form(message.id):
                    found[message.id] = _pattern(message.id)
    order = sorted(found.items(), key=lambda each: -len(_HOLE.sub("", each[0])))
    return tuple((template, max(_HOLE.split(template)[::2], key=len), pattern) for template, pattern in order)


def _has_form(template: str) -> bool:
    """Return whether a template has places for values, or may follow the name of one."""
    return bool(_HOLE.search(template)) or (template[:1].islower() and " " in template)


_SUBJECT = "subject_"


def _pattern(template: str) -> re.Pattern[str]:
    """Return the pattern of a template. One that begins small may follow a name: Note must not be empty."""
    parts, named = [rf"(?:(?P<{_SUBJECT}>.+?) )?" if template[:1].islower() else ""], set()
    for place, part in enumerate(_HOLE.split(template)):
        if place % 2 == 0:
            parts.append(re.escape(part))
        else:
            parts.append(f"(?P={part})" if part in named else f"(?P<{part}>.+?)")
            named.add(part)
    return re.compile("".join(parts) + r"(?P<stop_>\.?)", re.DOTALL)
