"""How selling is said: states of orders and lines, kinds of cases, decisions about refunds, steps of a life."""

from __future__ import annotations

from decimal import Decimal

from core.alerts.reads import Alert, Event, Stake
from core.carts.values import minor_digits
from core.foundation.sales import AlertKind, AlertState, Disposition, LineState, Policy
from core.orders.reads import OrderLine, OrderRow, Step, StepKind
from core.orders.refund_reads import RefundRow
from dashboard.frame import words

KINDS = {
    AlertKind.INSUFFICIENT_STOCK: "Not enough stock",
    AlertKind.UNKNOWN_VARIANT: "Unknown code",
    AlertKind.IMPORT_ERROR: "Message not read",
    AlertKind.REFUND_FAILED: "Refund failed",
    AlertKind.UNREADABLE_CART: "Cart not read",
    AlertKind.AMOUNT_MISMATCH: "Amount differs",
    AlertKind.PROOF_FAILED: "Proof failed",
    AlertKind.OUT_OF_STOCK: "Out of stock",
    AlertKind.LOW_STOCK: "Low stock",
    AlertKind.JOB_STALLED: "Job stands still",
    AlertKind.BAD_SIGNATURE: "Bad signature",
    AlertKind.BACKUP_FAILED: "Backup failed",
    AlertKind.SLOWDOWN: "Slower than usual",
}
SEVERITY_COLOURS = {"urgent": "red", "warning": "orange", "note": "gray"}
ALERT_STATES = {
    AlertState.OPEN: "Open",
    AlertState.ACKNOWLEDGED: "Acknowledged",
    AlertState.RESOLVED: "Resolved",
}
ORDER_SIGNS = {
    "Open": "red",
    "Cart not read": "orange",
    "Oversold": "orange",
    "Refund to decide": "violet",
    "Refunded": "blue",
    "Disputed": "violet",
    "Recorded only": "gray",
    "Off the shelf": "green",
}
DISPOSITIONS = {
    Disposition.RESTOCK: "Back on the shelf",
    Disposition.DAMAGED: "Came back damaged",
    Disposition.NOT_RETURNED: "Not returned",
    Disposition.GOODWILL: "Goodwill, buyer keeps it",
    Disposition.INSPECT: "Inspect first",
}
REFUND_STATES = {"waiting": "To decide", "inspecting": "To inspect", "decided": "Decided", "failed": "Failed"}
_REFUND_STATUS = {
    "succeeded": "paid back",
    "pending": "on its way to the buyer",
    "requires_action": "waits for the buyer",
    "failed": "failed",
    "canceled": "called off",
}
_CARTS = {
    "unreadable": "Its cart could not be read",
    "absent": "No cart came with the payment",
    "elsewhere": "Its lines are kept by the storefront and were not found there",
}
_SOURCES = {
    "metadata": "what the storefront wrote on the payment",
    "mapping": "what the storefront wrote on the payment, by the shop's own mapping",
    "storefront order": "the storefront's own order",
}
_POLICIES = {
    Policy.NORMAL: "",
    Policy.SKIP: "recorded only, no stock moved",
    Policy.FORCE: "imported by force: what was there left the shelf",
}
_OBJECTS = {"payment_intent": "payment", "checkout.session": "checkout", "charge.refund": "refund",
            "charge.dispute": "dispute", "refund": "refund", "charge": "charge"}  # fmt: skip
_WAYS = {"webhook": "sent by Stripe", "poll": "fetched from Stripe", "import": "read by an import"}
_MESSAGES = {
    "new": "waits to be worked on",
    "done": "worked on",
    "ignored": "set aside",
    "parked": "could not be worked on",
}
_EVENTS = {
    Event.OPENED: "Case opened",
    Event.REPEATED: "Happened again",
    Event.WORSENED: "Grew more severe",
    Event.EASED: "Grew less severe",
    Event.RETRIED: "Tried again",
    Event.ACKNOWLEDGED: "Acknowledged",
    Event.SNOOZED: "Snoozed",
    Event.WOKEN: "Brought back",
    Event.ASSIGNED: "Assigned",
    Event.RESOLVED: "Case resolved",
}
_ICONS = {
    StepKind.PAID: "payments",
    StepKind.MESSAGE: "mail",
    StepKind.RECORDED: "edit_note",
    StepKind.MOVEMENT: "swap_vert",
    StepKind.REFUND: "currency_exchange",
    StepKind.DECISION: "gavel",
    StepKind.CASE: "notification_important",
}


def money(amount: int, currency: str | None) -> str:
    """Return an amount in minor units as people write it: €12.00."""
    code = (currency or "").upper()
    return words.money(Decimal(amount).scaleb(-minor_digits(code)), code) if code else words.NOTHING


def signs(row: OrderRow) -> list[str]:
    """Return what is to be known of an order at a glance, the most urgent first."""
    said = {
        "Open": row.cases > 0 or row.missing > 0,
        "Cart not read": row.cart_state != "read",
        "Oversold": row.oversold > 0,
        "Refund to decide": row.undecided > 0,
        "Refunded": row.refunded > 0 and not row.undecided,
        "Disputed": row.dispute is not None,
        "Recorded only": row.policy is Policy.SKIP,
    }
    found = [sign for sign, is_so in said.items() if is_so]
    return found or (["Off the shelf"] if row.lines else [])


def line_sign(line: OrderLine) -> tuple[str, str]:
    """Return the state of a line in a word or two, and its colour."""
    if line.state is LineState.FAILED:
        return "Open", "red"
    if line.state is LineState.SKIPPED:
        return "Recorded only", "gray"
    return ("Oversold", "orange") if line.oversold else ("Off the shelf", "green")


def line_name(line: OrderLine) -> str:
    """Return what a line is about: product and size, else what the cart calls it."""
    if line.product is None:
        return line.name or "No variant has this code"
    return line.product + (f"{words.DOT}size {line.size}" if line.size else "")


def line_said(line: OrderLine) -> str:
    """Return what became of a line, as a sentence."""
    paid = f"{words.units(line.quantity)} paid"
    said = {
        LineState.TAKEN: f"{paid}, all off the shelf",
        LineState.SKIPPED: f"{paid} before the shop went live: recorded, no stock was moved",
        LineState.RESOLVED: f"{paid}, {words.number(line.taken)} off the shelf, "
        f"{words.number(line.oversold)} oversold: they will not come from the shelf",
        LineState.FAILED: f"{paid}, {words.number(line.taken) if line.taken else 'none'} off the shelf: {_cause(line)}",
    }[line.state]
    return said + (f", {words.number(line.restored)} back on it" if line.restored else "")


def _cause(line: OrderLine) -> str:
    if line.cause == "unknown_variant":
        return "no variant has this code"
    needed = f"{words.number(line.missing)} needed"
    if line.cause == "undone":
        return f"put back by an undo, {needed}"
    return f"{words.number(line.available or 0)} available, {needed}"


def cart(row: OrderRow) -> str:
    """Return where the cart of an order stood, or why there is none."""
    return (
        _CARTS.get(row.cart_state)
        or f"Read from {_SOURCES.get((row.cart_source or '').partition(':')[0], 'the checkout')}"
    )


def policy(row: OrderRow) -> str:
    """Return what the import did to stock, where it is not the usual."""
    return _POLICIES[row.policy].capitalize()


def refund_said(row: RefundRow) -> str:
    """Return how far the money is, and why it went back as Stripe was told."""
    why = f", {row.reason.replace('_', ' ')}" if row.reason else ""
    trouble = f" ({row.failure_reason.replace('_', ' ')})" if row.failure_reason else ""
    return f"{_REFUND_STATUS.get(row.status, row.status.replace('_', ' '))}{trouble}{why}"


def about(alert: Alert) -> str:
    """Return how much a case is about: units and money."""
    parts = [words.units(alert.units)] if alert.units else []
    return words.DOT.join([*parts, money(alert.money, alert.currency)] if alert.money else parts)


def alert_state(alert: Alert) -> str:
    """Return where a case stands, in a word."""
    return "Snoozed" if alert.is_snoozed else ALERT_STATES[alert.state]


def at_stake(stake: Stake) -> str:
    """Return how much is at stake in some cases: units, and money in each currency; empty where nothing is."""
    sums = [money(amount, currency) for currency, amount in sorted(stake.money.items())]
    parts = ([words.units(stake.units)] if stake.units else []) + sums
    return f"At stake: {words.listing(parts)}." if parts else ""


def event(what: Event) -> str:
    """Return what happened to a case."""
    return _EVENTS[what]


def step(row: Step, currency: str) -> tuple[str, str, str]:
    """Return the icon, the headline and the small print of something that happened to an order."""
    said = {
        StepKind.PAID: lambda: f"Paid {money(row.amount or 0, currency)}",
        StepKind.MESSAGE: lambda: f"Message: {message(row.what or '')}, {_MESSAGES.get(row.state or '', '')}",
        StepKind.RECORDED: lambda: ", ".join(filter(None, ("Order recorded", _POLICIES[Policy(row.what or "normal")]))),
        StepKind.MOVEMENT: lambda: f"{words.signed_units(row.units or 0)} of {row.subject}{words.DOT}{row.state}",
        StepKind.REFUND: lambda: (
            f"Refund of {money(row.amount or 0, currency)} {_REFUND_STATUS.get(row.what or '', row.what)}"
        ),
        StepKind.DECISION: lambda: decided(Disposition(row.what or ""), row.units or 0, row.subject or ""),
        StepKind.CASE: lambda: f"{_EVENTS[Event(row.what or '')]}{words.DOT}{KINDS[AlertKind(row.state or '')]}",
    }[row.kind]()
    return f":material/{_ICONS[row.kind]}:", said, _small_print(row)


def decided(what: Disposition, units: int, code: str) -> str:
    """Return what somebody said of refunded goods; without a code of the order as a whole."""
    return f"{DISPOSITIONS[what]}: {words.units(units)} of {code}" if code else DISPOSITIONS[what]


def _small_print(row: Step) -> str:
    if row.kind is StepKind.MESSAGE:
        return ". ".join(filter(None, (_WAYS.get(row.subject or ""), row.note)))
    if row.kind is StepKind.RECORDED and row.state != "read":
        return _CARTS.get(row.state or "", "")
    return (row.note or "").replace("_", " ") if row.kind is StepKind.REFUND else row.note or ""


def message(kind: str) -> str:
    """Return what a message of Stripe is about: payment_intent.succeeded is payment succeeded."""
    told, _, verb = kind.rpartition(".")
    return f"{_OBJECTS.get(told, told.replace('.', ' ').replace('_', ' '))} {verb.replace('_', ' ')}".strip()
