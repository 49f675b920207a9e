"""Database rights: the dashboard's own role reads views and calls functions, and can do nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from core.database.engine import sqlstate, translate
from core.foundation.errors import LedgerIsAppendOnly
from tests.conftest import prepare
from tests.support.builders import Shop
from tests.support.servers import Server
from tests.support.sneakers import supabase_database

LEDGER = ("public.stock_movements", "public.product_variants", "public.products", "stockroom.operations")
OURS = "('public', 'stockroom', 'stockroom_api')"
FORBIDDEN = "42501"


def fails_with(connection: Connection, statement: str) -> str | None:
    """Run a statement and roll it back. Return its SQLSTATE, or None if it succeeded."""
    savepoint = connection.begin_nested()
    try:
        connection.execute(text(statement))
    except DBAPIError as error:
        return sqlstate(error)
    finally:
        savepoint.rollback()
    return None


@pytest.fixture
def app(shop: Shop) -> Iterator[Connection]:
    """A connection with the dashboard's rights, to a shop that has data."""
    shop.variant(10)
    with shop.engine.connect() as connection:
        assert connection.execute(text("select current_user")).scalar_one() == "stockroom_app"
        yield connection


@pytest.mark.parametrize("table", LEDGER)
@pytest.mark.parametrize("verb", ["insert into {} default values", "delete from {}", "truncate {} cascade"])
def test_the_dashboard_cannot_write_or_empty_the_ledger(app: Connection, table: str, verb: str) -> None:
    assert fails_with(app, verb.format(table)) == FORBIDDEN


@pytest.mark.parametrize(
    "change",
    [
        "public.stock_movements set note = 'x'",
        "public.stock_movements set quantity = 1",
        "public.product_variants set stock_quantity = 99",
        "public.product_variants set chain_head = null",
        "public.products set name = 'x'",
        "stockroom.operations set key = 'x'",
        "stockroom.variant_days set closing = 0",
        "stockroom.users set role = 'admin'",
        "stockroom.sessions set expires_at = 'infinity'",
        "stockroom.shop set zone = 'UTC'",
        "stockroom.sql_text set checksum = ''",
    ],
)
def test_the_dashboard_cannot_change_a_row_behind_the_functions(app: Connection, change: str) -> None:
    assert fails_with(app, f"update {change}") == FORBIDDEN


def test_the_dashboard_has_no_right_on_any_table_but_the_staging_table(shop: Shop) -> None:
    rights = shop.rows(
        f"""select c.oid::regclass::text as name, right_name
              from pg_class c join pg_namespace n on n.oid = c.relnamespace
             cross join unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger'])
                   as right_name
             where n.nspname in {OURS} and c.relkind in ('r', 'p', 'S')
               and case when c.relkind = 'S' then right_name in ('select', 'update')
                             and has_sequence_privilege('stockroom_app', c.oid, right_name)
                        else has_table_privilege('stockroom_app', c.oid, right_name) end"""
    )
    assert {tuple(row) for row in rights} == {
        ("stockroom.history_rows", verb) for verb in ("select", "insert", "delete")
    }
    columns = f"""select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
                   where n.nspname in {OURS} and c.relkind = 'r' and c.relname <> 'history_rows'
                     and has_any_column_privilege('stockroom_app', c.oid, 'select, insert, update, references')"""
    assert shop.sql(columns) == 0


def test_the_dashboard_cannot_read_a_password_hash(app: Connection) -> None:
    assert fails_with(app, "select password_hash from stockroom.users") == FORBIDDEN


@pytest.mark.parametrize("view", ["shop", "reasons", "levels", "movements", "variant_days"])
def test_the_dashboard_may_read_the_views(app: Connection, view: str) -> None:
    assert app.execute(text(f"select count(*) from stockroom_api.{view}")).scalar_one() > 0


INTERNAL = [
    "claim_operation('k', 'adjust', '', null, 'x')",
    "lock_variants('{}')",
    "check_lines('{}')",
    "post_lines(1, 'x', '{}')",
    "replay('k')",
    "roll_up('{}')",
    "settle_past('{}')",
    "refuse('SK001', 'x')",
    "require(1, 1, '{}', 'x')",
    "close_days('2026-01-01', '2026-01-02')",
    "post_from_storefront(gen_random_uuid(), -1, null, null, null, null)",
    "change_from_storefront(gen_random_uuid(), -1, null, null, null, null)",
]


@pytest.mark.parametrize("call", INTERNAL, ids=lambda call: call.partition("(")[0])
def test_the_dashboard_cannot_call_internal_functions(app: Connection, call: str) -> None:
    assert fails_with(app, f"select * from stockroom_api.{call}") == FORBIDDEN


# Indexes of the catalogue use this pure function, with the rights of who writes the catalogue.
EVERYBODYS = "stockroom.folded(text,boolean)"


def test_functions_for_the_dashboard_run_as_owner_with_a_fixed_search_path(shop: Shop) -> None:
    """Each callable function runs as the owner with a fixed search path that ends in pg_temp."""
    rows = shop.rows(
        f"""select p.oid::regprocedure::text as name, p.prosecdef,
                   coalesce('search_path=pg_catalog, pg_temp' = any (p.proconfig), false) as fixed
              from pg_proc p join pg_namespace n on n.oid = p.pronamespace
             where n.nspname in {OURS} and has_function_privilege('stockroom_app', p.oid, 'execute')"""
    )
    assert len(rows) > 10
    pure = {
        "stockroom_api.folded(text)",
        "stockroom_api.searched(text)",
        "stockroom_api.day_at(timestamp with time zone,text)",
        "stockroom_api.day_begun(timestamp with time zone,text)",
        EVERYBODYS,
    }  # they read and write nothing
    assert {row.name for row in rows if not (row.prosecdef and row.fixed)} == pure


def test_nobody_else_may_call_anything_of_ours(shop: Shop) -> None:
    rows = shop.rows(
        f"""select p.oid::regprocedure::text as name
              from pg_proc p join pg_namespace n on n.oid = p.pronamespace
             cross join aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
             where n.nspname in {OURS} and a.grantee = 0"""
    )
    assert [row.name for row in rows] == [EVERYBODYS]


def test_the_dashboard_can_create_nothing_and_take_no_other_role(app: Connection) -> None:
    for statement in (
        "create table public.mine (id int)",
        "create table stockroom_api.mine (id int)",
        "create function public.update_variant_stock(uuid, int) returns int language sql as 'select 1'",
        "create schema mine",
        "create role mine",
        "set role stockroom_owner",
        "set role postgres",
        "set session_replication_role = replica",
        "alter table public.stock_movements disable trigger all",
        "drop table public.stock_movements",
        "grant all on public.stock_movements to stockroom_app",
    ):
        assert fails_with(app, statement) == FORBIDDEN, statement


def test_a_temporary_table_of_the_same_name_deceives_no_function(shop: Shop) -> None:
    variant = shop.variant(10)
    with shop.engine.connect() as connection:
        connection.execute(text("create temporary table product_variants (id uuid, stock_quantity int)"))
        connection.execute(text("create temporary table reasons (movement_type text, reason text)"))
        outcome = connection.execute(text("select public.update_variant_stock(:id, -1)"), {"id": variant}).scalar_one()
        connection.rollback()
    assert (outcome["success"], outcome["new_stock"]) == (True, 9)


@pytest.mark.parametrize("role", ["stockroom_owner", "postgres"])
@pytest.mark.parametrize(
    "statement",
    [
        "update public.stock_movements set note = 'x'",
        "update public.stock_movements set note = 'x' where false",
        "delete from public.stock_movements",
        "truncate public.stock_movements cascade",
        "truncate public.product_variants cascade",
    ],
)
def test_even_owner_and_superuser_cannot_change_movements(shop: Shop, role: str, statement: str) -> None:
    variant = shop.variant(10)
    with shop.owner.connect() as connection:
        connection.execute(text(f"set local role {role}"))
        with pytest.raises(DBAPIError) as refused:
            connection.execute(text(statement))
        connection.rollback()
    assert isinstance(translate(refused.value), LedgerIsAppendOnly)
    assert len(shop.history(variant)) == 1


def test_a_variant_with_a_past_cannot_be_deleted(shop: Shop) -> None:
    variant = shop.variant(10)
    with shop.owner.connect() as connection:
        assert fails_with(connection, f"delete from public.product_variants where id = '{variant}'") == "23503"


def test_a_level_below_zero_or_below_the_held_units_is_refused(shop: Shop) -> None:
    variant = shop.variant(10)
    with shop.owner.connect() as connection:
        for change in ("stock_quantity = -1", "reserved_quantity = 11", "reserved_quantity = -1"):
            statement = f"update public.product_variants set {change} where id = '{variant}'"
            assert fails_with(connection, statement) == "23514", change


# ---------------------------------------------------------------- on Supabase

STRANGERS = ("anon", "authenticated")


@pytest.fixture
def supabase(server: Server) -> Iterator[sqlalchemy.Engine]:
    """A shop in a database like Supabase's."""
    with supabase_database(server) as name:
        prepare(server.url(name))
        engine = sqlalchemy.create_engine(server.url(name))
        yield engine
        engine.dispose()


def test_on_supabase_only_the_storefronts_server_has_rights(supabase: sqlalchemy.Engine) -> None:
    with supabase.begin() as connection:
        product = "insert into public.products (name) values ('Boot') returning id"
        variant = connection.exec_driver_sql(
            f"with p as ({product}) insert into public.product_variants (product_id, sku) "
            "select id, 'B-1' from p returning id"
        ).scalar_one()
    update = f"select public.update_variant_stock(variant_id => '{variant}', quantity_change => 3)"
    with supabase.connect() as connection:
        for role in STRANGERS:
            connection.exec_driver_sql(f"set local role {role}")
            for statement in (
                update,
                "select * from public.stock_movements",
                "update public.product_variants set stock_quantity = 5",
                "delete from public.products",
                "select * from stockroom.users",
                "select * from stockroom_api.levels",
                "select stockroom_api.first_admin()",
            ):
                assert fails_with(connection, statement) == FORBIDDEN, (role, statement)
        connection.exec_driver_sql("set local role service_role")
        assert connection.exec_driver_sql(update).scalar_one()["new_stock"] == 3
        assert connection.exec_driver_sql("select sku from public.product_variants").scalar_one() == "B-1"
        assert connection.exec_driver_sql("select quantity from public.stock_movements").scalar_one() == 3
        for statement in (
            "update public.product_variants set stock_quantity = 5",
            "delete from public.stock_movements",
            "insert into public.stock_movements default values",
            "select * from stockroom.users",
            "select stockroom_api.first_admin()",
        ):
            assert fails_with(connection, statement) == FORBIDDEN, statement


def test_on_supabase_nothing_of_ours_is_callable_or_writable_by_the_public_keys(supabase: sqlalchemy.Engine) -> None:
    with supabase.connect() as connection:
        for role in STRANGERS:
            callable_by_them = connection.exec_driver_sql(
                f"""select count(*) from pg_proc p join pg_namespace n on n.oid = p.pronamespace
                     where n.nspname in {OURS} and has_function_privilege('{role}', p.oid, 'execute')
                       and p.oid <> '{EVERYBODYS}'::regprocedure"""
            )
            assert callable_by_them.scalar_one() == 0
            usable = connection.exec_driver_sql(
                f"""select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
                     where n.nspname in {OURS} and c.relkind in ('r', 'v')
                       and has_table_privilege('{role}', c.oid, 'select, insert, update, delete, truncate, trigger')"""
            )
            assert usable.scalar_one() == 0
            for schema in ("stockroom", "stockroom_api"):
                allowed = f"select has_schema_privilege('{role}', '{schema}', 'usage')"
                assert connection.exec_driver_sql(allowed).scalar_one() is False


def test_row_level_security_is_on_for_the_contracts_tables(supabase: sqlalchemy.Engine) -> None:
    with supabase.connect() as connection:
        rows = connection.exec_driver_sql(
            """select relname, relrowsecurity from pg_class
                where relnamespace = 'public'::regnamespace and relkind = 'r' order by relname"""
        )
        assert [tuple(row) for row in rows] == [
            ("product_variants", True),
            ("products", True),
            ("stock_movements", True),
        ]
