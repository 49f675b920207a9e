"""What surrounds the old tables: triggers, publications, rights, and functions that write stock or have our names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg import sql

from core.adoption.dependents import Dependent, function, grants, policy
from core.adoption.doors import CATALOGUE, Rights, report_rights, rights_before
from core.adoption.look import (
    NEIGHBOURS,
    OUTSIDE,
    STOCK_NEIGHBOURS,
    Database,
    Journal,
    Published,
    Statement,
    Table,
    aside,
    ask,
    column_grants,
    public,
    published,
    roles_outside,
    tables,
)
from core.adoption.report import Report, listed
from core.database.migrate import our_functions
from core.foundation.text import many

ONLY_A_CLOCK = re.compile(
    r"\s*begin\s+new\.updated_at\s*:?=\s*(now\(\)|current_timestamp|clock_timestamp\(\)|timezone\([^;]*\))\s*;"
    r"\s*return\s+new\s*;\s*end\s*;?\s*",
    re.IGNORECASE,
)
"""The body of a trigger function that only sets `updated_at`."""


@dataclass(slots=True, kw_only=True)
class Around:
    """What is replaced, dropped or created again together with the tables."""

    replaced: list[Dependent] = field(default_factory=list)
    wrappers: list[Statement] = field(default_factory=list)
    triggers: list[sql.Composed] = field(default_factory=list)
    publications: list[Published] = field(default_factory=list)
    reading: list[sql.Composed] = field(default_factory=list)
    rights: list[Rights] = field(default_factory=list)


def look_around(
    database: Database, old: dict[str, Table], keep_reading: bool, report: Report, keep_writing: bool = False
) -> Around:
    """Find the surroundings and report what happens to them."""
    around = Around(triggers=_triggers(database, old, report), publications=_publications(database, old, report))
    _functions(database, around, report)
    around.rights = rights_before(database, old, keep_writing)
    around.reading = _reading(database, old, keep_reading, around.rights)
    report_rights(database, around.rights, keep_reading, report)
    _report_writers(database, old, report)
    known = {finding.what for finding in report.findings} | {table.name for table in old.values()}
    _report_neighbours(database, old, known, report)
    return around


def _report_neighbours(database: Database, old: dict[str, Table], known: set[str], report: Report) -> None:
    """Report the other tables of a stock system; of those that nothing here writes any more, what still reads them."""
    near = tables(database, [name for name in NEIGHBOURS if name not in known])
    values = [list(our_functions()), [table.oid for table in old.values()]]
    unwritten = {row.name for row in ask(database, _UNWRITTEN, *values, list(STOCK_NEIGHBOURS))}
    for table in tables(database, sorted({*near, *unwritten} - known)).values():
        if table.name not in unwritten:
            then = "unchanged; Stockroom neither reads nor writes it"
        else:
            readers = [row.name for row in ask(database, _READERS, *[table.oid] * 4, our_functions(), table.oid)]
            then = "kept, but nothing here writes it any more; " + (
                f"still read by {listed(readers)}" if readers else "nothing here reads it"
            )
        report.found(table.name, many(table.rows, "row"), then)


_UNWRITTEN = r"""
with writer as (
    select c.oid, p.proname = any (%s) and p.pronamespace = 'public'::regnamespace or exists (
               select from pg_trigger t where t.tgfoid = p.oid having bool_and(t.tgrelid = any (%s))) as is_gone
      from pg_class c
      join pg_proc p on p.prosrc ~* ('\m(insert\s+into|update|delete\s+from)\s+(only\s+)?("?public"?\.)?"?'
                                     || regexp_replace(c.relname, '\W', '.', 'g') || '\M')
      join pg_namespace n on n.oid = p.pronamespace and n.nspname !~ '^pg_'
     where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
)
select c.relname::text as name from pg_class c
 where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
   and c.relname not in ('products', 'product_variants', 'stock_movements')
   and coalesce((select bool_and(w.is_gone) from writer w where w.oid = c.oid), c.relname = any (%s))"""

_READERS = r"""
select distinct 'view ' || r.ev_class::regclass as name
  from pg_depend d join pg_rewrite r on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid
 where d.refclassid = 'pg_class'::regclass and d.refobjid = %s and r.ev_class <> d.refobjid
union
select 'policy ' || quote_ident(p.polname) || ' on ' || p.polrelid::regclass
  from pg_depend d join pg_policy p on d.classid = 'pg_policy'::regclass and p.oid = d.objid
 where d.refclassid = 'pg_class'::regclass and d.refobjid = %s and p.polrelid <> d.refobjid
union
select 'foreign key ' || quote_ident(k.conname) || ' of ' || k.conrelid::regclass
  from pg_constraint k where k.contype = 'f' and k.confrelid = %s
union
select 'function ' || p.oid::regprocedure
  from pg_proc p
  join pg_namespace n on n.oid = p.pronamespace and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  join pg_class c on c.oid = %s
 where coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) ~* ('\m' || regexp_replace(c.relname, '\W', '.', 'g') || '\M')
   and not (p.pronamespace = 'public'::regnamespace and p.proname = any (%s))
union
select 'publication ' || quote_ident(b.pubname)
  from pg_publication_rel r join pg_publication b on b.oid = r.prpubid where r.prrelid = %s
 order by 1"""


def _functions(database: Database, around: Around, report: Report) -> None:
    """Find the functions that have our names; they are dropped, whatever their arguments."""
    rows = ask(
        database,
        """select p.oid, p.oid::regprocedure::text as name, p.proname, p.prokind::text as kind, p.proargnames as names,
                  p.proargtypes::regtype[]::text[] as types, pg_get_function_result(p.oid) as result,
                  array(select pg_describe_object(d.classid, d.objid, d.objsubid) from pg_depend d
                         where d.refclassid = 'pg_proc'::regclass and d.refobjid = p.oid and d.deptype = 'n') as users
             from pg_proc p where p.pronamespace = 'public'::regnamespace and p.proname = any (%s) order by 2""",
        our_functions(),
    )
    for row in rows:
        if row.kind not in "fp" or row.users:
            users = f": it is used by {listed(row.users)}" if row.users else ""
            report.obstacles.append(f"The old function {row.name} cannot be replaced{users}.")
            continue
        around.replaced.append(function(database, row, report))
        around.wrappers += _wrapper(row)
        other = "" if row.result == "jsonb" else f"; it returns jsonb, no longer {row.result}"
        report.found(f"{row.proname}()", row.name.partition("(")[2].rstrip(")"), f"replaced by ours{other}")


def _wrapper(row: Any) -> list[Statement]:
    """Return a wrapper that accepts the old argument names: update_variant_stock(p_variant_id => ..., ...).

    Its second argument is a bigint, because PostgreSQL would call `update_variant_stock($1, $2)` ambiguous if both
    functions took a uuid and an integer.
    """
    names = list(row.names or [])
    if row.proname != "update_variant_stock" or row.types != ["uuid", "integer"] or len(names) != 2:
        return []
    if names == ["variant_id", "quantity_change"] or "" in names:
        return []
    made = sql.SQL(
        "create function public.update_variant_stock({} uuid, {} bigint) returns jsonb language sql security definer "
        "set search_path = pg_catalog, pg_temp as 'select public.update_variant_stock("
        "$1, greatest(least($2, 2000000000), -2000000000)::int, null::text, null::text, null::text, null::text)'"
    ).format(*map(sql.Identifier, names))
    return [made]


def _triggers(database: Database, old: dict[str, Table], report: Report) -> list[sql.Composed]:
    """Return the triggers that only set `updated_at`: they are created again. Others stay with the old table."""
    rows = ask(
        database,
        """select t.tgname, t.tgrelid::regclass::text as table, c.relname, prosrc, proname, t.tgtype & 3 = 3 as early,
                  pg_get_triggerdef(t.oid) || coalesce(format('; alter table %%s ' || case t.tgenabled
                      when 'D' then 'disable' when 'R' then 'enable replica' when 'A' then 'enable always'
                      end || ' trigger %%I', t.tgrelid::regclass, t.tgname), '') as body
             from pg_trigger t
             join pg_class c on c.oid = t.tgrelid
             join pg_proc p on p.oid = t.tgfoid
            where t.tgrelid = any (%s) and not t.tgisinternal order by 2, 1""",
        [table.oid for table in old.values()],
    )
    kept = []
    for row in rows:
        clock = row.early and (row.proname == "moddatetime" or ONLY_A_CLOCK.fullmatch(row.prosrc))
        if clock and row.relname in CATALOGUE and "updated_at" in row.body + row.prosrc:
            kept.append(sql.SQL("{}").format(sql.SQL(row.body)))
            report.found(f"trigger {row.tgname}", f"on {row.table}", "created again: it only sets updated_at")
        else:
            report.found(f"trigger {row.tgname}", f"on {row.table}", "stays with the old table and no longer fires")
    return kept


def _publications(database: Database, old: dict[str, Table], report: Report) -> list[Published]:
    found = published(database, [table.oid for table in old.values()])
    for each in found:
        same = " and ".join(word for word, part in (("columns", each.columns), ("rows", each.rows)) if part)
        then = f"publishes the new table{same and ', the same ' + same}"
        ours = each.is_ours_to_change
        report.found(f"publication {each.name}", each.table, then if ours else "its owner must add the new table")
        if each.is_stopped and ours and each.table != "stock_movements":
            report.obstacles.append(
                f"The publication {each.name} would stop every sale: PostgreSQL refuses to change {each.table} if its "
                "published columns lack the id, or if its published rows depend on other columns. Run: alter "
                f"publication \"{each.name}\" set (publish = 'insert'); or take the table out of it."
            )
    return [each for each in found if each.is_ours_to_change]


def _reading(
    database: Database, old: dict[str, Table], keep_reading: bool, rights: Sequence[Rights]
) -> list[sql.Composed]:
    """Return the statements that keep the policies of the catalogue, and let the public roles read it if so asked.

    Policies are for reading only, unless a role that is not public keeps its rights and needs them.
    """
    made: list[sql.Composed] = []
    for table in (old[name] for name in CATALOGUE if name in old):
        writers = [each.role for each in rights if each.table == table.name and each.needs_policies]
        if table.row_security and (keep_reading or writers):
            wanted = "select oid from pg_policy where polrelid = %s and polcmd::text = any (%s) order by polname"
            found = ask(database, wanted, table.oid, list("r*awd" if writers else "r*"))
            made += [policy(database, each.oid, onto=table.ours, reading=not writers)[0] for each in found]
        elif not table.row_security:
            for role in writers:
                keep = "create policy {} on {} to {} using (true) with check (true)"
                name = sql.Identifier(f"As before: {role}"[:63])
                made.append(sql.SQL(keep).format(name, public(table.ours), sql.Identifier(role)))
        if not keep_reading:
            continue
        names = sorted({table.ours, table.name})  # a view keeps the old name
        reading = [each for n in names for each in grants(database, "table", public(n), table.oid, only="SELECT")]
        made += [right for right in reading if right.as_string(database).rpartition(" to ")[2].strip('"') in OUTSIDE]
        if not table.row_security:
            made.append(
                sql.SQL('create policy "Everybody may read" on {} for select using (true)').format(public(table.ours))
            )
    return made


def _report_writers(database: Database, old: dict[str, Table], report: Report) -> None:
    """Report the functions that write stock past the ledger: from now on they must call update_variant_stock."""
    rows = ask(
        database,
        r"""select distinct p.proname::text as name
              from pg_proc p join pg_namespace n on n.oid = p.pronamespace
             where n.nspname not like 'pg\_%%' and n.nspname <> 'information_schema' and p.proname <> all (%s)
               and (p.prosrc ~* 'update\s+(only\s+)?(public\.)?product_variants\M.*\mstock_quantity\M'
                    or p.prosrc ~* 'into\s+(public\.)?stock_movements\M')
               and not exists (select from pg_trigger t where t.tgfoid = p.oid group by t.tgfoid
                               having bool_and(t.tgrelid = any (%s)))
             order by 1""",
        our_functions(),
        [table.oid for table in old.values()],
    )
    if rows:
        names = listed([f"{row.name}()" for row in rows])
        report.found("writes stock past the ledger", names, "must call update_variant_stock from now on")


def set_aside(journal: Journal, table: Table) -> None:
    """Rename a table with its indexes, sequences and constraints, and revoke the rights of the public roles."""
    database = journal.database
    names = ask(
        database,
        """select c.relname, c.relkind::text as kind from pg_class c
            where c.oid in (select indexrelid from pg_index where indrelid = %s)
               or c.oid in (select d.objid from pg_depend d where d.classid = 'pg_class'::regclass
                               and d.refclassid = 'pg_class'::regclass and d.refobjid = %s and d.deptype in ('a', 'i')
                               and d.refobjsubid > 0)
            order by c.oid""",
        table.oid,
        table.oid,
    )
    back = [
        *grants(database, "table", public(table.name), table.oid),
        *column_grants(database, table.oid, public(table.name)),
    ]
    for right in back:
        journal.remember(right)
    kinds = {"r": "table", "i": "index", "S": "sequence"}
    for name, kind in [(table.name, "r"), *((row.relname, row.kind) for row in names if row.kind in kinds)]:
        rename = sql.SQL("alter {} {} rename to {}")
        to = aside(name)
        word = sql.SQL(kinds[kind])
        journal.do(
            rename.format(word, public(name), sql.Identifier(to)), rename.format(word, public(to), sql.Identifier(name))
        )
    gone = public(aside(table.name))
    for row in ask(database, _CONSTRAINTS, table.oid):  # or PostgreSQL would add numbers to the names of ours
        own, new = sql.Identifier(row.conname), sql.Identifier(aside(row.conname))
        rename = sql.SQL("alter table {} rename constraint {} to {}")
        journal.do(rename.format(gone, own, new), rename.format(gone, new, own))
    for role in roles_outside(database):
        journal.do(sql.SQL("revoke all on {} from {}").format(gone, role))
    if not table.row_security:
        security = sql.SQL("alter table {} {} row level security")
        journal.do(security.format(gone, sql.SQL("enable")), security.format(gone, sql.SQL("disable")))


_CONSTRAINTS = """
    select conname from pg_constraint
     where conrelid = %s and contype in ('c', 'f', 'n') and coninhcount = 0 order by conname"""
