"""The connection to Stripe, as Settings shows and changes it: keys, mode, go-live, cart mapping, order lookup.

Nothing here returns a key or a secret, only whether one is set. Rules: core/sql/45_inbox/1_messages.sql,
50_orders/7_connection.sql.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from urllib.parse import quote

from sqlalchemy import Connection

from core.carts import mapping as cart_mapping
from core.carts import reading as carts
from core.carts.amounts import Tolerance
from core.carts.mapping import CartMapping
from core.database.engine import call
from core.foundation.errors import StockError, Unreadable, UnreadableCart, invalid
from core.foundation.model import Actor, Shop
from core.foundation.sales import Cart, Lookup, Payment
from core.foundation.settings import Settings
from core.inbox import messages as inbox
from core.inbox.messages import InboxState, Link
from core.ledger import reports
from core.orders import cases
from core.payloads import reading as payloads
from core.people.access import Permission
from core.people.guard import ASKER, asker, require
from core.stripe.gateway import API_VERSION
from core.stripe.trouble import GUARD, READS

WEBHOOK = "/webhook/stripe"
"""The path of the webhook below the dashboard's URL."""
PREVIEWED = 20
UNREAD_CONFIRMATIONS = ("wait", "without_lines")
"""Wait until the cart was read, or confirm payment and order at once, in a mail without lines."""
MOST_RETRIED = 1_000
_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,63}")
_KEYS_PAGE = "https://dashboard.stripe.com/apikeys/create"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Whether a key is set, its mode (None: no key), and the number of signing secrets; never any part of them."""

    livemode: bool | None
    secrets: int
    api_base: str | None
    api_version: str = API_VERSION

    @property
    def is_set(self) -> bool:
        """Whether a key is set."""
        return self.livemode is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLookup:
    """The table in which the storefront stores the lines of its orders, and the names of its columns."""

    schema: str
    table: str
    order: str
    code: str
    quantity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """What Settings shows of Stripe. `cartless`: orders without a known cart and with an open case, up to a limit."""

    shop: Shop
    link: Link
    inbox: InboxState
    cartless: int

    @property
    def mapping(self) -> CartMapping | None:
        """The saved cart mapping, or None if there is none that this release understands."""
        try:
            return cart_mapping.from_json(self.link.cart_mapping) if self.link.cart_mapping else None
        except StockError:
            return None

    @property
    def lookup(self) -> OrderLookup | None:
        """The storefront's order table, or None."""
        return OrderLookup(**self.link.order_lookup) if self.link.order_lookup else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A recent payment with its cart as read automatically (`alone`) and with a mapping (`mapped`)."""

    payment: Payment
    alone: Cart | Lookup | UnreadableCart | None
    mapped: Cart | Lookup | UnreadableCart | None


def keys(settings: Settings) -> Keys:
    """Return which keys and secrets the settings have, without their values."""
    key = settings.stripe_secret_key
    return Keys(
        livemode=None if key is None else "_live_" in key,
        secrets=len(settings.stripe_webhook_secrets),
        api_base=settings.stripe_api_base,
    )


def key_link(name: str = "Stockroom", permissions: Iterable[str] = READS) -> str:
    """Return the page of Stripe's dashboard that creates a restricted key, with all permissions we need preselected."""
    chosen = "".join(f"&permissions[{place}]={permission}" for place, permission in enumerate(permissions))
    return f"{_KEYS_PAGE}?name={quote(name)}{chosen}"


def guard_key_link() -> str:
    """Return the page of Stripe's dashboard that creates a key for the Stripe guard alone."""
    return key_link("StripeGuard", GUARD)


def payment_page(payment_id: str, *, livemode: bool) -> str:
    """Return the page of a payment in Stripe's dashboard, where it is refunded and its dispute is answered."""
    return f"https://dashboard.stripe.com/{'' if livemode else 'test/'}payments/{quote(payment_id, safe='')}"


# ---------------------------------------------------------------- reading


def connected(connection: Connection, actor: Actor) -> Connected:
    """Return the connection to Stripe for a person who may change it. Raises Forbidden, SignInRequired."""
    require(connection, actor, Permission.MANAGE_STRIPE)
    return Connected(
        shop=reports.shop(connection, actor),
        link=inbox.link(connection, actor),
        inbox=inbox.state(connection, actor),
        cartless=len(_cartless(connection)),
    )


def recent_payments(connection: Connection, actor: Actor, *, limit: int = PREVIEWED) -> tuple[Payment, ...]:
    """Return the latest payments, newest first and each once, to try a cart mapping on."""
    require(connection, actor, Permission.MANAGE_STRIPE)
    found: dict[str, Payment] = {}
    for (body,) in call(connection, "select body from stockroom_api.recent_paid_messages", {}):
        payment = _payment_in(body)
        if payment is None:
            continue
        found[payment.payment_id] = _together(found.get(payment.payment_id), payment)
    return tuple(sorted(found.values(), key=lambda payment: payment.paid_at, reverse=True)[:limit])


def _together(known: Payment | None, found: Payment) -> Payment:
    """Return one payment from two messages about it: the metadata of its PaymentIntent, and its Checkout Session."""
    if known is None:
        return found
    first, second = (found, known) if found.metadata and not known.metadata else (known, found)
    return replace(first, session_id=first.session_id or second.session_id)


def _payment_in(body: str) -> Payment | None:
    try:
        reading = payloads.read(json.loads(body))[1]
    except (Unreadable, ValueError):
        return None
    return reading if isinstance(reading, Payment) else None


def try_mapping(payments: Sequence[Payment], mapping: CartMapping | None) -> tuple[Tried, ...]:
    """Return each payment's cart as read automatically and with the mapping; nothing is changed."""
    tried = []
    for payment in payments:
        alone = carts.preview(payment.metadata, None, currency=payment.currency)
        mapped = carts.preview(payment.metadata, mapping, currency=payment.currency) if mapping else alone
        tried.append(Tried(payment=payment, alone=alone, mapped=mapped))
    return tuple(tried)


def _cartless(connection: Connection) -> list[int]:
    statement = "select id from stockroom_api.cartless_orders order by id desc limit %(count)s"
    return sorted(row[0] for row in call(connection, statement, {"count": MOST_RETRIED}))


# ---------------------------------------------------------------- changing


def go_live_at(connection: Connection, actor: Actor, *, at: datetime) -> None:
    """Set the moment from which payments take stock; earlier ones are only recorded."""
    if at.tzinfo is None:
        raise ValueError("a moment without a time zone")
    inbox.save_link(connection, actor, changes={"live_since": at.isoformat()})


def save_mapping(connection: Connection, actor: Actor, *, mapping: CartMapping | None) -> None:
    """Save how this shop writes its carts; with None, carts are read automatically. Raises InvalidInput, Forbidden."""
    values = None if mapping is None else cart_mapping.from_json(mapping.to_json()).to_json()
    inbox.save_link(connection, actor, changes={"cart_mapping": values})


def save_unread_confirmation(connection: Connection, actor: Actor, *, choice: str) -> None:
    """Save what the confirmation mail of an order with an unread cart does. Raises InvalidInput, Forbidden."""
    if choice not in UNREAD_CONFIRMATIONS:
        raise invalid("confirmation", f"must be one of {', '.join(UNREAD_CONFIRMATIONS)}")
    inbox.save_link(connection, actor, changes={"unread_confirmation": choice})


def save_tolerance(connection: Connection, actor: Actor, *, tolerance: Tolerance) -> None:
    """Save how far a payment may differ from its prices. Raises InvalidInput, Forbidden, SignInRequired."""
    limits = {"less": 100, "more": 1_000, "amount": 1_000_000}
    for name, most in limits.items():
        if not 0 <= getattr(tolerance, name) <= most:
            raise invalid("tolerance", f"must be from 0 to {most:,}")
    changes = {"paid_less": tolerance.less, "paid_more": tolerance.more, "paid_more_amount": tolerance.amount}
    inbox.save_link(connection, actor, changes=changes)


def save_lookup(connection: Connection, actor: Actor, *, lookup: OrderLookup | None) -> None:
    """Save where the storefront stores its orders, after checking the table and its columns; None removes it.

    Raises InvalidInput naming what is wrong, Forbidden, SignInRequired.
    """
    if lookup is not None:
        for field, name in asdict(lookup).items():
            if not _NAME.fullmatch(name):
                raise invalid(field, "must be a name of 1 to 63 characters")
        values = asker(actor, Permission.MANAGE_STRIPE) | {"lookup": json.dumps(asdict(lookup))}
        call(connection, f"select stockroom_api.check_order_lookup({ASKER}, %(lookup)s::jsonb)", values)
    inbox.save_link(connection, actor, changes={"order_lookup": None if lookup is None else asdict(lookup)})


def change_mode(connection: Connection, actor: Actor, *, livemode: bool) -> None:
    """Tie the shop to another mode of Stripe (live or test) from now on. Raises Forbidden, SignInRequired."""
    values = asker(actor, Permission.MANAGE_STRIPE) | {"livemode": livemode}
    call(connection, f"select stockroom_api.change_mode({ASKER}, %(livemode)s)", values)


def retry_carts(connection: Connection, actor: Actor) -> int:
    """Have the worker read the orders with an open cart case again, with the present mapping; returns how many."""
    require(connection, actor, Permission.MANAGE_STRIPE)
    return sum(1 for order_id in _cartless(connection) if cases.retry_cart(connection, actor, order_id=order_id))
