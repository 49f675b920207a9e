"""The fake Stripe has Stripe's rules, sort orders and messages, so that tests with it are valid for Stripe."""

from __future__ import annotations

import json
from typing import Any

import pytest
import stripe

from core.sandbox.books import Denied
from core.sandbox.objects import Json
from core.stripe.gateway import sign, verify
from tests.stripe.account import StripeAccount
from tests.stripe.fake import KEY, FakeStripe

DAY = 24 * 3600


def client(account: StripeAccount, **knobs: Any) -> tuple[stripe.StripeClient, FakeStripe]:
    fake = FakeStripe(account, **knobs)
    return stripe.StripeClient(KEY, http_client=fake, max_network_retries=0), fake


def ask(account: StripeAccount, path: str, **params: Any) -> Json:
    """Return the API's answer, through Stripe's own library."""
    answer: Json = json.loads(client(account)[0].raw_request("get", path, **params).body)
    return answer


def ids(answer: Json) -> list[str]:
    return [each["id"] for each in answer["data"]]


def refusal(account: StripeAccount, method: str, path: str, **params: Any) -> stripe.StripeError:
    with pytest.raises(stripe.StripeError) as refused:
        client(account)[0].raw_request(method, path, **params)
    return refused.value


# ---------------------------------------------------------------- lists


def test_lists_come_newest_first_in_pages_of_ten_and_at_most_a_hundred() -> None:
    account = StripeAccount()
    made = [account.open_payment()["id"] for _ in range(105)]
    assert ids(ask(account, "/v1/payment_intents")) == made[:-11:-1]
    assert len(ids(ask(account, "/v1/payment_intents", limit=101))) == 100
    assert len(ids(ask(account, "/v1/payment_intents", limit=0))) == 1
    assert ask(account, "/v1/payment_intents", limit=100)["has_more"] is True


def test_the_library_pages_on_by_the_last_id_it_saw() -> None:
    account = StripeAccount()
    made = [account.charge()["id"] for _ in range(9)]
    library, fake = client(account)
    assert [each.id for each in library.v1.charges.list({"limit": 4}).auto_paging_iter()] == made[::-1]
    assert [asked.params.get("starting_after") for asked in fake.asked] == [None, made[5], made[1]]


def test_paging_backwards_returns_the_next_newer_objects_and_whether_there_are_more() -> None:
    account = StripeAccount()
    made = [account.charge()["id"] for _ in range(6)]
    answer = ask(account, "/v1/charges", ending_before=made[1], limit=3)
    assert (ids(answer), answer["has_more"]) == ([made[4], made[3], made[2]], True)
    answer = ask(account, "/v1/charges", ending_before=made[4], limit=3)
    assert (ids(answer), answer["has_more"]) == ([made[5]], False)


def test_events_are_filtered_by_kind_by_group_and_by_time() -> None:
    account = StripeAccount(now=1_700_000_000)
    account.pay()
    account.advance(60)
    made = account.pay()
    account.refund(payment_intent=made["id"])

    def kinds(**params: Any) -> list[str]:
        return [each["type"] for each in ask(account, "/v1/events", **params)["data"]]

    assert kinds(types=["payment_intent.succeeded"]) == ["payment_intent.succeeded"] * 2
    assert kinds(type="refund.*") == ["refund.created"]
    assert kinds(types=["payment_intent.succeeded"], created={"gte": 1_700_000_060}) == ["payment_intent.succeeded"]
    assert kinds(created={"lt": 1_700_000_060})[0] == "payment_intent.succeeded"
    assert "20 types" in str(refusal(account, "get", "/v1/events", types=["a"] * 21))
    assert "both type and types" in str(refusal(account, "get", "/v1/events", types=["a"], type="b"))


def test_refunds_and_sessions_are_found_by_their_payment() -> None:
    account = StripeAccount()
    account.refund(payment_intent=account.pay()["id"])
    session = account.complete(account.checkout()["id"])
    made = account.refund(payment_intent=session["payment_intent"], amount=1)
    assert ids(ask(account, "/v1/refunds", payment_intent=session["payment_intent"])) == [made["id"]]
    assert ids(ask(account, "/v1/refunds", charge=made["charge"])) == [made["id"]]
    assert ids(ask(account, "/v1/checkout/sessions", payment_intent=session["payment_intent"])) == [session["id"]]


def test_an_unknown_object_parameter_cursor_or_expansion_is_refused_as_stripe_does() -> None:
    account = StripeAccount()
    account.pay()
    unknown = refusal(account, "get", "/v1/charges/ch_unknown0000000000000000")
    assert (unknown.http_status, unknown.code) == (404, "resource_missing")
    assert unknown.user_message == "No such charge: 'ch_unknown0000000000000000'"
    assert refusal(account, "get", "/v1/events", ending_before="evt_x").code == "resource_missing"
    assert refusal(account, "get", "/v1/payment_intents", status="succeeded").code == "parameter_unknown"
    assert "cannot be expanded" in str(refusal(account, "get", "/v1/payment_intents", expand=["data.charges"]))


def test_events_are_deleted_after_thirty_days_and_may_appear_late() -> None:
    account = StripeAccount(now=1_700_000_000)
    account.open_payment()
    account.lag = 20
    account.open_payment()
    assert len(ids(ask(account, "/v1/events"))) == 1
    account.advance(20)
    newest, oldest = ids(ask(account, "/v1/events"))
    account.advance(30 * DAY - 20)
    assert ids(ask(account, "/v1/events")) == []
    assert refusal(account, "get", f"/v1/events/{oldest}").http_status == 404
    assert newest != oldest


def test_line_items_are_fetched_separately_with_the_product_if_expanded() -> None:
    account = StripeAccount()
    session = account.checkout([(f"SKU-{n}", 100, n) for n in range(1, 13)])
    path = f"/v1/checkout/sessions/{session['id']}/line_items"
    answer = ask(account, path, expand=["data.price.product"])
    assert (len(answer["data"]), answer["has_more"]) == (10, True)
    assert answer["data"][1]["price"]["product"]["metadata"] == {"sku": "SKU-2"}
    assert ask(account, path)["data"][1]["price"]["product"].startswith("prod_")
    assert "line_items" not in ask(account, f"/v1/checkout/sessions/{session['id']}")


# ---------------------------------------------------------------- refunds


def test_refunds_follow_stripes_rules_with_stripes_messages() -> None:
    account = StripeAccount()
    made = account.pay(5000)
    library, _ = client(account)

    def said(**params: Any) -> tuple[int | None, str | None, str | None]:
        error = refusal(account, "post", "/v1/refunds", **params)
        return error.http_status, error.code, error.user_message

    library.v1.refunds.create({"payment_intent": made["id"], "amount": 2500})
    assert said(charge=made["latest_charge"], amount=3000) == (
        400, None, "Refund amount ($30.00) is greater than unrefunded amount on charge ($25.00)")  # fmt: skip
    library.v1.refunds.create({"payment_intent": made["id"]})
    assert said(payment_intent=made["id"], amount=1) == (
        400, "charge_already_refunded", f"Charge {made['latest_charge']} has already been refunded.")  # fmt: skip
    assert said(amount=100)[2] == (
        "One of the following params should be provided for this request: payment_intent or charge."
    )
    assert said(charge="ch_unknown0000000000000000")[:2] == (404, "resource_missing")
    listed = ask(account, "/v1/refunds", payment_intent=made["id"])["data"]
    assert [each["amount"] for each in listed] == [2500, 2500]
    assert "livemode" not in listed[0]
    cancelled = refusal(account, "post", f"/v1/refunds/{listed[0]['id']}/cancel")
    assert cancelled.user_message == "Canceling this refund is unsupported."


def test_a_charge_says_how_much_was_refunded_and_not_by_which_refunds() -> None:
    account = StripeAccount()
    made = account.pay(5000)
    account.refund(payment_intent=made["id"], amount=1500)
    charge = ask(account, f"/v1/charges/{made['latest_charge']}")
    assert (charge["refunded"], charge["amount_refunded"], "refunds" in charge) == (False, 1500, False)
    account.fail_refund(account.refund(payment_intent=made["id"])["id"])
    assert ask(account, f"/v1/charges/{made['latest_charge']}")["amount_refunded"] == 1500


def test_nothing_finished_can_be_paid_cancelled_or_refunded() -> None:
    account = StripeAccount()
    paid, dead = account.pay(), account.cancel(account.open_payment()["id"])
    for over in (account.cancel, account.succeed, account.process):
        for each in (paid, dead):
            with pytest.raises(Denied, match="cannot be changed"):
                over(each["id"])
    with pytest.raises(Denied, match="does not have a successful charge"):
        account.refund(payment_intent=dead["id"])


def test_capturing_less_refunds_the_rest_automatically() -> None:
    account = StripeAccount()
    held = account.authorise(account.open_payment(5000)["id"])
    account.capture(held["id"], 3000)
    assert [each["amount"] for each in account.kept["refund"].values()] == [2000]


# ---------------------------------------------------------------- metadata, versions, webhooks


def test_metadata_is_copied_to_the_charge_once_and_never_from_a_session() -> None:
    account = StripeAccount()
    made = account.pay(metadata={"cart": "A-1:2"})
    made["metadata"]["cart"] = "changed later"
    assert account.kept["charge"][made["latest_charge"]]["metadata"] == {"cart": "A-1:2"}
    session = account.complete(account.checkout(metadata={"cart": "A-1:2"})["id"])
    assert account.kept["payment_intent"][session["payment_intent"]]["metadata"] == {}


def test_an_event_keeps_its_version_and_the_state_of_its_moment() -> None:
    account = StripeAccount(api_version="2014-01-31")
    made = account.pay(5000)
    account.refund(payment_intent=made["id"], amount=1)
    refunded, charged = (
        ask(account, "/v1/events", type=kind)["data"][0]["data"]["object"]
        for kind in ("charge.refunded", "charge.succeeded")
    )
    assert (charged["refunds"], charged["amount_refunded"], charged["status"]) == ([], 0, "paid")
    assert [each["amount"] for each in refunded["refunds"]] == [1]
    assert "refunds" not in ask(account, f"/v1/charges/{made['latest_charge']}")  # as the current version shows it


def test_deliveries_are_signed_and_can_be_repeated_shuffled_and_lost() -> None:
    account = StripeAccount()
    for _ in range(20):
        account.pay()

    def told(**knobs: Any) -> list[str]:
        return [
            verify(body, header, [account.webhook_secret])["id"] for body, header in account.deliveries(seed=7, **knobs)
        ]

    everything = told()
    assert everything == list(account.kept["event"])
    assert told() == []
    account.memory.delivered = 0
    doubled = told(duplicate=1, shuffle=True)
    assert sorted(doubled) == sorted(everything * 2)
    assert doubled != sorted(doubled)
    account.memory.delivered = 0
    assert 0 < len(told(drop=0.5)) < len(everything)


def test_a_signature_can_be_made_for_any_time_and_secret() -> None:
    assert sign(b"{}", "whsec_a", 12).startswith("t=12,v1=")
    assert sign("{}", "whsec_a", 12) != sign("{}", "whsec_b", 12)


def test_a_wrong_key_and_a_missing_permission_give_different_errors() -> None:
    account = StripeAccount()
    library, _ = client(account, key="sk_test_another")
    with pytest.raises(stripe.AuthenticationError):
        library.v1.charges.list()
    library, _ = client(account, denied={"rak_charge_read"})
    with pytest.raises(stripe.PermissionError, match="rak_charge_read"):
        library.v1.charges.list()
