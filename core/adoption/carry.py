"""Copies the catalogue's rows into our tables, with columns that only the old system had, and back on undo."""

from __future__ import annotations

import re
from dataclasses import dataclass

from psycopg import sql

from core.adoption.catalogue import missing_products, product_of, with_ended_products
from core.adoption.columns import Carried, Copied
from core.adoption.look import Column, Database, Journal, aside, ask, ask_named, public

_KEPT_BY_LEDGER = ("stock_quantity", "reserved_quantity")
_OWN_VARIANTS = """
    insert into public.product_variants (id, product_id, sku, is_active)
    select id, id, sku, is_active from adoption_own"""
_OWN_INDEXES = """
    select pg_get_indexdef(i.indexrelid) as body
      from pg_index i
     where i.indrelid = %s and not i.indisprimary and not i.indisexclusion and i.indisvalid
       and exists (select from pg_attribute a
                    where a.attrelid = i.indrelid and a.attnum = any (i.indkey) and a.attname = any (%s))
     order by 1"""
_OWN_CONSTRAINTS = """
    select k.conname, pg_get_constraintdef(k.oid) as body
      from pg_constraint k
     where k.conrelid = %s and k.contype in ('c', 'f', 'x')
       and not exists (select from pg_attribute a
                        where a.attrelid = k.conrelid and a.attnum = any (k.conkey) and a.attname <> all (%s))
     order by 1"""

_LEFT_RULES = r"""
    with rule as (
        select k.conname::text as name, k.contype, k.conkey, k.confrelid, pg_get_constraintdef(k.oid) as body
          from pg_constraint k where k.conrelid = %(table)s and k.contype in ('c', 'f', 'u', 'x')
        union all
        select i.indexrelid::regclass::text, 'u', i.indkey::int2[], 0, pg_get_indexdef(i.indexrelid)
          from pg_index i
         where i.indrelid = %(table)s and i.indisunique
           and not exists (select from pg_constraint k where k.conindid = i.indexrelid)
    )
    select r.name, r.body
      from rule r
     cross join lateral (select coalesce(array_agg(a.attname::text), '{}') as columns from pg_attribute a
                          where a.attrelid = %(table)s and a.attnum = any (r.conkey)) c
     where not case r.contype when 'u' then c.columns && %(own)s::text[] else c.columns <@ %(own)s::text[] end
       and r.confrelid <> all (%(carried)s::oid[])
       and not (r.contype = 'u' and c.columns = array[%(sku)s])
       and r.body !~ '^CHECK \(\(\(?\w+\)?(::\w+)? >= \(?0(\.0+)?\)?(::\w+( \w+)?)?\)\)$'
     order by 1"""
"""Rules of the old table that ours does not get. Ours is unique by SKU, and no number in it is below zero."""


def left_rules(database: Database, catalogue: dict[str, Carried]) -> list[tuple[str, str, str]]:
    """Return the rules on columns that are ours now: ours has its own. Each with its name, its text and its table."""
    found = []
    for carried in catalogue.values():
        sku = carried.of("sku")
        values = {
            "table": carried.table.oid, "own": _own_names(carried), "sku": sku.theirs.name if sku else "",
            "carried": [each.table.oid for each in catalogue.values()],
        }  # fmt: skip
        found += [(row.name, row.body, carried.table.name) for row in ask_named(database, _LEFT_RULES, values)]
    return found


def _own_names(carried: Carried) -> list[str]:
    return [column.name for column in carried.extra if column.name not in carried.mirrored]


def own_rules(database: Database, carried: Carried) -> list[sql.Composed]:
    """Return the indexes and constraints of columns that only the old table has, before it is renamed."""
    names = _own_names(carried)
    table = public(carried.ours)
    onto = f" ON public.{carried.ours} "
    made = [
        sql.SQL("{}").format(sql.SQL(re.sub(r' ON public\.(\w+|"([^"]|"")+") ', onto, row.body, count=1)))
        for row in ask(database, _OWN_INDEXES, carried.table.oid, names)
    ]
    for row in ask(database, _OWN_CONSTRAINTS, carried.table.oid, names):
        add = sql.SQL("alter table {} add constraint {} {}")
        made.append(add.format(table, sql.Identifier(row.conname), sql.SQL(row.body)))
    return made


def carry(journal: Journal, catalogue: dict[str, Carried], beside: Carried | None = None) -> None:
    """Copy products, products that only variants refer to, and variants; but no levels, which the ledger sets.

    Rows of the table `beside` become products, and every product of `adoption_own` gets its variant.
    """
    catalogue = with_ended_products(catalogue, aside(""))
    for carried in catalogue.values():
        for column in carried.extra:
            journal.do(_added(carried, column))
            if _is_numbered(column):
                _number_on(journal, carried.ours, column)
    if products := catalogue.get("products"):
        journal.do(_copy(products))
    if variants := catalogue.get("product_variants"):
        missing = missing_products(catalogue, aside(""))
        journal.do(sql.SQL("insert into public.products (id, name) {}").format(missing))
        journal.do(_copy(variants))
    if beside:
        journal.do(_copy_beside(beside))
    journal.do(sql.SQL(_OWN_VARIANTS))
    for carried in reversed(catalogue.values()):  # undoing runs backwards, so products come first
        _remember_the_way_back(journal, catalogue, carried, beside)


def _copy_beside(beside: Carried) -> sql.Composed:
    values = [(each.ours, each.value) for each in beside.copied]
    (own,) = (value for ours, value in values if ours == "id")
    return sql.SQL(
        "insert into public.products ({}) select {} from {} l where {} in (select id from adoption_own where is_beside)"
    ).format(
        sql.SQL(", ").join(sql.Identifier(ours) for ours, _ in values),
        sql.SQL(", ").join(value for _, value in values),
        public(beside.table.name),
        own,
    )


def _added(carried: Carried, column: Column) -> sql.Composed:
    """Return the statement that adds an old column. One that we renamed can still be read under its old name."""
    words = [sql.SQL("alter table {} add column {} {}").format(
        public(carried.ours), sql.Identifier(column.name), sql.SQL(column.type)
    )]  # fmt: skip
    mirrored = carried.mirrored.get(column.name)
    if column.collation:
        words.append(sql.SQL("collate {}").format(sql.SQL(column.collation)))
    if mirrored:
        cast = sql.SQL("generated always as ({}::{}) stored")
        words.append(cast.format(_back(mirrored, sql.Identifier(mirrored.ours)), sql.SQL(column.type)))
    elif column.generated:
        words.append(sql.SQL("generated always as ({}) stored").format(sql.SQL(column.default or "")))
    elif _is_numbered(column):
        words.append(sql.SQL("generated by default as identity").format())
    elif column.default and not column.default.startswith("nextval("):
        words.append(
            sql.SQL("default {}{}").format(sql.SQL(column.default), sql.SQL(" not null" if column.required else ""))
        )
    return sql.SQL(" ").join(words)


def _is_numbered(column: Column) -> bool:
    """Return whether the database numbers the rows in this column: it is a serial or an identity column."""
    return column.sequence is not None and column.required and column.type in ("smallint", "integer", "bigint")


def _number_on(journal: Journal, table: str, column: Column) -> None:
    """Let new rows of our table go on from the last number of the old one, and back on undo."""
    (named,) = ask(
        journal.database,
        "select pg_get_serial_sequence('public.' || %s, %s) as ours, %s::oid::regclass::text as theirs",
        table, column.name, column.sequence,
    )  # fmt: skip
    go_on = sql.SQL("select setval({to}, last_value, is_called) from {of}")
    journal.do(
        go_on.format(to=sql.Literal(named.ours), of=sql.SQL(named.theirs)),
        go_on.format(to=sql.Literal(named.theirs), of=sql.SQL(named.ours)),
    )


def _back(mirrored: Copied, ours: sql.Identifier) -> sql.Composable:
    """Return the SQL of the old value, computed from ours."""
    assert mirrored.back is not None, "only such columns are mirrored"
    return sql.SQL("({})").format(sql.SQL(mirrored.back).format(c=ours))


def _plain(carried: Carried) -> list[Column]:
    """Return the columns that are copied as they are."""
    return [column for column in carried.extra if column.name not in carried.mirrored and not column.generated]


def _copy(carried: Carried) -> sql.Composed:
    ours = [(each.ours, each.value) for each in carried.copied if each.ours not in (*_KEPT_BY_LEDGER, "product_id")]
    values: list[tuple[str, sql.Composable]] = [
        *ours,
        *((c.name, sql.SQL("0") if c in carried.damaged else sql.Identifier("l", c.name)) for c in _plain(carried)),
    ]
    if carried.ours == "product_variants":
        values.append(("product_id", product_of(carried)))
    return sql.SQL("insert into {} ({}) select {} from {} l").format(
        public(carried.ours),
        sql.SQL(", ").join(sql.Identifier(name) for name, _ in values),
        sql.SQL(", ").join(value for _, value in values),
        public(aside(carried.table.name)),
    )


def _remember_the_way_back(
    journal: Journal, catalogue: dict[str, Carried], carried: Carried, beside: Carried | None
) -> None:
    """Remember the statements that carry later changes back into the old table, without firing its triggers."""
    old, new = public(aside(carried.table.name)), public(carried.ours)
    row = carried.of("id")
    assert row is not None, "its absence is an obstacle"
    names = {"old": old, "new": new, "id": sql.Identifier(row.theirs.name)}
    switch = sql.SQL("alter table {} {} trigger {}")
    triggers = [sql.Identifier(each.tgname) for each in ask(journal.database, _TRIGGERS, carried.table.oid)]
    for trigger in triggers:
        journal.remember(switch.format(old, sql.SQL("enable"), trigger))
    made = sql.SQL("").format()
    if carried.ours == "product_variants":
        made += sql.SQL(" and n.id <> n.product_id")  # the variants of products without any are ours
    elif "product_variants" in catalogue:
        missing = missing_products(catalogue, aside(""))
        made += sql.SQL(" and n.id not in (select m.id from ({}) m)").format(missing)
    if beside and carried.ours == "products":
        made += sql.SQL(" and n.id not in (select l.{} from {} l)").format(
            sql.Identifier(next(each.theirs.name for each in beside.copied if each.ours == "id")),
            public(beside.table.name),
        )
    journal.remember(_added_since(carried, names, made))
    if changed := _changed_since(carried, names):
        journal.remember(changed)
    gone = "delete from {old} l where not exists (select from {new} n where n.id = l.{id})"
    journal.remember(sql.SQL(gone).format(**names))
    for trigger in triggers:
        journal.remember(switch.format(old, sql.SQL("disable"), trigger))


_TRIGGERS = "select tgname from pg_trigger where tgrelid = %s and not tgisinternal and tgenabled = 'O' order by 1"


@dataclass(frozen=True, slots=True)
class _Written:
    """An old column that is written back: ours in the new row `n`, the value it came from, and the value it gets."""

    column: Column
    ours: sql.Composable
    was: sql.Composable
    back: sql.Composable


def _theirs(carried: Carried) -> list[_Written]:
    """Return each writable old column."""
    found = [
        _Written(each.theirs, sql.Identifier("n", each.ours), each.value, _back(each, sql.Identifier("n", each.ours)))
        for each in carried.copied
        if each.back is not None and not each.theirs.generated
    ]
    for column in _plain(carried):
        new, old = sql.Identifier("n", column.name), sql.Identifier("l", column.name)
        found.append(_Written(column, new, old, new))
    return found


def _added_since(carried: Carried, names: dict[str, sql.Identifier], made: sql.Composable) -> sql.Composed:
    written = _theirs(carried)
    return sql.SQL(
        "insert into {old} ({columns}) overriding system value select {values} from {new} n "
        "where not exists (select from {old} l where l.{id} = n.id){made}"
    ).format(
        columns=sql.SQL(", ").join(sql.Identifier(each.column.name) for each in written),
        values=sql.SQL(", ").join(sql.SQL("{}::{}").format(each.back, sql.SQL(each.column.type)) for each in written),
        made=made,
        **names,
    )


def _changed_since(carried: Carried, names: dict[str, sql.Identifier]) -> sql.Composed | None:
    """Return the update that carries changed values back. Unchanged values keep their exact old form."""
    untouched = {"id", "updated_at", *_KEPT_BY_LEDGER}
    skipped = {each.theirs.name for each in carried.copied if each.ours in untouched}
    skipped |= {column.name for column in carried.damaged}
    written = [each for each in _theirs(carried) if each.column.name not in skipped and not each.column.identity]
    if not written:
        return None
    differs = sql.SQL("{ours}::text is distinct from ({was})::text")
    changes = [(each, differs.format(ours=each.ours, was=each.was)) for each in written]
    sets = sql.SQL(", ").join(
        sql.SQL("{c} = case when {differs} then {back}::{type} else l.{c} end").format(
            c=sql.Identifier(each.column.name), differs=other, back=each.back, type=sql.SQL(each.column.type)
        )
        for each, other in changes
    )
    any_ = sql.SQL(" or ").join(other for _, other in changes)
    return sql.SQL("update {old} l set {sets} from {new} n where n.id = l.{id} and ({any})").format(
        sets=sets, any=any_, **names
    )
