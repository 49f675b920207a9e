"""Columns of the old stock_movements that the ledger lacks: kept on ours, so that what reads them goes on reading.

A trigger fills them when a movement is inserted, because the ledger's rows never change afterwards: for an old row with
the old values, for a new one where we know the value. Generated columns could not tell old rows from new ones. Only
adopted databases have the trigger. The hash of a movement does not cover these columns.
"""

from __future__ import annotations

from collections.abc import Mapping

from psycopg import sql

from core.adoption.look import Column, Database, Journal, Table, aside, ask, public
from core.adoption.movements import DONE
from core.adoption.shapes.names import history_name
from core.database.engine import OWNER_ROLE

LEDGER_COLUMNS = {
    "id": "bigint",
    **dict.fromkeys(
        ("sku", "movement_type", "reason", "reference_type", "reference_id", "performed_by", "note"), "text"
    ),
    **dict.fromkeys(("quantity", "quantity_before", "quantity_after", "variant_sequence"), "integer"),
    **dict.fromkeys(("operation_id", "reverses_id"), "bigint"),
    **dict.fromkeys(("occurred_at", "created_at"), "timestamp with time zone"),
    "variant_id": "uuid",
    "chain_hash": "bytea",
}
"""The columns of our stock_movements and their types, as the migrations create them."""
_CATEGORIES = {"text": "S", "integer": "N", "bigint": "N", "timestamp with time zone": "D", "uuid": "U", "bytea": "U"}
_FILL = sql.SQL("stockroom.fill_old_columns()")
_WHOLE = ("integer", "bigint", "numeric", "double precision")
_UUID = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"

_TYPES = """
    select a.attname as name, format_type(coalesce(nullif(t.typbasetype, 0), a.atttypid),
               case when t.typbasetype = 0 then a.atttypmod else t.typtypmod end) as type,
           col_description(a.attrelid, a.attnum) as comment,
           array(select e.enumlabel::text from pg_enum e
                  where e.enumtypid = a.atttypid order by e.enumsortorder) as labels,
           exists (select from pg_attrdef d join pg_depend p on p.classid = 'pg_attrdef'::regclass and p.objid = d.oid
                    where d.adrelid = a.attrelid and d.adnum = a.attnum
                      and p.refclassid in ('pg_proc'::regclass, 'pg_class'::regclass)
                      and p.refobjid <> d.adrelid) as computed
      from pg_attribute a join pg_type t on t.oid = a.atttypid
     where a.attrelid = %s and a.attnum > 0 and not a.attisdropped"""
_INDEXES = """
    select pg_get_indexdef(i.indexrelid) as body
      from pg_index i
     cross join lateral (select array_agg(a.attname::text) as columns from pg_attribute a
                          where a.attrelid = i.indrelid and a.attnum = any (i.indkey)) c
     where i.indrelid = %s and not i.indisunique and i.indisvalid and i.indexprs is null and i.indpred is null
       and c.columns && %s::text[] and c.columns <@ %s::text[]
     order by 1"""


def kept_columns(table: Table | None) -> list[Column]:
    """Return the columns of the old stock_movements that the ledger lacks."""
    return [column for column in table.columns.values() if column.name not in LEDGER_COLUMNS] if table else []


def same_columns(table: Table | None) -> list[str]:
    """Return the columns of the old stock_movements that ours has too, with types that compare alike."""
    columns = table.columns.values() if table else ()
    return [
        each.name
        for each in columns
        if _CATEGORIES.get(LEDGER_COLUMNS.get(each.name, ""), each.category) == each.category
    ]


def kept_indexes(database: Database, table: Table | None) -> list[sql.Composed]:
    """Return plain indexes of these columns, before the old table is renamed. Unique ones could refuse movements."""
    kept = [column.name for column in kept_columns(table)]
    if table is None or not kept:
        return []
    rows = ask(database, _INDEXES, table.oid, kept, same_columns(table))
    unless_taken = "CREATE INDEX IF NOT EXISTS "
    return [sql.SQL("{}").format(sql.SQL(row.body.replace("CREATE INDEX ", unless_taken, 1))) for row in rows]


def keep_columns(journal: Journal, table: Table | None, mapping: Mapping[tuple[str, str], str]) -> None:
    """Add these columns to ours, and fill them from the old rows while the old history is posted."""
    kept = kept_columns(table)
    if table is None or not kept:
        return
    database, ledger = journal.database, public("stock_movements")
    types = {row.name: row for row in ask(database, _TYPES, table.oid)}
    for column in kept:
        found = types[column.name]
        default = column.default if not (column.generated or column.identity or found.computed) else None
        add = sql.SQL("alter table {} add column {} {}{}{}").format(
            ledger,
            sql.Identifier(column.name),
            sql.SQL(found.type),
            sql.SQL(f" collate {column.collation}" if column.collation else ""),
            sql.SQL(f" default {default}" if default else ""),
        )
        database.execute(add)
        if found.comment:
            said = sql.SQL("comment on column {}.{} is {}")
            database.execute(said.format(ledger, sql.Identifier(column.name), found.comment))
    known = _known(database, table, mapping, types)
    database.execute("create unique index on adoption_lines (operation_id)")
    _fill(database, sql.SQL("create"), _from_old_row(table, kept), known)
    database.execute(sql.SQL("revoke all on function {} from public").format(_FILL))
    database.execute(sql.SQL("alter function {} owner to {}").format(_FILL, sql.Identifier(OWNER_ROLE)))
    trigger = sql.SQL("create trigger stock_movements_old_columns before insert on {} for each row execute function {}")
    database.execute(trigger.format(ledger, _FILL))


def keep_filling(
    database: Database, table: Table | None, mapping: Mapping[tuple[str, str], str], indexes: list[sql.Composed]
) -> None:
    """Fill these columns for new movements only: the old history is posted."""
    if table is None or not kept_columns(table):
        return
    types = {row.name: row for row in ask(database, _TYPES, table.oid)}
    _fill(database, sql.SQL("create or replace"), sql.SQL(""), _known(database, table, mapping, types))
    for index in indexes:
        database.execute(index)


def _fill(database: Database, create: sql.SQL, old: sql.Composable, known: list[sql.Composed]) -> None:
    body = sql.SQL("declare _row tid; _old record; begin {}{} return new; end").format(old, sql.SQL(" ").join(known))
    make = sql.SQL("{} function {} returns trigger language plpgsql as {}")
    database.execute(make.format(create, _FILL, body.as_string(database)))


def _from_old_row(table: Table, kept: list[Column]) -> sql.Composed:
    """Return the statements that take the values from the old row of this operation, if it has one.

    Two statements, because a join would be planned for whole tables: posting turns nested loops off.
    """
    return sql.SQL(
        "select l.legacy_row into _row from pg_temp.adoption_lines l where l.operation_id = new.operation_id; "
        "if _row is not null then select {columns} into _old from {table} l where l.ctid = _row; "
        "{sets} return new; end if; "
    ).format(
        columns=sql.SQL(", ").join(sql.Identifier("l", column.name) for column in kept),
        table=public(aside(table.name)),
        sets=sql.SQL(" ").join(
            sql.SQL("new.{c} := _old.{c};").format(c=sql.Identifier(column.name)) for column in kept
        ),
    )


def _known(
    database: Database, table: Table, mapping: Mapping[tuple[str, str], str], types: Mapping[str, object]
) -> list[sql.Composed]:
    """Return the assignments for a new movement: each value that we know, in the type of the old column."""
    names = {column: ours for (name, column), ours in mapping.items() if name == table.name}
    made = []
    for column in kept_columns(table):
        found = types[column.name]
        ours = history_name(column.name, names)
        value = _value(database, table, column, ours, found.type, found.labels)  # type: ignore[attr-defined]
        if value is not None:
            made.append(sql.SQL("new.{} := {};").format(sql.Identifier(column.name), value))
    return made


def _value(
    database: Database, table: Table, column: Column, ours: str | None, type_: str, labels: list[str]
) -> sql.Composable | None:
    if ours == "status":
        return _done(database, table, column, type_, labels)
    if ours == "product_id":
        source: sql.Composable = sql.SQL(
            "(select v.product_id from public.product_variants v where v.id = new.variant_id)"
        )
    elif ours in LEDGER_COLUMNS and ours != "id":
        source = sql.SQL("new.{}").format(sql.Identifier(ours))
    else:
        return None
    if "order" in column.name.lower() and ours == "reference_id":
        source = sql.SQL("case when new.reference_type = 'order' then {} end").format(source)
    return _cast(database, source, LEDGER_COLUMNS.get(ours or "", "uuid"), column, type_, labels)


def _cast(
    database: Database, source: sql.Composable, kind: str, column: Column, type_: str, labels: list[str]
) -> sql.Composable | None:
    """Return a value of ours in a column's type, or null where it does not fit; None if it never could."""
    parts = {"s": source, "type": sql.SQL(type_)}
    if labels:
        parts["labels"] = sql.Literal(labels)
        return sql.SQL("case when {s}::text = any ({labels}) then {s}::text::{type} end").format(**parts)
    if kind.startswith("timestamp"):
        if column.category != "D":
            return None
        zone = ask(database, "select current_setting('TimeZone') as zone")[0].zone
        at = "{s}" if type_ == "timestamp with time zone" else "({s} at time zone {zone})::{type}"
        return sql.SQL(at).format(zone=sql.Literal(zone), **parts)
    if column.category == "S":
        return sql.SQL("{s}::text::{type}").format(**parts)
    if type_ == "uuid":
        return sql.SQL("case when {s}::text ~ {uuid} then {s}::text::uuid end").format(uuid=sql.Literal(_UUID), **parts)
    if type_ in _WHOLE:
        return sql.SQL("case when {s}::text ~ '^-?[0-9]{{1,9}}$' then {s}::text::{type} end").format(**parts)
    return None


def _done(database: Database, table: Table, column: Column, type_: str, labels: list[str]) -> sql.Composable | None:
    """Return the state of a movement that has happened: the one that the old rows have most, else `completed`."""
    if not labels and column.category != "S":
        return None
    most = sql.SQL(
        "select l.{c}::text as state from {table} l where lower(btrim(l.{c}::text)) = any (%s) "
        "group by 1 order by count(*) desc limit 1"
    )
    rows = ask(database, most.format(c=sql.Identifier(column.name), table=public(aside(table.name))), list(DONE))
    states = [rows[0].state] if rows else [each for each in DONE if each in labels or not labels]
    if not states:
        return None
    return sql.SQL("{}::{}").format(sql.Literal(states[0]), sql.SQL(type_))
