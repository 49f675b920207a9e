"""Which orders a list shows: conditions over the views of core/sql/50_orders/6_reads.sql.

What a search can mean is the business of core/orders/finding, which the search field of every page uses too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, exists, or_, select, union

from core.ledger.query import LONGEST_SEARCH, on_days, view
from core.orders.finding import matching as finding

_KEYS = "order_id payment_id charge_id session_id number email cart_state dispute paid_at amount buyer"
ORDERS = view("order_keys", *_KEYS.split())
"""The columns by which orders are searched and paged."""
_LINES = view("line_keys", "order_id", "variant_id", "code", "state")
_REFUNDED = view("refund_sums", "order_id", "least", "most")
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
        query = query.where(_search_condition(connection, search))
    if wanted.state is not OrderState.ALL:
        query = query.where(_state_condition(wanted.state))
    if wanted.since or wanted.until:
        query = query.where(*on_days(connection, ORDERS.c.paid_at, wanted.since, wanted.until))
    return query


def _search_condition(connection: Connection, search: str) -> ColumnElement[bool]:
    words = finding.common_words(connection, search)
    found = finding.found(connection, search, by_words=not words).subquery()
    named = ORDERS.c.order_id.in_(select(found.c.order_id))
    return or_(named, finding.has_words(words, ORDERS.c)) if words else named


def _state_condition(state: OrderState) -> ColumnElement[bool]:
    open_lines = select(_LINES.c.order_id).where(_LINES.c.state == "failed")
    open_cases = select(_ALERTS.c.order_id).where(_ALERTS.c.state.in_(["open", "acknowledged"]))
    refunded = exists().where(_REFUNDED.c.order_id == ORDERS.c.order_id)
    conditions: dict[OrderState, ColumnElement[bool]] = {
        OrderState.OPEN: ORDERS.c.order_id.in_(union(open_lines, open_cases)),
        OrderState.UNREAD: ORDERS.c.cart_state != "read",
        OrderState.REFUNDED: refunded.where(_REFUNDED.c.most >= ORDERS.c.amount),
        OrderState.REFUNDED_IN_PART: refunded.where(_REFUNDED.c.least < ORDERS.c.amount),
        OrderState.DISPUTED: ORDERS.c.dispute.is_not(None),
    }
    return conditions[state]
