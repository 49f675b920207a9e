"""Migrations: repeated, at the same time, without a superuser, and with a sentence where they are impossible."""

from __future__ import annotations

import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, NullPool

from core.database import engine as database
from core.database import migrate
from core.foundation.errors import SetupError
from core.foundation.model import COMMAND_LINE, Line
from core.ledger import changes as ledger
from tests.support.builders import Shop, key
from tests.support.proof import assert_holds
from tests.support.servers import EMBEDDED_MAJOR, Server, start_embedded, start_system

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]


def execute(url: str, statement: str) -> Any:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else None


@pytest.fixture
def new_database(server: Server) -> Iterator[Callable[..., str]]:
    """Create empty databases, as with `create database shop owner ...`, and drop them at the end."""
    made: list[str] = []

    def make(owner: str = "postgres") -> str:
        made.append(f"new_{uuid.uuid4().hex[:10]}")
        execute(server.url("postgres"), f"create database {made[-1]} owner {owner}")
        return made[-1]

    yield make
    for name in made:
        execute(server.url("postgres"), f"drop database {name} with (force)")


@pytest.fixture(scope="module")
def untouched(server: Server) -> Iterator[Server]:
    """A server of the same version, without Stockroom's roles."""
    started = start_embedded() if server.major == EMBEDDED_MAJOR else start_system(server.major)
    yield started
    started.stop()


def migrate_in_processes(urls: list[str]) -> list[str]:
    """Migrate each URL in its own process, all at once, and return their outputs."""
    program = "import sys; from core.database.migrate import migrate; print(migrate(sys.argv[1]))"
    command = [sys.executable, "-c", program]
    running = [subprocess.Popen([*command, url], cwd=ROOT, stdout=subprocess.PIPE, text=True) for url in urls]
    said = [process.communicate(timeout=60)[0].strip() for process in running]
    assert [process.returncode for process in running] == [0] * len(urls)
    return said


def test_the_second_time_nothing_is_left_to_do_and_nothing_is_lost(server: Server, new_database: Any) -> None:
    name = new_database()
    assert migrate.migrate(server.url(name)) is True
    shop = Shop.open(server.url(name, "stockroom_app"), server.url(name))
    variant = shop.variant(7)
    assert migrate.migrate(server.url(name)) is False
    assert shop.on_hand(variant) == 7
    shop.close()


def test_a_migration_that_meets_people_who_read_in_another_order_is_tried_again(
    server: Server, new_database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, met = server.url(new_database()), list[int]()
    rebuild = migrate._rebuild_functions

    def in_each_others_way(connection: sqlalchemy.Connection) -> bool:
        met.append(len(met))
        if len(met) < 3:
            connection.exec_driver_sql("do $$ begin raise exception 'deadlock' using errcode = '40P01'; end $$")
        return rebuild(connection)

    monkeypatch.setattr(migrate, "_rebuild_functions", in_each_others_way)
    assert migrate.migrate(url)
    assert met == [0, 1, 2]
    assert not migrate.migrate(url)


def test_two_processes_at_once_migrate_once(server: Server, new_database: Any) -> None:
    assert sorted(migrate_in_processes([server.url(new_database())] * 2)) == ["False", "True"]


def test_eight_threads_at_once_migrate_once(server: Server, new_database: Any) -> None:
    url = server.url(new_database())
    with ThreadPoolExecutor(8) as threads:
        done = list(threads.map(migrate.migrate, [url] * 8))
    assert sorted(done) == [False] * 7 + [True]


def test_a_shopkeeper_who_may_create_roles_needs_no_superuser(untouched: Server) -> None:
    execute(untouched.url("postgres"), "create role shopkeeper login createrole")
    execute(untouched.url("postgres"), "create database their_shop owner shopkeeper")
    theirs = untouched.url("their_shop", "shopkeeper")
    assert migrate.migrate(theirs) is True
    assert migrate.migrate(theirs) is False
    for user in ("stockroom_app", "shopkeeper"):
        shop = Shop.open(untouched.url("their_shop", user), untouched.url("their_shop"))
        variant = shop.variant(5)
        shop.adjust(variant, -2)
        assert shop.on_hand(variant) == 3
        shop.close()
    owners = execute(theirs, "select distinct tableowner from pg_tables where schemaname in ('public', 'stockroom')")
    assert owners == [("stockroom_owner",)]
    execute(untouched.url("postgres"), "create database second_shop owner shopkeeper")
    assert migrate.migrate(untouched.url("second_shop", "shopkeeper")) is True


@pytest.mark.parametrize("known", [False, True], ids=["roles are new", "roles are there, the account is new"])
def test_two_shops_on_one_server_can_be_set_up_at_the_same_time(untouched: Server, known: bool) -> None:
    """Roles belong to the server, so the lock in one database does not protect the other."""
    _forget_roles(untouched)
    names = ["shop_one", "shop_two"]
    execute(untouched.url("postgres"), "drop role if exists landlord; create role landlord login createrole")
    if known:
        execute(untouched.url("postgres"), "create role stockroom_owner; create role stockroom_app login")
        if untouched.major >= 16:
            grant = "grant stockroom_owner, stockroom_app to landlord with admin true, set false, inherit false"
            execute(untouched.url("postgres"), grant)
    for name in names:
        execute(untouched.url("postgres"), f"create database {name} owner landlord")
    engines = [sqlalchemy.create_engine(untouched.url(name, "landlord"), poolclass=NullPool) for name in names]
    with ThreadPoolExecutor(1) as other:
        with engines[0].begin() as first:
            migrate._create_roles(first)
            second = other.submit(_create_roles, engines[1])
            time.sleep(0.3)
        second.result(timeout=20)
    assert [migrate.migrate(untouched.url(name, "landlord")) for name in names] == [True, True]


def _create_roles(engine: Engine) -> None:
    with engine.begin() as connection:
        migrate._create_roles(connection)


def _forget_roles(server: Server) -> None:
    """Drop every shop and then the two roles."""
    names = execute(server.url("postgres"), "select datname from pg_database where datname ~ 'shop'")
    for (name,) in names:
        execute(server.url("postgres"), f"drop database {name} with (force)")
    execute(server.url("postgres"), "drop role if exists stockroom_app, stockroom_owner")


def test_an_account_without_rights_is_named_and_leaves_nothing_behind(server: Server, new_database: Any) -> None:
    name = new_database()
    execute(server.url("postgres"), "create role visitor login")
    try:
        with pytest.raises(SetupError) as refused:
            migrate.migrate(server.url(name, "visitor"))
    finally:
        execute(server.url("postgres"), "drop role visitor")
    said = str(refused.value)
    assert "'visitor' may not set up this database" in said
    assert "STOCKROOM_OWNER_URL" in said
    assert execute(server.url(name), "select count(*) from pg_namespace where nspname ~ '^stockroom'") == [(0,)]


def test_a_missing_database_gives_a_sentence_with_the_next_step(server: Server) -> None:
    with pytest.raises(SetupError, match=r"cannot be reached.*no_such_shop.*Check DATABASE_URL"):
        migrate.migrate(server.url("no_such_shop"))


@pytest.mark.parametrize("url", ["shop:s3cret@127.0.0.1:1/shop", "shop@127.0.0.1:1/shop?password=s3cret"])
def test_an_unreachable_server_gives_a_sentence_without_the_password(url: str) -> None:
    with pytest.raises(SetupError) as refused:
        migrate.migrate(f"postgres://{url}")
    assert "127.0.0.1:1/shop cannot be reached" in str(refused.value)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("number", [90_624, 140_012])
def test_a_server_that_is_too_old_is_refused_with_both_numbers(number: int) -> None:
    with pytest.raises(
        SetupError, match=f"This database is PostgreSQL {number // 10_000}; Stockroom needs 15 or newer"
    ):
        migrate.refuse_old_server(number)


@pytest.mark.parametrize("number", [150_000, 180_004, 190_000])
def test_a_server_that_is_new_enough_is_accepted(number: int) -> None:
    migrate.refuse_old_server(number)


def changed_sql(folder: Path, edit: Callable[[str], str]) -> list[Path]:
    """Copies of the SQL files, one of them edited."""
    for path in migrate._SQL_FILES:
        text = path.read_text(encoding="utf-8")
        copy = folder / path.parent.name / path.name
        copy.parent.mkdir(exist_ok=True)
        copy.write_text(edit(text) if "storefront" in path.name else text, encoding="utf-8")
    return sorted(folder.glob("*/*.sql"))


def test_functions_are_rebuilt_when_their_text_changes_and_only_then(
    fresh_shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    variant = fresh_shop.variant(3)
    files = changed_sql(tmp_path, lambda text: text.replace("'Storefront'", "'Web shop'"))
    with monkeypatch.context() as other_release:
        other_release.setattr(migrate, "_SQL_FILES", files)
        assert [migrate.migrate(fresh_shop.owner_url) for _ in range(2)] == [True, False]
    fresh_shop.sql("select public.update_variant_stock(:id, -1)", id=variant)
    assert migrate.migrate(fresh_shop.owner_url) is True
    fresh_shop.sql("select public.update_variant_stock(:id, -1)", id=variant)
    assert [row.performed_by for row in fresh_shop.history(variant)[1:]] == ["Web shop", "Storefront"]
    assert_holds(fresh_shop, variant)


def test_an_error_in_a_function_keeps_the_existing_functions(
    fresh_shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    variant = fresh_shop.variant(3)
    monkeypatch.setattr(migrate, "_SQL_FILES", changed_sql(tmp_path, lambda text: text + "create nonsense;"))
    with pytest.raises(Exception, match="nonsense"):
        migrate.migrate(fresh_shop.owner_url)
    fresh_shop.adjust(variant, -1)
    assert fresh_shop.on_hand(variant) == 2


def test_a_function_that_is_in_no_file_any_more_is_dropped(
    fresh_shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fresh_shop.sql("create function stockroom_api.left_over() returns int language sql as 'select 1'")
    monkeypatch.setattr(migrate, "_SQL_FILES", changed_sql(tmp_path, lambda text: text + "\n"))
    migrate.migrate(fresh_shop.owner_url)
    assert fresh_shop.sql("select to_regprocedure('stockroom_api.left_over()')") is None


def test_tables_triggers_and_checks_do_not_depend_on_what_is_rebuilt(fresh_shop: Shop) -> None:
    inventory = """select (select count(*) from pg_trigger where not tgisinternal),
                          (select count(*) from pg_constraint), (select count(*) from pg_attrdef),
                          (select count(*) from pg_class where relkind in ('r', 'i'))"""
    before = fresh_shop.rows(inventory)
    with fresh_shop.owner.connect() as connection:
        connection.exec_driver_sql("drop schema stockroom_api cascade")
        assert connection.exec_driver_sql(inventory).all() == before
        connection.rollback()


def test_the_dashboard_keeps_working_through_a_rebuild(
    fresh_shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Pooled connections have cached plans and names from before. These must not matter."""
    variant = fresh_shop.variant(100)
    for _ in range(8):
        fresh_shop.adjust(variant, -1)
    monkeypatch.setattr(migrate, "_SQL_FILES", changed_sql(tmp_path, lambda text: text + "\n"))
    assert migrate.migrate(fresh_shop.owner_url) is True
    line = Line(variant_id=variant, quantity=-1)
    database.run(fresh_shop.engine, ledger.adjust, COMMAND_LINE, lines=[line], reason="sample", key=key())
    assert fresh_shop.on_hand(variant) == 91
    assert_holds(fresh_shop, variant)


def test_the_apps_own_account_can_start_on_a_current_database(fresh_shop: Shop) -> None:
    assert migrate.migrate(fresh_shop.app_url) is False


def test_the_apps_own_account_cannot_migrate_and_the_error_names_the_setting(
    server: Server, new_database: Callable[..., str]
) -> None:
    with pytest.raises(SetupError, match="STOCKROOM_OWNER_URL"):
        migrate.migrate(server.url(new_database(), "stockroom_app"))


def test_a_database_of_a_newer_stockroom_is_refused_and_not_changed(fresh_shop: Shop) -> None:
    fresh_shop.sql("update stockroom.alembic_version set version_num = '9999'")
    with pytest.raises(SetupError, match="newer Stockroom"):
        migrate.migrate(fresh_shop.owner_url)


def test_the_newest_revision_is_the_one_with_the_highest_number() -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "core" / "migrations"))
    config.set_main_option("path_separator", "os")
    assert migrate.current_release()[0] == ScriptDirectory.from_config(config).get_current_head()
