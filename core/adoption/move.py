"""Carries out a plan: every step in one transaction, each with the statement that undoes it."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Connection

from core.adoption.around import set_aside
from core.adoption.carry import carry, own_rules
from core.adoption.columns import Carried
from core.adoption.dependents import everybody
from core.adoption.doors import CATALOGUE, close_doors, keep_rights
from core.adoption.kept import keep_columns, keep_filling, kept_indexes
from core.adoption.look import OUTSIDE, Database, Journal, Table, ask, public
from core.adoption.plan import Plan
from core.adoption.prices import store
from core.database.engine import OWNER_ROLE
from core.database.migrate import OUR_TABLES, build
from core.foundation.errors import SetupError

_MADE = """
select 'table' as kind, c.oid::regclass::text as name from pg_class c
 where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname = any (%s)
union all
select 'routine', p.oid::regprocedure::text from pg_proc p where p.pronamespace = 'public'::regnamespace
union all
select 'schema', quote_ident(n.nspname) from pg_namespace n where n.nspname !~ '^pg_'"""
_OWNER_MAY = f"""
select from pg_namespace n, lateral aclexplode(n.nspacl) a join pg_roles r on r.oid = a.grantee
 where n.nspname = 'public' and r.rolname = '{OWNER_ROLE}'"""
_RECORD = """
create table stockroom.adoption (
    only_row         boolean primary key default true check (only_row),
    adopted_at       timestamptz not null default now(),
    last_movement_id bigint not null,
    backwards        text[] not null
)"""
_CHECKS = """
select code, examples::text as examples
  from stockroom_api.run_checks(null, null, '{}', 'Command line', 3, '{R1,R2,R11,R12}', true)
 where failures > 0"""
_OFF = """
select count(*) as variants from adoption_variants a left join public.product_variants v on v.id = a.id
 where v.stock_quantity is distinct from a.shelf - a.damaged"""


_AVAILABLE = """
coalesce((select sum(v.computed_available_stock) from public.product_variants v where v.product_id = n.id), 0)::{type}
    as {name}"""


def move_in(connection: Connection, database: Database, plan: Plan) -> None:
    """Rename the old tables, create ours, carry everything over, and verify the ledger."""
    journal = Journal(database)
    rules = [rule for carried in plan.catalogue.values() for rule in own_rules(database, carried)]
    history = plan.old.get("stock_movements")
    indexes = kept_indexes(database, history)
    database.execute("set local check_function_bodies = off")
    for dependent in reversed(plan.dependents):
        dependent.take_down(journal)
    for replaced in plan.around.replaced:
        replaced.take_down(journal)
    _leave_publications(journal, plan)
    for table in plan.old.values():
        set_aside(journal, table)
    _make_ours(connection, journal)
    carry(journal, plan.catalogue, plan.beside)
    for table in plan.old.values():
        if table.name != table.ours:
            _show_under_old_name(journal, table, plan.catalogue[table.ours])
    for rule in rules:
        journal.do(rule)
    database.execute("analyze public.product_variants")
    keep_columns(journal, history, plan.mapping)
    _post(database)
    keep_filling(database, history, plan.mapping, indexes)
    _connect(journal, plan)
    store(connection, plan.priced)
    close_doors(journal, plan.kept_doors)
    _prove(database)
    _record(database, journal)


def _leave_publications(journal: Journal, plan: Plan) -> None:
    for each in plan.around.publications:
        drop = sql.SQL("alter publication {} drop table {}").format(sql.Identifier(each.name), public(each.table))
        journal.do(drop, each.add(each.table))


def _make_ours(connection: Connection, journal: Journal) -> None:
    """Run our migrations, and remember how to drop everything they create."""
    database = journal.database
    before = _made(database)
    _remember_rights(journal)
    database.execute("set local search_path to default")
    build(connection)
    database.execute("reset role")
    database.execute("set local search_path = pg_catalog")
    made = _made(database) - before
    # Our tables refer to each other, so undoing drops whole schemas first.
    order = {"table": 0, "routine": 1, "schema": 2}
    for kind, name in sorted(made, key=lambda each: (order[each[0]], _place(each[1]))):
        cascade = " cascade" if kind == "schema" else ""
        journal.remember(sql.SQL("drop {} if exists {}{}").format(sql.SQL(kind), sql.SQL(name), sql.SQL(cascade)))
    for name in CATALOGUE:  # carrying rows over is no change; `keep_rights` creates the trigger for all columns again
        database.execute(sql.SQL("drop trigger catalogue_audit on {}").format(public(name)))
    for name in OUR_TABLES:
        for role in everybody(database):
            if role.as_string(database).strip('"') in OUTSIDE:
                database.execute(sql.SQL("revoke all on {} from {}").format(public(name), role))


def _show_under_old_name(journal: Journal, table: Table, carried: Carried) -> None:
    """Create a view with the old name and columns, so that what reads the old table still can, with its own rights.

    The level of a product without variants is what its variant has available.
    """
    database, name = journal.database, public(table.name)
    level = next((each.theirs for each in carried.own if each.ours == "stock_quantity"), None)
    columns: list[sql.Composable] = [
        sql.SQL(_AVAILABLE).format(type=sql.SQL(column.type), name=sql.Identifier(column.name))
        if column is level
        else sql.Identifier("n", column.name)
        for column in table.columns.values()
    ]
    journal.do(
        sql.SQL("create view {} with (security_invoker = true) as select {} from {} n").format(
            name, sql.SQL(", ").join(columns), public(table.ours)
        ),
        sql.SQL("drop view {}").format(name),
    )
    for role in everybody(database):
        database.execute(sql.SQL("revoke all on {} from {}").format(name, role))
    if ask(database, "select from pg_roles where rolname = 'service_role'"):
        database.execute(sql.SQL("grant select on {} to service_role").format(name))


def _remember_rights(journal: Journal) -> None:
    """Remember to revoke the owner role's rights to create things here, unless it had them before."""
    if ask(journal.database, _OWNER_MAY):
        return
    (name,) = ask(journal.database, "select current_database() as of")
    owner = sql.Identifier(OWNER_ROLE)
    journal.remember(sql.SQL("revoke all on database {} from {}").format(sql.Identifier(name.of), owner))
    journal.remember(sql.SQL("revoke all on schema public from {}").format(owner))


def _place(name: str) -> int:
    return next((n for n, table in enumerate(OUR_TABLES) if name == f"public.{table}"), len(OUR_TABLES))


def _made(database: Database) -> set[tuple[str, str]]:
    return {(row.kind, row.name) for row in ask(database, _MADE, list(OUR_TABLES))}


def _post(database: Database) -> None:
    database.execute("create index on adoption_lines (place)")
    database.execute("analyze adoption_lines")
    database.execute("select stockroom_api.claim_adopted()")
    database.execute("analyze adoption_lines")
    database.execute("select stockroom_api.post_adopted()")
    # Fire deferred triggers now, which open cases for low levels: PostgreSQL alters no table with a pending trigger.
    database.execute("set constraints public.product_variants_stock_state immediate")


def _connect(journal: Journal, plan: Plan) -> None:
    """Create again what depended on the old tables, and grant the rights."""
    database = journal.database
    for wrapper in plan.around.wrappers:
        database.execute(wrapper)
    if plan.around.wrappers:
        journal.remember(sql.SQL("drop function public.update_variant_stock(uuid, bigint)"))
        _own_wrapper(database)
    keep_rights(database, plan.around.rights)
    for dependent in plan.dependents:
        dependent.put_up(journal)
    for trigger in plan.around.triggers:
        journal.do(trigger)
    _publish(journal, plan)
    for reading in plan.around.reading:
        journal.do(reading)


_HAS_GENERATED = """
select from pg_attribute
 where attrelid = to_regclass('public.' || quote_ident(%s)) and attgenerated <> '' and not attisdropped limit 1"""


def _publish(journal: Journal, plan: Plan) -> None:
    """Publish the new tables, with the same columns and rows as the old ones: more could be nobody's business."""
    database = journal.database
    for each in plan.around.publications:
        new = next((table.ours for table in plan.old.values() if table.name == each.table), each.table)
        if each.is_whole and not ask(database, _HAS_GENERATED, new):  # else PostgreSQL would refuse every change
            journal.do(sql.SQL("alter table {} replica identity full").format(public(new)))
        try:
            journal.do(each.add(new))
            if new in CATALOGUE:
                database.execute(sql.SQL("explain update {} set id = id").format(public(new)))
        except psycopg.ProgrammingError as error:  # a generated column, or PostgreSQL would refuse every change
            raise SetupError(
                f"The publication {each.name} cannot publish the same columns and rows of the new table {new}: "
                f"{error.diag.message_primary}. {error.diag.message_detail or ''} "
                f"Nothing was changed. Take {each.table} out of it, adopt, and add {new} "
                "with the columns and rows that may be seen."
            ) from error


def _own_wrapper(database: Database) -> None:
    """Make the owner's role the owner of the wrapper, and let only the storefront's server and our app call it."""
    name = sql.SQL("public.update_variant_stock(uuid, bigint)")
    for role in everybody(database):
        database.execute(sql.SQL("revoke all on function {} from {}").format(name, role))
    servers = ask(database, "select rolname from pg_roles where rolname in ('service_role', 'stockroom_app')")
    for row in servers:
        database.execute(sql.SQL("grant execute on function {} to {}").format(name, sql.Identifier(row.rolname)))
    database.execute(sql.SQL("alter function {} owner to {}").format(name, sql.Identifier(OWNER_ROLE)))


def _prove(database: Database) -> None:
    """Verify the ledger. Raises SetupError, so that nothing is committed if a check fails."""
    faults: list[Any] = ask(database, _CHECKS)
    (off,) = ask(database, _OFF)
    if faults or off.variants:
        found = "; ".join([f"{off.variants} levels differ", *(f"{fault.code}: {fault.examples}" for fault in faults)])
        raise SetupError(f"The ledger would fail its checks ({found}). Nothing was changed.")


def _record(database: Database, journal: Journal) -> None:
    (zone,) = ask(database, "select current_setting('TimeZone') as name")
    journal.remember(sql.SQL("set local timezone = {}").format(sql.Literal(zone.name)))  # the first step of undoing
    database.execute(_RECORD)
    database.execute(sql.SQL("alter table stockroom.adoption owner to {}").format(sql.Identifier(OWNER_ROLE)))
    database.execute(
        """insert into stockroom.adoption (last_movement_id, backwards)
           select coalesce(max(m.id), 0), %s from public.stock_movements m""",
        [journal.backwards],
    )
