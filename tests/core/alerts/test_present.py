"""What a case says and what is at stake in it is true now; what was said before is in its history."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from core.alerts import reads as alerts
from core.alerts.reads import Alert, AlertFilter, CaseList, Stake
from core.carts.values import money
from core.foundation.sales import AlertKind, Disposition
from core.orders import reads as orders
from core.orders import refunds
from core.orders.refunds import Decision
from core.storefront import paid_orders
from tests.support.builders import Shop, key
from tests.support.selling import Sale, line_of, order_id, sell, tell_refund


def case(shop: Shop, sale: Sale) -> Alert:
    """Return the first case of an order."""
    found: tuple[Alert, ...] = shop.run(alerts.of_order, "Wanda", order_id=order_id(shop, sale))
    return found[0]


def stake(shop: Shop) -> Stake:
    found: Stake = shop.run(alerts.stake, "Wanda", filter=AlertFilter(list=CaseList.FAILED))
    return found


def lines(*each: tuple[str, int, int | None]) -> list[dict[str, Any]]:
    return [{"code": code, "codes": [], "quantity": units, "unit_price": price} for code, units, price in each]


def unpriced(amount: int, *each: tuple[str, int, int | None]) -> Sale:
    """Return a sale in the shop's currency, with a price for each line or without."""
    more = {"amount": amount, "currency": "eur", "extras": None, "lines": lines(*each)}
    return Sale(lines=[], more=more)


# ---------------------------------------------------------------- at stake


def test_at_stake_is_the_sum_of_what_each_case_has_open_and_nothing_is_netted(fresh_shop: Shop) -> None:
    fresh_shop.variant(sku="A-1", price=Decimal("699.30"))
    unread = {"amount": 12345, "currency": "eur", "cart_state": "unreadable", "why": "its cart is cut off"}
    under = {"amount": 8500, "currency": "eur", "difference": -1490, "why": "it is 14.90 less than its lines"}
    fresh_shop.variant(5, sku="B-1")
    sell(
        fresh_shop,
        Sale(lines=[], more=unread),
        Sale(lines=[("B-1", 1)], more=under),
        unpriced(69930, ("A-1", 1, None)),
    )
    assert stake(fresh_shop).money == {"eur": 12345 + 1490 + 69930}
    assert (stake(fresh_shop).units, stake(fresh_shop).rows) == (1, 3)


@pytest.mark.parametrize(
    ("sale", "units", "amount"),
    [
        (unpriced(9990, ("SHOE", 1, None)), 1, 9990),
        (unpriced(30000, ("SHOE", 3, 8000)), 3, 24000),
        (unpriced(12990, ("NO-SUCH-CODE", 1, None), ("SHOE", 1, None)), 2, 12990),
        (unpriced(5000, ("NO-SUCH-CODE", 2, None)), 2, 5000),
    ],
    ids=["the price of the catalogue", "the price of the line", "what the priced line leaves", "all that was paid"],
)
def test_missing_units_count_at_the_price_of_the_line_else_of_the_catalogue(
    fresh_shop: Shop, sale: Sale, units: int, amount: int
) -> None:
    fresh_shop.variant(sku="SHOE", price=Decimal("99.90"))
    sell(fresh_shop, sale)
    found = case(fresh_shop, sale)
    assert (found.units, found.money, found.currency) == (units, amount, "eur")


def test_a_price_of_another_currency_is_no_price(fresh_shop: Shop) -> None:
    fresh_shop.variant(sku="SHOE", price=Decimal("99.90"))
    sale = unpriced(10500, ("SHOE", 1, None))
    sale.more["currency"] = "usd"
    sell(fresh_shop, sale)
    assert (case(fresh_shop, sale).money, case(fresh_shop, sale).currency) == (10500, "usd")


def test_a_price_by_the_rule_of_the_shop_is_what_the_missing_units_are_worth(fresh_shop: Shop) -> None:
    fresh_shop.variant(sku="SHOE", price=Decimal("100.00"))
    rule = '["*", ["price"], ["number", "1.2"]]'
    fresh_shop.sql(
        "update stockroom.shop set price_words = 'price * 1.2', price_rule = cast(:rule as jsonb)", rule=rule
    )
    sale = unpriced(12000, ("SHOE", 1, None))
    sell(fresh_shop, sale)
    assert case(fresh_shop, sale).money == 12000


def test_at_stake_follows_the_catalogue_and_the_shelf_of_today(fresh_shop: Shop) -> None:
    shoe = fresh_shop.variant(sku="SHOE", price=Decimal("99.90"))
    sale = unpriced(20000, ("SHOE", 2, None))
    sell(fresh_shop, sale)
    fresh_shop.sql("update public.product_variants set price = 80 where id = :id", id=shoe)
    assert case(fresh_shop, sale).money == 16000
    fresh_shop.sql("update stockroom.order_lines set taken = 1 where state = 'failed'")
    assert (case(fresh_shop, sale).units, case(fresh_shop, sale).money) == (1, 8000)


# ---------------------------------------------------------------- what a case says


def test_a_case_says_how_much_is_available_now_and_its_history_how_much_was_then(fresh_shop: Shop) -> None:
    shoe = fresh_shop.variant(1, sku="SHOE")
    sale = Sale(lines=[("SHOE", 3)], more={"number": "WEB-1"})
    sell(fresh_shop, sale)
    then = "Order WEB-1: 1 of 1 lines not taken off the shelf: 3 \N{MULTIPLICATION SIGN} SHOE, 1 available"
    assert case(fresh_shop, sale).sentence == then
    fresh_shop.adjust(shoe, 1)
    assert case(fresh_shop, sale).sentence == then.replace("1 available", "2 available")
    (opened,) = fresh_shop.run(alerts.history, "Wanda", alert_id=case(fresh_shop, sale).alert_id)
    assert opened.note == then


@pytest.mark.parametrize(
    ("on_hand", "lines", "lacks"),
    [
        (3, [("SHOE", 3)], "nothing"),
        (2, [("SHOE", 3)], "part"),
        (0, [("SHOE", 3)], "stock"),
        (3, [("SHOE", 3), ("NO-SUCH-CODE", 1)], "code"),
    ],
)
def test_a_case_says_what_its_next_step_needs(
    fresh_shop: Shop, on_hand: int, lines: list[tuple[str, int]], lacks: str
) -> None:
    shoe, sale = fresh_shop.variant(sku="SHOE"), Sale(lines=lines)
    sell(fresh_shop, sale)
    if on_hand:
        fresh_shop.adjust(shoe, on_hand)
    assert case(fresh_shop, sale).lacks == lacks


def test_a_cart_with_several_readings_needs_a_choice_and_one_with_none_its_lines(fresh_shop: Shop) -> None:
    sale = Sale(lines=[], more={"cart_state": "unreadable", "why": "it can be read in two ways"})
    sell(fresh_shop, sale)
    assert case(fresh_shop, sale).lacks == "lines"
    fresh_shop.sql("""update stockroom.orders set readings = '[{"how": "code, size"}]'""")
    assert case(fresh_shop, sale).lacks == "choice"


# ---------------------------------------------------------------- names of orders

ANA = {"name": "Ana Ruiz", "email": "ana@buyer.example", "amount": 2400, "currency": "eur"}
NAMES = {
    "its number": (ANA | {"number": "WEB-7"}, "WEB-7"),
    "its buyer": (ANA, "Ana Ruiz, 24.00 EUR"),
    "its buyer, without a number of only spaces": (ANA | {"number": " "}, "Ana Ruiz, 24.00 EUR"),
    "its email": (ANA | {"name": None}, "ana@buyer.example, 24.00 EUR"),
    "its amount": (
        ANA | {"name": None, "email": None, "paid_at": "2026-06-05T12:05:00Z"},
        "24.00 EUR of 5 Jun 2026, 14:05",
    ),
}


@pytest.mark.parametrize(("more", "name"), NAMES.values(), ids=NAMES.keys())
def test_an_order_is_named_by_its_number_or_buyer_and_amount_and_never_by_an_id_of_stripe(
    fresh_shop: Shop, more: dict[str, Any], name: str
) -> None:
    fresh_shop.sql("update stockroom.shop set zone = 'Europe/Madrid'")
    sale = Sale(lines=[("NO-SUCH-CODE", 1)], more=more)
    sell(fresh_shop, sale)
    found = case(fresh_shop, sale)
    assert (found.order_name, found.sentence.partition(": ")[0]) == (name, f"Order {name}")
    assert sale.payment_id not in fresh_shop.sql("select sentence from stockroom.alerts")
    (row,) = fresh_shop.run(orders.rows, "Wanda", order_ids=[order_id(fresh_shop, sale)])
    assert row.title == name


def test_a_case_of_an_earlier_version_is_shown_without_the_id_of_its_payment(fresh_shop: Shop) -> None:
    sale = Sale(lines=[], more=ANA | {"cart_state": "unreadable", "why": "it is cut"})
    sell(fresh_shop, sale)
    fresh_shop.sql("update stockroom.alerts set sentence = 'Order ' || :id || ': it is cut'", id=sale.payment_id)
    assert case(fresh_shop, sale).sentence == "Order Ana Ruiz, 24.00 EUR: it is cut"


def test_a_failed_refund_is_named_by_its_amount_and_its_order(fresh_shop: Shop) -> None:
    fresh_shop.variant(5, sku="SHOE")
    sale = Sale(lines=[("SHOE", 2)], more=ANA)
    sell(fresh_shop, sale)
    refund_id = tell_refund(fresh_shop, sale, refund_id="re_back", amount=1200, currency="eur")
    back = Decision(line_id=line_of(fresh_shop, sale), disposition=Disposition.RESTOCK, quantity=1)
    fresh_shop.run(refunds.decide, "Sam", refund_id=refund_id, decisions=[back], key=key())
    tell_refund(fresh_shop, sale, refund_id="re_back", amount=1200, currency="eur", status="failed")
    said = "A refund of 12.00 EUR of order Ana Ruiz, 24.00 EUR failed after 1 unit was put back on the shelf for it"
    assert case(fresh_shop, sale).sentence == said


@pytest.mark.parametrize("currency", ["eur", "JPY", "kwd", "clp"])
@pytest.mark.parametrize("amount", [0, 5, 2400, 1234567890, -1490])
def test_the_database_writes_money_and_names_as_python_does(shop: Shop, amount: int, currency: str) -> None:
    written = shop.sql("select stockroom_api.money_text(:amount, :currency)", amount=amount, currency=currency)
    assert written == money(amount, currency)
    assert paid_orders.order_name(None, "Ana Ruiz ", amount, currency) == f"Ana Ruiz, {written}"
    assert paid_orders.order_name(" ", None, amount, currency) == written


def test_every_kind_of_case_is_in_one_list(fresh_shop: Shop) -> None:
    insert = """insert into stockroom.alerts (kind, severity, cause, sentence) values (:kind, 'note', :kind, '')
                returning list"""
    found = {kind: CaseList(fresh_shop.sql(insert, kind=kind.value)) for kind in AlertKind}
    assert set(found.values()) == set(CaseList)
    assert {kind for kind, each in found.items() if each is CaseList.FAILED} == {
        AlertKind.INSUFFICIENT_STOCK,
        AlertKind.UNKNOWN_VARIANT,
        AlertKind.UNREADABLE_CART,
        AlertKind.AMOUNT_MISMATCH,
        AlertKind.IMPORT_ERROR,
        AlertKind.REFUND_FAILED,
        AlertKind.SHARED_CODE,  # carts that name the code cannot be taken off the shelf
    }
