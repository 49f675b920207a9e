"""The request and response bodies of the HTTP API. The web framework validates them; core checks again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, StrictFloat, StrictInt
from pydantic.alias_generators import to_camel

MOST_LINES = 500
MOST_UNITS = 1_000_000
MOST_SHIPPING = 10_000_000
ShortText = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


def _as_text(value: Any) -> Any:
    """Return a number as text: a size may be 42 or "42"."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Name = Annotated[ShortText, BeforeValidator(_as_text)]


_TTL = AliasChoices("ttl_seconds", "ttlSeconds")


class _Model(BaseModel):
    # Written in camel case; accepted in both spellings.
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")


class CheckedItem(_Model):
    """A line to check, by variant, else SKU, else product, with or without a size. A fault becomes an issue."""

    id: str | None = Field(None, description="your own id of the line, returned as itemId", max_length=200)
    variant_id: Any = None
    product_id: Any = None
    slug: Any = None
    size: Any = None
    color: Any = None
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


class LineError(_Model):
    """What is wrong with a line, in the names of older storefronts."""

    item_id: str | None = Field(default=None, alias="item_id")
    variant_id: UUID | None = Field(default=None, alias="variant_id")
    product_id: UUID | None = Field(default=None, alias="product_id")
    sku: str | None = None
    code: str | None
    error: str
    requested: int | None = None
    available: int | None = None


class Checked(_Model):
    """Whether the cart can be sold now. `verified` is false if stock could not be read and the shop sells anyway.

    `errors`, `total_items` and `valid_items` say the same in the names of older storefronts.
    """

    valid: bool
    verified: bool = True
    issues: list[Issue]
    items: list[CheckedLine]
    errors: list[LineError] = []
    total_items: int = Field(alias="total_items")
    valid_items: int = Field(alias="valid_items")


class Available(_Model):
    """The units of a variant that a buyer can have: on hand less those held; 0 if it is inactive."""

    variant_id: UUID
    sku: str
    available: int
    is_active: bool


class Levels(_Model):
    """Some levels. `cursor`: send it as `since` to read on, at once while there is `more`. Named variants have none."""

    levels: list[Available]
    cursor: str | None
    more: bool


class HoldItem(_Model):
    """A line to hold: a variant by its id or its SKU."""

    variant_id: UUID | None = None
    sku: ShortText | None = None
    quantity: int = Field(ge=1, le=MOST_UNITS, strict=True)


class Hold(_Model):
    """A cart to hold, all of it or nothing."""

    items: list[HoldItem] = Field(min_length=1, max_length=MOST_LINES)
    reference: ShortText | None = None
    ttl_seconds: int = Field(1_800, validation_alias=_TTL, ge=10, le=86_400, strict=True)


class Extension(_Model):
    """The seconds from now after which a hold expires."""

    ttl_seconds: int = Field(validation_alias=_TTL, ge=10, le=86_400, strict=True)


class PurchaseItem(HoldItem):
    """A line to pay for: a variant by its id or SKU, or a product (id or slug) and a size if one variant is meant."""

    product_id: Name | None = None
    slug: Name | None = None
    size: Name | None = None
    color: Name | None = None


class PurchaseNotes(_Model):
    """Values of the storefront to store in the payment. `cartId` may be any text."""

    cart_id: str | int | None = None


Shipping = StrictInt | StrictFloat | dict[str, Any] | None
"""Minor units of the shop's currency, or an address object, which may have the `amount` as well."""


class Purchase(_Model):
    """A cart to pay for. Prices come from the catalogue; without `currency` it is the shop's."""

    items: list[PurchaseItem] = Field(min_length=1, max_length=MOST_LINES)
    currency: str | None = Field(None, pattern=r"^[A-Za-z]{3}$")
    metadata: PurchaseNotes | None = None
    shipping: Shipping = None
    ttl_seconds: int = Field(1_800, validation_alias=_TTL, ge=10, le=86_400, strict=True)


class PurchaseChange(_Model):
    """What changes in a begun payment. What is missing or null stays as it is."""

    items: list[PurchaseItem] | None = Field(None, min_length=1, max_length=MOST_LINES)
    currency: str | None = Field(None, pattern=r"^[A-Za-z]{3}$")
    metadata: PurchaseNotes | None = None
    shipping: Shipping = None
    ttl_seconds: int | None = Field(None, validation_alias=_TTL, ge=10, le=86_400, strict=True)


class PricedLine(_Model):
    """Units of one variant and the price of one, in minor units."""

    variant_id: UUID
    sku: str
    name: str | None
    quantity: int
    unit_price: int


class Breakdown(_Model):
    """What the amount is made of, in minor units: `total` is the sum."""

    subtotal: int
    shipping: int
    tax: int
    total: int


class Tax(_Model):
    """Who computes the tax in the amount: none, rate (the shop's, in percent on the goods) or stripe."""

    by: str
    rate: float | None


class Payment(_Model):
    """A payment for the buyer to finish, and when its hold expires. Amounts are in minor units."""

    client_secret: str
    payment_intent_id: str
    status: str
    amount: int
    shipping: int
    breakdown: Breakdown
    tax: Tax
    currency: str
    cart_id: str | None
    reservation: UUID
    expires_at: datetime
    lines: list[PricedLine]


class Paid(_Model):
    """A payment that the buyer has finished."""

    payment_intent_id: str = Field(min_length=4, max_length=255)


class OrderLine(_Model):
    """A line of an order; a bundle is one. States: taken, failed, skipped, resolved, no_goods. Errors:
    insufficient_stock, unknown_variant, undone, not_in_ledger."""

    sku: str
    quantity: int
    state: str
    error: str | None = None


class Order(_Model):
    """The order of a payment. A line that could not be taken has an error and opens a case; the order stands anyway:
    `success` is false, `recorded` is true and `message` says so.

    `errors`, `total_items` and `valid_items` have the names of older storefronts. `mail` is the state of its
    confirmation: queued (now or before), waiting_for_cart (it is sent once when the cart was read), no_address (it is
    sent once if Stripe names an address later), no_mail_account.
    """

    success: bool
    recorded: bool = True
    message: str
    order_id: int
    order_number: str
    mail: str
    lines: list[OrderLine]
    errors: list[LineError]
    total_items: int = Field(alias="total_items")
    valid_items: int = Field(alias="valid_items")


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
    """An error in the format of RFC 9457, with its facts, such as `short`. `error` repeats `detail`."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="allow")

    type: str
    title: str
    status: int
    detail: str
    error: str
    request_id: str
