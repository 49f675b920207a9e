"""What crosses the boundaries of selling: what Stripe told us, the cart behind it, orders, refunds and alerts.

Money is in the currency's minor units, as Stripe gives it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

# ---------------------------------------------------------------- carts


@dataclass(frozen=True, slots=True, kw_only=True)
class CartLine:
    """One line of a cart: `code` is what names the goods there, `codes` are its other names, to be tried in order."""

    code: str
    quantity: int
    codes: tuple[str, ...] = ()
    size: str | None = None
    name: str | None = None
    unit_price: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cart:
    """A cart that was read whole. `source` says where it stood, in words for people."""

    lines: tuple[CartLine, ...]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """No lines, only the number of an order that is kept elsewhere."""

    reference: str


# ---------------------------------------------------------------- what Stripe told


class PaymentState(StrEnum):
    """How far a payment is. Waiting: it may still succeed or not."""

    PAID = "paid"
    WAITING = "waiting"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A PaymentIntent, a Checkout Session or a charge, as one sale: keyed by its PaymentIntent where it has one."""

    payment_id: str
    state: PaymentState
    amount: int
    currency: str
    paid_at: datetime
    livemode: bool
    charge_id: str | None = None
    session_id: str | None = None
    email: str | None = None
    name: str | None = None
    reference: str | None = None
    shipping: int | None = None
    tax: int | None = None
    discount: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """A refund as Stripe tells it: money, never which goods. Of a payment, or of a charge only in old accounts."""

    refund_id: str
    amount: int
    currency: str
    status: str
    created_at: datetime
    payment_id: str | None = None
    charge_id: str | None = None
    reason: str | None = None
    failure_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundedCharge:
    """A charge of which something was refunded; which refunds must be asked."""

    charge_id: str
    payment_id: str | None
    refunds: tuple[Refund, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """A buyer's objection at the bank: about money, it moves no stock."""

    dispute_id: str
    status: str
    amount: int
    currency: str
    created_at: datetime
    payment_id: str | None = None
    charge_id: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thin:
    """A thin event: it names an object that must be fetched."""

    kind: str
    object_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """Something that is none of our business, and why."""

    why: str


Reading = Payment | Refund | RefundedCharge | Dispute | Thin | Ignored
"""What a Stripe object or event means to a stock desk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeEvent:
    """The envelope of an event: what every age of the API has in common."""

    event_id: str
    kind: str
    created_at: datetime
    livemode: bool
    account: str | None
    api_version: str | None
    object_id: str | None


# ---------------------------------------------------------------- orders


class Policy(StrEnum):
    """What an import does to stock. Skip: record only, as before going live. Force: ship what is there."""

    NORMAL = "normal"
    SKIP = "skip"
    FORCE = "force"


class CartState(StrEnum):
    """What became of the cart of a payment. Elsewhere: only the number of an order that the storefront keeps."""

    READ = "read"
    UNREADABLE = "unreadable"
    ABSENT = "absent"
    ELSEWHERE = "elsewhere"


class LineCause(StrEnum):
    """Why a line of an order is open."""

    INSUFFICIENT_STOCK = "insufficient_stock"
    UNKNOWN_VARIANT = "unknown_variant"
    UNDONE = "undone"


class LineState(StrEnum):
    """What became of a line of a paid order."""

    TAKEN = "taken"
    FAILED = "failed"
    SKIPPED = "skipped"
    RESOLVED = "resolved"


class Disposition(StrEnum):
    """What a person says of units that were refunded. Only `restock` moves stock."""

    RESTOCK = "restock"
    DAMAGED = "damaged"
    NOT_RETURNED = "not_returned"
    GOODWILL = "goodwill"
    INSPECT = "inspect"


class RefundState(StrEnum):
    """Whether a person has said what became of the goods; failed is what the bank said of the money."""

    WAITING = "waiting"
    INSPECTING = "inspecting"
    DECIDED = "decided"
    FAILED = "failed"


class MessageSource(StrEnum):
    """How a message of Stripe came in."""

    WEBHOOK = "webhook"
    POLL = "poll"
    IMPORT = "import"


class MessageState(StrEnum):
    """How far a message is. Parked: it needs a person."""

    NEW = "new"
    DONE = "done"
    IGNORED = "ignored"
    PARKED = "parked"


class HoldState(StrEnum):
    """How a hold stands, or how it ended."""

    ACTIVE = "active"
    CONSUMED = "consumed"
    RELEASED = "released"
    EXPIRED = "expired"


class Severity(StrEnum):
    """How soon somebody should look."""

    URGENT = "urgent"
    WARNING = "warning"
    NOTE = "note"


class AlertKind(StrEnum):
    """What can need a person."""

    INSUFFICIENT_STOCK = "insufficient_stock"
    UNKNOWN_VARIANT = "unknown_variant"
    UNREADABLE_CART = "unreadable_cart"
    AMOUNT_MISMATCH = "amount_mismatch"
    IMPORT_ERROR = "import_error"
    REFUND_FAILED = "refund_failed"
    LOW_STOCK = "low_stock"
    OUT_OF_STOCK = "out_of_stock"
    PROOF_FAILED = "proof_failed"
    JOB_STALLED = "job_stalled"
    BAD_SIGNATURE = "bad_signature"
    BACKUP_FAILED = "backup_failed"
    SLOWDOWN = "slowdown"


class AlertState(StrEnum):
    """Where a case stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
