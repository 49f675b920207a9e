"""The log has a line for each operation, and no secrets or personal data of buyers."""

from __future__ import annotations

import io
import json
import logging

import pytest

from core.foundation import journal
from core.foundation.errors import StockError
from core.foundation.model import Role
from core.inbox import polling
from core.people import accounts, api_keys
from core.people import administration as people
from core.people.api_keys import Scope
from core.storefront.api import create_api
from core.stripe.gateway import sign
from tests.dashboard.door.test_webhook import NEW, Door
from tests.stripe.account import StripeAccount
from tests.stripe.fake import KEY, fake_gateway
from tests.stripe.shop import Stripe, orders_of
from tests.support.asking import Visitor
from tests.support.builders import Shop, key

PASSWORD = "correct horse battery staple"
MAIL = "jane.buyer@customers.example"
NAME, STREET = "Jane Q. Buyer", "221B Baker Street"


def lines(written: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_an_operation_is_one_line_with_actor_name_outcome_and_duration(shop: Shop, written: io.StringIO) -> None:
    variant = shop.variant(3)
    shop.person("Wanda")
    written.truncate(0)
    written.seek(0)
    mine = key()
    shop.adjust(variant, -1, key=mine)
    (line,) = lines(written)
    assert (line["operation"], line["actor"], line["key"], line["outcome"]) == ("ledger.adjust", "Wanda", mine, "ok")
    assert isinstance(line["ms"], float)
    assert line["level"] == "info"


def test_a_refusal_is_logged_with_its_class_and_not_its_message(shop: Shop, written: io.StringIO) -> None:
    with pytest.raises(StockError):
        shop.adjust(shop.variant(1), -5)
    line = lines(written)[-1]
    assert (line["outcome"], line["why"]) == ("refused", "InsufficientStock")


def test_requests_of_storefronts_are_logged_by_id_without_their_content(fresh_shop: Shop, written: io.StringIO) -> None:
    """Through the HTTP API, with an Idempotency-Key and a reference that contain data of a buyer."""
    secret = fresh_shop.run(api_keys.make, "Ada", name="Web shop", scopes=tuple(Scope))
    variant = fresh_shop.variant(5)
    door = Visitor(create_api(lambda: fresh_shop.engine))
    headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": f"{NAME} {MAIL}", "X-Request-Id": "req-77"}
    body = {"items": [{"variantId": str(variant), "quantity": 1}], "reference": MAIL}
    answer = door.post(f"/reservations?email={MAIL}&token=abc", json=body, headers=headers)
    assert answer.status_code == 201
    (line,) = [line for line in lines(written) if line.get("operation") == "reservations.hold"]
    assert (line["actor"], line["request_id"]) == ("Web shop", "req-77")
    assert str(line["reference"]).startswith("reference:sha256:")
    assert no_secret(written, secret)


def test_signing_in_and_links_leave_no_secret(fresh_shop: Shop, written: io.StringIO) -> None:
    ada = fresh_shop.person("Ada")
    fresh_shop.run(people.add_person, ada, email="new.person@shop.example", name="Nia", role=Role.SUPPORT)
    for password in (PASSWORD, "wrong " + PASSWORD):
        accounts.sign_in(
            fresh_shop.engine, email=MAIL, password=password, address="10.0.0.9", user_agent="x", previous=None
        )
    assert lines(written)
    assert no_secret(written, "new.person@shop.example", "10.0.0.9")


def test_an_error_is_logged_with_its_place_and_never_its_message(written: io.StringIO) -> None:
    try:
        raise ValueError(f"cannot read {NAME}, {STREET}, {MAIL}")
    except ValueError as error:
        logging.getLogger("stockroom").error("Reference %s", "ab12", exc_info=error)
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application\n")
    assert no_secret(written)
    assert str(lines(written)[0]["message"]).startswith("Reference ab12 (ValueError at ")


@pytest.mark.parametrize("name", ["uvicorn.error", "streamlit.runtime", "procrastinate.worker", "sqlalchemy.engine",
                                  "stripe", "httpx"])  # fmt: skip
def test_nothing_of_a_buyer_is_logged_whatever_a_library_logs(name: str, written: io.StringIO) -> None:
    logger = logging.getLogger(name)
    logger.error("%s could not be delivered to %s, %s after %d tries", NAME, STREET, {"to": MAIL}, 3)
    logger.warning(f"GET /welcome?token=abcdefghij&email={MAIL} sk_live_abcdefghijk whsec_abcdefgh stk_abcdefghi")
    logger.warning(f"mailtos://{MAIL.replace('@', '%40')}:hunter2hunter2@smtp.example password={PASSWORD}")
    logger.warning("Bearer stk_abcdefghi pi_1_secret_abcdef")
    assert len(lines(written)) == 4
    assert no_secret(written, "abcdefgh", "hunter2hunter2")
    assert "after 3 tries" in written.getvalue()


def test_by_default_only_problems_are_logged_as_text(shop: Shop, written: io.StringIO) -> None:
    journal.begin(journal.QUIET, written)
    shop.variant(1)
    logging.getLogger("stockroom").warning("The worker stopped")
    assert written.getvalue().split(" ", 1)[1] == "warning: The worker stopped\n"
    journal.begin(journal.PLAIN, written)
    shop.variant(1)
    assert " ledger.receive ok in " in written.getvalue()


@pytest.mark.parametrize(("given", "said"), [
    ({"payment_id": "pi_123"}, "payment_id:pi_123"), ({"order_id": 7}, "order_id:7"),
    ({"reference": "Jane"}, "reference:sha256:"),
    ({}, None)])  # fmt: skip
def test_a_reference_is_an_id_or_a_fingerprint(given: dict[str, object], said: str | None) -> None:
    found = journal.reference_of(given)
    assert found == said or (said is not None and found is not None and found.startswith(said) and "Jane" not in found)


def test_a_callers_key_is_logged_if_it_is_an_id_and_else_as_a_fingerprint() -> None:
    uuid = "0b0f6a52-58f3-4f0e-9b5f-1f2f3a4b5c6d"
    assert [journal.key_of(f"{door}:7:{uuid}") for door in ("api", "pay")] == [f"api:7:{uuid}", f"pay:7:{uuid}"]
    assert "Jane" not in str(journal.key_of("pay:7:Jane"))


BUYER = {"email": MAIL, "name": NAME, "shipping": {"name": NAME, "address": {"line1": STREET, "city": "London"}}}


def test_orders_by_webhook_and_poll_log_nothing_about_the_buyer(fresh_shop: Shop, written: io.StringIO) -> None:
    """Signed webhooks, a poll with the shop's key, orders that are posted, and a line that is short of stock."""
    stripe = Stripe(fresh_shop)
    fresh_shop.variant(3, sku="TEE-M")
    for units in (1, 1, 9):
        stripe.pay("TEE-M", units, buyer=BUYER)
    door = Door(shop=fresh_shop, account=stripe.account)
    bodies = [body for body, _ in stripe.account.deliveries()]
    assert any(MAIL.encode() in body for body in bodies), "what Stripe tells does hold the buyer"
    assert {answer.status_code for answer in door.deliver(bodies)} == {200}
    door.post((bodies[0], sign(bodies[0], "whsec_OfSomebodyElse")))
    stripe.work()
    stripe.pay("TEE-M", buyer=BUYER)
    assert stripe.poll()
    stripe.work()
    assert orders_of(fresh_shop) == 4
    done = {line.get("operation") for line in lines(written)}
    assert {"inbox.receive", "orders.apply", "inbox.claim"} <= done
    assert no_secret(written, "London", KEY, KEY[8:], NEW, "OfSomebodyElse")


@pytest.mark.parametrize("trouble", [401, 429, 500, "timeout", "certificate", "garbage"])
def test_a_stripe_that_refuses_is_logged_without_its_key(
    fresh_shop: Shop, written: io.StringIO, trouble: int | str
) -> None:
    """Stripe's answers contain the end of a key, and the library logs whole requests."""
    account = StripeAccount()
    gateway, fake = fake_gateway(account)
    polling.poll(fresh_shop.engine, gateway)
    fake.trouble(trouble, times=50)
    with pytest.raises(StockError) as refused:
        polling.poll(fresh_shop.engine, gateway)
    logging.getLogger("stockroom").error("Stripe could not be asked", exc_info=refused.value)
    assert lines(written)
    assert no_secret(written, KEY, KEY[8:], KEY[-6:])


def test_a_correct_password_and_its_session_are_never_logged(fresh_shop: Shop, written: io.StringIO) -> None:
    ada = fresh_shop.person("Ada")
    fresh_shop.run(accounts.set_own_password, ada, password=PASSWORD, proof=None)
    begun = accounts.sign_in(
        fresh_shop.engine, email=str(ada.email), password=PASSWORD, address="10.0.0.9", user_agent="x", previous=None
    )
    assert isinstance(begun, accounts.NewSession), "she is in"
    assert accounts.at_the_door(fresh_shop.engine, accounts.find_session, token=begun.token) is not None
    assert "accounts.set_own_password" in {line.get("operation") for line in lines(written)}
    hashed = str(fresh_shop.sql("select password_hash from stockroom.users where id = :id", id=ada.user_id))
    assert no_secret(written, begun.token, begun.token[:12], str(ada.email), "10.0.0.9", hashed[-20:])


def no_secret(written: io.StringIO, *more: str) -> bool:
    """Return whether the log contains no data of a buyer, no password and no key."""
    text = written.getvalue()
    never = (PASSWORD, "correct horse", MAIL, MAIL.replace("@", "%40"), "customers.example", "Buyer", "Baker")
    assert [each for each in (*never, *more) if each in text] == [], text
    return True
