"""Paying for a cart: price it from the catalogue, hold it, and create its payment at Stripe, once for each key.

Rules and locks: core/sql/70_storefront/2_checkout.sql. The hold comes first, so that no payment is without its units.
If Stripe creates no payment, the hold is released. A cart that has an open payment keeps it: `changes` brings it to
what was asked for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine

from core.carts.values import minor_digits
from core.database.engine import call, one_statement, run
from core.foundation.errors import ReservationGone, Unavailable, invalid
from core.foundation.model import Actor
from core.foundation.text import clean
from core.inbox import messages as inbox
from core.inbox.range_import import same_mode
from core.storefront import changes
from core.storefront.payments import (
    Begun,
    Checkout,
    as_json,
    begun_of,
    check,
    connected,
    currency_of,
    get,
    make,
    step_of,
)
from core.storefront.purchases import MOST_SHIPPING, Purchase, items_json
from core.stripe.gateway import Gateway

_TRIES = 3


@one_statement
def check_cart(connection: Connection, _: Actor, *, items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return `valid`, an issue for every line that cannot be sold, and every line with what is available.

    Each item names a variant, a SKU or a product, and a quantity; anything wrong with an item becomes an issue. The
    rules are in core/sql/70_storefront/1_contract.sql. Raises InvalidInput if `items` is not a list of items.
    """
    found: dict[str, Any] = call(
        connection, "select stockroom_api.check_cart(%(items)s::jsonb)", {"items": json.dumps(list(items), default=str)}
    )[0][0]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved:
    """A cart that is held. `is_found`: it was, before this request."""

    checkout: Checkout
    is_found: bool


def reserve(
    engine: Engine, gateway: Gateway | None, actor: Actor, *, purchase: Purchase, key: str, scope: str | None = None
) -> Reserved:
    """Price and hold a cart, or find it if the same key or cart was reserved before. Stripe is not asked.

    `scope` is whose cart ids these are. Raises InsufficientStock naming every short variant, InvalidInput, KeyReused,
    Busy if a row stays locked.
    """
    stripe = connected(gateway)
    checkout, is_found = run(engine, _begin, actor, purchase=purchase, key=key, gateway=stripe, scope=scope)
    return Reserved(checkout=checkout, is_found=is_found)


def begin_payment(
    engine: Engine,
    gateway: Gateway | None,
    actor: Actor,
    *,
    purchase: Purchase,
    key: str,
    scope: str | None = None,
    reserved: Reserved | None = None,
) -> Begun:
    """Create the payment of a cart at Stripe; the same key or the same cart again is the same payment.

    `reserved` is what `reserve` returned a moment ago; without it this reserves the cart. Raises what `reserve` raises,
    ReservationGone if its payment was cancelled, AlreadyPaid if a cart changes while it is paid, Unavailable,
    StripeRefused. If no payment results, nothing stays held.
    """
    stripe = connected(gateway)
    for _ in range(_TRIES):
        found = reserved or reserve(engine, stripe, actor, purchase=purchase, key=key, scope=scope)
        checkout, reserved = found.checkout, None
        if found.is_found:
            begun = changes.ask_again(
                engine, stripe, actor, checkout_id=checkout.checkout_id, purchase=purchase, key=key
            )
        else:
            begun = (_known if checkout.payment_id else make)(engine, stripe, actor, checkout)
        if begun:
            return begun
    raise Unavailable("Another request with this key has just failed. A retry is safe.")


def _begin(
    connection: Connection, actor: Actor, *, purchase: Purchase, key: str, gateway: Gateway, scope: str | None
) -> tuple[Checkout, bool]:
    if not 0 <= (purchase.shipping or 0) <= MOST_SHIPPING:
        raise invalid("shipping", f"must be from 0 to {MOST_SHIPPING:,} minor units")
    same_mode(inbox.go_live(connection, actor, livemode=gateway.livemode), gateway)
    currency = clean(purchase.currency, "currency", 3) if purchase.currency else currency_of(connection)
    held_by = clean(actor.name, "actor", 80)
    values = {
        "key": clean(key, "key", 200),
        "items": items_json(purchase.items or ()),
        "cart_id": clean(purchase.cart_id, "cart id", 200) if purchase.cart_id else None,
        "currency": currency,
        "digits": minor_digits(currency),
        "step": step_of(currency),
        "shipping": purchase.shipping,
        "shipping_to": as_json(purchase.shipping_to),
        "ttl": purchase.ttl_seconds,
        "held_by": held_by,
        "scope": scope or held_by,
    }
    statement = """select checkout_id, is_found
                     from stockroom_api.begin_checkout(%(key)s, %(items)s::jsonb, %(cart_id)s, %(currency)s, %(digits)s,
                              %(step)s, %(shipping)s, %(shipping_to)s::jsonb, %(ttl)s, %(held_by)s, %(scope)s)"""
    ((checkout_id, is_found),) = call(connection, statement, values)
    checkout = get(connection, actor, checkout_id=checkout_id)
    if not is_found:
        check(checkout)
    return checkout, is_found


def _known(engine: Engine, gateway: Gateway, actor: Actor, checkout: Checkout) -> Begun | None:
    """Return the existing payment of this checkout, and hold its units again if the hold has expired."""
    found = gateway.payment(str(checkout.payment_id))
    if found is None or found.get("status") == "canceled":
        raise ReservationGone("This payment was cancelled. Create another one with a new key.")
    if found.get("status") not in ("succeeded", "processing", "requires_capture"):
        checkout = run(engine, _hold_again, actor, checkout_id=checkout.checkout_id)
    return begun_of(checkout, found)


def _hold_again(connection: Connection, actor: Actor, *, checkout_id: UUID) -> Checkout:
    call(connection, "select stockroom_api.hold_checkout(%(id)s)", {"id": checkout_id})
    return get(connection, actor, checkout_id=checkout_id)
