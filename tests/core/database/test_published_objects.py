"""Every object that Stripe has published, as a message: read or refused with a reason, and never retried forever."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from core.database.engine import run
from core.inbox import messages as inbox
from core.inbox.messages import WORKER, Incoming
from core.payloads import reading as payloads
from tests.stripe.shop import Stripe
from tests.support.builders import Shop

pytestmark = pytest.mark.slow

PUBLISHED = Path(__file__).resolve().parents[4] / "shared" / "data" / "stripe"
KINDS = {"payment_intent": "payment_intent.succeeded", "checkout.session": "checkout.session.completed",
         "charge": "charge.succeeded", "refund": "refund.updated", "dispute": "charge.dispute.created"}  # fmt: skip


def as_event(file: Path) -> dict[str, Any]:
    found = json.loads(file.read_text(encoding="utf-8"))
    if found.get("object") == "event":
        return dict(found)
    return {
        "id": f"evt_{file.parent.name}_{file.stem}", "object": "event", "type": KINDS.get(found.get("object"), "other"),
        "created": 1_700_000_000, "livemode": False, "data": {"object": found},
    }  # fmt: skip


def message(event: dict[str, Any]) -> Incoming:
    event["livemode"] = False
    return Incoming(event=payloads.read_event(event)[0], body=json.dumps(event), source="webhook")


def test_every_published_object_is_understood_or_refused_with_a_reason(fresh_shop: Shop) -> None:
    files = sorted(PUBLISHED.glob("*/*.json"))
    if not files:
        pytest.skip("The published objects of Stripe are not in this clone; the shop's own data folder has them.")
    stripe = Stripe(fresh_shop)
    fresh_shop.sql("update stockroom.stripe_link set live_since = '2010-01-01'")
    run(fresh_shop.engine, inbox.receive, WORKER, messages=[message(as_event(file)) for file in files])
    stripe.work()
    rows = fresh_shop.rows(
        "select event_id, kind, state, why from stockroom.stripe_events where event_id not like '%@%'"
    )
    assert [row for row in rows if row.state == "new" and not row.why] == [], "nothing is left without a word"
    assert [row for row in rows if row.state in ("ignored", "parked") and not row.why] == []
    states = {row.state for row in rows}
    assert {"done", "ignored"} <= states
    orders = fresh_shop.sql("select count(*) from stockroom.orders")
    paid = {row.event_id for row in rows if row.state == "done" and row.kind == "payment_intent.succeeded"}
    assert 0 < orders >= len(paid) - 5, "some of the objects are the same payment, seen twice"
    assert fresh_shop.sql("select count(*) from public.stock_movements") == 0, "none of them names goods of this shop"
