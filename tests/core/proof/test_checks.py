"""The checks pass after everything the shop does, and find a planted fault exactly where it was planted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from core.foundation.errors import SignInRequired
from core.foundation.model import LevelLine
from core.ledger import changes as ledger
from core.ledger import reports
from core.proof import checks as reconciliation
from core.proof.checks import CheckResult
from tests.support.builders import Shop, key

REHASH = """
    with chained as (
        select id, stockroom.chain(stockroom.movement_text(variant_id, variant_sequence, sku, movement_type, reason,
                   quantity, quantity_before, quantity_after, operation_id, reference_type, reference_id, reverses_id,
                   performed_by, note, occurred_at, created_at), null) over (order by variant_sequence) as chain_hash
          from stock_movements where variant_id = :variant
    )
    update stock_movements m set chain_hash = c.chain_hash from chained c where c.id = m.id"""


def checks(shop: Shop) -> dict[str, CheckResult]:
    results: tuple[CheckResult, ...] = shop.run(reconciliation.run_checks, "Mia")
    return {result.code: result for result in results}


def found(shop: Shop) -> dict[str, tuple[str, ...]]:
    """The examples of each check that fails, after making sure that none is left out."""
    failing = {code: result for code, result in checks(shop).items() if not result.holds}
    assert all(result.failures == len(result.examples) for result in failing.values())
    return {code: result.examples for code, result in failing.items()}


def tamper(shop: Shop, statement: str, **values: object) -> None:
    """Change movements as only a superuser can: with the guard of the ledger switched off."""
    with shop.owner.begin() as connection:
        connection.execute(text("alter table stock_movements disable trigger stock_movements_append_only"))
        connection.execute(text(statement), values)
        connection.execute(text("alter table stock_movements enable trigger stock_movements_append_only"))


def traded(shop: Shop, sku: str) -> UUID:
    """A variant with a past of five movements: 20, -3, +2, -4, and counted at 15."""
    variant = shop.variant(20, sku=sku)
    for change in (-3, 2, -4):
        shop.adjust(variant, change)
    shop.run(ledger.set_level, "Wanda", lines=[LevelLine(variant_id=variant, target=15, seen=15)], key=key())
    return variant


@pytest.fixture
def pair(fresh_shop: Shop) -> tuple[UUID, UUID]:
    """Two variants with a past, so that a fault of the one must not show on the other."""
    return traded(fresh_shop, "FAULTY"), traded(fresh_shop, "SOUND")


def test_an_empty_shop_passes(fresh_shop: Shop) -> None:
    results = checks(fresh_shop)
    assert tuple(results) == reconciliation.CODES
    assert all(result.holds for result in results.values())


@pytest.mark.usefixtures("pair")
def test_a_working_shop_passes(fresh_shop: Shop) -> None:
    fresh_shop.variant()
    results = checks(fresh_shop)
    assert all(result.holds for result in results.values())
    assert [results[code].checked for code in ("R1", "R2", "R11")] == [3, 10, 2]


def test_an_edited_row_is_found(fresh_shop: Shop, pair: tuple[UUID, UUID]) -> None:
    edit = (
        "update stock_movements set performed_by = 'Somebody else' where variant_id = :variant and variant_sequence = 3"
    )
    tamper(fresh_shop, edit, variant=pair[0])
    movement = fresh_shop.history(pair[0])[2].id
    assert found(fresh_shop) == {"R2": (f"FAULTY, movement no. 3 (id {movement}): its hash does not follow",)}


def test_an_edited_quantity_is_found_in_the_balance_the_sum_and_the_day(
    fresh_shop: Shop, pair: tuple[UUID, UUID]
) -> None:
    edit = """update stock_movements set quantity = -2, quantity_after = quantity_before - 2
               where variant_id = :variant and variant_sequence = 2"""
    tamper(fresh_shop, edit, variant=pair[0])
    history = fresh_shop.history(pair[0])
    assert found(fresh_shop) == {
        "R1": ("FAULTY has 15 on hand, but its movements add up to 16, and the last one ends at 15",),
        "R2": (
            f"FAULTY, movement no. 2 (id {history[1].id}): its hash does not follow",
            f"FAULTY, movement no. 3 (id {history[2].id}): it does not begin where the one before it ended",
        ),
        "R11": (f"FAULTY on {today(fresh_shop)}: the daily units are wrong",),
    }


def test_a_deleted_middle_row_is_found_behind_the_gap(fresh_shop: Shop, pair: tuple[UUID, UUID]) -> None:
    tamper(
        fresh_shop, "delete from stock_movements where variant_id = :variant and variant_sequence = 3", variant=pair[0]
    )
    movement = fresh_shop.history(pair[0])[2].id
    assert found(fresh_shop) == {
        "R1": ("FAULTY has 15 on hand, but its movements add up to 13, and the last one ends at 15",),
        "R2": (
            f"FAULTY, movement no. 4 (id {movement}): the one before it is missing, "
            "it does not begin where the one before it ended, its hash does not follow",
        ),
        "R11": (f"FAULTY on {today(fresh_shop)}: the daily units are wrong",),
    }


def test_a_deleted_last_row_is_found_although_it_moved_nothing(fresh_shop: Shop, pair: tuple[UUID, UUID]) -> None:
    tamper(
        fresh_shop, "delete from stock_movements where variant_id = :variant and variant_sequence = 5", variant=pair[0]
    )
    assert found(fresh_shop) == {
        "R2": ("FAULTY: its last movement is not no. 5 as it was written",),
        "R11": (f"FAULTY on {today(fresh_shop)}: the daily units are wrong",),
    }


def test_a_ledger_that_is_gone_is_found(fresh_shop: Shop, pair: tuple[UUID, UUID]) -> None:
    tamper(fresh_shop, "delete from stock_movements where variant_id = :variant", variant=pair[0])
    assert found(fresh_shop) == {
        "R1": ("FAULTY has 15 on hand, but its movements add up to 0, and the last one ends at 0",),
        "R2": ("FAULTY: its last movement is not no. 5 as it was written",),
        "R11": (f"FAULTY on {today(fresh_shop)}: the daily figures have a day without movements",),
    }


def test_a_level_changed_behind_our_back_is_found(fresh_shop: Shop, pair: tuple[UUID, UUID]) -> None:
    fresh_shop.sql("update product_variants set stock_quantity = 99 where id = :variant", variant=pair[0])
    assert found(fresh_shop) == {
        "R1": ("FAULTY has 99 on hand, but its movements add up to 15, and the last one ends at 15",)
    }


def test_a_chain_forged_from_a_row_on_is_found_at_its_end(fresh_shop: Shop, pair: tuple[UUID, UUID]) -> None:
    forge = "update stock_movements set note = 'forged' where variant_id = :variant and variant_sequence = 3"
    tamper(fresh_shop, forge, variant=pair[0])
    tamper(fresh_shop, REHASH, variant=pair[0])
    assert found(fresh_shop) == {"R2": ("FAULTY: its last movement is not no. 5 as it was written",)}


def test_hashes_overwritten_from_a_row_on_are_found_on_each(fresh_shop: Shop, pair: tuple[UUID, UUID]) -> None:
    forge = """update stock_movements set chain_hash = sha256(chain_hash)
                where variant_id = :variant and variant_sequence >= 4"""
    tamper(fresh_shop, forge, variant=pair[0])
    _, _, _, fourth, fifth = fresh_shop.history(pair[0])
    assert found(fresh_shop)["R2"] == (
        f"FAULTY, movement no. 4 (id {fourth.id}): its hash does not follow",
        f"FAULTY, movement no. 5 (id {fifth.id}): its hash does not follow",
        "FAULTY: its last movement is not no. 5 as it was written",
    )


def test_a_row_slipped_in_is_found(fresh_shop: Shop, pair: tuple[UUID, UUID]) -> None:
    slip = """insert into stock_movements (variant_id, sku, movement_type, reason, quantity, quantity_before,
                     quantity_after, variant_sequence, operation_id, performed_by, occurred_at, chain_hash)
              select variant_id, sku, 'adjustment', 'found', 1, quantity_after, quantity_after + 1, 6, operation_id,
                     'Nobody', occurred_at, sha256(chain_hash)
                from stock_movements where variant_id = :variant and variant_sequence = 5"""
    fresh_shop.sql(slip, variant=pair[0])
    failing = found(fresh_shop)
    assert failing["R1"] == ("FAULTY has 15 on hand, but its movements add up to 16, and the last one ends at 16",)
    movement = fresh_shop.history(pair[0])[5].id
    assert failing["R2"] == (
        "FAULTY: its last movement is not no. 5 as it was written",
        f"FAULTY, movement no. 6 (id {movement}): its hash does not follow",
    )


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            "update stockroom.variant_days set sale_out = sale_out + 1 where variant_id = :v",
            "the daily units are wrong",
        ),
        ("update stockroom.variant_days set closing = 3 where variant_id = :v", "the daily closing level is wrong"),
        ("update stockroom.variant_days set movements = 9 where variant_id = :v", "the daily units are wrong"),
        ("delete from stockroom.variant_days where variant_id = :v", "the day is missing from the daily figures"),
    ],
)
def test_a_stale_rollup_is_found(fresh_shop: Shop, pair: tuple[UUID, UUID], change: str, why: str) -> None:
    fresh_shop.sql(change, v=pair[0])
    assert found(fresh_shop) == {"R11": (f"FAULTY on {today(fresh_shop)}: {why}",)}


def test_a_stale_day_of_the_whole_shop_is_found(fresh_shop: Shop, pair: tuple[UUID, UUID]) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=10)
    fresh_shop.run(reports.flows, since=long_ago.date(), until=datetime.now(UTC).date())
    assert fresh_shop.sql("select count(*) from stockroom.shop_days") > 0
    assert found(fresh_shop) == {}
    day = fresh_shop.sql("select min(day) from stockroom.shop_days")
    fresh_shop.sql("update stockroom.shop_days set sale_out = 7 where day = :day", day=day)
    assert found(fresh_shop) == {"R11": (f"The whole shop on {day}: the daily units are wrong",)}


def test_only_the_first_examples_are_listed_but_all_are_counted(fresh_shop: Shop) -> None:
    for number in range(25):
        fresh_shop.variant(sku=f"V{number:02}")
    fresh_shop.sql("update product_variants set stock_quantity = 1")
    levels = checks(fresh_shop)["R1"]
    assert (levels.failures, len(levels.examples)) == (25, 20)
    assert levels.examples[0].startswith("V00 has 1 on hand")


def test_a_person_who_may_not_read_may_not_check(shop: Shop) -> None:
    with pytest.raises(SignInRequired):
        shop.run(reconciliation.run_checks, "Carl")


def today(shop: Shop) -> object:
    return shop.sql("select today from stockroom_api.shop")
