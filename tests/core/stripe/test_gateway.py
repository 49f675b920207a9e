"""The gateway retries while Stripe has problems, says what a person must do, and never shows a key."""

from __future__ import annotations

import json
import logging
import time
import traceback
from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from core.foundation.errors import EventsGone, InvalidInput, InvalidSignature, StripeRefused, Unavailable, Unreadable
from core.foundation.sales import Thin
from core.foundation.settings import load_settings
from core.payloads import reading as payloads
from core.stripe import gateway as stripe_gateway
from core.stripe.gateway import API_VERSION, Gateway, sign, verify
from core.stripe.trouble import Patience, explain
from tests.stripe.account import StripeAccount
from tests.stripe.fake import KEY, fake_gateway

SECRET, OLD = "whsec_the_shop_s", "whsec_before_it"
BODY = b'{"id": "evt_1", "object": "event", "name": "Z\xc3\xbcrich"}'
DAY = 24 * 3600


def moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def ids(found: Any) -> list[str]:
    return [each["id"] for each in found]


# ---------------------------------------------------------------- signatures


def test_a_message_with_stripes_signature_is_read_as_it_was_sent() -> None:
    assert verify(BODY, sign(BODY, SECRET), [SECRET]) == {"id": "evt_1", "object": "event", "name": "Zürich"}


def test_while_a_secret_is_replaced_both_are_valid() -> None:
    for secret in (SECRET, OLD):
        assert verify(BODY, sign(BODY, secret), [SECRET, OLD])["id"] == "evt_1"
    rolled = f"{sign(BODY, 'whsec_a_third')},v1={sign(BODY, OLD).partition('v1=')[2]}"
    assert verify(BODY, rolled, [OLD])["id"] == "evt_1"


def test_a_thin_event_is_verified_like_any_other() -> None:
    account = StripeAccount()
    account.pay()
    found = [verify(body, header, [SECRET]) for body, header in account.deliveries(thin=True)]
    assert {each["object"] for each in found} == {"v2.core.event"}


@pytest.mark.parametrize(
    ("body", "header"),
    [
        (BODY + b" ", sign(BODY, SECRET)),
        (BODY, sign(BODY, "whsec_somebody_else_s")),
        (BODY, sign(BODY, SECRET).replace("v1=", "v0=")),
        (BODY, sign(BODY, SECRET, time.time() - 301)),
        (BODY, "t=1,v1=" + "é" * 64),
        (BODY, "t=²,v1=00"),
        (BODY, "v1=00"),
        (BODY, ""),
        (BODY, None),
        (b"\xff\xfe", sign("", SECRET)),
    ], ids=range(10),  # not by their values: a signature holds the time
)  # fmt: skip
def test_a_changed_old_or_unsigned_message_is_refused(body: bytes, header: str | None) -> None:
    with pytest.raises(InvalidSignature) as refusal:
        verify(body, header, [SECRET])
    assert "whsec" not in "".join(traceback.format_exception(refusal.value))


def test_without_a_secret_everything_is_refused_and_the_age_is_always_checked() -> None:
    for secrets in ([], [""], [" "]):
        with pytest.raises(InvalidSignature):
            verify(BODY, sign(BODY, ""), secrets)
    with pytest.raises(ValueError, match="age"):
        verify(BODY, sign(BODY, SECRET), [SECRET], tolerance=0)


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'"evt"', b"{", b'{"a": NaN}', b"[" * 200_000, b"\xef\xbb\xbf{}"]
)
def test_a_signed_message_that_is_no_json_object_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable) as refusal:
        verify(body, sign(body, SECRET), [SECRET])
    assert not isinstance(refusal.value, InvalidSignature)


# ---------------------------------------------------------------- events


def test_events_come_oldest_first_whatever_the_page_size() -> None:
    account = StripeAccount()
    for _ in range(80):
        account.pay()
    gateway, fake = fake_gateway(account)
    everything = list(account.kept["event"])
    assert ids(gateway.events(everything[4])) == everything[5:]
    assert [asked.params["ending_before"] for asked in fake.asked] == [everything[n] for n in (4, 104, 204)]
    assert ids(gateway.events(None)) == everything
    assert ids(gateway.events(everything[-1])) == []


def test_events_of_some_kinds_are_read_from_a_cursor_of_any_kind() -> None:
    account = StripeAccount()
    first = account.open_payment()
    cursor = list(account.kept["event"])[-1]
    account.succeed(first["id"])
    account.pay()
    gateway, fake = fake_gateway(account)
    found = list(gateway.events(cursor, payloads.KINDS))
    assert [each["type"] for each in found] == ["charge.succeeded", "payment_intent.succeeded"] * 2
    assert fake.asked[0].params["types"] == list(payloads.KINDS)
    with pytest.raises(ValueError, match="20"):
        list(gateway.events(cursor, ["a"] * 21))


def test_an_event_that_appears_late_is_found_by_reading_a_little_further_back() -> None:
    account = StripeAccount(now=1_700_000_000)
    account.lag = 30
    late = account.open_payment()
    account.lag = 0
    account.open_payment()
    gateway, _ = fake_gateway(account)
    cursor = gateway.newest_event()
    assert cursor is not None
    account.advance(60)
    assert ids(gateway.events(cursor["id"])) == []
    again = gateway.events(None, since=moment(1_700_000_000))
    assert next(each["data"]["object"]["id"] for each in again) == late["id"]


def test_a_cursor_older_than_thirty_days_is_an_error() -> None:
    account = StripeAccount(now=1_700_000_000)
    account.open_payment()
    gateway, _ = fake_gateway(account)
    cursor = gateway.newest_event()
    account.advance(31 * DAY)
    assert cursor is not None
    with pytest.raises(EventsGone, match="thirty days"):
        list(gateway.events(cursor["id"]))
    assert gateway.newest_event() is None
    assert list(gateway.events(None)) == []


# ---------------------------------------------------------------- ranges and objects


def test_a_range_of_payments_includes_its_first_second_and_not_its_last() -> None:
    account = StripeAccount(now=1_700_000_000)
    made = []
    for _ in range(4):
        made.append(account.pay()["id"])
        account.refund(payment_intent=made[-1])
        account.complete(account.checkout()["id"])
        account.dispute(account.charge()["id"])
        account.advance(60)
    gateway, _ = fake_gateway(account)
    since, until = moment(1_700_000_060), moment(1_700_000_180)
    payments = list(gateway.payments(since, until))
    assert [each for each in ids(payments) if each in made] == [made[2], made[1]]
    assert payments[0]["latest_charge"]["billing_details"]["name"] == "Casey Buyer"
    for asked in (gateway.refunds, gateway.sessions, gateway.disputes):
        assert len(list(asked(since, until))) == 2
    assert len(list(gateway.charges(since, until))) == 6  # of a payment, of a session, and without either


def test_a_long_range_is_read_page_by_page() -> None:
    account = StripeAccount()
    made = [account.open_payment()["id"] for _ in range(250)]
    gateway, fake = fake_gateway(account)
    assert ids(gateway.payments()) == made[::-1]
    assert len(fake.asked) == 3


def test_the_object_of_a_thin_event_is_fetched() -> None:
    account = StripeAccount()
    session = account.complete(account.checkout()["id"])
    refund = account.refund(payment_intent=session["payment_intent"])
    dispute = account.dispute(refund["charge"])
    gateway, _ = fake_gateway(account)
    for made in (session, refund, dispute, account.kept["charge"][refund["charge"]]):
        found = gateway.fetch(Thin(kind=made["object"], object_id=made["id"]))
        assert found is not None
        assert (found["object"], found["id"]) == (made["object"], made["id"])
    payment = gateway.fetch(Thin(kind="payment_intent", object_id=session["payment_intent"]))
    assert payment is not None
    assert payment["latest_charge"]["id"] == refund["charge"]
    named = {made["object"] for made in (session, refund, dispute)} | {"charge", "payment_intent"}
    assert named == payloads.FETCHED


def test_an_object_that_stripe_does_not_have_is_none_and_no_error() -> None:
    gateway, _ = fake_gateway(StripeAccount())
    asked = (gateway.payment, gateway.charge, gateway.session, gateway.refund, gateway.dispute, gateway.session_of)
    assert [ask("xx_1") for ask in asked] == [None] * 6
    assert gateway.refunds_of("pi_1") == []


def test_session_line_items_and_refunds_of_a_payment_are_found() -> None:
    account = StripeAccount()
    opened = account.checkout([(f"SKU-{n}", 100, n) for n in range(1, 131)])
    payment_id = account.complete(opened["id"])["payment_intent"]
    made = [account.refund(payment_intent=payment_id, amount=n)["id"] for n in (1, 2)]
    gateway, fake = fake_gateway(account)
    session = gateway.session_of(payment_id)
    assert session is not None
    assert session["id"] == opened["id"]
    lines = gateway.line_items(opened["id"])
    assert [(each["price"]["product"]["metadata"]["sku"], each["quantity"]) for each in lines] == [
        (f"SKU-{n}", n) for n in range(1, 131)
    ]
    assert ids(gateway.refunds_of(payment_id)) == made[::-1]
    assert ids(gateway.refunds_of(account.kept["payment_intent"][payment_id]["latest_charge"])) == made[::-1]
    assert all(type(each) is dict for each in lines)
    assert {asked.headers["Stripe-Version"] for asked in fake.asked} == {API_VERSION}
    assert {asked.method for asked in fake.asked} == {"get"}


def test_requests_name_our_api_version_whatever_the_librarys_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stripe_gateway, "API_VERSION", "2022-08-01")
    account = StripeAccount()
    made = account.pay()
    gateway, fake = fake_gateway(account)
    assert "charges" in (gateway._one("/v1/payment_intents", made["id"]) or {})
    assert fake.asked[0].headers["Stripe-Version"] == "2022-08-01"


@pytest.mark.parametrize("wrong", ["", "../account", "ch_1/refunds", "ch 1", "ch_1?expand=x", "x" * 256, "é"])
def test_an_unsafe_id_is_never_put_into_a_url(wrong: str) -> None:
    gateway, fake = fake_gateway(StripeAccount())
    for ask in (gateway.charge, gateway.line_items, gateway.session_of, gateway.refunds_of):
        with pytest.raises(InvalidInput):
            ask(wrong)
    assert fake.asked == []


# ---------------------------------------------------------------- trouble


@pytest.mark.parametrize("kind", [429, 500, 502, 503, 409, "timeout", "lock_timeout", "garbage"])
def test_temporary_errors_are_retried_with_growing_waits(kind: int | str) -> None:
    account, waits = StripeAccount(), list[float]()
    made = account.charge()
    gateway, fake = fake_gateway(account, waits=waits)
    fake.trouble(kind, times=4)
    assert gateway.charge(made["id"]) is not None
    assert len(fake.asked) == 5  # the library sends each request once: the gateway retries
    assert [0.25, 0.5, 1, 2] <= waits <= [0.5, 1, 2, 4]
    assert all(
        least <= wait <= most for least, wait, most in zip([0.25, 0.5, 1, 2], waits, [0.5, 1, 2, 4], strict=True)
    )


@pytest.mark.parametrize("kind", [429, 500, "timeout", "garbage"])
def test_after_the_last_attempt_the_error_says_that_trying_again_is_safe(kind: int | str) -> None:
    waits = list[float]()
    gateway, fake = fake_gateway(StripeAccount(), waits=waits)
    fake.trouble(kind, times=9)
    with pytest.raises(Unavailable, match="trying again is safe"):
        gateway.newest_event()
    assert (len(fake.asked), len(waits)) == (5, 4)


def test_two_clients_that_failed_together_do_not_retry_together() -> None:
    delays = {Patience().delay(4) for _ in range(20)}
    assert len(delays) > 10
    assert all(2 <= delay <= 4 for delay in delays)
    assert Patience().delay(50) <= 8


def test_stripe_may_say_how_long_to_wait_and_whether_to_retry() -> None:
    patient = explain(429, None, "", {"Retry-After": "3"})
    assert (patient.again, patient.wait) == (True, 3)
    assert Patience().delay(1, 3) == 3
    assert Patience().delay(1, 10_000) == 8
    assert not explain(500, None, "", {"Stripe-Should-Retry": "false"}).again
    assert explain(400, None, "", {"Stripe-Should-Retry": "true"}).again
    assert not explain(402, None, "", {"Retry-After": "soon"}).again


def test_a_certificate_that_is_not_stripes_is_not_retried() -> None:
    waits = list[float]()
    gateway, fake = fake_gateway(StripeAccount(), waits=waits)
    fake.trouble("certificate")
    with pytest.raises(Unavailable, match="certificates"):
        gateway.newest_event()
    assert waits == []


@pytest.mark.parametrize("answer", ['{"data": 5}', '{"data": [1]}', "{}", "[]", "7", '{"error": [1]}', ""])
@pytest.mark.parametrize("status", [200, 500])
def test_an_answer_that_is_not_stripes_is_unavailable_and_no_crash(
    monkeypatch: pytest.MonkeyPatch, answer: str, status: int
) -> None:
    gateway, fake = fake_gateway(StripeAccount(), attempts=1)
    monkeypatch.setattr(fake, "request", lambda *_, **__: (answer, status, {}))
    with pytest.raises(Unavailable):
        list(gateway.charges())


# ---------------------------------------------------------------- keys and permissions


def test_the_connection_test_names_the_account_and_every_missing_permission() -> None:
    account = StripeAccount()
    gateway, fake = fake_gateway(account)
    found = gateway.account()
    assert (found.id, found.name, found.livemode, found.missing) == (account.id, "The Shop", False, ())
    fake.denied |= {"rak_accounts_kyc_basic_read", "rak_charge_read", "rak_plan_read"}
    found = gateway.account()
    assert (found.id, found.name) == (account.id, None)
    assert found.missing == ("rak_charge_read", "rak_plan_read")
    assert found.missing_names == ("Charges and Refunds", "Prices")


def test_a_missing_permission_has_the_name_in_stripes_dashboard() -> None:
    gateway, fake = fake_gateway(StripeAccount())
    fake.denied.add("rak_event_read")
    with pytest.raises(StripeRefused, match=r"may not read Events \(rak_event_read\)") as refusal:
        gateway.newest_event()
    assert refusal.value.missing == ("rak_event_read",)


def test_two_missing_permissions_are_both_named() -> None:
    said = "Having the ('rak_charge_read', 'rak_note_read') permissions on this key would allow this."
    error = explain(403, None, said, {}).error
    assert isinstance(error, StripeRefused)
    assert error.missing == ("rak_charge_read", "rak_note_read")
    assert "Charges and Refunds (rak_charge_read) or rak_note_read" in error.message


def test_a_key_that_stripe_does_not_know_names_the_setting() -> None:
    gateway, _ = fake_gateway(StripeAccount(), key="rk_test_a_mistyped_key")
    for ask in (gateway.account, gateway.newest_event):
        with pytest.raises(StripeRefused, match="STRIPE_SECRET_KEY"):
            ask()


def test_live_keys_and_test_keys_are_distinguished() -> None:
    assert Gateway("rk_live_0123456789").livemode
    assert not Gateway("sk_test_0123456789").livemode


def test_no_key_is_in_any_message_log_repr_or_traceback(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    account = StripeAccount()
    said = list[str]()
    for key, denied, trouble in ((KEY, "rak_event_read", 0), ("rk_test_another_key_0", "", 0), (KEY, "", 400)):
        gateway, fake = fake_gateway(account, key=key)
        fake.denied.add(denied)
        if trouble:
            told = json.dumps({"error": {"message": f"Odd key {KEY} or whsec_abc or sk_live_****1234"}})
            monkeypatch.setattr(fake, "request", lambda *_, told=told, **__: (told, 400, {}))
        with pytest.raises(StripeRefused) as refusal:
            gateway.newest_event()
        said += [repr(refusal.value), repr(gateway), str(gateway), *traceback.format_exception(refusal.value)]
        said += [str(refusal.value.facts), repr(refusal.value.__context__), repr(refusal.value.__cause__)]
    text = "\n".join([*said, caplog.text])
    for hidden in (KEY, KEY[:12], KEY[-6:], "another_key", "key_0", "whsec_", "1234"):
        assert hidden not in text, hidden


def test_a_key_that_could_break_out_of_its_header_is_never_sent() -> None:
    with pytest.raises(ValueError, match="characters") as refusal:
        Gateway("rk_test_a\r\nX-Evil: 1")
    assert "rk_test" not in str(refusal.value)


def test_the_settings_give_a_gateway_or_none() -> None:
    assert stripe_gateway.from_settings(load_settings({})) is None
    gateway = stripe_gateway.from_settings(
        load_settings({"STRIPE_SECRET_KEY": "sk_test_12345", "STRIPE_API_BASE": "http://127.0.0.1:8420/"})
    )
    assert gateway is not None
    assert gateway._client._requestor.base_addresses["api"] == "http://127.0.0.1:8420"
    assert not stripe.enable_telemetry
