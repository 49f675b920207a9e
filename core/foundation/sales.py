"""The types of selling: carts, objects and events of Stripe, orders, refunds, holds and alerts.

Money is in the currency's minor units, as in Stripe's API.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

# ---------------------------------------------------------------- carts


@dataclass(frozen=True, slots=True, kw_only=True)
class CartLine:
    """One line of a cart. `code` names the goods; `codes` are other names of the same goods, to be tried in order."""

    code: str
    quantity: int
    codes: tuple[str, ...] = ()
    size: str | None = None
    name: str | None = None
    unit_price: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cart:
    """A cart that was read completely. `source` says where it was found, in words for people."""

    lines: tuple[CartLine, ...]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """No lines, only the number of an order that the storefront stores."""

    reference: str


# ---------------------------------------------------------------- Stripe's objects and events


class PaymentState(StrEnum):
    """The state of a payment. Waiting: it may still succeed or fail."""

    PAID = "paid"
    WAITING = "waiting"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """One sale: a PaymentIntent, a Checkout Session or a charge. The key is its PaymentIntent, if it has one.

    `released`: the part of the authorised amount that was not captured. `converted_from`: the currency of the shop's
    prices, if the buyer paid in another one.
    """

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
    released: int = 0
    converted_from: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """A refund as Stripe reports it: an amount, but not which goods. Old accounts have refunds of a charge only."""

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
    """A charge with refunds. `refunds` is empty if they have to be fetched."""

    charge_id: str
    payment_id: str | None
    refunds: tuple[Refund, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """A dispute that a buyer opened at the bank. It moves no stock. An answer counts until `due_by`."""

    dispute_id: str
    status: str
    amount: int
    currency: str
    created_at: datetime
    payment_id: str | None = None
    charge_id: str | None = None
    reason: str | None = None
    due_by: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thin:
    """A thin event: it names an object that has to be fetched."""

    kind: str
    object_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """An object or event that does not concern stock, and why."""

    why: str


Reading = Payment | Refund | RefundedCharge | Dispute | Thin | Ignored
"""What a Stripe object or event means for stock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeEvent:
    """The envelope of an event: the fields that all versions of the API have."""

    event_id: str
    kind: str
    created_at: datetime
    livemode: bool
    account: str | None
    api_version: str | None
    object_id: str | None


# ---------------------------------------------------------------- orders


class Policy(StrEnum):
    """What an import does to stock. Skip: record only, for orders from before going live. Force: ship what is there."""

    NORMAL = "normal"
    SKIP = "skip"
    FORCE = "force"


class CartState(StrEnum):
    """The state of a payment's cart. Elsewhere: only the number of an order that the storefront stores."""

    READ = "read"
    UNREADABLE = "unreadable"
    ABSENT = "absent"
    ELSEWHERE = "elsewhere"


class LineCause(StrEnum):
    """Why a line of an order is open. Refunded: why it is settled, although it never left the shelf."""

    INSUFFICIENT_STOCK = "insufficient_stock"
    UNKNOWN_VARIANT = "unknown_variant"
    UNDONE = "undone"
    REFUNDED = "refunded"


class LineState(StrEnum):
    """The state of a line of a paid order.

    A bundle's units are those of its parts. No goods has no units. A replaced line counts in nothing.
    """

    TAKEN = "taken"
    FAILED = "failed"
    SKIPPED = "skipped"
    RESOLVED = "resolved"
    REPLACED = "replaced"
    BUNDLE = "bundle"
    NO_GOODS = "no_goods"


class MeaningKind(StrEnum):
    """What a code of a cart can mean: one variant, several variants with quantities, or no goods such as shipping."""

    VARIANT = "variant"
    BUNDLE = "bundle"
    NO_GOODS = "no_goods"


class Disposition(StrEnum):
    """What a person decides about refunded units. Only `restock` moves stock."""

    RESTOCK = "restock"
    DAMAGED = "damaged"
    NOT_RETURNED = "not_returned"
    GOODWILL = "goodwill"
    INSPECT = "inspect"


class RefundKind(StrEnum):
    """How money went back: as a refund, or because a dispute was lost."""

    REFUND = "refund"
    DISPUTE = "dispute"


class RefundState(StrEnum):
    """The state of a refund: whether a person has decided about the goods, or the bank has rejected the money.

    Released: money that was authorised and never captured, so there is nothing to decide.
    """

    WAITING = "waiting"
    INSPECTING = "inspecting"
    DECIDED = "decided"
    FAILED = "failed"
    RELEASED = "released"


class MessageSource(StrEnum):
    """How a message from Stripe arrived."""

    WEBHOOK = "webhook"
    POLL = "poll"
    IMPORT = "import"


class MessageState(StrEnum):
    """The state of a message. Parked: it needs a person."""

    NEW = "new"
    DONE = "done"
    IGNORED = "ignored"
    PARKED = "parked"


class HoldState(StrEnum):
    """The state of a hold."""

    ACTIVE = "active"
    CONSUMED = "consumed"
    RELEASED = "released"
    EXPIRED = "expired"


class Severity(StrEnum):
    """How soon somebody should look at a case."""

    URGENT = "urgent"
    WARNING = "warning"
    NOTE = "note"


class AlertKind(StrEnum):
    """The kind of a case: what needs a person."""

    INSUFFICIENT_STOCK = "insufficient_stock"
    UNKNOWN_VARIANT = "unknown_variant"
    UNREADABLE_CART = "unreadable_cart"
    AMOUNT_MISMATCH = "amount_mismatch"
    DOUBLE_PAYMENT = "double_payment"
    DISPUTE = "dispute"
    IMPORT_ERROR = "import_error"
    REFUND_FAILED = "refund_failed"
    LOW_STOCK = "low_stock"
    OUT_OF_STOCK = "out_of_stock"
    PROOF_FAILED = "proof_failed"
    JOB_STALLED = "job_stalled"
    BAD_SIGNATURE = "bad_signature"
    BACKUP_FAILED = "backup_failed"
    SLOWDOWN = "slowdown"
    SHARED_CODE = "shared_code"
    DATABASE_DIED = "database_died"
    WEBHOOK_OFF = "webhook_off"
    GUARD_STOPPED = "guard_stopped"


class AlertState(StrEnum):
    """The state of a case."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
