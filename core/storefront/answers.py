"""Between the bodies of the HTTP API and what core works with: requests read, answers made."""

from __future__ import annotations

from dataclasses import asdict

from starlette.responses import Response

from core.foundation.sales import CartState
from core.ledger.holds import Reservation
from core.storefront import levels, models, paid_orders, payments, purchases
from core.storefront.paid_orders import PaidOrder


def purchase_of(cart: models.Purchase | models.PurchaseChange) -> purchases.Purchase:
    """Return what a request wants paid. Raises InvalidInput."""
    cost, address = purchases.read_shipping(cart.shipping)
    return purchases.Purchase(
        items=None if cart.items is None else [_item(item) for item in cart.items],
        currency=cart.currency,
        cart_id=purchases.cart_name(cart.metadata.cart_id) if cart.metadata else None,
        shipping=cost,
        shipping_to=address,
        ttl_seconds=cart.ttl_seconds,
    )


def _item(item: models.PurchaseItem) -> purchases.Item:
    return purchases.Item(
        variant_id=item.variant_id, sku=item.sku, quantity=item.quantity,
        product=item.product_id or item.slug, size=item.size, color=item.color,
    )  # fmt: skip


def name_of(item: models.HoldItem) -> str:
    """Return what a request names a variant by: its id, its SKU, or its product, size and colour."""
    if item.variant_id:
        return str(item.variant_id)
    if item.sku or not isinstance(item, models.PurchaseItem):
        return item.sku or ""
    return "/".join(filter(None, (str(item.product_id or item.slug), item.size, item.color)))


def names_of(cart: models.Purchase | models.PurchaseChange) -> list[str]:
    """Return what a request names its variants by; none if it changes other things than the items."""
    return [name_of(item) for item in cart.items or ()]


def order_of(found: PaidOrder, *, mail: str) -> models.Order:
    """Return the answer about an order, in our names and in those of older storefronts."""
    failed = [line for line in found.lines if line.error]
    is_read = found.cart_state == CartState.READ
    message = "The order is recorded and every line was taken off the shelf."
    if failed:
        message = f"The order is recorded and stands. Not taken off the shelf, with a case: {len(failed)} of its lines."
    elif not is_read:
        message = "The order is recorded and stands. Its cart is not read yet, so nothing was taken off the shelf."
    return models.Order(
        success=is_read and not failed,
        message=message,
        order_id=found.order_id,
        order_number=found.reference,
        mail=mail,
        lines=[models.OrderLine(sku=line.sku, quantity=line.quantity, state=line.state, error=line.error)
               for line in found.lines],
        errors=[models.LineError(sku=line.sku, code=line.error, error=paid_orders.sentence_of(line),
                                 requested=line.quantity) for line in failed],
        total_items=len(found.lines),
        valid_items=len(found.lines) - len(failed),
    )  # fmt: skip


def payment_of(begun: payments.Begun) -> models.Payment:
    """Return the answer about a payment."""
    cart = begun.checkout
    return models.Payment(
        client_secret=begun.client_secret,
        payment_intent_id=begun.payment_id,
        status=begun.status,
        amount=cart.amount,
        shipping=cart.shipping,
        breakdown=models.Breakdown(subtotal=cart.goods, shipping=cart.shipping, tax=cart.tax or 0, total=cart.amount),
        tax=models.Tax(by=cart.tax_by, rate=None if cart.tax_rate is None else float(cart.tax_rate)),
        currency=cart.currency,
        cart_id=cart.cart_id,
        reservation=cart.reservation_id,
        expires_at=cart.expires_at,
        lines=[models.PricedLine(**asdict(line)) for line in cart.lines],
    )


def held_of(found: Reservation) -> models.Held:
    """Return the answer about a hold."""
    lines = [models.HeldLine(variant_id=line.variant_id, sku=line.sku, quantity=line.quantity) for line in found.lines]
    return models.Held(
        id=found.reservation_id, reference=found.reference, state=found.state, expires_at=found.expires_at, lines=lines
    )


def levels_of(page: levels.Page, known: str | None) -> Response:
    """Return the answer about levels: 304 if the caller has them already, which costs no traffic."""
    headers = {"ETag": page.etag, "Cache-Control": "private, no-cache", "Vary": "Authorization"}
    if known is not None and page.etag in (tag.strip() for tag in known.split(",")):
        return Response(status_code=304, headers=headers)
    found = [models.Available(**asdict(each)) for each in page.levels]
    body = models.Levels(levels=found, cursor=page.cursor, more=page.more)
    return Response(body.model_dump_json(by_alias=True), media_type="application/json", headers=headers)
