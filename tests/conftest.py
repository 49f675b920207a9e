"""A real PostgreSQL for every test that needs one.

All tests run on the embedded 18. What depends on the version runs on every installed server as well.

`make test` runs in three processes. Each has its own servers, and a file of tests stays in one of them.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from itertools import zip_longest
from typing import TypeVar

import psycopg
import pytest

from core.database.migrate import OLDEST_SERVER, migrate
from core.sample.load import load_sample
from dashboard.language.reader import ENGLISH, reading
from tests.support.builders import ZONE, Shop
from tests.support.servers import (
    EMBEDDED_MAJOR,
    Server,
    administer,
    drop_database,
    has_pgbouncer,
    start_embedded,
    start_system,
    system_majors,
)
from tests.support.shared.databases import Kept
from tests.support.shared.hashing import weaken

# What depends on the server's version: the ledger, migrations, rights, backups, and what reads the catalogue of a
# database. Of what is built on the ledger, the tests that between them call its functions; refusals and combinations
# run the same statements again. All other tests run on the embedded server alone; a test of its own finds a function
# in their SQL that an older server does not have (tests/core/database/test_every_server.py).
# A folder, a file, or a file and the beginning of a test's name.
EVERY_SERVER = (
    "tests/core/adoption/test_adopt.py::test_a_history_with_serial_ids",
    "tests/core/adoption/test_adopt.py::test_a_shop_keeps_every_row",
    "tests/core/adoption/test_adopt.py::test_an_adopted_database_has_the_schema",
    "tests/core/adoption/test_adopt.py::test_calls_by_other_names",
    "tests/core/adoption/test_around.py::test_a_publication",
    "tests/core/adoption/test_around.py::test_an_account_without_superuser_rights",
    "tests/core/adoption/test_around.py::test_everything_is_as_it_was_after_undo",
    "tests/core/adoption/test_around.py::test_reading_may_continue",
    "tests/core/adoption/test_doors.py::test_a_door_of_another_account",
    "tests/core/adoption/test_doors.py::test_doors_of_every_kind",
    "tests/core/adoption/test_doors.py::test_undo_is_to_the_letter",
    "tests/core/alerts/test_shared_codes.py",
    "tests/core/backups/test_backups.py",
    "tests/core/backups/test_ledger_file.py",
    "tests/core/backups/test_real_shop.py",
    "tests/core/catalog/test_editing.py::test_a_manager_edits_every_field",
    "tests/core/catalog/test_editing.py::test_a_renamed_sku_stays",
    "tests/core/catalog/test_editing_adopted.py::test_a_variant_of_the_moved_shop",
    "tests/core/catalog/test_codes.py::test_a_catalogue_brings_no_code_twice",
    "tests/core/catalog/test_codes.py::test_a_number_is_found",
    "tests/core/catalog/test_extra_columns.py::test_a_new_product_of_the_moved_shop",
    "tests/core/catalog/test_variant_changes.py::test_a_file_that_names_a_former_sku",
    "tests/core/catalog/test_variant_changes.py::test_what_a_file_adds",
    "tests/core/catalog/test_extra_columns.py::test_values_are_cast",
    "tests/core/counts/test_applying.py",
    "tests/core/counts/test_given_up.py",
    "tests/core/counts/test_people.py",
    "tests/core/deliveries/test_deliveries.py",
    "tests/core/database",
    "tests/core/foundation/test_days.py",
    "tests/core/foundation/test_folded.py",
    "tests/core/reports/test_charts.py::test_a_chart_shows_the_sums",
    "tests/core/inbox/test_applying.py",
    "tests/core/inbox/test_doubles.py::test_the_case_ends_when_one",
    "tests/core/inbox/test_doubles.py::test_the_same_order_number",
    "tests/core/inbox/test_refunds_end_cases.py::test_a_failed_refund",
    "tests/core/inbox/test_refunds_end_cases.py::test_an_order_refunded_in_full",
    "tests/core/ledger",
    "tests/core/orders/test_decided_once.py::test_a_discount_is_shared",
    "tests/core/orders/test_decided_once.py::test_of_two_people_who_decide_at_once",
    "tests/core/orders/test_decided_once.py::test_support_takes_its_own_decision_back",
    "tests/core/orders/finding/test_finding.py",
    "tests/core/orders/goods/test_inspection.py::test_units_in_inspection",
    "tests/core/orders/test_guesses.py::test_the_possible_readings",
    "tests/core/orders/test_lines.py",
    "tests/core/orders/test_lines_at_random.py",
    "tests/core/orders/test_meanings.py::test_a_bundle_given_later",
    "tests/core/orders/test_meanings.py::test_a_bundle_takes_its_parts",
    "tests/core/orders/test_meanings.py::test_the_audit_says",
    "tests/core/orders/test_guesses.py::test_a_list_is_as_long_as_asked",
    "tests/core/orders/test_readings.py::test_an_admin_makes_a_reading",
    "tests/core/orders/test_readings.py::test_support_takes_one_reading",
    "tests/core/orders/test_reads.py",
    "tests/core/orders/test_refunds.py",
    "tests/core/orders/test_reopening.py::test_a_wrong_mapping_is_ended",
    "tests/core/orders/test_replaced_lines.py::test_sums_retries_and_searches",
    "tests/core/orders/test_returns.py",
    "tests/core/orders/test_unclear_codes.py::test_support_chooses_a_variant",
    "tests/core/people/test_rights.py",
    "tests/core/proof/test_checks.py",
    "tests/core/proof/test_stock_movers.py",
    "tests/core/replenishment",
    "tests/core/reports/test_built.py",
    "tests/core/scanning/test_taking.py",
    "tests/core/sheets/test_history_again.py",
    "tests/core/storefront/test_changes.py::test_a_changed_cart",
    "tests/core/storefront/test_changes.py::test_two_tabs_at_once",
    "tests/core/storefront/test_contract.py",
    "tests/core/storefront/test_everyday.py",
    "tests/core/storefront/test_levels.py",
    "tests/core/storefront/test_one_order_two_paths.py",
    "tests/core/valuation/test_average.py",
    "tests/core/valuation/test_month.py::test_a_month_adds_up",
    "tests/core/valuation/test_month.py::test_kept_months",
    "tests/core/valuation/test_month.py::test_what_comes",
    "tests/core/views/test_saved.py",
    "tests/core/views/test_mails.py::test_a_day_has_one_mail",
    "tests/core/views/test_mails.py::test_a_worker_that_dies",
    "tests/core/views/test_mails.py::test_monday_morning",
)
# The longest first, so that no process waits for the others at the end.
LONGEST = ("tests/races", "tests/stateful", "tests/dashboard/large", "tests/dashboard/outside", "tests/core/database",
           "tests/house", "tests/dashboard/door", "tests/core/jobs", "tests/core/sample")  # fmt: skip
pytest_plugins = [f"tests.support.shared.{name}" for name in ("adopting", "answers", "collecting")]
Prepared = TypeVar("Prepared")
MAJORS = [EMBEDDED_MAJOR, *(major for major in system_majors() if OLDEST_SERVER <= major < EMBEDDED_MAJOR)]
SAMPLE_AT = datetime(2026, 3, 31, 15, 30, tzinfo=UTC)
"""When the sample of the tests ends: two days after the clock change in Berlin."""
SAMPLE_DAYS = 13
"""The days of the sample of the tests: enough for one of everything."""
_running: dict[int, Server] = {}
_free: dict[Server, list[Kept]] = {}


weaken()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer a quicker run, for `make check`."""
    parser.addoption("--one-server", action="store_true", help="run every test on the embedded server alone")


@pytest.fixture(autouse=True)
def _the_reader_is_known() -> Iterator[None]:
    """Outside of a page, a text would ask the session for its reader, in the database of this machine's own shop."""
    with reading(ENGLISH):
        yield


def pytest_report_header() -> str:
    """Say which servers the database tests run on."""
    servers = [f"PostgreSQL {major} ({'embedded' if major == EMBEDDED_MAJOR else 'installed'})" for major in MAJORS]
    return f"database tests run on: {', '.join(servers)}; PgBouncer: {'yes' if has_pgbouncer() else 'not installed'}"


def _server(major: int) -> Server:
    if major not in _running:
        _running[major] = start_embedded() if major == EMBEDDED_MAJOR else start_system(major)
        prepare(_running[major].owner_url)
    return _running[major]


def prepare(owner_url: str) -> None:
    """Migrate a database and put its shop into the tests' time zone."""
    migrate(owner_url)
    with psycopg.connect(owner_url.replace("+psycopg", "")) as connection:
        connection.execute("update stockroom.shop set zone = %s", [ZONE])


@pytest.fixture(scope="session", autouse=True)
def _stop_servers() -> Iterator[None]:
    yield
    for kept in (kept for free in _free.values() for kept in free):
        kept.close()
    for server in _running.values():
        server.stop()


@pytest.fixture(scope="session")
def embedded() -> Server:
    """The embedded server, for tests of which one engine is enough (pages, browser)."""
    return _server(EMBEDDED_MAJOR)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what depends on the server's version on every server, and the rest on the embedded one."""
    if "server" in metafunc.fixturenames:
        path = metafunc.definition.path.relative_to(metafunc.config.rootpath).as_posix()
        is_volume = metafunc.definition.get_closest_marker("volume") is not None
        name = f"{path}::{metafunc.function.__name__}"
        is_enough = is_volume or metafunc.config.getoption("one_server") or not name.startswith(EVERY_SERVER)
        majors = MAJORS[:1] if is_enough else MAJORS
        metafunc.parametrize("server", majors, indirect=True, ids=lambda major: f"pg{major}", scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest. Of two files one opens a browser, which alone keeps a core busy."""
    ranks = {folder: rank for rank, folder in enumerate(LONGEST)}
    files: dict[str, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.nodeid.partition("::")[0], []).append(item)

    def rank(file: str) -> int:
        return min((ranks[folder] for folder in LONGEST if file.startswith(folder)), default=len(LONGEST))

    browsing = [file for file in files if file.startswith("tests/browser")]
    others = sorted((file for file in files if file not in browsing), key=rank)
    pairs = [file for pair in zip_longest(browsing, others) for file in pair if file is not None]
    items[:] = [item for file in pairs for item in files[file]]


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Server:
    """The server that `pytest_generate_tests` chose for this test."""
    return _server(request.param)


@pytest.fixture(scope="session")
def supabase_server(server: Server) -> Iterator[Server]:
    """A server of the same release as `server`, whose roles may be meddled with.

    On the shared one, a role of the storefront that is created later makes every copy of a shop lack its rights.
    """
    started = start_embedded() if server.major == EMBEDDED_MAJOR else start_system(server.major)
    yield started
    started.stop()


@pytest.fixture(scope="session")
def shop(server: Server) -> Iterator[Shop]:
    """A migrated shop that tests share: they use variants of their own and clean nothing."""
    opened = Shop.open(server.url(user="stockroom_app"), server.owner_url)
    yield opened
    opened.close()


@pytest.fixture
def fresh_shop(server: Server) -> Iterator[Shop]:
    """A migrated shop of its own, for tests that look at the whole database."""
    yield from open_fresh(server)


@pytest.fixture
def embedded_shop(embedded: Server) -> Iterator[Shop]:
    """A shop of its own on the embedded server."""
    yield from open_fresh(embedded)


def open_fresh(server: Server) -> Iterator[Shop]:
    """Copy the migrated, still empty database, or take one that an earlier test has used and that was emptied."""
    free = _free.setdefault(server, [])
    kept = free.pop() if free else _new(server)
    yield kept.shop(server.url(kept.name, "stockroom_app"), server.url(kept.name))
    if kept.renewed():
        free.append(kept)
    else:
        kept.close()
        drop_database(server, kept.name)


def _new(server: Server) -> Kept:
    name = _copy(server, _template(server))
    return Kept.of(name, Shop.open(server.url(name, "stockroom_app"), server.url(name)))


def open_sample(server: Server) -> Iterator[Shop]:
    """Copy a database with the sample shop and drop the copy at the end."""
    yield from _open_copy(server, _sample(server))


def open_prepared(server: Server, prepare: Callable[[Shop], Prepared]) -> Iterator[tuple[Shop, Prepared]]:
    """Copy a database that `prepare` filled, once for each server, and pass on what it returned."""
    template, returned = _prepared(server, prepare)
    for shop in _open_copy(server, template):
        yield shop, returned


def _copy(server: Server, template: str) -> str:
    name = f"shop_{uuid.uuid4().hex[:12]}"
    administer(server, f"create database {name} template {template} strategy file_copy")
    return name


def _open_copy(server: Server, template: str) -> Iterator[Shop]:
    name = _copy(server, template)
    opened = Shop.open(server.url(name, "stockroom_app"), server.url(name))
    yield opened
    opened.close()
    drop_database(server, name)


@lru_cache
def _template(server: Server) -> str:
    administer(server, "create database empty_shop")
    prepare(server.url("empty_shop"))
    return "empty_shop"


@lru_cache
def _sample(server: Server) -> str:
    return _prepared(server, lambda shop: load_sample(shop.engine, SAMPLE_AT, days=SAMPLE_DAYS))[0]


@lru_cache
def _prepared(server: Server, prepare: Callable[[Shop], Prepared]) -> tuple[str, Prepared]:
    name = f"prepared_{uuid.uuid4().hex[:12]}"
    administer(server, f"create database {name} template {_template(server)} strategy file_copy")
    opened = Shop.open(server.url(name, "stockroom_app"), server.url(name))
    returned = prepare(opened)
    opened.close()
    return name, returned
