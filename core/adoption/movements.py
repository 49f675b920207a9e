"""Checks the old history row by row: what each row becomes in the ledger, or why it cannot be carried over.

`TYPES` says what an old type becomes, `REASONS` which texts mean one of our reasons. Every other text of the old row
goes into the note. The levels before and after decide: the quantity may be signed or not, but the arithmetic must be
right. Where the old table lacks one of these levels, or both, they follow from the change.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from psycopg import sql

from core.adoption.look import Column, Database, Table, ask, people_tables, public
from core.adoption.report import LeftOut, Report
from core.adoption.shapes.names import history_columns, references
from core.foundation.text import many

SECONDS_OF_A_DOUBLE = 10
"""The same sale again within this many seconds was logged twice, not sold twice."""
DONE = ("completed", "complete", "done", "success", "succeeded", "confirmed", "posted", "applied")
"""States in which a movement has happened. A movement without a state has also happened."""
_TYPES = """
purchase     delivery supplier_return          0  purchase restock receipt received delivery stock_in goods_received
    goods_receipt receiving replenishment replenish inbound purchase_order purchase_receipt po_receipt stock_received
    supplier_delivery
purchase     initial_purchase initial_purchase 1  initial_purchase initial_stock_purchase
purchase     supplier_return supplier_return  -1  supplier_return return_to_supplier purchase_return return_to_vendor
sale         stock_decrease stock_decrease    -1  sale sales sold order sell order_placed order_paid order_completed
    order_fulfilled order_fulfillment fulfillment fulfilled shipment shipped dispatch checkout customer_order
    online_sale pos_sale
restoration  refund refund                     1  return returned refund refunded restoration customer_return
    order_return order_refund sale_return sales_return return_in
restoration  cancelled_unshipped cancelled_unshipped 1  sale_reversal order_cancelled order_canceled order_cancellation
    order_cancel cancellation cancelled canceled cancel sale_cancelled sale_cancellation void voided
restoration  exchange exchange                 1  exchange exchange_in exchange_return
sale         exchange exchange                -1  exchange_out exchange_sale
adjustment   stock_increase stock_decrease     0  adjustment adjust correction manual manual_adjustment stock_adjustment
    inventory_adjustment quantity_adjustment stock_correction inventory_correction update insert stock_update
adjustment   stock_increase stock_increase     1  adjustment_in adjust_in adjustment_increase adjustment_add
    positive_adjustment adjustment_positive increase increment in add added addition stock_increase manual_in manual_add
adjustment   stock_decrease stock_decrease    -1  adjustment_out adjust_out adjustment_decrease adjustment_remove
    negative_adjustment adjustment_negative decrease decrement out remove removed removal deduct deduction
    stock_decrease stock_out manual_out manual_remove outbound
adjustment   damaged damaged                  -1  damage damaged write_off writeoff defect defective broken spoilage
adjustment   lost lost                        -1  loss lost shrinkage missing
adjustment   theft theft                      -1  theft stolen
adjustment   sample sample                    -1  sample giveaway promo
adjustment   donation donation                -1  donation donated
adjustment   found found                       1  transfer_in found
adjustment   correction correction            -1  transfer_out
adjustment   found correction                  0  transfer
count        cycle_count cycle_count           0  count stock_count cycle_count recount physical_count inventory_count
    stocktake stock_take audit
count        initial_count initial_count       0  initial initial_count initial_stock initial_stock_count
    initial_inventory opening opening_stock opening_balance starting_stock
"""
_REASONS = """
purchase     initial_purchase     1  initial_purchase initial_stock_purchase
purchase     delivery             1  delivery supplier_delivery goods_received restock replenishment
purchase     supplier_return     -1  supplier_return returned_to_supplier return_to_supplier
sale         stock_decrease      -1  stock_decrease paid_order
sale         forced              -1  forced forced_sale
sale         exchange            -1  exchange
restoration  refund               1  refund refund_back_on_shelf customer_return
restoration  cancelled_unshipped  1  cancelled_unshipped cancelled_before_shipping order_cancelled order_canceled
restoration  exchange             1  exchange
adjustment   stock_increase       1  stock_increase
adjustment   stock_decrease      -1  stock_decrease
adjustment   found                1  found
adjustment   damaged             -1  damaged damage damaged_goods broken defective
adjustment   lost                -1  lost loss missing shrinkage
adjustment   theft               -1  theft stolen
adjustment   sample              -1  sample
adjustment   donation            -1  donation donated
adjustment   correction           0  correction
count        initial_count        0  initial_count initial_stock_count initial_stock initial_inventory opening_stock
    opening_balance
count        cycle_count          0  cycle_count stock_count inventory_count stocktake recount
count        full_count           0  full_count
"""


def _read(table: str, values: int) -> list[tuple[str, ...]]:
    """Return each word of a table with its values before it."""
    rows = [line.split() for line in table.replace("\n    ", " ").strip().splitlines()]
    return [(word, *row[:values]) for row in rows for word in row[values:]]


TYPES = {word: (ours, adds, takes, int(direction)) for word, ours, adds, takes, direction in _read(_TYPES, 4)}
"""Old type -> our type, the reason when it adds, the reason when it takes, and its only direction (0: either)."""
REASONS = [(word, kind, reason, int(sign)) for word, kind, reason, sign in _read(_REASONS, 3)]
"""A text of an old row, our type and reason that it means, and the reason's sign: codes, labels and common names."""

_JUDGED = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
_SOURCE = """
create temp table adoption_source on commit drop as
select row_number() over (order by {occurred_at}, {tie}, l.ctid) as n, l.ctid as legacy_row, {id} as legacy_id,
       {variant_id} as variant_id, {product_id} as product_id,
       regexp_replace(lower(btrim({movement_type})), '[ -]+', '_', 'g') as legacy_type, {movement_type} as legacy_word,
       {quantity} as quantity, {quantity_before} as before, {quantity_after} as after, {reason} as reason,
       btrim(regexp_replace(lower({reason}), '[^a-z0-9]+', '_', 'g'), '_') as meaning,
       {reference_type} as reference_type, {reference_id} as reference_id,
       coalesce(p.name, {performed_by}) as performed_by,
       {note} as note, {occurred_at} as occurred_at, {created_at} as created_at, lower(btrim({status})) as status
  from {table} l
  left join adoption_people p on p.id = lower({performed_by})"""

_EMPTY_SOURCE = """
create temp table adoption_source (
    n bigint, legacy_row tid, legacy_id text, variant_id text, product_id text, legacy_type text, legacy_word text,
    quantity int, before int, after int, reason text, meaning text, reference_type text, reference_id text,
    performed_by text, note text, occurred_at timestamptz, created_at timestamptz, status text
) on commit drop"""


def judge(database: Database, table: Table | None, mapping: dict[tuple[str, str], str], report: Report) -> None:
    """Fill `adoption_judged`: every row of the old history, and in `why` the reason why it cannot be carried over."""
    columns = {} if table is None else history_columns(table, mapping)
    if table is None:
        database.execute(_EMPTY_SOURCE)
    else:
        _name_people(database, table, columns.get("performed_by"), report)
        database.execute(sql.SQL(_SOURCE).format(table=public(table.name), **_values(table, columns, mapping)))
    change = columns.get("quantity")
    is_change = "movement_type" not in columns or (
        change is not None and any(word in change.name.lower() for word in ("delta", "chang"))
    )
    database.execute(
        sql.SQL(_JUDGED).format(
            types=_rows([(word, *ours) for word, ours in TYPES.items()]),
            reasons=_rows(REASONS),
            done=sql.SQL("{}::text[]").format(sql.Literal([*DONE, ""])),
            double=sql.SQL("{}::interval").format(sql.Literal(f"{SECONDS_OF_A_DOUBLE} seconds")),
            has_type=sql.Literal("movement_type" in columns),
            has_quantity=sql.Literal("quantity" in columns),
            has_before=sql.Literal("quantity_before" in columns),
            has_after=sql.Literal("quantity_after" in columns),
            is_change=sql.Literal(is_change),
        )
    )


def _rows(rows: Iterable[tuple[str | int, ...]]) -> sql.Composed:
    return sql.SQL(", ").join(sql.SQL("({})").format(sql.SQL(", ").join(map(sql.Literal, row))) for row in rows)


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


def _values(table: Table, columns: dict[str, Column], mapping: dict[tuple[str, str], str]) -> dict[str, sql.Composable]:
    """Return the SQL of each value that a row of history may have; null where the table does not have it."""
    found: dict[str, sql.Composable] = {
        ours: _value(ours, columns.get(ours)) for ours in (*_MOMENTS, *_UNITS, *_TEXTS)
    }  # fmt: skip
    if "movement_type" not in columns:
        found["movement_type"] = found["reason"]
    number = columns.get("id")
    is_counter = number is not None and number.category == "N"
    found["tie"] = sql.SQL("l.{}").format(sql.Identifier(number.name)) if number and is_counter else _chained(found)
    return found | _reference(references(table, mapping), columns.get("reference_type"))


def _reference(columns: list[Column], kind: Column | None) -> dict[str, sql.Composable]:
    """Return what a row refers to: the first number or id that it has. An order's number is kept as such."""
    values = [_value("reference_id", column) for column in columns] or [sql.SQL("null::text")]
    first = sql.SQL("coalesce({})").format(sql.SQL(", ").join(values))
    kinds = [
        sql.SQL("when {} is not null then {}").format(value, "order" if "order" in column.name.lower() else "legacy")
        for column, value in zip(columns, values, strict=False)
        if kind is None or "order" in column.name.lower()
    ]
    implied = sql.SQL("case {} end").format(sql.SQL(" ").join(kinds)) if kinds else sql.SQL("null::text")
    return {
        "reference_id": first,
        "reference_type": sql.SQL(
            "coalesce(case when lower({own}) in ('orders', 'order', 'sales_order', 'customer_order') then 'order' "
            "else {own} end, {implied})"
        ).format(own=_value("reference_type", kind), implied=implied),
    }


def _chained(found: dict[str, sql.Composable]) -> sql.Composable:
    """Return the sort key for rows of the same moment: by their levels, downwards for sales, upwards for receipts."""
    return sql.SQL("case when {after} < {before} then -{before} else {before} end").format(
        before=found["quantity_before"], after=found["quantity_after"]
    )


_MOMENTS = ("occurred_at", "created_at")
_UNITS = ("quantity", "quantity_before", "quantity_after")
_TEXTS = ("id", "variant_id", "product_id", "movement_type", "reason", "performed_by", "note", "status")


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


def _name_people(database: Database, table: Table, column: Column | None, report: Report) -> None:
    """Fill `adoption_people`: the name of each person whose id is on a movement, from the first table that has one."""
    database.execute("create temp table adoption_people (id text primary key, name text not null) on commit drop")
    if column is None or not (column.type == "uuid" or column.category == "S"):
        return
    for home in people_tables(database, table, column):
        names = [sql.SQL("nullif(btrim(u.{}::text), '')").format(sql.Identifier(name)) for name in home.names]
        database.execute(
            sql.SQL(
                """insert into adoption_people
                   select distinct on (1) u.{key}::text, coalesce({names}) from {home} u
                    where coalesce({names}) is not null and u.{key}::text in (select lower({who}::text) from {table} l)
                   on conflict (id) do nothing"""
            ).format(
                key=sql.Identifier(home.key),
                names=sql.SQL(", ").join(names),
                home=sql.SQL(home.name),
                who=sql.Identifier("l", column.name),
                table=public(table.name),
            )
        )
    (named,) = ask(database, "select count(*) as people from adoption_people")
    if named.people:
        report.found(f"{table.name}.{column.name}", many(named.people, "person"), "movements carry the person's name")
