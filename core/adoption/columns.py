"""Matches the columns of an old table with ours, and converts their values where that is safe."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import LiteralString

from psycopg import sql

from core.adoption.look import Column, Table
from core.adoption.shapes.names import SAME_NAME
from core.adoption.shapes.words import ON_PRODUCTS, Made, Words, damaged_columns, flag_back, is_flag

LONGEST_NAME = 300
LONGEST_SKU = 80
_KINDS = {
    "products": {
        "id": "id",
        "name": "name",
        "brand": "text",
        "image_url": "text",
        "price": "amount",
        "created_at": "moment",
        "updated_at": "moment",
    },
    "product_variants": {
        "id": "id",
        "product_id": "product",
        "sku": "sku",
        "barcode": "text",
        "size": "text",
        "color": "text",
        "price": "amount",
        "unit_cost": "amount",
        "stock_quantity": "units",
        "reserved_quantity": "units",
        "reorder_point": "units",
        "shelf_place": "text",
        "stripe_price_id": "text",
        "is_active": "flag",
        "created_at": "moment",
        "updated_at": "moment",
    },
}
_REQUIRED = {"products": ("id", "name"), "product_variants": ("id", "sku", "stock_quantity")}
_KEPT_BY_LEDGER = ("movement_sequence", "chain_head", "last_moved_at", "last_counted_at", "computed_available_stock")
_CATEGORIES = {"id": "U", "product": "U", "amount": "NS", "units": "NS", "flag": "B", "moment": "D"}
_TEXT = "SENU"
NUMBER = r"^\s*[+-]?\d{1,15}(\.\d+)?\s*$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """A column of ours that is filled from an old one. `value` is the SQL that computes it from the row `l`.

    `back` computes the old value from ours ({c}); None if it cannot be computed, and the old column is kept as it is.
    """

    ours: str
    theirs: Column
    kind: str
    value: sql.Composable
    back: LiteralString | None = "{c}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """An old catalogue table: columns that become ours, extra columns that are kept, and what prevents adopting it."""

    table: Table
    copied: tuple[Copied, ...]
    extra: tuple[Column, ...]
    obstacles: tuple[str, ...]
    own: tuple[Copied, ...] = ()
    """Of products: what a product without variants gives its variant."""
    damaged: tuple[Column, ...] = ()
    """Columns of units that are on the shelf and cannot be sold. They are 0 after adopting."""

    @property
    def ours(self) -> str:
        """The name of our table."""
        return self.table.ours

    @property
    def mirrored(self) -> dict[str, Copied]:
        """The old columns that can be computed from ours, by their names."""
        return {each.theirs.name: each for each in self.copied if each.back is not None}

    def of(self, ours: str) -> Copied | None:
        """Return the column that becomes `ours`, if there is one."""
        return next((each for each in self.copied if each.ours == ours), None)


def places(table: str) -> set[str]:
    """Return our columns that `--map` may name for a table: one of ours, or a history."""
    if table not in _KINDS:
        return set(SAME_NAME)
    return {*_KINDS[table], "none", "damaged", *(ON_PRODUCTS if table == "products" else ())}


def is_amount(table: str, ours: str) -> bool:
    """Return whether a column of ours is an amount of money."""
    return _KINDS.get(table, {}).get(ours) == "amount"


def carried(table: Table, mapping: Words) -> Carried:
    """Return what happens to the columns of an old catalogue table."""
    mapped = {column: ours for (name, column), ours in mapping.items() if name == table.name}
    made = {ours: how for (name, ours), how in mapping.made.items() if name == table.name}
    on_products = ON_PRODUCTS if table.ours == "products" else ()
    kinds = _KINDS[table.ours] | {ours: _KINDS["product_variants"][ours] for ours in on_products}
    sources: dict[str, Column] = {}
    for column in table.columns.values():
        ours = mapped.get(column.name, column.name)
        taken = ours in mapped.values() or ours in made or (table.name, column.name) in mapping.ignored
        if ours in _KINDS[table.ours] and (column.name in mapped or not taken):
            sources[ours] = column
    copied = [_copied(ours, column, kinds[ours], sources) for ours, column in sources.items()]
    copied += [_computed(table, ours, kinds[ours], how) for ours, how in made.items()]
    same = {each.theirs.name for each in copied if each.theirs.name == each.ours and each.ours not in on_products}
    skipped = {*same, *_KINDS[table.ours], *(_KEPT_BY_LEDGER if table.ours == "product_variants" else ())}
    extra = tuple(column for column in table.columns.values() if column.name not in skipped)
    obstacles = [*_missing(table, {*sources, *made}), *(_unsafe(table, each) for each in copied)]
    obstacles += _computed_twice(table, extra, copied)
    return Carried(
        table=table,
        copied=tuple(each for each in copied if each.ours not in on_products),
        own=tuple(each for each in copied if each.ours in on_products),
        extra=extra,
        obstacles=tuple(filter(None, obstacles)),
        damaged=damaged_columns(table, mapping),
    )


def _computed(table: Table, ours: str, kind: str, how: Sequence[Made]) -> Copied:
    """Return a value of ours that is computed from an old column, or for is_active from several that must agree."""
    first = how[0]
    column = table.columns[first.column]
    c = sql.Identifier("l", first.column)
    if kind == "flag":
        flags = [
            flag.format(c=sql.Identifier("l", each.column))
            for each in how
            if (flag := is_flag(table.columns[each.column]))
        ]
        all_ = sql.SQL("({})").format(sql.SQL(" and ").join(flags))
        return Copied(ours=ours, theirs=column, kind="made", value=all_, back=flag_back(table, how))
    if first.by:
        value = sql.SQL("round(nullif(btrim({c}::text), '')::numeric / {by}, 2)").format(c=c, by=first.by)
        back = f"round({{c}} * {first.by})"
        return Copied(ours=ours, theirs=column, kind=kind, value=value, back=back)
    text = sql.SQL("({c} ->> {key})" if first.key else "{c}::text").format(c=c, key=first.key)
    is_named = kind == "units" or (kind == "sku" and table.ours == "product_variants")
    template = sql.SQL(_VALUES[kind] if is_named else "nullif(btrim({c}), '')")
    own = sql.Identifier("l", "id" if "id" in table.columns else first.column)
    is_raw = first.key or (kind == "sku" and column.type == "uuid")
    return Copied(
        ours=ours, theirs=column, kind="made" if is_raw else kind, value=template.format(c=text, id=own), back=None
    )


def _computed_twice(table: Table, extra: Sequence[Column], copied: Sequence[Copied]) -> list[str]:
    """Return why generated columns cannot stay: a renamed column is computed, and nothing is computed from such."""
    names = {each.theirs.name: each.ours for each in copied if each.back is not None}
    return [
        f"{table.name}.{column.name} is computed from {used}, which becomes {names[used]}. Drop it, adopt, and create "
        f"it again from {names[used]}."
        for column in extra
        if column.generated and column.name not in names
        for used in sorted(names)
        if used != names[used]
        and re.search(rf'(?<![\w"]){re.escape(used)}(?![\w"])|"{re.escape(used)}"', column.default or "")
    ]


def _missing(table: Table, sources: set[str]) -> list[str]:
    return [lacks(table.name, ours) for ours in _REQUIRED[table.ours] if ours not in sources]


def lacks(table: str, ours: str) -> str:
    """Return the sentence that a table has no such column."""
    return f"{table} has no column {ours}. Name the column that holds it: --map COLUMN={ours}."


def _unsafe(table: Table, column: Copied) -> str:
    if column.kind == "made":
        return ""
    if column.theirs.category in _CATEGORIES.get(column.kind, _TEXT) and _is_id(column):
        return ""
    wanted = {"id": "uuid", "product": "uuid", "amount": "a number", "units": "a whole number", "flag": "boolean"}
    return (
        f"{table.name}.{column.theirs.name} is {column.theirs.type}, which cannot safely become "
        f"{wanted.get(column.kind, 'a moment' if column.kind == 'moment' else 'text')}."
    )


def _is_id(column: Copied) -> bool:
    return column.kind not in ("id", "product") or column.theirs.type == "uuid"


def _copied(ours: str, column: Column, kind: str, sources: Mapping[str, Column]) -> Copied:
    id_ = sql.Identifier("l", sources["id"].name if "id" in sources else column.name)
    value = sql.SQL(_VALUES[kind]).format(c=sql.Identifier("l", column.name), id=id_, otherwise=_otherwise(ours))
    return Copied(ours=ours, theirs=column, kind=kind, value=value)


def _otherwise(ours: str) -> sql.SQL:
    return sql.SQL("now()") if ours in ("created_at", "updated_at") else sql.SQL("true")


_VALUES = {
    "id": "{c}",
    "product": "coalesce({c}, {id})",
    "text": "{c}::text",
    "name": "coalesce(nullif(btrim({c}::text), ''), 'Product ' || left({id}::text, 8))",
    "sku": """coalesce(case when btrim({c}::text) <> '' then {c}::text end,
        'NO-SKU-' || left(replace({id}::text, '-', ''), 12))""",
    "amount": "round(nullif(btrim({c}::text), '')::numeric, 2)",
    "units": "greatest(coalesce(nullif(btrim({c}::text), '')::numeric, 0), 0)::int",
    "flag": "coalesce({c}, {otherwise})",
    "moment": "coalesce({c}::timestamptz, {otherwise})",
}

WRONG = {
    "id": "{c} is null",
    "name": f"length({{c}}::text) > {LONGEST_NAME}",
    "sku": f"length({{c}}::text) > {LONGEST_SKU}",
    "amount": """case when btrim({c}::text) = '' then false when {c}::text !~ {number} then true
        else {c}::text::numeric < 0 or {c}::text::numeric >= 1e10
             or abs({c}::text::numeric - round({c}::text::numeric, 2)) > 0.000001 end""",
    "units": """case when btrim({c}::text) = '' then false when {c}::text !~ {number} then true
        else {c}::text::numeric > 2000000000 or {c}::text::numeric <> trunc({c}::text::numeric) end""",
}
"""By kind of column: the condition under which a value cannot become ours."""
CANNOT_BE = {
    "id": "missing",
    "name": f"longer than {LONGEST_NAME} characters",
    "sku": f"longer than {LONGEST_SKU} characters",
    "amount": "not an amount of money",
    "units": "not a whole number of units",
}
