"""Tax in a payment: none, a rate of the shop, or computed by Stripe; and said in the answer."""

from __future__ import annotations

import pytest

from core import __main__ as core_main
from core.database.engine import run
from core.foundation.errors import InvalidInput
from core.foundation.model import COMMAND_LINE
from core.shop import prices
from tests.core.storefront.test_api import is_problem
from tests.core.storefront.test_checkout import Till, of, reserved
from tests.core.storefront.test_create_from_payment import order
from tests.core.storefront.test_requests import STRIPE_STYLE
from tests.stripe.shop import open_cases
from tests.support.builders import Shop


@pytest.fixture
def till(fresh_shop: Shop) -> Till:
    return Till(fresh_shop)


def tax(till: Till, words: str) -> None:
    run(till.shop.engine, prices.set_tax, COMMAND_LINE, tax=words)


def test_a_rate_of_the_shop_is_added_to_the_goods_and_said(till: Till) -> None:
    tax(till, "8.25 %")
    shoe = till.shop.variant(5, price=19.99)
    told = till.pay(of(shoe, 2), shipping=490).json()
    assert told["breakdown"] == {"subtotal": 3_998, "shipping": 490, "tax": 330, "total": 4_818}
    assert told["tax"] == {"by": "rate", "rate": 8.25}
    assert (till.payments[0]["amount"], till.payments[0]["metadata"]["tax_amount"]) == (4_818, "330")
    till.account.succeed(told["paymentIntentId"])
    assert order(till, told["paymentIntentId"]).json()["success"] is True
    assert open_cases(till.shop) == []
    tax(till, "none")
    assert till.pay(of(shoe, 2)).json()["breakdown"]["tax"] == 0


def test_stripe_computes_the_tax_from_the_address(till: Till) -> None:
    tax(till, "stripe")
    shoe = till.shop.variant(9, price=20)
    begun = till.pay(of(shoe, 2), shipping={**STRIPE_STYLE, "amount": 500}, metadata={"cartId": "c"})
    assert begun.status_code == 201, begun.text
    told = begun.json()
    assert told["breakdown"] == {"subtotal": 4_000, "shipping": 500, "tax": 450, "total": 4_950}
    assert told["tax"] == {"by": "stripe", "rate": None}
    made = till.payments[0]
    assert (made["amount"], made["metadata"]["tax_calculation"]) == (4_950, "taxcalc_1")
    sent = [asked for asked in till.stripe.asked if asked.path == "/v1/payment_intents"][-1]
    assert sent.params["hooks"] == {"inputs": {"tax": {"calculation": "taxcalc_1"}}}
    changed = till.change(told["paymentIntentId"], items=[of(shoe, 3)]).json()
    assert changed["breakdown"] == {"subtotal": 6_000, "shipping": 500, "tax": 650, "total": 7_150}
    assert made["metadata"]["tax_calculation"] == "taxcalc_2"
    abroad = till.change(told["paymentIntentId"], shipping={"line1": "Rue 1", "country": "FR"}).json()
    assert abroad["breakdown"] == {"subtotal": 6_000, "shipping": 500, "tax": 0, "total": 6_500}
    tax(till, "10")
    assert till.change(told["paymentIntentId"]).json()["tax"] == {"by": "rate", "rate": 10.0}
    assert "tax_calculation" not in made["metadata"]
    till.account.succeed(told["paymentIntentId"])
    assert order(till, told["paymentIntentId"]).json()["success"] is True
    assert open_cases(till.shop) == []


def test_without_an_address_stripe_cannot_compute_the_tax_and_nothing_is_held(till: Till) -> None:
    tax(till, "stripe")
    shoe = till.shop.variant(5, price=20)
    for shipping in (None, 490, {"line1": "Main Street 1"}):
        assert "two-letter country" in is_problem(till.pay(of(shoe), shipping=shipping), 422)["detail"]
    till.stripe.trouble(500, times=2)
    is_problem(till.pay(of(shoe), shipping=STRIPE_STYLE), 503)
    assert reserved(till.shop, shoe) == 0
    assert till.payments == []


@pytest.mark.parametrize("words", ["", "high", "0", "100", "-3", "8,25", "1e3"])
def test_what_is_no_tax_is_refused(till: Till, words: str) -> None:
    with pytest.raises(InvalidInput, match="use none, stripe, or a rate"):
        tax(till, words)


def test_the_shop_command_sets_and_shows_price_and_tax(
    till: Till, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", till.shop.owner_url)
    monkeypatch.delenv("STOCKROOM_OWNER_URL", raising=False)
    assert core_main.main(["shop", "--price", "price * 0.9", "--tax", "8.25"]) == 0
    assert "In payments: a variant costs price * 0.9; tax: 8.25 % on the goods\n" in capsys.readouterr().out
    assert till.pay(of(till.shop.variant(5, price=20))).json()["breakdown"] == {
        "subtotal": 1_800, "shipping": 0, "tax": 149, "total": 1_949}  # fmt: skip
    assert core_main.main(["shop", "--tax", "stripe"]) == 0
    assert "tax: computed by Stripe" in capsys.readouterr().out
    assert core_main.main(["shop", "--price", "price; drop table products"]) == 1
    assert "a character that is not allowed" in capsys.readouterr().err
    audited = till.shop.sql("select count(*) from stockroom.audit where change = 'shop_changed'")
    assert audited >= 2
