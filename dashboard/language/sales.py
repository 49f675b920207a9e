"""Labels of orders, lines, refunds, disputes and cases."""

from __future__ import annotations

from core.alerts.reads import Event
from core.foundation.sales import AlertKind, AlertState, Disposition, LineState, Policy
from dashboard.language.texts import lazy

KINDS = lazy(
    {
        AlertKind.INSUFFICIENT_STOCK: "Not enough stock",
        AlertKind.UNKNOWN_VARIANT: "Unknown code",
        AlertKind.IMPORT_ERROR: "Message not read",
        AlertKind.REFUND_FAILED: "Refund failed",
        AlertKind.UNREADABLE_CART: "Cart not read",
        AlertKind.AMOUNT_MISMATCH: "Amount differs",
        AlertKind.DOUBLE_PAYMENT: "Double payment",
        AlertKind.DISPUTE: "Dispute",
        AlertKind.PROOF_FAILED: "Proof failed",
        AlertKind.OUT_OF_STOCK: "Out of stock",
        AlertKind.LOW_STOCK: "Low stock",
        AlertKind.JOB_STALLED: "Job stalled",
        AlertKind.BAD_SIGNATURE: "Bad signature",
        AlertKind.BACKUP_FAILED: "Backup failed",
        AlertKind.SLOWDOWN: "Slower than usual",
        AlertKind.SHARED_CODE: "Shared code",
        AlertKind.DATABASE_DIED: "Database died",
        AlertKind.WEBHOOK_OFF: "Webhook off",
        AlertKind.GUARD_STOPPED: "Stripe guard stopped",
    }
)
ALERT_STATES = lazy({AlertState.OPEN: "Open", AlertState.ACKNOWLEDGED: "Acknowledged", AlertState.RESOLVED: "Resolved"})
DISPOSITIONS = lazy(
    {
        Disposition.RESTOCK: "Back on the shelf",
        Disposition.DAMAGED: "Came back damaged",
        Disposition.NOT_RETURNED: "Not returned",
        Disposition.GOODWILL: "Goodwill, buyer keeps it",
        Disposition.INSPECT: "Inspect first",
    }
)
REFUND_STATES = lazy(
    {
        "waiting": "To decide",
        "inspecting": "To inspect",
        "decided": "Decided",
        "failed": "Failed",
        "released": "Never captured",
    }
)
REFUND_STATUS = lazy(
    {
        "succeeded": "paid back",
        "pending": "pending",
        "requires_action": "waiting for the buyer",
        "failed": "failed",
        "canceled": "canceled",
        "released": "released, it was never captured",
    }
)
REFUND_REASONS = lazy(
    {
        "requested_by_customer": "requested by customer",
        "duplicate": "duplicate",
        "fraudulent": "fraudulent",
        "expired_uncaptured_charge": "expired before capture",
    }
)
STRIPE_EVENTS = lazy(
    {
        "payment_intent.succeeded": "payment succeeded",
        "payment_intent.processing": "payment processing",
        "payment_intent.canceled": "payment canceled",
        "payment_intent.payment_failed": "payment failed",
        "payment_intent.amount_capturable_updated": "payment can be captured",
        "checkout.session.completed": "checkout completed",
        "checkout.session.async_payment_succeeded": "payment of the checkout succeeded",
        "checkout.session.async_payment_failed": "payment of the checkout failed",
        "checkout.session.expired": "checkout expired",
        "charge.succeeded": "charge succeeded",
        "charge.captured": "charge captured",
        "charge.expired": "charge expired",
        "charge.refunded": "charge refunded",
        "refund.created": "refund created",
        "refund.updated": "refund updated",
        "refund.failed": "refund failed",
        "charge.refund.updated": "refund updated",
        "charge.dispute.created": "dispute created",
        "charge.dispute.updated": "dispute updated",
        "charge.dispute.closed": "dispute closed",
    }
)
"""What the messages of Stripe say, by their kind."""
DISPUTES = lazy(
    {
        "warning_needs_response": "the bank asks, an answer is needed",
        "warning_under_review": "the bank asks and reads the answer",
        "warning_closed": "closed without a dispute",
        "needs_response": "an answer is needed",
        "under_review": "the bank is deciding",
        "won": "won",
        "lost": "lost",
        "prevented": "prevented",
    }
)
CARTS = lazy(
    {
        "unreadable": "The cart could not be read with certainty",
        "absent": "The payment has no cart",
        "elsewhere": "The lines are in the storefront's database and were not found there",
    }
)
SOURCES = lazy(
    {
        "metadata": "the payment's metadata",
        "mapping": "the payment's metadata, with the shop's cart mapping",
        "storefront order": "the storefront's order",
        "payment metadata": "the payment's metadata",
        "checkout metadata": "the checkout's metadata",
    }
)
READING_PARTS = lazy(
    {
        "size": "size",
        "quantity": "quantity",
        "price": "price",
        "name": "name",
        "something else": "something else",
    }
)
POLICIES = lazy(
    {
        Policy.NORMAL: "",
        Policy.SKIP: "recorded only, no stock moved",
        Policy.FORCE: "forced import: available units left the shelf",
    }
)
WAYS = lazy({"webhook": "received by webhook", "poll": "polled from Stripe", "import": "read by an import"})
MESSAGES = lazy(
    {"new": "waiting to be processed", "done": "processed", "ignored": "ignored", "parked": "could not be processed"}
)
EVENTS = lazy(
    {
        Event.OPENED: "Case opened",
        Event.REPEATED: "Happened again",
        Event.WORSENED: "Severity raised",
        Event.EASED: "Severity lowered",
        Event.RETRIED: "Retried",
        Event.ACKNOWLEDGED: "Acknowledged",
        Event.SNOOZED: "Snoozed",
        Event.WOKEN: "Snooze ended",
        Event.ASSIGNED: "Assigned",
        Event.ESCALATED: "Sent again",
        Event.RESOLVED: "Case resolved",
    }
)
SETTLED = lazy(
    {
        LineState.SKIPPED: "Recorded only",
        LineState.BUNDLE: "Bundle",
        LineState.NO_GOODS: "No goods",
        LineState.REPLACED: "Replaced",
    }
)
LINES = lazy({"entered": "Lines by hand", "undone": "Lines as before, undone"})
