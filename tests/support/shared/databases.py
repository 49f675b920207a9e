"""Databases that one test has used and the next one uses again: the rows go, the connections and their caches stay.

A new database costs a copy, two connections and the compilation of every function that the test calls: ten times what
emptying one costs. A database is used again only if nothing but rows has changed in it; in doubt it is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import Engine
from sqlalchemy.pool import QueuePool

from core.foundation.addresses import libpq_url
from tests.support.builders import Shop

USES = 30
"""How often a database is used: deleted rows leave their room behind."""

# Whatever is created, changed or dropped adds, replaces or takes a row of one of these. ANALYZE does too.
_CATALOGUE = (
    "pg_attrdef", "pg_attribute", "pg_class", "pg_constraint", "pg_default_acl", "pg_description", "pg_event_trigger",
    "pg_extension", "pg_foreign_table", "pg_namespace", "pg_policy", "pg_proc", "pg_publication", "pg_rewrite",
    "pg_sequence", "pg_statistic", "pg_statistic_ext", "pg_trigger", "pg_type",
)  # fmt: skip
_STRUCTURE = " union all ".join(
    f"select '{name}', count(*), max(xmin::text::bigint) from pg_catalog.{name}" for name in _CATALOGUE
)
_IN_USE = """
    select (select count(*) from pg_stat_activity
             where datname = current_database() and backend_type = 'client backend'),
           (select count(*) from pg_prepared_xacts where database = current_database()),
           (select count(*) from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase
             where d.datname = current_database())"""
_TABLES = """
    select format('%I.%I', n.nspname, c.relname),
           (select string_agg(quote_ident(a.attname), ', ' order by a.attnum) from pg_attribute a
             where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '')
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema') order by 1"""
_SEQUENCES = """
    select format('%I.%I', schemaname, sequencename), coalesce(last_value, start_value), last_value is not null
      from pg_sequences order by 1"""
_FORGET = "set session authorization default; reset all; unlisten *; select pg_advisory_unlock_all()"


@dataclass(kw_only=True)
class Kept:
    """A database with its connections, and one more that makes it as it was."""

    name: str
    engine: Engine
    owner: Engine
    keeper: psycopg.Connection[Any]
    structure: list[Any]
    renew: str
    uses: int = 0

    @classmethod
    def of(cls, name: str, shop: Shop) -> Kept:
        """Remember how a new database is built and what it holds. Statements are planned once, for every use."""
        keeper = psycopg.connect(libpq_url(shop.owner_url), autocommit=True)
        keeper.execute("set session_replication_role = replica; set lock_timeout = '5s'")
        renewal = [_prepare(keeper, number, statement) for number, statement in enumerate(_renewal(keeper))]
        keeper.execute(f"prepare structure as {_STRUCTURE}".encode())
        keeper.execute(f"prepare in_use as {_IN_USE}".encode())
        renew = "begin; " + "".join(f"execute {each}; " for each in renewal) + "commit"
        structure = keeper.execute("execute structure").fetchall()
        return cls(name=name, engine=shop.engine, owner=shop.owner, keeper=keeper, structure=structure, renew=renew)

    def shop(self, app_url: str, owner_url: str) -> Shop:
        """Give it to a test. Who listens to these engines listens to no other test's."""
        self.uses += 1
        engine, owner = self.engine.execution_options(), self.owner.execution_options()
        return Shop(app_url=app_url, owner_url=owner_url, engine=engine, owner=owner)

    def renewed(self) -> bool:
        """Make it as it was when it was new, and return whether that was possible."""
        pools = [engine.pool for engine in (self.engine, self.owner) if isinstance(engine.pool, QueuePool)]
        if self.uses >= USES or any(pool.checkedout() for pool in pools):
            return False
        try:
            (in_use,) = self.keeper.execute("execute in_use").fetchall()
            is_ours = in_use == (1 + sum(pool.checkedin() for pool in pools), 0, 0)
            if not is_ours or self.keeper.execute("execute structure").fetchall() != self.structure:
                return False
            self.keeper.execute(self.renew.encode())
        except psycopg.Error:
            return False
        for pool in pools:
            _forget_sessions(pool)
        return True

    def close(self) -> None:
        """Close its connections."""
        self.keeper.close()
        self.engine.dispose()
        self.owner.dispose()


def _prepare(keeper: psycopg.Connection[Any], number: int, statement: str) -> str:
    name = f"renew_{number}"
    keeper.execute(f"prepare {name} as {statement}".encode())
    return name


def _renewal(keeper: psycopg.Connection[Any]) -> list[str]:
    """Return the statements that give every table and sequence what it has now."""
    statements = []
    for table, columns in keeper.execute(_TABLES.encode()).fetchall():
        statements.append(f"delete from {table}")
        (rows,) = keeper.execute(f"select json_agg(t)::text from {table} t".encode()).fetchall()[0]
        if rows is not None:
            statements.append(
                f"insert into {table} ({columns}) overriding system value "
                f"select {columns} from json_populate_recordset(null::{table}, $rows${rows}$rows$)"
            )
    sequences = [
        f"setval('{sequence}', {value}, {is_called})"
        for sequence, value, is_called in keeper.execute(_SEQUENCES.encode()).fetchall()
    ]
    return [*statements, f"select {', '.join(sequences)}"]


def _forget_sessions(pool: QueuePool) -> None:
    """End what a test left in the sessions of these connections: roles, settings and locks."""
    for each in [pool.connect() for _ in range(pool.checkedin())]:
        driver: Any = each.driver_connection
        driver.execute(_FORGET)
        driver.commit()
        each.close()
