"""What a variant costs in an adopted shop: columns that may change a price are found, shown and confirmed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from core import __main__ as core_main
from core.adoption import adopt as adoption
from core.foundation.errors import InvalidInput
from core.foundation.model import COMMAND_LINE
from core.shop import prices
from core.shop.prices import parse, value_of
from tests.core.storefront.test_api import is_problem
from tests.core.storefront.test_checkout import Till
from tests.support.legacy import Legacy
from tests.support.servers import Server
from tests.support.sneakers import landlord, sneaker_shop

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("lies_ready")]

RULE = "coalesce(sale_price, price) + coalesce(price_adjustment, 0)"


@pytest.fixture
def old(supabase_server: Server) -> Iterator[Legacy]:
    """The sneaker shop, which has `price_adjustment` on variants and `sale_price` on products."""
    with sneaker_shop(supabase_server, account=landlord(supabase_server)) as shop:
        yield shop


def cost(old: Legacy, *skus: str) -> list[Any]:
    """Begin a payment for one unit of each SKU, and return the amounts."""
    with old.shop() as shop:
        till = Till(shop)
        return [till.pay({"sku": sku, "quantity": 1}).json()["amount"] for sku in skus]


def test_checking_shows_what_may_change_a_price_with_three_variants(
    old: Legacy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", old.url)
    monkeypatch.delenv("STOCKROOM_OWNER_URL", raising=False)
    report = adoption.check(old.url)
    assert report.prices
    assert report.prices.columns == ("products.sale_price", "product_variants.price_adjustment")
    assert report.prices.proposal == RULE
    shown = {each.sku: (each.plain, each.parts, each.price) for each in report.prices.examples}
    assert shown == {
        "CPH-46": ("119.90", ("-", "10.00"), "129.90"),
        "DUN-42": ("89.00", ("79.00", "0.00"), "79.00"),
        "DUN-46": ("89.00", ("79.00", "10.00"), "89.00"),
    }
    assert core_main.main(["adopt", "--check"]) == 0
    said = capsys.readouterr().out
    assert "product_variants.price_adjustment" in said
    assert f"Until you confirm it, no payment is begun here: add --price '{RULE}'" in said


def test_without_a_confirmed_price_the_shop_moves_in_and_no_payment_is_begun(old: Legacy) -> None:
    assert adoption.adopt(old.url).possible
    with old.shop() as shop:
        till = Till(shop)
        told = is_problem(till.pay({"sku": "DUN-42", "quantity": 1}), 422)
        assert "product_variants.price_adjustment" in told["detail"]
        assert "python -m core shop --price" in told["detail"]
        assert till.payments == []
        shop.run(prices.set_price, COMMAND_LINE, words=RULE)
        assert till.pay({"sku": "DUN-46", "quantity": 1}).json()["amount"] == 8_900


@pytest.mark.parametrize(
    ("words", "amounts"),
    [
        (RULE, [12_990, 7_900, 8_900]),
        ("price + price_adjustment", [12_990, 8_900, 9_900]),
        ("price", [11_990, 8_900, 8_900]),
        ("products.price * (100 - 15) / 100", [10_192, 7_565, 7_565]),
        ("least(sale_price, products.price + product_variants.price_adjustment)", [12_990, 7_900, 7_900]),
    ],
)
def test_a_payment_costs_what_the_check_showed(old: Legacy, words: str, amounts: list[int]) -> None:
    report = adoption.adopt(old.url, price=words)
    assert report.prices
    assert report.prices.doubt is None
    paid = dict(zip(("CPH-46", "DUN-42", "DUN-46"), cost(old, "CPH-46", "DUN-42", "DUN-46"), strict=True))
    assert list(paid.values()) == amounts
    shown = {each.sku: int(Decimal(each.price) * 100) for each in report.prices.examples}
    assert {sku: amount for sku, amount in shown.items() if sku in paid} == {
        sku: amount for sku, amount in paid.items() if sku in shown
    }


def test_a_price_that_is_changed_later_is_the_one_that_is_paid(old: Legacy) -> None:
    adoption.adopt(old.url, price=RULE)
    old.run("update products set sale_price = 59 where name = 'Dune Runner'")
    assert cost(old, "DUN-42") == [5_900]
    old.run("alter table product_variants drop column price_adjustment cascade")
    with old.shop() as shop:
        told = is_problem(Till(shop).pay({"sku": "DUN-42", "quantity": 1}), 422)
    assert "product_variants.price_adjustment, which no longer exists" in told["detail"]


def test_a_shop_whose_plain_price_is_all_there_is_needs_no_confirmation(old: Legacy) -> None:
    old.run(
        "drop view catalogue; alter table products drop sale_price; alter table product_variants drop price_adjustment"
    )
    assert adoption.adopt(old.url).prices is None
    assert cost(old, "DUN-42") == [8_900]


def test_other_names_of_such_columns_are_recognised_and_costs_and_dates_are_not(old: Legacy) -> None:
    old.run(
        """alter table products add discount_percent numeric, add compare_at_price numeric, add cost_price numeric,
               add on_sale boolean default true, add price_updated_at timestamptz, add price_code text;
           alter table product_variants add "priceModifier" numeric default 2, add discount_price numeric,
               add wholesale_price numeric;
           update products set discount_percent = 10"""
    )
    report = adoption.check(old.url)
    assert report.prices
    assert set(report.prices.columns) == {
        "products.sale_price",
        "products.discount_percent",
        "products.compare_at_price",
        "products.on_sale",
        "product_variants.price_adjustment",
        "product_variants.priceModifier",
        "product_variants.discount_price",
    }
    found = {each.what: (each.found, each.then) for each in report.findings}
    assert found["products.compare_at_price"] == ("set for 0 variants", "may change the price")
    assert found["products.on_sale"][1] == "may change the price; it holds no numbers, so --price cannot use it"
    assert report.prices.proposal == (
        "coalesce(sale_price, discount_price, price) * (1 - coalesce(discount_percent, 0) / 100) "
        '+ coalesce(price_adjustment, 0) + coalesce("priceModifier", 0)'
    )
    adoption.adopt(old.url, price=report.prices.proposal)
    (example,) = (each for each in report.prices.examples if each.sku == "DUN-46")
    assert (example.price, cost(old, "DUN-46")) == ("83.10", [8_310])


def test_undo_and_adopting_again_forget_the_rule(old: Legacy) -> None:
    adoption.adopt(old.url, price="price")
    adoption.undo(old.url)
    assert adoption.check(old.url).prices is not None
    with pytest.raises(InvalidInput):
        adoption.adopt(old.url, price="price + nothing_like_it")
    assert old.one("select to_regclass('stockroom.shop') is null")


COLUMNS = {
    "products": {"price": True, "sale_price": True, "Old Price": True, "name": False, "both": True},
    "product_variants": {"price": True, "price_adjustment": True, "both": True},
}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("", "is not complete"),
        ("price +", "is not complete"),
        ("(price", "lacks a ')'"),
        ("price price_adjustment", "where it should end"),
        ("5", "names no column"),
        ("both", "write products.both or product_variants.both"),
        ("name", "does not hold numbers"),
        ("stock_quantity", "is not a column"),
        ("orders.total", "neither products nor product_variants"),
        ("pg_sleep(1)", "calls pg_sleep"),
        ("price; drop table products", "a character that is not allowed"),
        ("price || 'x'", "a character that is not allowed"),
        ("(select 1)", "is not a column"),
        ("price::text", "a character that is not allowed"),
        ("(" * 40 + "price" + ")" * 40, "nested too deeply"),
        ("price + " * 60 + "price", "longer than 300"),
        ("coalesce()", "where a column or a number should be"),
        ("products.", "is not complete"),
    ],
)
def test_what_is_no_expression_over_columns_is_refused_in_a_sentence(words: str, why: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(words, COLUMNS)
    assert why in refused.value.message


def test_an_expression_is_read_as_arithmetic_is() -> None:
    row = {("products", "price"): Decimal(100), ("products", "sale_price"): None, ("products", "Old Price"): Decimal(7),
           ("product_variants", "price_adjustment"): Decimal(5), ("product_variants", "price"): None}  # fmt: skip
    for words, value in {
        "price + price_adjustment * 2": "110",
        "(price + price_adjustment) * 2": "210",
        "price - price_adjustment - 5": "90",
        "price / 8 / 5": "2.5",
        "-price_adjustment + PRICE": "95",
        "COALESCE(sale_price, products.price)": "100",
        "greatest(sale_price, price_adjustment)": "5",
        '"Old Price" + 0.5': "7.5",
    }.items():
        assert value_of(parse(words, COLUMNS), row) == Decimal(value), words
    for words in ("sale_price + 1", "price / (price_adjustment - 5)", "coalesce(sale_price)"):
        assert value_of(parse(words, COLUMNS), row) is None, words


def test_python_and_sql_evaluate_a_rule_alike(old: Legacy) -> None:
    adoption.adopt(old.url)
    with old.shop() as shop:
        columns = shop.run(lambda connection, _: prices._columns_here(connection), COMMAND_LINE)
        for words in (
            RULE,
            "price / 3",
            "least(sale_price, price, price_adjustment)",
            "greatest(price, 100) - 0.5",
            "price / price_adjustment",
            "-price_adjustment",
        ):
            rule = parse(words, columns)
            found = shop.rows(
                """select stockroom_api.price_of(cast(:rule as jsonb), to_jsonb(v), to_jsonb(p)) as price,
                          p.price as plain, p.sale_price, v.price_adjustment
                     from public.product_variants v join public.products p on p.id = v.product_id""",
                rule=json.dumps(rule),
            )
            assert len(found) == 14, "twelve variants, and one of each old sneaker"
            for row in found:
                numbers = {
                    ("products", "price"): row.plain,
                    ("products", "sale_price"): row.sale_price,
                    ("product_variants", "price_adjustment"): row.price_adjustment,
                }
                wanted = value_of(rule, numbers)
                assert (row.price is None) == (wanted is None)
                assert wanted is None or abs(row.price - wanted) < Decimal("0.0000001")
