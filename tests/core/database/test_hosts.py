"""Two hosts in one URL: the primary is used, also after the other one was promoted, and a dead host blocks nothing."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from core.backups import routine as backups
from core.backups.archive import reachable
from core.database import engine as database
from core.database import migrate
from core.database.programs import client_program
from core.foundation.addresses import database_url, libpq_url
from core.foundation.errors import Unavailable
from core.foundation.model import COMMAND_LINE
from core.jobs import runs as job_runs
from core.jobs import worker
from core.ledger import reports
from tests.conftest import prepare
from tests.support.builders import Shop
from tests.support.dashboards import free_ports
from tests.support.servers import Server
from tests.support.shared.standby import Standby, start_primary, start_standby, stop_at_once
from tests.support.shared.tally import Crowd, judge

pytestmark = pytest.mark.slow  # it starts servers


@pytest.fixture
def pair(server: Server) -> Iterator[tuple[Server, Standby]]:
    """A primary whose commits wait for its replica, and the replica. Both listen on ports."""
    first, second = free_ports(2)
    primary = start_primary(server.major, first)
    try:
        prepare(primary.owner_url)
        follower = start_standby(primary, second)
        try:
            with psycopg.connect(libpq_url(primary.owner_url), autocommit=True) as connection:
                connection.execute("alter system set synchronous_standby_names = '*'")
                connection.execute("select pg_reload_conf()")
            yield primary, follower
        finally:
            follower.server.stop()
    finally:
        primary.stop()


def both(pair: tuple[Server, Standby], user: str) -> str:
    """The URL of both, as an environment variable has it."""
    first, second = (f"host=127.0.0.1:{each.port}" for each in (pair[0], pair[1].server))
    return database_url("DATABASE_URL", f"postgresql://{user}@/stockroom?{first}&{second}")


def test_a_replica_is_promoted_under_load_and_each_answered_operation_is_there_once(
    pair: tuple[Server, Standby], tmp_path: Path
) -> None:
    primary, follower = pair
    app_url, owner_url = both(pair, "stockroom_app"), both(pair, "postgres")
    assert migrate.migrate(owner_url) is False
    shop = Shop.open(app_url, owner_url)
    crowd = Crowd(shop.engine, [shop.variant(1_000) for _ in range(5)], shop.person("Wanda"))
    with crowd.at_work():
        crowd.until_answered(200)
        stop_at_once(primary, follower.programs)
        follower.promote()
        crowd.until_answered(200)
    assert judge(crowd.tally, shop) == []
    worker.wake(shop.engine)
    database.run(shop.engine, job_runs.plan, COMMAND_LINE)
    made = backups.make(owner_url, tmp_path, keep=2)
    assert backups.verify(owner_url, made).contents.tables["public.stock_movements"] >= 400
    address, environment = reachable(owner_url)
    asked = [str(client_program("psql")), address, "-qAtc", "select pg_is_in_recovery()"]
    assert subprocess.run(asked, env=environment, capture_output=True, check=True, text=True).stdout == "f\n"
    shop.close()


_IDLE = "select count(*) = 0 from pg_stat_activity where usename = 'stockroom_app' and state <> 'idle'"
_CAUGHT_UP = "select bool_and(flush_lsn >= pg_current_wal_flush_lsn()) from pg_stat_replication"


def test_an_old_primary_that_only_reads_after_a_promotion_is_left_for_the_new_one(
    pair: tuple[Server, Standby],
) -> None:
    primary, follower = pair
    shop = Shop.open(both(pair, "stockroom_app"), both(pair, "postgres"))
    crowd = Crowd(shop.engine, [shop.variant(1_000) for _ in range(5)], shop.person("Wanda"))
    with crowd.at_work(), psycopg.connect(libpq_url(primary.owner_url), autocommit=True) as old:
        crowd.until_answered(100)
        old.execute("alter system set default_transaction_read_only = on")
        old.execute("select pg_reload_conf()")
        while not (old.execute(_IDLE).fetchone() == old.execute(_CAUGHT_UP).fetchone() == (True,)):
            time.sleep(0.01)
        follower.promote()
        crowd.until_answered(200)
        assert old.execute("select pg_is_in_recovery()").fetchone() == (False,)  # it is there all the time
    assert judge(crowd.tally, shop) == []
    shop.close()


def test_a_server_that_takes_no_changes_says_so_and_is_used_again_when_it_does(fresh_shop: Shop) -> None:
    variant = fresh_shop.variant(5)
    fresh_shop.sql(f"alter database {make_url(fresh_shop.app_url).database} set default_transaction_read_only = on")
    fresh_shop.engine.dispose()
    with pytest.raises(Unavailable, match="takes no changes"):
        fresh_shop.adjust(variant, -1)
    with fresh_shop.owner.connect().execution_options(isolation_level="AUTOCOMMIT") as owner:
        owner.exec_driver_sql("set default_transaction_read_only = off")
        owner.exec_driver_sql(f"alter database {owner.engine.url.database} reset default_transaction_read_only")
    fresh_shop.owner.dispose()
    fresh_shop.adjust(variant, -1)  # its connections are replaced at the first refusal
    assert fresh_shop.on_hand(variant) == 4


def test_a_host_that_does_not_answer_costs_two_seconds_once(server: Server, shop: Shop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and says nothing
        port = silent.getsockname()[1]
        url = f"postgresql://stockroom_app@/stockroom?host=127.0.0.1:{port}&host={server.folder}:{server.port}"
        engine = database.create_engine(database_url("DATABASE_URL", url), pool_size=1)
        took = []
        for _ in range(3):
            began = time.monotonic()
            database.run(engine, reports.shop, COMMAND_LINE)
            took.append(time.monotonic() - began)
            engine.dispose()  # the next one connects again
        assert 1.5 < took[0] < 10
        assert max(took[1:]) < 1.5
