"""Reads go to a real streaming replica, and nobody sees an older state than before: frozen, lost, promoted or not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, text

from core.alerts.reads import AlertFilter
from core.database import engine as database
from core.database import replicas, standby
from core.database.reading import read_only
from core.database.standby import Standing
from core.foundation.errors import SignInRequired
from core.foundation.model import COMMAND_LINE, Actor, Line
from core.health import metrics
from core.ledger import changes, reports
from core.ledger.level_filter import LevelFilter, LevelSort
from core.ledger.movements import MovementFilter
from core.people import accounts
from core.proof import checks
from core.proof import reads as proof_reads
from core.proof import runs as proof
from core.reports import files as report_files
from core.reports import menu
from core.reports.model import Filter
from core.reports.periods import Span, period_of
from core.screens import exports, files
from core.screens import stock as screens
from core.screens.files import Format
from core.screens.lists import LISTS
from tests.conftest import prepare
from tests.stripe.shop import Stripe
from tests.support.builders import PastLine, Shop, key
from tests.support.servers import Server
from tests.support.shared.standby import Standby, start_primary, start_standby

pytestmark = pytest.mark.slow  # it starts servers


@pytest.fixture(scope="module")
def pair(server: Server) -> Iterator[tuple[Shop, Standby]]:
    """A shop with a past on a primary of this version, and its replica."""
    primary = start_primary(server.major)
    try:
        prepare(primary.owner_url)
        shop = Shop.open(primary.url(user="stockroom_app"), primary.owner_url)
        fill(shop)
        follower = start_standby(primary)
        yield shop, follower
        shop.close()
        follower.server.stop()
    finally:
        primary.stop()


def fill(shop: Shop) -> None:
    """Post, sell, refund and dispute, also long enough ago that a read could keep the sums of those days."""
    shop.adjust(shop.variant(20, sku="A-1", price=Decimal("19.90")), -2)
    stripe = Stripe(shop)
    paid = stripe.pay("A-1", 2, buyer={"email": "pat@example.com", "name": "Pat"})
    stripe.pay("A-1", 30)
    stripe.account.refund(payment_intent=paid["id"], amount=500)
    stripe.account.dispute(paid["latest_charge"])
    stripe.webhook()
    stripe.work()
    long_ago = datetime.now(UTC) - timedelta(days=80)
    shop.post_past(PastLine(variant_id=shop.variant(), quantity=7, occurred_at=long_ago))


@pytest.fixture
def shop(pair: tuple[Shop, Standby], monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """The shop, whose process has the replica in its settings. The replica answers, and is not asked with haste."""
    shop, follower = pair
    monkeypatch.setenv("STOCKROOM_READ_URL", follower.url("stockroom"))
    monkeypatch.setattr(replicas, "PATIENCE", 20.0)
    monkeypatch.setattr(standby, "SHORTEST_PAUSE", 0.05)
    replicas.close()
    yield shop
    replicas.close()


@pytest.fixture
def follower(pair: tuple[Shop, Standby]) -> Standby:
    """The replica."""
    return pair[1]


@read_only
def place(connection: Connection, _: Actor) -> str:
    return "replica" if connection.execute(text("select pg_is_in_recovery()")).scalar_one() else "primary"


@read_only
def on_hand(connection: Connection, actor: Actor, *, variant_id: UUID) -> tuple[str, int]:
    return place(connection, actor), reports.level(connection, actor, variant_id=variant_id).on_hand


def five_fewer(variant_id: UUID) -> dict[str, Any]:
    return {"lines": [Line(variant_id=variant_id, quantity=-5)], "reason": "stock_decrease", "key": key()}


def look(shop: Shop, actor: Actor, variant_id: UUID) -> tuple[str, int]:
    return replicas.run(shop.engine, on_hand, actor, variant_id=variant_id)


def state(shop: Shop) -> Standing:
    (found,) = replicas.standings(shop.engine)
    return found


def until(shop: Shop, why_not: str | None) -> Standing:
    """Wait until the replica stands like this, asking as people do."""
    deadline = time.monotonic() + 60
    while (found := state(shop)).why_not != why_not:
        assert time.monotonic() < deadline, found
        time.sleep(0.02)
    return found


def test_every_list_report_and_file_is_read_from_the_replica(shop: Shop, tmp_path: Path) -> None:
    ada, period, wanted = shop.person("Ada"), period_of(Span.QUARTER, datetime.now(UTC).date()), Filter()
    walked: list[Callable[[], Any]] = []

    def walk(operation: Callable[..., Any], **values: Any) -> None:
        walked.append(partial(replicas.run, shop.engine, operation, ada, **values))

    for name in LISTS:
        walk(files.write_list, name=name, format=Format.CSV, path=tmp_path / name)
    for name in menu.REPORTS:
        walk(menu.run, name=name, period=period, filter=wanted)
    walk(report_files.write, name="movers", period=period, filter=wanted, format=Format.CSV)
    walk(exports.movements_csv, filter=MovementFilter())
    walk(exports.movements_parquet, filter=MovementFilter())
    walk(exports.levels_csv, filter=LevelFilter(), sort=LevelSort.PRODUCT)
    walk(exports.levels_xlsx, filter=LevelFilter(), sort=LevelSort.PRODUCT)
    walk(exports.alerts_csv, filter=AlertFilter())
    walk(files.write_all, folder=tmp_path / "all")
    walk(files.write_zip, path=tmp_path / "all.zip")
    walk(screens.overview, days=30)
    walk(screens.ledger, filter=MovementFilter(), cursor=None, limit=50)
    for number, read in enumerate(walked, start=1):
        read()
        assert state(shop).reads == number, read
    assert replicas.incapable() == frozenset()


def test_a_person_who_posts_never_sees_the_old_number_while_the_replica_is_frozen(
    shop: Shop, follower: Standby, monkeypatch: pytest.MonkeyPatch
) -> None:
    variant = shop.variant(9)
    wanda, sam = shop.person("Wanda"), shop.person("Sam")
    assert look(shop, wanda, variant) == ("replica", 9)
    monkeypatch.setattr(replicas, "PATIENCE", 0.01)
    follower.freeze()
    try:
        replicas.run(shop.engine, changes.adjust, wanda, **five_fewer(variant))
        assert follower.sql(f"select stock_quantity from product_variants where id = '{variant}'", "stockroom") == 9
        assert look(shop, wanda, variant) == ("primary", 4)
        assert look(shop, sam, variant) == (
            "primary",
            4,
        )  # nor may a live page that is drawn again
        found = until(shop, standby.LATE)
        assert found.lag_bytes
    finally:
        follower.thaw()
    until(shop, None)
    monkeypatch.setattr(replicas, "PATIENCE", 20.0)
    assert look(shop, wanda, variant) == ("replica", 4)


def test_what_another_process_posted_is_seen_a_moment_later(
    shop: Shop, follower: Standby, monkeypatch: pytest.MonkeyPatch
) -> None:
    variant = shop.variant(9)
    wanda = shop.person("Wanda")
    assert look(shop, wanda, variant) == ("replica", 9)
    monkeypatch.setattr(replicas, "PATIENCE", 0.01)
    follower.freeze()
    try:
        database.insist(shop.engine, changes.adjust, wanda, "posted", **five_fewer(variant))
        time.sleep(replicas.MOMENT)
        assert look(shop, wanda, variant) == ("primary", 4)
    finally:
        follower.thaw()
    until(shop, None)


def test_a_person_who_was_signed_out_reads_nothing_from_a_frozen_replica(
    shop: Shop, follower: Standby, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = shop._sign_in("Mia")
    replicas.run(shop.engine, screens.ledger_choices, person)
    monkeypatch.setattr(replicas, "PATIENCE", 0.01)
    follower.freeze()
    try:
        replicas.run(shop.engine, accounts.end_sessions, person)
        with pytest.raises(SignInRequired):
            replicas.run(shop.engine, screens.ledger_choices, person)
    finally:
        follower.thaw()
    until(shop, None)


def test_a_lost_replica_costs_nobody_an_answer_and_comes_back(shop: Shop, follower: Standby) -> None:
    ada = shop.person("Ada")
    assert replicas.run(shop.engine, place, ada) == "replica"
    follower.stop()
    assert replicas.run(shop.engine, place, ada) == "primary"
    found = until(shop, standby.LOST)
    assert (found.lag_bytes, found.losses) == (None, 1)
    told = metrics.exposition(shop.engine).decode()
    assert 'stockroom_process_replica_up{replica="replica 1"} 0.0' in told
    assert str(follower.server.folder) not in told + repr(found)
    follower.start()
    until(shop, None)
    assert replicas.run(shop.engine, place, ada) == "replica"


def test_a_marked_operation_that_writes_is_answered_by_the_primary_and_named(shop: Shop) -> None:
    @read_only
    def writes(connection: Connection, _: Actor) -> str:
        connection.execute(text("create temp table noted (at int) on commit drop"))
        return "primary"

    assert replicas.run(shop.engine, writes, COMMAND_LINE) == "primary"
    assert [name.rpartition(".")[2] for name in replicas.incapable()] == ["writes"]
    assert state(shop).why_not is None


def test_a_read_that_the_replica_must_end_is_answered_by_the_primary(shop: Shop, follower: Standby) -> None:
    shop.sql("create table if not exists public.doomed (n int)")
    shop.sql("grant select on public.doomed to stockroom_app")
    ada = shop.person("Ada")

    @read_only
    def long_read(connection: Connection, actor: Actor) -> str:
        where = place(connection, actor)
        if where == "replica":
            connection.execute(text("select count(*) from public.doomed"))
            shop.sql("drop table public.doomed")  # the replica must take its lock away from this read
            connection.execute(text("select pg_sleep(30)"))
        return where

    assert replicas.run(shop.engine, long_read, ada) == "primary"
    assert state(shop).conflicts == 1


def test_the_full_proof_reads_the_replica_and_its_head_is_that_of_the_primary(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = []

    def noted(connection: Connection, actor: Actor, **values: Any) -> tuple[checks.CheckResult, ...]:
        where.append(place(connection, actor))
        return checks.run_checks(connection, actor, **values)

    monkeypatch.setattr(proof, "run_checks", noted)
    done = proof.prove(shop.engine, None, COMMAND_LINE)
    assert where == ["replica"] * len(checks.CODES)
    recorded = database.run(shop.engine, proof_reads.whole_run, COMMAND_LINE, run_id=done.id)
    assert recorded is not None
    assert recorded.run.head_hash == shop.sql("select encode(stockroom_api.ledger_head(), 'hex')")
    shop.sql("alter table public.stock_movements disable trigger all")
    shop.sql("update public.stock_movements set note = 'forged' where variant_sequence = 1")
    assert not proof.prove(shop.engine, None, COMMAND_LINE, codes=("R2",)).holds
    assert where.pop() == "replica"
    proof.prove(shop.engine, None, COMMAND_LINE, codes=("R2",), full=False)
    assert where.pop() == "primary"


def test_a_promoted_replica_is_no_longer_read(shop: Shop, follower: Standby) -> None:
    ada = shop.person("Ada")
    assert replicas.run(shop.engine, place, ada) == "replica"
    follower.promote()
    time.sleep(replicas.MOMENT)
    replicas.run(shop.engine, reports.shop, ada)
    until(shop, standby.PROMOTED)
    with suppress(SignInRequired):
        assert replicas.run(shop.engine, place, ada) == "primary"
