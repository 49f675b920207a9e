"""The existing database: what it holds, read from PostgreSQL's own catalogue, and the journal of changes to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import namedtuple_row

from core.database.migrate import OUR_TABLES

Database = psycopg.Connection[Any]
"""The driver's own connection, inside a transaction: the driver can quote any name."""

Statement = sql.SQL | sql.Composed
"""A statement that can be run."""

OUTSIDE = ("anon", "authenticated", "public")
"""The public roles: those of the storefront's public keys on Supabase, and everybody else."""
NEIGHBOURS = ("stock_levels", "stock_reservations", "stock_alerts", "orders", "order_items", "sneakers")
"""Tables of old stock systems that do not have our names. They stay unchanged."""
STOCK_NEIGHBOURS = ("stock_levels", "stock_reservations", "stock_alerts")
"""Those that only the old stock system keeps up to date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column with its type and PostgreSQL's category of that type (N number, S text ...)."""

    name: str
    type: str
    category: str
    required: bool
    default: str | None
    generated: bool
    identity: bool
    collation: str | None
    sequence: int | None
    """The id of the sequence that numbers its rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of the old system. `ours` is the name of our table that it becomes: most have that name already."""

    oid: int
    name: str
    ours: str
    kind: str
    is_ours_to_change: bool
    row_security: bool
    rows: int
    columns: dict[str, Column]


def ask(database: Database, question: str | Statement, *values: Any) -> list[Any]:
    """Return the rows of a query, with columns as attributes."""
    with database.cursor(row_factory=namedtuple_row) as cursor:
        rows: list[Any] = cursor.execute(question, values or None).fetchall()
        return rows


def ask_named(database: Database, question: str, values: Mapping[str, Any]) -> list[Any]:
    """Return the rows of a query with named parameters, with columns as attributes."""
    with database.cursor(row_factory=namedtuple_row) as cursor:
        return cursor.execute(question.encode(), values).fetchall()


def tables(database: Database, names: Sequence[str] = OUR_TABLES) -> dict[str, Table]:
    """Return the tables with these names in `public`."""
    found = ask(database, _TABLES, list(names))
    return {row.relname: _table(database, row) for row in found}


_TABLES = """
    select c.oid, c.relname, c.relkind::text as kind, c.relrowsecurity as row_security,
           pg_has_role(c.relowner, 'usage') as is_ours_to_change
      from pg_class c
     where c.relnamespace = 'public'::regnamespace and c.relname = any (%s) and c.relkind in ('r', 'p', 'v', 'm', 'f')
     order by c.relname"""

_COLUMNS = """
    select a.attname as name, format_type(a.atttypid, a.atttypmod) as type, t.typcategory::text as category,
           a.attnotnull as required, pg_get_expr(d.adbin, d.adrelid) as default, a.attgenerated <> '' as generated,
           a.attidentity <> '' as identity,
           coalesce((select u.refobjid from pg_depend u join pg_class s on s.oid = u.refobjid and s.relkind = 'S'
                      where u.classid = 'pg_attrdef'::regclass and u.objid = d.oid limit 1),
                    (select u.objid from pg_depend u join pg_class s on s.oid = u.objid and s.relkind = 'S'
                      where u.classid = 'pg_class'::regclass and u.refclassid = 'pg_class'::regclass and u.deptype = 'i'
                        and u.refobjid = a.attrelid and u.refobjsubid = a.attnum))::bigint as sequence,
           case when a.attcollation <> t.typcollation then a.attcollation::regcollation::text end as collation
      from pg_attribute a
      join pg_type t on t.oid = a.atttypid
      left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
     where a.attrelid = %s and a.attnum > 0 and not a.attisdropped
     order by a.attnum"""


def _table(database: Database, row: Any) -> Table:
    columns = {column.name: Column(**column._asdict()) for column in ask(database, _COLUMNS, row.oid)}
    count = sql.SQL("select count(*) as rows from {}").format(public(row.relname))
    return Table(
        oid=row.oid,
        name=row.relname,
        ours=row.relname,
        kind=row.kind,
        is_ours_to_change=row.is_ours_to_change,
        row_security=row.row_security,
        rows=ask(database, count)[0].rows,
        columns=columns,
    )


_PEOPLE = ("profiles", "users", "user_profiles", "staff", "employees", "team_members", "admins")
_NAMES = ("full_name", "display_name", "name", "username", "email")
_PEOPLE_TABLES = """
    with led as (
        select k.confrelid as home, k.confkey[1] as key
          from pg_constraint k join pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]
         where k.contype = 'f' and k.conrelid = %(table)s and cardinality(k.conkey) = 1 and a.attname = %(column)s
    ), known as (
        select c.oid, n.nspname, c.relname, l.home is not null as is_led,
               (select a.attname::text from pg_attribute a
                 where a.attrelid = c.oid and not a.attisdropped
                   and (a.attnum = l.key or a.attname in ('user_id', 'id') and a.atttypid = 'uuid'::regtype)
                 order by a.attnum is distinct from l.key, a.attname = 'id' limit 1) as key,
               array(select a.attname::text from pg_attribute a
                      where a.attrelid = c.oid and not a.attisdropped and a.attname = any (%(names)s)
                      order by array_position(%(names)s::text[], a.attname::text)) as names
          from pg_class c join pg_namespace n on n.oid = c.relnamespace left join led l on l.home = c.oid
         where c.relkind in ('r', 'p') and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
           and (pg_has_role(c.relowner, 'usage') or not row_security_active(c.oid))
           and (l.home is not null or n.nspname = 'auth' and c.relname = 'users'
                or n.nspname = 'public' and c.relname = any (%(tables)s))
    )
    select oid::regclass::text as name, key, names from known where key is not null and cardinality(names) > 0
     order by names = '{email}', not is_led, nspname = 'auth', array_position(%(tables)s::text[], relname::text)"""


def people_tables(database: Database, table: Table, column: Column) -> list[Any]:
    """Return where the people of a column may have names: where its foreign key leads, then tables of usual names."""
    values = {"table": table.oid, "column": column.name, "names": list(_NAMES), "tables": list(_PEOPLE)}
    return ask_named(database, _PEOPLE_TABLES, values)


def public(name: str) -> sql.Identifier:
    """Return a name in the schema `public`, quoted."""
    return sql.Identifier("public", name)


def aside(name: str) -> str:
    """Return the new name of an old table, index or constraint."""
    return name.encode()[:56].decode(errors="ignore") + "_legacy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A table in a publication: `columns` is its list of columns as SQL, `rows` its condition; empty means all.

    `is_whole`: its replica identity is the whole row, or must be, because the condition needs more than the id.
    `is_stopped`: PostgreSQL would refuse every change of the new table.
    """

    name: str
    table: str
    columns: str
    rows: str
    is_whole: bool
    is_stopped: bool
    is_ours_to_change: bool

    def add(self, onto: str) -> sql.Composed:
        """Return the statement that publishes a table with these columns and rows."""
        only = (f" ({self.columns})" if self.columns else "") + (f" where ({self.rows})" if self.rows else "")
        add = sql.SQL("alter publication {} add table {}{}")
        return add.format(sql.Identifier(self.name), public(onto), sql.SQL(only))


_PUBLISHED = r"""
    select p.pubname::text as name, c.relname::text as table,
           c.relreplident = 'f' or needs.more as is_whole,
           needs.an_id or needs.more and (r.prattrs is not null or c.oid = to_regclass('public.product_variants'))
               as is_stopped,
           coalesce((select string_agg(quote_ident(a.attname), ', ' order by a.attnum) from pg_attribute a
                      where a.attrelid = c.oid and a.attnum = any (r.prattrs)), '') as columns,
           coalesce(pg_get_expr(r.prqual, c.oid), '') as rows, pg_has_role(p.pubowner, 'usage') as is_ours_to_change
      from pg_publication_rel r
      join pg_publication p on p.oid = r.prpubid
      join pg_class c on c.oid = r.prrelid
      join lateral (
          select (p.pubupdate or p.pubdelete) and exists (
                     select from pg_depend d join pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid
                      where d.classid = 'pg_publication_rel'::regclass and d.objid = r.oid and r.prqual is not null
                        and d.refobjid = c.oid and a.attname <> 'id'
                        and pg_get_expr(r.prqual, c.oid) ~ ('\m' || regexp_replace(a.attname, '\W', '.', 'g') || '\M')
                 ) as more,
                 (p.pubupdate or p.pubdelete) and r.prattrs is not null and not exists (
                     select from pg_attribute a
                      where a.attrelid = c.oid and a.attname = 'id' and a.attnum = any (r.prattrs)) as an_id
      ) needs on true
     where r.prrelid = any (%s) order by 1, 2"""


def published(database: Database, tables: Sequence[int]) -> list[Published]:
    """Return in which publications these tables are, and with what."""
    return [Published(**row._asdict()) for row in ask(database, _PUBLISHED, list(tables))]


def roles_outside(database: Database) -> list[sql.Composable]:
    """Return the public roles that exist here, for GRANT and REVOKE."""
    known = {
        row.rolname for row in ask(database, "select rolname from pg_roles where rolname = any (%s)", list(OUTSIDE))
    }
    return [sql.SQL("public"), *(sql.Identifier(name) for name in OUTSIDE if name in known)]


def comments(
    database: Database, catalogue: str, oid: int, what: sql.Composable, name: sql.Composable
) -> list[sql.Composed]:
    """Return the statements that comment on an object and its columns as now. `what` is its kind."""
    rows = ask(
        database,
        """select d.description, a.attname as column
             from pg_description d
             left join pg_attribute a on d.classoid = 'pg_class'::regclass and a.attrelid = d.objoid
                                     and a.attnum = d.objsubid and d.objsubid > 0
            where d.classoid = %s::regclass and d.objoid = %s order by d.objsubid""",
        catalogue,
        oid,
    )
    return [
        sql.SQL("comment on {} {} is {}").format(
            sql.SQL("column") if row.column else what,
            sql.SQL("{}.{}").format(name, sql.Identifier(row.column)) if row.column else name,
            sql.Literal(row.description),
        )
        for row in rows
    ]


def column_grants(database: Database, oid: int, name: sql.Composable) -> list[sql.Composed]:
    """Return the statements that grant the current rights on single columns of a table or view again."""
    rows = ask(
        database,
        """select x.privilege_type as what, a.attname, x.is_grantable as further,
                  case x.grantee when 0 then 'public' else x.grantee::regrole::text end as who
             from pg_attribute a, lateral aclexplode(a.attacl) x where a.attrelid = %s order by a.attnum, 4, 1""",
        oid,
    )
    return [
        sql.SQL("grant {} ({}) on {} to {}{}").format(
            sql.SQL(row.what),
            sql.Identifier(row.attname),
            name,
            sql.SQL(row.who),
            sql.SQL(" with grant option" if row.further else ""),
        )
        for row in rows
    ]


@dataclass(slots=True)
class Journal:
    """Runs statements and remembers how to undo them: `backwards`, in reverse order, restores everything."""

    database: Database
    backwards: list[str] = field(default_factory=list)

    def do(self, statement: Statement, undo: Statement | None = None) -> None:
        """Run a statement, and remember the statement that undoes it."""
        self.database.execute(statement)
        if undo is not None:
            self.remember(undo)

    def remember(self, undo: Statement) -> None:
        """Remember a statement that runs only on undo."""
        self.backwards.append(undo.as_string(self.database))
