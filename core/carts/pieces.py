"""Carts in numbered values: one long text in pieces, or one line a value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from core.carts.decoded import begins_json, unpacked
from core.carts.names import CART_NAMES, LINE_NAMES, WRAPPER_NAMES, plain
from core.carts.packed import doubt_of, lines_of, read_packed
from core.carts.positions import Found
from core.carts.text import MOST_ENTRIES, read_json, read_text
from core.carts.values import is_count, shown
from core.foundation.errors import UnreadableCart

NUMBER = "{n}"
_SURE = CART_NAMES | set(LINE_NAMES)
_LONG = 200
_PIECE = re.compile(
    r"(?P<base>[A-Za-z_ .-]{0,40}?)[_ .-]?(?P<word>part|chunk|piece)?[_ .-]?"
    r"(?P<n>[0-9]{1,3})(?:_?of_?(?P<of>[0-9]{1,3}))?",
    re.IGNORECASE,
)
_COUNT = re.compile(r"(?P<base>[a-z]*?)(?:num|total|n)?(?:chunks?|parts?|pieces?)(?:count|total|num|n)?")


@dataclass(slots=True)
class Pieces:
    """The numbered values of one name. `head` is the value of the name without a number, if it is the first piece."""

    base: str
    texts: dict[int, str]
    declared: int | None = None
    head: str = ""
    keys: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)

    @property
    def certain(self) -> bool:
        """Whether only carts and their lines have this name."""
        return self.base in _SURE

    @property
    def key(self) -> str:
        """The key of all values with `{n}` for their number, as a mapping has it. Empty if they have several."""
        return next(iter(self.keys)) if len(self.keys) == 1 and not self.head else ""

    def ordered(self) -> list[str]:
        """Return all texts in the order of their numbers. Raises UnreadableCart if one is missing."""
        last, first = max(self.texts), min(self.texts)
        start = first if first <= (2 if self.head else 1) else 1
        missing = next((n for n in range(start, last) if n not in self.texts), None)
        if missing is not None:
            raise UnreadableCart(f"piece {missing} of {self.base} is missing")
        texts = [*([self.head] if self.head else []), *(self.texts[n] for n in range(start, last + 1))]
        if self.declared not in (None, len(texts)):
            raise UnreadableCart(f"{self.base} was written in {self.declared} pieces, but there are {len(texts)}")
        return texts


def pieces_of(entries: Mapping[str, str]) -> dict[str, Pieces]:
    """Return numbered values by name: `orderData_0`, `cartChunk1`, `item_2`, `cart_part_1_of_3`, `chunk_0`."""
    found: dict[str, Pieces] = {}
    for key, text in entries.items():
        match = _PIECE.fullmatch(key)
        base = plain(match["base"]) if match else ""
        if match and (base in _SURE | WRAPPER_NAMES or (match["word"] and not base)):
            _add(found.setdefault(base, Pieces(base, {})), match, text)
    for group in found.values():
        group.declared = next(_declared(entries, group.base), group.declared)
        group.head = _head(entries, group)
    _must_not_miss_all(entries, found)
    return found


def _add(group: Pieces, match: re.Match[str], text: str) -> None:
    number, of = int(match["n"]), int(match["of"]) if match["of"] else None
    if number in group.texts or (of and group.declared not in (None, of)):
        raise UnreadableCart(f"piece {number} of {group.base} occurs twice")
    group.texts[number], group.declared = text, of or group.declared
    group.used.add(match.string)
    group.keys.add(f"{match.string[: match.start('n')]}{NUMBER}{match.string[match.end('n') :]}")


def _declared(entries: Mapping[str, str], base: str) -> Iterator[int]:
    """Yield the number of pieces, from entries such as `orderDataChunks`, `chunkCount` and `cart_total_parts`."""
    for key, text in entries.items():
        match = _COUNT.fullmatch(plain(key))
        if match and match["base"] in ("", base) and is_count(text):
            yield int(text)


def _must_not_miss_all(entries: Mapping[str, str], found: Mapping[str, Pieces]) -> None:
    for key, text in entries.items():
        base = _counted_base(plain(key))
        if base is not None and base not in found and is_count(text) and int(text) > 1:
            raise UnreadableCart(f"{shown(key)} says {int(text)} pieces, but there is none")


@lru_cache(maxsize=4096)
def _counted_base(name: str) -> str | None:
    """Return the name of the cart whose pieces an entry of this name counts, or None."""
    match = _COUNT.fullmatch(name)
    return match["base"] if match and match["base"] in CART_NAMES | WRAPPER_NAMES else None


def _head(entries: Mapping[str, str], group: Pieces) -> str:
    """Return the value of `cart` next to `cart_1` if it is the first piece: it begins JSON and does not end it."""
    named = (text for key, text in entries.items() if plain(key) == group.base)
    return next((text for text in named if begins_json(text) and not _is_whole(text)), "")


def _is_whole(text: str) -> bool:
    """Return whether a text is complete JSON, or complete JSON in base64."""
    try:
        return begins_json(text) and unpacked(text) is not None
    except UnreadableCart:
        return False


def _is_rest(text: str) -> bool:
    """Return whether a text looks like the middle or the end of JSON or base64."""
    return (
        re.search(r"\"\s*:|[\"\d]\s*[}\]]", text) is not None
        or re.fullmatch(r"[A-Za-z0-9+/_=-]{100,}", text) is not None
    )


# ---------------------------------------------------------------- reading them


def read_pieces(group: Pieces) -> Found | None:
    """Read the cart in numbered values. None: they hold something else. Raises UnreadableCart where one is missing."""
    if not group.head and all(map(_is_whole, group.texts.values())):
        parts = [read_json(unpacked(text), certain=group.certain) for text in group.ordered()]
        rows = tuple(row for part in parts if part for row in part.rows)
        if any(part and part.ways for part in parts):
            raise UnreadableCart(f"the fields of {group.base} have no names")
        return Found(shape="numbered", rows=rows, doubt=_doubt(group)) if rows else None
    if any(map(begins_json, [group.head, *group.texts.values()])):
        joined = read_text("".join(group.ordered()), certain=group.certain)
        return replace(joined, shape=f"{joined.shape} in pieces", key=group.key) if joined else None
    if group.declared is not None:
        group.ordered()
    if all(map(_is_rest, group.texts.values())):
        raise UnreadableCart(f"the first piece of {group.base} is missing")
    return _packed(group) if group.certain else None


def _packed(group: Pieces) -> Found | None:
    """Read `item_0` = `A|2|...`, one line each, or one long `A:2,B:1,...` in pieces of the same length."""
    texts = [group.texts[n] for n in sorted(group.texts)]
    if are_one_text(texts):
        joined = read_packed("".join(texts))
        if not joined:
            return None
        group.ordered()
        full = len(texts[-1]) == len(texts[0]) or doubt_of(texts[-1])
        doubt = "its last piece is as long as the others" if full and not group.declared else ""
        return replace(joined, doubt=doubt, key=group.key)
    marks = {mark for mark, lines in map(lines_of, texts) if len(lines) > 1} or {"\n"}
    joined = read_packed(marks.pop().join(text.strip() for text in texts))
    if not joined:
        return None
    group.ordered()
    return replace(joined, doubt=next(filter(None, map(doubt_of, texts)), _doubt(group)), key=group.key)


def are_one_text(texts: Sequence[str]) -> bool:
    """Return whether the values are pieces of one long text, and not one line each."""
    return len(texts) > 1 and all(len(text) >= _LONG for text in texts[:-1])


def _doubt(group: Pieces) -> str:
    """Return a doubt if there are almost as many entries as Stripe allows: some lines may have been left out."""
    full = len(group.texts) >= MOST_ENTRIES - 10 and group.declared is None
    return f"there are {len(group.texts)} entries, and Stripe allows at most {MOST_ENTRIES}" if full else ""


# ---------------------------------------------------------------- where a mapping says they are


def pieces_at(key: str, entries: Mapping[str, str]) -> list[str]:
    """Return the value of a key, or the values of its pieces in the order of their numbers."""
    if NUMBER not in key:
        return [entries[key]] if key in entries else []
    numbered = by_number(key, entries)
    return [numbered[n] for n in in_order(numbered, key)]


def by_number(key: str, entries: Mapping[str, str]) -> dict[int, str]:
    """Return the values of a key with `{n}` by their numbers. Raises UnreadableCart if one occurs twice."""
    before, after = map(re.escape, key.split(NUMBER))
    found: dict[int, str] = {}
    for entry, text in entries.items():
        if match := re.fullmatch(f"{before}([0-9]{{1,3}}){after}", entry):
            if int(match[1]) in found:
                raise UnreadableCart(f"{shown(entry)} occurs twice")
            found[int(match[1])] = text
    return found


def in_order(numbered: Mapping[int, object], key: str) -> list[int]:
    """Return numbers in order. Raises UnreadableCart if one is missing."""
    numbers = sorted(numbered)
    missing = next((n for n in range(1, numbers[-1] if numbers else 0) if n not in numbered), None)
    if missing is not None:
        raise UnreadableCart(f"{shown(key.replace(NUMBER, str(missing)))} is missing")
    return numbers
