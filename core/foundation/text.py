"""Text that comes from outside, checked before it is stored; and numbers with their nouns."""

from __future__ import annotations

import re
import unicodedata

from core.foundation.errors import invalid

_INVISIBLE = "\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
_HYPHENS = "\u2010-\u2015\u2212\ufe58\ufe63\uff0d"
_SPACES = "\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_UNSEEN, _HYPHEN, _SPACE = (re.compile(f"[{each}]") for each in (_INVISIBLE, _HYPHENS, _SPACES))


def clean(value: str, field: str, longest: int, *, empty: bool = False) -> str:
    """Return `value` trimmed, if it is text of at most `longest` characters without control characters.

    Raises InvalidInput naming `field`. Line breaks and tabs are allowed: notes have paragraphs.
    """
    if not isinstance(value, str):
        raise invalid(field, "must be text")
    value = value.strip()
    if not value and not empty:
        raise invalid(field, "must not be empty")
    if len(value) > longest:
        raise invalid(field, f"must have at most {longest:,} characters (it has {len(value):,})")
    if not value.isprintable() and any(unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t\r" for c in value):
        raise invalid(field, "must not contain control characters")
    return value


def clean_line(value: str, field: str, longest: int) -> str:
    """Return `value` on one line, single spaces between its words. Raises InvalidInput as `clean` does.

    Invisible characters are refused too: two names that look alike must be alike.
    """
    line = clean(" ".join(value.split()), field, longest)
    if any(unicodedata.category(c) == "Cf" for c in line):
        raise invalid(field, "must not contain control characters")
    return line


def folded(text: str) -> str:
    """Return a text as it is compared with others: look-alikes are alike, and letter case stays.

    Letters are composed (NFC), spaces of all kinds are one plain space between words, what looks like a hyphen is one,
    and invisible characters are gone. The SQL function `stockroom.folded` returns the same.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", _SPACE.sub(" ", _HYPHEN.sub("-", _UNSEEN.sub("", text))))
    return " ".join(filter(None, _SPACE.split(text)))


def many(number: int, noun: str) -> str:
    """Return a number with its noun: `1 row`, `2,000 rows`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
