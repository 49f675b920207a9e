"""The order of an everyday payment, read without a question to Stripe or the catalogue, for a caller who waits.

The database stores the message and applies the order in one statement. Every other payment goes through the inbox.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Engine

from core.foundation.errors import StockError
from core.inbox import judging
from core.inbox.cart import Reader
from core.inbox.messages import Claimed, Incoming, Link
from core.payloads import reading as payloads


def orders_of(engine: Engine, link: Link, message: Incoming) -> Sequence[dict[str, Any]] | None:
    """Return the rows of the order in a message, or None if its cart is not everyday."""
    event, reader = message.event, Reader(engine, None, link)
    claimed = Claimed(
        id=0, event_id=event.event_id, kind=event.kind, created_at=event.created_at, livemode=event.livemode,
        account=event.account, body=message.body, policy=message.policy, attempts=1,
    )  # fmt: skip
    try:
        work = reader.read(claimed, payloads.read(json.loads(message.body))[1])
    except StockError:  # without a gateway the reader asks Stripe nothing
        return None
    if work.why is not None or work.sale is None or judging.plain_verdict(work.sale.sources) is None:
        return None
    return work.orders if not reader.judge([work]) and work.why is None and not work.item_code else None
