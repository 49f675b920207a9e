"""A month for the accountant: opening, purchases, sales, losses, counts and closing, in units and money."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, text

from core.foundation.errors import invalid
from core.foundation.model import Actor
from core.ledger import reports
from core.people.access import Permission
from core.people.guard import require

PARTS = ("purchases", "sales", "restorations", "losses", "adjustments", "counts")
"""What moved units in a month. Units out and what they cost are negative."""
UNITS = ("opening_units", *(f"{part}_units" for part in PARTS), "closing_units", "uncosted")
VALUES = ("opening_value", *(f"{part}_value" for part in PARTS), "cost_changes_value", "closing_value")
NAMES = ("variant_id", "sku", "product", "brand", "size", "color")
COLUMNS = (
    *NAMES, "opening_units", "opening_value",
    *(name for part in PARTS for name in (f"{part}_units", f"{part}_value")),
    "cost_changes_value", "closing_units", "closing_value", "uncosted", "movements", "chain_hash",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """A month of the shop. `rows` has the values of `COLUMNS` for every variant that ever moved, in the order of ids.

    A value is None where no cost is known. `head_hash` is that of the ledger when the month was read, at `read_at`.
    """

    shop: str
    zone: str
    currency: str
    month: date
    read_at: datetime
    head_hash: str
    rows: tuple[dict[str, Any], ...]

    def total(self, name: str) -> Decimal | int:
        """Return the sum of a column."""
        return sum((row[name] or 0 for row in self.rows), start=Decimal(0) if name in VALUES else 0)


def read(connection: Connection, actor: Actor, *, month: date) -> Month:
    """Return a month that is over, in one snapshot. `month` is any day of it. Call it first in its transaction.

    Raises InvalidInput for a month that is not over, Forbidden, SignInRequired.
    """
    connection.exec_driver_sql("set transaction isolation level repeatable read")
    require(connection, actor, Permission.EXPORT_ALL)
    shop = reports.shop(connection, actor)
    first = month.replace(day=1)
    if next_month(first) > shop.today:
        raise invalid("month", f"{first:%Y-%m} is not over yet")
    found = connection.execute(text("select * from stockroom_api.month_accounts(:month)"), {"month": first})
    rows = tuple({**row, "variant_id": str(row["variant_id"])} for row in found.mappings())
    return Month(
        shop=shop.name,
        zone=shop.zone,
        currency=shop.currency,
        month=first,
        read_at=datetime.now(UTC),
        head_hash=head_of(row["chain_hash"] for row in rows),
        rows=rows,
    )


def next_month(first: date) -> date:
    """Return the first day of the month after."""
    return (first + timedelta(days=31)).replace(day=1)


def head_of(hashes: Iterable[str]) -> str:
    """Return the head hash of a ledger: the hash over the last hash of every variant, in the order of their ids."""
    return hashlib.sha256(b"".join(bytes.fromhex(each) for each in hashes)).hexdigest()
