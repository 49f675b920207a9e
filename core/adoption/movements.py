"""Checks the old history row by row: what each row becomes in the ledger, or why it cannot be carried over.

| the old type | becomes |
| --- | --- |
| purchase, restock, receipt, delivery | purchase: delivery; below zero supplier_return |
| sale, sold, order | sale: stock_decrease |
| return, refund, restoration | restoration: refund |
| adjustment, correction, manual | adjustment: stock_increase or stock_decrease |
| damage | adjustment: damaged |
| loss, theft | adjustment: lost, theft |
| transfer_in | adjustment: found |
| transfer_out | adjustment: correction |
| count, stock_count | count: cycle_count |
| initial, opening | count: initial_count |

An old reason that is the code of one of ours is used instead; every other text of the old row goes into the note. The
levels before and after decide: the quantity may be signed or not, but the arithmetic must be right.
"""

from __future__ import annotations

from pathlib import Path

from psycopg import sql

from core.adoption.columns import history_columns
from core.adoption.look import Column, Database, Table, ask, public
from core.adoption.report import LeftOut

SECONDS_OF_A_DOUBLE = 10
"""The same sale again within this many seconds was logged twice, not sold twice."""
DONE = ("completed", "complete", "done", "success", "succeeded", "confirmed", "posted", "applied")
"""States in which a movement has happened. A movement without a state has also happened."""
TYPES: dict[str, tuple[str, str, str, int]] = {
    **dict.fromkeys(
        ("purchase", "restock", "receipt", "received", "delivery", "stock_in"),
        ("purchase", "delivery", "supplier_return", 0),
    ),
    **dict.fromkeys(("sale", "sold", "order", "sell"), ("sale", "stock_decrease", "stock_decrease", -1)),
    **dict.fromkeys(("return", "returned", "refund", "restoration"), ("restoration", "refund", "refund", 1)),
    **dict.fromkeys(
        ("adjustment", "adjust", "correction", "manual", "manual_adjustment"),
        ("adjustment", "stock_increase", "stock_decrease", 0),
    ),
    **dict.fromkeys(("damage", "damaged"), ("adjustment", "damaged", "damaged", -1)),
    **dict.fromkeys(("loss", "lost", "shrinkage"), ("adjustment", "lost", "lost", -1)),
    **dict.fromkeys(("theft", "stolen"), ("adjustment", "theft", "theft", -1)),
    "transfer_in": ("adjustment", "found", "found", 1),
    "transfer_out": ("adjustment", "correction", "correction", -1),
    **dict.fromkeys(
        ("count", "stock_count", "cycle_count", "recount", "physical_count"), ("count", "cycle_count", "cycle_count", 0)
    ),
    **dict.fromkeys(
        ("initial", "initial_count", "initial_stock", "opening"), ("count", "initial_count", "initial_count", 0)
    ),
}
"""Old type -> our type, the reason when it adds, the reason when it takes, and its only direction (0: either)."""

_JUDGED = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
_SOURCE = """
create temp table adoption_source on commit drop as
select row_number() over (order by {occurred_at}, {tie}, l.ctid) as n, {id} as legacy_id, {variant_id} as variant_id,
       regexp_replace(lower(btrim({movement_type})), '[ -]+', '_', 'g') as legacy_type, {movement_type} as legacy_word,
       {quantity} as quantity, {quantity_before} as before, {quantity_after} as after, {has_quantity} as has_quantity,
       {reason} as reason, {reference_type} as reference_type, {reference_id} as reference_id,
       {performed_by} as performed_by, {note} as note, {occurred_at} as occurred_at, lower(btrim({status})) as status
  from {table} l"""

_EMPTY_SOURCE = """
create temp table adoption_source (
    n bigint, legacy_id text, variant_id text, legacy_type text, legacy_word text, quantity int, before int, after int,
    has_quantity boolean, reason text, reference_type text, reference_id text, performed_by text, note text,
    occurred_at timestamptz, status text
) on commit drop"""


def judge(database: Database, table: Table | None, mapping: dict[tuple[str, str], str]) -> None:
    """Fill `adoption_judged`: every row of the old history, and in `why` the reason why it cannot be carried over."""
    if table is None:
        database.execute(_EMPTY_SOURCE)
    else:
        database.execute(sql.SQL(_SOURCE).format(table=public(table.name), **_values(history_columns(table, mapping))))
    types = sql.SQL(", ").join(
        sql.SQL("({})").format(sql.SQL(", ").join(map(sql.Literal, (legacy, *ours)))) for legacy, ours in TYPES.items()
    )
    double = sql.SQL("{}::interval").format(sql.Literal(f"{SECONDS_OF_A_DOUBLE} seconds"))
    done = sql.SQL("{}::text[]").format(sql.Literal([*DONE, ""]))
    database.execute(sql.SQL(_JUDGED).format(types=types, done=done, double=double))


def left_out(database: Database) -> list[LeftOut]:
    """Return every row that is not carried over, in order of time."""
    rows = ask(
        database,
        """select coalesce(j.legacy_id, 'row ' || j.n) as row_id, coalesce(j.legacy_type, '') as type,
                  coalesce(j.sku, '') as sku, j.quantity, j.occurred_at, j.why
             from adoption_judged j where j.why is not null order by j.n""",
    )
    return [LeftOut(row_id=row.row_id, what=_words(row.type, row.quantity, row.sku), why=row.why) for row in rows]


def _words(kind: str, quantity: int | None, sku: str) -> str:
    return " ".join(word for word in (kind, "" if quantity is None else str(quantity), sku) if word)


def _values(columns: dict[str, Column]) -> dict[str, sql.Composable]:
    """Return the SQL of each value that a row of history may have; null where the table does not have it."""
    found: dict[str, sql.Composable] = {
        ours: _value(ours, columns.get(ours)) for ours in (*_MOMENTS, *_UNITS, *_TEXTS)
    }  # fmt: skip
    number = columns.get("id")
    is_counter = number is not None and number.category == "N"
    found["tie"] = sql.SQL("l.{}").format(sql.Identifier(number.name)) if number and is_counter else _chained(found)
    found["has_quantity"] = sql.Literal("quantity" in columns)
    if "reference_type" not in columns and "reference_id" in columns:
        kind = "order" if columns["reference_id"].name == "order_id" else "legacy"
        found["reference_type"] = sql.SQL("case when {} is not null then {} end").format(found["reference_id"], kind)
    return found


def _chained(found: dict[str, sql.Composable]) -> sql.Composable:
    """Return the sort key for rows of the same moment: by their levels, downwards for sales, upwards for receipts."""
    return sql.SQL("case when {after} < {before} then -{before} else {before} end").format(
        before=found["quantity_before"], after=found["quantity_after"]
    )


_MOMENTS = ("occurred_at",)
_UNITS = ("quantity", "quantity_before", "quantity_after")
_TEXTS = (
    "id",
    "variant_id",
    "movement_type",
    "reason",
    "reference_type",
    "reference_id",
    "performed_by",
    "note",
    "status",
)


def _value(ours: str, column: Column | None) -> sql.Composable:
    kind = "timestamptz" if ours in _MOMENTS else "int" if ours in _UNITS else "text"
    if column is None or (kind == "timestamptz" and column.category != "D"):
        return sql.SQL("null::{}").format(sql.SQL(kind))
    name = sql.Identifier("l", column.name)
    if kind == "timestamptz":
        return sql.SQL("{}::timestamptz").format(name)
    if kind == "int":
        whole = r"^\s*[+-]?\d{1,9}(\.0*)?\s*$"
        return sql.SQL("case when {c}::text ~ {whole} then {c}::text::numeric::int end").format(c=name, whole=whole)
    return sql.SQL("nullif(btrim({}::text), '')").format(name)
