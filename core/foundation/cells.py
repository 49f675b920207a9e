"""Checks the rows of a history file. Each rule checks a whole column and names every row it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from core.foundation import days
from core.foundation.model import MAX_UNITS, MovementType

MAX_SKU = 80
MAX_REFERENCE = 200
MAX_NAME = 300
MOMENT = pa.timestamp("us", "UTC")
OLDEST = datetime(1970, 1, 1, tzinfo=UTC)
_FAR = datetime(9999, 1, 1, tzinfo=UTC)  # Arrow goes on after Python's last year
_EXAMPLE = "2024-05-01T09:30:00+12:00"
_INVISIBLE = r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]"  # control and zero-width characters: codes that look alike must be alike
_CONTROL = r"\p{Cc}"
_WHOLE = r"^[+-]?\d+(\.0*)?$"
_TWO_READINGS = r"^[+-]?[1-9]\d{0,2}[.,]\d{3}$"
_CUT_BY_A_SPREADSHEET = r"^\d([.,]\d+)?[eE][+-]?\d+$"
_SAY_WHICH = "is a thousand in one country and one in another; say which with --decimal comma or --decimal point"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The shop's time zone, the present moment, and the direction of each reason.

    `signs` maps (movement type, reason) to 1 (adds stock), -1 (takes stock) or 0 (either).
    """

    zone: str
    now: datetime
    signs: Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One error in one row. As text: `line 3: quantity "1.5" is not a whole number`."""

    line: int
    field: str
    why: str
    value: str | None = None

    def __str__(self) -> str:
        given = "" if self.value is None else f' "{self.value}"'
        return f"line {self.line}: {self.field}{given} {self.why}"


def checked(raw: pa.Table, rules: Rules) -> tuple[pa.Table, list[Problem]]:
    """Return a file's columns with their types, and every problem in them. Without problems the table can be posted."""
    look = _Look(raw.combine_chunks())
    columns = {
        "occurred_at": _moments(look, rules),
        "sku": _text(look, "sku", MAX_SKU, forbidden=_INVISIBLE, required=True),
        "movement_type": _text(look, "movement_type", 40, required=True),
        "reason": _text(look, "reason", 40, required=True),
        "quantity": _quantities(look),
        "reference": _text(look, "reference", MAX_REFERENCE),
        "name": _text(look, "name", MAX_NAME),
        "line": look.column("line"),
    }
    rows = pa.table(columns)
    cut = pc.match_substring_regex(rows["sku"].combine_chunks(), _CUT_BY_A_SPREADSHEET)
    look.refuse(cut, "sku", "was shortened by a spreadsheet; format its column as text and save again")
    _check_letter_case(look, rows["sku"].combine_chunks())
    _check_reasons(look, rows, rules)
    _check_contradictions(look, rows)
    return rows, sorted(look.problems, key=lambda problem: problem.line)


@dataclass(slots=True)
class _Look:
    """The raw file and the problems found so far."""

    raw: pa.Table
    problems: list[Problem] = field(default_factory=list)

    def column(self, name: str) -> pa.Array:
        """Return a column of the file; one that the file does not have is all null."""
        if name not in self.raw.column_names:
            return pa.nulls(self.raw.num_rows, pa.string())
        column = self.raw[name].combine_chunks()
        return column.chunk(0) if isinstance(column, pa.ChunkedArray) and column.num_chunks else column

    def refuse(self, mask: Any, name: str, why: str, *, show: bool = True) -> None:
        """Note a problem for every row where `mask` is true. Null counts as false."""
        found = pc.indices_nonzero(pc.fill_null(mask, False))
        if not len(found):
            return
        lines = self.column("line").take(found).to_pylist()
        values = self.column(name).take(found).to_pylist() if show else [None] * len(lines)
        self.problems += [
            Problem(line=line, field=name, why=why, value=None if value is None else shown(value))
            for line, value in zip(lines, values, strict=True)
        ]


def shown(value: Any) -> str:
    """Return a value as messages show it: escaped, and at most forty characters of it."""
    text = str(value)
    return repr(text[:40])[1:-1] + ("..." if len(text) > 40 else "")


def _text(look: _Look, name: str, longest: int, *, forbidden: str = _CONTROL, required: bool = False) -> pa.Array:
    column = look.column(name)
    if pa.types.is_integer(column.type):  # many codes and invoice numbers consist of digits only
        column = column.cast(pa.string())
    text = _trimmed(column)
    if text is None:
        look.refuse(pc.is_valid(column), name, f"is {column.type}, not text")
        return pa.nulls(len(column), pa.string())
    if required:
        look.refuse(pc.is_null(text), name, "is missing", show=False)
    look.refuse(pc.greater(pc.utf8_length(text), longest), name, f"has more than {longest} characters")
    look.refuse(pc.match_substring_regex(text, forbidden), name, "has a control or invisible character")
    return text


def _trimmed(column: pa.Array) -> pa.Array | None:
    """Return a text column of any Parquet text type, trimmed, empty texts as null. None if it is not text."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_null)
    if not any(is_kind(kind) for is_kind in texts):
        return None
    text = pc.utf8_trim_whitespace(pc.utf8_normalize(column.cast(pa.string()), "NFC"))
    return pc.if_else(pc.equal(text, ""), None, text)


def _moments(look: _Look, rules: Rules) -> pa.Array:
    column = look.column("occurred_at")
    if (text := _trimmed(column)) is not None:
        moments = _parsed_moments(look, text, rules.zone)
    elif pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        text, moments = column, _typed_moments(column, rules.zone)
    else:
        look.refuse(pc.is_valid(column), "occurred_at", f"is {column.type}, not a date and time")
        return pa.nulls(len(column), MOMENT)
    look.refuse(pc.is_null(text), "occurred_at", "is missing", show=False)
    look.refuse(pc.greater(moments, pa.scalar(rules.now, MOMENT)), "occurred_at", "lies in the future")
    look.refuse(pc.less(moments, pa.scalar(OLDEST, MOMENT)), "occurred_at", "lies before 1970")
    return moments


def _typed_moments(column: pa.Array, zone: str) -> pa.Array:
    moments = column.cast(pa.timestamp("us", getattr(column.type, "tz", None)), safe=False)
    if moments.type.tz is None:
        moments = pc.assume_timezone(moments, zone, ambiguous="earliest", nonexistent="latest")
    return moments.cast(MOMENT)


def _parsed_moments(look: _Look, text: pa.Array, zone: str) -> pa.Array:
    """Parse ISO 8601 texts. Each distinct text is parsed once, because a year has far fewer moments than rows."""
    if (plain := _plain_moments(text)) is not None:
        return plain
    texts = text.dictionary_encode()
    known = pa.array([_moment(each, zone) for each in texts.dictionary.to_pylist()], MOMENT)
    moments = pc.take(known, texts.indices)
    unreadable = pc.and_(pc.is_null(moments), pc.is_valid(text))
    look.refuse(unreadable, "occurred_at", f"is not a date and time such as {_EXAMPLE}")
    return moments


def _plain_moments(text: pa.Array) -> pa.Array | None:
    """Return the moments at once if each has an offset, is not before 1970, and is written as Arrow reads it too."""
    try:
        moments = text.cast(MOMENT)
    except pa.ArrowInvalid:
        return None
    odd = pc.or_(pc.less(moments, pa.scalar(OLDEST, MOMENT)), pc.greater(moments, pa.scalar(_FAR, MOMENT)))
    return None if pc.any(odd).as_py() else moments


def _moment(text: str, zone: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else days.moment(moment, zone)
    except (ValueError, OverflowError):
        return None


def _quantities(look: _Look) -> pa.Array:
    numbers = _numbers(look, look.column("quantity"))
    fractional = pc.not_equal(numbers, pc.floor(numbers))
    look.refuse(fractional, "quantity", "is not a whole number")
    huge = pc.greater(pc.abs(numbers), MAX_UNITS)
    look.refuse(huge, "quantity", f"is more than {MAX_UNITS:,} units")
    usable = pc.invert(pc.or_(fractional, huge))
    return pc.if_else(usable, numbers, None).cast(pa.int32())


def _numbers(look: _Look, column: pa.Array) -> pa.Array:
    """Return quantities as doubles, which are exact far beyond the limit. What is not a number becomes null."""
    if (text := _trimmed(column)) is not None:
        twofold = pc.match_substring_regex(text, _TWO_READINGS)
        look.refuse(twofold, "quantity", _SAY_WHICH)
        whole = pc.and_(pc.match_substring_regex(text, _WHOLE), pc.invert(twofold))
        look.refuse(pc.invert(pc.or_(whole, twofold)), "quantity", "is not a whole number")
        look.refuse(pc.is_null(text), "quantity", "is missing", show=False)
        return pc.replace_substring_regex(pc.if_else(whole, text, None), r"^\+", "").cast(pa.float64())
    look.refuse(pc.is_null(column), "quantity", "is missing", show=False)
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
        return column.cast(pa.float64(), safe=False)
    look.refuse(pc.is_valid(column), "quantity", f"is {column.type}, not a number")
    return pa.nulls(len(column), pa.float64())


def _check_letter_case(look: _Look, skus: pa.Array) -> None:
    """Refuse SKUs that differ only in letter case: a scanner finds either, so there can be only one."""
    codes = skus.dictionary_encode()
    first: dict[str, str] = {}
    for code in codes.dictionary.to_pylist():
        if (known := first.setdefault(code.casefold(), code)) != code:
            look.refuse(pc.equal(skus, code), "sku", f'differs only in letter case from "{known}"')


def _check_reasons(look: _Look, rows: pa.Table, rules: Rules) -> None:
    types, quantities = rows["movement_type"], rows["quantity"]
    known_type = pc.is_in(types, pa.array([kind.value for kind in MovementType]))
    look.refuse(
        pc.and_(pc.is_valid(types), pc.invert(known_type)), "movement_type", f"is none of {', '.join(MovementType)}"
    )
    pairs = pc.binary_join_element_wise(types, rows["reason"], "/").combine_chunks()
    signs = pc.index_in(pairs, pa.array([f"{kind}/{reason}" for kind, reason in rules.signs]))
    directions = pc.take(pa.array(list(rules.signs.values()), pa.int32()), signs)
    unknown = pc.and_(pc.and_(pc.is_valid(rows["reason"]), known_type), pc.is_null(signs))
    for kind in MovementType:
        known = ", ".join(reason for type_, reason in rules.signs if type_ == kind)
        look.refuse(pc.and_(unknown, pc.equal(types, kind)), "reason", f"is not a reason of {kind}, which has {known}")
    no_count = pc.not_equal(types, MovementType.COUNT)
    look.refuse(pc.and_kleene(no_count, pc.equal(quantities, 0)), "quantity", "is zero, which only a count may be")
    look.refuse(
        pc.and_(pc.greater(directions, 0), pc.less(quantities, 0)), "quantity", "must add units for this reason"
    )
    look.refuse(
        pc.and_(pc.less(directions, 0), pc.greater(quantities, 0)), "quantity", "must take units for this reason"
    )


def _check_contradictions(look: _Look, rows: pa.Table) -> None:
    """Refuse rows that cannot both have happened.

    One reference cannot name the same SKU at one moment as both bought and sold; a SKU has one initial count; two
    counts of a SKU at one moment cannot differ. Equal rows are allowed: an order may name a SKU twice.
    """
    bought = rows.filter(pc.equal(rows["movement_type"], MovementType.PURCHASE))
    if bought.num_rows:
        _refuse_second(look, bought.filter(pc.is_valid(bought["reference"])), rows)
    counts = rows.filter(pc.equal(rows["movement_type"], MovementType.COUNT))
    initial = counts.filter(pc.equal(counts["reason"], "initial_count"))
    _refuse_repeats(look, initial, ("sku",), "contradicts the initial count of the same SKU on line {line}")
    others = counts.filter(pc.not_equal(counts["reason"], "initial_count"))
    why = "contradicts line {line}: another count of this SKU at the same moment"
    _refuse_repeats(look, others, ("sku", "occurred_at"), why, equal_may=True)


def _refuse_second(look: _Look, bought: pa.Table, rows: pa.Table) -> None:
    paper = ("reference", "sku", "occurred_at")
    papers = pc.is_in(rows["reference"], bought["reference"])
    sold = rows.filter(pc.and_kleene(papers, pc.equal(rows["movement_type"], MovementType.SALE)))
    if not pc.any(pc.is_in(_joined(sold, paper), _joined(bought, paper))).as_py():
        return
    purchases = {key: line for key, (line,) in _keyed(bought, paper, "line")}
    for key, (line,) in _keyed(sold, paper, "line"):
        if key in purchases:
            why = f"contradicts line {purchases[key]}: the same reference, SKU and moment as a purchase"
            look.problems.append(Problem(line=line, field="movement_type", why=why, value="sale"))


def _refuse_repeats(look: _Look, rows: pa.Table, keys: tuple[str, ...], why: str, *, equal_may: bool = False) -> None:
    first: dict[tuple[Any, ...], tuple[int, int]] = {}
    for key, (line, quantity) in _keyed(rows, keys, "line", "quantity"):
        known_line, known_quantity = first.setdefault(key, (line, quantity))
        if known_line != line and not (equal_may and known_quantity == quantity):
            reason = why.format(line=known_line)
            look.problems.append(Problem(line=line, field="quantity", why=reason, value=str(quantity)))


def _joined(rows: pa.Table, keys: tuple[str, ...]) -> pa.Array:
    """Return the keys of each row as one text. Equal keys are equal texts; a key that is missing makes no text."""
    texts = (rows[name].cast(pa.int64()).cast(pa.string()) if name == "occurred_at" else rows[name] for name in keys)
    return pc.binary_join_element_wise(*texts, "\x1f").combine_chunks()


def _keyed(rows: pa.Table, keys: tuple[str, ...], *values: str) -> zip[tuple[tuple[Any, ...], tuple[Any, ...]]]:
    keyed, valued = (zip(*(rows[name].to_pylist() for name in names), strict=True) for names in (keys, values))
    return zip(keyed, valued, strict=True)
