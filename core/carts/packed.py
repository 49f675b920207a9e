"""Reads a cart from text that is not JSON: `code:quantity`, `code|size|quantity`, `2 x code`, `name - Qty: 2`.

Returns None for text that is meant for people. Raises `UnreadableCart` if only a part of it can be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from core.carts.positions import Column, Found, Roles, Way, columns_of, distinct, way_of, ways_of
from core.carts.values import shown, units_of
from core.foundation.errors import UnreadableCart

FOR_PEOPLE = "text for people"
"""The shape of `Soap x2, Brush x1`, whose names may be codes."""

_NUMBER = re.compile(r"\s*-?[0-9]+(\.[0-9]+)?\s*")
_LINE_MARKS = "\n;,"
_FIELD_MARKS = "|~\t"
_PAIR_MARKS = ":=*@"
_TIMES = "x\u00d7"
_BEFORE = re.compile(r"\s*([0-9]{1,4})\s*(?:x\s|\u00d7)\s*(\S.*)")
_AFTER = re.compile(r"(.*[^\d\s])(\s*)[x\u00d7]\s?([0-9]{1,4})\s*|(.*\d)(\s+)[x\u00d7]\s?([0-9]{1,4})\s*")
_LABEL_MARKS = (" \u2014 ", " \u2013 ", " - ", " | ", " / ", " \u00b7 ", ", ")
_LABEL = re.compile(r"(size|qty|quantity|price|colou?r|sku|code)\s*[:=]\s*(?=\S)", re.IGNORECASE)
_ROLES = {"size": "size", "qty": "quantity", "quantity": "quantity", "price": "price", "sku": "code", "code": "code"}
# Shops cut off their text at a round length, or just below Stripe's limit of 500.
_CUT_LENGTHS = frozenset((100, 128, 200, 250, 255, 256, 300, 350, 400))
_NEAR_THE_LIMIT = 440
_LONGEST_PART = 500


def read_packed(text: str) -> Found | None:
    """Read packed text in every possible way. Return None for text that is meant for people."""
    mark, parts = lines_of(text)
    layout = {"layout": "packed", "line_separator": mark}
    found = _labelled(text) or read_parts(parts, layout)
    return Found(shape=found.shape, rows=found.rows, ways=found.ways, doubt=doubt_of(text)) if found else None


def lines_of(text: str) -> tuple[str, list[str]]:
    """Return the mark between the lines of a text, and the lines."""
    text = text.strip()
    mark = next((mark for mark in _LINE_MARKS if mark in text), "")
    if not mark and "|" in text and not any(map(_NUMBER.fullmatch, text.split("|"))):
        mark = "|"
    return mark or "\n", text.split(mark) if mark else [text]


def doubt_of(text: str) -> str:
    """Return why a text without an end mark may have been cut off, or an empty text."""
    if len(text) in _CUT_LENGTHS or len(text) >= _NEAR_THE_LIMIT:
        return f"it is {len(text):,} characters long and may have been cut off there"
    return ""


def units_for_people(text: str) -> int | None:
    """Return the units in a text such as `Soap x2, Brush x1`, which must agree with the cart beside it."""
    parts = [part for part in re.split(r"[,;\n]", text) if len(part) <= _LONGEST_PART]
    counts = [_AFTER.fullmatch(part) for part in parts]
    whole = [int(count[3] or count[6]) for count in counts if count]
    return sum(whole) if len(whole) == len(counts) and not doubt_of(text) else None


# ---------------------------------------------------------------- lines of fields


def read_parts(parts: Sequence[str], layout: Mapping[str, str]) -> Found | None:
    """Read lines whose fields have one mark between them. None if no line has fields."""
    if any(len(part) > _LONGEST_PART for part in parts):
        return None
    shaped = {mark: [_has_fields(part, mark) for part in parts] for mark in (*_FIELD_MARKS, *_PAIR_MARKS)}
    mark = next((mark for mark, flags in shaped.items() if all(flags)), "")
    if not mark and layout.get("line_separator") in ("\n", ";") and all(_has_fields(part, ",") for part in parts):
        mark = ","
    if mark:
        return _separated([part.split(mark) for part in parts], {**layout, "field_separator": mark})
    if found := _times(parts, layout):
        return found
    if any(map(any, shaped.values())):
        raise UnreadableCart("some of its parts are a code with a quantity and some are not")
    return None


def _has_fields(part: str, mark: str) -> bool:
    """Return whether a line has several fields, one of them a number: with marks of pairs, its first or its last."""
    fields = part.split(mark)
    tried = fields if mark not in _PAIR_MARKS else [fields[0], fields[-1]]
    return len(fields) > 1 and any(map(_NUMBER.fullmatch, tried)) and any(field.strip() for field in fields)


def _separated(lines: Sequence[Sequence[str]], layout: Mapping[str, str]) -> Found:
    mark = layout["field_separator"]
    ways: list[Way] = []
    for fields in lines:
        if mark in _PAIR_MARKS or len(fields) == 2:
            refuse_none(fields[-1].strip(), fields[0].strip())
        if any(re.search(r"[\"{}\[\]]", field) for field in fields):
            raise UnreadableCart(f"{shown(mark.join(fields))} is a piece of JSON, not a code")
    if mark not in _PAIR_MARKS or len(set(map(len, lines))) == 1:
        ways += ways_of(columns_of(lines), layout)
    if mark in _PAIR_MARKS and max(map(len, lines)) > 2:
        last = [Column(name="1..-2", texts=tuple(mark.join(line[:-1]).strip() for line in lines))]
        last.append(Column(name="-1", texts=tuple(line[-1].strip() for line in lines)))
        ways += ways_of(last, layout)
    if not ways:
        _explain(lines)
    ways = list(distinct(ways))
    return Found(shape="packed", rows=ways[0].rows, ways=tuple(ways))


def refuse_none(text: str, code: str) -> None:
    """Raise UnreadableCart for a last field that is 0 or negative: it is neither a quantity nor a price."""
    if _NUMBER.fullmatch(text) and (text.startswith("-") or not text.strip("0.")):
        units_of(text, code)


def _explain(lines: Sequence[Sequence[str]]) -> None:
    """Raise UnreadableCart for lines that cannot be read in any way."""
    for fields in lines:
        numbers = [field for field in fields[1:] if _NUMBER.fullmatch(field)]
        units_of((numbers or [fields[-1]])[0].strip(), fields[0].strip())
    raise UnreadableCart("none of its fields can be a code")


# ---------------------------------------------------------------- two times a code


def _times(parts: Sequence[str], layout: Mapping[str, str]) -> Found | None:
    """Read `2x code` or `code x2`. The mapping takes the mark that all lines have."""
    before, after = [_BEFORE.fullmatch(part) for part in parts], [_AFTER.fullmatch(part) for part in parts]
    if all(before):
        pairs = [(match[2], match[1]) for match in before if match]
        names, marks = ("2..-1", "1"), list(_TIMES)
    elif all(after):
        pairs = [(match[1] or match[4], match[3] or match[6]) for match in after if match]
        names, marks = ("1..-2", "-1"), [*(f" {mark}" for mark in _TIMES), *_TIMES]
    else:
        return None
    code, quantity = (
        Column(name=n, texts=tuple(map(str.strip, t))) for n, t in zip(names, zip(*pairs, strict=True), strict=True)
    )
    lines = list(zip(parts, pairs, strict=True))
    mark = next((mark for mark in marks if all(_splits(part, mark, pair) for part, pair in lines)), "")
    fields = {**layout, "field_separator": mark} if mark else None
    columns = (code, quantity) if all(after) else (quantity, code)
    ways = [way_of(Roles(code=code, quantity=quantity), columns, fields)]
    if any(not re.search(r"\s", part.strip()) for part in parts):  # `BOXx2` may be a code itself
        whole = Column(name="1", texts=tuple(part.strip() for part in parts))
        ways.append(way_of(Roles(code=whole), (whole,), {**layout, "field_separator": ""}))
    return Found(shape=FOR_PEOPLE, rows=ways[0].rows, ways=tuple(ways))


def _splits(part: str, mark: str, pair: Sequence[str]) -> bool:
    """Return whether the mark divides a line into the code and the quantity."""
    code, units = (each.strip() for each in pair)
    return any(
        [one.strip(), two.strip()] in ([code, units], [units, code])
        for one, _, two in (part.partition(mark), part.rpartition(mark))
    )


# ---------------------------------------------------------------- fields with labels


def _labelled(text: str) -> Found | None:
    """Read `name - Size: M - Qty: 2`, one line each. Without a code, the name of the product is the code."""
    if not _LABEL.search(text):
        return None
    for mark in _LABEL_MARKS:
        for line_mark in ("\n", ";", *([] if "," in mark else [","])):
            parts = [part.split(mark) for part in text.strip().split(line_mark)]
            if labels := _labels_of(parts):
                return _with_labels(parts, labels, line_mark, mark)
    return None


def _labels_of(lines: Sequence[Sequence[str]]) -> list[str] | None:
    """Return the label of each field after the first, if all lines have the same ones and a quantity."""
    found = [[match[1].lower() if (match := _LABEL.match(f.strip())) else "" for f in fields] for fields in lines]
    labels = found[0]
    same = all(each == labels for each in found) and len(labels) > 1 and not labels[0] and all(labels[1:])
    return labels if same and not {"qty", "quantity"}.isdisjoint(labels) else None


def _with_labels(lines: Sequence[Sequence[str]], labels: Sequence[str], line_mark: str, mark: str) -> Found:
    columns = columns_of([[_LABEL.sub("", field.strip(), count=1) for field in fields] for fields in lines])
    named = {_ROLES[label]: column for label, column in zip(labels, columns, strict=True) if label in _ROLES}
    for code, units in zip(columns[0].texts, named["quantity"].texts, strict=True):
        units_of(units, code)
    roles = Roles(
        code=named.get("code", columns[0]), size=named.get("size"), quantity=named["quantity"], price=named.get("price")
    )
    layout = {"layout": "packed", "line_separator": line_mark, "field_separator": mark}
    way = way_of(roles, columns, layout, name=columns[0])
    return Found(shape="text with labels", rows=way.rows, ways=(way,))


def without_label(text: str) -> str:
    """Return the value of a field such as `Qty: 2`."""
    return _LABEL.sub("", text, count=1) if _LABEL.match(text) else text


def positioned(line: str, separator: str, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each named position with its value: 1 is the first field, -1 the last, `1..-2` all but the last."""
    values = line.split(separator) if separator else [line]
    label = without_label if separator not in (":", "=") else str
    for name in names:
        first, _, last = name.partition("..")
        start, end = _index(first, values), _index(last or first, values) + 1
        yield name, label(separator.join(values[start:end] if start >= 0 else []).strip())


def _index(position: str, values: Sequence[str]) -> int:
    number = int(position)
    return number - 1 if number > 0 else len(values) + number
