"""Changes a begun payment: its hold, its amount and its metadata together, or none of them.

Rules and locks: core/sql/70_storefront/3_changes.sql. First the units of the new cart are held in addition to those of
the old one; then Stripe is asked while nothing is locked; then the units that the outcome does not need are released.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine

from core.carts.values import minor_digits
from core.database.engine import call, run
from core.foundation.errors import AlreadyPaid, ReservationGone, StockError, Unavailable, UnknownPayment, invalid
from core.foundation.model import Actor
from core.storefront import payments
from core.storefront.payments import (
    Begun,
    Checkout,
    as_json,
    begun_of,
    currency_of,
    make,
    metadata_of,
    more_of,
    pended,
    step_of,
)
from core.storefront.purchases import Purchase, items_json
from core.stripe.gateway import Gateway

_WAITS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.5, 1.0, 1.0, 1.0)
"""The seconds between attempts while another request creates or changes the payment of the same cart."""
_PAID = frozenset(("succeeded", "processing", "requires_capture"))
_OURS = re.compile(r"cart_\d+|shipping_amount|tax_amount|tax_calculation")


def change_payment(
    engine: Engine,
    gateway: Gateway | None,
    actor: Actor,
    *,
    payment_id: str,
    purchase: Purchase,
    scope: str | None = None,
) -> Begun:
    """Change the payment that was begun here; None in `purchase` leaves a part as it is.

    Raises UnknownPayment, AlreadyPaid, ReservationGone if it was cancelled, InsufficientStock naming every short
    variant, InvalidInput, Unavailable, StripeRefused. Where it raises, hold, amount and metadata are as they were.
    """
    stripe = payments.connected(gateway)
    if not re.fullmatch(r"pi_[A-Za-z0-9_]{1,250}", payment_id):
        raise invalid("payment intent", "is not an id of a PaymentIntent")
    checkout_id = run(engine, _of_payment, actor, payment_id=payment_id, scope=scope or actor.name)
    if checkout_id is None:
        raise UnknownPayment("This payment was not begun with this key, so it cannot be changed here.")
    found = stripe.payment(payment_id)
    if found is None or found.get("status") == "canceled":
        raise ReservationGone("This payment was cancelled. Create another one.")
    if found.get("status") == "succeeded":
        raise AlreadyPaid("This payment is already paid, so nothing was changed.", payment_status="succeeded")
    begun = _bring(engine, stripe, actor, checkout_id=checkout_id, purchase=purchase)
    if begun is None:
        raise AlreadyPaid("This payment has ended, so nothing was changed. Create another one.")
    return begun


def ask_again(
    engine: Engine, stripe: Gateway, actor: Actor, *, checkout_id: UUID, purchase: Purchase, key: str
) -> Begun | None:
    """Bring the open payment of a cart to what was asked for. Return None if it has ended."""
    checkout = run(engine, payments.get, actor, checkout_id=checkout_id)
    if checkout.payment_id:
        found = stripe.payment(checkout.payment_id)
        status = None if found is None else found.get("status")
        if status in (None, "canceled", "succeeded"):
            run(engine, _close, actor, checkout_id=checkout_id, cancelled=status != "succeeded", key=key)
            return None
    return _bring(engine, stripe, actor, checkout_id=checkout_id, purchase=purchase)


def _bring(engine: Engine, stripe: Gateway, actor: Actor, *, checkout_id: UUID, purchase: Purchase) -> Begun | None:
    for wait in _WAITS:
        checkout = run(engine, payments.get, actor, checkout_id=checkout_id)
        found = stripe.payment(checkout.payment_id) if checkout.payment_id else None
        try:
            state, checkout = run(engine, _prepare, actor, checkout_id=checkout_id, purchase=purchase, found=found)
        except _Moved:
            state = "busy"
        if state == "closed":
            return None
        if state == "begin":
            return make(engine, stripe, actor, checkout)
        if state != "busy" and found is not None:
            return begun_of(checkout, found) if state == "same" else _apply(engine, stripe, actor, checkout, found)
        time.sleep(wait)
    raise Unavailable("Another request is changing this cart. Nothing was changed. Try again in a moment.")


class _Moved(Exception):
    """The payment was created after Stripe was asked about it. What was prepared is taken back."""


def _prepare(
    connection: Connection, actor: Actor, *, checkout_id: UUID, purchase: Purchase, found: Mapping[str, Any] | None
) -> tuple[str, Checkout]:
    own = currency_of(connection)
    if purchase.currency and purchase.currency.upper() != own:
        raise invalid("currency", f"must be {own}, the currency of the shop")
    values = {
        "id": checkout_id,
        "items": None if purchase.items is None else items_json(purchase.items),
        "digits": minor_digits(own),
        "step": step_of(own),
        "cart_id": purchase.cart_id,
        "shipping": purchase.shipping,
        "shipping_to": as_json(purchase.shipping_to),
        "ttl": purchase.ttl_seconds,
    }
    statement = """select stockroom_api.prepare_change(%(id)s, %(items)s::jsonb, %(digits)s, %(step)s, %(cart_id)s,
                                                       %(shipping)s, %(shipping_to)s::jsonb, %(ttl)s)"""
    state = str(call(connection, statement, values)[0][0])
    checkout = payments.get(connection, actor, checkout_id=checkout_id)
    if state in ("same", "change") and found is None:
        raise _Moved
    status = found.get("status") if found else None
    if state == "change" and status in _PAID:  # raising takes back what was prepared
        why = f"This payment is being paid (its status is {status}), so nothing was changed."
        raise AlreadyPaid(why, payment_status=status)
    if state in ("begin", "change"):
        payments.check(pended(checkout) if state == "change" else checkout)
    return state, checkout


def _apply(engine: Engine, stripe: Gateway, actor: Actor, checkout: Checkout, found: Mapping[str, Any]) -> Begun:
    """Change the payment at Stripe, and end the change as Stripe did."""
    wanted = pended(checkout)
    try:
        wanted = payments.taxed(engine, stripe, actor, wanted)
        changed = _at_stripe(stripe, wanted, found)
    except Unavailable as error:
        seen = _outcome(stripe, wanted)
        if seen is None or not _has(seen, wanted):
            run(engine, _finish, actor, checkout=checkout, taken=None if seen is None else False)
            raise error from None
        changed = seen
    except StockError as error:
        run(engine, _finish, actor, checkout=checkout, taken=False)
        if error.facts.get("code") == "payment_intent_unexpected_state":
            raise AlreadyPaid("This payment is paid, or about to be, so nothing was changed.") from None
        raise payments.too_small(error, wanted) from None
    if not run(engine, _finish, actor, checkout=checkout, taken=True):
        raise Unavailable("Another request has changed this cart meanwhile. A retry is safe.")
    return begun_of(run(engine, payments.get, actor, checkout_id=checkout.checkout_id), changed)


def _at_stripe(stripe: Gateway, wanted: Checkout, found: Mapping[str, Any]) -> dict[str, Any]:
    metadata, before = metadata_of(wanted), found.get("metadata") or {}
    gone = {name: "" for name in before if _OURS.fullmatch(name) and name not in metadata}
    more = more_of(wanted)
    if "tax_calculation" in gone:
        more["hooks"] = {"inputs": {"tax": {"calculation": ""}}}
    key = f"stockroom-{wanted.change_id}"
    return stripe.change_payment(
        str(wanted.payment_id), key=key, amount=wanted.amount, metadata=metadata | gone, more=more
    )


def _outcome(stripe: Gateway, wanted: Checkout) -> dict[str, Any] | None:
    """Return the payment as Stripe has it after a change without an answer, or None if Stripe still does not answer."""
    try:
        return stripe.payment(str(wanted.payment_id))
    except StockError:
        return None


def _has(found: Mapping[str, Any], wanted: Checkout) -> bool:
    """Whether a payment at Stripe has the wanted amount and metadata."""
    return found.get("amount") == wanted.amount and metadata_of(wanted).items() <= (found.get("metadata") or {}).items()


def _finish(connection: Connection, _: Actor, *, checkout: Checkout, taken: bool | None) -> bool:
    values = {"id": checkout.checkout_id, "change": checkout.change_id, "taken": taken}
    return bool(call(connection, "select stockroom_api.finish_change(%(id)s, %(change)s, %(taken)s)", values)[0][0])


def _close(connection: Connection, _: Actor, *, checkout_id: UUID, cancelled: bool, key: str) -> None:
    values = {"id": checkout_id, "cancelled": cancelled, "key": key}
    call(connection, "select stockroom_api.close_checkout(%(id)s, %(cancelled)s, %(key)s)", values)


def _of_payment(connection: Connection, _: Actor, *, payment_id: str, scope: str) -> UUID | None:
    statement = """select id from stockroom_api.checkouts
                    where payment_id = %(payment)s and coalesce(scope, %(scope)s) = %(scope)s"""
    rows = call(connection, statement, {"payment": payment_id, "scope": scope})
    found: UUID | None = rows[0][0] if rows else None
    return found
