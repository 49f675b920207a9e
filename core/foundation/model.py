"""The types of the domain: values that cross a boundary between packages, all frozen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, NewType
from uuid import UUID

VariantId = NewType("VariantId", UUID)
MovementId = NewType("MovementId", int)

MAX_UNITS = 1_000_000
"""The most units one line may move. It guards against overflow; a typing error such as 160,000 must be seen."""
MAX_LINES = 100_000
"""The most lines one manual operation may have."""
MAX_NOTE = 1_000
"""Characters in a note; the table's CHECK says the same."""


class MovementType(StrEnum):
    """The type of a movement."""

    PURCHASE = "purchase"
    SALE = "sale"
    RESTORATION = "restoration"
    ADJUSTMENT = "adjustment"
    COUNT = "count"


class Role(StrEnum):
    """The role of a person. core/people/access.py lists what each role may do."""

    WAREHOUSE = "warehouse"
    SUPPORT = "support"
    MANAGER = "manager"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts. Without a `user_id` it is the shop's own command line, trusted by its database credentials."""

    name: str
    role: Role = Role.ADMIN
    user_id: int | None = None
    session_id: int | None = None
    email: str | None = None


COMMAND_LINE = Actor(name="Command line")
"""The actor of `python -m core ...`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of an operation: a variant and a signed number of units. `unit_cost`: of a unit of a receipt."""

    variant_id: UUID
    quantity: int
    unit_cost: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelLine:
    """One variant to set to `target` units, provided that its level is still `seen`."""

    variant_id: UUID
    target: int
    seen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """One movement that was just written."""

    movement_id: int
    variant_id: UUID
    sku: str
    movement_type: MovementType
    reason: str
    quantity: int
    quantity_before: int
    quantity_after: int
    variant_sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """The result of an operation. `replayed`: it was done before under the same key, and nothing new was written."""

    operation_id: int
    replayed: bool
    movements: tuple[Posted, ...]

    @classmethod
    def from_rows(cls, rows: Sequence[Any]) -> Posting:
        """Build from rows of the SQL type `stockroom_api.posting`."""
        names = Posted.__dataclass_fields__
        movements = (dict(zip(names, row[2:], strict=True)) for row in rows)
        return cls(
            operation_id=rows[0][0],
            replayed=rows[0][1],
            movements=tuple(
                Posted(**each | {"movement_type": MovementType(each["movement_type"])}) for each in movements
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A reason for movements. `sign`: 1 only in, -1 only out, 0 either. `by_hand`: offered in forms."""

    movement_type: MovementType
    reason: str
    label: str
    sign: int
    note_required: bool
    by_hand: bool
    is_active: bool


class LevelState(StrEnum):
    """The state of a level, from its units on hand. Low: some are left, but not more than the reorder point."""

    HEALTHY = "healthy"
    LOW = "low"
    OUT = "out"


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelRow:
    """One variant as the Stock page lists it. `state` is a value of LevelState, `picture` an address.

    Levels are in units. Those `in_inspection` came back and are not on hand until somebody decides. `sold`, `trend`
    (closing levels) and `days_in_stock` are of the last 30 days.
    """

    variant_id: UUID
    product_id: UUID
    sku: str
    barcode: str | None
    product: str
    brand: str | None
    size: str | None
    color: str | None
    price: Decimal | None
    unit_cost: Decimal | None
    on_hand: int
    reserved: int
    available: int
    reorder_point: int
    is_active: bool
    movement_count: int
    last_moved_at: datetime | None
    last_counted_at: datetime | None
    state: str
    shelf_place: str | None = None
    picture: str | None = None
    in_inspection: int = 0
    average_cost: Decimal | None = None
    sold: int = 0
    trend: tuple[int, ...] = ()
    days_in_stock: int = 0

    @property
    def cover_days(self) -> float | None:
        """Days until the available units are sold, at the rate of the days in stock; None if nothing was sold."""
        return self.available * self.days_in_stock / self.sold if self.sold > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One row of the ledger as the Movements page lists it."""

    movement_id: int
    variant_id: UUID
    sku: str
    product: str
    brand: str | None
    size: str | None
    movement_type: MovementType
    reason: str
    reason_label: str
    quantity: int
    quantity_before: int
    quantity_after: int
    variant_sequence: int
    operation_id: int
    reference_type: str | None
    reference_id: str | None
    reverses_id: int | None
    reversed_by: int | None
    order_id: int | None
    performed_by: str
    note: str | None
    occurred_at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """The shop's own settings. Its days begin and end in the time zone `zone`."""

    name: str
    zone: str
    currency: str
    is_sample: bool
    today: date


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFlow:
    """Units in and out of one movement type on one day of the shop."""

    day: date
    movement_type: MovementType
    units_in: int
    units_out: int
