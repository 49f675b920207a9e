"""What each check is called, and each fault it finds as a sentence with the names people look for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.carts.values import money

Fault = dict[str, Any]


def _tell_level(fault: Fault) -> str:
    added_up = f"its movements add up to {fault['total']}, and the last one left it at {fault['last_after']}"
    return f"{fault['sku']} stands at {fault['level']}; {added_up}"


def _tell_chain(fault: Fault) -> str:
    if fault["faults"] == ["head"]:
        return f"What run {fault['variant_sequence']} proved is not what its head hash says any more"
    if fault["faults"] == ["end"]:
        return (
            f"{fault['sku']}: the ledger does not end with movement no. {fault['variant_sequence']}, as it was written"
        )
    told = ", ".join(_LINK_FAULTS[name] for name in fault["faults"])
    named = "" if fault["movement_id"] is None else f" (id {fault['movement_id']})"
    return f"{fault['sku']}, movement no. {fault['variant_sequence']}{named}: {told}"


_LINK_FAULTS = {
    "sequence": "the one before it is missing",
    "balance": "it does not begin where the one before it ended",
    "hash": "its hash does not follow",
    "proven": "it, or one before it, is not what an earlier run proved",
}


def _tell_payment(fault: Fault) -> str:
    why = "its message counts as applied" if fault["state"] == "done" else "its message is not applied"
    return f"Payment {fault['payment_id']} is no order: {why}"


def _order(fault: Fault) -> str:
    return f"Order {fault['number'] or fault['payment_id']}"


def _tell_units(fault: Fault) -> str:
    why = {
        "sold": f"the ledger sold {fault['sold']}, the order says {fault['taken']}",
        "units": f"{fault['taken']} taken and {fault['oversold']} oversold do not make {fault['quantity']}",
        "silent": f"{fault['quantity'] - fault['taken'] - fault['oversold']} wait, and no case is open for them",
    }[fault["fault"]]
    return f"{_order(fault)}, {fault['quantity']} of {fault['code']}: {why}"


def _tell_amount(fault: Fault) -> str:
    currency, noted, recomputed = fault["currency"], fault["difference"] or 0, fault["recomputed"]
    since = "" if noted == recomputed else f", where {_beside(noted, currency)} was noted when it came in"
    received = money(fault["amount"], currency)
    return f"{_order(fault)}: {received} received; against its cart that is {_beside(recomputed, currency)}{since}"


def _beside(minor: int, currency: str) -> str:
    if minor == 0:
        return "no difference"
    return f"{money(abs(minor), currency)} {'more' if minor > 0 else 'less'}"


def _tell_refund(fault: Fault) -> str:
    if fault["refund_id"]:
        return f"Refund {fault['refund_id']} waits for a decision since {fault['days']} days"
    counted = f"{fault['restored']} restored by the order, {fault['put_back']} by the ledger"
    return f"{_order(fault)}, {fault['code']}: {counted}, of {fault['taken']} sold"


def _tell_twins(fault: Fault) -> str:
    return f"{fault['name']} is behind the orders {', '.join(map(str, fault['order_ids']))}"


def _tell_waiting(fault: Fault) -> str:
    return f"Case {fault['alert_id']} is open for {fault['hours']} hours: {fault['sentence']}"


def _tell_backup(fault: Fault) -> str:
    if fault["proven_at"] is None:
        return f"No backup was ever proven, and the shop is older than {fault['days']} days"
    return f"The last proven backup is of {fault['proven_at'][:10]}, longer ago than {fault['days']} days"


def _tell_hold(fault: Fault) -> str:
    return f"{fault['sku']} has {fault['reserved']} reserved; its active holds keep {fault['held']}"


def _tell_rollup(fault: Fault) -> str:
    return f"{fault['sku'] or 'The whole shop'} on {fault['day']}: {_ROLLUP_FAULTS[fault['fault']]}"


_ROLLUP_FAULTS = {
    "missing": "the day is missing from the daily figures",
    "invented": "the daily figures have a day without movements",
    "closing": "the daily closing level is wrong",
    "units": "the daily units are wrong",
    "shop": "the daily units are wrong",
}

CHECKS: dict[str, tuple[str, Callable[[Fault], str]]] = {
    "R1": ("Every level is the sum of its movements", _tell_level),
    "R2": ("No movement was edited, removed or slipped in", _tell_chain),
    "R3": ("Every payment since going live became an order", _tell_payment),
    "R4": ("Every unit of a cart is sold, oversold or a case", _tell_units),
    "R5": ("Every cart is worth what was paid", _tell_amount),
    "R6": ("Nothing came back unsold, no refund is forgotten", _tell_refund),
    "R7": ("No payment is behind two orders", _tell_twins),
    "R8": ("No urgent case waits too long", _tell_waiting),
    "R9": ("The last proven backup is young enough", _tell_backup),
    "R10": ("What is reserved is what active holds keep", _tell_hold),
    "R11": ("The daily figures are those of the ledger", _tell_rollup),
}
