"""A checkout and its payment at Stripe: what it costs, what Stripe gets to know, and its creation.

Stripe is asked while nothing is locked. Rules and locks: core/sql/70_storefront/2_checkout.sql.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine

from core.carts.values import minor_digits
from core.carts.written import line_of, write_cart
from core.database.engine import call, rows_of, run
from core.foundation.errors import StockError, StripeRefused, Unavailable, invalid
from core.foundation.model import Actor
from core.storefront.purchases import Address
from core.stripe.gateway import Gateway

MOST_AMOUNT = 99_999_999
"""The highest amount of one payment at Stripe, in minor units."""

_ONLY_WHOLE = frozenset(("ISK", "UGX"))  # Stripe has two decimals for them, and both must be 0
_FIELDS = """id, cart_id, lines, currency, shipping, shipping_to, tax, tax_by, tax_rate, tax_calculation, amount,
             payment_id, reservation_id, expires_at, state, change_id, pending"""


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
    """A cart being paid, with its latest hold. `tax` is None until Stripe has computed it, if `tax_by` is stripe.

    `pending` is the content that a change under way, named `change_id`, brings it to.
    """

    checkout_id: UUID
    cart_id: str | None
    lines: tuple[PricedLine, ...]
    currency: str
    shipping: int
    shipping_to: Address | None
    tax: int | None
    tax_by: str
    tax_rate: Decimal | None
    tax_calculation: str | None
    amount: int
    payment_id: str | None
    reservation_id: UUID
    expires_at: datetime
    state: str
    change_id: UUID | None
    pending: dict[str, Any] | None

    @property
    def goods(self) -> int:
        """The price of all lines."""
        return sum(line.quantity * line.unit_price for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A payment that the buyer can finish with `client_secret`. `status` is Stripe's."""

    checkout: Checkout
    payment_id: str
    client_secret: str
    status: str


def connected(gateway: Gateway | None) -> Gateway:
    """Return the gateway. Raises Unavailable if Stripe is not connected."""
    if gateway is None:
        raise Unavailable("Stripe is not connected: STRIPE_SECRET_KEY is not set in the environment of Stockroom.")
    return gateway


def currency_of(connection: Connection) -> str:
    """Return the currency of the shop."""
    return str(call(connection, "select currency from stockroom_api.shop", {})[0][0])


def as_json(value: Mapping[str, Any] | None) -> str | None:
    """Return an object as JSON for the database."""
    return None if value is None else json.dumps(value, sort_keys=True)


def check(checkout: Checkout) -> None:
    """Raise InvalidInput inside the transaction if Stripe would not take this payment."""
    if checkout.tax is None and not (checkout.shipping_to or {}).get("address", {}).get("country"):
        why = "needs the buyer's address with its two-letter country, because Stripe computes the tax of this shop"
        raise invalid("shipping", why)
    check_amount(checkout)
    metadata_of(checkout)  # raises if the cart is too long


def step_of(currency: str) -> int:
    """Return the minor units in whose steps Stripe takes amounts of a currency."""
    return 100 if currency.upper() in _ONLY_WHOLE else 10 if minor_digits(currency) == 3 else 1


def check_amount(checkout: Checkout) -> None:
    """Raise InvalidInput for an amount that Stripe does not take."""
    if not 0 < checkout.amount <= MOST_AMOUNT:
        raise invalid("amount", f"comes to {checkout.amount:,} minor units; Stripe takes from 1 to {MOST_AMOUNT:,}")
    currency, step = checkout.currency.upper(), step_of(checkout.currency)
    if checkout.amount % step:
        raise invalid("amount", f"comes to {checkout.amount:,}, but Stripe takes {currency} only in steps of {step}")


def metadata_of(checkout: Checkout) -> dict[str, str]:
    """Return the metadata of a checkout's payment: the whole cart, its hold and the storefront's cart id."""
    extras = {"reservation": str(checkout.reservation_id)}
    if checkout.cart_id:
        extras["cartId"] = checkout.cart_id
    if checkout.shipping:
        extras["shipping_amount"] = str(checkout.shipping)
    if checkout.tax:
        extras["tax_amount"] = str(checkout.tax)
    if checkout.tax_calculation:
        extras["tax_calculation"] = checkout.tax_calculation
    return write_cart([line_of(line.variant_id, line.quantity, line.unit_price) for line in checkout.lines], extras)


def more_of(checkout: Checkout) -> dict[str, Any]:
    """Return what else Stripe is to know of a payment: the address, and the calculation of its tax."""
    more: dict[str, Any] = {}
    if checkout.shipping_to:
        more["shipping"] = checkout.shipping_to
    if checkout.tax_calculation:
        more["hooks"] = {"inputs": {"tax": {"calculation": checkout.tax_calculation}}}
    return more


def make(engine: Engine, gateway: Gateway, actor: Actor, checkout: Checkout) -> Begun | None:
    """Create the payment. Return None if the hold ended meanwhile, because then the payment must not be used."""
    values = {"checkout_id": checkout.checkout_id, "reservation_id": checkout.reservation_id}
    try:
        checkout = taxed(engine, gateway, actor, checkout)
        # Each hold has one payment. A retry after a failure has a new hold, so Stripe does not replay its old answer.
        made = gateway.begin_payment(
            key=f"stockroom-{checkout.reservation_id}",
            amount=checkout.amount,
            currency=checkout.currency,
            metadata=metadata_of(checkout),
            more=more_of(checkout),
        )
        begun = begun_of(checkout, made)
    except StockError as error:
        run(engine, _give_up, actor, **values)
        raise too_small(error, checkout) from None
    return begun if run(engine, _bind, actor, **values, payment_id=begun.payment_id) else None


def too_small(error: StockError, checkout: Checkout) -> StockError:
    """Return an error of Stripe, in our words if the amount is less than it takes."""
    if error.facts.get("code") == "amount_too_small":
        return invalid("amount", f"comes to {checkout.amount:,} minor units, less than Stripe takes")
    return error


def taxed(engine: Engine, gateway: Gateway, actor: Actor, checkout: Checkout) -> Checkout:
    """Return a checkout with its tax, which Stripe computes if that is the shop's choice. Raises as `begin_payment`."""
    if checkout.tax is not None:
        return checkout
    found = gateway.compute_tax(
        currency=checkout.currency,
        lines={str(line.variant_id): line.quantity * line.unit_price for line in checkout.lines},
        shipping=checkout.shipping,
        address=(checkout.shipping_to or {})["address"],
    )
    tax, calculation = found.get("tax_amount_exclusive"), found.get("id")
    if not (isinstance(tax, int) and tax >= 0 and isinstance(calculation, str)):
        raise StripeRefused("Stripe's answer is not a tax that can be added.")
    run(engine, _note_tax, actor, checkout=checkout, tax=tax, calculation=calculation)
    kept = run(engine, get, actor, checkout_id=checkout.checkout_id)
    kept = kept if checkout.pending is None else pended(kept)
    if kept.tax is None:
        raise Unavailable("Another request has changed this cart. A retry is safe.")
    check_amount(kept)
    return kept


def _note_tax(connection: Connection, _: Actor, *, checkout: Checkout, tax: int, calculation: str) -> None:
    values = {"id": checkout.checkout_id, "change": checkout.change_id, "tax": tax, "calculation": calculation}
    call(connection, "select stockroom_api.tax_checkout(%(id)s, %(change)s, %(tax)s, %(calculation)s)", values)


def begun_of(checkout: Checkout, found: Mapping[str, Any]) -> Begun:
    """Return a payment from Stripe's answer. Raises StripeRefused if it cannot be finished."""
    payment_id, secret, status = (found.get(name) for name in ("id", "client_secret", "status"))
    if not (isinstance(payment_id, str) and isinstance(secret, str) and isinstance(status, str)):
        raise StripeRefused("Stripe's answer is not a payment that can be finished.")
    return Begun(checkout=checkout, payment_id=payment_id, client_secret=secret, status=status)


def get(connection: Connection, _: Actor, *, checkout_id: UUID) -> Checkout:
    """Return a checkout."""
    statement = f"select {_FIELDS} from stockroom_api.checkouts where id = %(id)s"  # noqa: S608 - our own names
    row = call(connection, statement, {"id": checkout_id})[0]
    return rows_of(Checkout, [(row[0], row[1], tuple(map(_line, row[2])), *row[3:])])[0]


def pended(checkout: Checkout) -> Checkout:
    """Return a checkout as the change under way would make it."""
    new = checkout.pending
    assert new is not None, "only a change under way has pending content"
    names = ("cart_id", "shipping", "shipping_to", "tax", "tax_by", "tax_rate", "amount")
    return replace(
        checkout,
        lines=tuple(map(_line, new["lines"])),
        tax_calculation=new.get("tax_calculation"),
        **{name: new[name] for name in names},
    )


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
