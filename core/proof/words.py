"""The title of each check, and its faults as sentences with the names that people search for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.carts.values import money

Fault = dict[str, Any]

RECENT = {
    "R1": "Each level was compared with the last movement only.",
    "R2": "Only the movements after that proof were checked.",
    "R4": "Only the order lines written after that proof, and all open ones, were checked.",
    "R5": "Only the orders written after that proof, or with a line or a cart case written after it, were checked.",
    "R6": "All refunds, but only the order lines written after that proof, were checked.",
    "R7": "Only the orders written after that proof were compared with all others.",
    "R11": "Only the days with a movement after that proof were added up.",
    "R13": "Only the receipts after that proof, and variants with a cost written after it, were checked, no months.",
}
"""What a recent check covers; the others cover everything. A row that was removed leaves this to the full checks."""


def _tell_level(fault: Fault) -> str:
    added_up = f"its movements add up to {fault['total']}, and the last one ends at {fault['last_after']}"
    return f"{fault['sku']} has {fault['level']} on hand, but {added_up}"


def _tell_chain(fault: Fault) -> str:
    if fault["faults"] == ["head"]:
        return f"The chains that run {fault['variant_sequence']} verified no longer match its head hash"
    if fault["faults"] == ["end"]:
        return f"{fault['sku']}: its last movement is not no. {fault['variant_sequence']} as it was written"
    why = ", ".join(_LINK_FAULTS[name] for name in fault["faults"])
    named = "" if fault["movement_id"] is None else f" (id {fault['movement_id']})"
    return f"{fault['sku']}, movement no. {fault['variant_sequence']}{named}: {why}"


_LINK_FAULTS = {
    "sequence": "the one before it is missing",
    "balance": "it does not begin where the one before it ended",
    "hash": "its hash does not follow",
    "proven": "it, or one before it, has changed since an earlier run verified it",
}


def _tell_payment(fault: Fault) -> str:
    why = "its message is marked as applied" if fault["state"] == "done" else "its message is not applied yet"
    return f"Payment {fault['payment_id']} has no order: {why}"


def _order(fault: Fault) -> str:
    return f"Order {fault['number'] or fault['payment_id']}"


def _tell_units(fault: Fault) -> str:
    why = {
        "sold": f"the ledger sold {fault['sold']}, the order says {fault['taken']}",
        "units": f"{fault['taken']} taken and {fault['oversold']} oversold do not add up to {fault['quantity']}",
        "silent": f"{fault['quantity'] - fault['taken'] - fault['oversold']} wait without an open case",
    }[fault["fault"]]
    return f"{_order(fault)}, {fault['quantity']} of {fault['code']}: {why}"


def _tell_amount(fault: Fault) -> str:
    currency, noted, recomputed = fault["currency"], fault["difference"] or 0, fault["recomputed"]
    since = "" if noted == recomputed else f"; when it was imported, it was {_compared(noted, currency)}"
    received = money(fault["amount"], currency)
    return f"{_order(fault)}: {received} received, which is {_compared(recomputed, currency)}{since}"


def _compared(minor: int, currency: str) -> str:
    if minor == 0:
        return "the amount of its cart"
    return f"{money(abs(minor), currency)} {'more' if minor > 0 else 'less'} than its cart"


def _tell_refund(fault: Fault) -> str:
    if fault["refund_id"]:
        return f"Refund {fault['refund_id']} has waited {fault['days']} days for a decision"
    counted = f"{fault['restored']} restored by the order, {fault['put_back']} by the ledger"
    return f"{_order(fault)}, {fault['code']}: {counted}, of {fault['taken']} sold"


def _tell_twins(fault: Fault) -> str:
    return f"{fault['name']} belongs to the orders {', '.join(map(str, fault['order_ids']))}"


def _tell_waiting(fault: Fault) -> str:
    return f"Case {fault['alert_id']} has been open for {fault['hours']} hours: {fault['sentence']}"


def _tell_backup(fault: Fault) -> str:
    if fault["proven_at"] is None:
        return f"No backup has been verified, and the shop is older than {fault['days']} days"
    return f"The last backup was verified on {fault['proven_at'][:10]}, more than {fault['days']} days ago"


def _tell_hold(fault: Fault) -> str:
    return f"{fault['sku']} has {fault['reserved']} reserved, but its active holds add up to {fault['held']}"


def _tell_rollup(fault: Fault) -> str:
    return f"{fault['sku'] or 'The whole shop'} on {fault['day']}: {_ROLLUP_FAULTS[fault['fault']]}"


_ROLLUP_FAULTS = {
    "missing": "the day is missing from the daily figures",
    "invented": "the daily figures have a day without movements",
    "closing": "the daily closing level is wrong",
    "units": "the daily units are wrong",
    "shop": "the daily units are wrong",
}


def _tell_door(fault: Fault) -> str:
    who, name, where = " and ".join(fault["who"]), fault["name"], fault["relation"]
    if fault["kind"] in ("function", "trigger", "rule", "view"):
        return f"{who} can {_USES[fault['kind']].format(name=name, where=where)}, which leads to {fault['through']}"
    return f"{who} {_RIGHTS[fault['kind']].format(name=name)}"


_USES = {
    "function": "call {name}",
    "trigger": "write {where}, whose trigger calls {name}",
    "rule": "write {name}, which has a rule",
    "view": "write the view {name}",
}
_RIGHTS = {
    "call": "may execute {name}",
    "write": "may write {name} without the ledger",
    "member": "may act as {name}",
}


def _tell_cost(fault: Fault) -> str:
    sku = fault["sku"] or "A removed variant"
    if fault["fault"] == "month":
        return f"{sku}, month of {fault['month'][:7]}: the kept money is not that of its movements"
    return f"{sku}, movement no. {fault['variant_sequence']}: {_COST_FAULTS[fault['fault']]}"


_COST_FAULTS = {
    "average": "the average cost after it does not follow",
    "level": "its cost was computed with another level",
    "invented": "it has a cost, but it does not exist",
    "missing": "its cost is missing",
}

CHECKS: dict[str, tuple[str, Callable[[Fault], str]]] = {
    "R1": ("Every level is the sum of its movements", _tell_level),
    "R2": ("No movement was edited, removed or inserted", _tell_chain),
    "R3": ("Every payment since going live became an order", _tell_payment),
    "R4": ("Every unit of a cart is sold, oversold or in a case", _tell_units),
    "R5": ("Every cart adds up to what was paid", _tell_amount),
    "R6": ("No unsold unit came back, and no refund waits too long", _tell_refund),
    "R7": ("No payment belongs to two orders", _tell_twins),
    "R8": ("No urgent case waits too long", _tell_waiting),
    "R9": ("The last verified backup is recent enough", _tell_backup),
    "R10": ("Every reserved unit belongs to an active hold", _tell_hold),
    "R11": ("The daily figures match the ledger", _tell_rollup),
    "R12": ("Only the named roles can move stock", _tell_door),
    "R13": ("Every average cost follows from its receipts", _tell_cost),
}
