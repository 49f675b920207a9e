"""The existing database: what it holds, read from PostgreSQL's own catalogue, and the journal of changes to it."""

from __future__ import annotations

from collections.abc import Sequence
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


def public(name: str) -> sql.Identifier:
    """Return a name in the schema `public`, quoted."""
    return sql.Identifier("public", name)


def aside(name: str) -> str:
    """Return the new name of an old table, index or constraint."""
    return name.encode()[:56].decode(errors="ignore") + "_legacy"


def roles_outside(database: Database) -> list[sql.Composable]:
    """Return the public roles that exist here, for GRANT and REVOKE."""
    known = {
        row.rolname for row in ask(database, "select rolname from pg_roles where rolname = any (%s)", list(OUTSIDE))
    }
    return [sql.SQL("public"), *(sql.Identifier(name) for name in OUTSIDE if name in known)]


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
