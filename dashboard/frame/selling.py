"""Labels of orders, lines, refunds and cases, and the entries of an order's timeline."""

from __future__ import annotations

from decimal import Decimal

from core.alerts.reads import Alert, Event, Stake
from core.carts.values import minor_digits
from core.foundation.sales import AlertKind, Disposition, LineCause, LineState, Policy, RefundKind
from core.inbox.messages import WORKER
from core.orders.reads import OrderLine, OrderRow, Step, StepKind
from core.orders.refund_reads import RefundRow
from dashboard.frame import words
from dashboard.language.said import label, translated
from dashboard.language.sales import (
    ALERT_STATES,
    CARTS,
    DISPOSITIONS,
    DISPUTES,
    EVENTS,
    KINDS,
    LINES,
    MESSAGES,
    POLICIES,
    REFUND_REASONS,
    REFUND_STATUS,
    SETTLED,
    SOURCES,
    STRIPE_EVENTS,
    WAYS,
)
from dashboard.language.texts import first_upper, marked, tr

ORDER_STATES = marked(
    {
        "Open": "red",
        "Cart not read": "orange",
        "Oversold": "orange",
        "Refund to decide": "violet",
        "Refunded": "blue",
        "Refunded in part": "blue",
        "Disputed": "violet",
        "Recorded only": "gray",
        "No goods": "gray",
        "Off the shelf": "green",
    }
)
_OBJECTS = {"payment_intent": "payment", "checkout.session": "checkout", "charge.refund": "refund",
            "charge.dispute": "dispute", "refund": "refund", "charge": "charge"}  # fmt: skip
BY_HAND = marked("Support, a manager or an admin enters the lines of this order: *Enter lines*.")
_ICONS = {
    StepKind.PAID: "payments",
    StepKind.MESSAGE: "mail",
    StepKind.RECORDED: "edit_note",
    StepKind.MOVEMENT: "swap_vert",
    StepKind.REFUND: "currency_exchange",
    StepKind.DECISION: "gavel",
    StepKind.TAKEN_BACK: "undo",
    StepKind.CASE: "notification_important",
    StepKind.LINES: "edit_note",
}


def money(amount: int, currency: str | None) -> str:
    """Return an amount in minor units as text: €12.00."""
    code = (currency or "").upper()
    return words.money(Decimal(amount).scaleb(-minor_digits(code)), code) if code else words.NOTHING


def order_states(row: OrderRow) -> list[str]:
    """Return the labels of an order's state in English, the most urgent first: `ORDER_STATES` has their colours."""
    states = marked(
        {
            "Open": row.cases > 0 or row.missing > 0,
            "Cart not read": row.cart_state != "read",
            "Oversold": row.oversold > 0,
            "Refund to decide": row.undecided > 0,
            "Refunded": 0 < row.refunded >= row.amount,
            "Refunded in part": 0 < row.refunded < row.amount,
            "Disputed": row.dispute is not None,
            "Recorded only": row.policy is Policy.SKIP,
        }
    )
    found = [state for state, is_so in states.items() if is_so]
    return found or marked(["Off the shelf"] if row.units else ["No goods"] if row.lines else [])


def line_state(line: OrderLine) -> tuple[str, str]:
    """Return the label of a line's state, and its colour."""
    if line.state is LineState.FAILED:
        return tr("Open"), "red"
    if not line.has_units or line.state is LineState.SKIPPED:
        return SETTLED[line.state], "gray"
    if line.cause == LineCause.REFUNDED:
        return tr("Refunded"), "blue"
    return (tr("Oversold"), "orange") if line.oversold else (tr("Off the shelf"), "green")


def line_name(line: OrderLine) -> str:
    """Return the name of a line: product and size, else the name in the cart."""
    if line.product is None:
        return line.name or (tr("No variant has this code") if line.has_units else SETTLED[line.state])
    return words.sized(line.product, line.size)


def line_text(line: OrderLine) -> str:
    """Return the state of a line in units."""
    paid = f"{words.units(line.quantity)} {(tr('sent in an exchange') if line.exchange_of else tr('paid'))}"
    text = {
        LineState.TAKEN: tr("{paid}, all off the shelf", paid=paid),
        LineState.SKIPPED: tr("{paid} before the shop went live: recorded only, no stock moved", paid=paid),
        LineState.RESOLVED: tr(
            "{paid}, {part} off the shelf, {oversold} refunded before leaving it",
            paid=paid,
            part=words.number(line.taken) if line.taken else tr("none"),
            oversold=words.number(line.oversold),
        )
        if line.cause == LineCause.REFUNDED
        else tr(
            "{paid}, {taken} off the shelf, {oversold} oversold and not taken",
            paid=paid,
            taken=words.number(line.taken),
            oversold=words.number(line.oversold),
        ),
        LineState.FAILED: tr(
            "{paid}, {part} off the shelf: {line}",
            paid=paid,
            part=words.number(line.taken) if line.taken else tr("none"),
            line=_cause(line),
        ),
        LineState.BUNDLE: tr("{quantity} paid: a bundle of the lines below", quantity=words.number(line.quantity)),
        LineState.NO_GOODS: tr(
            "{quantity} paid: no goods, nothing to take off the shelf", quantity=words.number(line.quantity)
        ),
        LineState.REPLACED: tr(
            "{quantity} read first and replaced: counts in nothing", quantity=words.number(line.quantity)
        ),
    }[line.state]
    return text + (tr(", {restored} put back", restored=words.number(line.restored)) if line.restored else "")


def _cause(line: OrderLine) -> str:
    if line.cause == "unknown_variant":
        return tr("several variants begin with this or share it") if line.variants else tr("no variant has this code")
    needed = tr("{missing} needed", missing=words.number(line.missing))
    if line.cause == "undone":
        return tr("undone, {needed}", needed=needed)
    return tr("{available} available, {needed}", available=words.number(line.available or 0), needed=needed)


def cart(row: OrderRow) -> str:
    """Return the source of an order's cart, or why there is none."""
    if row.cart_source == "by hand":
        return tr("Lines entered by hand")
    return CARTS.get(row.cart_state) or tr(
        "Read from {value}", value=SOURCES.get((row.cart_source or "").partition(":")[0], tr("the checkout"))
    )


def tolerated(row: OrderRow) -> str:
    """Return what the shop's tolerance, or a person, let through of an amount that differs from the prices."""
    amount = row.tolerated or 0
    money_of = money(abs(amount), row.currency)
    if amount > 0:
        return tr("Paid {money_of} more than its prices: counted as shipping and tax.", money_of=money_of)
    if row.tolerance is None:
        return tr("Paid {money_of} less than its prices: a person took these lines.", money_of=money_of)
    return tr(
        "Paid {money_of} less than its prices: within the shop's tolerance of {tolerance} %.",
        money_of=money_of,
        tolerance=row.tolerance,
    )


def policy(row: OrderRow) -> str:
    """Return what the import did to stock, if that differs from taking it."""
    return first_upper(POLICIES[row.policy])


def refund_text(row: RefundRow) -> str:
    """Return a refund's status and the reason given to Stripe."""
    why = f", {REFUND_REASONS.get(row.reason, row.reason.replace('_', ' '))}" if row.reason else ""
    if row.kind == RefundKind.DISPUTE:
        return f"{(tr('the bank gave the money back') if row.status == 'succeeded' else tr('won after all'))}{why}"
    trouble = f" ({row.failure_reason.replace('_', ' ')})" if row.failure_reason else ""
    return f"{REFUND_STATUS.get(row.status, row.status.replace('_', ' '))}{trouble}{why}"


def dispute(status: str | None) -> str:
    """Return the state of a dispute in words; empty if there is none."""
    return DISPUTES.get(status or "", (status or "").replace("_", " "))


def alert_state(alert: Alert) -> str:
    """Return the label of a case's state."""
    return tr("Snoozed") if alert.is_snoozed else ALERT_STATES[alert.state]


def at_stake(stake: Stake) -> str:
    """Return the units and the money of some cases, by currency; empty if there are none."""
    sums = [money(amount, currency) for currency, amount in sorted(stake.money.items())]
    parts = ([words.units(stake.units)] if stake.units else []) + sums
    return tr("At stake: {parts}.", parts=words.listing(parts)) if parts else ""


def event(what: Event) -> str:
    """Return the label of an event of a case."""
    return EVENTS[what]


def step(row: Step, currency: str) -> tuple[str, str, str]:
    """Return the icon, the headline and the details of an entry in an order's timeline."""
    text = {
        StepKind.PAID: lambda: tr("Paid {amount}", amount=money(row.amount or 0, currency)),
        StepKind.MESSAGE: lambda: tr(
            "Message: {what}, {state}", what=message(row.what or ""), state=MESSAGES.get(row.state or "", "")
        ),
        StepKind.RECORDED: lambda: ", ".join(
            filter(None, (tr("Order recorded"), POLICIES[Policy(row.what or "normal")]))
        ),
        StepKind.MOVEMENT: lambda: tr(
            "{units} of {subject}{dot}{state}",
            units=words.signed_units(row.units or 0),
            subject=row.subject,
            dot=words.DOT,
            state=label(row.state or ""),
        ),
        StepKind.REFUND: lambda: (
            tr("Dispute about {amount} {what}", amount=money(row.amount or 0, currency), what=DISPUTES[row.what])
            if row.what in ("lost", "won")
            else tr(
                "Refund of {amount} {what}",
                amount=money(row.amount or 0, currency),
                what=REFUND_STATUS.get(row.what or "", row.what),
            )
        ),
        StepKind.DECISION: lambda: decided(Disposition(row.what or ""), row.units or 0, row.subject or ""),
        StepKind.LINES: lambda: f"{LINES[row.what or '']}: {row.subject or tr('none')}",
        StepKind.TAKEN_BACK: lambda: tr(
            "Taken back: {what}", what=decided(Disposition(row.what or ""), row.units or 0, row.subject or "")
        ),
        StepKind.CASE: lambda: f"{EVENTS[Event(row.what or '')]}{words.DOT}{KINDS[AlertKind(row.state or '')]}",
    }[row.kind]()
    return f":material/{_ICONS[row.kind]}:", text, _details(row)


def decided(what: Disposition, units: int, code: str) -> str:
    """Return a decision about refunded goods: of one code, or without a code of the whole order."""
    return (
        tr("{dispositions}: {units} of {code}", dispositions=DISPOSITIONS[what], units=words.units(units), code=code)
        if code
        else DISPOSITIONS[what]
    )


def _details(row: Step) -> str:
    if row.kind is StepKind.MESSAGE:
        return ". ".join(filter(None, (WAYS.get(row.subject or ""), row.note)))
    if row.kind is StepKind.RECORDED and row.state != "read":
        return CARTS.get(row.state or "", "")
    if row.kind is StepKind.LINES:
        return words.joined(row.state and tr("Before: {state}", state=row.state), row.note)
    if row.kind is StepKind.CASE:
        return noted(row.who, row.note)
    if row.kind is StepKind.REFUND:
        return REFUND_REASONS.get(row.note or "", (row.note or "").replace("_", " "))
    return row.note or ""


def noted(who: str, note: str | None) -> str:
    """Return what the shop notes of a step in the reader's language, and what a person notes as it is."""
    return translated(note) if who == WORKER.name else note or ""


def message(kind: str) -> str:
    """Return the subject of a Stripe event: `payment_intent.succeeded` is "payment succeeded"."""
    if kind in STRIPE_EVENTS:
        return STRIPE_EVENTS[kind]
    about, _, verb = kind.rpartition(".")
    return f"{_OBJECTS.get(about, about.replace('.', ' ').replace('_', ' '))} {verb.replace('_', ' ')}".strip()
