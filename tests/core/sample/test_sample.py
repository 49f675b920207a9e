"""The sample shop in the ledger: the figures of the audit, all checks, and its removal."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.foundation.errors import InvalidInput
from core.ledger import reports
from core.proof import checks
from core.sample import load as sample
from core.sample.load import load_sample
from core.sample.removal import remove_sample, sample_name
from tests.conftest import SAMPLE_AT, SAMPLE_DAYS, open_sample
from tests.support.backing_up import backed_up
from tests.support.builders import Shop
from tests.support.servers import Server

pytestmark = pytest.mark.slow

AUDIT = """
    with dated as (
        select m.*, (m.occurred_at at time zone s.zone)::date as day from stock_movements m, stockroom.shop s
    )
    select movement_type, reason, count(*) as movements, sum(quantity) as units
      from dated
     where day = (select min(day) from dated)
     group by 1, 2 order by 1, 2"""


@pytest.fixture(scope="module")
def sample_shop(server: Server) -> Iterator[Shop]:
    """The sample shop, just loaded. These tests only read it."""
    yield from open_sample(server)


def test_the_catalogue_go_live_is_the_audit(sample_shop: Shop) -> None:
    assert [tuple(row) for row in sample_shop.rows(AUDIT)] == [
        ("adjustment", "stock_increase", 1, 5),
        ("count", "initial_count", 14, 524),
        ("purchase", "initial_purchase", 1, 50),
        ("sale", "stock_decrease", 2, -3),
    ]
    labels = dict(tuple(row) for row in sample_shop.rows("select reason, label from stockroom.reasons"))
    assert labels["initial_count"] == "Initial stock count"
    assert labels["initial_purchase"] == "Initial stock purchase"


def test_it_has_a_name_a_time_zone_and_is_marked_as_sample(sample_shop: Shop) -> None:
    shop = sample_shop.run(reports.shop, "Mia")
    assert (shop.name, shop.zone, shop.currency, shop.is_sample) == ("Canyon Sneakers", "Europe/Berlin", "EUR", True)
    products = sample_shop.rows("select name from products")
    assert len(products) == 40
    assert ("Jordan 4 Retro Canyon Purple (Women's)",) in [tuple(row) for row in products]


def test_all_checks_pass_and_no_level_was_ever_negative(sample_shop: Shop) -> None:
    results = sample_shop.run(checks.run_checks, "Mia")
    assert [(result.code, result.failures) for result in results] == [(code, 0) for code in checks.CODES]
    assert min(result.checked for result in results if result.code in ("R1", "R2", "R11")) > 300
    assert sample_shop.sql("select min(quantity_after) from stock_movements") >= 0
    assert sample_shop.sql("select min(closing) from stockroom.variant_days") == 0


def test_its_movements_carry_the_names_of_its_people(sample_shop: Shop) -> None:
    people = sample_shop.rows("select distinct performed_by from stock_movements order by 1")
    assert [row[0] for row in people] == ["Mia Keller", "Sam Okafor", "Stripe", "Wanda Weber"]
    assert sample_shop.sql("select count(*) from stockroom.users where password_hash is not null") == 0
    undone = sample_shop.rows(
        """select u.performed_by, u.quantity + m.quantity as sum from stock_movements u
             join stock_movements m on m.id = u.reverses_id where u.reason = 'undo' order by u.id"""
    )
    assert [tuple(row) for row in undone] == [("Mia Keller", 0)]


def test_it_ends_now_and_is_in_the_past(sample_shop: Shop) -> None:
    first, last = sample_shop.rows("select min(occurred_at), max(occurred_at) from stock_movements")[0]
    assert last <= SAMPLE_AT
    assert (SAMPLE_AT - first).days == SAMPLE_DAYS
    assert sample_shop.sql("select count(*) from stock_movements where created_at < now() - interval '1 hour'") == 0


def test_it_needs_an_empty_database(sample_shop: Shop) -> None:
    before = sample_shop.sql("select count(*) from stock_movements")
    with pytest.raises(InvalidInput, match="needs an empty database") as refusal:
        load_sample(sample_shop.engine, seconds=0)
    assert refusal.value.field == "shop"
    assert sample_shop.sql("select count(*) from stock_movements") == before


def test_a_real_shop_is_not_mistaken_for_a_sample(fresh_shop: Shop) -> None:
    fresh_shop.variant(3)
    with pytest.raises(InvalidInput):
        load_sample(fresh_shop.engine, seconds=0)
    assert fresh_shop.run(reports.shop, "Mia").is_sample is False
    with pytest.raises(InvalidInput, match="Nothing was removed"):
        remove_sample(fresh_shop.owner_url, name="My shop")
    assert fresh_shop.sql("select sum(stock_quantity) from product_variants") == 3


def test_its_past_cannot_be_posted_into_a_real_shop(fresh_shop: Shop) -> None:
    for call in ("post_sample('[]')", "next_sample_steps(1)", "plan_sample(now(), '[]', 'play_sample')"):
        with pytest.raises(Exception, match="is not the sample shop"), fresh_shop.engine.begin() as connection:
            connection.exec_driver_sql(f"select stockroom_api.{call}")


def test_removing_it_leaves_an_empty_shop_with_people_still_signed_in(fresh_shop: Shop) -> None:
    mia = fresh_shop.person("Mia")
    assert fresh_shop.run(sample.is_untouched) is True
    load_sample(fresh_shop.engine, SAMPLE_AT, seconds=0)
    assert sample_name(fresh_shop.owner_url) == "Canyon Sneakers"
    remove_sample(backed_up(fresh_shop).owner_url, name="Canyon Sneakers")
    shop = fresh_shop.run(reports.shop, mia)
    assert (shop.name, shop.is_sample) == ("My shop", False)
    assert fresh_shop.sql("select count(*) from products") == 0
    assert fresh_shop.person("Wanda").user_id != mia.user_id
    assert sample_name(fresh_shop.owner_url) is None
    # A start fills only a database that was never used, not one that was emptied. `sample` loads it again.
    assert fresh_shop.run(sample.is_untouched) is False
    load_sample(fresh_shop.engine, SAMPLE_AT, seconds=0)
    assert sample_name(fresh_shop.owner_url) == "Canyon Sneakers"
