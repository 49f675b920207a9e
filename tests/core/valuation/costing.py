"""The moving average a second time, in plain Python: what each movement is worth, and the average after it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Context, Decimal

_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)
_TWENTY = Decimal("1e-20")


@dataclass
class Step:
    """Something that made an average: a receipt at a cost (None is the average), or a cost that was set."""

    before: int
    quantity: int
    cost: Decimal | None
    place: int
    undone: int | None = None


@dataclass
class Change:
    """What a movement or a set cost did to the value of the shelf; None is not known."""

    at: datetime
    kind: str
    units: int
    value: Decimal | None
    revalued: Decimal = Decimal(0)


@dataclass
class Model:
    """One variant: its level, its average, and every change of its value."""

    digits: int
    catalogue: Decimal | None = None
    level: int = 0
    average: Decimal | None = None
    steps: list[Step] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    receipts: dict[int, Step] = field(default_factory=dict)

    @property
    def value(self) -> Decimal | None:
        """What the units on hand are worth, if their cost is known."""
        return None if self.average is None else self.worth(self.level, self.average)

    def rounded(self, amount: Decimal) -> Decimal:
        return amount.quantize(Decimal(1).scaleb(-self.digits), ROUND_HALF_UP, _EXACT)

    def worth(self, units: int, average: Decimal | None) -> Decimal:
        return self.rounded(_EXACT.multiply(Decimal(units), average)) if average is not None else Decimal(0)

    def averaged(self, average: Decimal | None, before: int, quantity: int, cost: Decimal | None) -> Decimal | None:
        if cost is None:
            return average
        if average is None or before == 0:
            return cost
        value = self.worth(before, average) + self.worth(quantity, cost)
        return _EXACT.divide(value, Decimal(before + quantity)).quantize(_TWENTY, ROUND_HALF_UP, _EXACT)

    def move(
        self, at: datetime, quantity: int, kind: str, *, cost: Decimal | None = None, receipt: bool = False
    ) -> int:
        """Post a movement and return its number."""
        number, before, average = len(self.changes), self.level, self.average
        self.level += quantity
        paid = None
        if quantity > 0 and (receipt or average is None):
            paid = cost if cost is not None else self.catalogue
            self.average = self.averaged(average, before, quantity, paid)
            if self.average is not None:
                step = Step(before, quantity, paid, number)
                self.steps.append(step)
                if receipt:
                    self.receipts[number] = step
        share = None
        if paid is not None:
            share = self.worth(quantity, paid)
        elif average is not None:
            share = self.worth(self.level, average) - self.worth(before, average)
        self._note(at, kind, quantity, share, before, average)
        return number

    def undo(self, at: datetime, number: int, kind: str) -> None:
        """Take back a movement. A receipt that brought a cost is left out of the average from now on."""
        step = self.receipts.get(number)
        if step is None:
            self.move(at, -self.changes[number].units, kind)
            return
        before, average, place = self.level, self.average, len(self.changes)
        self.level -= step.quantity
        step.undone = place
        dead = [each for each in self.steps if each.undone is not None]
        self.average = None
        for each in self.steps:
            if each.undone is None:
                absent = sum(d.quantity for d in dead if d.place < each.place < (d.undone or 0))
                self.average = self.averaged(self.average, max(each.before - absent, 0), each.quantity, each.cost)
        share = (
            -self.worth(step.quantity, step.cost)
            if step.cost is not None
            else self.worth(self.level, average) - self.worth(before, average)
        )
        self._note(at, kind, -step.quantity, share, before, average)

    def set_cost(self, at: datetime, cost: Decimal) -> None:
        """Give one unit a cost by hand."""
        change = self.worth(self.level, cost) - self.worth(self.level, self.average)
        self.average = cost
        self.changes.append(Change(at, "set", 0, Decimal(0), change))
        self.steps.append(Step(0, 0, cost, len(self.changes) - 1))

    def _note(
        self, at: datetime, kind: str, units: int, share: Decimal | None, before: int, old: Decimal | None
    ) -> None:
        whole = self.worth(self.level, self.average) - self.worth(before, old)
        self.changes.append(Change(at, kind, units, share, whole - (share or Decimal(0))))
