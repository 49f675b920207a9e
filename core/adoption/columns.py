"""Matches the columns of an old table with ours, and converts their values where that is safe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from psycopg import sql

from core.adoption.look import Column, Table
from core.foundation.errors import SetupError

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
        "stripe_price_id": "text",
        "is_active": "flag",
        "created_at": "moment",
        "updated_at": "moment",
    },
}
_SAME_NAME = {
    "id": ("id",),
    "variant_id": ("variant_id", "product_variant_id", "sku_id"),
    "product_id": ("product_id",),
    "movement_type": (
        *("movement_type", "type", "transaction_type", "kind", "event_type", "change_type", "action", "event"),
        *("adjustment_type", "operation"),
    ),
    "quantity": (
        *("quantity", "quantity_change", "quantity_delta", "change", "delta", "qty", "stock_change", "stock_delta"),
        *("qty_change", "qty_delta", "change_quantity", "change_amount", "quantity_changed", "delta_quantity"),
        *("adjustment", "units", "amount"),
    ),
    "quantity_before": (
        *("quantity_before", "previous_quantity", "previous_stock", "stock_before", "old_quantity", "old_stock"),
        *("before_quantity", "qty_before", "balance_before", "before", "old_qty", "previous_qty"),
    ),
    "quantity_after": (
        *("quantity_after", "new_quantity", "new_stock", "stock_after", "after_quantity", "qty_after"),
        *("balance_after", "resulting_stock", "resulting_quantity", "after", "new_qty", "balance"),
    ),
    "reason": ("reason",),
    "reference_type": ("reference_type", "source_type"),
    "reference_id": ("order_number", "reference_id", "reference", "reference_number", "order_id", "source_id"),
    "performed_by": ("performed_by", "created_by", "user_id", "changed_by", "staff_id", "actor_id", "actor"),
    "note": ("note", "notes", "comment", "description", "comments", "remarks", "details"),
    "occurred_at": (
        *("occurred_at", "movement_date", "moved_at", "happened_at", "changed_at", "created_at", "timestamp"),
        *("recorded_at", "logged_at", "inserted_at", "date"),
    ),
    "created_at": ("created_at", "recorded_at", "inserted_at"),
    "status": ("status",),
}
"""Common names of the columns of a history, ours first. The old table is kept, so a wrong guess loses nothing."""
LEVEL_NAMES = ("stock_quantity", "quantity_on_hand", "on_hand", "current_stock", "quantity")
"""Common names of the level in `stock_levels`, for shops whose product_variants does not have it."""
_REQUIRED = {"products": ("id", "name"), "product_variants": ("id", "sku", "stock_quantity")}
_KEPT_BY_LEDGER = ("movement_sequence", "chain_head", "last_moved_at", "last_counted_at", "computed_available_stock")
_CATEGORIES = {"id": "U", "product": "U", "amount": "NS", "units": "NS", "flag": "B", "moment": "D"}
_TEXT = "SENU"
NUMBER = r"^\s*[+-]?\d{1,15}(\.\d+)?\s*$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """A column of ours that is filled from an old one. `value` is the SQL that computes it from the row `l`."""

    ours: str
    theirs: Column
    kind: str
    value: sql.Composed


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """An old catalogue table: columns that become ours, extra columns that are kept, and what prevents adopting it."""

    table: Table
    copied: tuple[Copied, ...]
    extra: tuple[Column, ...]
    obstacles: tuple[str, ...]

    def of(self, ours: str) -> Copied | None:
        """Return the column that becomes `ours`, if there is one."""
        return next((each for each in self.copied if each.ours == ours), None)


Mapping_ = Mapping[tuple[str, str], str]
"""(table, their column) -> our column."""


def read_mapping(words: Sequence[str], tables: Mapping[str, Table]) -> dict[tuple[str, str], str]:
    """Read `COLUMN=OURS` (or `TABLE.COLUMN=OURS`) for every table that has this column and for which we have OURS."""
    mapping: dict[tuple[str, str], str] = {}
    for word in words:
        theirs, equals, ours = word.rpartition("=")
        places = [name for name in tables if ours in _places(name) and _column_named(theirs, tables[name])]
        if not equals or not places:
            raise SetupError(f'--map "{word}" fits no table here. Write COLUMN=OURS, such as variant_sku=sku.')
        for name in places:
            mapping[name, _column_named(theirs, tables[name])] = ours
    return mapping


def _places(table: str) -> set[str]:
    return set(_KINDS.get(table, _SAME_NAME))


def _column_named(theirs: str, table: Table) -> str:
    """Return the column with this name, with or without the table's name before it, or an empty text."""
    named = theirs.removeprefix(f"{table.name}.")
    return next((name for name in (theirs, named) if name in table.columns), "")


def history_columns(table: Table, mapping: Mapping_) -> dict[str, Column]:
    """Return the columns of an old history by our names, as far as it has them."""
    mapped = {ours: column for (name, column), ours in mapping.items() if name == table.name}
    found = {
        ours: next((name for name in ([mapped[ours]] if ours in mapped else names) if name in table.columns), None)
        for ours, names in _SAME_NAME.items()
    }
    return {ours: table.columns[name] for ours, name in found.items() if name is not None}


def references(table: Table, mapping: Mapping_) -> list[Column]:
    """Return the columns of an old history that say what a row refers to: numbers and texts first, then uuids."""
    mapped = [column for (name, column), ours in mapping.items() if name == table.name and ours == "reference_id"]
    found = [table.columns[name] for name in mapped or _SAME_NAME["reference_id"] if name in table.columns]
    return sorted(found, key=lambda column: column.type == "uuid")


def history_name(column: str, mapping: Mapping[str, str]) -> str | None:
    """Return our name of a column of an old history: the mapped one, or the one it usually stands for."""
    return mapping.get(column) or next((ours for ours, names in _SAME_NAME.items() if column in names), None)


def carried(table: Table, mapping: Mapping_) -> Carried:
    """Return what happens to the columns of an old catalogue table."""
    mapped = {column: ours for (name, column), ours in mapping.items() if name == table.name}
    kinds = _KINDS[table.name]
    sources: dict[str, Column] = {}
    for column in table.columns.values():
        ours = mapped.get(column.name, column.name)
        if ours in kinds and (column.name in mapped or ours not in mapped.values()):
            sources[ours] = column
    copied = tuple(_copied(ours, column, kinds[ours], sources) for ours, column in sources.items())
    same = {each.theirs.name for each in copied if each.theirs.name == each.ours}
    extra = (column for column in table.columns.values() if column.name not in {*same, *kinds, *_KEPT_BY_LEDGER})
    obstacles = [*_missing(table, sources), *(_unsafe(table, each) for each in copied)]
    return Carried(table=table, copied=copied, extra=tuple(extra), obstacles=tuple(filter(None, obstacles)))


def with_levels(carried: Carried, levels: Table | None) -> Carried:
    """Take each variant's level from `stock_levels` (summed over all places) if product_variants has none."""
    if levels is None or carried.of("stock_quantity") or "variant_id" not in levels.columns:
        return carried
    name = next((each for each in LEVEL_NAMES if each in levels.columns), None)
    own = carried.of("id")
    if name is None or own is None or levels.columns[name].category != "N":
        return carried
    value = sql.SQL("greatest(coalesce((select sum(s.{}) from {} s where s.variant_id = {}), 0), 0)::int").format(
        sql.Identifier(name), sql.Identifier("public", levels.name), own.value
    )
    column = replace(levels.columns[name], name="stock_quantity", generated=True)  # there is no column to write back
    copied = (*carried.copied, Copied(ours="stock_quantity", theirs=column, kind="level", value=value))
    return replace(
        carried,
        copied=copied,
        obstacles=tuple(each for each in carried.obstacles if each != _lacks("product_variants", "stock_quantity")),
    )


def _missing(table: Table, sources: Mapping[str, Column]) -> list[str]:
    return [_lacks(table.name, ours) for ours in _REQUIRED[table.name] if ours not in sources]


def _lacks(table: str, ours: str) -> str:
    return f"{table} has no column {ours}. Name the column that holds it: --map COLUMN={ours}."


def _unsafe(table: Table, column: Copied) -> str:
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
