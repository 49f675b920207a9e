"""Text from outside, checked before it is stored."""

from __future__ import annotations

import unicodedata

from core.foundation.errors import invalid


def clean(value: str, field: str, longest: int, *, empty: bool = False) -> str:
    """Return `value` trimmed, provided it is text of at most `longest` characters without control characters.

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
