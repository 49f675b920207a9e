"""The shop's own settings, and its days after a change of the time zone."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from core.foundation.errors import Forbidden, InvalidInput, SignInRequired, Unavailable
from core.ledger import reports
from core.people import audit
from core.proof import checks
from core.shop import profile as shop
from tests.races.crowd import at_once, holding
from tests.support.builders import ZONE, PastLine, Shop
from tests.support.proof import days
from tests.support.selling import Sale, sell

FAR = "America/Los_Angeles"
# Around the clock changes of both: Los Angeles on 8 March and 1 November 2026, Auckland on 5 April and 27 September.
CHANGES = [
    datetime(2026, 3, 8, 10, tzinfo=UTC),
    datetime(2026, 4, 4, 14, tzinfo=UTC),
    datetime(2026, 9, 26, 14, tzinfo=UTC),
    datetime(2026, 11, 1, 9, tzinfo=UTC),
]
_WORDS = [
    ("purchase", "delivery", 7),
    ("sale", "stock_decrease", -2),
    ("adjustment", "found", 3),
    ("count", "cycle_count", -1),
]


def fill(opened: Shop) -> list[UUID]:
    """Post hourly movements of two variants around every clock change, out of order."""
    variants = [opened.variant(100), opened.variant(50)]
    for change in reversed(CHANGES):
        for variant in variants:
            for hour in range(-26, 27, 3):
                kind, reason, quantity = _WORDS[hour % 4]
                at = change + timedelta(hours=hour)
                opened.post_past(PastLine(variant_id=variant, quantity=quantity, occurred_at=at,
                                          movement_type=kind, reason=reason))  # fmt: skip
    return variants


def kept(opened: Shop, variant: UUID) -> list[dict[str, Any]]:
    rows = opened.rows("select * from stockroom.variant_days where variant_id = :id order by day", id=variant)
    return [dict(row._mapping) for row in rows]


def assert_all_holds(opened: Shop) -> None:
    """Assert that every check passes, including R11, which checks the days."""
    results = opened.run(checks.run_checks, codes=("R1", "R2", "R11"))
    assert {result.code: result.failures for result in results} == {
        "R1": 0,
        "R2": 0,
        "R11": 0,
    }


def move(opened: Shop, zone: str) -> bool:
    return opened.run(shop.change_shop, "Ada", zone=zone) is True


def all_days(opened: Shop) -> Any:
    """Read the flows of a whole year, which stores the sums of past days."""
    return opened.run(reports.flows, since=date(2026, 1, 1), until=date(2026, 12, 31))


# ---------------------------------------------------------------- another zone


def test_in_another_zone_every_movement_is_on_its_new_day_across_clock_changes(fresh_shop: Shop) -> None:
    variants = fill(fresh_shop)
    before = all_days(fresh_shop)
    assert fresh_shop.sql("select count(*) from stockroom.shop_days") > 300
    assert move(fresh_shop, FAR)
    for variant in variants:
        assert kept(fresh_shop, variant) == days(variant, fresh_shop.history(variant), FAR)
    assert fresh_shop.sql("select count(*) from stockroom.shop_days") == 0
    assert all_days(fresh_shop) != before
    assert_all_holds(fresh_shop)


def test_moving_there_and_back_leaves_every_day_as_it_was(fresh_shop: Shop) -> None:
    (variant, _), first = fill(fresh_shop), all_days(fresh_shop)
    before = kept(fresh_shop, variant)
    assert move(fresh_shop, FAR)
    assert kept(fresh_shop, variant) != before
    assert move(fresh_shop, ZONE)
    assert kept(fresh_shop, variant) == before
    assert all_days(fresh_shop) == first
    assert_all_holds(fresh_shop)


def test_what_is_posted_after_the_move_joins_the_days_of_the_new_zone(fresh_shop: Shop) -> None:
    variants = fill(fresh_shop)
    move(fresh_shop, FAR)
    for change in CHANGES:
        fresh_shop.post_past(PastLine(variant_id=variants[0], quantity=1, occurred_at=change))
    fresh_shop.adjust(variants[1], -3)
    for variant in variants:
        assert kept(fresh_shop, variant) == days(variant, fresh_shop.history(variant), FAR)
    assert_all_holds(fresh_shop)


def test_a_new_name_or_currency_moves_no_day_and_waits_for_no_posting(fresh_shop: Shop) -> None:
    variant = fresh_shop.variant(10)
    with holding(fresh_shop.owner, "select public.update_variant_stock(:id, -1)", id=variant):
        assert fresh_shop.run(shop.change_shop, "Ada", name=" Halde  Boots ", currency="chf", zone=ZONE) is False
    found = fresh_shop.run(shop.settings, "Ada")
    assert (found.name, found.currency, found.zone) == ("Halde Boots", "CHF", ZONE)


# ---------------------------------------------------------------- while others work


def test_a_zone_change_waits_for_a_posting_which_is_then_on_its_new_day(fresh_shop: Shop) -> None:
    variant = fresh_shop.variant(10)
    with holding(fresh_shop.owner, "select public.update_variant_stock(:id, -1)", id=variant) as posting:
        (committing := threading.Timer(0.5, posting.commit)).start()
        started = time.monotonic()
        assert move(fresh_shop, FAR)
        assert time.monotonic() - started > 0.4
        committing.join()
    assert fresh_shop.on_hand(variant) == 9
    assert kept(fresh_shop, variant) == days(variant, fresh_shop.history(variant), FAR)
    assert_all_holds(fresh_shop)


def test_an_order_whose_payment_a_zone_change_puts_on_another_day_is_on_that_day(fresh_shop: Shop) -> None:
    sold, hour = fresh_shop.variant(10), datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    noon, midnight = (f"Etc/GMT{(hour.hour - local + 11) % 24 - 11:+}" for local in (12, 0))
    sku = fresh_shop.sql("select sku from product_variants where id = :id", id=sold)
    move(fresh_shop, noon)
    change = "select stockroom_api.change_shop(null, null, null, 'Command line', null, :zone, null)"
    with holding(fresh_shop.owner, change, zone=midnight) as moving:
        (committing := threading.Timer(0.5, moving.commit)).start()
        sell(fresh_shop, Sale(lines=[(sku, 2)], paid_at=hour - timedelta(minutes=1)))
        committing.join()
    assert kept(fresh_shop, sold) == days(sold, fresh_shop.history(sold), midnight)
    assert_all_holds(fresh_shop)


def test_a_posting_during_a_zone_change_waits_and_is_on_its_new_day(fresh_shop: Shop) -> None:
    variant, other, *sold = (fresh_shop.variant(10) for _ in range(4))
    fresh_shop.person("Wanda")
    sale = "select public.process_order_stock_changes(gen_random_uuid(), cast(:items as jsonb))"
    items = json.dumps([{"variant_id": str(each), "quantity": 1} for each in sold])
    change = "select stockroom_api.change_shop(null, null, null, 'Command line', null, :zone, null)"
    with holding(fresh_shop.owner, change, zone=FAR) as moving:
        (committing := threading.Timer(0.8, moving.commit)).start()
        started = time.monotonic()
        past = PastLine(variant_id=other, quantity=1, occurred_at=CHANGES[0] + timedelta(hours=8))
        at_once(
            partial(fresh_shop.adjust, variant, -4),
            partial(fresh_shop.post_past, past),
            partial(fresh_shop.sql, sale, items=items),
        )
        assert time.monotonic() - started > 0.6
        committing.join()
    for each in (variant, other, *sold):
        assert kept(fresh_shop, each) == days(each, fresh_shop.history(each), FAR)
    assert [fresh_shop.on_hand(each) for each in sold] == [9, 9]
    assert_all_holds(fresh_shop)


@pytest.mark.slow
def test_a_posting_that_would_wait_too_long_says_so_and_changes_nothing(fresh_shop: Shop) -> None:
    variant = fresh_shop.variant(10)
    change = "select stockroom_api.change_shop(null, null, null, 'Command line', null, :zone, null)"
    with holding(fresh_shop.owner, change, zone=FAR):
        started = time.monotonic()
        with pytest.raises(Unavailable, match="Nothing was changed"):
            fresh_shop.adjust(variant, -4)
        assert time.monotonic() - started < 5
        assert fresh_shop.run(reports.level, variant_id=variant).on_hand == 10, "who reads does not wait"
    assert fresh_shop.on_hand(variant) == 10
    assert_all_holds(fresh_shop)


@pytest.mark.slow
def test_a_move_that_would_wait_too_long_says_so_and_changes_nothing(fresh_shop: Shop) -> None:
    variant = fresh_shop.variant(10)
    with holding(fresh_shop.owner, "select public.update_variant_stock(:id, -1)", id=variant):
        with pytest.raises(Unavailable, match="Nothing was changed"):
            move(fresh_shop, FAR)
    assert fresh_shop.run(shop.settings, "Ada").zone == ZONE
    assert move(fresh_shop, FAR)


def test_a_reader_that_stores_sums_meanwhile_leaves_none_of_the_old_zone(fresh_shop: Shop) -> None:
    fill(fresh_shop)
    with holding(
        fresh_shop.owner, "select count(*) from stockroom_api.shop_flows('2026-01-01', '2026-12-30')"
    ) as reader:
        (committing := threading.Timer(0.5, reader.commit)).start()
        assert move(fresh_shop, FAR)
        committing.join()
    assert fresh_shop.sql("select count(*) from stockroom.shop_days") == 0
    assert_all_holds(fresh_shop)


@pytest.mark.slow
def test_in_a_busy_shop_that_changes_zones_every_check_passes(fresh_shop: Shop) -> None:
    """Four people post, also into the past, and one reads, while the shop changes its time zone repeatedly."""
    variants, stop = fill(fresh_shop), threading.Event()
    for name in ("Wanda", "Ada"):
        fresh_shop.person(name)

    def work(number: int) -> int:
        posted = 0
        while not stop.is_set():
            try:
                fresh_shop.adjust(variants[number % 2], 1)
                at = CHANGES[posted % 4] + timedelta(hours=posted % 29)
                fresh_shop.post_past(PastLine(variant_id=variants[posted % 2], quantity=1, occurred_at=at))
                all_days(fresh_shop)
            except Unavailable:
                continue
            posted += 1
        return posted

    with ThreadPoolExecutor(4) as crowd:
        workers = [crowd.submit(work, number) for number in range(4)]
        moved = 0
        for zone in [FAR, ZONE] * 5:
            moved += move(fresh_shop, zone)
        stop.set()
        assert sum(worker.result() for worker in workers) > 4
    assert moved == 10
    for variant in variants:
        assert kept(fresh_shop, variant) == days(variant, fresh_shop.history(variant), ZONE)
    assert_all_holds(fresh_shop)


def test_of_two_zone_changes_at_once_both_are_recorded_and_the_later_one_wins(fresh_shop: Shop) -> None:
    fill(fresh_shop)
    fresh_shop.person("Ada")
    assert at_once(partial(move, fresh_shop, FAR), partial(move, fresh_shop, "Asia/Kolkata")) == [True, True]
    newer, older = fresh_shop.run(audit.recent_changes, limit=2)
    assert older.before == {"zone": ZONE}
    assert older.after == newer.before
    assert newer.after == {"zone": fresh_shop.run(shop.settings, "Ada").zone}
    assert_all_holds(fresh_shop)


# ---------------------------------------------------------------- who, and what not


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {"zone": "Mars/Olympus"},
            'Time zone "Mars/Olympus" is not one; use a region and a city, such as Europe/Berlin.',
        ),
        ({"zone": ""}, 'Time zone "" is not one'),
        ({"zone": "'; drop table stockroom.shop; --"}, "Time zone"),
        ({"zone": "../../etc/passwd"}, "Time zone"),
        ({"zone": "EUROPE/BERLIN" * 100}, "Time zone"),
        ({"currency": "XXX"}, 'Currency "XXX" is not one; use its three letters, such as EUR.'),
        ({"currency": "Euro"}, "Currency"),
        ({"currency": "\0"}, "Currency"),
        ({"name": " "}, "Name must not be empty."),
        ({"name": "x" * 81}, "Name must have at most 80 characters (it has 81)."),
        ({"name": "Halde\u202e"}, "Name must not contain control characters."),
    ],
)
def test_invalid_settings_of_the_shop_are_refused_with_a_sentence(
    shop_of_tests: Shop, values: dict[str, str], said: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        shop_of_tests.run(shop.change_shop, "Ada", **values)
    assert refused.value.message.startswith(said)


@pytest.fixture
def shop_of_tests(shop: Shop) -> Shop:
    """The shared shop, under a name that does not hide the module under test."""
    return shop


def test_a_zone_that_only_python_knows_is_refused_by_the_database(shop_of_tests: Shop) -> None:
    with shop_of_tests.engine.connect() as connection, pytest.raises(Exception, match="is not known to this database"):
        connection.execute(
            text("select stockroom_api.change_shop(null, null, null, 'x', null, :zone, null)"), {"zone": "Mars/Olympus"}
        )


def test_zone_and_currency_are_found_whatever_their_letter_case(fresh_shop: Shop) -> None:
    fresh_shop.run(shop.change_shop, "Ada", zone=" europe/BERLIN ", currency=" nzd ")
    found = fresh_shop.run(shop.settings, "Ada")
    assert (found.zone, found.currency) == ("Europe/Berlin", "NZD")


def test_the_zones_to_choose_from_are_cities_and_utc() -> None:
    assert {"Pacific/Auckland", "America/Los_Angeles", "Asia/Kolkata", "Europe/Berlin", "UTC"} <= set(shop.zones())
    assert all("/" in zone for zone in shop.zones() if zone != shop.DEFAULT_ZONE)
    assert shop.currencies()["NZD"] == "New Zealand dollar"
    assert all(len(code) == 3 and code.isupper() for code in shop.currencies())


def test_a_new_shop_counts_its_days_in_the_default_zone(fresh_shop: Shop) -> None:
    default = fresh_shop.sql(
        "select column_default from information_schema.columns where table_name = 'shop' and column_name = 'zone'"
    )
    assert default == f"'{shop.DEFAULT_ZONE}'::text"


def test_only_an_admin_changes_the_shop(shop_of_tests: Shop) -> None:
    for name in ("Wanda", "Sam", "Mia"):
        for operation in (partial(shop.change_shop, name="Mine"), shop.settings):
            with pytest.raises(Forbidden):
                shop_of_tests.run(operation, name)
    with pytest.raises(SignInRequired):
        shop_of_tests.run(shop.change_shop, "Carl", name="Mine")


def test_a_change_of_the_shop_is_recorded_with_the_values_that_differ(fresh_shop: Shop) -> None:
    fresh_shop.run(shop.change_shop, "Ada", name="Halde Boots", zone=FAR)
    fresh_shop.run(shop.change_shop, "Ada", name="Halde Boots", zone=FAR)
    (change, *_) = fresh_shop.run(audit.recent_changes)
    assert (change.performed_by, change.what, change.subject) == ("Ada", "shop_changed", "Halde Boots")
    assert change.before == {"name": "My shop", "zone": ZONE}
    assert change.after == {"name": "Halde Boots", "zone": FAR}
    assert fresh_shop.sql("select count(*) from stockroom.audit") == 1
