"""The request and response bodies of the HTTP API. The web framework validates them; core checks again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

MOST_LINES = 500
MOST_UNITS = 1_000_000
MOST_SHIPPING = 10_000_000
ShortText = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


class _Model(BaseModel):
    # Written in camel case; accepted in both spellings.
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")


class CheckedItem(_Model):
    """A line to check, by variant, else SKU, else product. A fault in it becomes an issue, not an error."""

    id: str | None = Field(None, description="your own id of the line, returned as itemId", max_length=200)
    variant_id: Any = None
    product_id: Any = None
    sku: Any = None
    quantity: Any = None


class Check(_Model):
    """A cart to check."""

    items: list[CheckedItem] = Field(min_length=1, max_length=MOST_LINES)


class Issue(_Model):
    """Why a line cannot be sold. Codes: invalid_quantity, unknown_variant, unknown_product, inactive, out_of_stock,
    insufficient_stock."""

    item_id: str
    message: str
    code: str
    requested: int | None
    available_stock: int


class CheckedLine(_Model):
    """A line with the units that are available."""

    item_id: str
    variant_id: UUID | None
    product_id: UUID | None
    sku: str | None
    requested: int | None
    available_stock: int


class Checked(_Model):
    """Whether the cart can be sold now. `verified` is false if stock could not be read and the shop sells anyway."""

    valid: bool
    verified: bool = True
    issues: list[Issue]
    items: list[CheckedLine]


class HoldItem(_Model):
    """A line to hold: a variant by its id or its SKU."""

    variant_id: UUID | None = None
    sku: ShortText | None = None
    quantity: int = Field(ge=1, le=MOST_UNITS, strict=True)


class Hold(_Model):
    """A cart to hold, all of it or nothing."""

    items: list[HoldItem] = Field(min_length=1, max_length=MOST_LINES)
    reference: ShortText | None = None
    ttl_seconds: int = Field(1_800, alias="ttl_seconds", ge=10, le=86_400, strict=True)


class Extension(_Model):
    """The seconds from now after which a hold expires."""

    ttl_seconds: int = Field(alias="ttl_seconds", ge=10, le=86_400, strict=True)


class PurchaseNotes(_Model):
    """Values of the storefront to store in the payment."""

    cart_id: ShortText | None = None


class Purchase(_Model):
    """A cart to pay for. Prices come from the catalogue; `shipping` is in minor units of the shop's currency."""

    items: list[HoldItem] = Field(min_length=1, max_length=MOST_LINES)
    currency: str = Field(pattern=r"^[A-Za-z]{3}$")
    metadata: PurchaseNotes = PurchaseNotes()
    shipping: int = Field(0, ge=0, le=MOST_SHIPPING, strict=True)
    ttl_seconds: int = Field(1_800, alias="ttl_seconds", ge=10, le=86_400, strict=True)


class PricedLine(_Model):
    """Units of one variant and the price of one, in minor units."""

    variant_id: UUID
    sku: str
    name: str | None
    quantity: int
    unit_price: int


class Payment(_Model):
    """A payment for the buyer to finish, and when its hold expires. Amounts are in minor units."""

    client_secret: str
    payment_intent_id: str
    status: str
    amount: int
    shipping: int
    currency: str
    cart_id: str | None
    reservation: UUID
    expires_at: datetime
    lines: list[PricedLine]


class Paid(_Model):
    """A payment that the buyer has finished."""

    payment_intent_id: str = Field(min_length=4, max_length=255)


class OrderLine(_Model):
    """A line of an order. States: taken, failed, skipped, resolved. Errors: insufficient_stock, unknown_variant,
    undone, not_in_ledger."""

    sku: str
    quantity: int
    state: str
    error: str | None = None


class Order(_Model):
    """The order of a payment. A line that could not be taken has an error and opens a case; the order is valid anyway.

    `mail` is the state of its confirmation: queued (now or before), waiting_for_cart (it is sent once when the cart was
    read), no_address (it is sent once if Stripe names an address later), no_mail_account.
    """

    success: bool = True
    order_id: int
    order_number: str
    mail: str
    lines: list[OrderLine]


class HeldLine(_Model):
    """Units of one variant in a hold."""

    variant_id: UUID
    sku: str
    quantity: int


class Held(_Model):
    """A hold. States: active, consumed, released, expired."""

    id: UUID
    reference: str | None
    state: str
    expires_at: datetime
    lines: list[HeldLine]


class Problem(_Model):
    """An error in the format of RFC 9457; additional members have the facts, such as `short`."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="allow")

    type: str
    title: str
    status: int
    detail: str
    request_id: str
