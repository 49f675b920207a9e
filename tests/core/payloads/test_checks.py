"""Stripe's JSON is read, or refused with the name of a field. Nothing in it causes a crash."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.foundation.errors import Unreadable
from core.foundation.sales import Dispute, Ignored, Payment, PaymentState, Refund, Thin
from core.payloads import reading as payloads
from core.sandbox.objects import Json
from tests.stripe.samples import charge, intent, shapes
from tests.support.builders import Shop

PUBLISHED = Path(__file__).resolve().parents[4] / "shared" / "data" / "stripe"
NOT_AS_STRIPE_SENDS = {"006-charge-succeeded-usd.json": "amount_captured"}  # exported from a program's own table


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount_received", True), ("amount_received", -1), ("amount_received", 1.0), ("amount_received", "100"),
        ("amount_received", 10**13), ("amount_received", []), ("currency", "dollars"), ("currency", None),
        ("currency", 840), ("created", "2024-01-01"), ("created", True), ("created", -1), ("created", 10**12),
        ("created", None), ("livemode", 1), ("livemode", None), ("livemode", "true"), ("status", "won"),
        ("status", None), ("id", ""), ("id", 5), ("id", "pi 1"), ("metadata", {"cart": 5}), ("metadata", "cart"),
        ("metadata", {"cart": "a\0b"}), ("metadata", {"cart": "\ud800"}), ("receipt_email", 5), ("shipping", "home"),
        ("latest_charge", 5), ("charges", {"data": "none"}),
    ],
)  # fmt: skip
def test_an_impossible_value_is_refused_with_the_name_of_its_field(field: str, value: object) -> None:
    with pytest.raises(Unreadable) as refusal:
        payloads.read_object(intent(**{field: value}))
    assert str(refusal.value.facts["field"]) in (field, "cart", "data")
    assert refusal.value.message.startswith("Stripe's payment_intent")


def test_no_text_of_a_buyer_is_shown_in_an_error() -> None:
    for changes in ({"receipt_email": "casey@shop.example\0"}, {"shipping": {"name": "Casey Secret\0"}}):
        with pytest.raises(Unreadable) as refusal:
            payloads.read_object(intent(**changes))
        assert "asey" not in refusal.value.message


def test_a_refunded_amount_with_decimals_does_not_make_the_charge_unreadable() -> None:
    """Seen in a captured charge: amount_refunded 0.00. The field is not read, so it causes no error."""
    reading = payloads.read_object(charge(amount_refunded="0.00"))
    assert isinstance(reading, Payment)
    assert reading.state is PaymentState.PAID


TEXTS = st.text(st.sampled_from("aZ09_- .\0\u00e9\ud800"), max_size=6)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)


def places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of every value in a JSON value."""
    if path:
        yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in inside:
        yield from places(inner, (*path, key))


SHAPES = [(json.dumps(shape), list(places(shape))) for shape in shapes()]


@given(st.sampled_from(SHAPES).flatmap(lambda shape: st.tuples(st.just(shape[0]), st.sampled_from(shape[1]))), JUNK)
def test_any_value_of_a_field_is_read_or_refused_and_never_a_crash(
    place: tuple[str, tuple[str | int, ...]], junk: Any
) -> None:
    body: Any = json.loads(place[0])
    *path, last = place[1]
    inner = body
    for step in path:
        inner = inner[step]
    inner[last] = junk
    assert_sound(body)


@given(JUNK, st.sampled_from(["payment_intent", "charge", "checkout.session", "refund", "dispute", "v2.core.event"]))
def test_junk_under_a_known_name_is_refused_and_never_a_crash(junk: Any, kind: str) -> None:
    assert_sound(junk)
    for event_kind in (None, *payloads.KINDS):
        with suppress(Unreadable):
            payloads.read_object({**junk, "object": kind} if isinstance(junk, dict) else junk, event_kind)


def assert_sound(body: object) -> None:
    """Assert that a reading can be stored: whole amounts, currencies of three letters, valid texts."""
    try:
        _, reading = payloads.read(body)
    except Unreadable as refusal:
        said = f"{refusal.message} {refusal.facts['field']}"
        said.encode()
        return
    if isinstance(reading, Payment | Refund | Dispute):
        assert type(reading.amount) is int
        assert reading.amount >= 0
        assert reading.currency.isascii()
        assert len(reading.currency) == 3
        assert reading.currency == reading.currency.lower()
    if isinstance(reading, Payment):
        texts = [reading.email or "", reading.name or "", *reading.metadata, *reading.metadata.values()]
        assert not any("\0" in text for text in texts)
        "".join(texts).encode()


# ---------------------------------------------------------------- real objects


def published(pattern: str) -> list[tuple[str, Json]]:
    if not PUBLISHED.exists():
        pytest.skip("the published objects of Stripe are not beside this project")
    return [(path.name, json.loads(path.read_text(encoding="utf-8"))) for path in sorted(PUBLISHED.glob(pattern))]


def test_every_published_object_is_understood_or_ignored_with_a_reason() -> None:
    understood = {"payment_intent": Payment, "charge": Payment, "refund": Refund, "dispute": Dispute}
    for name, obj in published("*/*.json"):
        if name in NOT_AS_STRIPE_SENDS or obj["object"] == "checkout.session":
            continue
        about = obj["data"]["object"] if obj["object"] == "event" else obj
        reading = payloads.read(obj)[1] if obj["object"] == "event" else payloads.read_object(obj)
        if about["object"] in understood and not (about.get("invoice") and not about["metadata"]):
            assert isinstance(reading, understood[about["object"]]), name
        else:
            assert isinstance(reading, Ignored), name


def test_a_changed_published_object_is_refused_with_the_name_of_the_field() -> None:
    for name, obj in published("dj-stripe/*.json"):
        if name in NOT_AS_STRIPE_SENDS:
            with pytest.raises(Unreadable, match=NOT_AS_STRIPE_SENDS[name]):
                payloads.read_object(obj)


def test_every_published_session_is_ignored_or_fetched_because_none_is_complete() -> None:
    moment = datetime(2024, 1, 1, tzinfo=UTC)
    for name, obj in published("*/*checkout.session*.json"):
        assert isinstance(payloads.read_object(obj, "checkout.session.completed", moment), Thin | Ignored), name


def test_the_database_reads_the_cards_of_published_charges(shop: Shop) -> None:
    for name, found in published("dj-stripe/*charge*.json"):
        card = (found.get("payment_method_details") or {}).get("card") or found.get("source") or {}
        named = [card["last4"]] if card.get("last4") else []
        rows = shop.rows("select last4 from stockroom_api.card_of(:body)", body=json.dumps(found))
        assert [row.last4 for row in rows] == named, name
