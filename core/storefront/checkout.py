"""Paying for a cart: price it from the catalogue, hold it, and create its payment at Stripe, once for each key.

Rules and locks: core/sql/70_storefront/2_checkout.sql. Stripe is asked while nothing is locked. The hold comes first,
so that no payment is without its units. If Stripe creates no payment, the hold is released.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine

from core.carts.values import minor_digits
from core.carts.written import line_of, write_cart
from core.database.engine import call, rows_of, run
from core.foundation.errors import ReservationGone, StockError, StripeRefused, Unavailable, invalid
from core.foundation.model import Actor
from core.foundation.text import clean
from core.inbox import messages as inbox
from core.inbox.range_import import same_mode
from core.ledger import holds
from core.ledger.holds import DEFAULT_TTL, Wanted
from core.stripe.gateway import Gateway

MOST_SHIPPING = 10_000_000
MOST_AMOUNT = 99_999_999
"""The highest amount of one payment at Stripe, in minor units."""

_TRIES = 3
_ONLY_WHOLE = frozenset(("ISK", "UGX"))  # Stripe has two decimals for them, and both must be 0
_FIELDS = "id, cart_id, lines, currency, shipping, amount, payment_id, reservation_id, expires_at, state"


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """A cart to pay for. `shipping` is in minor units; `cart_id` is the storefront's own id."""

    items: Sequence[Wanted]
    currency: str
    cart_id: str | None = None
    shipping: int = 0
    ttl_seconds: int = DEFAULT_TTL


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedLine:
    """Units of one variant at the catalogue's price, in minor units."""

    variant_id: UUID
    sku: str
    name: str | None
    quantity: int
    unit_price: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A cart being paid, with its latest hold."""

    checkout_id: UUID
    cart_id: str | None
    lines: tuple[PricedLine, ...]
    currency: str
    shipping: int
    amount: int
    payment_id: str | None
    reservation_id: UUID
    expires_at: datetime
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A payment that the buyer can finish with `client_secret`. `status` is Stripe's."""

    checkout: Checkout
    payment_id: str
    client_secret: str
    status: str


def begin_payment(engine: Engine, gateway: Gateway | None, actor: Actor, *, purchase: Purchase, key: str) -> Begun:
    """Price and hold a cart and create its payment at Stripe; the same key again is the same payment.

    Raises InsufficientStock naming every short variant, InvalidInput, KeyReused, ReservationGone if its payment was
    cancelled, Unavailable, StripeRefused. If no payment results, nothing stays held.
    """
    stripe = connected(gateway)
    for _ in range(_TRIES):
        checkout = run(engine, _begin, actor, purchase=purchase, key=key, gateway=stripe)
        begin = _known if checkout.payment_id else _make
        if begun := begin(engine, stripe, actor, checkout):
            return begun
    raise Unavailable("Another request with this key has just failed. A retry is safe.")


def connected(gateway: Gateway | None) -> Gateway:
    """Return the gateway. Raises Unavailable if Stripe is not connected."""
    if gateway is None:
        raise Unavailable("Stripe is not connected: STRIPE_SECRET_KEY is not set in the environment of Stockroom.")
    return gateway


def _begin(connection: Connection, actor: Actor, *, purchase: Purchase, key: str, gateway: Gateway) -> Checkout:
    if not 0 <= purchase.shipping <= MOST_SHIPPING:
        raise invalid("shipping", f"must be from 0 to {MOST_SHIPPING:,} minor units")
    same_mode(inbox.go_live(connection, actor, livemode=gateway.livemode), gateway)
    values = {
        "key": clean(key, "key", 200),
        "items": holds.as_json(purchase.items),
        "cart_id": clean(purchase.cart_id, "cart id", 200) if purchase.cart_id else None,
        "currency": clean(purchase.currency, "currency", 3),
        "digits": minor_digits(purchase.currency),
        "shipping": purchase.shipping,
        "ttl": purchase.ttl_seconds,
        "held_by": clean(actor.name, "actor", 80),
    }
    statement = """select stockroom_api.begin_checkout(%(key)s, %(items)s::jsonb, %(cart_id)s, %(currency)s, %(digits)s,
                                                       %(shipping)s, %(ttl)s, %(held_by)s)"""
    checkout = get(connection, actor, checkout_id=call(connection, statement, values)[0][0])
    _check_amount(checkout)
    metadata_of(checkout)  # raises here, inside the transaction, if the cart is too long
    return checkout


def _check_amount(checkout: Checkout) -> None:
    if not 0 < checkout.amount <= MOST_AMOUNT:
        raise invalid("amount", f"comes to {checkout.amount:,} minor units; Stripe takes from 1 to {MOST_AMOUNT:,}")
    currency = checkout.currency.upper()
    step = 100 if currency in _ONLY_WHOLE else 10 if minor_digits(currency) == 3 else 1
    if checkout.amount % step:
        raise invalid("amount", f"comes to {checkout.amount:,}, but Stripe takes {currency} only in steps of {step}")


def metadata_of(checkout: Checkout) -> dict[str, str]:
    """Return the metadata of a checkout's payment: the whole cart, its hold and the storefront's cart id."""
    extras = {"reservation": str(checkout.reservation_id)}
    if checkout.cart_id:
        extras["cartId"] = checkout.cart_id
    if checkout.shipping:
        extras["shipping_amount"] = str(checkout.shipping)
    return write_cart([line_of(line.variant_id, line.quantity, line.unit_price) for line in checkout.lines], extras)


def _make(engine: Engine, gateway: Gateway, actor: Actor, checkout: Checkout) -> Begun | None:
    """Create the payment. Return None if the hold ended meanwhile, because then the payment must not be used."""
    values = {"checkout_id": checkout.checkout_id, "reservation_id": checkout.reservation_id}
    try:
        # Each hold has one payment. A retry after a failure has a new hold, so Stripe does not replay its old answer.
        made = gateway.begin_payment(
            key=f"stockroom-{checkout.reservation_id}",
            amount=checkout.amount,
            currency=checkout.currency,
            metadata=metadata_of(checkout),
        )
        begun = _begun(checkout, made)
    except StockError as error:
        run(engine, _give_up, actor, **values)
        if error.facts.get("code") == "amount_too_small":
            raise invalid("amount", f"comes to {checkout.amount:,} minor units, less than Stripe takes") from None
        raise
    return begun if run(engine, _bind, actor, **values, payment_id=begun.payment_id) else None


def _known(engine: Engine, gateway: Gateway, actor: Actor, checkout: Checkout) -> Begun | None:
    """Return the existing payment of this checkout, and hold its units again if the hold has expired."""
    found = gateway.payment(str(checkout.payment_id))
    if found is None or found.get("status") == "canceled":
        raise ReservationGone("This payment was cancelled. Create another one with a new key.")
    if found.get("status") not in ("succeeded", "processing", "requires_capture"):
        checkout = run(engine, _hold_again, actor, checkout_id=checkout.checkout_id)
    return _begun(checkout, found)


def _begun(checkout: Checkout, found: Mapping[str, Any]) -> Begun:
    payment_id, secret, status = (found.get(name) for name in ("id", "client_secret", "status"))
    if not (isinstance(payment_id, str) and isinstance(secret, str) and isinstance(status, str)):
        raise StripeRefused("Stripe's answer is not a payment that can be finished.")
    return Begun(checkout=checkout, payment_id=payment_id, client_secret=secret, status=status)


def get(connection: Connection, _: Actor, *, checkout_id: UUID) -> Checkout:
    """Return a checkout."""
    statement = f"select {_FIELDS} from stockroom_api.checkouts where id = %(id)s"  # noqa: S608 - our own names
    row = call(connection, statement, {"id": checkout_id})[0]
    return rows_of(Checkout, [(row[0], row[1], tuple(map(_line, row[2])), *row[3:])])[0]


def _line(line: Mapping[str, Any]) -> PricedLine:
    return PricedLine(
        variant_id=UUID(line["variant_id"]),
        sku=line["sku"],
        name=line["name"],
        quantity=line["quantity"],
        unit_price=line["unit_price"],
    )


def _bind(connection: Connection, _: Actor, *, checkout_id: UUID, reservation_id: UUID, payment_id: str) -> bool:
    values = {"id": checkout_id, "reservation": reservation_id, "payment": payment_id}
    statement = "select stockroom_api.bind_payment(%(id)s, %(reservation)s, %(payment)s)"
    return bool(call(connection, statement, values)[0][0])


def _give_up(connection: Connection, _: Actor, *, checkout_id: UUID, reservation_id: UUID) -> None:
    values = {"id": checkout_id, "reservation": reservation_id}
    call(connection, "select stockroom_api.give_up_checkout(%(id)s, %(reservation)s)", values)


def _hold_again(connection: Connection, actor: Actor, *, checkout_id: UUID) -> Checkout:
    call(connection, "select stockroom_api.hold_checkout(%(id)s)", {"id": checkout_id})
    return get(connection, actor, checkout_id=checkout_id)
