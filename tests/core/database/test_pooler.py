"""Everything works behind a transaction pooler, under any account of the shop, and with any spelling of the URL."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, text

from core.database import engine as database
from core.database import migrate
from core.foundation.errors import Forbidden, InsufficientStock, KeyReused, LevelChanged
from core.foundation.model import Actor, LevelLine
from core.jobs import runs as job_runs
from core.jobs.runs import Outcome
from core.ledger import changes as ledger
from core.ledger import movements, reports
from tests.conftest import prepare
from tests.support.builders import Shop, key
from tests.support.proof import assert_holds
from tests.support.servers import DOORS, Server, administer, start_pgbouncer

pytestmark = pytest.mark.slow

WEB = "web_account"
WAYS = [(door, user) for door in DOORS for user in ("stockroom_app", WEB)]


@pytest.fixture(scope="module")
def doors(server: Server) -> Iterator[dict[str, Server]]:
    """The server itself, PgBouncer in front of it, and an account that may act as the dashboard's role."""
    administer(server, f"create role {WEB} login")
    administer(server, f"grant stockroom_app to {WEB}")
    found = {"straight": server}
    if "pooler" in DOORS:
        found["pooler"] = start_pgbouncer(server, users=[WEB])
    yield found
    if "pooler" in found:
        found["pooler"].stop()
    administer(server, f"drop role {WEB}")


def as_hosts_write_it(url: str) -> str:
    """Return the URL as hosting providers write it."""
    return url.replace("postgresql+psycopg://", "postgres://")


@pytest.fixture(params=WAYS, ids=[f"{door} as {user}" for door, user in WAYS])
def pooled(doors: dict[str, Server], shop: Shop, request: pytest.FixtureRequest) -> Iterator[Shop]:
    """The shared shop, over one of these connections."""
    door, user = request.param
    opened = Shop.open(as_hosts_write_it(doors[door].url(user=user)), shop.owner_url)
    yield opened
    opened.close()


def test_every_operation_and_every_refusal_works_through_the_pooler(pooled: Shop) -> None:
    variant, order = pooled.variant(10), key()
    first = pooled.adjust(variant, -3, key=order)
    assert pooled.adjust(variant, -3, key=order).movements == first.movements
    with pytest.raises(KeyReused):
        pooled.adjust(variant, -4, key=order)
    with pytest.raises(InsufficientStock):
        pooled.adjust(variant, -8)
    with pytest.raises(Forbidden):
        pooled.adjust(variant, -1, "Sam")
    with pytest.raises(LevelChanged):
        pooled.run(ledger.set_level, "Mia", lines=[LevelLine(variant_id=variant, target=1, seen=10)], key=key())
    pooled.run(ledger.set_level, "Mia", lines=[LevelLine(variant_id=variant, target=5, seen=7)], key=key())
    pooled.run(ledger.undo, "Mia", movement_ids=[first.movements[0].movement_id], key=key(), note="typo")
    assert pooled.on_hand(variant) == 8
    assert_holds(pooled, variant)


def test_statements_are_prepared_on_the_server_itself_and_never_through_a_pooler(pooled: Shop) -> None:
    with pooled.engine.connect() as connection:
        for _ in range(5):
            connection.execute(text("select 41 + 1"))
        prepared = connection.scalar(
            text("select count(*) from pg_prepared_statements where statement = 'select 41 + 1'")
        )
    assert prepared == (0 if "6432" in pooled.app_url else 1)


def test_a_session_that_is_replaced_behind_its_connection_costs_a_second_attempt(shop: Shop) -> None:
    engine, mia = database.create_engine(shop.app_url, pool_size=1, overflow=0), shop.person("Mia")
    for _ in range(5):
        database.run(engine, reports.shop, mia)
    with engine.begin() as connection:  # inside of a block, which the driver does not look into
        assert connection.scalar(text("select count(*) from pg_prepared_statements")) > 0
        connection.execute(text("do $$ begin execute 'deallocate all'; end $$"))
    assert database.run(engine, reports.shop, mia).zone
    engine.dispose()


def test_reads_work_through_the_pooler(pooled: Shop) -> None:
    variant = pooled.variant(10)
    page = pooled.run(movements.page, "Sam", filter=movements.MovementFilter(variant_id=variant))
    assert [row.quantity for row in page.rows] == [10]
    assert pooled.run(reports.shop, "Sam").zone == "Pacific/Auckland"


def test_runs_of_jobs_are_recorded_through_the_pooler(pooled: Shop) -> None:
    job = "expire_holds"
    pooled.run(job_runs.plan)
    pooled.run(job_runs.ask, "Ada", name=job)
    assert job in pooled.run(job_runs.due)
    run_id = pooled.run(job_runs.begin, name=job, worker="A worker behind the pooler")
    pooled.run(job_runs.end, run_id=run_id, outcome=Outcome.DONE, said=("Gave back what 1 checkout held.",))
    last = pooled.run(job_runs.runs, "Ada", name=job)[0]
    assert (last.id, last.outcome, last.asked_by) == (run_id, Outcome.DONE, "Ada")
    assert pooled.run(job_runs.watch) == 0


def test_the_same_statement_works_over_many_server_connections(pooled: Shop) -> None:
    """With named prepared statements this fails after a few repeats: `prepared statement already exists`."""
    shoes = [pooled.variant(20) for _ in range(8)]
    pooled.person("Wanda")

    def sell(variant: UUID) -> None:
        for _ in range(12):
            pooled.adjust(variant, -1)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(sell, shoes))
    assert [pooled.on_hand(v) for v in shoes] == [8] * 8
    for variant in shoes:
        assert_holds(pooled, variant)


def who(connection: Connection, _actor: Actor) -> Any:
    return connection.execute(text("select current_user, session_user")).one()


def test_an_account_of_the_shop_acts_as_the_apps_role(pooled: Shop) -> None:
    acting, _ = pooled.run(who)
    assert acting == "stockroom_app"
    with pooled.engine.begin() as connection:
        assert connection.execute(text("select current_user")).scalar_one() == "stockroom_app"


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("user", ["postgres", WEB])
def test_even_a_superusers_connection_acts_as_the_apps_role_and_is_reset(
    doors: dict[str, Server], door: str, user: str
) -> None:
    engine = database.create_engine(as_hosts_write_it(doors[door].url(user=user)), pool_size=1)
    try:
        for _ in range(2):
            assert tuple(database.run(engine, who, Actor(name="Somebody"))) == ("stockroom_app", user)
            assert _outside(engine, user)
    finally:
        engine.dispose()


def _outside(engine: Engine, user: str) -> bool:
    """Return whether a returned connection has its own account again."""
    raw = engine.raw_connection()
    try:
        cursor = raw.cursor()
        cursor.execute("select current_user")
        return bool(cursor.fetchone() == (user,))
    finally:
        raw.close()


@pytest.mark.parametrize("door", DOORS)
def test_migrations_work_over_the_same_connections(server: Server, doors: dict[str, Server], door: str) -> None:
    name = f"shop_by_{door}"
    administer(server, f"create database {name}")
    prepare(as_hosts_write_it(doors[door].url(name)))
    assert migrate.migrate(as_hosts_write_it(doors[door].url(name))) is False
    shop = Shop.open(doors[door].url(name, "stockroom_app"), server.url(name))
    variant = shop.variant(3)
    shop.adjust(variant, -1)
    assert_holds(shop, variant)
    shop.close()
    administer(server, f"drop database {name} with (force)")


def test_a_dashboard_whose_connections_were_closed_continues_unnoticed(fresh_shop: Shop) -> None:
    fresh_shop.engine.dispose()  # an earlier test may have left several connections
    variant = fresh_shop.variant(10)
    cut = """select count(pg_terminate_backend(pid)) from pg_stat_activity
              where datname = current_database() and pid <> pg_backend_pid() and usename = 'stockroom_app'"""
    assert fresh_shop.sql(cut) == 1
    fresh_shop.adjust(variant, -1, "Wanda")
    assert fresh_shop.on_hand(variant) == 9


def test_a_dashboard_whose_many_connections_were_closed_continues_unnoticed(fresh_shop: Shop) -> None:
    variant = fresh_shop.variant(10)
    with ExitStack() as crowd:
        for _ in range(8):
            crowd.enter_context(fresh_shop.engine.connect()).exec_driver_sql("select 1")
    cut = """select count(pg_terminate_backend(pid)) from pg_stat_activity
              where datname = current_database() and pid <> pg_backend_pid() and usename = 'stockroom_app'"""
    assert fresh_shop.sql(cut) >= 8
    fresh_shop.adjust(variant, -1, "Wanda")
    assert fresh_shop.on_hand(variant) == 9
