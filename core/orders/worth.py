"""Which units the money of a refund fits, for the form to propose. It asks no database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from core.foundation.sales import Disposition
from core.orders.reads import OrderLine
from core.orders.refund_reads import Decided, RefundRow

_MOST_SUMS = 300
"""So many different sums are compared, the largest. It bounds the work for a cart with hundreds of units."""
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


@dataclass(frozen=True, slots=True)
class _Combination:
    """Units of some lines: those of one line, and the combination before it. `is_only`: no other has this sum."""

    count: int = 0
    line_id: int = 0
    units: int = 0
    before: _Combination | None = None
    is_only: bool = True

    def by_line(self) -> dict[int, int]:
        """Return the units of each line."""
        return {} if self.before is None else self.before.by_line() | {self.line_id: self.units}


def propose(refund: RefundRow, lines: Sequence[OrderLine], decided: Sequence[Decided] = ()) -> Proposal:
    """Return the largest combination of undecided units that the money of a refund fits.

    A sum fits exactly if it is the refund, with or without its share of what was paid on top, such as shipping or tax.
    Such a sum is taken before a larger one that is only below the refund.
    """
    left = {line.line_id: open_units(line) for line in lines}
    paid = refund.paid or 0
    if refund.amount >= paid:
        return Proposal(units=left, is_whole=True)
    worth = {line.line_id: round(line.unit_worth or 0) for line in lines}
    money = refund.amount - _spent(refund, lines, decided)
    goods = sum(worth[line.line_id] * line.quantity for line in lines)
    share = max(paid / goods, 1.0) if goods else 1.0
    sums = _sums(left, worth, money)
    exact = [total for total, found in sums.items() if found.count and _is_exact(money, total, share, found.count)]
    best = sums[max(exact or sums)]
    return Proposal(units=best.by_line(), is_sure=best.is_only)


def open_units(line: OrderLine) -> int:
    """Return the units of a line without a decision: of those that left the shelf, else of those that were paid."""
    return line.undecided if line.taken else max(line.quantity - line.spoken_for, 0)


def _spent(refund: RefundRow, lines: Sequence[OrderLine], decided: Sequence[Decided]) -> int:
    """Return what the units cost that were already decided for this refund."""
    worth = {line.sku or line.code: round(line.unit_worth or 0) for line in lines}
    counted = (each for each in decided if each.refund_id == refund.id and each.stands and each.disposition in COUNTED)
    return sum(worth.get(each.code or "", 0) * each.quantity for each in counted)


def _is_exact(money: int, total: int, share: float, count: int) -> bool:
    return any(abs(money - each) <= count for each in (total, total * share))


def _sums(left: Mapping[int, int], worth: Mapping[int, int], money: int) -> dict[int, _Combination]:
    """Return the sums of units up to `money`, each with a combination. A minor unit for each unit is rounding."""
    nothing = _Combination()
    sums = {0: nothing}
    for line_id, most in sorted(left.items(), key=lambda each: -worth[each[0]]):
        found = dict(sums)
        for total, known in sums.items():
            for units in range(1, most + 1):
                more, count = total + worth[line_id] * units, known.count + units
                if more > money + count:
                    break
                first = found.get(more)
                found[more] = (
                    replace(first, is_only=False)
                    if first
                    else _Combination(count, line_id, units, known, known.is_only)
                )
        sums = dict(sorted(found.items(), reverse=True)[:_MOST_SUMS]) | {0: nothing}
    return sums
