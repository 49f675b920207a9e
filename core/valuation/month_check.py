"""Proves a month's file: against itself, and against the ledger. What came into the month later is named."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from core.database.engine import array, call
from core.foundation.model import Actor
from core.people.access import Permission
from core.people.guard import require
from core.valuation import month as months
from core.valuation.month import PARTS, UNITS, VALUES, Month, head_of
from core.valuation.month_file import digest

MOST = 20
"""The most faults that are named."""
_HASHES = "select * from stockroom_api.hashes_of(%(variants)s::uuid[], %(sequences)s::int[])"
_LATE = "select * from stockroom_api.late_movements(%(month)s, %(variants)s::uuid[], %(sequences)s::int[])"


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """A movement of the month, or before it, that was recorded after the file was made.

    `part` is the column of the file that it changes, `opening` if it happened before the month.
    """

    movement_id: int
    variant_id: Any
    sku: str
    part: str
    reason: str
    quantity: int
    value_change: Decimal | None
    revalued: Decimal
    occurred_at: datetime
    recorded_at: datetime
    performed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What the check of a file found. It is proven if there is no fault; `late` says what the month has got since."""

    month: Month
    faults: tuple[str, ...]
    late: tuple[Late, ...]


def inner_faults(month: Month, figures: str) -> tuple[str, ...]:
    """Return what is wrong with a file, without a database: a row or a hash that does not add up."""
    faults = [f"{row['sku']}: {why}" for row in month.rows for why in _sums(row)]
    if head_of(row["chain_hash"] for row in month.rows) != month.head_hash:
        faults.append("the hashes of the variants do not give the head hash")
    if not faults and digest(month.rows) != figures:
        faults.append("a figure was changed after the file was made")
    return tuple(faults[:MOST])


def _sums(row: Mapping[str, Any]) -> Iterator[str]:
    units = row["opening_units"] + sum(row[f"{part}_units"] for part in PARTS)
    if units != row["closing_units"]:
        yield f"its units add up to {units:,}, not to the closing {row['closing_units']:,}"
    value = sum((row[name] or Decimal(0) for name in VALUES[:-1]), start=Decimal(0))
    if value != (row["closing_value"] or 0):
        yield f"its values add up to {value:,}, not to the closing {row['closing_value'] or 0:,}"


def verify(connection: Connection, actor: Actor, *, month: Month, figures: str) -> Verified:
    """Compare a file with the ledger: its hashes, and every figure as it was when the file was made.

    Call it first in its transaction. Raises Forbidden, SignInRequired.
    """
    present = months.read(connection, actor, month=month.month)
    require(connection, actor, Permission.EXPORT_ALL)
    ends = {
        "month": month.month,
        "variants": array(row["variant_id"] for row in month.rows),
        "sequences": array(row["movements"] for row in month.rows),
    }
    hashes = {str(variant): known for variant, known in call(connection, _HASHES, ends)}
    names = tuple(Late.__dataclass_fields__)
    late = tuple(Late(**dict(zip(names, row, strict=True))) for row in call(connection, _LATE, ends))
    faults = [*inner_faults(month, figures)]
    faults += [
        f"{row['sku']}: the ledger no longer has movement no. {row['movements']} as it was"
        for row in month.rows
        if hashes[row["variant_id"]] != row["chain_hash"]
    ]
    faults += _differences(month, present, late)
    if month.currency != present.currency:
        faults.append(f"it is in {month.currency}, but the shop counts in {present.currency}")
    return Verified(month=month, faults=tuple(dict.fromkeys(faults))[:MOST], late=late)


def _differences(month: Month, present: Month, late: tuple[Late, ...]) -> Iterator[str]:
    """Yield each figure of the file that is not the ledger's, less what came later."""
    since: defaultdict[str, defaultdict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for each in late:
        added = since[str(each.variant_id)]
        value = each.value_change or Decimal(0)
        if each.part == "opening":
            added["opening_units"] += each.quantity
            added["opening_value"] += value + each.revalued
        else:
            added[f"{each.part}_units"] += each.quantity
            added[f"{each.part}_value"] += value
            added["cost_changes_value"] += each.revalued
            added["uncosted"] += abs(each.quantity) if each.value_change is None else 0
        added["closing_units"] += each.quantity
        added["closing_value"] += value + each.revalued
    now = {row["variant_id"]: row for row in present.rows}
    for row in month.rows:
        known = now.get(row["variant_id"])
        if known is None:
            yield f"{row['sku']}: the shop has no such variant"
            continue
        for name in (*UNITS, *VALUES):
            was = (known[name] or Decimal(0)) - since[row["variant_id"]][name]
            if was != (row[name] or 0):
                title = name.replace("_", " ")
                yield f"{row['sku']}: {title} is {row[name] or 0:,} in the file and {was:,} by the ledger"
