"""A recent proof finds each fault that was written after the last full one, exactly as a full proof would."""

# ruff: noqa: E501 - the planted statements are tables

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from core.alerts import handling
from core.foundation.model import COMMAND_LINE, Line
from core.ledger import changes as ledger
from core.proof import checks, words
from core.proof import runs as proof
from tests.conftest import open_prepared
from tests.support.builders import Shop, key
from tests.support.selling import Sale, case_of, sell, tell_refund
from tests.support.servers import Server

WINDOWED = ("R4", "R5", "R6", "R7", "R13")
LINE = "(select id from stockroom.order_lines order by id offset {n} % (select count(*) from stockroom.order_lines) limit 1)"
ORDER = "(select id from stockroom.orders order by id offset {n} % (select count(*) from stockroom.orders) limit 1)"
STEP = """(variant_id, sequence, place) = (select variant_id, sequence, place from stockroom.cost_steps order by variant_id, sequence, place
          offset {n} % (select count(*) from stockroom.cost_steps) limit 1)"""
SOLD = (
    "(select movement_id from stockroom.order_lines where movement_id is not null order by id offset {n} % 5 limit 1)"
)
WRITES = (
    f"update stockroom.order_lines set quantity = quantity + 1 where id = {LINE}",
    f"update stockroom.order_lines set taken = taken - 1, oversold = 1 where id = {LINE} and taken > 0",
    f"update stockroom.order_lines set unit_price = unit_price + 500 where id = {LINE}",
    f"update stockroom.order_lines set movement_id = null where id = {LINE}",
    f"update stockroom.order_lines set state = 'failed', quantity = quantity + 1 where id = {LINE}",
    f"update stockroom.order_lines set state = 'replaced', position = -id, taken = 0, oversold = 0 where id = {LINE}",
    "update stockroom.order_lines set state = 'replaced', position = -id, taken = 0 where part_of is not null",
    f"update stockroom.order_lines set restored = 1 where id = {LINE} and taken > 0",
    f"update stockroom.order_lines set name = 'as before' where id = {LINE}",
    f"update stockroom.order_lines set state = 'bundle', taken = 0, oversold = 0 where id = {LINE}",
    f"""insert into stockroom.order_lines (order_id, position, code, quantity, unit_price, state)
        select {ORDER}, 90 + {{n}} % 7, 'X', 1, 100, 'taken' where not exists (
            select from stockroom.order_lines x where x.order_id = {ORDER} and x.position = 90 + {{n}} % 7)""",
    f"insert into stockroom.order_line_movements values ({SOLD}, {LINE}) on conflict do nothing",
    f"update stockroom.orders set amount = amount + 700 where id = {ORDER}",
    f"update stockroom.orders set difference = 250 where id = {ORDER}",
    f"update stockroom.orders set extras = null where id = {ORDER}",
    f"update stockroom.orders set charge_id = (select payment_id from stockroom.orders x where x.id = {ORDER}) where id = {ORDER.replace('{n}', '{m}')}",
    f"update stockroom.orders set session_id = 'cs_one' where id in ({ORDER}, {ORDER.replace('{n}', '{m}')})",
    "update stockroom.alerts set state = 'open', resolved_at = null where cause like 'cart:%'",
    "update stockroom.alerts set state = 'resolved', resolved_at = now()",
    """insert into stockroom.refunds (refund_id, amount, currency, status, refunded_at, received_at, told_at)
       values ('re_{n}', 1, 'usd', 'succeeded', now() - interval '20 days', now() - interval '20 days', now()) on conflict do nothing""",
    "update stockroom.refunds set refunded_at = now() - interval '30 days', received_at = now() - interval '30 days'",
    f"update stockroom.cost_steps set average = coalesce(average, 0) + 1 where {STEP}",
    f"update stockroom.cost_steps set on_hand = on_hand + 1 where {STEP}",
    f"update stockroom.cost_steps set digits = digits where {STEP}",
    """insert into stockroom.cost_steps select variant_id, sequence + 1000, place, kind, source, unit_cost, average, on_hand, digits,
       operation_id, performed_by, note, at from stockroom.cost_steps order by variant_id limit 1 on conflict do nothing""",
    """delete from stockroom.cost_steps where sequence > 1
       and variant_id = (select id from product_variants where sku = 'OLD')""",
)  # fmt: skip
BUNDLED = """
    with bundle as (
        insert into stockroom.order_lines (order_id, position, code, quantity, state)
        select l.order_id, 50, 'SET', 1, 'bundle' from stockroom.order_lines l where l.code = 'IDLE' returning id, order_id)
    update stockroom.order_lines l set part_of = b.id from bundle b where b.order_id = l.order_id and l.code = 'IDLE'"""


def trade(shop: Shop) -> None:
    """Sell, with an odd cart that a person settled and a refund, and verify everything; then sell more."""
    shop.sql("update stockroom.stripe_link set live_since = now() - interval '30 days'")
    old = shop.variant(50, sku="OLD", unit_cost=20)
    shop.variant(50, sku="IDLE", unit_cost=10)
    odd = Sale(lines=[("OLD", 1)], more={"difference": 300, "amount": 1300, "why": "it does not add up"})
    sell(shop, Sale(lines=[("OLD", 2), ("IDLE", 1)]), Sale(lines=[("OLD", 1)]), odd)
    shop.run(handling.resolve, "Mia", alert_ids=[case_of(shop, odd)], reason="A gift card")
    sell(shop, Sale(lines=[("RARE", 1)]))  # waits with an open case
    shop.sql(BUNDLED)
    assert proof.prove(shop.engine, None, COMMAND_LINE).holds
    shop.run(ledger.receive, lines=[Line(variant_id=old, quantity=3)], key=key())
    shop.variant(9, sku="NEW", unit_cost=30)
    later = Sale(lines=[("NEW", 2), ("OLD", 1)])
    sell(shop, later, Sale(lines=[("NEW", 1)]))
    tell_refund(shop, later)


@pytest.fixture(scope="module")
def traded(server: Server) -> Iterator[Shop]:
    """A shop that sold before and after its last full proof."""
    for shop, _ in open_prepared(server, trade):
        yield shop


def faults(connection: Connection, *, full: bool, codes: Sequence[str] = WINDOWED) -> dict[str, tuple[str, ...]]:
    results = checks.run_checks(connection, COMMAND_LINE, codes=codes, full=full)
    assert full or all(result.since for result in results)
    return {result.code: result.examples for result in results}


def test_a_shop_that_only_sold_passes_both(traded: Shop) -> None:
    assert proof.prove(traded.engine, None, COMMAND_LINE, full=False).holds


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    writes=st.lists(st.tuples(st.sampled_from(WRITES), st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=4)
)
def test_whatever_was_written_since_a_recent_proof_finds_what_a_full_one_finds(
    traded: Shop, writes: list[tuple[str, int, int]]
) -> None:
    with traded.owner.connect() as connection:
        connection.exec_driver_sql("set local session_replication_role = replica")
        for statement, n, m in writes:
            with_numbers = statement.replace("{n}", str(n)).replace("{m}", str(m))
            save = connection.begin_nested()
            try:
                connection.execute(text(with_numbers))
                save.commit()
            except IntegrityError:  # such as a second line with the same movement
                save.rollback()
        assert faults(connection, full=False) == faults(connection, full=True)
        connection.rollback()


def test_what_was_written_during_the_full_proof_is_in_the_next_recent_one(server: Server) -> None:
    for shop, _ in open_prepared(server, trade):
        with shop.owner.begin() as connection:
            connection.exec_driver_sql("update stockroom.orders set amount = amount + 700")
            shop.variant(1)  # a later transaction that ends before the proof begins
            assert proof.prove(shop.engine, None, COMMAND_LINE).holds
        with shop.owner.begin() as connection:
            assert len(faults(connection, full=False, codes=["R5"])["R5"]) == 6


def test_without_a_full_proof_of_this_server_a_recent_one_checks_everything(server: Server) -> None:
    for shop, _ in open_prepared(server, trade):
        shop.sql("alter table stockroom.proof_runs disable trigger proof_runs_append_only")
        shop.sql("update stockroom.proof_runs set server = server + 1")
        results = proof.prove(shop.engine, None, COMMAND_LINE, full=False, codes=WINDOWED).results
        assert [result.since for result in results] == [None] * len(WINDOWED)
        assert [result.checked for result in results] == [9, 6, 1, 6, 4]


def test_a_recent_check_says_after_which_proof_it_looked_and_how_far(traded: Shop) -> None:
    results = {each.code: each for each in proof.prove(traded.engine, None, COMMAND_LINE, full=False).results}
    ended_at = traded.sql("select ended_at from stockroom.proof_runs where is_full order by id desc limit 1")
    assert {code for code, each in results.items() if each.since} == set(words.RECENT)
    assert {results[code].since for code in WINDOWED} == {ended_at}
    assert [results[code].checked for code in WINDOWED] == [4, 2, 1, 2, 2]
