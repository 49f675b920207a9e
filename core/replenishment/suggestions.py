"""What to order of each variant, with every term of the sum. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Connection

from core.database.engine import array, call, rows_of
from core.foundation.errors import invalid
from core.foundation.model import Actor
from core.people.access import Permission
from core.people.guard import require
from core.replenishment.terms import Whose

LONGEST = 3_700
NO_SUPPLIER = "-"
"""Stands for variants without a supplier where a supplier is chosen."""
_SUGGESTIONS = """
    select l.sku, l.barcode, l.product, l.brand, l.size, l.color, l.unit_cost, s.*
      from stockroom_api.order_suggestions(cast(%(variants)s as uuid[]), %(since)s, %(until)s) s
      join stockroom_api.levels l on l.variant_id = s.variant_id
     order by s.suggested > 0 desc, s.supplier nulls last, l.product, l.sku"""


class Method(StrEnum):
    """How the demand of a day was computed: the average of the days in stock, or Croston's method for rare sales."""

    AVERAGE = "average"
    CROSTON = "croston"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """What to order of a variant: `rate` x (`lead_days` + `cover_days`) = `needed`, less `available` and `expected`.

    Rounded up to packs, it is `suggested`, in units. `expected_later` units come after these days and do not count.
    `interval_days` is the average number of days in stock from one day with sales to the next.
    """

    sku: str
    barcode: str | None
    product: str
    brand: str | None
    size: str | None
    color: str | None
    unit_cost: Decimal | None
    variant_id: UUID
    supplier: str | None
    supplier_of: Whose
    days_in_stock: int
    sold: int
    sale_days: int
    interval_days: Decimal | None
    method: Method
    rate: Decimal
    lead_days: int
    lead_of: Whose
    cover_days: int
    cover_of: Whose
    needed: Decimal
    available: int
    expected: int
    expected_later: int
    pack_size: int
    pack_of: Whose
    suggested: int

    @property
    def missing(self) -> Decimal:
        """What is needed and neither available nor expected, not below 0."""
        return max(self.needed - self.available - self.expected, Decimal(0))

    @property
    def packs(self) -> int:
        """How many packs are suggested."""
        return self.suggested // self.pack_size


def suggest(
    connection: Connection,
    actor: Actor,
    *,
    since: date,
    until: date,
    variant_ids: Sequence[UUID] | None = None,
    supplier: str | None = None,
) -> tuple[Suggestion, ...]:
    """Return what to order of each active variant, by the demand of `since` <= day < `until`.

    Variants to order come first, by supplier. `variant_ids` None is all variants; `supplier` None is all suppliers, and
    `NO_SUPPLIER` those without one. Raises InvalidInput for days in the wrong order or more than ten years.
    """
    require(connection, actor, Permission.VIEW)
    if not timedelta() < until - since <= timedelta(days=LONGEST):
        raise invalid("days", "must be one day to ten years")
    ids = None if variant_ids is None else array(variant_ids)
    rows = call(connection, _SUGGESTIONS, {"variants": ids, "since": since, "until": until})
    found = rows_of(Suggestion, rows, method=Method, supplier_of=Whose, lead_of=Whose, cover_of=Whose, pack_of=Whose)
    return found if supplier is None else tuple(row for row in found if (row.supplier or NO_SUPPLIER) == supplier)
