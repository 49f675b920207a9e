"""Removing the sample shop: all of it or nothing, once for two admins, with a backup first, while people work."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection

from core.backups.record import proof
from core.database.engine import create_engine
from core.database.migrate import build
from core.foundation.addresses import libpq_url
from core.foundation.errors import Forbidden, InvalidInput, Refused, SignInRequired, StockError, Unavailable
from core.foundation.model import Line, MovementType
from core.jobs import round as job_round
from core.jobs import runs as job_runs
from core.jobs import worker as jobs
from core.ledger import changes as ledger
from core.ledger import reports
from core.ledger.level_filter import LevelFilter, LevelSort
from core.people.audit import What, recent_changes
from core.sample import removal
from core.sample.removal import remove_sample
from core.shop import reasons
from tests.conftest import open_fresh, open_sample
from tests.support.backing_up import backed_up
from tests.support.builders import Shop, key
from tests.support.servers import Server
from tests.support.working import until, working

NAME = "Canyon Sneakers"
TABLES = """
    select format('%I.%I', schemaname, tablename) from pg_tables
     where schemaname in ('stockroom', 'procrastinate', 'public') order by 1"""


@pytest.fixture
def sample(server: Server) -> Iterator[Shop]:
    """A sample shop with a verified backup."""
    for shop in open_sample(server):
        yield backed_up(shop)


@pytest.fixture
def landlord(server: Server, sample: Shop) -> Iterator[str]:
    """The URL of an account that owns the tables and is no superuser. `reader` is one that may read products."""
    roles, name = "landlord, reader", str(sample.owner.url.database)
    sample.sql("create role landlord login; create role reader; grant stockroom_owner, stockroom_app to landlord")
    sample.sql("grant select on public.products to reader")
    sample.sql(f"grant create on database {name} to stockroom_owner")  # a copied database lacks this right
    yield server.url(name, "landlord")
    sample.sql(f"drop owned by {roles}; drop role {roles}")


@pytest.fixture(scope="module")
def kept(server: Server) -> Iterator[Shop]:
    """A sample shop that no test removes."""
    yield from open_sample(server)


def contents(shop: Shop) -> dict[str, Any]:
    """The rows of each table, as one text."""
    return {
        table: shop.sql(f"select string_agg(t::text, ' ' order by t::text) from {table} t")
        for (table,) in shop.rows(TABLES)
    }


def variants(shop: Shop) -> int:
    return int(shop.sql("select count(*) from public.product_variants"))


# ---------------------------------------------------------------- what is left


def test_what_is_left_is_a_new_shop_with_its_people_their_sessions_and_its_reasons(
    sample: Shop, landlord: str, server: Server
) -> None:
    ada, mia = sample.person("Ada"), sample.person("Mia")
    sample.run(reasons.add_reason, ada, movement_type=MovementType.ADJUSTMENT, label="Moths", sign=-1)
    found = sample.run(removal.contents, ada)
    assert (found.name, found.variants, found.signed_in) == (NAME, 378, 2)
    assert found.movements == sample.sql("select count(*) from stock_movements")
    last = sample.sql("select max(id) from stock_movements")
    before = contents(sample)
    assert removal.sample_name(landlord) == NAME
    remove_sample(landlord, ada, name=f" {NAME} ")
    after = contents(sample)
    stays = {name for name in removal._KEPT if name != "stockroom.audit"}
    assert {name: after[name] for name in stays} == {name: before[name] for name in stays}
    (new_shop,) = [contents(shop) for shop in open_fresh(server)]
    changed = {name for name in after if name not in stays and after[name] != new_shop[name]}
    # The moments at which rows of a new shop were made, who removed the sample, and where the tests put the shop.
    assert changed <= {"stockroom.shop", "stockroom.audit", "stockroom.operations", "stockroom.last_times"}
    assert sample.run(removal.contents, ada) is None
    assert sample.run(removal.removal, mia).who == "Ada"
    assert sample.run(recent_changes, ada)[0].what is What.SAMPLE_REMOVED
    assert sample.run(proof, mia).proven_at is None  # the backup was one of the sample
    assert sample.sql("select has_table_privilege('reader', 'public.products', 'select')")
    shoe = sample.variant(3)
    assert sample.history(shoe)[0].id > last  # no form that was opened before names a movement of the new shop


# ---------------------------------------------------------------- who may, and what is demanded


def test_only_an_admin_who_types_the_name_after_a_backup_removes_it(kept: Shop) -> None:
    for who, kind in {"Mia": Forbidden, "Carl": SignInRequired}.items():
        with pytest.raises(kind):
            kept.run(removal.contents, who)
        with pytest.raises(kind):
            remove_sample(kept.owner_url, kept.person(who), name=NAME)
    ada = kept.person("Ada")
    backed_up(kept, "2 hours")
    with pytest.raises(InvalidInput, match="No backup of the last hour is verified"):
        remove_sample(kept.owner_url, ada, name=NAME)
    backed_up(kept)
    for typed in ("", "canyon sneakers"):
        with pytest.raises(InvalidInput, match="That is not the name of the shop; nothing was changed"):
            remove_sample(kept.owner_url, ada, name=typed)
    assert variants(kept) == 378


def test_tables_that_others_use_are_not_replaced(kept: Shop) -> None:
    backed_up(kept, "5 minutes")
    kept.sql("create view public.shelf as select sku, stock_quantity from public.product_variants")
    try:
        with pytest.raises(Refused, match=r"Others use the tables of this shop: .*shelf"):
            remove_sample(kept.owner_url, kept.person("Ada"), name=NAME)
    finally:
        kept.sql("drop view public.shelf")
    with pytest.raises(Refused, match="may not replace its tables"):
        remove_sample(kept.app_url, kept.person("Ada"), name=NAME)
    assert removal.obstacle(kept.owner_url) is None
    assert variants(kept) == 378


# ---------------------------------------------------------------- at the same time


def test_of_two_admins_who_press_at_once_one_removes_it_and_the_other_reads_who(sample: Shop) -> None:
    admins = [sample.person("Ada"), sample.person("Ada")]
    start = threading.Barrier(2)

    def press(who: Any) -> StockError | None:
        start.wait()
        try:
            remove_sample(sample.owner_url, who, name=NAME)
        except StockError as error:
            return error
        return None

    with ThreadPoolExecutor(2) as pressing:
        (refusal,) = [error for error in pressing.map(press, admins) if error]
    assert isinstance(refusal, InvalidInput)
    assert refusal.message == "Ada has already removed the sample data. Nothing was removed."
    shoe = sample.variant(2)
    with pytest.raises(InvalidInput):  # a page that was opened before cannot empty the new shop
        remove_sample(sample.owner_url, admins[0], name="My shop")
    assert sample.on_hand(shoe) == 2


def test_a_process_that_dies_in_the_middle_leaves_the_whole_sample(kept: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(connection: Connection) -> bool:
        build(connection)
        pid = connection.exec_driver_sql("select pg_backend_pid()").scalar_one()
        with psycopg.connect(libpq_url(kept.owner_url), autocommit=True) as other:
            other.execute("select pg_terminate_backend(%s)", [pid])
        return True

    ada = kept.person("Ada")
    backed_up(kept, "3 minutes")
    before = contents(kept)
    monkeypatch.setattr(removal, "build", die)
    with pytest.raises((StockError, psycopg.Error)):
        remove_sample(kept.owner_url, ada, name=NAME)
    assert contents(kept) == before


def test_a_job_in_progress_is_waited_for_and_none_starts_meanwhile(kept: Shop) -> None:
    backed_up(kept, "4 minutes")
    kept.run(job_runs.plan)
    kept.sql("insert into procrastinate.procrastinate_workers default values")
    run_id = kept.run(job_runs.begin, name="apply_inbox", worker="elsewhere")
    began: list[int | None] = []

    def wait(_: float) -> None:
        began.append(kept.run(job_runs.begin, name="expire_holds", worker="elsewhere"))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("core.sample.removal.time.sleep", wait)
        with pytest.raises(Unavailable, match=r"A job is running: .+ Nothing was changed"):
            remove_sample(kept.owner_url, kept.person("Ada"), name=NAME, wait=0.1)
    assert set(began) == {None}
    assert run_id is not None
    assert kept.run(job_runs.begin, name="expire_holds", worker="elsewhere") is not None
    assert variants(kept) == 378


@pytest.mark.slow
def test_people_and_a_worker_go_on_while_it_is_removed(
    sample: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name, seconds in {"LOOK": 0.05, "BEAT": 0.2, "RESCUE": 0.1, "AGAIN": 0.1}.items():
        monkeypatch.setattr(jobs, f"{name}_SECONDS", seconds)
    monkeypatch.setattr(job_round, "RETRY_SECONDS", 0.01)
    sample.engine.dispose()
    sample.engine = create_engine(sample.app_url)
    wanda, mia = sample.person("Wanda"), sample.person("Mia")
    shoe = sample.sql("select id from product_variants where stock_quantity > 50 limit 1")
    over, surprises = threading.Event(), list[BaseException]()

    def work() -> None:
        while not over.wait(0.02):  # people read for a moment; without it three of them keep both cores busy
            try:
                sample.run(reports.levels, mia, filter=LevelFilter(), sort=LevelSort.SKU, limit=50)
                sample.run(ledger.receive, wanda, lines=[Line(variant_id=shoe, quantity=1)], key=key())
            except StockError:
                pass
            except BaseException as error:
                surprises.append(error)

    with working(sample.engine), ThreadPoolExecutor(3) as people:
        until(lambda: sample.sql("select count(*) from stockroom.job_runs where outcome in ('done', 'idle')"))
        for _ in range(3):
            people.submit(work)
        try:
            remove_sample(sample.owner_url, sample.person("Ada"), name=NAME)
            sample.run(job_runs.ask, "Ada", name="apply_inbox")
            until(lambda: sample.sql("select count(*) from stockroom.job_runs where ended_at is not null"))
        finally:
            over.set()
    assert surprises == []
    assert caplog.text.count("The worker failed") <= 1  # then it has new connections
    assert sample.sql("select count(*) from stock_movements") == 0
