"""A confirmation mail has the lines of its order, goes to the buyer wherever the address is, and is sent once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from core.carts.mapping import CartMapping, Layout, email_in, from_json
from core.foundation.errors import Forbidden, InvalidInput
from core.inbox import applying, messages
from core.jobs import chores
from core.orders import cases, lines, stripe_link
from core.storefront import paid_orders
from tests.core.storefront.test_api import Client
from tests.core.storefront.test_checkout import Till
from tests.core.storefront.test_create_from_payment import mails, order
from tests.core.storefront.test_create_from_payment import till as a_till
from tests.support.builders import Shop, key
from tests.support.receivers import mailbox

NOBODY = {"email": None, "name": None, "shipping": None}
till = a_till


@pytest.fixture(autouse=True)
def _settings(shop: Shop) -> Iterator[None]:
    yield
    changes: dict[str, Any] = {"unread_confirmation": "wait", "cart_mapping": None}
    shop.run(messages.save_link, "Ada", changes=changes)


def mapped(shop: Shop, **fields: str) -> None:
    shop.run(stripe_link.save_mapping, "Ada", mapping=from_json(fields))


def unread(till: Till, buyer: dict[str, Any] | None = None, **metadata: str) -> str:
    """A payment of a cart in a layout that nobody knows."""
    shoe = till.shop.variant(5, sku=f"SH{key()[:8]}", product="Halde Boot")
    sku = till.shop.sql("select sku from public.product_variants where id = :id", id=shoe)
    buyer = {"email": "casey@shop.example", "name": None, "shipping": None} if buyer is None else buyer
    paid = till.account.pay(10_000, "eur", {"wares": f"{sku}/2", **metadata}, buyer)
    return str(paid["id"])


def work(till: Till) -> None:
    """One minute of the worker."""
    applying.apply_due(till.shop.engine, till.gateway)
    paid_orders.confirm_waiting(till.shop.engine)


def read_the_cart(till: Till, payment_id: str) -> None:
    """The admin describes the layout, and support reads the cart again."""
    mapped(till.shop, layout="packed", key="wares", code="1", quantity="2", field_separator="/")
    found = till.shop.sql("select id from stockroom.orders where payment_id = :id", id=payment_id)
    assert till.shop.run(cases.retry_cart, "Sam", order_id=found) > 0


def test_an_order_with_an_unread_cart_is_confirmed_once_its_cart_was_read(till: Till) -> None:
    payment_id = unread(till)
    told = order(till, payment_id).json()
    assert (told["mail"], told["lines"]) == ("waiting_for_cart", [])
    work(till)
    assert mails(till.shop, payment_id) == [], "no mail without lines"
    read_the_cart(till, payment_id)
    work(till)
    ((to, _, body),) = mails(till.shop, payment_id)
    assert to == "casey@shop.example"
    assert "2 x Halde Boot (SH" in body
    work(till)
    assert order(till, payment_id).json()["mail"] == "queued"
    assert len(mails(till.shop, payment_id)) == 1


def test_lines_that_support_enters_are_in_the_confirmation(till: Till) -> None:
    payment_id = unread(till)
    assert order(till, payment_id).json()["mail"] == "waiting_for_cart"
    found = till.shop.sql("select id from stockroom.orders where payment_id = :id", id=payment_id)
    boot = till.shop.variant(5, product="Halde Boot", size="42")
    seen = till.shop.run(lines.seen, order_id=found)
    wanted = [lines.Entered(variant_id=boot, quantity=2, unit_price=5000)]
    till.shop.run(lines.set_lines, "Sam", order_id=found, seen=seen, lines=wanted, key=key())
    work(till)
    ((_, _, body),) = mails(till.shop, payment_id)
    assert "2 x Halde Boot, size 42 (T-" in body
    told = order(till, payment_id).json()
    assert [(each["quantity"], each["state"]) for each in told["lines"]] == [(2, "taken")]


def test_a_cart_read_before_the_storefront_asks_again_is_confirmed_by_that_request_alone(till: Till) -> None:
    payment_id = unread(till)
    assert order(till, payment_id).json()["mail"] == "waiting_for_cart"
    read_the_cart(till, payment_id)
    applying.apply_due(till.shop.engine, till.gateway)
    assert order(till, payment_id).json()["mail"] == "queued"
    work(till)
    assert len(mails(till.shop, payment_id)) == 1
    assert till.shop.sql("select count(*) from stockroom.waiting_confirmations w join stockroom.orders o on "
                         "o.id = w.order_id where o.payment_id = :id", id=payment_id) == 0  # fmt: skip


def test_a_shop_that_wants_it_confirms_an_unread_cart_by_a_sentence_without_lines(till: Till) -> None:
    till.shop.run(stripe_link.save_unread_confirmation, "Ada", choice="without_lines")
    payment_id = unread(till)
    assert order(till, payment_id).json()["mail"] == "queued"
    read_the_cart(till, payment_id)
    work(till)
    assert order(till, payment_id).json()["mail"] == "queued"
    ((_, _, body),) = mails(till.shop, payment_id)
    assert "We have received your payment and your order." in body


def test_only_an_admin_changes_what_an_unread_cart_is_told(till: Till) -> None:
    with pytest.raises(Forbidden):
        till.shop.run(stripe_link.save_unread_confirmation, "Mia", choice="without_lines")
    with pytest.raises(InvalidInput, match="wait, without_lines"):
        till.shop.run(stripe_link.save_unread_confirmation, "Ada", choice="never")


def test_the_worker_sends_what_waited_in_the_same_minute(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    payment_id = unread(till, {"email": "minute@shop.example", "name": None, "shipping": None})
    order(till, payment_id)
    read_the_cart(till, payment_id)
    applying.apply_due(till.shop.engine, till.gateway)
    said: list[str] = []
    with mailbox() as post:
        monkeypatch.setenv("STOCKROOM_MAIL_URL", post.url)
        chores.CHORES["deliver_alerts"].work(till.shop.engine, None, said.append, threading.Event())
    assert "Confirmed 1 order whose cart or address was unknown before." in said
    assert [to for to, _ in post.got if to == ["minute@shop.example"]] == [["minute@shop.example"]]


@pytest.mark.parametrize("place", ["receipt_email", "billing_details", "session", "metadata"])
def test_the_buyers_address_is_found_wherever_it_is(till: Till, place: str) -> None:
    mapped(till.shop, layout="recognised", email="buyer_mail")
    shoe, address = till.shop.variant(5, sku=f"AD{key()[:8]}"), f"{place}@shop.example"
    sku = till.shop.sql("select sku from public.product_variants where id = :id", id=shoe)
    cart = {"cart": f'[{{"sku": "{sku}", "quantity": 1}}]'}
    buyer = NOBODY | ({"email": address} if place == "billing_details" else {})
    if place == "session":
        made = till.account.checkout([(sku, 5000, 1)], currency="eur", buyer=NOBODY)
        done = till.account.complete(made["id"], buyer=NOBODY)
        done["customer_details"] = {"email": address, "name": None}
        payment_id = done["payment_intent"]
        (charge,) = (each for each in till.account.kept["charge"].values() if each["payment_intent"] == payment_id)
        charge |= {"billing_details": {"email": None, "name": None}, "receipt_email": None}
    else:
        metadata = cart | ({"buyer_mail": f" {address} "} if place == "metadata" else {})
        payment_id = till.account.pay(5000, "eur", metadata, buyer)["id"]
    if place == "receipt_email":
        till.account.kept["payment_intent"][payment_id]["receipt_email"] = address
    assert order(till, payment_id).json()["mail"] == "queued"
    ((to, _, body),) = mails(till.shop, payment_id)
    assert (to, f"1 x {sku}" in body or f"({sku})" in body) == (address, True)


def test_an_address_that_is_learned_later_gets_the_mail_then(till: Till) -> None:
    shoe = till.shop.variant(5, sku=f"LA{key()[:8]}")
    sku = till.shop.sql("select sku from public.product_variants where id = :id", id=shoe)
    paid = till.account.pay(5000, "eur", {"cart": f'[{{"sku": "{sku}", "quantity": 1}}]'}, NOBODY)
    assert order(till, paid["id"]).json()["mail"] == "no_address"
    till.account.kept["payment_intent"][paid["id"]]["receipt_email"] = "late@shop.example"
    till.shop.sql("update stockroom.orders set email = 'late@shop.example' where payment_id = :id", id=paid["id"])
    work(till)
    work(till)
    assert [mail.recipient for mail in mails(till.shop, paid["id"])] == ["late@shop.example"]


def test_without_a_mail_account_nothing_waits(till: Till) -> None:
    payment_id = unread(till)
    before = till.shop.sql("select count(*) from stockroom.waiting_confirmations")
    assert order(till, payment_id, Client(till.shop, gateway=till.gateway)).json()["mail"] == "no_mail_account"
    assert till.shop.sql("select count(*) from stockroom.waiting_confirmations") == before


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("kim@mail.example", "kim@mail.example"), (" o'brien+x@sub.mail.example ", "o'brien+x@sub.mail.example"),
        ("kim", None), ("kim@mail", None), ("", None), ("a@b.example,c@d.example", None), ("a@b.example, c", None),
        ("Kim <kim@mail.example>", None), ("kim@mail.example\nBcc: x@y.example", None), ("k" * 250 + "@m.ex", None),
    ],
)  # fmt: skip
def test_only_one_plain_address_is_read_from_metadata(text: str, read: str | None) -> None:
    mapping = CartMapping(layout=Layout.RECOGNISED, email="mail")
    assert email_in({"mail": text}, mapping) == read
    assert email_in({"mail": text}, None) is None
    assert email_in({}, mapping) is None


@pytest.mark.parametrize("email", ["", "k" * 41, "line_{n}_mail", "*mail", " mail"])
def test_a_mapping_with_an_impossible_email_key_is_refused(email: str) -> None:
    with pytest.raises(InvalidInput, match="Email must"):
        from_json({"layout": "recognised", "email": email})


def test_a_mapping_of_the_email_alone_leaves_the_cart_to_be_recognised() -> None:
    with pytest.raises(InvalidInput, match="only the email"):
        from_json({"layout": "recognised", "email": "mail", "key": "cart"})
    assert from_json({"layout": "recognised", "email": "mail"}).to_json() == {"layout": "recognised", "email": "mail"}
