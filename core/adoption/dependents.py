"""Objects that depend on the old tables: dropped first, then created again on ours, with owner and rights."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from core.adoption import look
from core.adoption.look import Database, Journal, Statement, Table, aside, ask, comments, public, roles_outside
from core.adoption.report import Report, listed, stands_on
from core.foundation.errors import SetupError
from core.foundation.text import many


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependent:
    """A view, function, policy or foreign key: `again` creates it on our tables, `back` on the old ones."""

    what: str
    drop: sql.Composed
    again: tuple[Statement, ...]
    back: tuple[Statement, ...]

    def take_down(self, journal: Journal) -> None:
        """Drop it, and remember how to create it as it was."""
        for statement in reversed(self.back):
            journal.remember(statement)
        journal.do(self.drop)

    def put_up(self, journal: Journal) -> None:
        """Create it again on our tables. Raises SetupError if it does not fit their types."""
        try:
            for statement in self.again:
                journal.do(statement)
        except psycopg.ProgrammingError as error:  # such as a comparison of two types
            name = self.what[0].upper() + self.what[1:]
            raise SetupError(
                f"{name} cannot be created on the new tables: {error.diag.message_primary}. Nothing was changed. "
                "Drop it, adopt, and create it again."
            ) from error
        journal.remember(self.drop)


def dependents(
    database: Database, tables: dict[str, Table], ours: set[str], mapping: Mapping[tuple[str, str], str], report: Report
) -> list[Dependent]:
    """Return what depends on these tables, in order. `ours`: columns of stock_movements of the type in the ledger."""
    oids = [table.oid for table in tables.values()]
    rows = ask(database, AFFECTED, oids, oids)
    found = [each for row in rows if (each := _READ[row.kind](database, row, report))]
    _report_other_types(database, tables, ours, report)
    for kind, plural in _PLURALS.items():
        names = [row.name for row in rows if row.kind == kind]
        if names:
            reading = ", for reading" if kind == "view" else ""
            report.found(plural, listed(names), f"created again on the new tables{reading}")
    return found + _foreign_keys(database, tables, mapping, report)


_PLURALS = {"view": "views", "function": "functions on their rows", "policy": "policies elsewhere"}

AFFECTED = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")


def plain_view(database: Database, row: Any, _report: Report) -> Dependent:
    """Return a view with its owner and rights. `row`: its oid and its name."""
    (view,) = ask(
        database,
        """select pg_get_viewdef(c.oid) as body, c.relowner::regrole::text as owner,
                  array_to_string(c.reloptions, ', ') as options
             from pg_class c where c.oid = %s""",
        row.oid,
    )
    name = sql.SQL(row.name)
    options = f" with ({view.options})" if view.options else ""
    make = sql.SQL("create view {}{} as {}").format(name, sql.SQL(options), sql.SQL(view.body))
    own = sql.SQL("alter view {} owner to {}").format(name, sql.SQL(view.owner))
    cut: list[Statement] = [sql.SQL("revoke all on {} from {}").format(name, role) for role in everybody(database)]
    rights = [*grants(database, "table", name, row.oid), *look.column_grants(database, row.oid, name)]
    parts = [*_parts_of_view(database, row.oid, name), *comments(database, "pg_class", row.oid, sql.SQL("view"), name)]
    # Only rights to read are granted again: writing through a view would bypass the ledger. What a trigger or rule of
    # the view writes, it writes itself; `close_doors` looks at that.
    reading = rights if parts_write(database, row.oid) else grants(database, "table", name, row.oid, only="SELECT")
    return Dependent(
        what=f"the view {row.name}",
        drop=sql.SQL("drop view {}").format(name),
        again=(make, own, *parts, *cut, *reading),
        back=(make, own, *parts, *cut, *rights),
    )


def _parts_of_view(database: Database, oid: int, name: sql.Composable) -> list[Statement]:
    """Return the statements that create the defaults, rules and triggers of a view again, with their comments."""
    made: list[Statement] = []
    for row in ask(database, _PARTS, oid, oid, oid):
        made.append(sql.SQL("{}").format(sql.SQL(row.body)))
        if row.kind:
            what = sql.SQL("{} {} on").format(sql.SQL(row.kind), sql.Identifier(row.name))
            made += comments(database, row.catalogue, row.oid, what, name)
    return made


_PARTS = """
    select 0 as place, '' as kind, '' as catalogue, d.oid, a.attname as name,
           format('alter view %%s alter column %%I set default %%s', a.attrelid::regclass, a.attname,
                  pg_get_expr(d.adbin, d.adrelid)) as body
      from pg_attrdef d join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum where d.adrelid = %s
    union all
    select 1, 'rule', 'pg_rewrite', r.oid, r.rulename, pg_get_ruledef(r.oid)
      from pg_rewrite r where r.ev_class = %s and r.ev_type <> '1'
    union all
    select 2, 'trigger', 'pg_trigger', t.oid, t.tgname, pg_get_triggerdef(t.oid)
      from pg_trigger t where t.tgrelid = %s and not t.tgisinternal
     order by 1, 5"""


def parts_write(database: Database, oid: int) -> bool:
    """Return whether a view has a rule or trigger of its own that writes."""
    question = """select exists (select from pg_rewrite r where r.ev_class = %s and r.ev_type <> '1')
                      or exists (select from pg_trigger t where t.tgrelid = %s and not t.tgisinternal) as so"""
    return bool(ask(database, question, oid, oid)[0].so)


def function(database: Database, row: Any, _report: Report) -> Dependent:
    """Return a function with its owner and rights. `row`: its oid, and its name with the types of its arguments."""
    (found,) = ask(
        database,
        """select pg_get_functiondef(p.oid) as body, p.proowner::regrole::text as owner, p.prokind::text as kind,
                  p.proacl is not null as has_rights from pg_proc p where p.oid = %s""",
        row.oid,
    )
    name = sql.SQL(row.name)
    own = sql.SQL("alter routine {} owner to {}").format(name, sql.SQL(found.owner))
    # Revoked first, or default privileges would add rights. A function without rights of its own is everybody's.
    rights = [sql.SQL("revoke all on routine {} from {}").format(name, role) for role in everybody(database)]
    if found.has_rights:
        rights += grants(database, "routine", name, row.oid)
    else:
        rights.append(sql.SQL("grant execute on routine {} to public").format(name))
    said = comments(database, "pg_proc", row.oid, sql.SQL("routine"), name)
    made: tuple[Statement, ...] = (sql.SQL("{}").format(sql.SQL(found.body)), own, *rights, *said)
    drop = sql.SQL("drop routine {}").format(name)
    return Dependent(what=f"the function {row.name}", drop=drop, again=made, back=made)


def policy_elsewhere(database: Database, row: Any, _report: Report) -> Dependent:
    """Return a policy of another table with its comment. `row`: its oid and its name."""
    make, drop = policy(database, row.oid)
    (found,) = ask(
        database, "select polname as name, polrelid::regclass::text as on from pg_policy where oid = %s", row.oid
    )
    what = sql.SQL("policy {} on").format(sql.Identifier(found.name))
    made = (make, *comments(database, "pg_policy", row.oid, what, sql.SQL(found.on)))
    return Dependent(what=f"the policy {row.name}", drop=drop, again=made, back=made)


def policy(
    database: Database, oid: int, onto: str | None = None, *, reading: bool = False
) -> tuple[sql.Composed, sql.Composed]:
    """Return the statements that create and drop a policy, `onto` another table, or for `reading` only."""
    (found,) = ask(
        database,
        """select p.polname, p.polrelid::regclass::text as table, p.polpermissive,
                  case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update'
                                when 'd' then 'delete' else 'all' end as command,
                  pg_get_expr(p.polqual, p.polrelid) as qual, pg_get_expr(p.polwithcheck, p.polrelid) as with_check,
                  array(select case r when 0 then 'public' else r::regrole::text end from unnest(p.polroles) r) as roles
             from pg_policy p where p.oid = %s""",
        oid,
    )
    table = public(onto) if onto else sql.SQL(found.table)
    name = sql.Identifier(found.polname)
    using = f" using ({found.qual})" if found.qual else ""
    check = f" with check ({found.with_check})" if found.with_check and not reading else ""
    kind = "permissive" if found.polpermissive else "restrictive"
    rest = f" as {kind} for {'select' if reading else found.command} to {', '.join(found.roles)}{using}{check}"
    make = sql.SQL("create policy {} on {}{}").format(name, table, sql.SQL(rest))
    return make, sql.SQL("drop policy {} on {}").format(name, table)


def _relation(_database: Database, row: Any, report: Report) -> None:
    report.obstacles.append(stands_on(row))


_READ = {"view": plain_view, "function": function, "policy": policy_elsewhere, "relation": _relation}


def _report_other_types(database: Database, tables: dict[str, Table], ours: set[str], report: Report) -> None:
    """Report the views of the old history whose columns have another type in the ledger. `ours` have the same."""
    if "stock_movements" not in tables:
        return
    rows = ask(
        database,
        """select r.ev_class::regclass::text as view,
                  array_agg(distinct a.attname::text order by a.attname::text) as columns
             from pg_depend d
             join pg_rewrite r on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid
             join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
            where d.refclassid = 'pg_class'::regclass and d.refobjid = %s and a.attname <> all (%s)
            group by 1 order by 1""",
        tables["stock_movements"].oid,
        sorted(ours),
    )
    for row in rows:
        then = f"reads {listed(row.columns)} in the type of the ledger; if it cannot, adopting stops and says so"
        report.found(f"view {row.view}", "on stock_movements", then)


def _foreign_keys(
    database: Database, tables: dict[str, Table], mapping: Mapping[tuple[str, str], str], report: Report
) -> list[Dependent]:
    """Return the foreign keys by which the storefront's own tables refer to products and variants."""
    by_name = {table.name: table for table in tables.values()}
    rows = ask(database, _KEYS, [table.oid for table in tables.values()], [table.oid for table in tables.values()])
    for row in [row for row in rows if row.onto == "stock_movements"]:
        then = f"leads to {aside(row.onto)}, which gets no new movements: drop it if {row.table} is to refer to those"
        report.found(f"foreign key {row.conname}", f"of {row.table}", then)
    rows = [row for row in rows if row.onto != "stock_movements"]
    if rows:
        names = listed(sorted({row.table for row in rows}))
        report.found("foreign keys", many(len(rows), "key"), f"of {names}: changed to the new tables")
    found = []
    for row in rows:
        ours = [mapping.get((row.onto, column), column) for column in row.columns]
        if ours in (["id"], ["sku"]):
            found.append(_foreign_key(database, row, by_name[row.onto].ours, ours[0]))
        else:
            report.obstacles.append(
                f"{row.table} refers to {listed(row.columns)} of {row.onto}; only references to id and sku can be kept."
            )
    return found


_KEYS = """
    select k.oid, k.conname, k.conrelid::regclass::text as table, c.relname::text as onto,
           pg_get_constraintdef(k.oid) as body,
           array(select a.attname::text from pg_attribute a
                  where a.attrelid = k.confrelid and a.attnum = any (k.confkey)) as columns
      from pg_constraint k
      join pg_class c on c.oid = k.confrelid
     where k.contype = 'f' and k.conparentid = 0 and k.confrelid = any (%s) and k.conrelid <> all (%s)
     order by 2, 1"""


def _foreign_key(database: Database, row: Any, onto: str, ours: str) -> Dependent:
    table, name = sql.SQL(row.table), sql.Identifier(row.conname)
    add = sql.SQL("alter table {} add constraint {} {}")
    led = re.sub(r"REFERENCES [^(]+\([^)]*\)", f"REFERENCES public.{onto}({ours})", row.body)
    said = comments(database, "pg_constraint", row.oid, sql.SQL("constraint {} on").format(name), table)
    return Dependent(
        what=f"the foreign key {row.conname} of {row.table}",
        drop=sql.SQL("alter table {} drop constraint {}").format(table, name),
        again=(add.format(table, name, sql.SQL(led)), *said),
        back=(add.format(table, name, sql.SQL(row.body)), *said),
    )


def everybody(database: Database) -> list[sql.Composable]:
    """Return the roles that may get default rights on new objects, the public ones among them."""
    others = ask(
        database,
        """select r.rolname as name from pg_roles r
            where r.rolname = 'service_role'
               or r.rolname not in ('anon', 'authenticated', current_user)
                  and exists (select from pg_default_acl d, aclexplode(d.defaclacl) a where a.grantee = r.oid)
            order by 1""",
    )
    return [*roles_outside(database), *(sql.Identifier(row.name) for row in others)]


def grants(
    database: Database, kind: str, name: sql.Composable, oid: int, only: str | None = None
) -> list[sql.Composed]:
    """Return the statements that grant the current rights on a table or routine again, except those of its owner."""
    catalogue, owner, rights = (
        ("pg_class", "relowner", "relacl") if kind == "table" else ("pg_proc", "proowner", "proacl")
    )
    query = sql.SQL(
        """select a.privilege_type as what, a.is_grantable as further,
                  case a.grantee when 0 then 'public' else a.grantee::regrole::text end as who
             from {catalogue} c, lateral aclexplode(c.{rights}) a
            where c.oid = %s and a.grantee <> c.{owner} order by 3, 1"""
    ).format(catalogue=sql.Identifier(catalogue), rights=sql.Identifier(rights), owner=sql.Identifier(owner))
    rows: Iterable[Any] = (row for row in ask(database, query, oid) if only in (None, row.what))
    return [
        sql.SQL("grant {} on {} {} to {}{}").format(
            sql.SQL(row.what),
            sql.SQL(kind),
            name,
            sql.SQL(row.who),
            sql.SQL(" with grant option" if row.further else ""),
        )
        for row in rows
    ]
