"""Adopting without the half second in which the migrations run: what they create lies ready in the database.

It is in schemas whose names begin with `pg_`. Neither the adoption nor pg_dump looks there, as those belong to the
server. `build` then only renames them. `test_what_lies_ready_is_what_the_migrations_create` compares the result.
"""

from __future__ import annotations

import uuid
from functools import lru_cache

import psycopg
import pytest
from sqlalchemy import Connection

from core.adoption import move
from core.database import migrate
from core.database.engine import OWNER_ROLE
from core.foundation.addresses import libpq_url
from tests.support import legacy
from tests.support.servers import Server, administer

_PUBLIC = "pg_ready_public"
_HIDE = f"""
set allow_system_table_mods = on;
create schema {_PUBLIC};
do $$
declare _each text;
begin
    for _each in select format('alter table public.%I set schema {_PUBLIC}', relname) from pg_class
                  where relnamespace = 'public'::regnamespace and relkind in ('r', 'v')
                  union all
                 select format('alter function %s set schema {_PUBLIC}', p.oid::regprocedure) from pg_proc p
                  where p.pronamespace = 'public'::regnamespace
                  union all
                 select format('alter schema %I rename to %I', nspname, 'pg_ready_' || nspname) from pg_namespace
                  where nspname !~ '^pg_' and nspname not in ('public', 'information_schema') loop
        execute _each;
    end loop;
end $$;
revoke all on schema public from {OWNER_ROLE};
alter schema {_PUBLIC} owner to {OWNER_ROLE};
"""
_PUT_UP = f"""
do $$
declare _each text;
begin
    for _each in select format('alter schema %I rename to %I', nspname, substr(nspname, length('pg_ready_') + 1))
                   from pg_namespace where nspname ~ '^pg_ready_' and nspname <> '{_PUBLIC}' loop
        execute _each;
    end loop;
    for _each in select format('alter table {_PUBLIC}.%I set schema public', relname) from pg_class
                  where relnamespace = '{_PUBLIC}'::regnamespace and relkind in ('r', 'v')
                  union all
                 select format('alter function %s set schema public', p.oid::regprocedure) from pg_proc p
                  where p.pronamespace = '{_PUBLIC}'::regnamespace loop
        execute _each;
    end loop;
end $$;
drop schema {_PUBLIC};
"""


@pytest.fixture
def lies_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use such databases."""
    monkeypatch.setattr(legacy, "template_for", _template_for)
    monkeypatch.setattr(move, "build", _build)


def _template_for(server: Server, _account: str) -> str:
    return _ready(server)


@lru_cache
def _ready(server: Server) -> str:
    name = f"ready_{uuid.uuid4().hex[:10]}"
    administer(server, f"create database {name}")
    migrate.migrate(server.url(name))
    with psycopg.connect(libpq_url(server.url(name))) as connection:
        connection.execute(_HIDE)
    return name


def _build(connection: Connection) -> bool:
    """As `build`, but rename what lies ready. The rights depend on the shop and are granted by their own script."""
    if connection.exec_driver_sql(f"select to_regnamespace('{_PUBLIC}') is null").scalar_one():
        return migrate.build(connection)
    migrate._create_roles(connection)
    migrate._run_script(connection, _PUT_UP)
    connection.exec_driver_sql(f"set local role {OWNER_ROLE}")
    migrate._run_script(connection, migrate._texts()[-1])
    return True
