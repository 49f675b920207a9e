"""Settings > Stripe as an admin sees it: key and mode, connection test, go-live, cart mapping, order lookup."""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from streamlit.testing.v1 import AppTest

from core.database.engine import run as operate
from core.inbox import messages as inbox
from core.inbox.messages import WORKER
from core.payloads import reading as payloads
from core.stripe import gateway as stripe_gateway
from tests.dashboard.tabs import Tabs, field, labels, metric, press, run, table, tabs, words_of
from tests.stripe.fake import KEY, fake_gateway
from tests.stripe.shop import Stripe, open_cases
from tests.support.builders import ZONE, Shop

__all__ = ["tabs"]

X = "\N{MULTIPLICATION SIGN}"
ODD = {"basket": "TEE-M/2;SOCK/1"}
"""A cart as nobody would recognise it."""


@pytest.fixture
def stripe(embedded_shop: Shop, tabs: Tabs, monkeypatch: pytest.MonkeyPatch) -> Stripe:
    """A shop that is connected in test mode, to a Stripe in memory."""
    monkeypatch.setenv("STRIPE_SECRET_KEY", KEY)
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_first00000,whsec_second0000")
    opened = Stripe(embedded_shop)
    monkeypatch.setattr(stripe_gateway, "from_settings", lambda *_: opened.gateway)
    return opened


def section(tabs: Tabs, person: str = "Ada") -> AppTest:
    return tabs.open(person, "settings", set_section="Stripe")


def badges(tab: AppTest) -> str:
    return " ".join(element.value for element in tab.markdown if "-badge[" in element.value)


def toast(tab: AppTest) -> str:
    return " ".join(str(shown.value) for shown in tab.toast).replace("\\", "").replace("\N{NO-BREAK SPACE}", " ")


def saved(stripe: Stripe) -> inbox.Link:
    return operate(stripe.shop.engine, inbox.link, WORKER)


# ---------------------------------------------------------------- key, mode, connection


def test_without_a_key_the_page_says_what_to_set_and_everything_else_is_there(
    tabs: Tabs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STRIPE_SECRET_KEY", raising=False)
    tab = section(tabs)
    said = words_of(tab)
    assert "Not connected" in badges(tab)
    assert "Create a restricted key, set it as `STRIPE_SECRET_KEY`" in said
    assert "There are no payments yet" in said
    assert "Test the connection" not in labels(tab)
    assert "Save mapping" in labels(tab)


def test_a_test_key_is_badged_and_no_part_of_key_or_secret_is_on_the_page(tabs: Tabs, stripe: Stripe) -> None:
    tab = section(tabs)
    assert "TEST MODE: no real money" in badges(tab)
    assert "Key: set (test mode)" in words_of(tab)
    assert "Signing secrets: 2 set" in words_of(tab)
    assert f"API version: `{stripe_gateway.API_VERSION}`" in words_of(tab)
    everything = words_of(tab) + " ".join(str(code.value) for code in tab.code) + str(tab)
    assert not [part for part in (KEY, KEY[8:], "first00000", "second0000") if part in everything]


def test_a_live_key_is_badged_as_real_money(tabs: Tabs, stripe: Stripe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_SECRET_KEY", KEY.replace("_test_", "_live_"))
    assert "LIVE MODE: real money" in badges(section(tabs))


def test_a_key_of_the_other_mode_is_reported_and_ada_changes_the_mode_of_the_shop(
    tabs: Tabs, stripe: Stripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIPE_SECRET_KEY", KEY.replace("_test_", "_live_"))
    stripe.pay("TEE-M")
    stripe.poll()
    before = saved(stripe)
    assert before.cursor
    tab = section(tabs)
    assert "The key is one of live mode, but this shop is connected in test mode" in words_of(tab)
    press(tab, "Change this shop to live mode")
    assert "This shop is now in Stripe's live mode." in toast(tab)
    link = saved(stripe)
    assert (link.livemode, link.cursor, link.polled_at) == (True, None, None)
    assert link.live_since
    assert before.live_since
    assert link.live_since >= before.live_since
    assert "Change this shop to live mode" not in labels(tab)
    changes = table(tabs.open("Ada", "settings", set_section="Recent changes"), "Who")
    assert next(iter(changes["What"])) == "Stripe changed"
    assert "Mode: test → live" in next(iter(changes["Before and after"]))


def test_the_connection_test_says_whose_account_it_is(tabs: Tabs, stripe: Stripe) -> None:
    tab = press(section(tabs), "Test the connection")
    assert "The Shop (`acct_1TheShop`) answers, and the key has all permissions." in words_of(tab)


def test_the_connection_test_names_what_the_key_may_not_read_as_stripe_does(
    tabs: Tabs, stripe: Stripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway, fake = fake_gateway(stripe.account)
    monkeypatch.setattr(stripe_gateway, "from_settings", lambda *_: gateway)
    fake.denied |= {"rak_charge_read", "rak_plan_read"}
    said = words_of(press(section(tabs), "Test the connection"))
    assert "the key may not read Charges and Refunds (`rak_charge_read`) and Prices (`rak_plan_read`)" in said
    assert "choose “Read” for them, and test again" in said


@pytest.mark.parametrize(
    ("trouble", "sentence"),
    [(500, "Stripe has an outage (status 500)"), ("timeout", "Stripe cannot be reached or did not answer")],
)
def test_a_connection_test_that_fails_says_why(
    tabs: Tabs, stripe: Stripe, trouble: int | str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway, fake = fake_gateway(stripe.account, attempts=2)
    monkeypatch.setattr(stripe_gateway, "from_settings", lambda *_: gateway)
    fake.trouble(trouble, times=2)
    tab = press(section(tabs), "Test the connection")
    assert sentence in words_of(tab)
    assert len(fake.asked) == 2, "somebody waits in front of the screen"


def test_a_key_that_stripe_does_not_know_is_reported_with_the_next_step(
    tabs: Tabs, stripe: Stripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway, _ = fake_gateway(stripe.account, key=KEY + "Mistyped")
    monkeypatch.setattr(stripe_gateway, "from_settings", lambda *_: gateway)
    said = words_of(press(section(tabs), "Test the connection"))
    assert "Stripe does not know the key in STRIPE_SECRET_KEY: it was mistyped, replaced or deleted." in said
    assert "Mistyped" not in said


@pytest.mark.parametrize("person", ["Wanda", "Sam", "Mia"])
def test_nobody_but_an_admin_sees_how_the_shop_is_connected(tabs: Tabs, stripe: Stripe, person: str) -> None:
    tab = section(tabs, person)
    assert "Your role cannot view this page" in words_of(tab)
    assert not tab.code
    assert [field.label for field in tab.text_input] == ["Find an order, a buyer, a variant"]


# ---------------------------------------------------------------- go-live, inbox, webhook


def test_ada_moves_the_go_live_instant_and_it_is_on_record_in_the_shops_time(tabs: Tabs, stripe: Stripe) -> None:
    tab = section(tabs)
    assert "Orders paid before this time are recorded only and move no stock" in words_of(tab)
    field(tab, "date_input", "Day").set_value(date(2026, 1, 15))
    field(tab, "time_input", "Time").set_value(time(6, 30))
    (save,) = [button for button in tab.button if button.label == "Save" and "set_stripe_live" in str(button.form_id)]
    save.click()
    run(tab)
    assert "Orders paid from 15 Jan 2026, 06:30 take stock." in toast(tab)
    assert saved(stripe).live_since == datetime(2026, 1, 15, 6, 30, tzinfo=ZoneInfo(ZONE))
    changes = table(tabs.open("Ada", "settings", set_section="Recent changes"), "Who")
    assert next(iter(changes["Before and after"])).startswith("Goes live: ")
    assert next(iter(changes["Before and after"])).endswith("→ 15 Jan 2026, 06:30")


def test_waiting_and_parked_messages_are_counted_and_the_last_poll_is_shown(tabs: Tabs, stripe: Stripe) -> None:
    stripe.pay("TEE-M")
    stripe.webhook()
    tab = section(tabs)
    assert int(metric(tab, "Waiting")) > 0
    assert metric(tab, "Parked") == "0"
    assert "Last poll: just now. Oldest waiting message: just now." in words_of(tab)


def test_the_webhook_shows_its_address_and_every_event_we_read(tabs: Tabs, stripe: Stripe) -> None:
    codes = [str(code.value) for code in section(tabs).code]
    assert codes[0].endswith("/webhook/stripe")
    assert codes[1].split() == list(payloads.KINDS)


# ---------------------------------------------------------------- the cart mapping


def odd_payment(stripe: Stripe) -> None:
    stripe.account.pay(2500, metadata=ODD)
    stripe.webhook()
    stripe.work()


def typed(tab: AppTest, layout: str, **values: str) -> AppTest:
    field(tab, "selectbox", "How the cart is written").select(layout)
    run(tab)
    for name, text in values.items():
        next(box for box in tab.text_input if box.key and box.key.startswith(f"set_map_{name}_{layout}")).input(text)
    return run(tab)


PACKED = {"key": "basket", "line_separator": ";", "field_separator": "/", "code": "1", "quantity": "2"}


def test_a_mapping_is_tried_on_recent_payments_while_it_is_typed_and_nothing_is_saved(
    tabs: Tabs, stripe: Stripe
) -> None:
    stripe.pay("TEE-M", 2)
    stripe.account.advance(1)
    odd_payment(stripe)
    tab = section(tabs)
    alone = list(table(tab, "Without mapping")["Without mapping"])
    assert alone == ["No cart", f"2 {X} TEE-M"]
    typed(tab, "packed", **PACKED)
    assert list(table(tab, "With this mapping")["With this mapping"]) == [
        f"2 {X} TEE-M, 1 {X} SOCK",
        f"2 {X} TEE-M",
    ]
    assert list(table(tab, "With this mapping")["Without mapping"]) == alone
    assert "2 can be read with this mapping." in words_of(tab)
    assert saved(stripe).cart_mapping is None


def test_a_mapping_that_could_never_work_says_which_field_and_cannot_be_saved(tabs: Tabs, stripe: Stripe) -> None:
    tab = typed(section(tabs), "packed", **PACKED | {"code": "first"})
    assert "Incomplete mapping: Code and every other field must be a position from 1 to 50." in words_of(tab)
    (save,) = [button for button in tab.button if button.label == "Save mapping"]
    assert save.disabled


def test_a_saved_mapping_reads_the_waiting_orders_again_and_they_leave_the_shelf(tabs: Tabs, stripe: Stripe) -> None:
    shirt, sock = stripe.shop.variant(10, sku="TEE-M"), stripe.shop.variant(10, sku="SOCK")
    odd_payment(stripe)
    tab = typed(section(tabs), "packed", **PACKED)
    assert "1 order without a readable cart." in words_of(tab)
    press(tab, "Save mapping")
    assert "The cart mapping is saved." in toast(tab)
    press(tab, "Read 1\N{NO-BREAK SPACE}order again")
    assert "1 order will be read again within a minute." in toast(tab)
    stripe.work()
    assert (stripe.shop.on_hand(shirt), stripe.shop.on_hand(sock)) == (8, 9)
    assert open_cases(stripe.shop) == []
    assert "without a readable cart" not in words_of(run(tab))


def test_an_order_that_a_person_resolved_by_hand_is_not_taken_a_second_time(tabs: Tabs, stripe: Stripe) -> None:
    shirt = stripe.shop.variant(10, sku="TEE-M")
    odd_payment(stripe)
    stripe.shop.sql(
        "select stockroom_api.resolve_cause('cart:' || payment_id, 'Mia', 'Taken by hand') from stockroom.orders"
    )
    assert "without a readable cart" not in words_of(typed(section(tabs), "packed", **PACKED))
    assert stripe.shop.on_hand(shirt) == 10


def test_a_saved_mapping_is_shown_in_its_form_and_can_be_removed(tabs: Tabs, stripe: Stripe) -> None:
    tab = press(typed(section(tabs), "packed", **PACKED), "Save mapping")
    assert field(tab, "selectbox", "How the cart is written").value == "packed"
    assert field(tab, "text_input", "Between lines").value == ";"
    assert saved(stripe).cart_mapping == {"layout": "packed"} | PACKED
    press(tab, "Remove mapping")
    assert saved(stripe).cart_mapping is None
    assert field(tab, "selectbox", "How the cart is written").value == "recognised"
    changes = table(tabs.open("Ada", "settings", set_section="Recent changes"), "Who")
    assert "layout packed" in next(iter(changes["Before and after"]))


def test_the_key_of_the_buyers_email_is_saved_for_a_cart_that_is_recognised(tabs: Tabs, stripe: Stripe) -> None:
    tab = section(tabs)
    field(tab, "text_input", "Key of the buyer's email").input("line_{n}")
    assert "Key of the buyer's email must be one key of the metadata" in words_of(run(tab))
    field(tab, "text_input", "Key of the buyer's email").input("buyer_mail")
    press(run(tab), "Save mapping")
    assert saved(stripe).cart_mapping == {"layout": "recognised", "email": "buyer_mail"}
    assert field(tab, "text_input", "Key of the buyer's email").value == "buyer_mail"


def test_the_admin_chooses_what_becomes_of_the_mail_while_a_cart_is_unread(tabs: Tabs, stripe: Stripe) -> None:
    tab = section(tabs)
    assert field(tab, "selectbox", "While the cart is unread").value == "wait"
    field(tab, "selectbox", "While the cart is unread").select("without_lines")
    (save,) = [button for button in tab.button if button.key == "set_unread_save"]
    save.click()
    assert "are confirmed at once, without lines." in toast(run(tab))
    assert saved(stripe).unread_confirmation == "without_lines"


def test_the_preview_distinguishes_orders_kept_elsewhere_from_cut_off_carts(tabs: Tabs, stripe: Stripe) -> None:
    stripe.account.pay(1000, metadata={"order_id": "1007"})
    stripe.account.advance(1)
    stripe.account.pay(1000, metadata={"cart": '[{"sku":"TEE-M","quantity":1},{"sku":"MU'})
    stripe.webhook()
    cut, elsewhere = table(section(tabs), "Without mapping")["Without mapping"]
    assert elsewhere == "Order 1007, with its lines elsewhere"
    assert cut.startswith("Not readable: ")


def test_the_latest_payments_come_first_and_checkout_needs_no_mapping(tabs: Tabs, stripe: Stripe) -> None:
    for ago in (3, 2, 1):
        stripe.account.now -= ago * 24 * 3600
        stripe.pay(f"AGO-{ago}")
        stripe.account.now += ago * 24 * 3600
    stripe.account.complete(stripe.account.checkout([("SHOE", 9000, 1)])["id"])
    stripe.import_all()  # which reads the newest first
    stripe.work()
    told = list(table(section(tabs), "Without mapping")["Without mapping"])
    assert told == ["The lines of Stripe Checkout", f"1 {X} AGO-1", f"1 {X} AGO-2", f"1 {X} AGO-3"]


# ---------------------------------------------------------------- the storefront's orders


@pytest.fixture
def storefront(stripe: Stripe) -> Stripe:
    """A storefront that keeps the lines of its orders in a table of its own."""
    stripe.shop.sql('create schema "Shop front"')
    stripe.shop.sql('create table "Shop front".order_lines (number text, sku text, pieces int, note text)')
    stripe.shop.sql("insert into \"Shop front\".order_lines values ('1007', 'TEE-M', 3)")
    stripe.shop.sql('grant usage on schema "Shop front" to stockroom_owner')
    stripe.shop.sql('grant select on "Shop front".order_lines to stockroom_owner')
    return stripe


LOOKUP = {"Schema": "Shop front", "Table with one row for each line": "order_lines",
          "Column of the order number": "number", "Column of the SKU or variant id": "sku",
          "Column of the quantity": "pieces"}  # fmt: skip


def look_up(tab: AppTest, **other: str) -> AppTest:
    for label, text in (LOOKUP | other).items():
        field(tab, "text_input", label).input(text)
    next(button for button in tab.button if button.key == "set_lookup_save").click()
    return run(tab)


def test_the_lines_of_an_order_are_looked_up_where_ada_says(tabs: Tabs, storefront: Stripe) -> None:
    shirt = storefront.shop.variant(10, sku="TEE-M")
    tab = look_up(section(tabs))
    assert "Order lines are read from Shop front.order_lines." in toast(tab)
    storefront.account.pay(1000, metadata={"order_id": "1007"})
    storefront.webhook()
    storefront.work()
    assert storefront.shop.on_hand(shirt) == 7
    next(button for button in tab.button if button.key == "set_lookup_remove").click()
    run(tab)
    assert saved(storefront).order_lookup is None


@pytest.mark.parametrize(
    ("label", "text", "sentence"),
    [
        ("Schema", "nowhere", 'Table "order_lines" does not exist in the schema "nowhere".'),
        ("Schema", "stockroom", "Schema must be one of the storefront's own."),
        ("Schema", "pg_catalog", "Schema must be one of the storefront's own."),
        ("Schema", "", "Schema must be a name of 1 to 63 characters."),
        ("Table with one row for each line", 'x"; drop table y', 'Table "x"; drop table y" does not exist'),
        ("Column of the order number", "nr", 'Order column "nr" does not exist in that table.'),
        ("Column of the quantity", "note", "Quantity column does not hold numbers."),
    ],
)
def test_a_lookup_that_does_not_exist_is_refused_and_says_what_is_missing(
    tabs: Tabs, storefront: Stripe, label: str, text: str, sentence: str
) -> None:
    assert sentence in words_of(look_up(section(tabs), **{label: text}))
    assert saved(storefront).order_lookup is None


def test_a_table_that_our_account_may_not_read_is_refused_with_the_grant_it_needs(
    tabs: Tabs, storefront: Stripe
) -> None:
    storefront.shop.sql('revoke select on "Shop front".order_lines from stockroom_owner')
    said = words_of(look_up(section(tabs)))
    assert "Order column may not be read by stockroom_owner; grant select on the table first." in said
