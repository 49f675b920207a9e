"""How titles and cells are compared and cleaned: composed letters, ordinary spaces, apostrophes before digits."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from core.foundation.csv_file import unprotected

_SPACES = re.compile(r"[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")

_TOTAL = re.compile(
    r"(grand |sub)?totals?|total g[eé]n[eé]ral|total general|sums?|somme|suma|summen?|gesamt|gesamtsumme|gesamtergebnis"
    r"|endsumme|totale|totaal|totalt|razem|yhteensä|(total|summe|gesamt|sum) .{1,30}",
    re.IGNORECASE,
)


def key(title: str) -> str:
    """Return a title in the form in which titles are compared: small letters without accents, joined by `_`."""
    bare = unicodedata.normalize("NFKD", title.casefold()).replace("ß", "ss")
    letters = "".join(character for character in bare if not unicodedata.combining(character))
    return re.sub(r"[\W_]+", "_", letters).strip("_")


def cell(text: str) -> str:
    """Return a cell's text: composed letters, ordinary spaces, trimmed, without the apostrophe that protects it."""
    if not text.isascii():
        text = _SPACES.sub(" ", unicodedata.normalize("NFC", text))
    return unprotected(text.strip())


def is_total(values: Sequence[str]) -> bool:
    """Return whether a row's first text says that it is a total."""
    first = next((value for value in values if value), "")
    return _TOTAL.fullmatch(first.rstrip(" :.")) is not None


def listed(titles: Sequence[str]) -> str:
    """Return titles as a sentence names them: at most ten, each shortened."""
    shown = ", ".join(title[:40] or "(no name)" for title in titles[:10])
    return f"column{'s' if len(titles) > 1 else ''} {shown}{' and others' if len(titles) > 10 else ''}"
