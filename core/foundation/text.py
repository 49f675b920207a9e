"""Text that comes from outside, checked before it is stored; and numbers with their nouns."""

from __future__ import annotations

import unicodedata

from core.foundation.errors import invalid


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


def many(number: int, noun: str) -> str:
    """Return a number with its noun: `1 row`, `2,000 rows`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
