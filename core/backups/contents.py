"""What a database has of Stockroom, read in one transaction of its owner, to write a manifest or compare with one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, LiteralString

import psycopg
from psycopg import Connection, sql

from core.backups.archive import SCHEMAS
from core.backups.manifest import Contents
from core.backups.others import others
from core.database import hosts
from core.database.engine import OWNER_ROLE
from core.foundation.errors import SetupError

_TABLES = """
    select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = any (%s) and c.relkind in ('r', 'p') and c.relowner = %s::regrole order by 1, 2"""
_OTHERS = """
    select format('%%I.%%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = any (%s) and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
       and c.relowner <> %s::regrole order by 1"""
_BEYOND = """
    select 'FK CONSTRAINT ' || n.nspname || ' ' || c.relname || ' ' || k.conname
      from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_class f on f.oid = k.confrelid
      join pg_namespace n on n.oid = c.relnamespace
     where k.contype = 'f' and c.relowner = %(owner)s::regrole and f.relowner <> %(owner)s::regrole order by 1"""
_HEAD: LiteralString = """
    select encode(sha256(coalesce(string_agg(chain_head, ''::bytea order by id), '')), 'hex')
      from public.product_variants"""
_MUST: LiteralString = """
    create function pg_temp.must(_holds boolean, _why text) returns void language plpgsql as
    'begin if _holds is not true then raise exception ''%'', _why; end if; end';"""
_REVISION = "select version_num from stockroom.alembic_version"
_ROLES = """
    select rolname::text from pg_roles
     where rolname in ('anon', 'authenticated', 'service_role') or oid in (
        select a.grantee from pg_class c, lateral aclexplode(c.relacl) a where c.relowner = %(owner)s::regrole
        union all
        select a.grantee from pg_attribute t join pg_class c on c.oid = t.attrelid, lateral aclexplode(t.attacl) a
         where c.relowner = %(owner)s::regrole
        union all
        select a.grantee from pg_proc p, lateral aclexplode(p.proacl) a where p.proowner = %(owner)s::regrole
        union all
        select a.grantee from pg_namespace n, lateral aclexplode(n.nspacl) a where n.nspowner = %(owner)s::regrole
        union all
        select unnest(p.polroles) from pg_policy p join pg_class c on c.oid = p.polrelid
         where c.relowner = %(owner)s::regrole)
     order by 1"""


@contextmanager
def as_owner(url: str, *, one_moment: bool = False) -> Iterator[Connection[tuple[Any, ...]]]:
    """Open a transaction as Stockroom's owner; with `one_moment`, it is read-only and sees one snapshot."""
    with hosts.connect(url) as connection:
        if one_moment:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
        connection.execute(sql.SQL("set local role {}").format(sql.Identifier(OWNER_ROLE)))
        yield connection


@contextmanager
def snapshot(url: str) -> Iterator[tuple[Connection[tuple[Any, ...]], str]]:
    """Open a transaction of the owner that sees one snapshot, with the name under which others can share it."""
    with ExitStack() as held:
        try:
            connection = held.enter_context(as_owner(url, one_moment=True))
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidParameterValue) as error:
            raise SetupError(
                "This account may not act as Stockroom's owner, which a backup needs. Set STOCKROOM_OWNER_URL to the "
                "account that ran `migrate`."
            ) from error
        yield connection, str(one(connection, "select pg_export_snapshot()"))


def held(expected: Contents) -> str:
    """Return a script that fails unless the database has these contents, for the transaction that restores them."""
    count = sql.SQL("""select pg_temp.must(count(*) = {rows}, 'it restores ' || count(*) || {said}) from {table};""")
    counts = [
        count.format(
            rows=sql.Literal(rows), table=sql.Identifier(*name.split(".", 1)),
            said=sql.Literal(f" rows of {name}, but its manifest has {rows}"),
        )
        for name, rows in sorted(expected.tables.items())
    ]  # fmt: skip
    head = sql.SQL("select pg_temp.must(({found}) = {hash}, 'it restores another ledger: the head hash differs');")
    script = [sql.SQL(_MUST), *counts, head.format(found=sql.SQL(_HEAD), hash=expected.head_hash)]
    return sql.SQL("\n").join(script).as_string(None)


def contents(connection: Connection[tuple[Any, ...]]) -> Contents:
    """Return the contents of the database: row counts, the head hash, its release and dependencies."""
    owner = {"owner": OWNER_ROLE}
    found = others(connection)
    tables = connection.execute(_TABLES, [list(SCHEMAS), OWNER_ROLE]).fetchall()
    count = sql.SQL("select count(*) from {}")
    return Contents(
        tables={".".join(name): _first(connection, count.format(sql.Identifier(*name))) for name in tables},
        head_hash=str(one(connection, _HEAD)),
        revision=str(one(connection, _REVISION)),
        server_version=str(one(connection, "show server_version")).split()[0],
        roles=_column(connection, _ROLES, owner),
        needs=found.needs,
        beyond=_column(connection, _BEYOND, owner),
        lists_others=True,
        others=found.next_to_ours,
        left_out=found.left_out,
    )


def of_others(connection: Connection[tuple[Any, ...]]) -> list[str]:
    """Return the tables and views in our schemas with another owner, such as a storefront's."""
    return _column(connection, _OTHERS, [list(SCHEMAS), OWNER_ROLE])


def one(connection: Connection[tuple[Any, ...]], query: LiteralString) -> Any:
    """Return the first value of a query."""
    return _first(connection, sql.SQL(query))


def _first(connection: Connection[tuple[Any, ...]], query: sql.Composed | sql.SQL) -> Any:
    row = connection.execute(query).fetchone()
    return row[0] if row else None


def _column(connection: Connection[tuple[Any, ...]], query: LiteralString, values: Any) -> list[str]:
    return [str(row[0]) for row in connection.execute(query, values)]
