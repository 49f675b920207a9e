"""The numbers of the reports once more, in plain Python from the movements alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.support.builders import Shop

_MOVEMENTS = """
    select m.id, m.sku, p.name as product, m.movement_type as type, m.reason, m.quantity, m.reverses_id, m.performed_by,
           m.occurred_at, exists (select from stock_movements u where u.reverses_id = m.id) as is_undone
      from stock_movements m join product_variants v on v.id = m.variant_id join products p on p.id = v.product_id
     order by m.occurred_at, m.variant_sequence"""


@dataclass(frozen=True)
class Moved:
    """A movement, with the day of the shop on which it happened."""

    id: int
    sku: str
    product: str
    type: str
    reason: str
    quantity: int
    reverses_id: int | None
    performed_by: str
    occurred_at: datetime
    is_undone: bool
    day: date

    @property
    def stands(self) -> bool:
        """Whether it is neither undone nor an undo."""
        return not self.is_undone and self.reverses_id is None


def movements(shop: Shop, zone: str) -> dict[str, list[Moved]]:
    """Every movement of the shop by SKU, in the order in which they happened."""
    found: dict[str, list[Moved]] = {}
    for row in shop.rows(_MOVEMENTS):
        moved = Moved(**row._mapping, day=row.occurred_at.astimezone(ZoneInfo(zone)).date())
        found.setdefault(moved.sku, []).append(moved)
    return found


def level(rows: Sequence[Moved], before: date) -> int:
    """The level when a day began."""
    return sum(row.quantity for row in rows if row.day < before)


def units(rows: Sequence[Moved], first: date, last: date, *types: str) -> int:
    """The units that movements of these types brought or took, with their sign."""
    return sum(row.quantity for row in rows if first <= row.day <= last and row.type in types)


def days(rows: Sequence[Moved], first: date, last: date) -> tuple[int, int]:
    """Days in stock and days out, from the first movement on."""
    there = out = 0
    for n in range((last - first).days + 1):
        day = first + timedelta(days=n)
        if day < rows[0].day:
            continue
        on_hand = level(rows, day)
        seen = [on_hand]
        for row in rows:
            if row.day == day:
                on_hand += row.quantity
                seen.append(on_hand)
        there, out = (there + 1, out) if max(seen) > 0 else (there, out + 1)
    return there, out


def ages(rows: Sequence[Moved], last: date) -> dict[date, int]:
    """The units left at the end of a day by the day on which they came: a queue, first in, first out.

    What goes out leaves from the old end; what comes back goes to where it left, and what was undone never came.
    Goods that came back before any were sold are as old as the first movement.
    """
    queue: deque[date] = deque()
    gone: list[date] = []
    by_id = {row.id: row for row in rows}
    undone = {row.reverses_id for row in rows if row.day <= last}
    for row in rows:
        if row.day > last:
            continue
        if row.quantity > 0 and row.id in undone and row.type in ("purchase", "adjustment", "count"):
            continue
        undoes = by_id.get(row.reverses_id or 0)
        if row.quantity < 0 and undoes is not None and undoes.type in ("purchase", "adjustment", "count"):
            continue
        for _ in range(abs(row.quantity)):
            if row.quantity < 0:
                gone.append(queue.popleft())
            elif row.type in ("purchase", "adjustment", "count") and undoes is None:
                queue.append(row.day)
            else:
                queue.appendleft(gone.pop() if gone else rows[0].day)
    found: dict[date, int] = {}
    for day in queue:
        found[day] = found.get(day, 0) + 1
    return found


def classes(sold: dict[str, int]) -> dict[str, str]:
    """The class of each name: A until 80 % of the units, B until 95 %, C, and D without any."""
    total, before, found = sum(sold.values()), 0, {}
    for name, count in sorted(sold.items(), key=lambda each: -each[1]):
        share = before / total
        found[name] = "D" if not count else "A" if share < 0.8 else "B" if share < 0.95 else "C"
        before += count
    return found
