"""Which orders a list shows: conditions over the views of core/sql/50_orders/6_reads.sql.

The form of a search text decides what it can mean. An email address has an @, an id of Stripe has its prefix. Anything
else can be the beginning of an order number or email address, or the whole SKU or code of a line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, literal, or_, select, union

from core.foundation.barcodes import read_scan
from core.ledger.level_filter import coded
from core.ledger.query import LONGEST_SEARCH, on_days, view

STRIPE_ID = re.compile(r"(pi|ch|py|cs|re|pyr|seti|pm)_\w*", re.ASCII)
_VARIANT_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


_KEYS = "order_id payment_id charge_id session_id number email cart_state dispute paid_at"
ORDERS = view("order_keys", *_KEYS.split())
"""The columns by which orders are searched and paged."""
_LINES = view("line_keys", "order_id", "variant_id", "code", "state")
_CODES = view("variant_codes", "variant_id", "code")
_REFUNDS = view("refund_rows", "id", "refund_id", "order_id", "state")
_REFUNDED = view("refund_extents", "order_id", "is_whole")
_ALERTS = view("alert_keys", "alert_id", "order_id", "state")


class OrderState(StrEnum):
    """Which orders to list. Open: a line or case needs a person. Unread: the cart is not known.

    Refunded: all of the money went back.
    """

    ALL = "all"
    OPEN = "open"
    UNREAD = "unread"
    REFUNDED = "refunded"
    REFUNDED_IN_PART = "refunded_in_part"
    DISPUTED = "disputed"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """The filter of the list of orders. `since` and `until` are the shop's days of payment, both included."""

    search: str = ""
    state: OrderState = OrderState.ALL
    since: date | None = None
    until: date | None = None


def matching(connection: Connection, wanted: OrderFilter) -> Select[Any]:
    """Return the query for the orders under a filter, in no order."""
    query = select(ORDERS.c.order_id, ORDERS.c.paid_at)
    search = wanted.search.strip()[:LONGEST_SEARCH].strip()
    if search:
        query = query.where(ORDERS.c.order_id.in_(_found(connection, search)))
    if wanted.state is not OrderState.ALL:
        query = query.where(_state_condition(wanted.state))
    if wanted.since or wanted.until:
        query = query.where(*on_days(connection, ORDERS.c.paid_at, wanted.since, wanted.until))
    return query


def _state_condition(state: OrderState) -> ColumnElement[bool]:
    open_lines = select(_LINES.c.order_id).where(_LINES.c.state == "failed")
    open_cases = select(_ALERTS.c.order_id).where(_ALERTS.c.state.in_(["open", "acknowledged"]))
    refunded = select(_REFUNDED.c.order_id)
    conditions: dict[OrderState, ColumnElement[bool]] = {
        OrderState.OPEN: ORDERS.c.order_id.in_(union(open_lines, open_cases)),
        OrderState.UNREAD: ORDERS.c.cart_state != "read",
        OrderState.REFUNDED: ORDERS.c.order_id.in_(refunded.where(_REFUNDED.c.is_whole)),
        OrderState.REFUNDED_IN_PART: ORDERS.c.order_id.in_(refunded.where(~_REFUNDED.c.is_whole)),
        OrderState.DISPUTED: ORDERS.c.dispute.is_not(None),
    }
    return conditions[state]


def _found(connection: Connection, search: str) -> Any:
    """Return the ids of the orders that a search can mean. Each meaning has an index, so no search reads all orders."""
    if STRIPE_ID.fullmatch(search):
        return _by_stripe_id(connection, search)
    by_email = select(ORDERS.c.order_id).where(ORDERS.c.email.startswith(search.lower(), autoescape=True))
    if "@" in search:
        return by_email
    by_number = select(ORDERS.c.order_id).where(ORDERS.c.number.startswith(search.lower(), autoescape=True))
    named = select(_CODES.c.variant_id).where(_CODES.c.code.in_(sorted({search, search.lower()})))
    variants: Any = union(named, *(coded(each.code) for each in read_scan(search)))
    if _VARIANT_ID.fullmatch(search):
        variants = select(literal(UUID(search)))
    by_variant = select(_LINES.c.order_id).where(_LINES.c.variant_id.in_(variants))
    by_code = select(_LINES.c.order_id).where(_LINES.c.code == search.lower())
    return union(by_email, by_number, by_variant, by_code)


def _by_stripe_id(connection: Connection, search: str) -> Any:
    """Return the orders with exactly this id, which is an index lookup, else those whose id begins with it."""
    names = (ORDERS.c.payment_id, ORDERS.c.charge_id, ORDERS.c.session_id)
    by_refund = select(_REFUNDS.c.order_id).where(_REFUNDS.c.order_id.is_not(None))
    exact = union(
        *(select(ORDERS.c.order_id).where(name == search) for name in names),
        by_refund.where(_REFUNDS.c.refund_id == search),
    )
    found = list(connection.execute(exact).scalars())
    if found:
        return found
    begins = or_(*(name.startswith(search, autoescape=True) for name in names))
    return union(
        select(ORDERS.c.order_id).where(begins),
        by_refund.where(_REFUNDS.c.refund_id.startswith(search, autoescape=True)),
    )
