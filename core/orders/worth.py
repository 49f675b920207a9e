"""Which units the money of a refund fits, for the form to propose. It asks no database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from core.foundation.sales import Disposition
from core.orders.reads import OrderLine
from core.orders.refund_reads import Decided, RefundRow

_MOST_SUMS = 5_000
"""So many different sums are compared. Beyond it, the cheapest combinations are dropped."""
COUNTED = (Disposition.RESTOCK, Disposition.DAMAGED, Disposition.NOT_RETURNED)
"""The decisions that use up a refund's money, as in `stockroom_api.refuse_unpaid`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """The units of each line that a refund's money fits. `is_whole`: all money went back. `is_sure`: no other fits."""

    units: Mapping[int, int] = field(default_factory=dict)
    is_whole: bool = False
    is_sure: bool = True

    @property
    def total(self) -> int:
        """All units of it."""
        return sum(self.units.values())


def propose(refund: RefundRow, lines: Sequence[OrderLine], decided: Sequence[Decided] = ()) -> Proposal:
    """Return the largest combination of undecided units that the money of a refund fits.

    A sum fits exactly if it is the refund with or without its share of what was paid on top, such as shipping or tax.
    Such a sum is taken before a larger one that is only below the refund.
    """
    left = {line.line_id: open_units(line) for line in lines}
    paid = refund.paid or 0
    if refund.amount >= paid:
        return Proposal(units=left, is_whole=True)
    worth = {line.line_id: line.unit_worth or Decimal(0) for line in lines}
    codes = {line.sku or line.code: line.line_id for line in lines}
    spent = sum(
        (worth.get(codes.get(each.code or "", 0), Decimal(0)) * each.quantity
         for each in decided if each.refund_id == refund.id and each.stands and each.disposition in COUNTED),
        Decimal(0),
    )  # fmt: skip
    goods = sum((worth[line.line_id] * line.quantity for line in lines), Decimal(0))
    share = max(Decimal(paid) / goods, Decimal(1)) if goods else Decimal(1)
    sums = _sums(left, worth, refund.amount - spent)
    exact = [total for total, (units, _) in sums.items() if units and _is_all_of(refund.amount - spent, total, share, sum(units.values()))]
    best, is_only = sums[max(exact or sums)]
    return Proposal(units=best, is_sure=is_only)


def open_units(line: OrderLine) -> int:
    """Return the units of a line without a decision: of those that left the shelf, else of those that were paid."""
    return line.undecided if line.taken else max(line.quantity - line.spoken_for, 0)


def _is_all_of(money: Decimal, total: Decimal, share: Decimal, units: int) -> bool:
    return any(abs(money - each) <= units for each in (total, total * share))


def _sums(
    left: Mapping[int, int], worth: Mapping[int, Decimal], money: Decimal
) -> dict[Decimal, tuple[dict[int, int], bool]]:
    """Return the sums of units up to `money`, each with one combination and whether it is the only one."""
    sums: dict[Decimal, tuple[dict[int, int], bool]] = {Decimal(0): ({}, True)}
    for line_id, most in sorted(left.items(), key=lambda each: -worth[each[0]]):
        found = dict(sums)
        for total, (units, is_only) in sums.items():
            for count in range(1, most + 1):
                more = total + worth[line_id] * count
                if more > money + count + sum(units.values()):
                    break
                is_new = more not in found
                found[more] = (units | {line_id: count}, is_only) if is_new else (found[more][0], False)
        sums = dict(sorted(found.items(), reverse=True)[:_MOST_SUMS])
        sums.setdefault(Decimal(0), ({}, True))
    return sums
