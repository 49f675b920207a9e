"""What happened to an order and what is to do, in sentences, for the top of its page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import streamlit as st

from core.foundation.sales import AlertKind, AlertState, Disposition, LineCause, LineState, Policy, RefundKind
from core.orders.reads import OrderLine
from core.orders.refund_reads import UNDECIDED, RefundRow
from core.screens.orders import WholeOrder
from dashboard.frame import selling, words
from dashboard.language import sales
from dashboard.language.said import translated
from dashboard.language.texts import tr

_OPEN_DISPUTES = ("warning_needs_response", "needs_response")
_TOLD_OTHERWISE = (AlertKind.INSUFFICIENT_STOCK, AlertKind.UNKNOWN_VARIANT, AlertKind.UNREADABLE_CART,
                   AlertKind.REFUND_FAILED, AlertKind.DISPUTE)  # fmt: skip
"""The cases of which the sentences about lines, carts, refunds and disputes tell already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """The sentences: what happened, and what is to do."""

    happened: tuple[str, ...]
    to_do: tuple[str, ...]


def show(seen: WholeOrder) -> None:
    """Show the sentences."""
    story = tell(seen)
    with st.container(border=True, key="ord_story", gap="xxsmall"):
        st.markdown(words.plain(" ".join(story.happened)))
        for sentence in story.to_do:
            st.markdown(f":material/arrow_forward: **{words.plain(sentence)}**")
        if not story.to_do:
            st.markdown(tr(":material/check: There is nothing to do."))


def tell(seen: WholeOrder) -> Story:
    """Return the sentences about an order."""
    happened = (*_sale(seen), *_goods(seen), *_money(seen), *_holds(seen))
    return Story(happened=happened, to_do=(*_lines_to_do(seen), *_refunds_to_do(seen), *_cases_to_do(seen)))


def to_decide(seen: WholeOrder) -> list[RefundRow]:
    """Return the refunds of an order whose goods wait for a decision or an inspection."""
    inspected = {each.refund_id for each in seen.inspections}
    return [row for row in seen.refunds if row.state in UNDECIDED or row.id in inspected]


# ---------------------------------------------------------------- what happened


def _sale(seen: WholeOrder) -> Iterator[str]:
    row, at = seen.order, words.moment(seen.order.paid_at, seen.shop.zone)
    lines = [line for line in seen.lines if line.has_units]
    left = words.number(row.taken)
    if row.cart_state != "read" and not lines:
        yield tr("Paid {at}. The cart could not be read, so no units left the shelf.", at=at)
    elif row.policy is Policy.SKIP:
        yield tr("Paid {at}. This sale was only recorded, and no stock moved.", at=at)
    elif not lines:
        yield tr("Paid {at}. None of its lines is for goods.", at=at)
    elif row.taken >= row.units:
        yield tr("Paid {at}. All its goods left the shelf: {units}.", at=at, units=words.units(row.taken))
    else:
        yield tr("Paid {at}. {left} of {units} left the shelf.", at=at, left=left, units=words.units(row.units))


def _goods(seen: WholeOrder) -> Iterator[str]:
    for line in seen.lines:
        name, lost = _name(line), line.cause == LineCause.REFUNDED
        if line.oversold and not lost:
            yield tr(
                "Oversold, because it was not there: {units} of {name}.", units=words.units(line.oversold), name=name
            )
        if line.restored:
            yield tr("Back on the shelf: {units} of {name}.", units=words.units(line.restored), name=name)
    for what in (Disposition.DAMAGED, Disposition.NOT_RETURNED, Disposition.GOODWILL):
        for code, units in _decided(seen, what).items():
            yield f"{selling.decided(what, units, code)}."
    for each in seen.inspections:
        since = words.moment(each.decided_at, seen.shop.zone)
        yield tr(
            "In inspection since {since}: {units} of {seen}.",
            since=since,
            units=words.units(each.units),
            seen=_code(seen, each.line_id),
        )


def _decided(seen: WholeOrder, what: Disposition) -> dict[str, int]:
    units: dict[str, int] = {}
    for each in seen.decided:
        if each.stands and each.disposition is what and each.code:
            units[each.code] = units.get(each.code, 0) + each.quantity
    return units


def _money(seen: WholeOrder) -> Iterator[str]:
    for refund in seen.refunds:
        amount = selling.money(refund.amount, refund.currency)
        day = words.day(words.local(refund.refunded_at, seen.shop.zone).date())
        if refund.kind == RefundKind.DISPUTE:
            if refund.status == "succeeded":
                yield tr("The dispute was lost: the bank gave {amount} back on {day}.", amount=amount, day=day)
        elif refund.state == "released":
            yield tr("{amount} was never captured and was released on {day}.", amount=amount, day=day)
        elif refund.state == "failed":
            yield tr("A refund of {amount} on {day} failed.", amount=amount, day=day)
        elif refund.status == "succeeded":
            yield tr("{amount} was refunded on {day}.", amount=amount, day=day)
        else:
            yield tr("A refund of {amount} was begun on {day} and is not finished.", amount=amount, day=day)
    if seen.order.dispute and seen.order.dispute != "lost":
        yield tr("The buyer's bank disputes the payment: {dispute}.", dispute=selling.dispute(seen.order.dispute))


def _holds(seen: WholeOrder) -> Iterator[str]:
    for hold in seen.holds:
        if hold.state == "active":
            yield tr(
                "Units are held for it until {expires_at}.", expires_at=words.moment(hold.expires_at, seen.shop.zone)
            )


# ---------------------------------------------------------------- what is to do


def _lines_to_do(seen: WholeOrder) -> Iterator[str]:
    if seen.order.cart_state != "read" and not any(line.has_units for line in seen.lines):
        if seen.order.refunded < seen.order.amount:
            yield tr("Enter the lines of this order, or say that it has no goods.")
        return
    for line in seen.lines:
        name, missing = _name(line), words.units(line.missing)
        if line.state is LineState.FAILED and line.missing:
            if line.variant_id is None:
                yield tr("Nothing in the catalogue has the code {name}: say what it means.", name=name)
            elif (line.available or 0) >= line.missing:
                yield tr("{missing} of {name} can be taken now: retry.", missing=missing, name=name)
            else:
                yield tr(
                    "{name} lacks {missing}: receive or find what is missing and retry, or refund the buyer.",
                    name=name,
                    missing=missing,
                )
        elif line.oversold and line.cause != LineCause.REFUNDED:
            owed = words.units(line.oversold)
            yield tr(
                "The buyer waits for {owed} of {name}: send them when they arrive, or refund the buyer.",
                owed=owed,
                name=name,
            )


def _refunds_to_do(seen: WholeOrder) -> Iterator[str]:
    inspected = {each.refund_id for each in seen.inspections}
    for refund in seen.refunds:
        amount = selling.money(refund.amount, refund.currency)
        if refund.state in UNDECIDED and refund.id not in inspected:
            yield tr("Say what became of the goods of the refund of {amount}.", amount=amount)
        if refund.state == "failed" and refund.kind != RefundKind.DISPUTE and not _was_paid_later(seen, refund):
            yield tr("The buyer did not get {amount}: refund it again at Stripe, or another way.", amount=amount)
    for each in seen.inspections:
        code = _code(seen, each.line_id)
        yield tr(
            "Inspect {units} of {code}, and decide what becomes of them.", units=words.units(each.units), code=code
        )
    for alert in seen.alerts:
        if alert.kind is AlertKind.REFUND_FAILED and alert.state is not AlertState.RESOLVED:
            yield (
                tr(
                    "Goods went back on the shelf for a refund that failed ({units}): if the buyer keeps "
                    "them, undo that decision under Refunds.",
                    units=words.units(alert.units),
                )
            )


def _was_paid_later(seen: WholeOrder, failed: RefundRow) -> bool:
    return any(
        row.status == "succeeded" and row.amount >= failed.amount and row.refunded_at > failed.refunded_at
        for row in seen.refunds
    )


def _cases_to_do(seen: WholeOrder) -> Iterator[str]:
    if seen.order.dispute in _OPEN_DISPUTES:
        yield tr("Answer the dispute at Stripe before it is due.")
    for alert in seen.alerts:
        if alert.state is not AlertState.RESOLVED and alert.kind not in _TOLD_OTHERWISE:
            yield tr(
                "Look at the case below. {kinds}: {sentence}.",
                kinds=sales.KINDS[alert.kind],
                sentence=translated(alert.sentence),
            )


def _name(line: OrderLine) -> str:
    return line.sku or line.code


def _code(seen: WholeOrder, line_id: int) -> str:
    return next((_name(line) for line in seen.lines if line.line_id == line_id), "")
